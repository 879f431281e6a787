"""The trials of a Monte Carlo over process variation on one tile.

Two questions, kept apart. *Re-measured dies*: every trial is a new die with its own resistors and switches,
measured, scaled and programmed for itself, and simulated on its true values; this is the point of the
thesis. *A fixed program*: one die keeps its program while temperature, supply and age move.

A trial depends on the seed and its own number alone, so that any one can be drawn again, anywhere, for any engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import draw_die, measure
from rsscircuit.banks.drift import drifted
from rsscircuit.design import Crossbar, Design, MappedLayer, costs_of, program
from rsscircuit.errors import InputError
from rsscircuit.mapping import Tile, column_scale
from rsscircuit.seeds import stream
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import at_conditions
from rsscircuit.technology.corners import at_corners, refuse_far
from rsscircuit.technology.laws import cut_normal

Array = NDArray[np.float64]
Draw = Callable[[int], "Trial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Where a fixed program is taken: each trial draws uniformly between the two ends."""

    celsius: tuple[float, float] = (-40.0, 125.0)
    supply_volt: tuple[float, float] | None = None
    years: tuple[float, float] = (0.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One trial's crossbar, how its currents read as outputs, and what was drawn for it."""

    crossbar: Crossbar
    siemens_per_weight: Array
    technology: Technology
    drawn: dict[str, float]


def remeasured_dies(design: Design, layer: MappedLayer, tile: Tile, seed: int) -> Draw:
    """New dies, each of another lot, measured, scaled and programmed for itself; trials count from 1."""
    rows, columns = tile.window
    column_tiles = [other for other in layer.tiles if other.column == tile.column]
    corners, technology = design.corners, design.technology

    def draw(trial: int) -> Trial:
        reach = np.empty((len(layer.matrix.weights), tile.columns, 2))
        for other in column_tiles:
            place = design.floor_plan.place(seed, layer.name, other.index, die=trial, wafer=trial, lot=trial)
            present = layer.matrix.weights[other.window] != 0
            die = draw_die(design.bank, design.technology, present, place, design.terms)
            measured = measure(die, design.technology, design.bank, place)
            reach[other.window[0]] = measured.step_siemens.sum(axis=3)
            if other.index == tile.index:
                mine = die, measured
        weights = layer.matrix.weights[:, columns]
        scale = column_scale(weights, reach[:, :, 0], reach[:, :, 1], design.options["headroom"])
        targets = weights[rows] * scale
        plan = program(
            targets,
            mine[1],
            layer.rules,
            corners=at_corners(mine[1].step_siemens, technology, corners),
            costs=costs_of(mine[1], layer.rules, technology),
        )
        crossbar = Crossbar(
            layer=layer.name,
            index=tile.index,
            targets=targets,
            die=mine[0],
            measured=mine[1],
            closed=plan.closed,
        )
        return Trial(
            crossbar=crossbar,
            siemens_per_weight=scale,
            technology=design.technology,
            drawn={"die": float(trial), "misses": float((plan.beyond_reach | plan.beyond_tolerance).sum())},
        )

    return draw


def fixed_program(design: Design, layer: MappedLayer, tile: Tile, seed: int, conditions: Conditions) -> Draw:
    """The design's own die and program under temperature, supply and age.

    Every resistance is taken as its ratio to the feedback resistor, of the same branches on the same die, so
    that the common temperature coefficient cancels (:func:`rsscircuit.technology.cell.at_conditions`). What
    stays is the switch's unequal weight, its leakage, the wires and the branches' own drift.

    Raises:
        InputError: Conditions at which the switches no longer conduct or the coefficients no longer hold.
    """
    base = design.crossbar(layer, tile)
    technology = design.technology
    nominal = technology.drive.supply_volt
    supply_range = conditions.supply_volt or (0.9 * nominal, 1.1 * nominal)
    for name, ends in (("celsius", conditions.celsius), ("supply", supply_range)):
        refuse_far(name, max(ends, key=abs), technology, where=f"--{name}")
    try:
        for celsius, supply in product(conditions.celsius, supply_range):
            at_conditions(technology, celsius, supply)
    except ValueError as error:
        raise InputError("impossible conditions", got=str(error)) from error
    if conditions.years[0] < 0:
        raise InputError("age cannot be negative", where="--years", got=conditions.years[0])

    def draw(trial: int) -> Trial:
        generator = stream(seed, "drift", die=trial, layer=layer.name, tile=tile.index)
        celsius, supply, years = (
            low + (high - low) * generator.random()
            for low, high in (conditions.celsius, supply_range, conditions.years)
        )
        shape = base.die.on_siemens.shape
        moved, there = drifted(
            base.die,
            technology,
            celsius=celsius,
            supply_volt=supply,
            years=years,
            own_tc=cut_normal(generator, shape),
            own_age=cut_normal(generator, shape),
        )
        return Trial(
            crossbar=replace(base, die=moved),
            siemens_per_weight=layer.siemens_per_weight[tile.window[1]],
            technology=there,
            drawn={"celsius": celsius, "supply_volt": supply, "years": years},
        )

    return draw

"""The trials of a Monte Carlo over process variation on one tile.

Two questions, kept apart. *Re-measured dies*: every trial is a new die with its own resistors, switches, amplifiers
and converters, measured, scaled and programmed for itself, and simulated on its true values; this is the point of the
thesis. Its feedback resistors are its own as well: every branch is measured as its ratio to its column's, so that what
is left of them is the error of that ratio, a gain a column (:mod:`rsscircuit.banks.measurement`). *A fixed program*:
one die keeps its program, and its amplifiers their offsets, while temperature, supply and age move.

A trial depends on the seed and its own number alone, so that any one can be drawn again, anywhere, for any engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import Die, MeasuredBanks, draw_die, measure
from rsscircuit.banks.drift import drifted
from rsscircuit.design import (
    Crossbar,
    Design,
    MappedLayer,
    SwitchPlan,
    compensate,
    costs_of,
    largest_aims,
    lowered,
    program,
)
from rsscircuit.errors import InputError
from rsscircuit.mapping import Tile, column_scale, moments_of
from rsscircuit.seeds import stream
from rsscircuit.simulate.nodal import effective_siemens
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import NOMINAL_CELSIUS, Segments, at_conditions
from rsscircuit.technology.corners import at_corners, refuse_far
from rsscircuit.technology.laws import cut_normal
from rsscircuit.technology.readout import draw_offset_volt

Array = NDArray[np.float64]
Draw = Callable[[int], "Trial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Where a chip is taken: each trial draws uniformly between the two ends; no supply is the nominal one +- 10 %."""

    celsius: tuple[float, float] = (-40.0, 125.0)
    supply_volt: tuple[float, float] | None = None
    years: tuple[float, float] = (0.0, 10.0)

    def checked(self, technology: Technology) -> Conditions:
        """The same with its supply.

        Raises:
            InputError: Conditions at which the switches no longer conduct or the coefficients no longer hold.
        """
        nominal = technology.drive.supply_volt
        if self.years[0] < 0:
            raise InputError("age cannot be negative", where="--years", got=self.years[0])
        supply_range = self.supply_volt or (0.9 * nominal, 1.1 * nominal)
        for name, ends in (("celsius", self.celsius), ("supply", supply_range), ("years", self.years)):
            refuse_far(name, max(ends, key=abs), technology, where=f"--{name}")
        try:
            for celsius, supply in product(self.celsius, supply_range):
                at_conditions(technology, celsius, supply)
        except ValueError as error:
            raise InputError("impossible conditions", got=str(error)) from error
        return replace(self, supply_volt=supply_range)

    def draw(self, generator: np.random.Generator) -> dict[str, float]:
        """One trial's, by name."""
        ends = {"celsius": self.celsius, "supply_volt": self.supply_volt or (0.0, 0.0), "years": self.years}
        return {name: low + (high - low) * generator.random() for name, (low, high) in ends.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One trial's tile.

    Attributes:
        crossbar: Its true banks and program.
        siemens_per_weight: [cols], how its currents read as outputs.
        technology: At the trial's conditions.
        celsius: Its temperature.
        offset_volt: [cols], of its amplifiers.
        drawn: What else was drawn for it, by name.
    """

    crossbar: Crossbar
    siemens_per_weight: Array
    technology: Technology
    celsius: float
    offset_volt: Array
    drawn: dict[str, float]


def remeasured_dies(design: Design, layer: MappedLayer, tile: Tile, seed: int) -> Draw:
    """New dies, each of another lot, measured, scaled and programmed for itself; trials count from 1."""
    rows, columns = tile.window
    column_tiles = [other for other in layer.tiles if other.column == tile.column]
    weights, technology = layer.matrix.weights[:, columns], design.technology
    wires = design.segments if design.options.get("compensate_ir_drop") else None
    effective = None if wires is None else partial(_effective, wires, f"layer {layer.name}")

    def drawn(trial: int, other: Tile) -> tuple[Die, MeasuredBanks]:
        place = design.floor_plan.place(seed, layer.name, other.index, die=trial, wafer=trial, lot=trial)
        die = draw_die(design.bank, technology, layer.matrix.weights[other.window] != 0, place, design.terms)
        return die, measure(die, technology, design.bank, place)

    def choose(measured: MeasuredBanks, aims: Array, moments: Array | None = None) -> SwitchPlan:
        return program(
            aims,
            measured,
            layer.rules,
            corners=at_corners(measured.step_siemens, technology, design.corners),
            costs=costs_of(measured, layer.rules, technology),
            moments=moments,
        )

    def scaled(trial: int) -> tuple[Array, Die, MeasuredBanks]:
        reach = np.empty((*weights.shape, 2))
        for other in column_tiles:
            die, measured = drawn(trial, other)
            reach[other.window[0]] = measured.step_siemens.sum(axis=3)
            if other.index == tile.index:
                mine = die, measured
        scale = column_scale(weights, reach[:, :, 0], reach[:, :, 1], design.options["headroom"])
        if effective is None:
            return scale, *mine
        aims = [np.abs(weights * scale).max(axis=0)]
        for other in column_tiles:
            targets, measured = weights[other.window[0]] * scale, drawn(trial, other)[1]
            if targets.any():
                aims.append(largest_aims(targets, measured, choose(measured, targets), effective))
        return lowered(scale, aims), *mine

    def draw(trial: int) -> Trial:
        scale, die, measured = scaled(trial)
        targets = weights[rows] * scale
        moments = None if layer.moments is None else moments_of(layer.moments, tile)
        chosen = partial(choose, measured, moments=moments if design.options.get("joint_columns") else None)
        plan = chosen(targets) if effective is None else compensate(targets, measured, chosen, effective, moments)
        crossbar = Crossbar(
            layer=layer.name,
            index=tile.index,
            targets=targets,
            die=die,
            measured=measured,
            closed=plan.closed,
            aims=None if plan.compensation is None else plan.compensation.aims,
        )
        return Trial(
            crossbar=crossbar,
            siemens_per_weight=scale,
            technology=technology,
            celsius=NOMINAL_CELSIUS,
            offset_volt=draw_offset_volt(
                technology.readout, tile.columns, seed=seed, layer=layer.name, tile=tile.index, die=trial
            ),
            drawn={"die": float(trial), "misses": float((plan.beyond_reach | plan.beyond_tolerance).sum())},
        )

    return draw


def _effective(wires: Segments, where: str, banks: Array) -> Array:
    return effective_siemens(banks, wires.word_ohm, wires.bit_ohm, where=where)


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
    offset_volt = draw_offset_volt(
        technology.readout, tile.columns, seed=design.seed, layer=layer.name, tile=tile.index
    )
    conditions = conditions.checked(technology)

    def draw(trial: int) -> Trial:
        generator = stream(seed, "drift", die=trial, layer=layer.name, tile=tile.index)
        drawn = conditions.draw(generator)
        shape = base.die.on_siemens.shape
        moved, there = drifted(
            base.die,
            technology,
            **drawn,
            own_tc=cut_normal(generator, shape),
            own_age=cut_normal(generator, shape),
        )
        return Trial(
            crossbar=replace(base, die=moved),
            siemens_per_weight=layer.siemens_per_weight[tile.window[1]],
            technology=there,
            celsius=drawn["celsius"],
            offset_volt=offset_volt,
            drawn=drawn,
        )

    return draw

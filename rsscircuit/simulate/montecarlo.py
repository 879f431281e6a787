"""Monte Carlo over process variation on one tile.

Two questions, kept apart. *Re-measured dies*: every trial is a new die with its own resistors and switches,
measured, scaled and programmed for itself, and simulated on its true values; this is the point of the
thesis. *A fixed program*: one die keeps its program while temperature, supply and age move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import Die, draw_die, measure
from rsscircuit.design import Crossbar, Design, MappedLayer, costs_of, program
from rsscircuit.errors import InputError
from rsscircuit.mapping import Tile, column_scale
from rsscircuit.seeds import stream
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import NOMINAL_CELSIUS, at_conditions, resistors_at
from rsscircuit.technology.corners import at_corners

Array = NDArray[np.float64]


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


def remeasured_dies(design: Design, layer: MappedLayer, tile: Tile, trials: int, seed: int) -> Iterator[Trial]:
    """New dies, each of another lot, measured, scaled and programmed for itself."""
    rows, columns = tile.window
    column_tiles = [other for other in layer.tiles if other.column == tile.column]
    corners, technology = design.corners, design.technology
    for trial in range(1, trials + 1):
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
        yield Trial(
            crossbar=crossbar,
            siemens_per_weight=scale,
            technology=design.technology,
            drawn={"die": float(trial), "misses": float((plan.beyond_reach | plan.beyond_tolerance).sum())},
        )


def fixed_program(
    design: Design, layer: MappedLayer, tile: Tile, trials: int, seed: int, conditions: Conditions
) -> Iterator[Trial]:
    """The design's own die and program under temperature, supply and age.

    Every resistance is taken as its ratio to the feedback resistor, of the same branches on the same die, so
    that the common temperature coefficient cancels (:func:`rsscircuit.technology.cell.at_conditions`). What
    stays is the switch's unequal weight, its leakage, the wires and the branches' own drift.

    Raises:
        InputError: Conditions at which the switches no longer conduct or the coefficients no longer hold.
    """
    base = design.crossbar(layer, tile)
    technology, resistor = design.technology, design.technology.resistor
    nominal = technology.drive.supply_volt
    supply_range = conditions.supply_volt or (0.9 * nominal, 1.1 * nominal)
    try:
        for celsius, supply in product(conditions.celsius, supply_range):
            at_conditions(technology, celsius, supply)
    except ValueError as error:
        raise InputError("impossible conditions", got=str(error)) from error
    if conditions.years[0] < 0:
        raise InputError("age cannot be negative", where="--years", got=conditions.years[0])
    for trial in range(1, trials + 1):
        generator = stream(seed, "drift", die=trial, layer=layer.name, tile=tile.index)
        celsius, supply, years = (
            low + (high - low) * generator.random()
            for low, high in (conditions.celsius, supply_range, conditions.years)
        )
        shape = base.die.on_siemens.shape
        own_tc = resistor.sigma_tc_per_kelvin * generator.standard_normal(shape) * (celsius - NOMINAL_CELSIUS)
        aged = resistor.sigma_ageing_ten_years * np.sqrt(years / 10.0) * generator.standard_normal(shape)
        there = at_conditions(technology, celsius, supply)
        drawn = base.die.on_siemens > 0
        series = 1.0 / np.where(drawn, base.die.on_siemens, 1.0)
        drifted = (series - technology.switch.on_ohm) * (1.0 + own_tc + aged)
        resistance = resistors_at(drifted, technology, celsius, supply)
        moved = np.where(drawn, 1.0 / (resistance + there.switch.on_ohm), 0.0)
        leaking = np.where(drawn, there.switch.off_siemens, 0.0)
        yield Trial(
            crossbar=replace(base, die=Die(on_siemens=moved, off_siemens=leaking)),
            siemens_per_weight=layer.siemens_per_weight[tile.window[1]],
            technology=there,
            drawn={"celsius": celsius, "supply_volt": supply, "years": years},
        )


def run_trials(
    trials: Iterator[Trial],
    layer: MappedLayer,
    tile: Tile,
    drives: Array,
    simulate: Callable[[Trial, Array], Array],
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Simulate every trial and gather its error against the trained matrix.

    Args:
        trials: The trials.
        layer: Whose dies they are.
        tile: Which tile of it.
        drives: [cases, rows], fractions of the read voltage.
        simulate: Column currents, [cases, cols], of a trial at logical volts [cases, rows].
        progress: Called with 1 after each trial.

    Returns:
        ``relative_error`` of each trial (rms over cases and columns of the error, over the rms of the exact
        outputs), its ``mean``, ``standard_deviation``, ``worst`` and ``worst_trial`` (from 1), and what was
        ``drawn`` for each trial.
    """
    exact = drives @ layer.matrix.weights[tile.window]
    scale = float(np.sqrt(np.mean(exact**2)))
    errors, drawn = [], []
    for trial in trials:
        read_volt = trial.technology.drive.read_volt
        outputs = simulate(trial, read_volt * drives) / (read_volt * trial.siemens_per_weight)
        errors.append(float(np.sqrt(np.mean((outputs - exact) ** 2))) / scale)
        drawn.append(trial.drawn)
        if progress:
            progress(1)
    values = np.array(errors)
    return {
        "trials": len(errors),
        "mean": float(values.mean()),
        "standard_deviation": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        "worst": float(values.max()),
        "worst_trial": int(values.argmax()) + 1,
        "relative_error": errors,
        "drawn": drawn,
    }

"""Targets and measured banks in, switch plan out: the place where subset sums meet circuits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import MeasuredBanks
from rsscircuit.design.cells import TileCells
from rsscircuit.design.joint import settle_columns
from rsscircuit.design.rules import Rules
from rsscircuit.subsetsum import Status

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compensation:
    """How a tile was programmed against its wires; errors are those of the measured banks.

    Attributes:
        aims: [rows, cols], signed siemens that its pairs were programmed to.
        before, after: Mean square of the columns' errors with wires, summed, siemens squared (at full drive, a volt):
            without compensation, and as programmed; never more than before.
        rounds: How many times its pairs were chosen anew.
    """

    aims: Array
    before: float
    after: float
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SwitchPlan:
    """Which switches of one tile are closed.

    Attributes:
        closed: bool [rows, cols, 2, n]; polarity 0 adds, polarity 1 subtracts.
        residual_siemens: float64 [rows, cols], measured pair minus target.
        worst_siemens: float64 [rows, cols], largest magnitude of that over the nominal point and all corners.
        status: int8 [rows, cols] of :class:`rsscircuit.subsetsum.Status`.
        beyond_reach: bool [rows, cols], targets larger than the whole bank.
        beyond_tolerance: bool [rows, cols], targets within reach that the rules and the tolerance leave no
            subset for; they get the nearest there is.
        reach_siemens: float64 [rows, cols, 2], what each bank conducts with every switch closed that can be.
        solvers: The solvers that answered, and why those.
        unproved: Row and column of the cells whose solver gave up before a proof, and why.
        column_power: float64 [2, cols], e^T M e of the errors before and after columns were chosen as wholes
            (:mod:`rsscircuit.design.joint`); None where they were not.
        compensation: How it allows for wires (:mod:`rsscircuit.design.wires`); None where it does not.
    """

    closed: NDArray[np.bool_]
    residual_siemens: Array
    worst_siemens: Array
    status: NDArray[np.int8]
    beyond_reach: NDArray[np.bool_]
    beyond_tolerance: NDArray[np.bool_]
    reach_siemens: Array
    solvers: Mapping[str, str] = field(default_factory=dict)
    unproved: Mapping[tuple[int, int], str] = field(default_factory=dict)
    column_power: Array | None = None
    compensation: Compensation | None = None


def usable_siemens(measured: MeasuredBanks, stuck: NDArray[np.int8] | None) -> Array:
    """What closing each branch adds, [rows, cols, 2, n]; 0 for a switch that never closes."""
    result: Array = measured.step_siemens if stuck is None else np.where(stuck < 0, 0.0, measured.step_siemens)
    return result


def program(
    targets: Array,
    measured: MeasuredBanks,
    rules: Rules,
    *,
    stuck: NDArray[np.int8] | None = None,
    corners: Array | None = None,
    costs: Array | None = None,
    moments: Array | None = None,
) -> SwitchPlan:
    """Choose the switches of every cell of one tile.

    The pair is one problem: plus - minus is the target, and of all pairs of subsets within the tolerance
    the one with the least total conductance is taken (power, wires), or what else the rules ask for.

    Cell errors add up along a column, all the more as inputs are mostly positive and alike. So a column is
    programmed from its first row to its last with the error carried on: each cell aims against the sum of
    the errors before it, by at most half the tolerance, and is solved to the other half. A cell that finds
    nothing there is solved again for its own target with the whole tolerance. Every cell that has a subset
    within the tolerance of its own target gets one, and the sum along a column stays within about half a
    tolerance, where independent errors would grow with the root of the rows (first-order noise shaping). The
    mean signed error, which a least total would pull towards zero conductance, goes with it.

    With corners one choice has to serve the nominal point and all of them: a cell's error is then the largest of its
    errors. What is carried along a column is the nominal error.

    Args:
        targets: [rows, cols], signed siemens; zero where no bank is drawn.
        measured: The tile's banks as measured.
        rules: What is good enough, and which subset is wanted.
        stuck: int8 [rows, cols, 2, n], 1 for a switch that is always closed, -1 for one that never is.
        corners: float64 [rows, cols, 2, n, corners], what closing each branch adds elsewhere than at the nominal
            point (:func:`rsscircuit.technology.corners.at_corner`).
        costs: float64 [rows, cols, 2, n], what closing each branch costs, where the rules ask for the least
            (:func:`rsscircuit.design.rules.costs_of`).
        moments: float64 [rows, rows], second moments of the inputs, where columns are chosen as wholes once every cell
            has a choice (:mod:`rsscircuit.design.joint`).
    """
    tolerance, step = rules.tolerance_siemens, usable_siemens(measured, stuck)
    tile = TileCells(targets, step, rules, stuck, corners, costs)
    if tolerance > 0:
        half = tolerance / 2.0
        carried = np.zeros(targets.shape[1])
        for cells in tile.rows():
            tile.keep(cells, tile.solve(cells, targets[cells] - np.clip(carried[cells[1]], -half, half), half))
            missed = (tile.worst[cells] > tolerance) & (tile.status[cells] != Status.INFEASIBLE)
            if missed.any():  # no subset near where it aimed: at least near its own target, if there is one
                again = (cells[0][missed], cells[1][missed])
                tile.keep(again, tile.solve(again, targets[again], tolerance))
            carried[cells[1]] += tile.residual[cells]
    elif tile.drawn.any():
        all_cells = np.nonzero(tile.drawn)
        every = (all_cells[0], all_cells[1])
        tile.keep(every, tile.solve(every, targets[every], 0.0))
    reach = step.sum(axis=3)
    beyond_reach = (targets != 0) & (np.abs(targets) > np.where(targets > 0, reach[:, :, 0], reach[:, :, 1]))
    power = None if moments is None else settle_columns(tile, moments, beyond_reach)
    missed = tile.drawn & (((tile.worst > tolerance) & (tolerance > 0)) | (tile.status == Status.INFEASIBLE))
    return SwitchPlan(
        closed=tile.chosen.reshape(step.shape),
        residual_siemens=tile.residual,
        worst_siemens=tile.worst,
        status=tile.status,
        beyond_reach=beyond_reach,
        beyond_tolerance=missed & ~beyond_reach,
        reach_siemens=reach,
        solvers=tile.solvers,
        unproved=tile.unproved,
        column_power=power,
    )

"""Targets and measured banks in, switch plan out: the place where subset sums meet circuits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import MeasuredBanks
from rsscircuit.subsetsum import AUTO, Objective, Problem, Status, solve
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import ageing_siemens2

Array = NDArray[np.float64]
Cells = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the switches of every pair of a layer are chosen.

    Attributes:
        tolerance_siemens: Largest error of a pair that is good enough; 0 asks for the nearest of each.
        objective: Which of the subsets within the tolerance; LEAST_COST is that of the least expected drift.
        most_closed: Most closed switches a pair, both banks together; None does not bound them.
        most_siemens: Largest conductance a pair may have in total, both banks together; None likewise.
        solver: Name of a solver, or ``auto``.
    """

    tolerance_siemens: float
    objective: Objective = Objective.LEAST_TOTAL
    most_closed: int | None = None
    most_siemens: float | None = None
    solver: str = AUTO


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


def sought(objective: Objective, tolerance: float) -> Objective:
    """What is sought of a solver: without a tolerance the nearest, which is what ANY comes to by itself."""
    return objective if tolerance > 0 or objective is Objective.ANY else Objective.NEAREST


def costs_of(measured: MeasuredBanks, rules: Rules, technology: Technology) -> Array | None:
    """What closing each branch costs, [rows, cols, 2, n]: its expected squared drift where the rules price it."""
    return ageing_siemens2(measured.step_siemens, technology) if rules.objective is Objective.LEAST_COST else None


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
            (:func:`costs_of`).
    """
    tolerance = rules.tolerance_siemens
    step = usable_siemens(measured, stuck)
    drawn = np.any(step > 0, axis=(2, 3))
    everywhere = step[..., None] if corners is None else np.concatenate([step[..., None], corners], axis=4)
    items = np.concatenate([everywhere[:, :, 0], -everywhere[:, :, 1]], axis=2)
    shape = items.shape[:3]
    forced = np.zeros(shape, np.int8) if stuck is None else stuck.reshape(shape)
    prices = None if costs is None else costs.reshape(shape)
    chosen = np.zeros(shape, np.bool_)
    residual, worst = -targets.copy(), np.abs(targets)
    status = np.zeros(targets.shape, np.int8)
    solvers: dict[str, str] = {}
    unproved: dict[tuple[int, int], str] = {}

    def attempt(cells: Cells, aim: Array, width: float) -> None:
        objective = sought(rules.objective, width)
        problem = Problem.of(
            items[cells],
            np.repeat(aim[:, None], items.shape[3], axis=1),
            tolerance=width,
            objective=objective,
            costs=prices[cells] if prices is not None and objective is Objective.LEAST_COST else None,
            forced=forced[cells],
            most_count=rules.most_closed,
            most_total=np.inf if rules.most_siemens is None else rules.most_siemens,
        )
        answer = solve(problem, rules.solver)
        chosen[cells], status[cells] = answer.chosen, answer.status
        errors = answer.residuals + (aim - targets[cells])[:, None]
        residual[cells], worst[cells] = errors[:, 0], np.abs(errors).max(axis=1)
        if answer.solver:
            solvers.setdefault(answer.solver, answer.reason)
        for cell, place in enumerate(zip(*(index.tolist() for index in cells), strict=True)):
            unproved.pop(place, None)
            if cell in answer.notes:
                unproved[place] = answer.notes[cell]

    if tolerance > 0:
        half = tolerance / 2.0
        carried = np.zeros(targets.shape[1])
        for cells in _rows(drawn):
            attempt(cells, targets[cells] - np.clip(carried[cells[1]], -half, half), half)
            missed = (worst[cells] > tolerance) & (status[cells] != Status.INFEASIBLE)
            if missed.any():  # no subset near where it aimed: at least near its own target, if there is one
                again = (cells[0][missed], cells[1][missed])
                attempt(again, targets[again], tolerance)
            carried[cells[1]] += residual[cells]
    elif drawn.any():
        all_cells = np.nonzero(drawn)
        attempt((all_cells[0], all_cells[1]), targets[all_cells], 0.0)
    reach = step.sum(axis=3)
    beyond_reach = (targets != 0) & (np.abs(targets) > np.where(targets > 0, reach[:, :, 0], reach[:, :, 1]))
    missed = drawn & (((worst > tolerance) & (tolerance > 0)) | (status == Status.INFEASIBLE))
    return SwitchPlan(
        closed=chosen.reshape(step.shape),
        residual_siemens=residual,
        worst_siemens=worst,
        status=status,
        beyond_reach=beyond_reach,
        beyond_tolerance=missed & ~beyond_reach,
        reach_siemens=reach,
        solvers=solvers,
        unproved=unproved,
    )


def _rows(drawn: NDArray[np.bool_]) -> Iterator[Cells]:
    """Row and column indices of the drawn cells, a row at a time."""
    for row in np.flatnonzero(drawn.any(axis=1)):
        columns = np.flatnonzero(drawn[row])
        yield np.full(columns.size, row), columns

"""The cells of one tile as subset-sum problems, and what has been chosen of each so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design.rules import Rules, sought
from rsscircuit.subsetsum import Objective, Problem, solve

Array = NDArray[np.float64]
Cells = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """What was found for some cells.

    Attributes:
        chosen: bool [cells, items].
        residual, worst: [cells], nominal error of the pair to its own target; largest magnitude over all corners.
        status: int8 [cells].
        solver, reason: Who answered, and why that one.
        notes: By cell, why it is not proved best.
    """

    chosen: NDArray[np.bool_]
    residual: Array
    worst: Array
    status: NDArray[np.int8]
    solver: str
    reason: str
    notes: Mapping[int, str]


class TileCells:
    """One tile while its switches are chosen.

    Args:
        targets: [rows, cols], signed siemens.
        step: [rows, cols, 2, n], what closing each branch adds; 0 for one that never closes.
        rules: What is good enough, and which subset is wanted.
        stuck, corners, costs: As :func:`rsscircuit.design.program`.

    Attributes:
        targets, rules: As given.
        drawn: bool [rows, cols], where there is a bank.
        chosen: bool [rows, cols, 2 n].
        residual, worst, status: As in :class:`Answers`, [rows, cols].
        solvers: The solvers that answered, and why those.
        unproved: Row and column of the cells whose solver gave up before a proof, and why.
    """

    def __init__(
        self,
        targets: Array,
        step: Array,
        rules: Rules,
        stuck: NDArray[np.int8] | None,
        corners: Array | None,
        costs: Array | None,
    ) -> None:
        self.targets, self.rules = targets, rules
        self.drawn: NDArray[np.bool_] = np.any(step > 0, axis=(2, 3))
        everywhere = step[..., None] if corners is None else np.concatenate([step[..., None], corners], axis=4)
        self._items = np.concatenate([everywhere[:, :, 0], -everywhere[:, :, 1]], axis=2)
        shape = self._items.shape[:3]
        self._forced = np.zeros(shape, np.int8) if stuck is None else stuck.reshape(shape)
        self._costs = None if costs is None else costs.reshape(shape)
        self.chosen = np.zeros(shape, np.bool_)
        self.residual, self.worst = -targets.copy(), np.abs(targets)
        self.status = np.zeros(targets.shape, np.int8)
        self.solvers: dict[str, str] = {}
        self.unproved: dict[tuple[int, int], str] = {}

    def rows(self) -> Iterator[Cells]:
        """Row and column indices of the drawn cells, a row at a time."""
        for row in np.flatnonzero(self.drawn.any(axis=1)):
            columns = np.flatnonzero(self.drawn[row])
            yield np.full(columns.size, row), columns

    def solve(self, cells: Cells, aim: Array, width: float) -> Answers:
        """The best subsets within ``width`` of ``aim`` [cells], or else the nearest to it, by the rules."""
        objective, rules = sought(self.rules.objective, width), self.rules
        problem = Problem.of(
            self._items[cells],
            np.repeat(aim[:, None], self._items.shape[3], axis=1),
            tolerance=width,
            objective=objective,
            costs=self._costs[cells] if self._costs is not None and objective is Objective.LEAST_COST else None,
            forced=self._forced[cells],
            most_count=rules.most_closed,
            most_total=np.inf if rules.most_siemens is None else rules.most_siemens,
        )
        answer = solve(problem, rules.solver)
        errors = answer.residuals + (aim - self.targets[cells])[:, None]
        return Answers(
            chosen=answer.chosen,
            residual=errors[:, 0],
            worst=np.abs(errors).max(axis=1),
            status=answer.status,
            solver=answer.solver,
            reason=answer.reason,
            notes=answer.notes,
        )

    def keep(self, cells: Cells, answers: Answers, wanted: NDArray[np.bool_] | None = None) -> None:
        """Take the answers for ``cells``, or for those of them that are ``wanted``."""
        places = np.arange(len(cells[0])) if wanted is None else np.flatnonzero(wanted)
        if not places.size:
            return
        taken = cells[0][places], cells[1][places]
        self.chosen[taken], self.status[taken] = answers.chosen[places], answers.status[places]
        self.residual[taken], self.worst[taken] = answers.residual[places], answers.worst[places]
        if answers.solver:
            self.solvers.setdefault(answers.solver, answers.reason)
        if not (answers.notes or self.unproved):
            return
        for cell, row, column in zip(places.tolist(), taken[0].tolist(), taken[1].tolist(), strict=True):
            self.unproved.pop((row, column), None)
            if cell in answers.notes:
                self.unproved[row, column] = answers.notes[cell]

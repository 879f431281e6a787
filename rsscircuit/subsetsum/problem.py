"""What a subset-sum problem and its answer are; pure numbers, no circuit words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rsscircuit.errors import SolverError

FloatArray = NDArray[np.float64]
MAX_ITEMS = 128


class Objective(Enum):
    """What is sought.

    NEAREST: the subset whose sum is nearest to the target; the tolerance plays no part.
    LEAST_TOTAL: of the subsets within the tolerance, the one whose chosen items have the least total
        magnitude; where there is none, the nearest.
    ANY: any subset within the tolerance; where there is none, the nearest.
    """

    NEAREST = "nearest"
    LEAST_TOTAL = "least-total"
    ANY = "any"


class Status(IntEnum):
    """What is known of an answer."""

    UNSOLVED = 0  #: the solver gave up; the mask is empty
    FEASIBLE = 1  #: a valid subset, nothing proved about better ones
    OPTIMAL_AT_QUANTUM = 2  #: proved best for the values rounded to the solver's quantum
    OPTIMAL = 3  #: proved best for the float64 values, up to the rounding of their sums


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A batch of independent cells, each with its own items and target.

    Attributes:
        items: float64 [cells, n], any sign; a zero item is never chosen.
        targets: float64 [cells], in the unit of the items.
        tolerance: float64 [cells], largest error that is good enough; >= 0.
        objective: What is sought.
    """

    items: FloatArray
    targets: FloatArray
    tolerance: FloatArray
    objective: Objective

    @classmethod
    def of(
        cls,
        items: ArrayLike,
        targets: ArrayLike,
        *,
        tolerance: ArrayLike = 0.0,
        objective: Objective = Objective.NEAREST,
    ) -> Problem:
        """Check and gather a batch.

        Raises:
            SolverError: Wrong shapes, no cell, no item, too many, not finite, or a negative tolerance.
        """
        items = np.ascontiguousarray(items, np.float64)
        targets = np.ascontiguousarray(targets, np.float64)
        if items.ndim != 2 or targets.shape != items.shape[:1]:
            raise SolverError("items must be [cells, n] and targets [cells]", got=f"{items.shape} and {targets.shape}")
        cells, n = items.shape
        if cells == 0:
            raise SolverError("the batch is empty", remedy="give at least one cell")
        if not 1 <= n <= MAX_ITEMS:
            raise SolverError("a cell needs between 1 and 128 items", got=n, remedy="change the number of resistors")
        spread = np.broadcast_to(np.asarray(tolerance, np.float64), (cells,)).copy()
        for name, values in (("items", items), ("targets", targets), ("tolerance", spread)):
            if not np.isfinite(values).all():
                at = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
                raise SolverError(f"{name} must be finite", where=f"{name}{list(at)}", got=float(values[at]))
        if (spread < 0).any():
            raise SolverError(
                "a tolerance cannot be negative", got=float(spread.min()), remedy="use 0 for the nearest sum"
            )
        return cls(items=items, targets=targets, tolerance=spread, objective=objective)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """The answers of a batch.

    Attributes:
        chosen: bool [cells, n].
        residuals: float64 [cells], chosen sum minus target, recomputed from ``chosen``.
        status: int8 [cells] of :class:`Status`.
        solver: Name of the solver that answered.
        quantum: float64 [cells], step to which the solver rounded the values; 0 where it did not.
        note: Why the solver gave up or what it limited; empty where it did neither.
    """

    chosen: NDArray[np.bool_]
    residuals: FloatArray
    status: NDArray[np.int8]
    solver: str
    quantum: FloatArray
    note: str = ""


def residuals_of(items: FloatArray, chosen: NDArray[np.bool_], targets: FloatArray) -> FloatArray:
    """Sum of the chosen items minus the target, [cells], with Neumaier's compensated summation."""
    total = -targets.astype(np.float64)
    lost = np.zeros_like(total)
    for k in range(items.shape[1]):
        term = np.where(chosen[:, k], items[:, k], 0.0)
        new = total + term
        lost += np.where(np.abs(total) >= np.abs(term), (total - new) + term, (term - new) + total)
        total = new
    result: FloatArray = total + lost
    return result

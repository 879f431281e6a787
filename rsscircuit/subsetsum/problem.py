"""What a subset-sum problem and its answer are; pure numbers, no circuit words."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum.rounding import compensated_sums

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
MAX_ITEMS = 64


class Objective(Enum):
    """What is sought; every objective with a tolerance falls back to the nearest where nothing is within it.

    A tolerance of 0 asks for an exact hit. An error is within the tolerance where its compensated sum is. Where a
    search meets errors so near to the tolerance that the rounding of plain sums may hide a better subset, the answer
    is FEASIBLE, with a note; sums that are not rounded, such as those of whole numbers, have no such rim.

    NEAREST: the subset whose sum is nearest to the target; the tolerance plays no part.
    LEAST_TOTAL: of the subsets within the tolerance, the one whose chosen items have the least total
        magnitude.
    LEAST_COST: of the subsets within the tolerance, the one whose chosen items cost the least in total.
    FEWEST: of the subsets within the tolerance, one with the fewest items; the nearest of those.
    ANY: any subset within the tolerance.
    """

    NEAREST = "nearest"
    LEAST_TOTAL = "least-total"
    LEAST_COST = "least-cost"
    FEWEST = "fewest"
    ANY = "any"


class Status(IntEnum):
    """What is known of an answer."""

    INFEASIBLE = -1  #: proved that no subset meets the side constraints; only forced items are chosen
    UNSOLVED = 0  #: the search gave up before it had any choice; :func:`solve` then falls back to a feasible one
    FEASIBLE = 1  #: a subset that meets the side constraints, nothing proved about better ones
    OPTIMAL_AT_QUANTUM = 2  #: proved best for the values rounded to the solver's quantum
    OPTIMAL = 3  #: proved best for the float64 values, up to the rounding of their sums


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A batch of independent cells, each with its own items and target.

    A cell has one sum, or several that one choice of items must meet at once: the columns that share a
    switch word, or the corners of a process. The error of a cell with several sums is the largest of theirs.

    Attributes:
        items: float64 [cells, n], any sign, or [cells, n, sums]; an item that is zero in every sum is never
            counted, nor chosen unless it is forced.
        targets: float64 [cells] or [cells, sums], in the unit of the items.
        tolerance: float64 [cells], largest error that is good enough; >= 0.
        objective: What is sought.
        forced: int8 [cells, n]; 1 is always chosen, -1 never, 0 is free. A stuck switch is forced.
        least_count: int64 [cells], fewest items that may be chosen, forced ones included.
        most_count: int64 [cells], most items that may be chosen, forced ones included.
        most_total: float64 [cells], largest total magnitude of the chosen items, forced ones included, with
            room for its rounding; the magnitude of an item with several sums is the mean of its magnitudes.
        costs: float64 [cells, n], from 0, what choosing an item costs; for LEAST_COST, None otherwise.
        groups: Items (indices) of which at most one is chosen, group by group; no item is in two.
        start: bool [cells, n], choices to begin from, or None. CP-SAT begins there and answers nothing worse than
            a start that meets the side constraints; the exact solvers have no use for one.
    """

    items: FloatArray
    targets: FloatArray
    tolerance: FloatArray
    objective: Objective
    forced: NDArray[np.int8]
    least_count: IntArray
    most_count: IntArray
    most_total: FloatArray
    costs: FloatArray | None = None
    groups: tuple[tuple[int, ...], ...] = ()
    start: BoolArray | None = None

    @classmethod
    def of(
        cls,
        items: ArrayLike,
        targets: ArrayLike,
        *,
        tolerance: ArrayLike = 0.0,
        objective: Objective = Objective.NEAREST,
        forced: ArrayLike = 0,
        least_count: ArrayLike = 0,
        most_count: ArrayLike | None = None,
        most_total: ArrayLike = np.inf,
        costs: ArrayLike | None = None,
        groups: Iterable[Iterable[int]] = (),
        start: ArrayLike | None = None,
    ) -> Problem:
        """Check and gather a batch; what is given once holds for every cell.

        Raises:
            SolverError: Wrong shapes, no cell, no item, too many, not finite, a negative tolerance, or side
                constraints that mean nothing.
        """
        if not isinstance(objective, Objective):
            known = ", ".join(f"Objective.{each.name}" for each in Objective)
            raise SolverError("no such objective", got=objective, remedy=f"choose from {known}")
        items, targets = floats(items, "items"), floats(targets, "targets")
        if items.ndim not in (2, 3) or targets.shape != items.shape[:1] + items.shape[2:]:
            raise SolverError(
                "items must be [cells, n] and targets [cells], or [cells, n, sums] and [cells, sums]",
                got=f"{items.shape} and {targets.shape}",
            )
        cells, n = items.shape[:2]
        if cells == 0:
            raise SolverError("the batch is empty", remedy="give at least one cell")
        if n == 0 or 0 in items.shape:
            raise SolverError("a cell needs at least one item and one sum", got=items.shape)
        tolerance = _spread(tolerance, (cells,), np.float64, "tolerance")
        least = _spread(least_count, (cells,), np.int64, "least_count")
        most = _spread(n if most_count is None else most_count, (cells,), np.int64, "most_count")
        total = _spread(most_total, (cells,), np.float64, "most_total")
        for name, values in (("items", items), ("targets", targets), ("tolerance", tolerance)):
            _refuse(name, values, ~np.isfinite(values), "must be finite")
        with np.errstate(over="ignore"):
            whole = np.abs(items).sum(axis=1) + np.abs(targets)
            room = total * (1.0 + (n + 4) * 2.0**-52)  # a total that was summed up in any order is met
        _refuse("items", whole, ~np.isfinite(whole), "must have a total that float64 holds", "scale them down")
        _refuse("tolerance", tolerance, tolerance < 0, "cannot be negative", "use 0 for the nearest sum")
        _refuse("least_count", least, (least < 0) | (least > n), f"must be from 0 to the {n} items")
        _refuse("most_count", most, most < least, "cannot be below least_count")
        _refuse("most_total", total, ~(total >= 0), "must be a number from 0")
        priced = objective is Objective.LEAST_COST
        if priced and costs is None:
            raise SolverError("LEAST_COST needs costs", remedy="give what choosing each item costs, [cells, n]")
        if costs is not None and not priced:
            raise SolverError("costs are for LEAST_COST alone", got=f"Objective.{objective.name}")
        prices = None if costs is None else _spread(costs, (cells, n), np.float64, "costs")
        if prices is not None:
            _refuse("costs", prices, ~(np.isfinite(prices) & (prices >= 0)), "must be finite and from 0")
        state = _spread(forced, (cells, n), np.int8, "forced")
        _refuse("forced", state, np.abs(state) > 1, "must be -1 (never), 0 (free) or 1 (always)")
        return cls(
            items=items,
            targets=targets,
            tolerance=tolerance,
            objective=objective,
            forced=state,
            least_count=least,
            most_count=np.minimum(most, n),
            most_total=room,
            costs=prices,
            groups=_disjoint(groups, n),
            start=None if start is None else _spread(start, (cells, n), np.bool_, "start"),
        )

    @property
    def sums(self) -> int:
        """How many sums a cell must meet at once."""
        return 1 if self.items.ndim == 2 else self.items.shape[2]

    @property
    def magnitudes(self) -> FloatArray:
        """What an item adds to the total, [cells, n]."""
        return magnitudes_of(self.items)

    @property
    def prices(self) -> FloatArray:
        """What is least where a total or a cost is sought, [cells, n]."""
        return self.magnitudes if self.costs is None else self.costs

    def part(self, cells: slice | NDArray[np.intp] | BoolArray) -> Problem:
        """Some of the cells."""
        names = ("items", "targets", "tolerance", "forced", "least_count", "most_count", "most_total")
        costs = None if self.costs is None else self.costs[cells]
        start = None if self.start is None else self.start[cells]
        return replace(self, **{name: getattr(self, name)[cells] for name in names}, costs=costs, start=start)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """The answers of a batch.

    Attributes:
        chosen: bool [cells, n].
        residuals: float64 [cells] or [cells, sums], chosen sum minus target, recomputed from ``chosen``.
        status: int8 [cells] of :class:`Status`.
        solver: Name of the solver that answered; empty where forced items left nothing to solve.
        reason: Why that solver; empty until :func:`rsscircuit.subsetsum.solve` has chosen.
        quantum: float64 [cells], step to which the solver rounded the values; 0 where it did not.
        notes: Of the cells that the solver did not prove best though it tried to: why.
    """

    chosen: BoolArray
    residuals: FloatArray
    status: NDArray[np.int8]
    solver: str
    quantum: FloatArray
    reason: str = ""
    notes: Mapping[int, str] = field(default_factory=dict)

    @property
    def errors(self) -> FloatArray:
        """Largest magnitude of each cell's residuals, [cells]."""
        sizes = np.abs(self.residuals)
        return sizes if sizes.ndim == 1 else np.asarray(sizes.max(axis=1))


def residuals_of(items: FloatArray, chosen: BoolArray, targets: FloatArray) -> FloatArray:
    """Sum of the chosen items minus the target, [cells] or [cells, sums], with Neumaier's compensated summation."""
    cells, n = items.shape[:2]
    residuals = np.empty(targets.shape)
    compensated_sums(items.reshape(cells, n, -1), chosen, targets.reshape(cells, -1), residuals.reshape(cells, -1))
    return residuals


def magnitudes_of(items: FloatArray) -> FloatArray:
    """What an item adds to a total, [..., n]: its magnitude, or of items [..., n, sums] the mean of its magnitudes."""
    sizes = np.abs(items)
    return sizes if items.ndim < 3 else np.asarray((sizes / items.shape[2]).sum(axis=2))  # a sum first may overflow


def packed(items: FloatArray) -> tuple[FloatArray, NDArray[np.intp]]:
    """The items that are not zero first, in order and without columns of zeros alone, and where they were.

    Args:
        items: [cells, n] or [cells, n, sums].

    Returns:
        [cells, most] or [cells, most, sums] with the largest count of a cell (at least 1), and places [cells, most].
    """
    present = items != 0.0 if items.ndim == 2 else np.any(items != 0.0, axis=2)
    most = max(1, int(np.count_nonzero(present, axis=1).max()))
    places = np.argsort(~present, axis=1, kind="stable")[:, :most]
    taken = places if items.ndim == 2 else places[:, :, None]
    return np.ascontiguousarray(np.take_along_axis(items, taken, axis=1)), places


def unpacked(chosen: BoolArray, places: NDArray[np.intp], n: int) -> BoolArray:
    """Masks of packed items as masks of the ``n`` items they came from."""
    result = np.zeros((len(chosen), n), np.bool_)
    np.put_along_axis(result, places, chosen, axis=1)
    return result


def floats(values: ArrayLike, name: str) -> FloatArray:
    """Values as contiguous float64.

    Raises:
        SolverError: They are not real numbers, or not a regular array.
    """
    given = regular(values)
    if given.dtype.kind not in "iubf":
        raise SolverError(f"{name} must be real numbers, as many in every cell", got=str(given.dtype))
    return np.asarray(given, np.float64, order="C")


def regular(values: ArrayLike) -> NDArray[Any]:
    """Values as an array; one of objects where rows differ in length."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.empty(0, np.object_)


def _disjoint(groups: Iterable[Iterable[int]], n: int) -> tuple[tuple[int, ...], ...]:
    """Groups as tuples of item numbers."""
    try:
        checked = tuple(tuple(operator.index(item) for item in group) for group in groups)
    except TypeError:
        checked = ((-1,),)
    members = [item for group in checked for item in group]
    if len(set(members)) < len(members) or not set(members) <= set(range(n)):
        raise SolverError(
            f"groups must hold items from 0 to {n - 1}, each in one group",
            got=str(groups),
            remedy="such as ((0, 1), (2, 3))",
        )
    return checked


def _spread(values: ArrayLike, shape: tuple[int, ...], kind: type[np.generic], name: str) -> NDArray[Any]:
    """Values of a kind, one for all or one each."""
    given = floats(values, name) if kind is np.float64 else regular(values)
    if kind is np.bool_:
        if given.dtype.kind != "b":
            raise SolverError(f"{name} must be true or false", got=str(given.dtype))
    elif kind is not np.float64:
        if given.dtype.kind not in "iub":
            raise SolverError(f"{name} must be whole numbers", got=str(given.dtype))
        bounds = np.iinfo(np.dtype(kind).name)
        _refuse(name, given, (given < bounds.min) | (given > bounds.max), "must be a small whole number")
    try:
        return np.broadcast_to(given.astype(kind), shape).copy()
    except ValueError:
        raise SolverError(f"{name} must be one value or {list(shape)}", got=str(given.shape)) from None


def _refuse(name: str, values: NDArray[Any], bad: NDArray[np.bool_], must: str, remedy: str = "") -> None:
    """Name the first bad value of an array, if there is one."""
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise SolverError(f"{name} {must}", where=f"{name}{list(at)}", got=values[at].item(), remedy=remedy)

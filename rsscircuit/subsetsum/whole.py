"""Subset sums of whole numbers by dynamic programming (Bellman 1966; thesis 1.3.5.2).

The set of reachable sums grows item by item: a sum is reachable with an item if it is reachable without it, or
if it is once the item is taken off. The set is kept as the bits of one integer, so that an item costs one shift
and one "or" over the range: the work grows with the range of the sums, not with the number of subsets. The
subset of a sum is found by walking the items back, for all targets at once.

Values that are not whole are rounded to steps of 2**-20 of their total magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum.kind import Kind
from rsscircuit.subsetsum.problem import (
    MAX_ITEMS,
    BoolArray,
    FloatArray,
    IntArray,
    Objective,
    Problem,
    Solution,
    Status,
    regular,
    residuals_of,
)

NAME = "dynamic-programming"
MAX_RANGE = 2**24
_STEPS = 2**20  # of the total magnitude, for values that are not whole
_SMALLEST = 5e-324
_FARTHEST = 2**62  # a residual of a farther target may not be an int64

BitArray = NDArray[np.uint8]


def _bytes(bits: int) -> BitArray:
    return np.frombuffer(bits.to_bytes(bits.bit_length() // 8 + 1, "little"), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeTable:
    """The reachable sums of one bank of whole numbers, built once to be asked often.

    With a range (sum of magnitudes) of r and n items it takes at most n r / 8 bytes of bits and 8 r of sums, and
    a few n r / 10**9 seconds to build: 268 megabytes and a second for 64 items at the largest range of 2**24. A
    target then takes some 10 nanoseconds an item.

    Attributes:
        items: int64 [n], of any sign; zeros are never chosen.
        sums: int64, all reachable sums, ascending.
    """

    items: IntArray
    sums: IntArray
    _order: NDArray[np.intp]
    _levels: tuple[BitArray, ...]

    @classmethod
    def of(cls, items: ArrayLike) -> WholeTable:
        """Build the table of a bank.

        Raises:
            SolverError: No item, too many, values that are not integers, or a range that is too large.
        """
        whole = regular(items)
        if whole.ndim != 1 or not 1 <= whole.size <= MAX_ITEMS or whole.dtype.kind not in "iu":
            raise SolverError(f"{NAME} needs one bank of 1 to {MAX_ITEMS} integers", got=f"{whole.dtype} {whole.shape}")
        magnitudes = [abs(item) for item in whole.tolist()]
        if sum(magnitudes) > MAX_RANGE:
            raise SolverError(
                f"the sums range over more than the {MAX_RANGE} that {NAME} holds",
                got=sum(magnitudes),
                remedy="round the items to larger steps",
            )
        whole = whole.astype(np.int64)
        order = np.argsort(np.abs(whole), kind="stable")
        bits, levels = 1, []
        for k in order:
            levels.append(_bytes(bits))
            bits |= bits << magnitudes[k]
        reachable = np.flatnonzero(np.unpackbits(_bytes(bits), bitorder="little").view(np.bool_))
        return cls(
            items=whole,
            sums=reachable + np.minimum(whole, 0).sum(),
            _order=order,
            _levels=tuple(levels),
        )

    def nearest(self, targets: ArrayLike) -> tuple[BoolArray, IntArray | FloatArray]:
        """The subsets whose sums are nearest to the targets; of two equally near the lower sum.

        Args:
            targets: [m], whole or not.

        Returns:
            Masks, bool [m, n], and residuals [m]: chosen sum minus target, whole numbers where the targets are.

        Raises:
            SolverError: Targets that are not finite, not one row, or whole and beyond 2**62.
        """
        targets = regular(targets)
        if targets.ndim != 1 or targets.dtype.kind not in "iuf" or not np.isfinite(targets).all():
            raise SolverError("targets must be one row of finite numbers", got=f"{targets.dtype} {targets.shape}")
        whole = targets.dtype.kind != "f"
        if whole and targets.size and (targets.max() > _FARTHEST or targets.min() < -_FARTHEST):
            raise SolverError("whole targets must be within 2**62", got=f"{targets.min()} to {targets.max()}")
        targets = targets.astype(np.int64 if whole else np.float64)
        inside = np.clip(targets, self.sums[0], self.sums[-1])
        above = np.searchsorted(self.sums, inside)
        low, high = self.sums[np.maximum(above - 1, 0)], self.sums[above]
        taken = np.where(2 * inside <= low + high, low, high)  # exact, where the two errors would be rounded
        return self._subsets(taken), taken - targets

    def _subsets(self, sums: IntArray) -> BoolArray:
        """The items of reachable sums: an item is taken only where the smaller ones cannot do without it."""
        chosen = np.empty((sums.size, self.items.size), np.bool_)
        rest = sums - np.minimum(self.items, 0).sum()
        for k, level in zip(self._order[::-1], reversed(self._levels), strict=True):
            byte = np.minimum(rest >> 3, level.size - 1)
            taken = (rest >= 8 * level.size) | ((level[byte] >> (rest & 7)) & 1 == 0)
            rest = rest - taken * abs(self.items[k])
            chosen[:, k] = taken ^ (self.items[k] < 0)
        return chosen


def obstacle(kind: Kind) -> str:
    """Why such problems are beyond the method; empty where they are not."""
    if kind.sums > 1:
        return f"{NAME} meets one sum, not {kind.sums} at once"
    if kind.constrained:
        return f"{NAME} holds no side constraints"
    if kind.objective not in (Objective.NEAREST, Objective.ANY):
        return f"{NAME} finds the nearest sum, not the {kind.objective.value}"
    return f"{kind.items} items are beyond the {MAX_ITEMS} that {NAME} holds" if kind.items > MAX_ITEMS else ""


def _quantum(items: FloatArray) -> float:
    """The step to which a bank is rounded; 0 where it is whole already and its range is within the limit."""
    total = float(np.abs(items).sum())
    if total <= MAX_RANGE and (items == np.rint(items)).all():
        return 0.0
    return max(total / _STEPS, _SMALLEST)


def solve(problem: Problem) -> Solution:
    """The nearest sums of all cells; those with the same items share a table.

    A table of values that are not whole takes milliseconds, so that many cells with banks of their own are the
    work of another solver.
    """
    cells, n = problem.items.shape
    chosen, quantum = np.zeros((cells, n), np.bool_), np.zeros(cells)
    members: dict[bytes, list[int]] = {}
    for cell, items in enumerate(problem.items):
        members.setdefault(items.tobytes(), []).append(cell)
    for same in members.values():
        of_bank = np.array(same)
        items = problem.items[same[0]]
        present = np.flatnonzero(items)
        quantum[of_bank] = _quantum(items)
        if present.size:
            unit = quantum[same[0]] or 1.0
            table = WholeTable.of(np.rint(items[present] / unit).astype(np.int64))
            with np.errstate(over="ignore"):
                wanted = np.nan_to_num(problem.targets[of_bank] / unit)
            chosen[np.ix_(of_bank, present)] = table.nearest(wanted)[0]
    return Solution(
        chosen=chosen,
        residuals=residuals_of(problem.items, chosen, problem.targets),
        status=np.where(quantum > 0.0, Status.OPTIMAL_AT_QUANTUM, Status.OPTIMAL).astype(np.int8),
        solver=NAME,
        quantum=quantum,
    )

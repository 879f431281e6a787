"""Nearest subset sums of many targets on one bank, from a sorted table of all its sums.

A bank that is programmed again and again, or the on-chip map from weight codes to switch words, asks for the
nearest sums of many targets on the same items. The sums of the largest items are listed once, in ascending
order, each with its switch word; the remaining items, the smallest, are enumerated for every target, so that a
target on n items costs 2**(n - 22) look-ups in the list, and one up to 22 items. An index of equal buckets
(interpolation search; Peterson 1957) makes a look-up a matter of a few entries.

Choosing x in {0, 1} is (1 +- 1) / 2: the sums of +-v/2 about the centre of the range are symmetric, so that only
those above the centre are kept. A list of 22 items takes 34 megabytes, and one fewer halves it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum.compiled import kernel, run_cells
from rsscircuit.subsetsum.kind import Kind
from rsscircuit.subsetsum.problem import BoolArray, FloatArray, Objective, Problem, Solution, Status, floats
from rsscircuit.subsetsum.rounding import compensated_add, rounding_of, scale_of

NAME = "table"
MAX_ITEMS = 36  # beyond, so many look-ups take as long as the exact solver
_LIST_ITEMS = 22
_REACH = 4  # entries on either side of a target that are compared where rounding cannot tell them apart
_NEVER = 63  # the place in a switch word of an item that is zero
_STEPS_PER_LOOK_UP = 32
_ONE = np.uint64(1)

WordArray = NDArray[np.uint32]


@kernel
def _merge(sums, words, size, half, bit, upper, upper_words):
    """The upper half of ``sums + half`` merged with ``sums - half``, from both of its ends at once.

    ``sums`` is ascending, symmetric and ended by infinity. Two chains of loads run side by side, and the choice
    between the two lists is arithmetic, not a branch.
    """
    first = np.searchsorted(sums[:size], -half)
    i, j = np.uint64(first), np.uint64(size - first)
    i_down = j_down = np.uint64(size - 1)
    for k in range(size // 2):
        plus, minus = sums[i] + half, sums[j] - half
        step = np.uint64(plus < minus)
        upper[k] = plus if plus < minus else minus
        upper_words[k] = words[step * i + (_ONE - step) * j] | np.uint32(step) * bit
        i, j = i + step, j + _ONE - step
        plus, minus = sums[i_down] + half, sums[j_down] - half
        step = np.uint64(plus >= minus)
        upper[size - 1 - k] = plus if plus >= minus else minus
        upper_words[size - 1 - k] = words[step * i_down + (_ONE - step) * j_down] | np.uint32(step) * bit
        i_down, j_down = i_down - step, j_down - (_ONE - step)


@kernel
def _mirror(upper, upper_words, size, full, sums, words):
    """A whole symmetric list from its upper half: the opposite sum has the opposite word."""
    for k in range(size):
        sums[size + k], words[size + k] = upper[k], upper_words[k]
        sums[size - 1 - k], words[size - 1 - k] = -upper[k], upper_words[k] ^ full


@kernel
def _count_below(sums, buckets, starts):
    """In ``starts[b]`` the number of sums below bucket b, of which there are ``buckets`` per unit."""
    for k in range(sums.size):
        starts[np.int64(sums[k] * buckets) + 1] += 1
    below = np.int64(0)
    for bucket in range(starts.size):
        below = below + np.int64(starts[bucket])
        starts[bucket] = below


class _Lists(NamedTuple):
    """What a look-up reads; an item's rank is its place in a switch word, the largest item first."""

    items: FloatArray
    ranks: NDArray[np.uint64]
    flip: np.uint64  # the word of the negative items: a plus of their magnitude means not chosen
    centre: float
    full: np.uint64  # the word of all listed items
    listed: np.uint64  # how many they are
    slack: float  # errors that differ by less may be rounded
    sums: FloatArray
    words: WordArray
    starts: WordArray
    buckets: float  # of the index, per unit
    rest: FloatArray
    rest_words: WordArray


@kernel
def _place(sums, starts, buckets, wanted):
    """The first place whose sum is at least ``wanted``, which is from 0 to the largest sum."""
    bucket = np.uint64(wanted * buckets)
    low = np.uint64(starts[bucket])
    count = np.uint64(starts[bucket + _ONE]) - low
    while count > np.uint64(0):
        half = count >> _ONE
        below = np.uint64(sums[low + half] < wanted)
        low += below * (half + _ONE)
        count = below * (count - half - _ONE) + (_ONE - below) * half
    return np.int64(low)


@kernel
def _word(lists, r, place, minus):
    """The switch word of an entry of the list, or of its opposite, together with the remaining items' ``r``."""
    word = np.uint64(lists.words[place]) ^ (lists.full if minus else np.uint64(0))
    return (word | np.uint64(lists.rest_words[r]) << lists.listed) ^ lists.flip


@kernel
def _residual(items, ranks, word, target):
    """The chosen sum minus the target, with the same compensated summation as ``residuals_of``."""
    total, lost = -target, 0.0
    for k in range(items.size):
        total, lost = compensated_add(total, lost, items[k] if (word >> ranks[k]) & _ONE else 0.0)
    return total + lost


@kernel
def _settle(lists, target, limit):
    """Of the words whose listed error is within ``limit``, the one whose compensated error is least."""
    best, best_word = np.inf, np.uint64(0)
    for r in range(lists.rest.size):
        gap = target - lists.centre - lists.rest[r]
        wanted = abs(gap)
        place = _place(lists.sums, lists.starts, lists.buckets, min(wanted, lists.sums[-1]))
        for near in range(max(place - _REACH, -lists.sums.size), min(place + _REACH, lists.sums.size)):
            opposite = near < 0
            entry = -1 - near if opposite else near
            if abs((-lists.sums[entry] if opposite else lists.sums[entry]) - wanted) <= limit:
                word = _word(lists, r, entry, (gap < 0.0) != opposite)
                residual = _residual(lists.items, lists.ranks, word, target)
                if abs(residual) < abs(best) or (abs(residual) == abs(best) and residual < best):
                    best, best_word = residual, word
    return best_word


@kernel
def _nearest_words(lists, targets, found):
    """The words of the sums nearest to targets within the range of the sums."""
    sums, starts, buckets, rest = lists.sums, lists.starts, lists.buckets, lists.rest
    largest = sums[sums.size - 1]
    for cell in range(targets.size):
        goal = targets[cell] - lists.centre
        least = next_least = np.inf
        best_r = best_place = 0
        for r in range(rest.size):
            wanted = abs(goal - rest[r])
            place = _place(sums, starts, buckets, min(wanted, largest))
            above = abs(sums[place] - wanted)
            below = abs(wanted - sums[place - 1]) if place > 0 else wanted + sums[0]
            error = min(above, below)
            if error < least:
                next_least = min(least, max(above, below))
                least, best_r, best_place = error, r, place if above <= below else place - 1
            else:
                next_least = min(next_least, error)
        if next_least <= least + lists.slack:
            found[cell] = _settle(lists, targets[cell], least + lists.slack)
        else:
            found[cell] = _word(lists, best_r, best_place, goal < rest[best_r])


@kernel
def _unpack(items, ranks, words, targets, chosen, residuals):
    """The masks of switch words and their residuals."""
    for cell in range(words.size):
        for k in range(items.size):
            chosen[cell, k] = (words[cell] >> ranks[k]) & _ONE
        residuals[cell] = _residual(items, ranks, words[cell], targets[cell])


def _listed_sums(values: FloatArray) -> tuple[FloatArray, WordArray]:
    """The sums of +-v/2 that are not negative, ascending, and which values have a plus in each."""
    upper, upper_words = 0.5 * values[:1], np.ones(1, np.uint32)
    for k, value in enumerate(values[1:], start=1):
        size = 1 << k
        sums, words = np.full(size + 1, np.inf), np.zeros(size + 1, np.uint32)
        _mirror(upper, upper_words, size // 2, np.uint32(size - 1), sums, words)
        upper, upper_words = np.empty(size), np.empty(size, np.uint32)
        _merge(sums, words, size, 0.5 * value, np.uint32(1 << k), upper, upper_words)
    return (upper, upper_words) if values.size else (np.zeros(1), np.zeros(1, np.uint32))


def _remaining_sums(values: FloatArray) -> tuple[FloatArray, WordArray]:
    """All sums of +-v/2, ascending, and which values have a plus in each."""
    sums, words = np.zeros(1), np.zeros(1, np.uint32)
    for k, value in enumerate(values):
        sums = np.concatenate([sums - 0.5 * value, sums + 0.5 * value])
        words = np.concatenate([words, words | np.uint32(1 << k)])
    distinct, first = np.unique(sums, return_index=True)
    return distinct, words[first]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SumTable:
    """All subset sums of one bank, built once to be asked often.

    Up to 22 items the list holds 2**(n - 1) sums of 16 bytes, words and index included; while it is built it
    takes twice as much.

    Attributes:
        items: float64 [n], the bank.
    """

    items: FloatArray
    _scale: float
    _range: tuple[float, float]
    _lists: _Lists

    @classmethod
    def of(cls, items: ArrayLike) -> SumTable:
        """Build the table of a bank; items of any sign, zeros are never chosen.

        Raises:
            SolverError: No item, too many, or values that are not finite.
        """
        items = floats(items, "items")
        if items.ndim != 1 or items.size == 0:
            raise SolverError("a table needs one bank of at least one item", got=items.shape)
        if not np.isfinite(items).all():
            raise SolverError("items must be finite", got=float(items[~np.isfinite(items)][0]))
        scale = scale_of(float(np.abs(items).max()))
        scaled = items * scale
        present = np.flatnonzero(scaled)
        if present.size > MAX_ITEMS:
            raise SolverError(_too_many(present.size), remedy="use fewer items")
        largest_first = present[np.lexsort((scaled[present], -np.abs(scaled[present])))]
        ranks = np.full(items.size, _NEVER, np.uint64)
        ranks[largest_first] = np.arange(present.size)
        values = np.abs(scaled[largest_first])
        listed = min(present.size, _LIST_ITEMS)
        sums, words = _listed_sums(values[:listed])
        rest, rest_words = _remaining_sums(values[listed:])
        buckets = sums.size / (float(sums[-1]) or 1.0)
        starts = np.zeros(sums.size + 2, np.uint32)  # the largest sum may round into the bucket after the last
        _count_below(sums, buckets, starts)
        low, high = math.fsum(scaled[scaled < 0.0]), math.fsum(scaled[scaled > 0.0])
        lists = _Lists(
            items=scaled,
            ranks=ranks,
            flip=np.uint64(sum(1 << k for k in np.flatnonzero(scaled[largest_first] < 0.0).tolist())),
            centre=0.5 * (low + high),
            full=np.uint64((1 << listed) - 1),
            listed=np.uint64(listed),
            slack=rounding_of(present.size, high - low),
            sums=sums,
            words=words,
            starts=starts,
            buckets=buckets,
            rest=rest,
            rest_words=rest_words,
        )
        return cls(items=items, _scale=scale, _range=(low, high), _lists=lists)

    def nearest(self, targets: ArrayLike) -> tuple[BoolArray, FloatArray]:
        """The subsets whose sums are nearest to the targets.

        Sums that rounding cannot tell apart are compared by compensated summation, up to four on either side
        of what a look-up wants. Of two that are equally near the lower is taken, of equal sums the first met.

        Args:
            targets: [m].

        Returns:
            Masks, bool [m, n], and residuals, float64 [m]: chosen sum minus target, as ``residuals_of``.

        Raises:
            SolverError: Targets that are not finite or not one row.
        """
        targets = floats(targets, "targets")
        if targets.ndim != 1 or not np.isfinite(targets).all():
            raise SolverError("targets must be one row of finite numbers", got=targets.shape)
        chosen, residuals = np.empty((targets.size, self.items.size), np.bool_), np.empty(targets.size)
        with np.errstate(over="ignore"):
            inside = np.clip(targets * self._scale, *self._range)
        words = np.empty(targets.size, np.uint64)

        def run(first: int, stride: int) -> None:
            block = slice(first * targets.size // stride, (first + 1) * targets.size // stride)
            _nearest_words(self._lists, inside[block], words[block])
            _unpack(self.items, self._lists.ranks, words[block], targets[block], chosen[block], residuals[block])

        run_cells(run, cells=targets.size, steps_per_cell=_STEPS_PER_LOOK_UP * self._lists.rest.size)
        return chosen, residuals


def _too_many(items: int) -> str:
    return f"{items} items are beyond the {MAX_ITEMS} that a table holds"


def worth_from(items: int) -> int:
    """From how many targets on, on one bank of so many items, the table beats solving every cell.

    The costs are nanoseconds as measured on one thread of a Zen 3 core; the choice must not depend on the machine.
    """
    build = 250_000 + 4.0 * 2.0 ** min(items, _LIST_ITEMS)
    look_up = 20.0 * 2.0 ** max(items - _LIST_ITEMS, 0)
    exact: float = 300.0 + 30.0 * items + 2.7 * math.sqrt(2.0**items)
    return math.ceil(build / (exact - look_up))


def obstacle(kind: Kind) -> str:
    """Why such problems are beyond a table; empty where they are not."""
    if not kind.one_bank:
        return f"a {NAME} answers for one bank, and the cells have different ones"
    if kind.sums > 1:
        return f"a {NAME} meets one sum, not {kind.sums} at once"
    if kind.constrained:
        return f"a {NAME} holds no side constraints"
    if kind.objective not in (Objective.NEAREST, Objective.ANY):
        return f"a {NAME} finds the nearest sum, not the {kind.objective.value}"
    return _too_many(kind.items) if kind.items > MAX_ITEMS else ""


def solve(problem: Problem) -> Solution:
    """The nearest sums of all cells, from one table."""
    chosen, residuals = SumTable.of(problem.items[0]).nearest(problem.targets)
    return Solution(
        chosen=chosen,
        residuals=residuals,
        status=np.full(len(chosen), Status.OPTIMAL, np.int8),
        solver=NAME,
        quantum=np.zeros(len(chosen)),
    )

"""The approximated volume of thesis chapter 2, and from it Lueker's theorem: one set of intervals that grows.

A value is eps-approximated at time t if a subset of the first t items sums to within eps of it. The set of all such
values is a union of intervals, f_0 = (-eps, eps), f_{t+1} = f_t together with f_t moved by X_{t+1} (eq. 2.1), kept
exactly as sorted ends, and v_t is half its length within [-1, 1]. Every interval is at least 2 eps long, so there are
never more than the range of the sums over 2 eps.

Lemma 2.2.1 (da Cunha 2023): with X from Uniform[-1, 1], E[v_{t+1} | X_1..X_t] >= v_t (1 + (1 - v_t) / 4). The left
side has a closed form: with F(z) the length of the set below z, its proof has

    E[v_{t+1}] = v_t + 1/4 * integral over the z in [-1, 1] outside the set of (F(z + 1) - F(z - 1)),

F is piecewise linear, and its integral G turns this into a sum over the ends of the intervals.

Lueker's theorem (1998) asks for n >= C log2(1/eps) items, so that with probability 1 - eps every z in [-1, 1] is
within eps of a sum: v_n = 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.progress import Progress, silent
from rsscircuit.seeds import stream
from rsscircuit.sizing.intervals import Figure, median_of

Array = NDArray[np.float64]
LUEKER_ERRORS = tuple(2.0**-k for k in range(2, 7))
LUEKER_TRIALS = 100  #: for each error, times 1 / error: so many times eps are expected to fail
MOST_ITEMS = 80
RESAMPLES = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Covered:
    """A union of disjoint intervals.

    Attributes:
        starts, ends: float64 [intervals], ascending.
    """

    starts: Array
    ends: Array

    @classmethod
    def around_zero(cls, error: float) -> Covered:
        """What the empty sum approximates."""
        return cls(starts=np.array([-error]), ends=np.array([error]))

    def with_item(self, item: float) -> Covered:
        """The set after one more item."""
        starts = np.concatenate([self.starts, self.starts + item])
        order = np.argsort(starts, kind="stable")
        starts = starts[order]
        ends = np.maximum.accumulate(np.concatenate([self.ends, self.ends + item])[order])
        first = np.concatenate([[True], starts[1:] > ends[:-1]])
        last = np.concatenate([first[1:], [True]])
        return Covered(starts=starts[first], ends=ends[last])

    @property
    def volume(self) -> float:
        """v_t: half the length within [-1, 1]."""
        inside = np.minimum(self.ends, 1.0) - np.maximum(self.starts, -1.0)
        return 0.5 * float(np.maximum(inside, 0.0).sum())

    @property
    def whole(self) -> bool:
        """Whether all of [-1, 1] is in the set."""
        at = int(np.searchsorted(self.starts, -1.0, side="right")) - 1
        return at >= 0 and bool(self.ends[at] >= 1.0)

    def expected_volume(self) -> float:
        """E[v_{t+1}] over an item from Uniform[-1, 1], exact up to rounding."""
        gaps = Covered(starts=np.append(-np.inf, self.ends), ends=np.append(self.starts, np.inf))
        low, high = np.maximum(gaps.starts, -1.0), np.minimum(gaps.ends, 1.0)
        low, high = low[low < high], high[low < high]
        inner = self._area(high + 1.0) - self._area(low + 1.0) - self._area(high - 1.0) + self._area(low - 1.0)
        return self.volume + 0.25 * float(inner.sum())

    def _area(self, z: Array) -> Array:
        """G(z), the integral of F up to z: every interval adds half the square of what lies below z, then a line."""
        lengths = self.ends - self.starts
        full = np.searchsorted(self.ends, z, side="right")
        length = np.append(0.0, np.cumsum(lengths))[full]
        moment = np.append(0.0, np.cumsum(0.5 * lengths * (self.starts + self.ends)))[full]
        begun = np.append(self.starts, np.inf)[full]
        result: Array = length * z - moment + 0.5 * np.maximum(z - begun, 0.0) ** 2
        return result


def states(error: float, items: Sequence[float] | Array) -> Iterator[Covered]:
    """The sets of time 0, 1, ... as the items are revealed; ends where [-1, 1] is whole."""
    covered = Covered.around_zero(error)
    yield covered
    for item in items:
        if covered.whole:
            return
        covered = covered.with_item(float(item))
        yield covered


def lemma_bound(volumes: Array) -> Array:
    """What Lemma 2.2.1 holds E[v_{t+1}] to, from v_t."""
    result: Array = volumes * (1.0 + 0.25 * (1.0 - volumes))
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Growth:
    """Paths of the volume.

    Attributes:
        error: eps.
        volumes: float64 [paths, times], v_t; 1 from where [-1, 1] is whole.
        expected: float64 [paths, times], E[v_{t+1}] given the path up to t.
    """

    error: float
    volumes: Array
    expected: Array

    @property
    def open(self) -> NDArray[np.bool_]:
        """Where v_t < 1, bool [paths, times]: the states on which the lemma says something."""
        result: NDArray[np.bool_] = self.volumes < 1.0
        return result

    @property
    def violations(self) -> int:
        """States below the bound of Lemma 2.2.1 by more than rounding."""
        return int((self.expected < lemma_bound(self.volumes) * (1.0 - 1e-9))[self.open].sum())

    def factor(self) -> Figure:
        """Mean of E[v_{t+1}] / v_t over the states of a path with v_t below 1/2; the median over the paths."""
        early = self.volumes < 0.5
        return median_of(np.where(early, self.expected / self.volumes, 0.0).sum(axis=1) / early.sum(axis=1))


def grow(error: float, *, paths: int, items: int, seed: int) -> Growth:
    """Paths of the volume with items from Uniform[-1, 1]."""
    drawn = stream(seed, "stimulus", layer="volume").uniform(-1.0, 1.0, (paths, items))
    volumes, expected = np.ones((paths, items + 1)), np.ones((paths, items + 1))
    for path, values in enumerate(drawn):
        for t, covered in enumerate(states(error, values)):
            volumes[path, t], expected[path, t] = covered.volume, covered.expected_volume()
    return Growth(error=error, volumes=volumes, expected=expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lueker:
    """Lueker's constant, fitted.

    Attributes:
        errors: eps of each simulation.
        items: For each the n at which the probability of a z further than eps falls to eps, read off between whole n
            on a logarithmic scale.
        constant: C, the largest n / log2(1/eps) of them.
    """

    errors: tuple[float, ...]
    items: tuple[Figure, ...]
    constant: Figure


def fit_lueker(
    seed: int,
    *,
    errors: Sequence[float] = LUEKER_ERRORS,
    trials: int = LUEKER_TRIALS,
    progress: Progress = silent,
) -> Lueker:
    """Simulate when [-1, 1] is whole, for several errors, and fit C; intervals from 400 bootstrap samples."""
    generator = stream(seed, "stimulus", layer="lueker")
    needed, again = np.empty(len(errors)), np.empty((RESAMPLES, len(errors)))
    with progress("Lueker's theorem", len(errors)) as advance:
        for column, error in enumerate(errors):
            count = math.ceil(trials / error)
            times = np.bincount([_first_whole(error, generator) for _ in range(count)], minlength=MOST_ITEMS + 1)
            needed[column] = _items_at(times, error)
            for row, sample in enumerate(generator.multinomial(count, times / count, RESAMPLES)):
                again[row, column] = _items_at(sample, error)
            advance(1)
    bits = -np.log2(np.array(errors))
    return Lueker(
        errors=tuple(errors),
        items=tuple(_resampled(value, values) for value, values in zip(needed, again.T, strict=True)),
        constant=_resampled((needed / bits).max(), (again / bits).max(axis=1)),
    )


def _first_whole(error: float, generator: np.random.Generator) -> int:
    drawn = generator.uniform(-1.0, 1.0, MOST_ITEMS)
    return sum(1 for _ in states(error, drawn)) - 1


def _items_at(times: NDArray[np.int64], error: float) -> float:
    """Where the share of later times, log-linear between whole numbers, falls to ``error``."""
    later = 1.0 - np.cumsum(times) / times.sum()
    n = int(np.argmax(later <= error))
    floor = 0.5 / float(times.sum())  # stands for no event, so that there is a logarithm
    above, below = math.log(max(later[n - 1], floor)), math.log(max(later[n], floor))
    return n - (math.log(error) - below) / (above - below)


def _resampled(value: float, values: Array) -> Figure:
    low, high = np.quantile(values, [0.025, 0.975])
    return Figure(value=float(value), low=float(low), high=float(high))

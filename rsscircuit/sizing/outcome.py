"""Pairs of banks put to the test: drawn, measured, programmed from what was measured, judged on what is true.

The full scale of a column of pairs is what ``build`` makes of it: the target of its largest weight, which is
``headroom`` (0.85) times the median of its banks' measured sums (:func:`rsscircuit.mapping.column_scale`). Errors and
targets are fractions of it, so what lot, wafer and die share cancels.

A miss is a pair whose true conductance is further from its target than the error allows. What it is a miss of is told
by solving it again on its true conductances:

* coverage: the target lies outside the reach of the pair;
* resolution: it lies inside, but no subset of the pair is near enough;
* measurement: a subset is near enough, but what was measured led to another. Noise makes such misses, and so does the
  grid of the converter, which keeps measured sums from coming nearer to a target than half a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec, sample_pairs
from rsscircuit.comparison.bits import SIGNED, effective_bits
from rsscircuit.mapping import column_scale
from rsscircuit.seeds import stream
from rsscircuit.sizing.intervals import Figure, clustered_share, design_effect, median_of
from rsscircuit.sizing.targets import LAWS, TargetLaw
from rsscircuit.subsetsum import Problem, solve
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import bank_area_um2

Array = NDArray[np.float64]
SIGNS = np.array([[1.0], [-1.0]])
LEAST_DIES = 20  # intervals are over dies
LARGE = 0.99  # errors beyond this quantile tell how rare misses cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a pair, and how it is found out.

    Attributes:
        error: Largest error, as a fraction of full scale.
        confidence: Share of pairs that must be within it.
        targets: Name of the law of targets, of :data:`rsscircuit.sizing.targets.LAWS`.
        dies: Dies of the sample, each of another lot.
        pairs: Pairs in the column of every die.
        seed: Of everything that is drawn.
        headroom: Share of a bank's reach that is full scale.
        measurement_share: Share of the error that measurement may add, in rms.
    """

    error: float
    confidence: float
    targets: str
    dies: int
    pairs: int
    seed: int
    headroom: float
    measurement_share: float

    @property
    def limit(self) -> float:
        """Largest share of misses."""
        return 1.0 - self.confidence

    @property
    def law(self) -> TargetLaw:
        """The law of targets."""
        return LAWS[self.targets]


class Verdict(Enum):
    """What a sample shows of a bank size."""

    ENOUGH = "enough"  #: misses are shown to be at most the limit
    TOO_FEW = "too few"  #: misses are shown to exceed it
    CONVERTER = "converter"  #: only measurement is in the way
    OPEN = "open"  #: the sample is too small to tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How pairs of banks of one size came out.

    Attributes:
        resistors: Resistors a bank.
        dies, pairs: Sample: dies, and pairs a die.
        area_um2: Of a pair, resistors by their own length and switches with their latches.
        miss: Share of the pairs that miss; the sum of the next three.
        coverage, resolution, measurement: The kinds of misses.
        rms: Root mean square error of a column's pairs over full scale, the median over the dies.
        floor: The same of what measurement adds, true minus measured conductance of the subset that was chosen.
        bits: Effective bits of a signed pair, log2(2 / (rms sqrt 12)), as ``compare-banks`` has them.
        verdict: What this shows.
    """

    resistors: int
    dies: int
    pairs: int
    area_um2: float
    miss: Figure
    coverage: Figure
    resolution: Figure
    measurement: Figure
    rms: Figure
    floor: Figure
    bits: Figure
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Programmed:
    """Pairs as they were programmed, all as fractions of full scale, [dies, pairs].

    Attributes:
        error: True conductance minus target.
        residual: Measured conductance minus target.
        beyond: Whether the target lies outside the reach of the pair.
        possible: Whether some subset of the pair comes as near to the target as the error allows.
    """

    error: Array
    residual: Array
    beyond: NDArray[np.bool_]
    possible: NDArray[np.bool_]

    @property
    def floor(self) -> Array:
        """What measurement adds: true minus measured conductance of the subset that was chosen."""
        return self.error - self.residual


def program_pairs(spec: BankSpec, technology: Technology, request: Request, dies: int) -> Programmed:
    """Draw, measure and program pairs of banks on the first ``dies`` dies of a request's sample."""
    shape = dies, request.pairs
    sample = sample_pairs(spec, technology, dies=dies, pairs=request.pairs, seed=request.seed)
    plus, minus = np.moveaxis(sample.measured_siemens.sum(axis=3), 2, 0)
    full_scale = column_scale(np.ones(shape[::-1]), plus.T, minus.T, request.headroom)[:, None]
    targets = request.law.draw(stream(request.seed, "stimulus", layer="size"), shape) * full_scale
    measured, true = ((SIGNS * values).reshape(*shape, -1) for values in (sample.measured_siemens, sample.true_siemens))
    solution = solve(Problem.of(measured.reshape(dies * request.pairs, -1), targets.ravel()))
    error = (np.where(solution.chosen.reshape(true.shape), true, 0.0).sum(axis=2) - targets) / full_scale
    possible = np.abs(error) <= request.error
    missed = ~possible
    if missed.any():
        nearest = solve(Problem.of(true[missed], targets[missed])).errors
        possible[missed] = nearest <= request.error * np.broadcast_to(full_scale, shape)[missed]
    true_plus, true_minus = np.moveaxis(sample.true_siemens.sum(axis=3), 2, 0)
    return Programmed(
        error=error,
        residual=solution.residuals.reshape(shape) / full_scale,
        beyond=(targets > true_plus) | (targets < -true_minus),
        possible=possible,
    )


def simulate(spec: BankSpec, technology: Technology, request: Request, dies: int) -> Outcome:
    """How pairs of banks on the first ``dies`` dies of a request's sample come out."""
    pairs = program_pairs(spec, technology, request, dies)
    missed, unserved = np.abs(pairs.error) > request.error, ~pairs.possible
    together, apart = _rare_effect(pairs.error), _rare_effect(pairs.residual)
    miss = clustered_share(missed.mean(axis=1), request.pairs, together)
    coverage = clustered_share((unserved & pairs.beyond).mean(axis=1), request.pairs, apart)
    resolution = clustered_share((unserved & ~pairs.beyond).mean(axis=1), request.pairs, apart)
    measurement = clustered_share((missed & pairs.possible).mean(axis=1), request.pairs, together)
    return Outcome(
        resistors=spec.resistors,
        dies=dies,
        pairs=request.pairs,
        area_um2=2.0 * bank_area_um2(spec.nominal_ohm, technology),
        miss=miss,
        coverage=coverage,
        resolution=resolution,
        measurement=measurement,
        rms=median_of(np.sqrt((pairs.error**2).mean(axis=1))),
        floor=median_of(np.sqrt((pairs.floor**2).mean(axis=1))),
        bits=median_of(effective_bits(pairs.error, SIGNED)),
        verdict=_verdict(request.limit, miss, measurement, (coverage, resolution)),
    )


def _rare_effect(error: Array) -> float:
    """Design effect of the largest errors [dies, pairs]: it tells how rare misses would cluster."""
    sizes = np.abs(error)
    return design_effect((sizes > np.quantile(sizes, LARGE)).mean(axis=1), error.shape[1])


def _verdict(limit: float, miss: Figure, measurement: Figure, unmet: tuple[Figure, ...]) -> Verdict:
    if miss.high <= limit:
        return Verdict.ENOUGH
    if max(kind.high for kind in unmet) <= limit or measurement.low > limit >= max(kind.low for kind in unmet):
        return Verdict.CONVERTER
    return Verdict.OPEN if miss.low <= limit else Verdict.TOO_FEW

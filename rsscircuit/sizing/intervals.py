"""Figures with 95 % intervals, from dies that are independent and pairs of one die that are not.

* A share (of pairs that miss): an exact binomial interval with mid-P values, which without a single event is the rule
  of three, 3 / trials (Lancaster 1961; Hanley and Lippman-Hand 1983). Pairs of a die are worth fewer independent
  trials: their number is divided by the design effect and by the penalty of estimating it from so many dies
  (Korn and Graubard 1998).
* A typical value: the median over the dies, with the order statistics that hold it whatever the distribution (David
  and Nagaraja 2003). A mean would hang on the one pair in 100 000 whose errors exceed all others together, which no
  sample of a sensible size holds; such pairs count among the misses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rsscircuit.binomial import TAIL, crossing, incomplete_beta
from rsscircuit.comparison.bits import median_interval

Array = NDArray[np.float64]
RARE = 0.01  # share below which its own events alone are too few to tell how they cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Figure:
        """The figure in another unit."""
        return Figure(value=factor * self.value, low=factor * self.low, high=factor * self.high)


def share_of(share: float, trials: float) -> Figure:
    """A share with its mid-P interval.

    Args:
        share: Observed, from 0 to 1.
        trials: Independent trials, or as many as the observations are worth; any positive number.
    """
    events = share * trials

    def beyond(p: float) -> float:
        """Probability of more events, and half that of as many, at a true share p."""
        return 0.5 * (incomplete_beta(events, trials - events + 1, p) + incomplete_beta(events + 1, trials - events, p))

    low = 0.0 if share <= 0 else crossing(lambda p: beyond(p) - TAIL)
    high = 1.0 if share >= 1 else crossing(lambda p: beyond(p) - (1.0 - TAIL))
    return Figure(value=share, low=min(low, share), high=max(high, share))


def design_effect(shares: Array, pairs: int) -> float:
    """By how many times the pairs of a die outnumber what they are worth in independent ones; at least 1.

    Args:
        shares: [dies], share of the pairs of each die.
        pairs: Pairs a die.
    """
    share, dies = float(shares.mean()), shares.size
    independent = share * (1.0 - share) / (dies * pairs)
    return max(1.0, float(shares.var(ddof=1)) / dies / independent) if independent > 0 else 1.0


def clustered_share(shares: Array, pairs: int, rare_effect: float) -> Figure:
    """The share of pairs to which something happens.

    Args:
        shares: [dies], share of the pairs of each die.
        pairs: Pairs a die.
        rare_effect: Least design effect of shares so small that their own events alone do not tell it.
    """
    share, trials = float(shares.mean()), shares.size * pairs
    effect = design_effect(shares, pairs)
    if not RARE <= share <= 1.0 - RARE:
        effect = max(effect, rare_effect)
    penalty = (student_t(shares.size - 1) / student_t(max(trials - 1, 1))) ** 2
    return share_of(share, max(trials / effect / penalty, 1.0))


def median_of(values: Array) -> Figure:
    """The median of independent values; [values], six or more."""
    found = median_interval(values)
    return Figure(value=found.median, low=found.low, high=found.high)


@lru_cache(maxsize=1024)
def student_t(freedom: int) -> float:
    """The value that Student's t of so many degrees of freedom exceeds with a probability of 2.5 %."""
    x = crossing(lambda x: incomplete_beta(0.5 * freedom, 0.5, x) - 2.0 * TAIL)
    return math.sqrt(freedom * (1.0 - x) / x)

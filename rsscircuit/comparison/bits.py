"""Effective bits: how finely something can be programmed, and how well that is known.

A converter with b bits over a span errs evenly within its step, with an rms of span / (2^b sqrt 12). So whatever errs
with an rms has log2(span / (rms sqrt 12)) bits, however its errors are distributed. A bank without sign spans its
full scale once; a signed pair spans it twice, from minus to plus full scale. Errors that are even within +-2^-11 of
full scale make 11 bits of a signed pair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
UNSIGNED, SIGNED = 1.0, 2.0  # spans, in full scales
LEAST_VALUES = 6  # fewer have no 95 % interval of their median


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A median with its 95 % interval."""

    median: float
    low: float
    high: float


def effective_bits(errors: Array, span: float) -> Array:
    """Effective bits from errors [..., targets] in full scales; [...], the rms is over the targets.

    Args:
        errors: What was programmed less what was wanted.
        span: ``UNSIGNED`` or ``SIGNED``.
    """
    rms = np.sqrt(np.mean(errors**2, axis=-1))
    result: Array = np.log2(span / (rms * math.sqrt(12.0)))
    return result


def median_interval(values: Array) -> Interval:
    """The median of independent values [k] and the order statistics that enclose the true one with 95 % or more.

    A value lies below the true median with probability 1/2, so the number of those that do is binomial, whatever the
    distribution: the r-th smallest and the r-th largest fail to enclose it with P(fewer than r of k) on either side.

    Raises:
        ValueError: Fewer than ``LEAST_VALUES`` values; even the least and the largest enclose it less often.
    """
    if values.size < LEAST_VALUES:
        raise ValueError(f"{values.size} values have no 95 % interval of their median")
    rank, missed = 0, math.comb(values.size, 0) / 2**values.size
    while missed <= 0.025:
        rank += 1
        missed += math.comb(values.size, rank) / 2**values.size
    ascending = np.sort(values)
    return Interval(median=float(np.median(values)), low=float(ascending[rank - 1]), high=float(ascending[-rank]))

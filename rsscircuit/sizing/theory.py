"""What theory says of the number of resistors: bounds and laws in closed form.

* Counting. N items have 2^N sums, and a sum serves the targets within the error of it. So a share c of the targets is
  served only if 2^N balls of width 2 eps cover the smallest set that holds such a share. This holds for every bank.
* The gap law (``docs/subset-sums.md``). Sums of independent items lie about normal and as good as independently, so
  that a target misses with probability exp(-2 lambda eps), lambda = 2^N phi(z) / sigma. It is a forecast, no bound: it
  is too good where items are alike.
* Vectors (da Cunha 2023, chapter 3): the same count for standard normal vectors in d dimensions, the forecast from the
  expected number of subsets within 2 eps, and Theorem 3.1.2.
* Values on a grid (appendix D): what rounding measured values costs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec
from rsscircuit.sizing.targets import TargetLaw
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
FURTHEST_FORECAST = 200


def counting_bound(error: float, confidence: float, law: TargetLaw) -> int:
    """The fewest items that can serve a share of the targets, 2^N >= width / (2 eps).

    Args:
        error: eps, as a fraction of full scale.
        confidence: Share of the targets.
        law: The targets.
    """
    return max(0, math.ceil(math.log2(law.narrowest(confidence) / (2.0 * error))))


def gap_law_miss(spec: BankSpec, technology: Technology, error: float, law: TargetLaw, headroom: float) -> float:
    """Share of pairs that miss by the gap law, for a bank's nominal values.

    Args:
        spec: A bank of the pair.
        technology: Its switch.
        error: Largest error, as a fraction of full scale.
        law: The targets.
        headroom: Full scale over the sum of a bank.
    """
    siemens = 1.0 / (spec.nominal_ohm + technology.switch.on_ohm)
    full_scale = headroom * siemens.sum()
    sigma = math.sqrt(0.5 * (siemens**2).sum())
    density = np.exp(-0.5 * (law.evenly * full_scale / sigma) ** 2) / math.sqrt(2.0 * math.pi) / sigma
    return float(np.exp(-2.0 * 4.0**spec.resistors * density * error * full_scale).mean())


def vector_counting_bound(dimensions: int, error: float, confidence: float) -> int:
    """The fewest vectors that can come within 2 eps, in every coordinate, of a share of the points of [-1, 1]^d.

    A subset serves a cube of side 4 eps: 2^n (4 eps)^d >= confidence 2^d.
    """
    return max(0, math.ceil(math.log2(confidence) - dimensions * math.log2(2.0 * error)))


def vector_forecast(dimensions: int, error: float, confidence: float) -> int:
    """The fewest standard normal vectors whose expected subsets within 2 eps of a point of [-1, 1]^d forecast a hit.

    A subset of k vectors sums to a normal vector of variance k. Were the subsets independent, a point without any
    would have probability exp(-expected), which is averaged over 32^d points.
    """
    points = (np.arange(32) + 0.5) / 32  # of one coordinate; signs do not matter
    ends = np.stack([points + 2.0 * error, points - 2.0 * error])
    for n in range(max(1, vector_counting_bound(dimensions, error, confidence)), FURTHEST_FORECAST + 1):
        expected = np.zeros((points.size,) * dimensions)
        for k in range(1, n + 1):
            within = np.diff(_normal_below(ends[::-1] / math.sqrt(k)), axis=0)[0]
            chance = within
            for _ in range(dimensions - 1):
                chance = np.multiply.outer(chance, within)
            expected += math.comb(n, k) * chance
        if np.exp(-expected).mean() <= 1.0 - confidence:
            return n
    raise ValueError(f"more than {FURTHEST_FORECAST} vectors")


def vector_theorem(dimensions: int, error: float) -> float:
    """What Theorem 3.1.2 multiplies with its constant: d^3 log2(1/eps) (log2(1/eps) + log2 d)."""
    bits = math.log2(1.0 / error)
    return dimensions**3 * bits * (bits + math.log2(dimensions))


def grid_error(error: float, items: int, step: float) -> float:
    """Largest error where a sum is within ``error`` on values truncated to a grid (appendix D, before Corollary D.1).

    Every item is off by less than a step, a subset of all of them by ``items`` steps. Values rounded to the nearest
    are off by half as much.
    """
    return error + items * step


def grid_spread(items: int, step: float) -> float:
    """Root mean square error that rounding to the nearest grid value adds to a sum of half the items."""
    return step * math.sqrt(0.5 * items / 12.0)


def _normal_below(z: Array) -> Array:
    """Distribution function of the standard normal law."""
    flat = [0.5 * math.erfc(-value / math.sqrt(2.0)) for value in z.ravel()]
    return np.array(flat).reshape(z.shape)

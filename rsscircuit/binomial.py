"""Shares and the binomial distribution: the beta function behind it, and the exact interval of a share."""

from __future__ import annotations

import math
from collections.abc import Callable

TAIL = 0.025  # on either side of a 95 % interval


def clopper_pearson(events: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share, from ``events`` in so many independent trials.

    It covers the true share with 95 % or more, whatever that is (Clopper and Pearson 1934).
    """
    low = crossing(lambda p: incomplete_beta(events, trials - events + 1, p) - TAIL) if events else 0.0
    high = crossing(lambda p: incomplete_beta(events + 1, trials - events, p) - (1.0 - TAIL))
    return low, high if events < trials else 1.0


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), 1 for a = 0 and 0 for b = 0.

    The continued fraction of DLMF 8.17.22, summed from the front (Lentz).
    """
    if a <= 0 or x >= 1:
        return 1.0
    if b <= 0 or x <= 0:
        return 0.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x) - math.log(a)
    )
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / (1.0 + term * d)
            c = 1.0 + term / c
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-14:
            break
    return front * fraction


def crossing(function: Callable[[float], float]) -> float:
    """Where an increasing function crosses zero between 0 and 1."""
    low, high = 0.0, 1.0
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return high

"""How many random vectors a subset sum in several dimensions needs, by simulation (thesis chapter 3).

One choice of vectors must meet every coordinate at once, as the columns that share a switch word must. The vectors
are standard normal, the point to meet lies evenly in [-1, 1]^d, and it is met within 2 eps in every coordinate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rsscircuit.errors import InputError
from rsscircuit.seeds import stream
from rsscircuit.sizing.intervals import share_of
from rsscircuit.sizing.theory import vector_counting_bound
from rsscircuit.subsetsum import Problem, solve

MOST_VECTORS = 28  # with more the exact solver takes a second a cell in several dimensions
EXPECTED_MISSES = 10  # at the limit


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSize:
    """The number of vectors that is needed.

    Attributes:
        dimensions, error, confidence: What was asked.
        needed: Smallest n whose misses are shown (95 %) to be few enough.
        least: Smallest n whose misses are not shown to be too many.
    """

    dimensions: int
    error: float
    confidence: float
    needed: int
    least: int


def vectors_needed(
    dimensions: int, error: float, confidence: float, *, seed: int, cells: int | None = None
) -> VectorSize:
    """Simulate one number of vectors after another, every point with vectors of its own.

    Args:
        dimensions: d.
        error: eps; a point is met within 2 eps.
        confidence: Share of the points that must be.
        seed: Of points and vectors.
        cells: Points; enough for the confidence where their number is not given.

    Raises:
        InputError: More vectors than the exact solver holds.
    """
    cells, least = math.ceil(EXPECTED_MISSES / (1.0 - confidence)) if cells is None else cells, 0
    generator = stream(seed, "stimulus", layer=f"vectors {dimensions}")
    points = generator.uniform(-1.0, 1.0, (cells, dimensions))
    drawn = generator.standard_normal((cells, MOST_VECTORS, dimensions))
    for n in range(max(1, vector_counting_bound(dimensions, error, confidence)), MOST_VECTORS + 1):
        missed = solve(Problem.of(drawn[:, :n], points)).errors > 2.0 * error
        share = share_of(float(missed.mean()), cells)
        if least == 0 and share.low <= 1.0 - confidence:
            least = n
        if share.high <= 1.0 - confidence:
            return VectorSize(dimensions=dimensions, error=error, confidence=confidence, needed=n, least=least)
    raise InputError(
        f"{dimensions} dimensions need more than the {MOST_VECTORS} vectors that the solver holds",
        where=f"error {error:g}",
        remedy="take a larger error or fewer dimensions",
    )

"""The gap law: the mean error of the nearest subset sum of U[-1, 1] banks against theory.

python tests/bench/gap_law.py

A bank of n items has 2**n sums, about normal around half its total with sigma^2 = sum g^2 / 4. At a distance of z
sigma from that centre they lie lambda = 2**n phi(z) / sigma to the unit and as good as independently, so that the
distance to the nearest is exponential with mean 1 / (2 lambda). Exactly at the centre a subset and its complement err
alike, so that there are half as many different errors, and the mean is twice as large.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rsscircuit.report.tables import print_table
from rsscircuit.subsetsum import Problem, solve

SIZES = tuple(range(16, 29))
DISTANCES = (0.0, 1.0, 2.0)
HELD_AT = (1.0, 2.0)  #: distances at which the law itself is put to the test
CELLS = 20_000
QUICK_SIZES, QUICK_CELLS = (16, 19), 4_000
HEADS = ("n", *(head for z in DISTANCES for head in (f"mean error, z = {z:g}", "over 1/(2 lambda)")))


class Point(NamedTuple):
    """One bank size and distance of the target; errors in the unit of the items."""

    n: int
    z: float
    cells: int
    error: float  #: mean error
    theory: float  #: mean of 1 / (2 lambda)
    ratio: float  #: mean of error times 2 lambda
    uncertainty: float  #: standard error of the ratio


def measure(*, quick: bool = False) -> list[Point]:
    """The law at every size and distance, every cell a bank of its own."""
    sizes, cells = (QUICK_SIZES, QUICK_CELLS) if quick else (SIZES, CELLS)
    return [_point(n, z, cells) for n in sizes for z in DISTANCES]


def _point(n: int, z: float, cells: int) -> Point:
    items = np.random.default_rng([n, int(10 * z)]).uniform(-1.0, 1.0, (cells, n))
    sigma = 0.5 * np.sqrt((items**2).sum(axis=1))
    errors = solve(Problem.of(items, 0.5 * items.sum(axis=1) + z * sigma)).errors
    density = 2.0**n * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) / sigma
    ratios = 2.0 * density * errors
    return Point(
        n=n,
        z=z,
        cells=cells,
        error=float(errors.mean()),
        theory=float((0.5 / density).mean()),
        ratio=float(ratios.mean()),
        uncertainty=float(ratios.std() / np.sqrt(cells)),
    )


def rows_of(points: Sequence[Point]) -> list[tuple[str, ...]]:
    """One row a size."""
    rows = []
    for n in sorted({point.n for point in points}):
        of_size = sorted((point for point in points if point.n == n), key=lambda point: point.z)
        cells = [text for p in of_size for text in (f"{p.error:.2e}", f"{p.ratio:.3f} ± {p.uncertainty:.3f}")]
        rows.append((str(n), *cells))
    return rows


def draw(points: Sequence[Point], path: Path) -> None:
    """Mean error against n with the theory's lines, and the ratio of the two."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for colour, z in enumerate(HELD_AT):
        of_distance = [point for point in points if point.z == z]
        sizes = [point.n for point in of_distance]
        left.plot(sizes, [point.theory for point in of_distance], f"C{colour}-", label=f"theory, z = {z:g}")
        left.plot(sizes, [point.error for point in of_distance], f"C{colour}o", label=f"measured, z = {z:g}")
        right.errorbar(
            [n + 0.2 * colour - 0.1 for n in sizes],
            [point.ratio for point in of_distance],
            yerr=[2.0 * point.uncertainty for point in of_distance],
            fmt=f"C{colour}o",
            label=f"z = {z:g}",
        )
    left.set(xlabel="items n", ylabel="mean error, U[-1, 1]", yscale="log")
    right.axhspan(0.9, 1.1, color="0.9")
    right.axhline(1.0, color="0.5", linewidth=1)
    right.set(xlabel="items n", ylabel="measured / theory, ± 2 s.e.", ylim=(0.8, 1.2))
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.grid(visible=True, color="0.92")
        axes.set_axisbelow(True)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="mean error of the nearest subset sum against the gap law")
    parser.add_argument("--quick", action="store_true", help="two sizes, fewer cells")
    print_table(HEADS, rows_of(measure(quick=parser.parse_args().quick)))


if __name__ == "__main__":
    main()

"""Figure 4.3 of da Cunha 2023: the worst error of trained convolution weights as subset sums of Uniform[-1, 1] numbers.

python tests/bench/thesis_figure.py --write

For every weight of the convolutions of LeNet5 a bank of its own is drawn, and the nearest of its subset sums is taken.
The thesis finds worst errors below 1e-2 "from sample sizes around 15-20".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pages
from numpy.typing import NDArray

from rsscircuit.network import read_network
from rsscircuit.seeds import stream
from rsscircuit.subsetsum import Problem, solve
from rsscircuit.technology.laws import parse_law

EXAMPLES = Path(__file__).parents[2] / "examples"
NETWORKS = {"MNIST": EXAMPLES / "lenet5_mnist" / "lenet5.onnx", "Fashion": EXAMPLES / "lenet5_fashion" / "lenet5.onnx"}
SIZES = (5, 10, 12, 15, 17, 20, 25, 30)
SEEDS = 5  #: draws of all banks; the worst of each is a random number


class Point(NamedTuple):
    """One network and bank size."""

    network: str
    n: int
    weights: int
    worst: tuple[float, ...]  #: largest error over the weights, one a seed
    rms: float


def convolution_weights(path: Path) -> NDArray[np.float64]:
    """All weights of the convolutions of a network, one row."""
    layers = [layer for layer in read_network(path).crossbar_layers if layer.weight.ndim == 4]
    return np.concatenate([layer.weight.ravel() for layer in layers])


def measure(sizes: Sequence[int] = SIZES, seeds: int = SEEDS) -> list[Point]:
    """The worst error of every network and size."""
    law = parse_law("thesis:0.5,1")
    points = []
    for name, path in NETWORKS.items():
        weights = convolution_weights(path)
        for n in sizes:
            errors = [
                solve(Problem.of(law.draw(stream(seed, "process", die=n), (weights.size, n)), weights)).errors
                for seed in range(seeds)
            ]
            worst = tuple(float(each.max()) for each in errors)
            points.append(Point(name, n, weights.size, worst, float(np.sqrt(np.mean(np.square(errors))))))
    return points


def rows_of(points: Sequence[Point]) -> list[tuple[str, ...]]:
    """One row a network and size."""
    return [
        (p.network, str(p.n), f"{np.median(p.worst):.1e}", f"{min(p.worst):.1e} to {max(p.worst):.1e}", f"{p.rms:.1e}")
        for p in points
    ]


HEADS = ("network", "n", "worst error, median", "least to largest", "rms error")


def main() -> None:
    """Print the table, and write it where asked to."""
    parser = argparse.ArgumentParser(description="worst errors of LeNet5's convolution weights, figure 4.3")
    parser.add_argument("--write", action="store_true", help="rewrite the table of docs/banks.md")
    options = parser.parse_args()
    points = measure()
    note = f"{points[0].weights} weights, {SEEDS} draws of all banks."
    block = pages.Block("figure-4.3", HEADS, rows_of(points), note)
    block.show()
    if options.write:
        pages.write("banks.md", {block.key: block.markdown()})


if __name__ == "__main__":
    main()

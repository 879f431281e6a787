"""Time of the exact nearest subset sum, one thread, against NumPy meet-in-the-middle in the same run.

python tests/bench/subset_sums.py
"""

from __future__ import annotations

import time

import numba
import numpy as np

from rsscircuit.report.tables import print_lines, print_table
from rsscircuit.subsetsum import Problem, solve

CELLS = {8: 4000, 12: 4000, 16: 2000, 20: 500, 24: 160, 30: 24}
REPEATS = 5
NUMPY_CELLS = 8


def numpy_nearest(items: np.ndarray, target: float) -> float:
    """Least error of one cell: both halves' sums, one sorted, the other searched in it."""
    half = items.size // 2
    sums = []
    for part in (items[:half], items[half:]):
        total = np.zeros(1)
        for item in part:
            total = np.concatenate([total, total + item])
        sums.append(total)
    ordered = np.sort(sums[1])
    wanted = target - sums[0]
    place = np.searchsorted(ordered, wanted).clip(1, ordered.size - 1)
    return float(np.minimum(np.abs(ordered[place] - wanted), np.abs(ordered[place - 1] - wanted)).min())


def main() -> None:
    """Print one line a size: medians over repeats, and the largest difference of the two errors."""
    numba.set_num_threads(1)
    rng = np.random.default_rng(0)
    rows = []
    for n, cells in CELLS.items():
        items = rng.uniform(0.8, 1.2, (cells, n))
        targets = items.sum(1) * rng.uniform(0.3, 0.7, cells)
        problem = Problem.of(items, targets)
        ours = []
        for _ in range(REPEATS + 1):
            began = time.process_time()
            answer = solve(problem, "meet-in-the-middle")
            ours.append((time.process_time() - began) / cells)
        theirs, difference = [], 0.0
        for cell in range(NUMPY_CELLS):
            began = time.process_time()
            error = numpy_nearest(items[cell], targets[cell])
            theirs.append(time.process_time() - began)
            difference = max(difference, abs(abs(answer.residuals[cell]) - error))
        mine, numpy = float(np.median(ours[1:])), float(np.median(theirs))
        rows.append((str(n), f"{1e6 * mine:.2f}", f"{1e6 * numpy:.0f}", f"{numpy / mine:.1f}", f"{difference:.1e}"))
    print_table(("n", "us a cell", "NumPy, us a cell", "ratio", "largest difference of errors"), rows)
    print_lines(["CPU time, one thread, medians; items U[0.8, 1.2], targets 30 to 70 % of their sum"])


if __name__ == "__main__":
    main()

"""LeNet5 over many dies, and over drifts of one: how its figures spread, and what a die costs.

python tests/bench/dies.py            the tables
python tests/bench/dies.py --write    the same, and put them into docs/montecarlo.md

Default settings, the second thousand of test images, converters laid out for the calibration images; a process a core.
CPU seconds are those of the workers, because other work shares the cores.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from networks import CHOSEN_ON, built, cpu_seconds, cut, load
from pages import Block, write

import rsscircuit
from rsscircuit.execution import default_workers
from rsscircuit.population import Limits
from rsscircuit.report.tables import percent

DIES, IMAGES = 100, (CHOSEN_ON, 2 * CHOSEN_ON)
MNIST, FASHION = "LeNet5, MNIST", "LeNet5, Fashion-MNIST"
RUNS = (
    (MNIST, False, "re-measured dies"),
    (FASHION, False, "re-measured dies"),
    (MNIST, True, "drifts of one die"),
)
LIMITS = {
    MNIST: Limits(accuracy=0.985, agreement=0.99, output_error=0.03),
    FASHION: Limits(accuracy=0.90, agreement=0.99, output_error=0.03),
}
NAMES = {"accuracy": "accuracy", "agreement": "agreement", "output_error": "output error"}
DIGITS = {"accuracy": 4, "agreement": 5, "output_error": 3}


def rows(result: dict[str, Any], name: str) -> list[tuple[str, ...]]:
    """A row a figure."""
    found = []
    for key, figure in result["figures"].items():
        digits, share = DIGITS[key], result["yield"][key]
        points = (figure["percentiles"][each] for each in ("50", "99" if key == "output_error" else "1"))
        sign = "at most" if key == "output_error" else "at least"
        found.append(
            (
                name,
                NAMES[key],
                percent(figure["mean"], digits),
                percent(figure["standard_deviation"], 2),
                *("-" if point is None else percent(point, digits) for point in points),
                percent(figure["worst"], digits),
                f"{sign} {percent(share['limit'], 4)}",
                f"{share['kept']} of {share['chips']}: {percent(share['low'], 4)} to {percent(share['high'], 4)}",
            )
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--dies", type=int, default=DIES)
    options = parser.parse_args()
    table, costs = list[tuple[str, ...]](), list[tuple[str, ...]]()
    trained = {}
    for network, fixed, kind in RUNS:
        name = f"{network}: {kind}"
        with built(network) as made:
            began, before = time.perf_counter(), cpu_seconds()
            result = rsscircuit.network_yield(
                made.directory,
                cut(made.images, *IMAGES),
                cut(made.labels, *IMAGES),
                dies=options.dies,
                fixed=fixed,
                limits=LIMITS[network],
                calibration=made.calibration,
                workers=default_workers(),
            )
            seconds, used = time.perf_counter() - began, cpu_seconds() - before
        trained[network] = percent(result["trained_accuracy"], 4)
        table += rows(result, name)
        costs.append((name, f"{used:.0f} s", f"{used / options.dies:.2f} s", f"{seconds:.0f} s", load()))
    accuracy = ", ".join(f"{network} {share}" for network, share in trained.items())
    note = (
        f"{options.dies} of each, test images {IMAGES[0]} to {IMAGES[1] - 1}, which had no part in the choice of the "
        f"defaults, everything at work. Trained accuracy: {accuracy}. Tail: first percentile, of the error the 99th. "
        "Drifts: -40 to 125 C, supply +- 10 %, 0 to 10 years."
    )
    heads = ("", "figure", "mean", "std. dev.", "median", "tail", "worst", "limit", "keep it: 95 % interval")
    spread = Block("network-yield", heads, table, note, left=2)
    note = (
        f"{default_workers()} cores, which other work shared; without that the time is CPU time over cores. Load: "
        "processes that wanted a core over the last minute, the run's own among them."
    )
    cost = Block("network-yield-cost", (f"{options.dies} of", "CPU time", "of each", "time", "load"), costs, note)
    for block in (spread, cost):
        block.show()
    if options.write:
        write("montecarlo.md", {block.key: block.markdown() for block in (spread, cost)})


if __name__ == "__main__":
    main()

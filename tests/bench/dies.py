"""LeNet5 over many dies, and over drifts of one: how its figures spread, and what a die costs.

python tests/bench/dies.py            the tables
python tests/bench/dies.py --write    the same, and put them into docs/montecarlo.md

Default settings, the first 1000 test images of MNIST, converters laid out for the calibration images; a process a core.
CPU seconds are those of the workers, because other work shares the cores.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pages import Block, write

import rsscircuit
from rsscircuit.execution import default_workers
from rsscircuit.population import Limits
from rsscircuit.report.tables import percent

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
from demo import unpack  # noqa: E402

DIES, IMAGES = 100, 1000
LIMITS = Limits(accuracy=0.99, agreement=0.99, output_error=0.03)
NAMES = {"accuracy": "accuracy", "agreement": "agreement", "output_error": "output error"}
DIGITS = {"accuracy": 4, "agreement": 5, "output_error": 3}


def rows(result: dict[str, Any], name: str) -> list[tuple[str, ...]]:
    """A row a figure."""
    found = []
    for key, figure in result["figures"].items():
        digits, share = DIGITS[key], result["yield"][key]
        sign = "at most" if key == "output_error" else "at least"
        found.append(
            (
                name,
                NAMES[key],
                percent(figure["mean"], digits),
                percent(figure["standard_deviation"], 2),
                percent(figure["percentiles"]["50"], digits),
                percent(figure["percentiles"]["99" if key == "output_error" else "1"], digits),
                percent(figure["worst"], digits),
                f"{sign} {percent(share['limit'], 4)}",
                f"{share['kept']} of {share['chips']}: {percent(share['low'], 4)} to {percent(share['high'], 4)}",
            )
        )
    return found


def cpu_seconds() -> float:
    """Of the workers that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--dies", type=int, default=DIES)
    options = parser.parse_args()
    table, costs = list[tuple[str, ...]](), list[tuple[str, ...]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unpack("mnist", folder)
        calibration = str(folder / "calibration_images.npy")
        rsscircuit.build(
            ROOT / "examples" / "lenet5_mnist" / "lenet5.onnx",
            folder / "design",
            rsscircuit.BuildOptions(calibration=calibration, netlists="none"),
        )
        for fixed, kind in ((False, "re-measured dies"), (True, "drifts of one die")):
            began, before = time.perf_counter(), cpu_seconds()
            result = rsscircuit.network_yield(
                folder / "design",
                folder / "test_images.npy",
                folder / "test_labels.npy",
                dies=options.dies,
                fixed=fixed,
                limits=LIMITS,
                limit=IMAGES,
                calibration=calibration,
                workers=default_workers(),
            )
            seconds, used = time.perf_counter() - began, cpu_seconds() - before
            table += rows(result, kind)
            costs.append((kind, f"{used:.0f} s", f"{used / options.dies:.2f} s", f"{seconds:.0f} s"))
    note = (
        f"LeNet5 on MNIST, {options.dies} of each, the first {IMAGES} test images, everything at work; "
        f"trained accuracy {percent(result['trained_accuracy'], 4)}. Tail: first percentile, of the error the 99th. "
        "Drifts: -40 to 125 C, supply +- 10 %, 0 to 10 years."
    )
    heads = ("", "figure", "mean", "std. dev.", "median", "tail", "worst", "limit", "keep it: 95 % interval")
    spread = Block("network-yield", heads, table, note, left=2)
    note = f"{default_workers()} cores, which other work shared; without that the time is CPU time over cores."
    cost = Block("network-yield-cost", (f"{options.dies} of", "CPU time", "of each", "time"), costs, note)
    for block in (spread, cost):
        block.show()
    if options.write:
        write("montecarlo.md", {block.key: block.markdown() for block in (spread, cost)})


if __name__ == "__main__":
    main()

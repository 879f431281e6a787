"""Which chip for LeNet5: n, bank plan, tile, bits of measurement and ADC, and the unit resistor.

python tests/bench/exploration.py            the tables
python tests/bench/exploration.py --write    the same, and put them and the picture into docs

The first 300 test images of MNIST, everything at work, converters laid out for the calibration images; a process a
core. CPU seconds are those of the workers, because other work shares the cores.
"""

from __future__ import annotations

import argparse
import itertools
import math
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from networks import cpu_seconds
from pages import PICTURES, Block, write

from rsscircuit.execution import default_workers
from rsscircuit.exploration import explore, parse_axes
from rsscircuit.quantities import engineering
from rsscircuit.report.exploration import MM2, draw_quality
from rsscircuit.report.tables import percent, print_lines

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))
from demo import unpack  # noqa: E402

IMAGES = 300
AXES = {
    "technology": "sky130_xhigh_1M,sky130_xhigh_100k",
    "bank": "linear:0.5,geometric:1.25",
    "resistors": "8,11,14",
    "tile": "32x32,64x64,128x128",
    "measurement_bits": "10,14",
    "adc_bits": "8,10",
}
NAMES = {"technology": "technology", "bank": "plan", "resistors": "n", "tile": "tile",
         "measurement_bits": "measurement bits", "adc_bits": "ADC bits"}  # fmt: skip
FIGURES = ("output_error", "area_um2", "energy_joule", "latency_second")


def front_rows(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The points on a front, by rising area."""
    on = sorted((point for point in result["points"] if point["fronts"]), key=lambda each: each["figures"]["area_um2"])
    return [
        (
            str(point["number"]),
            *(f"{value:g}" if isinstance(value, float) else str(value) for value in point["configuration"].values()),
            percent(point["figures"]["output_error"]),
            percent(point["figures"]["agreement"], 4),
            f"{point['figures']['area_um2'] / MM2:.4g} mm2",
            engineering(point["figures"]["energy_joule"], "J"),
            ", ".join(point["fronts"]),
        )
        for point in on
    ]


def pair_rows(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """What a value of an axis does beside the one before it: medians over pairs that differ in nothing else."""
    points = {tuple(point["configuration"].values()): point["figures"] for point in result["points"]}
    rows = []
    for place, axis in enumerate(NAMES):
        values = [level["value"] for level in result["levels"][axis]]
        for before, after in itertools.pairwise(values):
            pairs = [
                (figures, points[(*chosen[:place], after, *chosen[place + 1 :])])
                for chosen, figures in points.items()
                if chosen[place] == before
            ]
            changes = [[after[name] / before[name] for before, after in pairs] for name in FIGURES]
            rows.append(
                (
                    NAMES[axis],
                    f"{before} to {after}",
                    str(len(pairs)),
                    *(f"x {statistics.median(change):.2f}" for change in changes),
                    f"x {min(changes[0]):.2f} to x {max(changes[0]):.2f}",
                )
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    said: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unpack("mnist", folder)
        began = time.perf_counter()
        result = explore(
            ROOT / "examples" / "lenet5_mnist" / "lenet5.onnx",
            folder / "space",
            folder / "test_images.npy",
            folder / "test_labels.npy",
            axes=parse_axes(**AXES),
            limit=IMAGES,
            calibration=folder / "calibration_images.npy",
            workers=default_workers(),
            say=said.append,
        )
        seconds = time.perf_counter() - began
        if options.write:
            draw_quality(result, "output-error", PICTURES / "exploration.svg")
    used, designs = cpu_seconds(), result["done"] // len(AXES["adc_bits"].split(","))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024.0
    agreed = min(point["figures"]["agreement"] for point in result["points"])
    heads = ("point", *NAMES.values(), "output error", "agreement", "area", "energy", "front")
    note = (
        f"LeNet5 on MNIST, {result['done']} points, the first {IMAGES} test images; the least agreement of all points "
        f"is {percent(agreed, 4)}, the largest output error "
        f"{percent(max(point['figures']['output_error'] for point in result['points']))}."
    )
    best = Block("exploration-front", heads, front_rows(result), note, left=5)
    heads = ("axis", "change", "pairs", "output error", "area", "energy", "latency", "output error, every pair")
    note = "Median of the ratios over pairs of points that differ in nothing else."
    pairs = Block("exploration-axes", heads, pair_rows(result), note, left=2)
    rows = [
        (
            str(result["done"]),
            str(designs),
            f"{used:.0f} s",
            f"{used / designs:.1f} s",
            f"{used / result['done']:.1f} s",
            f"{math.ceil(seconds)} s",
            f"{memory:.0f} MB",
        )
    ]
    heads = ("points", "designs", "CPU time", "a design", "a point", "time", "largest process")
    note = f"{default_workers()} processes on 2 cores, which other work shared. Forecast: {said[0]}."
    cost = Block("exploration-cost", heads, rows, note, left=0)
    for block in (best, pairs, cost):
        block.show()
    print_lines(said)
    if options.write:
        write("exploration.md", {block.key: block.markdown() for block in (best, pairs, cost)})


if __name__ == "__main__":
    main()

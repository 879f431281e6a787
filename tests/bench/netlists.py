"""How long a large tile takes to write as a deck, and ngspice to find its operating point: CPU time.

python tests/bench/netlists.py
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from rsscircuit.netlist import TileOptions, tile_deck
from rsscircuit.report.tables import print_table
from rsscircuit.technology import load_technology

sys.path.insert(0, str(Path(__file__).parents[1]))
from circuits import random_crossbar, run_batch

SHAPE, RESISTORS, ROUNDS = (64, 64), 16, 3
WRITE_BAR, RUN_BAR = 2.0, 30.0
LEVELS = {
    "nmos": TileOptions(),
    "ideal": TileOptions(switch="ideal"),
    "transmission-gate": TileOptions(switch="transmission-gate", common_mode_volt=0.9),
    "nmos, linear resistors": TileOptions(voltage_coefficient=False),
    "merged": TileOptions(merged=True),
    "merged, linear resistors": TileOptions(merged=True, voltage_coefficient=False),
}


def children() -> float:
    """CPU seconds of the programs run so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def running(deck: str, folder: Path) -> float:
    """CPU seconds of one run."""
    began = children()
    run_batch(deck, folder)
    return children() - began


def main() -> None:
    """Print the times, their share of the bar and what a voltage coefficient costs."""
    argparse.ArgumentParser(
        description="CPU seconds to write and to run a tile of 64 x 64 pairs of 16, without wires"
    ).parse_args()
    technology = load_technology("sky130_xhigh_100k")
    crossbar = random_crossbar(SHAPE, RESISTORS, present=2.0)
    rows, taken = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in LEVELS.items():
            writing = []
            for _ in range(ROUNDS):
                began = time.process_time()
                deck = tile_deck(crossbar, technology, label="bench", options=options)
                writing.append(time.process_time() - began)
            taken[name] = min(running(deck, Path(folder)) for _ in range(ROUNDS))
            write = float(np.median(writing))
            bars = f"{WRITE_BAR / write:.0f}x and {RUN_BAR / taken[name]:.1f}x under"
            rows.append((name, f"{len(deck) / 1e6:.1f} MB", f"{write:.2f} s", f"{taken[name]:.2f} s", bars))
    head = ("64 x 64 x 2 x 16, no wires", "deck", "written in", "ngspice -b", f"bars {WRITE_BAR:g} s, {RUN_BAR:g} s")
    print_table(head, rows)
    for name in ("nmos", "merged"):
        more = taken[name] / taken[f"{name}, linear resistors"]
        print(f"a voltage coefficient makes the run of {name} {more:.1f} times as long")  # noqa: T201


if __name__ == "__main__":
    main()

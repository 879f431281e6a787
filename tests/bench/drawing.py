"""How long a large tile takes to draw and to measure.

python tests/bench/drawing.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from rsscircuit.banks import Place, bank_spec, draw_die, measure
from rsscircuit.report.tables import print_table
from rsscircuit.technology import load_technology

SHAPE, RESISTORS, ROUNDS = (64, 64), 16, 9


def milliseconds(run: Callable[[], object]) -> str:
    """Median CPU time."""
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
    return f"{1e3 * float(np.median(taken)):.1f} ms"


def main() -> None:
    """Print the times."""
    argparse.ArgumentParser(description="CPU time to draw and to measure a tile of 64 x 64 pairs of 16").parse_args()
    technology = load_technology("sky130_xhigh_1M")
    spec, place = bank_spec("geometric:1.25", RESISTORS, 1e6), Place(seed=1, layer="bench", tile=0)
    everywhere = np.ones(SHAPE, np.bool_)
    die = draw_die(spec, technology, everywhere, place)
    rows = [
        ("draw", milliseconds(lambda: draw_die(spec, technology, everywhere, place))),
        ("measure", milliseconds(lambda: measure(die, technology, spec, place))),
    ]
    print_table(("64 x 64 x 2 x 16", "CPU time"), rows)


if __name__ == "__main__":
    main()

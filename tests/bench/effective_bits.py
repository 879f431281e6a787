"""Effective bits of single banks: the table "Simulated effective bits" of docs/banks.md.

python tests/bench/effective_bits.py            print the table
python tests/bench/effective_bits.py --quick    a smoke test of a few seconds
python tests/bench/effective_bits.py --write    print it, and put it into docs/banks.md

One bank without sign, every resistor of it lognormal about its nominal value with the same relative spread; targets
even from 15 to 85 % of the bank's sum of conductances, solved exactly on true values. Bits are log2(sum / (rms
sqrt 12)) of a die; what is printed is the median over the dies with its 95 % interval. The notes are the figures
that the project set out with.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np

from rsscircuit.banks import bank_spec
from rsscircuit.comparison import Interval, effective_bits, median_interval
from rsscircuit.comparison.bits import UNSIGNED
from rsscircuit.comparison.targets import MID_RANGE
from rsscircuit.seeds import stream
from rsscircuit.subsetsum import Problem, solve
from rsscircuit.technology.laws import parse_law

DIES, QUICK_DIES, TARGETS = 2000, 200, 1000
SIZES = (12, 16)
WORTH_SAYING = 0.1  #: difference from the notes, bits


class Row(NamedTuple):
    """A plan and its spread, and what the notes say of it, by number of resistors."""

    label: str
    plan: str
    sigma: float
    notes: tuple[float, float]


ROWS = (
    Row("equal nominals, local sigma 1 %", "equal", 0.01, (3.8, 4.2)),
    Row("equal nominals, local sigma 3 %", "equal", 0.03, (4.2, 4.7)),
    Row("equal nominals, local sigma 10 %", "equal", 0.1, (6.3, 8.1)),
    Row("equal nominals, independent sigma 20 % (the thesis, hypothetical)", "equal", 0.2, (9.5, 11.9)),
    Row("nominals linear ±20 %, local sigma 1.4 %", "linear:0.2", 0.014, (8.8, 10.3)),
    Row("nominals geometric, ratio 1.25, local sigma 1.4 %", "geometric:1.25", 0.014, (10.8, 14.5)),
    Row("sub-radix 1.8, calibrated, local sigma 1.4 %", "sub-radix:1.8", 0.014, (11.3, 15.0)),
    Row("radix 2, calibrated, local sigma 3 %", "binary", 0.03, (9.6, 9.7)),
)


def measured(row: Row, resistors: int, dies: int) -> Interval:
    """Effective bits of the median die."""
    nominal = bank_spec(row.plan, resistors, 1.0).nominal_ohm
    law = parse_law("lognormal")
    bits = np.empty(dies)
    for die in range(dies):
        address = f"{row.plan}/{row.sigma}/{resistors}"
        resistance = nominal * law.factors(stream(1, "process", die=die, layer=address), (resistors,), row.sigma)
        items = 1.0 / resistance
        wanted = stream(1, "stimulus", die=die, layer=address).uniform(*MID_RANGE, TARGETS) * items.sum()
        answer = solve(Problem.of(np.broadcast_to(items, (TARGETS, resistors)), wanted))
        bits[die] = effective_bits(answer.residuals / items.sum(), UNSIGNED)
    return median_interval(bits)


def table(dies: int) -> list[tuple[str, ...]]:
    """A row a bank: for every number of resistors the median with its interval, and the notes where they differ."""
    rows = []
    for row in ROWS:
        cells = []
        for resistors, noted in zip(SIZES, row.notes, strict=True):
            found = measured(row, resistors, dies)
            differs = abs(found.median - noted) > WORTH_SAYING
            cells += [
                f"{found.median:.2f} ({found.low:.2f}-{found.high:.2f})",
                f"{noted:.1f}" + (" *" if differs else ""),
            ]
        rows.append((row.label, *cells))
    return rows


def main() -> None:
    """Simulate, print, and write where asked to."""
    import pages

    parser = argparse.ArgumentParser(description="effective bits of single banks")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_DIES} dies instead of {DIES}")
    parser.add_argument("--write", action="store_true", help="rewrite the table of docs/banks.md")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("the page is written from a full run")
    dies = QUICK_DIES if options.quick else DIES
    block = pages.Block(
        "effective-bits",
        ("bank", *(head for n in SIZES for head in (f"n = {n}", "notes"))),
        table(dies),
        f"{dies} dies of {TARGETS} targets each; * more than {WORTH_SAYING:g} bit from the notes.",
    )
    block.show()
    if options.write:
        pages.write("banks.md", {block.key: block.markdown()})


if __name__ == "__main__":
    main()

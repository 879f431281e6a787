"""How often the 95 % intervals of ``size`` cover the truth: many seeds against one long run.

python tests/bench/sizing_coverage.py            100 seeds, some minutes
python tests/bench/sizing_coverage.py --quick    20 seeds of two banks, half a minute
python tests/bench/sizing_coverage.py --write    100 seeds, and the table of docs/banks.md

The truth is a run with a hundred times the dies, of other seeds. Whole numbers, and shares with less than five expected
events in a sample, are too discrete for an upper bar: their intervals may cover more than they promise.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pages

from rsscircuit.banks import bank_spec
from rsscircuit.sizing import Figure, Outcome, PlanSize, simulate, size, sized_request
from rsscircuit.sizing.vectors import VectorSize, vectors_needed
from rsscircuit.sizing.volume import fit_lueker, grow
from rsscircuit.technology import load_technology

SEEDS, QUICK_SEEDS = 100, 20
LONGER, PARTS, FIRST_OF_TRUTH = 100, 10, 1_000_000
HELD = (90, 99)
RARE_EVENTS = 5.0
SHARES = ("miss", "coverage", "resolution", "measurement")


class Bank(NamedTuple):
    """A bank and what is asked of its pairs."""

    technology: str
    plan: str
    n: int
    error: float
    targets: str
    dies: int = 157
    pairs: int = 64

    def __str__(self) -> str:
        return f"{self.technology}, {self.plan}, n = {self.n}, {self.error:g}, {self.targets}, {self.dies} dies"

    def run(self, seed: int, dies: int) -> Outcome:
        """One sample."""
        technology = load_technology(self.technology)
        request = sized_request(
            error=self.error,
            confidence=0.99,
            targets=self.targets,
            dies=dies,
            pairs=self.pairs,
            seed=seed,
        )
        return simulate(bank_spec(self.plan, self.n, technology.resistor.unit_ohm), technology, request, dies)


BANKS = (
    Bank("sky130_xhigh_1M", "geometric:1.25", 6, 1e-3, "weights"),
    Bank("sky130_xhigh_1M", "geometric:1.25", 6, 1e-3, "weights", dies=20),
    Bank("sky130_xhigh_1M", "geometric:1.25", 7, 1e-3, "weights"),
    Bank("sky130_xhigh_1M", "equal", 12, 1e-3, "mid"),
    Bank("sky130_xhigh_1M", "linear:0.2", 11, 5e-5, "mid"),
    Bank("sky130_xhigh_1M", "linear:0.2", 11, 1.5e-4, "mid"),
    Bank("thesis_iid20", "geometric:1.25", 6, 1e-3, "weights"),
    Bank("thesis_uniform", "equal", 3, 5e-2, "mid"),
)
QUICK_BANKS = (BANKS[0], BANKS[4])


class Coverage(NamedTuple):
    """How often the interval of one figure covers the truth."""

    what: str
    figure: str
    truth: float
    width: float  #: median width over the truth
    covered: int
    seeds: int
    rare: bool  #: too discrete for an upper bar

    @property
    def verdict(self) -> str:
        """Whether the coverage is within the bar, which is of a hundred seeds."""
        if self.seeds < SEEDS:
            return "-"
        if self.rare:
            return "at least" if self.covered >= HELD[0] else "NO"
        return "yes" if HELD[0] <= self.covered <= HELD[1] else "NO"


def of_bank(bank: Bank, seeds: int) -> Iterator[Coverage]:
    """Every figure of one bank."""
    parts = [bank.run(FIRST_OF_TRUTH + k, bank.dies * LONGER // PARTS) for k in range(PARTS)]
    outcomes = [bank.run(seed, bank.dies) for seed in range(seeds)]
    for name in (*SHARES, "rms", "floor", "bits"):
        truth = float(np.mean([getattr(part, name).value for part in parts]))
        rare = name in SHARES and truth * bank.dies * bank.pairs < RARE_EVENTS
        if truth > 0:
            yield _coverage(str(bank), name, truth, [getattr(outcome, name) for outcome in outcomes], rare)


def of_theory(seeds: int) -> Iterator[Coverage]:
    """Lueker's constant and the growth of the approximated volume."""
    errors = (0.25, 0.125, 0.0625)
    truth = fit_lueker(FIRST_OF_TRUTH, errors=errors, trials=10_000)
    fits = [fit_lueker(seed, errors=errors) for seed in range(seeds)]
    what = "U[-1, 1], errors 1/4 to 1/16"
    yield _coverage(what, "C", truth.constant.value, [fit.constant for fit in fits], rare=False)
    for position, error in enumerate(errors):
        figures = [fit.items[position] for fit in fits]
        yield _coverage(what, f"items at {error:g}", truth.items[position].value, figures, rare=False)
    growth = grow(1e-2, paths=5000, items=40, seed=FIRST_OF_TRUTH).factor()
    figures = [grow(1e-2, paths=50, items=40, seed=seed).factor() for seed in range(seeds)]
    yield _coverage("U[-1, 1], error 0.01", "growth of v", growth.value, figures, rare=False)


def of_sizes(seeds: int) -> Iterator[Coverage]:
    """The whole numbers: resistors that plans need, and vectors."""
    technology, plans = load_technology("sky130_xhigh_1M"), ("geometric:1.25", "linear:0.2", "sub-radix:1.8")
    asked = {"error": 1e-3, "confidence": 0.99, "targets": "weights", "pairs": 64}
    truths = size(plans, technology, sized_request(dies=2000, seed=FIRST_OF_TRUTH, **asked))
    found = [size(plans, technology, sized_request(dies=None, seed=seed, **asked)) for seed in range(seeds)]
    for position, truth in enumerate(truths):
        yield _whole(f"sky130_xhigh_1M, {truth.plan}, 0.001 at 99 %", truth, [each[position] for each in found])
    for dimensions in (1, 2):
        far = vectors_needed(dimensions, 0.05, 0.99, seed=FIRST_OF_TRUTH, cells=LONGER * 1000)
        near = [vectors_needed(dimensions, 0.05, 0.99, seed=seed) for seed in range(seeds)]
        yield _whole(f"vectors in {dimensions} dimensions, 0.1 at 99 %", far, near)


def _whole(what: str, truth: PlanSize | VectorSize, found: Sequence[PlanSize] | Sequence[VectorSize]) -> Coverage:
    if truth.least != truth.needed:
        raise SystemExit(f"{what}: the long run does not tell {truth.least} from {truth.needed}")
    figures = [Figure(value=each.needed, low=each.least, high=each.needed) for each in found]
    return _coverage(what, "n", truth.needed, figures, rare=True)


def _coverage(what: str, figure: str, truth: float, figures: Sequence[Figure], rare: bool) -> Coverage:
    return Coverage(
        what=what,
        figure=figure,
        truth=truth,
        width=float(np.median([each.high - each.low for each in figures])) / truth,
        covered=sum(each.low <= truth <= each.high for each in figures),
        seeds=len(figures),
        rare=rare,
    )


def block(found: Sequence[Coverage]) -> pages.Block:
    """Everything, as printed."""
    rows, last = [], ""
    for each in found:
        row = (
            each.figure,
            f"{each.truth:.3g}",
            f"{100 * each.width:.3g} %",
            f"{each.covered}/{each.seeds}",
            each.verdict,
        )
        rows.append((each.what if each.what != last else "", *row))
        last = each.what
    return pages.Block(
        "all",
        ("sample", "figure", "truth", "width", "covered", f"{HELD[0]} to {HELD[1]} %"),
        rows,
        "Truth: a run of a hundred times the dies. Width: median interval over the truth. At least: whole numbers, and "
        f"shares of less than {RARE_EVENTS:g} expected events, cannot be made to cover less than they do.",
        left=2,
    )


def banks_page(found: Sequence[Coverage]) -> pages.Block:
    """The figures of the samples of banks, a row a sample."""
    figures = (*SHARES, "rms", "floor", "bits")
    samples: dict[str, dict[str, str]] = {}
    for each in found:
        if each.figure in figures:
            cell = f"({each.covered})" if each.rare else str(each.covered)
            samples.setdefault(each.what, {})[each.figure] = cell
    rows = [(what, *(cells.get(figure, "-") for figure in figures)) for what, cells in samples.items()]
    note = (
        f"Seeds of {found[0].seeds} whose interval holds the figure of a run of a hundred times the dies. In brackets: "
        f"less than {RARE_EVENTS:g} events expected in a sample. -: none in the long run."
    )
    return pages.Block("coverage", ("sample", *figures), rows, note)


def others_page(found: Sequence[Coverage]) -> pages.Block:
    """Whole numbers and theory, a row a figure."""
    rows = [
        (each.what, each.figure, f"{each.truth:.3g}", f"({each.covered})" if each.rare else str(each.covered))
        for each in found
        if each.figure not in (*SHARES, "rms", "floor", "bits")
    ]
    note = "The same; whole numbers in brackets, whose intervals cannot be made to cover less than they do."
    return pages.Block("coverage-others", ("what", "figure", "truth", "covered"), rows, note, left=2)


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description="coverage of the 95 % intervals of generate-crossbar size")
    parser.add_argument("--quick", action="store_true", help="20 seeds of two banks")
    parser.add_argument("--write", action="store_true", help="write the table of docs/banks.md")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("the page is written from a full run")
    seeds, banks = (QUICK_SEEDS, QUICK_BANKS) if options.quick else (SEEDS, BANKS)
    found = [each for bank in banks for each in of_bank(bank, seeds)]
    if not options.quick:
        found += [*of_sizes(seeds), *of_theory(seeds)]
    table = block(found)
    table.show()
    if options.write:
        pages.write("banks.md", {page.key: page.markdown() for page in (banks_page(found), others_page(found))})


if __name__ == "__main__":
    main()

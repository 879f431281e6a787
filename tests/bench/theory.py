"""The pictures of docs/theory.md, and the figures in the sentences below them.

python tests/bench/theory.py --write

Everything is drawn from a stated seed: subset sums by the package's own exact solver, wires by its nodal solver.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pages
from numpy.typing import NDArray

from rsscircuit.report.tables import print_lines
from rsscircuit.simulate.nodal import WiredArray, effective_matrix
from rsscircuit.subsetsum import Problem, solve
from rsscircuit.technology import load_technology
from rsscircuit.technology.cell import wire_segments
from rsscircuit.technology.plans import bank_spec

Array = NDArray[np.float64]

SEED = 1
SHOWN = 14  #: resistors of the bank whose sums are all drawn
PLAN = "linear:0.5"
LOCAL = 0.0044  #: mismatch of 1 MOhm in sky130
MISMATCH = f"{100 * LOCAL:.2f} %"
SIZES = tuple(range(4, 19, 2))
BANKS = 2000  #: of every point
SPREADS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
LADDER_BITS = 10
MEASURED = 2.0**-14  #: rms error of a measured branch, over the largest branch
PAIR = 8  #: resistors of each bank of the pair
ARRAY = (8, 16, 32, 64, 96, 128)
CELL = 10e-6  #: siemens of every crossing


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the pictures show; errors are over the sum of all conductances of a bank.

    Attributes:
        sums: [2^n], all sums of one bank, over its total.
        sigma: Of the normal law beside them.
        law: By kind of bank, [sizes], median error of the nearest sum.
        forecast: [sizes], median over banks and targets of the gap law's mean error, independent 20 %.
        accuracy: By kind of programming, [spreads], rms error.
        places: [targets], targets of a pair, over the total of one bank.
        pair: By way to split, [targets], mean error.
        lost: [64, 64], share of every cell's conductance that the wires take.
        column: [arrays], share of the current of the last column that is lost, every row driven.
        first_order: [arrays], the same to first order in the wires.
    """

    sums: Array
    sigma: float
    law: Mapping[str, Array]
    forecast: Array
    accuracy: Mapping[str, Array]
    places: Array
    pair: Mapping[str, Array]
    lost: Array
    column: Array
    first_order: Array


def conductances(plan: str, n: int, spread: float, banks: int, stream: int) -> Array:
    """[banks, n], each resistor of a plan off by a normal error of its own, cut off at four sigma."""
    z = np.clip(np.random.default_rng([SEED, stream]).standard_normal((banks, n)), -4.0, 4.0)
    return 1.0 / (bank_spec(plan, n, 1.0).nominal_ohm * (1.0 + spread * z))


def nearest(items: Array, targets: Array) -> Array:
    """[banks, n], the subset whose sum is nearest to each bank's target."""
    chosen: Array = solve(Problem.of(items, targets)).chosen.astype(float)
    return chosen


def mean_error(items: Array, targets: Array, total: Array) -> float:
    """Of the nearest sums, over the totals."""
    return float(np.mean(solve(Problem.of(items, targets)).errors / total))


def middle(total: Array, stream: int) -> Array:
    """Targets spread evenly over 15 to 85 % of the totals."""
    return total * np.random.default_rng([SEED, 100 + stream]).uniform(0.15, 0.85, len(total))


def law() -> tuple[dict[str, Array], Array]:
    """Median error against the number of resistors, and what the gap law forecasts."""
    kinds = {
        "independent 20 %": ("equal", 0.2),
        f"{PLAN}, mismatch {MISMATCH}": (PLAN, LOCAL),
        f"equal, mismatch {MISMATCH}": ("equal", LOCAL),
    }
    found = {
        name: np.array([_median_error(conductances(plan, n, spread, BANKS, n), n) for n in SIZES])
        for name, (plan, spread) in kinds.items()
    }
    forecast = []
    for n in SIZES:
        g = conductances("equal", n, 0.2, BANKS, n)
        total, sigma = g.sum(axis=1), 0.5 * np.sqrt((g**2).sum(axis=1))
        z = (middle(total, n) - 0.5 * total) / sigma
        density = 2.0**n * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) / sigma
        forecast.append(float(np.median(0.5 / density / total)))
    return found, np.array(forecast)


def _median_error(g: Array, n: int) -> float:
    total = g.sum(axis=1)
    return float(np.median(solve(Problem.of(g, middle(total, n))).errors / total))


def accuracy() -> dict[str, Array]:
    """The rms error against the spread of the parts, by what is known of them."""
    ladder, blind, known = [], [], []
    codes = np.random.default_rng([SEED, 200]).integers(154, 870, BANKS)
    bits = (codes[:, None] >> np.arange(LADDER_BITS)) & 1
    nominal = 2.0 ** np.arange(LADDER_BITS)
    plan = np.broadcast_to(conductances(PLAN, SHOWN, 0.0, 1, 0), (BANKS, SHOWN))
    for k, spread in enumerate(SPREADS):
        rng = np.random.default_rng([SEED, 201 + k])
        parts = nominal / (1.0 + spread * np.clip(rng.standard_normal((BANKS, LADDER_BITS)), -4.0, 4.0))
        ladder.append(_rms(((parts - nominal) * bits).sum(axis=1) / nominal.sum()))
        true = conductances(PLAN, SHOWN, spread, BANKS, 300 + k)
        seen = true + MEASURED * true.max(axis=1, keepdims=True) * rng.standard_normal(true.shape)
        for said, errors in ((plan, blind), (seen, known)):
            targets = middle(said.sum(axis=1), 400 + k)
            errors.append(_rms(((nearest(said, targets) * true).sum(axis=1) - targets) / plan.sum(axis=1)))
    return {
        f"binary ladder of {LADDER_BITS}, by its nominal values": np.array(ladder),
        f"bank of {SHOWN}, by its nominal values": np.array(blind),
        f"bank of {SHOWN}, measured": np.array(known),
    }


def _rms(errors: Array) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def pair() -> tuple[Array, dict[str, Array]]:
    """Mean error of a signed weight against the weight, with one bank at a time and with both."""
    places = np.concatenate([np.arange(-18, 0), np.arange(1, 19)]) / 20  # nothing closed serves 0 itself
    fixed, free = [], []
    for k, place in enumerate(places):
        plus, minus = (conductances(PLAN, PAIR, LOCAL, BANKS // 4, 500 + 2 * k + side) for side in (0, 1))
        total = 0.5 * (plus.sum(axis=1) + minus.sum(axis=1))
        fixed.append(mean_error(plus if place > 0 else minus, abs(place) * total, total))
        free.append(mean_error(np.concatenate([plus, -minus], axis=1), place * total, total))
    return places, {"one bank at a time": np.array(fixed), "both, common mode free": np.array(free)}


def wires() -> tuple[Array, Array, Array]:
    """What the lines of sky130 take from equal cells, cell by cell and for the last column."""
    technology = load_technology("sky130_xhigh_100k")
    bank = bank_spec(technology.plan, technology.resistors, technology.resistor.unit_ohm)
    segments = wire_segments(bank.nominal_ohm, technology)
    lost, column, first_order = np.zeros((0, 0)), [], []
    for n in ARRAY:
        array = WiredArray(
            siemens=np.full((n, n), CELL), word_ohm=segments.word_ohm, bit_ohm=segments.bit_ohm
        )  # fmt: skip
        effective = effective_matrix(array)
        if n == 64:
            lost = 1.0 - effective / CELL
        column.append(1.0 - effective[:, -1].sum() / (n * CELL))
        word, bit = segments.word_ohm * n * (n + 1) / 2, segments.bit_ohm * (n + 1) * (2 * n + 1) / 6
        first_order.append(CELL * (word + bit))
    return lost, np.array(column), np.array(first_order)


def find() -> Found:
    """Everything, some four seconds."""
    (bank,) = conductances(PLAN, SHOWN, LOCAL, 1, 0)
    chosen = (np.arange(2**SHOWN)[:, None] >> np.arange(SHOWN)) & 1
    errors, forecast = law()
    places, splits = pair()
    lost, column, first_order = wires()
    return Found(
        sums=chosen @ bank / bank.sum(),
        sigma=0.5 * float(np.sqrt((bank**2).sum())) / float(bank.sum()),
        law=errors,
        forecast=forecast,
        accuracy=accuracy(),
        places=places,
        pair=splits,
        lost=lost,
        column=column,
        first_order=first_order,
    )


def captions(found: Found) -> dict[str, str]:
    """The sentences below the pictures, by their key in the page."""
    independent, real, equal = found.law.values()
    halving = (independent[0] / independent[-1]) ** (1.0 / (SIZES[-1] - SIZES[0]))
    ladder, blind, known = found.accuracy.values()
    at = SPREADS.index(0.01)
    fixed, free = found.pair.values()
    centre = len(found.places) // 2
    share = (np.abs(found.sums - 0.5) < found.sigma).mean()
    return {
        "theory-sums": (
            f"Left: all {2**SHOWN} sums of one bank of {SHOWN} (`{PLAN}`, mismatch {MISMATCH}, seed {SEED}), over its "
            f"total, with the normal law; {100 * share:.0f} % of them lie within one sigma of the middle. Right: "
            f"median error of the nearest sum, {BANKS} banks a point, targets spread evenly over 15 to 85 % of the "
            f"total. Of independent parts each further resistor divides the error by {halving:.2f}; at n = {SIZES[-1]} "
            f"it is {_share(independent[-1])}, of the drawn spread {_share(real[-1])}, of equal parts "
            f"{_share(equal[-1])}."
        ),
        "theory-measured": (
            f"Rms error over full scale against the spread of the parts, {BANKS} circuits a point, mid-range targets. "
            f"At 1 % the ladder errs by {100 * ladder[at]:.2f} %, the bank programmed by its nominal values by "
            f"{100 * blind[at]:.2f} %, the same bank, measured to 2^-14 of its largest branch, by {_share(known[at])}; "
            f"at 20 % by {_share(known[-1])}."
        ),
        "theory-pair": (
            f"Mean error of a pair of banks of {PAIR} (`{PLAN}`, mismatch {MISMATCH}) over the total of one bank, "
            f"{BANKS // 4} pairs a point. For a weight of {100 * found.places[centre]:.0f} % of the total: "
            f"{100 * fixed[centre]:.2f} % with one bank at a time, {_share(free[centre])} with both."
        ),
        "theory-wires": (
            f"Lines of `sky130_xhigh_100k` at the pitch of its bank, every cell {CELL * 1e6:g} uS, nodal analysis. "
            f"Left: share of every cell's conductance that is lost in an array of 64 x 64; from "
            f"{100 * found.lost.min():.2f} % beside driver and virtual ground to {100 * found.lost.max():.2f} % in the "
            f"far corner. Right: what the last column's current loses with all rows driven; at {ARRAY[-1]} it is "
            f"{100 * found.column[-1]:.1f} %, to first order {100 * found.first_order[-1]:.1f} %."
        ),
    }


def _share(share: float) -> str:
    return f"{100 * share:.2g} %" if share > 1e-3 else f"{share * 1e6:.3g} ppm"


def draw(found: Found) -> None:
    """The four pictures, in docs/pictures."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings = {"svg.hashsalt": "rsscircuit", "svg.fonttype": "none", "axes.grid": True, "grid.color": "0.92"}
    with mpl.rc_context(settings | {"axes.axisbelow": True, "legend.frameon": False}):
        figure = Figure(figsize=(9.0, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.hist(found.sums, bins=100, range=(0.0, 1.0), density=True, color="C0", alpha=0.5, label="sums")
        x = np.linspace(0.0, 1.0, 200)
        normal = np.exp(-0.5 * ((x - 0.5) / found.sigma) ** 2) / found.sigma / np.sqrt(2.0 * np.pi)
        left.plot(x, normal, "C1", label="normal law")
        left.set(xlabel="sum / total", ylabel="density")
        for mark, (name, errors) in zip("osD", found.law.items(), strict=True):
            right.plot(SIZES, errors, mark, label=name)
        right.plot(SIZES, found.forecast * np.log(2.0), "0.4", label="gap law, independent")
        right.set(xlabel="resistors n", ylabel="median error / total", yscale="log")
        _save(figure, "theory-sums", left, right)

        figure = Figure(figsize=(6.5, 3.8), layout="constrained")
        axes = figure.subplots()
        for mark, (name, errors) in zip("sDo", found.accuracy.items(), strict=True):
            axes.plot(100.0 * np.array(SPREADS), errors, f"{mark}-", label=name)
        axes.set(xlabel="spread of the parts, %", ylabel="rms error / full scale", xscale="log", yscale="log")
        _save(figure, "theory-measured", axes)

        figure = Figure(figsize=(6.5, 3.8), layout="constrained")
        axes = figure.subplots()
        for mark, (name, errors) in zip("so", found.pair.items(), strict=True):
            for side, text in ((found.places < 0, None), (found.places > 0, name)):
                axes.plot(found.places[side], errors[side], f"C{'so'.index(mark)}{mark}-", label=text)
        axes.set(xlabel="weight / total of one bank", ylabel="mean error / total", yscale="log")
        _save(figure, "theory-pair", axes)

        figure = Figure(figsize=(9.0, 3.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.grid(visible=False)
        shown = left.pcolormesh(100.0 * found.lost, cmap="viridis", rasterized=True)
        left.invert_yaxis()
        left.set(xlabel="column, drivers on the left", ylabel="row, virtual grounds below", aspect="equal")
        figure.colorbar(shown, ax=left, label="lost, %")
        right.plot(ARRAY, 100.0 * found.column, "o", label="nodal analysis")
        right.plot(ARRAY, 100.0 * found.first_order, "0.4", label="first order")
        right.set(xlabel="rows and columns", ylabel="last column loses, %", xscale="log", yscale="log")
        right.set_xticks(ARRAY, [str(n) for n in ARRAY], minor=False)
        right.minorticks_off()
        _save(figure, "theory-wires", right)


def _save(figure, name, *axes):
    for each in axes:
        each.legend()
    figure.savefig(pages.PICTURES / f"{name}.svg", metadata={"Date": None})


def main() -> None:
    """Print the captions, or write them and the pictures."""
    parser = argparse.ArgumentParser(description="pictures of docs/theory.md")
    parser.add_argument("--write", action="store_true", help="into docs")
    found = find()
    texts = captions(found)
    print_lines(f"{key}: {text}" for key, text in texts.items())
    if parser.parse_args().write:
        draw(found)
        pages.write("theory.md", texts)


if __name__ == "__main__":
    main()

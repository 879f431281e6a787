"""The theory of bank sizes against simulation: the tables and the picture of docs/banks.md, "How many resistors".

python tests/bench/sizing_theory.py            every table, some minutes
python tests/bench/sizing_theory.py --quick    smaller samples, half a minute
python tests/bench/sizing_theory.py --write    all of it, and the page
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pages

from rsscircuit.banks import bank_spec
from rsscircuit.errors import InputError
from rsscircuit.options import BuildOptions
from rsscircuit.report.sizing_tables import PLAN_HEADS, plan_rows
from rsscircuit.report.tables import print_lines
from rsscircuit.seeds import stream
from rsscircuit.sizing import (
    DEFAULT_PLANS,
    LAWS,
    Figure,
    measurement_bits_for,
    measurement_floor,
    program_pairs,
    sized_request,
    split_plans,
)
from rsscircuit.sizing.answer import answer
from rsscircuit.sizing.theory import grid_error, grid_spread, vector_counting_bound, vector_forecast, vector_theorem
from rsscircuit.sizing.vectors import vectors_needed
from rsscircuit.sizing.volume import Growth, fit_lueker, grow, lemma_bound
from rsscircuit.subsetsum import Problem, solve
from rsscircuit.technology import DEFAULT, load_technology

SEED = 1
HEADROOM = BuildOptions().headroom
VOLUME_ERROR = 1e-3
DRAWN = 8  #: one state in so many is a dot
BITS_CASES = (("geometric:1.25", 8, 1e-3), ("linear:0.2", 8, 1e-3), ("linear:0.2", 10, 1e-4))


def sizes_block() -> pages.Block:
    """What the command answers by default, and for mid-range targets."""
    rows = []
    technology = load_technology(DEFAULT)
    for targets in LAWS:
        request = sized_request(
            error=1e-3,
            confidence=0.999,
            targets=targets,
            seed=SEED,
        )
        record = answer(split_plans(DEFAULT_PLANS), technology, request)
        rows += [(targets, *row) for row in plan_rows(record)]
    heads = ("targets", *(head.replace("\n", " ") for head in PLAN_HEADS))
    note = f"`{DEFAULT}`, {request.dies} dies of {request.pairs} pairs, seed {SEED}."
    return pages.Block("sizes", heads, rows, note, left=2)


def lueker_block(*, quick: bool) -> pages.Block:
    """Lueker's n and constant."""
    last = 6 if quick else 9
    found = fit_lueker(SEED, errors=[2.0**-k for k in range(2, last)])
    rows = [
        (f"1/{1 / error:g}", _range(items, ".2f"), _range(items.times(-1 / math.log2(error)), ".2f"))
        for error, items in zip(found.errors, found.items, strict=True)
    ]
    note = f"Fitted: C = {_range(found.constant, '.2f')}, the largest of the last column."
    return pages.Block("lueker", ("error", "n", "n / log2(1/error)"), rows, note)


def volume_block(growth: Growth) -> pages.Block:
    """The mean volume beside what the lemma asks for."""
    mean, bound = growth.volumes.mean(axis=0), lemma_bound(growth.volumes).mean(axis=0)
    expected = growth.expected.mean(axis=0)
    rows = [
        (str(t), f"{mean[t]:.4f}", f"{expected[t]:.4f}", f"{bound[t]:.4f}")
        for t in range(growth.volumes.shape[1])
        if t % 2 == 0 and mean[t] < 1.0 - 1e-4
    ]
    states, lost = int(growth.open.sum()), growth.violations
    paths = len(growth.volumes)
    note = (
        f"Means of {paths} paths, error {growth.error:g}. The lemma holds in {states - lost} of {states} states. "
        f"Growth below 1/2: a factor of {_range(growth.factor(), '.3f')}, median of the paths."
    )
    heads = ("t", "v_t", "expected v_{t+1} given the path", "lemma: v_t (1 + (1 - v_t) / 4)")
    return pages.Block("volume", heads, rows, note)


def vectors_block(*, quick: bool) -> pages.Block:
    """Vectors that are needed, and the theorem's shape."""
    rows = []
    for dimensions in (1, 2, 3):
        for error in (0.1, 0.05) if quick else (0.1, 0.05, 0.025):
            shape = vector_theorem(dimensions, error)
            try:
                found = vectors_needed(dimensions, error, 0.99, seed=SEED)
                needed, constant = f"{found.least}–{found.needed}", f"{found.needed / shape:.3f}"
            except InputError:
                needed, constant = "> 28", f"> {28 / shape:.3f}"
            rows.append(
                (
                    str(dimensions),
                    f"{2 * error:g}",
                    str(vector_counting_bound(dimensions, error, 0.99)),
                    str(vector_forecast(dimensions, error, 0.99)),
                    needed,
                    f"{shape:.0f}",
                    constant,
                )
            )
    heads = (
        "d",
        "within",
        "counting bound",
        "by expected subsets",
        "needed, 95 %",
        "Theorem 3.1.2 over C",
        "C that would do",
    )
    note = "Standard normal vectors, 99 % of 1 000 points of [-1, 1]^d, each with vectors of its own."
    return pages.Block("vectors", heads, rows, note)


def grid_block(*, quick: bool) -> pages.Block:
    """What a grid of values costs."""
    cells, n = (2_000 if quick else 20_000), 20
    generator = stream(SEED, "stimulus", layer="grid")
    items = generator.uniform(-1.0, 1.0, (cells, n))
    targets = 0.5 * (items.sum(axis=1) + np.sqrt((items**2).sum(axis=1)))
    exact = solve(Problem.of(items, targets)).errors
    rows = [("float64", *_errors(exact), "", "")]
    for bits in (24, 22, 20, 18, 16, 14):
        step = 2.0**-bits
        near = solve(Problem.of(np.rint(items / step) * step, targets))
        true = np.abs(np.where(near.chosen, items, 0.0).sum(axis=1) - targets)
        spread = math.hypot(grid_spread(n, step), _root(exact))
        bound = grid_error(float(near.errors.max()), n, 0.5 * step)
        rows.append((f"2^-{bits}", *_errors(true), f"{spread:.2e}", f"{bound:.2e}"))
    heads = ("grid", "rms error", "largest", "rms forecast", "largest by appendix D")
    note = (
        f"{n} items U[-1, 1], targets one sigma from the centre of the sums, {cells} cells, values rounded to the grid."
    )
    return pages.Block("grid", heads, rows, note)


def converter_block(*, quick: bool) -> pages.Block:
    """Bits for a share of the error, forecast and simulated."""
    technology, rows = load_technology(DEFAULT), []
    dies = 100 if quick else 600
    for plan, n, error in BITS_CASES:
        spec = bank_spec(plan, n, technology.resistor.unit_ohm)
        for name, law in LAWS.items():
            request = sized_request(
                error=error,
                confidence=0.99,
                targets=name,
                dies=dies,
                pairs=64,
                seed=SEED,
            )
            bits = measurement_bits_for(error, spec, technology, law, headroom=HEADROOM)
            simulated = []
            for given in (bits - 1, bits):
                with_bits = replace(technology, measurement=replace(technology.measurement, bits=given))
                floor = program_pairs(spec, with_bits, request, dies).floor
                simulated.append(f"{100 * _root(floor) / error:.1f} %")
            with_bits = replace(technology, measurement=replace(technology.measurement, bits=bits))
            forecast = measurement_floor(spec, with_bits, law, HEADROOM) / error
            rows.append(
                (f"{plan}, n = {n}", name, f"{error:g}", str(bits), f"{100 * forecast:.1f} %", *simulated[::-1])
            )
    heads = ("bank", "targets", "error", "bits", "forecast", "simulated", "with a bit less")
    note = (
        f"Measurement floor, rms over {dies} dies of 64 pairs, as a share of the error; asked for is 10 %. `{DEFAULT}`."
    )
    return pages.Block("converter", heads, rows, note, left=2)


def draw(growth: Growth, path: Path) -> None:
    """The mean volume with the lemma's bound on it, and the growth of every state against the lemma."""
    from matplotlib.figure import Figure as Plot

    plot = Plot(figsize=(8.0, 3.4), layout="constrained")
    left, right = plot.subplots(1, 2)
    times = np.arange(growth.volumes.shape[1])
    shown = times[growth.volumes.mean(axis=0) < 1.0 - 1e-6]
    low, high = np.quantile(growth.volumes, [0.05, 0.95], axis=0)
    left.fill_between(shown, low[shown], high[shown], color="0.88", label="5 to 95 % of the paths")
    left.plot(shown, growth.volumes.mean(axis=0)[shown], "C0o", markersize=4, label="mean of v_t")
    bound = lemma_bound(growth.volumes).mean(axis=0)
    left.plot(shown[1:], bound[shown[1:] - 1], "C1-", label="lemma's bound on it, from v_{t-1}")
    left.set(xlabel="items t", ylabel=f"approximated volume, error {growth.error:g}", yscale="log", ylim=(1e-4, 2.0))
    v, expected = growth.volumes[growth.open][::DRAWN], growth.expected[growth.open][::DRAWN]
    right.plot(v, (expected - v) / (v * (1.0 - v)), "C0.", markersize=2, label=f"one state in {DRAWN}")
    right.axhline(0.25, color="C1", label="Lemma 2.2.1: 1/4")
    right.set(xlabel="v_t", ylabel="(E[v_{t+1}] - v_t) / (v_t (1 - v_t))", ylim=(0.0, None))
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.grid(visible=True, color="0.92")
        axes.set_axisbelow(True)
    plot.savefig(path, metadata={"Date": None})


def _root(values: np.ndarray) -> float:
    return math.sqrt(float(np.mean(np.square(values))))


def _errors(values: np.ndarray) -> tuple[str, str]:
    return f"{_root(values):.2e}", f"{np.abs(values).max():.2e}"


def _range(figure: Figure, digits: str) -> str:
    return f"{figure.value:{digits}} ({figure.low:{digits}}–{figure.high:{digits}})"


def blocks(growth: Growth, *, quick: bool) -> Iterator[pages.Block]:
    """Every table."""
    if not quick:
        yield sizes_block()
    yield lueker_block(quick=quick)
    yield volume_block(growth)
    yield vectors_block(quick=quick)
    yield grid_block(quick=quick)
    yield converter_block(quick=quick)


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description="theory of bank sizes against simulation")
    parser.add_argument("--quick", action="store_true", help="smaller samples")
    parser.add_argument("--write", action="store_true", help="write the tables and the picture of docs/banks.md")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("the page is written from a full run")
    growth = grow(VOLUME_ERROR, paths=50 if options.quick else 500, items=40, seed=SEED)
    texts = {}
    for block in blocks(growth, quick=options.quick):
        block.show()
        texts[block.key] = block.markdown()
    if not options.write:
        return
    pages.write("banks.md", texts)
    try:
        import matplotlib as mpl
    except ImportError:
        print_lines(["no picture: python -m pip install matplotlib"])
        return
    with mpl.rc_context({"svg.hashsalt": "rsscircuit", "axes.spines.top": False, "axes.spines.right": False}):
        draw(growth, pages.PICTURES / "volume.svg")


if __name__ == "__main__":
    main()

"""Subset sums measured: this package, NumPy, CP-SAT, Gurobi and HiGHS on the same cells in one run and one thread.

python tests/bench/subset_sums.py            every table, and the bars that the package is held to
python tests/bench/subset_sums.py --quick    a smoke test of half a minute
python tests/bench/subset_sums.py --write    all of it, and the tables and pictures of docs/subset-sums.md

Times are CPU time on one core, medians. The reference solvers are optional, see the dependency group ``bench`` in
pyproject.toml; what is not installed is left out with a remedy.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import math
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gap_law
import numpy as np
import pages
from numpy.typing import NDArray

from rsscircuit.report.tables import print_lines, print_table
from rsscircuit.subsetsum import Objective, Problem, Status, solve

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

CELLS = {8: 20_000, 12: 10_000, 16: 5_000, 20: 2_000, 24: 800, 30: 256, 36: 64, 40: 64}
BATCH = 64
ROUNDS, NUMPY_A_ROUND = 40, 8  #: of this package and of NumPy in turns, and NumPy's cells in one
SLOW_FROM, SLOW_ROUNDS, SLOW_NUMPY_A_ROUND = 36, 9, 1  #: the same from so many items on
SLOW_SIZES, SLOWEST_SIZES = (8, 12, 16, 20, 24, 30, 40), (8, 12, 16, 20, 24)
INSTANCES, MORE_INSTANCES = 8, 16  #: of the general solvers; Gurobi's times vary most
QUICK_SIZES, QUICK_LIMIT = (8, 16), 1.0
LIMIT = 10.0  #: of one instance: seconds of HiGHS, units of Gurobi's work (about a second each)
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-6, 1e-8)
TOLERANCE_HELD = 1e-4
FIRST_CALL = """
from rsscircuit.subsetsum import solve_cells
solve_cells([[1.0 + 0.013 * k**1.5 for k in range(20)]], [13.7])
"""
ROOT = Path(__file__).parents[2]
SELF, NUMPY = "rsscircuit", "NumPy"


class Family(NamedTuple):
    """Items uniform from ``low`` to ``high``, targets 30 to 70 % of the way from the least to the largest sum."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"U[{self.low:g}, {self.high:g}]"

    def draw(self, n: int, cells: int) -> tuple[FloatArray, FloatArray]:
        """Items and targets, the same for the same size and number of cells."""
        rng = np.random.default_rng([n, cells])
        items = rng.uniform(self.low, self.high, (cells, n))
        least, largest = items.clip(max=0.0).sum(axis=1), items.clip(min=0.0).sum(axis=1)
        return items, least + (largest - least) * rng.uniform(0.3, 0.7, cells)


POSITIVE, SIGNED = Family(0.8, 1.2), Family(-1.0, 1.0)


def numpy_nearest(items: FloatArray, target: float) -> tuple[BoolArray, float]:
    """Textbook meet-in-the-middle: mask and residual of the nearest sum of one cell.

    Entry i of a list of sums belongs to the subset whose bits i has. One list is sorted, and what the sums of the
    other leave to the target is searched in it, with both neighbours.
    """
    half = items.size // 2
    first, second = np.zeros(1), np.zeros(1)
    for item in items[:half]:
        first = np.concatenate([first, first + item])
    for item in items[half:]:
        second = np.concatenate([second, second + item])
    order = np.argsort(second)
    ascending = second[order]
    wanted = target - first
    place = np.searchsorted(ascending, wanted)
    below, above = np.maximum(place - 1, 0), np.minimum(place, ascending.size - 1)
    error_below, error_above = np.abs(wanted - ascending[below]), np.abs(ascending[above] - wanted)
    nearer = np.where(error_below <= error_above, below, above)
    best = int(np.argmin(np.minimum(error_below, error_above)))
    word = best | int(order[nearer[best]]) << half
    mask = (word >> np.arange(items.size)) & 1 == 1
    return mask, math.fsum([*items[mask], -target])


class Found(NamedTuple):
    """What a general solver gave, and whether it called it optimal; no mask where it found none."""

    mask: BoolArray | None
    optimal: bool


@dataclass(frozen=True)
class Rival:
    """A general solver of one cell at a time.

    Attributes:
        name: What it is called in the tables.
        sizes: The n at which it is run.
        nearest: The search.
        instances: How many cells of each size it is given.
    """

    name: str
    sizes: tuple[int, ...]
    nearest: Callable[[FloatArray, float], Found]
    instances: int = INSTANCES


def cp_sat(items: FloatArray, target: float) -> Found:
    """CP-SAT as this package calls it: one worker, values rounded to 2**-36 of their total."""
    answer = solve(Problem.of(items[None], [target]), "cp-sat")
    return Found(answer.chosen[0], int(answer.status[0]) >= Status.OPTIMAL_AT_QUANTUM)


def highs_rival(limit: float) -> Rival | str:
    """HiGHS through SciPy, as it comes: minimise e with -e <= sum - target <= e; or why not."""
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
    except ImportError:
        return "HiGHS is left out: python -m pip install scipy"

    def nearest(items: FloatArray, target: float) -> Found:
        n = items.size
        rows = np.array([[*items, -1.0], [*items, 1.0]])
        with _quiet():
            result = milp(
                np.eye(n + 1)[n],
                constraints=LinearConstraint(rows, [-np.inf, target], [target, np.inf]),
                integrality=1 - np.eye(n + 1, dtype=np.int64)[n],
                bounds=Bounds(0.0, [*np.ones(n), np.inf]),
                options={"time_limit": limit},
            )
        return Found(None if result.x is None else np.asarray(result.x[:n]) > 0.5, result.status == 0)

    return Rival("HiGHS", SLOW_SIZES, nearest)


def gurobi_rival(
    name: str, sizes: tuple[int, ...], parameters: dict[str, float], *, instances: int = INSTANCES
) -> Rival | str:
    """Gurobi with the same model in one thread, or why not; its licence from PyPI holds for models of this size."""
    try:
        import gurobipy

        environment = gurobipy.Env(params={"OutputFlag": 0, "Threads": 1, **parameters})
    except ImportError:
        return f"{name} is left out: python -m pip install gurobipy"
    except gurobipy.GurobiError as error:
        return f"{name} is left out, it says: {error}"

    def nearest(items: FloatArray, target: float) -> Found:
        with gurobipy.Model(env=environment) as model:
            switches = model.addMVar(items.size, vtype="B")
            error = model.addVar()
            model.setObjective(error)
            model.addConstr(items @ switches - target <= error)
            model.addConstr(items @ switches - target >= -error)
            model.optimize()
            mask = np.asarray(switches.X) > 0.5 if model.SolCount else None
            return Found(mask, model.Status == gurobipy.GRB.OPTIMAL)

    return Rival(name, sizes, nearest, instances=instances)


def rivals(limit: float) -> list[Rival | str]:
    """The general solvers, or why one is left out."""
    plain = {"WorkLimit": limit}
    tight = plain | {"FeasibilityTol": 1e-9, "IntFeasTol": 1e-9, "OptimalityTol": 1e-9, "MIPGap": 0.0, "MIPGapAbs": 0.0}
    return [
        Rival("CP-SAT", SLOW_SIZES, cp_sat),
        gurobi_rival("Gurobi", tuple(CELLS), plain, instances=MORE_INSTANCES),
        gurobi_rival("Gurobi, 1e-9", SLOWEST_SIZES, tight),
        highs_rival(limit),
    ]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """HiGHS prints a line of its own from time to time, below Python's standard output."""
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process to one core, which is what the package takes its number of threads from."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def cpu_seconds(run: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """CPU time of all threads, and what ``run`` gave."""
    began = time.process_time()
    result = run(*arguments)
    return time.process_time() - began, result


def error_of(items: FloatArray, mask: BoolArray, target: float) -> float:
    """What a mask misses the target by, whatever its solver says of it."""
    return abs(math.fsum([*items[mask], -target]))


class Measured(NamedTuple):
    """One solver on the cells of one size."""

    seconds: float  #: a cell, median
    ratios: FloatArray  #: error over that of this package's exact answer, instance by instance
    optimal: int | None = None  #: answers that the solver called optimal; None where it does not say

    @property
    def gave_up(self) -> bool:
        """Whether half of the instances met the limit, so that the median time is a lower bound."""
        return self.optimal is not None and 2 * self.optimal <= self.ratios.size

    @property
    def rate(self) -> str:
        """Cells per second."""
        return ("< " if self.gave_up else "") + figures(1.0 / self.seconds)

    @property
    def error(self) -> str:
        """Median error over the optimum, and how many were called optimal."""
        called = "" if self.optimal is None else f" ({self.optimal}/{self.ratios.size})"
        return figures(float(np.median(self.ratios))) + called


@dataclass(frozen=True)
class Size:
    """All solvers on the cells of one family and size."""

    family: Family
    n: int
    batched: float  #: seconds a cell of this package in batches of 64
    solvers: dict[str, Measured]

    def times(self, name: str) -> float:
        """How many times this package's rate is that of another solver."""
        return self.solvers[name].seconds / self.solvers[SELF].seconds


class Timed(NamedTuple):
    """Something by the clock, on all cores."""

    name: str
    wall: float
    cpu: float  #: that of child processes included
    most: float  #: the bar on the wall-clock time

    @classmethod
    def of(cls, name: str, most: float, run: Callable[..., Any], *arguments: Any) -> Timed:
        """Run it."""
        began, before = time.perf_counter(), os.times()
        run(*arguments)
        wall, after = time.perf_counter() - began, os.times()
        return cls(name, wall, sum(after[:4]) - sum(before[:4]), most)


@dataclass(frozen=True)
class Bar:
    """What the package is held to, and what was measured."""

    name: str
    required: str
    measured: str
    met: bool


def figures(value: float) -> str:
    """Three significant figures, thousands apart."""
    if not 0.0 < value < math.inf:
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(value))
    return f"{round(value, digits):,.{max(digits, 0)}f}".replace(",", " ")


def nearest_errors(items: FloatArray, targets: FloatArray) -> FloatArray:
    """Errors of the exact search, by way of the public call."""
    return solve(Problem.of(items, targets), "meet-in-the-middle").errors


def window_errors(items: FloatArray, targets: FloatArray, limits: FloatArray) -> FloatArray:
    """Errors of the window search, by way of the public call."""
    return solve(Problem.of(items, targets, tolerance=limits, objective=Objective.ANY), "window").errors


def compare(family: Family, n: int, general: Sequence[Rival], *, instances: int = MORE_INSTANCES) -> Size:
    """All solvers on one size; this package and NumPy take turns, so that a slow minute hits both."""
    items, targets = family.draw(n, CELLS[n])
    answer = solve(Problem.of(items, targets))
    least = [error_of(*cell) for cell in zip(items, answer.chosen, targets.tolist(), strict=True)]
    ours, batched, theirs, ratios = [], [], [], []
    rounds, a_round = (ROUNDS, NUMPY_A_ROUND) if n < SLOW_FROM else (SLOW_ROUNDS, SLOW_NUMPY_A_ROUND)
    for turn in range(rounds):
        ours.append(cpu_seconds(nearest_errors, items, targets)[0] / len(items))
        batched.append(cpu_seconds(nearest_errors, items[:BATCH], targets[:BATCH])[0] / BATCH)
        numpy_nearest(items[0], targets[0])
        for cell in range(turn * a_round % len(items), turn * a_round % len(items) + a_round):
            seconds, (mask, _) = cpu_seconds(numpy_nearest, items[cell], targets[cell])
            theirs.append(seconds)
            ratios.append(error_of(items[cell], mask, targets[cell]) / least[cell])
    solvers = {
        SELF: Measured(float(np.median(ours)), np.ones(len(items))),
        NUMPY: Measured(float(np.median(theirs)), np.array(ratios)),
    }
    for rival in general:
        if n in rival.sizes:
            taken = min(rival.instances, instances)
            solvers[rival.name] = measure(rival, items[:taken], targets[:taken], least)
    return Size(family=family, n=n, batched=float(np.median(batched)), solvers=solvers)


def measure(rival: Rival, items: FloatArray, targets: FloatArray, least: Sequence[float]) -> Measured:
    """A general solver, cell by cell; ``least`` holds the exact errors."""
    seconds, ratios, optimal = [], [], 0
    for bank, target, best in zip(items, targets.tolist(), least, strict=False):
        spent, found = cpu_seconds(rival.nearest, bank, target)
        seconds.append(spent)
        ratios.append(math.inf if found.mask is None else error_of(bank, found.mask, target) / best)
        optimal += found.optimal
    return Measured(float(np.median(seconds)), np.array(ratios), optimal)


def speed_blocks(sizes: Sequence[Size], names: Sequence[str], limit: float) -> list[pages.Block]:
    """Cells per second, and errors."""
    rates, errors = [], []
    for size in sizes:
        label = str(size.n) if size.family is POSITIVE else f"{size.n}, {size.family}"
        others = [size.solvers.get(name) for name in names]
        rates.append(
            (
                label,
                size.solvers[SELF].rate,
                figures(1.0 / size.batched),
                size.solvers[NUMPY].rate,
                figures(size.times(NUMPY)),
                *("-" if other is None else other.rate for other in others),
            )
        )
        errors.append((label, size.solvers[NUMPY].error, *("-" if other is None else other.error for other in others)))
    least = min(measured.ratios.min() for size in sizes for measured in size.solvers.values())
    return [
        pages.Block(
            "speed",
            ("n", SELF, f"in batches of {BATCH}", NUMPY, f"over {NUMPY}", *names),
            rates,
            f"Cells per second of CPU time, one thread, medians; items {POSITIVE} where nothing is said, targets 30 "
            "to 70 % of the range of their sums. <: half of the instances or more met the limit, which is "
            f"{limit:g} s of the clock for HiGHS, {limit:g} units of work for Gurobi, and the package's deterministic "
            "limit for CP-SAT. -: not run.",
        ),
        pages.Block(
            "errors",
            ("n", NUMPY, *names),
            errors,
            f"Median error over the exact optimum, recomputed from the mask; in brackets how many answers of how many "
            f"the solver called optimal. The least ratio of all instances and solvers is {least:.9g}.",
        ),
    ]


def tolerance_block(cells: int, n: int = 30) -> tuple[pages.Block, Bar]:
    """What a tolerance saves, and whether the window finds a subset wherever there is one."""
    items, targets = POSITIVE.draw(n, cells)
    limits = {tolerance: tolerance * items.mean(axis=1) for tolerance in TOLERANCES}
    least = nearest_errors(items, targets)
    exact: list[float] = []
    times: dict[float, list[float]] = {tolerance: [] for tolerance in TOLERANCES}
    for _ in range(SLOW_ROUNDS):
        exact.append(cpu_seconds(nearest_errors, items, targets)[0])
        for tolerance in TOLERANCES:
            times[tolerance].append(cpu_seconds(window_errors, items, targets, limits[tolerance])[0])
    rows, gains, same = [], {}, True
    for tolerance, limit in limits.items():
        within, possible = window_errors(items, targets, limit) <= limit, least <= limit
        gains[tolerance] = float(np.median(exact) / np.median(times[tolerance]))
        same &= bool((within == possible).all())
        rows.append(
            (
                f"{tolerance:.0e}",
                figures(1e6 * float(np.median(times[tolerance])) / cells),
                figures(gains[tolerance]),
                str(within.sum()),
                str(possible.sum()),
                str((within != possible).sum()),
            )
        )
    block = pages.Block(
        "tolerance",
        ("tolerance / mean item", "µs a cell", "exact / window", "found", "possible", "different"),
        rows,
        f"{cells} cells, n = {n}, {POSITIVE}; the exact solver takes "
        f"{figures(1e6 * float(np.median(exact)) / cells)} µs a cell.",
    )
    bar = Bar(
        f"tolerance {TOLERANCE_HELD:g}, n = {n}: over the exact solver, same success set",
        ">= 20x",
        f"{gains[TOLERANCE_HELD]:.1f}x, {'the same' if same else 'NOT the same'} at {len(rows)} tolerances",
        gains[TOLERANCE_HELD] >= 20.0 and same,
    )
    return block, bar


def speed_bars(sizes: Sequence[Size]) -> list[Bar]:
    """Against Gurobi at 30 items, and against NumPy."""
    bars = []
    for size in sizes:
        least = {16: 25.0, 24: 15.0, 30: 25.0}.get(size.n)
        if size.family is POSITIVE and least:
            name = f"n = {size.n}: over NumPy meet-in-the-middle"
            bars.append(Bar(name, f">= {least:g}x", f"{size.times(NUMPY):.1f}x", size.times(NUMPY) >= least))
        if size.n == 30 and "Gurobi" in size.solvers:
            ratios = size.solvers["Gurobi"].ratios
            times = size.times("Gurobi")
            bars.append(
                Bar(
                    f"n = 30, {size.family}: over Gurobi's default, never a larger error",
                    ">= 3 000x",
                    f"{figures(times)}x, Gurobi's error {figures(ratios.min())} to {figures(ratios.max())} times",
                    times >= 3000.0 and ratios.min() >= 1.0,
                )
            )
    return bars


def time_networks(networks: Sequence[tuple[int, int, float]]) -> list[Timed]:
    """Weights, items each, and the seconds they may take on all cores."""
    timed = []
    for cells, n, most in networks:
        problem = Problem.of(*POSITIVE.draw(n, cells))
        timed.append(Timed.of(f"{cells} weights, n = {n}", most, solve, problem))
    return timed


def time_processes() -> list[Timed]:
    """A process that has to compile, and one that finds what the first has compiled."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}

        def run() -> None:
            subprocess.run([sys.executable, "-c", FIRST_CALL], env=environment, check=True)

        first = Timed.of("first process after installation, imports included", 20.0, run)
        return [first, Timed.of("later process, imports included", 2.0, run)]


def timed_block(timed: Sequence[Timed]) -> tuple[pages.Block, list[Bar]]:
    """What is felt by the clock."""
    rows = [(name, f"{wall:.2f}", f"{cpu:.2f}") for name, wall, cpu, _ in timed]
    bars = [
        Bar(name, f"<= {most:g} s", f"{wall:.2f} s (CPU {cpu:.2f} s)", wall <= most) for name, wall, cpu, most in timed
    ]
    return pages.Block("clock", ("", "wall clock, s", "CPU, s"), rows, f"On {os.cpu_count()} cores."), bars


def law_block(points: Sequence[gap_law.Point]) -> tuple[pages.Block, Bar]:
    """The gap law, and how far from it the mean errors are."""
    block = pages.Block(
        "law",
        gap_law.HEADS,
        gap_law.rows_of(points),
        f"Items {SIGNED}, {points[0].cells} cells a figure, each its own bank; ± is one standard error.",
    )
    held = [point for point in points if point.z in gap_law.HELD_AT]
    furthest = max(held, key=lambda point: abs(point.ratio - 1.0))
    spread = max(point.uncertainty for point in held)
    bar = Bar(
        "gap law at z = 1, 2: mean error over theory",
        "0.9 to 1.1",
        f"{min(p.ratio for p in held):.3f} to {max(p.ratio for p in held):.3f}, standard error {100 * spread:.1f} %",
        abs(furthest.ratio - 1.0) <= 0.1,
    )
    return block, bar


def machine_line() -> str:
    """Processor and versions."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        about = Path("/proc/cpuinfo").read_text("utf-8")
        named = dict(re.findall(r"^(model name|cpu family|flags)\s*: (.*)$", about, re.MULTILINE))
        wide = next((flag for flag in ("avx512f", "avx2") if flag in named.get("flags", "").split()), "")
        model = f"{named.get('model name', model)}, family {named.get('cpu family', '?')}, {wide or 'no AVX2'}"
    versions = []
    for name in ("numpy", "numba", "ortools", "gurobipy", "scipy"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    return f"{model}; Python {platform.python_version()}, {', '.join(versions)} (with HiGHS)"


def draw_speed(sizes: Sequence[Size], path: Path) -> None:
    """Time a cell against n, all solvers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.4), layout="constrained")
    axes = figure.subplots()
    plain = [size for size in sizes if size.family is POSITIVE]
    for name in dict.fromkeys(name for size in plain for name in size.solvers):
        run = [size for size in plain if name in size.solvers]
        seconds = [size.solvers[name].seconds for size in run]
        (line,) = axes.plot([size.n for size in run], seconds, "-", label=name)
        for size in run:
            filled = "white" if size.solvers[name].gave_up else line.get_color()
            axes.plot(size.n, size.solvers[name].seconds, "o", color=line.get_color(), markerfacecolor=filled)
    axes.set(xlabel="items n", ylabel="CPU seconds a cell, one thread", yscale="log", xticks=list(CELLS))
    axes.set_title(f"nearest subset sum, {POSITIVE}; hollow: half of the instances met the limit", fontsize="medium")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.grid(visible=True, color="0.92")
    axes.set_axisbelow(True)
    figure.savefig(path, metadata={"Date": None})


def write_pictures(sizes: Sequence[Size], points: Sequence[gap_law.Point]) -> str:
    """Draw both pictures; returns what to do where Matplotlib is missing."""
    try:
        import matplotlib as mpl
    except ImportError:
        return "no pictures: python -m pip install matplotlib"
    pages.PICTURES.mkdir(exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "rsscircuit", "axes.spines.top": False, "axes.spines.right": False}):
        draw_speed(sizes, pages.PICTURES / "subset-sums.svg")
        gap_law.draw(points, pages.PICTURES / "gap-law.svg")
    return ""


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description="subset sums measured against NumPy, CP-SAT, Gurobi and HiGHS")
    parser.add_argument("--quick", action="store_true", help="a smoke test: fewer sizes, no long-running bars")
    parser.add_argument("--write", action="store_true", help="rewrite the tables and pictures of docs/subset-sums.md")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("the page is written from a full run")
    report(quick=options.quick, write=options.write)


def report(*, quick: bool, write: bool) -> None:
    """Measure everything, print it, and write the page where asked to."""
    limit = QUICK_LIMIT if quick else LIMIT
    every = rivals(limit)
    general = [rival for rival in every if isinstance(rival, Rival)]
    print_lines([machine_line()])
    print_lines(reason for reason in every if isinstance(reason, str))
    plan = [(POSITIVE, n) for n in QUICK_SIZES] if quick else [*((POSITIVE, n) for n in CELLS), (SIGNED, 30)]
    sizes = []
    with one_core():
        compare(POSITIVE, QUICK_SIZES[0], general, instances=1)  # what is loaded at the first call
        for family, n in plan:
            sizes.append(compare(family, n, general, instances=2 if quick else MORE_INSTANCES))
            print_lines([f"measured: n = {n}, {family}"])
        tolerances, tolerance_bar = tolerance_block(500 if quick else 2000)
        points = gap_law.measure(quick=quick)
    law, law_bar = law_block(points)
    networks = [(2572, 30, 1.5)] if quick else [(2572, 30, 1.5), (397_000, 21, 10.0)]
    clock, clock_bars = timed_block(time_networks(networks) + ([] if quick else time_processes()))
    blocks = [*speed_blocks(sizes, [rival.name for rival in general], limit), tolerances, law, clock]
    for block in blocks:
        block.show()
    bars = [*speed_bars(sizes), tolerance_bar, law_bar, *clock_bars]
    rows = [(bar.name, bar.required, bar.measured, "yes" if bar.met else "NO") for bar in bars]
    print_table(("bar", "required", "measured", "met"), rows)
    if write:
        missing = write_pictures(sizes, points)
        pages.write("subset-sums.md", {"machine": machine_line(), **{block.key: block.markdown() for block in blocks}})
        print_lines([missing] if missing else [])


if __name__ == "__main__":
    main()

"""Crossbars with wires: this package against badcrossbar and ngspice, the same circuits in one run and one thread.

python tests/bench/nodal.py            every table, and the bars that the package is held to
python tests/bench/nodal.py --quick    64 x 64 alone
python tests/bench/nodal.py --write    all of it, and the tables of docs/simulation.md

Times are CPU time, medians. badcrossbar is installed by ``python scripts/install_group.py alone --no-deps``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import logging
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pages
from numpy.typing import NDArray

from rsscircuit.report.tables import print_lines, print_table
from rsscircuit.simulate.nodal import WiredArray, column_currents, effective_matrix

Array = NDArray[np.float64]

SIZES = (64, 128, 256)
VECTORS = (1, 1000)
BRANCH_SIEMENS, BRANCHES, SEGMENT_OHM, READ_VOLT = 5e-6, 8, 2.5, 0.2
ROUNDS = 15
THEIR_ROUNDS = {1: 5, 1000: 1}
AGAINST_BADCROSSBAR, AGAINST_NGSPICE = 50.0, 1000.0
APART_FROM_BADCROSSBAR, APART_FROM_NGSPICE = 1e-9, 1e-10  # of full scale
CIRCUIT = (
    f"The circuit: {BRANCHES} branches of {1e-3 / BRANCH_SIEMENS:.0f} kOhm a crossing, each closed or open by chance, "
    f"drives within +-{READ_VOLT:g} V, {SEGMENT_OHM:g} Ohm a segment of either kind of line."
)


class Row(NamedTuple):
    """One size and number of vectors; seconds of CPU time."""

    size: int
    vectors: int
    ours: float
    theirs: float
    difference: float  #: largest, of the largest current

    @property
    def times(self) -> float:
        """How many times faster this package is."""
        return self.theirs / self.ours


def circuit(size: int, vectors: int) -> tuple[WiredArray, Array]:
    """The array of a size, and drives [vectors, size]."""
    rng = np.random.default_rng(size)
    siemens = rng.binomial(BRANCHES, 0.5, (size, size)) * BRANCH_SIEMENS
    array = WiredArray(siemens=siemens, word_ohm=SEGMENT_OHM, bit_ohm=SEGMENT_OHM)
    return array, rng.uniform(-READ_VOLT, READ_VOLT, (vectors, size))


def seconds(run: Callable[[], Array], rounds: int) -> tuple[float, Array]:
    """Median CPU time, and what ``run`` gave."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        result = run()
        taken.append(time.process_time() - began)
    return float(np.median(taken)), result


def badcrossbar() -> ModuleType:
    """The package, quiet."""
    with warnings.catch_warnings(record=True):  # it says that it does without pycairo, which it only draws with
        try:
            module = importlib.import_module("badcrossbar")
        except ImportError:
            raise SystemExit("badcrossbar: python scripts/install_group.py alone --no-deps") from None
    logging.getLogger("badcrossbar").setLevel(logging.WARNING)
    return module


def against_badcrossbar(reference: ModuleType, size: int, vectors: int) -> Row:
    """Both from conductances or resistances to column currents; badcrossbar is asked for nothing else."""
    array, volts = circuit(size, vectors)
    ohm = np.divide(1.0, array.siemens, out=np.full((size, size), np.inf), where=array.siemens > 0.0)
    column_currents(array, volts)  # compiles
    ours, mine = seconds(lambda: column_currents(array, volts), ROUNDS)

    def compute() -> Array:
        solution = reference.compute(volts.T, ohm, r_i=SEGMENT_OHM, node_voltages=False, all_currents=False)
        return np.asarray(solution.currents.output)

    theirs, other = seconds(compute, THEIR_ROUNDS[vectors])
    return Row(size, vectors, ours, theirs, float(np.abs(mine - other).max() / np.abs(mine).max()))


def deck(array: WiredArray, volts: Array) -> str:
    """One operating point: a resistor a crossing that conducts, the wires, the sources."""
    lines, columns = array.siemens.shape
    text = ["* wires"]
    for line in range(lines):
        nodes = [f"i{line}", *(f"w{line}_{column}" for column in range(columns))]
        text.append(f"Vi{line} i{line} 0 DC {float(volts[line])!r}")
        text += [f"Rw{line}_{k} {nodes[k]} {nodes[k + 1]} {array.word_ohm!r}" for k in range(columns)]
    for column in range(columns):
        nodes = [*(f"b{line}_{column}" for line in range(lines)), f"g{column}"]
        text.append(f"Vb{column} g{column} 0 DC 0.0")
        text += [f"Rb{k}_{column} {nodes[k]} {nodes[k + 1]} {array.bit_ohm!r}" for k in range(lines)]
    for (line, column), siemens in np.ndenumerate(array.siemens):
        if siemens > 0.0:
            text.append(f"R{line}_{column} w{line}_{column} b{line}_{column} {1.0 / float(siemens)!r}")
    prints = [f"print i(vb{column})" for column in range(columns)]
    return "\n".join([*text, ".control", "set numdgt=15", "op", *prints, ".endc", ".end", ""])


def against_ngspice(size: int) -> Row:
    """``ngspice -b`` of a deck, from start to end; this package from the conductances to the currents."""
    array, volts = circuit(size, 1)
    ours, mine = seconds(lambda: column_currents(array, volts), ROUNDS)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "wires.cir"
        path.write_text(deck(array, volts[0]), "utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {int(k): float(value) for k, value in re.findall(r"i\(vb(\d+)\) = (\S+)", run.stdout)}
    if len(found) != size:
        raise SystemExit(f"ngspice: {run.stdout[-500:]} {run.stderr[-500:]}")
    other = np.array([found[column] for column in range(size)])
    theirs = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Row(size, 1, ours, theirs, float(np.abs(mine[0] - other).max() / np.abs(mine).max()))


def duration(value: float) -> str:
    """Seconds or milliseconds, three figures."""
    return f"{value:.3g} s" if value >= 1.0 else f"{1e3 * value:.3g} ms"


def cells(row: Row) -> tuple[str, ...]:
    """As printed."""
    return (
        f"{row.size} x {row.size}",
        str(row.vectors),
        duration(row.ours),
        duration(row.theirs),
        f"{row.times:.0f}",
        f"{row.difference:.0e}",
    )


def ngspice_version() -> str:
    """As it says."""
    said = subprocess.run(["ngspice", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"ngspice-(\S+)", said)
    return found.group(1) if found else "?"


def machine_line() -> str:
    """What the figures are of."""
    names = ("numpy", "numba", "scipy", "badcrossbar")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in names]
    model = (
        re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8")) if Path("/proc").exists() else None
    )
    return (
        f"{model.group(1) if model else platform.machine()}, one thread; Python {platform.python_version()}, "
        + ", ".join([*versions, f"ngspice {ngspice_version()}"])
    )


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description="crossbars with wires measured against badcrossbar and ngspice")
    parser.add_argument("--quick", action="store_true", help="a smoke test: 64 x 64 alone")
    parser.add_argument("--write", action="store_true", help="rewrite the tables of docs/simulation.md")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("the page is written from a full run")
    if os.environ.get("OMP_NUM_THREADS") != "1":  # read when NumPy is imported
        again = subprocess.run([sys.executable, *sys.argv], env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
        raise SystemExit(again.returncode)
    if hasattr(os, "sched_setaffinity"):  # what this package takes its number of threads from
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    report(SIZES[:1] if options.quick else SIZES, write=options.write)


def report(sizes: tuple[int, ...], *, write: bool) -> None:
    """Measure everything, print it, and write the page where asked to."""
    print_lines([machine_line(), CIRCUIT, ""])
    reference = badcrossbar()
    rows = [against_badcrossbar(reference, size, vectors) for size in sizes for vectors in VECTORS]
    spice = against_ngspice(64)
    matrices = []
    for size in sizes:
        array, _ = circuit(size, 1)
        matrices.append((f"{size} x {size}", duration(seconds(lambda array=array: effective_matrix(array), ROUNDS)[0])))
    heads = ("array", "vectors", "rsscircuit", "{}", "times faster", "difference")
    blocks = [
        pages.Block("badcrossbar", [head.format("badcrossbar") for head in heads], [cells(row) for row in rows]),
        pages.Block("ngspice", [head.format(f"ngspice {ngspice_version()}") for head in heads], [cells(spice)]),
        pages.Block("matrix", ("array", "effective matrix"), matrices),
    ]
    for block in blocks:
        block.show()
    bars = [
        (f"badcrossbar, {row.size} x {row.size}, {row.vectors} at once", AGAINST_BADCROSSBAR, row.times) for row in rows
    ]
    bars.append(("ngspice, 64 x 64 with wires", AGAINST_NGSPICE, spice.times))
    lines = [(name, f">= {bar:.0f}", f"{times:.0f}", "yes" if times >= bar else "NO") for name, bar, times in bars]
    print_table(("times faster than", "required", "measured", "met"), lines)
    apart = [
        ("badcrossbar", APART_FROM_BADCROSSBAR, max(row.difference for row in rows)),
        ("ngspice, one resistor a crossing", APART_FROM_NGSPICE, spice.difference),
    ]
    lines = [
        (name, f"{bar:g}", f"{found:.0e}", f"{bar / found:.0f}" if found else "-", "yes" if found <= bar else "NO")
        for name, bar, found in apart
    ]
    print_table(("difference from", "bar, of full scale", "largest", "times below", "met"), lines)
    if write:
        texts = {block.key: block.markdown() for block in blocks}
        pages.write("simulation.md", {"machine": f"{machine_line()}\n\n{CIRCUIT}", **texts})


if __name__ == "__main__":
    main()

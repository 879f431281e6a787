"""Monte Carlo by ngspice and by nodal analysis: trials a second, and what a trial leaves in memory.

python tests/bench/montecarlo.py            the table and the ratios
python tests/bench/montecarlo.py --write    the same, and put it into docs/montecarlo.md

A tile of 16 x 16 cells, 8 resistors a bank, each with an NMOS switch. One process and one thread; CPU seconds, because
other work shares the cores. A trial is drawn, simulated at one input vector or at the eight of a run, and read. The
rebuild is what a user of PySpice writes: every element by ``Circuit.R`` and ``Circuit.M``, then
``Simulator.operating_point``; circuits and plots are dropped after each, which PySpice leaves to its user.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from pages import Block, write
from PySpice.Spice.Netlist import Circuit

import rsscircuit
from rsscircuit.design.record import read_record
from rsscircuit.netlist import source_volts, switch_card
from rsscircuit.report.tables import print_table
from rsscircuit.simulate import ngspice
from rsscircuit.simulate.altered import AlteredTile
from rsscircuit.simulate.engines import ENGINES, Setting
from rsscircuit.simulate.montecarlo import Conditions, Trial
from rsscircuit.simulate.trials import CASES, Bench, Study

SIDE, RESISTORS = 16, 8
WARM, SECONDS, GROWTH_TRIALS = 3, 4.0, 300
ALTER_BAR, NODAL_BAR, GROWTH_BAR = 12.0, 30.0, 0.01
REBUILD, TEXT, ALTER = (f"fixed program, {how}" for how in ("PySpice rebuild", "ngspice, text", "ngspice, alter"))
NODAL = "fixed program, nodal"
Simulate = Callable[[Trial, np.ndarray], np.ndarray]


def build(folder: Path, wires: bool) -> Path:
    """A design of one dense layer of that size."""
    layers = json.dumps([{"operator": "Gemm", "name": "fc", "weight": "w", "transB": 1}])
    weights = np.random.default_rng(0).laplace(size=(SIDE, SIDE))
    np.savez(folder / "n.npz", layers=layers, input_shape=np.array([0, SIDE]), w=weights)
    out = folder / f"design_{int(wires)}"
    options = rsscircuit.BuildOptions(
        technology="sky130_xhigh_100k", bank="linear:0.5", resistors=RESISTORS, wires=wires, netlists="none"
    )
    rsscircuit.build(folder / "n.npz", out, options)
    return out


def bench_of(design: Path, engine: str, conditions: Conditions | None) -> Bench:
    """The trials of a study of that design."""
    marks = read_record(design)["fingerprints"]["record"]
    return Bench(
        Study(
            directory=str(design), fingerprint=marks, layer="fc", tile=0, engine=engine, conditions=conditions, seed=1
        )
    )


def rebuilt(bench: Bench, trial: Trial, volts: np.ndarray) -> np.ndarray:
    """Currents of a trial whose circuit is put together element by element through PySpice's own interface."""
    technology, crossbar = trial.technology, trial.crossbar
    switch, drive = technology.switch, technology.drive
    circuit = Circuit("tile")
    circuit.model("switch", "nmos", level=1, gamma=0, **{"lambda": 0, "is": 1e-30}, **switch_card(technology))
    sources = source_volts(volts, technology)
    drivers = [circuit.V(name[1:], name[1:], circuit.gnd, values[0]) for name, values in sources.items()]
    for i in range(SIDE):
        circuit.V(f"g{i}", f"g{i}", circuit.gnd, drive.supply_volt)
    for j in range(SIDE):
        circuit.V(f"b{j}", f"b{j}", circuit.gnd, drive.common_mode_volt)
    size = {"l": switch.length_um * 1e-6, "w": switch.width_um * 1e-6}
    for i, j, p, k in np.ndindex(crossbar.closed.shape):
        name, ohm = f"{i}_{j}{'pn'[p]}{k}", 1.0 / float(crossbar.die.on_siemens[i, j, p, k]) - switch.on_ohm
        gate = f"g{i}" if crossbar.closed[i, j, p, k] else circuit.gnd
        circuit.R(name, f"w{'pn'[p]}{i}", f"d{name}", ohm)
        circuit.M(name, f"d{name}", gate, f"b{j}", circuit.gnd, model="switch", **size)
    simulator = circuit.simulator()
    simulator.save([f"i(vb{j})" for j in range(SIDE)])
    simulator.options(gmin=1e-18)
    result = np.empty((len(volts), SIDE))
    for case in range(len(volts)):
        for driver, values in zip(drivers, sources.values(), strict=True):
            driver.dc_value = values[case]
        found = simulator.operating_point()
        result[case] = [float(found.branches[f"vb{j}"][0]) for j in range(SIDE)]
        for command in ("destroy all", "remcirc"):
            simulator.ngspice.exec_command(command)
    return result


def loaded(bench: Bench) -> AlteredTile:
    """The design's own program, in ngspice."""
    technology = bench.design.technology
    crossbar = bench.design.crossbar(bench.layer, bench.tile)
    return AlteredTile(crossbar, technology, bench.wires(technology), label="fc", where="bench")


def by_alter(bench: Bench, tile: AlteredTile, trial: Trial, volts: np.ndarray) -> np.ndarray:
    """Currents of a trial of a fixed program, in the deck that is loaded."""
    return tile.currents(trial.crossbar, trial.technology, bench.wires(trial.technology), volts)


def by_engine(bench: Bench, engine: str, trial: Trial, volts: np.ndarray) -> np.ndarray:
    """Currents of a trial by an engine, which for ngspice loads its text."""
    setting = Setting(
        technology=trial.technology,
        segments=bench.segments(trial.technology),
        deck=lambda: bench.deck(trial),
        where="bench",
    )
    return ENGINES[engine](trial.crossbar, volts, setting)


def seconds(bench: Bench, simulate: Simulate, volts: np.ndarray) -> float:
    """CPU seconds of one trial, its drawing included."""
    for number in range(1, WARM + 1):
        simulate(bench.draw(number), volts)
    start, number = time.process_time(), WARM
    while (spent := time.process_time() - start) < SECONDS or number < WARM + 3:
        number += 1
        simulate(bench.draw(number), volts)
    return spent / (number - WARM)


def megabytes() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def growth(bench: Bench, simulate: Simulate, volts: np.ndarray) -> float:
    """Megabytes that a trial leaves behind, over some hundreds."""
    for number in range(1, 50):
        simulate(bench.draw(number), volts)
    before = megabytes()
    for number in range(50, 50 + GROWTH_TRIALS):
        simulate(bench.draw(number), volts)
    return (megabytes() - before) / GROWTH_TRIALS


def main() -> None:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description="Monte Carlo: trials a second by every path")
    parser.add_argument("--write", action="store_true", help="put the table into docs/montecarlo.md")
    asked = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    ratios: dict[str, list[float]] = {"alter over rebuild": [], "nodal over alter, with wires": []}
    library = ngspice.version()
    with tempfile.TemporaryDirectory() as name:
        for wires in (False, True):
            design = build(Path(name), wires)
            fixed, dies = (bench_of(design, "nodal", conditions) for conditions in (Conditions(), None))
            alter, text = partial(by_alter, fixed, loaded(fixed)), partial(by_engine, fixed, "ngspice")
            paths: dict[str, tuple[Bench, Simulate]] = {
                REBUILD: (fixed, partial(rebuilt, fixed)),
                TEXT: (fixed, text),
                ALTER: (fixed, alter),
                NODAL: (fixed, partial(by_engine, fixed, "nodal")),
                "re-measured dies, ngspice, text": (dies, partial(by_engine, dies, "ngspice")),
                "re-measured dies, nodal": (dies, partial(by_engine, dies, "nodal")),
            }
            left_out = REBUILD if wires else NODAL
            for cases in (1, CASES):
                volts = np.random.default_rng(1).uniform(0.0, 0.2, (cases, SIDE))
                spent = {
                    path: seconds(bench, simulate, volts)
                    for path, (bench, simulate) in paths.items()
                    if path != left_out and (wires or not path.endswith("nodal"))
                }
                lines = "with wires" if wires else "without"
                rows += [(path, lines, f"{cases}", f"{1.0 / time_taken:.3g}") for path, time_taken in spent.items()]
                if wires:
                    ratios["nodal over alter, with wires"].append(spent[ALTER] / spent[NODAL])
                else:
                    ratios["alter over rebuild"].append(spent[REBUILD] / spent[ALTER])
        grown = {name: growth(fixed, path, volts[:1]) for name, path in (("altered", alter), ("loaded as text", text))}
    note = "; ".join(f"{name}: {one:.0f} at one input, {many:.0f} at {CASES}" for name, (one, many) in ratios.items())
    note += f". {library}. Memory that a trial leaves behind, over {GROWTH_TRIALS}: "
    note += ", ".join(f"{size:.4f} MB {path}" for path, size in grown.items()) + "."
    heads = ("trials", "deck", "inputs a trial", "trials/s")
    block = Block(key="montecarlo-speed", heads=heads, rows=rows, note=note, left=2)
    block.show()
    bars = [
        (name, bar, min(ratios[name]))
        for name, bar in (("alter over rebuild", ALTER_BAR), ("nodal over alter, with wires", NODAL_BAR))
    ]
    bars += [
        (f"{GROWTH_BAR:g} MB over the growth, {name}", 1.0, GROWTH_BAR / max(size, 1e-6))
        for name, size in grown.items()
    ]
    lines = [(name, f">= {bar:g}", f"{found:.3g}", "yes" if found >= bar else "NO") for name, bar, found in bars]
    print_table(("ratio", "required", "measured", "met"), lines)
    if asked.write:
        write("montecarlo.md", {block.key: block.markdown()})


if __name__ == "__main__":
    main()

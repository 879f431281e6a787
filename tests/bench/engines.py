"""The engines on tiles of a real network: what each takes, and how far each is from nodal analysis and the closed form.

python tests/bench/engines.py            the table
python tests/bench/engines.py --write    the same, and put it into docs/simulation.md

LeNet5 for MNIST in tiles of 32 x 32, the first of every layer, with ideal wires and with wires,
everything at work, the voltage coefficients of the resistors too: the activations of one test image, as volts.
CPU seconds of this process and of the programs that it runs, medians, one thread, the deck's writing and reading
included, in one run.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

import argparse
import resource
import statistics
import tempfile
from pathlib import Path

import numpy as np
from pages import Block, write

import rsscircuit
from rsscircuit.network import run, unfold
from rsscircuit.report.bars import bar
from rsscircuit.simulation import Choices, simulate_tile

EXAMPLE = Path(__file__).parents[2] / "examples" / "lenet5_mnist"
CASES, ROUNDS = 2, 3
ENGINES = ("ideal", "nodal", "ngspice", "vacask")


def volts_of(design: rsscircuit.Design, image: np.ndarray) -> dict[str, np.ndarray]:
    """The strongest inputs of the first tile of every layer, [CASES, rows], repeated where there is but one."""
    activations: dict[str, np.ndarray] = {}
    run(design.network, image, observe=lambda layer, x: activations.update({layer.name: unfold(layer, x)}))
    found = {}
    for layer in design.layers:
        cases = np.ascontiguousarray(activations[layer.name])
        strongest = np.argsort(-np.abs(cases).sum(axis=1), kind="stable")[:CASES]
        volts = rsscircuit.tile_volts(design, layer, layer.tiles[0], cases[strongest])
        found[layer.name] = np.resize(volts, (CASES, volts.shape[1]))
    return found


def cpu_seconds() -> float:
    """Of this process and of the programs that it has run."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description="The engines on tiles of LeNet5")
    parser.add_argument("--write", action="store_true", help="put the table into docs/simulation.md")
    asked = parser.parse_args()
    rows, versions = [], {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packed = np.load(EXAMPLE / "calibration.npz")
        np.save(folder / "images.npy", packed["images"][:200, None] / 255.0)
        options = rsscircuit.BuildOptions(calibration=str(folder / "images.npy"), netlists="none", tile=(32, 32))
        design = rsscircuit.build(EXAMPLE / "lenet5.onnx", folder / "design", options, progress=bar)
        image = np.load(EXAMPLE / "test.npz")["images"][:1, None] / 255.0
        volts = volts_of(design, image)
        warm = Choices(wires=True)
        for layer in design.layers:
            np.save(folder / f"{layer.label}.npy", volts[layer.name])
        first = design.layers[0]
        for engine in ("nodal", "ngspice"):  # compiled and loaded before they are timed
            place = {"layer": first.name, "tile": 0, "inputs": folder / f"{first.label}.npy"}
            simulate_tile(folder / "design", engine=engine, choices=warm, **place)
        for layer in design.layers:
            place = {"layer": layer.name, "tile": 0, "inputs": folder / f"{layer.label}.npy"}
            size = f"{layer.tiles[0].rows} x {layer.tiles[0].columns}"
            for wires in (False, True):
                found, seconds = {}, {}
                for engine in ENGINES:
                    if engine == "ideal" and wires:
                        continue
                    taken = []
                    for _ in range(ROUNDS):
                        began = cpu_seconds()
                        choices = Choices(wires=wires)
                        result = simulate_tile(folder / "design", engine=engine, choices=choices, **place)
                        taken.append(cpu_seconds() - began)
                    seconds[engine], found[engine] = statistics.median(taken), np.array(result["ampere"])
                    versions[engine] = result["version"]
                full = np.abs(found["nodal"]).max()
                for engine, ampere in found.items():
                    away = np.abs(ampere - found["nodal"]).max() / full
                    rows.append(
                        (
                            f"{layer.name}, {size}",
                            "yes" if wires else "no",
                            engine,
                            f"{seconds[engine]:.2g} s",
                            "-" if engine == "nodal" else f"{away:.1e}",
                        )
                    )
    heads = ("tile", "wires", "engine", "CPU time", "from nodal, of the largest current")
    note = f"{CASES} input vectors a tile; " + ", ".join(dict.fromkeys(versions.values())) + "."
    block = Block(key="engines", heads=heads, rows=rows, note=note, left=3)
    block.show()
    if asked.write:
        write("simulation.md", {block.key: block.markdown()})


if __name__ == "__main__":
    main()

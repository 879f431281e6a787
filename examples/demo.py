"""The whole journey on a real network: LeNet5 on MNIST, from ONNX to crossbars that classify.

    python examples/demo.py [--dataset mnist|fashion] [--out generated/demo]

Every figure printed is computed from what was just written to the output directory.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import rsscircuit
from rsscircuit.controller import ArrayGeometry
from rsscircuit.controller.simulation import load_in_simulation
from rsscircuit.network import run, unfold
from rsscircuit.report.tables import print_lines, print_table
from rsscircuit.subsetsum import Objective, Problem, Status, solve

HERE = Path(__file__).resolve().parent
SEED = 1
SPICE_TILES = 1  # tiles of each layer that are simulated transistor by transistor
LEAST_TOTAL_SAMPLE = 200


def heading(text: str) -> None:
    print_lines(["", text, "=" * len(text)])


def command(*words: object) -> None:
    """Run the command line, as a user would, and show it."""
    line = [str(word) for word in words]
    print_lines(["", "$ generate-crossbar " + " ".join(line)])
    subprocess.run([sys.executable, "-m", "rsscircuit.cli", *line], check=True)


def unpack(dataset: str, folder: Path) -> None:
    """The packed images as the .npy files the command takes: pixels from 0 to 1."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("test", "calibration"):
        packed = np.load(HERE / f"lenet5_{dataset}" / f"{name}.npz")
        np.save(folder / f"{name}_images.npy", packed["images"][:, None].astype(np.float32) / 255)
        np.save(folder / f"{name}_labels.npy", packed["labels"].astype(np.int64))


def spice_on_a_real_image(directory: Path, image: np.ndarray, data: Path) -> None:
    """Drive the activations of one image through a tile of every layer and compare the currents."""
    design = rsscircuit.load(directory)
    activations = {}
    run(design.network, image, observe=lambda layer, x: activations.update({layer.name: unfold(layer, x)}))
    rows = []
    for layer in design.layers:
        cases = np.ascontiguousarray(activations[layer.name])
        strongest = np.argsort(-np.abs(cases).sum(axis=1), kind="stable")[:2]
        for tile in layer.tiles[:SPICE_TILES]:
            volts = rsscircuit.tile_volts(design, layer, tile, cases[strongest])
            np.save(data / "volts.npy", volts)
            began = time.perf_counter()
            result = rsscircuit.simulate_tile(
                directory, engine="ngspice", layer=layer.name, tile=tile.index, inputs=data / "volts.npy"
            )
            seconds = time.perf_counter() - began
            trained = volts @ layer.targets(tile)
            error = np.array(result["ampere"]) - trained
            row = (
                layer.name,
                str(tile.index),
                str(design.crossbar(layer, tile).closed.size),
                str(len(volts)),
                f"{result['relative_difference']:.2e}",
                f"{np.sqrt(np.mean(error**2) / np.mean(trained**2)):.2e}",
                f"{seconds:.1f} s",
            )
            rows.append(row)
    print_table(
        ("layer", "tile", "branches", "cases", "error to mapped matrix", "error to trained matrix", "time"), rows
    )
    print_lines(
        [f"{result['version']} through PySpice, on the design's netlist files; errors are rms over rms of the currents"]
    )


def cp_sat_on_both_convolutions(directory: Path) -> None:
    """Solve all 2 572 parameters of the convolutions with CP-SAT and check it against the exact solver."""
    design = rsscircuit.load(directory)
    items, targets, tolerance = [], [], []
    for layer in design.layers[:2]:
        for tile in layer.tiles:
            crossbar = design.crossbar(layer, tile)
            drawn = crossbar.targets != 0
            step = crossbar.measured.step_siemens[drawn]
            items.append(np.concatenate([step[:, 0], -step[:, 1]], axis=1))
            targets.append(crossbar.targets[drawn])
            tolerance.append(np.full(drawn.sum(), layer.rules.tolerance_siemens))
    problem = {
        "items": np.concatenate(items), "targets": np.concatenate(targets), "tolerance": np.concatenate(tolerance),
    }  # fmt: skip
    rows = []
    sample = np.linspace(0, len(problem["targets"]) - 1, LEAST_TOTAL_SAMPLE).astype(int)
    everything = np.arange(len(problem["targets"]))
    totals = {}
    for least in (Objective.NEAREST, Objective.LEAST_TOTAL):  # compiled before it is timed
        solve(Problem.of(problem["items"], problem["targets"], tolerance=problem["tolerance"], objective=least))
    for cells, objective in ((everything, Objective.ANY), (sample, Objective.LEAST_TOTAL)):
        batch = Problem.of(
            problem["items"][cells], problem["targets"][cells], tolerance=problem["tolerance"][cells],
            objective=objective,
        )  # fmt: skip
        for solver in ("cp-sat", "meet-in-the-middle"):
            began = time.perf_counter()
            answer = solve(batch, solver)
            seconds = time.perf_counter() - began
            sums = np.array([float(np.sum(row[mask])) for row, mask in zip(batch.items, answer.chosen, strict=True)])
            assert np.allclose(sums - batch.targets, answer.residuals, rtol=0, atol=1e-18), "residuals are not true"
            within = np.abs(answer.residuals) <= batch.tolerance
            assert within.all(), f"{solver} left {(~within).sum()} cells out of tolerance"
            totals[objective, solver] = np.where(answer.chosen, np.abs(batch.items), 0).sum()
            row = (
                str(len(cells)),
                objective.value,
                answer.solver,
                f"{answer.quantum.max():.2e} S" if answer.quantum.any() else "none",
                str(within.sum()),
                str((answer.status >= Status.OPTIMAL_AT_QUANTUM).sum()),
                f"{totals[objective, solver]:.6e} S",
                f"{seconds:.3f} s",
            )
            rows.append(row)
    heads = ("cells", "objective", "solver", "quantum", "within tolerance", "proved best", "total conductance", "time")
    print_table(heads, rows)
    ratio = totals[Objective.LEAST_TOTAL, "cp-sat"] / totals[Objective.LEAST_TOTAL, "meet-in-the-middle"]
    print_lines(
        [
            f"least total conductance of the sample, CP-SAT over exact: {ratio:.6f}",
            "every residual is recomputed from its mask; where any will do the exact solver takes the nearest",
        ]
    )


def load_a_bitstream(directory: Path) -> None:
    """Load the bitstream of a real tile into the simulated controller and compare the latches."""
    record = rsscircuit.inspect(directory)
    geometry = ArrayGeometry(**record["controller"])
    design = rsscircuit.load(directory)
    layer = design.layers[0]
    crossbar = design.crossbar(layer, layer.tiles[0])
    frame = (directory / "bitstream" / layer.label / "tile_0.bin").read_bytes()
    result = load_in_simulation(frame, geometry, tile_id=0)
    plan = np.zeros_like(result.closed)
    plan[: crossbar.closed.shape[0], : crossbar.closed.shape[1]] = crossbar.closed
    same = bool((result.closed == plan).all())
    line = (
        f"{layer.name} tile 0: {len(frame)} bytes, {result.cycles} cycles, READY {result.ready}, "
        f"FAULT {result.fault}, {plan.size} latches equal the switch plan: {same}"
    )
    print_lines([line])
    assert result.ready, "the loader is not ready"
    assert not result.fault, "the loader reports a fault"
    assert same, "the latches differ from the plan"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dataset", choices=["mnist", "fashion"], default="mnist")
    parser.add_argument("--out", type=Path, default=Path("generated/demo"))
    options = parser.parse_args()
    began = time.perf_counter()
    directory, data = options.out, options.out.with_name(options.out.name + "_data")
    unpack(options.dataset, data)

    heading("1. Build: import, map, draw and measure a die, solve, emit SPICE, bitstreams and Verilog")
    model = HERE / f"lenet5_{options.dataset}" / "lenet5.onnx"
    command(
        "build",
        model,
        "--out",
        directory,
        "--calibration",
        data / "calibration_images.npy",
        "--seed",
        SEED,
        "--force",
    )

    heading("2. Evaluate: the real test set, trained network, mapped design, design with parasitics")
    command("evaluate", directory, "--inputs", data / "test_images.npy", "--labels", data / "test_labels.npy")

    heading("3. SPICE: a real test image through a tile of every layer, transistor switches")
    spice_on_a_real_image(directory, np.load(data / "test_images.npy")[:1].astype(float), data)

    heading("4. Monte Carlo over process variation on one tile")
    command("montecarlo", directory, "--layer", "conv1", "--tile", 0, "--trials", 20, "--engine", "ngspice")
    command(
        "montecarlo",
        directory,
        "--layer",
        "conv1",
        "--tile",
        0,
        "--trials",
        20,
        "--engine",
        "ngspice",
        "--fixed-program",
    )
    command("montecarlo", directory, "--layer", "fc1", "--tile", 0, "--trials", 20)

    heading("5. CP-SAT on both convolutions, against the exact solver")
    cp_sat_on_both_convolutions(directory)

    heading("6. The controller: load a bitstream in the Amaranth simulation")
    load_a_bitstream(directory)

    print_lines(["", f"Everything is in {directory}. {time.perf_counter() - began:.0f} s in all."])


if __name__ == "__main__":
    main()

"""What compensation of the wires, joint columns and the digital correction gain on LeNet5, each alone and together.

python tests/bench/fixing.py                 print the tables
python tests/bench/fixing.py --write         print them, and put them and the picture into docs/
python tests/bench/fixing.py --only unseen   one of gains, layers, unseen, few, map
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot
from networks import built, percent
from pages import PICTURES, Block, write
from threadpoolctl import threadpool_limits

import rsscircuit
from rsscircuit.calibration import correction_inputs, input_moments
from rsscircuit.cost import cost
from rsscircuit.design import Crossbar, Design, MappedLayer
from rsscircuit.design.joint import column_power
from rsscircuit.inference import Chip, Operation, layer_ranges
from rsscircuit.inference.correction import fit_layers
from rsscircuit.inference.effects import CORRECTION, EFFECTS
from rsscircuit.mapping import moments_of
from rsscircuit.simulate.nodal import effective_siemens
from rsscircuit.technology import technology_text

NETWORK = "LeNet5, MNIST"
IMAGES = 2000  #: of the test set, none of which is among the calibration images
WIRES, JOINT, DIGITAL = "compensate_ir_drop", "joint_columns", "correct_bias"
VARIANTS = {
    "none": (),
    "`--compensate-ir-drop`": (WIRES,),
    "`--joint-columns`": (JOINT,),
    "`--correct-bias`": (DIGITAL,),
    "all three": (WIRES, JOINT, DIGITAL),
}
LARGE, CONDUCTIVE, FEW = "100 kOhm, 256x256", "30 kOhm, 256x256", "1 MOhm, 6 resistors, 64x64"
FEW_INPUTS = (4, 8, 16, 64, 250)
LAYER = "fc1"


def settings(folder: Path) -> dict[str, dict[str, Any]]:
    """Where each matters; the second is the first's technology with resistors of 30 kOhm."""
    text = technology_text("sky130_xhigh_100k")
    old = "unit_ohm = { value = 1.000e5"
    if old not in text:
        raise SystemExit("the preset has another unit resistor")
    (folder / "sky130_xhigh_30k.toml").write_text(text.replace(old, "unit_ohm = { value = 3.000e4"))
    return {
        LARGE: {"technology": "sky130_xhigh_100k", "tile": (256, 256)},
        CONDUCTIVE: {"technology": str(folder / "sky130_xhigh_30k.toml"), "tile": (256, 256)},
        FEW: {"resistors": 6},
    }


def gains(folder: Path) -> list[Block]:
    """Every variant at every setting, and the layers' own figures where all three are at work."""
    rows, layers = [], []
    for name, setting in settings(folder).items():
        for variant, asked in VARIANTS.items():
            began = time.perf_counter()
            with built(NETWORK, **setting, **dict.fromkeys(asked, True)) as made:
                seconds = time.perf_counter() - began
                found = rsscircuit.evaluate(
                    made.directory, made.images, made.labels, limit=IMAGES, calibration=made.calibration
                )
                area = cost(made.directory)["area"]["total"]
                if len(asked) == len(VARIANTS["all three"]):
                    layers += [_layer(name, layer) for layer in made.design.layers]
            of = {key: found[key] for key in ("output_error", "agreement", "accuracy")}
            rows.append(
                (
                    name,
                    variant,
                    *(percent(of["output_error"][each], 2) for each in ("mapped", "with_parasitics", "chip")),
                    percent(of["agreement"]["chip"], 2),
                    percent(of["accuracy"]["chip"], 2),
                    f"{area / 1e6:.2f}",
                    f"{seconds:.0f} s",
                )
            )
    heads = (
        "setting", "fixed by", "output error: mapped", "with parasitics", "chip", "agreement: chip", "accuracy: chip",
        "area, mm2", "build",
    )  # fmt: skip
    note = (
        f"{NETWORK}, die of seed 1, {IMAGES} test images, of which none is among the 512 of the calibration; the "
        f"trained network: {percent(found['accuracy']['trained'], 2)}. Other work shared the computer."
    )
    more = ("setting", "layer", "IR drop: before", "after", "rounds", "columns: before", "after", "digital", "before",
            "after")  # fmt: skip
    said = (
        "All three at work. Rms error of a tile's column over its rms output, calibration images, by the measured "
        "banks; IR drop: with wires; columns: without. Digital: rms error of the layer's outputs over their rms, "
        "on the half of the images that it was not fitted over."
    )
    return [
        Block(key="gains", heads=heads, rows=rows, note=note, left=2),
        Block(key="layers", heads=more, rows=layers, note=said, left=2),
    ]


def _layer(setting: str, layer: MappedLayer) -> tuple[str, ...]:
    figures = layer.statistics
    wires, joint, digital = (figures[name] for name in ("ir_drop", "joint_columns", "correction"))
    return (
        setting,
        layer.name,
        percent(wires["before"], 2),
        percent(wires["after"], 2),
        str(wires["rounds"]),
        percent(joint["before"], 3),
        percent(joint["after"], 3),
        digital["kind"],
        percent(digital["before"], 2),
        percent(digital["after"], 2),
    )


def unseen(folder: Path) -> list[Block]:
    """Column errors on the calibration images, which the choice saw, and on test images, which it did not."""
    found: dict[str, list[tuple[float, float]]] = {}
    for asked in ((), (JOINT,)):
        with built(NETWORK, **settings(folder)[FEW], **dict.fromkeys(asked, True)) as made:
            design = made.design
            np.save(made.directory.parent / "some.npy", np.load(made.images)[:IMAGES])
            matrices = {layer.name: layer.matrix for layer in design.layers}
            tiles = {layer.name: layer.tiles for layer in design.layers}
            errors = []
            for data in (made.calibration, made.directory.parent / "some.npy"):
                moments = input_moments(design.network, str(data), matrices, tiles)
                errors.append([_column_error(design, layer, moments[layer.name]) for layer in design.layers])
            for layer, seen, other in zip(design.layers, *errors, strict=True):
                found.setdefault(layer.name, []).append((seen, other))
    rows = [
        (name, *(percent(pair[place], 3) for place in (0, 1) for pair in pairs), f"{pairs[0][1] / pairs[1][1]:.1f}")
        for name, pairs in found.items()
    ]
    heads = ("layer", "calibration: by cell", "joint", "unseen: by cell", "joint", "ratio, unseen")
    note = (
        f"{NETWORK}, {FEW}: rms error of a column of a tile over its rms output, by the measured banks, ideal wires; "
        f"512 calibration images, {IMAGES} test images."
    )
    return [Block(key="unseen", heads=heads, rows=rows, note=note)]


def _column_error(design: Design, layer: MappedLayer, moments: np.ndarray) -> float:
    wrong, power = 0.0, 0.0
    for tile in layer.drawn_tiles:
        crossbar, mine = design.crossbar(layer, tile), moments_of(moments, tile)
        wrong += column_power(_measured_pairs(crossbar) - crossbar.targets, mine).sum()
        power += column_power(crossbar.targets, mine).sum()
    return float((wrong / power) ** 0.5)


def _measured_banks(crossbar: Crossbar) -> np.ndarray:
    banks: np.ndarray = np.where(crossbar.closed, crossbar.measured.step_siemens, 0.0).sum(axis=3)
    return banks


def _measured_pairs(crossbar: Crossbar) -> np.ndarray:
    banks = _measured_banks(crossbar)
    result: np.ndarray = banks[:, :, 0] - banks[:, :, 1]
    return result


def few(folder: Path) -> list[Block]:
    """How the digital correction fares with few calibration images: what it chose, and what that does to others."""
    rows = []
    with built(NETWORK, **settings(folder)[LARGE]) as made:
        design, operation = made.design, Operation()
        inputs = correction_inputs(design.network, str(made.calibration))
        ranges = layer_ranges(design, inputs, operation.readout(design.technology).adc_percentile)
        chip = Chip(design, ranges, [each for each in EFFECTS if each != CORRECTION], operation)
        tests = np.asarray(np.load(made.images)[:250], np.float64)
        for count in FEW_INPUTS:
            fits = fit_layers(chip, inputs[:count])
            kinds = ", ".join(f"{name} {found.kind}" for name, found in fits.items())
            rows.append((str(count), kinds, percent(_error(chip, tests, fits), 2)))
        rows.append(("none", "nothing", percent(_error(chip, tests, {}), 2)))
    heads = ("calibration images", "chosen", "output error")
    note = f"{NETWORK}, {LARGE}, everything at work, wires not compensated; 250 test images."
    return [Block(key="few", heads=heads, rows=rows, note=note, left=2)]


def _error(chip: Chip, tests: np.ndarray, fits: Any) -> float:
    from rsscircuit.network import run

    network, output = chip.design.network, chip.design.network.outputs[0]
    measured = chip.run_of(range(len(tests))).product

    def product(layer: Any, rows: np.ndarray) -> np.ndarray:
        codes, found = measured(layer, rows), fits[layer.name].correction if fits else None
        return codes if found is None else codes * found.gain + found.offset

    exact, answer = run(network, tests)[output], run(network, tests, product=product)[output]
    return float((((answer - exact) ** 2).sum() / (exact**2).sum()) ** 0.5)


def effective_map(folder: Path) -> list[Block]:
    """The picture: the error of the effective matrix of one tile, without and with compensation."""
    errors = []
    for asked in ((), (WIRES,)):
        with built(NETWORK, **settings(folder)[LARGE], **dict.fromkeys(asked, True)) as made:
            layer = made.design.layer(LAYER)
            crossbar, wires = made.design.crossbar(layer, layer.tiles[0]), made.design.segments
            seen = effective_siemens(_measured_banks(crossbar), wires.word_ohm, wires.bit_ohm)
            errors.append((seen - crossbar.targets) / layer.full_scale_siemens)
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "rsscircuit", "svg.fonttype": "none", "font.size": 9})
    figure, axes = pyplot.subplots(1, 2, figsize=(7.2, 4.0), layout="constrained", sharey=True)
    largest = float(np.abs(errors[0]).max())
    for axis, error, title in zip(axes, errors, ("without", "with --compensate-ir-drop"), strict=True):
        image = axis.imshow(100 * error, cmap="RdBu", vmin=-100 * largest, vmax=100 * largest, aspect="auto",
                            interpolation="nearest")  # fmt: skip
        rms = float(np.sqrt(np.mean(error**2)))
        axis.set(title=f"{title}: rms {percent(rms, 3)}", xlabel="column (driven at 0)")
    axes[0].set(ylabel="row (read after the last)")
    figure.colorbar(image, ax=axes, label="effective minus target, % of full scale")
    figure.savefig(PICTURES / "ir-drop.svg", metadata={"Date": None})
    return []


PARTS = {"gains": gains, "unseen": unseen, "few": few, "map": effective_map}


def main() -> None:
    """Print the tables, and write them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=PARTS, help="this part only")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/fixing.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, threadpool_limits(1):
        for name in PARTS if asked.only is None else (asked.only,):
            for block in PARTS[name](Path(place)):
                block.show()
                if asked.write:
                    write("fixing.md", {block.key: block.markdown()})


if __name__ == "__main__":
    main()

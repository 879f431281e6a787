"""Which effect costs what on the shipped networks, how converters and weight errors count, and how long it takes.

python tests/bench/attribution.py                 print the tables
python tests/bench/attribution.py --write         print them, and put them into docs/evaluation.md
python tests/bench/attribution.py --only errors   one of chips, effects, converters, errors, spice
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from networks import CHOSEN_ON, EXAMPLES, IMAGES, NETWORKS, built, cut, load, percent
from pages import Block, write
from threadpoolctl import threadpool_limits

import rsscircuit
from rsscircuit import analyses
from rsscircuit.inference import EFFECTS, Operation
from rsscircuit.network import Layer, read_network, run, weight_matrix

LENET, FASHION, RESNET = "LeNet5, MNIST", "LeNet5, Fashion-MNIST", "ResNet-20, Fashion-MNIST"
BOTH = (LENET, FASHION)
ALL = (*BOTH, RESNET)
SOME = 1000  #: images of what is run many times
SIGMAS = (0.01, 0.05, 0.1, 0.2)


def chips() -> list[Block]:
    """The bars: all test images and those that had no part in the choice of the defaults, default settings."""
    rows = []
    for name in ALL:
        with built(name) as made:
            for first, words in ((0, "all 10 000"), (CHOSEN_ON, "without the first 1000")):
                images, labels = cut(made.images, first), cut(made.labels, first)
                began, before = time.perf_counter(), time.process_time()
                found = rsscircuit.evaluate(made.directory, images, labels, calibration=made.calibration, effects="all")
                seconds, busy = time.perf_counter() - began, time.process_time() - before
                rows.append(
                    (
                        name,
                        words,
                        percent(found["accuracy"]["trained"], 2),
                        percent(found["accuracy"]["chip"], 2),
                        percent(found["agreement"]["chip"], 2),
                        percent(found["output_error"]["chip"], 2),
                        f"{1e6 * max(found['saturated'].values()):.0f} in a million",
                        f"{seconds:.0f} s",
                        f"{busy:.0f} s",
                        load(),
                    )
                )
    heads = (
        "network", "test images", "accuracy: trained", "chip", "agreement", "output error",
        "most saturated conversions of a layer", "time", "CPU time", "load",
    )  # fmt: skip
    note = (
        f"{len(os.sched_getaffinity(0))} cores, which other work shared. Load: processes that wanted a core over the "
        "last minute, the evaluation's own among them."
    )
    return [Block(key="chips", heads=heads, rows=rows, note=note, left=2)]


def effects() -> list[Block]:
    """Each effect alone, and what it adds to those before it."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name in ALL:
        with built(name) as made:
            result = rsscircuit.attribute_errors(
                made.directory, made.images, made.labels, limit=SOME, calibration=made.calibration
            )
        found[name] = {each["effect"]: each for each in result["contributions"]}
        found[name]["total"] = {"square": result["output_error"]["chip"] ** 2, "agreement": result["agreement"]["chip"]}
    rows = []
    for effect in (each for each in EFFECTS if each in found[LENET]):
        row = [f"`{effect}`"]
        for name in ALL:
            each, total = found[name][effect], found[name]["total"]
            row += [
                percent(each["alone"]["output_error"], 3),
                percent(each["alone"]["agreement"], 1),
                percent(each["squared_error"] / total["square"], 1),
            ]
        rows.append(tuple(row))
    last = ["all of them"]
    for name in ALL:
        total = found[name]["total"]
        last += [percent(total["square"] ** 0.5, 3), percent(total["agreement"], 1), "100.0 %"]
    heads = ("effect", *(f"{name}: {what}" for name in ALL for what in ("error alone", "agreement", "adds")))
    note = f"The first {SOME} test images, default settings, 27 C, new, no stuck switches."
    return [Block(key="effects", heads=heads, rows=[*rows, tuple(last)], note=note)]


def converters() -> list[Block]:
    """Other resolutions, everything at work."""
    rows = []
    with built(FASHION) as made:
        for adc_bits in (8, 9, 10, 12):
            row = [str(adc_bits)]
            for dac_bits in (6, 8, 10):
                result = rsscircuit.evaluate(
                    made.directory,
                    made.images,
                    made.labels,
                    limit=SOME,
                    calibration=made.calibration,
                    effects="all",
                    operation=Operation(adc_bits=adc_bits, dac_bits=dac_bits),
                )
                row.append(f"{percent(result['output_error']['chip'], 2)}, {percent(result['agreement']['chip'], 1)}")
            rows.append(tuple(row))
    heads = ("ADC bits", "6-bit DAC", "8-bit DAC", "10-bit DAC")
    note = f"LeNet5 on Fashion-MNIST, the first {SOME} test images, everything at work: output error, agreement."
    return [Block(key="converters", heads=heads, rows=rows, note=note)]


def errors() -> list[Block]:
    """What random relative errors of the weights do to each network."""
    rows = []
    for name in ALL:
        folder, model = NETWORKS[name]
        network = read_network(EXAMPLES / folder / model)
        test = np.load(EXAMPLES / IMAGES.get(folder, folder) / "test.npz")
        images, labels = test["images"][:SOME, None] / 255.0, test["labels"][:SOME]
        output = network.outputs[0]
        exact = run(network, images)[output]
        row = [name, percent(float((exact.argmax(axis=1) == labels).mean()), 1)]
        for sigma in SIGMAS:
            rng = np.random.default_rng(0)
            weights = {
                layer.name: (matrix := weight_matrix(layer)) * (1.0 + sigma * rng.standard_normal(matrix.shape))
                for layer in network.crossbar_layers
            }
            answer = run(network, images, product=_product(weights))[output]
            error = np.sqrt(((answer - exact) ** 2).sum() / (exact**2).sum())
            right, same = (float((answer.argmax(axis=1) == of).mean()) for of in (labels, exact.argmax(axis=1)))
            row.append(f"{percent(right, 1)}, {percent(same, 1)}, {percent(float(error), 1)}")
        rows.append(tuple(row))
    heads = ("network", "trained", *(f"weights off by {percent(sigma, 0)}" for sigma in SIGMAS))
    note = (
        "Independent normal errors of every weight, relative to itself, nothing else; one draw. Accuracy, agreement, "
        f"output error over the first {SOME} test images."
    )
    return [Block(key="errors", heads=heads, rows=rows, note=note)]


def _product(weights: Mapping[str, np.ndarray]) -> Callable[[Layer, np.ndarray], np.ndarray]:
    def product(layer: Layer, rows: np.ndarray) -> np.ndarray:
        return rows @ weights[layer.name] + (0.0 if layer.bias is None else layer.bias)

    return product


def spice() -> list[Block]:
    """One image of LeNet5 in ngspice, with one resistor a bank and without wires."""
    with built(LENET) as made:
        began = time.perf_counter()
        chosen = ",".join(each for each in EFFECTS if each not in ("wires", "switch"))
        result = analyses.evaluate_spice(
            made.directory, made.images, made.labels, images=(0,), effects=chosen, calibration=made.calibration
        )
        seconds = time.perf_counter() - began
    rows = [(name, str(result["vectors"][name]), f"{worst:.1e}") for name, worst in result["layers"].items()]
    note = (
        f"{result['version']}, the first test image, everything at work but `wires` and `switch`; outputs differ by "
        f"{result['difference']:.1e}; {seconds / 60:.0f} min."
    )
    return [Block(key="spice", heads=("layer", "operating points", "largest difference"), rows=rows, note=note)]


PARTS = {"chips": chips, "effects": effects, "converters": converters, "errors": errors, "spice": spice}


def main() -> None:
    """Print the tables, and write them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=PARTS, help="this part only")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/evaluation.md")
    asked = parser.parse_args()
    for name in PARTS if asked.only is None else (asked.only,):
        with threadpool_limits(1):
            blocks = PARTS[name]()
        for block in blocks:
            block.show()
            if asked.write:
                write("evaluation.md", {block.key: block.markdown()})


if __name__ == "__main__":
    main()

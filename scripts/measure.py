"""Measure the figures that the documentation quotes, on the shipped networks.

python scripts/measure.py examples     # README: all 10 000 test images, calibrated, default settings
python scripts/measure.py banks        # docs/adr/0002-default-bank.md: first 2 000 test images
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import rsscircuit
from rsscircuit.report.tables import print_lines
from rsscircuit.technology.cell import bank_area_um2

EXAMPLES = Path(__file__).parent.parent / "examples"
NETWORKS = {
    "LeNet5, MNIST": ("lenet5_mnist", "lenet5.onnx"),
    "LeNet5, MNIST, 85 % pruned": ("lenet5_mnist", "lenet5_pruned.onnx"),
    "LeNet5, Fashion-MNIST": ("lenet5_fashion", "lenet5.onnx"),
}
BANKS: dict[str, dict[str, Any]] = {
    "default: `sky130_xhigh_1M`, `linear:0.5`, 14": {},
    "`--resistors 10`": {"resistors": 10},
    "`--resistors 12`": {"resistors": 12},
    "`--resistors 18`": {"resistors": 18},
    "`--bank geometric:1.25 --resistors 12`": {"bank": "geometric:1.25", "resistors": 12},
    "`--bank geometric:1.5 --resistors 10`": {"bank": "geometric:1.5", "resistors": 10},
    "`--bank sub-radix:1.8 --resistors 9`": {"bank": "sub-radix:1.8", "resistors": 9},
    "`--bank linear:0.2 --resistors 18`": {"bank": "linear:0.2", "resistors": 18},
    "`--bank equal`": {"bank": "equal"},
    "`--technology sky130_xhigh_100k`": {"technology": "sky130_xhigh_100k"},
    "`--technology thesis_iid20` (hypothetical)": {"technology": "thesis_iid20"},
}


def measured(name: str, limit: int | None, **choices: Any) -> tuple[rsscircuit.Design, dict[str, dict[str, float]]]:
    """Build one shipped network, calibrated, and evaluate it."""
    folder, model = NETWORKS[name]
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        for part in ("test", "calibration"):
            packed = np.load(EXAMPLES / folder / f"{part}.npz")
            np.save(here / f"{part}.npy", packed["images"][:, None].astype(np.float32) / 255)
            np.save(here / f"{part}_labels.npy", packed["labels"])
        options = rsscircuit.BuildOptions(calibration=str(here / "calibration.npy"), netlists="none", **choices)
        design = rsscircuit.build(EXAMPLES / folder / model, here / "design", options)
        return design, rsscircuit.evaluate(here / "design", here / "test.npy", here / "test_labels.npy", limit=limit)


def percent(fraction: float, digits: int) -> str:
    """A share in per cent."""
    return f"{100 * fraction:.{digits}f} %"


def examples() -> None:
    """The README's table."""
    for name in NETWORKS:
        _, found = measured(name, None)
        accuracy = " | ".join(percent(found["accuracy"][k], 2) for k in ("trained", "mapped", "with_parasitics"))
        agreement = ", ".join(percent(value, 2) for value in found["agreement"].values())
        mapped, parasitics = found["output_error"].values()
        print_lines([f"| {name} | {accuracy} | {agreement} | {percent(mapped, 3)}, {percent(parasitics, 2)} |"])


def banks() -> None:
    """The table of the decision on the default bank."""
    for label, choices in BANKS.items():
        both = [measured(name, 2000, **choices) for name in ("LeNet5, MNIST", "LeNet5, Fashion-MNIST")]
        design = both[0][0]
        area = f"{bank_area_um2(design.bank.nominal_ohm, design.technology):,.0f}".replace(",", " ")
        missed = " / ".join(str(d.summary["beyond_tolerance"] + d.summary["beyond_reach"]) for d, _ in both)
        mapped = " / ".join(percent(found["output_error"]["mapped"], 3) for _, found in both)
        parasitics = " / ".join(percent(found["output_error"]["with_parasitics"], 2) for _, found in both)
        print_lines([f"| {label} | {area} | {missed} | {mapped} | {parasitics} |"])


if __name__ == "__main__":
    {"examples": examples, "banks": banks}[sys.argv[1]]()

"""The shipped networks, built and evaluated as a user would, for tables of the documentation."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import rsscircuit

EXAMPLES = Path(__file__).parents[2] / "examples"
NETWORKS = {
    "LeNet5, MNIST": ("lenet5_mnist", "lenet5.onnx"),
    "LeNet5, MNIST, 85 % pruned": ("lenet5_mnist", "lenet5_pruned.onnx"),
    "LeNet5, Fashion-MNIST": ("lenet5_fashion", "lenet5.onnx"),
}


def measured(name: str, limit: int | None, **choices: Any) -> tuple[rsscircuit.Design, dict[str, dict[str, float]]]:
    """Build one shipped network, calibrated, and evaluate it on its test images.

    Args:
        name: One of ``NETWORKS``.
        limit: Use only so many images, from the first.
        choices: Options of the build.
    """
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

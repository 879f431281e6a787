"""The shipped networks, built and evaluated as a user would, for tables of the documentation."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import rsscircuit

EXAMPLES = Path(__file__).parents[2] / "examples"
NETWORKS = {
    "LeNet5, MNIST": ("lenet5_mnist", "lenet5.onnx"),
    "LeNet5, MNIST, 85 % pruned": ("lenet5_mnist", "lenet5_pruned.onnx"),
    "LeNet5, Fashion-MNIST": ("lenet5_fashion", "lenet5.onnx"),
    "ResNet-20, Fashion-MNIST": ("resnet20_fashion", "resnet20.onnx"),
}
CHOSEN_ON = 1000  #: of the test images, the first, had a part in the choice of the defaults
IMAGES = {"resnet20_fashion": "lenet5_fashion"}  #: whose images a network takes that has none of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A shipped network as a design, with its images beside it, while the folder lasts."""

    design: rsscircuit.Design
    directory: Path
    calibration: Path
    images: Path
    labels: Path


@contextmanager
def built(name: str, **choices: Any) -> Iterator[Built]:
    """One shipped network, built and calibrated.

    Args:
        name: One of ``NETWORKS``.
        choices: Options of the build.
    """
    folder, model = NETWORKS[name]
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        for part in ("test", "calibration"):
            packed = np.load(EXAMPLES / IMAGES.get(folder, folder) / f"{part}.npz")
            np.save(here / f"{part}.npy", packed["images"][:, None].astype(np.float32) / 255)
            np.save(here / f"{part}_labels.npy", packed["labels"])
        calibration = here / "calibration.npy"
        options = rsscircuit.BuildOptions(calibration=str(calibration), netlists="none", **choices)
        yield Built(
            design=rsscircuit.build(EXAMPLES / folder / model, here / "design", options),
            directory=here / "design",
            calibration=calibration,
            images=here / "test.npy",
            labels=here / "test_labels.npy",
        )


def measured(name: str, limit: int | None, **choices: Any) -> tuple[rsscircuit.Design, dict[str, dict[str, float]]]:
    """Build one shipped network, calibrated, and evaluate it on its test images.

    Args:
        name: One of ``NETWORKS``.
        limit: Use only so many images, from the first.
        choices: Options of the build.
    """
    with built(name, **choices) as made:
        found = rsscircuit.evaluate(made.directory, made.images, made.labels, limit=limit, calibration=made.calibration)
        return made.design, found


def cut(path: Path, first: int, last: int | None = None) -> Path:
    """A file beside ``path`` with only the images or labels from ``first`` to before ``last``."""
    place = path.with_stem(f"{path.stem}_{first}_{last or ''}")
    np.save(place, np.load(path)[first:last])
    return place


def cpu_seconds() -> float:
    """Of the workers that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def load() -> str:
    """How many processes wanted a core over the last minute, one's own among them."""
    return f"{os.getloadavg()[0]:.1f}"


def percent(fraction: float, digits: int) -> str:
    """A share in per cent."""
    return f"{100 * fraction:.{digits}f} %"

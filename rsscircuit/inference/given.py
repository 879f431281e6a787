"""Data and converter ranges from the files that a user gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.arrays import check_inputs, read_user_array
from rsscircuit.design import Design
from rsscircuit.errors import InputError
from rsscircuit.execution import default_workers
from rsscircuit.inference.comparison import Data
from rsscircuit.inference.operation import Operation
from rsscircuit.inference.ranges import LayerRange, layer_ranges
from rsscircuit.progress import Progress

CALIBRATION_INPUTS = 256


def calibration_inputs(design: Design, inputs: str | Path, calibration: str | Path | None) -> tuple[NDArray[Any], str]:
    """The inputs that the converters are laid out for, [N, ...], and one line on where they come from.

    Args:
        design: The design.
        inputs: ``.npy`` file of the inputs, whose first 256 are taken where there is no calibration.
        calibration: ``.npy`` file.

    Raises:
        InputError: No such file, or inputs that do not fit the network.
    """
    option, path = ("--inputs", inputs) if calibration is None else ("--calibration", calibration)
    data = read_user_array(path, option, mapped=True)
    check_inputs(design.network, data, option)
    if calibration is None:
        data = data[:CALIBRATION_INPUTS]
    source = "the first inputs themselves" if calibration is None else "calibration"
    return data, f"{len(data)} inputs, {source}"


def given_ranges(
    design: Design, inputs: str | Path, calibration: str | Path | None, operation: Operation, progress: Progress
) -> tuple[dict[str, LayerRange], str]:
    """The ranges of the converters, and one line on where they come from."""
    operation.check(design.technology)
    data, source = calibration_inputs(design, inputs, calibration)
    percentile = operation.readout(design.technology).adc_percentile
    with progress("converter ranges", len(data)) as advance:
        return layer_ranges(design, data, percentile, progress=advance), source


def given_data(
    design: Design,
    inputs: str | Path,
    labels: str | Path | None,
    limit: int | None,
    images: Sequence[int] | None,
    workers: int | None,
    progress: Progress,
) -> Data:
    """The data set of two files, or some of it.

    Args:
        design: The design.
        inputs: ``.npy`` file, [N, ...] as the network takes it.
        labels: ``.npy`` file, whole numbers [N].
        limit: Only so many inputs, from the first.
        images: Only those of these numbers.
        workers: Batches at a time; by default one a core.
        progress: Bars for people.

    Raises:
        InputError: Files that do not fit the network or each other.
    """
    data = read_user_array(inputs, "--inputs", mapped=True)
    check_inputs(design.network, data, "--inputs")
    wanted = None if labels is None else read_labels(labels, len(data))
    if limit is not None and limit < 1:
        raise InputError("a limit is at least 1", where="--limit", got=limit)
    if workers is not None and workers < 1:
        raise InputError("a number of workers is from 1", where="--workers", got=workers)
    cases = np.arange(min(len(data), limit or len(data))) if images is None else np.asarray(images, np.int64)
    absent = cases[(cases < 0) | (cases >= len(data))]
    if absent.size or not cases.size:
        got = int(absent[0]) if absent.size else "none"
        raise InputError(f"inputs are numbered 0 to {len(data) - 1}", where="--images", got=got)
    with progress("trained", len(cases)) as advance:
        return Data(design, data, wanted, cases=cases.tolist(), workers=workers or default_workers(), progress=advance)


def read_labels(path: str | Path, cases: int) -> NDArray[np.int64]:
    """The right classes of so many inputs.

    Args:
        path: ``.npy`` file, whole numbers [N] or [N, 1].
        cases: N.

    Raises:
        InputError: No such file, or labels that do not fit.
    """
    labels = read_user_array(path, "--labels")
    if labels.shape not in ((cases,), (cases, 1)):
        raise InputError(f"labels must be [{cases}], one class a case", where="--labels", got=str(list(labels.shape)))
    if labels.dtype.kind not in "iu" and (labels != np.rint(labels)).any():
        raise InputError("labels must be whole numbers", where="--labels", got=str(labels.dtype))
    if (labels < 0).any() or (labels >= 2**31).any():
        raise InputError("labels count classes from 0", where="--labels", got=f"{labels.min()} to {labels.max()}")
    return labels.reshape(-1).astype(np.int64)

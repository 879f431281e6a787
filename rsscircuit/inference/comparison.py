"""A chip beside the trained network, over a data set: accuracy, agreement and output error, always together.

Accuracy alone hides faults. Inputs are run in batches, several at a time; what is kept of a batch is a few sums, added
in the order of the data, and a matrix product takes one thread, so that nothing depends on the number of workers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rsscircuit.design import Design
from rsscircuit.errors import InputError
from rsscircuit.execution import map_threads
from rsscircuit.inference.chip import Chip
from rsscircuit.network import Layer, batch_size, run

Array = NDArray[np.float64]
Advance = Callable[[int], None]


class Data(AbstractContextManager["Data"]):
    """Inputs, their classes, and the trained network's answers, which are kept in a file while this is open.

    Args:
        design: Whose network.
        inputs: [N, ...], of any number format; may be mapped from a file.
        labels: [N], the right classes; None where they are not known.
        cases: Numbers of the inputs to take; all by default.
        workers: Batches at a time.
        progress: Called with the number of inputs just done.

    Attributes:
        power: Sum of the squares of the trained outputs.
        trained_right: How many inputs the trained network classifies as labelled.
        beyond_range: By layer, share of the activations that exceed the layer's input range.

    Raises:
        InputError: Labels beyond the network's classes, or outputs that are not finite.
    """

    def __init__(
        self,
        design: Design,
        inputs: NDArray[Any],
        labels: NDArray[np.int64] | None = None,
        *,
        cases: Sequence[int] | None = None,
        workers: int = 1,
        progress: Advance | None = None,
    ) -> None:
        self.design, self.labels, self.workers = design, labels, workers
        self._inputs = inputs
        self.cases = np.arange(len(inputs)) if cases is None else np.asarray(cases, np.int64)
        size = batch_size(design.network, np.asarray(inputs[:1], np.float64))
        self._places = [slice(first, first + size) for first in range(0, len(self.cases), size)]
        self._output = design.network.outputs[0]
        self._limit = {layer.name: layer.matrix.input_full_scale for layer in design.layers}
        self._folder = tempfile.TemporaryDirectory(prefix="rsscircuit-")
        self._answers: Array | None = None
        try:
            self._run_trained(progress)
        except BaseException:
            self._folder.cleanup()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop the file."""
        self._answers = None
        self._folder.cleanup()

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def classified(self) -> bool:
        """Whether accuracy is known."""
        return self.labels is not None

    def trained(self, place: slice = slice(None)) -> Array:
        """The trained network's outputs [cases, outputs]."""
        if self._answers is None:
            raise ValueError("the data are closed")
        return self._answers[place]

    def wanted(self, place: slice) -> NDArray[np.int64] | None:
        """The right classes."""
        return None if self.labels is None else self.labels[self.cases[place]]

    def batch(self, place: slice) -> Array:
        """Some inputs."""
        return np.asarray(self._inputs[self.cases[place]], np.float64)

    def each_batch(self, function: Callable[[slice], Any], progress: Advance | None) -> list[Any]:
        """``function`` of every batch, in order."""

        def then(place: slice) -> Any:
            result = function(place)
            if progress:
                progress(len(self.cases[place]))
            return result

        with threadpool_limits(1):
            return map_threads(then, self._places, workers=self.workers)

    def _run_trained(self, progress: Advance | None) -> None:
        first = run(self.design.network, self.batch(slice(0, 1)))[self._output].size
        if self.labels is not None:
            _check_classes(self.labels, first)
        shape = (len(self.cases), first)
        answers: Array = np.lib.format.open_memmap(
            Path(self._folder.name) / "trained.npy", mode="w+", dtype=np.float64, shape=shape
        )
        self._answers = answers

        def one(place: slice) -> tuple[float, int, dict[str, tuple[int, int]]]:
            seen: dict[str, tuple[int, int]] = {}

            def observe(layer: Layer, x: Array) -> None:
                seen[layer.name] = int((np.abs(x) > self._limit[layer.name]).sum()), x.size

            answer = run(self.design.network, self.batch(place), observe=observe)[self._output]
            answers[place] = answer = answer.reshape(-1, first)
            return float((answer**2).sum()), _right(answer, self.wanted(place)), seen

        found = self.each_batch(one, progress)
        self.power = sum(power for power, _, _ in found)
        self.trained_right = sum(right for _, right, _ in found)
        if not np.isfinite(self.power):
            largest = float(np.abs(np.asarray(self._inputs, np.float64)).max())
            raise InputError("the outputs are not finite", where="--inputs", got=f"inputs up to {largest:g}")
        self.beyond_range = {
            name: sum(seen[name][0] for _, _, seen in found) / max(1, sum(seen[name][1] for _, _, seen in found))
            for name in self._limit
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How a chip answers beside the trained network.

    Attributes:
        accuracy: Share of the inputs classified as labelled; None without labels.
        agreement: Share classified as by the trained network.
        output_error: Rms of the outputs' error over the rms of the trained outputs.
        saturated: By layer, share of the conversions that were cut off.
    """

    accuracy: float | None
    agreement: float
    output_error: float
    saturated: Mapping[str, float]


def compare(chip: Chip, data: Data, *, progress: Advance | None = None) -> Figures:
    """Run a chip over a data set.

    Raises:
        InputError: Outputs that are not finite.
    """
    output = chip.design.network.outputs[0]

    def one(place: slice) -> tuple[float, int, int, dict[str, int], dict[str, int]]:
        trained, batch = data.trained(place), chip.run_of(data.cases[place].tolist())
        answer = run(chip.design.network, data.batch(place), product=batch.product)[output].reshape(trained.shape)
        same = int((answer.argmax(axis=1) == trained.argmax(axis=1)).sum())
        error = float(((answer - trained) ** 2).sum())
        return error, same, _right(answer, data.wanted(place)), batch.saturated, batch.conversions

    found = data.each_batch(one, progress)
    error, cases = sum(each[0] for each in found), len(data)
    if not np.isfinite(error):
        raise InputError("the chip's outputs are not finite", where="--inputs")
    return Figures(
        accuracy=sum(each[2] for each in found) / cases if data.classified else None,
        agreement=sum(each[1] for each in found) / cases,
        output_error=(error / data.power) ** 0.5 if data.power > 0 else 0.0,
        saturated={
            name: sum(each[3][name] for each in found) / max(1, sum(each[4][name] for each in found))
            for name in chip.layers
        },
    )


def _right(answer: Array, wanted: NDArray[np.int64] | None) -> int:
    return 0 if wanted is None else int((answer.argmax(axis=1) == wanted).sum())


def _check_classes(labels: NDArray[np.int64], classes: int) -> None:
    if classes < 2:
        raise InputError("a network with one output has no classes", where="--labels", remedy="leave --labels out")
    if labels.max() >= classes:
        raise InputError(f"the network has {classes} classes", where="--labels", got=int(labels.max()))

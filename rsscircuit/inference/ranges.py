"""How far calibration inputs drive the converters of every layer, in the trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rsscircuit.design import Design, MappedLayer
from rsscircuit.network import Layer, batch_size, exact_product, run

Array = NDArray[np.float64]
BINS_A_DECADE = 1000
_LOWEST_DECADE, _DECADES = -9, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRange:
    """What the converters of one layer are laid out for.

    Attributes:
        full_scale_ampere: Largest column current, of either sign, that the converters at its columns tell apart.
        signed: Whether its inputs take both signs.
    """

    full_scale_ampere: float
    signed: bool


class _Currents:
    """The column currents of one layer's tiles, gathered by magnitude: a thousand bins a decade."""

    def __init__(self, design: Design, layer: MappedLayer) -> None:
        self._matrix, read_volt = layer.matrix, design.technology.drive.read_volt
        self._unit = read_volt * (layer.full_scale_siemens or 1.0)
        self._scale = read_volt * layer.siemens_per_weight / self._unit
        self._tiles = layer.drawn_tiles
        self._counts = np.zeros(BINS_A_DECADE * _DECADES, np.int64)
        self.signed = False

    def add(self, activations: Array) -> None:
        """Take in activations [cases, inputs]."""
        drives = self._matrix.drive(activations)
        self.signed = self.signed or bool((activations < 0).any())
        for tile in self._tiles:
            rows, columns = tile.window
            currents = np.abs(drives[:, rows] @ (self._matrix.weights[tile.window] * self._scale[columns]))
            with np.errstate(divide="ignore"):
                place = (np.log10(currents) - _LOWEST_DECADE) * BINS_A_DECADE
            bins = np.clip(place, 0, self._counts.size - 1).astype(np.int64)
            self._counts += np.bincount(bins.ravel(), minlength=self._counts.size)

    def percentile_ampere(self, percentile: float) -> float:
        """The upper end of the bin that holds a percentile; never nothing."""
        upto = np.cumsum(self._counts)
        wanted = max(1, int(np.ceil(percentile / 100.0 * upto[-1]))) if upto[-1] else 1
        place = int(np.searchsorted(upto, wanted))
        if place in (0, self._counts.size):
            return self._unit
        return float(self._unit * 10.0 ** ((place + 1) / BINS_A_DECADE + _LOWEST_DECADE))


def layer_ranges(
    design: Design, inputs: Array, percentile: float, *, progress: Callable[[int], None] | None = None
) -> dict[str, LayerRange]:
    """The ranges of every layer, by name, from inputs [N, ...] run through the trained network.

    Currents are those of the targets, by ideal wires: one range serves whatever effects are at work. A full scale is
    up to 0.23 % above the percentile, the width of a bin.
    """
    gathered = {layer.name: _Currents(design, layer) for layer in design.layers}

    def product(layer: Layer, activations: Array) -> Array:
        gathered[layer.name].add(activations)
        return exact_product(layer, activations)

    step = batch_size(design.network, inputs)
    for first in range(0, len(inputs), step):
        batch = np.asarray(inputs[first : first + step], np.float64)
        with threadpool_limits(1):
            run(design.network, batch, product=product)
        if progress:
            progress(len(batch))
    return {
        name: LayerRange(full_scale_ampere=currents.percentile_ampere(percentile), signed=currents.signed)
        for name, currents in gathered.items()
    }

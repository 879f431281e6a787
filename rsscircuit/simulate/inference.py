"""The network on its crossbars: the reference graph with each layer's product replaced by its tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Design, MappedLayer
from rsscircuit.errors import InputError
from rsscircuit.network import Layer, batch_size, run
from rsscircuit.network.reference import Product
from rsscircuit.simulate.engines import parasitic_matrices
from rsscircuit.technology.cell import Bend

Array = NDArray[np.float64]
NEGLIGIBLE = 1e-7  # of the largest current: a cubic term below that costs more than it says


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerResponse:
    """What a layer's tiles do together, partial sums added digitally.

    Attributes:
        linear: float64 [rows, cols], siemens.
        bend: What the currents have beyond that, [rows, cols], or None.
    """

    linear: Array
    bend: Bend | None


def mapped_response(design: Design, layer: MappedLayer) -> LayerResponse:
    """Subset sums of true branches, closed switches included; ideal wires, no leakage."""
    linear = np.zeros(layer.matrix.weights.shape)
    for tile in layer.drawn_tiles:
        linear[tile.window] = design.crossbar(layer, tile).pair_siemens()
    return LayerResponse(linear=linear, bend=None)


def parasitic_response(design: Design, layer: MappedLayer) -> LayerResponse:
    """The same with wires, leakage and what bends a branch: its switch and its voltage coefficients."""
    linear, square, odd, cube = np.zeros((4, *layer.matrix.weights.shape))
    for tile in layer.drawn_tiles:
        crossbar = design.crossbar(layer, tile)
        linear[tile.window], bend = parasitic_matrices(crossbar, design.technology, design.segments)
        square[tile.window], odd[tile.window], cube[tile.window] = bend.square, bend.odd, bend.cube
    if np.abs(cube).max() * design.technology.drive.read_volt**2 < NEGLIGIBLE * np.abs(linear).max():
        cube = np.zeros_like(cube)
    return LayerResponse(linear=linear, bend=Bend(square=square, odd=odd, cube=cube))


def product_of(design: Design, response: Callable[[Design, MappedLayer], LayerResponse]) -> Product:
    """A product that computes every crossbar layer through its tiles, for the reference executor.

    A column's current is read as an output by the unit x_full / (V_read s); volts, currents and units are
    folded into the matrices once, so that activations are multiplied as they come.
    """
    read_volt = design.technology.drive.read_volt
    layers = {}
    for layer in design.layers:
        tiles, matrix = response(design, layer), layer.matrix
        first = matrix.bias_rows
        weights = tiles.linear / layer.siemens_per_weight
        bias = np.full((1, first), matrix.bias_value)
        offset = (bias @ weights[:first])[0]
        bend = None
        if tiles.bend is not None:
            volts_per_input = read_volt / matrix.input_full_scale
            both = _in_inputs(tiles.bend, volts_per_input, layer.siemens_per_weight)
            offset += both.rows(slice(first)).currents(bias)[0]
            bend = both.rows(slice(first, None))
        layers[layer.name] = weights[first:], bend, offset

    def product(layer: Layer, rows: Array) -> Array:
        weights, bend, offset = layers[layer.name]
        result: Array = rows @ weights + offset
        if bend is not None:
            result += bend.currents(rows)
        return result

    return product


def _in_inputs(bend: Bend, volts_per_input: float, siemens_per_weight: Array) -> Bend:
    """A bend with activations for volts, and outputs for amperes."""
    once, twice = volts_per_input / siemens_per_weight, volts_per_input**2 / siemens_per_weight
    return Bend(square=bend.square * once, odd=bend.odd * once, cube=bend.cube * twice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How a design answers, beside the trained network, over a data set.

    ``accuracy`` counts correct predictions, ``agreement`` predictions equal to the trained network's,
    ``output_error`` is the rms of the output's error over the rms of the output. ``beyond_range`` is the share
    of the activations into each layer that exceed its input range (they are not cut off).
    """

    images: int
    accuracy: dict[str, float]
    agreement: dict[str, float]
    output_error: dict[str, float]
    beyond_range: dict[str, float]


def evaluate(
    design: Design,
    inputs: Array,
    labels: NDArray[np.int64] | None,
    *,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Run every input through the trained network, the mapped design and the design with parasitics.

    Args:
        design: The design.
        inputs: float64, first axis the cases, shaped as the network takes them.
        labels: [cases], the right classes; without them there is no accuracy.
        progress: Called with the number of cases just done.
    """
    variants: dict[str, Product | None] = {
        "trained": None,
        "mapped": product_of(design, mapped_response),
        "with_parasitics": product_of(design, parasitic_response),
    }
    output = design.network.outputs[0]
    limit = {layer.name: layer.matrix.input_full_scale for layer in design.layers}
    over = dict.fromkeys(limit, 0)
    seen = dict.fromkeys(limit, 0)

    def observe(layer: Layer, x: Array) -> None:
        over[layer.name] += int((np.abs(x) > limit[layer.name]).sum())
        seen[layer.name] += x.size

    right, same = dict.fromkeys(variants, 0), dict.fromkeys(variants, 0)
    error, power = dict.fromkeys(variants, 0.0), 0.0
    batch = batch_size(design.network, inputs)
    for first in range(0, len(inputs), batch):
        x = inputs[first : first + batch]
        trained = run(design.network, x, observe=observe)[output].reshape(len(x), -1)
        power += float((trained**2).sum())
        choice = trained.argmax(axis=1)
        wanted = None if labels is None else _classes(labels[first : first + batch], trained.shape[1])
        for name, product in variants.items():
            answer = trained if product is None else run(design.network, x, product=product)[output].reshape(len(x), -1)
            predicted = answer.argmax(axis=1)
            right[name] += 0 if wanted is None else int((predicted == wanted).sum())
            same[name] += int((predicted == choice).sum())
            error[name] += float(((answer - trained) ** 2).sum())
        if progress:
            progress(len(x))
    cases = len(inputs)
    if not np.isfinite([power, *error.values()]).all():
        raise InputError("the outputs are not finite", where="--inputs", got=f"inputs up to {np.abs(inputs).max():g}")
    mapped = [name for name in variants if name != "trained"]
    return Evaluation(
        images=cases,
        accuracy={} if labels is None else {name: right[name] / cases for name in variants},
        agreement={name: same[name] / cases for name in mapped},
        output_error={name: (error[name] / power) ** 0.5 if power > 0 else 0.0 for name in mapped},
        beyond_range={name: over[name] / max(1, seen[name]) for name in limit},
    )


def _classes(labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """``labels``, checked against the number of outputs."""
    if classes < 2:
        raise InputError("a network with one output has no classes", where="--labels", remedy="leave --labels out")
    if labels.max() >= classes:
        raise InputError(f"the network has {classes} classes", where="--labels", got=int(labels.max()))
    return labels

"""The network computed in NumPy: exactly, or with crossbar layers computed by someone else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rsscircuit.errors import InputError, NetworkError
from rsscircuit.network.graph import INPUT, Array, Layer, Network
from rsscircuit.network.lowering import exact_product, fold, unfold
from rsscircuit.network.operators import OPERATORS

MOST_CASES = 250
MOST_VALUES = 2**25
Product = Callable[[Layer, Array], Array]
Observer = Callable[[Layer, Array], None]


def run(
    network: Network,
    inputs: Array | Mapping[str, Array],
    *,
    product: Product | None = None,
    observe: Observer | None = None,
) -> dict[str, Array]:
    """Run the network on one batch.

    Args:
        network: What to compute.
        inputs: The input [N, ...], or every input by name where there are several.
        product: Computes a crossbar layer: from the layer and its unfolded activations
            [cases, rows] to [cases, columns], bias included. By default the exact product.
        observe: Called with each crossbar layer and its input before it is unfolded.

    Returns:
        The value of each network output, by layer name.

    Raises:
        InputError: An input is missing, unknown, or of another shape than declared.
        NetworkError: A value does not fit the layer that takes it.
    """
    product = product or exact_product
    values = _bind(network, inputs)
    waiting = dict(network.graph.out_degree())
    for layer in network.layers():
        if layer.operator == INPUT:
            continue
        taken = [values[name] for name in layer.inputs]
        if layer.on_crossbar:
            values[layer.name] = _crossbar(layer, taken[0], product, observe)
        else:
            values[layer.name] = _digital(layer, taken)
        for name in set(layer.inputs):
            waiting[name] -= 1
            if not waiting[name] and name not in network.outputs:
                del values[name]
    return {name: values[name] for name in network.outputs}


def batch_size(network: Network, x: Array) -> int:
    """How many cases of ``x`` [N, ...] to run at once, so that no layer unfolds to more than 256 MiB."""
    largest = 1

    def product(layer: Layer, rows: Array) -> Array:
        nonlocal largest
        largest = max(largest, rows.size)
        return exact_product(layer, rows)

    run(network, x[:1], product=product)
    return max(1, min(MOST_CASES, MOST_VALUES // largest))


def _bind(network: Network, inputs: Array | Mapping[str, Array]) -> dict[str, Array]:
    """Each input layer's value as float64, checked against its declared shape."""
    layers = {layer.name: layer for layer in network.inputs}
    if not isinstance(inputs, Mapping):
        if len(layers) != 1:
            raise InputError(
                f"the network has {len(layers)} inputs",
                got="one array",
                remedy=f"give a dictionary with {', '.join(layers)}",
            )
        inputs = {next(iter(layers)): inputs}
    if set(inputs) != set(layers):
        raise InputError("wrong inputs", got=", ".join(inputs), remedy=f"give {', '.join(layers)}")
    values = {name: np.asarray(value, dtype=np.float64) for name, value in inputs.items()}
    for name, value in values.items():
        _check_shape(layers[name], value.shape)
    return values


def _check_shape(layer: Layer, shape: tuple[int, ...]) -> None:
    declared = layer.attributes["shape"]
    if declared is None:
        return
    fits = len(shape) == len(declared) and all(
        want is None or want == size for want, size in zip(declared, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in declared)
        raise InputError(f"needs shape [{wanted}]", where=f"input {layer.name}", got=list(shape))


def _crossbar(layer: Layer, x: Array, product: Product, observe: Observer | None) -> Array:
    if observe is not None:
        observe(layer, x)
    try:
        activations = unfold(layer, x)
    except ValueError as error:
        raise _misfit(layer, [x], error) from error
    return fold(layer, product(layer, activations), x.shape)


def _digital(layer: Layer, values: Sequence[Array]) -> Array:
    try:
        return OPERATORS[layer.operator](layer, values)
    except (ValueError, IndexError) as error:  # numpy's words for shapes and axes that do not fit
        raise _misfit(layer, values, error) from error


def _misfit(layer: Layer, values: Sequence[Array], error: Exception) -> NetworkError:
    shapes = " and ".join(str(list(value.shape)) for value in values)
    return NetworkError(f"{error}; its inputs are {shapes}", where=f"layer {layer.name} ({layer.operator})")

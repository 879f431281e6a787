"""Constant factors and shifts behind a crossbar layer, moved into its weights and bias."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rsscircuit.network.graph import CONSTANT, INPUT, Array, Layer
from rsscircuit.network.lowering import weights_of
from rsscircuit.network.shapes import Shape

_FOLDED = frozenset({"Add", "Sub", "Mul", "Div"})


def fold_constants(
    layers: Sequence[Layer], shapes: Mapping[str, Shape], outputs: Sequence[str]
) -> tuple[list[Layer], tuple[str, ...]]:
    """Fold each constant Add, Sub, Mul or Div into the crossbar layer before it.

    It must be that layer's only consumer, and hold one number an output channel or one for all. What
    then leads to no output is dropped, except inputs.

    Args:
        layers: All layers, each after its inputs.
        shapes: The shape of each layer's output, as far as it is known.
        outputs: The names of the output layers.

    Returns:
        The layers that remain, in order, and the names of the output layers.
    """
    live = live_layers(layers, outputs)
    uses = Counter(name for layer in live for name in layer.inputs) + Counter(outputs)
    kept: dict[str, Layer] = {}
    moved: dict[str, str] = {}
    for layer in live:
        layer = replace(layer, inputs=tuple(moved.get(name, name) for name in layer.inputs))
        merged = _merged(layer, kept, uses, shapes)
        if merged is None:
            kept[layer.name] = layer
        else:
            kept[merged.name] = merged
            moved[layer.name] = merged.name
            uses[merged.name] = uses[layer.name]
    renamed = tuple(moved.get(name, name) for name in outputs)
    return live_layers(list(kept.values()), renamed), renamed


def live_layers(layers: Sequence[Layer], outputs: Sequence[str]) -> list[Layer]:
    """The layers that lead to an output, and all inputs, in their order."""
    needed = set(outputs)
    live = []
    for layer in reversed(layers):
        if layer.name in needed or layer.operator == INPUT:
            live.append(layer)
            needed.update(layer.inputs)
    return live[::-1]


def _merged(layer: Layer, kept: Mapping[str, Layer], uses: Counter[str], shapes: Mapping[str, Shape]) -> Layer | None:
    """The crossbar layer before ``layer`` with ``layer`` folded in; None where it cannot be."""
    if layer.operator not in _FOLDED:
        return None
    first, second = (kept[name] for name in layer.inputs)
    crossbar, constant = (second, first) if first.operator == CONSTANT else (first, second)
    if not crossbar.on_crossbar or constant.operator != CONSTANT or uses[crossbar.name] > 1:
        return None
    value = _per_channel(constant.attributes["value"], crossbar, shapes[crossbar.name])
    if value is None:
        return None
    affine = _affine(layer.operator, value, crossbar_first=crossbar is first)
    return None if affine is None else _with_affine(crossbar, *affine)


def _per_channel(value: Array, crossbar: Layer, shape: Shape) -> Array | None:
    """``value`` as [out] where it holds one number an output channel; else None."""
    weight = weights_of(crossbar)
    outputs, behind = len(weight), weight.ndim - 2  # axes behind the channel's
    rank = behind + 1 if shape is None else len(shape)
    if value.ndim > rank:
        return None
    sizes = [1] * (rank - value.ndim) + list(value.shape)
    channel = sizes.pop(rank - behind - 1)
    if any(size != 1 for size in sizes) or channel not in (1, outputs):
        return None
    return np.broadcast_to(value.ravel(), (outputs,))


def _affine(operator: str, value: Array, *, crossbar_first: bool) -> tuple[Array, Array] | None:
    """The operation as (factor, shift) on the crossbar's output; None where it is not of this kind."""
    one, zero = np.ones_like(value), np.zeros_like(value)
    if operator == "Add":
        return one, value
    if operator == "Mul":
        return value, zero
    if operator == "Sub":
        return (one, -value) if crossbar_first else (-one, value)
    return (1 / value, zero) if crossbar_first and np.all(value != 0) else None


def _with_affine(crossbar: Layer, factor: Array, shift: Array) -> Layer:
    weight = weights_of(crossbar)
    scaled = weight * factor.reshape(-1, *(1,) * (weight.ndim - 1))
    bias = np.zeros(len(weight)) if crossbar.bias is None else crossbar.bias
    return replace(crossbar, weight=scaled, bias=bias * factor + shift)

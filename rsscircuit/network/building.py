"""Layers under construction: unique names, known shapes, and constants computed as they appear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rsscircuit.network.graph import CONSTANT, INPUT, Array, Layer
from rsscircuit.network.nodes import FlawError, FollowingFlawError, Model, RawArray
from rsscircuit.network.operators import OPERATORS
from rsscircuit.network.shapes import Shape, known, shape_of

# the sizes of a value whose shape the network computes with; such a layer never outlives the import
SHAPE = "Shape"
BATCH_SIZE = -np.inf
UNKNOWN_SIZE = np.nan

_MOVES_ENTRIES = frozenset({"Concat", "Flatten", "Gather", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
_TRIAL_BATCH = 2
_FLAWED = Layer(name="", operator="Flawed")


class Builder:
    """Collects the layers of one model.

    Attributes:
        model: What is being read.
        layers: The layers so far, in order, by name.
        shapes: The shape of each layer's output, with a batch of 2 where it is free.
        values: The layer that carries each value of the model; a nameless stand-in where its node
            has a flaw, so that the nodes behind it can still be checked.
        batch: The batch size that the model was exported for; None where it is free.
        flaws: What is wrong with the model, node by node.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.layers: dict[str, Layer] = {}
        self.shapes: dict[str, Shape] = {_FLAWED.name: None}
        self.values: dict[str, Layer] = {}
        self.flaws: list[str] = []
        self.batch = _declared_batch(model)
        self._names = {node.name for node in model.nodes}
        for value, shape in model.inputs.items():
            self._add_input(value, shape)

    def unique(self, name: str) -> str:
        """``name``, or with a number behind it where a node or layer already has it."""
        candidate, number = name, 2
        while candidate in self._names:
            candidate, number = f"{name}_{number}", number + 1
        self._names.add(candidate)
        return candidate

    def source(self, value: str) -> Layer:
        """The layer that carries a value.

        Raises:
            FlawError: No node before this one defines it.
        """
        if value not in self.values:
            if value not in self.model.constants:
                raise FlawError(f"takes '{value}', which {self._undefined(value)}")
            self.values[value] = self.constant(value, self.model.constants[value])
        return self.values[value]

    def reject(self, values: Sequence[str]) -> None:
        """Let the flawed stand-in carry the values of a node that could not be read."""
        self.values.update((value, _FLAWED) for value in values if value)

    def is_flawed(self, layer: Layer) -> bool:
        """Whether this is the stand-in of a node that could not be read."""
        return layer is _FLAWED

    def rank(self, layer: Layer) -> int:
        """How many axes a layer's output has.

        Raises:
            FlawError: The declared input shapes do not tell.
        """
        shape = self.shapes[layer.name]
        if shape is not None:
            return len(shape)
        if self.flaws:
            raise FollowingFlawError("the shape of its input is lost")
        raise FlawError("the rank of its input is not known; declare the shape of the network's input")

    def constant(self, name: str, array: RawArray) -> Layer:
        """Add a constant.

        Raises:
            FlawError: It is not made of numbers.
        """
        try:
            value = np.asarray(array).astype(np.float64)
        except (TypeError, ValueError) as error:
            raise FlawError(f"constant '{name}' is not made of numbers, but of {array.dtype}") from error
        return self._keep(Layer(name=self.unique(name), operator=CONSTANT, attributes={"value": value}), value.shape)

    def emit(
        self,
        name: str,
        operator: str,
        sources: Sequence[Layer],
        *,
        attributes: dict[str, Any] | None = None,
        weight: Array | None = None,
        bias: Array | None = None,
    ) -> Layer:
        """Add a layer; a digital one whose inputs are all constant becomes a constant itself.

        Args:
            name: Its name, already unique.
            operator: ``Conv``, ``Dense`` or a digital operator.
            sources: The layers it takes.
            attributes: Its attributes.
            weight: Its weight, if it is a crossbar.
            bias: Its bias, if it has one.

        Raises:
            FlawError: The shapes do not fit, or it computes with the shape of a value.
        """
        layer = Layer(
            name=name,
            operator=operator,
            inputs=tuple(source.name for source in sources),
            attributes=attributes or {},
            weight=weight,
            bias=bias,
        )
        operators = {source.operator for source in sources}
        if SHAPE in operators and not (operators <= {CONSTANT, SHAPE} and operator in _MOVES_ENTRIES):
            raise FlawError("computes with the shape of a value; only its batch size can be passed on")
        shapes = [self.shapes[source.name] for source in sources]
        try:
            if not layer.on_crossbar and operators <= {CONSTANT, SHAPE}:
                return self._computed(layer, sources)
            return self._keep(layer, shape_of(layer, shapes))
        except (ValueError, IndexError, OverflowError) as error:  # numpy's for sizes and axes
            given = " and ".join(_written(shape) for shape in shapes)
            raise FlawError(f"the shapes do not fit: {error}; its inputs are {given}") from error

    def sizes(self, name: str, source: Layer, part: slice) -> Layer:
        """Add (a part of) the shape of a layer's output as a value to compute with.

        Raises:
            FlawError: Not even its number of axes is known.
        """
        sizes = [UNKNOWN_SIZE] * self.rank(source)
        for axis, size in enumerate(self.shapes[source.name] or ()):
            sizes[axis] = BATCH_SIZE if axis == 0 else size or UNKNOWN_SIZE
        value = np.array(sizes, dtype=np.float64)[part]
        return self._keep(Layer(name=name, operator=SHAPE, attributes={"value": value}), value.shape)

    def _computed(self, layer: Layer, sources: Sequence[Layer]) -> Layer:
        with np.errstate(all="ignore"):  # what is not finite is refused where it is used
            value = OPERATORS[layer.operator](layer, [source.attributes["value"] for source in sources])
        operator = SHAPE if any(source.operator == SHAPE for source in sources) else CONSTANT
        return self._keep(Layer(name=layer.name, operator=operator, attributes={"value": value}), value.shape)

    def _add_input(self, value: str, shape: Shape) -> None:
        free = shape if not shape else (None, *shape[1:])
        layer = Layer(name=self.unique(value), operator=INPUT, attributes={"shape": free})
        trial = shape if not shape else (shape[0] or _TRIAL_BATCH, *shape[1:])
        self.values[value] = self._keep(layer, trial)

    def _keep(self, layer: Layer, shape: Shape) -> Layer:
        self.layers[layer.name], self.shapes[layer.name] = layer, shape
        return layer

    def _undefined(self, value: str) -> str:
        if any(value in node.outputs for node in self.model.nodes):
            return "is defined only by it or after it: a cycle, or nodes out of order"
        return "nothing defines"


def _declared_batch(model: Model) -> int | None:
    batches = {shape[0] for shape in model.inputs.values() if shape}
    return batches.pop() if len(batches) == 1 else None


def _written(shape: Shape) -> str:
    if shape is None:
        return "unknown"
    sizes = known(shape)
    return f"of {len(shape)} axes" if sizes is None else str(list(sizes))

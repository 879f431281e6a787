"""One node being translated: its settings and inputs, checked as they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rsscircuit.network.building import Builder
from rsscircuit.network.graph import CONSTANT, Array, Layer
from rsscircuit.network.nodes import FlawError, FollowingFlawError, Node, check_finite

Setting = TypeVar("Setting")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """A node and the layers before it; every method raises ``FlawError`` for what it cannot use."""

    node: Node
    builder: Builder

    @property
    def opset(self) -> int:
        """The version of the operators that the node is written for."""
        return self.builder.model.opset

    def has(self, position: int) -> bool:
        """Whether the node takes an input at this position."""
        return position < len(self.node.inputs) and self.node.inputs[position] != ""

    def data(self, position: int = 0) -> Layer:
        """The layer that carries an input; constants among them are finite."""
        if not self.has(position):
            raise FlawError(f"its input {position} is missing")
        layer = self.builder.source(self.node.inputs[position])
        if layer.operator == CONSTANT:
            check_finite(layer.attributes["value"], self.node.inputs[position])
        return layer

    def constant(self, position: int, what: str, *, finite: bool = True) -> Array:
        """The value of an input that must be constant; ``what`` names it in errors."""
        if not self.has(position):
            raise FlawError(f"its {what} is missing")
        name = self.node.inputs[position]
        layer = self.builder.source(name)
        if self.builder.is_flawed(layer):
            raise FollowingFlawError(f"its {what} is lost")
        if layer.operator != CONSTANT:
            raise FlawError(f"its {what} '{name}' is not constant")
        value: Array = layer.attributes["value"]
        if finite:
            check_finite(value, name)
        return value

    def number(self, name: str, default: float) -> float:
        """A finite number among the attributes."""
        value = self._setting(name, default, _real_number)
        if not math.isfinite(value):
            raise FlawError(f"its attribute {name} is {value}")
        return value

    def limit(self, name: str, position: int, default: float) -> float:
        """A number that is an attribute, or in newer opsets a constant input."""
        if not self.has(position):
            return self._setting(name, default, _real_number)
        value = self.constant(position, name, finite=False)
        if value.size != 1 or math.isnan(value.item()):
            raise FlawError(f"its {name} is not one number, but {value.tolist()}")
        return float(value.item())

    def integer(self, name: str, default: int) -> int:
        """A whole number among the attributes."""
        return self._setting(name, default, _whole_number)

    def text(self, name: str, default: str) -> str:
        """A word among the attributes."""
        return self._setting(name, default, str)

    def integers(self, name: str, default: Sequence[int]) -> tuple[int, ...]:
        """A list of whole numbers among the attributes."""
        return self._setting(name, default, _whole_numbers)

    def axes(self) -> tuple[int, ...] | None:
        """The axes, an attribute or in newer opsets a constant input; None where they are left out."""
        if self.has(1):
            return _whole_numbers(self.constant(1, "axes").ravel())
        return self.integers("axes", ()) if "axes" in self.node.attributes else None

    def emit(
        self,
        operator: str,
        *sources: Layer,
        suffix: str = "",
        weight: Array | None = None,
        bias: Array | None = None,
        **attributes: Any,
    ) -> Layer:
        """Add a layer called like the node, or with a suffix for all but one layer of a node."""
        name = self.builder.unique(f"{self.node.name}_{suffix}") if suffix else self.node.name
        return self.builder.emit(name, operator, sources, attributes=attributes, weight=weight, bias=bias)

    def emit_constant(self, value: Array, suffix: str) -> Layer:
        """Add a constant that belongs to the node."""
        return self.builder.constant(f"{self.node.name}_{suffix}", value)

    def _setting(self, name: str, default: Any, convert: Callable[[Any], Setting]) -> Setting:
        value = self.node.attributes.get(name, default)
        try:
            return convert(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise FlawError(f"its attribute {name} cannot be {value!r}") from error


def window_settings(step: Step, axes: int) -> dict[str, Any]:
    """The attributes that say where windows lie: strides, dilations, and pads or auto_pad.

    Raises:
        FlawError: One of them has the wrong length, or is negative.
    """
    settings: dict[str, Any] = {name: step.integers(name, (1,) * axes) for name in ("strides", "dilations")}
    auto_pad = step.text("auto_pad", "NOTSET")
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        settings["auto_pad"] = auto_pad
    elif auto_pad in ("NOTSET", "VALID", ""):
        none = (0,) * (2 * axes)
        settings["pads"] = none if auto_pad == "VALID" else step.integers("pads", none)
    else:
        raise FlawError(f"its auto_pad '{auto_pad}' is not one that ONNX defines")
    _check_window(settings, axes)
    return settings


def _check_window(settings: Mapping[str, Any], axes: int) -> None:
    for name, length, lowest in (("strides", axes, 1), ("dilations", axes, 1), ("pads", 2 * axes, 0)):
        values = settings.get(name)
        if values is not None and (len(values) != length or min(values) < lowest):
            raise FlawError(f"its {name} {list(values)} do not fit {axes} spatial axes")


def _real_number(value: Any) -> float:
    if isinstance(value, str):
        raise TypeError(value)
    return float(value)


def _whole_number(value: Any) -> int:
    if isinstance(value, str) or int(value) != value:
        raise ValueError(value)
    return int(value)


def _whole_numbers(values: Any) -> tuple[int, ...]:
    return tuple(map(_whole_number, values))

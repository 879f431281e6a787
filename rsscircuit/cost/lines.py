"""A cost is a list of lines: one component, its equation, how sure it is and where its numbers come from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CHIP = "chip"  # in the place of a layer: what all of them share


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One component of a cost.

    Attributes:
        component: What is charged.
        by_layer: Its value by layer, in the unit of its list; ``chip`` is what is shared.
        equation: How it is computed.
        mark: sourced, derived or assumed: that of the least certain number in it.
        source: Where the numbers come from.
    """

    component: str
    by_layer: Mapping[str, float]
    equation: str
    mark: str
    source: str

    @property
    def value(self) -> float:
        """The whole of it."""
        return math.fsum(self.by_layer.values())

    def as_record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "component": self.component,
            "value": self.value,
            "by_layer": dict(self.by_layer),
            "equation": self.equation,
            "mark": self.mark,
            "source": self.source,
        }


def total(lines: Iterable[Line]) -> float:
    """The sum of the lines' values."""
    return math.fsum(line.value for line in lines)


def summed(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Values by layer from (layer, value) pairs, layers in the order in which they come."""
    gathered: dict[str, list[float]] = {}
    for layer, value in parts:
        gathered.setdefault(layer, []).append(value)
    return {layer: math.fsum(values) for layer, values in gathered.items()}

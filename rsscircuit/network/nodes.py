"""What a file of a network says, before anything is interpreted: the same for ONNX and NumPy files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

RawArray = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """One operation as the file writes it.

    Attributes:
        name: The node's name; empty where it has none.
        operator: The ONNX operator, with its domain in front where that is not ONNX's own.
        inputs: Names of the values it takes; empty for one left out.
        outputs: Names of the values it defines; empty for one left out.
        attributes: Its attributes as numbers, strings, arrays and lists of them.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A whole file.

    Attributes:
        source: The file's path, for error messages.
        opset: The version of the ONNX operators that the nodes are written for.
        nodes: The operations in order.
        constants: Weights and other constants by value name, in the file's own type.
        inputs: Shape of each network input; None for an axis of any size or for a shape not declared.
        outputs: Names of the values that are the network's outputs.
    """

    source: str
    opset: int
    nodes: tuple[Node, ...]
    constants: Mapping[str, RawArray]
    inputs: Mapping[str, tuple[int | None, ...] | None]
    outputs: tuple[str, ...]


class FlawError(Exception):
    """One thing wrong with a network; collected with the others into one NetworkError."""


class FollowingFlawError(FlawError):
    """A flaw that only follows from another one; the other is the one to report."""


def check_finite(array: RawArray, tensor: str) -> None:
    """Refuse NaN and infinity.

    Raises:
        FlawError: There is one; names the tensor and the first position.
    """
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        position = tuple(int(index) for index in wrong[0])
        raise FlawError(f"tensor '{tensor}' holds {array[position]} at {list(position)}")

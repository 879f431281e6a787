"""An ONNX file as neutral nodes; weights kept in files of their own are read only from the model's folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper

from rsscircuit.errors import NetworkError
from rsscircuit.network.nodes import FlawError, Model, Node, RawArray

_ONNX_DOMAINS = frozenset({"", "ai.onnx"})


def read_onnx(path: Path, content: bytes) -> Model:
    """Read the ``content`` of the ONNX file at ``path``.

    Raises:
        NetworkError: It is not ONNX, holds no network, needs a newer onnx, or a tensor in it or beside
            it cannot be read.
    """
    proto = _decode(path, content)
    graph = proto.graph
    reader = _TensorReader(path.resolve().parent)
    constants = {tensor.name: reader.array(tensor) for tensor in graph.initializer}
    nodes = tuple(_node(node, reader) for node in graph.node)
    inputs = {value.name: _declared_shape(value) for value in graph.input if value.name not in constants}
    reader.problems += [
        f"tensor '{tensor.values.name}' is sparse; store it densely" for tensor in graph.sparse_initializer
    ]
    reader.problems += [
        f"input '{value.name}' is not a tensor" for value in graph.input if not value.type.HasField("tensor_type")
    ]
    if reader.problems:
        raise NetworkError("; ".join(reader.problems), where=str(path))
    return Model(
        source=str(path),
        opset=_opset(path, proto),
        nodes=nodes,
        constants=constants,
        inputs=inputs,
        outputs=tuple(value.name for value in graph.output),
    )


def _decode(path: Path, content: bytes) -> Any:
    try:
        proto = onnx.load_model_from_string(content, format="protobuf")
    except DecodeError as error:
        raise NetworkError(
            "this is not an ONNX file, or it is damaged",
            where=str(path),
            got=f"{len(content)} bytes",
            remedy="export the network again, or copy the file again",
        ) from error
    if not proto.graph.output:
        raise NetworkError(
            "this file holds no network: its graph has no outputs",
            where=str(path),
            got=f"{len(content)} bytes",
            remedy="export the network again, or copy the file again",
        )
    return proto


def _opset(path: Path, proto: Any) -> int:
    versions = [entry.version for entry in proto.opset_import if entry.domain in _ONNX_DOMAINS]
    opset: int = max(versions, default=1)
    newest = onnx.defs.onnx_opset_version()
    if opset > newest:
        raise NetworkError(
            f"the installed onnx knows operators up to version {newest}",
            where=str(path),
            got=f"version {opset}",
            remedy="install a newer onnx, or export for an older opset",
        )
    return opset


def _declared_shape(value: Any) -> tuple[int | None, ...] | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(axis.dim_value or None for axis in tensor.shape.dim)


def _node(node: Any, reader: _TensorReader) -> Node:
    operator = node.op_type if node.domain in _ONNX_DOMAINS else f"{node.domain}.{node.op_type}"
    return Node(
        name=node.name,
        operator=operator,
        inputs=tuple(node.input),
        outputs=tuple(node.output),
        attributes={entry.name: reader.attribute(entry) for entry in node.attribute},
    )


class _TensorReader:
    """Reads tensors, and keeps the problems it meets so that one error can name them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: list[str] = []

    def attribute(self, entry: Any) -> Any:
        """An attribute's value: text as str, a tensor as an array, anything else as onnx gives it."""
        if entry.type == onnx.AttributeProto.TENSOR:
            return self.array(entry.t)
        value = onnx.helper.get_attribute_value(entry)
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else value

    def array(self, tensor: Any) -> RawArray:
        """The tensor in its own type; an empty array, and a problem noted, where it cannot be read."""
        try:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                tensor.raw_data = self._external(tensor)
                tensor.data_location = onnx.TensorProto.DEFAULT
            array: RawArray = numpy_helper.to_array(tensor)
        except FlawError as problem:
            self.problems.append(str(problem))
        except (ValueError, TypeError, KeyError) as error:  # what onnx raises for sizes and types
            self.problems.append(f"tensor '{tensor.name}' cannot be read ({error})")
        else:
            return array
        return np.zeros(0)

    def _external(self, tensor: Any) -> bytes:
        """The bytes of a tensor that is kept in a file of its own.

        Raises:
            FlawError: The file is missing, too short, or outside the model's folder.
        """
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        what = f"tensor '{tensor.name}' is kept in '{location}'"
        if not location or Path(location).is_absolute() or ".." in Path(location).parts:
            raise FlawError(f"{what}, which is not a path below the model's folder")
        file = self._folder / location
        if not file.resolve().is_relative_to(self._folder):
            raise FlawError(f"{what}, which leads out of the model's folder")
        if not file.is_file():
            raise FlawError(f"{what}, which is missing; copy it beside the model")
        offset, length = _extent(entries, what)
        try:
            with file.open("rb") as stream:
                stream.seek(offset)
                content: bytes = stream.read(length)
        except OSError as error:
            raise FlawError(f"{what}, which cannot be read ({error.strerror})") from error
        if length is not None and len(content) < length:
            raise FlawError(f"{what}, which is too short: {len(content)} of {length} bytes from byte {offset}")
        return content


def _extent(entries: dict[str, str], what: str) -> tuple[int, int | None]:
    """Where a tensor's bytes begin in its file, and how many they are where that is told."""
    texts = {key: entries[key] for key in ("offset", "length") if key in entries}
    wrong = [f"{key} {text!r}" for key, text in texts.items() if not text.isdecimal()]
    if wrong:
        raise FlawError(f"{what} with an impossible {' and '.join(wrong)}")
    return int(texts.get("offset", 0)), int(texts["length"]) if "length" in texts else None

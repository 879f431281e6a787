"""Networks without ONNX: one .npz file of arrays and a list of layers.

The file holds the weights under keys of your choice and two entries with fixed names:

``layers``
    JSON text (a string, or bytes): a list of objects, one a layer, in order. Each has ``operator``,
    the ONNX name, and may have ``name`` and ``inputs``: the names of the layers it takes, or ``input``
    for the network's input. By default a layer takes the one before it. The other entries are keys of
    arrays and the ONNX attributes; ``LAYER_ENTRIES`` lists them for every operator. Attributes mean
    what they mean in ONNX, so a ``Gemm`` weight is [in, out], or [out, in] with ``transB`` 1.
``input_shape`` (optional)
    The shape of the network's input, with 0 or -1 for an axis of any size; the first is the batch.

Layers that no other layer takes are the network's outputs. For example::

    layers = [
        {"operator": "Conv", "name": "conv1", "weight": "w1", "bias": "b1", "pads": [2, 2, 2, 2]},
        {"operator": "Relu"},
        {"operator": "MaxPool", "kernel_shape": [2, 2], "strides": [2, 2]},
        {"operator": "Flatten"},
        {"operator": "Gemm", "name": "fc1", "weight": "w2", "bias": "b2", "transB": 1},
    ]
    numpy.savez("net.npz", layers=json.dumps(layers), input_shape=[0, 1, 28, 28],
                w1=w1, b1=b1, w2=w2, b2=b2)
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rsscircuit.errors import NetworkError
from rsscircuit.network.nodes import Model, Node, RawArray

OPSET = 21
NETWORK_INPUT = "input"


class Entries(NamedTuple):
    """What a layer may say beside ``operator``, ``name`` and ``inputs``.

    Attributes:
        needed: Keys of arrays it must name.
        optional: Keys of arrays it may name.
        attributes: ONNX attributes it may set.
    """

    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


_WINDOW = ("strides", "dilations", "pads", "auto_pad", "kernel_shape")
_ARITHMETIC = Entries((), ("constant",))

LAYER_ENTRIES: dict[str, Entries] = {
    "Add": _ARITHMETIC,
    "AveragePool": Entries(attributes=(*_WINDOW, "ceil_mode", "count_include_pad")),
    "BatchNormalization": Entries(("scale", "bias", "mean", "variance"), (), ("epsilon",)),
    "Clip": Entries(attributes=("min", "max")),
    "Concat": Entries(attributes=("axis",)),
    "Conv": Entries(("weight",), ("bias",), (*_WINDOW, "group")),
    "Div": _ARITHMETIC,
    "Dropout": Entries(attributes=("ratio",)),
    "Flatten": Entries(attributes=("axis",)),
    "Gemm": Entries(("weight",), ("bias",), ("alpha", "beta", "transA", "transB")),
    "GlobalAveragePool": Entries(),
    "HardSigmoid": Entries(attributes=("alpha", "beta")),
    "HardSwish": Entries(),
    "Identity": Entries(),
    "LeakyRelu": Entries(attributes=("alpha",)),
    "MatMul": Entries(("weight",)),
    "MaxPool": Entries(attributes=(*_WINDOW, "ceil_mode")),
    "Mul": _ARITHMETIC,
    "Relu": Entries(),
    "Reshape": Entries(attributes=("shape", "allowzero")),
    "Sigmoid": Entries(),
    "Softmax": Entries(attributes=("axis",)),
    "ReduceMean": Entries(attributes=("axes", "keepdims")),
    "Squeeze": Entries(attributes=("axes",)),
    "Sub": _ARITHMETIC,
    "Tanh": Entries(),
    "Transpose": Entries(attributes=("perm",)),
    "Unsqueeze": Entries(attributes=("axes",)),
}


def read_npz(path: Path, content: bytes) -> Model:
    """Read the ``content`` of the .npz file at ``path``.

    Raises:
        NetworkError: The archive is damaged, has no usable ``layers`` entry, or its layers name unknown
            entries, unknown layers or missing arrays; one error names them all.
    """
    arrays = _arrays(path, content)
    layers = _layers(path, arrays)
    names = _names(layers)
    problems = [f"two layers are called '{name}'" for name in sorted({n for n in names if names.count(n) > 1})]
    for name, layer in zip(names, layers, strict=True):
        problems += [f"layer '{name}': {problem}" for problem in _problems(layer, names, arrays)]
    if problems:
        raise NetworkError("; ".join(problems), where=str(path))
    nodes = tuple(
        _node(name, layer, previous)
        for name, layer, previous in zip(names, layers, [NETWORK_INPUT, *names], strict=False)
    )
    taken = {value for node in nodes for value in node.inputs}
    return Model(
        source=str(path),
        opset=OPSET,
        nodes=nodes,
        constants={_array_value(key): array for key, array in arrays.items()},
        inputs={NETWORK_INPUT: _input_shape(path, arrays)},
        outputs=tuple(name for name in names if name not in taken),
    )


def _arrays(path: Path, content: bytes) -> dict[str, RawArray]:
    """Every entry of the archive; entries that are not .npy files come as an array of bytes."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {key: np.asarray(archive[key]) for key in archive.files}
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, RuntimeError) as error:
        raise NetworkError(
            f"this .npz file cannot be read ({error})",
            where=str(path),
            remedy="write it again with numpy.savez, without object arrays",
        ) from error


def _layers(path: Path, arrays: Mapping[str, RawArray]) -> list[dict[str, Any]]:
    remedy = "store a JSON list of layers under the key 'layers', as docs/files.md shows"
    if "layers" not in arrays:
        found = ", ".join(arrays) or "an empty archive"
        raise NetworkError("there is no entry 'layers'", where=str(path), got=found, remedy=remedy)
    stored = arrays["layers"]
    text = stored.item() if stored.ndim == 0 and stored.dtype.kind in "US" else None
    if text is None:
        raise NetworkError("the entry 'layers' is not text", where=str(path), got=stored.dtype, remedy=remedy)
    try:
        layers = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NetworkError(f"the entry 'layers' is not JSON ({error})", where=str(path), remedy=remedy) from error
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, dict) for layer in layers):
        raise NetworkError("the entry 'layers' is not a list of objects", where=str(path), remedy=remedy)
    return layers


def _names(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(layer.get("name") or f"{layer.get('operator', 'layer')}_{index}") for index, layer in enumerate(layers)]


def _problems(layer: Mapping[str, Any], names: Sequence[str], arrays: Mapping[str, RawArray]) -> list[str]:
    operator = layer.get("operator")
    if not isinstance(operator, str) or operator not in LAYER_ENTRIES:
        return [f"operator {operator!r} is not one of {', '.join(LAYER_ENTRIES)}"]
    needed, optional, attributes = LAYER_ENTRIES[operator]
    known = {"operator", "name", "inputs", *needed, *optional, *attributes}
    problems = [f"unknown entry '{key}' (known: {', '.join(sorted(known))})" for key in layer if key not in known]
    problems += [f"entry '{key}' is missing" for key in needed if key not in layer]
    problems += [
        f"{key} '{layer[key]}' is not an array of this file"
        for key in (*needed, *optional)
        if key in layer and (not isinstance(layer[key], str) or layer[key] not in arrays)
    ]
    inputs = layer.get("inputs", [])
    if not isinstance(inputs, list):
        return [*problems, "inputs is not a list of layer names"]
    unknown = [source for source in inputs if source not in (*names, NETWORK_INPUT)]
    return problems + [f"it takes '{source}', which is no layer" for source in unknown]


def _node(name: str, layer: Mapping[str, Any], previous: str) -> Node:
    needed, optional, attributes = LAYER_ENTRIES[layer["operator"]]
    keys = [layer[key] for key in (*needed, *optional) if key in layer]
    return Node(
        name=name,
        operator=layer["operator"],
        inputs=(*layer.get("inputs", [previous]), *map(_array_value, keys)),
        outputs=(name,),
        attributes={key: layer[key] for key in attributes if key in layer},
    )


def _array_value(key: str) -> str:
    """The value name of an array, which no layer can have."""
    return f"array {key}"


def _input_shape(path: Path, arrays: Mapping[str, RawArray]) -> tuple[int | None, ...] | None:
    if "input_shape" not in arrays:
        return None
    shape = arrays["input_shape"]
    if shape.ndim != 1 or shape.dtype.kind not in "iu":
        raise NetworkError(
            "the entry 'input_shape' is not a list of whole numbers",
            where=str(path),
            got=f"{shape.dtype} {list(shape.shape)}",
        )
    return tuple(int(size) if size > 0 else None for size in shape)

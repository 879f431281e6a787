"""Small ONNX models for the tests of this folder."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def node(operator, inputs, outputs, **attributes):
    """A node; ``inputs`` and ``outputs`` are names with spaces between them, ``_`` for none."""
    names = [["" if name == "_" else name for name in text.split()] for text in (inputs, outputs)]
    return helper.make_node(operator, *names, **attributes)


def model(nodes, inputs, outputs, constants=(), opset=17, opsets=()):
    """A model; ``inputs`` maps to shapes, ``constants`` to arrays, ``outputs`` is a text of names."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs.split()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(constants).items()],
    )
    imports = [helper.make_opsetid("", opset), *opsets]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def save(folder, *arguments, **options):
    """Write a model into ``folder`` and return its path."""
    path = folder / "model.onnx"
    onnx.save(model(*arguments, **options), path)
    return path


def normal(*shape, seed=0):
    """Reproducible float32 numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)

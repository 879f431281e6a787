"""Neutral nodes to layers: one function an operator, and one error for everything that cannot be mapped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from rsscircuit.errors import NetworkError
from rsscircuit.network.building import SHAPE, Builder
from rsscircuit.network.graph import Layer
from rsscircuit.network.nodes import FlawError, FollowingFlawError, Model, Node
from rsscircuit.network.step import Step

from . import crossbar_nodes, digital_nodes

# each adds the node's layers and returns the one that carries its (first) output
TRANSLATIONS: dict[str, Callable[[Step], Layer]] = {
    "Add": digital_nodes.arithmetic,
    "AveragePool": digital_nodes.average_pool,
    "BatchNormalization": crossbar_nodes.batch_normalization,
    "Cast": digital_nodes.cast,
    "Clip": digital_nodes.clip,
    "Concat": digital_nodes.concat,
    "Constant": digital_nodes.constant,
    "Conv": crossbar_nodes.conv,
    "Div": digital_nodes.arithmetic,
    "Dropout": digital_nodes.dropout,
    "Flatten": digital_nodes.flatten,
    "Gather": digital_nodes.gather,
    "Gemm": crossbar_nodes.gemm,
    "GlobalAveragePool": digital_nodes.plain,
    "HardSigmoid": digital_nodes.hard_sigmoid,
    "HardSwish": digital_nodes.plain,
    "Identity": digital_nodes.identity,
    "LeakyRelu": digital_nodes.leaky_relu,
    "MatMul": crossbar_nodes.matmul,
    "MaxPool": digital_nodes.max_pool,
    "Mul": digital_nodes.arithmetic,
    "Relu": digital_nodes.plain,
    "Reshape": digital_nodes.reshape,
    "Shape": digital_nodes.shape,
    "Sigmoid": digital_nodes.plain,
    "Softmax": digital_nodes.softmax,
    "ReduceMean": digital_nodes.reduce_mean,
    "Squeeze": digital_nodes.squeeze,
    "Sub": digital_nodes.arithmetic,
    "Tanh": digital_nodes.plain,
    "Transpose": digital_nodes.transpose,
    "Unsqueeze": digital_nodes.unsqueeze,
}


def translate(model: Model) -> tuple[Builder, tuple[str, ...]]:
    """Translate every node.

    Returns:
        The builder with all layers, and the names of the layers that are the network's outputs.

    Raises:
        NetworkError: Nodes cannot be mapped; the error names each with its operator and the reason.
    """
    model = replace(model, nodes=_named(model.nodes))
    builder = Builder(model)
    used = Counter(value for node in model.nodes for value in node.inputs) + Counter(model.outputs)
    for node in model.nodes:
        try:
            first = _translate_node(Step(node=node, builder=builder), used)
        except FlawError as flaw:
            if not isinstance(flaw, FollowingFlawError):
                builder.flaws.append(f"{node.name} ({node.operator}) {flaw}")
            builder.reject(node.outputs)
        else:
            builder.values[node.outputs[0]] = first
    outputs = tuple(_output(builder, value) for value in model.outputs)
    if builder.flaws:
        raise _error(model, builder.flaws)
    return builder, outputs


def _named(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes with a name each that no other has."""
    taken = {node.name for node in nodes}
    seen: set[str] = {""}
    named = []
    for index, node in enumerate(nodes):
        name = node.name
        if name in seen:
            stem = f"{node.name or node.operator}_{index}"
            name, number = stem, 2
            while name in taken:
                name, number = f"{stem}_{number}", number + 1
        seen.add(name)
        taken.add(name)
        named.append(replace(node, name=name))
    return tuple(named)


def _translate_node(step: Step, used: Counter[str]) -> Layer:
    node, values = step.node, step.builder.values
    if node.operator not in TRANSLATIONS:
        raise FlawError("is not a supported operator")
    if not node.outputs:
        raise FlawError("has no output")
    again = [value for value in node.outputs if value in values or value in step.builder.model.constants]
    if again:
        raise FlawError(f"defines '{again[0]}' a second time")
    extra = [value for value in node.outputs[1:] if used[value]]
    if extra:
        raise FlawError(f"has a second output '{extra[0]}' that is used; only the first is supported")
    return TRANSLATIONS[node.operator](step)


def _output(builder: Builder, value: str) -> str:
    """The name of the layer that carries a network output; empty, and a flaw noted, where none does."""
    try:
        layer = builder.source(value)
    except FlawError as flaw:
        builder.flaws.append(f"the network's output {str(flaw).removeprefix('takes ')}")
        return ""
    if layer.operator == SHAPE:
        builder.flaws.append(f"the network's output '{value}' is a shape, not a value")
    return layer.name


def _error(model: Model, flaws: Sequence[str]) -> NetworkError:
    count = "1 thing does" if len(flaws) == 1 else f"{len(flaws)} things do"
    unsupported = any(flaw.endswith("not a supported operator") for flaw in flaws)
    return NetworkError(
        f"{count} not map onto crossbars: " + "; ".join(flaws),
        where=model.source,
        remedy=f"supported operators: {', '.join(TRANSLATIONS)}" if unsupported else "",
    )

"""WHAT to compute: the layers of a trained network and the order in which values flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INPUT = "Input"
CONSTANT = "Constant"
CONV = "Conv"
DENSE = "Dense"
CROSSBAR_OPERATORS = frozenset({CONV, DENSE})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """One step of the network.

    Attributes:
        name: Unique in its network; the ONNX node's name where it has one.
        operator: ``Input``, ``Constant``, ``Conv``, ``Dense``, or the ONNX name of a digital operator.
        inputs: Names of the layers whose outputs it takes, in order.
        attributes: The operator's settings in their newest-opset meaning. A ``Conv`` has
            ``strides``, ``dilations`` (one a spatial axis), ``pads`` (begins, then ends) or
            ``auto_pad`` (``SAME_UPPER``, ``SAME_LOWER``) and ``group``; an ``Input`` has
            ``shape`` (``None`` for a free axis; the first axis is the batch and always free; the
            whole is None where it is not declared); a ``Constant`` has ``value``. What newer opsets
            pass as constant inputs is an attribute here: ``min`` and ``max`` of Clip, ``shape`` of
            Reshape, ``axes`` of Squeeze, Unsqueeze and ReduceMean, ``indices`` of Gather. A ``Softmax`` with
            ``flatten`` runs over all axes from ``axis`` on, as it did before opset 13.
        weight: float64, ``[out, in]`` for Dense, ``[out, in / group, *kernel]`` for Conv.
        bias: float64 ``[out]``, or None.
    """

    name: str
    operator: str
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    weight: Array | None = None
    bias: Array | None = None

    @property
    def on_crossbar(self) -> bool:
        """Whether this layer is a matrix for crossbars rather than a digital step."""
        return self.operator in CROSSBAR_OPERATORS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """A trained network as a directed graph of layers.

    Attributes:
        graph: networkx DiGraph; a node a layer (attribute ``layer``), an edge a value that flows.
            An edge appears once even where a layer takes the same value twice; ``Layer.inputs`` counts.
        outputs: Names of the layers whose values are the network's outputs.
    """

    graph: nx.DiGraph
    outputs: tuple[str, ...]

    @classmethod
    def of_layers(cls, layers: list[Layer], outputs: tuple[str, ...]) -> Network:
        """Build the graph of ``layers``, given in an order in which every input comes first."""
        graph = nx.DiGraph()
        for layer in layers:
            graph.add_node(layer.name, layer=layer)
            for source in layer.inputs:
                graph.add_edge(source, layer.name)
        return cls(graph=graph, outputs=outputs)

    def layer(self, name: str) -> Layer:
        """The layer called ``name`` (KeyError where there is none)."""
        found: Layer = self.graph.nodes[name]["layer"]
        return found

    def layers(self) -> Iterator[Layer]:
        """Every layer, each after all of its inputs; the order is the order they were read in."""
        for name in nx.lexicographical_topological_sort(self.graph, key=self._position().__getitem__):
            yield self.layer(name)

    def _position(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.graph.nodes)}

    @property
    def inputs(self) -> tuple[Layer, ...]:
        """The network's inputs, in order."""
        return tuple(layer for layer in self.layers() if layer.operator == INPUT)

    @property
    def crossbar_layers(self) -> tuple[Layer, ...]:
        """The layers that become crossbars, in order."""
        return tuple(layer for layer in self.layers() if layer.on_crossbar)

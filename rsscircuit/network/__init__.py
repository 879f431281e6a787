"""Networks in: ONNX or NumPy files to a graph of layers, and what those layers compute."""

from rsscircuit.network.bounds import input_bounds
from rsscircuit.network.graph import CONSTANT, CONV, CROSSBAR_OPERATORS, DENSE, INPUT, Array, Layer, Network
from rsscircuit.network.lowering import exact_product, fold, unfold, weight_matrix
from rsscircuit.network.reading import read_network
from rsscircuit.network.reference import batch_size, run

__all__ = [
    "CONSTANT",
    "CONV",
    "CROSSBAR_OPERATORS",
    "DENSE",
    "INPUT",
    "Array",
    "Layer",
    "Network",
    "batch_size",
    "exact_product",
    "fold",
    "input_bounds",
    "read_network",
    "run",
    "unfold",
    "weight_matrix",
]

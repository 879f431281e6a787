"""Networks in: ONNX or NumPy files to a graph of layers, and what those layers compute."""

from .bounds import input_bounds
from .graph import CONSTANT, CONV, CROSSBAR_OPERATORS, DENSE, INPUT, Array, Layer, Network
from .lowering import exact_product, fold, unfold, weight_matrix
from .reading import read_network
from .reference import predict, run

__all__ = [
    "CONSTANT",
    "CONV",
    "CROSSBAR_OPERATORS",
    "DENSE",
    "INPUT",
    "Array",
    "Layer",
    "Network",
    "exact_product",
    "fold",
    "input_bounds",
    "predict",
    "read_network",
    "run",
    "unfold",
    "weight_matrix",
]

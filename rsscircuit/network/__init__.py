"""Networks in: ONNX or NumPy files to a graph of layers, and what those layers compute."""

from rsscircuit.network.bounds import input_bounds
from rsscircuit.network.graph import CONSTANT, CONV, CROSSBAR_OPERATORS, DENSE, INPUT, Array, Layer, Network
from rsscircuit.network.lowering import exact_product, fold, unfold, weight_matrix
from rsscircuit.network.reading import Imported, fold_network, import_network, is_archive, read_network
from rsscircuit.network.reference import batch_size, run

__all__ = [
    "CONSTANT",
    "CONV",
    "CROSSBAR_OPERATORS",
    "DENSE",
    "INPUT",
    "Array",
    "Imported",
    "Layer",
    "Network",
    "batch_size",
    "exact_product",
    "fold",
    "fold_network",
    "import_network",
    "input_bounds",
    "is_archive",
    "read_network",
    "run",
    "unfold",
    "weight_matrix",
]

"""A small network and its design, shared by the tests that need one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.options import BuildOptions


def write_small_network(path: Path, seed: int = 0) -> Path:
    """A convolution with padding, ReLU, pooling and two dense layers, one of them pruned, as .npz."""
    rng = np.random.default_rng(seed)
    second = rng.standard_normal((6, 48)) * 0.3
    second[np.abs(second) < 0.25] = 0.0
    layers = [
        {"operator": "Conv", "name": "conv", "weight": "w1", "bias": "b1", "pads": [1, 1, 1, 1]},
        {"operator": "Relu"},
        {"operator": "MaxPool", "kernel_shape": [2, 2], "strides": [2, 2]},
        {"operator": "Flatten"},
        {"operator": "Gemm", "name": "hidden", "weight": "w2", "bias": "b2", "transB": 1},
        {"operator": "Relu"},
        {"operator": "Gemm", "name": "out", "weight": "w3", "transB": 1},
    ]
    np.savez(
        path,
        layers=json.dumps(layers),
        input_shape=np.array([0, 1, 8, 8]),
        w1=rng.standard_normal((3, 1, 3, 3)) * 0.4,
        b1=np.array([0.1, -2.5, 0.02]),
        w2=second,
        b2=rng.standard_normal(6) * 0.1,
        w3=rng.standard_normal((4, 6)),
    )
    return path


@pytest.fixture(scope="session")
def small_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_network(tmp_path_factory.mktemp("network") / "small.npz")


@pytest.fixture(scope="session")
def small_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inputs") / "x.npy"
    np.save(path, np.random.default_rng(5).random((40, 1, 8, 8)))
    return path


@pytest.fixture(scope="session")
def small_design(small_network: Path, small_inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("design") / "small"
    options = BuildOptions(tile=(32, 4), calibration=str(small_inputs))
    rsscircuit.build(small_network, out, options)
    return out

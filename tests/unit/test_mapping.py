"""Layers to matrices, tiles and column scales."""

from __future__ import annotations

import numpy as np
import pytest

from rsscircuit.mapping import column_scale, cut, layer_matrix
from rsscircuit.network import Layer


def dense(weight: np.ndarray, bias: np.ndarray | None) -> Layer:
    return Layer(name="fc", operator="Dense", inputs=("x",), weight=weight, bias=bias)


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (65, 10), (785, 120), (3, 200)])
def test_tiles_cover_every_weight_once(shape: tuple[int, int]) -> None:
    seen = np.zeros(shape, int)
    tiles = cut(shape, (64, 48))
    for tile in tiles:
        assert tile.rows <= 64
        assert tile.columns <= 48
        seen[tile.window] += 1
    assert (seen == 1).all()
    assert [tile.index for tile in tiles] == list(range(len(tiles)))


@pytest.mark.parametrize("full_scale", [0.05, 1.0, 30.0])
def test_the_driven_matrix_is_the_layer(full_scale: float) -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.standard_normal((5, 9)), rng.standard_normal(5) * 4
    matrix = layer_matrix(dense(weight, bias), full_scale)
    x = rng.random((7, 9)) * full_scale
    output = full_scale * matrix.drive(x) @ matrix.weights
    assert output == pytest.approx(x @ weight.T + bias, rel=1e-12)
    assert np.abs(matrix.drive(x)).max() <= 1.0


def test_a_large_bias_is_split_so_that_it_does_not_set_the_scale() -> None:
    weight = np.array([[0.5, -0.25], [1.0, 0.125]])
    matrix = layer_matrix(dense(weight, np.array([1.7, -0.3])), 1.0)
    assert matrix.bias_rows == 4
    assert (np.abs(matrix.weights[:4]).max(0) <= np.abs(weight.T).max(0)).all()
    assert matrix.weights[:4].sum(0) == pytest.approx([1.7, -0.3])


def test_no_bias_takes_no_row() -> None:
    assert layer_matrix(dense(np.ones((2, 3)), None), 1.0).bias_rows == 0
    assert layer_matrix(dense(np.ones((2, 3)), np.zeros(2)), 1.0).weights.shape == (3, 2)


def test_the_largest_weight_takes_the_headroom_of_the_usual_reach() -> None:
    rng = np.random.default_rng(3)
    weights = rng.standard_normal((20, 6))
    weights[:, 4] = 0.0
    reach = rng.uniform(0.9, 1.1, (20, 6, 2)) * 1e-6
    scale = column_scale(weights, reach[:, :, 0], reach[:, :, 1], 0.85)
    largest = np.abs(weights * scale).max(0)
    median = np.median(np.concatenate([reach[:, :, 0], reach[:, :, 1]]), axis=0)
    filled = [0, 1, 2, 3, 5]
    assert largest[filled] == pytest.approx(0.85 * median[filled])
    assert scale[4] == 1.0


def test_one_poor_bank_does_not_scale_the_others_down() -> None:
    weights = np.ones((20, 1))
    reach = np.full((20, 1), 1e-6)
    good = column_scale(weights, reach, reach, 0.85)
    reach[7] = 1e-8
    assert column_scale(weights, reach, reach, 0.85) == pytest.approx(good)

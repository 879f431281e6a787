"""Half an ADC step as the error of a cell."""

from __future__ import annotations

import numpy as np
import pytest

from rsscircuit.mapping import ColumnDemand, LayerMatrix, cut


def test_errors_of_half_a_step_a_cell_make_half_a_step_at_the_column() -> None:
    rng = np.random.default_rng(2)
    weights = rng.normal(0, 0.1, (60, 5))
    matrix = LayerMatrix(weights=weights, bias_rows=0, bias_value=0.0, input_full_scale=2.0)
    demand = ColumnDemand(matrix, cut(weights.shape, (64, 64)))
    activations = 2.0 * rng.random((4000, 60)) * rng.integers(0, 2, (4000, 60))
    for part in np.split(activations, 4):
        demand.add(part)
    scale, bits, read_volt = rng.uniform(1e-6, 2e-6, 5), 8, 0.2
    tolerance = demand.half_step_siemens(scale, bits)
    drives = activations / 2.0
    currents = read_volt * drives @ (weights * scale)
    step = 2.0 * np.abs(currents).max() / 2**bits
    errors = tolerance * rng.choice([-1.0, 1.0], (60, 400))  # independent, each as large as the tolerance
    assert read_volt * np.sqrt(np.mean((drives @ errors) ** 2)) == pytest.approx(step / 2, rel=0.05)


def test_the_most_demanding_tile_counts_and_more_bits_ask_for_more() -> None:
    rng = np.random.default_rng(3)
    weights = rng.normal(0, 0.1, (8, 4))
    weights[4:6] = 0.0
    matrix = LayerMatrix(weights=weights, bias_rows=0, bias_value=0.0, input_full_scale=1.0)
    whole, tiled = (ColumnDemand(matrix, cut(weights.shape, size)) for size in ((8, 4), (2, 4)))
    x = rng.random((50, 8))
    whole.add(x)
    tiled.add(x)
    scale = np.full(4, 1e-6)
    assert whole.half_step_siemens(scale, 9) == pytest.approx(whole.half_step_siemens(scale, 8) / 2)
    peaks = [np.abs(x[:, k : k + 2] @ weights[k : k + 2]).max() for k in (0, 2, 6)]
    powers = [(x[:, k : k + 2] ** 2).mean(axis=0).sum() for k in (0, 2, 6)]
    assert tiled.half_step_siemens(scale, 8) == pytest.approx(1e-6 * max(peaks) / 2**8 / max(powers) ** 0.5)


def test_a_layer_without_weights_asks_for_nothing() -> None:
    matrix = LayerMatrix(weights=np.zeros((3, 2)), bias_rows=0, bias_value=0.0, input_full_scale=1.0)
    demand = ColumnDemand(matrix, cut((3, 2), (64, 64)))
    demand.add(np.ones((5, 3)))
    assert demand.half_step_siemens(np.ones(2), 8) == 0.0


def test_columns_that_are_never_driven_ask_for_the_nearest() -> None:
    matrix = LayerMatrix(weights=np.ones((3, 2)), bias_rows=0, bias_value=0.0, input_full_scale=1.0)
    demand = ColumnDemand(matrix, cut((3, 2), (64, 64)))
    demand.add(np.zeros((5, 3)))
    assert demand.half_step_siemens(np.ones(2), 8) == 0.0

"""Programming a tile: tolerance, error carried along columns, misses named."""

from __future__ import annotations

import numpy as np
import pytest

from rsscircuit.banks import MeasuredBanks, Place, bank_spec, draw_die, measure
from rsscircuit.design import Rules, program
from rsscircuit.technology import load_technology

TECHNOLOGY = load_technology("sky130_xhigh_1M")
SPEC = bank_spec("geometric:1.25", 10, 1e6)
FULL = float((1 / SPEC.nominal_ohm).sum())


def tile(rows: int = 40, columns: int = 12) -> tuple[np.ndarray, MeasuredBanks]:
    rng = np.random.default_rng(6)
    targets = np.clip(rng.laplace(0, 0.08, (rows, columns)), -0.8, 0.8) * FULL
    targets[rng.random((rows, columns)) < 0.2] = 0.0
    place = Place(seed=3, layer="t", tile=0)
    return targets, measure(draw_die(SPEC, TECHNOLOGY, targets != 0, place), TECHNOLOGY, SPEC, place)


def test_every_cell_is_within_its_tolerance_and_columns_do_not_drift() -> None:
    targets, banks = tile()
    tolerance = 2.0**-11 * FULL
    plan = program(targets, banks, Rules(tolerance_siemens=tolerance))
    pair = np.where(plan.closed, banks.step_siemens, 0.0).sum(3)
    error = pair[:, :, 0] - pair[:, :, 1] - targets
    assert error == pytest.approx(plan.residual_siemens, abs=1e-9 * FULL)
    assert np.abs(error).max() <= tolerance * (1 + 1e-9)
    assert np.abs(np.cumsum(error, axis=0)).max() <= 0.51 * tolerance
    assert not plan.beyond_reach.any()
    assert not plan.beyond_tolerance.any()
    assert not plan.closed[targets == 0].any()


def test_a_wider_tolerance_never_costs_conductance() -> None:
    targets, banks = tile()

    def total(fraction: float) -> float:
        plan = program(targets, banks, Rules(tolerance_siemens=fraction * FULL))
        return float((plan.closed * banks.step_siemens).sum())

    assert total(2.0**-6) < total(2.0**-9) < total(2.0**-12)


def test_zero_tolerance_is_the_nearest_of_each_cell() -> None:
    targets, banks = tile(4, 3)
    plan = program(targets, banks, Rules(tolerance_siemens=0.0))
    assert np.abs(plan.residual_siemens).max() < 2e-5 * FULL


def test_targets_out_of_reach_are_told_apart_from_coarse_ones() -> None:
    targets, banks = tile(6, 4)
    targets[:] = 0.3 * FULL
    banks = measure(
        draw_die(SPEC, TECHNOLOGY, targets != 0, Place(seed=3, layer="t", tile=0)),
        TECHNOLOGY,
        SPEC,
        Place(seed=3, layer="t", tile=0),
    )
    targets[2, 1], targets[5, 3] = 2.0 * FULL, -1.5 * FULL
    plan = program(targets, banks, Rules(tolerance_siemens=2.0**-30 * FULL))
    assert np.argwhere(plan.beyond_reach).tolist() == [[2, 1], [5, 3]]
    assert plan.beyond_tolerance.sum() > 10
    assert not (plan.beyond_reach & plan.beyond_tolerance).any()
    assert plan.closed[2, 1, 0].all()
    assert not plan.closed[2, 1, 1].any()

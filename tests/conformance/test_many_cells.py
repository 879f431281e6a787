"""Thousands of random cells of every kind and size, each against all of its subsets."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import subsets

from rsscircuit.subsetsum import Objective, Problem, solve

CELLS = 150
KINDS = {
    "uniform": lambda rng, shape: rng.uniform(-1, 1, shape),
    "narrow": lambda rng, shape: rng.uniform(0.8, 1.2, shape),
    "duplicates": lambda rng, shape: rng.choice([0.25, -0.25, 0.5, 1.0], shape),
    "decimals": lambda rng, shape: rng.choice([0.1, 0.2, 0.3, -0.1, 0.7], shape),
    "with zeros": lambda rng, shape: rng.uniform(-1, 1, shape) * rng.integers(0, 2, shape),
    "twelve decades": lambda rng, shape: 10.0 ** rng.uniform(-12, 0, shape) * rng.choice([-1, 1], shape),
    "siemens": lambda rng, shape: rng.uniform(1e-7, 1e-6, shape) * rng.choice([-1, 1], shape),
    "all negative": lambda rng, shape: -rng.uniform(0.1, 1, shape),
}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("n", range(1, 12))
def test_nothing_is_nearer_lighter_or_fewer(kind: str, n: int) -> None:
    rng = np.random.default_rng([n, list(KINDS).index(kind)])
    items = KINDS[kind](rng, (CELLS, n))
    low, high = np.minimum(items, 0).sum(1), np.maximum(items, 0).sum(1)
    targets = low + (high - low) * rng.uniform(-0.1, 1.1, CELLS)
    tolerance = np.abs(items).sum(1) * 10.0 ** rng.uniform(-4, -1, CELLS)
    masks = subsets(n)
    error = np.abs(items @ masks.T - targets[:, None])
    total, count = np.abs(items) @ masks.T, (items != 0) @ masks.T.astype(int)
    edge = 4e-15 * (np.abs(items).sum(1) + np.abs(targets))
    inside = error <= (tolerance - edge)[:, None]
    exists = inside.any(axis=1)

    nearest = solve(Problem.of(items, targets), "meet-in-the-middle")
    assert (nearest.errors <= error.min(axis=1) + edge).all()
    for objective, cost in ((Objective.LEAST_TOTAL, total), (Objective.FEWEST, count)):
        problem = Problem.of(items, targets, tolerance=tolerance, objective=objective)
        answer = solve(problem, "meet-in-the-middle")
        assert (answer.errors[exists] <= tolerance[exists]).all()
        assert (answer.errors <= np.where(exists, tolerance, error.min(axis=1) + edge)).all()
        paid = np.take_along_axis(cost, (answer.chosen @ (1 << np.arange(n)))[:, None], axis=1)[:, 0]
        assert (paid[exists] <= np.where(inside, cost, np.inf).min(axis=1)[exists] + edge[exists]).all()
    within = solve(Problem.of(items, targets, tolerance=tolerance, objective=Objective.ANY), "window")
    assert (within.errors[exists] <= tolerance[exists]).all()

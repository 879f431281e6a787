"""Thousands of random cells of every kind and size, each against all of its subsets."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import families, subsets

from rsscircuit.subsetsum import Objective, Problem, solve

CELLS = 150
KINDS = (
    "uniform", "narrow", "narrow pairs", "duplicates", "decimals", "with zeros", "twelve decades", "siemens",
    "all negative",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", range(1, 12))
def test_nothing_is_nearer_lighter_or_fewer(kind: str, n: int) -> None:
    rng = np.random.default_rng([n, KINDS.index(kind)])
    items = families(n, CELLS, seed=1)[kind]
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
    prices = items**2
    for objective, cost in (
        (Objective.LEAST_TOTAL, total), (Objective.FEWEST, count), (Objective.LEAST_COST, prices @ masks.T)
    ):  # fmt: skip
        given = {"costs": prices} if objective is Objective.LEAST_COST else {}
        problem = Problem.of(items, targets, tolerance=tolerance, objective=objective, **given)
        answer = solve(problem, "meet-in-the-middle")
        assert (answer.errors[exists] <= tolerance[exists]).all()
        assert (answer.errors <= np.where(exists, tolerance, error.min(axis=1) + edge)).all()
        paid = np.take_along_axis(cost, (answer.chosen @ (1 << np.arange(n)))[:, None], axis=1)[:, 0]
        assert (paid[exists] <= np.where(inside, cost, np.inf).min(axis=1)[exists] + edge[exists]).all()
    within = solve(Problem.of(items, targets, tolerance=tolerance, objective=Objective.ANY), "window")
    assert (within.errors[exists] <= tolerance[exists]).all()

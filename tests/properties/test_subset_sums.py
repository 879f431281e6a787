"""Properties of exact subset sums over arbitrary banks."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rsscircuit.subsetsum import Objective, Problem, solve, solve_cells

ITEM = st.floats(-10, 10, allow_nan=False, width=32).map(float)


@settings(max_examples=150, deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=8), st.floats(-30, 30), st.floats(0, 3))
def test_exact_answers_are_optimal(items: list[float], target: float, tolerance: float) -> None:
    masks = np.array(list(itertools.product([False, True], repeat=len(items))))
    values = np.array(items)
    error, total = np.abs(masks @ values - target), masks @ np.abs(values)
    _, residuals = solve_cells([items], [target])
    assert abs(residuals[0]) <= error.min() + 1e-12 * (np.abs(values).sum() + abs(target))
    problem = Problem.of([items], [target], tolerance=tolerance, objective=Objective.LEAST_TOTAL)
    answer = solve(problem, "meet-in-the-middle")
    chosen = (np.abs(values) * answer.chosen[0]).sum()
    inside = error <= tolerance * (1 - 1e-12) - 1e-12 * (np.abs(values).sum() + abs(target))
    if inside.any():
        assert chosen <= total[inside].min() + 1e-12 * np.abs(values).sum()


@settings(max_examples=60, deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=10), st.floats(-30, 30), ITEM)
def test_one_more_item_never_worsens_the_nearest_sum(items: list[float], target: float, extra: float) -> None:
    _, before = solve_cells([items], [target])
    _, after = solve_cells([[*items, extra]], [target])
    assert abs(after[0]) <= abs(before[0]) + 1e-12 * (sum(map(abs, items)) + abs(target) + abs(extra))

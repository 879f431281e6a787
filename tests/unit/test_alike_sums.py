"""Sums that hardly differ: real banks at all corners against all of their subsets, and two searches side by side."""

from __future__ import annotations

import numpy as np
import pytest

from rsscircuit.banks import Place, bank_spec, draw_die, measure
from rsscircuit.subsetsum import Objective, Problem, Status, alike, residuals_of, solve, vector
from rsscircuit.technology import load_technology
from rsscircuit.technology.cell import ageing_siemens2
from rsscircuit.technology.corners import at_corners, parse_corners

TECHNOLOGY = load_technology("sky130_xhigh_100k")
CORNERS = parse_corners("celsius=-40:125,supply=1.62:1.98,volt=0.2", TECHNOLOGY)


def pairs(resistors: int, cells: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items [cells, 2n, 9] of pairs, nominal and at all corners, targets [cells, 9], and ageing [cells, 2n]."""
    spec, place = bank_spec("linear:0.8", resistors, 1e5), Place(seed=seed, layer="a", tile=0)
    present = np.ones((cells, 1), np.bool_)
    step = measure(draw_die(spec, TECHNOLOGY, present, place), TECHNOLOGY, spec, place).step_siemens
    moved = at_corners(step, TECHNOLOGY, CORNERS)
    assert moved is not None
    everywhere = np.concatenate([step[..., None], moved], axis=4)[:, 0]
    items = np.concatenate([everywhere[:, 0], -everywhere[:, 1]], axis=1)
    reach = step.sum(axis=3)[:, 0, 0]
    wanted = np.random.default_rng(seed).laplace(0, 0.15, cells).clip(-1, 1) * reach
    costs = ageing_siemens2(step, TECHNOLOGY)[:, 0].reshape(cells, -1)
    return items, np.repeat(wanted[:, None], items.shape[2], axis=1), costs


@pytest.mark.parametrize("objective", [Objective.LEAST_TOTAL, Objective.LEAST_COST, Objective.NEAREST, Objective.ANY])
@pytest.mark.parametrize("tolerance", [3e-4, 3e-3, 3e-2])
def test_every_corner_counts_as_brute_force_says(objective: Objective, tolerance: float) -> None:
    items, targets, costs = pairs(6, 40)
    reach = np.abs(items).sum(axis=1).max()
    given = {"costs": costs} if objective is Objective.LEAST_COST else {}
    problem = Problem.of(items, targets, tolerance=tolerance * reach, objective=objective, **given)
    answer = solve(problem)
    masks = (np.arange(2**12)[:, None] >> np.arange(12)) & 1
    met = 0
    for cell in range(len(items)):
        errors = np.abs(masks @ items[cell] - targets[cell]).max(axis=1)
        paid, mine = masks @ problem.prices[cell], problem.prices[cell][answer.chosen[cell]].sum()
        within = errors <= problem.tolerance[cell]
        if objective is Objective.NEAREST or not within.any():
            assert answer.errors[cell] == pytest.approx(errors.min(), rel=1e-9)
            continue
        met += 1
        assert answer.errors[cell] <= problem.tolerance[cell]
        if objective is not Objective.ANY:
            assert mine == pytest.approx(paid[within].min(), rel=1e-12)
    assert met >= 30 or tolerance < 3e-3 or objective is Objective.NEAREST
    assert (answer.status == Status.OPTIMAL).all()


def test_full_banks_get_what_the_search_by_blocks_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    items, targets, costs = pairs(12, 24)
    reach = np.abs(items).sum(axis=1).max()
    for objective, tolerance in ((Objective.LEAST_TOTAL, 2e-4), (Objective.LEAST_COST, 2e-4), (Objective.NEAREST, 0.0)):
        given = {"costs": costs} if objective is Objective.LEAST_COST else {}
        problem = Problem.of(items, targets, tolerance=tolerance * reach, objective=objective, **given)
        assert alike.takes(items).all()
        chosen, found, _ = vector.search(problem)
        with monkeypatch.context() as patch:
            patch.setattr(alike, "takes", lambda items: np.zeros(len(items), np.bool_))
            by_blocks, also, _ = vector.search(problem)
        assert (found == also).all()
        assert found.mean() > 0.5
        sought = [
            np.abs(residuals_of(items, each, targets)).max(axis=1)
            if objective is Objective.NEAREST
            else np.where(each, problem.prices, 0.0).sum(axis=1)
            for each in (chosen, by_blocks)
        ]
        assert sought[0] == pytest.approx(sought[1], rel=1e-9)


def test_cells_are_left_to_the_blocks_where_signs_change_or_one_sign_has_too_many() -> None:
    same = np.ones((1, 20, 2))
    assert not alike.takes(same)[0]
    assert alike.takes(same[:, :16])[0]
    assert alike.takes(np.concatenate([same[:, :16], -same[:, :16]], axis=1))[0]
    same[0, 3, 1] = -1.0
    assert not alike.takes(same[:, :16])[0]
    same[0, 3, 1] = 0.0
    assert not alike.takes(same[:, :16])[0]


def test_an_answer_depends_on_its_cell_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    items, targets, costs = pairs(7, 30)
    items[::3, ::2] = 0.0
    reach = np.abs(items).sum(axis=1).max()
    for objective in (Objective.LEAST_TOTAL, Objective.LEAST_COST, Objective.NEAREST):
        given = {"costs": costs} if objective is Objective.LEAST_COST else {}
        problem = Problem.of(items, targets, tolerance=1e-3 * reach, objective=objective, **given)
        together = vector.search(problem)[0]
        alone = [vector.search(problem.part(slice(k, k + 1)))[0][0] for k in range(len(items))]
        with monkeypatch.context() as patch:
            patch.setattr(vector, "run_cells", lambda run, **_: [run(first, 3) for first in (2, 0, 1)])
            parts = vector.search(problem)[0]
        assert (together == np.array(alone)).all()
        assert (together == parts).all()

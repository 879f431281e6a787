"""One suite that every subset-sum solver passes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import ArrayLike

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum import Objective, Problem, Solution, Status, solve
from rsscircuit.subsetsum.solvers import SOLVERS

ALL = pytest.mark.parametrize("solver", list(SOLVERS))


def banks() -> dict[str, np.ndarray]:
    """Adversarial items, [cells, n]."""
    rng = np.random.default_rng(11)
    return {
        "uniform": rng.uniform(-1, 1, (20, 9)),
        "narrow": rng.uniform(0.8, 1.2, (20, 9)),
        "geometric pairs": np.concatenate([1.25 ** -np.arange(4.0), -(1.25 ** -np.arange(4.0))])
        * (1 + 0.01 * rng.standard_normal((20, 8))),
        "duplicates": rng.choice([0.25, -0.25, 0.5, 1.0], (20, 9)),
        "with zeros": rng.uniform(-1, 1, (20, 9)) * rng.integers(0, 2, (20, 9)),
        "four decades": 10.0 ** rng.uniform(-4, 0, (20, 8)) * rng.choice([-1, 1], (20, 8)),
        "one item": rng.uniform(0.1, 1, (20, 1)),
        "all negative": -rng.uniform(0.1, 1, (20, 7)),
        "siemens": rng.uniform(1e-7, 1e-6, (20, 8)) * rng.choice([-1, 1], (20, 8)),
    }


def subsets(n: int) -> np.ndarray:
    return np.array(list(itertools.product([False, True], repeat=n)))


def targets_for(items: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(3)
    low, high = np.minimum(items, 0).sum(1), np.maximum(items, 0).sum(1)
    inside = low + (high - low) * rng.uniform(-0.1, 1.1, len(items))
    inside[0] = 0.0
    inside[1] = (items[1] * (np.arange(items.shape[1]) % 2)).sum()  # an exact subset sum
    return inside


def check_true(problem: Problem, answer: Solution) -> None:
    for cell, mask in enumerate(answer.chosen):
        exact = sum(problem.items[cell][mask].tolist(), start=-problem.targets[cell])
        scale = np.abs(problem.items[cell]).sum() + abs(problem.targets[cell])
        assert answer.residuals[cell] == pytest.approx(exact, abs=1e-14 * scale)


@ALL
@pytest.mark.parametrize("name", list(banks()))
def test_nearest_is_the_brute_force_optimum(solver: str, name: str) -> None:
    items = banks()[name]
    problem = Problem.of(items, targets_for(items))
    answer = solve(problem, solver)
    check_true(problem, answer)
    masks = subsets(items.shape[1])
    best = np.abs(items @ masks.T - problem.targets[:, None]).min(1)
    slack = (items.shape[1] + 1) * answer.quantum + 1e-13 * np.abs(items).sum(1)
    assert (np.abs(answer.residuals) <= best + slack).all()
    assert (answer.status >= Status.OPTIMAL_AT_QUANTUM).all()
    assert ((answer.status == Status.OPTIMAL) <= (answer.quantum == 0)).all()


@ALL
@pytest.mark.parametrize("name", list(banks()))
@pytest.mark.parametrize("width", [0.003, 0.05])
def test_least_total_within_the_tolerance(solver: str, name: str, width: float) -> None:
    items = banks()[name]
    tolerance = width * np.abs(items).sum(1)
    problem = Problem.of(items, targets_for(items), tolerance=tolerance, objective=Objective.LEAST_TOTAL)
    answer = solve(problem, solver)
    check_true(problem, answer)
    masks = subsets(items.shape[1])
    error, total = np.abs(items @ masks.T - problem.targets[:, None]), np.abs(items) @ masks.T
    edge = 1e-12 * np.abs(items).sum(1)
    # a quantised solver may miss subsets within a rounding of the edge of the tolerance, never exceed it
    sure = np.where(error <= (tolerance - (items.shape[1] + 2) * answer.quantum - edge)[:, None], total, np.inf).min(1)
    best = np.where(error <= (tolerance + edge)[:, None], total, np.inf).min(1)
    chosen = (np.abs(items) * answer.chosen).sum(1)
    within = np.abs(answer.residuals) <= tolerance + edge
    assert within[np.isfinite(sure)].all()
    slack = (items.shape[1] + 1) * answer.quantum + edge
    assert (chosen[within] <= sure[within] + slack[within]).all()
    assert (chosen[within] >= best[within] - edge[within]).all()
    nearest = error.min(1)
    assert (
        np.abs(answer.residuals)[~within] <= (nearest + (items.shape[1] + 1) * answer.quantum + edge)[~within]
    ).all()


@ALL
def test_any_is_within_the_tolerance_where_one_exists(solver: str) -> None:
    items = banks()["uniform"]
    problem = Problem.of(items, targets_for(items), tolerance=0.05, objective=Objective.ANY)
    answer = solve(problem, solver)
    exists = np.abs(items @ subsets(items.shape[1]).T - problem.targets[:, None]).min(1) <= 0.045
    assert exists.sum() > 10
    assert (np.abs(answer.residuals)[exists] <= 0.05).all()


@ALL
def test_permutation_and_scale_do_not_matter(solver: str) -> None:
    items = banks()["uniform"]
    targets = targets_for(items)
    order = np.random.default_rng(1).permutation(items.shape[1])
    plain = solve(Problem.of(items, targets), solver)
    slack = 2 * (items.shape[1] + 1) * plain.quantum + 1e-13
    permuted = solve(Problem.of(items[:, order], targets), solver)
    assert np.abs(np.abs(permuted.residuals) - np.abs(plain.residuals)).max() <= slack.max()
    scaled = solve(Problem.of(items * 1e-7, targets * 1e-7), solver)
    assert np.abs(np.abs(scaled.residuals) * 1e7 - np.abs(plain.residuals)).max() <= slack.max()


@ALL
def test_the_same_problem_gives_the_same_answer(solver: str) -> None:
    items = banks()["narrow"]
    problem = Problem.of(items, targets_for(items), tolerance=0.01, objective=Objective.LEAST_TOTAL)
    first, second = solve(problem, solver), solve(problem, solver)
    assert (first.chosen == second.chosen).all()
    one_by_one = [
        solve(
            Problem.of(items[k : k + 1], problem.targets[k : k + 1], tolerance=0.01, objective=Objective.LEAST_TOTAL),
            solver,
        ).chosen[0]
        for k in range(len(items))
    ]
    assert (first.chosen == np.array(one_by_one)).all()


@ALL
@pytest.mark.parametrize(
    ("items", "targets", "tolerance", "says"),
    [
        ([[1.0, float("nan")]], [1.0], 0.0, r"items must be finite.*\[0, 1\]|items\[0, 1\].*finite"),
        ([[1.0]], [float("inf")], 0.0, "targets"),
        (np.zeros((1, 0)), [1.0], 0.0, "between 1 and"),
        (np.ones((1, 200)), [1.0], 0.0, "between 1 and"),
        (np.zeros((0, 3)), np.zeros(0), 0.0, "empty"),
        ([[1.0]], [1.0], -1.0, "negative"),
        ([1.0, 2.0], [1.0], 0.0, "items must be"),
    ],
)
def test_bad_input_is_refused(solver: str, items: ArrayLike, targets: ArrayLike, tolerance: float, says: str) -> None:
    with pytest.raises(SolverError, match=says):
        solve(Problem.of(items, targets, tolerance=tolerance), solver)


def test_the_exact_solver_names_its_limit_and_the_remedy() -> None:
    with pytest.raises(SolverError, match=r"41 items are beyond the 40.*cp-sat"):
        solve(Problem.of(np.ones((1, 41)), [3.0]), "meet-in-the-middle")
    problem = Problem.of(np.ones((1, 22)), [3.0], tolerance=0.5, objective=Objective.LEAST_TOTAL)
    with pytest.raises(SolverError, match=r"22 items of one sign are beyond the 20.*cp-sat"):
        solve(problem, "meet-in-the-middle")


def test_an_unknown_solver_lists_the_known() -> None:
    with pytest.raises(SolverError, match=r"gurobi.*auto, meet-in-the-middle, cp-sat"):
        solve(Problem.of([[1.0]], [1.0]), "gurobi")


def test_auto_falls_back_to_cp_sat_beyond_the_exact_limit() -> None:
    items = np.random.default_rng(2).uniform(0.5, 1.5, (2, 48))
    answer = solve(Problem.of(items, [7.0, 9.0], tolerance=1e-3, objective=Objective.ANY), "auto")
    assert answer.solver == "cp-sat"
    assert (np.abs(answer.residuals) <= 1e-3).all()


def test_the_two_solvers_agree_on_a_pair_within_the_quantum() -> None:
    rng = np.random.default_rng(8)
    bank = 1e-6 / 1.25 ** np.arange(8) * (1 + 0.01 * rng.standard_normal((30, 2, 8)))
    items = np.concatenate([bank[:, 0], -bank[:, 1]], axis=1)
    targets = rng.uniform(-2e-6, 2e-6, 30)
    problem = Problem.of(items, targets, tolerance=2e-9, objective=Objective.LEAST_TOTAL)
    exact, cp_sat = solve(problem, "meet-in-the-middle"), solve(problem, "cp-sat")
    total = [(np.abs(items) * answer.chosen).sum(1) for answer in (exact, cp_sat)]
    assert (cp_sat.status == Status.OPTIMAL_AT_QUANTUM).all()
    # the quantised tolerance is (n + 1) / 2 quanta narrower: only a subset in that rim may be missed
    rim = np.abs(exact.residuals) > problem.tolerance - 17 * cp_sat.quantum
    assert (np.abs(total[0] - total[1])[~rim] <= 17 * cp_sat.quantum[~rim]).all()
    assert rim.sum() < 15


def test_cp_sat_claims_no_proof_for_an_answer_in_the_rim_of_the_tolerance() -> None:
    # 0.9001 alone is within 0.1 of 1 but within the rounding of the quantised tolerance
    items, tolerance = [[0.9001, 2.0, -1.0995]], 0.1
    problem = Problem.of(items, [1.0], tolerance=tolerance, objective=Objective.LEAST_TOTAL)
    exact, cp_sat = solve(problem, "meet-in-the-middle"), solve(problem, "cp-sat")
    assert exact.chosen.tolist() == [[True, False, False]]
    assert cp_sat.chosen.tolist() == [[False, True, True]]
    assert cp_sat.status.tolist() == [Status.FEASIBLE]
    assert "not proved best" in cp_sat.note


def test_the_exact_solver_keeps_the_tolerance_when_sums_are_rounded() -> None:
    items = [[0.3, -0.3, 0.3, 0.7, -0.3, -0.3]]
    answer = solve(Problem.of(items, [0.4], tolerance=0.1, objective=Objective.LEAST_TOTAL), "meet-in-the-middle")
    assert abs(answer.residuals[0]) <= 0.1


def test_the_exact_solver_ends_on_items_as_small_as_floats_go() -> None:
    problem = Problem.of([[1.0, -5e-324]], [0.9], tolerance=0.01, objective=Objective.LEAST_TOTAL)
    assert solve(problem, "meet-in-the-middle").chosen[0, 0]


def test_values_beyond_the_integer_model_are_refused() -> None:
    problem = Problem.of([[1.0, 2.0]], [1.5], tolerance=1e-300, objective=Objective.ANY)
    with pytest.raises(SolverError, match="raise the tolerance"):
        solve(problem, "cp-sat")


def test_zero_items_do_not_count_towards_a_limit() -> None:
    items = np.zeros((1, 48))
    items[0, ::5] = np.linspace(0.1, 1.0, 10)
    assert solve(Problem.of(items, [1.5]), "auto").solver == "meet-in-the-middle"

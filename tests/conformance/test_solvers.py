"""One suite that every subset-sum solver passes."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import (
    WHOLE,
    able,
    alike_sums,
    answer_of,
    banks,
    check,
    constraints,
    families,
    objectives,
    several_sums,
    subsets,
    targets_for,
)
from numpy.typing import ArrayLike

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum import SOLVERS, Objective, Problem, Status, compiled, solve, solve_cells

ALL = pytest.mark.parametrize("solver", list(SOLVERS))
EXACT = "meet-in-the-middle"


@ALL
@pytest.mark.parametrize("name", list(banks()))
def test_every_objective_is_met_as_brute_force_says(solver: str, name: str) -> None:
    items = banks()[name]
    asked = 0
    for objective, tolerance in objectives(items):
        problem = Problem.of(items, targets_for(items), tolerance=tolerance, objective=objective)
        if able(solver, problem):
            check(problem, answer_of(problem, solver))
            asked += 1
    assert asked > 0


@pytest.mark.parametrize("solver", [EXACT, "relaxation", "cp-sat"])
@pytest.mark.parametrize("name", ["uniform", "narrow", "duplicates", "with zeros", "all negative", "siemens"])
def test_every_side_constraint_is_met_as_brute_force_says(solver: str, name: str) -> None:
    items = banks()[name]
    asked = 0
    for given in constraints(items).values():
        for objective, tolerance in objectives(items):
            problem = Problem.of(items, targets_for(items), tolerance=tolerance, objective=objective, **given)
            if able(solver, problem):
                check(problem, answer_of(problem, solver))
                asked += 1
    assert asked >= 30


@pytest.mark.parametrize("solver", [EXACT, "cp-sat"])
@pytest.mark.parametrize("name", list(several_sums()))
def test_several_sums_are_met_at_once(solver: str, name: str) -> None:
    items, targets = several_sums()[name]
    asked = 0
    for objective, tolerance in objectives(items):
        problem = Problem.of(items, targets, tolerance=tolerance, objective=objective)
        if able(solver, problem):
            check(problem, answer_of(problem, solver))
            asked += 1
    assert asked >= 3


@pytest.mark.parametrize("solver", [EXACT, "cp-sat"])
@pytest.mark.parametrize("name", list(alike_sums(1)))
def test_sums_that_hardly_differ_are_met_at_once(solver: str, name: str) -> None:
    items, targets = alike_sums(8)[name]
    costs = np.random.default_rng(2).uniform(0, 1e-3, items.shape[:2])
    asked = 0
    for objective, tolerance in objectives(items):
        problem = Problem.of(items, targets, tolerance=tolerance, objective=objective)
        priced = Problem.of(items, targets, tolerance=tolerance, objective=Objective.LEAST_COST, costs=costs)
        for each in (problem, priced):
            if able(solver, each):
                check(each, answer_of(each, solver))
                asked += 1
    assert asked >= 3


@pytest.mark.parametrize("solver", [EXACT, "relaxation", "cp-sat"])
@pytest.mark.parametrize("name", ["uniform", "narrow", "with zeros", "all negative", "all zero", "siemens"])
def test_the_least_cost_is_met_as_brute_force_says(solver: str, name: str) -> None:
    items = banks()[name]
    rng = np.random.default_rng(6)
    asked = 0
    for costs in (rng.uniform(0, 1e-3, items.shape), items**2, rng.integers(0, 2, items.shape), 0.0):
        for given in ({}, *constraints(items).values()):
            for width in (1e-3, 0.05):
                size = np.abs(items).sum(1)
                problem = Problem.of(
                    items,
                    targets_for(items),
                    tolerance=width * size,
                    objective=Objective.LEAST_COST,
                    costs=costs,
                    **given,
                )
                if able(solver, problem):
                    check(problem, answer_of(problem, solver))
                    asked += 1
    assert asked >= 16


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"objective": Objective.LEAST_COST}, "LEAST_COST needs costs"),
        ({"costs": 1.0}, "costs are for LEAST_COST alone; got 'Objective.NEAREST'"),
        ({"objective": Objective.LEAST_COST, "costs": [[1.0, -1.0]]}, "costs must be finite and from 0.*-1"),
        ({"objective": Objective.LEAST_COST, "costs": [[1.0, np.inf]]}, "costs must be finite and from 0.*inf"),
        ({"objective": Objective.LEAST_COST, "costs": [[1.0, 2.0, 3.0]]}, "costs must be one value or"),
    ],
)
def test_costs_that_mean_nothing_are_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(SolverError, match=says):
        Problem.of([[1.0, 2.0]], [1.5], **given)


@pytest.mark.parametrize("name", list(several_sums()))
def test_several_sums_under_side_constraints_are_met_by_cp_sat(name: str) -> None:
    items, targets = several_sums()[name]
    for given in constraints(items[:, :, 0]).values():
        problem = Problem.of(items, targets, **given)
        check(problem, solve(problem, "cp-sat"))


@pytest.mark.parametrize("solver", [solver for solver in SOLVERS if solver != "table"])
@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_not_rounded_is_met_to_the_letter(solver: str, name: str, seed: int) -> None:
    """Whole numbers times a power of two: the tolerance is the error of some subset, or just below, or none."""
    items = families(8, seed=seed)[name]
    unit = np.abs(items[items != 0]).min()
    rng = np.random.default_rng(seed)
    targets = unit * rng.integers(-12, 13, len(items))
    errors = np.abs(items @ subsets(8).T - targets[:, None])
    some = errors[np.arange(len(items)), rng.integers(0, 256, len(items))]
    plain = {"none": {}} if solver in ("window", "dynamic-programming") else constraints(items)
    asked = 0
    for given in plain.values():
        for tolerance in (some, 0.75 * some, 0.0, errors.min(axis=1)):
            for objective in Objective:
                costs = np.abs(items[:, ::-1]) if objective is Objective.LEAST_COST else None
                problem = Problem.of(items, targets, tolerance=tolerance, objective=objective, costs=costs, **given)
                if able(solver, problem):
                    check(problem, answer_of(problem, solver), rounded=False)
                    asked += 1
    assert asked >= 4


@ALL
def test_permutation_and_scale_do_not_matter(solver: str) -> None:
    items = banks()["uniform"]
    targets = targets_for(items)
    wide = {"tolerance": 0.05 * np.abs(items).sum(1), "objective": Objective.ANY} if solver == "window" else {}
    problem = Problem.of(items, targets, **wide)
    plain = answer_of(problem, solver)
    slack = 2 * (items.shape[1] + 1) * plain.quantum + 1e-13
    order = np.random.default_rng(1).permutation(items.shape[1])
    permuted = answer_of(Problem.of(items[:, order], targets, **wide), solver)
    assert (np.abs(permuted.errors - plain.errors) <= slack).all()
    wide = wide and wide | {"tolerance": wide["tolerance"] * 1e-7}
    scaled = answer_of(Problem.of(items * 1e-7, targets * 1e-7, **wide), solver)
    assert (np.abs(scaled.errors * 1e7 - plain.errors) <= slack).all()


@ALL
def test_an_answer_depends_on_its_cell_alone(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    items = (
        np.repeat(rng.uniform(0.8, 1.2, (1, 20)), 300, axis=0)
        if solver == "table"
        else rng.uniform(0.8, 1.2, (6 if solver == "cp-sat" else 300, 12 if solver == "cp-sat" else 20))
    )
    given = {"tolerance": 1e-3, "objective": Objective.ANY} if solver == "window" else {}
    targets = items.sum(1) * rng.uniform(0.3, 0.7, len(items))
    again = solve(Problem.of(items, targets, **given), solver)
    monkeypatch.setattr(compiled, "default_workers", lambda: 3)
    monkeypatch.setattr(compiled, "_STEPS_PER_CHUNK", 1)  # twelve chunks on three threads
    together = solve(Problem.of(items, targets, **given), solver)
    alone = [solve(Problem.of(items[k : k + 1], targets[k : k + 1], **given), solver).chosen[0] for k in range(6)]
    assert (together.chosen == again.chosen).all()
    assert (together.chosen[:6] == np.array(alone)).all()


@pytest.mark.parametrize("objective", list(Objective))
def test_what_binds_the_others_does_not_change_an_answer(objective: Objective) -> None:
    items = banks()["duplicates"]
    n, cells = items.shape[1], len(items)
    bound, tolerance = np.where(np.arange(cells) % 2 == 0, 0.3 * np.abs(items).sum(1), np.inf), 0.3
    count = np.where(np.arange(cells) % 2 == 0, 3, n)
    for given in ({"most_total": bound}, {"most_count": count}):
        costs = items**2 if objective is Objective.LEAST_COST else None
        problem = Problem.of(items, targets_for(items), tolerance=tolerance, objective=objective, costs=costs, **given)
        if able(EXACT, problem):
            together = solve(problem, EXACT).chosen
            alone = [solve(problem.part(slice(k, k + 1)), EXACT).chosen[0] for k in range(cells)]
            assert (together == np.array(alone)).all()


@pytest.mark.parametrize("solver", [EXACT, "relaxation", "cp-sat"])
def test_a_bound_on_the_total_is_met_by_a_total_that_equals_it(solver: str) -> None:
    """0.3 + 0.2 + 0.1 may exceed what 0.1 + 0.2 + 0.3 comes to; forced items and free ones are one total."""
    items = np.array([[0.1, 0.2, 0.3, -0.1, 0.7]])
    for forced in ([0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, -1], [1, 1, 1, 0, 0]):
        for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
            bound = sum(items[0, list(order)].tolist())
            problem = Problem.of(items, [0.6], forced=[forced], most_total=bound)
            answer = solve(problem, solver)
            assert answer.chosen.tolist() == [[True, True, True, False, False]]


def test_forced_items_round_the_target_but_not_the_tolerance() -> None:
    rng = np.random.default_rng(0)
    items = rng.choice([0.1, 0.2, 0.3, -0.1, 0.7], (400, 8))
    targets = rng.choice([0.6, 1.1, -0.4, 1.4], 400)
    forced = rng.choice([-1, 0, 0, 1], items.shape).astype(np.int8)
    errors = np.abs(items @ subsets(8).T - targets[:, None])
    tolerance = errors[np.arange(400), rng.integers(0, 256, 400)]
    for objective in (Objective.LEAST_TOTAL, Objective.FEWEST, Objective.ANY):
        problem = Problem.of(items, targets, tolerance=tolerance, objective=objective, forced=forced)
        check(problem, solve(problem))


@ALL
@pytest.mark.parametrize(
    ("items", "targets", "given", "says"),
    [
        ([[1.0, float("nan")]], [1.0], {}, r"items\[0, 1\]: items must be finite; got nan"),
        ([[1.0]], [float("inf")], {}, r"targets\[0\]: targets must be finite; got inf"),
        (np.zeros((1, 0)), [1.0], {}, "at least one item"),
        (np.zeros((0, 3)), np.zeros(0), {}, "empty"),
        ([[1.0]], [1.0], {"tolerance": -1.0}, "tolerance cannot be negative; got -1.0; use 0"),
        ([[1.0]], [1.0], {"tolerance": float("nan")}, "tolerance must be finite"),
        ([1.0, 2.0], [1.0], {}, "items must be"),
        ([[1e308, 1e308]], [1.0], {}, "a total that float64 holds; got inf; scale"),
        ([[1.0, 2.0]], [[1.0]], {}, "items must be"),
        ([[1.0, 2.0]], [1.0], {"least_count": 3}, "least_count must be from 0 to the 2 items; got 3"),
        ([[1.0, 2.0]], [1.0], {"least_count": 2, "most_count": 1}, "most_count cannot be below least_count; got 1"),
        ([[1.0, 2.0]], [1.0], {"most_total": -1.0}, "most_total must be a number from 0; got -1.0"),
        ([[1.0, 2.0]], [1.0], {"forced": [[0, 2]]}, r"forced\[0, 1\]: forced must be -1"),
        ([[1.0, 2.0]], [1.0], {"forced": [[0.5, 0]]}, "forced must be whole numbers"),
        ([[1.0, 2.0]], [1.0], {"forced": [[257, 0]]}, "forced must be a small whole number; got 257"),
        ([[1.0, 2.0]], [1.0], {"groups": ((0, 2),)}, "groups must hold items from 0 to 1"),
        ([[1.0, 2.0]], [1.0], {"groups": ((0, 1), (1,))}, "each in one group"),
        ([[1.0, 2.0]], [1.0], {"groups": (0, 1)}, r"each in one group; got '\(0, 1\)'; such as \(\(0, 1\), \(2, 3\)\)"),
        ([[1.0, 2.0]], [1.0], {"groups": ((0.0, 1.0),)}, "groups must hold items"),
        ([[1.0, 2.0]], [1.0], {"groups": None}, "groups must hold items"),
        (
            [[1.0, 2.0]],
            [1.0],
            {"objective": "fewest"},
            "no such objective; got 'fewest'; choose from Obj",
        ),
        ([[1.0, 2.0], [1.0]], [1.0, 1.0], {}, "items must be real numbers, as many in every cell"),
        ([["a", "b"]], [1.0], {}, "items must be real numbers"),
        ([[1.0j, 1.0]], [1.0], {}, "items must be real numbers"),
        ([[1.0, 2.0]], [1.0], {"tolerance": None}, "tolerance must be real numbers"),
        ([[1.0, 2.0]], [1.0], {"forced": [[0, 1], [0]]}, "forced must be whole numbers"),
        ([[1.0, 2.0]], [1.0], {"least_count": [[1], [1, 2]]}, "least_count must be whole numbers"),
        ([[1.0, 2.0]], [1.0], {"start": [[True], [True, False]]}, "start must be true or false"),
        ([[1.0, 2.0]], [1.0], {"start": [[1, 0]]}, "start must be true or false; got 'int64'"),
        ([[1.0, 2.0]], [1.0], {"start": [[True] * 3]}, r"start must be one value or \[1, 2\]"),
    ],
)
def test_bad_input_is_refused(
    solver: str, items: ArrayLike, targets: ArrayLike, given: dict[str, object], says: str
) -> None:
    with pytest.raises(SolverError, match=says):
        solve(Problem.of(items, targets, **given), solver)


@pytest.mark.parametrize(
    ("solver", "items", "given", "says"),
    [
        (EXACT, 41, {}, r"41 items are beyond the 40 that meet-in-the-middle holds; use .*cp-sat or fewer items"),
        ("window", 41, {"tolerance": 1e-3, "objective": Objective.ANY}, r"41 items are beyond the 40.*cp-sat"),
        ("cp-sat", 65, {}, r"65 items are beyond the 64 that cp-sat holds; use fewer items"),
        ("auto", 65, {}, r"65 items are beyond the 64 that cp-sat holds; use fewer items"),
        (
            EXACT,
            12,
            {"tolerance": 0.5, "objective": Objective.LEAST_TOTAL, "most_count": 5},
            r"not both; use relaxation or cp-sat",
        ),
        ("window", 8, {}, r"window finds any subset of one sum within a tolerance"),
        ("window", 41, {"objective": Objective.ANY}, r"41 items are beyond the 40 that window holds; use .*cp-sat"),
        ("table", 8, {"most_count": 3}, r"use meet-in-the-middle or relaxation or cp-sat"),
    ],
)
def test_a_limit_is_named_with_its_remedy(solver: str, items: int, given: dict[str, object], says: str) -> None:
    with pytest.raises(SolverError, match=says):
        solve(Problem.of(np.linspace(0.5, 1.5, items)[None], [3.0], **given), solver)


def test_an_unknown_solver_lists_the_known() -> None:
    with pytest.raises(SolverError, match=r"gurobi.*auto, meet-in-the-middle, window, table, .*cp-sat"):
        solve(Problem.of([[1.0]], [1.0]), "gurobi")


def test_forced_items_that_contradict_their_bounds_are_infeasible() -> None:
    items, targets = [[1.0, 2.0, 4.0]] * 4, [2.9] * 4
    forced = [[1, 1, 0], [1, 0, 0], [0, 0, 0], [-1, -1, -1]]
    for solver in (EXACT, "cp-sat"):
        problem = Problem.of(items, targets, forced=forced, most_count=1, least_count=1, groups=((0, 2),))
        answer = solve(problem, solver)
        assert answer.status[0] == Status.INFEASIBLE
        assert answer.status[3] == Status.INFEASIBLE
        assert answer.chosen.tolist() == [
            [True, True, False], [True, False, False], [False, True, False], [False, False, False],
        ]  # fmt: skip
        with pytest.raises(SolverError, match=r"cell 0 and 1 more: no subset meets the side constraints; loosen them"):
            solve_cells(items, targets, forced=forced, most_count=1, least_count=1, groups=((0, 2),), solver=solver)
    alone = solve(problem.part(slice(0, 1)))
    assert (alone.solver, alone.status.tolist()) == ("", [Status.INFEASIBLE])


def test_auto_says_what_it_chose_and_why() -> None:
    rng = np.random.default_rng(2)

    def chosen(items: np.ndarray, **given: object) -> tuple[str, str]:
        answer = solve(Problem.of(items, items[:, : items.shape[1] // 2].sum(1), **given), "auto")
        assert (answer.errors <= 1e-2).all()
        return answer.solver, answer.reason

    signed = rng.uniform(0.5, 1.5, (3, 16)) * rng.choice([-1, 1], 16)
    near = {"tolerance": 1e-2, "objective": Objective.ANY}
    assert chosen(signed) == (EXACT, "exact, and 16 items are within its limits")
    assert chosen(rng.uniform(0.5, 1.5, (3, 30)), **near)[0] == "window"
    assert chosen(np.repeat(signed[:1], 5000, axis=0)) == ("table", "5000 targets on one bank of 16 items")
    assert chosen(signed, **near | {"objective": Objective.LEAST_TOTAL})[0] == EXACT
    assert chosen(signed, most_count=8)[0] == EXACT
    solver, reason = chosen(rng.uniform(0.5, 1.5, (2, 48)), **near)
    assert (solver, "48 items are beyond the 40" in reason) == ("cp-sat", True)
    solver, reason = chosen(signed, most_count=8, most_total=14.0, **near)
    assert (solver, "not both" in reason) == ("relaxation", True)


def test_auto_takes_zero_items_for_what_they_are() -> None:
    items = np.zeros((1, 48))
    items[0, ::5] = np.linspace(0.1, 1.0, 10)
    assert solve(Problem.of(items, [1.5]), "auto").solver == EXACT


@pytest.mark.parametrize("n", [64, 128, 200])
@pytest.mark.parametrize("sums", [1, 2])
def test_any_number_of_zero_items_is_no_matter(n: int, sums: int) -> None:
    rng = np.random.default_rng(n)
    items = np.zeros((5, n, sums))
    for cell in items:
        cell[rng.choice(n, 12, replace=False)] = rng.uniform(-1, 1, (12, sums))
    few = np.array([cell[(cell != 0).any(axis=1)] for cell in items])
    targets = rng.uniform(-1, 1, (5, sums))
    for given in ({}, {"tolerance": 0.05, "objective": Objective.ANY}):
        long, short = (solve(Problem.of(batch, targets, **given)) for batch in (items, few))
        assert (long.errors == short.errors).all()
        assert not long.chosen[~(items != 0).any(axis=2)].any()
    if sums == 1:
        wide = {"tolerance": 0.05, "objective": Objective.ANY}
        assert (solve(Problem.of(items[:, :, 0], targets[:, 0], **wide), "window").errors <= 0.05).any()


def test_the_two_solvers_agree_on_a_pair_within_the_quantum() -> None:
    rng = np.random.default_rng(8)
    bank = 1e-6 / 1.25 ** np.arange(8) * (1 + 0.01 * rng.standard_normal((30, 2, 8)))
    items = np.concatenate([bank[:, 0], -bank[:, 1]], axis=1)
    targets = rng.uniform(-2e-6, 2e-6, 30)
    problem = Problem.of(items, targets, tolerance=2e-9, objective=Objective.LEAST_TOTAL)
    exact, cp_sat = solve(problem, EXACT), solve(problem, "cp-sat")
    total = [(np.abs(items) * answer.chosen).sum(1) for answer in (exact, cp_sat)]
    assert (cp_sat.status == Status.OPTIMAL_AT_QUANTUM).all()
    # the quantised tolerance is (n + 1) / 2 quanta narrower: only a subset in that rim may be missed
    rim = np.abs(exact.residuals) > problem.tolerance - 17 * cp_sat.quantum
    assert (np.abs(total[0] - total[1])[~rim] <= 17 * cp_sat.quantum[~rim]).all()
    assert rim.sum() < 15


def test_cp_sat_does_not_miss_what_lies_within_the_rounding_of_a_bound() -> None:
    # 0.9001 alone is within 0.1 of 1, but by less than the quantum hides
    items, tolerance = [[0.9001, 2.0, -1.0995]], 0.1
    problem = Problem.of(items, [1.0], tolerance=tolerance, objective=Objective.LEAST_TOTAL)
    exact, cp_sat = solve(problem, EXACT), solve(problem, "cp-sat")
    assert exact.chosen.tolist() == [[True, False, False]]
    assert cp_sat.chosen.tolist() == [[True, False, False]]
    assert cp_sat.status.tolist() == [Status.OPTIMAL_AT_QUANTUM]
    # 0.3 + 0.5 meets a bound of 0.8 on the total, and 0.2 of 0.5 is within 0.2
    on_bound = Problem.of([[0.3, 0.5, 0.7]], [0.8], most_total=0.8, most_count=2)
    assert solve(on_bound, "cp-sat").chosen.tolist() == [[True, True, False]]
    few = {"tolerance": 0.03, "objective": Objective.FEWEST, "most_total": 0.8, "least_count": 2, "most_count": 2}
    assert solve(Problem.of([[0.3, 0.5, 0.8, 0.1, 0.75]], [0.8], **few), "cp-sat").chosen[0, :2].all()
    edge = {"tolerance": 0.2, "objective": Objective.FEWEST, "most_total": 0.7}
    assert solve(Problem.of([[0.3, 0.25, 0.2]], [0.5], **edge), "cp-sat").chosen.sum() == 1


def test_cp_sat_says_so_where_rounding_leaves_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    from rsscircuit.subsetsum import cpsat

    monkeypatch.setattr(cpsat, "ATTEMPTS", 1)
    # 0.8999999999 of 1 is beyond 0.1 by less than the quantum, and lighter than 2 - 1.0995
    items = [[0.8999999999, 2.0, -1.0995]]
    answer = solve(Problem.of(items, [1.0], tolerance=0.1, objective=Objective.LEAST_TOTAL), "cp-sat")
    assert answer.chosen.tolist() == [[False, True, True]]
    assert answer.status.tolist() == [Status.FEASIBLE]
    assert "less than the rounding hides" in answer.notes[0]


def test_the_exact_solver_keeps_the_tolerance_when_sums_are_rounded() -> None:
    items = [[0.3, -0.3, 0.3, 0.7, -0.3, -0.3]]
    answer = solve(Problem.of(items, [0.4], tolerance=0.1, objective=Objective.LEAST_TOTAL), EXACT)
    assert abs(answer.residuals[0]) <= 0.1


@pytest.mark.parametrize(("scale", "slack"), [(1e300, 1e-15), (1e-300, 1e-15), (1e-318, 1e-2)])
def test_the_exact_solver_takes_values_as_large_and_small_as_floats_go(scale: float, slack: float) -> None:
    items = banks()["uniform"]
    targets = targets_for(items)
    plain = solve(Problem.of(items, targets), EXACT)
    scaled = solve(Problem.of(items * scale, targets * scale), EXACT)
    assert (np.abs(scaled.errors / scale - plain.errors) <= slack * np.abs(items).sum(1)).all()


def test_the_exact_solver_ends_on_items_as_small_as_floats_go() -> None:
    problem = Problem.of([[1.0, -5e-324]], [0.9], tolerance=0.01, objective=Objective.LEAST_TOTAL)
    assert solve(problem, EXACT).chosen[0, 0]


def test_a_tolerance_finer_than_the_integer_model_is_no_matter() -> None:
    given = {"tolerance": [1e-300, 0.0, 0.5], "objective": Objective.LEAST_TOTAL}
    answer = solve(Problem.of([[1.0, 2.0, 0.5]] * 3, [1.5, 1.5, 2.0], **given), "cp-sat")
    assert answer.errors.tolist() == [0.0, 0.0, 0.5]
    assert answer.chosen.tolist() == [[True, False, True], [True, False, True], [True, False, True]]


@pytest.mark.parametrize("n", [20, 30, 40])
def test_the_exact_solver_finds_planted_sums_at_every_size(n: int) -> None:
    rng = np.random.default_rng(n)
    items = rng.uniform(0.8, 1.2, (2, n))
    planted = rng.random((2, n)) < 0.5
    masks, residuals = solve_cells(items, np.where(planted, items, 0.0).sum(1), solver=EXACT)
    assert (np.abs(residuals) <= 1e-14 * n).all()
    assert n > 30 or (masks == planted).all()

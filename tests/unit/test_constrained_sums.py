"""The constrained searches of the exact solver, held to brute force over all subsets."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from brute_force import CELLS, check, families, targets_for

from rsscircuit.subsetsum import Objective, Problem, by_count, by_sign, exact, solve, vector
from rsscircuit.subsetsum.problem import residuals_of

TOLERANT = [Objective.LEAST_TOTAL, Objective.FEWEST, Objective.ANY]
BANKS = pytest.mark.parametrize("name", list(families(1)))
SIZES = pytest.mark.parametrize("n", [1, 2, 7, 12])


def banks(n: int) -> dict[str, np.ndarray]:
    return families(n, seed=2)


def checked(problem: Problem) -> None:
    check(problem, solve(problem, exact.NAME))


def widths(items: np.ndarray) -> list[np.ndarray]:
    size = np.abs(items).max(axis=1)
    return [0.0 * size, 1e-3 * size, 0.1 * size, 3.0 * size, np.full(len(items), 1e300)]


@BANKS
@SIZES
def test_counts_and_groups_are_kept_and_the_nearest_found(name: str, n: int) -> None:
    items = banks(n)[name]
    rng = np.random.default_rng(7)
    least = rng.integers(0, n + 1, CELLS)
    some = {"least_count": least, "most_count": np.minimum(n, least + rng.integers(0, n, CELLS))}
    for groups in ((), ((0, n - 1),) if n > 1 else (), tuple(tuple(range(k, min(n, k + 3))) for k in range(0, n, 3))):
        for counts in ({}, some, {"least_count": n // 2, "most_count": n // 2}):
            checked(Problem.of(items, targets_for(items), groups=groups, **counts))


@BANKS
@SIZES
def test_the_fewest_within_the_tolerance_are_taken_and_of_those_the_nearest(name: str, n: int) -> None:
    items = banks(n)[name]
    for tolerance in widths(items):
        for groups in ((), ((0, n - 1),) if n > 1 else ()):
            given = {"tolerance": tolerance, "objective": Objective.FEWEST, "groups": groups, "least_count": n // 4}
            checked(Problem.of(items, targets_for(items), **given))


def test_counts_that_no_subset_has_are_not_found() -> None:
    items = np.array([[1.0, 0.0, 2.0, 0.0], [1.0, -1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
    assert by_count.search(Problem.of(items, np.ones(3), least_count=3))[1].tolist() == [False, True, False]
    grouped = Problem.of(items, np.ones(3), least_count=2, groups=((0, 1), (2, 3)))
    assert by_count.search(grouped)[1].tolist() == [True, True, False]
    grouped = Problem.of(items, np.ones(3), least_count=3, groups=((0, 1), (2, 3)))
    assert by_count.search(grouped)[1].tolist() == [False, False, False]
    assert by_count.search(Problem.of(items, np.ones(3), groups=((0, 1, 2, 3), ())))[1].all()


def test_of_equals_the_fewer_items_are_taken() -> None:
    problem = Problem.of([[1.0, 2.0, 3.0, 4.0, 6.0]], [6.0])
    assert by_count.search(problem)[0].tolist() == [[False, False, False, False, True]]


@BANKS
@SIZES
def test_the_least_total_within_the_tolerance_and_the_bound(name: str, n: int) -> None:
    items = banks(n)[name]
    bounds = (np.inf, 0.4 * np.abs(items).sum(axis=1), np.zeros(CELLS))
    for tolerance in widths(items):
        for bound in bounds:
            given = {"tolerance": tolerance, "most_total": bound, "objective": Objective.LEAST_TOTAL}
            checked(Problem.of(items, targets_for(items), **given))


@BANKS
@SIZES
def test_the_nearest_of_bounded_total(name: str, n: int) -> None:
    items = banks(n)[name]
    for share in (0.0, 0.1, 0.4, 0.8, 2.0):
        problem = Problem.of(items, targets_for(items), most_total=share * np.abs(items).sum(axis=1))
        assert by_sign.search(problem)[1].all()
        checked(problem)


def test_a_total_that_meets_its_bound_is_allowed() -> None:
    items = np.array([[0.1, 0.2, 0.3, -0.1]])
    for total, best in ((0.6, 0.6), (0.3, 0.3), (0.5, 0.5), (0.0, 0.0)):
        chosen, *_ = by_sign.search(Problem.of(items, [0.65], most_total=total))
        assert items[chosen].sum() == pytest.approx(best, abs=1e-15)


def all_sums(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts of all subsets, by bits."""
    sums, counts = np.zeros(1), np.zeros(1, np.int64)
    for value in values:
        sums, counts = np.concatenate([sums, sums + value]), np.concatenate([counts, counts + 1])
    return sums, counts


@pytest.mark.parametrize("name", ["uniform", "narrow", "duplicates", "twelve decades"])
def test_long_lists_give_the_nearest_of_every_count(name: str) -> None:
    items = banks(20)[name][:3]
    targets = targets_for(items)
    sizes = np.abs(items).sum(axis=1)
    for cell in range(3):
        sums, counts = all_sums(items[cell])
        errors = np.abs(sums - targets[cell])
        for least, most in ((10, 10), (3, 9), (0, 20), (18, 19)):
            problem = Problem.of(items[[cell]], targets[[cell]], least_count=least, most_count=most)
            chosen, *_ = by_count.search(problem)
            best = errors[(counts >= least) & (counts <= most)].min()
            assert abs(residuals_of(problem.items, chosen, problem.targets)[0]) <= best + 1e-14 * sizes[cell]
            assert least <= chosen.sum() <= most


@pytest.mark.parametrize(("plus", "minus"), [(22, 0), (0, 23), (21, 2), (3, 19), (11, 11), (2, 21)])
@pytest.mark.parametrize("width", [1e-5, 1e-3])
def test_long_lists_give_the_least_total_and_the_nearest_of_bounded_total(plus: int, minus: int, width: float) -> None:
    rng = np.random.default_rng(plus)
    sign = np.array([1.0] * plus + [-1.0] * minus)
    for reach in (0.1, 0.6):
        items = rng.uniform(0.8, 1.2, (1, plus + minus)) * sign
        target = reach * (items.sum(axis=1) if plus * minus == 0 else 4.0 * sign[:1])
        totals, _ = all_sums(np.abs(items[0]))
        sums, _ = all_sums(items[0])
        errors = np.abs(sums - target)
        problem = Problem.of(items, target, tolerance=width, objective=Objective.LEAST_TOTAL)
        chosen, found, _ = by_sign.search(problem)
        within = errors <= width
        assert found[0] == within.any()
        if found[0]:
            assert np.abs(items[0])[chosen[0]].sum() == pytest.approx(totals[within].min(), abs=1e-13)
        bound = 0.5 * np.abs(target[0]) + 1.0
        chosen, found, _ = by_sign.search(Problem.of(items, target, most_total=bound))
        assert found[0]
        assert np.abs(items[0])[chosen[0]].sum() <= bound
        assert np.abs(items[0][chosen[0]].sum() - target[0]) == pytest.approx(errors[totals <= bound].min(), abs=1e-13)


def cases_of_several_sums(n: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(n)
    corners = np.array([0.95, 1.0, 1.05])
    bank = rng.uniform(0.8, 1.2, (CELLS, n, 1)) * corners * (1 + 1e-3 * rng.standard_normal((CELLS, n, 3)))
    wanted = bank[:, :, 1:2].sum(axis=1) * rng.uniform(0.2, 0.8, (CELLS, 1))
    some = {
        "corners": (bank, wanted * corners),
        "corners of one target": (bank, wanted * np.ones(3)),
        "with zeros": (bank * rng.integers(0, 2, bank.shape), wanted * corners),
        "all zero": (np.zeros((CELLS, n, 2)), np.ones((CELLS, 2))),
        "duplicates": (rng.choice([0.25, -0.25, 0.5, 1.0], (CELLS, n, 2)), rng.choice([0.5, 0.6], (CELLS, 2))),
        "twelve decades": (10.0 ** rng.uniform(-12, 0, (CELLS, n, 2)), 10.0 ** rng.uniform(-6, 0, (CELLS, 2))),
        "beyond reach": (bank, np.full((CELLS, 3), 9.0 * n)),
    }
    for sums in (1, 2, 4, 8):
        some[f"{sums} sums"] = (rng.uniform(-1, 1, (CELLS, n, sums)), rng.uniform(-1, 1, (CELLS, sums)))
    return some


@pytest.mark.parametrize("name", list(cases_of_several_sums(1)))
@SIZES
def test_the_largest_error_of_several_sums_is_least(name: str, n: int) -> None:
    items, targets = cases_of_several_sums(n)[name]
    wanted = [(Objective.NEAREST, 0.0), (Objective.ANY, 0.2)]
    wanted += [(Objective.LEAST_TOTAL, tolerance) for tolerance in (0.0, 0.05, 0.3, 3.0, 1e300)]
    for objective, tolerance in wanted:
        checked(Problem.of(items, targets, tolerance=tolerance, objective=objective))


def test_any_of_several_sums_is_within_the_tolerance_when_sums_are_recomputed() -> None:
    rng = np.random.default_rng(6)
    items = rng.choice([0.1, 0.2, 0.3, -0.1, 0.7], (600, 7, 2))
    targets = rng.choice([0.6, 1.1, 0.3], (600, 2))
    some = np.abs(residuals_of(items, rng.random((600, 7)) < 0.5, targets)).max(axis=1)
    for objective in (Objective.ANY, Objective.LEAST_TOTAL):
        answer = solve(Problem.of(items, targets, tolerance=some, objective=objective), exact.NAME)
        assert (answer.errors <= some).all()


def test_several_sums_of_many_items_are_compared_block_by_block() -> None:
    rng = np.random.default_rng(4)
    for sums in (2, 5):
        items, targets = rng.uniform(-1, 1, (2, 18, sums)), rng.uniform(-1, 1, (2, sums))
        chosen, *_ = vector.search(Problem.of(items, targets))
        errors = np.abs(residuals_of(items, chosen, targets)).max(axis=1)
        for cell in range(2):
            each = [np.abs(all_sums(items[cell, :, k])[0] - targets[cell, k]) for k in range(sums)]
            assert errors[cell] == pytest.approx(np.max(each, axis=0).min(), abs=1e-13)


def problems_of(module: ModuleType, items: np.ndarray) -> list[Problem]:
    """What a module answers, on some items."""
    targets, n = targets_for(items), items.shape[1]
    if module is vector:
        two, aims = np.stack([items, items[::-1]], axis=2), np.stack([targets, targets[::-1]], axis=1)
        return [
            Problem.of(two, aims, tolerance=0.2, objective=objective)
            for objective in (Objective.NEAREST, Objective.ANY, Objective.LEAST_TOTAL)
        ]
    if module is by_count:
        kinds: list[dict[str, object]] = [{"most_count": n // 2}, {"groups": ((0, 1), (2, 4, 5))}, {"least_count": 3}]
    else:
        kinds = [{"most_total": 0.3 * np.abs(items).sum(axis=1)}, {}]
    return [
        Problem.of(items, targets, tolerance=0.01, objective=objective, **kind)
        for kind in kinds
        for objective in (Objective.NEAREST, *TOLERANT)
    ]


def chosen_by(module: ModuleType, problem: Problem) -> np.ndarray:
    chosen: np.ndarray = module.search(problem)[0]
    return chosen


MODULES = pytest.mark.parametrize("module", [by_count, by_sign, vector])


@MODULES
@pytest.mark.parametrize("name", ["uniform", "narrow pairs", "decimals", "with zeros"])
def test_an_answer_depends_on_its_cell_alone(module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_three_parts(run: Callable[[int, int], None], *, cells: int, steps_per_cell: int) -> None:
        for first in reversed(range(3)):
            run(first, 3)

    for problem in problems_of(module, banks(9)[name]):
        whole = chosen_by(module, problem)
        single = np.concatenate([chosen_by(module, problem.part(slice(k, k + 1))) for k in range(CELLS)])
        with monkeypatch.context() as patch:
            patch.setattr(module, "run_cells", in_three_parts)
            parts = chosen_by(module, problem)
        assert (whole == single).all()
        assert (whole == parts).all()


@MODULES
@pytest.mark.parametrize("name", ["uniform", "narrow pairs", "decimals", "twelve decades"])
def test_the_order_of_the_items_does_not_matter(module: ModuleType, name: str) -> None:
    items = banks(9)[name]
    order = np.random.default_rng(1).permutation(9)
    place = np.argsort(order)
    for problem in problems_of(module, items):
        groups = tuple(tuple(int(place[k]) for k in group) for group in problem.groups)
        permuted = Problem.of(
            problem.items[:, order],
            problem.targets,
            tolerance=problem.tolerance,
            objective=problem.objective,
            least_count=problem.least_count,
            most_count=problem.most_count,
            most_total=problem.most_total,
            groups=groups,
        )
        first, second = chosen_by(module, problem), chosen_by(module, permuted)
        errors = [
            np.abs(residuals_of(of.items, chosen, problem.targets)).reshape(CELLS, -1).max(axis=1)
            for of, chosen in ((problem, first), (permuted, second))
        ]
        sizes = np.abs(problem.items).reshape(CELLS, 9, -1).sum(axis=1).max(axis=1)
        assert (np.abs(errors[0] - errors[1]) <= 1e-14 * sizes).all()


def test_what_is_within_the_tolerance_is_so_when_sums_are_recomputed() -> None:
    items = np.array([[0.3, -0.3, 0.3, 0.7, -0.3, -0.3]])
    problem = Problem.of(items, [0.4], tolerance=0.1, objective=Objective.LEAST_TOTAL)
    chosen, found, _ = by_sign.search(problem)
    assert not found[0] or abs(residuals_of(items, chosen, problem.targets)[0]) <= 0.1
    problem = Problem.of(items, [0.4], tolerance=0.1, objective=Objective.FEWEST)
    chosen, *_ = by_count.search(problem)
    assert abs(residuals_of(items, chosen, problem.targets)[0]) <= 0.1

"""What every subset-sum solver is held to: brute force over all subsets, and problems that are hard to get right."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from rsscircuit.subsetsum import SOLVERS, Kind, Objective, Problem, Solution, Status, solve
from rsscircuit.subsetsum.kind import kind_of

CELLS = 12


def families(n: int, cells: int = CELLS, seed: int = 11) -> dict[str, np.ndarray]:
    """Adversarial items of any number, [cells, n]."""
    rng = np.random.default_rng([seed, n])
    shape = (cells, n)
    sign = rng.choice([-1, 1], shape)
    pairs = 1.25 ** -(np.arange(n) // 2.0) * np.where(np.arange(n) % 2, -1, 1)
    return {
        "uniform": rng.uniform(-1, 1, shape),
        "narrow": rng.uniform(0.8, 1.2, shape),
        "narrow pairs": rng.uniform(0.8, 1.2, shape) * sign,
        "geometric pairs": pairs * (1 + 0.01 * rng.standard_normal(shape)),
        "duplicates": rng.choice([0.25, -0.25, 0.5, 1.0], shape),
        "all equal": np.full(shape, 0.1),
        "decimals": rng.choice([0.1, 0.2, 0.3, -0.1, 0.7], shape),
        "with zeros": rng.uniform(-1, 1, shape) * rng.integers(0, 2, shape),
        "all zero": np.zeros(shape),
        "twelve decades": 10.0 ** rng.uniform(-12, 0, shape) * sign,
        "powers of two": np.tile(2.0 ** -np.arange(n), (cells, 1)) * sign,
        "all negative": -rng.uniform(0.1, 1, shape),
        "siemens": rng.uniform(1e-7, 1e-6, shape) * sign,
        "whole numbers": rng.integers(-9, 10, shape).astype(float),
        "near the largest float": rng.uniform(-1, 1, shape) * 1e306,
        "near the smallest float": rng.uniform(-1, 1, shape) * 1e-305,
        "as small as floats go": rng.integers(-9, 10, shape) * 5e-324,
    }


WHOLE = ("duplicates", "powers of two", "whole numbers", "as small as floats go")  # sums and differences are exact


def banks() -> dict[str, np.ndarray]:
    """Adversarial items of some sizes."""
    some = {"one item": families(1)["narrow"], "two items": families(2)["uniform"], "fourteen": families(14)["narrow"]}
    return families(9) | some


def targets_for(items: np.ndarray) -> np.ndarray:
    """Targets within and a little beyond reach, zero, and exact subset sums."""
    rng = np.random.default_rng(3)
    low, high = np.minimum(items, 0).sum(1), np.maximum(items, 0).sum(1)
    inside = low + (high - low) * rng.uniform(-0.1, 1.1, len(items))
    odd = (items * (np.arange(items.shape[1]) % 2)).sum(1)
    inside[::3] = odd[::3] * rng.uniform(0.98, 1.02, len(odd[::3]))
    for cell, target in enumerate((0.0, odd[min(1, len(odd) - 1)], high[min(2, len(odd) - 1)])):
        inside[cell : cell + 1] = target
    return inside


def alike_sums(n: int, seed: int = 31) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Items [cells, n, 9] and targets [cells, 9] of pairs of banks at corners, and what may be odd about them."""
    rng = np.random.default_rng([seed, n])
    sign = np.where(np.arange(n) % 2, -1.0, 1.0)
    resistance = 1.0 + rng.uniform(0, 3, (CELLS, n))
    switch = 0.03 * np.array([1.0, 0.7, 0.7, 0.6, 0.6, 1.9, 1.9, 1.5, 1.5])
    feedback = (1.8 + switch) / 1.83
    pairs = sign[:, None] * feedback / (resistance[:, :, None] + switch) * (1 + 1e-4 * np.arange(9))
    wanted = rng.laplace(0, 0.15 * np.abs(pairs[:, :, 0]).sum(1) / 2)
    targets = np.repeat(wanted[:, None], 9, axis=1)
    return {
        "pairs": (pairs, targets),
        "half of them zero": (pairs * rng.integers(0, 2, (CELLS, n, 1)), targets),
        "one sign": (np.abs(pairs), 3 * np.abs(targets)),
        "beyond reach": (pairs, 50 * targets),
        "equal items": (np.repeat(pairs[:, :1], n, axis=1) * sign[:, None], targets),
        "siemens": (1e-6 * pairs, 1e-6 * targets),
        "targets of their own": (pairs, targets * (1 + 0.01 * rng.standard_normal((CELLS, 9)))),
    }


def constraints(items: np.ndarray) -> dict[str, dict[str, object]]:
    """Side constraints by name, as keyword arguments of a problem."""
    rng = np.random.default_rng(5)
    n, sizes = items.shape[1], np.abs(items).sum(1)
    forced = rng.choice([-1, 0, 0, 0, 1], items.shape).astype(np.int8)
    some = {
        "exact count": {"least_count": n // 2, "most_count": n // 2},
        "bounded count": {"least_count": 1, "most_count": rng.integers(1, n + 1, len(items))},
        "bounded total": {"most_total": 0.4 * sizes},
        "stuck": {"forced": forced},
        "stuck and bounded": {"forced": forced, "most_count": n // 2 + 1},
        "stuck and total": {"forced": forced, "most_total": 0.6 * sizes},
    }
    if n >= 5:
        groups = ((0, 2, 4), (1, 3))
        some["groups"] = {"groups": groups}
        some["groups, stuck, counted"] = {"groups": groups, "forced": forced, "most_count": n - 1}
        some["everything"] = {"groups": groups, "least_count": 1, "most_count": n - 2, "most_total": 0.7 * sizes}
    return some


def several_sums() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Items [cells, n, sums] and targets [cells, sums]: columns that share a word, and corners."""
    rng = np.random.default_rng(21)
    bank = rng.uniform(0.8, 1.2, (CELLS, 8))
    corners = bank[:, :, None] * np.array([0.95, 1.0, 1.05]) * (1 + 1e-3 * rng.standard_normal((CELLS, 8, 3)))
    wanted = bank.sum(1) * rng.uniform(0.2, 0.8, CELLS)
    columns = rng.uniform(-1, 1, (CELLS, 8, 2))
    signed = rng.uniform(0.1, 1, (CELLS, 6, 3)) * np.array([1, -1, 1])
    return {
        "corners": (corners, np.repeat(wanted[:, None], 3, axis=1)),
        "two columns": (columns, rng.uniform(-1, 1, (CELLS, 2))),
        "three columns": (signed, rng.uniform(0, 2, (CELLS, 3)) * np.array([1, -1, 1])),
        "one column": (columns[:, :, :1], rng.uniform(-1, 1, (CELLS, 1))),
    }


def able(solver: str, problem: Problem) -> bool:
    """Whether a solver takes such problems, forced items and different banks aside."""
    kind = kind_of(problem)
    one_cell = Kind(**{name: getattr(kind, name) for name in Kind.__slots__} | {"one_bank": True})
    return not SOLVERS[solver].obstacle(one_cell)


def answer_of(problem: Problem, solver: str) -> Solution:
    """The batch at once, or cell by cell where the solver holds one bank only."""
    if not SOLVERS[solver].obstacle(kind_of(problem)):
        return solve(problem, solver)
    parts = [solve(problem.part(slice(k, k + 1)), solver) for k in range(len(problem.items))]
    gathered = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
    return Solution(solver=parts[0].solver, **gathered)


_ARRAYS = ("chosen", "residuals", "status", "quantum")


def allowed(problem: Problem, cell: int, masks: np.ndarray, slack: float) -> np.ndarray:
    """Which masks meet the side constraints, the total within ``slack``."""
    items = problem.items[cell].reshape(len(problem.items[cell]), -1)
    real = (items != 0).any(axis=1)
    forced, count = problem.forced[cell], (masks & real).sum(1)
    fits = (masks[:, forced > 0].all(axis=1)) & ~(masks[:, forced < 0].any(axis=1))
    fits &= ~masks[:, ~real & (forced <= 0)].any(axis=1)
    fits &= (count >= problem.least_count[cell]) & (count <= problem.most_count[cell])
    fits &= masks @ problem.magnitudes[cell] <= problem.most_total[cell] + slack
    for group in problem.groups:
        fits &= (masks & real)[:, list(group)].sum(1) <= 1
    return fits


def subsets(n: int) -> np.ndarray:
    """All masks, bool [2**n, n]."""
    return (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1


def check(problem: Problem, answer: Solution, *, rounded: bool = True) -> None:
    """Hold an answer to brute force: allowed, true residual, as good as its objective asks, honest status.

    Args:
        problem: The batch.
        answer: What a solver made of it.
        rounded: Whether sums are rounded, or values to a quantum; if not, the best is the best to the letter.
    """
    masks = subsets(problem.items.shape[1])
    cells, n = problem.items.shape[:2]
    assert answer.chosen.shape == (cells, n)
    assert answer.residuals.shape == problem.targets.shape
    for cell in range(cells):
        _check_cell(problem, answer, cell, masks, rounded)


def _check_cell(problem: Problem, answer: Solution, cell: int, masks: np.ndarray, rounded: bool) -> None:
    items = problem.items[cell].reshape(masks.shape[1], -1)
    target = problem.targets[cell].reshape(-1)
    chosen, status = answer.chosen[cell], Status(int(answer.status[cell]))
    edge = 4e-15 * (np.abs(items).sum(0).max() + np.abs(target).max()) if rounded else 0.0
    rim = (masks.shape[1] + 2) * float(answer.quantum[cell]) if rounded else 0.0
    residual = answer.residuals[cell].reshape(-1)
    for k, value in enumerate(residual.tolist()):
        exact = math.fsum([*items[chosen, k].tolist(), -target[k]])
        assert abs(value - exact) <= 2.0**-52 * abs(exact) + 2.0**-95 * np.abs(items[:, k]).sum()
    assert status < Status.OPTIMAL or answer.quantum[cell] == 0.0
    # without a proof a solver that rounds may keep clear of a bound by its quantum, but never exceed it
    clear = edge if status >= Status.OPTIMAL_AT_QUANTUM or rim == 0 else rim
    fits, sure = allowed(problem, cell, masks, edge), allowed(problem, cell, masks, -clear)
    if status <= Status.UNSOLVED:
        assert not sure.any()
        assert status == Status.INFEASIBLE or rim > 0
        return
    own = (masks == chosen).all(axis=1)
    assert fits[own].any(), "a side constraint is broken"
    errors = np.abs(masks @ items - target).max(axis=1)
    error, tolerance = float(np.abs(residual).max()), float(problem.tolerance[cell])
    surely = sure & (errors <= tolerance - clear)
    if problem.objective is not Objective.NEAREST and surely.any():
        assert error <= tolerance
        count, total = (masks & (items != 0).any(axis=1)).sum(1), masks @ problem.prices[cell]
        within = fits & (errors <= tolerance + edge)
        if problem.objective is Objective.LEAST_TOTAL:
            assert total[within].min() - edge <= total[own][0] <= total[surely].min() + rim + edge
        if problem.objective is Objective.LEAST_COST:
            most = problem.prices[cell].sum()
            near, far = 4e-15 * most, (masks.shape[1] + 2) * 2.0**-36 * most if rim else 0.0
            assert total[within].min() - near <= total[own][0] <= total[surely].min() + far + near
        if problem.objective is Objective.FEWEST:
            assert count[within].min() <= count[own][0] <= count[surely].min()
            same = surely & (count == count[own][0])
            assert error <= errors[same].min(initial=np.inf) + rim + edge
    elif error > tolerance or problem.objective is Objective.NEAREST:
        assert error <= errors[sure].min(initial=np.inf) + rim + edge
        if status is Status.OPTIMAL:
            assert error <= errors[fits].min() + edge
    if problem.objective is Objective.NEAREST and rim == 0:
        assert status is not Status.FEASIBLE


def objectives(items: np.ndarray) -> Iterator[tuple[Objective, np.ndarray]]:
    """Every objective with a narrow, a usual and a wide tolerance, [cells]."""
    size = np.abs(items).reshape(*items.shape[:2], -1).sum(axis=1).max(axis=1)
    size[size == 0] = 1.0
    yield Objective.NEAREST, np.zeros(len(items))
    for objective, width in itertools.product((Objective.LEAST_TOTAL, Objective.FEWEST, Objective.ANY), (1e-3, 0.05)):
        yield objective, width * size

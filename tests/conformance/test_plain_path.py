"""Without numba: the same masks, bit for bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brute_force import banks, targets_for

from rsscircuit.subsetsum import Objective, Problem, plain, solve

WITHOUT_NUMBA = """
import json, sys
sys.modules["numba"] = None
sys.path[:0] = sys.argv[1:]
from test_plain_path import answers
print(json.dumps(answers()))
"""
OBJECTIVES = [
    (Objective.NEAREST, {}),
    (Objective.LEAST_TOTAL, {}),
    (Objective.FEWEST, {}),
    (Objective.ANY, {}),
    (Objective.NEAREST, {"most_count": 3}),
    (Objective.NEAREST, {"most_total": 1.5}),
]


def answers() -> list[list[int]]:
    """The masks of every bank, objective and side constraint, as whole numbers."""
    found = []
    for name, items in banks().items():
        if name in ("fourteen", "narrow pairs", "twelve decades"):
            continue  # slow in plain Python
        for objective, given in OBJECTIVES:
            tolerance = 0.01 * np.abs(items).sum(1)
            problem = Problem.of(items, targets_for(items), tolerance=tolerance, objective=objective, **given)
            answer = solve(problem, "meet-in-the-middle")
            found.append((answer.chosen @ (1 << np.arange(items.shape[1]))).tolist())
    shared = np.repeat(banks()["uniform"][:1], 40, axis=0)
    for solver in ("table", "dynamic-programming"):
        answer = solve(Problem.of(shared, np.linspace(-3, 3, 40)), solver)
        found.append((answer.chosen @ (1 << np.arange(9))).tolist())
    for items in banks().values():
        wide = {"tolerance": 0.01 * np.abs(items).sum(1), "objective": Objective.ANY}
        answer = solve(Problem.of(items, targets_for(items), **wide), "window")
        found.append((answer.chosen @ (1 << np.arange(items.shape[1]))).tolist())
    several = np.random.default_rng(1).uniform(-1, 1, (5, 8, 2))
    answer = solve(Problem.of(several, several[:, :3].sum(1) + 0.01))
    found.append((answer.chosen @ (1 << np.arange(8))).tolist())
    return found


@pytest.mark.parametrize("name", list(banks()))
def test_both_paths_choose_the_same_subsets(name: str) -> None:
    from rsscircuit.subsetsum import nearest

    items = banks()[name]
    assert (plain.search(items, targets_for(items)) == nearest.search(items, targets_for(items))).all()


@pytest.mark.parametrize("n", [16, 17, 20, 21, 23])
def test_both_paths_choose_the_same_subsets_of_many_items(n: int) -> None:
    from rsscircuit.subsetsum import nearest

    rng = np.random.default_rng(n)
    for items in (rng.uniform(0.8, 1.2, (6, n)), rng.choice([0.1, 0.2, -0.3], (6, n)), rng.uniform(-1, 1, (6, n))):
        targets = np.minimum(items, 0).sum(1) + np.abs(items).sum(1) * rng.uniform(0, 1, 6)
        assert (plain.search(items, targets) == nearest.search(items, targets)).all()


@pytest.mark.parametrize("n", range(8, 19))
def test_both_paths_settle_ties_alike(n: int) -> None:
    from rsscircuit.subsetsum import nearest

    rng = np.random.default_rng(n)
    decimals = rng.choice([0.1, 0.2, 0.3, 0.7, -0.1, -0.3], (60, n))
    two_scales = np.concatenate([rng.uniform(1, 2, (60, n // 2)), 1e-15 * rng.uniform(1, 2, (60, n - n // 2))], axis=1)
    for items in (decimals, two_scales):
        targets = np.where(rng.random((60, n)) < 0.5, items, 0.0).sum(1)
        assert (plain.search(items, targets) == nearest.search(items, targets)).all()


def test_a_near_tie_beyond_the_block_that_the_sweep_left_is_seen() -> None:
    from rsscircuit.subsetsum import nearest

    items = np.array([[-0.3, -0.3, -0.1, -0.1, 0.2, 0.2, 0.7, 0.7, 0.3, 0.7]])
    target = np.array([-0.19999999999999996])
    assert (plain.search(items, target) == nearest.search(items, target)).all()


def test_a_machine_without_numba_gives_the_same_answers() -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", WITHOUT_NUMBA, str(here), str(here.parent)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == answers()

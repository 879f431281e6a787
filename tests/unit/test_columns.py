"""Joint choice over the cells of a column."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import ArrayLike

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum import Problem, Status, solve
from rsscircuit.subsetsum.column import solve_columns
from rsscircuit.subsetsum.problem import residuals_of


def moments_of(kind: str, rows: int) -> np.ndarray:
    """Second moments of inputs that are white, positive, or positive with a common factor."""
    rng = np.random.default_rng(2)
    own, common = rng.standard_normal((4000, rows)), rng.standard_normal((4000, 1))
    inputs = {"white": own, "positive": np.abs(own), "common": np.abs(0.6 * own + 0.8 * common)}[kind]
    moments: np.ndarray = inputs.T @ inputs / len(inputs)
    return moments


def columns_of(bank: str, columns: int, rows: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Items and targets in the middle of their range."""
    rng = np.random.default_rng(7)
    items = rng.uniform(0.8, 1.2, (columns, rows, n))
    if bank == "geometric pairs":
        items = (
            1.25 ** -(np.arange(n) // 2.0) * np.where(np.arange(n) % 2, -1, 1) * rng.uniform(0.99, 1.01, items.shape)
        )
    low, high = np.minimum(items, 0).sum(2), np.maximum(items, 0).sum(2)
    return items, low + (high - low) * rng.uniform(0.35, 0.65, low.shape)


def power_of(residuals: np.ndarray, moments: np.ndarray) -> np.ndarray:
    power: np.ndarray = np.einsum("cr,rs,cs->c", residuals, moments, residuals)
    return power


@pytest.mark.parametrize("bank", ["narrow", "geometric pairs"])
@pytest.mark.parametrize("kind", ["white", "positive", "common"])
def test_the_power_is_true_and_never_above_that_of_the_nearest_sums(bank: str, kind: str) -> None:
    items, targets = columns_of(bank, 12, 10, 8)
    moments = moments_of(kind, 10)
    answer = solve_columns(items, targets, moments)
    flat = residuals_of(items.reshape(-1, 8), answer.chosen.reshape(-1, 8), targets.reshape(-1))
    assert (answer.residuals.reshape(-1) == flat).all()
    assert answer.power == pytest.approx(power_of(answer.residuals, moments))
    nearest = solve(Problem.of(items.reshape(-1, 8), targets.reshape(-1))).residuals.reshape(targets.shape)
    assert answer.independent_power == pytest.approx(power_of(nearest, moments))
    assert (answer.power <= answer.independent_power * (1 + 1e-12)).all()
    assert answer.status == Status.FEASIBLE


def test_positive_inputs_let_errors_cancel_and_white_ones_do_not() -> None:
    items, targets = columns_of("geometric pairs", 24, 48, 10)
    for kind, at_least, at_most in (("white", 1.0, 1.02), ("positive", 1.7, 4.0), ("common", 2.2, 6.0)):
        answer = solve_columns(items, targets, moments_of(kind, 48))
        assert at_least <= answer.independent_power.mean() / answer.power.mean() <= at_most


def test_two_rows_are_locally_and_often_globally_optimal() -> None:
    items, targets = columns_of("narrow", 60, 2, 4)
    moments = np.array([[1.0, 0.8], [0.8, 1.5]])
    answer = solve_columns(items, targets, moments)
    masks = np.array(list(itertools.product([False, True], repeat=4)))
    errors = items @ masks.T - targets[:, :, None]  # [columns, rows, subsets]
    pairs = np.stack(np.broadcast_arrays(errors[:, 0, :, None], errors[:, 1, None, :]), axis=-1)
    joint = np.einsum("cijr,rs,cijs->cij", pairs, moments, pairs)
    optimum = joint.min(axis=(1, 2))
    assert (answer.power >= optimum - 1e-12).all()
    assert (answer.power <= answer.independent_power + 1e-12).all()
    assert (answer.power <= optimum + 1e-12).mean() > 0.6
    for row in range(2):  # no other subset of one row alone is better
        others = np.broadcast_to(answer.residuals[:, None, :], (60, 16, 2)).copy()
        others[:, :, row] = errors[:, row]
        alone = np.einsum("csr,rt,cst->cs", others, moments, others)
        assert (answer.power[:, None] <= alone + 1e-12).all()


def test_a_diagonal_leaves_the_nearest_sums() -> None:
    items, targets = columns_of("narrow", 5, 6, 8)
    answer = solve_columns(items, targets, np.diag([1.0, 2.0, 0.0, 4.0, 5.0, 6.0]))
    nearest = solve(Problem.of(items.reshape(-1, 8), targets.reshape(-1)))
    assert (answer.chosen.reshape(-1, 8) == nearest.chosen).all()
    assert answer.sweeps == 1
    assert (answer.power == answer.independent_power).all()


def test_columns_do_not_affect_each_other() -> None:
    items, targets = columns_of("narrow", 6, 9, 8)
    moments = moments_of("common", 9)
    together = solve_columns(items, targets, moments)
    again = solve_columns(items, targets, moments)
    one_by_one = [solve_columns(items[k : k + 1], targets[k : k + 1], moments) for k in range(6)]
    assert (together.chosen == again.chosen).all()
    assert (together.chosen == np.concatenate([one.chosen for one in one_by_one])).all()
    assert together.sweeps == max(one.sweeps for one in one_by_one)


def test_the_tolerance_bounds_what_a_cell_gives_up() -> None:
    items, targets = columns_of("narrow", 8, 16, 10)
    moments = moments_of("common", 16)
    nearest = np.abs(solve_columns(items, targets, moments, sweeps=0).residuals)
    free, bounded = (solve_columns(items, targets, moments, tolerance=width) for width in (np.inf, 0.02))
    assert np.abs(free.residuals).max() > 0.05
    assert (np.abs(bounded.residuals) <= np.maximum(nearest, 0.02)).all()
    assert (bounded.power <= bounded.independent_power + 1e-12).all()
    assert bounded.power.mean() < bounded.independent_power.mean()
    tight = solve_columns(items, targets, moments, tolerance=0.0)
    assert (tight.power == tight.independent_power).all()


def test_more_sweeps_are_never_worse() -> None:
    items, targets = columns_of("geometric pairs", 8, 24, 8)
    moments = moments_of("common", 24)
    powers = [solve_columns(items, targets, moments, sweeps=sweeps).power for sweeps in (0, 1, 3, 200)]
    assert all((later <= earlier + 1e-15).all() for earlier, later in itertools.pairwise(powers))
    assert solve_columns(items, targets, moments, sweeps=200).sweeps < 200


def test_rows_without_input_keep_their_nearest_sums() -> None:
    items, targets = columns_of("narrow", 3, 4, 6)
    answer = solve_columns(items, targets, np.zeros((4, 4)))
    assert (answer.power == 0).all()
    assert answer.sweeps == 1


@pytest.mark.parametrize(
    ("moments", "says"),
    [
        (np.eye(2), r"\[3, 3\].*\(2, 2\)"),
        (np.full((3, 3), np.nan), "finite"),
        ([[1.0, 0.5, 0.0], [0.4, 1.0, 0.0], [0.0, 0.0, 1.0]], "symmetric"),
        ([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]], "semidefinite.*-1"),
        (-np.eye(3), "semidefinite"),
    ],
)
def test_moments_that_are_none_are_refused(moments: ArrayLike, says: str) -> None:
    items, targets = columns_of("narrow", 2, 3, 4)
    with pytest.raises(SolverError, match=says):
        solve_columns(items, targets, moments)


def test_moments_may_be_rounded() -> None:
    items, targets = columns_of("narrow", 2, 3, 4)
    ones = np.ones((3, 3))
    ones[0, 1] += 1e-12
    assert (solve_columns(items, targets, ones).power >= 0).all()


def test_wrong_shapes_and_limits_are_refused() -> None:
    items, targets = columns_of("narrow", 2, 3, 4)
    with pytest.raises(SolverError, match="columns, rows, n"):
        solve_columns(items, targets[:1], np.eye(3))
    with pytest.raises(SolverError, match="columns, rows, n"):
        solve_columns(items[:, :0], targets[:, :0], np.eye(0))
    with pytest.raises(SolverError, match="negative"):
        solve_columns(items, targets, np.eye(3), tolerance=-1.0)
    with pytest.raises(SolverError, match="negative"):
        solve_columns(items, targets, np.eye(3), sweeps=-1)

"""Laws of variation: their moments, bounds and densities."""

from __future__ import annotations

import numpy as np
import pytest

from rsscircuit.technology.laws import parse_law

N = 200_000


def generator() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize("name", ["normal", "truncated:3", "lognormal", "uniform"])
@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.2])
def test_factors_have_their_median_at_one_and_the_spread_they_are_given(name: str, sigma: float) -> None:
    law = parse_law(name)
    factors = law.factors(generator(), (N,), sigma)
    assert np.median(factors) == pytest.approx(1.0, abs=5 * sigma / np.sqrt(N))
    assert factors.std() == pytest.approx(sigma, rel=0.04)  # three sigma of the normal lack 1.3 % of the spread
    assert (factors > 0).all()
    assert (factors < law.least(sigma)).mean() < 1e-4
    assert law.least(sigma) <= factors.min() * 1.02


def test_a_truncated_law_ends_where_it_says_and_leaves_no_heap_there() -> None:
    draws = parse_law("truncated:1.5").draw(generator(), (N,))
    assert np.abs(draws).max() < 1.5
    counts, _ = np.histogram(draws, bins=30, range=(-1.5, 1.5))
    expected = np.exp(-0.5 * (np.arange(30) * 0.1 - 1.45) ** 2)
    assert counts / counts.sum() == pytest.approx(expected / expected.sum(), rel=0.06)


def test_a_uniform_law_is_even() -> None:
    factors = parse_law("uniform").factors(generator(), (N,), 0.1)
    counts, _ = np.histogram(factors, bins=20, range=(1 - 0.1 * 3**0.5, 1 + 0.1 * 3**0.5))
    assert counts.sum() == N
    assert counts == pytest.approx(N / 20, rel=0.05)


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 1.0), (0.3, 1.0), (0.1, 2.0)])
def test_the_thesis_s_laws_have_at_least_the_density_alpha_up_to_beta(alpha: float, beta: float) -> None:
    law = parse_law(f"thesis:{alpha},{beta}")
    draws = law.draw(generator(), (N,))
    counts, edges = np.histogram(draws, bins=20, range=(-beta, beta))
    assert counts / N / (edges[1] - edges[0]) == pytest.approx(alpha, rel=0.1)
    assert (np.abs(draws) > beta).mean() == pytest.approx(1 - 2 * alpha * beta, abs=0.01)
    assert draws.mean() == pytest.approx(0.0, abs=5 * draws.std() / np.sqrt(N))
    conductance = 1 / law.factor(draws, 0.0)
    assert conductance == pytest.approx(np.abs(draws), abs=1e-11)
    assert (conductance > 1 / law.least(0.0)).mean() < 1e-4


def test_the_uniform_numbers_of_the_thesis_are_one_of_its_laws() -> None:
    draws = parse_law("thesis:0.5,1").draw(generator(), (N,))
    assert np.abs(draws).max() <= 1
    assert draws.std() == pytest.approx(3**-0.5, rel=0.01)


@pytest.mark.parametrize(
    "text",
    ["gauss", "normal:1", "truncated", "truncated:0.1", "truncated:x", "thesis:1", "thesis:0.6,1", "thesis:0,1", ""],
)
def test_a_law_that_means_nothing_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no law; .*truncated:K, lognormal, uniform, thesis:ALPHA,BETA"):
        parse_law(text)

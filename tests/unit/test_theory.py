"""Theory of bank sizes: closed forms against definitions and against simulation."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from rsscircuit.banks import bank_spec
from rsscircuit.binomial import incomplete_beta
from rsscircuit.sizing import LAWS, measurement_bits_for, measurement_floor, program_pairs, sized_request
from rsscircuit.sizing.intervals import clustered_share, design_effect, median_of, share_of, student_t
from rsscircuit.sizing.theory import (
    counting_bound,
    gap_law_miss,
    grid_error,
    grid_spread,
    vector_counting_bound,
    vector_forecast,
    vector_theorem,
)
from rsscircuit.sizing.vectors import vectors_needed
from rsscircuit.sizing.volume import Covered, fit_lueker, grow, lemma_bound, states
from rsscircuit.subsetsum import Problem, solve
from rsscircuit.technology import load_technology

TECHNOLOGY = load_technology("sky130_xhigh_1M")


def all_sums(items: np.ndarray) -> np.ndarray:
    sums = np.zeros(1)
    for item in items:
        sums = np.concatenate([sums, sums + item])
    return np.sort(sums)


@pytest.mark.parametrize("seed", range(5))
def test_the_volume_is_the_length_near_a_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items, error = rng.uniform(-1, 1, 9), 0.01
    fine = np.linspace(-1, 1, 20_001)
    for t, covered in enumerate(states(error, items)):
        sums = all_sums(items[:t])
        place = np.clip(np.searchsorted(sums, fine), 1, len(sums) - 1) if len(sums) > 1 else np.zeros(len(fine), int)
        near = np.minimum(np.abs(fine - sums[place]), np.abs(fine - sums[place - 1])) < error
        assert covered.volume == pytest.approx(near.mean(), abs=2e-4 * (len(covered.starts) + 1))
        assert (covered.starts[1:] > covered.ends[:-1]).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_expected_volume_is_the_mean_over_the_next_item(seed: int) -> None:
    rng = np.random.default_rng(seed)
    *_, covered = states(0.02, rng.uniform(-1, 1, 2 * seed + 1))
    next_items = (np.arange(20_000) + 0.5) / 10_000 - 1.0
    mean = np.mean([covered.with_item(item).volume for item in next_items])
    assert covered.expected_volume() == pytest.approx(mean, rel=1e-5)


def test_the_first_expected_volume_by_hand() -> None:
    # the interval moved by x doubles the length but for what overlaps and for what leaves [-1, 1]
    error = 0.05
    overlap = error**2  # half of the integral of 2 e - |x| over |x| < 2 e, times a density of 1/2
    beyond = 0.25 * error**2  # half of the integral of what is beyond either end
    expected = Covered.around_zero(error).expected_volume()
    assert expected == pytest.approx(2 * error - overlap - beyond, rel=1e-9)


def test_the_lemma_holds_on_every_state_and_not_with_four_times_the_growth() -> None:
    growth = grow(1e-2, paths=60, items=30, seed=3)
    assert growth.violations == 0
    assert growth.open.sum() > 500
    assert (growth.expected < growth.volumes + 4 * (lemma_bound(growth.volumes) - growth.volumes))[growth.open].any()
    late = growth.volumes[:, -1]
    assert (np.diff(growth.volumes, axis=1) >= -1e-12).all()
    assert (late > 0.99).all()
    assert 1.5 < growth.factor().low < growth.factor().high < 2.0


def test_lueker_s_n_is_where_all_of_the_interval_is_reached() -> None:
    rng, error, trials = np.random.default_rng(8), 0.125, 3000
    needed = fit_lueker(1, errors=[error], trials=400).items[0]
    failures = {}
    for n in (math.floor(needed.low) - 1, math.ceil(needed.high) + 1):
        failed = 0
        for _ in range(trials):
            sums = all_sums(rng.uniform(-1, 1, n))
            sums = sums[(sums >= -1 - error) & (sums <= 1 + error)]
            ends = np.concatenate([[-1 - error], sums, [1 + error]])
            failed += bool((np.diff(ends) > 2 * error).any())
        failures[n] = failed / trials
    few, many = failures.values()
    assert few > error > many


def test_lueker_s_constant_is_the_largest_ratio() -> None:
    found = fit_lueker(2, errors=[0.25, 0.0625], trials=50)
    ratios = [items.value / -math.log2(error) for error, items in zip(found.errors, found.items, strict=True)]
    assert found.constant.value == max(ratios)
    assert found.constant.low < found.constant.value < found.constant.high
    assert found == fit_lueker(2, errors=[0.25, 0.0625], trials=50)


@pytest.mark.parametrize("name", LAWS)
def test_targets_follow_their_law(name: str) -> None:
    law = LAWS[name]
    drawn = law.draw(np.random.default_rng(1), (200_000,))
    assert np.abs(drawn).max() <= 1.0
    assert abs(drawn.mean()) < 5 * drawn.std() / math.sqrt(200_000)
    for share in (0.1, 0.5, 0.9):
        inside = np.mean(np.abs(drawn) <= law.magnitude(np.array([share]))[0])
        assert inside == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / 200_000))
    assert np.mean(law.evenly**2) == pytest.approx(np.mean(drawn**2), rel=0.02)


def test_no_bank_beats_the_counting_bound() -> None:
    law, confidence = LAWS["mid"], 0.9
    for error in (0.1, 0.02, 0.005):
        items = counting_bound(error, confidence, law)
        assert 2.0**items * 2 * error >= law.narrowest(confidence) > 2.0 ** (items - 1) * 2 * error
        balls = np.linspace(0.15 + error, 0.85 - error, 2 ** (items - 1) // 2)  # the best places for half of them
        sums = np.concatenate([-balls, balls])
        drawn = law.draw(np.random.default_rng(2), (20_000,))
        if len(sums):
            assert np.mean(np.abs(drawn[:, None] - sums).min(axis=1) <= error) < confidence
    assert counting_bound(0.5, 0.9, LAWS["weights"]) == 0
    assert LAWS["weights"].narrowest(0.999) == pytest.approx(2 * 0.06 * math.log(1000), rel=1e-4)


def test_the_gap_law_forecasts_independent_conductances() -> None:
    technology = load_technology("thesis_iid20")
    spec = bank_spec("linear:0.5", 6, technology.resistor.unit_ohm)
    request = sized_request(error=2e-3, confidence=0.99, targets="weights", dies=100)
    pairs = program_pairs(spec, technology, request, 100)
    missed = np.mean(np.abs(pairs.residual) > request.error)
    forecast = gap_law_miss(spec, technology, request.error, request.law, request.headroom)
    assert 0 < forecast < 0.05
    assert abs(missed - forecast) < 0.03
    assert gap_law_miss(spec, technology, 1e-5, request.law, request.headroom) > 0.9


def test_vectors_in_one_dimension_are_counted_and_forecast_as_by_hand() -> None:
    assert vector_counting_bound(1, 0.05, 0.99) == math.ceil(math.log2(0.99 / 0.1))
    assert vector_counting_bound(3, 0.05, 0.99) == math.ceil(math.log2(0.99 / 0.001))
    assert vector_theorem(1, 0.25) == 4.0
    assert vector_theorem(4, 0.25) == 64 * 2 * 4
    z = (np.arange(32) + 0.5) / 32
    for n in (vector_forecast(1, 0.05, 0.9), vector_forecast(1, 0.05, 0.9) - 1):
        expected = sum(
            math.comb(n, k) * (stats.norm.cdf((z + 0.1) / k**0.5) - stats.norm.cdf((z - 0.1) / k**0.5))
            for k in range(1, n + 1)
        )
        assert (np.exp(-expected).mean() <= 0.1) == (n == vector_forecast(1, 0.05, 0.9))


def test_vectors_need_more_than_counting_and_more_in_more_dimensions() -> None:
    found = [vectors_needed(d, 0.1, 0.95, seed=4) for d in (1, 2, 3)]
    for each in found:
        assert vector_counting_bound(each.dimensions, 0.1, 0.95) < each.least <= each.needed
        rng = np.random.default_rng(each.dimensions)
        items, points = rng.standard_normal((2000, each.needed, each.dimensions)), rng.uniform(-1, 1, (2000, 3))
        missed = np.mean(solve(Problem.of(items, points[:, : each.dimensions])).errors > 0.2)
        assert missed < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 2000)
    assert found[0].needed < found[1].needed < found[2].needed


def test_a_grid_costs_at_most_what_appendix_d_says() -> None:
    rng = np.random.default_rng(5)
    items = rng.uniform(-1, 1, (4000, 14))
    targets = 0.5 * (items.sum(axis=1) + np.sqrt((items**2).sum(axis=1)))
    exact = solve(Problem.of(items, targets)).errors
    for step in (2.0**-8, 2.0**-12):
        cut = solve(Problem.of(np.trunc(items / step) * step, targets))
        true = np.abs(np.where(cut.chosen, items, 0.0).sum(axis=1) - targets)
        assert (true <= [grid_error(error, 14, step) for error in cut.errors]).all()
        near = solve(Problem.of(np.rint(items / step) * step, targets))
        true = np.abs(np.where(near.chosen, items, 0.0).sum(axis=1) - targets)
        rms = math.hypot(grid_spread(14, step), math.sqrt(np.mean(exact**2)))
        assert math.sqrt(np.mean(true**2)) == pytest.approx(rms, rel=0.1)


@pytest.mark.parametrize(("plan", "n"), [("geometric:1.25", 8), ("linear:0.2", 9)])
@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("averages", [1.0, 16.0])
def test_the_measurement_floor_is_the_simulated_one(plan: str, n: int, name: str, averages: float) -> None:
    technology = replace(TECHNOLOGY, measurement=replace(TECHNOLOGY.measurement, averages=averages))
    spec = bank_spec(plan, n, 1e6)
    request = sized_request(error=1e-3, confidence=0.99, targets=name, dies=400)
    floor = program_pairs(spec, technology, request, 400).floor
    forecast = measurement_floor(spec, technology, request.law, request.headroom)
    assert math.sqrt(np.mean(floor**2)) == pytest.approx(forecast, rel=0.1)  # 400 gains: 3.5 % standard error


def test_bits_of_the_converter_are_the_fewest_that_do() -> None:
    spec, law = bank_spec("linear:0.2", 8, 1e6), LAWS["mid"]
    for error, share, averages in itertools.product((1e-3, 1e-5), (0.1, 0.5), (None, 1.0)):
        bits = measurement_bits_for(error, spec, TECHNOLOGY, law, headroom=0.85, share=share, averages=averages)
        for given, enough in ((bits, True), (bits - 1, False)):
            converter = replace(
                TECHNOLOGY.measurement, bits=given, averages=averages or TECHNOLOGY.measurement.averages
            )
            floor = measurement_floor(spec, replace(TECHNOLOGY, measurement=converter), law, 0.85)
            assert (floor <= share * error) == enough


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (3, 1e4), (80, 3.5), (5000, 5000), (0.02, 900)])
@pytest.mark.parametrize("x", [1e-9, 1e-3, 0.3, 0.5, 0.99])
def test_the_incomplete_beta_function(a: float, b: float, x: float) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("freedom", [1, 2, 19, 156, 10_000])
def test_student_s_t(freedom: int) -> None:
    assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-5)


def test_no_event_is_the_rule_of_three() -> None:
    found = share_of(0.0, 3000)
    assert found.low == 0
    assert found.high == pytest.approx(3 / 3000, rel=0.002)
    assert share_of(1.0, 3000).low == pytest.approx(1 - 3 / 3000, rel=1e-5)


@pytest.mark.parametrize(("share", "trials"), [(0.4, 500), (0.02, 500), (0.004, 1000)])
def test_a_share_is_covered_as_often_as_promised(share: float, trials: int) -> None:
    events, weights = np.arange(trials + 1), stats.binom.pmf(np.arange(trials + 1), trials, share)
    covered = 0.0
    for k in events[weights > 1e-9]:
        found = share_of(k / trials, trials)
        covered += weights[k] * (found.low <= share <= found.high)
    assert 0.93 < covered < 0.985


def test_pairs_that_miss_together_are_worth_one() -> None:
    rng = np.random.default_rng(6)
    together = (rng.random(400) < 0.2).astype(float)
    apart = rng.binomial(50, 0.2, 400) / 50
    assert design_effect(together, 50) == pytest.approx(50, rel=0.02)
    assert design_effect(apart, 50) < 1.3
    wide, narrow = clustered_share(together, 50, 1.0), clustered_share(apart, 50, 1.0)
    assert wide.high - wide.low == pytest.approx(math.sqrt(50) * (narrow.high - narrow.low), rel=0.2)
    rare = np.zeros(400)
    assert clustered_share(rare, 50, 10.0).high == pytest.approx(10 * clustered_share(rare, 50, 1.0).high, rel=0.01)


def test_a_median_does_not_hang_on_one_value() -> None:
    values = np.arange(101.0)
    values[-1] = 1e9
    found = median_of(values)
    assert (found.value, found.low, found.high) == (50, 40, 60)

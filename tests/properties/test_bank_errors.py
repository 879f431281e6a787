"""The best error of a pair of banks, through the path of a build: measured banks to ``program``, nearest subset.

Two facts of the mathematics are held to the code: the order of a bank's resistors does not matter, and one more
resistor does no harm. Sums of multiples of one power of two are exact in float64 in any order, so there both hold bit
by bit.
Other sums are rounded, differently in another order, each by at most n units in the last place of the sum of all
magnitudes: so the errors found may differ by that, in the choice and in the sum that is told, and no more is allowed.
"""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rsscircuit.banks import MeasuredBanks, Place, bank_spec, draw_die, measure
from rsscircuit.design import Rules, program
from rsscircuit.technology import load_technology

NEAREST = Rules(tolerance_siemens=0.0)
UNIT = 2.0**-40  # siemens, some pS
MOST = 12
TECHNOLOGY = load_technology("sky130_xhigh_1M")

# whole numbers of units: zeros (open resistors), equal ones, and ratios of a million
WHOLE = st.one_of(st.integers(0, 9), st.sampled_from([1, 1024, 10**6]), st.integers(0, 2**22)).map(float)
# anything a table may say: zeros, equal resistors, and ratios up to 1e12
REAL = st.one_of(st.sampled_from([0.0, 1e-6, 1e-18, 1e-15, 1e-3]), st.floats(1e-15, 1e-3), st.floats(1e-7, 1e-6))


@st.composite
def pairs(draw: st.DrawFn, value: st.SearchStrategy[float]) -> tuple[np.ndarray, float]:
    """A pair of banks [2, n] and a target, from well inside to beyond reach."""
    n = draw(st.integers(1, MOST))
    bank = st.lists(value, min_size=n, max_size=n) | value.map(lambda each: [each] * n)
    banks = np.array([draw(bank), draw(bank)])
    share = draw(st.sampled_from([0.0, 1.0, -1.0, 1.2]) | st.floats(-1.1, 1.1))
    return banks, share * float(banks.sum(axis=1).max())


def best_error(banks: np.ndarray, target: float) -> float:
    """What ``program`` finds for one pair; it must be what the chosen subset really comes to."""
    plan = program(np.array([[target]]), MeasuredBanks(step_siemens=banks[None, None]), NEAREST)
    made = np.where(plan.closed[0, 0], banks, 0.0).sum(axis=1)
    error = float(abs(plan.residual_siemens[0, 0]))
    assert abs(error - abs(made[0] - made[1] - target)) <= rounding(banks, target)
    return error


def rounding(banks: np.ndarray, target: float) -> float:
    """Largest difference that the order of sums can make."""
    return 2.0 * banks.size * float(np.finfo(float).eps) * (float(banks.sum()) + abs(target))


def shuffled(banks: np.ndarray, seed: int) -> np.ndarray:
    """Both banks in an order of their own."""
    result: np.ndarray = np.random.default_rng(seed).permuted(banks, axis=1)
    return result


@settings(max_examples=200, deadline=None)
@given(pairs(WHOLE), st.integers(0, 2**31))
@example((np.array([[5.0, 5.0, 5.0], [5.0, 5.0, 5.0]]), 4.0), 0)
@example((np.array([[0.0], [0.0]]), 0.0), 0)
def test_the_order_of_resistors_changes_nothing_at_all(pair: tuple[np.ndarray, float], seed: int) -> None:
    banks, target = pair[0] * UNIT, np.rint(pair[1]) * UNIT
    assert best_error(shuffled(banks, seed), target) == best_error(banks, target)


@settings(max_examples=200, deadline=None)
@given(pairs(REAL), st.integers(0, 2**31))
def test_the_order_of_resistors_changes_rounding_only(pair: tuple[np.ndarray, float], seed: int) -> None:
    banks, target = pair
    difference = best_error(shuffled(banks, seed), target) - best_error(banks, target)
    assert abs(difference) <= 2 * rounding(banks, target)


@settings(max_examples=200, deadline=None)
@given(pairs(WHOLE), WHOLE, WHOLE)
@example((np.array([[0.0], [0.0]]), 7.0), 0.0, 7.0)
def test_one_more_resistor_never_worsens_an_exact_sum(
    pair: tuple[np.ndarray, float], plus: float, minus: float
) -> None:
    banks, target = pair[0] * UNIT, np.rint(pair[1]) * UNIT
    more = np.column_stack([banks, np.array([plus, minus]) * UNIT])
    assert best_error(more, target) <= best_error(banks, target)


@settings(max_examples=200, deadline=None)
@given(pairs(REAL), REAL, REAL)
def test_one_more_resistor_worsens_by_rounding_at_most(
    pair: tuple[np.ndarray, float], plus: float, minus: float
) -> None:
    banks, target = pair
    more = np.column_stack([banks, [plus, minus]])
    assert best_error(more, target) <= best_error(banks, target) + 2 * rounding(more, target)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["equal", "linear:0.5", "geometric:1.25", "sub-radix:1.8", "uniform:4"]),
    st.integers(2, MOST),
    st.integers(0, 2**31),
    st.floats(-1, 1),
)
def test_both_hold_on_measured_dies(plan: str, n: int, seed: int, share: float) -> None:
    spec, place = bank_spec(plan, n, 1e6), Place(seed=seed, layer="a", tile=0)
    die = draw_die(spec, TECHNOLOGY, np.ones((1, 1), np.bool_), place)
    banks = measure(die, TECHNOLOGY, spec, place).step_siemens[0, 0]
    target = share * float(banks.sum(axis=1).min())
    error = best_error(banks, target)
    assert abs(best_error(shuffled(banks, seed), target) - error) <= 2 * rounding(banks, target)
    fewer = best_error(banks[:, : n - 1], target)
    assert error <= fewer + 2 * rounding(banks, target)

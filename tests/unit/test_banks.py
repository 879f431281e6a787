"""Virtual dies and their measurement: moments, correlations, seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rsscircuit.banks import Die, Place, bank_spec, draw_die, measure, measurement_sigma
from rsscircuit.banks.measurement import mean_rms_lsb, measurement_range, ratio_sigma, reading_sigma
from rsscircuit.errors import InputError
from rsscircuit.technology import load_technology, preset_names

TECHNOLOGY = load_technology("sky130_xhigh_100k")
SPEC = bank_spec("geometric:1.25", 12, 1e5)
EVERYWHERE = np.ones((40, 40), bool)


def resistance(die_number: int = 0, seed: int = 1, tile: int = 0) -> np.ndarray:
    die = draw_die(SPEC, TECHNOLOGY, EVERYWHERE, Place(seed=seed, layer="a", tile=tile, die=die_number))
    return 1.0 / die.on_siemens - TECHNOLOGY.switch.on_ohm


def test_local_spread_falls_with_the_root_of_the_resistance() -> None:
    values = resistance()
    relative = values / values.mean((0, 1, 2)) - 1
    expected = TECHNOLOGY.resistor.sigma_local(SPEC.nominal_ohm)
    assert expected == pytest.approx(0.01402 * np.sqrt(1e5 / SPEC.nominal_ohm), rel=1e-3)
    # 3200 values a branch: a standard deviation is known to 1.25 %, the switch adds under 2 %
    assert relative.std((0, 1, 2)) == pytest.approx(expected, rel=0.07)
    assert np.abs(np.corrcoef(relative.reshape(-1, 12).T) - np.eye(12)).max() < 0.08


def test_a_place_gives_the_same_banks_and_another_gives_others() -> None:
    assert (resistance() == resistance()).all()
    for other in (resistance(die_number=1), resistance(seed=2), resistance(tile=1)):
        assert not np.allclose(other, resistance(), rtol=1e-6)


def test_absent_banks_have_no_conductance_and_do_not_move_the_others() -> None:
    present = EVERYWHERE.copy()
    present[3, 5] = False
    place = Place(seed=1, layer="a", tile=0)
    die, full = draw_die(SPEC, TECHNOLOGY, present, place), draw_die(SPEC, TECHNOLOGY, EVERYWHERE, place)
    assert (die.on_siemens[3, 5] == 0).all()
    assert (die.off_siemens[3, 5] == 0).all()
    assert (die.on_siemens[present] == full.on_siemens[present]).all()
    measured = measure(die, TECHNOLOGY, SPEC, place)
    assert (measured.step_siemens[3, 5] == 0).all()


def test_a_measurement_errs_by_what_it_says() -> None:
    place = Place(seed=1, layer="a", tile=0)
    die = draw_die(SPEC, TECHNOLOGY, EVERYWHERE, place)
    true = die.on_siemens - die.off_siemens
    error = measure(die, TECHNOLOGY, SPEC, place).step_siemens - true
    sigma = measurement_sigma(TECHNOLOGY, SPEC)
    assert sigma == pytest.approx(np.sqrt(2) * reading_sigma(TECHNOLOGY, SPEC))
    # within a column the errors of its gain and of its all-open reading are shared
    fits = [np.polyfit(true[:, column].ravel(), error[:, column].ravel(), 1) for column in range(40)]
    own = [error[:, column].ravel() - np.polyval(fit, true[:, column].ravel()) for column, fit in enumerate(fits)]
    assert np.std(own) == pytest.approx(reading_sigma(TECHNOLOGY, SPEC), rel=0.03)
    gain, all_open = np.std(fits, axis=0)
    assert gain == pytest.approx(ratio_sigma(TECHNOLOGY), rel=0.4)
    assert all_open == pytest.approx(reading_sigma(TECHNOLOGY, SPEC), rel=0.4)


def test_more_bits_and_more_averages_measure_better() -> None:
    coarse = replace(TECHNOLOGY, measurement=replace(TECHNOLOGY.measurement, bits=8.0))
    assert measurement_sigma(coarse, SPEC) == pytest.approx(64 * measurement_sigma(TECHNOLOGY, SPEC))
    slow = replace(TECHNOLOGY, measurement=replace(TECHNOLOGY.measurement, averages=64.0))
    assert measurement_sigma(slow, SPEC) == pytest.approx(measurement_sigma(TECHNOLOGY, SPEC) / 2)


def test_a_measurement_stops_at_its_range_which_no_die_reaches() -> None:
    place = Place(seed=1, layer="a", tile=0)
    die = draw_die(SPEC, TECHNOLOGY, EVERYWHERE, place)
    bright = Die(on_siemens=die.on_siemens * 2, off_siemens=die.off_siemens)
    assert measure(bright, TECHNOLOGY, SPEC, place).step_siemens.max() == measurement_range(TECHNOLOGY, SPEC)
    for name in preset_names():
        technology = load_technology(name)
        spec = bank_spec(technology.plan, technology.resistors, technology.resistor.unit_ohm)
        assert draw_die(spec, technology, EVERYWHERE, place).on_siemens.max() <= measurement_range(technology, spec)


@pytest.mark.parametrize(
    ("plan", "resistors", "says"),
    [
        ("geometric:1.25", 0, "1 to 32"),
        ("geometric:1.25", 33, "1 to 32"),
        ("cubic", 4, "choose from equal"),
        ("geometric:x", 4, "geometric:1.25"),
        ("geometric:0.5", 4, "from 1 to 4"),
        ("equal:3", 4, "write equal"),
        ("uniform:0.5", 4, "down to 1 / parameter.* must be from 1 to 64"),
        ("list:1,2", 4, "got 'list:1,2'; give 4 numbers, or --resistors 2"),
        ("list:1,0.5", 2, "a multiple of the unit resistance, 1 or more"),
        ("list:1,x", 2, "a multiple of the unit resistance"),
        ("list:1,nan", 2, "a multiple of the unit resistance"),
    ],
)
def test_a_bad_bank_is_refused_with_the_remedy(plan: str, resistors: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        bank_spec(plan, resistors, 1e5)


def test_plans_begin_with_the_unit_and_never_fall() -> None:
    for plan in (
        "equal",
        "linear:0.2",
        "geometric:1.25",
        "sub-radix:1.8",
        "binary",
        "uniform:4",
        "list:1,2,3,4,5,6,7,8",
    ):
        ohms = bank_spec(plan, 8, 1e5).nominal_ohm
        assert ohms[0] == 1e5
        assert (np.diff(ohms) >= 0).all()
    assert bank_spec("linear:0.2", 8, 1e5).nominal_ohm[-1] == pytest.approx(1.5e5)


def test_a_random_plan_is_drawn_once_for_all() -> None:
    spec = bank_spec("uniform", 24, 1e5)
    assert spec.plan == "uniform:4"
    assert (spec.nominal_ohm == bank_spec("uniform:4", 24, 1e5).nominal_ohm).all()
    conductances = 1e5 / spec.nominal_ohm
    assert conductances.min() >= 0.25
    assert len(np.unique(conductances)) == 24
    assert conductances.mean() == pytest.approx(0.625, abs=0.15)


def test_a_user_s_list_is_sorted_and_kept_as_it_is_written() -> None:
    spec = bank_spec("list:2.5,1,1.75", 3, 1e6)
    assert spec.plan == "list:1,1.75,2.5"
    assert (spec.nominal_ohm == bank_spec(spec.plan, 3, 1e6).nominal_ohm).all()
    assert spec.nominal_ohm.tolist() == [1e6, 1.75e6, 2.5e6]


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.25, 0.5])
def test_the_mean_of_rounded_readings_errs_as_said(noise: float) -> None:
    generator = np.random.default_rng(4)
    values = generator.random(40_000)
    readings = np.rint(values[:, None] + noise * generator.standard_normal((40_000, 16)))
    rms = float(np.sqrt(np.mean((readings.mean(axis=1) - values) ** 2)))
    assert mean_rms_lsb(noise, 16) == pytest.approx(rms, rel=0.015)  # of 40 000 values: 0.4 %

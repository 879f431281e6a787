"""Corners of operation: what moves, what cancels, and programs that serve all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rsscircuit.banks import Place, bank_spec, draw_die, measure
from rsscircuit.design import Rules, program
from rsscircuit.errors import InputError
from rsscircuit.technology import load_technology
from rsscircuit.technology.cell import at_conditions, on_siemens, resistors_at
from rsscircuit.technology.corners import Corner, at_corner, at_corners, parse_corners

TECHNOLOGY = load_technology("sky130_xhigh_100k")
NOMINAL = Corner(celsius=27.0, supply_volt=1.8, volt=0.0)
G = 1.0 / (np.array([1e5, 2e5, 1e6]) + TECHNOLOGY.switch.on_ohm)


def test_nothing_moves_at_the_nominal_point() -> None:
    assert at_corner(G, TECHNOLOGY, NOMINAL) == pytest.approx(G, rel=1e-12)
    assert at_corner(np.zeros(3), TECHNOLOGY, NOMINAL).tolist() == [0, 0, 0]


def test_heat_weighs_by_the_switch_s_share_of_a_branch() -> None:
    hot = at_corner(G, TECHNOLOGY, replace(NOMINAL, celsius=125.0)) / G - 1
    kelvin, resistor, switch = 98.0, TECHNOLOGY.resistor, TECHNOLOGY.switch
    common = 1 + resistor.tc1_per_kelvin * kelvin + resistor.tc2_per_kelvin2 * kelvin**2
    on_ohm, branch_ohm = switch.on_ohm * (1 + switch.on_tc_per_kelvin * kelvin), TECHNOLOGY.feedback.branch_ohm
    currents = 1.0 / (common * np.array([1e5, 2e5, 1e6]) + on_ohm)  # of one volt
    feedback = (branch_ohm * common + on_ohm) / (branch_ohm + switch.on_ohm)
    assert hot == pytest.approx(currents * feedback / G - 1, rel=1e-9)
    assert hot[0] < -0.005
    assert hot[2] > 0.005


def test_a_lower_supply_and_the_sign_of_the_input_weigh_too() -> None:
    low, high = (at_corner(G, TECHNOLOGY, replace(NOMINAL, supply_volt=volt)) for volt in (1.62, 1.98))
    assert (low < G).tolist() == (high > G).tolist() == [True, False, False]  # the feedback lies between
    plus, minus = (at_corner(G, TECHNOLOGY, replace(NOMINAL, volt=volt)) for volt in (0.2, -0.2))
    even = -0.2 * TECHNOLOGY.resistor.voltage_per_volt * (1 - 2550.0 * G) ** 2
    assert (plus + minus) / 2 / G - 1 == pytest.approx(even, rel=1e-3)
    assert (plus < minus).all()


def test_corners_and_conditions_are_one_truth() -> None:
    for celsius, supply in ((125.0, 1.62), (-40.0, 1.98), (85.0, 1.8)):
        there = at_conditions(TECHNOLOGY, celsius, supply)
        resistance = resistors_at(1.0 / G - TECHNOLOGY.switch.on_ohm, TECHNOLOGY, celsius, supply)
        corner = Corner(celsius=celsius, supply_volt=supply, volt=0.0)
        assert at_corner(G, TECHNOLOGY, corner) == pytest.approx(on_siemens(resistance, there.switch.on_ohm), rel=1e-14)


def test_several_corners_have_an_axis_of_their_own() -> None:
    corners = parse_corners("celsius=-40:125", TECHNOLOGY)
    moved = at_corners(np.stack([G, 2 * G]), TECHNOLOGY, corners)
    assert moved is not None
    assert moved.shape == (2, 3, 2)
    assert (moved[0, :, 1] == at_corner(G, TECHNOLOGY, corners[1])).all()
    assert at_corners(G, TECHNOLOGY, ()) is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("celsius=-40:125", 2), ("celsius=125", 1), ("celsius=-40:125, supply=1.62:1.98", 4), ("volt=0.2", 2),
     ("celsius=-40:125,supply=1.62:1.98,volt=0.2", 8)],
)  # fmt: skip
def test_every_end_meets_every_other(text: str, count: int) -> None:
    corners = parse_corners(text, TECHNOLOGY)
    assert len(set(corners)) == count
    assert all(corner.supply_volt == 1.8 for corner in corners) == ("supply" not in text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("celsius", "a range is LOW:HIGH"),
        ("celsius=125:-40", "a range is LOW:HIGH"),
        ("heat=3", "corners are given by celsius, supply, volt, each once"),
        ("volt=0.1,volt=0.2", "each once"),
        ("supply=0.5", "impossible corner; got 'a supply of 0.5 V leaves the switch no overdrive'"),
        ("celsius=-400", "celsius lies beyond 250 C; got '-400'"),
        ("", "corners are given by"),
    ],
)
def test_corners_that_mean_nothing_are_refused(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_corners(text, TECHNOLOGY)


def test_a_program_for_all_corners_holds_at_all_corners() -> None:
    spec, place = bank_spec("linear:0.8", 12, 1e5), Place(seed=1, layer="a", tile=0)
    banks = measure(draw_die(spec, TECHNOLOGY, np.ones((24, 8), bool), place), TECHNOLOGY, spec, place)
    full_scale = 0.85 * banks.step_siemens.sum(3).min()
    targets = np.clip(np.random.default_rng(0).laplace(0, 0.06 * full_scale, (24, 8)), -full_scale, full_scale)
    targets[::4] = np.random.default_rng(1).uniform(0.5, 1.0, (6, 8)) * full_scale  # large weights hold as well
    everything = parse_corners("celsius=-40:125,supply=1.62:1.98,volt=0.2", TECHNOLOGY)
    corners = at_corners(banks.step_siemens, TECHNOLOGY, everything)
    assert corners is not None
    rules = Rules(tolerance_siemens=2.0**-11 * full_scale)
    everywhere = np.concatenate([banks.step_siemens[..., None], corners], axis=4)

    def worst(closed: np.ndarray) -> np.ndarray:
        pair = np.where(closed[..., None], everywhere, 0.0).sum(3)
        error: np.ndarray = np.abs(pair[:, :, 0] - pair[:, :, 1] - targets[..., None]).max(2)
        return error

    plain, robust = program(targets, banks, rules), program(targets, banks, rules, corners=corners)
    assert plain.worst_siemens == pytest.approx(np.abs(plain.residual_siemens))
    assert robust.worst_siemens == pytest.approx(worst(robust.closed), abs=1e-15 * full_scale)
    assert (robust.worst_siemens[~robust.beyond_tolerance] <= rules.tolerance_siemens).all()
    assert robust.beyond_tolerance.sum() <= 2
    assert worst(plain.closed).max() > 2 * worst(robust.closed).max()
    assert np.sqrt((worst(plain.closed) ** 2).mean()) > 1.2 * np.sqrt((worst(robust.closed) ** 2).mean())


@pytest.mark.parametrize("text", ["volt=0.2", "volt=-0.2:0.1", "volt=-0.2:-0.1", "volt=-0.1:0.2"])
def test_the_largest_input_counts_whatever_its_sign(text: str) -> None:
    technology = load_technology("sky130_xhigh_100k")
    assert sorted(corner.volt for corner in parse_corners(text, technology)) == [-0.2, 0.2]


@pytest.mark.parametrize("text", ["celsius=-40:900", "volt=-5", "supply=1.8:4"])
def test_corners_that_no_chip_is_run_at_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=f"--corners: {text.partition('=')[0]} lies beyond"):
        parse_corners(text, load_technology("sky130_xhigh_100k"))

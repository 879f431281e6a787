"""Technology files: every number with its source, and bad files named."""

from __future__ import annotations

import re

import numpy as np
import pytest

from rsscircuit.errors import TechnologyError
from rsscircuit.technology import load_technology, parse_technology, preset_names, technology_text
from rsscircuit.technology.cell import (
    ageing_siemens2,
    at_conditions,
    curvature,
    on_siemens,
    resistors_at,
    wire_segments,
)


@pytest.mark.parametrize("name", preset_names())
def test_presets_load_and_every_number_has_a_source(name: str) -> None:
    technology = load_technology(name)
    assert len(technology.provenance) >= 25
    assert all(p.source and p.mark in ("sourced", "derived", "assumed") for p in technology.provenance.values())
    assert technology.hypothetical == name.startswith("thesis")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("mismatch_um = ", "mismatc_um = ", "line 15: resistor.mismatc_um: unknown entry, did you mean mismatch_um"),
        ("mismatch_um = ", "mismatc_um = ", "line 9: resistor.mismatch_um: missing entry"),
        ("value = 0.0347", "value = -0.0347", "line 15: resistor.mismatch_um: -0.0347 is negative"),
        ('mark = "sourced"', 'mark = "guessed"', "mark 'guessed'"),
        ('source = "K: spacing"', 'source = " "', "line 13: resistor.spacing_um: needs a source"),
        (
            'value = 0.48, mark = "sourced", ',
            "value = 0.48, ",
            "line 13: resistor.spacing_um: needs value, mark and source",
        ),
        ("value = 0.03,", "value = 0.3,", "process.sigma_lot: 0.3 is not below 0.25"),
        (
            "value = 0.0347",
            "value = 3.47",
            "process.law_local: a relative sigma of 0.443 could turn a resistance negative",
        ),
        (
            'value = "normal"',
            'value = "gauss"',
            "process.law_shared: 'gauss' is no law; choose from normal, truncated:K",
        ),
        ('value = "normal"', "value = 4", "process.law_shared: 4 is not text"),
        ("value = 1e+06", 'value = "big"', "line 10: resistor.unit_ohm: 'big' is not a number"),
        ("value = 1e+06", "value = true", "resistor.unit_ohm: True is not a number"),
        ("value = 1e+06", "value = 0", "resistor.unit_ohm: must be greater than zero"),
        ("[drive]", "[drives]", "drive: missing entry"),
        ("[feedback]", "[feedbacks]", "feedback: missing entry"),
        ("branch_ohm = ", "branches_ohm = ", "feedback.branches_ohm: unknown entry, did you mean branch_ohm"),
        ("value = 1.600e6", "value = 0", "feedback.branch_ohm: must be greater than zero"),
        ("[drive]", "[drives]", ": drives: unknown entry"),
        ('plan = "linear:0.5"', "plan = 3", "bank: needs plan"),
        ("hypothetical = false", 'hypothetical = "no"', "line 7: hypothetical: must be true or false"),
        ("[drive]", "[drive", "not a TOML file"),
    ],
)
def test_a_bad_file_is_named_entry_by_entry(old: str, new: str, says: str) -> None:
    text = technology_text("sky130_xhigh_1M")
    assert old in text
    with pytest.raises(TechnologyError, match=re.escape(says)):
        parse_technology(text.replace(old, new), "mine")


def test_an_unknown_name_lists_the_presets() -> None:
    with pytest.raises(TechnologyError, match="thesis_iid20"):
        load_technology("tsmc7")


def test_the_branch_model_is_the_square_law_to_second_order() -> None:
    technology = load_technology("sky130_xhigh_100k")
    switch = technology.switch
    resistance = np.array([1e5, 1e6])
    beta = 1.0 / (switch.on_ohm * switch.overdrive_volt)
    g = on_siemens(resistance, switch.on_ohm)
    for volt in (-0.2, 0.05, 0.2):
        # i R + u = v with i = beta (V_ov u - u^2 / 2), solved for u
        a, b = 0.5 * beta * resistance, 1 + beta * switch.overdrive_volt * resistance
        u = (b - np.sqrt(b**2 - 4 * a * volt)) / (2 * a)
        exact = (volt - u) / resistance
        model = g * volt + curvature(g, switch) * volt**2
        assert model == pytest.approx(exact, rel=1e-8)


def test_conditions_move_the_switch_and_the_wires_against_the_resistors() -> None:
    technology = load_technology("sky130_xhigh_100k")
    assert at_conditions(technology, 27.0, 1.8) == technology
    hot = at_conditions(technology, 127.0, 1.8)
    common = 1 - 1.470e-3 * 100 + 2.7e-6 * 100**2
    on_ohm, branch_ohm = technology.switch.on_ohm, technology.feedback.branch_ohm
    feedback = (branch_ohm * common + 1.38 * on_ohm) / (branch_ohm + on_ohm)
    assert hot.switch.on_ohm == pytest.approx(1.38 * on_ohm / feedback)
    assert hot.wires.word_line_ohm_per_square == pytest.approx(0.047 * 1.33 / feedback)
    assert resistors_at(np.array([1e5]), technology, 127.0, 1.8) == pytest.approx(1e5 * common / feedback)
    assert resistors_at(np.array([1e5]), technology, 27.0, 1.8)[0] == 1e5
    low = at_conditions(technology, 27.0, 1.3)
    assert low.switch.on_ohm == pytest.approx(2 * on_ohm * (branch_ohm + on_ohm) / (branch_ohm + 2 * on_ohm))
    assert low.switch.overdrive_volt == pytest.approx(0.5)
    with pytest.raises(ValueError, match="no overdrive"):
        at_conditions(technology, 27.0, 0.8)
    with pytest.raises(ValueError, match="temperature coefficients"):
        at_conditions(technology, -400.0, 1.8)


@pytest.mark.parametrize("name", [name for name in preset_names() if not name.startswith("thesis")])
@pytest.mark.parametrize(("celsius", "supply_share"), [(125.0, 0.9), (-40.0, 1.1), (85.0, 1.0), (27.0, 0.8)])
def test_a_branch_of_the_feedback_s_resistance_stays_as_it_is(name: str, celsius: float, supply_share: float) -> None:
    technology = load_technology(name)
    supply = supply_share * technology.drive.supply_volt
    there = at_conditions(technology, celsius, supply)
    resistance = technology.feedback.branch_ohm * np.array([0.5, 1.0, 2.0])
    before = on_siemens(resistance, technology.switch.on_ohm)
    after = on_siemens(resistors_at(resistance, technology, celsius, supply), there.switch.on_ohm)
    assert after[1] == pytest.approx(before[1], rel=1e-13)
    moved = after / before - 1
    assert moved[0] * moved[2] < 0
    assert np.abs(moved[[0, 2]]).min() > 1e-5


def test_ageing_is_the_drift_of_resistors_and_not_of_switches() -> None:
    technology = load_technology("sg13g2_rhigh_100k")  # the switch weighs most
    resistance, on_ohm = np.array([1e5, 3e5]), technology.switch.on_ohm
    siemens = on_siemens(resistance, on_ohm)
    drawn = np.random.default_rng(0).standard_normal((200_000, 1))
    drifted = on_siemens(resistance * (1 + technology.resistor.sigma_ageing_ten_years * drawn), on_ohm)
    expected = ageing_siemens2(siemens, technology)
    assert ((drifted - siemens) ** 2).mean(axis=0) == pytest.approx(expected, rel=0.02)  # 0.3 % standard error
    assert ageing_siemens2(np.zeros(1), technology).tolist() == [0.0]


def test_segments_follow_from_sheet_width_and_pitch() -> None:
    technology = load_technology("sky130_xhigh_100k")
    segments = wire_segments(np.array([1e5] * 4), technology)
    pitch = (4 * (0.83 * (17.5 + 4.64) + 15.0)) ** 0.5
    assert segments.word_ohm == pytest.approx(0.047 * pitch / 5.0)
    assert segments.bit_ohm == pytest.approx(0.0285 * pitch / 5.0)

"""Technology files: every number with its source, and bad files named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rsscircuit.errors import TechnologyError
from rsscircuit.technology import Technology, load_technology, parse_technology, preset_names, technology_text
from rsscircuit.technology.cell import (
    Bend,
    ageing_siemens2,
    at_conditions,
    bend,
    curvature,
    on_siemens,
    resistors_at,
    wire_segments,
)
from rsscircuit.technology.corners import Corner, at_corner


@pytest.mark.parametrize("name", preset_names())
def test_presets_load_and_every_number_has_a_source(name: str) -> None:
    technology = load_technology(name)
    assert len(technology.provenance) >= 25
    assert all(p.source and p.mark in ("sourced", "derived", "assumed") for p in technology.provenance.values())
    assert technology.hypothetical == name.startswith("thesis")


LINES = technology_text("sky130_xhigh_1M").splitlines()


def line_of(start: str) -> int:
    """Number of the one line of the preset that starts so."""
    (number,) = (number for number, line in enumerate(LINES, start=1) if line.startswith(start))
    return number


BROKEN = [
    # what is replaced, by what, on the line that starts with, and what is said of it
    ("mismatch_um = ", "mismatc_um = ", "mismatch_um", "resistor.mismatc_um: unknown entry, did you mean mismatch_um"),
    ("spacing_um = ", "spacing = ", "spacing_um", "resistor.spacing: unknown entry, did you mean spacing_um"),
    ("[process]", "heat = 3\n[process]", "[process]", "resistor.heat: unknown entry"),
    ("[drive]", "[heater]\nx = 1\n[drive]", "[drive]", "heater: unknown entry or section"),
    ("[drive]", "[drives]", "[drive]", "drives: unknown entry or section, did you mean drive"),
    ("[feedback]", "[feedbacks]", "[feedback]", "feedbacks: unknown entry or section, did you mean feedback"),
    ("branch_ohm = ", "branches_ohm = ", "branch_ohm", "feedback.branches_ohm: unknown entry, did you mean branch_ohm"),
    ("value = 1.600e6", "value = 0", "branch_ohm", "feedback.branch_ohm: 0 is not above zero"),
    ("[drive]", "[[drive]]", "[drive]", "drive: is no section; write [drive]"),
    (
        "value = 0.48",
        'value = "0.48 um"',
        "spacing_um",
        "resistor.spacing_um: '0.48 um' is text; write the number alone",
    ),
    ("value = 1e+06", "value = true", "unit_ohm", "resistor.unit_ohm: True is not a number"),
    ("value = 1e+06", "value = 0", "unit_ohm", "resistor.unit_ohm: 0 is not above zero"),
    (
        "value = 1e+06",
        f"value = 1{'0' * 400}",
        "unit_ohm",
        "resistor.unit_ohm: a number of so many digits is not a finite",
    ),
    ("value = 0.0347", "value = nan", "mismatch_um", "resistor.mismatch_um: nan is not a finite number"),
    ("value = 0.0347", "value = -inf", "mismatch_um", "resistor.mismatch_um: -inf is not a finite number"),
    ("value = 0.0347", "value = -0.0347", "mismatch_um", "resistor.mismatch_um: -0.0347 is negative"),
    ("value = 0.03,", "value = -0.03,", "sigma_lot", "process.sigma_lot: -0.03 is negative"),
    ("value = 0.03,", "value = 0.3,", "sigma_lot", "process.sigma_lot: 0.3 is not below 0.25"),
    ("value = -1.470e-3", "value = -1470", "tc1_per_kelvin", "resistor.tc1_per_kelvin: -1470 is not below 0.01"),
    (
        "sigma_tc_per_kelvin = { value = 0.0",
        "sigma_tc_per_kelvin = { value = 0.01",
        "sigma_tc_per_kelvin",
        "resistor.sigma_tc_per_kelvin: 0.01 is not below 0.002",
    ),
    (
        "gradient_per_mm = { value = 1.000e-3",
        "gradient_per_mm = { value = 5",
        "gradient_per_mm",
        "process.gradient_per_mm: 5 is not below 0.02",
    ),
    (
        "supply_volt = { value = 1.8",
        "supply_volt = { value = 0.8",
        "overdrive_volt",
        "switch.overdrive_volt: 1 V is more than supply_volt less common_mode_volt, 0.5 V",
    ),
    ("value = 15.0", "value = 0", "area_um2", "switch.area_um2: 0 is not above zero"),
    ("bits = { value = 14.0", "bits = { value = 0.5", "bits", "measurement.bits: 0.5 is below 1"),
    ("bits = { value = 14.0", "bits = { value = 64", "bits", "measurement.bits: 64 is more than 32 bits"),
    (
        LINES[line_of("spacing_um") - 1],
        "spacing_um = 0.48",
        "spacing_um",
        "resistor.spacing_um: 0.48 stands alone; write {",
    ),
    (
        '0.48, mark = "sourced", ',
        "0.48, ",
        "spacing_um",
        "resistor.spacing_um: needs value, mark and source; lacks mark",
    ),
    (', source = "K: spacing"', "", "spacing_um", "resistor.spacing_um: needs value, mark and source; lacks source"),
    (
        '"K: spacing"',
        '"K", unit = "um"',
        "spacing_um",
        "resistor.spacing_um: needs value, mark and source; has an unknown unit",
    ),
    (
        'value = 0.48, mark = "sourced"',
        'value = 0.48, mark = "guess"',
        "spacing_um",
        "resistor.spacing_um: mark 'guess' is none",
    ),
    ('source = "K: spacing"', 'source = " "', "spacing_um", "resistor.spacing_um: source ' ' says nothing"),
    (
        'law_shared = { value = "normal"',
        'law_shared = { value = "gauss"',
        "law_shared",
        "process.law_shared: 'gauss' is no law",
    ),
    ('law_shared = { value = "normal"', "law_shared = { value = 4", "law_shared", "process.law_shared: 4 is not text"),
    (
        "value = 0.0347",
        "value = 3.47",
        "law_local",
        "process.law_local: a relative sigma of 0.443 could turn a resistance",
    ),
    (
        "-1.000e-3",
        "-7",
        "voltage_per_volt ",
        "resistor.voltage_per_volt: -7 with voltage_per_volt2 0 leaves no resistance",
    ),
    ('plan = "linear:0.5"', "plan = 3", "plan", "bank.plan: 3 is not text"),
    (
        'plan = "linear:0.5"',
        'plan = "cubic"',
        "plan",
        "bank.plan: 'cubic': no such bank plan; choose from equal, linear",
    ),
    ('plan = "linear:0.5"', 'plan = "linear:5"', "plan", "bank.plan: 'linear:5': the parameter of linear"),
    ("resistors = 14", "resistors = 40", "resistors", "bank.resistors: 40: a bank has 1 to 32 resistors"),
    ("resistors = 14", "resistors = 14.0", "resistors", "bank.resistors: 14.0 is no whole number"),
    ("resistors = 14", "", "[bank]", "bank.resistors: missing entry"),
    ("hypothetical = false", 'hypothetical = "no"', "hypothetical", "hypothetical: 'no' is neither true nor false"),
    ('title = "', 'title = 3 # "', "title", "title: 3 is not text"),
]


@pytest.mark.parametrize(("old", "new", "start", "says"), BROKEN)
def test_a_broken_file_gets_one_error_with_file_line_entry_and_remedy(
    old: str, new: str, start: str, says: str, tmp_path: Path
) -> None:
    text, path = technology_text("sky130_xhigh_1M"), tmp_path / "mine.toml"
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(TechnologyError) as caught:
        load_technology(str(path))
    message = str(caught.value)
    assert message.startswith(f"{path}: line {line_of(start)}: {says}")
    assert message.endswith(f"; {REMEDY}")
    assert message.count(": line ") == 1  # one fault, named once


REMEDY = "compare with a preset, as `generate-crossbar technologies sky130_xhigh_1M --toml` prints it"


@pytest.mark.parametrize(
    ("old", "new", "start", "says"),
    [
        ("[drive]", "[drive", "[drive]", "Expected ']' at the end of a table declaration"),
        ("value = 0.48", "value = 0.48 um", "spacing_um", "Unclosed inline table"),
        ("[process]", "unit_ohm = 3\n[process]", "[process]", "Cannot overwrite a value"),
        ("[process]", "[resistor]", "[process]", "Cannot declare ('resistor',) twice"),
    ],
)
def test_what_is_no_toml_is_named_with_its_line(old: str, new: str, start: str, says: str, tmp_path: Path) -> None:
    text, path = technology_text("sky130_xhigh_1M"), tmp_path / "mine.toml"
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(TechnologyError, match=re.escape(f"{says} (at line {line_of(start)}")) as caught:
        load_technology(str(path))
    assert str(caught.value).startswith(f"{path}: not a TOML file; got ")


def test_every_fault_of_a_file_is_named() -> None:
    text = technology_text("sky130_xhigh_1M").replace("value = 0.48", "value = -1").replace("= 14\n", "= 99\n")
    lines = line_of("spacing_um"), line_of("resistors")
    with pytest.raises(TechnologyError, match=f"line {lines[0]}: .*is negative; line {lines[1]}: bank.resistors: 99"):
        parse_technology(text, "mine")
    with pytest.raises(TechnologyError, match="technology mine: bank: missing entry or section; drive: missing"):
        parse_technology(text.partition("[wires]")[0], "mine")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for content, says in ((b"", "is empty"), (b"# nothing\n", "is empty"), (b'title = "\xff"', "cannot read.*UTF-8")):
        (tmp_path / "t.toml").write_bytes(content)
        with pytest.raises(TechnologyError, match=f"{tmp_path / 't.toml'}: .*{says}"):
            load_technology(str(tmp_path / "t.toml"))
    with pytest.raises(TechnologyError, match="is a directory; give the path of a technology file"):
        load_technology(str(tmp_path))


def test_a_user_s_file_works_like_a_preset(tmp_path: Path) -> None:
    text, path = technology_text("sky130_xhigh_100k"), tmp_path / "mine.toml"
    for written in (text, text.replace("\n", "\r\n"), "\ufeff" + text):
        path.write_text(written, "utf-8", newline="")
        assert replace(load_technology(str(path)), name="sky130_xhigh_100k") == load_technology("sky130_xhigh_100k")


def test_an_unknown_name_lists_the_presets() -> None:
    with pytest.raises(TechnologyError, match="thesis_iid20"):
        load_technology("tsmc7")


def series_current(resistance: float, technology: Technology, volt: float) -> float:
    """The exact current of a branch: Newton for the voltage across the switch, square law against R(w)."""
    resistor, switch = technology.resistor, technology.switch
    beta = 1.0 / (switch.on_ohm * switch.overdrive_volt)
    u = volt * switch.on_ohm / (resistance + switch.on_ohm)
    for _ in range(30):
        w = volt - u
        bent = resistance * (1 + resistor.voltage_per_volt * abs(w) + resistor.voltage_per_volt2 * w * w)
        steeper = resistance * (resistor.voltage_per_volt * np.sign(w) + 2 * resistor.voltage_per_volt2 * w)
        current = beta * (switch.overdrive_volt * u - 0.5 * u * u)
        slope = beta * (switch.overdrive_volt - u) + 1 / bent - w * steeper / bent**2
        u -= (current - w / bent) / slope
    return float(
        (volt - u) / (resistance * (1 + resistor.voltage_per_volt * abs(w) + resistor.voltage_per_volt2 * w * w))
    )


def with_voltage(name: str, first: float, second: float) -> Technology:
    technology = load_technology(name)
    return replace(
        technology,
        resistor=replace(technology.resistor, voltage_per_volt=first, voltage_per_volt2=second),
    )


@pytest.mark.parametrize(("first", "second"), [(0.0, 0.0), (-1e-3, 0.0), (1e-2, 0.0), (0.0, -2e-3), (-1e-2, 3e-3)])
@pytest.mark.parametrize("volt", [-0.2, -0.05, 0.05, 0.2, 0.4])
@pytest.mark.parametrize("resistance", [1e5, 1e6])
def test_a_branch_is_the_exact_series_circuit_to_the_order_stated(
    resistance: float, volt: float, first: float, second: float
) -> None:
    technology = with_voltage("sky130_xhigh_100k", first, second)
    switch = technology.switch
    exact = series_current(resistance, technology, volt)
    g = on_siemens(np.array([resistance]), switch.on_ohm)
    bent = bend(g, technology)
    model = float(g[0] * volt + bent.square[0] * volt**2 + bent.odd[0] * volt * abs(volt) + bent.cube[0] * volt**3)
    assert model == pytest.approx(float((g + bent.chord_siemens(volt))[0] * volt), rel=1e-15)
    p, over = float(g[0]) * switch.on_ohm, switch.overdrive_volt
    stated = (p**3 / (2 * over**2) + 2 * abs(first) * p**2 / over) * volt**2
    even = abs(second) * volt**2
    bends = abs(first * volt) + even + p**2 * abs(volt) / (2 * over)  # of the resistor and of the switch
    assert abs(model / exact - 1) <= 1.1 * stated + 6 * bends**3 + 6 * even * bends + 1e-14
    if first or second:  # the terms are needed: without them it is far worse
        plain = float(g[0] * volt + curvature(g, switch)[0] * volt**2)
        assert abs(plain / exact - 1) > 30 * abs(model / exact - 1)


@pytest.mark.parametrize(("low", "high"), [(-0.2, 0.2), (0.0, 0.2), (-0.2, 0.0)])
def test_bends_add_up_cell_by_cell(low: float, high: float) -> None:
    rng = np.random.default_rng(2)
    bent = Bend(**{name: rng.standard_normal((5, 3)) for name in ("square", "odd", "cube")})
    volts = rng.uniform(low, high, (4, 5))
    cells = np.zeros((4, 3))
    for i, j in np.ndindex(5, 3):
        v = volts[:, i]
        cells[:, j] += bent.square[i, j] * v**2 + bent.odd[i, j] * v * abs(v) + bent.cube[i, j] * v**3
    assert bent.currents(volts) == pytest.approx(cells, rel=1e-12)
    assert bent.rows(slice(1, 3)).currents(volts[:, 1:3]) + bent.rows(slice(3, None)).currents(
        volts[:, 3:]
    ) + bent.rows(slice(1)).currents(volts[:, :1]) == pytest.approx(cells, rel=1e-12)


def test_a_resistor_without_voltage_coefficients_leaves_no_such_terms() -> None:
    technology = with_voltage("sky130_xhigh_100k", 0.0, 0.0)
    bent = bend(np.array([0.0, 1e-5]), technology)
    assert not bent.odd.any()
    assert not bent.cube.any()
    assert bent.square.tolist() == [0.0, curvature(np.array([1e-5]), technology.switch)[0]]


def test_the_corner_s_conductance_is_the_branch_s_own() -> None:
    technology = with_voltage("sky130_xhigh_100k", -1e-3, 2e-3)
    for volt in (-0.2, 0.2):
        corner = Corner(celsius=27.0, supply_volt=1.8, volt=volt)
        for resistance in (1e5, 4e5):
            g = on_siemens(np.array([resistance]), technology.switch.on_ohm)
            exact = series_current(resistance, technology, volt) / volt
            assert at_corner(g, technology, corner)[0] == pytest.approx(exact, rel=4e-7, abs=0)


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

"""Every choice of a tile's netlist, run by plain ngspice, against its closed form or an exact nodal solution.

Tolerances are shares of the full scale (every bank of a column driven the same way): 1e-9 where the circuit is linear
or its transistors are solved exactly (what is left is ngspice's iteration and gmin), 1e-7 where open switches of 1e12
Ohm are left out of the closed form.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from circuits import nodal, random_crossbar, run_batch

import rsscircuit
from rsscircuit.errors import InputError
from rsscircuit.netlist import Tia, TileOptions, source_volts, tile_circuit, tile_deck
from rsscircuit.simulate import ngspice
from rsscircuit.technology.cell import Segments
from rsscircuit.technology.effects import EFFECTS, only

LINEAR, WITH_OPEN = 1e-9, 1e-7
BENT = rsscircuit.load_technology("sky130_xhigh_100k")
TECHNOLOGY = only(BENT, set(EFFECTS) - {"voltage"})  # resistors without voltage coefficients
ON_OHM, OVERDRIVE = TECHNOLOGY.switch.on_ohm, TECHNOLOGY.switch.overdrive_volt
COMMON = TECHNOLOGY.drive.common_mode_volt
CROSSBAR = random_crossbar()
ROWS, COLUMNS = CROSSBAR.targets.shape
VOLTS = np.random.default_rng(7).uniform(-0.2, 0.2, ROWS)
WIRES = Segments(word_ohm=40.0, bit_ohm=25.0)


def deck(options: TileOptions, segments: Segments | None = None, technology: object = TECHNOLOGY) -> str:
    return tile_deck(CROSSBAR, technology, label="random", volts=VOLTS, segments=segments, options=options)


def currents(options: TileOptions, folder: Path, segments: Segments | None = None) -> np.ndarray:
    """Column currents, or [columns, 2] with paired columns."""
    found = run_batch(deck(options, segments), folder)
    if options.paired:
        return np.array([[found[f"i(vb{polarity}{j})"] for polarity in "pn"] for j in range(COLUMNS)])
    return np.array([found[f"i(vb{j})"] for j in range(COLUMNS)])


def banks(on_ohm: float = ON_OHM) -> np.ndarray:
    """Closed branches whose switch has another resistance, [rows, cols, 2, n]."""
    with np.errstate(divide="ignore"):
        return np.where(CROSSBAR.closed, 1.0 / (1.0 / CROSSBAR.die.on_siemens - ON_OHM + on_ohm), 0.0)


FULL = float((np.abs(VOLTS) @ banks().sum(axis=(2, 3))).max())


def products(siemens: np.ndarray) -> np.ndarray:
    """Column currents of conductances."""
    total = siemens.sum(axis=3)
    return VOLTS @ (total[:, :, 0] - total[:, :, 1])


def triodes(on_ohm: float, overdrive: float, which: np.ndarray) -> np.ndarray:
    """Column currents of branches, each a resistor and a transistor of beta (V_ov u - u^2 / 2), solved exactly."""
    with np.errstate(divide="ignore"):
        ohms = 1 / CROSSBAR.die.on_siemens - ON_OHM
    beta, volt = 1 / (on_ohm * overdrive), np.stack([VOLTS, -VOLTS], axis=1)[:, None, :, None]
    a, b = -beta / 2, beta * overdrive + 1 / ohms  # a u^2 + b u = v / R
    u = 2 * (volt / ohms) / (b + np.sqrt(b**2 + 4 * a * volt / ohms))
    return np.where(which, (volt - u) / ohms, 0.0).sum(axis=(0, 2, 3))


def close(found: np.ndarray, exact: np.ndarray, tolerance: float, full: float = FULL) -> None:
    error = np.abs(found - exact).max() / full
    assert error <= tolerance


def test_ideal_switches_are_the_closed_form(tmp_path: Path) -> None:
    close(currents(TileOptions(switch="ideal"), tmp_path), products(banks()), WITH_OPEN)


def test_ideal_switches_let_through_what_they_say(tmp_path: Path) -> None:
    opened = ((~CROSSBAR.closed) & (CROSSBAR.die.on_siemens > 0)).sum(axis=3) * 1e-12
    leak = VOLTS @ (opened[:, :, 0] - opened[:, :, 1])
    close(currents(TileOptions(switch="ideal"), tmp_path), products(banks()) + leak, LINEAR)


def test_one_resistor_a_bank_is_the_closed_form(tmp_path: Path) -> None:
    text = deck(TileOptions(merged=True))
    assert ".subckt" not in text
    assert "g0" not in text.split("virtual grounds")[1]
    close(currents(TileOptions(merged=True), tmp_path), products(banks()), LINEAR)


def test_nmos_is_the_closed_form_with_its_square_law(tmp_path: Path) -> None:
    close(currents(TileOptions(), tmp_path), triodes(ON_OHM, OVERDRIVE, CROSSBAR.closed), LINEAR)


def test_a_raised_common_mode_raises_the_switch(tmp_path: Path) -> None:
    overdrive = OVERDRIVE - 0.3
    on_ohm = ON_OHM * OVERDRIVE / overdrive
    options = TileOptions(common_mode_volt=COMMON + 0.3)
    close(currents(options, tmp_path), triodes(on_ohm, overdrive, CROSSBAR.closed), LINEAR)
    close(currents(replace(options, merged=True), tmp_path), products(banks(on_ohm)), LINEAR)
    assert np.abs(products(banks(on_ohm)) - products(banks())).max() > 1e-3 * FULL
    with pytest.raises(InputError, match="does not conduct"):
        deck(TileOptions(common_mode_volt=COMMON + OVERDRIVE))


def test_transmission_gates_add_their_transistors_and_cancel_the_square_law(tmp_path: Path) -> None:
    threshold = TECHNOLOGY.drive.supply_volt - COMMON - OVERDRIVE
    common = 0.9
    conduct = (TECHNOLOGY.drive.supply_volt - common - threshold) + (common - threshold)
    siemens = banks(ON_OHM * OVERDRIVE / conduct)
    found = currents(TileOptions(switch="transmission-gate", common_mode_volt=common), tmp_path)
    close(found, products(siemens), LINEAR)
    alone = currents(TileOptions(switch="transmission-gate"), tmp_path)  # at 0.3 V the PMOS is off
    close(alone, triodes(ON_OHM, OVERDRIVE, CROSSBAR.closed), LINEAR)


def test_the_gates_of_open_switches_are_where_they_are_put(tmp_path: Path) -> None:
    below = currents(TileOptions(gate_off_volt=-0.3), tmp_path)
    close(below, currents(TileOptions(), tmp_path), LINEAR)  # the generic card has no leakage to lose
    assert "Vgo0 go0 0 -0.3" in deck(TileOptions(gate_off_volt=-0.3))
    drawn = (
        CROSSBAR.die.on_siemens > 0
    )  # a gate half way up shows itself: open switches conduct with half the overdrive
    overdrive = 0.5
    half = TECHNOLOGY.drive.supply_volt - OVERDRIVE + overdrive
    on_ohm = ON_OHM * OVERDRIVE / overdrive
    found = currents(TileOptions(gate_off_volt=half), tmp_path)
    ajar = triodes(on_ohm, overdrive, drawn & ~CROSSBAR.closed)
    close(found, triodes(ON_OHM, OVERDRIVE, CROSSBAR.closed) + ajar, LINEAR)
    assert np.abs(ajar).max() > 0.01 * FULL
    with pytest.raises(InputError, match="below the supply"):
        deck(TileOptions(gate_off_volt=2.0))


def test_paired_columns_give_two_currents(tmp_path: Path) -> None:
    found = currents(TileOptions(merged=True, pair="paired-columns"), tmp_path)
    close(found, np.einsum("i,ijp->jp", VOLTS, banks().sum(axis=3)), LINEAR)
    assert list(source_volts(VOLTS[None], TECHNOLOGY, TileOptions(pair="paired-columns"))) == [
        f"vw{i}" for i in range(ROWS)
    ]


@pytest.mark.parametrize("pair", ["negated-input", "paired-columns"])
@pytest.mark.parametrize(("words", "bits"), [(False, False), (True, False), (False, True), (True, True)])
def test_wires_are_the_exact_nodal_solution(pair: str, words: bool, bits: bool, tmp_path: Path) -> None:
    options = TileOptions(
        merged=True, pair=pair, word_both_ends=words, bit_both_ends=bits, driver_ohm=150.0, common_mode_volt=0.35
    )
    found = currents(options, tmp_path, WIRES).ravel()
    siemens = banks(ON_OHM * OVERDRIVE / (OVERDRIVE - 0.05)).sum(axis=3) + CROSSBAR.leak_siemens()
    resistors, fixed, ends = wired(siemens, options)
    volts = nodal(resistors, fixed)
    exact = [
        sum(g * (volts[a if b == end else b] - volts[end]) for a, b, g in resistors if end in (a, b)) for end in ends
    ]
    close(found, np.array(exact), LINEAR)
    ideal = currents(TileOptions(merged=True, pair=pair, common_mode_volt=0.35), tmp_path).ravel()
    assert np.abs(found - ideal).max() > 1e-3 * np.abs(ideal).max()


def wired(
    siemens: np.ndarray, options: TileOptions
) -> tuple[list[tuple[str, str, float]], dict[str, float], list[str]]:
    """Conductances, driven nodes and the ends of the bit lines, from the description in the documentation."""
    common = 0.35
    words = [(i, polarity) for i in range(ROWS) for polarity in ((0,) if options.paired else (0, 1))]
    ends = [(j, polarity) for j in range(COLUMNS) for polarity in ((0, 1) if options.paired else (0,))]
    resistors, fixed = [], {}
    for i, polarity in words:
        line = [f"w{i}{polarity}"] + [f"w{i}{polarity}@{j}{q}" for j, q in ends]
        fixed[f"s{i}{polarity}"] = common + (-VOLTS[i] if polarity else VOLTS[i])
        resistors.append((f"s{i}{polarity}", line[0], 1 / options.driver_ohm))
        resistors += [(a, b, 1 / WIRES.word_ohm) for a, b in pairwise(line)]
        if options.word_both_ends:
            resistors.append((line[-1], line[0], 1 / WIRES.word_ohm))
    for j, q in ends:
        line = [f"b{j}{q}@{i}{polarity}" for i, polarity in words] + [f"b{j}{q}"]
        fixed[line[-1]] = common
        resistors += [(a, b, 1 / WIRES.bit_ohm) for a, b in pairwise(line)]
        if options.bit_both_ends:
            resistors.append((line[-1], line[0], 1 / WIRES.bit_ohm))
    for i in range(ROWS):
        for j in range(COLUMNS):
            for polarity in (0, 1):
                p, q = (0, polarity) if options.paired else (polarity, 0)
                resistors.append((f"w{i}{p}@{j}{q}", f"b{j}{q}@{i}{p}", siemens[i, j, polarity]))
    return resistors, fixed, [f"b{j}{q}" for j, q in ends]


@pytest.mark.parametrize("switch", ["ideal", "nmos"])
def test_leakage_comes_with_the_wires(switch: str, tmp_path: Path) -> None:
    leaky = replace(CROSSBAR.die, off_siemens=np.where(CROSSBAR.die.on_siemens > 0, 1e-8, 0.0))
    crossbar = replace(CROSSBAR, die=leaky)
    wires = Segments(word_ohm=0.0, bit_ohm=0.0)
    options = TileOptions(switch=switch)
    text = tile_deck(crossbar, TECHNOLOGY, label="leaky", volts=VOLTS, segments=wires, options=options)
    found = run_batch(text, tmp_path)
    leak = crossbar.leak_siemens()
    without = currents(options, tmp_path)
    expected = VOLTS @ (leak[:, :, 0] - leak[:, :, 1])
    if switch == "ideal":  # they let 1e-12 S through by themselves, in both decks
        opened = ((~CROSSBAR.closed) & (CROSSBAR.die.on_siemens > 0)).sum(axis=3) * 1e-12
        expected -= VOLTS @ (opened[:, :, 0] - opened[:, :, 1])
    close(np.array([found[f"i(vb{j})"] for j in range(COLUMNS)]) - without, expected, LINEAR)
    assert np.abs(expected).max() > 1e-5 * FULL


@pytest.mark.parametrize(("gain", "offset"), [(1e3, 0.0), (1e5, 2e-3)])
@pytest.mark.parametrize("pair", ["negated-input", "paired-columns"])
def test_amplifiers_are_the_exact_nodal_solution(gain: float, offset: float, pair: str, tmp_path: Path) -> None:
    tia = Tia(gain=gain, offset_volt=offset, feedback_ohm=2e4)
    options = TileOptions(merged=True, readout=tia, pair=pair)
    found = run_batch(deck(options), tmp_path)
    siemens, resistors, fixed, amplifiers = banks().sum(axis=3), [], {}, []
    for i in range(ROWS):
        fixed[f"w{i}p"], fixed[f"w{i}n"] = COMMON + VOLTS[i], COMMON - VOLTS[i]
        for j in range(COLUMNS):
            for p, polarity in enumerate("pn"):
                row = f"w{i}p" if options.paired else f"w{i}{polarity}"
                resistors.append((row, f"{polarity}{j}" if options.paired else f"{j}", siemens[i, j, p]))
    columns = [f"{polarity}{j}" for j in range(COLUMNS) for polarity in ("pn" if options.paired else ("",))]
    for column in columns:
        resistors.append((column, f"out{column}", 1 / tia.feedback_ohm))
        amplifiers.append((column, f"out{column}", gain, COMMON + offset, COMMON))
    exact = nodal(resistors, fixed, amplifiers)
    swing = [found[f"v(out{column})"] - COMMON for column in columns]
    expected = np.array([exact[f"out{column}"] - COMMON for column in columns])
    close(np.array(swing), expected, LINEAR, full=float(np.abs(expected).max()))


def test_feedback_of_branches_is_the_feedback_resistor(tmp_path: Path) -> None:
    plain = run_batch(deck(TileOptions(switch="ideal", readout=Tia())), tmp_path)
    made = run_batch(deck(TileOptions(switch="ideal", readout=Tia(feedback_branches=6))), tmp_path)
    assert made == pytest.approx(plain, rel=LINEAR)
    nmos = run_batch(deck(TileOptions(readout=Tia(feedback_branches=6))), tmp_path)
    assert nmos == pytest.approx(plain, rel=1e-4)  # the square law of banks and feedback
    raised = TileOptions(switch="nmos", readout=Tia(feedback_branches=6), common_mode_volt=0.6)
    assert "R" in deck(raised)
    with pytest.raises(InputError, match="smaller than their switches"):
        deck(TileOptions(readout=Tia(feedback_ohm=100.0, feedback_branches=2)))


def test_the_amplifier_has_the_bandwidth_it_says(tmp_path: Path) -> None:
    text = deck(TileOptions(merged=True, readout=Tia(gain=1e4, bandwidth_hertz=1e6)))
    bare = """* the amplifier alone, open loop
{part}
Vin in 0 dc 0 ac 1
Vref ref 0 0
X1 in ref out tia
.control
set numdgt=15
ac lin 1 1e6 1e6
let size = vm(out)
print size
quit
.endc
.end
""".format(part=text[text.index(".subckt tia") : text.index(".ends tia") + 9])
    path = tmp_path / "open.cir"
    path.write_text(bare)
    done = subprocess.run(["ngspice", "-b", path.name], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("size =")]
    assert float(line.split("=")[1]) == pytest.approx(1 / np.hypot(1, 1e-4), rel=1e-6)  # one at the product


@pytest.mark.parametrize(("first", "second"), [(-1e-3, 0.0), (0.0, 3e-3), (2e-2, -1e-2)])
@pytest.mark.parametrize(
    "options",
    [TileOptions(merged=True), TileOptions(switch="ideal"), TileOptions(merged=True, common_mode_volt=0.8)],
    ids=["merged", "ideal", "another R_on"],
)
def test_the_voltage_coefficient_is_that_of_the_branches(
    options: TileOptions, first: float, second: float, tmp_path: Path
) -> None:
    """To the third order that :mod:`rsscircuit.technology.cell` leaves out."""
    resistor = replace(TECHNOLOGY.resistor, voltage_per_volt=first, voltage_per_volt2=second)
    technology = replace(TECHNOLOGY, resistor=resistor)
    found = run_batch(deck(options, technology=technology), tmp_path)
    overdrive = OVERDRIVE + COMMON - (options.common_mode_volt or COMMON)
    on_ohm = ON_OHM * OVERDRIVE / overdrive
    with np.errstate(divide="ignore"):
        ohms = 1 / CROSSBAR.die.on_siemens - ON_OHM
    exact = np.zeros(COLUMNS)
    for i, j, polarity, k in np.argwhere(CROSSBAR.closed):
        volt = -VOLTS[i] if polarity else VOLTS[i]
        current = volt / (ohms[i, j, polarity, k] + on_ohm)
        for _ in range(50):  # the branch itself: a resistor that depends on its own voltage, and its switch
            over = volt - current * on_ohm
            current = over / (ohms[i, j, polarity, k] * (1 + first * abs(over) + second * over**2))
        exact[j] += current
    columns = np.array([found[f"i(vb{j})"] for j in range(COLUMNS)])
    one, two = abs(first) * 0.2, abs(second) * 0.04
    left_out = 5 * (one**3 + one * two + two**2)
    close(columns, exact, (WITH_OPEN if options.switch == "ideal" else LINEAR) + left_out)
    linear = run_batch(deck(replace(options, voltage_coefficient=False), technology=technology), tmp_path)
    assert np.abs(np.array([linear[f"i(vb{j})"] for j in range(COLUMNS)]) - exact).max() > 10 * left_out * FULL


def test_a_technology_without_coefficients_has_no_such_sources() -> None:
    assert "*abs(" not in deck(TileOptions())
    assert "*abs(" in deck(TileOptions(), technology=BENT)
    assert deck(TileOptions(voltage_coefficient=False), technology=BENT).count("left out") == 1


@pytest.mark.parametrize(
    "options",
    [
        TileOptions(switch="ideal"),
        TileOptions(switch="transmission-gate", common_mode_volt=0.9),
        TileOptions(merged=True, voltage_coefficient=True),
        TileOptions(gate_off_volt=-0.3, driver_ohm=80.0),
    ],
)
def test_the_same_text_runs_through_pyspice(options: TileOptions, tmp_path: Path) -> None:
    batch = currents(options, tmp_path)
    volts = source_volts(VOLTS[None], TECHNOLOGY, options)
    loaded = ngspice.operating_points(deck(options), volts, COLUMNS, where="tile")
    assert loaded[0] == pytest.approx(batch, rel=1e-12)
    zero = source_volts(0 * VOLTS[None], TECHNOLOGY, options)
    assert np.abs(ngspice.operating_points(deck(options), zero, COLUMNS, where="tile")).max() <= LINEAR * FULL


def test_the_head_of_a_deck_says_what_it_is() -> None:
    options = TileOptions(
        switch="transmission-gate",
        word_both_ends=True,
        pair="paired-columns",
        readout=Tia(gain=1e4, feedback_branches=3),
        gate_off_volt=-0.3,
        common_mode_volt=0.9,
        driver_ohm=50.0,
        voltage_coefficient=True,
    )
    head = "\n".join(tile_circuit(CROSSBAR, BENT, label="random", segments=WIRES, options=options).notes)
    words = (
        "transmission gates",
        "both ends",
        "bp<j>",
        "10000.0",
        "3 branches",
        "-0.3 V",
        "0.9 V",
        "50.0 Ohm",
        "-0.001",
    )
    for word in words:
        assert word in head


def test_choices_that_exclude_each_other_are_refused() -> None:
    for options, words in (
        (TileOptions(word_both_ends=True), "word lines without resistance"),
        (TileOptions(bit_both_ends=True), "bit lines without resistance"),
    ):
        with pytest.raises(InputError, match=words):
            deck(options)
    for wrong in ({"switch": "relay"}, {"pair": "none"}, {"driver_ohm": -1.0}, {"switch": "pdk"}):
        with pytest.raises(InputError):
            TileOptions(**wrong)
    with pytest.raises(InputError, match="gain"):
        Tia(gain=0.0)


def test_a_branch_beyond_its_switch_is_named() -> None:
    on = CROSSBAR.die.on_siemens.copy()
    on[0, 0, 1, 2] = 1.0
    crossbar = replace(CROSSBAR, die=replace(CROSSBAR.die, on_siemens=on))
    with pytest.raises(InputError, match="row 0, column 0, -, branch 2"):
        tile_deck(crossbar, TECHNOLOGY, label="random")

"""Banks, pairs and chains in ngspice, against their closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsscircuit.netlist.circuits.amplifier import Amplifier
from rsscircuit.netlist.circuits.bank import bank, bank_ampere, bent_branch_ampere, branch_ampere
from rsscircuit.netlist.circuits.bias import current_reference, reference_ampere
from rsscircuit.netlist.circuits.pairs import (
    negated_input,
    negated_input_ampere,
    paired_columns,
    paired_columns_ampere,
)
from rsscircuit.netlist.circuits.series import GAMMA, Chain, operating_point, series, simulated_point
from rsscircuit.netlist.circuits.switches import LEVELS, Level, SwitchKind, grounded
from rsscircuit.netlist.elements import DcSweep
from rsscircuit.simulate.ngspice import analyse
from rsscircuit.technology import load_technology
from rsscircuit.technology.cell import curvature, on_siemens

SKY = load_technology("sky130_xhigh_100k")
OHMS = np.array([3e4, 4.1e4, 5.5e4, 7e4, 9.3e4, 1.2e5])
CLOSED = [True, False, True, True, False, True]


def current(circuit, source: str = "bit") -> float:
    return float(analyse(circuit, where="test")[f"i({source})"][0])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("volt", [0.2, -0.2, 0.01])
@pytest.mark.parametrize("technology", ["sky130_xhigh_100k", "gf180_hres1k_100k"])
def test_bank(level: Level, volt: float, technology: str) -> None:
    """Ideal switches make a linear circuit: 1e-9. With transistors ngspice stops at its own relative error: 1e-6."""
    process = load_technology(technology)
    found = current(bank(OHMS, CLOSED, process, volt=volt, level=level))
    wanted = bank_ampere(OHMS, CLOSED, volt, process, level)
    assert found == pytest.approx(wanted, rel=1e-9 if level == "ideal" else 1e-6)


@pytest.mark.parametrize("volt", [0.01, 0.2, 0.6, 1.2])
def test_resistors_with_their_voltage_coefficients(volt: float) -> None:
    """What is left out is of third order, (a V)^3: 2e-9 at 1.2 V; the coefficient itself is some 2e-4 of a current.

    Of a chain at its own settings ngspice ends on 1e-6.
    """
    bent = bent_branch_ampere(OHMS, volt, SKY)[np.array(CLOSED)].sum()
    found = current(bank(OHMS, CLOSED, SKY, volt=volt, voltage_coefficient=True))
    assert found == pytest.approx(bent, rel=1e-8)
    assert bent / bank_ampere(OHMS, CLOSED, volt, SKY) - 1.0 == pytest.approx(1e-3 * volt, rel=0.15)
    chain = Chain(resistance_ohm=OHMS, kept=CLOSED, technology=SKY, volt=volt, voltage_coefficient=True)
    ohm = simulated_point(analyse(series(chain), where="test"), 6).ohm
    assert ohm == pytest.approx(operating_point(chain).ohm, rel=1e-6)
    assert ohm < operating_point(replace(chain, voltage_coefficient=False)).ohm * (1.0 - 1e-4 * volt)


def test_a_chain_whose_switches_do_not_conduct_is_no_resistor() -> None:
    chain = Chain(resistance_ohm=OHMS, kept=[True] * 5 + [False], technology=SKY, volt=1.4)
    assert operating_point(chain).ohm == np.inf


def test_bank_swept_is_bank_by_points() -> None:
    common, volt = SKY.drive.common_mode_volt, 0.2
    swept = analyse(
        bank(OHMS, CLOSED, SKY, volt=0.0, analysis=DcSweep("line", common - volt, common + volt, volt)), where="test"
    )
    wanted = [bank_ampere(OHMS, CLOSED, each, SKY) for each in (-volt, 0.0, volt)]
    np.testing.assert_allclose(swept["i(bit)"], wanted, rtol=1e-6, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.floats(1e4, 1e7), st.floats(-0.25, 0.25))
def test_the_exact_branch_is_the_cell_model_to_second_order(ohm: float, volt: float) -> None:
    """The rest is of third order in the share s = R_on / (R + R_on): below s^2 (v / V_ov)^2 of the current."""
    switch = SKY.switch
    siemens = on_siemens(np.array([ohm]), switch.on_ohm)
    cell = siemens * volt + curvature(siemens, switch) * volt**2
    share, bend = float(siemens[0]) * switch.on_ohm, volt / switch.overdrive_volt
    exact = branch_ampere(np.array([ohm]), volt, SKY)
    assert abs(float((exact - cell)[0])) <= float(siemens[0]) * abs(volt) * (share**2 * bend**2 + 1e-12)


def test_a_grounded_switch_is_the_same_transistor() -> None:
    """Only the common mode moves: the card is the same, and the bank on ground follows its closed form."""
    low = grounded(SKY)
    cards = [SwitchKind(technology=each, level="nmos").card.values for each in (SKY, low)]
    for key in ("threshold_volt", "transconductance"):
        assert cards[0][key] == pytest.approx(cards[1][key], rel=1e-12)
    assert current(bank(OHMS, CLOSED, low, volt=0.2)) == pytest.approx(bank_ampere(OHMS, CLOSED, 0.2, low), rel=1e-6)


@pytest.mark.parametrize("gain", [1e2, 1e6])
def test_current_reference(gain: float) -> None:
    """What a finite gain leaves of the reference stands across the bank, (V_gate - V_ref) / A_0 missing: 1e-6."""
    low, volt = grounded(SKY), 0.6
    circuit = current_reference(OHMS, CLOSED, low, Amplifier(gain=gain, bandwidth_hertz=1e6), reference_volt=volt)
    found = {name: float(values[0]) for name, values in analyse(circuit, where="test").items()}
    assert found["v(sense)"] == pytest.approx(volt - (found["v(drive)"] - volt) / gain, rel=1e-9)
    assert found["v(drive)"] > volt + 0.5  # an NMOS follows its gate by its threshold
    assert found["i(out)"] == pytest.approx(reference_ampere(OHMS, CLOSED, low, found["v(sense)"]), rel=1e-6)


def test_voltage_coefficients_bend_a_reference() -> None:
    """Without the switch's share, a resistor of -0.1 %/V carries 6e-4 more at 0.6 V."""
    low = grounded(SKY)
    straight = replace(low, resistor=replace(low.resistor, voltage_per_volt=0.0, voltage_per_volt2=0.0))
    bent, linear = (reference_ampere(100.0 * OHMS, CLOSED, each, 0.6) for each in (low, straight))
    assert bent / linear - 1.0 == pytest.approx(6e-4, rel=0.01)


@pytest.mark.parametrize("level", LEVELS)
def test_pairs(level: Level) -> None:
    """Both sides are closed forms of the same branches: tolerances of the bank, relative to the larger bank."""
    ohms, closed = np.stack([OHMS, OHMS[::-1] * 1.07]), [CLOSED, [not on for on in CLOSED]]
    scale = bank_ampere(ohms[0], closed[0], 0.2, SKY, level)
    bound = (1e-9 if level == "ideal" else 1e-6) * scale
    one = current(negated_input(ohms, closed, SKY, volt=0.2, level=level))
    assert one == pytest.approx(negated_input_ampere(ohms, closed, 0.2, SKY, level), abs=bound)
    two = analyse(paired_columns(ohms, closed, SKY, volt=0.2, level=level), where="test")
    difference = float(two["i(bp)"][0] - two["i(bn)"][0])
    assert difference == pytest.approx(paired_columns_ampere(ohms, closed, 0.2, SKY, level), abs=bound)


def test_equal_banks_are_zero_in_paired_columns_and_bend_in_negated_input() -> None:
    """k+ - k- vanishes, k+ + k- does not."""
    ohms, closed = np.stack([OHMS, OHMS]), [CLOSED, CLOSED]
    two = analyse(paired_columns(ohms, closed, SKY, volt=0.2), where="test")
    assert two["i(bp)"][0] == pytest.approx(two["i(bn)"][0], rel=1e-12)
    siemens = on_siemens(OHMS[CLOSED], SKY.switch.on_ohm)
    bend = 2.0 * float(curvature(siemens, SKY.switch).sum()) * 0.2**2
    assert current(negated_input(ohms, closed, SKY, volt=0.2)) == pytest.approx(bend, rel=0.02)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("gamma", [0.0, GAMMA])
def test_series(level: Level, gamma: float) -> None:
    """With transistors the equations are the card's own: 1e-6. The ideal switches' leakage is left out: 1e-5."""
    factors = np.linspace(0.95, 1.05, 6) if level == "nmos" else None
    chain = Chain(
        resistance_ohm=OHMS,
        kept=CLOSED,
        technology=SKY,
        volt=0.2,
        level=level,
        gamma=gamma,
        switch_factor=factors,
    )
    found, wanted = simulated_point(analyse(series(chain), where="test"), 6), operating_point(chain)
    assert found.ohm == pytest.approx(wanted.ohm, rel=1e-6 if level == "nmos" else 1e-5)
    np.testing.assert_allclose(found.on_ohm(chain), wanted.on_ohm(chain), rtol=1e-4)


def test_on_resistance_rises_along_the_chain() -> None:
    """All shorted: every switch sees the same current, and the one that lies higher has the larger resistance."""
    chain = Chain(resistance_ohm=OHMS, kept=[False] * 6, technology=SKY, volt=0.2)
    point = simulated_point(analyse(series(chain), where="test"), 6)
    on = point.on_ohm(chain)
    assert (np.diff(on) > 0).all()
    flat = operating_point(replace(chain, gamma=0.0)).on_ohm(replace(chain, gamma=0.0))
    assert on[-1] > flat[-1] * 1.02


def test_a_chain_with_nothing_shorted_is_its_sum() -> None:
    chain = Chain(resistance_ohm=OHMS, kept=[True] * 6, technology=SKY, volt=0.2)
    found = simulated_point(analyse(series(chain), where="test"), 6)
    assert found.ohm == pytest.approx(OHMS.sum(), rel=1e-9)
    assert operating_point(chain).ohm == pytest.approx(OHMS.sum(), rel=1e-12)

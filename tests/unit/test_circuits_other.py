"""Fuses, selectors, leakage and capacitors in ngspice, against their closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from circuits import RESET_SWITCH

from rsscircuit.netlist.circuits.amplifier import Amplifier
from rsscircuit.netlist.circuits.bank import branch_ampere
from rsscircuit.netlist.circuits.capacitors import (
    BOLTZMANN,
    ChargeSum,
    charge_sum,
    injection,
    plate_noise,
    reset_noise,
    sample_noise,
    sampled_volt,
)
from rsscircuit.netlist.circuits.leakage import BIASINGS, Biasing, leak_ampere, open_bank
from rsscircuit.netlist.circuits.one_time import Fuse, fused_branch, linked_bank
from rsscircuit.netlist.circuits.selector import Selector, floating_read, half_selected, half_selected_ampere
from rsscircuit.simulate.ngspice import analyse
from rsscircuit.technology import load_technology

SKY = load_technology("sky130_xhigh_100k")
CHARGES = ChargeSum(
    farad=np.array([1.0, 1.1, 1.25, 1.4, 1.7, 2.0]) * 1e-13,
    selected=[True, False, True, True, False, False],
    feedback_farad=4e-13,
    reference_volt=0.5,
    amplifier=Amplifier(gain=1e4, bandwidth_hertz=5e8),
    on_ohm=2e3,
    phase_second=1e-6,
)


@pytest.mark.parametrize("conducts", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.95, 1.05])
def test_fuse_latch_answers_right_within_its_margin(conducts: bool, share: float) -> None:
    """The latch turns over where its offset passes the divider's margin, here within 5 % of it."""
    fuse = Fuse()
    offset = share * fuse.margin_volt(conducts) * (-1.0 if conducts else 1.0)
    values = analyse(fused_branch(fuse, conducts, 1e5, SKY, volt=0.2, offset_volt=offset), where="test")
    assert values["v(sense)"][0] == pytest.approx(fuse.sense_volt(conducts), rel=1e-6)
    closed = conducts if share < 1.0 else not conducts
    wanted = float(branch_ampere(np.array([1e5]), 0.2, SKY)[0]) if closed else 0.0
    assert values["i(bit)"][-1] == pytest.approx(wanted, rel=1e-3, abs=1e-12)
    assert values["v(low)"][-1] == pytest.approx(SKY.drive.supply_volt if closed else 0.0, abs=1e-6)


def test_fuse_margins_are_equal_at_the_geometric_mean() -> None:
    fuse = Fuse()
    assert fuse.margin_volt(True) == pytest.approx(fuse.margin_volt(False), rel=1e-12)
    assert fuse.margin_volt(True) == pytest.approx(0.0359, abs=1e-4)


def test_linked_bank() -> None:
    """A linear circuit: 1e-9."""
    ohms, linked = np.array([1e5, 1.3e5, 2e5]), [True, False, True]
    found = analyse(linked_bank(ohms, linked, SKY, volt=0.2, link_ohm=5.0), where="test")["i(bit)"][0]
    assert found == pytest.approx(0.2 * (1.0 / 100005.0 + 1.0 / 200005.0), rel=1e-9)


@pytest.mark.parametrize("biasing", BIASINGS, ids=lambda each: each.name)
@pytest.mark.parametrize("volt", [0.2, -0.2])
def test_leakage(biasing: Biasing, volt: float) -> None:
    """The closed form leaves out what the resistors drop, below 1e-3 of V_t."""
    found = analyse(open_bank(np.full(8, 1e6), biasing, volt=volt), where="test")["i(bit)"][0]
    assert found == pytest.approx(8.0 * leak_ampere(biasing, volt), rel=2e-3)


def test_both_countermeasures_cut_the_worse_sign_a_thousandfold() -> None:
    plain, *others = (abs(leak_ampere(biasing, -0.2)) for biasing in BIASINGS)
    assert all(each < plain / 1000.0 for each in others)


@pytest.mark.parametrize("selector", [None, Selector()])
def test_half_selected(selector: Selector | None) -> None:
    """Newton's equations are the simulator's: 1e-4, the simulator's own bound on a current."""
    ohms = np.linspace(8e3, 1.2e4, 16).reshape(4, 4)
    found = analyse(half_selected(ohms, (1, 2), volt=1.0, selector=selector), where="test")
    for j, wanted in enumerate(half_selected_ampere(ohms, (1, 2), 1.0, selector)):
        assert found[f"i(b{j})"][0] == pytest.approx(wanted, rel=1e-4)


def test_selectors_end_the_sneak_path() -> None:
    """Equal resistors: three in a row beside the cell; with selectors the rest of the array adds below 1e-6."""
    ohms, ohm, selector = np.full((4, 4), 1e4), 1e4, Selector()
    bare = analyse(floating_read(ohms, (1, 2), volt=1.0), where="test")["i(b2)"][0]
    assert bare == pytest.approx(1.0 / ohm + 1.0 / (ohm / 3 + ohm / 9 + ohm / 3), rel=1e-6)
    read = analyse(floating_read(ohms, (1, 2), volt=1.0, selector=selector), where="test")["i(b2)"][0]
    assert read == pytest.approx(selector.cell_ampere(1.0, ohm), rel=1e-6)


def test_selector_passes_through_its_two_points_and_bends_the_multiplication() -> None:
    selector = Selector()
    assert selector.ampere(1.0) == pytest.approx(1e-4, rel=1e-12)
    assert selector.ampere(0.5) == pytest.approx(1e-14, rel=1e-6)
    assert selector.read_error(0.5, 1.0, 1e4) < -0.999


@pytest.mark.parametrize("offset_volt", [0.0, 5e-3])
@pytest.mark.parametrize("gain", [1e2, 1e4])
def test_charge_sum(gain: float, offset_volt: float) -> None:
    """Settled for a hundred time constants; what remains is the simulator's step control: 1e-5 of the output."""
    bank = replace(CHARGES, amplifier=replace(CHARGES.amplifier, gain=gain, offset_volt=offset_volt))
    found = analyse(charge_sum(bank), where="test")["v(out)"][-1]
    assert found == pytest.approx(bank.output_volt(), rel=1e-5)


def test_an_unselected_capacitor_adds_nothing_but_noise_gain() -> None:
    none = replace(CHARGES, selected=[False] * 6)
    assert analyse(charge_sum(none), where="test")["v(out)"][-1] == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("farad", [1e-14, 1e-12])
def test_sampled_noise_is_kt_over_c(farad: float) -> None:
    """The band of eight decades holds all but 1e-4 of the power; the trapezoids between 50 points a decade 1e-3."""
    found = analyse(sample_noise(2e3, farad), where="test")["onoise_total"][0]
    assert found == pytest.approx(sampled_volt(farad), rel=1e-3)


def test_noise_of_the_bottom_plates() -> None:
    """The power is kT sum(C) / C_f^2, to 1e-3 for the band and the finite gain."""
    found = analyse(plate_noise(CHARGES), where="test")["onoise_total"][0]
    wanted = np.sqrt(BOLTZMANN * 300.15 * CHARGES.farad.sum()) / CHARGES.feedback_farad
    assert found == pytest.approx(wanted, rel=1e-3)


def test_noise_of_the_reset_phase() -> None:
    """The reset switch's kT / C_f and what the plates add, to 1e-3 for the band and the finite gain."""
    found = analyse(reset_noise(CHARGES), where="test")["onoise_total"][0]
    assert found == pytest.approx(CHARGES.reset_noise_volt(), rel=1e-3)
    plates = analyse(plate_noise(CHARGES), where="test")["onoise_total"][0]
    assert np.hypot(found, plates) == pytest.approx(CHARGES.noise_volt(), rel=1e-3)


def test_overlap_feedthrough() -> None:
    """A channel without charge leaves the capacitive divider: exact to C_ov / C, below 1e-3 here."""
    switch, farad = replace(RESET_SWITCH, oxide_farad_per_m2=1e-6), 4e-13
    found = analyse(injection(switch, farad, 1e-10), where="test")["v(a)"][-1] - switch.source_volt
    assert found == pytest.approx(switch.step_volt(farad), rel=2e-3)


def test_channel_charge_halves() -> None:
    """Meyer's capacitances do not conserve charge and add some gate coupling after the channel is gone: 10 %."""
    values = analyse(injection(RESET_SWITCH, 4e-13, 1e-10), where="test")
    assert values["v(a)"][-1] == pytest.approx(values["v(b)"][-1], abs=1e-7)
    assert values["v(a)"][-1] - RESET_SWITCH.source_volt == pytest.approx(RESET_SWITCH.step_volt(4e-13), rel=0.10)

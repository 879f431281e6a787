"""The text of circuits: analyses as ngspice wants them, decks that run by themselves, and refused ones."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from circuits import RESET_SWITCH

from rsscircuit.errors import InputError, SimulationError
from rsscircuit.netlist import dialects
from rsscircuit.netlist.circuits.amplifier import Amplifier, Column, column
from rsscircuit.netlist.circuits.bank import bank
from rsscircuit.netlist.circuits.bias import current_reference
from rsscircuit.netlist.circuits.capacitors import ChargeSum, charge_sum, injection, sample_noise
from rsscircuit.netlist.circuits.leakage import BIASINGS, open_bank
from rsscircuit.netlist.circuits.one_time import Fuse, fused_branch
from rsscircuit.netlist.circuits.selector import Selector, half_selected
from rsscircuit.netlist.circuits.series import Chain, series
from rsscircuit.netlist.circuits.switches import grounded
from rsscircuit.netlist.dialects import spice
from rsscircuit.netlist.elements import (
    Ac,
    Circuit,
    DcSweep,
    Noise,
    OperatingPoint,
    Resistor,
    Section,
    Switch,
    Transient,
    VoltageSource,
)
from rsscircuit.simulate import vacask
from rsscircuit.simulate.ngspice import analyse
from rsscircuit.technology import load_technology

SKY = load_technology("sky130_xhigh_100k")
OHMS = np.array([3e4, 4.1e4, 5.5e4])
CLOSED = [True, False, True]
DECKS = {
    "bank": bank(OHMS, CLOSED, SKY, volt=0.2),
    "series": series(Chain(resistance_ohm=OHMS, kept=CLOSED, technology=SKY, volt=0.2)),
    "column": column(
        Column(siemens=[1e-5], volts=[0.1], feedback_ohm=1e5, amplifier=Amplifier(gain=1e4, bandwidth_hertz=1e7))
    ),
    "fuse": fused_branch(Fuse(), True, 1e5, SKY, volt=0.2),
    "selector": half_selected(np.full((2, 2), 1e4), (0, 1), volt=1.0, selector=Selector()),
    "leakage": open_bank(np.full(2, 1e6), BIASINGS[0], volt=-0.2),
    "bias": current_reference(
        30.0 * OHMS, CLOSED, grounded(SKY), Amplifier(gain=1e6, bandwidth_hertz=1e6), reference_volt=0.6
    ),
    "bent": bank(OHMS, CLOSED, SKY, volt=0.6, voltage_coefficient=True),
    "injection": injection(
        RESET_SWITCH,
        4e-13,
        1e-10,
    ),
}


@pytest.mark.parametrize(
    ("analysis", "line"),
    [
        (OperatingPoint(), ".op"),
        (DcSweep("in", 0.0, 1.0, 0.5), ".dc vin 0.0 1.0 0.5"),
        (Transient(1e-9, 1e-6), ".tran 1e-09 1e-06"),
        (Transient(1e-9, 1e-6, from_initial=True, longest_step=1e-10), ".tran 1e-09 1e-06 0.0 1e-10 uic"),
        (Ac(10, 1.0, 1e6), ".ac dec 10 1.0 1000000.0"),
        (Noise("out", "in", 10, 1.0, 1e6), ".noise v(out) vin dec 10 1.0 1000000.0"),
    ],
)
def test_analysis_lines(analysis: spice.Analysis, line: str) -> None:
    assert spice.analysis_line(analysis) == line


def test_temperature_coefficients_are_written_where_there_are_any() -> None:
    assert spice.element_line(Resistor("a", "x", "0", 1e3)) == "Ra x 0 1000.0"
    assert spice.element_line(Resistor("a", "x", "0", 1e3, -1e-3, 2e-6)) == "Ra x 0 1000.0 tc1=-0.001 tc2=2e-06"


@pytest.mark.parametrize("name", DECKS)
def test_decks_run_by_themselves(name: str, tmp_path: Path) -> None:
    """Plain ngspice prints, at the last point, what the library returned: all that it prints, 15 digits."""
    deck = tmp_path / f"{name}.cir"
    deck.write_text(spice.write(DECKS[name]))
    done = subprocess.run(["ngspice", "-b", str(deck)], capture_output=True, text=True, timeout=60, check=True)
    found = analyse(DECKS[name], where=name)
    source = DECKS[name].currents[0] if DECKS[name].currents else None
    wanted = float(found[f"i({source})"][-1] if source else found[f"v({DECKS[name].voltages[0]})"][-1])
    numbers = [float(each) for each in re.findall(r"-?\d\.\d+e[+-]\d+", done.stdout)]
    assert min(abs(each - wanted) for each in numbers) <= 1e-9 * abs(wanted)


def test_a_noise_deck_runs_by_itself(tmp_path: Path) -> None:
    deck = tmp_path / "noise.cir"
    deck.write_text(spice.write(sample_noise(2e3, 1e-12)))
    done = subprocess.run(["ngspice", "-b", str(deck)], capture_output=True, text=True, timeout=60, check=True)
    total = float(re.search(r"onoise_total = (\S+)", done.stdout)[1])
    assert total == pytest.approx(analyse(sample_noise(2e3, 1e-12), where="noise")["onoise_total"][0], rel=1e-9)


def test_a_refused_deck_is_told_and_the_next_one_runs() -> None:
    broken = Circuit(
        title="no such model",
        sections=(
            Section("", (VoltageSource("in", "a", "0", 1.0), Switch("s", "a", "0", "a", "0", "nowhere"))),
        ),
        currents=("in",),
    )  # fmt: skip
    with pytest.raises(SimulationError, match=r"broken deck: ngspice"):
        analyse(broken, where="broken deck")
    assert analyse(DECKS["bank"], where="bank")["i(bit)"].size == 1


def test_a_node_that_is_not_there_is_told() -> None:
    lost = Circuit(
        title="lost",
        sections=(Section("", (VoltageSource("in", "a", "0", 1.0), Resistor("1", "a", "0", 1e3))),),
        voltages=("a", "nowhere"),
    )
    with pytest.raises(SimulationError, match="deck"):
        analyse(lost, where="deck")


@pytest.mark.parametrize("name", sorted(DECKS))
def test_vacask_gives_the_numbers_of_ngspice(name: str) -> None:
    """The same cards and sub-circuits in both: ngspice ends on 1e-7 of an exponential law, 1e-5 of a loop's gate."""
    found, other = analyse(DECKS[name], where=name), vacask.analyse(DECKS[name], where=name)
    moving = isinstance(DECKS[name].analysis, Transient)
    bounds = {"rel": 1e-6 if moving else 1e-5 if name == "bias" else 1e-7, "abs": 1e-6 if moving else 1e-18}
    saved = [*(f"i({source})" for source in DECKS[name].currents), *(f"v({node})" for node in DECKS[name].voltages)]
    assert saved
    for each in saved:
        assert other[each][-1].real == pytest.approx(found[each][-1], **bounds), each


def test_vacask_programs_a_blown_fuse_too() -> None:
    """The latch turns the other way: no current, and the gate at 0."""
    other = vacask.analyse(fused_branch(Fuse(), False, 1e5, SKY, volt=0.2), where="fuse")
    assert other["v(high)"][-1].real == pytest.approx(SKY.drive.supply_volt, rel=1e-6)
    assert abs(other["i(bit)"][-1]) < 1e-15


def test_a_circuit_with_ideal_switches_is_refused_by_vacask() -> None:
    charges = ChargeSum(
        farad=np.array([1e-13]),
        selected=[True],
        feedback_farad=1e-13,
        reference_volt=0.5,
        amplifier=Amplifier(gain=1e4, bandwidth_hertz=1e8),
        on_ohm=1e3,
        phase_second=1e-6,
    )
    with pytest.raises(InputError, match="no such part; got 'switch_ideal'"):
        dialects.write(charge_sum(charges), "vacask")

"""The text of circuits: analyses as ngspice wants them, decks that run by themselves, and refused ones."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from circuits import run_vacask

from rsscircuit.errors import InputError, SimulationError
from rsscircuit.netlist import dialects
from rsscircuit.netlist.circuits.amplifier import Amplifier, Column, column
from rsscircuit.netlist.circuits.bank import bank
from rsscircuit.netlist.circuits.capacitors import sample_noise
from rsscircuit.netlist.circuits.leakage import BIASINGS, open_bank
from rsscircuit.netlist.circuits.one_time import Fuse, fused_branch
from rsscircuit.netlist.circuits.selector import Selector, half_selected
from rsscircuit.netlist.circuits.series import Chain, series
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


@pytest.mark.parametrize("name", ["bank", "series"])
def test_vacask_gives_the_numbers_of_ngspice(name: str, tmp_path: Path) -> None:
    """The card is one for the crossbar and for these, here with a body effect."""
    found = analyse(DECKS[name], where=name)
    other = run_vacask(dialects.write(DECKS[name], "vacask"), tmp_path)
    assert other["i(vbit)"] == pytest.approx(found["i(bit)"][0], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "part"), [("fuse", "sense_latch"), ("selector", "selector"), ("leakage", "off_state")]
)
@pytest.mark.parametrize("dialect", ["vacask", "xyce"])
def test_a_part_that_a_dialect_does_not_have_is_refused_by_name(name: str, part: str, dialect: str) -> None:
    with pytest.raises(InputError, match=f"no such part; got '{part}'"):
        dialects.write(DECKS[name], dialect)

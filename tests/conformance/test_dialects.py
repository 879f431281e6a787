"""Dialects: VACASK is run and gives ngspice's numbers; Xyce cannot be run here, so every line's form is checked."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from circuits import RESET_SWITCH, random_crossbar, run_batch, run_vacask, vacask

import rsscircuit
from rsscircuit import templates
from rsscircuit.errors import InputError, SimulationError
from rsscircuit.netlist import ModelCard, Tia, TileOptions, dialects, tile_circuit
from rsscircuit.netlist.circuits.amplifier import Amplifier
from rsscircuit.netlist.circuits.bank import bank
from rsscircuit.netlist.circuits.bias import current_reference
from rsscircuit.netlist.circuits.capacitors import ChargeSum, charge_sum, injection, plate_noise
from rsscircuit.netlist.circuits.leakage import BIASINGS, open_bank
from rsscircuit.netlist.circuits.one_time import Fuse, fused_branch, linked_bank
from rsscircuit.netlist.circuits.selector import Selector, half_selected
from rsscircuit.netlist.circuits.series import Chain, series
from rsscircuit.netlist.elements import (
    Ac,
    Capacitor,
    Circuit,
    CurrentSource,
    DcSweep,
    ModelText,
    Noise,
    Part,
    PiecewiseLinear,
    Pulse,
    Resistor,
    Section,
    Switch,
    Transient,
    VoltageSource,
    WeightedSum,
)
from rsscircuit.simulate import ngspice
from rsscircuit.simulate import vacask as vacask_engine
from rsscircuit.technology.cell import Segments

TECHNOLOGY = rsscircuit.load_technology("sky130_xhigh_100k")
WIRES = Segments(word_ohm=40.0, bit_ohm=25.0)
AMPLIFIER = Amplifier(gain=1e4, bandwidth_hertz=1e7)
LEVELS = {
    "nmos": TileOptions(),
    "transmission gates": TileOptions(switch="transmission-gate", common_mode_volt=0.9, gate_off_volt=-0.2),
    "merged": TileOptions(merged=True, pair="paired-columns", word_both_ends=True, driver_ohm=70.0),
    "amplifiers": TileOptions(readout=Tia(gain=1e4, offset_volt=1e-3, feedback_branches=4)),
    "voltage coefficient": TileOptions(merged=True, voltage_coefficient=True),
}


def circuit(options: TileOptions) -> Circuit:
    volts = np.random.default_rng(3).uniform(-0.2, 0.2, 4)
    return tile_circuit(random_crossbar(), TECHNOLOGY, label="random", volts=volts, segments=WIRES, options=options)


@pytest.mark.parametrize("level", LEVELS)
def test_vacask_gives_the_numbers_of_ngspice(level: str, tmp_path: Path) -> None:
    made = circuit(LEVELS[level])
    spice = run_batch(dialects.write(made), tmp_path)
    other = run_vacask(dialects.write(made, "vacask"), tmp_path)
    full = max(abs(value) for value in spice.values())
    assert max(abs(other[name] - value) for name, value in spice.items()) <= 1e-9 * full
    assert len(spice) == len(made.currents) + len(made.voltages)


def test_vacask_converges_beside_wires_of_a_tenth_of_an_ohm(tmp_path: Path) -> None:
    """Half a volt over such a segment rounds to 1e-15 A: the bound is that, over the current of one branch."""
    wires = Segments(word_ohm=0.18, bit_ohm=0.11)
    made = tile_circuit(random_crossbar(), TECHNOLOGY, label="random", segments=wires)
    spice = run_batch(dialects.write(made), tmp_path)
    other = run_vacask(dialects.write(made, "vacask"), tmp_path)
    assert max(abs(other[name] - value) for name, value in spice.items()) <= 1e-8 * max(map(abs, spice.values()))


@pytest.mark.parametrize("level", LEVELS)
def test_every_line_of_a_xyce_deck_has_its_form(level: str) -> None:
    check_xyce(dialects.write(circuit(LEVELS[level]), "xyce"))
    check_xyce(dialects.write(circuit(TileOptions(switch="ideal")), "xyce"))


def beside_the_crossbar() -> dict[str, Circuit]:
    """The circuits with parts of their own."""
    charges = ChargeSum(
        farad=np.array([1e-13, 2e-13]),
        selected=[True, False],
        feedback_farad=2e-13,
        reference_volt=0.5,
        amplifier=AMPLIFIER,
        on_ohm=1e3,
        phase_second=1e-6,
    )
    ohms, closed = np.array([3e4, 4e4]), [True, False]
    return {
        "bank": bank(ohms, closed, TECHNOLOGY, volt=0.2, level="ideal"),
        "bent bank": bank(ohms, closed, TECHNOLOGY, volt=0.2, voltage_coefficient=True),
        "chain": series(Chain(resistance_ohm=ohms, kept=closed, technology=TECHNOLOGY, volt=0.2)),
        "links": linked_bank(ohms, closed, TECHNOLOGY, volt=0.2, link_ohm=5.0),
        "fuse": fused_branch(Fuse(), True, 1e5, TECHNOLOGY, volt=0.2),
        "selector": half_selected(np.full((2, 2), 1e4), (0, 1), volt=1.0, selector=Selector()),
        "leakage": open_bank(ohms, BIASINGS[1], volt=-0.2),
        "current reference": current_reference(ohms, closed, TECHNOLOGY, AMPLIFIER, reference_volt=0.6),
        "charge sum": charge_sum(charges),
        "noise of the plates": plate_noise(charges),
        "injection": injection(RESET_SWITCH, 4e-13, 1e-10),
    }


@pytest.mark.parametrize("name", sorted(beside_the_crossbar()))
def test_every_line_of_the_other_circuits_has_its_form_in_xyce(name: str) -> None:
    check_xyce(dialects.write(beside_the_crossbar()[name], "xyce"))


NUMBER, NAME, NODE = r"[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?", r"\w+", r"\w+"
VALUE = rf"(?:{NUMBER}|\{{[^{{}}]+\}})"
ASSIGNMENTS = rf"(?: \w+={VALUE})+"
XYCE = re.compile(
    "|".join(
        (
            r"\*.*",
            rf"\.subckt {NAME}(?: {NODE})+(?: params:{ASSIGNMENTS})?",
            rf"\.ends {NAME}",
            rf"\.model {NAME} (?:nmos|pmos|vswitch) \((?:\w+={NUMBER} ?)+\)",
            rf"\.options (?:device|nonlin){ASSIGNMENTS}",
            rf"\.dc \w+ {NUMBER} {NUMBER} {NUMBER}",
            rf"\.tran {NUMBER} {NUMBER}(?: {NUMBER} {NUMBER})?(?: uic)?",
            rf"\.ac dec \d+ {NUMBER} {NUMBER}",
            rf"\.noise v\({NODE}\) \w+ dec \d+ {NUMBER} {NUMBER}",
            r"\.print (?:dc|tran|ac|noise) format=csv",
            r"\+(?: [iv]\(\w+\)| onoise)+",
            r"\.end",
            rf"R{NAME} {NODE} {NODE} {VALUE}(?: tc1={NUMBER})?(?: tc2={NUMBER})?",
            rf"C{NAME} {NODE} {NODE} {VALUE}(?: ic={NUMBER})?",
            rf"[VI]{NAME} {NODE} {NODE} (?:dc )?{VALUE}(?: ac {NUMBER})?(?: (?:pulse|pwl)\({NUMBER}(?: {NUMBER})+\))?",
            rf"[EG]{NAME} {NODE} {NODE} {NODE} {NODE} {VALUE}",
            rf"B{NAME} {NODE} {NODE} [iv]=\{{[^{{}}]+\}}",
            rf"S{NAME} {NODE} {NODE} {NODE} {NODE} {NAME}",
            rf"M{NAME} {NODE} {NODE} {NODE} {NODE} {NAME}{ASSIGNMENTS}",
            rf"X{NAME}(?: {NODE})+ {NAME}(?: params:{ASSIGNMENTS})?",
        )
    )
)


def check_xyce(deck: str) -> None:
    """Every line has a form, sub-circuits are defined before use with the right number of nodes, names are unique."""
    ports: dict[str, int] = {}
    names: set[str] = set()
    kept: set[str] = set()
    for line in deck.splitlines():
        assert XYCE.fullmatch(line), line
        words = line.lower().split()
        if words[0] == ".subckt":
            ports[words[1]] = (words.index("params:") if "params:" in words else len(words)) - 2
            kept, names = names, set()
        elif words[0] == ".ends":
            names = kept
        elif line[0] in "RCVIEGBSMX":
            assert words[0] not in names, line
            names.add(words[0])
        if line[0] == "X":
            end = words.index("params:") if "params:" in words else len(words)
            assert end - 2 == ports[words[end - 1]], line
    assert deck.splitlines()[-1] == ".end"
    assert "not run" in deck.splitlines()[1]


@pytest.mark.parametrize("name", ["switch_nmos", "switch_pmos", "tia", "sense_latch", "reference_nmos"])
def test_what_is_run_nowhere_has_the_text_that_is_run_in_ngspice(name: str) -> None:
    assert templates.read(f"netlist/xyce/{name}.cir") == templates.read(f"netlist/spice/{name}.cir")


def test_a_xyce_switch_closes_at_the_higher_voltage() -> None:
    card = re.search(r"von=(\S+) voff=(\S+)\)", dialects.write(circuit(TileOptions(switch="ideal")), "xyce"))
    assert card is not None
    assert [float(volt) for volt in card.groups()] == pytest.approx([1.35, 0.45])  # three quarters of the supply, one


def test_the_form_of_a_xyce_deck_can_be_wrong() -> None:
    deck = dialects.write(circuit(TileOptions()), "xyce")
    for good, bad in (
        ("params:", "param:"),
        (" bank params", " tank params"),
        ("Rwp0_1 ", "Rwp0_0 "),
        (".options device", ".option"),
    ):
        with pytest.raises((AssertionError, KeyError)):
            check_xyce(deck.replace(good, bad))


def analyses() -> list[Circuit]:
    """A circuit with every kind of source and analysis."""
    wave, steps = Pulse(0.0, 1.0, 1e-9, 1e-9, 1e-9, 1e-6, 2e-6), PiecewiseLinear(((0.0, 0.0), (1e-6, 1.0)))
    elements = (
        VoltageSource("in", "a", "0", 0.0, ac=1.0, waveform=wave),
        CurrentSource("more", "b", "0", 1e-6, waveform=steps),
        Resistor("load", "a", "b", 1e3),
        Capacitor("load", "b", "0", 1e-9),
        WeightedSum("sum", "c", "0", ((2.0, "a", "b"), (-1.0, "b", "0")), constant=0.5, rectified=True),
    )
    some = (
        DcSweep("in", 0.0, 1.0, 0.5),
        Transient(1e-8, 4e-6, longest_step=5e-9),
        Ac(3, 1e3, 1e6),
        Noise("b", "in", 3, 1e3, 1e6),
    )
    return [
        Circuit(
            title="sources",
            sections=(Section("", elements),),
            analysis=analysis,
            voltages=("b", "c"),
            celsius=85.0,
            relative_tolerance=1e-6,
        )
        for analysis in some
    ]


@pytest.mark.parametrize("made", analyses(), ids=["dc", "tran", "ac", "noise"])
def test_every_analysis_is_written_in_every_dialect(made: Circuit, tmp_path: Path) -> None:
    check_xyce(dialects.write(made, "xyce"))
    (tmp_path / "deck.sim").write_text(dialects.write(made, "vacask"), "utf-8")
    done = subprocess.run([vacask(), "deck.sim"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob("*1.raw"))
    (tmp_path / "deck.cir").write_text(dialects.write(made), "utf-8")
    done = subprocess.run(["ngspice", "-b", "deck.cir"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("engine", [ngspice, vacask_engine], ids=["ngspice", "vacask"])
def test_a_sweep_has_both_its_ends_and_one_that_is_cut_short_is_told(
    engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By steps of 0.1 V from 0.1 V VACASK would end at 0.6 V."""
    parts = (VoltageSource("in", "a", "0", 0.0), Resistor("load", "a", "0", 1.0))
    swept = Circuit(
        title="a sweep", sections=(Section("", parts),), analysis=DcSweep("in", 0.1, 0.7, 0.1), voltages=("a",)
    )
    assert engine.analyse(swept, where="the tile")["v(a)"] == pytest.approx(0.1 * np.arange(1, 8))
    short = replace(swept, analysis=DcSweep("in", 0.1, 0.6, 0.1))
    written, line = dialects.write(short, engine.__name__.rpartition(".")[2]), ngspice.spice.analysis_line
    monkeypatch.setattr(vacask_engine.dialect, "write", lambda circuit: written)
    monkeypatch.setattr(ngspice.spice, "analysis_line", lambda analysis: line(short.analysis))
    with pytest.raises(SimulationError, match=r"the tile: .*6 of 7 points"):
        engine.analyse(swept, where="the tile")


def test_what_a_dialect_cannot_express_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="switch_ideal"):
        dialects.write(circuit(TileOptions(switch="ideal")), "vacask")
    for element, words in (
        (Switch("s", "a", "0", "g", "0", "switch"), "voltage-controlled switch"),
        (Capacitor("c", "a", "0", 1e-9, initial_volt=1.0), "initial voltage"),
        (Resistor("r", "a", "0", 1e3, tc1_per_kelvin=1e-3), "temperature coefficients"),
    ):
        made = Circuit(title="refused", sections=(Section("", (element,)),), voltages=("a",))
        with pytest.raises(InputError, match=words):
            dialects.write(made, "vacask")
    with pytest.raises(InputError, match="initial voltages"):
        dialects.write(Circuit(title="t", analysis=Transient(1e-9, 1e-6, from_initial=True), voltages=("a",)), "vacask")
    text = ModelText(notes=(), name="switch", kind="nmos", parameters={"level": "54"})
    card = ModelCard(
        kit="sky130",
        text=text,
        width_m=1e-6,
        length_m=1e-6,
        more={},
        on_ohm=1e3,
        common_mode_volt=TECHNOLOGY.drive.common_mode_volt,
        gate_volt=TECHNOLOGY.drive.supply_volt,
    )
    for dialect in ("xyce", "vacask"):
        with pytest.raises(InputError, match="model card"):
            dialects.write(circuit(TileOptions(switch="pdk", card=card)), dialect)
        with pytest.raises(InputError, match="no such part"):
            dialects.write(Circuit(title="t", parts=(Part("valve"),)), dialect)
    with pytest.raises(InputError, match="no such dialect"):
        dialects.write(circuit(TileOptions()), "eldo")

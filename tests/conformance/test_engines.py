"""One suite for every simulator of a tile: the three must agree on what they share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.netlist import tile_deck
from rsscircuit.options import BuildOptions
from rsscircuit.simulate.engines import ENGINES, Setting, parasitic_matrices
from rsscircuit.technology import preset_names
from rsscircuit.technology.cell import Segments

IDEAL = Segments(word_ohm=0.0, bit_ohm=0.0)
TILES = [("conv", 0), ("hidden", 0), ("hidden", 3), ("out", 0)]


def run(engine: str, directory: Path, layer: str, tile: int, volts: np.ndarray, *, wires: bool = False) -> np.ndarray:
    design = rsscircuit.load(directory)
    mapped = design.layer(layer)
    crossbar = design.crossbar(mapped, mapped.tiles[tile])
    setting = Setting(
        technology=design.technology,
        segments=design.segments if wires else IDEAL,
        deck=lambda: tile_deck(
            crossbar, design.technology, label=mapped.label, segments=design.segments if wires else None
        ),
        where=f"{layer} {tile}",
    )
    return ENGINES[engine](crossbar, volts, setting)


def volts_of(directory: Path, layer: str, tile: int, cases: int = 3) -> np.ndarray:
    rows = rsscircuit.load(directory).layer(layer).tiles[tile].rows
    return np.random.default_rng(9).uniform(-0.2, 0.2, (cases, rows))


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize(("layer", "tile"), TILES)
def test_agrees_with_the_closed_form(engine: str, layer: str, tile: int, small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    mapped = design.layer(layer)
    crossbar = design.crossbar(mapped, mapped.tiles[tile])
    volts = volts_of(small_design, layer, tile)
    exact = volts @ crossbar.pair_siemens()
    full = (np.abs(volts) @ np.abs(crossbar.pair_siemens())).max()
    # |a| V of the voltage coefficient, and leakage
    bound = {"ideal": 1e-15, "nodal": 2.5e-4, "ngspice": 2.5e-4}[engine]
    assert np.abs(run(engine, small_design, layer, tile, volts) - exact).max() <= bound * full


@pytest.mark.parametrize("engine", list(ENGINES))
def test_zero_volts_carry_no_current_and_cases_are_independent(engine: str, small_design: Path) -> None:
    volts = volts_of(small_design, "conv", 0, cases=4)
    volts[2] = 0.0
    together = run(engine, small_design, "conv", 0, volts)
    assert np.abs(together[2]).max() < 1e-15
    alone = np.concatenate([run(engine, small_design, "conv", 0, case[None]) for case in volts])
    assert together == pytest.approx(alone, rel=1e-9, abs=1e-16)  # of some 5e-7, rounding where it is none


@pytest.mark.parametrize(("layer", "tile"), TILES)
def test_ngspice_is_the_closed_form_with_what_bends_a_branch(layer: str, tile: int, small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    mapped = design.layer(layer)
    crossbar = design.crossbar(mapped, mapped.tiles[tile])
    volts = volts_of(small_design, layer, tile)
    exact = volts @ crossbar.pair_siemens() + crossbar.bend(design.technology).currents(volts)
    full = (np.abs(volts) @ np.abs(crossbar.pair_siemens())).max()
    assert np.abs(run("ngspice", small_design, layer, tile, volts) - exact).max() <= 1e-9 * full


@pytest.mark.parametrize(("layer", "tile"), TILES)
def test_ngspice_and_nodal_agree_with_wires_and_leakage(layer: str, tile: int, small_design: Path) -> None:
    volts = volts_of(small_design, layer, tile)
    spice = run("ngspice", small_design, layer, tile, volts, wires=True)
    nodal = run("nodal", small_design, layer, tile, volts, wires=True)
    ideal = run("ideal", small_design, layer, tile, volts)
    full = np.abs(ideal).max()
    assert np.abs(spice - nodal).max() <= 3e-7 * full  # a bend of 2e-4, taken at ideal line voltages
    assert np.abs(nodal - ideal).max() >= 1e-6 * full


@pytest.mark.parametrize("name", preset_names())
def test_the_engines_agree_in_every_technology(name: str, small_network: Path, tmp_path: Path) -> None:
    options = BuildOptions(technology=name, tile=(32, 4), netlists="none", resistors=8)
    design = rsscircuit.build(small_network, tmp_path / "d", options)
    mapped = design.layer("conv")
    crossbar = design.crossbar(mapped, mapped.tiles[0])
    volts = volts_of(tmp_path / "d", "conv", 0)
    bent = volts @ crossbar.pair_siemens() + crossbar.bend(design.technology).currents(volts)
    full = (np.abs(volts) @ np.abs(crossbar.pair_siemens())).max()
    # what the bend leaves out where a switch is a fortieth of a branch, and ngspice's own 3e-8 where it is next to none
    assert np.abs(run("ngspice", tmp_path / "d", "conv", 0, volts) - bent).max() <= 6e-7 * full
    leak = crossbar.leak_siemens()
    nodal = bent + volts @ (leak[:, :, 0] - leak[:, :, 1])
    assert np.abs(run("nodal", tmp_path / "d", "conv", 0, volts) - nodal).max() <= 1e-12 * full


def test_parasitic_matrices_fall_back_to_the_plan_without_wires(small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    mapped = design.layer("hidden")
    crossbar = design.crossbar(mapped, mapped.tiles[0])
    linear, _ = parasitic_matrices(crossbar, design.technology, IDEAL)
    leak = crossbar.leak_siemens()
    assert linear == pytest.approx(crossbar.pair_siemens() + leak[:, :, 0] - leak[:, :, 1], rel=1e-12)

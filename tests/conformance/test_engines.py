"""One suite for every simulator of a tile: they must agree on what they share, and each with its closed form.

Bounds are shares of the full scale, every bank of a column driven the same way. ``ideal`` leaves out what bends a
branch and the wires; the others are held to the closed form with both.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from circuits import random_crossbar
from wire_oracles import by_recursion

import rsscircuit
from rsscircuit.design import Crossbar
from rsscircuit.errors import InputError
from rsscircuit.netlist import TileOptions, tile_deck
from rsscircuit.options import BuildOptions
from rsscircuit.simulate.conditions import at_point
from rsscircuit.simulate.engines import DIALECTS, ENGINES, Setting, parasitic_matrices
from rsscircuit.technology import Technology, preset_names
from rsscircuit.technology.cell import Segments, wire_segments
from rsscircuit.technology.effects import EFFECTS, only

TILES = [("conv", 0), ("hidden", 0), ("hidden", 3), ("out", 0)]
LEVEL = TileOptions(voltage_coefficient=True)
BENDS = [engine for engine in ENGINES if engine != "ideal"]
DECKS = list(DIALECTS)
STRAIGHT = only(rsscircuit.load_technology("sky130_xhigh_100k"), set(EFFECTS) - {"voltage"})
WIRES = Segments(word_ohm=40.0, bit_ohm=25.0)


def simulate(
    engine: str,
    crossbar: Crossbar,
    technology: Technology,
    volts: np.ndarray,
    *,
    segments: Segments | None = None,
    options: TileOptions = LEVEL,
) -> np.ndarray:
    """Currents by one engine; decks are written in its dialect."""
    setting = Setting(
        technology=technology,
        segments=segments,
        deck=lambda: tile_deck(
            crossbar, technology, label="tile", segments=segments, options=options, dialect=DIALECTS[engine]
        ),
        where="the tile",
        options=options,
    )
    return ENGINES[engine](crossbar, volts, setting)


def tile_of(directory: Path, layer: str, tile: int) -> tuple[rsscircuit.Design, Crossbar]:
    design = rsscircuit.load(directory)
    mapped = design.layer(layer)
    return design, design.crossbar(mapped, mapped.tiles[tile])


def volts_of(crossbar: Crossbar, cases: int = 3) -> np.ndarray:
    return np.random.default_rng(9).uniform(-0.2, 0.2, (cases, len(crossbar.targets)))


def full_scale(crossbar: Crossbar, volts: np.ndarray) -> float:
    return float((np.abs(volts) @ crossbar.bank_siemens().sum(axis=2)).max())


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize(("layer", "tile"), TILES)
def test_the_closed_form(engine: str, layer: str, tile: int, small_design: Path) -> None:
    """2.5e-4: the voltage coefficient of 0.1 %/V at 0.2 V, and the switch's square law."""
    design, crossbar = tile_of(small_design, layer, tile)
    volts = volts_of(crossbar)
    found = simulate(engine, crossbar, design.technology, volts)
    exact, full = volts @ crossbar.pair_siemens(), full_scale(crossbar, volts)
    assert np.abs(found - exact).max() <= (1e-15 if engine == "ideal" else 2.5e-4) * full
    if engine != "ideal":
        bent = exact + crossbar.bend(design.technology).currents(volts)
        assert np.abs(found - bent).max() <= 1e-7 * full  # first order in the coefficient: (1e-3 x 0.2)^2 is 4e-8


@pytest.mark.parametrize("engine", list(ENGINES))
def test_nothing_in_nothing_out_and_every_case_by_itself(engine: str, small_design: Path) -> None:
    """Decks have 0.3 V on wires of 1 S, whose rounding is 5e-10 of full scale whatever the tolerance of the solver."""
    design, crossbar = tile_of(small_design, "conv", 0)
    volts = volts_of(crossbar, cases=4)
    volts[2] = 0.0
    together = simulate(engine, crossbar, design.technology, volts, segments=design.segments)
    bound = (1e-9 if engine in DECKS else 1e-14) * full_scale(crossbar, volts)
    assert np.abs(together[2]).max() <= bound
    alone = [simulate(engine, crossbar, design.technology, case[None], segments=design.segments) for case in volts]
    assert np.abs(together - np.concatenate(alone)).max() <= bound


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize("wires", [None, WIRES])
def test_superposition_where_the_tile_is_linear(engine: str, wires: Segments | None) -> None:
    crossbar, options = random_crossbar((6, 5), 4), TileOptions(merged=True)
    rng = np.random.default_rng(2)
    a, b = rng.uniform(-0.1, 0.1, (2, 6))
    found = simulate(engine, crossbar, STRAIGHT, np.stack([a, b, a - 2 * b, -a]), segments=wires, options=options)
    full = full_scale(crossbar, np.abs(a[None]) + np.abs(b[None]))
    assert np.abs(found[0] - 2 * found[1] - found[2]).max() <= 1e-10 * full
    assert np.abs(found[0] + found[3]).max() <= 1e-10 * full


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_opposite_input_is_the_opposite_current_up_to_the_square_law(engine: str, small_design: Path) -> None:
    design, crossbar = tile_of(small_design, "hidden", 0)
    volts = volts_of(crossbar)
    technology = design.technology
    sum_of_both = sum(simulate(engine, crossbar, technology, sign * volts) for sign in (1.0, -1.0))
    full = full_scale(crossbar, volts)
    square = 2 * (volts**2) @ crossbar.bend(technology).square
    assert np.abs(sum_of_both - (0.0 if engine == "ideal" else square)).max() <= 2e-8 * full
    assert np.abs(square).max() > 1e-7 * full


@pytest.mark.parametrize("engine", BENDS)
@pytest.mark.parametrize("shape", [(4, 3), (12, 10)])
def test_wires_are_those_of_an_independent_solution(engine: str, shape: tuple[int, int]) -> None:
    """Block recursion over dense matrices; merged banks, so that nothing bends."""
    crossbar, options = random_crossbar(shape, 4), TileOptions(merged=True)
    volts = volts_of(crossbar)
    exact = volts @ by_recursion(crossbar.bank_siemens() + crossbar.leak_siemens(), WIRES.word_ohm, WIRES.bit_ohm)
    found = simulate(engine, crossbar, STRAIGHT, volts, segments=WIRES, options=options)
    full = full_scale(crossbar, volts)
    assert np.abs(found - exact).max() <= 1e-10 * full
    assert np.abs(exact - volts @ crossbar.pair_siemens()).max() >= 1e-4 * full


@pytest.mark.parametrize("engine", DECKS)
@pytest.mark.parametrize(("layer", "tile"), TILES)
def test_transistors_with_wires_and_leakage_are_the_nodal_solution(
    engine: str, layer: str, tile: int, small_design: Path
) -> None:
    design, crossbar = tile_of(small_design, layer, tile)
    volts = volts_of(crossbar)
    spice, nodal, ideal = (
        simulate(each, crossbar, design.technology, volts, segments=design.segments)
        for each in (engine, "nodal", "ideal")
    )
    full = np.abs(ideal).max()
    assert np.abs(spice - nodal).max() <= 3e-7 * full  # a bend of 2e-4, taken at ideal line voltages
    assert np.abs(nodal - ideal).max() >= 1e-6 * full


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize(("celsius", "supply"), [(-40.0, 1.98), (125.0, 1.62)])
def test_temperature_and_supply(engine: str, celsius: float, supply: float, small_design: Path) -> None:
    """Each against the closed form there, 1/(R r(T) + R_on(T)) as a ratio to the feedback resistor, and wires."""
    design, crossbar = tile_of(small_design, "conv", 0)
    technology, switch, resistor = design.technology, design.technology.switch, design.technology.resistor
    moved, there = at_point(crossbar, technology, celsius, supply)
    kelvin = celsius - 27.0
    r = 1 + resistor.tc1_per_kelvin * kelvin + resistor.tc2_per_kelvin2 * kelvin**2
    overdrive = switch.overdrive_volt + supply - technology.drive.supply_volt
    on_ohm = switch.on_ohm * (1 + switch.on_tc_per_kelvin * kelvin) * switch.overdrive_volt / overdrive
    branch = technology.feedback.branch_ohm
    gain = (branch * r + on_ohm) / (branch + switch.on_ohm)
    with np.errstate(divide="ignore"):
        ohm = (1 / crossbar.die.on_siemens - switch.on_ohm) * r + on_ohm
    closed = np.where(crossbar.closed, gain / ohm, 0.0).sum(axis=3)
    volts = volts_of(crossbar)
    exact, full = volts @ (closed[:, :, 0] - closed[:, :, 1]), full_scale(crossbar, volts)
    if engine != "ideal":
        exact = exact + moved.bend(there).currents(volts)
    assert np.abs(simulate(engine, moved, there, volts) - exact).max() <= 1e-7 * full
    assert np.abs(exact - volts @ crossbar.pair_siemens()).max() >= 1e-6 * full
    if engine in DECKS:
        wired = wire_segments(design.bank.nominal_ohm, there)
        spice, nodal = (simulate(each, moved, there, volts, segments=wired) for each in (engine, "nodal"))
        assert np.abs(spice - nodal).max() <= 3e-7 * full


def test_nothing_moves_at_the_nominal_point_and_impossible_points_are_refused(small_design: Path) -> None:
    design, crossbar = tile_of(small_design, "conv", 0)
    same, technology = at_point(crossbar, design.technology, 27.0, 1.8)
    assert same is crossbar
    assert technology is design.technology
    for celsius, supply in ((27.0, 0.5), (-300.0, 1.8), (float("nan"), 1.8), (-250.0, 1.8), (900.0, 1.8), (27.0, 9.0)):
        with pytest.raises(InputError, match=r"impossible conditions|lies beyond"):
            at_point(crossbar, design.technology, celsius, supply)


# the ladder: the same tile at every level of the switch, each rung with the bound that its closed form allows

LADDER = {
    "merged": (TileOptions(merged=True), None, 1e-10),
    "merged, wires": (TileOptions(merged=True), WIRES, 1e-10),
    "ideal switches of 1e12 Ohm": (TileOptions(switch="ideal"), None, 3e-7),  # 3e-4 were they of 1e9
    "NMOS, one R_on": (TileOptions(), None, 2e-4),
    "transmission gates": (TileOptions(switch="transmission-gate", common_mode_volt=0.9), None, 1e-9),
}


@pytest.mark.parametrize("rung", LADDER)
@pytest.mark.parametrize("engine", DECKS)
def test_the_ladder(engine: str, rung: str) -> None:
    """Decks against nodal analysis of merged resistors at the R_on of the switch level, which knows no transistor."""
    options, segments, bound = LADDER[rung]
    crossbar = random_crossbar((8, 6), 6)
    volts = volts_of(crossbar)
    if engine == "vacask" and options.switch == "ideal":
        with pytest.raises(InputError, match=r"does not take|no such part"):
            simulate(engine, crossbar, STRAIGHT, volts, options=options)
        return
    found = simulate(engine, crossbar, STRAIGHT, volts, segments=segments, options=options)
    linear, _ = parasitic_matrices(crossbar, STRAIGHT, segments, options)
    error = np.abs(found - volts @ linear).max() / full_scale(crossbar, volts)
    assert error <= bound
    if rung == "NMOS, one R_on":  # with its square law the rest is the cube that the closed form leaves out
        nodal = simulate("nodal", crossbar, STRAIGHT, volts, options=options)
        assert np.abs(found - nodal).max() < min(error, 1e-6) * full_scale(crossbar, volts)


def test_nodal_and_ideal_follow_the_switch_level() -> None:
    """At a higher common mode the NMOS conducts less; ideal switches and merged banks do not bend."""
    crossbar = random_crossbar((4, 3), 5)
    volts = volts_of(crossbar)
    raised = TileOptions(common_mode_volt=0.6)
    for engine in ("ideal", "nodal"):
        found = simulate(engine, crossbar, STRAIGHT, volts, options=raised)
        spice = simulate("ngspice", crossbar, STRAIGHT, volts, options=raised)
        plain = simulate(engine, crossbar, STRAIGHT, volts)
        full = full_scale(crossbar, volts)
        assert np.abs(found - spice).max() <= 2e-4 * full
        assert np.abs(found - plain).max() > 1e-3 * full
    ideal = simulate("ideal", crossbar, STRAIGHT, volts)
    for options in (TileOptions(switch="ideal"), TileOptions(merged=True)):
        assert simulate("nodal", crossbar, STRAIGHT, volts, options=options) == pytest.approx(ideal, rel=1e-12)
    assert np.abs(simulate("nodal", crossbar, STRAIGHT, volts) - ideal).max() > 1e-6 * full_scale(crossbar, volts)


@pytest.mark.parametrize("name", preset_names())
def test_the_engines_agree_in_every_technology(name: str, small_network: Path, tmp_path: Path) -> None:
    options = BuildOptions(technology=name, tile=(32, 4), netlists="none", resistors=8)
    design = rsscircuit.build(small_network, tmp_path / "d", options)
    mapped = design.layer("conv")
    crossbar = design.crossbar(mapped, mapped.tiles[0])
    volts = volts_of(crossbar)
    bent = volts @ crossbar.pair_siemens() + crossbar.bend(design.technology).currents(volts)
    full = full_scale(crossbar, volts)
    # what the bend leaves out where a switch is a fortieth of a branch, and ngspice's own 3e-8 where it is next to none
    assert np.abs(simulate("ngspice", crossbar, design.technology, volts) - bent).max() <= 6e-7 * full
    leak = crossbar.leak_siemens()
    nodal = bent + volts @ (leak[:, :, 0] - leak[:, :, 1])
    wireless = Segments(word_ohm=0.0, bit_ohm=0.0)
    found = simulate("nodal", crossbar, design.technology, volts, segments=wireless)
    assert np.abs(found - nodal).max() <= 1e-12 * full
    assert np.abs(simulate("nodal", crossbar, design.technology, volts) - bent).max() <= 1e-12 * full


def test_parasitic_matrices_fall_back_to_the_plan_without_wires(small_design: Path) -> None:
    design, crossbar = tile_of(small_design, "hidden", 0)
    linear, _ = parasitic_matrices(crossbar, design.technology, Segments(word_ohm=0.0, bit_ohm=0.0))
    leak = crossbar.leak_siemens()
    assert linear == pytest.approx(crossbar.pair_siemens() + leak[:, :, 0] - leak[:, :, 1], rel=1e-12)
    dry = replace(crossbar, die=replace(crossbar.die, off_siemens=np.zeros_like(crossbar.die.off_siemens)))
    none, _ = parasitic_matrices(dry, design.technology, None)
    assert (none == crossbar.pair_siemens()).all()

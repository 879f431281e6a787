"""Effects beside the process, each alone: that it does what it should, and that none of the others does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.errors import InputError
from rsscircuit.options import BuildOptions
from rsscircuit.simulate.montecarlo import Conditions, Trial, fixed_program
from rsscircuit.technology import Technology, load_technology, technology_text
from rsscircuit.technology.cell import wire_segments
from rsscircuit.technology.effects import EFFECTS, IDEAL_SWITCH, only, parse_effects

SIGMA_TC, SECOND = 2e-5, 4e-4
NOWHERE = Conditions(celsius=(27.0, 27.0), supply_volt=(1.8, 1.8), years=(0.0, 0.0))
SETS = ("none", *EFFECTS, "temperature,switch", "temperature,wires", "all")


@pytest.fixture(scope="module")
def technology_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A technology that lacks no effect: sky130 at 100 kOhm, with mismatch of TC1 and a second voltage coefficient."""
    text = technology_text("sky130_xhigh_100k")
    for key, value in (("sigma_tc_per_kelvin", SIGMA_TC), ("voltage_per_volt2", SECOND)):
        text, count = re.subn(rf"(?m)^({key} = {{ value = )0\.0,", rf"\g<1>{value},", text)
        assert count == 1
    path = tmp_path_factory.mktemp("technology") / "every.toml"
    path.write_text(text)
    return path


@dataclass(frozen=True)
class Moves:
    """What a design does, relative to its branches' conductances."""

    technology: Technology
    branch_ohm: np.ndarray
    hot: np.ndarray
    hot_wire: float
    low_supply: np.ndarray
    old: np.ndarray
    square: float
    odd: float
    leak: float
    hot_leak: float


def moves(directory: Path) -> Moves:
    """How the branches of a tile move, each condition by itself."""
    design = rsscircuit.load(directory)
    layer = design.layer("hidden")
    tile = layer.tiles[0]
    base = design.crossbar(layer, tile)
    drawn = base.die.on_siemens > 0

    def at(**conditions: tuple[float, float]) -> tuple[Trial, np.ndarray]:
        trial = fixed_program(design, layer, tile, 3, replace(NOWHERE, **conditions))(1)
        change = (trial.crossbar.die.on_siemens[drawn] / base.die.on_siemens[drawn] - 1.0).reshape(
            -1, design.bank.resistors
        )
        return trial, change

    hot, hot_change = at(celsius=(125.0, 125.0))
    bent = base.bank_bend(design.technology)
    closed = np.where(base.closed, base.die.on_siemens, 0.0).sum(axis=3)
    warm = wire_segments(design.bank.nominal_ohm, hot.technology)
    segments = design.segments
    return Moves(
        technology=design.technology,
        branch_ohm=1.0 / base.die.on_siemens[drawn].reshape(-1, design.bank.resistors),
        hot=hot_change,
        hot_wire=warm.word_ohm / segments.word_ohm if segments.word_ohm else 0.0,
        low_supply=at(supply_volt=(1.62, 1.62))[1],
        old=at(years=(10.0, 10.0))[1],
        square=float(np.abs(bent.square).sum() / closed.sum()),
        odd=float(bent.odd.sum() / closed.sum()),
        leak=float(base.die.off_siemens[drawn].mean()),
        hot_leak=float(hot.crossbar.die.off_siemens[drawn].mean()),
    )


@pytest.fixture(scope="module")
def found(technology_file: Path, small_network: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Moves]:
    """The design of every set of effects, without any variation of the process."""
    folder, result = tmp_path_factory.mktemp("effects"), {}
    for effects in SETS:
        out = folder / effects.replace(",", "_")
        options = BuildOptions(
            technology=str(technology_file), variation="none", effects=effects, netlists="none", tile=(32, 4)
        )
        rsscircuit.build(small_network, out, options)
        result[effects] = moves(out)
    return result


@pytest.mark.parametrize("effects", SETS)
def test_temperature_moves_what_is_there(effects: str, found: Mapping[str, Moves]) -> None:
    it, names = found[effects], parse_effects(effects)
    own = SIGMA_TC * 98.0 if "temperature" in names else 0.0
    spread = (it.hot - it.hot.mean(axis=0)).std()
    # some 700 branches of a tile: a standard deviation is known to 3 %
    assert spread == pytest.approx(own, rel=0.12, abs=1e-12)
    # a warmer switch takes more of a small branch than of a large one; what all branches share is the feedback's
    step = it.hot.mean(axis=0)[0] - it.hot.mean(axis=0)[-1]
    if {"temperature", "switch"} <= names:
        kelvin, switch, resistor = 98.0, it.technology.switch, it.technology.resistor
        common = 1 + resistor.tc1_per_kelvin * kelvin + resistor.tc2_per_kelvin2 * kelvin**2
        more = switch.on_ohm * ((1 + switch.on_tc_per_kelvin * kelvin) / common - 1)
        smallest, largest = it.branch_ohm.mean(axis=0)[[0, -1]]
        assert step == pytest.approx(more / largest - more / smallest, rel=0.1)
        assert abs(step) > 1e-3
    else:
        assert abs(step) <= 5 * own / np.sqrt(len(it.hot)) + IDEAL_SWITCH
    if "wires" not in names:
        assert it.hot_wire == 0
    elif "temperature" in names:
        assert it.hot_wire > 1.3
    else:
        assert it.hot_wire == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("effects", SETS)
def test_a_switch_has_a_resistance_that_the_supply_moves(effects: str, found: Mapping[str, Moves]) -> None:
    it, nominal = found[effects], load_technology("sky130_xhigh_100k").switch.on_ohm
    smallest, largest = it.branch_ohm.mean(axis=0)[[0, -1]]
    step = it.low_supply.mean(axis=0)[0] - it.low_supply.mean(axis=0)[-1]
    assert np.ptp(it.low_supply, axis=0).max() < 1e-12  # all alike without variation
    if "switch" in parse_effects(effects):
        assert smallest == pytest.approx(1e5 + nominal)
        more = nominal * (1.0 / (1.0 - 0.18) - 1.0)
        assert step == pytest.approx(more / largest - more / smallest, rel=0.1)
        assert it.square == pytest.approx((nominal / 1.5e5) ** 2 / 2, rel=0.8)
    else:
        assert smallest == pytest.approx(1e5, rel=2 * IDEAL_SWITCH)
        assert np.abs(it.low_supply).max() < 0.3 * IDEAL_SWITCH
        assert it.square < IDEAL_SWITCH**2


@pytest.mark.parametrize("effects", SETS)
def test_voltage_bends_the_resistors(effects: str, found: Mapping[str, Moves]) -> None:
    expected = 1e-3 if "voltage" in parse_effects(effects) else 0.0
    assert found[effects].odd == pytest.approx(expected, rel=0.06, abs=0)  # less by the switch's share, twice


@pytest.mark.parametrize("effects", SETS)
def test_leakage_is_that_of_the_file_and_grows_above_85_c(effects: str, found: Mapping[str, Moves]) -> None:
    it, switch = found[effects], load_technology("sky130_xhigh_100k").switch
    expected = switch.off_siemens if "leakage" in parse_effects(effects) else 0.0
    assert it.leak == pytest.approx(expected, rel=1e-12, abs=0)
    growth = 2.0 ** ((125.0 - 85.0) / switch.off_doubling_kelvin)
    assert growth > 10
    assert it.hot_leak == pytest.approx(expected * growth, rel=1e-12, abs=0)


@pytest.mark.parametrize("effects", SETS)
def test_ageing_is_each_resistor_s_own(effects: str, found: Mapping[str, Moves]) -> None:
    it, names = found[effects], parse_effects(effects)
    expected = 1e-3 if "ageing" in names else 0.0
    assert it.old.std() == pytest.approx(expected, rel=0.12, abs=1e-12)
    assert abs(it.old.mean()) <= 4 * expected / np.sqrt(it.old.size) + 1e-12


@pytest.mark.parametrize("effects", SETS)
def test_wires_have_their_sheet_resistance(effects: str, found: Mapping[str, Moves]) -> None:
    segments = wire_segments(np.full(8, 1e5), found[effects].technology)
    whole = wire_segments(np.full(8, 1e5), load_technology("sky130_xhigh_100k"))
    at_work = "wires" in parse_effects(effects)
    assert segments.word_ohm == (whole.word_ohm if at_work else 0.0)
    assert segments.bit_ohm == (whole.bit_ohm if at_work else 0.0)


@pytest.fixture(scope="module")
def ideal(small_network: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ideal") / "design"
    rsscircuit.build(small_network, out, BuildOptions(variation="none", effects="none", tile=(32, 4)))
    return out


@pytest.mark.parametrize("engine", ["ideal", "nodal", "ngspice"])
def test_with_nothing_at_work_a_fixed_program_does_not_spread(engine: str, ideal: Path) -> None:
    result = rsscircuit.montecarlo(ideal, layer="hidden", tile=0, trials=5, engine=engine, fixed=True)
    errors = np.array(result["array"]["relative_error"])
    assert len({trial["celsius"] for trial in result["drawn"]}) == 5
    assert 0 < errors.mean() < 1e-3  # the tolerance of the program
    # a tenth, by the supply, of the millionth that is left of a switch
    assert np.ptp(errors) <= 2e-7


def test_with_nothing_at_work_every_engine_gives_the_plan(ideal: Path, tmp_path: Path) -> None:
    rows = rsscircuit.load(ideal).layer("conv").tiles[0].rows
    np.save(tmp_path / "v.npy", np.random.default_rng(0).uniform(-0.2, 0.2, (3, rows)))
    for engine, bound in (("ideal", 0.0), ("nodal", IDEAL_SWITCH**2), ("ngspice", 1e-7)):
        result = rsscircuit.simulate_tile(ideal, engine=engine, layer="conv", tile=0, inputs=tmp_path / "v.npy")
        assert result["relative_difference"] <= bound


def test_programming_anew_keeps_the_effects(ideal: Path, tmp_path: Path) -> None:
    rsscircuit.export_banks(ideal, tmp_path / "die.csv")
    again = rsscircuit.program(ideal, tmp_path / "die.csv", tmp_path / "again")
    assert again.options["effects"] == "none"
    assert again.technology == rsscircuit.load(ideal).technology
    assert not again.technology.switch.off_siemens
    assert (tmp_path / "again" / "technology.toml").read_text() == technology_text("sky130_xhigh_1M")


def test_all_is_the_technology_itself_and_the_default() -> None:
    technology = load_technology("sky130_xhigh_1M")
    assert only(technology, EFFECTS) == technology
    assert parse_effects(BuildOptions().effects) == set(EFFECTS)
    ideal = load_technology("thesis_uniform")
    assert only(ideal, ()) == ideal


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("heat", "no such effect; got 'heat'; give all or none alone, or some of temperature, voltage, switch"),
        ("wires,heat,", "no such effect; got ', heat'"),
        ("wires, wires", "the same effect twice; got 'wires'"),
        ("", "no such effect; got ''"),
    ],
)
def test_names_that_mean_nothing_are_refused(text: str, says: str, small_network: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"--effects: {says}")):
        rsscircuit.build(small_network, tmp_path / "d", BuildOptions(effects=text))
    assert not (tmp_path / "d").exists()

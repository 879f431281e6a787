"""Cost: power against a sum branch by branch, lines that add up, what scales with what, and the emitted clocks."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from controller_bench import Rig, frame_of
from controller_size import size
from hypothesis import given, settings
from hypothesis import strategies as st

import rsscircuit
from rsscircuit.cli import cli
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.simulation import load_in_simulation
from rsscircuit.cost import cost
from rsscircuit.cost.figures import load_figures
from rsscircuit.cost.lines import total
from rsscircuit.cost.model import Plan, area, energy, programming
from rsscircuit.cost.workload import TileWork, bank_watt, conducting, supply_watt, workload
from rsscircuit.errors import InputError
from rsscircuit.options import BuildOptions
from rsscircuit.technology import load_technology, technology_text

TILE = TileWork(
    layer="layer", index=0, rows=20, columns=10, cells=200, weights=190, vectors=3.0, bank_watt=2e-6, supply_watt=3e-5,
    mean_square_drive=0.2, noise_gain=5.0, feedback_ohm=1e5,
)  # fmt: skip


def plan_of(name: str = "sky130_xhigh_1M", resistors: int = 8) -> Plan:
    technology = load_technology(name)
    return Plan(
        technology=technology,
        nominal_ohm=np.full(resistors, technology.resistor.unit_ohm),
        geometry=ArrayGeometry(20, 10, resistors),
        figures=load_figures(technology),
    )


def values(lines: list) -> dict[str, float]:
    return {line.component: line.value for line in lines}


@pytest.fixture(scope="module")
def result(small_design: Path) -> dict:
    return cost(small_design)


def test_power_is_the_sum_over_branches(small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    _, tile, crossbar = next(design.crossbars())
    volt, supply = design.technology.drive.read_volt, design.technology.drive.supply_volt
    drives = np.random.default_rng(2).uniform(-1, 1, (3, tile.rows))
    heat = given_by_supply = 0.0
    for drive in drives:
        for column in range(tile.columns):
            sourced = sunk = 0.0
            for row in range(tile.rows):
                for polarity, sign in ((0, 1.0), (1, -1.0)):
                    across = sign * drive[row] * volt
                    for branch in range(crossbar.closed.shape[3]):
                        die = crossbar.die
                        closed = crossbar.closed[row, column, polarity, branch]
                        siemens = (die.on_siemens if closed else die.off_siemens)[row, column, polarity, branch]
                        heat += siemens * across**2 / len(drives)
                        sourced += max(siemens * across, 0.0)
                        sunk += max(-siemens * across, 0.0)
            given_by_supply += supply * max(sourced, sunk) / len(drives)
    banks = conducting(crossbar)
    assert heat > 0
    assert bank_watt(banks, drives, volt) == pytest.approx(heat, rel=1e-12)
    assert supply_watt(banks, drives, volt, supply) == pytest.approx(given_by_supply, rel=1e-12)


def test_a_tile_of_one_resistor_by_hand() -> None:
    banks = np.array([[[1e-6, 0.0]]])
    drives = np.array([[0.5]])
    assert bank_watt(banks, drives, 0.2) == pytest.approx(1e-6 * 0.1**2)
    assert supply_watt(banks, drives, 0.2, 1.8) == pytest.approx(1.8 * 1e-6 * 0.1)
    assert supply_watt(banks, -drives, 0.2, 1.8) == pytest.approx(1.8 * 1e-6 * 0.1)  # the amplifier gives it


@given(st.integers(1, 6), st.integers(1, 5), st.floats(0.1, 3.0), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_power_goes_with_conductance_and_the_supply_gives_more(rows: int, cols: int, factor: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    banks, drives = generator.random((rows, cols, 2)), generator.uniform(-1, 1, (4, rows))
    once = bank_watt(banks, drives, 0.2)
    assert bank_watt(factor * banks, drives, 0.2) == pytest.approx(factor * once)
    assert bank_watt(banks, drives, 0.4) == pytest.approx(4 * once)
    assert supply_watt(banks, drives, 0.2, 0.4) >= once * (1 - 1e-12)  # both lines at V take 2 V at least


def test_the_work_is_that_of_the_stored_inputs(small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    kept = np.load(small_design / "network" / "inputs.npy")
    work, vectors = workload(design, kept)
    assert vectors == {"conv": 64, "hidden": 1, "out": 1}
    assert {(tile.layer, tile.index) for tile in work} == {(la.name, t.index) for la, t, _ in design.crossbars()}
    last = [tile for tile in work if tile.layer == "out"]
    assert sum(tile.weights for tile in last) == 24
    full, _ = workload(design, None)
    assert all(tile.bank_watt < most.bank_watt for tile, most in zip(work, full, strict=True))
    dark, _ = workload(design, np.zeros_like(kept))
    assert dark[0].bank_watt < work[0].bank_watt


def test_lines_add_up_and_are_saved(small_design: Path, result: dict) -> None:
    assert json.loads((small_design / "results" / "cost.json").read_text()) == result
    for part in ("area", "energy"):
        lines = result[part]["lines"]
        assert result[part]["total"] == math.fsum(line["value"] for line in lines)
        for line in lines:
            assert line["value"] == math.fsum(line["by_layer"].values()) >= 0
            assert line["mark"] in ("sourced", "derived", "assumed")
            assert line["equation"]
            assert line["source"]
    assert result["joule_per_mac"] * result["macs"] == pytest.approx(result["energy"]["total"])
    assert result["latency_second"] == pytest.approx(sum(layer["second"] for layer in result["layers"]))
    assert 0 < result["gated_joule"] < result["energy"]["total"]


def test_area_of_the_cells_is_what_was_drawn(small_design: Path, result: dict) -> None:
    design = rsscircuit.load(small_design)
    drawn = sum(int((crossbar.die.on_siemens > 0).sum()) for _, _, crossbar in design.crossbars())
    assert drawn == result["programming"]["switches"]
    lines = {line["component"]: line["value"] for line in result["area"]["lines"]}
    resistors = sum(design.technology.resistor.area_um2(float(ohm)) for ohm in design.bank.nominal_ohm)
    assert lines["resistors"] == pytest.approx(drawn / len(design.bank.nominal_ohm) * resistors)
    assert lines["latches, switches beneath"] == pytest.approx(drawn * design.technology.switch.area_um2)


def test_twice_the_resistors_are_twice_the_area_of_the_banks() -> None:
    few, many = values(area(plan_of(resistors=8), [TILE])), values(area(plan_of(resistors=16), [TILE]))
    for component in ("resistors", "latches, switches beneath"):
        assert many[component] == pytest.approx(2 * few[component])
    for component in ("DAC", "row drivers", "ADC", "controllers"):
        assert many[component] == few[component]


def test_one_more_bit_doubles_the_converter() -> None:
    plan = plan_of()
    readout = replace(plan.technology.readout, adc_bits=plan.technology.readout.adc_bits + 1)
    finer = replace(plan, technology=replace(plan.technology, readout=readout))
    for what in (area, energy):
        assert values(what(finer, [TILE]))["ADC"] == pytest.approx(2 * values(what(plan, [TILE]))["ADC"])
    assert finer.sample_farad == pytest.approx(4 * plan.sample_farad)
    steps = finer.settle_second(TILE) / plan.settle_second(TILE)
    assert steps == pytest.approx((readout.adc_bits + 1) / readout.adc_bits)


@given(st.floats(1, 1000), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_energy_goes_with_vectors_and_tiles(vectors: float, tiles: int) -> None:
    plan = plan_of()
    once = total(energy(plan, [replace(TILE, vectors=1.0)]))
    work = [replace(TILE, vectors=vectors, layer=f"layer {number}") for number in range(tiles)]
    assert total(energy(plan, work)) == pytest.approx(tiles * vectors * once)
    assert programming(plan, work)["second"] == pytest.approx(tiles * programming(plan, [TILE])["second"])


def test_settling_leaves_half_a_step() -> None:
    plan = plan_of()
    constant = 2 * plan.amplifier_second(TILE) + plan.line_second(TILE)
    left = math.exp(-plan.settle_second(TILE) / constant)
    assert left == pytest.approx(0.5 / 2**plan.technology.readout.adc_bits)


def test_clocks_of_a_vector_are_those_of_the_controller() -> None:
    for geometry in (ArrayGeometry(3, 5, 2), ArrayGeometry(8, 3, 2)):
        plan = replace(plan_of(), geometry=geometry)
        settle = 400
        with Rig(geometry, record=lambda top: (top.dac_update,), calibration=False, editing=False) as rig:
            rig.driver.load(frame_of(geometry))
            rig.driver.write("SETTLE", clocks=settle)
            for _ in range(2):
                rig.driver.send_input([1] * geometry.rows)
                rig.driver.command("infer")
            rig.bench.wait(1200)
            rig.driver.results()
            first, second = (clock for clock, (update,) in enumerate(rig.trace) if update)
        tile = replace(TILE, rows=geometry.rows, columns=geometry.columns)
        assert second - first == settle + plan.sequence_clocks(tile)


def test_loading_takes_the_clocks_of_the_loader() -> None:
    simulated, charged = [], []
    for rows in (4, 24):
        geometry = ArrayGeometry(rows, 5, 8)
        plan = replace(plan_of(), geometry=geometry)
        simulated.append(load_in_simulation(frame_of(geometry), geometry, tile_id=0).cycles)
        charged.append(programming(plan, [TILE])["second"] * plan.figures["clock_hertz"])
    assert simulated[1] - simulated[0] == pytest.approx(charged[1] - charged[0], rel=0.02)


def test_the_size_of_a_controller_is_what_yosys_counts(tmp_path: Path) -> None:
    """Within 5 %: one count of flops stands for all arrays, and those of 16 x 16 x 8 have shorter counters."""
    geometry = ArrayGeometry(16, 16, 8)
    plan, found = replace(plan_of(), geometry=geometry), size(geometry, tmp_path)
    assert plan.controller_flops() == pytest.approx(found.flops, rel=0.05)
    assert plan.controller_gates() == pytest.approx(found.gates, rel=0.05)


def test_the_digital_rival_by_hand(result: dict) -> None:
    by_name = {rival["name"]: rival for rival in result["rivals"]}
    mac = by_name["digital MAC array, 8 bits"]["joule_per_mac"]
    assert mac == pytest.approx(0.23e-12 * 130 / 45 * (1.8 / 0.9) ** 2)
    assert mac < by_name["the same, a weight read from SRAM a MAC"]["joule_per_mac"]


@pytest.mark.parametrize("name", rsscircuit.technology.preset_names())
def test_every_preset_has_a_cost(name: str) -> None:
    plan = plan_of(name)
    assert 0 < total(area(plan, [TILE])) < math.inf
    assert 0 < total(energy(plan, [TILE])) < math.inf


def test_without_inputs_rows_are_at_full_scale(small_network: Path, tmp_path: Path) -> None:
    rsscircuit.build(small_network, tmp_path / "d", BuildOptions(tile=(32, 4), netlists="none"))
    result = cost(tmp_path / "d")
    assert result["drives"].startswith("every row at full scale")
    assert [layer["vectors"] for layer in result["layers"]] == [64, 1, 1]


def test_amplifiers_without_bandwidth_are_refused(small_network: Path, tmp_path: Path) -> None:
    text = technology_text("sky130_xhigh_1M").replace(
        "bandwidth_hertz = { value = 1e+07", "bandwidth_hertz = { value = 0"
    )
    (tmp_path / "slow.toml").write_text(text)
    options = BuildOptions(tile=(32, 4), netlists="none", technology=str(tmp_path / "slow.toml"))
    rsscircuit.build(small_network, tmp_path / "d", options)
    with pytest.raises(InputError, match="never settles"):
        cost(tmp_path / "d")


def test_own_figures(small_design: Path, result: dict, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('adc_step_joule = { value = 58e-15, mark = "assumed", source = "ours" }\n')
    own = cost(small_design, figures=path)
    adc = [{line["component"]: line["value"] for line in each["energy"]["lines"]}["ADC"] for each in (result, own)]
    assert adc[1] == pytest.approx(2 * adc[0])
    assert own["figures"]["adc_step_joule"] == {"value": 58e-15, "mark": "assumed", "source": "ours"}
    cost(small_design)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("no = { value = 1.0, mark = 'assumed', source = 'x' }", "no: unknown figure"),
        ("activity = 0.2", "activity: needs value, mark and source"),
        ("activity = { value = 0.2, mark = 'guessed', source = 'x' }", "activity: needs a mark"),
        ("activity = { value = -1.0, mark = 'assumed', source = 'x' }", "no number above zero"),
        ("activity = ", "cannot read the figures"),
    ],
)
def test_figures_that_are_none_are_refused(text: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(InputError, match=named):
        load_figures(load_technology("sky130_xhigh_1M"), tmp_path / "own.toml")


def test_the_command(small_design: Path) -> None:
    shown = CliRunner().invoke(cli, ["cost", str(small_design), "--layers", "--sources"])
    assert shown.exit_code == 0, shown.output
    assert "hidden" in shown.output
    assert "Liu2010" in shown.output
    printed = CliRunner().invoke(cli, ["cost", str(small_design), "--json"])
    assert json.loads(printed.output) == json.loads((small_design / "results" / "cost.json").read_text())

"""Inference on the chip: every effect alone against its closed form or its statistics, and what they do together."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import rsscircuit
from rsscircuit import analyses
from rsscircuit.cli import cli
from rsscircuit.design import Design, MappedLayer
from rsscircuit.errors import InputError
from rsscircuit.inference import (
    ARRAY,
    EFFECTS,
    PROGRAM,
    Chip,
    Data,
    LayerRange,
    Operation,
    attribute,
    compare,
    idle_effects,
    layer_ranges,
)
from rsscircuit.inference.array import operate
from rsscircuit.network import exact_product, run
from rsscircuit.options import BuildOptions
from rsscircuit.seeds import stream
from rsscircuit.simulate.engines import ENGINES, Setting
from rsscircuit.technology.cell import ageing_siemens2
from rsscircuit.technology.corners import Corner, at_corner
from rsscircuit.technology.readout import InputConverter

LAYER = "hidden"  # 49 rows and 6 columns on four tiles of at most 32 x 4
BOLTZMANN = 1.380649e-23


@pytest.fixture(scope="module")
def design(small_design: Path) -> Design:
    return rsscircuit.load(small_design)


@pytest.fixture(scope="module")
def ranges(design: Design, small_inputs: Path) -> dict[str, LayerRange]:
    return layer_ranges(design, np.load(small_inputs), 100.0)


@pytest.fixture(scope="module")
def activations(design: Design) -> np.ndarray:
    """Inputs of the layer, each number at random from nothing to full scale."""
    matrix = design.layer(LAYER).matrix
    count = len(matrix.weights) - matrix.bias_rows
    return np.random.default_rng(1).random((400, count)) * matrix.input_full_scale


def outputs(
    chip: Chip, activations: np.ndarray, cases: Collection[int] | None = None, layer: str = LAYER
) -> np.ndarray:
    """What a layer of a chip makes of its inputs."""
    numbers = range(len(activations)) if cases is None else cases
    return chip.run_of(list(numbers)).product(chip.design.network.layer(layer), activations)


def per_siemens(design: Design, layer: MappedLayer) -> np.ndarray:
    """Outputs an ampere, by column."""
    return layer.matrix.input_full_scale / (design.technology.drive.read_volt * layer.siemens_per_weight)


def with_readout(design: Design, **changes: float) -> Design:
    technology = design.technology
    return replace(design, technology=replace(technology, readout=replace(technology.readout, **changes)))


def summed(design: Design, activations: np.ndarray, tile_currents: object) -> np.ndarray:
    """A layer's outputs from a function of crossbar and volts, partial sums added."""
    layer = design.layer(LAYER)
    result = np.zeros((len(activations), layer.matrix.weights.shape[1]))
    drives = layer.matrix.drive(activations)
    for tile in layer.drawn_tiles:
        volts = design.technology.drive.read_volt * drives[:, tile.window[0]]
        result[:, tile.window[1]] += tile_currents(design.crossbar(layer, tile), volts)  # type: ignore[operator]
    return result * per_siemens(design, layer)


def test_without_effects_a_chip_is_the_trained_network(
    design: Design, ranges: dict[str, LayerRange], small_inputs: Path
) -> None:
    with Data(design, np.load(small_inputs)) as data:
        figures = compare(Chip(design, ranges, ()), data)
    assert figures.output_error < 1e-13
    assert figures.agreement == 1.0
    assert figures.accuracy is None


def test_the_array_is_the_nodal_engine(design: Design, ranges: dict[str, LayerRange], activations: np.ndarray) -> None:
    setting = Setting(technology=design.technology, segments=design.segments, deck=str, where="test")
    by_engine = summed(design, activations, lambda crossbar, volts: ENGINES["nodal"](crossbar, volts, setting))
    largest = np.abs(by_engine).max()  # a cubic term below 1e-7 of it is left out
    assert outputs(Chip(design, ranges, ARRAY), activations) == pytest.approx(by_engine, rel=0, abs=3e-7 * largest)
    ideal = summed(design, activations, lambda crossbar, volts: ENGINES["ideal"](crossbar, volts, setting))
    assert outputs(Chip(design, ranges, PROGRAM), activations) == pytest.approx(ideal, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("effect", ["solver", "measurement", "leakage", "switch", "voltage"])
def test_each_effect_of_the_array_alone(
    effect: str, design: Design, ranges: dict[str, LayerRange], activations: np.ndarray
) -> None:
    def alone(crossbar: rsscircuit.design.Crossbar, volts: np.ndarray) -> np.ndarray:
        signs = np.array([1.0, -1.0])
        measured = np.where(crossbar.closed, crossbar.measured.step_siemens, 0.0).sum(axis=3) @ signs
        bend = crossbar.bend(design.technology)
        return {
            "solver": lambda: volts @ (measured - crossbar.targets),
            "measurement": lambda: volts @ (crossbar.pair_siemens() - measured),
            "leakage": lambda: volts @ (crossbar.leak_siemens() @ signs),
            "switch": lambda: volts**2 @ bend.square,
            "voltage": lambda: volts * np.abs(volts) @ bend.odd + volts**3 @ bend.cube,
        }[effect]()

    exact = exact_product(design.network.layer(LAYER), activations)
    error = outputs(Chip(design, ranges, {effect}), activations) - exact
    expected = summed(design, activations, alone)
    assert np.abs(expected).max() > 1e-8
    left_out = 3e-7 * np.abs(exact).max() if effect == "voltage" else 1e-12  # a cubic term below 1e-7
    assert error == pytest.approx(expected, rel=1e-5, abs=left_out)


def test_wires_alone_take_what_they_take_of_the_exact_pairs(
    design: Design, ranges: dict[str, LayerRange], activations: np.ndarray
) -> None:
    exact = exact_product(design.network.layer(LAYER), activations)
    wired, none = (outputs(Chip(design, ranges, effects), activations) for effects in ({"wires"}, ()))
    assert none == pytest.approx(exact, rel=1e-12, abs=1e-12)
    thin = replace(design.technology.wires, word_line_ohm_per_square=1e-9, bit_line_ohm_per_square=1e-9)
    nearly = replace(design, technology=replace(design.technology, wires=thin))
    assert outputs(Chip(nearly, ranges, {"wires"}), activations) == pytest.approx(exact, rel=1e-7, abs=1e-7)
    both = outputs(Chip(design, ranges, {"wires", *PROGRAM}), activations)
    program = outputs(Chip(design, ranges, PROGRAM), activations)
    assert np.abs(wired - exact).max() > 1e-4
    assert both - program == pytest.approx(wired - exact, rel=0.02, abs=1e-4)


def test_a_tile_under_conditions_is_where_the_corners_say(design: Design) -> None:
    layer = design.layer(LAYER)
    crossbar = design.crossbar(layer, layer.tiles[0])
    hot = operate(design, crossbar, {"temperature"}, Operation(celsius=85.0)).crossbar.die.on_siemens
    expected = at_corner(
        crossbar.die.on_siemens,
        design.technology,
        Corner(celsius=85.0, supply_volt=design.technology.drive.supply_volt, volt=0.0),
    )
    assert hot == pytest.approx(expected, rel=1e-12)
    assert (
        operate(design, crossbar, (), Operation(celsius=85.0)).crossbar.die.on_siemens == crossbar.die.on_siemens
    ).all()
    drift = [
        operate(design, crossbar, {"ageing"}, Operation(years=5.0, seed=seed)).crossbar.die.on_siemens
        - crossbar.die.on_siemens
        for seed in range(4)
    ]
    # thousands of branches: the rms of so many normal draws is known to 2 %
    assert np.mean(np.square(drift)) == pytest.approx(
        ageing_siemens2(crossbar.die.on_siemens, design.technology).mean() / 2.0, rel=0.05
    )


def test_stuck_switches_are_as_many_as_asked_for(design: Design) -> None:
    layer = design.layer(LAYER)
    crossbar = design.crossbar(layer, layer.tiles[0])
    stuck = operate(design, crossbar, {"faults"}, Operation(stuck_open=0.1, stuck_closed=0.2)).crossbar.closed
    drawn, before = crossbar.die.on_siemens > 0, crossbar.closed
    opened, closed = before & ~stuck, ~before & stuck
    assert not closed[~drawn].any()
    for found, of, share in ((opened, before, 0.1), (closed, drawn & ~before, 0.2)):
        deviation = np.sqrt(share * (1 - share) / of.sum())
        assert found.sum() / of.sum() == pytest.approx(share, abs=4 * deviation)  # of a binomial, four sigma


@pytest.mark.parametrize("least", [0.0, -2.0])
def test_a_dac_rounds_by_a_twelfth_of_a_step_squared_and_cuts_off(least: float) -> None:
    codes = 255 if least == 0 else 127
    convert = InputConverter(step=2.0 / codes, least=least, most=2.0)
    x = np.random.default_rng(3).uniform(least, 2.0, 100_000)
    error = convert(x) - x
    assert np.sqrt(np.mean(error**2)) == pytest.approx(2.0 / codes / np.sqrt(12), rel=0.02)
    assert convert(np.array([9.0, -9.0, 0.0])).tolist() == [2.0, least, 0.0]


def test_inputs_of_both_signs_take_codes_of_both_signs(
    design: Design, ranges: dict[str, LayerRange], activations: np.ndarray
) -> None:
    full_scale = design.layer(LAYER).matrix.input_full_scale
    for signed, codes in ((False, 255), (True, 127)):
        span = ranges | {LAYER: replace(ranges[LAYER], signed=signed)}
        chip_layer = Chip(design, span, {"dac"}).layers[LAYER]
        levels = chip_layer.drive(activations) / full_scale * codes
        assert levels == pytest.approx(np.rint(levels), abs=1e-9)
        assert (chip_layer.drive(-activations).min() < 0) == signed
    with pytest.raises(InputError, match="no sign"):
        Chip(design, span, {"dac"}, Operation(dac_bits=1))


def test_an_adc_errs_by_a_twelfth_of_a_step_squared_a_row_of_tiles(
    design: Design, ranges: dict[str, LayerRange], activations: np.ndarray
) -> None:
    layer = design.layer(LAYER)
    wide = ranges | {LAYER: LayerRange(full_scale_ampere=8.0 * ranges[LAYER].full_scale_ampere, signed=False)}
    step = 16.0 * ranges[LAYER].full_scale_ampere / 2.0**10 * per_siemens(design, layer)
    chip = Chip(design, wide, {"adc"})
    assert len(chip.layers[LAYER].tile_rows) == 2
    error = (outputs(chip, activations) - exact_product(design.network.layer(LAYER), activations)) / step
    # 2400 sums of two errors, each even within a step: the rms of so many is known to 2 %
    assert np.sqrt(np.mean(error**2)) == pytest.approx(np.sqrt(2.0 / 12.0), rel=0.06)


def test_saturated_conversions_are_counted(
    design: Design, ranges: dict[str, LayerRange], activations: np.ndarray
) -> None:
    layer, tight = design.layer(LAYER), ranges[LAYER].full_scale_ampere / 4.0
    chip = Chip(design, ranges | {LAYER: LayerRange(full_scale_ampere=tight, signed=False)}, {"adc"})
    batch = chip.run_of(list(range(len(activations))))
    batch.product(design.network.layer(LAYER), activations)
    step = 2.0 * tight / 2.0**10
    cut, all_of_them = 0, 0
    for tile in layer.drawn_tiles:
        volts = design.technology.drive.read_volt * layer.matrix.drive(activations)[:, tile.window[0]]
        codes = np.rint(volts @ layer.targets(tile) / step)
        cut, all_of_them = cut + int(((codes < -512) | (codes > 511)).sum()), all_of_them + codes.size
    assert batch.conversions[LAYER] == all_of_them
    assert batch.saturated[LAYER] == cut > 100


def test_full_scale_is_the_percentile_of_the_column_currents(design: Design, small_inputs: Path) -> None:
    inputs, layer, currents = np.load(small_inputs), design.layer(LAYER), []

    def product(each: rsscircuit.network.Layer, rows: np.ndarray) -> np.ndarray:
        if each.name == LAYER:
            for tile in layer.drawn_tiles:
                volts = design.technology.drive.read_volt * layer.matrix.drive(rows)[:, tile.window[0]]
                currents.append(np.abs(volts @ layer.targets(tile)).ravel())
        return exact_product(each, rows)

    run(design.network, inputs, product=product)
    for percentile in (90.0, 100.0):
        expected = np.quantile(np.concatenate(currents), percentile / 100.0, method="inverted_cdf")
        found = layer_ranges(design, inputs, percentile)[LAYER].full_scale_ampere
        assert expected * (1 - 1e-12) <= found <= expected * 1.0024


def test_a_finite_gain_takes_noise_gain_over_gain(
    design: Design, ranges: dict[str, LayerRange], activations: np.ndarray
) -> None:
    poor, layer = with_readout(design, gain=50.0), design.layer(LAYER)
    feedback = design.technology.readout.full_scale_volt / ranges[LAYER].full_scale_ampere

    def read(crossbar: rsscircuit.design.Crossbar, volts: np.ndarray) -> np.ndarray:
        total = (crossbar.bank_siemens()).sum(axis=(0, 2))
        return volts @ crossbar.pair_siemens() / (1.0 + (1.0 + feedback * total) / 50.0)

    expected = summed(design, activations, read)
    found = outputs(Chip(poor, ranges, {*PROGRAM, "gain"}), activations)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert layer.matrix.weights.shape[1] == found.shape[1]


def test_an_offset_reads_as_itself_times_the_noise_gain(
    design: Design, ranges: dict[str, LayerRange], activations: np.ndarray
) -> None:
    feedback, layer = design.technology.readout.full_scale_volt / ranges[LAYER].full_scale_ampere, design.layer(LAYER)

    def read(crossbar: rsscircuit.design.Crossbar, volts: np.ndarray) -> np.ndarray:
        total = crossbar.bank_siemens().sum(axis=(0, 2))
        generator = stream(1, "offset", layer=LAYER, tile=crossbar.index)
        offset = design.technology.readout.sigma_offset_volt * generator.standard_normal(len(total))
        return volts @ crossbar.pair_siemens() + offset * (1.0 / feedback + total)

    found = outputs(Chip(design, ranges, {*PROGRAM, "offset"}), activations)
    assert found == pytest.approx(summed(design, activations, read), rel=1e-9, abs=1e-9)
    assert layer.name == LAYER


@pytest.mark.parametrize("amplifier", [0.0, 1e-8])
def test_noise_is_that_of_the_conductances_and_the_amplifier(
    amplifier: float, design: Design, ranges: dict[str, LayerRange]
) -> None:
    quiet, layer = with_readout(design, noise_volt_per_root_hertz=amplifier), design.layer(LAYER)
    readout = quiet.technology.readout
    feedback = readout.full_scale_volt / ranges[LAYER].full_scale_ampere
    squares = np.zeros(layer.matrix.weights.shape[1])
    for tile in layer.drawn_tiles:
        total = design.crossbar(layer, tile).bank_siemens().sum(axis=(0, 2))
        seen, noise_gain = total + 1.0 / feedback, 1.0 + feedback * total
        bandwidth = np.pi / 2.0 * readout.bandwidth_hertz * (1.0 / noise_gain + 1.0 / readout.gain)
        density = 4.0 * BOLTZMANN * 300.15 * seen + (amplifier * seen) ** 2
        squares[tile.window[1]] += density * bandwidth
    inputs = np.zeros((3000, len(layer.matrix.weights) - layer.matrix.bias_rows))
    found = outputs(Chip(quiet, ranges, {*PROGRAM, "noise"}), inputs) / per_siemens(design, layer)
    # the variance of 3000 normal draws is known to sqrt(2 / 3000) = 2.6 %: four of that
    assert found.var(axis=0) == pytest.approx(squares, rel=0.104)


def test_noise_belongs_to_the_input_and_workers_do_not_matter(
    design: Design, ranges: dict[str, LayerRange], small_inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, chip = np.load(small_inputs), Chip(design, ranges)
    output = design.network.outputs[0]
    together = run(design.network, inputs, product=chip.run_of(range(len(inputs))).product)[output]
    alone = run(design.network, inputs[7:8], product=chip.run_of([7]).product)[output]
    assert alone[0] == pytest.approx(together[7], rel=1e-12)
    assert np.abs(run(design.network, inputs[7:8], product=chip.run_of([8]).product)[output] - alone).max() > 0
    monkeypatch.setattr("rsscircuit.inference.comparison.batch_size", lambda network, x: 7)
    found = []
    for workers in (1, 3):
        with Data(design, inputs, workers=workers) as data:
            found.append(compare(chip, data))
    assert found[0] == found[1]


def test_split_tiles_answer_as_whole_ones_do(
    small_network: Path, design: Design, small_inputs: Path, tmp_path: Path
) -> None:
    options = BuildOptions(tile=(64, 8), calibration=str(small_inputs), netlists="none")
    made = {"split": design, "whole": rsscircuit.build(small_network, tmp_path / "whole", options)}
    inputs = np.load(small_inputs)
    figures = {}
    for name, each in made.items():
        span = layer_ranges(each, inputs, 100.0)
        with Data(each, inputs) as data:
            for effects in ((), ("dac",), ("adc",)):
                figures[name, effects] = compare(Chip(each, span, effects), data).output_error
    assert figures["split", ()] < 1e-13
    assert figures["split", ("dac",)] == pytest.approx(figures["whole", ("dac",)], rel=1e-9)
    assert 0 < figures["split", ("adc",)] < 0.02


def test_attribution_sums_to_the_whole(small_design: Path, small_inputs: Path) -> None:
    result = rsscircuit.attribute_errors(
        small_design, small_inputs, operation=Operation(celsius=85.0, supply_volt=1.7, years=10.0, stuck_open=1e-3)
    )
    found = result["contributions"]
    assert [each["effect"] for each in found] == [each for each in EFFECTS if each != "correction"]
    assert result["idle"] == {"correction": "none asked for"}
    assert sum(each["squared_error"] for each in found) == pytest.approx(result["output_error"]["chip"] ** 2, rel=1e-12)
    assert found[0]["alone"] == found[0]["together"]
    assert all(each["alone"]["output_error"] > 0 for each in found)
    whole = rsscircuit.evaluate(
        small_design,
        small_inputs,
        effects="all",
        operation=Operation(celsius=85.0, supply_volt=1.7, years=10.0, stuck_open=1e-3),
    )
    assert whole["output_error"] == result["output_error"]
    assert json.loads((small_design / "results" / "attribution.json").read_text())["contributions"] == found


def test_effects_that_change_nothing_are_named(design: Design) -> None:
    assert set(idle_effects(design, Operation())) == {"faults", "ageing", "temperature", "supply", "correction"}
    moved = Operation(celsius=30.0, supply_volt=1.7, years=1.0, stuck_open=0.1)
    assert idle_effects(design, moved) == {"correction": "none asked for"}
    assert attribute(lambda effects: pytest.fail(str(effects)), ()) == []


def test_ngspice_agrees_on_a_small_network(small_design: Path, small_inputs: Path) -> None:
    result = analyses.evaluate_spice(small_design, small_inputs, images=(3, 0))
    assert result["classes"]["ngspice"] == result["classes"]["fast"]
    assert max(result["layers"].values()) < 2e-5  # bends are taken at ideal line voltages
    assert result["difference"] < 1e-4
    assert result["vectors"]["out"] == 2 * len(rsscircuit.load(small_design).layer("out").drawn_tiles)
    bare = analyses.evaluate_spice(small_design, small_inputs, images=(3,), effects="solver,measurement,wires")
    assert max(bare["layers"].values()) < 1e-8
    with pytest.raises(InputError, match="what was programmed"):
        analyses.evaluate_spice(small_design, small_inputs, effects="wires")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--engine", "spectre"], "no such engine"),
        (["--images", "3"], "--images"),
        (["--engine", "ngspice", "--attribute"], "--attribute"),
        (["--engine", "ngspice", "--images", "1,1"], "different numbers"),
        (["--engine", "ngspice", "--images", "99,100"], "numbered 0 to 39"),
        (["--effects", "wires,magic"], "magic"),
        (["--adc-bits", "0"], "1 to 24 bits"),
        (["--adc-percentile", "3"], "percentile from 50"),
        (["--years", "-1"], "0 to 100 years"),
        (["--celsius", "5000"], "within 250 C"),
        (["--celsius", "-250"], "impossible temperature"),
        (["--stuck-open", "0.6", "--stuck-closed", "0.6"], "share of the switches"),
        (["--workers", "0"], "from 1"),
        (["--engine", "ngspice", "--images", "3,4000,5000"], "got 4000"),
    ],
)
def test_bad_choices_are_named(words: list[str], says: str, small_design: Path, small_inputs: Path) -> None:
    done = CliRunner().invoke(cli, ["evaluate", str(small_design), "--inputs", str(small_inputs), *words])
    assert isinstance(done.exception, InputError)
    assert says in str(done.exception)


def test_the_command_prints_what_was_at_work(small_design: Path, small_inputs: Path) -> None:
    asked = ["evaluate", str(small_design), "--inputs", str(small_inputs)]
    plain = CliRunner().invoke(cli, asked).output
    assert "chip, converters and all" in plain
    assert "chip, with what is at work" in CliRunner().invoke(cli, [*asked, "--effects", "wires"]).output
    assert "first inputs themselves" in plain
    assert "idle: faults (none asked for)" in plain
    told = CliRunner().invoke(cli, [*asked, "--attribute", "--effects", "wires,adc", "--json"]).output
    assert [each["effect"] for each in json.loads(told)["contributions"]] == ["wires", "adc"]
    table = CliRunner().invoke(cli, [*asked, "--attribute", "--effects", "wires,adc"]).output
    assert "all of them" in table

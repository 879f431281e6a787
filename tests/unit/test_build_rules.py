"""What a user can ask of every pair, seen in the design that a build leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rsscircuit
from rsscircuit.errors import InputError, SolverError
from rsscircuit.mapping import ColumnDemand
from rsscircuit.network import exact_product, run
from rsscircuit.options import BuildOptions, resolve
from rsscircuit.report.corners import show_corners
from rsscircuit.report.inference import show_evaluation
from rsscircuit.report.tables import design_lines, percent, print_lines
from rsscircuit.technology.corners import Corner


def build(network: Path, out: Path, **choices: object) -> rsscircuit.Design:
    return rsscircuit.build(network, out, BuildOptions(netlists="none", **choices), force=True)


def every_pair(design: rsscircuit.Design) -> tuple[np.ndarray, np.ndarray]:
    """Closed switches and measured total conductance over the layer's full scale, of every drawn pair."""
    counts, totals = [], []
    for layer, _, crossbar in design.crossbars():
        drawn = crossbar.targets != 0
        counts.append(crossbar.closed.sum(axis=(2, 3))[drawn])
        total = np.where(crossbar.closed, crossbar.measured.step_siemens, 0.0).sum(axis=(2, 3))[drawn]
        totals.append(total / layer.full_scale_siemens)
    return np.concatenate(counts), np.concatenate(totals)


def test_objectives_buy_what_they_say(small_network: Path, tmp_path: Path) -> None:
    seen = {name: every_pair(build(small_network, tmp_path / name, objective=name)) for name in ("any", "fewest")}
    least = every_pair(build(small_network, tmp_path / "least"))
    assert seen["fewest"][0].sum() < least[0].sum() < seen["any"][0].sum()
    assert least[1].sum() < seen["fewest"][1].sum() < seen["any"][1].sum()


@pytest.mark.parametrize("solver", ["auto", "cp-sat"])
def test_bounds_hold_in_every_pair(solver: str, small_network: Path, tmp_path: Path) -> None:
    design = build(small_network, tmp_path / "d", most_closed=6, most_total=1.1, resistors=8, solver=solver)
    counts, totals = every_pair(design)
    assert counts.max() <= 6
    assert totals.max() <= 1.1 * (1 + 1e-9)
    solvers = {name for layer in design.layers for name in layer.statistics["solvers"]}
    assert solvers == {"relaxation" if solver == "auto" else "cp-sat"}


def test_stuck_switches_stay_as_they_are(small_network: Path, tmp_path: Path) -> None:
    path = tmp_path / "stuck.csv"
    path.write_text(
        "layer,row,column,polarity,branch,state\nout,2,1,+,0,closed\nconv,1,0,-,3,closed\nout,0,0,+,1,open\n"
    )
    design = build(small_network, tmp_path / "d", stuck=str(path))
    out, conv = (design.crossbar(layer, layer.tiles[0]).closed for layer in (design.layer("out"), design.layer("conv")))
    assert out[2, 1, 0, 0]
    assert conv[1, 0, 1, 3]
    assert not out[0, 0, 0, 1]
    recorded = json.loads((tmp_path / "d" / "design.json").read_text())["options"]
    assert recorded["stuck"] == "stuck.csv"
    assert len(recorded["stuck_sha256"]) == 64
    assert all(not layer.statistics["beyond_tolerance"] for layer in design.layers)


def test_a_stuck_switch_of_another_network_is_refused(small_network: Path, tmp_path: Path) -> None:
    path = tmp_path / "stuck.csv"
    path.write_text("layer,row,column,polarity,branch,state\nfc7,2,1,+,0,closed\n")
    with pytest.raises(
        InputError, match=r"--stuck .*stuck\.csv, line 2: no such crossbar layer; got 'fc7'; choose from conv"
    ):
        build(small_network, tmp_path / "d", stuck=str(path))
    assert not (tmp_path / "d").exists()


def test_cells_that_miss_are_named_by_the_row_and_column_of_the_layer(
    small_network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = build(small_network, tmp_path / "plain", tile=(32, 4)).layer("hidden").matrix.weights != 0
    row, column = np.argwhere(drawn).tolist()[-1]
    assert row >= 32
    path = tmp_path / "stuck.csv"
    lines = [f"hidden,{row},{column},{polarity},{k},open\n" for polarity in "+-" for k in range(14)]
    path.write_text("layer,row,column,polarity,branch,state\n" + "".join(lines))
    dead = build(small_network, tmp_path / "dead", stuck=str(path), tile=(32, 4)).layer("hidden").statistics
    assert (dead["beyond_reach"], dead["beyond_tolerance"]) == (1, 0)
    assert dead["beyond_reach_named"][0].startswith(f"row {row}, column {column}, tile ")
    assert dead["beyond_reach_named"][0].endswith("exceeds the bank's total 0 S")
    loose = build(small_network, tmp_path / "loose", most_closed=0)
    for layer in loose.layers:
        figures = layer.statistics
        assert figures["beyond_tolerance"] == np.count_nonzero(layer.matrix.weights)
        first = np.argwhere(layer.matrix.weights)[0].tolist()
        assert figures["beyond_tolerance_named"][0].startswith(f"row {first[0]}, column {first[1]}, tile 0: off its")
    print_lines(design_lines(rsscircuit.inspect(tmp_path / "loose"), loose.technology))
    shown = capsys.readouterr().out
    assert f"out of tolerance in hidden: {np.count_nonzero(drawn)} cells\n  row " in shown


def test_a_program_for_all_corners_says_what_it_costs_and_gains(small_network: Path, tmp_path: Path) -> None:
    given = {"technology": "sky130_xhigh_100k", "tolerance": 0.002}
    plain = build(small_network, tmp_path / "plain", **given)
    robust = build(small_network, tmp_path / "robust", corners="celsius=-40:125", **given)
    for layer, alone in zip(robust.layers, plain.layers, strict=True):
        assert "corners" not in alone.statistics
        nominal, cold, hot = layer.statistics["corners"]
        assert nominal["at"] == "nominal"
        assert hot["at"] == "125 C, 1.8 V supply, +0 V input"
        assert hot["rms"] < hot["rms_without"]
        assert max(cold["worst"], hot["worst"]) < max(cold["worst_without"], hot["worst_without"])
        totals = layer.statistics["corner_totals"]
        assert totals["total_without"] == pytest.approx(
            alone.statistics["mean_cell_siemens"] / alone.full_scale_siemens, rel=1e-3
        )
        assert totals["total"] > totals["total_without"]
    assert rsscircuit.load(tmp_path / "robust").options["corners"] == "celsius=-40:125"


def test_evaluation_shows_what_corners_cost_in_the_lines(
    small_network: Path, small_inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"technology": "sky130_xhigh_100k", "tolerance": 0.002}
    build(small_network, tmp_path / "plain", **given)
    build(small_network, tmp_path / "robust", corners="celsius=-40:125", **given)
    plain, robust = (rsscircuit.evaluate(tmp_path / name, small_inputs) for name in ("plain", "robust"))
    assert robust["without_corners"] == {key: plain[key] for key in ("accuracy", "agreement", "output_error")}
    assert robust["output_error"] != plain["output_error"]
    assert "without_corners" not in plain
    show_evaluation(robust)
    rows = [line for line in capsys.readouterr().out.splitlines() if "with parasitics" in line]
    for row, result in zip(rows, (robust, plain), strict=True):
        assert row.rstrip().endswith(percent(result["output_error"]["with_parasitics"]))
    show_evaluation(plain)
    assert "without corners" not in capsys.readouterr().out


def test_what_is_printed_is_the_worst_of_all_corners(capsys: pytest.CaptureFixture[str]) -> None:
    keys = ("rms", "worst", "rms_without", "worst_without")
    points = [
        {"at": at} | dict(zip(keys, values, strict=True))
        for at, values in {
            "nominal": (0.1, 0.2, 0.3, 0.4), "cold": (0.11, 0.55, 0.31, 0.81), "hot": (0.15, 0.51, 0.39, 0.72),
        }.items()
    ]  # fmt: skip
    totals = {"total": 0.5, "total_without": 0.25}
    show_corners({"layers": [{"name": "fc", "statistics": {"corners": points, "corner_totals": totals}}]})
    printed = " ".join(capsys.readouterr().out.split())
    assert "fc all corners 10 % 15 % 20 % 55 % 50 %" in printed
    assert "nominal point 30 % 39 % 40 % 81 % 25 %" in printed
    assert "Price of 2 corners: " in printed
    assert "in % of the layer's full scale" in printed
    assert "pairs conduct 2 times as much" in printed
    show_corners({"layers": [{"name": "fc", "statistics": {}}]})
    assert capsys.readouterr().out == ""


def test_the_least_ageing_is_less_for_more_conductance(small_network: Path, tmp_path: Path) -> None:
    given = {"technology": "sky130_xhigh_100k", "tolerance": 0.002}
    plain = build(small_network, tmp_path / "plain", **given)
    for corners in (None, "celsius=-40:125"):
        design = build(small_network, tmp_path / "d", objective="least-ageing", corners=corners, **given)
        for layer, alone in zip(design.layers, plain.layers, strict=True):
            ageing = layer.statistics["ageing"]
            assert ageing["ten_years"] < 0.99 * ageing["ten_years_least_total"]
            assert ageing["total"] > ageing["total_least_total"]
            assert layer.statistics["beyond_tolerance"] == 0
            if corners is None:
                assert ageing["ten_years_least_total"] == pytest.approx(
                    alone.statistics["ageing"]["ten_years"], rel=1e-12
                )
        crossbar = design.crossbar(design.layer("out"), design.layer("out").tiles[0])
        squares = (
            design.technology.resistor.sigma_ageing_ten_years**2
            * (crossbar.die.on_siemens * (1 - crossbar.die.on_siemens * design.technology.switch.on_ohm)) ** 2
        )
        rms = np.sqrt(squares[crossbar.closed].sum() / np.count_nonzero(crossbar.targets))
        layer = design.layer("out")
        assert layer.statistics["ageing"]["ten_years"] == pytest.approx(rms / layer.full_scale_siemens, rel=1e-12)
    again = rsscircuit.load(tmp_path / "d")
    assert [layer.rules for layer in again.layers] == [layer.rules for layer in design.layers]
    trial = rsscircuit.montecarlo(tmp_path / "d", layer="out", tile=0, trials=1, engine="ideal")
    assert trial["relative_error"][0] < 0.01


def test_new_dies_are_programmed_for_the_corners_of_the_design(small_network: Path, tmp_path: Path) -> None:
    from rsscircuit.simulate.montecarlo import remeasured_dies
    from rsscircuit.technology.corners import at_corner

    given = {"technology": "sky130_xhigh_100k", "tolerance": 0.002}
    for corners in (None, "celsius=-40:125"):
        design = build(small_network, tmp_path / "d", corners=corners, **given)
        layer = design.layer("out")
        crossbar = remeasured_dies(design, layer, layer.tiles[0], 1)(1).crossbar
        hot = at_corner(crossbar.die.on_siemens, design.technology, Corner(celsius=125.0, supply_volt=1.8, volt=0.0))
        pair = np.where(crossbar.closed, hot, 0.0).sum(axis=3)
        worst = np.abs(pair[:, :, 0] - pair[:, :, 1] - crossbar.targets).max()
        assert (worst < 1.1 * layer.rules.tolerance_siemens) == (corners is not None)


def test_half_an_adc_step_is_the_tolerance(small_network: Path, small_inputs: Path, tmp_path: Path) -> None:
    given = {"tolerance": "adc", "adc_bits": 7, "calibration": str(small_inputs)}
    design = build(small_network, tmp_path / "d", **given)
    x = np.load(small_inputs)
    demands = {layer.name: ColumnDemand(layer.matrix, layer.tiles) for layer in design.layers}

    def product(layer: rsscircuit.network.Layer, rows: np.ndarray) -> np.ndarray:
        demands[layer.name].add(rows)
        return exact_product(layer, rows)

    run(design.network, x, product=product)
    for layer in design.layers:
        expected = demands[layer.name].half_step_siemens(layer.siemens_per_weight, 7)
        assert layer.rules.tolerance_siemens == pytest.approx(expected, rel=1e-12)
        assert layer.statistics["worst_weight_error"] > 1e-3
    again = rsscircuit.load(tmp_path / "d")
    assert [layer.rules for layer in again.layers] == [layer.rules for layer in design.layers]


@pytest.mark.parametrize(
    ("choices", "error", "says"),
    [
        ({"tolerance": "adc"}, InputError, "adc needs calibration inputs.*add --calibration"),
        ({"tolerance": "half"}, InputError, "a tolerance is a fraction, or adc; got 'half'"),
        ({"tolerance": -0.1}, InputError, "a fraction from 0 to 1; got -0.1"),
        ({"tolerance": float("nan")}, InputError, "a fraction from 0 to 1; got nan"),
        ({"corners": "celsius=-400"}, InputError, "--corners: celsius lies beyond"),
        ({"adc_bits": 0}, InputError, "an ADC has 1 to 24 bits; got 0"),
        ({"bus": "usb"}, InputError, "no such bus; got 'usb'; choose from axi4-lite, wishbone, spi"),
        (
            {"objective": "best"},
            InputError,
            "no such choice; got 'best'; choose from least-total, least-ageing, fewest, any",
        ),
        ({"most_closed": -1}, InputError, "--most-closed.*got -1"),
        ({"most_total": float("nan")}, InputError, "--most-total.*got nan"),
        ({"most_total": float("inf")}, InputError, "--most-total.*got inf"),
        ({"stuck": "nowhere.csv"}, InputError, "--stuck nowhere.csv: cannot be read"),
        ({"solver": "window"}, SolverError, "window finds any subset"),
    ],
)
def test_choices_that_mean_nothing_are_refused(
    choices: dict[str, object], error: type[Exception], says: str, small_network: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        build(small_network, tmp_path / "d", **choices)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"adc_bits": 6}, "--adc-bits: the ADC has a part in the tolerance alone; got 6"),
        ({"objective": "least-ageing", "effects": "switch"}, "--objective: nothing ages"),
        ({"objective": "least-ageing", "technology": "thesis_iid20"}, "--objective: nothing ages"),
        ({"effects": "none", "corners": "celsius=-40:125"}, "--corners: no branch .* moves at these corners"),
    ],
)
def test_what_would_change_nothing_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        resolve(BuildOptions(**given))


@pytest.mark.parametrize("name", ["sky130_xhigh_1M", "sky130_xhigh_100k", "sg13g2_rhigh_100k", "gf180_hres1k_100k"])
@pytest.mark.parametrize("text", ["celsius=-40:125", "supply=1.7:1.9", "volt=0.2"])
def test_every_silicon_technology_has_corners(name: str, text: str) -> None:
    if (name, text) == ("sg13g2_rhigh_100k", "volt=0.2"):  # its resistors have no voltage coefficient
        text = "volt=0.2,celsius=125"
    assert len(resolve(BuildOptions(technology=name, corners=text)).corners) == 2


def test_the_converter_of_a_tolerance_is_the_technologys(
    small_network: Path, small_inputs: Path, tmp_path: Path
) -> None:
    found = {}
    for bits in (None, 10, 8):
        options = BuildOptions(tolerance="adc", adc_bits=bits, calibration=str(small_inputs), tile=(32, 4))
        design = rsscircuit.build(small_network, tmp_path / f"{bits}", options, last="solve")
        found[bits] = design.layer("hidden").rules.tolerance_siemens
    assert found[None] == found[10] == pytest.approx(found[8] / 4.0, rel=1e-12)

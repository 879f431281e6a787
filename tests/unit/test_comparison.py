"""Banks against their rivals: what bits, areas and intervals mean, and that every figure is what was drawn."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench import effective_bits as table
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from rsscircuit.banks import bank_spec, sample_pairs
from rsscircuit.comparison import LEAST_DIES, compare_banks, effective_bits, median_interval
from rsscircuit.comparison import compare as comparing
from rsscircuit.comparison.bits import SIGNED, UNSIGNED
from rsscircuit.comparison.compare import Option, bank_option, rival_option
from rsscircuit.comparison.costs import WEIGHTS, bank_readings, calibration_um2
from rsscircuit.comparison.rivals import matched_ladder, matched_ladder_um2, r_2r, r_2r_shares, r_2r_um2, reram, rivals
from rsscircuit.comparison.targets import TARGETS, mid_range, trained_weights
from rsscircuit.errors import InputError, MissingPartError
from rsscircuit.report import comparison_plot
from rsscircuit.report.comparison_tables import least, show_comparison
from rsscircuit.technology import load_technology, preset_names

TECHNOLOGY = load_technology("sky130_xhigh_100k")
DIES, PAIRS = 8, 64
WEIGHTS_OF = {name: draw(np.random.default_rng(3), (DIES, PAIRS)) for name, draw in TARGETS.items()}


def bank(plan: str, resistors: int, technology: object = TECHNOLOGY) -> Option:
    return bank_option(bank_spec(plan, resistors, 1e5), technology, WEIGHTS_OF, 1)  # type: ignore[arg-type]


# Bits and intervals


@pytest.mark.parametrize("bits", [4, 9])
def test_a_converter_has_its_bits(bits: int) -> None:
    values = np.random.default_rng(1).uniform(0.0, 1.0, 200_000)
    errors = (np.floor(values * 2**bits) + 0.5) / 2**bits - values
    assert effective_bits(errors, UNSIGNED) == pytest.approx(bits, abs=0.01)
    assert effective_bits(errors, SIGNED) == pytest.approx(bits + 1, abs=0.01)


def test_even_errors_within_the_tolerance_of_a_build_make_eleven_bits() -> None:
    errors = np.linspace(-(2.0**-11), 2.0**-11, 10_001)
    assert effective_bits(errors, SIGNED) == pytest.approx(comparing.WANTED_BITS, abs=0.001)


@given(st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=40))
def test_an_interval_holds_its_median_and_goes_with_the_values(values: list[float]) -> None:
    found = median_interval(np.array(values))
    assert min(values) <= found.low <= found.median <= found.high <= max(values)
    mirrored = median_interval(-np.array(values))
    assert (mirrored.low, mirrored.median, mirrored.high) == (-found.high, -found.median, -found.low)


@pytest.mark.parametrize("count", [6, 7, 40, 64, 200])
def test_the_ranks_are_the_narrowest_of_95_per_cent(count: int) -> None:
    found = median_interval(np.arange(1.0, count + 1.0))
    rank = int(found.low)
    assert found.high == count + 1 - rank
    assert 1.0 - 2.0 * binom.cdf(rank - 1, count, 0.5) >= 0.95
    assert 1.0 - 2.0 * binom.cdf(rank, count, 0.5) < 0.95


def test_intervals_cover_the_true_median() -> None:
    draws = np.random.default_rng(2).exponential(1.0, (2000, 25))
    found = [median_interval(row) for row in draws]
    covered = sum(interval.low <= math.log(2.0) <= interval.high for interval in found)
    assert binom.cdf(covered, 2000, 0.95) > 1e-4  # 25 values: 95.7 % in truth


def test_few_values_have_no_interval() -> None:
    with pytest.raises(ValueError, match="5 values have no 95 % interval"):
        median_interval(np.arange(5.0))


# Targets


def test_trained_weights_are_laplace_cut_at_full_scale() -> None:
    drawn = trained_weights(np.random.default_rng(1), (100_000,))
    assert np.abs(drawn).mean() == pytest.approx(0.06, abs=4 * 0.06 / math.sqrt(1e5))
    assert np.abs(drawn).max() <= 1.0
    assert np.mean(drawn > 0) == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(1e5))
    assert np.mean(np.abs(drawn) > 0.12) == pytest.approx(math.exp(-2.0), abs=4 * 0.35 / math.sqrt(1e5))


def test_mid_range_weights_keep_from_both_ends() -> None:
    drawn = mid_range(np.random.default_rng(1), (10_000,))
    assert np.abs(drawn).min() == pytest.approx(0.15, abs=0.001)
    assert np.abs(drawn).max() == pytest.approx(0.85, abs=0.001)
    assert np.mean(drawn > 0) == pytest.approx(0.5, abs=4 * 0.5 / 100)


# Rivals


@pytest.mark.parametrize(("bits", "um2"), [(6, 44), (8, 710), (10, 11_400)])
def test_a_matched_ladder_takes_the_area_of_the_notes(bits: int, um2: float) -> None:
    assert matched_ladder_um2(0.0347, bits) == pytest.approx(um2, rel=0.01)


def test_an_r_2r_ladder_takes_the_area_of_the_notes() -> None:
    assert r_2r_um2(0.0347, 8) == pytest.approx(17_000, rel=0.01)


def test_a_matched_ladder_keeps_half_a_step_at_three_sigma() -> None:
    bits = 8
    drawn = matched_ladder(TECHNOLOGY, bits).branches(np.random.default_rng(1), (40_000,)) * (2**bits - 1)
    middle = drawn[:, -1] - 2 ** (bits - 1) / (2**bits - 1) * drawn.sum(axis=1)  # from the line through both ends
    assert middle.std() == pytest.approx(1 / 6, rel=4 / math.sqrt(2 * 40_000))


def test_an_r_2r_ladder_without_mismatch_halves_from_leg_to_leg() -> None:
    assert r_2r_shares(np.random.default_rng(1), (), 6, 0.0) == pytest.approx(2.0 ** (np.arange(6) - 6))


def test_an_r_2r_ladder_agrees_with_a_nodal_solve() -> None:
    bits, sigma = 5, 0.1
    currents = r_2r_shares(np.random.default_rng(7), (), bits, sigma)
    unit = 1.0 + sigma * np.random.default_rng(7).standard_normal(3 * bits + 1)
    legs, series = unit[:bits] + unit[bits : 2 * bits], unit[2 * bits : 3 * bits - 1]
    matrix, driven = np.diag(1 / legs), np.zeros(bits)
    matrix[0, 0] += 1 / (unit[-2] + unit[-1])
    for node, ohm in enumerate(series):
        matrix[node : node + 2, node : node + 2] += np.array([[1.0, -1.0], [-1.0, 1.0]]) / ohm
    matrix[-1], driven[-1] = np.eye(bits)[-1], 1.0  # the last node is at 1 V
    assert currents == pytest.approx(np.linalg.solve(matrix, driven) / legs, rel=1e-12)


def test_reram_has_the_bits_of_its_cells_and_a_sign() -> None:
    found = rival_option(reram(3, 3), WEIGHTS_OF, 1).bits["mid_range"].median
    assert found == pytest.approx(1 + math.log2(2**9 - 1), abs=0.1)
    assert reram(3, 3).area_um2 == pytest.approx(2 * 3 * 2.0 + calibration_um2(8.0))


def test_rivals_gain_bits_with_area_and_never_more_than_they_have() -> None:
    options = [rival_option(rival, WEIGHTS_OF, 1) for rival in rivals(TECHNOLOGY)]
    for _, members in itertools.groupby(options, key=lambda option: option.family):
        family = list(members)
        assert all(one.area_um2 < other.area_um2 for one, other in itertools.pairwise(family))
        for name in TARGETS:
            bits = [option.bits[name].median for option in family]
            assert bits == sorted(bits)
            assert all(found < option.size + 1.3 for found, option in zip(bits, family, strict=True))


def test_ladders_follow_the_mismatch_of_the_technology() -> None:
    worse = replace(TECHNOLOGY, resistor=replace(TECHNOLOGY.resistor, mismatch_um=2 * TECHNOLOGY.resistor.mismatch_um))
    latches = 2 * 8 * TECHNOLOGY.switch.area_um2
    for ladder in (matched_ladder, r_2r):
        assert ladder(worse, 8).area_um2 - latches == pytest.approx(4 * (ladder(TECHNOLOGY, 8).area_um2 - latches))


# Banks


def test_a_pair_is_programmed_by_the_nearest_of_all_its_subsets() -> None:
    n, spec = 4, bank_spec("geometric:1.25", 4, 1e5)
    sample = sample_pairs(spec, TECHNOLOGY, dies=DIES, pairs=PAIRS, seed=1)
    masks = (np.arange(2 ** (2 * n))[:, None] >> np.arange(2 * n)) & 1
    bits = []
    for die, wanted in enumerate(WEIGHTS_OF["mid_range"]):
        full_scale = np.median(sample.measured_siemens[die].sum(axis=2))
        signed = [
            np.concatenate([banks[:, 0], -banks[:, 1]], axis=1)
            for banks in (sample.measured_siemens[die], sample.true_siemens[die])
        ]
        sums = signed[0] @ masks.T
        best = masks[np.abs(sums - wanted[:, None] * full_scale).argmin(axis=1)]
        errors = (best * signed[1]).sum(axis=1) / full_scale - wanted
        bits.append(math.log2(2.0 / math.sqrt(12 * np.mean(errors**2))))
    assert bank("geometric:1.25", 4).bits["mid_range"] == median_interval(np.array(bits))


def test_the_area_of_a_pair_is_the_sum_of_its_parts() -> None:
    spec = bank_spec("geometric:1.25", 6, 1e5)
    by_hand = 2 * sum(TECHNOLOGY.resistor.area_um2(float(ohm)) + TECHNOLOGY.switch.area_um2 for ohm in spec.nominal_ohm)
    option = bank("geometric:1.25", 6)
    assert option.area_um2 == pytest.approx(by_hand + calibration_um2(14.0))
    assert option.memory_bits == 12
    assert option.calibration_seconds == pytest.approx(option.readings * WEIGHTS / 2e6)


def test_calibration_is_shared_out() -> None:
    assert calibration_um2(9.0) == pytest.approx(2 * calibration_um2(8.0))
    assert calibration_um2(8.0) * WEIGHTS == pytest.approx(1200 * (130 / 32) ** 2)
    assert bank_readings(TECHNOLOGY, 10) == pytest.approx(2 * 10 * 16 + (16 + 1024) / 64)


def test_more_resistors_cost_area_and_leave_fewer_targets_out() -> None:
    options = [bank("geometric:1.25", n) for n in (4, 6, 8, 10)]
    for one, other in itertools.pairwise(options):
        assert one.area_um2 < other.area_um2
        assert one.readings < other.readings
        for name in TARGETS:
            assert one.bits[name].median < other.bits[name].median
            assert one.beyond_tolerance[name] >= other.beyond_tolerance[name]
    assert options[0].beyond_tolerance["trained"] > 0.5
    assert options[-1].beyond_tolerance["trained"] == 0


def test_measuring_sets_a_floor_that_no_number_of_resistors_lowers() -> None:
    coarse = replace(TECHNOLOGY, measurement=replace(TECHNOLOGY.measurement, bits=9.0))
    fine = replace(TECHNOLOGY, measurement=replace(TECHNOLOGY.measurement, bits=24.0))
    at_floor = [bank("geometric:1.25", n, coarse).bits["trained"].median for n in (10, 12)]
    assert at_floor[1] == pytest.approx(at_floor[0], abs=0.5)
    assert bank("geometric:1.25", 12, fine).bits["trained"].median > at_floor[1] + 4


def test_the_total_conductance_is_no_less_than_the_weights_and_falls_with_choice() -> None:
    few, many = bank("geometric:1.25", 8), bank("geometric:1.25", 12)
    spec = bank_spec("geometric:1.25", 12, 1e5)
    reach = (1 / (spec.nominal_ohm + TECHNOLOGY.switch.on_ohm)).sum()
    for name, wanted in WEIGHTS_OF.items():
        least_possible = np.abs(wanted).mean() * reach
        assert few.total_siemens[name] > many.total_siemens[name]
        assert many.total_siemens[name] > 0.9 * least_possible  # 5 % of lot, wafer and die, eight dies


def test_rivals_have_no_tolerance_and_no_pair() -> None:
    option = rival_option(matched_ladder(TECHNOLOGY, 6), WEIGHTS_OF, 1)
    assert option.beyond_tolerance == {}
    assert option.total_siemens == {}
    assert option.readings == 0


# The whole comparison


@pytest.fixture(scope="module")
def small() -> dict[str, object]:
    """A comparison of a few options."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "PLANS", ("equal", "geometric:1.25"))
        patch.setattr(comparing, "SIZES", (6, 10))
        return compare_banks(TECHNOLOGY, dies=LEAST_DIES, seed=4)


def test_the_least_area_is_looked_up_by_family(small: dict[str, object]) -> None:
    options = [option for option in small["options"] if option["family"] == "geometric:1.25"]  # type: ignore[attr-defined]
    assert least(options, "trained", 11.0)["size"] == 6  # type: ignore[index]
    assert least(options, "trained", 14.0)["size"] == 10  # type: ignore[index]
    assert least(options, "trained", 30.0) is None


def test_the_tables_show_every_option_once(small: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    show_comparison(small)
    shown = capsys.readouterr().out
    for option in small["options"]:  # type: ignore[attr-defined]
        assert f"{option['bits']['trained']['median']:.2f} ±" in shown
        assert f"{option['area_um2']:,.0f}".replace(",", " ") in shown
    assert shown.count("geometric:1.25") == 2
    assert "384 mid-range targets" in shown  # 6 dies of 64


def test_the_picture_is_the_same_bytes_every_time(small: dict[str, object], tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = comparison_plot.writable_folder(str(tmp_path / name))
        comparison_plot.save_comparison(small, folder)
    for suffix in ("json", "svg"):
        one, two = ((tmp_path / name / f"compare_banks.{suffix}").read_bytes() for name in ("one", "two"))
        assert one == two
    assert json.loads((tmp_path / "one" / "compare_banks.json").read_text()) == small
    picture = (tmp_path / "one" / "compare_banks.svg").read_text()
    assert "<dc:date>" not in picture
    banks = {option["family"] for option in small["options"] if option["bank"]}  # type: ignore[attr-defined]
    rivals = {option["family"] for option in small["options"] if not option["bank"]}  # type: ignore[attr-defined]
    for panels, names in ((2, banks), (2, rivals)):
        assert all(picture.count(f">{name}</text>") == panels for name in names)


def test_without_matplotlib_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingPartError, match=r"not installed; python -m pip install 'rsscircuit\[plot\]'"):
        comparison_plot.writable_folder(str(tmp_path / "there"))


def test_a_file_is_no_place_for_a_comparison(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be a directory"):
        comparison_plot.writable_folder(str(tmp_path / "file"))


@pytest.mark.parametrize(("choice", "says"), [({"dies": 5}, "--dies: too few dies"), ({"seed": -1}, "--seed: a seed")])
def test_choices_that_mean_nothing_are_refused(choice: dict[str, int], says: str) -> None:
    with pytest.raises(InputError, match=says):
        compare_banks(TECHNOLOGY, **choice)


def test_the_figures_depend_on_the_seed_alone(small: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "PLANS", ("equal", "geometric:1.25"))
    monkeypatch.setattr(comparing, "SIZES", (6, 10))
    assert compare_banks(TECHNOLOGY, dies=LEAST_DIES, seed=4) == small
    other = compare_banks(TECHNOLOGY, dies=LEAST_DIES, seed=5)
    pairs = zip(small["options"], other["options"], strict=True)  # type: ignore[call-overload]
    assert all(one["bits"] != two["bits"] for one, two in pairs)


def test_the_command_prints_json() -> None:
    words = ["compare-banks", "--technology", "thesis_iid20", "--dies", "6", "--json"]
    line = [sys.executable, "-m", "rsscircuit.cli", *words]
    done = subprocess.run(line, capture_output=True, text=True, timeout=240, check=True)
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["technology"] == "thesis_iid20 (hypothetical)"
    families = {option["family"] for option in result["options"]}
    rest = {"matched ladder", "R-2R", "ReRAM, 2 b/cell", "ReRAM, 3 b/cell"}
    assert families == {*comparing.PLANS, *rest}
    for option in result["options"]:
        assert set(option["bits"]) == set(TARGETS)
        assert option["area_um2"] > 0


def test_every_plan_of_the_comparison_can_be_drawn_in_every_technology() -> None:
    for name in preset_names():
        technology = load_technology(name)
        for plan in comparing.PLANS:
            option = bank_option(bank_spec(plan, 4, technology.resistor.unit_ohm), technology, WEIGHTS_OF, 1)
            assert option.family == plan
            assert 0 < option.bits["trained"].median < 24


# The table of single banks


@pytest.mark.parametrize("row", [row for row in table.ROWS if row.plan in ("geometric:1.25", "sub-radix:1.8")])
@pytest.mark.parametrize("place", [0, 1])
def test_the_notes_hold_for_geometric_and_sub_radix_banks(row: table.Row, place: int) -> None:
    found = table.measured(row, table.SIZES[place], 200)
    assert found.median == pytest.approx(row.notes[place], abs=0.3)


def test_the_notes_were_wrong_of_sixteen_independent_resistors() -> None:
    row = next(row for row in table.ROWS if "independent" in row.label)
    found = table.measured(row, 16, 200)
    assert found.low < 12.57 < found.high + 0.1  # of 2000 dies
    assert found.median > row.notes[1] + 0.3

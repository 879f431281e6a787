"""The space of designs: every point is its own build, run and charge; fronts, samples, what is kept, and errors."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rsscircuit
from rsscircuit import cli
from rsscircuit.commands.shared import LOST_TRIALS
from rsscircuit.cost import cost
from rsscircuit.errors import InputError
from rsscircuit.exploration import Axes, explore, parse_axes, points
from rsscircuit.exploration.fronts import front
from rsscircuit.exploration.points import PointOutcome
from rsscircuit.exploration.space import sample
from rsscircuit.exploration.summary import FIGURES
from rsscircuit.simulate.journal import Journal

WORDS = ("--resistors", "5,6", "--tile", "32x4", "--adc-bits", "7,9")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "y.npy"
    np.save(path, np.random.default_rng(3).integers(0, 4, 40))
    return path


def run_here(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Exit status of the command, in this process."""
    monkeypatch.setattr(sys, "argv", ["generate-crossbar", *map(str, words)])
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def written(folder: Path) -> dict[str, bytes]:
    """Every file but the order in which points were finished."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".jsonl"}


@pytest.mark.parametrize("calibrated", [True, False])
def test_a_point_is_what_its_commands_make(
    calibrated: bool,
    small_network: Path,
    small_inputs: Path,
    labels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every figure to the last digit, with choices that are no default and with the technology's own."""
    axes = Axes(technology=("sky130_xhigh_100k",), bank=("geometric:1.3",), resistors=(5,), tile=((16, 4),),
                measurement_bits=(9,), adc_bits=(6, 9)) if calibrated else Axes(tile=((32, 4),))  # fmt: skip
    chosen: dict[str, Any] = {"tolerance": 0.002, "seed": 7, "limit": 30} if calibrated else {}
    found = explore(small_network, tmp_path / "space", small_inputs, labels if calibrated else None, axes=axes,
                    calibration=small_inputs if calibrated else None, **chosen)  # fmt: skip
    point = found["points"][-1]
    assert point["state"] == "done"
    results = []
    for command in point["commands"]:
        program, *words = shlex.split(command)
        assert program == "generate-crossbar"
        assert run_here(monkeypatch, *words, "--json") == 0
        results.append(json.loads(capsys.readouterr().out))
    built, answers, costs = results
    figures = point["figures"]
    assert answers["output_error"]["chip"] == figures["output_error"]
    assert answers["agreement"]["chip"] == figures["agreement"]
    assert answers["accuracy"].get("chip") == figures["accuracy"]
    assert answers["accuracy"].get("trained") == found["trained_accuracy"]
    assert costs["area"]["total"] == figures["area_um2"]
    assert costs["energy"]["total"] == figures["energy_joule"]
    assert [costs[name] for name in ("latency_second", "inferences_per_second", "joule_per_mac", "tiles")] == [
        figures[name] for name in ("latency_second", "inferences_per_second", "joule_per_mac", "tiles")
    ]
    summary = built["summary"]
    assert figures["misses"] == summary["beyond_reach"] + summary["beyond_tolerance"]
    assert built["options"]["measurement_bits"] == (9 if calibrated else None)


def test_the_bits_of_the_adc_share_a_design_and_change_what_they_should(
    small_network: Path, small_inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    build = points.build
    monkeypatch.setattr(points, "build", lambda *words, **given: built.append(words) or build(*words, **given))
    axes = Axes(resistors=(6, 8), tile=((32, 4),), adc_bits=(5, 8, 10))
    found = explore(small_network, tmp_path / "space", small_inputs, axes=axes, calibration=small_inputs)
    assert len(built) == 2
    figures = [point["figures"] for point in found["points"]]
    assert figures[0]["output_error"] > figures[1]["output_error"] > figures[2]["output_error"]
    assert figures[0]["area_um2"] < figures[1]["area_um2"] < figures[2]["area_um2"]
    assert figures[0]["misses"] == figures[2]["misses"] > figures[5]["misses"]
    assert figures[0]["area_um2"] < figures[3]["area_um2"]


def test_bits_of_measurement_belong_to_the_build(small_network: Path, small_inputs: Path, tmp_path: Path) -> None:
    designs = {}
    for bits in (None, 14, 8):
        options = rsscircuit.BuildOptions(tile=(32, 4), measurement_bits=bits, netlists="none", resistors=6)
        rsscircuit.build(small_network, tmp_path / str(bits), options)
        designs[bits] = rsscircuit.load(tmp_path / str(bits))
    own = designs[None].technology.measurement.bits
    assert [designs[bits].technology.measurement.bits for bits in (14, 8)] == [14.0, 8.0]
    assert own == 14.0
    floors = {bits: design.layers[0].statistics["measurement_floor"] for bits, design in designs.items()}
    assert floors[14] == floors[None] < floors[8] / 10
    with pytest.raises(InputError, match="a converter has 1 to 24 bits"):
        rsscircuit.build(small_network, tmp_path / "none", rsscircuit.BuildOptions(measurement_bits=0))
    coarse, fine = (cost(tmp_path / "14", inputs=small_inputs, adc_bits=bits) for bits in (6, 10))
    assert fine["area"]["total"] > coarse["area"]["total"]
    assert fine == cost(tmp_path / "14", inputs=small_inputs)


def test_the_same_bytes_at_any_number_of_workers_after_an_interruption_and_with_longer_axes(
    small_network: Path,
    small_inputs: Path,
    labels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "space"
    common = ["explore", small_network, "--out", out, "--inputs", small_inputs, "--labels", labels, "--limit", 20]
    arguments = [*common, *WORDS]
    seen = []
    for workers in (2, 0):
        assert run_here(monkeypatch, *arguments, "--workers", workers) == 0
        seen.append(written(out))
        assert "4 points; 2 designs to build, some" in capsys.readouterr().err
        shutil.rmtree(out)
    assert seen[0] == seen[1]
    append = Journal.append

    def interrupted(journal: Journal[PointOutcome], outcome: PointOutcome) -> None:
        append(journal, outcome)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", interrupted)
        assert run_here(monkeypatch, *arguments, "--workers", 0) == 130
    assert "interrupted: 1 of 4 points are kept" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["points.jsonl"]
    (out / "building" / "left").mkdir(parents=True)
    assert run_here(monkeypatch, *arguments, "--workers", 0) == 0
    assert "4 points, 1 of them finished before; 2 designs" in capsys.readouterr().err
    assert written(out) == seen[0]
    assert run_here(monkeypatch, *common, "--resistors", "4,5,6", *WORDS[2:], "--workers", 0, "--no-plots") == 0
    assert "6 points, 4 of them finished before; 1 design to build" in capsys.readouterr().err
    assert len((out / "points.jsonl").read_text().splitlines()) == 1 + 6
    assert run_here(monkeypatch, *common, *WORDS, "--seed", 2) == 2
    assert "of another study" in capsys.readouterr().err


def test_a_cluster_gives_the_same_bytes(small_network: Path, small_inputs: Path, labels: Path, tmp_path: Path) -> None:
    """One worker and two, threads of this process."""
    from distributed import LocalCluster

    axes, out, seen = Axes(resistors=(5, 6), tile=((32, 4),), adc_bits=(7, 9)), tmp_path / "space", []
    explore(small_network, out, small_inputs, labels, axes=axes)
    seen.append(written(out))
    for workers in (1, 2):
        shutil.rmtree(out)
        with LocalCluster(n_workers=workers, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
            explore(small_network, out, small_inputs, labels, axes=axes, dask=cluster.scheduler_address)
        seen.append(written(out))
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]


def test_a_point_that_cannot_be_stays_with_its_reason(
    small_network: Path,
    small_inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    common = ["explore", small_network, "--inputs", small_inputs, "--tile", "32x4", "--workers", 0]
    out = tmp_path / "space"
    assert run_here(monkeypatch, *common, "--out", out, "--resistors", "6,40", "--adc-bits", "8,9") == 0
    said = capsys.readouterr().out
    assert "2 failed: points 3, 4: --resistors: a bank has 1 to 32 resistors; got 40" in said
    rows = list(csv.DictReader((out / "points.csv").open()))
    assert [row["state"] for row in rows] == ["done", "done", "failed", "failed"]
    assert rows[2]["reason"].startswith("--resistors")
    assert rows[2]["output_error"] == rows[2]["fronts"] == ""
    assert all(float(rows[0][name]) >= 0 for name in FIGURES if name != "accuracy")
    assert run_here(monkeypatch, *common, "--out", tmp_path / "none", "--resistors", 40) == LOST_TRIALS
    assert "1 failed" in capsys.readouterr().out


def test_pictures_hold_every_front(small_network: Path, small_inputs: Path, labels: Path, tmp_path: Path) -> None:
    from rsscircuit.report.exploration import draw_exploration

    axes = Axes(technology=("sky130_xhigh_1M", "sky130_xhigh_100k"), resistors=(5, 6), adc_bits=(6, 9))
    found = explore(small_network, tmp_path / "space", small_inputs, labels, axes=axes)
    lines = draw_exploration(found, tmp_path / "space")
    assert [Path(line.split()[0]).name for line in lines] == ["output_error.svg", "agreement.svg", "accuracy.svg"]
    words = {word.strip() for word in ElementTree.parse(tmp_path / "space" / "output_error.svg").getroot().itertext()}  # noqa: S314
    for numbers in found["fronts"]["output-error"].values():
        assert numbers
        assert {str(number) for number in numbers} <= words
    assert {"sky130_xhigh_1M", "sky130_xhigh_100k"} <= words
    on_front = [point["number"] for point in found["points"] if point["fronts"]]
    assert sorted({number for front in found["fronts"]["output-error"].values() for number in front}) == on_front
    assert [level["value"] for level in found["levels"]["resistors"]] == [5, 6]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12))
def test_a_front_is_what_nothing_dominates(figures: list[tuple[int, int]]) -> None:
    found = front([bad for bad, _ in figures], [price for _, price in figures])
    expected = {
        place
        for place, mine in enumerate(figures)
        if not any(other != mine and other[0] <= mine[0] and other[1] <= mine[1] for other in figures)
    }
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [figures[place][1] for place in found] == sorted(figures[place][1] for place in found)


@pytest.mark.parametrize("count", [1, 40, 200, 431, 432, 1000])
def test_a_sample_has_so_many_different_points(count: int) -> None:
    axes = Axes(resistors=tuple(range(4, 16)), tile=((8, 8), (16, 16), (32, 32)), adc_bits=tuple(range(1, 13)))
    found = sample(axes, count, 1)
    assert len(set(found)) == len(found) == min(count, 432)
    assert list(found) == sorted(found)
    assert min(found) >= 1
    assert max(found) <= 432
    assert set(found) <= set(sample(axes, count + 50, 1))
    assert found == sample(axes, count, 1)
    assert count > 431 or found != sample(axes, count, 2)
    if count == 200:
        values = [axes.at(number).resistors for number in found]
        assert all(abs(values.count(each) - 200 / 12) <= 6 for each in axes.resistors)


def test_without_an_axis_there_is_one_point_of_the_defaults() -> None:
    axes = parse_axes()
    assert axes.size == 1
    described = axes.at(1).described(rsscircuit.load_technology("sky130_xhigh_1M"))
    assert described["tile"] == "64x64"
    assert described["resistors"] == rsscircuit.load_technology("sky130_xhigh_1M").resistors
    both = parse_axes(bank="list:1,1.3,1.7,equal", tile="8x8, 16x4")
    assert both.bank == ("list:1,1.3,1.7", "equal")
    assert both.tile == ((8, 8), (16, 4))


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--resistors", ""), "--resistors: an axis is a list of values"),
        (("--adc-bits", "8,,9"), "--adc-bits: an axis is a list of values"),
        (("--adc-bits", "8,8"), "--adc-bits: the same value stands twice"),
        (("--resistors", "6.5"), "--resistors: not a whole number from 1; got '6.5'"),
        (("--measurement-bits", "0"), "--measurement-bits: not a whole number from 1; got '0'"),
        (("--technology", "sky13"), "no such technology; got 'sky13'"),
        (("--bank", "geometrc:1.2"), "--bank: no such bank plan"),
        (("--bank", "geometric:9"), "--bank: the parameter of geometric"),
        (("--tile", "64"), "--tile: a tile is ROWSxCOLUMNS"),
        (("--limit", "41"), "--limit: a limit is from 1 to the 40 inputs; got 41"),
        (("--limit", "0"), "--limit: a limit is from 1 to the 40 inputs; got 0"),
        (("--points", "0"), "--points: there must be at least one point"),
        (("--quality", "speed"), "--quality: no such quality; got 'speed'"),
        (("--quality", "accuracy"), "--quality: without labels there is no accuracy"),
        (("--seed", "-1"), "--seed: a seed is a whole number from 0"),
        (("--tolerance", "1.5"), "--tolerance: a tolerance is a fraction from 0 to 1"),
        (("--workers", "-1"), "--workers: a number of workers is from 0"),
        (("--labels", "missing.npy"), "--labels: no such file"),
        (("--calibration", "missing.npy"), "--calibration: no such file"),
        (("--resistors", ",".join(map(str, range(1, 80))), "--adc-bits", ",".join(map(str, range(1, 80)))),
         "explore: the product of the axes has more than 4000 points; got 6241; add --points N"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    words: tuple[str, ...],
    error: str,
    small_network: Path,
    small_inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_here(monkeypatch, "explore", small_network, "--out", tmp_path / "space", "--inputs", small_inputs, *words) == 2  # fmt: skip  # noqa: E501
    said = capsys.readouterr().err
    assert said.startswith(f"error: {error}")
    assert said.count("\n") == 1


def test_a_directory_of_something_else_is_left_alone(small_network: Path, small_inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(rsscircuit.RsscircuitError, match="holds something else"):
        explore(small_network, tmp_path, small_inputs)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

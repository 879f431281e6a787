"""Many chips of a design: each is a build of its own, reproduced by its commands, resumable, and counted exactly."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import rsscircuit
from rsscircuit import cli
from rsscircuit.binomial import clopper_pearson
from rsscircuit.commands.shared import LOST_TRIALS
from rsscircuit.design.record import read_record
from rsscircuit.errors import InputError, RsscircuitError
from rsscircuit.inference import Operation
from rsscircuit.inference.array import operate
from rsscircuit.options import BuildOptions
from rsscircuit.population import Limits, chips, network_yield
from rsscircuit.population.chips import ChipOutcome
from rsscircuit.population.redrawn import other_die
from rsscircuit.population.summary import summarise
from rsscircuit.report.population import draw_yield
from rsscircuit.simulate.journal import Journal
from rsscircuit.technology.cell import at_conditions

STUCK = "layer,row,column,polarity,branch,state\nhidden,0,1,+,3,open\nout,2,0,-,1,closed\n"


@pytest.fixture
def design(small_design: Path, tmp_path: Path) -> Path:
    """A copy without results."""
    return Path(shutil.copytree(small_design, tmp_path / "design", ignore=shutil.ignore_patterns("results")))


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "y.npy"
    np.save(path, np.random.default_rng(3).integers(0, 4, 40))
    return path


def written(design: Path) -> dict[str, bytes]:
    """Every file of the results but the order in which dies were finished."""
    files = [path for path in (design / "results").rglob("*") if path.is_file() and path.suffix != ".jsonl"]
    return {str(path.relative_to(design)): path.read_bytes() for path in files}


def run_here(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Exit status of the command, in this process."""
    monkeypatch.setattr(sys, "argv", ["generate-crossbar", *map(str, words)])
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"stuck": "stuck.csv", "objective": "least-ageing", "corners": "celsius=-40:125", "seed": 9},
        {"compensate_ir_drop": True, "joint_columns": True, "correct_bias": True},
    ],
)
def test_a_die_is_the_build_of_its_seed(
    choices: dict[str, Any], small_design: Path, small_network: Path, small_inputs: Path, tmp_path: Path
) -> None:
    """Byte for byte: banks, measured values, scales and switches, and then every figure."""
    (tmp_path / "stuck.csv").write_text(STUCK)
    choices = {name: str(tmp_path / text) if name == "stuck" else text for name, text in choices.items()}
    options = {"tile": (32, 4), "calibration": str(small_inputs), "netlists": "none"} | choices
    first = tmp_path / "first" if choices else Path(shutil.copytree(small_design, tmp_path / "first"))
    design = rsscircuit.build(small_network, first, BuildOptions(**options)) if choices else rsscircuit.load(first)
    built = rsscircuit.build(small_network, tmp_path / "third", BuildOptions(**options | {"seed": 23}))
    drawn, programmer = other_die(design, first, "virtual", 23)
    for ours, theirs in zip(drawn.layers, built.layers, strict=True):
        assert ours.siemens_per_weight.tobytes() == theirs.siemens_per_weight.tobytes()
        assert (ours.rules, ours.full_scale_siemens) == (theirs.rules, theirs.full_scale_siemens)
        for tile in ours.drawn_tiles:
            mine, other = drawn.crossbar(ours, tile), built.crossbar(theirs, tile)
            assert mine.die.on_siemens.tobytes() == other.die.on_siemens.tobytes()
            assert mine.die.off_siemens.tobytes() == other.die.off_siemens.tobytes()
            assert mine.measured.step_siemens.tobytes() == other.measured.step_siemens.tobytes()
            assert mine.closed.tobytes() == other.closed.tobytes()
            assert mine.aimed.tobytes() == other.aimed.tobytes()
        assert (ours.correction is None) == (theirs.correction is None)
        if ours.correction is not None and theirs.correction is not None:
            assert ours.correction.gain.tobytes() == theirs.correction.gain.tobytes()
            assert ours.correction.offset.tobytes() == theirs.correction.offset.tobytes()
    assert programmer.misses == built.summary["beyond_reach"] + built.summary["beyond_tolerance"]
    found = network_yield(first, small_inputs, dies=1, seed=23)
    alone = rsscircuit.evaluate(tmp_path / "third", small_inputs, effects="all", operation=Operation(seed=23))
    assert found["worst"]["agreement"] == alone["agreement"]["chip"]
    assert found["worst"]["output_error"] == alone["output_error"]["chip"]


@pytest.mark.parametrize("fixed", [False, True])
def test_the_commands_of_the_worst_give_its_figures(
    fixed: bool,
    design: Path,
    labels: Path,
    small_network: Path,
    small_inputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = {"fixed": fixed, "limit": 30, "years": (1.0, 3.0), "operation": Operation(adc_bits=9, stuck_open=1e-3)}
    worst = network_yield(design, small_inputs, labels, dies=3, effects="temperature,supply,ageing,adc,noise,faults",
                          limits=Limits(output_error=0.1), supply_volt=(1.7, 1.9), **asked)["worst"]  # fmt: skip
    assert len(worst["commands"]) == 2 - fixed
    files = {small_network.name: str(small_network), small_inputs.name: str(small_inputs)}
    for command in worst["commands"]:
        words = [files.get(word, word) for word in shlex.split(command)[1:]]
        assert run_here(monkeypatch, *words, "--json") == 0
        alone = json.loads(capsys.readouterr().out)
    assert alone["output_error"]["chip"] == worst["output_error"]
    assert alone["accuracy"]["chip"] == worst["accuracy"]
    assert alone["conditions"]["supply_volt"] == worst["drawn"]["supply_volt"]
    assert 1.0 <= worst["drawn"]["years"] <= 3.0


def test_the_same_bytes_at_any_number_of_workers_and_after_an_interruption(
    design: Path, labels: Path, small_inputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["yield", design, "--inputs", small_inputs, "--labels", labels, "--dies", 4]
    seen = []
    for workers in (0, 2):
        assert run_here(monkeypatch, *arguments, "--workers", workers) == 0
        seen.append(written(design))
        shutil.rmtree(design / "results")
    assert seen[0] == seen[1]
    append = Journal.append

    def interrupted(journal: Journal[ChipOutcome], outcome: ChipOutcome) -> None:
        append(journal, outcome)
        if outcome.trial == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", interrupted)
        assert run_here(monkeypatch, *arguments, "--workers", 0) == 130
    assert "interrupted: 2 of 4 chips are kept" in capsys.readouterr().err
    assert run_here(monkeypatch, *arguments, "--workers", 0) == 0
    assert written(design) == seen[0]
    (path,) = design.glob("results/*/trials.jsonl")
    assert [json.loads(line)["trial"] for line in path.read_text().splitlines()[1:]] == [1, 2, 3, 4]


def test_a_cluster_gives_the_same_bytes(design: Path, labels: Path, small_inputs: Path) -> None:
    """One worker and two, threads of this process."""
    from distributed import LocalCluster

    seen = []
    for fixed in (False, True):
        network_yield(design, small_inputs, labels, dies=4, fixed=fixed)
    seen.append(written(design))
    for workers in (1, 2):
        shutil.rmtree(design / "results")
        with LocalCluster(n_workers=workers, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
            for fixed in (False, True):
                network_yield(design, small_inputs, labels, dies=4, fixed=fixed, dask=cluster.scheduler_address)
        seen.append(written(design))
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]


def test_a_die_that_fails_costs_itself_alone(
    design: Path, small_inputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sane = chips.ChipBench.run

    def run(bench: chips.ChipBench, number: int) -> ChipOutcome:
        if number == 2:
            raise RsscircuitError("the nodal solve did not converge", where="layer out, tile 0")
        return sane(bench, number)

    arguments = ["yield", design, "--inputs", small_inputs, "--dies", 3, "--seed", 5, "--workers", 0, "--json"]
    with monkeypatch.context() as patch:
        patch.setattr(chips.ChipBench, "run", run)
        assert run_here(monkeypatch, *arguments) == LOST_TRIALS
    said = capsys.readouterr()
    assert "1 of 3 were lost" in said.err
    assert "seed 6: layer out, tile 0: the nodal solve did not converge" in said.err
    assert json.loads(said.out)["trial"] == [1, 3]
    assert run_here(monkeypatch, *arguments) == 0
    assert json.loads(capsys.readouterr().out)["lost"] == []


def test_files_of_other_content_are_another_study(design: Path, small_inputs: Path, tmp_path: Path) -> None:
    one = network_yield(design, small_inputs, dies=2, limit=10)
    np.save(tmp_path / "x.npy", 1.0 - np.load(small_inputs))
    other = network_yield(design, tmp_path / "x.npy", dies=2, limit=10)
    assert one["files"] != other["files"]
    assert one["figures"] != other["figures"]


def test_dies_differ_and_drift_moves_one(design: Path, small_inputs: Path) -> None:
    """No two dies alike; without any effect that a die has a part in all are."""
    errors = network_yield(design, small_inputs, dies=4)["figures"]["output_error"]["values"]
    assert len(set(errors)) == 4
    same = network_yield(design, small_inputs, dies=3, effects="none")["figures"]["output_error"]["values"]
    assert max(same) < 1e-12
    drifts = network_yield(design, small_inputs, dies=3, fixed=True, effects="temperature")
    assert len(set(drifts["figures"]["output_error"]["values"])) == 3
    assert all(-40 <= each["celsius"] <= 125 and "misses" not in each for each in drifts["drawn"])


def test_a_supply_moves_the_switches_alone(small_design: Path) -> None:
    """A branch is 1 / (R + R_on(V)) at the ratio to the feedback resistor, which has a switch of its own."""
    design = rsscircuit.load(small_design)
    layer = design.layers[0]
    crossbar = design.crossbar(layer, layer.tiles[0])
    volt = 0.9 * design.technology.drive.supply_volt
    low = operate(design, crossbar, {"supply"}, Operation(supply_volt=volt)).crossbar.die.on_siemens
    drawn = crossbar.die.on_siemens > 0
    there = at_conditions(design.technology, 27.0, volt)
    assert there.switch.on_ohm > design.technology.switch.on_ohm
    change = low[drawn] / crossbar.die.on_siemens[drawn] - 1.0
    assert 0 < np.abs(change).max() < 0.05
    idle = operate(design, crossbar, {"solver"}, Operation(supply_volt=volt)).crossbar.die.on_siemens
    assert (idle == crossbar.die.on_siemens).all()


@pytest.mark.parametrize(("events", "trials"), [(0, 1), (1, 1), (0, 100), (100, 100), (97, 100), (3, 7), (500, 1000)])
def test_clopper_pearson_is_the_quantiles_of_the_beta_distribution(events: int, trials: int) -> None:
    low = stats.beta.ppf(0.025, events, trials - events + 1) if events else 0.0
    high = stats.beta.ppf(0.975, events + 1, trials - events) if events < trials else 1.0
    assert clopper_pearson(events, trials) == pytest.approx((low, high), rel=1e-7)


def outcome(trial: int, accuracy: float, agreement: float, error: float) -> ChipOutcome:
    return ChipOutcome(trial=trial, drawn={"seed": trial}, accuracy=accuracy, agreement=agreement, output_error=error)


def test_shares_and_the_worst() -> None:
    found = [outcome(1, 0.9, 0.99, 0.01), outcome(2, 0.8, 0.99, 0.03), outcome(3, 0.95, 0.97, 0.02)]
    both = summarise(found, Limits(accuracy=0.85, output_error=0.02))
    assert {name: share["kept"] for name, share in both["yield"].items()} == {
        "accuracy": 2,
        "output_error": 2,
        "all": 2,
    }
    assert (both["worst"]["by"], both["worst"]["trial"]) == ("accuracy", 2)
    assert both["figures"]["agreement"]["worst_trial"] == 3
    assert both["figures"]["output_error"]["mean"] == pytest.approx(0.02)
    none = summarise(found, Limits())
    assert none["yield"] == {}
    assert (none["worst"]["by"], none["worst"]["trial"]) == ("agreement", 3)
    alike = summarise(found[:2], Limits(agreement=0.99))
    assert alike["worst"]["trial"] == 2  # of two that agree alike the one that errs more
    assert alike["yield"]["agreement"]["share"] == 1.0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"dies": 0}, "--dies: there must be at least one"),
        ({"seed": -1}, "--seed"),
        ({"workers": -1}, "--workers"),
        ({"limits": Limits(accuracy=0.9)}, "--limit-accuracy: without labels"),
        ({"limits": Limits(agreement=99.0)}, "--limit-agreement: an agreement is from 0 to 1; got 99"),
        ({"limits": Limits(output_error=0.0)}, "--limit-error"),
        ({"limits": Limits(output_error=3.0)}, r"--limit-error.*write 3 % as 0.03"),
        ({"celsius": (0.0, 2000.0)}, "--celsius: .* beyond 250 C"),
        ({"effects": "gravity"}, "--effects"),
        ({"operation": Operation(adc_bits=0)}, "--adc-bits"),
        ({"limit": 0}, "--limit"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, Any], says: str, design: Path, small_inputs: Path) -> None:
    with pytest.raises(InputError, match=says):
        network_yield(design, small_inputs, **{"dies": 1} | wrong)
    assert not (design / "results").exists()


def test_tables_and_pictures(
    design: Path,
    labels: Path,
    small_inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["yield", design, "--inputs", small_inputs, "--labels", labels, "--dies", 3, "--workers", 0, "--plots"]
    limits = ["--limit-agreement", 0.9, "--limit-error", 0.5]
    assert run_here(monkeypatch, *arguments, *limits) == 0
    said = capsys.readouterr().out
    result = json.loads((design / "results" / "yield_dies.json").read_text())
    assert f"{result['yield']['all']['kept']} of 3" in said
    assert f"--seed {result['worst']['drawn']['seed']}" in said
    folder = design / "results" / result["files"]
    lines = list(csv.DictReader((folder / "dies.csv").open()))
    assert [float(line["output_error"]) for line in lines] == result["figures"]["output_error"]["values"]
    (tmp_path / "again").mkdir()
    draw_yield(result, tmp_path / "again")
    assert (tmp_path / "again" / "figures.svg").read_bytes() == (folder / "figures.svg").read_bytes()
    assert read_record(design)["options"]["seed"] == 1

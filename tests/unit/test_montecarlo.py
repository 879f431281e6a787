"""Monte Carlo runs: the same bytes however they are run, resumable, and no trial lost without a word."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rsscircuit import cli
from rsscircuit.analyses import montecarlo, montecarlo_trial
from rsscircuit.banks.measurement import ratio_sigma
from rsscircuit.commands.shared import LOST_TRIALS
from rsscircuit.errors import DesignError, InputError, MissingPartError
from rsscircuit.report import montecarlo as report
from rsscircuit.seeds import stream
from rsscircuit.simulate import campaign, trials
from rsscircuit.simulate.journal import Journal
from rsscircuit.simulate.montecarlo import Conditions
from rsscircuit.simulate.reading import read_columns
from rsscircuit.simulate.spread import convergence, milestones, spread
from rsscircuit.simulate.trials import Outcome
from rsscircuit.technology.readout import gain_factor, noise_ampere

TILE: dict[str, Any] = {"layer": "out", "tile": 0}
SINGULAR = "V9 wp0 0 9\n.save"  # contradicts the source of word line wp0


@pytest.fixture
def design(small_design: Path, tmp_path: Path) -> Path:
    """A copy without results."""
    return Path(shutil.copytree(small_design, tmp_path / "design", ignore=shutil.ignore_patterns("results")))


def written(design: Path) -> dict[str, bytes]:
    """Every file of the results but the order in which trials were finished."""
    files = [path for path in (design / "results").rglob("*") if path.is_file() and path.suffix != ".jsonl"]
    return {str(path.relative_to(design)): path.read_bytes() for path in files}


def journal_of(design: Path) -> Path:
    (path,) = design.glob("results/*/trials.jsonl")
    return path


def command(design: Path, *arguments: object) -> list[str]:
    given = ["montecarlo", design, "--layer", "out", "--tile", 0, *arguments]
    return [str(each) for each in given]


def run_here(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> int:
    """Exit status of the command, in this process."""
    monkeypatch.setattr(sys, "argv", ["generate-crossbar", *arguments])
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize("engine", ["nodal", "ngspice"])
def test_the_same_bytes_at_any_number_of_workers(engine: str, design: Path) -> None:
    seen = []
    for workers in (0, 3):
        for fixed in (False, True):
            montecarlo(design, trials=20, engine=engine, fixed=fixed, workers=workers, **TILE)
        seen.append(written(design))
        shutil.rmtree(design / "results")
    assert seen[0] == seen[1]
    assert sorted(Path(name).suffix for name in seen[0]) == [".csv", ".csv", ".json", ".json"]


def test_a_cluster_gives_the_same_bytes(design: Path) -> None:
    from distributed import LocalCluster

    montecarlo(design, trials=5, engine="ngspice", fixed=True, **TILE)
    expected = written(design)
    shutil.rmtree(design / "results")
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster:
        montecarlo(design, trials=5, engine="ngspice", fixed=True, dask=cluster.scheduler_address, **TILE)
    assert written(design) == expected


def test_finished_trials_are_not_run_again(design: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    run = campaign.run_trials

    def watched(study: trials.Study, numbers: tuple[int, ...]) -> object:
        ran.extend(numbers)
        return run(study, numbers)

    monkeypatch.setattr(campaign, "run_trials", watched)
    three = montecarlo(design, trials=3, **TILE)
    seven = montecarlo(design, trials=7, **TILE)
    assert ran == [1, 2, 3, 4, 5, 6, 7]
    assert seven["relative_error"][:3] == three["relative_error"]
    assert montecarlo(design, trials=3, **TILE) == three
    ran.clear()
    assert montecarlo(design, trials=7, fresh=True, **TILE) == seven
    assert ran == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"fixed": True}, {"fixed": True, "conditions": Conditions(years=(0.0, 1.0))}, {"tile": 0}]
)
def test_other_options_are_kept_apart(other: dict[str, Any], design: Path) -> None:
    montecarlo(design, trials=2, **TILE)
    montecarlo(design, trials=2, **TILE | other)
    folders = list(design.glob("results/*/"))
    assert len(folders) == (1 if other == {"tile": 0} else 2)


def test_a_line_that_was_cut_off_is_run_again(design: Path) -> None:
    whole = montecarlo(design, trials=4, **TILE)
    path = journal_of(design)
    path.write_bytes(path.read_bytes()[:-7])
    assert montecarlo(design, trials=4, **TILE) == whole
    assert len(path.read_text().splitlines()) == 5


def test_a_journal_is_held_once_and_says_when_it_is_not_one(design: Path, tmp_path: Path) -> None:
    montecarlo(design, trials=2, **TILE)
    path = journal_of(design)
    asked = json.loads(path.read_text().splitlines()[0])
    with Journal(path.parent, asked, Outcome), pytest.raises(DesignError, match="another run is at work"):
        Journal(path.parent, asked, Outcome)
    with pytest.raises(DesignError, match="of another study; add --fresh"):
        Journal(path.parent, asked | {"seed": 9}, Outcome)
    path.write_text(path.read_text() + "no trial\n")
    with pytest.raises(DesignError, match=r"trials is damaged.*add --fresh"):
        montecarlo(design, trials=2, **TILE)
    assert montecarlo(design, trials=2, fresh=True, **TILE)["trials"] == 2


@pytest.mark.parametrize("fixed", [False, True])
def test_a_trial_that_the_simulator_fails_on_costs_itself_alone(
    fixed: bool, design: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trial 2's deck has sources that contradict each other; for the fixed program, by an element too many."""
    arguments = command(design, "--trials", 3, "--engine", "ngspice", "--workers", 0)
    arguments += ["--fixed-program"] if fixed else []
    numbered = trials.Bench.run
    sane = (trials.tile_deck, trials.AlteredTile.currents)

    def run(bench: trials.Bench, number: int) -> Outcome:
        with monkeypatch.context() as patch:
            if number == 2:
                patch.setattr(trials, "tile_deck", lambda *a, **k: sane[0](*a, **k).replace(".save", SINGULAR))
                patch.setattr(
                    trials.AlteredTile,
                    "currents",
                    lambda tile, *rest: sane[1](tile, *rest[:3], np.full_like(rest[3], np.nan)),
                )
            return numbered(bench, number)

    with monkeypatch.context() as patch:
        patch.setattr(trials.Bench, "run", run)
        assert run_here(monkeypatch, arguments) == LOST_TRIALS
    said = capsys.readouterr().err
    (netlist,) = design.glob("results/*/trial_2.cir")
    assert "error: layer out, tile 0: 1 of 3 trials were lost; the same command tries them again" in said
    assert "trial 2: layer out, tile 0" in said
    assert f"netlist {netlist}" in said
    assert ("ngspice failed" if fixed else "check node") in said
    (result,) = design.glob("results/*.json")
    record = json.loads(result.read_text())
    assert record["trial"] == [1, 3]
    assert [each["trial"] for each in record["lost"]] == [2]
    assert run_here(monkeypatch, arguments) == 0
    assert json.loads(result.read_text())["trial"] == [1, 2, 3]
    assert not netlist.exists()


def test_all_trials_lost_is_told_without_statistics(
    design: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trials, "tile_deck", lambda *a, **k: "* nothing\n.end\n")
    arguments = command(design, "--trials", 4, "--engine", "ngspice", "--workers", 0)
    assert run_here(monkeypatch, arguments) == LOST_TRIALS
    said = capsys.readouterr()
    assert "4 of 4 trials were lost" in said.err
    assert "and 1 more" in said.err
    assert "mean" not in said.out


def test_an_interrupted_run_goes_on(
    design: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = montecarlo(design, trials=5, engine="ngspice", **TILE)
    shutil.rmtree(design / "results")
    append = Journal.append

    def interrupted(journal: Journal[Outcome], outcome: Outcome) -> None:
        append(journal, outcome)
        if outcome.trial == 2:
            raise KeyboardInterrupt

    arguments = command(design, "--trials", 5, "--engine", "ngspice", "--workers", 0)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", interrupted)
        assert run_here(monkeypatch, arguments) == 130
    assert "interrupted: 2 of 5 trials are kept; the same command goes on with the others" in capsys.readouterr().err
    assert montecarlo(design, trials=5, engine="ngspice", **TILE) == whole


def wait_for_trials(design: Path, run: subprocess.Popen[str], count: int) -> None:
    end = time.monotonic() + 60
    while run.poll() is None and time.monotonic() < end:
        paths = list(design.glob("results/*/trials.jsonl"))
        if paths and len(paths[0].read_text().splitlines()) > count:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {count} trials: {run.communicate()}")


def children_of(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            arguments = (path.parent / "cmdline").read_text()
        except OSError:
            continue
        if parent == process and "spawn_main" in arguments:
            found.append(int(path.parent.name))
    return found


def start(design: Path, trial_count: int) -> subprocess.Popen[str]:
    arguments = command(design, "--engine", "ngspice", "--fixed-program", "--workers", 2, "--trials", trial_count)
    return subprocess.Popen(
        [sys.executable, "-m", "rsscircuit.cli", *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_killed_worker_costs_its_trial_and_a_killed_run_nothing(design: Path) -> None:
    count = 150
    whole = montecarlo(design, trials=count, engine="ngspice", fixed=True, **TILE)
    shutil.rmtree(design / "results")

    run = start(design, count)
    wait_for_trials(design, run, 5)
    os.kill(children_of(run.pid)[0], signal.SIGKILL)
    _, said = run.communicate(timeout=120)
    assert run.returncode == LOST_TRIALS
    assert f"layer out, tile 0: 1 of {count} trials were lost" in said
    # "nothing" where the worker was killed before it began its first trial
    assert re.search(r"crashed or was killed; last lines: (nothing|layer out, tile 0, trial)", said)
    (lost,) = design.glob("results/*/trial_*.cir")
    assert str(lost) in said

    kept = len(journal_of(design).read_text().splitlines())
    assert kept == count
    run = start(design, 2 * count)
    wait_for_trials(design, run, count + 5)
    run.kill()
    run.communicate()
    again = montecarlo(design, trials=count, engine="ngspice", fixed=True, **TILE)
    assert again == whole


def test_the_table_of_trials_is_what_the_statistics_are_of(design: Path) -> None:
    result = montecarlo(design, trials=25, fixed=True, **TILE)
    (path,) = design.glob("results/*/trials.csv")
    lines = list(csv.DictReader(path.open()))
    assert [float(line["relative_error"]) for line in lines] == result["relative_error"]
    assert [float(line["celsius"]) for line in lines] == [each["celsius"] for each in result["drawn"]]
    columns = np.array([[float(line[f"column_{j}"]) for j in range(4)] for line in lines])
    assert np.sqrt((columns**2).mean(axis=1)) == pytest.approx(result["relative_error"], rel=1e-12)


def bench_of(design: Path, conditions: Conditions | None) -> trials.Bench:
    study = trials.Study(
        directory=str(design), fingerprint="", layer="out", tile=0, engine="nodal", conditions=conditions, seed=7
    )
    return trials.Bench(study)


def test_every_die_has_its_own_amplifiers_and_a_program_keeps_the_designs(design: Path) -> None:
    """Those of the network on its chip: the design's own offsets are those of ``evaluate``."""
    dies, fixed = bench_of(design, None), bench_of(design, Conditions())
    readout = dies.design.technology.readout
    own = [dies.draw(number).offset_volt for number in (1, 2, 2)]
    assert (own[1] == own[2]).all()
    assert np.abs(own[0] - own[1]).min() > 0
    stay = [fixed.draw(number).offset_volt for number in (1, 2)]
    assert (stay[0] == stay[1]).all()
    drawn = stream(fixed.design.seed, "offset", layer="out", tile=0).standard_normal(len(stay[0]))
    assert (stay[0] == readout.sigma_offset_volt * drawn).all()
    many = np.concatenate([dies.draw(number).offset_volt for number in range(1, 101)])
    # 400 values or more: their standard deviation within 15 %, four standard errors
    assert many.std() == pytest.approx(readout.sigma_offset_volt, rel=0.15)


def test_what_is_left_of_feedback_resistors_is_the_error_of_their_ratio(design: Path) -> None:
    """A gain a column, new on every die: 400 values or more, within 30 % with what single readings add."""
    bench = bench_of(design, None)
    gains = []
    for number in range(1, 101):
        crossbar = bench.draw(number).crossbar
        true = (crossbar.die.on_siemens - crossbar.die.off_siemens).sum(axis=(0, 2, 3))
        gains.append(crossbar.measured.step_siemens.sum(axis=(0, 2, 3)) / true - 1.0)
    left = np.array(gains)
    assert np.sqrt(np.mean(left**2)) == pytest.approx(ratio_sigma(bench.design.technology), rel=0.3)
    between = np.corrcoef(left.T) - np.eye(left.shape[1])
    assert np.abs(between).max() < 0.4  # four standard errors of 100 dies


def test_outputs_are_the_amplifiers_voltages_in_steps(design: Path) -> None:
    """V = (R_f I - N V_os) / (1 + N / A_0) of each column, to the nearest step, cut off at the ends; no noise."""
    trial = bench_of(design, None).draw(1)
    silent = replace(trial.technology.readout, bandwidth_hertz=0.0, gain=50.0, sigma_offset_volt=0.0)
    offsets = np.linspace(-3e-3, 3e-3, len(trial.offset_volt))
    trial = replace(trial, technology=replace(trial.technology, readout=silent), offset_volt=offsets)
    full_scale = 2e-7
    currents = np.random.default_rng(0).uniform(-1.3 * full_scale, 1.3 * full_scale, (50, len(offsets)))
    found = read_columns(currents, trial, full_scale, np.random.default_rng(1))
    closed = np.where(trial.crossbar.closed, trial.crossbar.die.on_siemens, trial.crossbar.die.off_siemens)
    feedback, step = silent.full_scale_volt / full_scale, 2.0 * silent.full_scale_volt / 2.0**silent.adc_bits
    for j, offset in enumerate(offsets):
        noise_gain = 1.0 + feedback * closed[:, j].sum()
        volts = (feedback * currents[:, j] + noise_gain * offset) / (1.0 + noise_gain / silent.gain)
        codes = np.clip(np.round(volts / step), -(2.0**silent.adc_bits) / 2, 2.0**silent.adc_bits / 2 - 1)
        assert found[:, j] == pytest.approx(codes * step / feedback, rel=1e-12)
    assert found.max() == pytest.approx(full_scale * (1 - 2 / 2.0**silent.adc_bits), rel=1e-12)


def test_noise_is_that_of_branches_feedback_and_amplifier(design: Path) -> None:
    bench = bench_of(design, None)
    fine = replace(bench.design.technology.readout, adc_bits=24.0)
    trial = bench.draw(1)
    trial = replace(trial, technology=replace(trial.technology, readout=fine), offset_volt=0.0 * trial.offset_volt)
    still, full_scale = np.zeros((2000, len(trial.offset_volt))), 2e-7
    noise = read_columns(still, trial, full_scale, np.random.default_rng(2))
    closed = (trial.crossbar.bank_siemens() + trial.crossbar.leak_siemens()).sum(axis=(0, 2))
    feedback = fine.full_scale_volt / full_scale
    expected = noise_ampere(fine, feedback, closed, trial.celsius) * gain_factor(fine, feedback, closed)
    # 2 000 values a column: within 7 %, four standard errors
    assert noise.std(axis=0) == pytest.approx(expected, rel=0.07)


def outcomes(errors: np.ndarray) -> list[Outcome]:
    return [
        Outcome(trial=number + 1, drawn={}, error=error, array_error=error / 2.0) for number, error in enumerate(errors)
    ]


def test_statistics_of_columns_and_trials() -> None:
    errors = np.random.default_rng(0).standard_normal((200, 3, 2)) * [1.0, 0.1] + [0.0, 0.5]
    errors[150, 1, 0] = -9.0
    found = spread(outcomes(errors))
    relative = np.sqrt((errors**2).mean(axis=(1, 2)))
    assert found["mean"] == pytest.approx(relative.mean(), rel=1e-12)
    assert found["standard_deviation"] == pytest.approx(relative.std(ddof=1), rel=1e-12)
    assert found["percentiles"]["95"] == pytest.approx(np.percentile(relative, 95), rel=1e-12)
    assert (found["worst"], found["worst_trial"]) == (relative.max(), 151)
    assert found["array"]["mean"] == pytest.approx(relative.mean() / 2.0, rel=1e-12)
    assert found["array"]["columns"][0]["worst_signed"] == -4.5
    first, second = found["columns"]
    assert (first["worst"], first["worst_trial"]) == (9.0, 151)
    assert first["worst_signed"] == -9.0
    assert second["mean"] == pytest.approx(errors[:, :, 1].mean(), rel=1e-12)
    assert second["standard_deviation"] == pytest.approx(errors[:, :, 1].std(ddof=1), rel=1e-12)
    assert second["percentiles"]["1"] == pytest.approx(np.percentile(errors[:, :, 1], 1), rel=1e-12)


def test_a_percentile_that_no_trial_lies_beyond_is_not_given() -> None:
    errors = np.random.default_rng(0).standard_normal((99, 8, 1))
    assert [name for name, value in spread(outcomes(errors))["percentiles"].items() if value is None] == ["1", "99"]
    few = spread(outcomes(errors[:19]))["columns"][0]["percentiles"]
    assert [name for name, value in few.items() if value is not None] == ["50"]
    assert spread(outcomes(errors[:1]))["standard_deviation"] == 0.0


def test_standard_errors_are_those_of_repeated_runs() -> None:
    """Of 400 runs of 500 trials of a skewed law: within 15 %, four standard errors of a deviation of 400 values."""
    runs = np.random.default_rng(1).gamma(4.0, size=(400, 500))
    means, deviations = runs.mean(axis=1), runs.std(axis=1, ddof=1)
    last = [convergence(run)[-1] for run in runs]
    assert np.mean([each["mean_standard_error"] for each in last]) == pytest.approx(means.std(), rel=0.15)
    told = np.mean([each["standard_deviation_standard_error"] for each in last])
    assert told == pytest.approx(deviations.std(), rel=0.15)
    assert milestones(130) == [10, 20, 50, 100, 130]
    assert milestones(100) == [10, 20, 50, 100]
    assert milestones(7) == [7]


def test_pictures_are_the_same_bytes(design: Path, tmp_path: Path) -> None:
    result = montecarlo(design, trials=110, fixed=True, **TILE)
    seen = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        lines = report.draw_montecarlo(result, tmp_path / name)
        assert len(lines) == 3
        seen.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert seen[0] == seen[1]
    assert sorted(seen[0]) == ["columns.svg", "convergence.svg", "errors.svg"]


def test_without_matplotlib_pictures_are_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"--plots: .*'rsscircuit\[plot\]', or leave --plots away"):
        report.check_plots()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"trials": 0}, "--trials: a run has 1 to 1000000 trials; got 0"),
        ({"trials": 10**7}, "--trials: a run has 1 to 1000000 trials"),
        ({"trials": 1, "fixed": True, "conditions": Conditions(years=(0.0, 1000.0))}, "--years: .* beyond 100 years"),
        ({"trials": 1, "workers": -1}, "--workers: a number of workers is from 0; got -1"),
        ({"trials": 1, "seed": -1}, "--seed"),
        ({"trials": 1, "fixed": True, "conditions": Conditions(celsius=(0.0, 2000.0))}, "--celsius: .* beyond 250 C"),
        ({"trials": 1, "fixed": True, "conditions": Conditions(supply_volt=(1.6, 18.0))}, "--supply: .* twice"),
        ({"trials": 1, "fixed": True, "conditions": Conditions(years=(-1.0, 1.0))}, "--years: age cannot"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, Any], says: str, design: Path) -> None:
    with pytest.raises(InputError, match=says):
        montecarlo(design, **TILE | wrong)
    with pytest.raises(InputError, match="--trial: trials count from 1 to 1000000; got 0"):
        montecarlo_trial(design, trial=0, **TILE)
    assert not (design / "results").exists()


@pytest.mark.parametrize(
    "idle", [["--trials", 2], ["--workers", 2], ["--dask", "here:1"], ["--fresh"], ["--plots"], ["--fresh", "--plots"]]
)
def test_a_trial_alone_takes_no_option_of_a_whole_run(
    idle: list[object], design: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(monkeypatch, command(design, "--trial", 3, *idle)) == 2
    names = " or ".join(str(word) for word in idle if str(word).startswith("--"))
    assert f"error: --trial: one trial by itself takes no {names}; leave it out" in capsys.readouterr().err
    assert not (design / "results").exists()


def test_a_trial_alone_is_printed_with_its_netlist(
    design: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(monkeypatch, command(design, "--trial", 3, "--fixed-program", "--json")) == 0
    result = json.loads(capsys.readouterr().out)
    assert Path(result["netlist"]).read_text().endswith(".end\n")
    assert run_here(monkeypatch, command(design, "--trial", 3, "--fixed-program")) == 0
    assert "celsius" in capsys.readouterr().out

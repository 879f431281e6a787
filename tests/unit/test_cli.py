"""The command as a user meets it: output, JSON, and one clear error for every bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest


def command(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "rsscircuit.cli", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, cwd=cwd)


def fails(*words: object, says: str, cwd: Path | None = None) -> None:
    done = command(*words, cwd=cwd)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert says in done.stderr


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A folder of files that are no networks."""
    real = Path(__file__).parents[2] / "examples" / "lenet5_mnist" / "lenet5.onnx"
    (tmp_path / "truncated.onnx").write_bytes(real.read_bytes()[:100_000])
    (tmp_path / "text.onnx").write_text("not a network\n")
    model = onnx.load(real)
    weight = onnx.numpy_helper.to_array(model.graph.initializer[0]).copy()
    weight.flat[7] = np.nan
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weight, model.graph.initializer[0].name))
    onnx.save(model, tmp_path / "nan.onnx")
    return tmp_path


def test_bad_networks(broken: Path) -> None:
    for name, says in (
        ("missing.onnx", "missing.onnx"),
        ("truncated.onnx", "truncated.onnx"),
        ("text.onnx", "text.onnx"),
        ("nan.onnx", "conv1.weight"),
    ):
        fails("build", broken / name, "--out", broken / "out", says=says)
        assert not (broken / "out").exists()
    assert len(list(broken.iterdir())) == 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--resistors", "0"], "1 to 32"),
        (["--resistors", "33"], "1 to 32"),
        (["--tile", "0x0"], "64x64"),
        (["--tile", "big"], "64x64"),
        (["--technology", "tsmc7"], "tsmc7"),
        (["--solver", "gurobi"], "cp-sat"),
        (["--tolerance", "-1"], "tolerance"),
        (["--bank", "cubic"], "geometric"),
        (["--netlists", "some"], "sample"),
        (["--seed", "-3"], "--seed"),
        (["--calibration", "none.npy"], "none.npy"),
        (["--resistors", "many"], "many"),
        (["--frobnicate"], "frobnicate"),
    ],
)
def test_bad_options(options: list[str], says: str, small_network: Path, tmp_path: Path) -> None:
    fails("build", small_network, "--out", tmp_path / "out", *options, says=says, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_bad_outputs_and_designs(small_network: Path, small_design: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    fails("build", small_network, "--out", tmp_path / "file", says="file")
    fails("build", small_network, "--out", tmp_path / "file" / "below", says="below")
    fails("inspect", tmp_path, says="not a design")
    fails("inspect", tmp_path / "nowhere", says="not a design")
    fails("simulate", small_design, "--layer", "nope", "--tile", 0, "--inputs", "v.npy", says="nope")
    fails("evaluate", small_design, "--inputs", tmp_path / "x.npy", "--labels", tmp_path / "y.npy", says="x.npy")
    np.save(tmp_path / "x.npy", np.zeros((3, 1, 8, 8)))
    np.save(tmp_path / "y.npy", np.zeros(2, int))
    fails(
        "evaluate",
        small_design,
        "--inputs",
        tmp_path / "x.npy",
        "--labels",
        tmp_path / "y.npy",
        says="labels must be [3]",
    )
    np.save(tmp_path / "v.npy", np.zeros((1, 3)))
    fails("simulate", small_design, "--layer", "conv", "--tile", 0, "--inputs", tmp_path / "v.npy", says="volt")
    np.save(tmp_path / "v.npy", np.full((1, 17), np.nan))
    fails("simulate", small_design, "--layer", "conv", "--tile", 0, "--inputs", tmp_path / "v.npy", says="finite")
    fails("simulate", small_design, "--layer", "conv", "--tile", 9, "--inputs", tmp_path / "v.npy", says="tiles 0 to")
    fails("montecarlo", small_design, "--layer", "conv", "--tile", 0, "--trials", 0, says="--trials")
    fails(
        "montecarlo", small_design, "--layer", "conv", "--tile", 0, "--trials", 1, "--engine", "hspice", says="hspice"
    )


def test_build_prints_a_table_and_where_things_are(small_network: Path, tmp_path: Path) -> None:
    done = command("build", small_network, "--out", tmp_path / "d", "--resistors", 6, "--bank", "geometric:1.5")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in ("conv", "hidden", "out of", "reach", "rms", "no calibration data", "d/netlist", "6 resistors"):
        assert words in done.stdout


def test_json_is_the_record(small_network: Path, small_design: Path, tmp_path: Path) -> None:
    built = command("build", small_network, "--out", tmp_path / "d", "--json", "--netlists", "none")
    record = json.loads(built.stdout)
    assert record["layers"][0]["label"] == "conv"
    assert json.loads(command("inspect", tmp_path / "d", "--json").stdout) == record
    np.save(tmp_path / "v.npy", np.full((2, record["layers"][0]["rows"]), 0.1))
    words = ["--layer", "conv", "--tile", 0, "--inputs", tmp_path / "v.npy", "--json"]
    spice = json.loads(command("simulate", small_design, "--engine", "ngspice", *words).stdout)
    ideal = json.loads(command("simulate", small_design, "--engine", "ideal", *words).stdout)
    assert np.array(spice["ampere"]) == pytest.approx(np.array(ideal["ampere"]), rel=2e-4, abs=1e-12)
    saved = json.loads((small_design / "results" / "simulate_conv_0_ngspice.json").read_text())
    assert saved == spice


def test_technologies_and_doctor() -> None:
    listed = command("technologies").stdout
    assert "sky130_xhigh_100k" in listed
    assert "thesis_iid20 (hypothetical)" in listed
    shown = command("technologies", "sky130_xhigh_100k").stdout
    assert "A_rho 3.47" in shown
    fails("technologies", "nothing", says="nothing")
    assert "hypothetical: no such process exists" in listed
    assert command("technologies", "thesis_uniform").stdout.startswith("thesis_uniform (hypothetical): ")
    parts = command("doctor").stdout
    assert "libngspice" in parts
    assert "ngspice-" in parts


def test_a_preset_s_file_is_a_start_for_one_of_one_s_own(tmp_path: Path) -> None:
    text = command("technologies", "sky130_xhigh_1M", "--toml").stdout
    (tmp_path / "mine.toml").write_text(text.replace("value = 0.48", "value = -0.48"))
    where = tmp_path / "mine.toml"
    fails(
        "technologies", where, says=f"{where}: line 13: resistor.spacing_um: -0.48 is negative; compare with a preset"
    )
    where.write_text(text)
    assert command("technologies", where).stdout.splitlines()[0].startswith("mine: SkyWater")
    fails("technologies", "--toml", says="--toml: a file of which technology; add its name")


def test_the_effects_at_work_are_told_where_some_are_not(small_network: Path, tmp_path: Path) -> None:
    told = {}
    for effects in ("all", "wires"):
        words = ["build", small_network, "--out", tmp_path / effects, "--effects", effects, "--netlists", "none"]
        told[effects] = [command(*words).stdout, command("inspect", tmp_path / effects).stdout]
        assert json.loads((tmp_path / effects / "design.json").read_text())["options"]["effects"] == effects
    for text in told["wires"]:
        assert "\neffects      wires\n" in text
    for text in told["all"]:
        assert "\neffects" not in text
        assert "measurement floor: rms of a pair's true minus measured conductance" in text
    fails(
        "build",
        small_network,
        "--out",
        tmp_path / "d",
        "--effects",
        "heat",
        says="--effects: no such effect; got 'heat'",
    )


def test_doctor_says_what_a_missing_library_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    from rsscircuit import doctor
    from rsscircuit.simulate import ngspice

    ngspice._session.cache_clear()
    monkeypatch.setattr(ngspice, "library_name", lambda: None)
    part = next(part for part in doctor.check() if part.name == "libngspice")
    ngspice._session.cache_clear()
    assert part.version is None
    assert "nodal" in part.cost
    assert "libngspice0" in part.remedy


@pytest.mark.parametrize(
    "name", ["build", "evaluate", "simulate", "montecarlo", "inspect", "technologies", "doctor", "size", "program"]
)
def test_help_of_every_command(name: str) -> None:
    done = command(name, "--help")
    assert done.returncode == 0
    assert f"Usage: python -m rsscircuit.cli {name}" in done.stdout
    assert len(done.stdout.splitlines()) > 5

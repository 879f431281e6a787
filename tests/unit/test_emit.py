"""The command ``emit``: one deck at the level asked for, and errors that say what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import run_batch

import rsscircuit
from rsscircuit.emission import Level, emit, parse_readout
from rsscircuit.errors import InputError, RsscircuitError
from rsscircuit.netlist import Tia


def command(*words: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "rsscircuit.cli", "emit", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120)


def test_a_deck_is_written_and_the_command_that_runs_it_is_told(small_design: Path, tmp_path: Path) -> None:
    out, volts = tmp_path / "deep" / "tile.cir", np.random.default_rng(1).uniform(-0.2, 0.2, (3, 32))
    np.save(tmp_path / "v.npy", volts)
    inputs = ("--inputs", tmp_path / "v.npy", "--case", 2)
    done = command(
        small_design, "--layer", "hidden", "--tile", 0, "--out", out, "--merged", "--linear-resistors", *inputs
    )
    assert done.returncode == 0, done.stderr
    assert f"run: ngspice -b {out}" in done.stdout
    assert len(done.stdout.splitlines()) == 2
    design = rsscircuit.load(small_design)
    layer = design.layer("hidden")
    exact = volts[2] @ design.crossbar(layer, layer.tiles[0]).pair_siemens()
    found = run_batch(out.read_text(), tmp_path)
    assert [found[f"i(vb{j})"] for j in range(len(exact))] == pytest.approx(list(exact), rel=1e-9)
    again = command(small_design, "--layer", "hidden", "--tile", 0, "--out", out)
    assert again.returncode == 2
    assert "--force" in again.stderr
    forced = command(small_design, "--layer", "hidden", "--tile", 0, "--out", out, "--force", "--json")
    assert json.loads(forced.stdout)["saved"] == 4


def test_every_choice_of_the_command_reaches_the_deck(small_design: Path, tmp_path: Path) -> None:
    out = tmp_path / "tile.cir"
    level = Level(
        switch="transmission-gate",
        wires=True,
        both_ends="all",
        pair="paired-columns",
        readout="tia:gain=1e4,branches=3",
        gate_off=-0.3,
        common_mode=0.9,
        driver=25.0,
        voltage_coefficient=True,
    )
    written = emit(small_design, out, layer="out", tile=0, level=level)
    text = out.read_text()
    for words in (
        "-0.3",
        "cm 0 0.9",
        "Rdw0 dw0 w0 25.0",
        "outn1",
        "Rw0_end",
        "Rbp0_end",
        ".subckt tia",
        "pswitch",
        "*abs(",
    ):
        assert words in text, words
    assert written["lines"] == len(text.splitlines())
    assert len(run_batch(text, tmp_path)) == written["saved"] == 8


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"layer": "out"}, "--layer and --tile"),
        ({"layer": "out", "tile": 9}, "tiles 0 to 0"),
        ({"layer": "in", "tile": 0}, "no such crossbar layer"),
        ({"layer": "out", "tile": 0, "dialect": "eldo"}, "ngspice, xyce, vacask"),
        ({"layer": "out", "tile": 0, "case": -1}, "from 0"),
        ({"layer": "out", "tile": 0, "case": 1}, "--inputs"),
        ({"layer": "out", "tile": 0, "level": Level(both_ends="some")}, "words, bits, all"),
        ({"layer": "out", "tile": 0, "level": Level(both_ends="all")}, "--wires"),
        ({"layer": "out", "tile": 0, "level": Level(switch="relay")}, "transmission-gate or pdk:NAME"),
        ({"layer": "out", "tile": 0, "level": Level(switch="pdk:tsmc")}, "sky130, gf180"),
        ({"layer": "out", "tile": 0, "level": Level(switch="pdk:gf180", pdk_root="/nowhere")}, "pip install"),
        ({"layer": "out", "tile": 0, "level": Level(pdk_root="/nowhere")}, "--switch pdk:NAME"),
        ({"layer": "out", "tile": 0, "level": Level(gate_off=-0.3, merged=True)}, "no gates"),
        ({"layer": "out", "tile": 0, "level": Level(gate_off=0.6)}, "open switches would .* above 0.3 V"),
        ({"layer": "out", "tile": 0, "level": Level(common_mode=-0.3)}, "open switches would .* above -0.3 V"),
        ({"layer": "out", "tile": 0, "level": Level(switch="transmission-gate", common_mode=2.1)}, "below 2.1 V"),
        ({"network": True}, "--inputs"),
        ({"network": True, "layer": "out"}, "leave them out"),
    ],
)
def test_errors_name_the_option_and_the_remedy(
    choices: dict[str, object], words: str, small_design: Path, tmp_path: Path
) -> None:
    with pytest.raises(RsscircuitError, match=words):
        emit(small_design, tmp_path / "x.cir", **choices)
    assert not (tmp_path / "x.cir").exists()


def test_inputs_that_do_not_fit_are_told(small_design: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((2, 5)))
    for choices, words in (({}, r"volt \[cases, 6\]"), ({"case": 7}, "volt")):
        with pytest.raises(InputError, match=words):
            emit(small_design, tmp_path / "x.cir", layer="out", tile=0, inputs=tmp_path / "v.npy", **choices)
    np.save(tmp_path / "v.npy", np.zeros((2, 6)))
    with pytest.raises(InputError, match="cases 0 to 1"):
        emit(small_design, tmp_path / "x.cir", layer="out", tile=0, inputs=tmp_path / "v.npy", case=7)
    with pytest.raises(InputError, match="a folder"):
        emit(small_design, tmp_path, layer="out", tile=0)


def test_read_outs_are_parsed() -> None:
    assert parse_readout("virtual-ground") is None
    assert parse_readout("tia") == Tia()
    wanted = Tia(gain=1e3, bandwidth_hertz=1e6, offset_volt=1e-3, feedback_ohm=5e3, feedback_branches=2)
    assert parse_readout("tia:gain=1e3,bandwidth=1e6,offset=1e-3,feedback=5e3,branches=2") == wanted
    for wrong, words in (
        ("scope", "virtual-ground or tia"),
        ("tia:volume=11", "gain, bandwidth, offset, feedback, branches"),
        ("tia:gain=much", "gain=10"),
        ("tia:gain=0", "above 0"),
        ("tia:gain=1e4,gain=1e5", "twice"),
    ):
        with pytest.raises(InputError, match=words):
            parse_readout(wrong)

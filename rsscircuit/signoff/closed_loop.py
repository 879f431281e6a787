"""Verilog and ngspice in lock step: the emitted controller programs a tile, drives it and reads it.

spicebind (PyPI, 0.0.2) embeds ngspice in Icarus Verilog: every gate of the tile and every word line is a source that
the Verilog sets, every column current a voltage that it reads. Converters stand in the bench: the controller's input
codes become voltages, and a current becomes the code that the controller takes for its result. One row at a time is run
through the controller, and then all rows together. spicebind drives the first 32 bits of a port only, so every switch
has a port of its own; and its sources are written without a value before ``external``, with which ngspice 39 crashes.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller.bitstream import frame_words, to_hex
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.registers import register_table
from rsscircuit.design.results import result_file
from rsscircuit.errors import MissingPartError, SimulationError
from rsscircuit.signoff import hdl
from rsscircuit.signoff.checks import CLOSED_FORM, HALF, Check, smallest_siemens
from rsscircuit.signoff.run import outcome
from rsscircuit.signoff.small import SmallTile, small_tile
from rsscircuit.templates import render

Array = NDArray[np.float64]
BENCH = "tb_closed_loop"
VOLT_PER_AMPERE = 1e6
STOP_SECOND = 1.0  # the bench ends long before
WORDS_PER_RESULT = 4
CODE_STEPS = 1.5  # of the converter: its own rounding and the closed form's


def run_closed_loop(directory: str | Path, *, layer: str | None = None, tile: int | None = None) -> dict[str, Any]:
    """Program and run one small tile, the controller in Icarus and the tile in ngspice, in lock step.

    Returns:
        As :func:`rsscircuit.signoff.run.sign_off`. Saved in ``results/``.

    Raises:
        RsscircuitError: Anything the user can mend, as spicebind that is not installed.
    """
    plugin = _plugin()
    small = small_tile(directory, layer, tile)
    file = result_file(directory, f"signoff_closed_loop_{small.layer.label}_{small.tile.index}")
    rows, technology = small.tile.rows, small.design.technology
    full, middle = _full_code(small.config), _middle_code(small.config)
    codes = np.concatenate([full * np.eye(rows, dtype=np.int64), np.full((1, rows), full)])
    volts = technology.drive.read_volt * codes / full
    wanted = small.ampere(small.crossbar.closed, volts)
    step = float(np.abs(wanted).max()) / (middle - 2) or 1.0
    with TemporaryDirectory(prefix="rsscircuit-") as scratch:
        output = _simulate(small, codes, step, Path(scratch), plugin)
    said = re.search(rf"^{hdl.MARK}programmed 1 oe 1 fault 0 code 0 ", output, flags=re.MULTILINE)
    half = HALF * smallest_siemens(small.crossbar) * technology.drive.read_volt
    currents = _table(output, r"CURRENT", wanted.shape)
    results = _table(output, r"RESULT", wanted.shape)
    quiet = re.search(r"^QUIET (\S+)", output, flags=re.MULTILINE)
    off_by = np.abs(currents - wanted) / half
    unit = "of half the smallest branch's current"
    checks = [
        Check(name="load", figure=float(said is None), limit=0.0, unit="faults"),
        Check(name="quiet while loading", figure=float(quiet[1]) / half if quiet else np.inf, limit=1.0, unit=unit),
        Check(name="one row at a time", figure=_worst(off_by[:rows]), limit=1.0, unit=unit),
        Check(name="all rows", figure=_worst(off_by[rows:]), limit=1.0, unit=unit),
        Check(name="results", figure=_worst(np.abs(results - middle - wanted / step)), limit=CODE_STEPS, unit="codes"),
    ]
    versions = {"spicebind": version("spicebind"), "iverilog": hdl.icarus_version()}
    drives = "one row at a time, then all rows, at the read voltage"
    result = outcome(small.layer.name, small.tile.index, checks, versions, CLOSED_FORM, drives)
    return file.write(result)


def _full_code(config: ControllerConfig) -> int:
    """The input code of the read voltage."""
    return (1 << config.dac_bits) - 1


def _middle_code(config: ControllerConfig) -> int:
    """The output code of no current."""
    return 1 << config.adc_bits - 1


def _plugin() -> Path:
    """The folder of spicebind's VPI module.

    Raises:
        MissingPartError: It is not installed.
    """
    found = importlib.util.find_spec("spicebind")
    if found is None or found.origin is None:
        raise MissingPartError(
            "spicebind is not installed",
            where="--closed-loop",
            remedy="on Debian or Ubuntu: apt-get install libngspice0-dev cmake g++, then pip install spicebind==0.0.2",
        )
    return Path(found.origin).parent


def _simulate(small: SmallTile, codes: NDArray[np.int64], step: float, scratch: Path, plugin: Path) -> str:
    text, sources = hdl.read_verilog(small.folder / "hdl")
    geometry = small.geometry
    every = np.zeros((len(codes), geometry.rows), np.int64)
    every[:, : codes.shape[1]] = codes
    (scratch / "frame.hex").write_text(to_hex(small.frame), "ascii")
    (scratch / "vectors.hex").write_text("".join(f"{code:x}\n" for code in every.ravel().tolist()), "ascii")
    converters = ("dac_write", "dac_update", "dac_row", "dac_code", "adc_request", "adc_column")
    pins = (*converters, "adc_code", "adc_acknowledge")
    (scratch / "host.svh").write_text(hdl.host(text, small.config, {name: name for name in pins}), "ascii")
    bench = scratch / f"{BENCH}.sv"
    bench.write_text(_bench(small, hdl.latch_path(text), len(codes), step), "ascii")
    (scratch / "tile.cir").write_text(_deck(small), "utf-8")
    program = hdl.compile_verilog(BENCH, [*sources, bench], scratch)
    environment = {
        **os.environ,
        "SPICE_NETLIST": str(scratch / "tile.cir"),
        "HDL_INSTANCE": f"{BENCH}.tile",
        "VCC": repr(small.design.technology.drive.supply_volt),
    }
    arguments = [f"+frame={scratch / 'frame.hex'}", f"+tile_id={small.number}"]
    output = hdl.run(["vvp", "-n", "-M", plugin, "-m", "spicebind_vpi", program, *arguments], environment, scratch)
    if hdl.MARK not in output:
        raise SimulationError("the bench did not end", where=small.where, got=output.strip()[-500:])
    return output


def _bench(small: SmallTile, latches: str, vectors: int, step: float) -> str:
    config, drive = small.config, small.design.technology.drive
    geometry, full_code = config.geometry, _full_code(config)
    addresses = {each.name: f"{each.address:02x}" for each in register_table(config)}
    rows, columns, places = range(small.tile.rows), range(small.tile.columns), small.switches
    words = [f"wp{i}" for i in rows] + [f"wn{i}" for i in rows]
    gates = [f"sw{k}" for k in range(len(places))]
    amps = [f"amp{j}" for j in columns]
    bits = [small.latch(place) for place in places]
    volt = f"{drive.read_volt!r} * codes[{{}}] / {full_code}.0"
    common, full = drive.common_mode_volt, drive.read_volt
    return render(
        f"controller/{BENCH}.sv",
        switches=len(places),
        tile_ports=",\n".join(
            [f"    input {name}" for name in gates]
            + [f"    input real {name}" for name in words]
            + [f"    output real {name}" for name in amps]
        ),
        tile_pins=",\n".join(
            [f"      .{name}(sw[{k}])" for k, name in enumerate(gates)]
            + [f"      .{name}({name})" for name in (*words, *amps)]
        ),
        reals=_lines(
            [f"  real wp{i} = {common + full!r}, wn{i} = {common - full!r};" for i in rows]
            + [f"  real {name};" for name in amps]
        ),
        latch_lines=_lines(
            f"    sw[{k}] <= oe[0] === 1'b1 ? dut.{latches}[{word}][{bit}] : 1'b0;"
            for k, (word, bit) in enumerate(bits)
        ),
        drive_lines=_lines(
            f"      wp{i} <= {common!r} + {volt.format(i)};\n      wn{i} <= {common!r} - {volt.format(i)};"
            for i in rows
        ),
        column_lines=_lines(f"        {j}: ampere = amp{j} / {VOLT_PER_AMPERE!r};" for j in columns),
        quiet_lines=_lines(
            f"      if (amp{j} / {VOLT_PER_AMPERE!r} > quiet) quiet = amp{j} / {VOLT_PER_AMPERE!r};\n"
            f"      if (-amp{j} / {VOLT_PER_AMPERE!r} > quiet) quiet = -amp{j} / {VOLT_PER_AMPERE!r};"
            for j in columns
        ),
        array_rows=geometry.rows,
        array_columns=geometry.columns,
        full_code=full_code,
        middle_code=f"{_middle_code(config)}.0",
        adc_bits=config.adc_bits,
        code_width=config.code_width,
        step_ampere=repr(step),
        vectors=vectors,
        most_cycles=config.timeout_cycles
        + hdl.CYCLES_PER_WORD[config.bus]
        * (frame_words(geometry) + WORDS_PER_RESULT * vectors * (geometry.rows + geometry.columns)),
        input=addresses["INPUT"],
        result=addresses["RESULT"],
    )


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _deck(small: SmallTile) -> str:
    """The tile's netlist with its gates and row sources set by the Verilog, and its column currents as voltages."""
    names = {place: f"sw{k}" for k, place in enumerate(small.switches)}
    lines = [f"V{name} {name} 0 external" for name in names.values()]
    lines += [f"Hamp{j} amp{j} 0 vb{j} {VOLT_PER_AMPERE!r}" for j in range(small.tile.columns)]
    deck = small.with_sources(names, lines)
    deck = re.sub(r"^(V(w[pn]\d+) \2 0) \S+$", r"\1 external", deck, flags=re.MULTILINE)
    deck = re.sub(r"^\.control$.*?^\.endc$\n", "", deck, flags=re.MULTILINE | re.DOTALL)
    saved = " ".join(f"v(amp{j})" for j in range(small.tile.columns))
    deck = re.sub(r"^\.save .*$", f".save {saved}", deck, flags=re.MULTILINE)
    return re.sub(r"^\.op$", f".tran {hdl.CLOCK_NANOSECONDS}e-9 {STOP_SECOND!r}", deck, flags=re.MULTILINE)


def _table(output: str, word: str, shape: tuple[int, ...]) -> Array:
    """What the bench printed of every vector and column; what it did not is not a number."""
    table = np.full(shape, np.nan)
    for line in re.findall(rf"^{word} (\d+) (\d+) (\S+)", output, flags=re.MULTILINE):
        vector, column = int(line[0]), int(line[1])
        if vector < shape[0] and column < shape[1]:
            table[vector, column] = float(line[2])
    return table


def _worst(figures: Array) -> float:
    return float(np.nan_to_num(figures, nan=np.inf).max(initial=0.0))

"""The programming sequence in the analogue output: latches of the simulated Verilog as PWL sources of a transient.

The gates follow the latches themselves, before the output enable, so that every word that is written moves the column
currents; all rows are driven with the read voltage throughout. Before each change of a latch the currents must be those
of the branches that are closed by then. A latch that was never written counts as open.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design.results import result_file
from rsscircuit.errors import SimulationError
from rsscircuit.netlist.elements import Transient
from rsscircuit.netlist.switches import GROUND
from rsscircuit.signoff.checks import CLOSED_FORM, HALF, Check, smallest_siemens
from rsscircuit.signoff.hdl import CLOCK_NANOSECONDS, compile_bench, icarus_version
from rsscircuit.signoff.run import outcome
from rsscircuit.signoff.small import SmallTile, small_tile, switch_name
from rsscircuit.simulate import ngspice

Array = NDArray[np.float64]
NANO = 1e-9
RAMP_SECOND = 1 * NANO
MARGIN_SECOND = 2 * NANO  # before the next change


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """The switches from one change of the latches on.

    Attributes:
        second: When.
        closed: bool [rows, cols, 2, n].
    """

    second: float
    closed: NDArray[np.bool_]


def run_transient(directory: str | Path, *, layer: str | None = None, tile: int | None = None) -> dict[str, Any]:
    """Program one small tile in Icarus and feed its latches to ngspice as they change.

    Returns:
        As :func:`rsscircuit.signoff.run.sign_off`, with ``steps``, how often the latches changed. Saved in ``results/``
        with the waveforms: second, then the current of every column, ampere.
    """
    small = small_tile(directory, layer, tile)
    file = result_file(directory, f"signoff_transient_{small.layer.label}_{small.tile.index}")
    with TemporaryDirectory(prefix="rsscircuit-") as scratch:
        trace = Path(scratch) / "trace.txt"
        bench = compile_bench(small.folder / "hdl", small.config, Path(scratch))
        loaded = bench.load(small.frame, small.number, Path(scratch), trace)
        steps = latch_steps(trace.read_text("ascii"), small)
    stop = loaded.clocks * CLOCK_NANOSECONDS * NANO
    deck = pwl_deck(small, steps)
    columns = small.tile.columns
    step = CLOCK_NANOSECONDS * NANO
    names = [f"b{j}" for j in range(columns)]
    wave = ngspice.run(deck, Transient(step, stop, longest_step=step), currents=names, where=small.where)
    second, ampere = wave["time"], np.column_stack([wave[f"i({name})"] for name in names])
    read_volt = small.design.technology.drive.read_volt
    half = HALF * smallest_siemens(small.crossbar) * read_volt
    ends = [step.second - MARGIN_SECOND for step in steps[1:]] + [stop - MARGIN_SECOND]
    found = np.array([[np.interp(end, second, ampere[:, j]) for j in range(columns)] for end in ends])
    volts = np.full(small.tile.rows, read_volt)
    wanted = np.array([small.ampere(step.closed, volts) for step in steps])
    missing = int((steps[-1].closed != small.crossbar.closed).sum())
    unit = "of half the smallest branch's current"
    checks = [
        Check(name="load", figure=float(not loaded.driven), limit=0.0, unit="faults"),
        Check(name="latches", figure=float(missing), limit=0.0, unit="bits"),
        Check(name="every step", figure=float(np.abs(found - wanted).max() / half), limit=1.0, unit=unit),
    ]
    versions = {"ngspice": ngspice.version(), "iverilog": icarus_version()}
    result = outcome(small.layer.name, small.tile.index, checks, versions, CLOSED_FORM, "read voltage on every row")
    result["steps"] = len(steps) - 1
    np.savetxt(file.path.with_suffix(".csv"), np.column_stack([second, ampere]), delimiter=",", fmt="%.9g")
    return file.write(result)


def latch_steps(trace: str, small: SmallTile) -> list[Step]:
    """The states of the latches, from all open at the start; bits that are not known count as open.

    Raises:
        SimulationError: The latches never changed.
    """
    geometry, shape = small.geometry, small.crossbar.closed.shape
    words = np.zeros((geometry.rows, 1 << geometry.word_width), np.uint32)
    steps = [Step(second=0.0, closed=np.zeros(shape, np.bool_))]
    for line in trace.splitlines():
        time, what, *rest = line.split()
        if what != "latch":
            continue
        row, word = divmod(int(rest[0]), 1 << geometry.word_width)
        words[row, word] = int("".join(digit if digit in "0123456789abcdef" else "0" for digit in rest[1].lower()), 16)
        closed = geometry.from_words(words[:, : geometry.words_per_row])[: shape[0], : shape[1]]
        if (closed != steps[-1].closed).any():
            steps.append(Step(second=int(time) * NANO, closed=closed))
    if len(steps) == 1:
        raise SimulationError("the latches never changed", where=small.where)
    return steps


def pwl_deck(small: SmallTile, steps: list[Step]) -> str:
    """The tile's netlist with the gate of every switch that ever closes at a PWL source."""
    supply, lines, names = small.design.technology.drive.supply_volt, [], {}
    for place in small.switches:
        levels = [supply * float(step.closed[place]) for step in steps]
        if not any(levels):
            names[place] = GROUND
            continue
        name = names[place] = switch_name(place)
        points = [(0.0, levels[0])]
        for step, before, level in zip(steps[1:], levels, levels[1:], strict=False):
            if level != before:
                points += [(step.second, before), (step.second + RAMP_SECOND, level)]
        lines.append(f"V{name} {name} 0 pwl({' '.join(f'{time!r} {volt!r}' for time, volt in points)})")
    return small.with_sources(names, lines)

"""One tile as one SPICE deck: runnable by itself, and the text that every SPICE engine is handed.

Lines are gathered as Python lists and put into the templates once; numbers are ``repr(float)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit import templates
from rsscircuit.design import Crossbar
from rsscircuit.netlist.values import switch_card
from rsscircuit.quantities import spice_number
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments

Array = NDArray[np.float64]
POLARITIES = "pn"
_PRINTS_A_LINE = 8


def tile_deck(
    crossbar: Crossbar,
    technology: Technology,
    *,
    label: str,
    volts: Array | None = None,
    segments: Segments | None = None,
) -> str:
    """The deck of one tile.

    Args:
        crossbar: True banks and switch plan; a cell without resistors gets no line.
        technology: Switch card and voltages.
        label: The layer's file name.
        volts: [rows], logical inputs; the full read voltage on every row by default.
        segments: Wire segments, which also bring the leakage of open switches; ideal wires by default.
    """
    rows, columns, _, resistors = crossbar.closed.shape
    drive = technology.drive
    logical = np.full(rows, drive.read_volt) if volts is None else volts
    wires = _Wires(segments or Segments(word_ohm=0.0, bit_ohm=0.0))
    extra = [*wires.segments(rows, columns), *(_leaks(crossbar, wires) if segments else ())]
    return templates.render(
        "netlist/tile.cir",
        technology=technology.label,
        layer=label,
        index=crossbar.index,
        rows=rows,
        columns=columns,
        resistors=resistors,
        bank=_bank(technology, resistors),
        drive="full read voltage on every row" if volts is None else "as given",
        sources="\n".join(_sources(logical, technology)),
        grounds="\n".join(f"Vb{j} b{j} 0 {spice_number(drive.common_mode_volt)}" for j in range(columns)),
        cells="\n".join(_cells(crossbar, technology, wires)),
        parasitics="".join(f"{line}\n" for line in ("* wires and leakage", *extra)) if extra else "",
        currents=" ".join(f"i(vb{j})" for j in range(columns)),
        prints="\n".join(
            "  print " + " ".join(f"i(vb{j})" for j in range(first, min(first + _PRINTS_A_LINE, columns)))
            for first in range(0, columns, _PRINTS_A_LINE)
        ),
    )


def source_volts(volts: Array, technology: Technology) -> dict[str, Array]:
    """The voltage of every row source: name to [cases], from logical ``volts`` [cases, rows]."""
    common = technology.drive.common_mode_volt
    result = {}
    for i in range(volts.shape[1]):
        result[f"vwp{i}"] = common + volts[:, i]
        result[f"vwn{i}"] = common - volts[:, i]
    return result


def _bank(technology: Technology, resistors: int) -> str:
    switch, drive, card = technology.switch, technology.drive, switch_card(technology)
    size = f"w={spice_number(switch.width_um / 1e6)} l={spice_number(switch.length_um / 1e6)}"
    branches = []
    for k in range(resistors):
        branches += [f"R{k} line d{k} {{r{k}}}", f"M{k} d{k} g{k} bit 0 switch {size}"]
    return templates.render(
        "netlist/bank.cir",
        on_ohm=spice_number(switch.on_ohm),
        common_mode_volt=spice_number(drive.common_mode_volt),
        threshold_volt=spice_number(card["vto"]),
        transconductance=spice_number(card["kp"]),
        gates=" ".join(f"g{k}" for k in range(resistors)),
        parameters=" ".join(f"r{k}=1" for k in range(resistors)),
        branches="\n".join(branches),
    )


def _sources(volts: Array, technology: Technology) -> Iterator[str]:
    by_name = source_volts(volts[None, :], technology)
    for i in range(len(volts)):
        for polarity in POLARITIES:
            yield f"Vw{polarity}{i} w{polarity}{i} 0 {spice_number(by_name[f'vw{polarity}{i}'][0])}"
        yield f"Vg{i} g{i} 0 {spice_number(technology.drive.supply_volt)}"


@dataclass(frozen=True, slots=True)
class _Wires:
    """Names of the nodes along the lines, and the segments between them."""

    ohm: Segments

    def line(self, i: int, polarity: int, j: int) -> str:
        """Word line ``i`` at column ``j``."""
        driver = f"w{POLARITIES[polarity]}{i}"
        return f"{driver}_{j}" if self.ohm.word_ohm > 0 else driver

    def bit(self, i: int, polarity: int, j: int) -> str:
        """Bit line ``j`` at the word line of row ``i``."""
        return f"b{j}_{2 * i + polarity}" if self.ohm.bit_ohm > 0 else f"b{j}"

    def segments(self, rows: int, columns: int) -> Iterator[str]:
        """Word lines are driven at column 0; bit lines end in their ground after the last row."""
        if self.ohm.word_ohm > 0:
            value = spice_number(self.ohm.word_ohm)
            for i in range(rows):
                for polarity in (0, 1):
                    before = f"w{POLARITIES[polarity]}{i}"
                    for j in range(columns):
                        here = self.line(i, polarity, j)
                        yield f"R{here} {before} {here} {value}"
                        before = here
        if self.ohm.bit_ohm > 0:
            value = spice_number(self.ohm.bit_ohm)
            for j in range(columns):
                for position in range(2 * rows):
                    here = f"b{j}_{position}"
                    after = f"b{j}_{position + 1}" if position + 1 < 2 * rows else f"b{j}"
                    yield f"R{here} {here} {after} {value}"


def _cells(crossbar: Crossbar, technology: Technology, wires: _Wires) -> Iterator[str]:
    drawn = crossbar.die.on_siemens > 0
    ohms = 1.0 / np.where(drawn, crossbar.die.on_siemens, 1.0) - technology.switch.on_ohm
    for i, j in np.argwhere(drawn.any(axis=(2, 3))).tolist():
        for polarity in (0, 1):
            gates = " ".join([f"g{i}" if on else "0" for on in crossbar.closed[i, j, polarity].tolist()])
            values = " ".join([f"r{k}={ohm!r}" for k, ohm in enumerate(ohms[i, j, polarity].tolist())])
            place = f"{wires.line(i, polarity, j)} {wires.bit(i, polarity, j)}"
            yield f"X{i}_{j}{POLARITIES[polarity]} {place} {gates} bank {values}"


def _leaks(crossbar: Crossbar, wires: _Wires) -> Iterator[str]:
    """One resistor a bank for all its open switches."""
    leak = crossbar.leak_siemens()
    for i, j, polarity in np.argwhere(leak > 0).tolist():
        ohm = spice_number(1.0 / float(leak[i, j, polarity]))
        place = f"{wires.line(i, polarity, j)} {wires.bit(i, polarity, j)}"
        yield f"Roff{i}_{j}{POLARITIES[polarity]} {place} {ohm}"

"""The version with selectors (thesis section 1.3.5.2): a non-linear two-terminal device in place of the transistor.

A selector in series with each resistor lets an array be programmed by bias alone. In the half-select scheme the chosen
row stands at V, the chosen column at 0 and all other lines at V / 2: the chosen cell sees V, those that share its row
or column V / 2, and the others nothing. With i = I_0 sinh(v / a) a half-selected cell carries

    i(V / 2) / i(V) = 1 / (2 cosh(V / 2a))

where a resistor alone would carry half. But the same bend enters the multiplication: a cell read at v is no resistor.
What is programmed in such an array is a memory element; which element is not modelled, only what it sees.

Known devices switch by a ratio of 1e10 with 1e-14 A off (Midya et al. 2017). The sinh law, and the voltages at which
those two currents are taken, are assumed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.elements import Circuit, Element, Instance, Part, Resistor, Section, VoltageSource

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A selector of the sinh law.

    Attributes:
        on_volt, on_ampere: A point where it is on.
        off_volt, off_ampere: A point where it is off.
    """

    on_volt: float = 1.0
    on_ampere: float = 1e-4
    off_volt: float = 0.5
    off_ampere: float = 1e-14

    @property
    def bend_volt(self) -> float:
        """One e-fold of the current, well above it."""
        return (self.on_volt - self.off_volt) / math.log(self.on_ampere / self.off_ampere)

    @property
    def unit_ampere(self) -> float:
        """I_0."""
        return self.on_ampere / math.sinh(self.on_volt / self.bend_volt)

    def ampere(self, volt: float) -> float:
        """Current at a voltage across the selector alone."""
        return self.unit_ampere * math.sinh(volt / self.bend_volt)

    def cell_ampere(self, volt: float, ohm: float) -> float:
        """Current of selector and resistor in series: Newton on volt = ohm i + a asinh(i / I_0)."""
        ampere = min(abs(volt) / ohm, self.ampere(abs(volt))) if volt else 0.0
        for _ in range(100 if volt else 0):
            miss = ohm * ampere + self.bend_volt * math.asinh(ampere / self.unit_ampere) - abs(volt)
            step = miss / (ohm + self.bend_volt / math.hypot(ampere, self.unit_ampere))
            ampere = max(ampere - step, 0.5 * ampere)
            if abs(step) < 1e-15 * ampere:
                break
        return math.copysign(ampere, volt)

    def read_error(self, volt: float, full_volt: float, ohm: float) -> float:
        """How far a cell read at ``volt`` is from proportional to one read at ``full_volt``."""
        proportional = self.cell_ampere(full_volt, ohm) * volt / full_volt
        return self.cell_ampere(volt, ohm) / proportional - 1.0

    @property
    def part(self) -> Part:
        """Its sub-circuit, ``selector a b``."""
        return Part("selector", {"unit_ampere": self.unit_ampere, "bend_volt": self.bend_volt})


def half_selected(ohm: Array, chosen: tuple[int, int], *, volt: float, selector: Selector | None = None) -> Circuit:
    """A small array with one cell selected: its row at ``volt``, its column at 0, the other lines at half of it.

    Ports: rows ``w<i>`` and columns ``b<j>``; the currents of all columns are saved, into their sources. Closed form:
    the sum over the rows of a column of the cell's current at V, V / 2 or 0.

    Args:
        ohm: [rows, columns], the resistor of each cell.
        chosen: Row and column of the selected cell.
        volt: Across it.
        selector: In series with each resistor; none for the bare array.
    """
    rows, columns = ohm.shape
    lines = [VoltageSource(f"w{i}", f"w{i}", "0", volt if i == chosen[0] else 0.5 * volt) for i in range(rows)]
    grounds = [VoltageSource(f"b{j}", f"b{j}", "0", 0.0 if j == chosen[1] else 0.5 * volt) for j in range(columns)]
    cells: list[Element] = []
    for i in range(rows):
        for j in range(columns):
            inner = f"c{i}_{j}" if selector else f"b{j}"
            cells.append(Resistor(f"{i}_{j}", f"w{i}", inner, float(ohm[i, j])))
            if selector:
                cells.append(Instance(f"{i}_{j}", (inner, f"b{j}"), "selector"))
    return Circuit(
        title="rsscircuit half-selected array",
        notes=(f"{rows} x {columns} cells, selected {chosen[0]}, {chosen[1]}",),
        parts=(selector.part,) if selector else (),
        sections=(Section("rows and columns", (*lines, *grounds)), Section("cells", tuple(cells))),
        currents=tuple(source.name for source in grounds),
    )


def floating_read(ohm: Array, chosen: tuple[int, int], *, volt: float, selector: Selector | None = None) -> Circuit:
    """The same array read with all other lines floating: what reaches the column besides the chosen cell is sneak.

    Every line has a resistor of 1e15 Ohm to ground, so that a floating line has a voltage at all. Ports: ``w<r>`` and
    ``b<c>`` of the chosen cell, whose source ``b<c>`` carries the current that is read. For resistors alone the sneak
    path of equal cells is R / (rows - 1) + R / ((rows - 1) (columns - 1)) + R / (columns - 1) beside R.
    """
    held = half_selected(ohm, chosen, volt=volt, selector=selector)
    keep = (f"w{chosen[0]}", f"b{chosen[1]}")
    driven = tuple(each for each in held.sections[0].elements if each.name in keep)
    floats = tuple(Resistor(f"f{each.name}", each.name, "0", 1e15) for each in held.sections[0].elements)
    return Circuit(
        title="rsscircuit array with floating lines",
        notes=held.notes,
        parts=held.parts,
        sections=(Section("row and column of the cell", (*driven, *floats)), held.sections[1]),
        currents=(keep[1],),
    )


def half_selected_ampere(
    ohm: Array, chosen: tuple[int, int], volt: float, selector: Selector | None = None
) -> Sequence[float]:
    """Currents of the columns into their sources, in closed form."""
    result = []
    for j in range(ohm.shape[1]):
        column = 0.0 if j == chosen[1] else 0.5 * volt
        total = 0.0
        for i in range(ohm.shape[0]):
            across = (volt if i == chosen[0] else 0.5 * volt) - column
            resistance = float(ohm[i, j])
            total += selector.cell_ampere(across, resistance) if selector else across / resistance
        result.append(total)
    return result

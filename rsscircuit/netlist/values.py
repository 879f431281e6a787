"""What moves in a tile's deck when its die, temperature or supply does: elements by their names in SPICE.

A fixed program keeps its deck, and these values are altered in place. Branches whose switch is open are left out: the
switch carries no current at all (its leakage is a resistor of its own), so what is in series with it has no effect.
"""

from __future__ import annotations

import numpy as np

from rsscircuit.design import Crossbar
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments

POLARITIES = "pn"


def element_values(
    crossbar: Crossbar, technology: Technology, segments: Segments | None, *, open_branches: bool = False
) -> dict[str, float]:
    """Ohm and volt of every element that can move, by the name that ``alter`` takes.

    Args:
        crossbar: True banks and switch plan.
        technology: Switch card and voltages.
        segments: Wire segments, which also bring the leakage of open switches; None for ideal wires.
        open_branches: Also the resistors of open branches.
    """
    on = crossbar.die.on_siemens
    chosen = on > 0 if open_branches else crossbar.closed & (on > 0)
    ohms = 1.0 / on[chosen] - technology.switch.on_ohm
    places = np.argwhere(chosen).tolist()
    values = {f"r.x{i}_{j}{POLARITIES[p]}.r{k}": ohm for (i, j, p, k), ohm in zip(places, ohms.tolist(), strict=True)}
    values |= {f"vg{i}": technology.drive.supply_volt for i in range(len(on))}
    return values if segments is None else values | _parasitics(crossbar, segments)


def _parasitics(crossbar: Crossbar, segments: Segments) -> dict[str, float]:
    rows, columns = crossbar.targets.shape
    leak = crossbar.leak_siemens()
    values = {f"roff{i}_{j}{POLARITIES[p]}": 1.0 / float(leak[i, j, p]) for i, j, p in np.argwhere(leak > 0).tolist()}
    if segments.word_ohm > 0:
        lines = [f"w{polarity}{i}" for i in range(rows) for polarity in POLARITIES]
        values |= {f"r{line}_{j}": segments.word_ohm for line in lines for j in range(columns)}
    if segments.bit_ohm > 0:
        values |= {f"rb{j}_{k}": segments.bit_ohm for j in range(columns) for k in range(2 * rows)}
    return values

"""Capacitance of a tile: of its wires, and along the resistors of its branches.

A resistor R with a capacitance C spread along it passes a voltage on as the current v / R (1 - s R C / 6 + ...), its
other end at a virtual ground. Simpson's weights, a sixth of C at either end and two thirds in the middle, do the same;
so do several in parallel by one resistor with the sum of their capacitances. The resistor of an open branch hangs on
its word line with all it has.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar
from rsscircuit.netlist.elements import Capacitor, Element, Resistor
from rsscircuit.technology.cell import Capacitances

Array = NDArray[np.float64]
END, MIDDLE = 1 / 6, 2 / 3
_GROUND = "0"


def bank_farads(crossbar: Crossbar, capacitances: Capacitances) -> tuple[Array, Array]:
    """Capacitance of the closed and of the open branches of every bank, [rows, cols, 2] each."""
    each = np.where(crossbar.die.on_siemens > 0, np.array(capacitances.branch_farad), 0.0)
    closed: Array = np.where(crossbar.closed, each, 0.0).sum(axis=3)
    opened: Array = each.sum(axis=3) - closed
    return closed, opened


def divided(bank: Resistor, farad: float) -> Iterator[Element]:
    """A bank's resistor with what of its capacitance stands in its middle."""
    if farad == 0 or isinstance(bank.ohm, str):
        yield bank
        return
    middle = f"m{bank.name}"
    yield Resistor(f"{bank.name}a", bank.a, middle, bank.ohm / 2)
    yield Resistor(f"{bank.name}b", middle, bank.b, bank.ohm / 2)
    yield Capacitor(middle, middle, _GROUND, MIDDLE * farad)


def word_farads(crossbar: Crossbar, capacitances: Capacitances) -> Array:
    """What loads the word line of every bank at its crossing, [rows, cols, 2]."""
    closed, opened = bank_farads(crossbar, capacitances)
    result: Array = END * closed + opened + capacitances.word_farad
    return result


def bit_farads(crossbar: Crossbar, capacitances: Capacitances) -> Array:
    """What loads the bit line at the crossing of every bank, [rows, cols, 2]."""
    closed, _ = bank_farads(crossbar, capacitances)
    result: Array = END * closed + capacitances.bit_farad
    return result

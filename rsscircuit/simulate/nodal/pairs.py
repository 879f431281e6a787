"""Tiles of differential pairs: two word lines a logical row, driven with opposite voltages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsscircuit.simulate.nodal.array import WiredArray
from rsscircuit.simulate.nodal.solution import column_currents

Array = NDArray[np.float64]


def effective_siemens(bank_siemens: Array, word_ohm: float, bit_ohm: float, *, where: str = "crossbar") -> Array:
    """Column currents per volt of logical input, with the wires in between.

    Args:
        bank_siemens: [rows, cols, 2], conductance between each crossing of word line and bit line.
        word_ohm: Segment of a word line, also between the driver and the first column; >= 0.
        bit_ohm: Segment of a bit line, also between the last row and the virtual ground; >= 0.
        where: Names the tile in errors.

    Returns:
        float64 [rows, cols]: signed, plus line minus minus line.

    Raises:
        SimulationError: Not converged.
    """
    rows, columns, _ = bank_siemens.shape
    lines = bank_siemens.transpose(0, 2, 1).reshape(2 * rows, columns)
    array = WiredArray(siemens=lines, word_ohm=word_ohm, bit_ohm=bit_ohm)
    opposite = np.repeat(np.eye(rows), 2, axis=1) * np.tile([1.0, -1.0], rows)
    return column_currents(array, opposite, where=where)

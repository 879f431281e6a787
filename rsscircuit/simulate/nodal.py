"""Wires by nodal analysis: what a tile multiplies by once its lines have resistance.

The array is taken bit-line node row by bit-line node row, from the far end to the virtual grounds. What
has been passed is kept as a Norton equivalent seen from the bit lines: an admittance matrix [cols, cols]
and the short-circuit current that each word-line driver sends, [cols, drivers]. One step adds the bit-line
segments in series and one word line, reduced to its crossing points, in parallel. Everything is dense and
exact; nothing is iterated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def effective_siemens(bank_siemens: Array, word_ohm: float, bit_ohm: float) -> Array:
    """Column currents per volt of logical input, with the wires in between.

    Args:
        bank_siemens: [rows, cols, 2], conductance between each crossing of word line and bit line.
        word_ohm: Segment of a word line, also between the driver and the first column; >= 0.
        bit_ohm: Segment of a bit line, also between the last row and the virtual ground; >= 0.

    Returns:
        float64 [rows, cols]: signed, plus line minus minus line.
    """
    rows, columns, _ = bank_siemens.shape
    lines = bank_siemens.transpose(0, 2, 1).reshape(2 * rows, columns)
    admittance = np.zeros((columns, columns))
    currents = np.zeros((columns, 2 * rows))
    identity = np.eye(columns)
    for line, crossing in enumerate(lines):
        if line:
            series = np.linalg.inv(identity + bit_ohm * admittance)
            admittance = admittance @ series
            currents[:, :line] = series.T @ currents[:, :line]
        reduced, driven = _word_line(crossing, word_ohm)
        admittance += reduced
        currents[:, line] = driven
    currents = np.linalg.solve(identity + bit_ohm * admittance.T, currents)
    return (currents[:, 0::2] - currents[:, 1::2]).T


def _word_line(crossing: Array, segment_ohm: float) -> tuple[Array, Array]:
    """One driven word line seen from its crossings.

    Returns:
        Admittance [cols, cols] between bit lines and the grounded driver, and the current [cols] that one
        volt at the driver sends into grounded bit lines.
    """
    columns = crossing.size
    if segment_ohm == 0.0:
        return np.diag(crossing), crossing.copy()
    conductance = 1.0 / segment_ohm
    ladder = np.diag(crossing + 2.0 * conductance)
    ladder[-1, -1] -= conductance
    beside = np.arange(columns - 1)
    ladder[beside, beside + 1] = ladder[beside + 1, beside] = -conductance
    inverse = np.linalg.inv(ladder)
    reduced = np.diag(crossing) - crossing[:, None] * inverse * crossing
    driven: Array = crossing * inverse[:, 0] * conductance
    return reduced, driven

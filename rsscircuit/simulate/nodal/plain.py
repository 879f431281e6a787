"""The same in NumPy, for a machine without numba: loops run along the lines, arrays across them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsscircuit.simulate.nodal.ladders import Ladders, Stopping

Array = NDArray[np.float64]

_WIDTH = 16


def word_ladders(siemens: Array, segment_ohm: float, end_ohm: Array, both: bool) -> tuple[Array, ...]:
    """The six coefficients of the word lines, in the order of :class:`~rsscircuit.simulate.nodal.ladders.Ladders`."""
    columns, wired = siemens.shape[1], end_ohm > 0.0
    keep_left, pull_left, keep_right, pull_right, left, right = (np.zeros_like(siemens) for _ in range(6))
    end = np.divide(1.0, end_ohm, out=np.zeros_like(end_ohm), where=wired)
    seen = end
    for column in range(columns):
        left[:, column] = seen
        keep_left[:, column], pull_left[:, column], seen = _pass(seen, siemens[:, column], segment_ohm)
    seen = end if both else np.zeros_like(end)
    for column in range(columns - 1, -1, -1):
        share = _ratio(siemens[:, column], left[:, column] + seen + siemens[:, column])
        left[:, column] *= share
        right[:, column] = seen * share
        keep_right[:, column], pull_right[:, column], seen = _pass(seen, siemens[:, column], segment_ohm)
    keep_left[~wired], pull_left[~wired], pull_right[~wired] = 1.0, 0.0, 0.0
    left[~wired], right[~wired] = siemens[~wired], 0.0
    return keep_left, pull_left, keep_right, pull_right, left, right


def _pass(seen: Array, crossing: Array, segment_ohm: float) -> tuple[Array, Array, Array]:
    """What a crossing keeps of the source seen before it and adds to it, and the conductance seen one segment on."""
    total = seen + crossing
    return _ratio(seen, total), _ratio(crossing, total), total / (1.0 + segment_ohm * total)


def bit_ladders(through: Array, segment_ohm: float, end_ohm: Array, first_end: Array) -> tuple[Array, Array]:
    """``kept`` and ``leaving`` of the bit lines, see :class:`Ladders`; ``through`` is s."""
    kept = np.empty_like(through)
    seen = first_end
    for line, crossing in enumerate(through):
        total = seen + crossing
        kept[line] = 1.0 / (1.0 + segment_ohm * total)
        seen = total * kept[line]
    leaving = 1.0 / (1.0 + end_ohm * total)
    kept[-1] = end_ohm * leaving
    return kept, leaving


def _send(ladders: Ladders, bit: Array, drive: Array | float, right: Array | float) -> Array:
    """What all word lines send through their crossings, less what the bit nodes' own voltages send back."""
    lines, columns, cases = bit.shape
    sent = np.empty_like(bit)
    source = np.broadcast_to(drive, (lines, cases))
    for column in range(columns):
        sent[:, column] = ladders.through_left[:, column, None] * source
        pulled = ladders.pull_left[:, column, None] * bit[:, column]
        source = ladders.keep_left[:, column, None] * source + pulled
    source = np.broadcast_to(right, (lines, cases))
    for column in range(columns - 1, -1, -1):
        sent[:, column] += ladders.through_right[:, column, None] * source
        pulled = ladders.pull_right[:, column, None] * bit[:, column]
        source = ladders.keep_right[:, column, None] * source + pulled
    return sent


def _eliminate(ladders: Ladders, currents: Array) -> Array:
    """Current that has come down to each bit node, from what is injected at each; in place."""
    for line in range(1, len(currents)):
        currents[line] += ladders.kept[line - 1, :, None] * currents[line - 1]
    return currents


def _substitute(ladders: Ladders, come_down: Array) -> Array:
    """Voltage of each bit node, from the current that has come down to it."""
    volts = np.empty_like(come_down)
    volts[-1] = ladders.kept[-1, :, None] * come_down[-1]
    for line in range(len(volts) - 2, -1, -1):
        volts[line] = ladders.kept[line, :, None] * (ladders.bit_ohm * come_down[line] + volts[line + 1])
    return volts


def _ratio(upper: Array, lower: Array) -> Array:
    """``upper / lower``, 0 where that is 0 / 0."""
    return np.divide(upper, lower, out=np.zeros_like(upper), where=lower > 0.0)


def width_for(nodes: int, cases: int) -> int:
    """How many right-hand sides to solve together."""
    return max(1, min(cases, _WIDTH))


def workspace(lines: int, columns: int, width: int) -> tuple[()]:
    """Scratch memory that :func:`solve` wants for an array of this size: none."""
    return ()


def solve(ladders: Ladders, drive: Array, stopping: Stopping, work: tuple[()]) -> tuple[int, Array, Array, Array]:
    """Solve for a few drives.

    Args:
        ladders: Of the array.
        drive: [lines, cases], volt.
        stopping: When it is done.
        work: From :func:`workspace`.

    Returns:
        Iterations taken; bit-line voltages [lines, cols, cases]; currents [cols, cases]; relative change of the
        voltages in a last pass [cases].
    """
    lines, columns = ladders.kept.shape
    shape = lines, columns, drive.shape[1]
    ohm = np.where(np.arange(lines)[:, None] < lines - 1, ladders.bit_ohm, 1.0) * ladders.kept
    volts, direction, preconditioned = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    residual = _send(ladders, volts, drive, ladders.right_source * drive)
    norm = goal = np.zeros(drive.shape[1])
    iterations = 0
    while True:
        come_down = _eliminate(ladders, residual.copy())
        fresh = np.einsum("lc,lck,lck->k", ohm, come_down, come_down)
        turn, norm = _ratio(fresh, norm), fresh
        goal = stopping.tolerance**2 * norm if iterations == 0 else goal
        gain = np.maximum(turn, stopping.largest_gain)
        if iterations == stopping.iterations or (iterations > 0 and (norm * gain**2 <= goal).all()):
            break
        direction = _substitute(ladders, come_down) + turn * direction
        preconditioned = residual + turn * preconditioned
        product = preconditioned - _send(ladders, direction, 0.0, 0.0)
        step = _ratio(norm, np.einsum("lck,lck->k", product, direction))
        volts += step * direction
        residual -= step * product
        iterations += 1
    for _ in range(stopping.passes):
        come_down = _eliminate(ladders, _send(ladders, volts, drive, ladders.right_source * drive))
        before, volts = volts, _substitute(ladders, come_down)
        change = np.sqrt(_ratio(((volts - before) ** 2).sum(axis=(0, 1)), (volts**2).sum(axis=(0, 1))))
        if (change <= stopping.settled).all():
            break
    currents = ladders.leaving[:, None] * come_down[-1] + ladders.first_end[:, None] * volts[0]
    return iterations, volts, currents, change

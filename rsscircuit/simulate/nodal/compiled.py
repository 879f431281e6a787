"""The line-preconditioned conjugate gradients, compiled; several right-hand sides in one register.

Two passes over the array make one iteration. *Down*, first row to last: step, new residual, and the elimination of
the bit lines at once, whose pivots also give the norm of the residual. *Up*: the bit lines' back-substitution, the
next direction, and the word lines' response to it, each line while it is in the cache. The product of direction
and matrix needs no difference of neighbouring nodes: the preconditioner M times the direction is carried along.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rsscircuit.simulate.nodal.ladders import Ladders, Stopping
from rsscircuit.simulate.nodal.registers import load, splat, store

Array = NDArray[np.float64]

_NODES_OF_EIGHT = 2**15  # larger arrays leave the cache when eight are solved together


@njit(cache=True, nogil=True)
def word_ladders(siemens, segment_ohm, end_ohm, both):
    """As :func:`rsscircuit.simulate.nodal.plain.word_ladders`."""
    shape = siemens.shape
    keep_left, pull_left, keep_right, pull_right = np.ones(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape)
    through_left, through_right = siemens.copy(), np.zeros(shape)
    for line in np.flatnonzero(end_ohm):
        left, right = through_left[line], through_right[line]
        seen = 1.0 / end_ohm[line]
        for column in range(shape[1]):
            crossing, left[column] = siemens[line, column], seen
            total = seen + crossing
            keep_left[line, column], pull_left[line, column] = seen / total, crossing / total
            seen = total / (1.0 + segment_ohm * total)
        seen = 1.0 / end_ohm[line] if both else 0.0
        for column in range(shape[1] - 1, -1, -1):
            crossing = siemens[line, column]
            total = seen + crossing
            share = crossing / (left[column] + total)
            left[column] *= share
            right[column] = seen * share
            if total > 0.0:
                keep_right[line, column], pull_right[line, column] = seen / total, crossing / total
            seen = total / (1.0 + segment_ohm * total)
    return keep_left, pull_left, keep_right, pull_right, through_left, through_right


@njit(cache=True, nogil=True)
def bit_ladders(through, segment_ohm, end_ohm, first_end):
    """As :func:`rsscircuit.simulate.nodal.plain.bit_ladders`."""
    lines, columns = through.shape
    kept, leaving, seen = np.empty((lines, columns)), np.empty(columns), first_end.copy()
    for line in range(lines):
        for column in range(columns):
            total = seen[column] + through[line, column]
            kept[line, column] = 1.0 / (1.0 + segment_ohm * total)
            seen[column] = total * kept[line, column]
            if line == lines - 1:
                leaving[column] = 1.0 / (1.0 + end_ohm[column] * total)
                kept[line, column] = end_ohm[column] * leaving[column]
    return kept, leaving


@njit(cache=True, nogil=True)
def _send(zeros, ladders, line, bit, at, source, right_source, sources, out, at_out):
    """What a word line sends through its crossings, less what the bit nodes' own voltages send back."""
    keep_left, pull_left = ladders.keep_left[line], ladders.pull_left[line]
    keep_right, pull_right = ladders.keep_right[line], ladders.pull_right[line]
    through_left, through_right = ladders.through_left[line], ladders.through_right[line]
    columns, width = pull_left.size, len(zeros)
    for column in range(columns):
        store(sources, column * width, source)
        source = keep_left[column] * source + pull_left[column] * load(zeros, bit, at + column * width)
    source = right_source
    for column in range(columns - 1, -1, -1):
        place = column * width
        store(out, at_out + place, through_left[column] * load(zeros, sources, place) + through_right[column] * source)
        source = keep_right[column] * source + pull_right[column] * load(zeros, bit, at + place)


@njit(cache=True, nogil=True)
def _down(zeros, ladders, step, volts, residual, direction, product, row):
    """Take a step, eliminate the new residual into ``product``, and return its squared norm under the inverse of M."""
    (lines, columns), width = ladders.kept.shape, len(zeros)
    step, norm = load(zeros, step, 0), splat(zeros, 0.0)
    row[:] = 0.0
    for line in range(lines):
        kept, before = ladders.kept[line], ladders.kept[max(line - 1, 0)]
        ohm = ladders.bit_ohm if line < lines - 1 else 1.0
        for column in range(columns):
            place = column * width
            at = line * columns * width + place
            store(volts, at, load(zeros, volts, at) + step * load(zeros, direction, at))
            left = load(zeros, residual, at) - step * load(zeros, product, at)
            store(residual, at, left)
            current = left + before[column] * load(zeros, row, place)
            store(row, place, current)
            store(product, at, current)
            norm = norm + (ohm * kept[column]) * (current * current)
    return norm


@njit(cache=True, nogil=True)
def _up(zeros, ladders, turn, residual, direction, preconditioned, product, row, sources, sent):
    """The next direction and its product with the matrix; returns their scalar product."""
    (lines, columns), width = ladders.kept.shape, len(zeros)
    turn, curvature, zero = load(zeros, turn, 0), splat(zeros, 0.0), splat(zeros, 0.0)
    row[:] = 0.0
    for line in range(lines - 1, -1, -1):
        kept, start = ladders.kept[line], line * columns * width
        ohm = ladders.bit_ohm if line < lines - 1 else 1.0
        for column in range(columns):
            place = column * width
            at = start + place
            node = kept[column] * (ohm * load(zeros, product, at) + load(zeros, row, place))
            store(row, place, node)
            store(direction, at, node + turn * load(zeros, direction, at))
            store(preconditioned, at, load(zeros, residual, at) + turn * load(zeros, preconditioned, at))
        _send(zeros, ladders, line, direction, start, zero, zero, sources, sent, 0)
        for column in range(columns):
            at = start + column * width
            moved = load(zeros, preconditioned, at) - load(zeros, sent, column * width)
            store(product, at, moved)
            curvature = curvature + moved * load(zeros, direction, at)
    return curvature


@njit(cache=True, nogil=True)
def _settle(zeros, ladders, drive, volts, product, row, sources, sent, currents, changes):
    """One pass from the voltages themselves: better voltages, the currents, and how far the voltages moved."""
    (lines, columns), width = ladders.kept.shape, len(zeros)
    row[:] = 0.0
    for line in range(lines):
        start, source, before = line * columns * width, load(zeros, drive, line * width), ladders.kept[max(line - 1, 0)]
        _send(zeros, ladders, line, volts, start, source, ladders.right_source * source, sources, sent, 0)
        for column in range(columns):
            place = column * width
            current = load(zeros, sent, place) + before[column] * load(zeros, row, place)
            store(row, place, current)
            store(product, start + place, current)
    leaving, first_end = ladders.leaving, ladders.first_end
    for column in range(columns):
        store(currents, column * width, leaving[column] * load(zeros, row, column * width))
    moved, size = splat(zeros, 0.0), splat(zeros, 0.0)
    row[:] = 0.0
    for line in range(lines - 1, -1, -1):
        kept = ladders.kept[line]
        ohm = ladders.bit_ohm if line < lines - 1 else 1.0
        for column in range(columns):
            place = column * width
            at = line * columns * width + place
            node = kept[column] * (ohm * load(zeros, product, at) + load(zeros, row, place))
            change = node - load(zeros, volts, at)
            store(row, place, node)
            store(volts, at, node)
            moved = moved + change * change
            size = size + node * node
    for column in range(columns):
        place = column * width
        store(currents, place, load(zeros, currents, place) + first_end[column] * load(zeros, row, place))
    store(changes, 0, moved)
    store(changes, width, size)


@njit(cache=True, nogil=True)
def _iterate(zeros, ladders, drive, stopping, nodes, currents, changes):
    """Conjugate gradients for the cases of ``drive``; fills the rest and returns the iterations taken."""
    (lines, columns), width = ladders.kept.shape, len(zeros)
    row, sources, sent = np.zeros(columns * width), np.empty(columns * width), np.empty(columns * width)
    volts, residual, direction, preconditioned, product = nodes
    step, turn, norm, goal, fresh = np.zeros(width), np.zeros(width), np.zeros(width), np.zeros(width), np.zeros(width)
    volts[:] = direction[:] = preconditioned[:] = product[:] = 0.0
    for line in range(lines):
        source = load(zeros, drive, line * width)
        right = ladders.right_source * source
        _send(zeros, ladders, line, row, 0, source, right, sources, residual, line * columns * width)
    iterations = 0
    while True:
        store(fresh, 0, _down(zeros, ladders, step, volts, residual, direction, product, row))
        for k in range(width):
            turn[k] = fresh[k] / norm[k] if norm[k] > 0.0 else 0.0
            norm[k] = fresh[k]
        if iterations == 0:
            goal[:] = stopping.tolerance**2 * norm
        gain = np.maximum(turn, stopping.largest_gain)
        if iterations == stopping.iterations or (iterations > 0 and (norm * gain * gain <= goal).all()):
            break
        store(fresh, 0, _up(zeros, ladders, turn, residual, direction, preconditioned, product, row, sources, sent))
        for k in range(width):
            step[k] = norm[k] / fresh[k] if fresh[k] > 0.0 else 0.0
        iterations += 1
    for _ in range(stopping.passes):
        _settle(zeros, ladders, drive, volts, product, row, sources, sent, currents, changes)
        if (changes[:width] <= stopping.settled**2 * changes[width:]).all():
            break
    return iterations


class Workspace(NamedTuple):
    """Memory for one solve after the other, each of ``width`` right-hand sides, those of a node side by side.

    Attributes:
        width: How many are solved together.
        drive: [lines * width], volt.
        nodes: [5, lines * cols * width]; the first row is the bit-line voltages.
        currents: [cols * width], ampere.
        changes: [2 * width], squared change of the voltages in the last pass, and their squares.
    """

    width: int
    drive: Array
    nodes: Array
    currents: Array
    changes: Array


def width_for(nodes: int, cases: int) -> int:
    """How many right-hand sides to solve together: four or eight."""
    return 4 if cases <= 4 or nodes > _NODES_OF_EIGHT else 8


def workspace(lines: int, columns: int, width: int) -> Workspace:
    """Memory for :func:`solve` of an array of this size."""
    nodes, currents = np.empty((5, lines * columns * width)), np.empty(columns * width)
    return Workspace(width, np.empty(lines * width), nodes, currents, np.empty(2 * width))


def solve(ladders: Ladders, drive: Array, stopping: Stopping, work: Workspace) -> tuple[int, Array, Array, Array]:
    """As :func:`rsscircuit.simulate.nodal.plain.solve`, for up to ``width`` cases; what it returns lies in ``work``."""
    cases, zeros = drive.shape[1], (0.0,) * work.width
    sources = work.drive.reshape(-1, work.width)
    sources[:, :cases], sources[:, cases:] = drive, 0.0
    iterations = _iterate(zeros, ladders, work.drive, stopping, *work[2:])
    moved, size = work.changes.reshape(2, -1)[:, :cases]
    change = np.sqrt(np.divide(moved, size, out=np.zeros(cases), where=size > 0.0))
    bit_volts = work.nodes[0].reshape(*ladders.kept.shape, -1)
    return iterations, bit_volts[:, :, :cases], work.currents.reshape(-1, work.width)[:, :cases], change

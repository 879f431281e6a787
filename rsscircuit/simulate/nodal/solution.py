"""Currents and voltages of a wired array, for a few drives or, by its effective matrix, for many."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError, SimulationError
from rsscircuit.simulate.nodal import plain
from rsscircuit.simulate.nodal.array import WiredArray
from rsscircuit.simulate.nodal.ladders import Ladders, Stopping
from rsscircuit.subsetsum.compiled import COMPILED, run_cells

kernels: ModuleType = plain
if COMPILED:
    from rsscircuit.simulate.nodal import compiled

    kernels = compiled

Array = NDArray[np.float64]

_LEAST_SETTLED = 1e-7  #: relative change of the bit-line voltages in the last pass beyond which a solve is refused
_STALLED = 1e-13  #: the same below which iterations that reached their limit were held up by rounding alone
_STEPS_PER_NODE = 100  #: elementary steps that a node takes in a solve of a few right-hand sides, roughly


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """An array under its drives.

    Attributes:
        amperes: [cases, cols], out of the bit lines into the virtual grounds.
        word_volts: [cases, lines, cols], at the crossings, or None where not asked for.
        bit_volts: [cases, lines, cols], likewise.
        iterations: Most that any case took.
        residual: Relative change of the bit-line voltages in a last pass, the largest of any case (root of the sum
            of squares over the nodes).
    """

    amperes: Array
    word_volts: Array | None
    bit_volts: Array | None
    iterations: int
    residual: float


def solve(array: WiredArray, volts: Array, *, nodes: bool = False, where: str = "crossbar") -> Solution:
    """Solve the array for every drive, by conjugate gradients on the bit-line nodes.

    Args:
        array: The array.
        volts: [cases, lines], of the word-line drivers, of any sign.
        nodes: Whether to return node voltages.
        where: Names the array in errors.

    Raises:
        InputError: ``volts`` are not [cases, lines] or not finite.
        SimulationError: Not converged.
    """
    lines, columns = array.siemens.shape
    volts = np.asarray(volts, np.float64)
    if volts.ndim != 2 or volts.shape[1] != lines:
        raise InputError(f"voltages must be [cases, {lines}]", where=where, got=volts.shape)
    if not np.isfinite(volts).all():
        raise InputError("voltages must be finite", where=where)
    cases, stopping = len(volts), stopping_of(lines, columns)
    ladders = ladders_of(array)
    amperes, change = np.empty((cases, columns)), np.empty(cases)
    bit_volts = np.empty((cases, lines, columns)) if nodes else None
    width = kernels.width_for(lines * columns, cases)
    chunks = -(-cases // width)
    iterations = np.zeros(chunks, np.int64)

    def run(first: int, stride: int) -> None:
        work = kernels.workspace(lines, columns, width)
        for chunk in range(first, chunks, stride):
            part = slice(chunk * width, min(cases, (chunk + 1) * width))
            iterations[chunk], found, currents, moved = kernels.solve(ladders, volts[part].T, stopping, work)
            amperes[part], change[part] = currents.T, moved
            if bit_volts is not None:
                bit_volts[part] = found.transpose(2, 0, 1)

    run_cells(run, cells=chunks, steps_per_cell=lines * columns * _STEPS_PER_NODE)
    worst = float(change.max(initial=0.0))
    most = int(iterations.max(initial=0))
    if not worst <= (_STALLED if most == stopping.iterations else _LEAST_SETTLED):
        raise SimulationError(
            "the nodal solve did not converge",
            where=where,
            got=f"{most} iterations, relative residual {worst:.1e}",
            remedy="conductances and wires may span twelve decades: check that none is out of range",
        )
    return Solution(
        amperes=amperes,
        word_volts=None if bit_volts is None else _word_volts(array, volts, bit_volts),
        bit_volts=bit_volts,
        iterations=most,
        residual=worst,
    )


def effective_matrix(array: WiredArray, *, where: str = "crossbar") -> Array:
    """Ampere out of each column per volt at each driver, float64 [lines, cols], >= 0.

    One solve a line, or one a column of the turned circuit, whichever are fewer.

    Raises:
        SimulationError: Not converged.
    """
    lines, columns = array.siemens.shape
    if lines <= columns:
        return solve(array, np.eye(lines), where=where).amperes
    backwards = solve(array.turned(), np.eye(columns), where=where).amperes
    return np.ascontiguousarray(backwards[::-1, ::-1].T)


def column_currents(array: WiredArray, volts: Array, *, where: str = "crossbar") -> Array:
    """Currents [cases, cols] under drives [cases, lines], by whatever takes the fewest solves.

    Raises:
        InputError: ``volts`` are not [cases, lines] or not finite.
        SimulationError: Not converged.
    """
    if len(volts) <= min(array.siemens.shape):
        return solve(array, volts, where=where).amperes
    result: Array = volts @ effective_matrix(array, where=where)
    return result


def stopping_of(lines: int, columns: int) -> Stopping:
    """When a solve is done: at errors of some 1e-15 of the currents where wires take some per cent.

    Where paths to sources and grounds resist 1e4 times more than the crossings it is 1e-12, and in proportion beyond:
    double precision holds no more where all nodes float together.

    Usual arrays take 3 to 8 iterations; wires that resist far more than the banks up to four a line.
    """
    return Stopping(tolerance=1e-15, largest_gain=1e-2, settled=1e-9, iterations=100 + 20 * (lines + columns), passes=8)


def ladders_of(array: WiredArray) -> Ladders:
    """The coefficients of an array."""
    word_end, bit_end = array.word_end_ohm, array.bit_end_ohm
    first_end = np.zeros_like(bit_end)
    if array.sensed_at_both_ends:
        np.divide(1.0, bit_end, out=first_end, where=bit_end > 0.0)
    siemens = np.ascontiguousarray(array.siemens, np.float64)
    word = kernels.word_ladders(siemens, float(array.word_ohm), word_end, array.driven_from_both_ends)
    kept, leaving = kernels.bit_ladders(word[-2] + word[-1], float(array.bit_ohm), bit_end, first_end)
    right_source = float(array.driven_from_both_ends)
    return Ladders._make([*word, kept, leaving, float(array.bit_ohm), right_source, first_end])


def _word_volts(array: WiredArray, volts: Array, bit_volts: Array) -> Array:
    """Voltages of the word-line nodes [cases, lines, cols]: both sources and the bit node, each by its conductance."""
    end_ohm, driven = array.word_end_ohm, volts
    wired = end_ohm > 0.0
    columns = array.siemens.shape[1]
    weighted, total = array.siemens * bit_volts, array.siemens.copy()
    for order, ends in ((range(columns), True), (range(columns - 1, -1, -1), array.driven_from_both_ends)):
        seen = np.divide(float(ends), end_ohm, out=np.zeros_like(end_ohm), where=wired)
        source = driven
        for column in order:
            crossing = array.siemens[:, column]
            weighted[:, :, column] += seen * source
            total[:, column] += seen
            passed = seen + crossing
            mixed = seen * source + crossing * bit_volts[:, :, column]
            source = np.divide(mixed, passed, out=np.zeros_like(mixed), where=passed > 0.0)
            seen = passed / (1.0 + array.word_ohm * passed)
    wires = weighted / np.where(wired[:, None], total, 1.0)
    result: Array = np.where(wired[:, None], wires, volts[:, :, None])
    return result

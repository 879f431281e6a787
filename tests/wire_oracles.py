"""Independent solutions of a crossbar with wires: by star-mesh transformation, by one dense system, by recursion."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from rsscircuit.simulate.nodal import WiredArray


class Mesh:
    """Every node of an array and every conductance between two of them; nodes that a wire of 0 ohm joins are one.

    Word-line nodes, bit-line nodes, drivers and virtual grounds are numbered in that order.
    """

    def __init__(self, array: WiredArray) -> None:
        lines, columns = array.siemens.shape
        count = lines * columns
        self.word = np.arange(count).reshape(lines, columns)
        self.bit = self.word + count
        self.drivers = 2 * count + np.arange(lines)
        self.grounds = 2 * count + lines + np.arange(columns)
        self._same = list(range(2 * count + lines + columns))
        driver, ground = (
            np.broadcast_to(ohm, size) for ohm, size in ((array.driver_ohm, lines), (array.input_ohm, columns))
        )
        wires: list[tuple[int, int, float]] = []
        for line in range(lines):
            nodes = self.word[line]
            ends = [0, columns - 1] if array.driven_from_both_ends else [0]
            wires += [(self.drivers[line], nodes[end], array.word_ohm + driver[line]) for end in ends]
            wires += [(a, b, array.word_ohm) for a, b in pairwise(nodes)]
        for column in range(columns):
            nodes = self.bit[:, column]
            ends = [lines - 1, 0] if array.sensed_at_both_ends else [lines - 1]
            wires += [(self.grounds[column], nodes[end], array.bit_ohm + ground[column]) for end in ends]
            wires += [(a, b, array.bit_ohm) for a, b in pairwise(nodes)]
        for a, b, ohm in wires:
            if ohm == 0.0:
                low, high = sorted((self.at(a), self.at(b)))
                self._same = [high if node == low else node for node in self._same]
        self.siemens = np.zeros((len(self._same), len(self._same)))
        for a, b, ohm in wires:
            if ohm > 0.0:
                self._join(self.at(a), self.at(b), 1.0 / ohm)
        for word, bit, siemens in zip(self.word.flat, self.bit.flat, array.siemens.flat, strict=True):
            self._join(self.at(word), self.at(bit), siemens)

    def at(self, node: int) -> int:
        """The node that stands for all that are joined to this one."""
        return self._same[node]

    def _join(self, a: int, b: int, siemens: float) -> None:
        if a != b:
            self.siemens[a, b] += siemens
            self.siemens[b, a] += siemens


def by_star_mesh(array: WiredArray) -> np.ndarray:
    """Effective matrix [lines, cols]: inner nodes are taken out one by one, each star by the mesh that it is worth.

    Only positive numbers are added, multiplied and divided, so that every entry is right to some 1e-14 of itself,
    whatever the conductances.
    """
    mesh = Mesh(array)
    siemens, inner = mesh.siemens.copy(), 2 * array.siemens.size
    for node in range(inner):
        star = siemens[node, node + 1 :].copy()
        if star.any():
            siemens[node + 1 :, node + 1 :] += np.outer(star, star / star.sum())
    return siemens[np.ix_(mesh.drivers, mesh.grounds)]


def by_dense_system(array: WiredArray, volts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Currents [cols] and node voltages, word and bit [lines, cols], under one drive [lines], by Kirchhoff's law."""
    mesh = Mesh(array)
    inner = 2 * array.siemens.size
    laplacian = np.diag(mesh.siemens.sum(axis=1)) - mesh.siemens
    fixed = np.zeros(len(laplacian))
    fixed[mesh.drivers] = volts
    unknown = [node for node in range(inner) if mesh.at(node) == node and mesh.siemens[node].any()]
    every = fixed.copy()
    every[unknown] = np.linalg.solve(laplacian[np.ix_(unknown, unknown)], -(laplacian @ fixed)[unknown])
    every = every[[mesh.at(node) for node in range(len(every))]]
    return -(laplacian @ every)[mesh.grounds], every[mesh.word], every[mesh.bit]


def by_recursion(bank_siemens: np.ndarray, word_ohm: float, bit_ohm: float) -> np.ndarray:
    """Effective pairs [rows, cols] of a tile, bit-line node row by bit-line node row from the far end to the grounds.

    What has been passed is kept as a Norton equivalent seen from the bit lines: an admittance matrix [cols, cols] and
    the short-circuit current that each driver sends, [cols, drivers]. A step adds the bit-line segments in series and
    one word line, reduced to its crossings, in parallel.
    """
    rows, columns, _ = bank_siemens.shape
    lines = bank_siemens.transpose(0, 2, 1).reshape(2 * rows, columns)
    admittance, currents, identity = np.zeros((columns, columns)), np.zeros((columns, 2 * rows)), np.eye(columns)
    for line, crossing in enumerate(lines):
        if line:
            series = np.linalg.inv(identity + bit_ohm * admittance)
            admittance = admittance @ series
            currents[:, :line] = series.T @ currents[:, :line]
        ladder = np.diag(crossing + 2.0 / word_ohm)
        ladder[-1, -1] -= 1.0 / word_ohm
        beside = np.arange(columns - 1)
        ladder[beside, beside + 1] = ladder[beside + 1, beside] = -1.0 / word_ohm
        inverse = np.linalg.inv(ladder)
        admittance += np.diag(crossing) - crossing[:, None] * inverse * crossing
        currents[:, line] = crossing * inverse[:, 0] / word_ohm
    currents = np.linalg.solve(identity + bit_ohm * admittance.T, currents)
    return (currents[:, 0::2] - currents[:, 1::2]).T

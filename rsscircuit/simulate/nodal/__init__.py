"""Wires by nodal analysis: the currents and voltages of a crossbar whose lines have resistance.

Every crossing joins a node of a word line to a node of a bit line. The word lines are eliminated exactly, each a
ladder; what is left is a symmetric positive definite system of the bit-line nodes, solved by conjugate gradients with
the bit lines' own ladders as preconditioner (Concus, Golub and O'Leary 1976). Wires that take little leave little to
iterate: 3 to 8 iterations for usual arrays. :mod:`~rsscircuit.simulate.nodal.ladders` has the equations.
"""

from rsscircuit.simulate.nodal.array import WiredArray
from rsscircuit.simulate.nodal.pairs import effective_siemens
from rsscircuit.simulate.nodal.solution import Solution, column_currents, effective_matrix, solve

__all__ = ["Solution", "WiredArray", "column_currents", "effective_matrix", "effective_siemens", "solve"]

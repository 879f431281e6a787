"""What is worked out once for an array: its lines as ladders, every coefficient a positive sum, product or quotient.

*Word lines.* Seen from a crossing, the line to its left is a source e and a conductance a, and so is the line to its
right (Thevenin). Passing one crossing of conductance g, whose bit node is at b, moves the source towards it:

    e' = e a / (a + g) + b g / (a + g),      a' = (a + g) / (1 + word_ohm (a + g)).

With the sources e1, e2 and conductances a1, a2 of both sides, the crossing carries y1 (e1 - b) + y2 (e2 - b), where
y1 = g a1 / (a1 + a2 + g) and y2 = g a2 / (a1 + a2 + g). Nothing in it is a small difference of large numbers, however
far the conductances lie apart.

*Bit lines.* Where a bit node sees s to ground through its crossing, and the line before it is a conductance a and an
injected current n (Norton), the same elimination is

    m = 1 / (1 + bit_ohm (a + s)),     a' = (a + s) m,     n' = n m + (current injected at the next node),

from the first row to the last, and back from the end, x = m (bit_ohm n + x'): the inverse of "bit lines with every
crossing to a grounded word line", which preconditions the whole.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Stopping(NamedTuple):
    """When a solve is done.

    Attributes:
        tolerance: Of the residual, in the norm of the power that it stands for, relative to that at bit lines of 0 V;
            counted is what is left of it if two more iterations gained what the last one did, since the passes that
            follow gain as much.
        largest_gain: The most that is counted on from those two, squared.
        settled: Relative change of the bit-line voltages in a pass, below which there is no other.
        iterations: Most iterations.
        passes: Most passes after them.
    """

    tolerance: float
    largest_gain: float
    settled: float
    iterations: int
    passes: int


class Ladders(NamedTuple):
    """The coefficients of an array, [lines, cols] unless said otherwise.

    Attributes:
        keep_left: a / (a + g), what a crossing leaves of the source that is seen to the left, going right.
        pull_left: g / (a + g), what it adds of its bit node.
        keep_right: As ``keep_left``, of the source that is seen to the right, going left.
        pull_right: As ``pull_left``.
        through_left: Siemens from the bit node through its crossing to the source on the left.
        through_right: The same to the source on the right.
        kept: m of the bit lines; in the last row, that of its end.
        leaving: [cols], the share of the last node's current that leaves through its end when the node floats.
        bit_ohm: Segment of a bit line.
        right_source: 1 where word lines are driven from both ends, else 0.
        first_end: [cols], siemens from the first node of a bit line to a virtual ground there; 0 for none.
    """

    keep_left: Array
    pull_left: Array
    keep_right: Array
    pull_right: Array
    through_left: Array
    through_right: Array
    kept: Array
    leaving: Array
    bit_ohm: float
    right_source: float
    first_end: Array

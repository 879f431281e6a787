"""The array that is solved: conductances at the crossings of word lines and bit lines, and what the lines resist.

Every word line has a node at each crossing, and so has every bit line. A word line is driven through one segment
before its first column, a bit line ends in a virtual ground through one segment after its last row; either may have
the same at its other end. Two physical word lines a logical row, or one, are the same to this module.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WiredArray:
    """A crossbar with wires.

    Attributes:
        siemens: [lines, cols], the conductance at each crossing; 0 where there is none.
        word_ohm: Segment of a word line between two columns, and between its driver and the nearest; >= 0.
        bit_ohm: Segment of a bit line between two word lines, and between its virtual ground and the nearest; >= 0.
        driver_ohm: In series with each driven end of a word line, one figure or [lines].
        input_ohm: In series with each virtual ground, one figure or [cols].
        driven_from_both_ends: A word line has the same voltage after its last column as before its first.
        sensed_at_both_ends: A bit line has a virtual ground before its first row as well as after its last; its
            current is the sum of the two.

    Raises:
        InputError: A conductance or resistance that is negative or not finite, or a shape that does not fit.
    """

    siemens: Array
    word_ohm: float
    bit_ohm: float
    driver_ohm: float | Array = 0.0
    input_ohm: float | Array = 0.0
    driven_from_both_ends: bool = False
    sensed_at_both_ends: bool = False

    def __post_init__(self) -> None:
        if self.siemens.ndim != 2 or not self.siemens.size:
            raise InputError("conductances must be [lines, columns]", where="crossbar", got=self.siemens.shape)
        lines, columns = self.siemens.shape
        for name, count in (("driver_ohm", lines), ("input_ohm", columns)):
            shape = np.shape(getattr(self, name))
            if shape not in ((), (count,)):
                raise InputError(f"{name} must be one figure or one of each of {count}", where="crossbar", got=shape)
        for name in ("siemens", "word_ohm", "bit_ohm", "driver_ohm", "input_ohm"):
            values = np.asarray(getattr(self, name), np.float64)
            bad = ~((values >= 0.0) & np.isfinite(values))
            if bad.any():
                place = "" if values.ndim == 0 else f" at {', '.join(map(str, np.argwhere(bad)[0]))}"
                raise InputError(
                    f"{name}{place} must be finite and not negative",
                    where="crossbar",
                    got=float(values[bad][0]),
                    remedy="0 is an open crossing or an ideal wire",
                )

    @property
    def word_end_ohm(self) -> Array:
        """[lines], from a driver to the nearest node of its word line."""
        return np.broadcast_to(self.word_ohm + self.driver_ohm, self.siemens.shape[:1]).astype(np.float64)

    @property
    def bit_end_ohm(self) -> Array:
        """[cols], from a virtual ground to the nearest node of its bit line."""
        return np.broadcast_to(self.bit_ohm + self.input_ohm, self.siemens.shape[1:]).astype(np.float64)

    def turned(self) -> WiredArray:
        """The same circuit driven at its virtual grounds and sensed at its drivers.

        Lines are this one's columns, last first, and columns its lines, last first, so that drivers are again before
        the first column. What a volt at driver i sends into column j, a volt at column j sends into driver i
        (reciprocity).
        """
        return replace(
            self,
            siemens=np.ascontiguousarray(self.siemens[::-1, ::-1].T),
            word_ohm=self.bit_ohm,
            bit_ohm=self.word_ohm,
            driver_ohm=np.asarray(self.input_ohm)[..., ::-1] if np.ndim(self.input_ohm) else self.input_ohm,
            input_ohm=np.asarray(self.driver_ohm)[..., ::-1] if np.ndim(self.driver_ohm) else self.driver_ohm,
            driven_from_both_ends=self.sensed_at_both_ends,
            sensed_at_both_ends=self.driven_from_both_ends,
        )

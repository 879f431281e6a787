"""The array that the controller serves, and the one place that knows the order of its bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError

WORD_BITS = 32
POLARITIES = 2


class TileShapeError(InputError):
    """A switch array does not fit the array that it is meant for."""


@dataclass(frozen=True, slots=True)
class ArrayGeometry:
    """A macro of ``rows`` x ``columns`` cells, each of two banks of ``branches`` switches.

    Args:
        rows: Word-addressed rows of latches, one a crossbar row.
        columns: Cells in a row.
        branches: Switches in a bank; a cell has a plus and a minus bank.

    Raises:
        InputError: A dimension lies outside its range.
    """

    rows: int
    columns: int
    branches: int

    def __post_init__(self) -> None:
        for name, most in (("rows", 4096), ("columns", 4096), ("branches", 64)):
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise InputError(
                    f"{name} must lie between 1 and {most}",
                    where="array geometry",
                    got=value,
                    remedy="use smaller tiles",
                )

    @property
    def bits_per_row(self) -> int:
        """Switches in a row."""
        return self.columns * POLARITIES * self.branches

    @property
    def words_per_row(self) -> int:
        """Words in a row; the last one is padded with open switches."""
        return -(-self.bits_per_row // WORD_BITS)

    @property
    def words(self) -> int:
        """Words in the whole array."""
        return self.rows * self.words_per_row

    @property
    def row_width(self) -> int:
        """Bits of a row address."""
        return max(1, (self.rows - 1).bit_length())

    @property
    def word_width(self) -> int:
        """Bits of the address of a word in its row."""
        return max(1, (self.words_per_row - 1).bit_length())

    def to_words(self, closed: NDArray[np.bool_]) -> NDArray[np.uint32]:
        """The words [rows, words_per_row] of switches ``closed`` [row, column, polarity, branch].

        Within a row, switch (column, polarity, branch) is bit ``(column * 2 + polarity) * branches +
        branch``, and bit ``i`` of a row is bit ``i % 32`` of its word ``i // 32``. A smaller tile is set
        into the low corner; every switch beyond it is open.

        Raises:
            TileShapeError: ``closed`` is no boolean tile, or does not fit.
        """
        shape = (self.rows, self.columns, POLARITIES, self.branches)
        fits = closed.ndim == len(shape) and all(n <= most for n, most in zip(closed.shape, shape, strict=True))
        if closed.dtype != np.bool_ or not fits or closed.shape[2] != POLARITIES:
            raise TileShapeError(
                f"a tile is bool [row, column, polarity, branch] of at most {shape}, two polarities",
                where="bitstream",
                got=f"{closed.dtype} {closed.shape}",
                remedy="choose a larger array or smaller tiles",
            )
        tile = np.zeros(shape, dtype=np.bool_)
        tile[tuple(slice(n) for n in closed.shape)] = closed
        row_bits = np.zeros((self.rows, self.words_per_row * WORD_BITS), dtype=np.bool_)
        row_bits[:, : self.bits_per_row] = tile.reshape(self.rows, -1)
        return np.packbits(row_bits, axis=1, bitorder="little").view("<u4").astype(np.uint32)

    def from_words(self, words: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """The switches [row, column, polarity, branch] of ``words``: the inverse of :meth:`to_words`."""
        octets = np.ascontiguousarray(words, dtype="<u4").reshape(self.rows, -1).view(np.uint8)
        row_bits = np.unpackbits(octets, axis=1, count=self.bits_per_row, bitorder="little")
        return row_bits.reshape(self.rows, self.columns, POLARITIES, self.branches).astype(np.bool_)

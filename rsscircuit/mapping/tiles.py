"""A layer's matrix cut into tiles of at most so many logical rows and columns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One crossbar's part of a layer's matrix: rows ``row`` to ``row + rows``, columns likewise."""

    index: int
    row: int
    column: int
    rows: int
    columns: int

    @property
    def window(self) -> tuple[slice, slice]:
        """The tile's place in the matrix, for indexing."""
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)


def cut(shape: tuple[int, int], size: tuple[int, int]) -> tuple[Tile, ...]:
    """Tiles of a matrix of ``shape``, row tile by row tile; all full but the last of each direction."""
    places = [(row, column) for row in range(0, shape[0], size[0]) for column in range(0, shape[1], size[1])]
    return tuple(
        Tile(
            index=index,
            row=row,
            column=column,
            rows=min(size[0], shape[0] - row),
            columns=min(size[1], shape[1] - column),
        )
        for index, (row, column) in enumerate(places)
    )

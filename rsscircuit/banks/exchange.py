"""A die as a laboratory's table: what its measured branches are called, and how they are written.

One line a branch. Rows and columns count in the matrix of the whole layer, bias rows first, as in the table of
stuck switches (:mod:`rsscircuit.banks.faults`), so that a table knows nothing of tiles. Numbers are written as
``repr(float)``, which reads back to the same bits (:mod:`rsscircuit.banks.table`).
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks.faults import POLARITIES
from rsscircuit.errors import InputError
from rsscircuit.partial import partial_file, remove_leftovers

Array = NDArray[np.float64]
PLACE = ("layer", "row", "column", "polarity", "branch")
SIEMENS, OHM = "siemens", "ohm"
SIGMA_SIEMENS, SIGMA_OHM = "sigma_siemens", "sigma_ohm"
STATE = "state"


class State(IntEnum):
    """What is known of a branch and its switch."""

    MISSING = -2  #: no line of the table names the branch
    OPEN = -1  #: the switch is stuck open
    WORKS = 0
    CLOSED = 1  #: the switch is stuck closed
    UNSAID = 2  #: the table names the branch and says nothing of its switch


STATES = MappingProxyType({"open": State.OPEN, "closed": State.CLOSED, "works": State.WORKS, "": State.UNSAID})
_WORDS = MappingProxyType({int(state): word for word, state in STATES.items()})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TileTable:
    """The branches of one tile.

    Attributes:
        layer: The layer's name.
        row, column: Where the tile begins in the layer's matrix.
        drawn: bool [rows, cols], where there are banks.
        siemens: float64 [rows, cols, 2, n], what closing each branch adds.
        sigma_siemens: Standard errors of them; None where they are not known.
        state: int8 [rows, cols, 2, n] of :class:`State`; None where every switch works. Missing branches get no line.
    """

    layer: str
    row: int
    column: int
    drawn: NDArray[np.bool_]
    siemens: Array
    sigma_siemens: Array | None = None
    state: NDArray[np.int8] | None = None


def write_table(
    path: str | Path, tiles: Iterable[TileTable], *, sigma: bool = False, state: bool = False, force: bool = False
) -> tuple[int, str]:
    """Write a table beside its place and rename it when it is whole.

    Args:
        path: The CSV file.
        tiles: What to write, in this order; one tile is held at a time.
        sigma: Whether there is a column ``sigma_siemens``.
        state: Whether there is a column ``state``.
        force: Replace a file that is there.

    Returns:
        How many branches the table has, and the sha256 of the file.

    Raises:
        InputError: A file is there and ``force`` is not set, or the place cannot be written.
    """
    file, where = Path(path).resolve(), f"--csv {path}"
    if file.exists() and not file.is_file():
        raise InputError("is no regular file", where=where, remedy="name a file")
    if file.exists() and not force:
        raise InputError("a file is there already", where=where, remedy="pass --force to replace it")
    header = (*PLACE, SIEMENS, *([SIGMA_SIEMENS] if sigma else []), *([STATE] if state else []))
    digest, branches = hashlib.sha256(), 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(file)
        with partial_file(file) as partial:
            with partial.open("wb") as out:
                out.write(first := f"{','.join(header)}\n".encode())
                digest.update(first)
                for tile in tiles:
                    lines = list(_lines(tile, sigma=sigma, state=state))
                    branches += len(lines)
                    out.write(data := "".join(lines).encode())
                    digest.update(data)
            partial.replace(file)
    except OSError as error:
        raise InputError("cannot be written", where=where, got=str(error.strerror)) from error
    return branches, digest.hexdigest()


def _lines(tile: TileTable, *, sigma: bool, state: bool) -> Iterator[str]:
    """The lines of one tile: row by row, column by column, the positive bank first."""
    shape, name = tile.siemens.shape, _field(tile.layer)
    places = [f"{polarity},{branch}" for polarity in POLARITIES for branch in range(shape[3])]
    sigmas = np.zeros(shape) if tile.sigma_siemens is None else tile.sigma_siemens
    states = np.zeros(shape, np.int8) if tile.state is None else tile.state
    cells = np.argwhere(tile.drawn).tolist()
    values = (each[tile.drawn].reshape(len(cells), -1).tolist() for each in (tile.siemens, sigmas, states))
    for (row, column), *branches in zip(cells, *values, strict=True):
        cell = f"{name},{tile.row + row},{tile.column + column}"
        for place, siemens, error, switch in zip(places, *branches, strict=True):
            if switch != State.MISSING:
                known = f",{error!r}" if sigma else ""
                word = f",{_WORDS[switch]}" if state else ""
                yield f"{cell},{place},{siemens!r}{known}{word}\n"


def _field(text: str) -> str:
    """A text as one field of a table, quoted where it must be."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([text])
    return out.getvalue()

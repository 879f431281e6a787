"""What is known of a tile's branches beside their values, on disk only where there is something to know.

banks/<label>/tile_<k>.state.npy    int8 [rows, cols, 2, n] of :class:`rsscircuit.banks.exchange.State`: stuck switches
                                    and branches that the measured table lacks
banks/<label>/tile_<k>.sigma.npy    float64 [rows, cols, 2, n], standard errors of the measured values, siemens
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks.exchange import State
from rsscircuit.design.files import read_array, write_array
from rsscircuit.errors import DesignError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marks:
    """The marks of one tile.

    Attributes:
        state: int8 [rows, cols, 2, n] of :class:`rsscircuit.banks.exchange.State`; None where every switch works.
        sigma_siemens: float64 [rows, cols, 2, n]; None where no standard errors are known.
    """

    state: NDArray[np.int8] | None = None
    sigma_siemens: Array | None = None

    @property
    def forced(self) -> NDArray[np.int8] | None:
        """What the solver is told, int8 [rows, cols, 2, n]: 1 always closed, -1 never."""
        return None if self.state is None else np.maximum(self.state, State.OPEN)


def save_marks(folder: Path, label: str, index: int, marks: Marks) -> None:
    """Write the marks of one tile, those that it has."""
    if marks.state is not None and marks.state.any():
        write_array(_path(folder, label, index, "state"), marks.state)
    if marks.sigma_siemens is not None:
        write_array(_path(folder, label, index, "sigma"), marks.sigma_siemens)


def load_marks(folder: Path, label: str, index: int, shape: tuple[int, ...]) -> Marks:
    """The marks of one tile of ``shape`` [rows, cols, 2, n].

    Raises:
        DesignError: A file is damaged.
    """
    return Marks(
        state=_read(_path(folder, label, index, "state"), shape),
        sigma_siemens=_read(_path(folder, label, index, "sigma"), shape),
    )


def has_marks(folder: Path, name: str) -> bool:
    """Whether any tile of a design has marks of a name, ``state`` or ``sigma``."""
    return any(folder.glob(f"banks/*/tile_*.{name}.npy"))


def _path(folder: Path, label: str, index: int, name: str) -> Path:
    return folder / "banks" / label / f"tile_{index}.{name}.npy"


def _read(path: Path, shape: tuple[int, ...]) -> NDArray[Any] | None:
    if not path.exists():
        return None
    array = read_array(path)
    if array.shape != shape:
        raise DesignError("the design is damaged", where=str(path), got=str(array.shape), remedy="build it again")
    return array

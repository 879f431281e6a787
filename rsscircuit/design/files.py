"""Files of a design, written so that the same run gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import DesignError


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write one ``.npy`` file (format 1.0, C order, no time in it)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def write_bytes(path: Path, data: bytes) -> None:
    """Write one file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def read_array(path: Path) -> NDArray[Any]:
    """Read one ``.npy`` file of a design.

    Raises:
        DesignError: It is missing or damaged.
    """
    try:
        loaded: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DesignError("the design is damaged", where=str(path), got=str(error), remedy="build it again") from error
    return loaded


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write readable JSON with keys in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")

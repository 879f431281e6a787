"""Real inputs of every tile: what the network's own inputs put on its rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rsscircuit.arrays import network_inputs, read_user_array
from rsscircuit.design import Design
from rsscircuit.design.files import read_array
from rsscircuit.design.store import INPUTS_FILE
from rsscircuit.errors import InputError
from rsscircuit.network import Layer, exact_product, run

Array = NDArray[np.float64]
MOST_INPUTS = 8
CASES = 4


def network_data(design: Design, folder: Path, inputs: str | Path | None) -> tuple[Array, str]:
    """Inputs of the network [N, ...], at most eight, and one line on where they come from.

    Args:
        design: The design.
        folder: Where it lies; a build with calibration inputs keeps some of them.
        inputs: ``.npy`` file to take instead.

    Raises:
        InputError: There are none, or they do not fit.
    """
    if inputs is not None:
        given = network_inputs(design.network, read_user_array(inputs, "--inputs"), "--inputs")[:MOST_INPUTS]
        return given, f"the first {len(given)} of {Path(inputs).name}"
    if not (folder / INPUTS_FILE).is_file():
        raise InputError(
            "the design keeps no inputs, because it was built without --calibration",
            where=str(folder),
            remedy="add --inputs X.npy",
        )
    kept = network_inputs(design.network, read_array(folder / INPUTS_FILE), INPUTS_FILE)
    return kept, f"{len(kept)} of the build's calibration inputs"


def strongest(design: Design, data: Array, advance: Callable[[int], None]) -> dict[tuple[str, int], Array]:
    """Logical volts [cases, rows] by layer and first row: the strongest drives that the data put on those rows.

    Args:
        design: The design.
        data: Inputs of the network, [N, ...].
        advance: Called with the number of inputs just run.
    """
    layers = {layer.name: layer for layer in design.layers}
    read_volt = design.technology.drive.read_volt
    kept: dict[tuple[str, int], Array] = {}

    def product(layer: Layer, rows: Array) -> Array:
        mapped = layers[layer.name]
        drives = read_volt * mapped.matrix.drive(rows)
        for window in {tile.row: tile.window[0] for tile in mapped.tiles}.values():
            place = mapped.name, window.start
            some = drives[_strongest(drives[:, window]), window]
            every = np.concatenate([kept[place], some]) if place in kept else some
            kept[place] = every[_strongest(every)]
        return exact_product(layer, rows)

    for case in range(len(data)):
        run(design.network, data[case : case + 1], product=product)
        advance(1)
    return kept


def _strongest(drives: Array) -> NDArray[np.intp]:
    return np.argsort(-np.abs(drives).sum(axis=1), kind="stable")[:CASES]

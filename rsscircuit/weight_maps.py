"""The map from weight codes to subsets of one cell, from what was measured of its die.

The thesis's map of conductance values and binary inputs (chapter 6), for as many values as a code has: a controller
with a weight map (``hdl --weight-map``) is filled with it, and then programs the cell by a code. Every bank is another,
so a map belongs to one cell of one die; the hardware knows nothing of it.

Codes of a pair are two's complement fractions of the column's largest weight: code k is k / 2^(bits - 1) of it. Codes
of a single bank are unsigned, k / 2^bits of it, and leave the cell's other bank as it is programmed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import MeasuredBanks
from rsscircuit.banks.exchange import State
from rsscircuit.design import Design, MappedLayer, load, program, usable_siemens
from rsscircuit.design.files import write_bytes
from rsscircuit.design.marks import load_marks
from rsscircuit.design.record import fingerprint, read_record
from rsscircuit.design.rules import costs_of
from rsscircuit.errors import InputError
from rsscircuit.mapping import Tile
from rsscircuit.technology.corners import at_corners

Array = NDArray[np.float64]
BANKS = ("pair", "plus", "minus")
MOST_BITS = 12  # of the controller's table


def make_weight_map(
    directory: str | Path,
    *,
    layer: str,
    tile: int,
    row: int,
    column: int,
    bank: str = "pair",
    bits: int = 8,
    out: str | Path | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Solve every code of one cell, on the measured values and by the rules of its design.

    Args:
        directory: The design, with what was measured of the build's die or of the one that ``program`` was given.
        layer: By name or label.
        tile: Of the layer, from 0.
        row: Of the tile, from 0, bias rows first.
        column: Of the tile, from 0.
        bank: ``pair``, ``plus`` or ``minus``.
        bits: Of a code.
        out: JSON file to write.
        force: Replace a file that is there.

    Returns:
        ``subsets`` [codes, 2 n] of 0 and 1, the plus bank first, as the controller's driver takes them; by code
        ``weight``, ``target_siemens`` and ``siemens`` (of the bank, or plus less minus, as measured); ``beyond_reach``
        and ``beyond_tolerance``, codes that get the nearest there is; ``worst_error`` and ``rms_error`` of the others,
        over the column's full scale; the cell, and ``die`` and ``fingerprint`` of the design that it belongs to.

    Raises:
        InputError: No such cell, a cell without banks, or a code that the controller does not have.
        DesignError: No design there.
    """
    if bank not in BANKS:
        raise InputError("no such bank", where="--bank", got=bank, remedy=f"choose from {', '.join(BANKS)}")
    if not 1 + (bank == "pair") <= bits <= MOST_BITS:
        raise InputError(f"a code has {1 + (bank == 'pair')} to {MOST_BITS} bits", where="--bits", got=bits)
    if out is not None and Path(out).exists() and not force:
        raise InputError("a file is there", where="--out", got=str(out), remedy="add --force to replace it")
    folder = Path(directory)
    design = load(folder)
    mapped = design.layer(layer)
    place = design.tile(mapped, tile)
    for name, given, count in (("--row", row, place.rows), ("--column", column, place.columns)):
        if not 0 <= given < count:
            raise InputError(f"tile {tile} has 0 to {count - 1}", where=name, got=given)
    found = _solved(folder, design, mapped, place, (row, column), bank, bits)
    record = read_record(folder)
    result = {
        "fingerprint": fingerprint(record),
        "die": record["die"],
        "layer": mapped.name,
        "tile": tile,
        "tile_id": design.floor_plan.first[mapped.name] + tile,
        "row": row,
        "column": column,
        "bank": bank,
        "bits": bits,
        **found,
    }
    if out is not None:
        write_bytes(Path(out), (json.dumps(result, allow_nan=False) + "\n").encode())
    return result


def _solved(
    folder: Path, design: Design, layer: MappedLayer, tile: Tile, cell: tuple[int, int], bank: str, bits: int
) -> dict[str, Any]:
    codes = np.arange(1 << bits)
    crossbar = design.crossbar(layer, tile)
    step, closed = crossbar.measured.step_siemens[cell], crossbar.closed[cell]
    if not step.any():
        raise InputError("the cell has no banks", where=f"layer {layer.name}, tile {tile.index}", got=f"row {cell[0]}, "
                         f"column {cell[1]}", remedy="choose one whose weight is not pruned")  # fmt: skip
    whole = tile.window[1].start + cell[1]
    scale, largest = float(layer.siemens_per_weight[whole]), float(np.abs(layer.matrix.weights[:, whole]).max())
    if bank == "pair":
        weights = np.where(codes < len(codes) // 2, codes, codes - len(codes)) / (len(codes) // 2) * largest
    else:
        weights = codes / len(codes) * largest
    forced = load_marks(folder, layer.label, tile.index, crossbar.closed.shape).forced
    stuck = np.zeros(step.shape, np.int8) if forced is None else forced[cell].copy()
    sign, other = (-1.0 if bank == "minus" else 1.0), 0.0
    if bank != "pair":
        kept = int(bank == "plus")
        stuck[kept] = np.where(closed[kept], State.CLOSED, State.OPEN)
        other = (-1.0 if kept else 1.0) * float(step[kept][closed[kept]].sum())
    targets = weights * scale

    def each(array: NDArray[Any]) -> NDArray[Any]:
        """The same cell once a code, as columns of one row, so that no error is carried from code to code."""
        return np.broadcast_to(array, (1, len(codes), *array.shape)).copy()

    measured, stuck = MeasuredBanks(step_siemens=each(step)), each(stuck)
    plan = program(
        (sign * targets + other)[None],
        measured,
        layer.rules,
        stuck=stuck,
        corners=at_corners(usable_siemens(measured, stuck), design.technology, design.corners),
        costs=costs_of(measured, layer.rules, design.technology),
    )
    banks = np.where(plan.closed[0], step, 0.0).sum(axis=2)
    siemens = banks[:, 0] - banks[:, 1] if bank == "pair" else banks[:, BANKS.index(bank) - 1]
    error = siemens - targets
    beyond_reach = np.flatnonzero(plan.beyond_reach[0] | (targets > step.sum(axis=1).max()))
    beyond_tolerance = np.setdiff1d(np.flatnonzero(plan.beyond_tolerance[0]), beyond_reach)
    good = np.delete(error, np.union1d(beyond_reach, beyond_tolerance)) / (largest * scale)
    return {
        "full_scale": largest,
        "siemens_per_weight": scale,
        "solver": ", ".join(plan.solvers),
        "worst_error": float(np.abs(good).max()) if good.size else None,
        "rms_error": float(np.sqrt(np.mean(good**2))) if good.size else None,
        "beyond_reach": beyond_reach.tolist(),
        "beyond_tolerance": beyond_tolerance.tolist(),
        "weight": weights.tolist(),
        "target_siemens": targets.tolist(),
        "siemens": siemens.tolist(),
        "subsets": plan.closed[0].reshape(len(codes), -1).astype(int).tolist(),
    }

"""The chip: layers of crossbars, each crossbar its targets, its banks and its switch plan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec, Die, FloorPlan, MeasuredBanks, parse_terms
from rsscircuit.design.rules import Rules
from rsscircuit.errors import InputError
from rsscircuit.mapping import LayerMatrix, Tile
from rsscircuit.network import Network
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Bend, Segments, bend, wire_segments
from rsscircuit.technology.corners import Corner, parse_corners

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossbar:
    """One programmed tile.

    Attributes:
        layer, index: Where it belongs; tiles of a layer count from 0.
        targets: float64 [rows, cols], signed siemens.
        die: The true banks.
        measured: The banks as measured.
        closed: bool [rows, cols, 2, n], the switch plan.
        aims: float64 [rows, cols], signed siemens that the pairs were programmed to, where those allow for the wires
            (:mod:`rsscircuit.design.wires`); None where they are the targets.
    """

    layer: str
    index: int
    targets: Array
    die: Die
    measured: MeasuredBanks
    closed: NDArray[np.bool_]
    aims: Array | None = None

    @property
    def aimed(self) -> Array:
        """What the pairs were programmed to, [rows, cols]."""
        return self.targets if self.aims is None else self.aims

    def bank_siemens(self) -> Array:
        """True conductance of each bank's closed branches, [rows, cols, 2], leakage left out."""
        result: Array = np.where(self.closed, self.die.on_siemens, 0.0).sum(axis=3)
        return result

    def leak_siemens(self) -> Array:
        """True leakage of each bank's open branches, [rows, cols, 2]."""
        result: Array = np.where(self.closed, 0.0, self.die.off_siemens).sum(axis=3)
        return result

    def pair_siemens(self) -> Array:
        """What the tile multiplies by with ideal wires and no leakage: plus - minus, [rows, cols]."""
        banks = self.bank_siemens()
        result: Array = banks[:, :, 0] - banks[:, :, 1]
        return result

    def bank_bend(self, technology: Technology) -> Bend:
        """What the current of each bank's closed branches has beyond the linear term, [rows, cols, 2]."""
        branches = bend(np.where(self.closed, self.die.on_siemens, 0.0), technology)
        return Bend(square=branches.square.sum(axis=3), odd=branches.odd.sum(axis=3), cube=branches.cube.sum(axis=3))

    def bend(self, technology: Technology) -> Bend:
        """The same of each cell at its logical voltage, [rows, cols]: the second bank is fed the opposite voltage."""
        banks = self.bank_bend(technology)
        return Bend(
            square=banks.square.sum(axis=2),
            odd=banks.odd[:, :, 0] - banks.odd[:, :, 1],
            cube=banks.cube[:, :, 0] - banks.cube[:, :, 1],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction:
    """Digital constants of a layer: an output is ``gain`` times what was read, plus ``offset``; both [cols]."""

    gain: Array
    offset: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MappedLayer:
    """One network layer on its crossbars.

    Attributes:
        name: The layer's name in the network.
        label: The name that files carry: lower-case letters, digits and ``_``, unique in the design.
        matrix: The matrix and how its rows are driven.
        tiles: Its crossbars' places in the matrix.
        siemens_per_weight: float64 [cols], the same for all row tiles of a column.
        full_scale_siemens: Largest target of the layer.
        rules: How its switches were chosen.
        statistics: Counts and errors of the layer, audited on the true banks.
        moments: float32 [rows, rows of a tile], second moments of the inputs, each row's with the rows of its tile,
            where columns were chosen or judged by them; None where they were not.
        correction: The constants of its outputs; None without.
    """

    name: str
    label: str
    matrix: LayerMatrix
    tiles: tuple[Tile, ...]
    siemens_per_weight: Array
    full_scale_siemens: float
    rules: Rules
    statistics: Mapping[str, Any]
    moments: NDArray[np.float32] | None = None
    correction: Correction | None = None

    @property
    def drawn_tiles(self) -> tuple[Tile, ...]:
        """The tiles that hold a weight; the others are not built, though their numbers are kept."""
        return tuple(tile for tile in self.tiles if self.matrix.weights[tile.window].any())

    def targets(self, tile: Tile) -> Array:
        """Signed conductance targets of one tile, siemens."""
        rows, columns = tile.window
        result: Array = self.matrix.weights[rows, columns] * self.siemens_per_weight[columns]
        return result


class TileSource(Protocol):
    """Where crossbars come from: a directory, so that memory holds one tile at a time."""

    def crossbar(self, layer: MappedLayer, tile: Tile) -> Crossbar:
        """The programmed tile."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """A complete mapped network.

    Attributes:
        network: What it computes.
        technology: The process it was drawn in, with the effects at work.
        bank: What every bank is drawn like.
        layers: Mapped layers, in the network's order.
        options: Every option of the build, enough to repeat it.
        summary: Figures of the whole design.
        source: Reads the tiles.
    """

    network: Network
    technology: Technology
    bank: BankSpec
    layers: tuple[MappedLayer, ...]
    options: Mapping[str, Any]
    summary: Mapping[str, Any]
    source: TileSource

    def layer(self, name: str) -> MappedLayer:
        """The layer of that name, or else of that label.

        Raises:
            InputError: There is none.
        """
        for known in ({layer.name: layer for layer in self.layers}, {layer.label: layer for layer in self.layers}):
            if name in known:
                return known[name]
        names = ", ".join(layer.name for layer in self.layers)
        raise InputError("no such crossbar layer", where="--layer", got=name, remedy=f"choose from {names}")

    def tile(self, layer: MappedLayer, index: int) -> Tile:
        """Tile ``index`` of a layer.

        Raises:
            InputError: The layer has no such tile.
        """
        if not 0 <= index < len(layer.tiles):
            raise InputError(f"layer {layer.name} has tiles 0 to {len(layer.tiles) - 1}", where="--tile", got=index)
        return layer.tiles[index]

    def crossbar(self, layer: MappedLayer, tile: Tile) -> Crossbar:
        """The programmed crossbar of one tile."""
        return self.source.crossbar(layer, tile)

    def crossbars(self) -> Iterator[tuple[MappedLayer, Tile, Crossbar]]:
        """Every tile that holds a weight, one at a time."""
        for layer in self.layers:
            for tile in layer.drawn_tiles:
                yield layer, tile, self.crossbar(layer, tile)

    @property
    def floor_plan(self) -> FloorPlan:
        """Where its tiles lie on the die."""
        tiles = [tile for layer in self.layers for tile in layer.tiles]
        shape = max(tile.rows for tile in tiles), max(tile.columns for tile in tiles)
        return FloorPlan.of({layer.name: len(layer.tiles) for layer in self.layers}, shape, self.bank, self.technology)

    @property
    def terms(self) -> frozenset[str]:
        """Which terms of process variation are at work."""
        return parse_terms(self.options["variation"])

    @property
    def seed(self) -> int:
        """Which virtual die, and which chip's amplifiers: their offsets are of the die, not of a run."""
        return int(self.options["seed"])

    @property
    def corners(self) -> tuple[Corner, ...]:
        """Where the program was chosen to hold besides the nominal point."""
        text = self.options.get("corners")
        return () if text is None else parse_corners(text, self.technology)

    @property
    def segments(self) -> Segments:
        """The wires between two neighbouring banks."""
        return wire_segments(self.bank.nominal_ohm, self.technology)


def labels(names: list[str]) -> list[str]:
    """File names for layers: lower-case letters, digits and ``_``, each once."""
    taken: set[str] = set()
    result = []
    for name in names:
        stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60] or "layer"
        label, count = stem, 1
        while label in taken:
            count += 1
            label = f"{stem}_{count}"
        taken.add(label)
        result.append(label)
    return result

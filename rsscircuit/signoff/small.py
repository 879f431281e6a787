"""One small tile made ready for the simulations in time: its files, and a source of its own for every switch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller import ArrayGeometry, ControllerConfig
from rsscircuit.design import Crossbar, Design, MappedLayer, load
from rsscircuit.errors import DesignError, InputError
from rsscircuit.mapping import Tile
from rsscircuit.netlist.tile import POLARITIES
from rsscircuit.signoff.run import controller_of
from rsscircuit.signoff.transfer import drawn_banks, with_gates

MOST_SWITCHES = 256

Place = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmallTile:
    """A tile with at most 256 switches.

    Attributes:
        folder: The design's directory.
        design, layer, tile, crossbar: What it is.
        config: Its controller.
        frame: Its bitstream.
        deck: Its netlist.
    """

    folder: Path
    design: Design
    layer: MappedLayer
    tile: Tile
    crossbar: Crossbar
    config: ControllerConfig
    frame: bytes
    deck: str

    @property
    def geometry(self) -> ArrayGeometry:
        """The array of its controller."""
        return self.config.geometry

    @property
    def number(self) -> int:
        """The tile's number, counted over the design."""
        return self.design.floor_plan.first[self.layer.name] + self.tile.index

    @property
    def where(self) -> str:
        """What it is, for errors."""
        return f"layer {self.layer.name}, tile {self.tile.index}"

    @property
    def switches(self) -> list[Place]:
        """The switches of its netlist: row, column, polarity and branch."""
        present = drawn_banks(self.deck, self.crossbar.closed.shape, self.where).present
        branches = range(self.crossbar.closed.shape[3])
        return [(i, j, polarity, k) for i, j, polarity in np.argwhere(present).tolist() for k in branches]

    def latch(self, place: Place) -> tuple[int, int]:
        """Word of the latch memory, and bit in it, of a switch."""
        only = np.zeros((self.geometry.rows, self.geometry.columns, 2, self.geometry.branches), np.bool_)
        only[place] = True
        words = self.geometry.to_words(only)
        row, word = np.argwhere(words)[0].tolist()
        return (row << self.geometry.word_width) + word, int(words[row, word]).bit_length() - 1

    def with_sources(self, names: dict[Place, str], lines: Iterable[str]) -> str:
        """The netlist with gates at nodes of their own, and more lines."""
        deck = with_gates(self.deck, lambda *place: names[place])
        title, _, rest = deck.partition("\n")
        return "\n".join([title, *lines, rest])

    def ampere(self, closed: NDArray[np.bool_], volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Column currents [..., cols] of the closed branches' true conductances at logical volts [..., rows]."""
        banks = np.where(closed, self.crossbar.die.on_siemens, 0.0).sum(axis=3)
        result: NDArray[np.float64] = volts @ (banks[:, :, 0] - banks[:, :, 1])
        return result


def small_tile(directory: str | Path, layer: str | None, tile: int | None) -> SmallTile:
    """A tile of a design.

    Raises:
        InputError: No tile was named, or it is too large.
        DesignError: A file of it is missing, or its netlist has wires.
    """
    if layer is None or tile is None:
        raise InputError("a simulation in time is of one tile", where="signoff", remedy="add --layer and --tile")
    folder, design = Path(directory), load(directory)
    mapped = design.layer(layer)
    place = design.tile(mapped, tile)
    if design.options["wires"]:
        raise DesignError("a simulation in time takes netlists without wires", where=str(folder))
    config, crossbar = controller_of(folder, design), design.crossbar(mapped, place)
    if crossbar.closed.size > MOST_SWITCHES:
        raise InputError(
            f"a simulation in time takes at most {MOST_SWITCHES} switches",
            where=f"layer {mapped.name}, tile {tile}",
            got=crossbar.closed.size,
            remedy="build with a smaller --tile, as 2x2, and fewer --resistors",
        )
    try:
        frame = (folder / "bitstream" / mapped.label / f"tile_{tile}.bin").read_bytes()
        deck = (folder / "netlist" / mapped.label / f"tile_{tile}.cir").read_text("utf-8")
    except OSError as error:
        raise DesignError(
            "a file of the tile is missing", where=str(error.filename), remedy="build with --netlists all"
        ) from error
    return SmallTile(
        folder=folder, design=design, layer=mapped, tile=place, crossbar=crossbar, config=config, frame=frame,
        deck=deck,
    )  # fmt: skip


def switch_name(place: Place) -> str:
    """A node for the gate of a switch."""
    i, j, polarity, k = place
    return f"s{i}_{j}{POLARITIES[polarity]}{k}"

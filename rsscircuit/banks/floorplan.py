"""Where the tiles of a design lie on the die, for what varies with position."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rsscircuit.banks.process import Place
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import bank_pitch_um
from rsscircuit.technology.plans import BankSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPlan:
    """As many tiles side by side as rows of them, in the order of the layers.

    A bank is drawn square, and the two of a pair lie one above the other.

    Attributes:
        first: Number of the first tile of every layer, counted over the whole design.
        across: Tiles side by side.
        tile_mm: Width and height of the largest tile.
        pitch_mm: From one column, and from one row, to the next.
    """

    first: Mapping[str, int]
    across: int
    tile_mm: tuple[float, float]
    pitch_mm: tuple[float, float]

    @classmethod
    def of(cls, tiles: Mapping[str, int], shape: tuple[int, int], spec: BankSpec, technology: Technology) -> FloorPlan:
        """The floor plan of a design.

        Args:
            tiles: How many tiles every layer has, in the order of the layers.
            shape: Rows and columns of the largest tile.
            spec: The bank.
            technology: The process.
        """
        first, total = {}, 0
        for layer, count in tiles.items():
            first[layer] = total
            total += count
        bank_mm = 1e-3 * bank_pitch_um(spec.nominal_ohm, technology)
        pitch = bank_mm, 2.0 * bank_mm
        across = math.ceil(math.sqrt(total))
        return cls(first=first, across=across, tile_mm=(shape[1] * pitch[0], shape[0] * pitch[1]), pitch_mm=pitch)

    def place(self, seed: int, layer: str, tile: int, *, die: int = 0, wafer: int = 0, lot: int = 0) -> Place:
        """The address of a tile on a die; positions count from the middle of the die."""
        down, right = divmod(self.first[layer] + tile, self.across)
        width, height = self.tile_mm
        corner = ((right - 0.5 * self.across) * width, (down - 0.5 * self.across) * height)
        return Place(
            seed=seed,
            layer=layer,
            tile=tile,
            die=die,
            wafer=wafer,
            lot=lot,
            corner_mm=corner,
            pitch_mm=self.pitch_mm,
        )

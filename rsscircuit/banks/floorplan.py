"""Where the tiles of a design lie on the die, for what varies with position."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rsscircuit.banks.process import Place
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import bank_area_um2
from rsscircuit.technology.plans import BankSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPlan:
    """Tiles side by side in a square, row by row in the order of the layers; bank pairs are drawn square.

    Attributes:
        first: Number of the first tile of every layer, counted over the whole design.
        across: Tiles side by side.
        tile_mm: Width and height of the largest tile.
        pitch_mm: From one bank pair to the next.
    """

    first: Mapping[str, int]
    across: int
    tile_mm: tuple[float, float]
    pitch_mm: float

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
        pitch = 1e-3 * math.sqrt(2.0 * bank_area_um2(spec.nominal_ohm, technology))
        across = math.ceil(math.sqrt(total))
        return cls(first=first, across=across, tile_mm=(shape[1] * pitch, shape[0] * pitch), pitch_mm=pitch)

    def place(self, seed: int, layer: str, tile: int, *, die: int = 0, wafer: int = 0, lot: int = 0) -> Place:
        """The address of a tile on a die; positions count from the middle of the square."""
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

"""How the resistances of a die come to differ from what was drawn: separate terms, separate random streams.

    R = R_nominal (1 + lot) (1 + wafer) (1 + die) (1 + a x + b y) (1 + local)

Lot, wafer and die are shared by every resistor of theirs; the gradient depends on where a resistor lies on the
die; only the local term (Pelgrom et al. 1989) is each resistor's own. A factor 1 + e is whatever the technology's
law makes of the term's sigma (:mod:`rsscircuit.technology.laws`). Every term has a stream of its own, keyed by what
shares it, so that switching one off, or drawing tiles in another order, moves nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.quantities import parse_names
from rsscircuit.seeds import stream
from rsscircuit.technology import Technology
from rsscircuit.technology.laws import cut_normal, parse_law

Array = NDArray[np.float64]
TERMS = ("lot", "wafer", "die", "gradient", "local", "switch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which tile of which die of which wafer and lot: the address of its random streams.

    Attributes:
        seed: Of everything that is drawn.
        layer: Name of the layer.
        tile: Number of the tile in it.
        die, wafer, lot: Numbers of the die on its wafer, of the wafer in its lot, and of the lot.
        corner_mm: Where on the die the tile's first bank lies, from the die's centre.
        pitch_mm: From one column, and from one row, to the next.
    """

    seed: int
    layer: str
    tile: int
    die: int = 0
    wafer: int = 0
    lot: int = 0
    corner_mm: tuple[float, float] = (0.0, 0.0)
    pitch_mm: tuple[float, float] = (0.0, 0.0)

    @property
    def chip(self) -> str:
        """Address of the die among all that were made."""
        return f"{self.lot}/{self.wafer}/{self.die}"


def parse_terms(text: str) -> frozenset[str]:
    """The terms of ``all``, ``none`` or a list such as ``die,local``.

    Raises:
        InputError: A name that no term has, or one named twice.
    """
    return parse_names(text, TERMS, what="term of variation", where="--variation")


def shared_factor(technology: Technology, place: Place, terms: Collection[str]) -> float:
    """What lot, wafer and die make of every resistance."""
    process, law = technology.process, parse_law(technology.process.law_shared)
    factor = 1.0
    for term, sigma, address in (
        ("lot", process.sigma_lot, str(place.lot)),
        ("wafer", process.sigma_wafer, f"{place.lot}/{place.wafer}"),
        ("die", process.sigma_die, place.chip),
    ):
        if term in terms and sigma > 0:
            generator = stream(place.seed, "process", die=address)
            factor *= float(law.factors(generator, (1,), sigma)[0])
    return factor


def gradient_factors(technology: Technology, place: Place, shape: tuple[int, int]) -> Array:
    """What the gradient across the die makes of the banks of a tile, [rows, cols]."""
    slopes = technology.process.gradient_per_mm * cut_normal(stream(place.seed, "gradient", die=place.chip), (2,))
    rows, columns = shape
    across = place.corner_mm[0] + place.pitch_mm[0] * np.arange(columns)
    down = place.corner_mm[1] + place.pitch_mm[1] * np.arange(rows)
    result: Array = 1.0 + slopes[0] * across + slopes[1] * down[:, None]
    return result


def resistances(
    nominal_ohm: Array, technology: Technology, shape: tuple[int, int], place: Place, terms: Collection[str]
) -> Array:
    """The resistances of the banks of one tile, ohm, [rows, cols, 2, n].

    Args:
        nominal_ohm: [n], as drawn.
        technology: The process.
        shape: Rows and columns of the tile.
        place: Address of the random streams.
        terms: Those of :data:`TERMS` that are at work.
    """
    full = (*shape, 2, nominal_ohm.size)
    result: Array = np.broadcast_to(nominal_ohm * shared_factor(technology, place, terms), full)
    if "gradient" in terms and technology.process.gradient_per_mm > 0:
        result = result * gradient_factors(technology, place, shape)[:, :, None, None]
    if "local" in terms:
        generator = stream(place.seed, "process", die=place.chip, layer=place.layer, tile=place.tile)
        sigma = technology.resistor.sigma_local(nominal_ohm)
        result = result * parse_law(technology.process.law_local).factors(generator, full, sigma)
    return result

"""Virtual dies: what was really made. Only :class:`Die` reaches simulation and audit; no solver sees it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks.process import TERMS, Place, resistances
from rsscircuit.seeds import stream
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import on_siemens
from rsscircuit.technology.laws import cut_normal
from rsscircuit.technology.plans import BankSpec

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Die:
    """The true banks of one tile.

    Attributes:
        on_siemens: float64 [rows, cols, 2, n]: each branch with its switch closed; 0 where no bank is drawn.
        off_siemens: float64 [rows, cols, 2, n]: each branch with its switch open.
    """

    on_siemens: Array
    off_siemens: Array


def draw_die(
    spec: BankSpec,
    technology: Technology,
    present: NDArray[np.bool_],
    place: Place,
    terms: Collection[str] = TERMS,
) -> Die:
    """Make the banks of one tile: resistances of the process, and a switch of its own in every branch.

    Args:
        spec: The bank, n resistors.
        technology: The process.
        present: bool [rows, cols], where a bank pair is drawn at all.
        place: Address of the random streams; the same address gives the same banks.
        terms: Which terms of variation are at work, of :data:`rsscircuit.banks.process.TERMS`.
    """
    rows, columns = present.shape
    resistance = resistances(spec.nominal_ohm, technology, (rows, columns), place, terms)
    switch_ohm: Array | float = technology.switch.on_ohm
    if "switch" in terms:
        generator = stream(place.seed, "switch", die=place.chip, layer=place.layer, tile=place.tile)
        spread = cut_normal(generator, resistance.shape)
        switch_ohm = switch_ohm * (1.0 + technology.switch.sigma_on * spread)
    drawn = present[:, :, None, None]
    return Die(
        on_siemens=np.where(drawn, on_siemens(resistance, switch_ohm), 0.0),
        off_siemens=np.where(drawn, np.full(resistance.shape, technology.switch.off_siemens), 0.0),
    )

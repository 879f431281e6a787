"""The deck of a two-cell tile, kept word for word: any change of the netlist shows up as a diff to read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import rsscircuit
from rsscircuit.banks import Die, MeasuredBanks
from rsscircuit.design import Crossbar
from rsscircuit.netlist import tile_deck
from rsscircuit.technology.cell import Segments

GOLDEN = Path(__file__).parent / "two_cells.cir"


def deck() -> str:
    """One row, two columns, three resistors a bank; the second cell has no banks."""
    technology = rsscircuit.load_technology("sky130_xhigh_100k")
    ohms = np.array([[[[1e5, 1.25e5, 1.5e5], [1.01e5, 1.26e5, 1.49e5]], [[np.inf] * 3, [np.inf] * 3]]])
    on = 1.0 / ohms
    off = np.where(on > 0, 1e-12, 0.0)
    closed = np.zeros(on.shape, bool)
    closed[0, 0, 0, [0, 2]] = closed[0, 0, 1, 1] = True
    crossbar = Crossbar(
        layer="golden",
        index=0,
        targets=np.array([[8.73e-6, 0.0]]),
        die=Die(on_siemens=on, off_siemens=off),
        measured=MeasuredBanks(step_siemens=on),
        closed=closed,
    )
    return tile_deck(crossbar, technology, label="golden", segments=Segments(word_ohm=2.5, bit_ohm=0.5))


def test_the_deck_is_the_golden_one() -> None:
    assert deck() == GOLDEN.read_text("utf-8")

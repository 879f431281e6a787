"""A fixed program in ngspice: its deck is loaded once, and every trial alters what moves.

Resistors of closed branches, leakage, wires and gate voltages are altered, and the switch's model card. The currents of
the voltage coefficients are not, since ngspice alters no such source: they stay the design's, and are wrong by at most
3e-6 of full scale (see docs/montecarlo.md). What is loaded is the same for every trial, wherever and in whatever order
the trials run: elements that stay as they were loaded are part of the matrix, so that another deck would round
differently.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar
from rsscircuit.netlist import element_values, source_volts, switch_card, tile_deck
from rsscircuit.simulate.ngspice import Held, operating_points
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments

Array = NDArray[np.float64]


class AlteredTile:
    """One tile whose values move.

    Args:
        crossbar: What is loaded.
        technology: Its switch card and voltages.
        segments: Its wires, or None.
        label: The layer's file name.
        where: What it is, for errors.
        open_branches: Alter the resistors of open branches as well, which carry no current.
    """

    def __init__(
        self,
        crossbar: Crossbar,
        technology: Technology,
        segments: Segments | None,
        *,
        label: str,
        where: str,
        open_branches: bool = False,
    ) -> None:
        self._label, self._where, self._open_branches = label, where, open_branches
        self._held = Held(tile_deck(crossbar, technology, label=label, segments=segments), where=where)
        self._elements = element_values(crossbar, technology, segments, open_branches=open_branches).keys()

    def currents(self, crossbar: Crossbar, technology: Technology, segments: Segments | None, volts: Array) -> Array:
        """Column currents [cases, columns], ampere, at logical ``volts`` [cases, rows].

        A crossbar with other elements than the one that is loaded is loaded itself.

        Raises:
            MissingPartError: No ngspice library.
            SimulationError: See :func:`rsscircuit.simulate.ngspice.operating_points`.
        """
        values = element_values(crossbar, technology, segments, open_branches=self._open_branches)
        sources, columns = source_volts(volts, technology), crossbar.targets.shape[1]
        if values.keys() != self._elements:
            deck = tile_deck(crossbar, technology, label=self._label, segments=segments)
            return operating_points(deck, sources, columns, where=self._where)
        commands = {f"alter {name}": value for name, value in values.items()}
        commands |= {f"altermod switch {name}": value for name, value in switch_card(technology).items()}
        return self._held.operating_points(commands, sources, columns)

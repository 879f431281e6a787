"""The switch of a branch beside the crossbar, at two levels: ideal, or NMOS on our own level-1 card.

The card is that of the crossbar tile (:mod:`rsscircuit.netlist.cards`), with a body effect where the source moves. A
level-1 transistor that is cut off carries nothing but the simulator's gmin; the ideal switch has the technology's
leakage as its open resistance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.cards import MODEL, body_volt, ideal_card, nmos_card
from rsscircuit.netlist.elements import Element, Mos, Part, Switch
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
Level = Literal["ideal", "nmos"]
LEVELS: tuple[Level, ...] = ("ideal", "nmos")
NO_LEAK_OHM = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchKind:
    """A switch of one level and its card.

    Attributes:
        technology: Where on-resistance, size and voltages come from.
        level: ``ideal`` or ``nmos``.
        gamma: Body-effect coefficient of the NMOS, root volt.
    """

    technology: Technology
    level: Level
    gamma: float = 0.0

    @property
    def card(self) -> Part:
        """The model card."""
        if self.level == "nmos":
            return nmos_card(self.technology, self.gamma)
        switch = self.technology.switch
        open_ohm = 1.0 / switch.off_siemens if switch.off_siemens > 0 else NO_LEAK_OHM
        return ideal_card(switch.on_ohm, open_ohm, low_volt=0.0, high_volt=self.technology.drive.supply_volt)

    def between(self, name: str, upper: str, lower: str, gate: str) -> Element:
        """One switch; an NMOS has its source at ``lower`` and its bulk at 0."""
        if self.level == "ideal":
            return Switch(name, upper, lower, gate, "0", MODEL)
        size = self.technology.switch
        return Mos(name, upper, gate, lower, "0", MODEL, size.width_um / 1e6, size.length_um / 1e6)

    def on_ohm(self, source_volt: float) -> float:
        """Small-signal resistance of a closed switch with its source at a voltage."""
        switch, drive = self.technology.switch, self.technology.drive
        if self.level == "ideal":
            return switch.on_ohm
        body = body_volt(self.gamma, source_volt) - body_volt(self.gamma, drive.common_mode_volt)
        overdrive = switch.overdrive_volt - (source_volt - drive.common_mode_volt) - body
        return switch.on_ohm * switch.overdrive_volt / overdrive


def grounded(technology: Technology) -> Technology:
    """The same devices in a circuit whose switches stand on ground: more overdrive, less on-resistance."""
    switch, drive = technology.switch, technology.drive
    overdrive = switch.overdrive_volt + drive.common_mode_volt
    return replace(
        technology,
        switch=replace(switch, on_ohm=switch.on_ohm * switch.overdrive_volt / overdrive, overdrive_volt=overdrive),
        drive=replace(drive, common_mode_volt=0.0),
    )

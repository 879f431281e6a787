"""The switch of a branch, at two levels: ideal, or NMOS on our own level-1 card.

The card is that of the crossbar tile: with the gate at the supply and the source at V_s it conducts in triode with

    1 / R_on(V_s) = beta (V_dd - V_s - V_th(V_s)),    V_th(V_s) = vto + gamma (sqrt(phi + V_s) - sqrt(phi)),

and vto and beta are set so that R_on is the technology's at the common mode. A level-1 transistor that is cut off
carries nothing but the simulator's gmin; the ideal switch has the technology's leakage as its open resistance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.elements import Element, Mos, Part, Switch
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
Level = Literal["ideal", "nmos"]
LEVELS: tuple[Level, ...] = ("ideal", "nmos")
PHI_VOLT = 0.7  # surface potential of the body effect, assumed
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
        switch, drive = self.technology.switch, self.technology.drive
        if self.level == "ideal":
            off = 1.0 / switch.off_siemens if switch.off_siemens > 0 else NO_LEAK_OHM
            values: dict[str, float | str] = {
                "model": "switch",
                "control_volt": drive.supply_volt,
                "on_ohm": switch.on_ohm,
                "off_ohm": off,
                "threshold_volt": 0.5 * drive.supply_volt,
            }
            return Part("ideal_switch", values)
        common = drive.common_mode_volt
        threshold = drive.supply_volt - common - switch.overdrive_volt - self._body_volt(common)
        shape = switch.width_um / switch.length_um
        values = {
            "model": "switch",
            "on_ohm": switch.on_ohm,
            "common_mode_volt": common,
            "supply_volt": drive.supply_volt,
            "threshold_volt": threshold,
            "transconductance": 1.0 / (switch.on_ohm * switch.overdrive_volt * shape),
            "gamma": self.gamma,
            "phi": PHI_VOLT,
        }
        return Part("nmos_switch", values)

    def between(self, name: str, upper: str, lower: str, gate: str) -> Element:
        """One switch; an NMOS has its source at ``lower`` and its bulk at 0."""
        if self.level == "ideal":
            return Switch(name, upper, lower, gate, "0", "switch")
        size = self.technology.switch
        return Mos(name, upper, gate, lower, "0", "switch", size.width_um / 1e6, size.length_um / 1e6)

    def on_ohm(self, source_volt: float) -> float:
        """Small-signal resistance of a closed switch with its source at a voltage."""
        switch, drive = self.technology.switch, self.technology.drive
        if self.level == "ideal":
            return switch.on_ohm
        body = self._body_volt(source_volt) - self._body_volt(drive.common_mode_volt)
        overdrive = switch.overdrive_volt - (source_volt - drive.common_mode_volt) - body
        return switch.on_ohm * switch.overdrive_volt / overdrive

    def _body_volt(self, source_volt: float) -> float:
        return self.gamma * (math.sqrt(PHI_VOLT + source_volt) - math.sqrt(PHI_VOLT))


def grounded(technology: Technology) -> Technology:
    """The same devices in a circuit whose switches stand on ground: more overdrive, less on-resistance."""
    switch, drive = technology.switch, technology.drive
    overdrive = switch.overdrive_volt + drive.common_mode_volt
    return replace(
        technology,
        switch=replace(switch, on_ohm=switch.on_ohm * switch.overdrive_volt / overdrive, overdrive_volt=overdrive),
        drive=replace(drive, common_mode_volt=0.0),
    )

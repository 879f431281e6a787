"""The version that is programmed once (thesis section 6.2): a fuse a branch, or links drawn after solving.

A fuse is no switch: GF180's eFuse has 200 Ohm intact and at least 900 Ohm blown (google/gf180mcu-pdk), a ratio of 4.5.
So it is sensed once, at power-up, by a divider against a reference resistor R_ref at a read voltage V_read low enough
not to blow it, and a latch that keeps the answer drives the branch's own switch:

    V_sense = V_read R_fuse / (R_fuse + R_ref),   V_mid = V_read / 2,   margin = |V_sense - V_mid|

which is the same for both states where R_ref is the geometric mean of the two. An antifuse is the same circuit with
the resistances the other way about: what conducts closes the branch.

Where the die is measured before its last metal or its laser cut, links replace the switches altogether.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.circuits.switches import SwitchKind
from rsscircuit.netlist.elements import (
    Capacitor,
    Circuit,
    Element,
    Instance,
    Part,
    PiecewiseLinear,
    Resistor,
    Section,
    Transient,
    VoltageSource,
)
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
START_SECOND, EDGE_SECOND, STOP_SECOND = 1e-9, 1e-10, 2e-8
GATE_FARAD = 2e-15  # of the branch's switch, assumed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuse:
    """A fuse or an antifuse, and how it is read.

    Attributes:
        conducting_ohm: Of a fuse that is intact, or an antifuse that is blown.
        other_ohm: Of the other state.
        read_volt: Of the divider; assumed, 0.3 mA through GF180's eFuse.
    """

    conducting_ohm: float = 200.0
    other_ohm: float = 900.0
    read_volt: float = 0.2

    @property
    def reference_ohm(self) -> float:
        """The geometric mean: equal margins."""
        return math.sqrt(self.conducting_ohm * self.other_ohm)

    def sense_volt(self, conducts: bool) -> float:
        """What the divider gives."""
        ohm = self.conducting_ohm if conducts else self.other_ohm
        return self.read_volt * ohm / (ohm + self.reference_ohm)

    def margin_volt(self, conducts: bool) -> float:
        """Offset of the latch that would turn the answer over."""
        return abs(self.sense_volt(conducts) - 0.5 * self.read_volt)


def fused_branch(
    fuse: Fuse, conducts: bool, resistance_ohm: float, technology: Technology, *, volt: float, offset_volt: float = 0.0
) -> Circuit:
    """One branch whose switch is driven by a latch that senses a fuse at power-up.

    Ports: ``sense`` and ``middle`` of the divider; ``hold``, which falls at 1 ns; ``low``, the gate of the switch;
    ``line`` and ``bit`` as of a bank, with the branch's current in source ``bit``; the other output has a dummy of the
    switch's gate, since unequal loads decide as well. Closed form: the branch's current
    where the fuse conducts, none where it does not, as long as the offset is within :meth:`Fuse.margin_volt`.
    """
    kind, drive = SwitchKind(technology=technology, level="nmos"), technology.drive
    common, supply = drive.common_mode_volt, drive.supply_volt
    falls = PiecewiseLinear(((0.0, supply), (START_SECOND, supply), (START_SECOND + EDGE_SECOND, 0.0)))
    ohm = fuse.conducting_ohm if conducts else fuse.other_ohm
    return Circuit(
        title="rsscircuit branch with a fuse",
        notes=(f"{technology.label}, fuse of {ohm:g} Ohm",),
        parts=(kind.card, Part("sense_latch", {"offset_volt": offset_volt})),
        sections=(
            Section(
                "supplies",
                (
                    VoltageSource("line", "line", "0", common + volt),
                    VoltageSource("bit", "bit", "0", common),
                    VoltageSource("supply", "supply", "0", supply),
                    VoltageSource("read", "read", "0", fuse.read_volt),
                    VoltageSource("hold", "hold", "0", supply, 0.0, falls),
                ),
            ),
            Section(
                "divider, and the reference in the middle",
                (
                    Resistor("reference", "read", "sense", fuse.reference_ohm),
                    Resistor("fuse", "sense", "0", ohm),
                    Resistor("upper", "read", "middle", fuse.reference_ohm),
                    Resistor("lower", "middle", "0", fuse.reference_ohm),
                ),
            ),
            Section(
                "latch, and the branch that it drives",
                (
                    Instance("latch", ("hold", "supply", "sense", "middle", "low", "high"), "sense_latch"),
                    Capacitor("gate", "low", "0", GATE_FARAD),
                    Capacitor("dummy", "high", "0", GATE_FARAD),
                    Resistor("branch", "line", "drain", resistance_ohm),
                    kind.between("branch", "drain", "bit", "low"),
                ),
            ),
        ),
        analysis=Transient(step=1e-10, stop=STOP_SECOND, longest_step=2e-11),
        currents=("bit",),
        voltages=("sense", "middle", "low", "high"),
    )


def linked_bank(
    resistance_ohm: Array, linked: Sequence[bool], technology: Technology, *, volt: float, link_ohm: float
) -> Circuit:
    """A bank with links in place of switches: what is not linked is not connected at all.

    Ports as of a bank. Closed form: volt times the sum over linked of 1 / (R_k + link_ohm), and no leakage.
    """
    drive = technology.drive
    branches: list[Element] = []
    for k, (ohm, link) in enumerate(zip(resistance_ohm.tolist(), linked, strict=True)):
        if link:
            branches += [Resistor(f"{k}", "line", f"d{k}", ohm), Resistor(f"link{k}", f"d{k}", "bit", link_ohm)]
    return Circuit(
        title="rsscircuit conductance programmed once, links in place of switches",
        notes=(f"{technology.label}, {sum(map(bool, linked))} of {len(linked)} resistors linked",),
        sections=(
            Section(
                "line and virtual ground",
                (
                    VoltageSource("line", "line", "0", drive.common_mode_volt + volt),
                    VoltageSource("bit", "bit", "0", drive.common_mode_volt),
                ),
            ),
            Section("the bank", tuple(branches)),
        ),
        currents=("bit",),
    )

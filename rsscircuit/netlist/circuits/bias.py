"""A current reference, I = V_ref / R, with a programmable resistor (thesis section 6.4).

An amplifier drives an NMOS so that the voltage of the reference stands across the bank, whose switches stand on
ground; the transistor's drain gives the current. What the amplifier lacks of gain, (V_gate - V_ref) / A_0, is missing
from the voltage across the resistor. That voltage is some times what the branches are measured at, so the resistors'
voltage coefficients are in the circuit: at 0.6 V they are 6e-4 of sky130's film.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.circuits.amplifier import Amplifier
from rsscircuit.netlist.circuits.bank import bank_ampere, bank_bend, bank_instance, bank_subcircuit, resistors_bend
from rsscircuit.netlist.circuits.switches import SwitchKind
from rsscircuit.netlist.elements import Circuit, Instance, Mos, Part, Section, VoltageSource
from rsscircuit.technology import Technology

Array = NDArray[np.float64]


def current_reference(
    resistance_ohm: Array,
    closed: Sequence[bool],
    technology: Technology,
    amplifier: Amplifier,
    *,
    reference_volt: float,
) -> Circuit:
    """A current reference with one bank.

    Ports: ``ref``; ``sense`` on top of the bank; ``drain``, whose source ``out`` carries the current from the supply
    into the circuit. Closed form: :func:`reference_ampere`.

    Args:
        resistance_ohm: [n], without switches.
        closed: [n].
        technology: With its switches on ground (:func:`rsscircuit.netlist.circuits.switches.grounded`).
        amplifier: Drives the transistor.
        reference_volt: Across the bank.
    """
    kind, supply = SwitchKind(technology=technology, level="nmos"), technology.drive.supply_volt
    return Circuit(
        title="rsscircuit current reference",
        notes=(f"{technology.label}, {sum(map(bool, closed))} of {len(closed)} switches closed",),
        parts=(kind.card, amplifier.part, Part("reference_nmos")),
        subcircuits=(bank_subcircuit(kind, len(closed)),),
        sections=(
            Section(
                "supplies",
                (
                    VoltageSource("ref", "ref", "0", reference_volt),
                    VoltageSource("supply", "supply", "0", supply),
                    VoltageSource("out", "supply", "drain", 0.0),
                    VoltageSource("gate", "gate", "0", supply),
                ),
            ),
            Section(
                "amplifier, transistor and bank",
                (
                    Instance("amplifier", ("sense", "ref", "drive"), "tia"),
                    Mos("output", "drain", "drive", "sense", "0", "reference_nmos", 2e-5, 1e-6),
                    bank_instance("bank", "sense", "0", resistance_ohm, closed),
                    bank_bend("bend", "sense", "0", resistance_ohm, closed, technology),
                ),
            ),
        ),
        currents=("out",),
        voltages=("drive", "sense"),
    )


def reference_ampere(
    resistance_ohm: Array, closed: Sequence[bool], technology: Technology, reference_volt: float
) -> float:
    """Current of a reference with an amplifier of unbounded gain."""
    bent = resistors_bend(resistance_ohm, closed, technology)
    more = float(bent.odd.sum()) * reference_volt**2 + float(bent.cube.sum()) * reference_volt**3
    return bank_ampere(resistance_ohm, closed, reference_volt, technology) + more

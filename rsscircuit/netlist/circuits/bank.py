"""The programmable conductance of da Cunha 2023, figure 6.1: resistors in parallel, each with a switch.

    line o---+----------+---- ...            i(bit) = sum over closed branches of i_k(V)
             R0         R1
          g0-|[      g1-|[                   V = R_k i_k + u,   i_k = beta (V_ov u - u^2 / 2)
    bit  o---+----------+---- ...

The switches lie on the side of the virtual ground, so that their sources do not move with the signal. The resistors
are linear, or have the technology's voltage coefficients, each at its own voltage; in a larger circuit
:func:`bank_bend` is what these add to a bank as one current.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.circuits.bent import bend_source, bent, resistor_ampere, resistor_slope
from rsscircuit.netlist.circuits.switches import Level, SwitchKind
from rsscircuit.netlist.elements import (
    Analysis,
    Circuit,
    Element,
    Instance,
    OperatingPoint,
    PolynomialCurrent,
    Resistor,
    Section,
    Subcircuit,
    VoltageSource,
)
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Bend, bend, on_siemens

Array = NDArray[np.float64]
_NEWTON = 5  # from a share of 1e-3 off, every step squares it


def bank_subcircuit(kind: SwitchKind, resistors: int, more: Sequence[Element] = ()) -> Subcircuit:
    """``bank line bit g0 g1 ...`` with parameters ``r0``, ``r1``, ... in ohm; ``d<k>`` between resistor and switch."""
    elements: list[Element] = []
    for k in range(resistors):
        elements += [Resistor(f"{k}", "line", f"d{k}", f"r{k}"), kind.between(f"{k}", f"d{k}", "bit", f"g{k}")]
    return Subcircuit(
        name="bank",
        ports=("line", "bit", *(f"g{k}" for k in range(resistors))),
        elements=(*elements, *more),
        parameters={f"r{k}": 1.0 for k in range(resistors)},
        note="A bank: one resistor and one switch a branch.",
    )


def bank_instance(name: str, line: str, bit: str, resistance_ohm: Array, closed: Sequence[bool]) -> Instance:
    """A bank in place: closed switches have their gate on node ``gate``, open ones on 0."""
    gates = ["gate" if on else "0" for on in closed]
    values = {f"r{k}": ohm for k, ohm in enumerate(resistance_ohm.tolist())}
    return Instance(name, (line, bit, *gates), "bank", values)


def bank_bend(
    name: str, line: str, bit: str, resistance_ohm: Array, closed: Sequence[bool], technology: Technology
) -> PolynomialCurrent:
    """What the resistors' voltage coefficients add to a bank in place: one current source beside it."""
    bent = resistors_bend(resistance_ohm, closed, technology)
    return PolynomialCurrent(name, line, bit, float(bent.odd.sum()), float(bent.cube.sum()))


def resistors_bend(resistance_ohm: Array, closed: Sequence[bool], technology: Technology) -> Bend:
    """Of the closed branches of a bank, each; :func:`rsscircuit.technology.cell.bend` has the equations."""
    return bend(on_siemens(resistance_ohm[np.asarray(closed, np.bool_)], technology.switch.on_ohm), technology)


def bank(
    resistance_ohm: Array,
    closed: Sequence[bool],
    technology: Technology,
    *,
    volt: float,
    level: Level = "nmos",
    voltage_coefficient: bool = False,
    analysis: Analysis | None = None,
) -> Circuit:
    """One bank between a driven line and a virtual ground (thesis figure 6.1).

    Ports: ``line``, driven to the common mode plus ``volt``; ``bit``, held at the common mode by source ``bit``, whose
    current is the bank's. Closed form: :func:`bank_ampere`, with voltage coefficients :func:`bent_branch_ampere`.

    Args:
        resistance_ohm: [n], without their switches.
        closed: [n].
        technology: Switch and voltages.
        volt: Across the bank.
        level: Of the switches.
        voltage_coefficient: Whether the resistors have the technology's.
        analysis: Operating point by default; sweep the source ``line`` for the current over voltage.
    """
    kind, drive, material = SwitchKind(technology=technology, level=level), technology.drive, technology.resistor
    bends = tuple(
        bend_source(f"{k}", "line", f"d{k}", ohm, material)
        for k, ohm in enumerate(resistance_ohm.tolist())
        if voltage_coefficient and bent(material)
    )
    return Circuit(
        title="rsscircuit programmable conductance, resistors in parallel",
        notes=(f"{technology.label}, {len(closed)} resistors, {sum(map(bool, closed))} switches closed",),
        parts=(kind.card,),
        subcircuits=(bank_subcircuit(kind, len(closed), bends),),
        sections=(
            Section(
                "line, virtual ground, and the gate voltage of closed switches",
                (
                    VoltageSource("line", "line", "0", drive.common_mode_volt + volt),
                    VoltageSource("bit", "bit", "0", drive.common_mode_volt),
                    VoltageSource("gate", "gate", "0", drive.supply_volt),
                ),
            ),
            Section("the bank", (bank_instance("bank", "line", "bit", resistance_ohm, closed),)),
        ),
        analysis=analysis or OperatingPoint(),
        currents=("bit",),
    )


def branch_ampere(resistance_ohm: Array, volt: float, technology: Technology, level: Level = "nmos") -> Array:
    """Currents of closed branches, [n]: the exact solution of resistor and triode transistor in series.

    With b = beta / 2, a = beta V_ov and u = V - R i, i = a u - b u^2 is a quadratic in i; of its roots the one that
    vanishes with V is taken, in the form that does not cancel.
    """
    switch = technology.switch
    if level == "ideal":
        return np.asarray(volt / (resistance_ohm + switch.on_ohm))
    a = 1.0 / switch.on_ohm
    b = a / (2.0 * switch.overdrive_volt)
    linear = 1.0 + a * resistance_ohm - 2.0 * b * resistance_ohm * volt
    constant, square = a * volt - b * volt**2, b * resistance_ohm**2
    return np.asarray(2.0 * constant / (linear + np.sqrt(linear**2 + 4.0 * square * constant)))


def bent_branch_ampere(resistance_ohm: Array, volt: float, technology: Technology) -> Array:
    """Currents of closed branches, [n], whose resistors have the technology's voltage coefficients.

    Newton on the voltage w of the resistor, i(w) = beta (V_ov u - u^2 / 2) with u = V - w, from that of a linear one.
    """
    switch, material = technology.switch, technology.resistor
    beta = 1.0 / (switch.on_ohm * switch.overdrive_volt)
    across = branch_ampere(resistance_ohm, volt, technology) * resistance_ohm
    if not bent(material):
        return across / resistance_ohm
    for _ in range(_NEWTON):
        rest = volt - across
        miss = resistor_ampere(across, resistance_ohm, material) - beta * (switch.overdrive_volt - 0.5 * rest) * rest
        slope = resistor_slope(across, resistance_ohm, material) + beta * (switch.overdrive_volt - rest)
        across = across - miss / slope
    return resistor_ampere(across, resistance_ohm, material)


def bank_ampere(
    resistance_ohm: Array, closed: Sequence[bool], volt: float, technology: Technology, level: Level = "nmos"
) -> float:
    """Current of a bank: of its closed branches, and at the ideal level the leakage of its open ones."""
    on = np.asarray(closed, np.bool_)
    total = float(branch_ampere(resistance_ohm, volt, technology, level)[on].sum())
    leak = technology.switch.off_siemens
    if level == "ideal" and leak > 0:
        total += float((volt / (resistance_ohm[~on] + 1.0 / leak)).sum())
    return total

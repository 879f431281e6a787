"""An active-RC low-pass of second order whose resistors are programmable (thesis section 6.4): Tow and Thomas.

    in -R1-+-----------+            +-- C2 --+          +-- r --+
           +- C1 ------+-- o1 --R2--+        +-- o2 -r--+       +-- o3
           +- RQ ------+                        (out)              |
           +------------------------ R4 ---------------------------+

    H(s) = (R4 / R1) / (1 + s / (w0 Q) + s^2 / w0^2),   w0^2 = 1 / (R2 R4 C1 C2),   Q^2 = RQ^2 C1 / (R2 R4 C2)

Each of the four resistors ends in a virtual ground, where a bank wants its switches; a Sallen-Key filter, whose
resistors float between signals, would make every on-resistance move with the signal. Only ratios of resistors decide
gain and Q; w0 needs R C, which is what trimming sets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.circuits.amplifier import Amplifier
from rsscircuit.netlist.circuits.bank import bank_instance, bank_subcircuit
from rsscircuit.netlist.circuits.switches import SwitchKind
from rsscircuit.netlist.elements import Ac, Capacitor, Circuit, Element, Instance, Resistor, Section, VoltageSource
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
BANKS = {"R1": ("in", "s1"), "RQ": ("o1", "s1"), "R2": ("o1", "s2"), "R4": ("o3", "s1")}
INVERTER_OHM = 1e5


@dataclass(frozen=True, slots=True, kw_only=True)
class Programmed:
    """One bank and its switches: resistances [n], ohm, without switches, and what is closed, [n]."""

    resistance_ohm: Array
    closed: Sequence[bool]


def biquad(
    banks: Mapping[str, Programmed], farad: float, technology: Technology, amplifier: Amplifier, sweep: Ac
) -> Circuit:
    """The filter, driven by one volt AC at the common mode.

    Ports: ``in``; ``o2``, the low-pass output, which is saved. Closed form: :func:`response`, which leaves the
    amplifiers' bandwidth out.

    Args:
        banks: ``R1``, ``RQ``, ``R2`` and ``R4``, of as many resistors each.
        farad: Each of the two capacitors.
        technology: Switches and voltages.
        amplifier: Each of the three.
        sweep: Frequencies.
    """
    kind, drive = SwitchKind(technology=technology, level="nmos"), technology.drive
    resistors = len(banks["R1"].closed)
    rows: list[Element] = [
        bank_instance(name, *ports, banks[name].resistance_ohm, banks[name].closed) for name, ports in BANKS.items()
    ]
    amplifiers = [Instance(f"a{k}", (f"s{k}", "ref", f"o{k}"), "tia") for k in (1, 2, 3)]
    return Circuit(
        title="rsscircuit biquad after Tow and Thomas",
        notes=(f"{technology.label}, {resistors} resistors a bank, capacitors of {farad!r} F",),
        parts=(kind.card, amplifier.part),
        subcircuits=(bank_subcircuit(kind, resistors),),
        sections=(
            Section(
                "input, virtual ground, and the gate voltage of closed switches",
                (
                    VoltageSource("in", "in", "0", drive.common_mode_volt, 1.0),
                    VoltageSource("ref", "ref", "0", drive.common_mode_volt),
                    VoltageSource("gate", "gate", "0", drive.supply_volt),
                ),
            ),
            Section("banks", tuple(rows)),
            Section(
                "amplifiers, capacitors, inverter",
                (
                    *amplifiers,
                    Capacitor("1", "s1", "o1", farad),
                    Capacitor("2", "s2", "o2", farad),
                    Resistor("i1", "o2", "s3", INVERTER_OHM),
                    Resistor("i2", "s3", "o3", INVERTER_OHM),
                ),
            ),
        ),
        analysis=sweep,
        voltages=("o2",),
    )


def response(frequency_hertz: Array, ohms: Mapping[str, float], farad: float) -> NDArray[np.complex128]:
    """The closed form, with ideal amplifiers, at some frequencies."""
    s = np.asarray(2j * math.pi * frequency_hertz, np.complex128)
    denominator = 1.0 / ohms["R4"] + s * farad * ohms["R2"] / ohms["RQ"] + s**2 * farad**2 * ohms["R2"]
    result: NDArray[np.complex128] = 1.0 / ohms["R1"] / denominator
    return result


def corner_hertz(frequency_hertz: Array, gain: NDArray[np.complex128]) -> float:
    """Where the gain has fallen by 3 dB from its first point, between two points by a straight line of logarithms."""
    size = np.log(np.abs(gain) / abs(gain[0])) + 0.5 * math.log(2.0)
    after = int(np.argmax(size < 0))
    x, y = np.log(frequency_hertz[after - 1 : after + 1]), size[after - 1 : after + 1]
    return float(np.exp(x[0] - y[0] * (x[1] - x[0]) / (y[1] - y[0])))

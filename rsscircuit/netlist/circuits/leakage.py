"""What open switches leak on signed lines, and two ways against it: a raised virtual ground, or a negative gate.

A line below the virtual ground becomes the source of the open switch, so that its gate at 0 V stands above the source
by as much. Below threshold

    I = I_off exp(V_gs / s) (1 - exp(-|V_ds| / V_t)),    V_gs from the lower end,

and a swing of 0.2 V about 0 V opens the switch by 0.2 V / s e-folds. Raising the virtual ground, or lowering the gate,
takes them away. Our level-1 card has no current below threshold, so the open switches of this circuit are an element
of that law. I_off is simulated from the sky130 model (NMOS 1/0.15, 0.25 pA at 27 C), s follows from the 27 pA that the
same model leaks with the line at -0.2 V; junctions and tunnelling, some 10 fA there, are left out, so that the circuit
says too little where it says less than that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.elements import Circuit, Element, Instance, Part, Resistor, Section, VoltageSource

Array = NDArray[np.float64]
THERMAL_VOLT = 0.025865  # at 27 C
OFF_AMPERE = 0.25e-12
SLOPE_VOLT = 0.2 / math.log(27e-12 / OFF_AMPERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Biasing:
    """Where the virtual ground and the gate of an open switch stand, volt."""

    name: str
    ground_volt: float
    gate_volt: float


BIASINGS = (
    Biasing(name="ground at 0 V, gate at 0 V", ground_volt=0.0, gate_volt=0.0),
    Biasing(name="virtual ground raised to 0.3 V", ground_volt=0.3, gate_volt=0.0),
    Biasing(name="gate lowered to -0.3 V", ground_volt=0.0, gate_volt=-0.3),
)


def open_bank(resistance_ohm: Array, biasing: Biasing, *, volt: float) -> Circuit:
    """A bank with every switch open, on a line at the virtual ground plus ``volt``.

    Ports: ``line``, ``gate``, and ``bit``, whose source carries the leakage. Closed form: :func:`leak_ampere` a
    branch, since the resistors carry next to no voltage.
    """
    branches: list[Element] = []
    for k, ohm in enumerate(resistance_ohm.tolist()):
        branches += [Resistor(f"{k}", "line", f"d{k}", ohm), Instance(f"{k}", (f"d{k}", "gate", "bit"), "off_state")]
    values = {"off_ampere": OFF_AMPERE, "slope_volt": SLOPE_VOLT, "thermal_volt": THERMAL_VOLT}
    return Circuit(
        title="rsscircuit bank of open switches",
        notes=(biasing.name,),
        parts=(Part("off_state", values),),
        sections=(
            Section(
                "line, virtual ground and gate",
                (
                    VoltageSource("line", "line", "0", biasing.ground_volt + volt),
                    VoltageSource("bit", "bit", "0", biasing.ground_volt),
                    VoltageSource("gate", "gate", "0", biasing.gate_volt),
                ),
            ),
            Section("branches", tuple(branches)),
        ),
        currents=("bit",),
    )


def leak_ampere(biasing: Biasing, volt: float) -> float:
    """Leakage of one open switch on a line at the virtual ground plus ``volt``, into the virtual ground."""
    above_source = biasing.gate_volt - biasing.ground_volt - min(volt, 0.0)
    size = OFF_AMPERE * math.exp(above_source / SLOPE_VOLT) * -math.expm1(-abs(volt) / THERMAL_VOLT)
    return math.copysign(size, volt)

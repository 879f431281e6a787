"""A resistor with its technology's voltage coefficients, as elements and in closed form.

    v = R i (1 + a |v| + b v^2),    i = (v / R) (1 - a |v| + (a^2 - b) v^2),

what is left out being of third order in a v: 1e-9 of sky130's film (a = -0.1 %/V) at 1 V. In a deck it is the linear
resistor, and beside it one current source for the rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.elements import PolynomialCurrent
from rsscircuit.technology.loader import Resistor

Array = NDArray[np.float64]


def bent(resistor: Resistor) -> bool:
    """Whether the material has a voltage coefficient."""
    return bool(resistor.voltage_per_volt or resistor.voltage_per_volt2)


def bend_source(name: str, a: str, b: str, ohm: float, resistor: Resistor) -> PolynomialCurrent:
    """The current source beside a linear resistor of ``ohm`` between ``a`` and ``b``."""
    first, second = resistor.voltage_per_volt, resistor.voltage_per_volt2
    return PolynomialCurrent(name, a, b, -first / ohm, (first**2 - second) / ohm)


def resistor_ampere(volt: Array, ohm: Array, resistor: Resistor) -> Array:
    """Current of resistors at their own voltages, shaped as these."""
    first, second = resistor.voltage_per_volt, resistor.voltage_per_volt2
    size = np.abs(volt)
    result: Array = volt / ohm * (1.0 - first * size + (first**2 - second) * size**2)
    return result


def resistor_slope(volt: Array, ohm: Array, resistor: Resistor) -> Array:
    """Derivative of :func:`resistor_ampere` by the voltage, siemens."""
    first, second = resistor.voltage_per_volt, resistor.voltage_per_volt2
    size = np.abs(volt)
    result: Array = (1.0 - 2.0 * first * size + 3.0 * (first**2 - second) * size**2) / ohm
    return result

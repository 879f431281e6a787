"""The one model of a branch (resistor and NMOS switch in series) that every engine shares.

The switch sits on the virtual-ground side, so its source stays at the common mode. In triode it carries
beta (V_ov u - u^2 / 2) for a voltage u across it, of either sign, and r = on_ohm = 1 / (beta V_ov). The resistor's
own voltage w bends it, R (1 + a |w| + b w^2) with the voltage coefficients a and b. Solved for the voltages at a
current i, and added up in series:

    w = R i + a R^2 i |i| + (a^2 + b) R^3 i^3 + ...,        u = r i + r^2 i^2 / (2 V_ov) + ...
    v = w + u = i / g + a R^2 i |i| + r^2 i^2 / (2 V_ov) + (a^2 + b) R^3 i^3 + ...,        g = 1 / (R + r).

Turned round, with p = g r and q = g R = 1 - p, the shares of switch and resistor in the voltage,

    i(v) = g v + k v^2 + h v |v| + c v^3,
    k = -g p^2 / (2 V_ov),        h = -g a q^2,        c = g q^3 ((2 q - 1) a^2 - b).

The linear term is the programmed conductance, k the bias-dependent part of the switch, h and c the resistor's. What
is left out is p^3 v^2 / (2 V_ov^2) and 2 |a| p^2 v^2 / V_ov of the current, 3e-7 and less at 0.2 V where the switch is
1/40 of a branch, and of the resistor (a v)^3, a b v^3 and (b v^2)^2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rsscircuit.technology.loader import Resistor, Switch, Technology

Array = NDArray[np.float64]
NOMINAL_CELSIUS = 27.0
LEAKAGE_CELSIUS = 85.0


def on_siemens(resistance_ohm: Array, switch_ohm: Array | float) -> Array:
    """Conductance of closed branches, siemens, shaped as ``resistance_ohm``."""
    result: Array = 1.0 / (resistance_ohm + switch_ohm)
    return result


def curvature(siemens: Array, switch: Switch) -> Array:
    """Quadratic coefficient k of closed branches, ampere per volt squared, shaped as ``siemens``."""
    result: Array = siemens * siemens * siemens * (-(switch.on_ohm**2) / (2.0 * switch.overdrive_volt))
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bend:
    """What currents have beyond their linear term: square v^2 + odd v |v| + cube v^3, arrays of one shape.

    Attributes:
        square: k, ampere per volt squared.
        odd: h, ampere per volt squared.
        cube: c, ampere per volt cubed.
    """

    square: Array
    odd: Array
    cube: Array

    def rows(self, some: slice) -> Bend:
        """The bend of some rows."""
        return Bend(square=self.square[some], odd=self.odd[some], cube=self.cube[some])

    def chord_siemens(self, volt: float) -> Array:
        """What the bend adds to current over voltage at a voltage of either sign."""
        result: Array = self.square * volt + self.odd * abs(volt) + self.cube * volt**2
        return result

    def currents(self, volts: Array) -> Array:
        """What the bends [rows, cols] add to the currents [cases, cols] at ``volts`` [cases, rows]."""
        squares = volts * volts
        if volts.min(initial=0.0) >= 0.0:
            result: Array = squares @ (self.square + self.odd)
        else:
            result = squares @ self.square
            if self.odd.any():
                result += (volts * np.abs(volts)) @ self.odd
        if self.cube.any():
            result += (squares * volts) @ self.cube
        return result


def bend(siemens: Array, technology: Technology) -> Bend:
    """How closed branches of conductance ``siemens`` bend, each array shaped as it; 0 stays 0."""
    resistor, square = technology.resistor, curvature(siemens, technology.switch)
    first, second = resistor.voltage_per_volt, resistor.voltage_per_volt2
    if not (first or second):
        return Bend(square=square, odd=np.zeros(siemens.shape), cube=np.zeros(siemens.shape))
    share = 1.0 - siemens * technology.switch.on_ohm
    left = siemens * share * share
    return Bend(square=square, odd=-first * left, cube=left * share * ((2.0 * share - 1.0) * first**2 - second))


def resistor_factor(resistor: Resistor, celsius: float) -> float:
    """Resistance at a temperature over resistance at 27 C, common to every branch."""
    kelvin = celsius - NOMINAL_CELSIUS
    return 1.0 + resistor.tc1_per_kelvin * kelvin + resistor.tc2_per_kelvin2 * kelvin**2


def at_conditions(technology: Technology, celsius: float, supply_volt: float) -> Technology:
    """The technology at a temperature and supply, every resistance as its ratio to the feedback resistor.

    The feedback is made of branches as the banks are, ``feedback.branch_ohm`` and a closed switch each, of the same
    material on the same die. It grows by

        (R_fb r(T) + R_on(T, V_dd)) / (R_fb + R_on),     r the resistors' own temperature coefficient,

    and everything is divided by that: a branch of the feedback's resistance stays as it is, smaller and larger ones
    move by the difference of what the switch weighs in them. The resistors themselves move as :func:`resistors_at`
    says. The leakage is that of 85 C below it as well, and doubles with every so many kelvin above.

    Raises:
        ValueError: The supply leaves the switch without overdrive, or a resistance is not positive there.
    """
    switch, wires, kelvin = technology.switch, technology.wires, celsius - NOMINAL_CELSIUS
    overdrive, metal = _overdrive_volt(technology, supply_volt), 1.0 + wires.tc_per_kelvin * kelvin
    if overdrive <= 0:
        raise ValueError(f"a supply of {supply_volt:g} V leaves the switch no overdrive")
    if min(resistor_factor(technology.resistor, celsius), metal, 1.0 + switch.on_tc_per_kelvin * kelvin) <= 0:
        raise ValueError(f"{celsius:g} C is beyond the temperature coefficients of {technology.name}")
    gain = feedback_factor(technology, celsius, supply_volt)
    return replace(
        technology,
        switch=replace(
            switch,
            on_ohm=_switch_ohm(technology, celsius, supply_volt) / gain,
            overdrive_volt=overdrive,
            off_siemens=switch.off_siemens * 2.0 ** (max(celsius - LEAKAGE_CELSIUS, 0.0) / switch.off_doubling_kelvin),
        ),
        wires=replace(
            wires,
            word_line_ohm_per_square=wires.word_line_ohm_per_square * metal / gain,
            bit_line_ohm_per_square=wires.bit_line_ohm_per_square * metal / gain,
        ),
        drive=replace(technology.drive, supply_volt=supply_volt),
    )


def resistors_at(resistance_ohm: Array, technology: Technology, celsius: float, supply_volt: float) -> Array:
    """Resistors without their switches at the conditions of :func:`at_conditions`, as ratios to the same feedback."""
    gain = feedback_factor(technology, celsius, supply_volt)
    result: Array = resistance_ohm * (resistor_factor(technology.resistor, celsius) / gain)
    return result


def feedback_factor(technology: Technology, celsius: float, supply_volt: float) -> float:
    """The feedback resistor over what it is at 27 C and the nominal supply; what ratios to it lack to be ohms."""
    branch_ohm, common = technology.feedback.branch_ohm, resistor_factor(technology.resistor, celsius)
    there = branch_ohm * common + _switch_ohm(technology, celsius, supply_volt)
    return there / (branch_ohm + technology.switch.on_ohm)


def _switch_ohm(technology: Technology, celsius: float, supply_volt: float) -> float:
    """A closed switch, in ohms."""
    switch = technology.switch
    channel = 1.0 + switch.on_tc_per_kelvin * (celsius - NOMINAL_CELSIUS)
    return switch.on_ohm * channel * switch.overdrive_volt / _overdrive_volt(technology, supply_volt)


def _overdrive_volt(technology: Technology, supply_volt: float) -> float:
    """Overdrive of a closed switch."""
    return technology.switch.overdrive_volt + (supply_volt - technology.drive.supply_volt)


def ageing_siemens2(siemens: Array, technology: Technology) -> Array:
    """Expected squared drift of closed branches, siemens squared, after ten years; 0 stays 0.

    Every resistor drifts by itself, by ``sigma_ageing_ten_years`` of its resistance; its switch does not:
    g = 1 / (R + R_on) moves by -g^2 R dR/R = -g (1 - g R_on) dR/R. The square grows in proportion to time.

    Args:
        siemens: Conductance of every branch with its switch closed.
        technology: The process.
    """
    moved = siemens * (1.0 - siemens * technology.switch.on_ohm)
    result: Array = (technology.resistor.sigma_ageing_ten_years * moved) ** 2
    return result


def bank_area_um2(nominal_ohm: Array, technology: Technology) -> float:
    """Area of one bank, square micrometre: every resistor by its own length, every switch with its latch."""
    resistors = float(technology.resistor.area_um2(nominal_ohm).sum())
    return resistors + technology.switch.area_um2 * nominal_ohm.size


def bank_pitch_um(nominal_ohm: Array, technology: Technology) -> float:
    """Side of a bank, which is drawn square, micrometre: from one line to the next."""
    return float(bank_area_um2(nominal_ohm, technology) ** 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Resistance of the wires between two neighbouring banks, ohm; 0 for ideal wires."""

    word_ohm: float
    bit_ohm: float


def wire_segments(nominal_ohm: Array, technology: Technology) -> Segments:
    """The wires between banks that are drawn square, from sheet resistance, width and pitch."""
    pitch = bank_pitch_um(nominal_ohm, technology)
    wires = technology.wires
    return Segments(
        word_ohm=wires.word_line_ohm_per_square * pitch / wires.word_line_width_um,
        bit_ohm=wires.bit_line_ohm_per_square * pitch / wires.bit_line_width_um,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacitances:
    """Capacitance to the substrate, farad.

    Attributes:
        word_farad, bit_farad: Of the wire between two neighbouring banks.
        branch_farad: Of the resistor of every branch, by its drawn area.
    """

    word_farad: float
    bit_farad: float
    branch_farad: tuple[float, ...]


def capacitances(nominal_ohm: Array, technology: Technology) -> Capacitances:
    """Those of the wires of :func:`wire_segments`, and of resistors as they are drawn."""
    pitch = bank_area_um2(nominal_ohm, technology) ** 0.5
    wires, resistor = technology.wires, technology.resistor
    drawn_um2 = resistor.width_um * resistor.length_um(nominal_ohm)
    return Capacitances(
        word_farad=wires.word_line_farad_per_um * pitch,
        bit_farad=wires.bit_line_farad_per_um * pitch,
        branch_farad=tuple((resistor.farad_per_um2 * drawn_um2).tolist()),
    )

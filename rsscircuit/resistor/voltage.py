"""What a programmable resistor is at a voltage: its resistance is stated at one, and moves over the others.

Two things bend it: the switches, whose square law depends on the sign, and the voltage coefficients of the resistors,
which do not. Branches are measured at small voltages; what the technology says of both is added to that here, and is in
the deck. In parallel R(V) = V / sum i_k(V) over the closed branches; in series it is the operating point of the chain.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError
from rsscircuit.netlist.circuits.bank import bent_branch_ampere
from rsscircuit.netlist.circuits.series import Chain, operating_point
from rsscircuit.quantities import engineering
from rsscircuit.resistor.kinds import Branches, Kind, Measured, known
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
SMALL_VOLT = 1e-4  # stands for none, where a resistance is a ratio
_SCAN = 16  # steps from the stated voltage to the end of the range
_HALVINGS = 30


def least_volt(kind: Kind, technology: Technology) -> float:
    """The lowest voltage across: the line at the source rail in parallel; above the virtual ground in series."""
    return -technology.drive.common_mode_volt if kind.name == "parallel" else 0.0


def most_volt(technology: Technology) -> float:
    """The highest voltage across: the line at the supply."""
    return technology.drive.supply_volt - technology.drive.common_mode_volt


def stated_volt(given: float | None, kind: Kind, technology: Technology) -> float:
    """The voltage at which the value is stated; the technology's read voltage by default.

    Raises:
        InputError: The line would leave the rails, or a chain would stand on its head.
    """
    volt = technology.drive.read_volt if given is None else given
    low, high = least_volt(kind, technology), most_volt(technology)
    if volt < low or volt > high or abs(volt) < SMALL_VOLT:
        ends = f"{low:g} to {high:g} V" if low < 0 else f"above 0 to {high:g} V"
        raise InputError(
            f"the line of a {kind.name} bank stays between the rails: {ends} across, with the virtual ground of "
            f"{technology.name} at {technology.drive.common_mode_volt:g} V, and not within {SMALL_VOLT:g} V of none",
            where="--volts",
            got=f"{volt:g} V",
        )
    return volt


def not_conducting(value_ohm: float, volt: float) -> InputError:
    """What to raise where a chain cannot be a resistance at a voltage."""
    return InputError(
        f"the switches of a chain of {engineering(value_ohm, 'Ohm', 5)} do not all conduct with so much across it, "
        "since their sources rise with the voltage",
        where="--volts",
        got=f"{volt:g} V",
        remedy="state the value at a lower voltage, or use --circuit parallel",
    )


def sweep_volts(volt: float, kind: Kind, technology: Technology) -> list[float]:
    """The stated voltage, half of it and their negatives, as far as the line stays between the rails; ascending."""
    low, high = least_volt(kind, technology), most_volt(technology)
    points = [step * abs(volt) / 2.0 for step in (-2, -1, 0, 1, 2)]
    return [point for point in points if low <= point <= high]


def chain_of(branches: Branches, kept: BoolArray, volt: float, technology: Technology) -> Chain:
    """A chain of such branches."""
    return Chain(
        resistance_ohm=branches.resistance_ohm,
        kept=kept.tolist(),
        technology=technology,
        volt=volt,
        switch_factor=branches.on_ohm / technology.switch.on_ohm,
        voltage_coefficient=True,
    )


def folded_ohm(branches: Branches, technology: Technology) -> Array:
    """Resistors of a parallel bank, [n], with the mismatch of their switches: the deck has one card for all."""
    return branches.resistance_ohm + branches.on_ohm - technology.switch.on_ohm


def at_volt(seen: Measured, kind: Kind, volt: float, technology: Technology) -> Measured:
    """A parallel bank as it conducts at a voltage: the bank whose small-signal steps are its chords i_k(V) / V."""
    chords = bent_branch_ampere(folded_ohm(seen.branches, technology), volt, technology) / volt
    return known(kind, chords, 0.0, technology)


def ohm_at(kind: Kind, branches: Branches, operated: BoolArray, volt: float, technology: Technology) -> float:
    """The resistance at a voltage, by the closed form; below :data:`SMALL_VOLT` that of small signals."""
    if abs(volt) < SMALL_VOLT:
        volt = math.copysign(SMALL_VOLT, volt)
    if kind.name == "series":
        return operating_point(chain_of(branches, operated, volt, technology)).ohm
    ampere = bent_branch_ampere(folded_ohm(branches, technology)[operated], volt, technology).sum()
    return volt / float(ampere) if operated.any() else float("inf")


def held_between(
    error: Callable[[float], float], volt: float, ends: tuple[float, float], tolerance: float
) -> tuple[float, float]:
    """Lowest and highest voltage between which an error stays within a tolerance.

    Args:
        error: Relative error at a voltage.
        volt: A voltage at which it is within the tolerance.
        ends: Lowest and highest voltage to look at.
        tolerance: Largest error.
    """
    low, high = (_held(error, volt, end, tolerance) for end in ends)
    return low, high


def _held(error: Callable[[float], float], inside: float, end: float, tolerance: float) -> float:
    kink = [0.0] if min(inside, end) < 0.0 < max(inside, end) else []  # where |V| turns round
    points = sorted([*np.linspace(inside, end, _SCAN + 1)[1:].tolist(), *kink], key=lambda point: abs(point - inside))
    for point in points:
        if abs(error(point)) <= tolerance:
            inside = point
            continue
        for _ in range(_HALVINGS):
            middle = 0.5 * (inside + point)
            inside, point = (middle, point) if abs(error(middle)) <= tolerance else (inside, middle)
        break
    return inside

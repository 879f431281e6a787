"""Corners of operation that one fixed program has to serve, and what closing a branch adds there.

What moves all branches alike cancels against the feedback resistor, of the same branches on the same die. What is
left is known when the program is chosen: the switch in series weighs more in a small resistor than in a large one,
and it changes with temperature, supply and the sign of the input. So a choice of switches can be made that serves
all corners; ageing and the mismatch of temperature coefficients are not known then, and are no corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError
from rsscircuit.quantities import parse_range
from rsscircuit.technology.cell import NOMINAL_CELSIUS, at_conditions, bend, on_siemens, resistors_at
from rsscircuit.technology.loader import Technology

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corner:
    """One corner.

    Attributes:
        celsius: Temperature.
        supply_volt: Gate voltage of a closed switch.
        volt: Input voltage of a row, of either sign; the nominal point is taken at small inputs.
    """

    celsius: float
    supply_volt: float
    volt: float

    def __str__(self) -> str:
        return f"{self.celsius:g} C, {self.supply_volt:g} V supply, {self.volt:+g} V input"


def parse_corners(text: str, technology: Technology) -> tuple[Corner, ...]:
    """The corners of ``"celsius=-40:125,supply=1.62:1.98,volt=0.2"``: every end with every other.

    What is not named stays nominal; ``volt`` is the largest input, taken with both signs.

    Raises:
        InputError: Unknown or repeated names, ranges that are none, or corners where the switch does not conduct.
    """
    ends: dict[str, tuple[float, ...]] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in _NAMES or name in ends:
            raise InputError(
                f"corners are given by {', '.join(_NAMES)}, each once",
                where="--corners",
                got=text,
                remedy="write for example celsius=-40:125,supply=1.62:1.98,volt=0.2",
            )
        low, high = parse_range(value, "--corners")
        refuse_far(name, max(low, high, key=abs), technology, where="--corners")
        if name == "volt":
            high = max(abs(low), abs(high))
            low = -high
        ends[name] = (low,) if low == high else (low, high)
    celsius = ends.get("celsius", (NOMINAL_CELSIUS,))
    supply, volt = ends.get("supply", (technology.drive.supply_volt,)), ends.get("volt", (0.0,))
    corners = tuple(Corner(celsius=c, supply_volt=s, volt=v) for c, s, v in product(celsius, supply, volt))
    for corner in corners:
        try:
            at_corner(np.ones(1), technology, corner)
        except ValueError as error:
            raise InputError("impossible corner", where="--corners", got=str(error)) from error
    return corners


_NAMES = ("celsius", "supply", "volt")
_MOST_YEARS = 100.0
_FARTHEST_CELSIUS = 250.0


def refuse_far(name: str, farthest: float, technology: Technology, *, where: str) -> None:
    """Refuse what no chip is run at, as a slip of the keyboard.

    Args:
        name: ``celsius``, ``supply``, ``volt`` or ``years``.
        farthest: The value farthest from 0.
        technology: Its supply is the measure of voltages.
        where: The option, for the error.

    Raises:
        InputError: It is.
    """
    limits = {
        "celsius": (_FARTHEST_CELSIUS, "C"),
        "supply": (2.0 * technology.drive.supply_volt, "V, twice the nominal supply"),
        "years": (_MOST_YEARS, "years"),
        "volt": (technology.drive.supply_volt, "V, the supply"),
    }
    most, unit = limits[name]
    if abs(farthest) > most:
        raise InputError(
            f"{name} lies beyond {most:g} {unit}", where=where, got=f"{farthest:g}", remedy="give a smaller range"
        )


def at_corner(siemens: Array, technology: Technology, corner: Corner) -> Array:
    """What closing branches adds at a corner, siemens, shaped as ``siemens``; 0 stays 0.

    As in :func:`rsscircuit.technology.cell.at_conditions` everything is the ratio to the feedback resistor there. The
    resistor's own voltage coefficients and the switch's square law bend a branch, and what is taken is i(V) / V
    (:func:`rsscircuit.technology.cell.bend`); the feedback is taken as straight.

    Args:
        siemens: What closing each branch adds at the nominal point.
        technology: The process.
        corner: Where to.

    Raises:
        ValueError: The corner leaves the switch without overdrive, or a resistance is not positive there.
    """
    there, resistor = at_conditions(technology, corner.celsius, corner.supply_volt), technology.resistor
    if not 1.0 + resistor.voltage_per_volt * abs(corner.volt) + resistor.voltage_per_volt2 * corner.volt**2 > 0:
        raise ValueError(f"{corner.volt:g} V is beyond the voltage coefficients of {technology.name}")
    drawn = siemens > 0
    resistance = 1.0 / np.where(drawn, siemens, 1.0) - technology.switch.on_ohm
    there_ohm = resistors_at(resistance, technology, corner.celsius, corner.supply_volt)
    moved = on_siemens(there_ohm, there.switch.on_ohm)
    result: Array = np.where(drawn, moved + bend(moved, there).chord_siemens(corner.volt), 0.0)
    return result


def at_corners(siemens: Array, technology: Technology, corners: Sequence[Corner]) -> Array | None:
    """:func:`at_corner` for several corners, along a last axis of its own; None where there are none."""
    if not corners:
        return None
    return np.stack([at_corner(siemens, technology, corner) for corner in corners], axis=-1)

"""A tile at a temperature and a supply, everything as its ratio to the feedback resistor of the same branches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rsscircuit.banks import Die
from rsscircuit.design import Crossbar
from rsscircuit.errors import InputError
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import NOMINAL_CELSIUS, at_conditions, on_siemens, resistors_at
from rsscircuit.technology.corners import refuse_far

ABSOLUTE_ZERO_CELSIUS = -273.15


def at_point(
    crossbar: Crossbar, technology: Technology, celsius: float, supply_volt: float
) -> tuple[Crossbar, Technology]:
    """A tile and its technology at a temperature and supply; at 27 C and the nominal supply as they are.

    See :func:`rsscircuit.technology.cell.at_conditions` for what moves. What a branch deviates from its nominal value
    lies in its resistor.

    Raises:
        InputError: The switches do not conduct there, the coefficients do not hold, or no chip is run there.
    """
    if (celsius, supply_volt) == (NOMINAL_CELSIUS, technology.drive.supply_volt):
        return crossbar, technology
    for name, value in (("celsius", celsius), ("supply", supply_volt)):
        refuse_far(name, value, technology, where=f"--{name}")
    try:
        if not celsius > ABSOLUTE_ZERO_CELSIUS:
            raise ValueError(f"{celsius:g} C is below absolute zero")
        there = at_conditions(technology, celsius, supply_volt)
    except ValueError as error:
        raise InputError("impossible conditions", where="--celsius, --supply", got=str(error)) from error
    on = crossbar.die.on_siemens
    drawn = on > 0
    resistance = 1.0 / np.where(drawn, on, 1.0) - technology.switch.on_ohm
    moved = on_siemens(resistors_at(resistance, technology, celsius, supply_volt), there.switch.on_ohm)
    warmer = there.switch.off_siemens / technology.switch.off_siemens if technology.switch.off_siemens else 1.0
    die = Die(on_siemens=np.where(drawn, moved, 0.0), off_siemens=crossbar.die.off_siemens * warmer)
    return replace(crossbar, die=die), there

"""A die at another temperature and supply, and after years: every resistance as its ratio to the feedback resistor's.

The common temperature coefficient cancels in that ratio (:func:`rsscircuit.technology.cell.at_conditions`). What stays
is the switch's unequal weight, its leakage, and what every branch has for itself: the mismatch of its temperature
coefficient and its drift with age, which grows as the root of time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks.die import Die
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import NOMINAL_CELSIUS, at_conditions, resistors_at

Array = NDArray[np.float64]


def drifted(
    die: Die,
    technology: Technology,
    *,
    celsius: float,
    supply_volt: float,
    years: float,
    own_tc: Array,
    own_age: Array,
) -> tuple[Die, Technology]:
    """The die there, and the technology there.

    Args:
        die: At 27 C and the nominal supply, new.
        technology: Likewise.
        celsius: Temperature.
        supply_volt: Gate voltage of closed switches.
        years: Age.
        own_tc: Standard draws [rows, cols, 2, n], of every resistor's temperature coefficient.
        own_age: The same of its drift.

    Raises:
        ValueError: As :func:`rsscircuit.technology.cell.at_conditions`.
    """
    resistor, there = technology.resistor, at_conditions(technology, celsius, supply_volt)
    change = resistor.sigma_tc_per_kelvin * own_tc * (celsius - NOMINAL_CELSIUS)
    change += resistor.sigma_ageing_ten_years * np.sqrt(years / 10.0) * own_age
    drawn = die.on_siemens > 0
    series = 1.0 / np.where(drawn, die.on_siemens, 1.0) - technology.switch.on_ohm
    resistance = resistors_at(series * (1.0 + change), technology, celsius, supply_volt)
    moved = Die(
        on_siemens=np.where(drawn, 1.0 / (resistance + there.switch.on_ohm), 0.0),
        off_siemens=np.where(drawn, there.switch.off_siemens, 0.0),
    )
    return moved, there

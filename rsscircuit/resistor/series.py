"""Programming a chain whose switches do not all have the same on-resistance.

The subset-sum solver needs the resistance of every shorted element before it knows which are shorted, and where a
switch lies in the chain decides its on-resistance. So: solve with what is known, look at the operating point, take
every switch's on-resistance from there, and solve again. Another choice of switches moves the on-resistances again,
by about as much as the error that is left; so every further round also solves for values around the one asked for,
as far away as a growing multiple of that error, and looks at the operating point of each. The best that was seen is
kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError
from rsscircuit.netlist.circuits.series import operating_point
from rsscircuit.quantities import engineering
from rsscircuit.resistor.kinds import KINDS, Branches, Measured, nearest, nominal_switches
from rsscircuit.resistor.voltage import SMALL_VOLT, chain_of, not_conducting
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ROUNDS = 24
AROUND = np.linspace(-1.0, 1.0, 33)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Programmed:
    """A programmed chain.

    Attributes:
        kept: bool [n], whose switch is open.
        errors: Relative error at the operating point of the best choice after each round; the first is that of one
            on-resistance for all switches.
    """

    kept: BoolArray
    errors: tuple[float, ...]


def program_series(seen: Measured, value_ohm: float, volt: float, technology: Technology) -> Programmed:
    """Which resistors of a chain to keep for a resistance at a voltage across it.

    Raises:
        InputError: The value is outside the chain's range, or its switches do not conduct at that voltage.
    """
    kind, resistance_ohm = KINDS["series"], seen.branches.resistance_ohm
    bare = nominal_switches(resistance_ohm, technology)
    count = resistance_ohm.size
    low = chain_of(bare, np.zeros(count, np.bool_), SMALL_VOLT, technology)
    least, most = operating_point(low).ohm + seen.extra, float(resistance_ohm.sum()) + seen.extra
    if not least <= value_ohm <= most:
        raise InputError(
            f"{engineering(value_ohm, 'Ohm', 5)} is outside the range of this chain, "
            f"{engineering(least, 'Ohm', 5)} (all shorted) to {engineering(most, 'Ohm', 5)} (none shorted)",
            where="--value",
        )
    branches, around = seen.branches, np.zeros(1)
    best, errors = np.zeros(count, np.bool_), [np.inf]
    for turn in range(1, ROUNDS + 1):
        here = Measured(branches=branches, extra=seen.extra)
        for share in around:
            kept = nearest(kind, here, value_ohm * (1.0 + float(share)))
            chain = chain_of(bare, kept, volt, technology)
            point = operating_point(chain)
            error = (point.ohm + seen.extra) / value_ohm - 1.0
            if abs(error) < abs(errors[-1]):
                best, errors[-1], on = kept, error, point.on_ohm(chain)
        if np.isinf(errors[-1]):
            raise not_conducting(value_ohm, volt)
        branches, around = Branches(resistance_ohm=resistance_ohm, on_ohm=on), turn * abs(errors[-1]) * AROUND
        errors.append(errors[-1])
    errors.pop()
    return Programmed(kept=best, errors=tuple(errors))

"""Many bank pairs of many dies at once, true and measured: what statistics of banks are made from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks.die import draw_die
from rsscircuit.banks.measurement import measure
from rsscircuit.banks.process import TERMS, Place
from rsscircuit.technology import Technology
from rsscircuit.technology.plans import BankSpec

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Bank pairs of some dies, every die of another lot.

    Attributes:
        true_siemens: float64 [dies, pairs, 2, n], what closing each branch adds.
        measured_siemens: float64 [dies, pairs, 2, n], the same as measured.
    """

    true_siemens: Array
    measured_siemens: Array


def sample_pairs(
    spec: BankSpec,
    technology: Technology,
    *,
    dies: int,
    pairs: int,
    seed: int,
    terms: Collection[str] = TERMS,
) -> Sample:
    """Draw and measure bank pairs, a column of them on every die.

    The pairs of a die share what its lot, wafer, die and measured column share, so figures of different dies are
    independent, and those of one die are not.
    """
    true, measured = [], []
    for die in range(dies):
        place = Place(seed=seed, layer="sample", tile=0, die=die, wafer=die, lot=die)
        banks = draw_die(spec, technology, np.ones((pairs, 1), np.bool_), place, terms)
        true.append((banks.on_siemens - banks.off_siemens)[:, 0])
        measured.append(measure(banks, technology, spec, place).step_siemens[:, 0])
    return Sample(true_siemens=np.array(true), measured_siemens=np.array(measured))

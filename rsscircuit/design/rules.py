"""How the switches of a layer are chosen: what is good enough, and which subset is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import MeasuredBanks
from rsscircuit.subsetsum import AUTO, Objective
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import ageing_siemens2

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the switches of every pair of a layer are chosen.

    Attributes:
        tolerance_siemens: Largest error of a pair that is good enough; 0 asks for the nearest of each.
        objective: Which of the subsets within the tolerance; LEAST_COST is that of the least expected drift.
        most_closed: Most closed switches a pair, both banks together; None does not bound them.
        most_siemens: Largest conductance a pair may have in total, both banks together; None likewise.
        solver: Name of a solver, or ``auto``.
    """

    tolerance_siemens: float
    objective: Objective = Objective.LEAST_TOTAL
    most_closed: int | None = None
    most_siemens: float | None = None
    solver: str = AUTO


def sought(objective: Objective, tolerance: float) -> Objective:
    """What is sought of a solver: without a tolerance the nearest, which is what ANY comes to by itself."""
    return objective if tolerance > 0 or objective is Objective.ANY else Objective.NEAREST


def costs_of(measured: MeasuredBanks, rules: Rules, technology: Technology) -> Array | None:
    """What closing each branch costs, [rows, cols, 2, n]: its expected squared drift where the rules price it."""
    return ageing_siemens2(measured.step_siemens, technology) if rules.objective is Objective.LEAST_COST else None

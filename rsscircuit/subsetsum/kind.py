"""What of a problem decides which solver can take it, and which is best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rsscircuit.subsetsum.problem import BoolArray, Objective, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The outline of a problem without forced items.

    Attributes:
        objective: What is sought.
        items: Largest number of items a cell has, those that are zero left out.
        cells: How many cells.
        sums: How many sums a cell must meet at once.
        counted: Whether the number of chosen items is bounded.
        bounded: Whether the total magnitude of the chosen items is bounded.
        grouped: Whether some items exclude each other.
        one_bank: Whether all cells have the same items, as one cell has.
    """

    objective: Objective
    items: int
    cells: int = 1
    sums: int = 1
    counted: bool = False
    bounded: bool = False
    grouped: bool = False
    one_bank: bool = False

    @property
    def constrained(self) -> bool:
        """Whether there is any side constraint."""
        return self.counted or self.bounded or self.grouped


def kind_of(problem: Problem) -> Kind:
    """The outline of a problem whose forced items have been taken out."""
    items = problem.items
    present: BoolArray = items != 0.0
    if items.ndim > 2:
        present = np.any(present, axis=2)
    count = np.count_nonzero(present, axis=1)
    return Kind(
        objective=problem.objective,
        items=int(count.max()),
        cells=len(items),
        sums=problem.sums,
        counted=bool(((problem.least_count > 0) | (problem.most_count < count)).any()),
        bounded=bool(
            (problem.most_total < np.inf).any() and (problem.most_total < problem.magnitudes.sum(axis=1)).any()
        ),
        grouped=any(present[:, list(group)].sum(axis=1).max() > 1 for group in problem.groups if group),
        one_bank=bool((items[0] == items[-1]).all() and (items == items[:1]).all()),
    )

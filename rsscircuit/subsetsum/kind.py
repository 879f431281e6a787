"""What of a problem decides which solver can take it, and which is best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rsscircuit.subsetsum.problem import BoolArray, FloatArray, Objective, Problem


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
    bindings = bindings_of(problem)
    return Kind(
        objective=problem.objective,
        items=int(np.count_nonzero(_present(items), axis=1).max()),
        cells=len(items),
        sums=problem.sums,
        counted=bool(bindings.counted.any()),
        bounded=bool(bindings.bounded.any()),
        grouped=bool(bindings.grouped.any()),
        one_bank=bool((items[0] == items[-1]).all() and (items == items[:1]).all()),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bindings:
    """In which cells, bool [cells], a side constraint leaves out any subset at all."""

    counted: BoolArray
    bounded: BoolArray
    grouped: BoolArray


def bindings_of(problem: Problem) -> Bindings:
    """What binds which cell of a problem whose forced items have been taken out."""
    present = _present(problem.items)
    count = np.count_nonzero(present, axis=1)
    grouped = np.zeros(len(count), np.bool_)
    for group in problem.groups:
        grouped |= np.count_nonzero(present[:, list(group)], axis=1) > 1
    bounded = problem.most_total < np.inf
    if bounded.any():
        bounded &= problem.most_total < problem.magnitudes.sum(axis=1)
    return Bindings(counted=(problem.least_count > 0) | (problem.most_count < count), bounded=bounded, grouped=grouped)


def _present(items: FloatArray) -> BoolArray:
    present: BoolArray = items != 0.0
    return present if items.ndim == 2 else np.asarray(present.any(axis=2))

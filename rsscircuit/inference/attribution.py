"""Which effect costs what: each alone, and all switched on one after the other in the order in which they enter.

Errors that are independent add in squares, so a step's part is what it adds to the mean square of the output's error.
The parts of all steps sum to that of the whole, exactly; a part is negative where an effect takes back what another
did.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from rsscircuit.inference.comparison import Figures
from rsscircuit.inference.effects import EFFECTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one effect does.

    Attributes:
        effect: Which.
        alone: With nothing else at work.
        together: With those before it at work, too.
        squared_error: What it adds to the squared relative output error of those before it.
    """

    effect: str
    alone: Figures
    together: Figures
    squared_error: float


def attribute(figures_with: Callable[[frozenset[str]], Figures], effects: Collection[str]) -> list[Contribution]:
    """The contribution of each of ``effects``, in the order of :data:`rsscircuit.inference.effects.EFFECTS`.

    Args:
        figures_with: How the chip answers with some effects at work.
        effects: Which are to be told apart.
    """
    result: list[Contribution] = []
    before, at_work = 0.0, frozenset[str]()
    for effect in (each for each in EFFECTS if each in effects):
        at_work |= {effect}
        together = figures_with(at_work)
        alone = figures_with(frozenset({effect})) if len(at_work) > 1 else together
        squared = together.output_error**2
        result.append(Contribution(effect=effect, alone=alone, together=together, squared_error=squared - before))
        before = squared
    return result

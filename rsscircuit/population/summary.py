"""What many chips say together: how their figures spread, and which share of them keeps a limit.

A share has the exact 95 % interval of Clopper and Pearson, which with every one of n chips within the limit still
reaches down to 0.025^(1/n): 96.4 % of 100.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsscircuit.binomial import clopper_pearson
from rsscircuit.errors import InputError
from rsscircuit.population.chips import ChipOutcome
from rsscircuit.simulate.spread import convergence, distribution

FIGURES = ("accuracy", "agreement", "output_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a chip has to keep; None is no limit.

    Attributes:
        accuracy, agreement: At least this share.
        output_error: At most this.
    """

    accuracy: float | None = None
    agreement: float | None = None
    output_error: float | None = None

    @property
    def given(self) -> dict[str, float]:
        """Those that there are, by figure."""
        every = {name: getattr(self, name) for name in FIGURES}
        return {name: limit for name, limit in every.items() if limit is not None}

    def check(self, *, labelled: bool) -> None:
        """Refuse limits that say nothing.

        Raises:
            InputError: A share beyond 0 and 1, an error that is 0 or beyond 1, or an accuracy without labels.
        """
        for name in ("accuracy", "agreement"):
            if name in self.given and not 0 <= self.given[name] <= 1:
                raise InputError(f"an {name} is from 0 to 1", where=f"--limit-{name}", got=self.given[name],
                                 remedy="write 99 % as 0.99")  # fmt: skip
        if self.output_error is not None and not 0 < self.output_error <= 1:
            raise InputError("a limit of the output error is above 0 and at most 1", where="--limit-error",
                             got=self.output_error, remedy="write 3 % as 0.03")  # fmt: skip
        if self.accuracy is not None and not labelled:
            raise InputError("without labels there is no accuracy", where="--limit-accuracy", remedy="add --labels")

    def kept(self, outcome: ChipOutcome, name: str) -> bool:
        """Whether a chip keeps the limit of a figure."""
        value, limit = getattr(outcome, name), self.given[name]
        return bool(value <= limit if name == "output_error" else value >= limit)


def summarise(outcomes: Sequence[ChipOutcome], limits: Limits) -> dict[str, Any]:
    """Statistics of chips, in the order of their numbers.

    Returns:
        ``figures``: by name the mean, ``standard_deviation``, ``percentiles``, ``worst``, ``worst_trial`` and the
        ``values``, one a chip; ``convergence`` of the output error; ``yield``: for each limit and, where there are
        several, for ``all`` of them, the ``limit``, how many chips were ``kept``, the ``share`` and its 95 % interval,
        ``low`` and ``high``; ``worst``: ``by`` which figure (the first that has a limit, else the agreement; among
        equals the largest output error), its number and figures; ``trial`` and ``drawn``, one a chip.
    """
    numbers = [outcome.trial for outcome in outcomes]
    figures = {}
    for name in FIGURES:
        values = np.array([getattr(outcome, name) for outcome in outcomes], np.float64)
        if not np.isnan(values).any():
            found = distribution(values, numbers, least_is_worst=name != "output_error")
            figures[name] = found | {"values": values.tolist()}
    shares = {
        name: {"limit": limit} | _share([limits.kept(outcome, name) for outcome in outcomes])
        for name, limit in limits.given.items()
    }
    if len(shares) > 1:
        shares["all"] = _share([all(limits.kept(each, name) for name in limits.given) for each in outcomes])
    by = next(iter(limits.given), "agreement")
    worst = max(outcomes, key=lambda each: (_badness(each, by), each.output_error, -each.trial))
    return {
        "figures": figures,
        "convergence": convergence(np.array([outcome.output_error for outcome in outcomes])),
        "yield": shares,
        "worst": {"by": by} | worst.line(),
        "trial": numbers,
        "drawn": [dict(outcome.drawn) for outcome in outcomes],
    }


def write_csv(path: Path, outcomes: Sequence[ChipOutcome]) -> None:
    """One line a chip: its number, what was drawn, and its figures."""
    names = [name for name in FIGURES if getattr(outcomes[0], name) is not None]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["trial", *outcomes[0].drawn, *names])
        for outcome in outcomes:
            values = (*outcome.drawn.values(), *(getattr(outcome, name) for name in names))
            table.writerow([outcome.trial, *(repr(value) for value in values)])


def _badness(outcome: ChipOutcome, name: str) -> float:
    value = float(getattr(outcome, name))
    return value if name == "output_error" else -value


def _share(kept: Sequence[bool]) -> dict[str, Any]:
    low, high = clopper_pearson(sum(kept), len(kept))
    return {"kept": sum(kept), "chips": len(kept), "share": sum(kept) / len(kept), "low": low, "high": high}

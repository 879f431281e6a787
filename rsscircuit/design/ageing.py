"""What the drift of the resistors is expected to come to.

Every resistor drifts by itself, so that no choice of switches can meet it; but its expected size is known of every
branch, and the sum of its squares over the closed branches is the expected squared error of a pair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design.design import Crossbar
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import ageing_siemens2

Array = NDArray[np.float64]


@dataclass(slots=True)
class AgeingAudit:
    """Gathers the expected drift of one layer, tile by tile, and beside it that of the least total conductance.

    Attributes:
        technology: The process.
    """

    technology: Technology
    squares: Array = field(init=False)
    totals: Array = field(init=False)
    cells: int = 0

    def __post_init__(self) -> None:
        self.squares, self.totals = np.zeros(2), np.zeros(2)

    def add(self, crossbar: Crossbar, least_total: NDArray[np.bool_] | None = None) -> None:
        """Take in one tile.

        Args:
            crossbar: As it was programmed.
            least_total: bool [rows, cols, 2, n], what would have been closed for the least total conductance; None
                where that is what was asked for.
        """
        siemens = crossbar.die.on_siemens
        drift = ageing_siemens2(siemens, self.technology)
        self.cells += int(np.count_nonzero(crossbar.targets))
        for k, closed in enumerate((crossbar.closed, crossbar.closed if least_total is None else least_total)):
            self.squares[k] += float(drift[closed].sum())
            self.totals[k] += float(siemens[closed].sum())

    def result(self, full_scale: float) -> dict[str, Any]:
        """``ageing``: expected rms drift of a pair after ``ten_years``, and its mean ``total`` conductance.

        ``ten_years_least_total`` and ``total_least_total`` are those of the least total conductance. All over full
        scale.
        """
        rms, mean = np.sqrt(self.squares / max(1, self.cells)), self.totals / max(1, self.cells)
        values = (*(rms / full_scale).tolist(), *(mean / full_scale).tolist())
        names = ("ten_years", "ten_years_least_total", "total", "total_least_total")
        return {"ageing": dict(zip(names, values, strict=True))}

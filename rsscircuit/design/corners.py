"""What a program that serves all corners costs at the nominal point, and what it gains at the corners.

Audited on the true banks and beside the program that would have been chosen without corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design.design import Crossbar
from rsscircuit.technology import Technology
from rsscircuit.technology.corners import Corner, at_corner

Array = NDArray[np.float64]


@dataclass(slots=True)
class CornerAudit:
    """Gathers the errors of one layer, tile by tile, at the nominal point and at every corner.

    Attributes:
        technology: The process.
        corners: The corners.
    """

    technology: Technology
    corners: Sequence[Corner]
    squares: Array = field(init=False)
    worst: Array = field(init=False)
    totals: Array = field(init=False)
    cells: int = 0

    def __post_init__(self) -> None:
        points = 1 + len(self.corners)
        self.squares, self.worst, self.totals = np.zeros((2, points)), np.zeros((2, points)), np.zeros(2)

    def add(self, crossbar: Crossbar, without: NDArray[np.bool_]) -> None:
        """Take in one tile.

        Args:
            crossbar: As it was programmed.
            without: bool [rows, cols, 2, n], what would have been closed without corners.
        """
        drawn = crossbar.targets != 0
        step = crossbar.die.on_siemens - crossbar.die.off_siemens
        everywhere = [step, *(at_corner(step, self.technology, corner) for corner in self.corners)]
        self.cells += int(np.count_nonzero(drawn))
        for k, closed in enumerate((crossbar.closed, without)):
            self.totals[k] += float(step[closed].sum())
            for point, siemens in enumerate(everywhere):
                pair = np.where(closed, siemens, 0.0).sum(axis=3)
                error = (pair[:, :, 0] - pair[:, :, 1] - crossbar.aimed)[drawn]
                self.squares[k, point] += float((error**2).sum())
                self.worst[k, point] = max(self.worst[k, point], float(np.abs(error).max(initial=0.0)))

    def result(self, full_scale: float) -> dict[str, Any]:
        """``corners``: a list of points, and ``corner_totals``.

        Each point has its name and ``rms`` and ``worst`` error of a pair, with and ``without`` corners in the choice;
        totals are mean conductances of a pair. All over full scale.
        """
        cells = max(1, self.cells)
        rms = np.sqrt(self.squares / cells) / full_scale
        names = ["nominal", *map(str, self.corners)]
        points = [
            {
                "at": name,
                "rms": float(rms[0, k]),
                "worst": float(self.worst[0, k] / full_scale),
                "rms_without": float(rms[1, k]),
                "worst_without": float(self.worst[1, k] / full_scale),
            }
            for k, name in enumerate(names)
        ]
        total, without = (float(value) for value in self.totals / cells / full_scale)
        return {"corners": points, "corner_totals": {"total": total, "total_without": without}}

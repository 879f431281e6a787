"""What compensation of the wires and choice of whole columns did to a layer, by its measured banks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design.design import Crossbar
from rsscircuit.design.joint import column_power
from rsscircuit.design.program import SwitchPlan
from rsscircuit.design.wires import columns_power

Array = NDArray[np.float64]


@dataclass(slots=True)
class FixingAudit:
    """Gathers the figures of one layer, tile by tile."""

    wires: Array = field(default_factory=lambda: np.zeros(3))
    joint: Array = field(default_factory=lambda: np.zeros(3))
    rounds: int = 0
    weighed: bool = False

    def add(self, crossbar: Crossbar, plan: SwitchPlan, moments: Array | None) -> None:
        """Take in one tile, and the second moments [rows, rows] of its inputs where they are known."""
        found = plan.compensation
        if found is not None:
            self.wires += (found.before, found.after, columns_power(crossbar.targets, moments))
            self.weighed = moments is not None
            self.rounds = max(self.rounds, found.rounds)
        if plan.column_power is not None and moments is not None:
            self.joint += (*plan.column_power.sum(axis=1), column_power(crossbar.targets, moments).sum())

    def result(self) -> dict[str, Any]:
        """``ir_drop`` and ``joint_columns``, each where it was asked for, with ``before`` and ``after``.

        ``ir_drop``: rms error of a tile's column with wires over its rms output, without compensation at the same
        scale and as programmed, the most ``rounds`` that a tile took, and ``weighed``: whether over the calibration
        inputs; if not, over inputs that are independent and alike, which is the rms error of the effective matrix over
        the rms of the targets. ``joint_columns``: rms error of a tile's column over its rms output, over the
        calibration inputs, with ideal wires, with every cell chosen by itself and as programmed.
        """
        result: dict[str, Any] = {}
        if self.wires.any():
            result["ir_drop"] = _before_and_after(self.wires) | {"rounds": self.rounds, "weighed": self.weighed}
        if self.joint.any():
            result["joint_columns"] = _before_and_after(self.joint)
        return result


def _before_and_after(squares: Array) -> dict[str, float]:
    before, after = np.sqrt(squares[:2] / (squares[2] or 1.0)).tolist()
    return {"before": before, "after": after}

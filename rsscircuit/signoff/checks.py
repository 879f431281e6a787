"""What is compared for one tile, and how far apart it may be.

Why one row at a time: with one row driven, the current of column j is that of cell (row, j) alone, and closing or
opening any of its branches moves it by at least the smallest branch's current. If the current is less than half of
that away from the plan's, it is further away as soon as one bit is flipped. No other row can make up for it, and with
all rows driven many small differences could.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar, Design, MappedLayer
from rsscircuit.mapping import Tile
from rsscircuit.simulate.engines import parasitic_matrices
from rsscircuit.sources import OPEN_SIEMENS

Array = NDArray[np.float64]
CLOSED_FORM, NODAL = "closed form of the plan", "nodal analysis of the plan"
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison.

    Attributes:
        name: What is compared.
        figure: What was found.
        limit: It passes below that, or where nothing differs.
        unit: Of both.
    """

    name: str
    figure: float
    limit: float
    unit: str

    @property
    def passed(self) -> bool:
        """Whether it holds; a figure that is not a number does not."""
        return self.figure < self.limit or self.figure == 0

    def record(self) -> dict[str, Any]:
        """As JSON holds it, which has no number for what is not finite."""
        figure = float(self.figure) if np.isfinite(self.figure) else None
        return {
            "name": self.name, "passed": self.passed, "figure": figure, "limit": self.limit, "unit": self.unit
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expected:
    """What the currents of a tile should be.

    Attributes:
        ampere: [cases, cols], of the plan's true branches at their own voltages.
        trained: [cases, cols], of what the pairs aim at: the trained weights, or those with the wires allowed for.
        error: [cases, cols], how far ``ampere`` may be from ``trained``, ampere.
    """

    ampere: Array
    trained: Array
    error: Array


def expected(design: Design, layer: MappedLayer, tile: Tile, crossbar: Crossbar, volts: Array) -> Expected:
    """The currents that logical ``volts`` [cases, rows] should give.

    The plan's are the sum of true branch conductances times volts, with what voltage coefficients and switches add
    (:meth:`rsscircuit.design.Crossbar.bend`); where the netlists have wires, their nodal analysis. The stated error is
    the design's: the largest error of a weight of the layer, on every row with the same sign, and what the plan's
    currents have beyond the linear term.
    """
    linear = volts @ crossbar.pair_siemens()
    if design.options["wires"]:
        matrix, bend = parasitic_matrices(crossbar, design.technology, design.segments)
        ampere = volts @ matrix + bend.currents(volts)
    else:
        ampere = linear + crossbar.bend(design.technology).currents(volts)
    worst = np.abs(volts) @ stated_error(layer)[tile.window]
    return Expected(ampere=ampere, trained=volts @ crossbar.aimed, error=worst + np.abs(ampere - linear))


def stated_error(layer: MappedLayer) -> Array:
    """The largest error of every weight, siemens [rows, cols], as the design states it for the layer's weights."""
    matrix, figures = layer.matrix, layer.statistics
    bias, weights = np.abs(matrix.weights[: matrix.bias_rows]), np.abs(matrix.weights[matrix.bias_rows :])
    error = np.empty_like(matrix.weights)
    error[: matrix.bias_rows] = figures["worst_bias_error"] * bias.max(initial=0.0)
    error[matrix.bias_rows :] = figures["worst_weight_error"] * weights.max(initial=0.0)
    result: Array = np.where(matrix.weights != 0, error, 0.0) * layer.siemens_per_weight
    return result


def smallest_siemens(crossbar: Crossbar) -> float:
    """The smallest branch of a tile that conducts; an open resistor has no bit that a current could show."""
    on = crossbar.die.on_siemens
    return float(on[on > OPEN_SIEMENS].min(initial=np.inf))


def current_checks(design: Design, crossbar: Crossbar, rows: int, currents: Array, wanted: Expected) -> list[Check]:
    """The checks of simulated ``currents`` [rows + cases, cols]: one row at a time first, then real inputs."""
    half = HALF * smallest_siemens(crossbar) * design.technology.drive.read_volt
    off_by = np.abs(currents - wanted.ampere) / half
    trained, error = np.abs(currents - wanted.trained)[rows:], wanted.error[rows:]
    share = np.divide(trained, error, out=np.where(trained > 0, np.inf, 0.0), where=error > 0)
    unit = "of half the smallest branch's current"
    return [
        Check(name="one row at a time", figure=_worst(off_by[:rows]), limit=1.0, unit=unit),
        Check(name="real inputs, plan", figure=_worst(off_by[rows:]), limit=1.0, unit=unit),
        Check(name="real inputs, weights", figure=_worst(share), limit=1.0 + 1e-9, unit="of the stated error"),
    ]


def _worst(figures: Array) -> float:
    return float(figures.max(initial=0.0))

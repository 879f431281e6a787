"""What was programmed and how well, audited on the true banks, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design.design import Crossbar
from rsscircuit.design.program import SwitchPlan
from rsscircuit.subsetsum import Status

Array = NDArray[np.float64]
NAMED_MISSES = 5
_COUNTS = (
    "slots",
    "cells",
    "zero_weights",
    "resistors",
    "closed_switches",
    "beyond_reach",
    "beyond_tolerance",
)


@dataclass(slots=True)
class LayerAudit:
    """Gathers the figures of one layer, tile by tile.

    Attributes:
        weights: float64 [rows, cols], the layer's matrix.
        siemens_per_weight: float64 [cols].
        bias_rows: How many of the first rows hold the bias.
    """

    weights: Array
    siemens_per_weight: Array
    bias_rows: int
    squared_error: float = 0.0
    signed_error: float = 0.0
    added_error: float = 0.0
    worst_error: float = 0.0
    worst_bias_error: float = 0.0
    conductance: float = 0.0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS, 0))
    status: dict[str, int] = field(default_factory=dict)
    solvers: dict[str, str] = field(default_factory=dict)
    misses: list[str] = field(default_factory=list)
    coarse: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def skip(self, window: tuple[slice, slice]) -> None:
        """Count a tile without weights, which is not built."""
        slots = self.weights[window].size
        self.counts["slots"] += slots
        self.counts["zero_weights"] += slots

    def add(self, window: tuple[slice, slice], crossbar: Crossbar, plan: SwitchPlan) -> None:
        """Take in one tile."""
        weights = self.weights[window]
        drawn = weights != 0
        scale = np.broadcast_to(self.siemens_per_weight[window[1]], weights.shape)
        every_error = crossbar.pair_siemens() / scale - weights
        if crossbar.aims is not None:  # what the wires are to take away is no error of the pairs
            every_error -= (crossbar.aims - crossbar.targets) / scale
        bias = max(0, self.bias_rows - window[0].start)
        error = every_error[bias:]
        self.worst_bias_error = max(self.worst_bias_error, float(np.abs(every_error[:bias]).max(initial=0.0)))
        self.squared_error += float((error**2).sum())
        self.added_error += float(error.sum())
        self.signed_error += float((error * np.sign(weights[bias:])).sum())
        self.worst_error = max(self.worst_error, float(np.abs(error).max(initial=0.0)))
        self.conductance += float(crossbar.bank_siemens().sum())
        found = {
            "slots": weights.size,
            "cells": int(drawn.sum()),
            "zero_weights": int(weights.size - drawn.sum()),
            "resistors": int(drawn.sum()) * 2 * crossbar.closed.shape[3],
            "closed_switches": int(crossbar.closed.sum()),
            "beyond_reach": int(plan.beyond_reach.sum()),
            "beyond_tolerance": int(plan.beyond_tolerance.sum()),
        }
        for key, count in found.items():
            self.counts[key] += count
        for state, count in zip(*np.unique(plan.status[drawn], return_counts=True), strict=True):
            name = Status(int(state)).name.lower()
            self.status[name] = self.status.get(name, 0) + int(count)
        self.solvers = {**plan.solvers, **self.solvers}
        impossible = [(row, column) for row, column in np.argwhere(plan.status == Status.INFEASIBLE).tolist()]
        for places, remark in (
            (impossible, "cells without a subset that meets the bounds and the stuck switches"),
            (list(plan.unproved), "cells not proved best"),
        ):
            if places:
                why = plan.unproved.get(places[0], "")
                first = f"the first in row {places[0][0]}, column {places[0][1]}" + (f": {why}" if why else "")
                self.notes.append(f"tile {crossbar.index}, {remark}: {len(places)}, {first}")
        for row, column in np.argwhere(plan.beyond_reach).tolist()[: NAMED_MISSES - len(self.misses)]:
            target = float(crossbar.aimed[row, column])
            reach = float(plan.reach_siemens[row, column, int(target < 0)])
            self.misses.append(
                f"{_cell(window, crossbar, row, column)}, {'-' if target < 0 else '+'}: "
                f"target {abs(target):.4g} S exceeds the bank's total {reach:.4g} S"
            )
        for row, column in np.argwhere(plan.beyond_tolerance).tolist()[: NAMED_MISSES - len(self.coarse)]:
            target, off_by = float(crossbar.aimed[row, column]), float(plan.worst_siemens[row, column])
            self.coarse.append(
                f"{_cell(window, crossbar, row, column)}: off its target of {target:.4g} S by {off_by:.4g} S"
            )

    def result(self) -> dict[str, Any]:
        """The layer's figures.

        ``rms_weight_error`` is the rms of (true - trained) weight over the rms of the trained weights;
        ``worst_weight_error`` is the largest such error, ``mean_weight_error`` their mean with its sign, which adds
        up along a column, and ``mean_signed_weight_error`` the mean growth of magnitudes, all over the largest
        weight of the layer. Bias rows are counted as cells, but their
        errors stand apart: ``worst_bias_error`` is over the largest entry of the bias rows.
        """
        cells = max(1, self.counts["cells"])
        bias, weights = self.weights[: self.bias_rows], self.weights[self.bias_rows :]
        largest = float(np.abs(weights).max(initial=0.0)) or 1.0
        weights_drawn = max(1, int(np.count_nonzero(weights)))
        power = float((weights**2).sum()) or 1.0
        return {
            **self.counts,
            "rms_weight_error": (self.squared_error / power) ** 0.5,
            "worst_weight_error": self.worst_error / largest,
            "worst_bias_error": self.worst_bias_error / (float(np.abs(bias).max(initial=0.0)) or 1.0),
            "mean_weight_error": self.added_error / weights_drawn / largest,
            "mean_signed_weight_error": self.signed_error / weights_drawn / largest,
            "mean_cell_siemens": self.conductance / cells,
            "solvers": dict(sorted(self.solvers.items())),
            "status": self.status,
            "beyond_reach_named": self.misses,
            "beyond_tolerance_named": self.coarse,
            "notes": self.notes,
        }


def _cell(window: tuple[slice, slice], crossbar: Crossbar, row: int, column: int) -> str:
    """A cell by its row and column in the matrix of the layer, as tables of branches count them."""
    return f"row {window[0].start + row}, column {window[1].start + column}, tile {crossbar.index}"


class FloorOrigin(StrEnum):
    """What a measurement floor is computed from."""

    TRUE_VALUES = "true minus measured"
    STANDARD_ERRORS = "standard errors"


@dataclass(slots=True)
class MeasurementFloor:
    """What measurement adds to the errors of a layer's pairs, however well they are solved.

    It is the true minus the measured conductance of the branches that were closed, or, for a die that is known by a
    table only, what the table's standard errors say of that.
    """

    squares: float = 0.0
    cells: int = 0
    origin: FloorOrigin = FloorOrigin.TRUE_VALUES

    def add(self, crossbar: Crossbar, sigma_siemens: Array | None, *, true_known: bool) -> None:
        """Take in one tile.

        Args:
            crossbar: As it was programmed.
            sigma_siemens: Standard errors of the measured branches, [rows, cols, 2, n], if there are any.
            true_known: Whether the true values of the branches are known.
        """
        if sigma_siemens is not None:
            self.origin = FloorOrigin.STANDARD_ERRORS
            self.squares += float((sigma_siemens[crossbar.closed] ** 2).sum())
        elif true_known:
            off_by = crossbar.die.on_siemens - crossbar.die.off_siemens - crossbar.measured.step_siemens
            banks = np.where(crossbar.closed, off_by, 0.0).sum(axis=3)
            self.squares += float(((banks[:, :, 0] - banks[:, :, 1]) ** 2).sum())
        else:
            return
        self.cells += int(np.count_nonzero(crossbar.targets))

    def result(self, full_scale: float) -> dict[str, Any]:
        """``measurement_floor``: rms over the cells, in units of full scale, and ``measurement_floor_from``."""
        if not self.cells:
            return {}
        floor = (self.squares / self.cells) ** 0.5 / full_scale
        return {"measurement_floor": floor, "measurement_floor_from": self.origin.value}


def totals(layers: Iterable[Mapping[str, Any]], resistors_per_bank: int) -> dict[str, Any]:
    """Counts of a whole design from its layers' figures, with what zero weights saved."""
    gathered = list(layers)
    sums = {key: sum(int(layer[key]) for layer in gathered) for key in _COUNTS}
    return sums | {"resistors_saved": sums["zero_weights"] * 2 * resistors_per_bank}

"""Compensation of the wires: pairs aim beside their targets, so that what the columns see with wires is on them.

With all others left as they are, a column's current depends on its own pairs alone, so that the effective matrix of a
tile is nearly W_eff_ij = a_ij G_ij with a_ij < 1 that move little with G (the conversion algorithm of Hu et al., DAC
2016, solves for such G too). What is programmed is moved by the error that is left,

    aim <- G + (target - W_eff(G)) / a,        a = sum(W_eff G) / sum(G^2) of the tile,

and the pairs are chosen anew. The error shrinks by |1 - a_ij / a| a round, down to what the subsets leave. As it starts
from G, not from the last aim, what the solver left does not add up, nor does an aim beyond its bank run away.

A round is judged by its columns: the wires' errors E = W_eff - target have one sign and add up along a column, those
of subsets cancel. With the second moments M of the inputs it is the power e^T M e of the columns' errors e; where
these are not known, every input counts alike by itself, M = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import MeasuredBanks
from rsscircuit.design.joint import column_power
from rsscircuit.design.program import Compensation, SwitchPlan

Array = NDArray[np.float64]
Effective = Callable[[Array], Array]
"""Column current per volt at a logical row [rows, cols], wires and all, from banks [rows, cols, 2]; siemens."""
ROUNDS = 5
WORTH = 0.98  # of the rms error: a round that leaves more is the last


def compensate(
    targets: Array,
    measured: MeasuredBanks,
    choose: Callable[[Array], SwitchPlan],
    effective: Effective,
    moments: Array | None = None,
) -> SwitchPlan:
    """The best plan of a few rounds.

    Args:
        targets: [rows, cols], signed siemens that the columns should see; zero where no bank is drawn.
        measured: The tile's banks as measured.
        choose: Programs the tile to some aims [rows, cols].
        effective: The tile's wires.
        moments: [rows, rows], second moments of the inputs; None where they are not known.

    Returns:
        The plan whose columns have the least rms error with wires, with its ``compensation``.

    Raises:
        SimulationError: A nodal solve did not converge.
    """
    plan = choose(targets)
    missing, next_aims = _seen(targets, measured, plan, effective)
    error = columns_power(missing, moments)
    best = Compensation(aims=targets, before=error, after=error, rounds=0)
    for number in range(1, ROUNDS + 1):
        aims, tried = next_aims, choose(next_aims)
        missing, next_aims = _seen(targets, measured, tried, effective)
        error = columns_power(missing, moments)
        last = best.after
        if error < best.after:
            plan, best = tried, Compensation(aims=aims, before=best.before, after=error, rounds=number)
        if error >= WORTH**2 * last:
            break
    return replace(plan, compensation=best)


def largest_aims(targets: Array, measured: MeasuredBanks, plan: SwitchPlan, effective: Effective) -> Array:
    """Where the first round would take the largest aim of every column, [cols], siemens."""
    aims = _seen(targets, measured, plan, effective)[1]
    result: Array = np.abs(aims).max(axis=0)
    return result


def lowered(scale: Array, aims: Sequence[Array]) -> Array:
    """The scale [cols] at which the largest aim of a column is what its largest target was.

    Args:
        scale: Of targets without compensation.
        aims: [cols] each, the largest targets at that scale, and after them the largest aims of every tile.
    """
    most = np.max(aims, axis=0)
    result: Array = scale * np.divide(aims[0], most, out=np.ones_like(most), where=most > 0)
    return result


def columns_power(matrix: Array, moments: Array | None) -> float:
    """The mean square of what columns put out, summed, of a matrix [rows, cols] or of its errors.

    Args:
        matrix: In siemens.
        moments: [rows, rows], second moments of the inputs; without them all are independent and alike.
    """
    return float((matrix**2).sum() if moments is None else column_power(matrix, moments).sum())


def _seen(targets: Array, measured: MeasuredBanks, plan: SwitchPlan, effective: Effective) -> tuple[Array, Array]:
    """What a plan's effective matrix lacks, and the aims of the round after it."""
    banks = np.where(plan.closed, measured.step_siemens, 0.0).sum(axis=3)
    pairs, seen = banks[:, :, 0] - banks[:, :, 1], effective(banks)
    missing = targets - seen
    slope = float((seen * pairs).sum()) / (float((pairs**2).sum()) or 1.0)
    drawn = np.any(measured.step_siemens > 0, axis=(2, 3))
    aims = np.where(drawn, pairs + missing / slope if slope > 0 else targets, 0.0)
    return missing, aims

"""Whether a measured die looks like one of the process that it is said to come from.

What lot, wafer and die do moves every branch alike, so that the median branch tells of it: it lies within some sigmas
of what was drawn. What is left over is each branch's own mismatch (Pelgrom et al. 1989) and that of its switch: a
branch far from the median of those that were drawn like it is no mismatch. Both are told, neither is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks.exchange import State
from rsscircuit.banks.table import MeasuredTable
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import on_siemens
from rsscircuit.technology.plans import BankSpec

Array = NDArray[np.float64]
SHARED_SIGMAS, LOCAL_SIGMAS = 4.0, 6.0
HEAVY_TAILED = "thesis"  # a law without a sigma


def plausibility(table: MeasuredTable, spec: BankSpec, technology: Technology) -> dict[str, Any]:
    """Compare a table with its process; branches without a value, or said to be open, are left out.

    Deviations are logarithms of ratios of conductances. Where the technology has no mismatch, a factor of two is far.

    Returns:
        ``median_to_drawn`` (the median branch over what was drawn), ``shared_sigma`` (lot, wafer and die together),
        ``median_doubtful`` (whether it is off by more than ``SHARED_SIGMAS``, with mismatch, of what was drawn),
        ``far_branches`` (how many are off by more than ``LOCAL_SIGMAS`` from the median of their nominal value) and
        ``first_far_line`` (of the file; None where there are none). Nothing where the law of the branches has no
        sigma, or where no branch conducts.
    """
    siemens, sigma, line = (_flat(each, spec.resistors) for each in (table.siemens, table.sigma_siemens, table.line))
    state = _flat(table.state, spec.resistors)
    used = (siemens > 0) & (state != State.OPEN)
    if technology.process.law_local.startswith(HEAVY_TAILED) or not used.any():
        return {}
    ohm, switch, process = spec.nominal_ohm, technology.switch, technology.process
    deviation = np.log(np.where(used, siemens, 1.0) / on_siemens(ohm, switch.on_ohm))
    own = np.hypot(technology.resistor.sigma_local(ohm) * ohm, switch.sigma_on * switch.on_ohm) / (ohm + switch.on_ohm)
    shared = float(np.linalg.norm([process.sigma_lot, process.sigma_wafer, process.sigma_die]))
    median = float(np.median(deviation[used]))
    far = np.zeros(used.shape, np.bool_)
    for nominal in np.unique(ohm):
        drawn_alike = used & (ohm == nominal)
        if drawn_alike.any():
            off_by = np.abs(deviation - np.median(deviation[drawn_alike]))
            read = np.where(used, sigma / np.where(used, siemens, 1.0), 0.0)
            limit = LOCAL_SIGMAS * np.hypot(own, read)
            far |= drawn_alike & (off_by > np.where(limit > 0, limit, np.log(2.0)))
    return {
        "median_to_drawn": float(np.exp(median)),
        "shared_sigma": shared,
        "median_doubtful": abs(median) > SHARED_SIGMAS * float(np.hypot(shared, own.max())),
        "far_branches": int(np.count_nonzero(far)),
        "first_far_line": int(line[far].min()) if far.any() else None,
    }


def _flat(values: Mapping[str, NDArray[Any]] | None, branches: int) -> NDArray[Any]:
    """Values of all layers as [banks, n]; zero where there are none."""
    if values is None:
        return np.zeros((1, branches))
    return np.concatenate([each.reshape(-1, branches) for each in values.values()])

"""Which bank a precise resistor needs: the fewest resistors with which nearly every die is within tolerance.

Nearly every one is 99 % of them, with a confidence of 95 %: none of 299 virtual dies misses, which a bank that served
fewer would do with a probability of at most 0.99^299 = 4.95 % (Wilks, Determination of sample sizes for setting
tolerance limits, Annals of Mathematical Statistics 12, 1941, 91-96).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec
from rsscircuit.banks.plausible import HEAVY_TAILED
from rsscircuit.errors import InputError
from rsscircuit.netlist.circuits.series import GAMMA
from rsscircuit.netlist.circuits.switches import SwitchKind
from rsscircuit.progress import Progress
from rsscircuit.quantities import engineering
from rsscircuit.resistor.kinds import (
    KINDS,
    MIDDLE,
    Branches,
    Kind,
    centred_bank,
    drawable_units,
    drawn_branches,
    measure,
    nearest,
)
from rsscircuit.resistor.options import ResistorOptions
from rsscircuit.resistor.voltage import not_conducting
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
SHARE, CONFIDENCE = 0.99, 0.95
DIES = math.ceil(math.log(1.0 - CONFIDENCE) / math.log(SHARE))  #: none of which misses
COUNTS = (4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenBank:
    """A bank, and the error that no virtual die of it exceeds."""

    spec: BankSpec
    reached: float


def choose_bank(
    kind: Kind, options: ResistorOptions, volt: float, technology: Technology, progress: Progress
) -> ChosenBank:
    """The smallest bank of the plan that reaches the tolerance; exactly ``options.resistors`` where they are given.

    Args:
        kind: Parallel or series.
        options: What is asked.
        volt: Across the resistor.
        technology: Plan and process.
        progress: Bars for people.

    Raises:
        InputError: The technology's branches are numbers without a unit, the value is outside what can be drawn, no
            bank reaches the tolerance, or the switches of a chain do not conduct at the voltage.
    """
    if technology.process.law_local.startswith(HEAVY_TAILED):
        raise InputError(
            "this technology draws numbers without a unit about zero, so no bank of it is centred on a resistance",
            where="--technology",
            got=technology.label,
            remedy="choose one whose law_local is about a nominal value, as thesis_iid20",
        )
    plan = technology.plan if options.bank is None else options.bank
    counts = COUNTS if options.resistors is None else (options.resistors,)
    drawable = [n for n in counts if _is_drawable(kind, plan, n, options.drawn_ohm, technology)]
    if not drawable:
        low, high = value_range(kind, plan, counts, technology)
        other = KINDS["parallel" if kind.name == "series" else "series"]
        helps = any(_is_drawable(other, plan, n, options.drawn_ohm, technology) for n in counts)
        raise InputError(
            f"{engineering(options.drawn_ohm, 'Ohm', 5)} is outside what {kind.name} banks of {technology.name} are "
            f"drawn for, {engineering(low, 'Ohm')} to {engineering(high, 'Ohm')}",
            where="--value" if options.drawn_for_ohm is None else "--drawn-for",
            remedy=f"use --circuit {other.name}" if helps else "",
        )
    found: list[ChosenBank] = []
    with progress("choosing the bank", len(drawable)) as advance:
        for n in drawable:
            spec = centred_bank(kind, plan, n, options.drawn_ohm, technology)
            chosen = ChosenBank(spec=spec, reached=reached_error(kind, spec, options.drawn_ohm, volt, technology))
            advance(1)
            if chosen.reached <= options.tolerance:
                return chosen
            found.append(chosen)
    best = min(found, key=lambda each: each.reached)
    if np.isinf(best.reached):
        raise not_conducting(options.drawn_ohm, volt)
    ways = "another plan or technology" if options.resistors is None else "another count, plan or technology"
    raise InputError(
        f"out of reach: {100 * SHARE:g} % of dies stay within {best.reached:.2g} with {best.spec.resistors} "
        f"resistors ({best.spec.plan}) at {volt:g} V",
        where="--tolerance",
        got=options.tolerance,
        remedy=f"ask for {best.reached * 1.05:.2g} or more, or use {ways}",
    )


def reached_error(kind: Kind, spec: BankSpec, value_ohm: float, volt: float, technology: Technology) -> float:
    """Largest relative error of ``DIES`` virtual dies: measured, solved, and seen as they are."""
    errors = np.empty(DIES)
    for die in range(DIES):
        true = drawn_branches(spec, technology, seed=0, die=die + 1)
        seen = measure(kind, true, spec, technology, seed=0, die=die + 1)
        operated = nearest(kind, seen, value_ohm)
        missed = kind.ohm(true, operated) - value_ohm
        if kind.name == "series":
            missed += unseen_ohm(true, seen.branches, operated, volt, technology)
        errors[die] = abs(missed / value_ohm)
    return float(errors.max())


def unseen_ohm(true: Branches, seen: Branches, kept: BoolArray, volt: float, technology: Technology) -> float:
    """What the mismatch of a chain's switches adds at a voltage beyond what small voltages showed of it, ohm.

    A measurement knows the switches only together, and a voltage along the chain raises each by another factor, here
    taken where the kept resistors alone put its source; infinite where a shorting switch would not conduct.
    """
    switch = SwitchKind(technology=technology, level="nmos", gamma=GAMMA)
    below = np.cumsum(np.where(kept, true.resistance_ohm, 0.0))
    source = technology.drive.common_mode_volt + below[~kept] * (volt / below[-1] if below[-1] > 0 else 0.0)
    raised = np.array([switch.on_ohm(each) for each in source.tolist()]) / technology.switch.on_ohm
    if (raised <= 0).any():
        return float("inf")
    return float((true.on_ohm - seen.on_ohm)[~kept] @ (raised - 1.0))


def value_range(kind: Kind, plan: str, counts: tuple[int, ...], technology: Technology) -> tuple[float, float]:
    """The resistances that lie in the middle of a bank that can be drawn, lowest and highest."""
    ends = []
    for n in counts:
        shape = centred_bank(kind, plan, n, 1e5, technology).nominal_ohm
        multiples = shape / shape.min()
        reached = [
            kind.reach(unit * multiples, technology.switch.on_ohm) for unit in drawable_units(plan, n, technology)
        ]
        ends += [kind.amount(MIDDLE * reach) for reach in reached]
    return min(ends), max(ends)


def _is_drawable(kind: Kind, plan: str, n: int, value_ohm: float, technology: Technology) -> bool:
    low, high = drawable_units(plan, n, technology)
    unit = float(centred_bank(kind, plan, n, value_ohm, technology).nominal_ohm.min())
    return low <= unit <= high

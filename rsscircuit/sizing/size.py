"""The number of resistors that each bank plan needs for an error and a confidence, by simulation.

The search goes upward from the counting bound, below which no bank can do, since a resistor more doubles the cost of
programming a bank. Twenty dies rule out most sizes; what they leave open is settled on all of them. The size
that is enough is followed by one more, which shows what a further resistor would bring.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rsscircuit.banks import BankSpec, bank_spec
from rsscircuit.errors import InputError
from rsscircuit.options import BuildOptions
from rsscircuit.progress import Progress, silent
from rsscircuit.sizing.converter import measurement_bits_for
from rsscircuit.sizing.intervals import clustered_share
from rsscircuit.sizing.outcome import LEAST_DIES, Outcome, Request, Verdict, simulate
from rsscircuit.sizing.targets import LAWS
from rsscircuit.sizing.theory import counting_bound, gap_law_miss
from rsscircuit.technology import Technology

DEFAULT_PLANS = "geometric:1.25,sub-radix:1.8,linear:0.2,uniform:4,equal"
MOST_RESISTORS = 20  # a pair is one exact problem of 40 items
MISSES_AT_LIMIT = 30  # in a default sample
SHOWN_BY_NONE = (
    3.0  # rule of three: a share p is excluded by 3 / p trials without an event, and the penalty of few dies
)
MOST_PAIRS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSize:
    """What a plan needs.

    Attributes:
        plan: The plan with its parameter.
        needed: Smallest n shown to be enough; None where none was.
        least: Smallest n not shown to miss too often; None where every one was. The 95 % interval of the n that is
            needed is from ``least`` to ``needed``.
        converter_from: First n from which on only measurement is in the way; None where it is not.
        gap_law: n that the gap law forecasts for the nominal values; None beyond the largest.
        bits: Fewest bits of the measuring converter that keep it small beside the error, at that n or the last.
        outcomes: What was simulated, n ascending.
    """

    plan: str
    needed: int | None
    least: int | None
    converter_from: int | None
    gap_law: int | None
    bits: int
    outcomes: tuple[Outcome, ...]


def split_plans(text: str, *, where: str = "--plans") -> tuple[str, ...]:
    """Plans of a list such as ``equal,list:1,1.3,1.7,linear:0.3``: a number goes on with the plan before it.

    Raises:
        InputError: An empty entry, or a plan that is named twice.
    """
    plans: list[str] = []
    for part in (entry.strip() for entry in text.split(",")):
        if plans and part[:1].isdigit():
            plans[-1] += f",{part}"
        else:
            plans.append(part)
    if "" in plans or len(set(plans)) < len(plans):
        raise InputError(
            "needs the names of different plans, joined by commas", where=where, got=text, remedy=DEFAULT_PLANS
        )
    return tuple(plans)


def sized_request(
    *,
    error: float,
    confidence: float,
    targets: str = "weights",
    dies: int | None = None,
    pairs: int = 64,
    seed: int = 1,
    measurement_share: float = 0.1,
) -> Request:
    """Check what is asked, and take enough dies for the confidence where their number is not given.

    Args:
        error: Largest error of a pair, as a fraction of full scale.
        confidence: Share of the pairs that must be within it.
        targets: Law of the targets, of :data:`rsscircuit.sizing.targets.LAWS`.
        dies: Dies of the sample; else enough for thirty misses at the limit.
        pairs: Pairs in the column of every die.
        seed: Of dies and targets.
        measurement_share: Share of the error that measurement may add, in rms.

    Raises:
        InputError: A value outside its range, or a sample that cannot show the confidence.
    """
    if not 1e-9 <= error <= 0.25:
        raise InputError("an error is a fraction of full scale from 1e-9 to 0.25", where="--error", got=error)
    if not 0.5 <= confidence <= 0.9999:
        raise InputError("a confidence is from 0.5 to 0.9999", where="--confidence", got=confidence)
    if targets not in LAWS:
        raise InputError("no such targets", where="--targets", got=targets, remedy=f"choose from {', '.join(LAWS)}")
    if seed < 0:
        raise InputError("a seed is a whole number from 0", where="--seed", got=seed)
    if not 1 <= pairs <= 4096:
        raise InputError("a column has 1 to 4096 pairs", where="--pairs", got=pairs)
    if not 0.0 < measurement_share < 1.0:
        raise InputError("a share is above 0 and below 1", where="--measurement-share", got=measurement_share)
    limit = 1.0 - confidence
    shown = _dies_without_a_miss(limit, pairs)
    if dies is None:
        dies = max(LEAST_DIES, math.ceil(MISSES_AT_LIMIT / limit / pairs))
    elif dies < LEAST_DIES:
        raise InputError("intervals over dies need some", where="--dies", got=dies, remedy=f"take {LEAST_DIES} or more")
    elif dies < shown:
        raise InputError(
            f"{dies * pairs} pairs cannot show a confidence of {confidence:g}; without a single miss that takes "
            f"{shown * pairs}",
            where="--dies",
            got=dies,
            remedy=f"take {shown} dies or more, or leave it out",
        )
    if dies * pairs > MOST_PAIRS:
        raise InputError(
            f"a sample has at most {MOST_PAIRS} pairs", where="--dies", got=dies, remedy="take fewer dies or pairs"
        )
    return Request(
        error=error,
        confidence=confidence,
        targets=targets,
        dies=dies,
        pairs=pairs,
        seed=seed,
        headroom=BuildOptions().headroom,
        measurement_share=measurement_share,
    )


def _dies_without_a_miss(limit: float, pairs: int) -> int:
    """The fewest dies on which no miss shows that there are few enough."""
    dies = max(LEAST_DIES, math.ceil(SHOWN_BY_NONE / limit / pairs))
    while clustered_share(np.zeros(dies), pairs, 1.0).high > limit:
        dies += 1
    return dies


def size(
    plans: Sequence[str], technology: Technology, request: Request, progress: Progress = silent
) -> tuple[PlanSize, ...]:
    """The number of resistors that each plan needs.

    Args:
        plans: As ``geometric:1.25``; a list of multiples is tried at its own length alone.
        technology: Its process, switch and converter.
        request: What is asked, from :func:`sized_request`.
        progress: A bar a plan.

    Raises:
        InputError: A plan that does not exist, or an error that no bank within the limits meets.
    """
    first = max(1, math.ceil(counting_bound(request.error, request.confidence, request.law) / 2))
    if first > MOST_RESISTORS:
        raise InputError(
            f"the counting bound asks for {first} resistors a bank, and {MOST_RESISTORS} is the most that is simulated",
            where="--error",
            got=request.error,
        )
    banks = [_banks(plan, technology, first) for plan in plans]
    return tuple(_size_plan(specs, technology, request, progress) for specs in banks)


def _banks(plan: str, technology: Technology, first: int) -> list[BankSpec]:
    """The banks of a plan, n ascending."""
    sizes = [plan.count(",") + 1] if plan.startswith("list:") else range(first, MOST_RESISTORS + 1)
    if sizes[0] > MOST_RESISTORS:
        raise InputError(f"a list has at most {MOST_RESISTORS} multiples here", where="--plans", got=plan)
    try:
        return [bank_spec(plan, n, technology.resistor.unit_ohm) for n in sizes]
    except InputError as error:
        remedy = "name plans as build --bank does, for example geometric:1.25"
        raise InputError(error.what, where="--plans", got=plan, remedy=remedy) from error


def _size_plan(specs: Sequence[BankSpec], technology: Technology, request: Request, progress: Progress) -> PlanSize:
    tried: list[Outcome] = []
    with progress(specs[0].plan[:28], len(specs)) as advance:
        for spec in specs:
            tried.append(_settled(spec, technology, request))
            advance(1)
            if _done(tried):
                break
        advance(len(specs) - len(tried))
        enough = tried[-1].verdict is Verdict.ENOUGH
        more = [simulate(spec, technology, request, request.dies) for spec in specs[len(tried) :][:1] if enough]
    last = specs[len(tried) - 1]
    limit, law, headroom = request.limit, request.law, request.headroom
    possible = (outcome.resistors for outcome in tried if outcome.miss.low <= limit)
    blocked = itertools.takewhile(lambda outcome: outcome.verdict is Verdict.CONVERTER, reversed(tried))
    forecast = (
        spec.resistors for spec in specs if gap_law_miss(spec, technology, request.error, law, headroom) <= limit
    )
    return PlanSize(
        plan=last.plan,
        needed=last.resistors if enough else None,
        least=next(possible, None),
        converter_from=min((outcome.resistors for outcome in blocked), default=None),
        gap_law=next(forecast, None),
        bits=measurement_bits_for(
            request.error, last, technology, law, headroom=headroom, share=request.measurement_share
        ),
        outcomes=(*tried, *more),
    )


def _settled(spec: BankSpec, technology: Technology, request: Request) -> Outcome:
    """What some dies show, or all of them where those leave it open."""
    outcome = simulate(spec, technology, request, LEAST_DIES)
    if outcome.verdict is Verdict.TOO_FEW or request.dies == LEAST_DIES:
        return outcome
    return simulate(spec, technology, request, request.dies)


def _done(outcomes: Sequence[Outcome]) -> bool:
    """Whether enough is reached, or only measurement is in the way of the last two sizes."""
    last = [outcome.verdict for outcome in outcomes[-2:]]
    return last[-1] is Verdict.ENOUGH or last == [Verdict.CONVERTER] * 2

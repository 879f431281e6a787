"""The answer of ``generate-crossbar size`` as tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rsscircuit.options import DEFAULT_TOLERANCE
from rsscircuit.report.tables import percent, print_lines, print_table
from rsscircuit.sizing.targets import LAWS
from rsscircuit.technology import Technology

PLAN_HEADS = ("plan", "n", "95 %", "pair\num2", "bits of\nthe pair", "n by\ngap law", "bits of the\nconverter")
BEFORE = 2  # sizes shown of a plan up to the one that answers


def show_sizes(record: Mapping[str, Any], technology: Technology) -> None:
    """What each plan needs, how its pairs came out near that size, and what theory says."""
    print_lines(_question(record, technology))
    print_table(PLAN_HEADS, plan_rows(record))
    print_lines([*_notes(record), ""])
    print_table(
        ("plan", "n", "misses\n%", "coverage\n%", "resolution\n%", "measure-\nment, %", "rms\nppm", "floor\nppm"),
        [row for plan in record["plans"] for row in _outcome_rows(plan)],
    )
    print_lines(
        [
            "below a figure its 95 % interval; misses are of coverage (target beyond the pair's reach), resolution",
            "(within it, no subset near enough) or measurement (one is, but readings and their grid led to another);",
            "rms: error of a column over full scale, median over the dies; floor: the part that measurement adds;",
            "*: the n of the first table",
            "",
        ]
    )
    _show_theory(record)


def _question(record: Mapping[str, Any], technology: Technology) -> list[str]:
    law, error, confidence = LAWS[record["targets"]], record["error"], record["confidence"]
    return [
        f"{technology.label}: {technology.title}",
        f"asked        {percent(confidence, 6)} of the pairs within {percent(error)} of full scale of their target",
        f"build        takes {percent(DEFAULT_TOLERANCE)} of full scale where no --tolerance is given: ask for it by "
        f"--error {DEFAULT_TOLERANCE:.2g}",
        f"targets      {law.name}: {law.meaning}, of either sign",
        f"full scale   {record['headroom']:g} times the median measured bank of a column, as in build",
        f"sample       {record['dies']} dies of {record['pairs']} pairs, seed {record['seed']}; "
        f"{record['screen']} dies where those rule a size out",
    ]


def plan_rows(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row a plan, under ``PLAN_HEADS``."""
    return [_plan_row(plan) for plan in record["plans"]]


def _plan_row(plan: Mapping[str, Any]) -> tuple[str, ...]:
    needed = plan["needed"]
    at = next((outcome for outcome in plan["outcomes"] if outcome["resistors"] == needed), None)
    return (
        plan["plan"],
        "-" if needed is None else str(needed),
        _sizes(plan),
        "-" if at is None else f"{at['area_um2']:,.0f}".replace(",", " "),
        "-" if at is None else "{value:.2f} ({low:.2f}–{high:.2f})".format(**at["bits"]),
        "-" if plan["gap_law"] is None else str(plan["gap_law"]),
        str(plan["bits"]),
    )


def _sizes(plan: Mapping[str, Any]) -> str:
    """The 95 % interval of the size that is needed."""
    needed, least = plan["needed"], plan["least"]
    if needed is not None:
        return str(needed) if least == needed else f"{least}–{needed}"
    if plan["converter_from"] is not None:
        return "-"
    return f"from {least or plan['outcomes'][-1]['resistors'] + 1}"


def _notes(record: Mapping[str, Any]) -> Iterator[str]:
    share, own = percent(record["measurement_share"]), record["converter"]
    yield (
        f"n: fewest resistors a bank shown to be enough; bits of the converter: so that measurement adds {share} of "
    )
    yield f"the error, rms, with {own['averages']:g} averages; that of {record['technology']} has {own['bits']:g}"
    for plan in record["plans"]:
        if plan["needed"] is None:
            yield f"{plan['plan']}: {_why_not(plan, record)}"


def _why_not(plan: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Why no size was shown to be enough."""
    last = plan["outcomes"][-1]
    limit, miss = 1.0 - record["confidence"], last["miss"]
    dies = math.ceil(record["dies"] * miss["high"] / limit / 100) * 100
    open_yet = miss["low"] <= limit
    if plan["converter_from"] is not None:
        way = f"from {plan['converter_from']} resistors on only measurement"
        remedy = f"a converter of {plan['bits']} bits is what it takes"
        return f"{way} can be in the way; {dies} dies may tell" if open_yet else f"{way} is in the way; {remedy}"
    if plan["least"] is None:
        return f"{last['resistors']} resistors are too few"
    return f"open up to {last['resistors']} resistors" + (f"; {dies} dies may tell" if open_yet else "")


def _outcome_rows(plan: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The size that answers, those before it and the one after it."""
    outcomes = plan["outcomes"]
    sizes = [outcome["resistors"] for outcome in outcomes]
    answer = sizes.index(plan["needed"]) if plan["needed"] is not None else len(sizes) - 1
    first = max(0, answer + 1 - BEFORE)
    for position, outcome in enumerate(outcomes[first:]):
        yield (
            plan["plan"] if position == 0 else "",
            f"{outcome['resistors']}" + (" *" if outcome["resistors"] == plan["needed"] else ""),
            *(_below(outcome[key], 1e2, 2) for key in ("miss", "coverage", "resolution", "measurement")),
            *(_below(outcome[key], 1e6, 3) for key in ("rms", "floor")),
        )


def _below(figure: Mapping[str, float], factor: float, digits: int) -> str:
    """A value and below it its interval."""
    value, low, high = (_digits(factor * figure[key], digits) for key in ("value", "low", "high"))
    return f"{value}\n{low}–{high}"


def _range(figure: Mapping[str, float]) -> str:
    """A value and its interval on one line."""
    value, low, high = (_digits(figure[key], 3) for key in ("value", "low", "high"))
    return f"{value} ({low}–{high})"


def _digits(value: float, digits: int) -> str:
    """So many significant digits, without an exponent; 0 where four decimals show none."""
    return f"{float(f'{value:.{digits}g}'):.10g}" if value >= 1e-4 else "0"


def _show_theory(record: Mapping[str, Any]) -> None:
    theory = record["theory"]
    lueker, volume, vectors = theory["lueker"], theory["volume"], theory["vectors"]
    error, least = f"{record['error']:g}", max(1, math.ceil(theory["counting_items"] / 2))
    print_lines(
        [
            f"counting bound      n >= {least}: 4^n sums must cover the targets",
            f"Lueker's theorem    n >= {_range(lueker['resistors'])}: 2n items U[-1, 1] then reach every point of "
            "[-1, 1]",
            f"                    within {error} with probability 1 - {error}, by C log2(1/error) with C = "
            f"{_range(lueker['constant'])},",
            f"                    fitted at errors from 1/{1 / max(lueker['errors']):g} to "
            f"1/{1 / min(lueker['errors']):g}",
            f"approximated volume grows by a factor of {_range(volume['growth'])} an item below v = 1/2 (error "
            f"{volume['error']:g});",
            f"                    Lemma 2.2.1, at least 1 + (1 - v) / 4, holds in {_of_states(volume)}",
            f"vectors             in d dimensions, every coordinate within {2 * vectors[0]['error']:g} at "
            f"{percent(vectors[0]['confidence'])} of the points of [-1, 1]^d:",
        ]
    )
    print_table(
        ("d", "n", "95 %", "counting\nbound", "by expected\nsubsets", "Theorem 3.1.2\nis C times"),
        [
            (
                str(each["dimensions"]),
                str(each["needed"]),
                f"{each['least']}–{each['needed']}",
                str(each["counting_bound"]),
                str(each["forecast"]),
                f"{each['theorem_over_constant']:.0f}",
            )
            for each in theory["vectors"]
        ],
    )


def _of_states(volume: Mapping[str, Any]) -> str:
    states, violations = volume["states"], volume["violations"]
    return f"all of {states} states" if violations == 0 else f"{states - violations} OF ONLY {states} STATES"

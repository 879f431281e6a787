"""What a resistor more or less would bring: errors of pairs against n, simulated and by theory.

Pairs of the design's plan are drawn in its technology, measured and set to their nearest subset, as ``size`` does
(:mod:`rsscircuit.sizing`); the design itself stands beside them with its own pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rsscircuit.banks import BankSpec, bank_spec
from rsscircuit.report.page.drawing import INK, SERIES, draw
from rsscircuit.report.page.facts import Facts
from rsscircuit.report.page.section import Figure, Mark, Section
from rsscircuit.report.page.words import count, share
from rsscircuit.sizing import LAWS, Request, measurement_floor, program_pairs
from rsscircuit.sizing.theory import gap_law_miss

MOST_RESISTORS = 14  # simulated: a pair is one exact problem of 28 items
LEAST_RESISTORS = 2
DIES, PAIRS = 20, 50
CONFIDENCE = 0.99
NORMAL_99 = 2.5758  # a normal error is within so many sigma with 99 %
LAW = LAWS["weights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Errors that 99 % of the pairs keep at one n, all over full scale.

    Attributes:
        resistors: Resistors a bank.
        simulated: Of the sample, and the 95 % interval as of independent pairs: value, low, high; None where not
            simulated.
        gap_law: By the gap law, without measurement.
        counting: The bound by counting, without measurement.
        floor: What measurement alone adds, were it normal.
    """

    resistors: int
    simulated: tuple[float, float, float] | None
    gap_law: float
    counting: float
    floor: float


def resistors(facts: Facts) -> Section:
    """The section."""
    points, own = curve(facts), facts.design.bank.resistors
    at_own = min(points, key=lambda point: abs(point.resistors - own))
    errors = [
        (each.layer.name, float(np.quantile(np.abs(each.drawn), CONFIDENCE)))
        for each in facts.errors
        if each.drawn.size
    ]
    reached = at_own.gap_law if at_own.simulated is None else at_own.simulated[0]
    how = "by the gap law" if at_own.simulated is None else "in simulation"
    tolerance = facts.design.options["tolerance"]
    asked = (
        ""
        if not tolerance
        else (
            "; the build asked for no better than half an ADC step"
            if tolerance == "adc"
            else f"; the build asked for no better than {share(float(tolerance))}"
        )
    )
    return Section(
        anchor="resistors",
        title="Error against the number of resistors",
        lead=f"With {count(own, 'resistor')} a bank, 99 % of the pairs can come within {share(reached)} of full "
        f"scale of "
        f"their target {how}{asked}.",
        prose=[
            f"Targets of the sample are {LAW.meaning}; {DIES} dies of {PAIRS} pairs, each die of another lot. "
            f"The gap law "
            "takes sums as independent and lie about normally, so that a target misses with probability "
            "exp(−2 λ error), λ = 4ⁿ φ(z) / σ; counting says that 4ⁿ sums must cover the targets. Neither knows of "
            "measurement, which no number of resistors gets below."
        ],
        figures=[_figure(facts, points, errors)],
    )  # fmt: skip


def curve(facts: Facts) -> list[Point]:
    """Errors from two resistors to one more than the design has; simulated as far as that is cheap."""
    own = facts.design.bank.resistors
    return [_point(facts, resistors) for resistors in range(LEAST_RESISTORS, max(own, LEAST_RESISTORS) + 2)]


def _point(facts: Facts, resistors: int) -> Point:
    design, options = facts.design, facts.design.options
    spec = bank_spec(facts.record["bank"]["plan"], resistors, design.technology.resistor.unit_ohm)
    headroom = options["headroom"]
    known = None
    if resistors <= MOST_RESISTORS:
        request = Request(
            error=1.0, confidence=CONFIDENCE, targets=LAW.name, dies=DIES, pairs=PAIRS, seed=options["seed"],
            headroom=headroom, measurement_share=0.1,
        )  # fmt: skip
        known = quantile_of(np.sort(np.abs(program_pairs(spec, design.technology, request, DIES).error).ravel()))
    return Point(
        resistors=resistors,
        simulated=known,
        gap_law=_gap_law(spec, facts, headroom),
        counting=LAW.narrowest(CONFIDENCE) / 2.0 / 4.0**resistors,
        floor=NORMAL_99 * measurement_floor(spec, design.technology, LAW, headroom),
    )


def quantile_of(ordered: Any) -> tuple[float, float, float]:
    """The 99 % quantile of ordered values, and order statistics 1.96 sigma of their number around it."""
    middle = CONFIDENCE * (len(ordered) - 1)
    reach = 1.96 * math.sqrt(CONFIDENCE * (1.0 - CONFIDENCE) * len(ordered))
    places = [round(middle), math.floor(middle - reach), min(len(ordered) - 1, math.ceil(middle + reach))]
    value, low, high = (float(ordered[place]) for place in places)
    return value, low, high


def _gap_law(spec: BankSpec, facts: Facts, headroom: float) -> float:
    """The error at which the gap law has one target in a hundred miss, by bisection of its logarithm."""

    def missed(error: float) -> float:
        return gap_law_miss(spec, facts.design.technology, error, LAW, headroom)

    return _where(lambda log: missed(math.exp(log)) - (1.0 - CONFIDENCE), math.log(1e-15), math.log(10.0))


def _where(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return math.exp(0.5 * (low + high))


def _figure(facts: Facts, points: list[Point], errors: list[tuple[str, float]]) -> Figure:
    sizes = [point.resistors for point in points]
    simulated = [(point.resistors, *point.simulated) for point in points if point.simulated is not None]
    own = facts.design.bank.resistors

    def fill(figure: Any) -> None:
        axes = figure.subplots()
        axes.grid(visible=True, axis="y")
        ns, values, lows, highs = np.array(simulated).T
        spread = [values - lows, highs - values]
        axes.plot(sizes, [point.gap_law for point in points], color=SERIES[1], linestyle="--", label="gap law")
        axes.plot(sizes, [point.counting for point in points], color=SERIES[5], linestyle=":", label="counting bound")
        axes.plot(sizes, [point.floor for point in points], color=SERIES[2], linestyle="-.", label="measurement alone")
        axes.errorbar(ns, values, yerr=spread, color=SERIES[0], marker="o", markersize=4, capsize=2, label="simulated")
        axes.plot([own] * len(errors), [error for _, error in errors], "D", color=SERIES[4], markersize=5,
                  markerfacecolor="none", label="this design's layers")  # fmt: skip
        low = min(point.floor for point in points)
        axes.set(yscale="log", xlabel="resistors a bank, n", ylabel="error that 99 % keep, of full scale")
        axes.set_ylim(max(low / 3.0, 1e-8), 2.0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="upper right", labelcolor=INK)

    alt = (
        f"Error that 99 % of pairs keep, against 2 to {sizes[-1]} resistors a bank: it falls steeply until measurement "
        "holds it up"
    )
    rows: list[tuple[object, ...]] = [("simulated", *each) for each in simulated]
    for name in ("gap_law", "counting", "floor"):
        rows += [(name, point.resistors, getattr(point, name), None, None) for point in points]
    rows += [(f"layer {name}", own, error, None, None) for name, error in errors]
    return Figure(
        name="error-against-n",
        title="Error of a pair against resistors a bank",
        caption="Bars: 95 % interval of the quantile, as of independent pairs. Measurement alone: 2.58 times "
        "its rms. Where "
        "the design's layers lie above the curve, their tolerance let them.",
        alt=alt,
        mark=Mark.SIMULATED,
        drawing=draw(
            "error-against-n",
            alt,
            (4.8, 3.6),
            fill,
            ("curve", "resistors", "error_over_full_scale", "low", "high"),
            rows,
        ),
    )

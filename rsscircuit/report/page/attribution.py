"""Where the output error comes from."""

from __future__ import annotations

from typing import Any

from rsscircuit.report.inference import effects_line, readout_words
from rsscircuit.report.page.drawing import INK, SERIES, draw
from rsscircuit.report.page.facts import Facts, Result
from rsscircuit.report.page.section import Figure, Mark, Section, Table
from rsscircuit.report.page.summary import not_evaluated
from rsscircuit.report.page.words import count, sentence, share

VARIANTS = {
    "trained": "trained network",
    "mapped": "mapped design",
    "with_parasitics": "with parasitics",
    "chip": "chip, converters and all",
}


def attribution(facts: Facts) -> Section:
    """The section."""
    evaluation, found = facts.result("evaluate"), facts.result("attribution")
    missing = [] if evaluation else [not_evaluated(facts)]
    if found is None:
        missing.append(facts.missing("What each effect costs", "evaluate", "--attribute", "--limit", "1000", data=True))
    about = found or evaluation
    return Section(
        anchor="attribution",
        title="Accuracy and what costs it",
        lead=_lead(evaluation, found),
        prose=[]
        if about is None
        else [f"{sentence(effects_line(about))}. {sentence(readout_words(about['readout']))}."],
        opening=[_variants(evaluation)] if evaluation else [],
        figures=[_figure(found)] if found and found["contributions"] else [],
        tables=[
            *([_contributions(found)] if found and found["contributions"] else []),
        ],
        missing=missing,
    )


def _lead(evaluation: Result | None, found: Result | None) -> str:
    if found and found["contributions"]:
        total = sum(each["squared_error"] for each in found["contributions"])
        largest = max(found["contributions"], key=lambda each: float(each["squared_error"]))
        part = largest["squared_error"] / total if total else 0.0
        return (
            f"Of the chip's output error of {share(found['output_error']['chip'])} most comes from "
            f"{largest['effect']}: "
            f"{share(part)} of its square, and {share(largest['alone']['output_error'])} alone."
        )
    if evaluation:
        return (
            f"The chip's output error is {share(evaluation['output_error']['chip'])}; what makes it has not "
            "been told apart."
        )
    return "Neither the chip's accuracy nor what costs it has been run."


def _variants(result: Result) -> Table:
    rows = []
    names = VARIANTS if "mapped" in result["agreement"] else VARIANTS | {"chip": "chip, with what is at work"}
    for key, name in names.items():
        agreement, error = result["agreement"].get(key), result["output_error"].get(key)
        if agreement is None and key != "trained":
            continue
        accuracy = share(result["accuracy"][key], 4) if key in result["accuracy"] else "–"
        rows.append(
            (name, accuracy, "–" if agreement is None else share(agreement, 5), "–" if error is None else share(error))
        )
    note = (
        f"{count(result['images'], 'input')}. Agreement: predictions equal to the trained network's. Output "
        f"error: rms of "
        "the error over the rms of the trained network's output. Mapped: subset sums of the true branches; parasitics: "
        "wires, leakage and what bends a branch."
    )
    heads = ("", "accuracy", "agreement", "output error")
    return Table(title="How the chip answers", heads=heads, rows=rows, mark=Mark.SIMULATED, note=note)


def _contributions(result: Result) -> Table:
    total = sum(each["squared_error"] for each in result["contributions"])
    rows = [
        (
            each["effect"],
            share(each["alone"]["output_error"]),
            share(each["alone"]["agreement"], 5),
            share(each["together"]["output_error"]),
            share(each["together"]["agreement"], 5),
            share(each["squared_error"] / total) if total else "–",
        )
        for each in result["contributions"]
    ]
    heads = ("effect", "error alone", "agreement alone", "error with those above", "agreement", "of the squared error")
    note = (
        f"{count(result['images'], 'input')}. Effects are switched on in this order; what each adds to the "
        f"squared error "
        "sums to the whole. A negative share cancels part of what stands above it."
    )
    return Table(title="What each effect costs", heads=heads, rows=rows, mark=Mark.SIMULATED, note=note)


def _figure(result: Result) -> Figure:
    found = result["contributions"]
    total = sum(each["squared_error"] for each in found) or 1.0
    names = [each["effect"] for each in found]
    places = range(len(found) - 1, -1, -1)

    def fill(figure: Any) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        left.barh(places, [100 * each["alone"]["output_error"] for each in found], color=SERIES[0], height=0.7)
        left.set_yticks(list(places), names)
        left.set(xlabel="output error alone, %")
        shares = [100 * each["squared_error"] / total for each in found]
        right.barh(places, shares, color=[SERIES[1] if part >= 0 else SERIES[2] for part in shares], height=0.7)
        right.axvline(0.0, color=INK, linewidth=0.6)
        right.set(xlabel="of the squared error, %")
        for axes in (left, right):
            axes.tick_params(axis="y", length=0)
            axes.grid(visible=True, axis="x")
            axes.xaxis.get_major_locator().set_params(nbins=4)

    largest = max(found, key=lambda each: float(each["squared_error"]))
    alt = f"Output error of {len(found)} effects, alone and as they add up; {largest['effect']} adds most"
    rows = [
        (
            each["effect"],
            each["alone"]["output_error"],
            each["together"]["output_error"],
            each["squared_error"],
            each["squared_error"] / total,
        )
        for each in found
    ]
    return Figure(
        name="attribution",
        title="Output error by effect",
        caption="Left: with this effect alone. Right: what it adds to the squared output error, switched on after "
        "those above it; to the left of zero it takes some of theirs back.",
        alt=alt,
        mark=Mark.SIMULATED,
        drawing=draw(
            "attribution",
            alt,
            (4.8, 0.9 + 0.22 * len(found)),
            fill,
            ("effect", "error_alone", "error_with_those_above", "adds_to_squared_error", "share"),
            rows,
        ),
    )

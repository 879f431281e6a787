"""How accuracy and output errors spread: over dies, over drifts, and by tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rsscircuit.report.page.drawing import FAINT, INK, SERIES, draw
from rsscircuit.report.page.facts import Facts, Result
from rsscircuit.report.page.section import Figure, Mark, Section, Table
from rsscircuit.report.page.words import count, plain, share
from rsscircuit.report.population import NAMES, whole_inputs

DIGITS = {"accuracy": 4, "agreement": 5, "output_error": 3}


def spread(facts: Facts) -> Section:
    """The section."""
    chips = [result for result in facts.results("yield_*") if result["trials"]]
    tiles = [result for result in facts.results("montecarlo_*") if result.get("trials") and "columns" in result]
    missing = []
    if not chips:
        missing.append(facts.missing("Accuracy over dies", "yield", "--dies", "20", "--limit", "1000", data=True))
    if not tiles:
        layer = facts.design.layers[0]
        words = ("--layer", layer.name, "--tile", str(layer.drawn_tiles[0].index if layer.drawn_tiles else 0))
        missing.append(facts.missing("Output error of a tile over dies", "montecarlo", *words, "--trials", "100"))
    lost = sum(len(result["lost"]) for result in (*chips, *tiles))
    return Section(
        anchor="spread",
        title="Spread over dies",
        lead=_lead(chips, tiles),
        warnings=[f"{count(lost, 'trial')} were lost; the figures are of the others."] if lost else [],
        figures=[*(_chips(result) for result in chips), *(_tile(result) for result in tiles)],
        tables=[
            *([_figures(chips)] if chips else []),
            *([_shares(chips)] if any(result["yield"] for result in chips) else []),
            *([_tiles(tiles)] if tiles else []),
        ],
        missing=missing,
    )


def _kind(result: Result) -> str:
    return "drifts" if result["kind"] == "fixed program" else "dies"


def _lead(chips: Sequence[Result], tiles: Sequence[Result]) -> str:
    if chips:
        result = chips[0]
        error, agreement = result["figures"]["output_error"], result["figures"]["agreement"]
        return (
            f"Over {count(result['trials'])} {_kind(result)} the output error is {share(error['mean'])} in the "
            f"mean with "
            f"a standard deviation of {share(error['standard_deviation'], 2)}; the worst agrees with the trained "
            f"network on {share(agreement['worst'], 5)} of {count(result['images'], 'input')}."
        )
    if tiles:
        result = tiles[0]
        return (
            f"Over {count(result['trials'], 'trial')} the output error of {result['layer']} tile {result['tile']} is "
            f"{share(result['mean'])} in the mean; the whole network has not been run over dies."
        )
    return "What is above is one die; how others come out has not been run."


def _figures(chips: Sequence[Result]) -> Table:
    rows = []
    for result in chips:
        for name, figure in result["figures"].items():
            digits = DIGITS[name]
            rows.append(
                (
                    f"{NAMES[name]}, {count(result['trials'])} {_kind(result)}",
                    share(figure["mean"], digits),
                    share(figure["standard_deviation"], 2),
                    *(_percentile(figure["percentiles"][each], digits) for each in ("5", "50", "95")),
                    share(figure["worst"], digits),
                    str(result["seed"] + figure["worst_trial"] - 1),
                )
            )  # fmt: skip
    heads = ("figure", "mean", "std. dev.", "5 %", "median", "95 %", "worst", "its seed")
    inputs = ", ".join(count(result["images"], "input") for result in chips)
    return Table(title="Figures of the chips", heads=heads, rows=rows, mark=Mark.SIMULATED, note=f"{inputs}.")


def _percentile(value: float | None, digits: int) -> str:
    return "–" if value is None else share(value, digits)


def _shares(chips: Sequence[Result]) -> Table:
    rows = []
    for result in chips:
        for name, kept in result["yield"].items():
            sign = "at most" if name == "output_error" else "at least"
            limit = f"{NAMES[name]} {sign} {share(kept['limit'], 5)}" if name in NAMES else "all of them"
            rows.append(
                (
                    f"{limit}, {_kind(result)}",
                    f"{kept['kept']} of {kept['chips']}",
                    share(kept["share"], 4),
                    f"{share(kept['low'])} to {share(kept['high'])}",
                )
            )
    heads = ("limit", "keep it", "yield", "95 % interval")
    return Table(title="Yield", heads=heads, rows=rows, mark=Mark.SIMULATED, note="Intervals: Clopper-Pearson.")


def _tiles(tiles: Sequence[Result]) -> Table:
    rows = []
    for result in tiles:
        high = result["percentiles"]["95"]
        rows.append(
            (
                f"{result['layer']} {result['tile']}",
                f"{result['kind']}, {result['engine']}",
                count(result["trials"]),
                share(result["mean"]),
                share(result["standard_deviation"]),
                "–" if high is None else share(high),
                share(result["worst"]),
            )
        )
    heads = ("tile", "what varies, engine", "trials", "mean", "std. dev.", "95 %", "worst")
    note = "Output error against the trained matrix, over the rms output, at random inputs from 0 to full scale."
    return Table(title="Output error of tiles", heads=heads, rows=rows, left=2, mark=Mark.SIMULATED, note=note)


def _chips(result: Result) -> Figure:
    figures, kind = result["figures"], _kind(result)

    def fill(figure: Any) -> None:
        every = figure.subplots(1, len(figures), squeeze=False)[0]
        for axes, (name, found) in zip(every, figures.items(), strict=True):
            values = [100 * value for value in found["values"]]
            bins = whole_inputs(values, result["images"]) if name != "output_error" else "auto"
            axes.hist(values, bins=bins, color=SERIES[0], edgecolor=FAINT, linewidth=0.4)
            axes.margins(x=0.1, y=0.1)
            if name in result["yield"]:
                axes.axvline(100 * result["yield"][name]["limit"], color=SERIES[4], label="limit")
            if name == "accuracy":
                axes.axvline(
                    100 * result["trained_accuracy"], color=INK, linestyle="--", linewidth=1.0, label="trained"
                )
            axes.set(xlabel=f"{name.replace('_', ' ')}, %")
            axes.xaxis.get_major_locator().set_params(nbins=2)
            axes.yaxis.get_major_locator().set_params(integer=True, nbins=5)
            axes.ticklabel_format(axis="x", useOffset=False)
            left, right = axes.get_xlim()
            axes.set_xticks([tick for tick in axes.get_xticks().round(9) if left <= tick <= min(right, 100)])
        every[0].set_ylabel(kind)
        handles, labels = [], []
        for axes in every:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                if label not in labels:
                    handles.append(handle)
                    labels.append(label)
        if labels:
            figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))

    error = figures["output_error"]
    alt = (
        f"Histograms of {len(figures)} figures over {result['trials']} {kind}; output error from "
        f"{share(min(error['values']))} to {share(max(error['values']))}"
    )
    names = list(figures)
    columns = zip(*(figures[name]["values"] for name in names), strict=True)
    rows = [(each["seed"], *values) for each, values in zip(result["drawn"], columns, strict=True)]
    name = f"yield-{kind}"
    return Figure(
        name=name,
        title=f"The network on {count(result['trials'])} {kind}",
        caption=f"{count(result['images'], 'input')} each. "
        + (
            "One die and its program, which drifts."
            if kind == "drifts"
            else "Every die measured and programmed for itself."
        ),
        alt=alt,
        mark=Mark.SIMULATED,
        drawing=draw(name, alt, (4.8, 2.4), fill, ("seed", *names), rows),
    )


def _tile(result: Result) -> Figure:
    errors = [100 * error for error in result["relative_error"]]
    what = "re-measured dies" if result["kind"].startswith("re-") else "drifts of one program"

    def fill(figure: Any) -> None:
        axes = figure.subplots()
        axes.hist(errors, bins="auto", color=SERIES[0], edgecolor=FAINT, linewidth=0.4)
        axes.axvline(100 * result["mean"], color=INK, linestyle="--", linewidth=1.0, label="mean")
        axes.set(xlabel="output error, % of the rms output", ylabel="trials")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.legend()

    where = f"{result['layer']}, tile {result['tile']}"
    alt = (
        f"Histogram of the output error of {where} over {len(errors)} trials, {plain(min(errors))} to "
        f"{plain(max(errors))} %"
    )
    name = f"montecarlo-{result['files'].removeprefix('montecarlo_').rsplit('_', 1)[0]}".replace("_", "-")
    return Figure(
        name=name,
        title=f"Output error of {where}, over {_kind(result)}",
        caption=f"{count(len(errors))} {what}, {result['engine']}, {'with' if result['wires'] else 'without'} wires; "
        "amplifiers and converters at work.",
        alt=alt,
        mark=Mark.SIMULATED,
        drawing=draw(
            name, alt, (3.4, 2.4), fill, ("trial", "relative_error"),
            list(zip(result["trial"], result["relative_error"], strict=True)),
        ),
    )  # fmt: skip

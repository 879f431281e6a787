"""Many chips of a design as tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rsscircuit.report.inference import effects_line, readout_words
from rsscircuit.report.montecarlo import save_picture
from rsscircuit.report.tables import percent, print_lines, print_table

SHOWN_LOST = 3
MOST_BINS = 20
NAMES = {"accuracy": "accuracy", "agreement": "agreement with trained", "output_error": "output error"}
_DIGITS = {"accuracy": 4, "agreement": 5, "output_error": 3}


def show_yield(result: Mapping[str, Any], folder: Path, pictures: list[str]) -> None:
    """How the figures spread, which share keeps the limits, and the worst chip."""
    if result["trials"]:
        _show_figures(result)
        if result["yield"]:
            _show_shares(result)
    print_lines(_about(result))
    if result["trials"]:
        print_lines(["", *_worst_lines(result), "", f"{folder}/dies.csv  a line a {_chip(result)}", *pictures])


def _chip(result: Mapping[str, Any]) -> str:
    return "drift" if result["kind"] == "fixed program" else "die"


def _show_figures(result: Mapping[str, Any]) -> None:
    known = [name for name, value in result["figures"]["agreement"]["percentiles"].items() if value is not None]
    trained = {"accuracy": result["trained_accuracy"]}
    rows = []
    for name, figure in result["figures"].items():
        digits = _DIGITS[name]
        exact = percent(trained[name], digits) if name in trained else ""
        spread = (figure["mean"], figure["standard_deviation"], *(figure["percentiles"][each] for each in known))
        values = [percent(value, 2 if place == 1 else digits) for place, value in enumerate(spread)]
        worst = percent(figure["worst"], digits), str(result["seed"] + figure["worst_trial"] - 1)
        rows.append((NAMES[name], exact, *values, *worst))
    heads = ("", "trained", "mean", "std. dev.", *(f"{each} %" if each != "50" else "median" for each in known))
    print_table((*heads, "worst", "its seed"), rows)


def _show_shares(result: Mapping[str, Any]) -> None:
    rows = []
    for name, share in result["yield"].items():
        sign = "at most" if name == "output_error" else "at least"
        limit = f"{NAMES[name]} {sign} {percent(share['limit'], 5)}" if name in NAMES else "all of them"
        interval = f"{percent(share['low'], 4)} to {percent(share['high'], 4)}"
        rows.append((limit, f"{share['kept']} of {share['chips']}", percent(share["share"], 4), interval))
    print_table(("limit", "keep it", "yield", "95 % interval"), rows)


def _about(result: Mapping[str, Any]) -> list[str]:
    """What was asked, in a few lines."""
    conditions = result["conditions"]
    units = {"celsius": "C", "supply_volt": "V", "years": "years"}
    ends = ", ".join(f"{_range(conditions[name])} {unit}" for name, unit in units.items())
    asked = f"{result['trials']} of {result['asked']}" if result["lost"] else f"{result['trials']}"
    counted = "drifts of a fixed program" if _chip(result) == "drift" else "re-measured dies"
    last = result["seed"] + result["asked"] - 1
    interval = ["95 % interval: Clopper-Pearson"] if result.get("yield") else []
    return [
        f"{asked} {counted}, seeds {result['seed']} to {last}, {result['images']} inputs; {ends}",
        "output error: rms of the error over rms of the trained network's output",
        *interval,
        effects_line(result),
        readout_words(result["readout"]),
    ]


def _range(ends: list[float]) -> str:
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"


def _worst_lines(result: Mapping[str, Any]) -> list[str]:
    worst = result["worst"]
    figures = ", ".join(
        f"{NAMES[name]} {percent(worst[name], digits)}" for name, digits in _DIGITS.items() if worst[name] is not None
    )
    note = "; --tolerance adc is laid out anew there, so that a few switches may differ"
    return [
        f"worst by {NAMES[worst['by']]}: seed {worst['drawn']['seed']}, {figures}",
        "alone (files of the build by name, not where they lie)" + ("" if worst["same"] else note) + ":",
        *(f"  {command}" for command in worst["commands"]),
    ]


def lost_line(result: Mapping[str, Any]) -> str:
    """Which chips were lost and why; the first few by seed."""
    lost = result["lost"]
    lines = [f"error: {len(lost)} of {result['asked']} were lost; the same command tries them again"]
    lines += [f"  seed {each['seed']}: {each['reason']}" for each in lost[:SHOWN_LOST]]
    if len(lost) > SHOWN_LOST:
        lines.append(f"  and {len(lost) - SHOWN_LOST} more, in the results")
    return "\n".join(lines)


def whole_inputs(percents: list[float], images: int) -> list[float]:
    """Edges of at most some twenty bins, halfway between shares that so many inputs can have."""
    step = 100.0 / images
    first, last = round(min(percents) / step), round(max(percents) / step)
    wide = -(-(last - first + 1) // MOST_BINS)
    count = -(-(last - first + 1) // wide)
    return [(first - 0.5 + wide * edge) * step for edge in range(count + 1)]


def draw_yield(result: Mapping[str, Any], folder: Path) -> list[str]:
    """Write the histograms of the figures, with the limits, as one SVG; a line that says so."""
    path = folder / "figures.svg"
    figures = result["figures"]
    counted = "drifts" if _chip(result) == "drift" else "dies"

    def draw(figure: Any) -> None:
        for axes, (name, found) in zip(
            figure.subplots(1, len(figures), squeeze=False)[0], figures.items(), strict=True
        ):
            values = [100 * value for value in found["values"]]
            bins = whole_inputs(values, result["images"]) if name != "output_error" else "auto"
            axes.hist(values, bins=bins, color="C0", edgecolor="white")
            axes.margins(x=0.1, y=0.3)
            if name in result["yield"]:
                axes.axvline(100 * result["yield"][name]["limit"], color="C3", label="limit")
            if name == "accuracy":
                axes.axvline(100 * result["trained_accuracy"], color="0.4", linestyle="--", label="trained network")
            axes.set(xlabel=f"{NAMES[name]}, %", ylabel=counted)
            axes.xaxis.get_major_locator().set_params(nbins=4)
            axes.yaxis.get_major_locator().set_params(integer=True)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False, fontsize=8)

    title = f"{result['kind']}: {result['trials']} {counted}, {result['images']} inputs"
    save_picture(path, title, (4.0 * len(figures), 3.6), draw)
    return [f"{path}  how the figures are distributed"]

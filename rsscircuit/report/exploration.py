"""An exploration as tables and pictures."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rsscircuit.errors import MissingPartError
from rsscircuit.exploration.fronts import COSTS, QUALITIES, badness
from rsscircuit.quantities import engineering
from rsscircuit.report.montecarlo import save_picture
from rsscircuit.report.tables import percent, print_lines, print_table

Point = Mapping[str, Any]
HEADS = {"technology": "technology", "bank": "bank", "resistors": "n", "tile": "tile",
         "measurement_bits": "measured\nwith", "adc_bits": "ADC"}  # fmt: skip
BADNESS = {"output-error": "output error", "agreement": "disagreement with trained", "accuracy": "wrongly classified"}
UNCALIBRATED = "no --calibration: input ranges are bounds, which the inputs may fill by little"
SHOWN_REASONS = 5
SHOWN_NUMBERS = 6
MM2, MICROJOULE = 1e6, 1e-6
LABEL_WIDTH, LABEL_HEIGHT = 15.0, 8.0  # points of a number beside the front
_MARKS = "osD^vPX<>h"
_COSTS = {"area": ("area, mm2", 1.0 / MM2), "energy": ("energy of an inference, uJ", 1.0 / MICROJOULE)}


def check_plots() -> None:
    """Before any work: that pictures can be drawn.

    Raises:
        MissingPartError: Matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingPartError(
            "Matplotlib, which draws the pictures, is not installed",
            where="explore",
            remedy="python -m pip install 'rsscircuit[plot]', or add --no-plots",
        )


def show_exploration(result: Mapping[str, Any], folder: Path, pictures: Sequence[str]) -> None:
    """The points on the fronts, what each value of an axis comes to, and what failed."""
    if result["done"]:
        _show_fronts(result)
        _show_levels(result)
    print_lines([*_about(result), *_without(result["points"]), ""])
    best = _best(result)
    if best:
        print_lines(
            [
                f"point {best['number']}, {BADNESS[result['quality']]} least, by itself and to the same figures:",
                *(f"  {command}" for command in best["commands"]),
                "",
            ]
        )
    print_lines([f"{folder}/points.csv  a line a point, with the commands that make it again", *pictures])


def _best(result: Mapping[str, Any]) -> Point | None:
    """The point of the best quality, the smallest of those."""
    done: list[Point] = [point for point in result["points"] if point["state"] == "done"]
    if not done:
        return None
    return min(done, key=lambda each: (badness(each["figures"], result["quality"]), each["figures"]["area_um2"]))


def _varied(result: Mapping[str, Any]) -> list[str]:
    """The axes on which the points that are done differ."""
    return [axis for axis, levels in result["levels"].items() if len(levels) > 1]


def _value(axis: str, value: object) -> str:
    return f"{value:g} b" if axis in ("measurement_bits", "adc_bits") else str(value)


def _choices(point: Point, axes: Sequence[str]) -> list[str]:
    return [_value(axis, point["configuration"][axis]) for axis in axes]


def _words(point: Point, axes: Sequence[str]) -> list[str]:
    """Choices that say what they are of, for a line of text."""
    prefix = {"resistors": "n = ", "measurement_bits": "measured with ", "adc_bits": "ADC "}
    return [prefix.get(axis, "") + value for axis, value in zip(axes, _choices(point, axes), strict=True)]


def _figures(figures: Mapping[str, Any]) -> list[str]:
    accuracy = [] if figures["accuracy"] is None else [percent(figures["accuracy"], 4)]
    return [
        percent(figures["output_error"]),
        percent(figures["agreement"], 5),
        *accuracy,
        f"{figures['area_um2'] / MM2:.4g} mm2",
        engineering(figures["energy_joule"], "J"),
        engineering(figures["latency_second"], "s"),
        percent(figures["misses"] / max(1, figures["cells"]), 2),
    ]


def _show_fronts(result: Mapping[str, Any]) -> None:
    varied = _varied(result)
    on = [point for point in result["points"] if point["fronts"]]
    on.sort(key=lambda point: point["figures"]["area_um2"])
    rows = [
        (str(point["number"]), *_choices(point, varied), *_figures(point["figures"]), ", ".join(point["fronts"]))
        for point in on
    ]
    accuracy = [] if result["trained_accuracy"] is None else ["accuracy"]
    heads = ["point", *(HEADS[axis] for axis in varied)]
    heads += ["output\nerror", "agree-\nment", *accuracy, "area", "energy", "latency", "cells\nmissed", "front"]
    print_table(heads, rows, left=1 + len(varied))


def _show_levels(result: Mapping[str, Any]) -> None:
    quality = QUALITIES[result["quality"]]
    rows = [
        (
            HEADS[axis].replace("\n", " ") if place == 0 else "",
            _value(axis, level["value"]),
            str(level["points"]),
            percent(level[quality], 4),
            f"{level['area_um2'] / MM2:.4g} mm2",
            engineering(level["energy_joule"], "J"),
            str(level["on_fronts"]),
        )
        for axis in _varied(result)
        for place, level in enumerate(result["levels"][axis])
    ]
    if rows:
        name = quality.replace("_", " ")
        print_table(("axis", "value", "points", f"median\n{name}", "median\narea", "median\nenergy", "on a\nfront"),
                    rows, left=2)  # fmt: skip


def _points(count: int) -> str:
    return f"{count} point{'s' * (count != 1)}"


def _about(result: Mapping[str, Any]) -> list[str]:
    fixed = [
        f"{HEADS[axis].replace(chr(10), ' ')} {_value(axis, levels[0]['value'])}"
        for axis, levels in result["levels"].items()
        if len(levels) == 1
    ]
    counts = _points(result["done"])
    if len(result["points"]) < result["product"]:
        counts += f", a sample of {result['product']}"
    trained = result["trained_accuracy"]
    known = "" if trained is None else f", trained accuracy {percent(trained, 4)}"
    return [
        f"{counts}; {result['images']} inputs{known}, seed {result['asked']['seed']}",
        *([f"all: {', '.join(fixed)}"] if fixed else []),
        *([] if result["asked"]["calibration"] else [UNCALIBRATED]),
        "front: no other point is as good and cheaper, or better and as cheap; quality: "
        + result["quality"].replace("-", " "),
    ]


def _without(points: Sequence[Point]) -> list[str]:
    """The points without figures, by reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for point in points:
        if point["state"] != "done":
            reasons.setdefault((point["state"], point["reason"]), []).append(str(point["number"]))
    lines = []
    for (state, reason), numbers in list(reasons.items())[:SHOWN_REASONS]:
        more = f" and {len(numbers) - SHOWN_NUMBERS} more" if len(numbers) > SHOWN_NUMBERS else ""
        which = f"point{'s' * (len(numbers) > 1)} {', '.join(numbers[:SHOWN_NUMBERS])}{more}"
        lines.append(f"{len(numbers)} {state}: {which}: {reason}")
    if len(reasons) > SHOWN_REASONS:
        lines.append(f"and {len(reasons) - SHOWN_REASONS} more reasons, in points.csv")
    return lines


def draw_exploration(result: Mapping[str, Any], folder: Path) -> list[str]:
    """Write a picture for every figure of quality, against area and energy; a line for each."""
    lines = []
    for quality in result["fronts"]:
        path = folder / f"{QUALITIES[quality]}.svg"
        draw_quality(result, quality, path)
        lines.append(f"{path}  {BADNESS[quality]} against area and energy, with the fronts")
    return lines


def draw_quality(result: Mapping[str, Any], quality: str, path: Path) -> None:
    """One figure of quality against both costs: colours by the axis of most values, marks by technology."""
    done = [point for point in result["points"] if point["state"] == "done"]
    numbers = sorted({number for each in result["fronts"][quality].values() for number in each})
    named = {point["number"]: point for point in done if point["number"] in numbers}
    varied = _varied(result)

    def draw(figure: Any) -> None:
        left, right, words = figure.subplots(1, 3, width_ratios=(5.0, 5.0, 3.4))
        for axes, cost in ((left, "area"), (right, "energy")):
            _scatter(axes, result, done, quality, cost)
        right.set_ylabel("")
        words.axis("off")
        _legend(words, result)
        text = [f"{number}: {', '.join(_words(named[number], varied))}" for number in numbers]
        words.text(0.0, 0.0, "\n".join(["on a front:", *text]), fontsize=7, va="bottom", transform=words.transAxes)

    height = max(5.0, 1.6 + 0.15 * (len(numbers) + sum(len(result["levels"][axis]) for axis in varied)))
    title = f"{BADNESS[quality][0].upper()}{BADNESS[quality][1:]}: {_points(len(done))}, {result['images']} inputs"
    save_picture(path, title, (13.0, height), draw)


def _colour_axis(result: Mapping[str, Any]) -> str | None:
    """The axis with most values, but for the technology, which has marks."""
    others = [axis for axis in _varied(result) if axis != "technology"]
    return max(others, key=lambda axis: len(result["levels"][axis]), default=None)


def _colours(result: Mapping[str, Any]) -> dict[Any, Any]:
    import matplotlib as mpl

    axis = _colour_axis(result)
    values = [level["value"] for level in result["levels"][axis]] if axis else [None]
    map_ = mpl.colormaps["viridis"]
    return {value: map_(0.92 * place / max(1, len(values) - 1)) for place, value in enumerate(values)}


def _marks(result: Mapping[str, Any]) -> dict[str, str]:
    names = [level["value"] for level in result["levels"]["technology"]]
    return {name: _MARKS[place % len(_MARKS)] for place, name in enumerate(names)}


def _place(point: Point, quality: str, cost: str) -> tuple[float, float]:
    return point["figures"][COSTS[cost]] * _COSTS[cost][1], 100.0 * badness(point["figures"], quality)


def _scatter(axes: Any, result: Mapping[str, Any], done: Sequence[Point], quality: str, cost: str) -> None:
    """All points, the front as steps, and the numbers of the points on it."""
    colours, marks, axis = _colours(result), _marks(result), _colour_axis(result)
    for point in done:
        chosen = point["configuration"]
        axes.plot(
            *_place(point, quality, cost),
            marks[chosen["technology"]],
            color=colours[chosen[axis] if axis else None],
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.4,
        )
    by_number = {point["number"]: point for point in done}
    numbers = result["fronts"][quality][cost]
    front = [_place(by_number[number], quality, cost) for number in numbers]
    axes.step(*zip(*front, strict=True), where="post", color="0.3", linewidth=1.0, zorder=1)
    axes.margins(x=0.12, y=0.15)
    axes.set(xlabel=_COSTS[cost][0], ylabel=f"{BADNESS[quality]}, %")
    costs, bad = zip(*(_place(point, quality, cost) for point in done), strict=True)
    logarithmic(axes, "x", costs)
    if quality == "output-error" and min(bad) > 0:
        logarithmic(axes, "y", bad)
    _number(axes, numbers, front)
    axes.grid(color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)


def _number(axes: Any, numbers: Sequence[int], front: Sequence[tuple[float, float]]) -> None:
    """Numbers below and left of a front, where no point is; each below those that it would cover."""
    taken: list[tuple[float, float]] = []
    for number, place in zip(numbers, front, strict=True):
        right, top = axes.transData.transform(place) * 72.0 / axes.figure.dpi
        right, top = right - 4.0, top - 4.0
        lower = top
        while any(abs(right - x) < LABEL_WIDTH and abs(lower - y) < LABEL_HEIGHT for x, y in taken):
            lower -= 1.0
        taken.append((right, lower))
        axes.annotate(
            str(number),
            place,
            (-4.0, lower - top - 4.0),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=7,
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkA": 0.0, "shrinkB": 2.0}
            if lower < top
            else None,
        )


def logarithmic(axes: Any, which: str, values: Sequence[float], near: float = 10.0) -> None:
    """A logarithmic axis, ``x`` or ``y``, with plain numbers; with more where ``values`` span less than ``near``."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set(**{f"{which}scale": "log"})
    axis = getattr(axes, f"{which}axis")
    close = max(values) < near * min(values)
    axis.set_major_locator(LogLocator(subs=(1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0) if close else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _legend(axes: Any, result: Mapping[str, Any]) -> None:
    """What colours and marks stand for."""
    axis = _colour_axis(result)
    handles = []
    if axis:
        for value, colour in _colours(result).items():
            label = f"{HEADS[axis].replace(chr(10), ' ')} {_value(axis, value)}"
            handles += axes.plot([], [], "s", color=colour, label=label)
    marks = _marks(result)
    for name, mark in marks.items() if len(marks) > 1 else ():
        handles += axes.plot([], [], mark, color="0.4", label=name)
    axes.legend(handles=handles, frameon=False, fontsize=8, loc="upper left", borderaxespad=0.0)

"""Other choices beside this design, as ``explore`` found them: what they answer against what they cost."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rsscircuit.errors import InputError
from rsscircuit.report.exploration import logarithmic
from rsscircuit.report.page.drawing import SERIES, draw
from rsscircuit.report.page.facts import Facts, Result
from rsscircuit.report.page.section import Figure, Mark, Missing, Section, Table
from rsscircuit.report.page.words import count, quantity, share, square

Point = Mapping[str, Any]
COSTS = {"area": ("area_um2", "area, mm²", 1e-6), "energy": ("energy_joule", "energy an inference, µJ", 1e6)}
QUALITY, FRONT = "output_error", "output-error"


def read_exploration(place: str | Path) -> Result:
    """What ``explore`` left in a directory.

    Raises:
        InputError: There is none.
    """
    path = Path(place) / "exploration.json"
    try:
        data: Result = json.loads(path.read_text("utf-8"))
        known = all(data["fronts"][FRONT][cost] is not None for cost in COSTS) and data["points"] is not None
    except (OSError, ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise InputError(
            "no exploration there", where="--exploration", got=str(place), remedy="give the --out of `explore`"
        )
    return data


def design_space(facts: Facts) -> Section:
    """The section."""
    found = facts.exploration
    points = [point for point in (found or {"points": ()})["points"] if point["state"] == "done"]
    if found is None or not points:
        words = [facts.title, "--out", "space", "--inputs", facts.inputs, "--labels", facts.labels]
        line = f"{shlex.join(['generate-crossbar', 'explore', *words])} && " + shlex.join(
            ["generate-crossbar", "report", facts.directory, "--exploration", "space"]
        )
        return Section(
            anchor="design-space",
            title="Design space",
            lead="This is one choice of bank, tile and converters; others have not been explored.",
            missing=[Missing(what="Output error against area and energy of other choices", command=line)],
        )
    best = min(points, key=lambda point: float(point["figures"][QUALITY]))
    on_front = set[int]().union(*found["fronts"][FRONT].values())
    return Section(
        anchor="design-space",
        title="Design space",
        lead=f"Of {count(len(points), 'choice')} explored, {count(len(on_front))} are beaten by no other in error "
        f"and area, or in error and energy; the least error is {share(best['figures'][QUALITY])}.",
        figures=[_figure(found, points)],
        tables=[_table(found, [point for point in points if point["number"] in on_front])],
    )


def _figure(found: Result, points: Sequence[Point]) -> Figure:
    by_number = {point["number"]: point["figures"] for point in points}

    def fill(figure: Any) -> None:
        every = figure.subplots(1, len(COSTS), sharey=True)
        for axes, (cost, (key, words, scale)) in zip(every, COSTS.items(), strict=True):
            front = sorted((by_number[number] for number in found["fronts"][FRONT][cost]), key=lambda each: each[key])
            for chosen, line, colour in ((by_number.values(), "", SERIES[0]), (front, "-", SERIES[1])):
                xs, ys = [scale * each[key] for each in chosen], [100 * each[QUALITY] for each in chosen]
                axes.step(xs, ys, where="post", marker="o", markersize=4, linestyle=line, color=colour)
            axes.set_xlabel(words)
            logarithmic(axes, "x", [scale * each[key] for each in by_number.values()], near=3.0)
            logarithmic(axes, "y", [100 * each[QUALITY] for each in by_number.values()])
            axes.grid(visible=True)
        every[0].set_ylabel("output error, %")

    alt = (
        f"Output error of {len(points)} choices against area and energy; those that no other beats are joined by a line"
    )
    keys = ("accuracy", "agreement", "output_error", "area_um2", "energy_joule")
    rows = [(point["number"], *(point["figures"].get(key) for key in keys)) for point in points]
    return Figure(
        name="pareto",
        title="Output error against cost",
        caption="Joined: choices that no other beats in both. Area and energy are by the component models of the cost.",
        alt=alt,
        mark=Mark.SIMULATED,
        drawing=draw("pareto", alt, (4.8, 2.8), fill, ("point", *keys), rows),
    )


def _table(found: Result, points: Sequence[Point]) -> Table:
    axes = points[0]["configuration"]
    every = [point["configuration"] for point in found["points"]]
    moved = [axis for axis in axes if len({str(each[axis]) for each in every}) > 1]
    rows = []
    for point in sorted(points, key=lambda each: float(each["figures"]["area_um2"])):
        figures = point["figures"]
        rows.append(
            (
                str(point["number"]),
                *(str(point["configuration"][axis]) for axis in moved),
                "–" if figures.get("accuracy") is None else share(figures["accuracy"], 4),
                share(figures["agreement"], 5),
                share(figures["output_error"]),
                square(figures["area_um2"]),
                quantity(figures["energy_joule"], "J"),
            )
        )
    heads = (
        "point", *(axis.replace("_", " ") for axis in moved), "accuracy", "agreement", "output error", "area", "energy",
    )  # fmt: skip
    note = f"{count(found['images'], 'input')}. Area and energy by the component models of the cost."
    return Table(title="Choices that no other beats", heads=heads, rows=rows, note=note)

"""What the points say together: fronts, what each value of an axis comes to, and how any point is made again."""

from __future__ import annotations

import csv
import shlex
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from rsscircuit.exploration.fronts import COSTS, QUALITIES, badness, front
from rsscircuit.exploration.points import PointOutcome, Study
from rsscircuit.exploration.space import Axes, Configuration
from rsscircuit.options import DEFAULT_TOLERANCE
from rsscircuit.technology import load_technology

FIGURES = (
    "accuracy", "agreement", "output_error", "area_um2", "energy_joule", "array_joule", "joule_per_mac",
    "latency_second", "inferences_per_second", "tiles", "cells", "misses",
)  # fmt: skip


def commands_of(
    number: int,
    axes: Axes,
    study: Study,
    out: str | Path,
    model: str | Path,
    inputs: str | Path,
    labels: str | Path | None,
    calibration: str | Path | None,
) -> list[str]:
    """What builds, evaluates and charges one point alone; files as the user named them."""
    point, place = axes.at(number), str(Path(out) / f"point_{number}")
    seed = study.seed if study.seed != 1 else None
    adc = {"adc-bits": point.adc_bits}
    choices = {each.name.replace("_", "-"): getattr(point, each.name) for each in fields(Configuration)}
    choices |= {"tile": "x".join(map(str, point.tile)), "adc-bits": None, "calibration": calibration, "seed": seed}
    choices["tolerance"] = study.tolerance if study.tolerance != DEFAULT_TOLERANCE else None
    data = {"inputs": inputs, "labels": labels, "limit": study.limit, "calibration": calibration}
    return [
        _command("build", str(model), {"out": place} | choices),
        _command("evaluate", place, data | {"effects": "all"} | adc | {"seed": seed}),
        _command("cost", place, {"inputs": inputs if calibration is None else None} | adc),
    ]


def _command(name: str, argument: str, options: Mapping[str, Any]) -> str:
    given = [word for option, value in options.items() if value is not None for word in (f"--{option}", str(value))]
    return shlex.join(["generate-crossbar", name, argument, *given])


def summarise(
    axes: Axes,
    quality: str,
    outcomes: Mapping[int, PointOutcome | None],
    lost: Mapping[int, str],
    commands: Mapping[int, Sequence[str]],
) -> dict[str, Any]:
    """Points, fronts and levels as :func:`rsscircuit.explore` returns them.

    Args:
        axes: The space.
        quality: What the points' own ``fronts`` are for.
        outcomes: By number; None of a point without one.
        lost: Why those have none.
        commands: Of every point.
    """
    points: list[dict[str, Any]] = []
    for number, outcome in outcomes.items():
        chosen = axes.at(number)
        reason = lost.get(number, "its worker ended") if outcome is None else outcome.reason
        points.append(
            {
                "number": number,
                "configuration": chosen.described(load_technology(chosen.technology)),
                "state": "lost" if outcome is None else "done" if reason is None else "failed",
                "figures": {} if outcome is None else {name: outcome.figures.get(name) for name in FIGURES},
                "reason": reason,
                "commands": commands[number],
            }
        )
    done = [point for point in points if point["state"] == "done"]
    trained = next((each.figures["trained_accuracy"] for each in outcomes.values() if each and not each.reason), None)
    fronts = {
        name: {
            cost: [
                done[place]["number"]
                for place in front(
                    [badness(point["figures"], name) for point in done], [point["figures"][key] for point in done]
                )
            ]
            for cost, key in COSTS.items()
        }
        for name in QUALITIES
        if name != "accuracy" or trained is not None
    }
    for point in points:
        point["fronts"] = [cost for cost, numbers in fronts[quality].items() if point["number"] in numbers]
        point["figures"] = point["figures"] if point["state"] == "done" else {}
    return {
        "quality": quality,
        "trained_accuracy": trained,
        "axes": axes.record(),
        "product": axes.size,
        **{state: sum(point["state"] == state for point in points) for state in ("done", "failed", "lost")},
        "fronts": fronts,
        "levels": _levels(done, quality),
        "points": points,
    }


def _levels(done: Sequence[Mapping[str, Any]], quality: str) -> dict[str, list[dict[str, Any]]]:
    """By axis, in the order of its values: points, medians of quality and costs, and points on a front."""
    found = {}
    for axis in (each.name for each in fields(Configuration)):
        levels = []
        for value in dict.fromkeys(point["configuration"][axis] for point in done):
            mine = [point for point in done if point["configuration"][axis] == value]
            figures = [point["figures"] for point in mine]
            levels.append(
                {
                    "value": value,
                    "points": len(mine),
                    QUALITIES[quality]: statistics.median(each[QUALITIES[quality]] for each in figures),
                    **{key: statistics.median(each[key] for each in figures) for key in COSTS.values()},
                    "on_fronts": sum(bool(point["fronts"]) for point in mine),
                }
            )
        found[axis] = levels
    return found


def write_csv(path: Path, result: Mapping[str, Any]) -> None:
    """One line a point."""
    axes = [each.name for each in fields(Configuration)]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["point", *axes, "state", *FIGURES, "fronts", "reason", "rebuild"])
        for point in result["points"]:
            figures = [point["figures"].get(name) for name in FIGURES]
            table.writerow(
                [
                    point["number"],
                    *point["configuration"].values(),
                    point["state"],
                    *("" if value is None else repr(value) for value in figures),
                    " ".join(point["fronts"]),
                    point["reason"] or "",
                    " && ".join(point["commands"]),
                ]
            )

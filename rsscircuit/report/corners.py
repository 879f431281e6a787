"""What a program that serves all corners costs and gains, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rsscircuit.report.tables import percent, print_lines, print_table


def show_corners(record: Mapping[str, Any]) -> None:
    """Errors at the nominal point and at the worst of the corners, with and without corners in the choice, if any."""
    rows, totals = [], []
    for layer in record["layers"]:
        figures = layer["statistics"]
        if "corners" in figures:
            nominal, *corners = figures["corners"]
            everywhere = corners[0]["at"] if len(corners) == 1 else f"worst of {len(corners)} corners"
            for at, points in (("nominal", [nominal]), (everywhere, corners)):
                errors = (max(point[key] for point in points) for key in _ERRORS)
                rows.append((layer["name"], at, *map(percent, errors)))
            total, without = figures["corner_totals"]["total"], figures["corner_totals"]["total_without"]
            totals.append(f"{layer['name']} {total:.3g} ({without:.3g})")
    if not rows:
        return
    heads = ("layer", "at", "rms\nerror", "worst\nerror", "rms\nwithout", "worst\nwithout")
    print_table(heads, rows, left=2)
    print_lines(
        [
            "errors of the true die's pairs over full scale, chosen for all corners, and without had only the nominal",
            "point counted; every corner is in design.json",
            f"conductance of a pair over full scale, without in brackets: {', '.join(totals)}",
            "",
        ]
    )


_ERRORS = ("rms", "worst", "rms_without", "worst_without")

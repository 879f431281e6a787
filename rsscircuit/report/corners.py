"""What a program that serves all corners costs and gains, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rsscircuit.report.tables import percent, print_lines, print_table


def show_corners(record: Mapping[str, Any]) -> None:
    """Errors at every corner, with and without corners in the choice; nothing where none were asked for."""
    rows, totals = [], []
    for layer in record["layers"]:
        figures = layer["statistics"]
        for point in figures.get("corners", ()):
            shown = [percent(point[key]) for key in ("rms", "worst", "rms_without", "worst_without")]
            rows.append((layer["name"], point["at"], *shown))
        if "corner_totals" in figures:
            total, without = figures["corner_totals"]["total"], figures["corner_totals"]["total_without"]
            totals.append(f"{layer['name']} {total:.3g} ({without:.3g})")
    if not rows:
        return
    heads = ("layer", "at", "rms\nerror", "worst\nerror", "rms\nwithout", "worst\nwithout")
    print_table(heads, rows, left=2)
    print_lines(
        [
            "errors of the true die's pairs over full scale, chosen for all corners, and without had only the nominal",
            f"point counted; conductance of a pair over full scale, without in brackets: {', '.join(totals)}",
            "",
        ]
    )

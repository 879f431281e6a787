"""What a program that serves all corners costs and gains, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rsscircuit.report.tables import percent, print_lines, print_table

HEADS = (
    "layer", "chosen for", "rms error,\nnominal", "rms error,\nany corner", "worst error,\nnominal",
    "worst error,\nany corner", "conductance\nof a pair",
)  # fmt: skip


def show_corners(record: Mapping[str, Any]) -> None:
    """What corners cost and gain beside the choice that had only the nominal point counted; nothing without corners."""
    rows, ratios = [], []
    for layer in record["layers"]:
        figures = layer["statistics"]
        if "corners" in figures:
            points, totals = figures["corners"], figures["corner_totals"]
            rows.append((layer["name"], "all corners", *_errors(points, ""), percent(totals["total"])))
            rows.append(("", "nominal point", *_errors(points, "_without"), percent(totals["total_without"])))
            ratios.append(totals["total"] / (totals["total_without"] or 1.0))
    if not rows:
        return
    corners = "1 corner" if len(points) == 2 else f"{len(points) - 1} corners"
    print_lines(
        [
            f"Price of {corners}: switches chosen for the nominal point and all corners, below them those for the",
            "nominal point alone; true die, everything in % of the layer's full scale",
        ]
    )
    print_table(HEADS, rows, left=2)
    low, high = (f"{ratio:.3g}" for ratio in (min(ratios), max(ratios)))
    print_lines(
        [
            f"pairs conduct {low if low == high else f'{low} to {high}'} times as much, which counts in the lines: "
            "`evaluate` prints the output error",
            "of both choices; --json has every corner",
            "",
        ]
    )


def _errors(points: list[Mapping[str, Any]], choice: str) -> tuple[str, ...]:
    """Rms and worst error of a choice, each at the nominal point and the largest of the corners."""
    nominal, *corners = points
    return tuple(
        percent(value)
        for error in ("rms", "worst")
        for value in (nominal[error + choice], max(corner[error + choice] for corner in corners))
    )

"""A weight map as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rsscircuit.quantities import engineering
from rsscircuit.report.tables import percent

SHOWN = 8
_BANKS = {"pair": "pair", "plus": "plus bank", "minus": "minus bank"}


def weight_map_lines(made: Mapping[str, Any], out: str) -> Iterator[str]:
    """Which cell, what its codes mean, how near they come, and which do not."""
    codes, full = len(made["weight"]), engineering(made["full_scale"] * made["siemens_per_weight"], "S")
    coding, unit = ("two's complement", codes // 2) if made["bank"] == "pair" else ("unsigned", codes)
    yield (
        f"cell      layer {made['layer']}, tile {made['tile']}, row {made['row']}, column {made['column']}: its "
        f"{_BANKS[made['bank']]}, as measured on this die"
    )
    largest = f"{made['full_scale']:.4g} ({full})"
    yield f"codes     {codes}, {coding}: code k is k/{unit} of the column's largest weight, {largest}"
    if made["rms_error"] is not None:
        yield f"error     {percent(made['rms_error'])} rms, {percent(made['worst_error'])} worst, of that full scale"
    for key, words in (("beyond_reach", "out of reach"), ("beyond_tolerance", "out of tolerance")):
        if made[key]:
            named = ", ".join(str(code) for code in made[key][:SHOWN])
            more = f" and {len(made[key]) - SHOWN} more" if len(made[key]) > SHOWN else ""
            yield f"{words}: code {named}{more}; they get the nearest there is"
    yield f"solver    {made['solver']}"
    yield f"{out}  the subsets, for the driver's fill_map; they belong to this die and cell alone"

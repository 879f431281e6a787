"""Pareto fronts: the points of which none other is at least as good in both figures and better in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

QUALITIES = {"output-error": "output_error", "agreement": "agreement", "accuracy": "accuracy"}
COSTS = {"area": "area_um2", "energy": "energy_joule"}


def badness(figures: Mapping[str, float], quality: str) -> float:
    """A figure of quality, the less the better: the output error, or the share that is not as it should be."""
    value = figures[QUALITIES[quality]]
    return value if quality == "output-error" else 1.0 - value


def front(bad: Sequence[float], cost: Sequence[float]) -> list[int]:
    """Places of the points on the front of two figures, the less the better, by rising cost; equals stand together."""
    order = sorted(range(len(bad)), key=lambda place: (cost[place], bad[place], place))
    found: list[int] = []
    for place in order:
        last = found[-1] if found else None
        if last is None or bad[place] < bad[last] or (bad[place], cost[place]) == (bad[last], cost[last]):
            found.append(place)
    return found

"""The answer to ``generate-crossbar size`` as plain values: simulation, and theory beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rsscircuit.progress import Progress, silent
from rsscircuit.sizing.outcome import LEAST_DIES, Request
from rsscircuit.sizing.size import PlanSize, size
from rsscircuit.sizing.theory import counting_bound, vector_counting_bound, vector_forecast, vector_theorem
from rsscircuit.sizing.vectors import vectors_needed
from rsscircuit.sizing.volume import fit_lueker, grow
from rsscircuit.technology import Technology

VOLUME_ERROR = 1e-3  # the smallest for which the volume is simulated
VOLUME_PATHS, VOLUME_ITEMS = 50, 40
VECTOR_DIMENSIONS = (1, 2, 3)
VECTOR_ERROR, VECTOR_CONFIDENCE = 0.1, 0.99


def answer(
    plans: Sequence[str], technology: Technology, request: Request, progress: Progress = silent
) -> dict[str, Any]:
    """How many resistors each plan needs, and what theory says, for print and JSON.

    Args:
        plans: As :func:`rsscircuit.sizing.size.size` takes them.
        technology: Its process, switch and converter.
        request: From :func:`rsscircuit.sizing.size.sized_request`.
        progress: A bar a stage.
    """
    sizes = size(plans, technology, request, progress)
    return {
        "technology": technology.name,
        "hypothetical": technology.hypothetical,
        **asdict(request),
        "screen": LEAST_DIES,
        "converter": {"bits": technology.measurement.bits, "averages": technology.measurement.averages},
        "plans": [_plan(each) for each in sizes],
        "theory": _theory(request, progress),
    }


def _plan(each: PlanSize) -> dict[str, Any]:
    record = asdict(each)
    for outcome in record["outcomes"]:
        outcome["verdict"] = outcome["verdict"].value
    return record


def _theory(request: Request, progress: Progress) -> dict[str, Any]:
    bits = -math.log2(request.error)
    lueker = fit_lueker(request.seed, progress=progress)
    error = max(request.error, VOLUME_ERROR)
    growth = grow(error, paths=VOLUME_PATHS, items=VOLUME_ITEMS, seed=request.seed)
    return {
        "counting_items": counting_bound(request.error, request.confidence, request.law),
        "lueker": {
            "errors": list(lueker.errors),
            "items": [asdict(figure) for figure in lueker.items],
            "constant": asdict(lueker.constant),
            "resistors": asdict(lueker.constant.times(0.5 * bits)),
        },
        "volume": {
            "error": error,
            "paths": VOLUME_PATHS,
            "states": int(growth.open.sum()),
            "violations": growth.violations,
            "growth": asdict(growth.factor()),
        },
        "vectors": [_vectors(dimensions, request.seed) for dimensions in VECTOR_DIMENSIONS],
    }


def _vectors(dimensions: int, seed: int) -> dict[str, Any]:
    return {
        **asdict(vectors_needed(dimensions, VECTOR_ERROR, VECTOR_CONFIDENCE, seed=seed)),
        "counting_bound": vector_counting_bound(dimensions, VECTOR_ERROR, VECTOR_CONFIDENCE),
        "forecast": vector_forecast(dimensions, VECTOR_ERROR, VECTOR_CONFIDENCE),
        "theorem_over_constant": vector_theorem(dimensions, VECTOR_ERROR),
    }

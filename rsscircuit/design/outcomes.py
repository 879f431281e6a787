"""What every step of a build left: ``steps/STEP.json`` with its options, result, check, time and marks of its files.

A check compares what a step made with what the step before made, on sample inputs where there are inputs, and its
verdict is PASS or FAIL by one figure. These files hold times, so they alone differ between two equal builds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rsscircuit.design.files import write_json
from rsscircuit.errors import DesignError

STEPS = (
    "import", "fold", "lower", "tile", "draw", "measure", "solve", "program", "emit-spice", "emit-hdl", "simulate",
    "report",
)  # fmt: skip
FOLDER = "steps"
PASS, FAIL, NOT_CHECKED = "PASS", "FAIL", "NOT CHECKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A step against the step before.

    Attributes:
        against: What it was compared with.
        unit: What the figure counts.
        figure: The worst that was found; None where nothing could be compared.
        limit: Largest figure that passes.
        where: Layer and tile of the worst.
        note: What else was seen, or why nothing could be compared.
    """

    against: str
    unit: str
    figure: float | None
    limit: float = 0.0
    where: str = ""
    note: str = ""

    @property
    def verdict(self) -> str:
        """``PASS``, ``FAIL`` or ``NOT CHECKED``; a figure that is no number fails."""
        if self.figure is None:
            return NOT_CHECKED
        return PASS if self.figure <= self.limit else FAIL


@dataclass(slots=True)
class Worst:
    """The largest of some figures, and where it was found; a figure that is no number is larger than any."""

    figure: float = 0.0
    where: str = ""

    def add(self, figure: float, where: str) -> None:
        """Take in one figure."""
        if not math.isnan(self.figure) and not figure <= self.figure:
            self.figure, self.where = figure, where


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One step that was run.

    Attributes:
        step: Its name, of :data:`STEPS`.
        options: The options of the build that it depends on, as ``design.json`` keeps them.
        result: What it made, in short; arrays are in files of their own.
        check: Against the step before.
        seconds: How long it took, without the check.
        files: Digest of the files that it left.
    """

    step: str
    options: Mapping[str, Any]
    result: Mapping[str, Any]
    check: Check
    seconds: float
    files: str

    @property
    def verdict(self) -> str:
        """Of its check."""
        return self.check.verdict


def save_outcome(folder: Path, outcome: Outcome) -> None:
    """Write ``steps/STEP.json``."""
    write_json(folder / FOLDER / f"{outcome.step}.json", as_record(outcome))


def as_record(outcome: Outcome) -> dict[str, Any]:
    """A step as JSON has it, with its verdict; a figure that is no finite number is a word."""
    check, figure = asdict(outcome.check), outcome.check.figure
    said = figure if figure is None or math.isfinite(figure) else str(figure)
    return asdict(outcome) | {"check": check | {"figure": said, "verdict": outcome.verdict}}


def read_outcomes(folder: Path) -> dict[str, Outcome]:
    """The steps that were run on a design, in order, by name.

    Raises:
        DesignError: A file is damaged.
    """
    found = {}
    for step in STEPS:
        path = folder / FOLDER / f"{step}.json"
        if path.is_file():
            found[step] = _read(path)
    return found


def _read(path: Path) -> Outcome:
    try:
        data = json.loads(path.read_text("utf-8"))
        check = {key: value for key, value in data["check"].items() if key != "verdict"}
        figure = check["figure"]
        return Outcome(**data | {"check": Check(**check | {"figure": None if figure is None else float(figure)})})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DesignError("the step is damaged", where=str(path), got=str(error), remedy="build it again") from error

"""The figures of the circuits around an array, each with mark and source, from ``figures.toml`` beside this file."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from rsscircuit.errors import InputError
from rsscircuit.technology import Technology
from rsscircuit.technology.loader import MARKS

_WHERE = "--figures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number and where it comes from."""

    value: float
    mark: str
    source: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures for one process, by name; the unit is the end of a name."""

    by_name: Mapping[str, Figure]

    def __getitem__(self, name: str) -> float:
        """The value of a figure."""
        return self.by_name[name].value

    def mark_of(self, *names: str) -> str:
        """What a result of these figures is at best: assumed if one is, derived otherwise."""
        return "assumed" if any(self.by_name[name].mark == "assumed" for name in names) else "derived"

    def sources_of(self, *names: str) -> str:
        """Where they come from, in words."""
        return "; ".join(f"{name} {self[name]:g} ({self.by_name[name].source})" for name in names)


def load_figures(technology: Technology, path: str | Path | None = None) -> Figures:
    """The figures for a technology, those of the file ``path`` in the place of their namesakes.

    Raises:
        InputError: The file cannot be read, or has an entry that is unknown, incomplete or impossible.
    """
    text = resources.files("rsscircuit.cost").joinpath("figures.toml").read_text("utf-8")
    shipped = {
        name: {key: Figure(**entry) for key, entry in part.items()} for name, part in tomllib.loads(text).items()
    }
    family = technology.name.partition("_")[0]
    figures = shipped["common"] | shipped.get(family, shipped["other"])
    return Figures(figures | ({} if path is None else _own(Path(path), figures)))


def _own(path: Path, known: Mapping[str, Figure]) -> dict[str, Figure]:
    try:
        entries = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError("no such file", where=_WHERE, got=str(path)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("cannot read the figures", where=_WHERE, got=str(error), remedy="give a TOML file") from error
    faults = [fault for name, entry in entries.items() if (fault := _fault(name, entry, known))]
    if faults:
        remedy = 'write name = { value = ..., mark = "...", source = "..." }, names as docs/cost.md lists them'
        raise InputError("; ".join(faults), where=f"{_WHERE} {path}", remedy=remedy)
    return {name: Figure(**entry | {"value": float(entry["value"])}) for name, entry in entries.items()}


def _fault(name: str, entry: Any, known: Mapping[str, Figure]) -> str:
    """What is wrong with an entry; empty where nothing is."""
    if name not in known:
        return f"{name}: unknown figure"
    if not isinstance(entry, dict) or set(entry) != {"value", "mark", "source"}:
        return f"{name}: needs value, mark and source"
    if entry["mark"] not in MARKS or not isinstance(entry["source"], str) or not entry["source"].strip():
        return f"{name}: needs a mark of {', '.join(MARKS)}, and a source"
    value = entry["value"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        return f"{name}: {value!r} is no number above zero"
    return ""

"""Switches that do not switch, read from a file: what a production test of one die found."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError

COLUMNS = ("layer", "row", "column", "polarity", "branch", "state")
STATES = {"open": -1, "closed": 1}
POLARITIES = {"+": 0, "-": 1}
NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One stuck switch: where in a layer's matrix (bias rows first), which branch, and -1 open or 1 closed.

    ``where`` names the file and the line that say so.
    """

    layer: str
    row: int
    column: int
    polarity: int
    branch: int
    state: int
    where: str


def read_faults(path: str | Path) -> tuple[Fault, ...]:
    """The faults of a CSV file with the columns layer, row, column, polarity, branch, state.

    Polarity is + or -, state open or closed; rows, columns and branches count from 0.

    Raises:
        InputError: The file cannot be read, or a line of it means nothing; every bad line is named.
    """
    try:
        text = Path(path).read_text("utf-8-sig")  # spreadsheets put a mark first
    except FileNotFoundError as error:
        raise InputError("cannot be read: no such file", where=f"--stuck {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", None) or str(error)
        raise InputError("cannot be read", where=f"--stuck {path}", got=got) from error
    reader = csv.DictReader(text.splitlines())
    faults, wrong = [], []
    try:
        first = tuple(reader.fieldnames or ())
        names = tuple(name.strip().lower() for name in first)
        reader.fieldnames = names
        entries = [(reader.line_num, entry) for entry in reader]
    except csv.Error as error:
        where = f"--stuck {path}, line {reader.line_num + 1}"
        raise InputError("is not a table", where=where, got=str(error)) from error
    if len(names) == 1 and ";" in names[0]:
        raise InputError(
            "the columns are separated by semicolons", where=f"--stuck {path}", got=first[0], remedy="use commas"
        )
    if names != COLUMNS:
        raise InputError(f"the first line must be {','.join(COLUMNS)}", where=f"--stuck {path}", got=",".join(first))
    for line, entry in entries:
        found = _wrong_fields(entry)
        wrong += [f"line {line}, {text}" for text in found]
        if not found:
            faults.append(
                Fault(
                    layer=entry["layer"],
                    row=int(entry["row"]),
                    column=int(entry["column"]),
                    polarity=POLARITIES[entry["polarity"]],
                    branch=int(entry["branch"]),
                    state=STATES[entry["state"]],
                    where=f"--stuck {path}, line {line}",
                )
            )
    if wrong:
        more = f"; and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise InputError("; ".join(wrong[:NAMED]) + more, where=f"--stuck {path}")
    return tuple(faults)


def _wrong_fields(entry: Mapping[str | None, Any]) -> list[str]:
    """What is wrong with the fields of one line."""
    count = sum(entry[name] is not None for name in COLUMNS) + len(entry.get(None, ()))
    if count != len(COLUMNS):
        return [f"{count} fields, where the first line names {len(COLUMNS)} columns"]
    wrong = [
        f"column {name}: {entry[name]!r} is no whole number from 0"
        for name in ("row", "column", "branch")
        if not (entry[name].isascii() and entry[name].isdigit())
    ]
    if entry["polarity"] not in POLARITIES:
        wrong.append(f"column polarity: {entry['polarity']!r} is neither + nor -")
    if entry["state"] not in STATES:
        wrong.append(f"column state: {entry['state']!r} is neither open nor closed")
    return wrong


def refuse_misplaced(faults: Sequence[Fault], drawn: NDArray[np.bool_], branches: int) -> None:
    """Check that the faults of one layer lie on switches that it has.

    Args:
        faults: Those of the layer.
        drawn: bool [rows, cols], where the layer has banks.
        branches: Resistors a bank.

    Raises:
        InputError: A fault lies where the layer has no switch, or two say different things of one.
    """
    states: dict[tuple[int, int, int, int], int] = {}
    for fault in faults:
        place = (fault.row, fault.column, fault.polarity, fault.branch)
        if fault.row >= drawn.shape[0] or fault.column >= drawn.shape[1] or fault.branch >= branches:
            size = f"{drawn.shape[0]} rows, {drawn.shape[1]} columns and {branches} branches"
            got = f"row {fault.row}, column {fault.column}, branch {fault.branch}"
            raise InputError(f"{fault.layer} has {size}", where=fault.where, got=got, remedy="count from 0")
        if not drawn[fault.row, fault.column]:
            raise InputError(
                f"{fault.layer} has no bank in row {fault.row}, column {fault.column}: the weight is zero",
                where=fault.where,
                remedy="leave the line out",
            )
        if states.setdefault(place, fault.state) != fault.state:
            raise InputError("the switch is called open and closed", where=fault.where, remedy="keep one of the lines")


def stuck_switches(faults: Sequence[Fault], window: tuple[slice, slice], branches: int) -> NDArray[np.int8]:
    """The faults in a window of a layer as int8 [rows, cols, 2, branches]: 1 always closed, -1 never, 0 works."""
    rows, columns = window
    stuck = np.zeros((rows.stop - rows.start, columns.stop - columns.start, 2, branches), np.int8)
    for fault in faults:
        if rows.start <= fault.row < rows.stop and columns.start <= fault.column < columns.stop:
            stuck[fault.row - rows.start, fault.column - columns.start, fault.polarity, fault.branch] = fault.state
    return stuck

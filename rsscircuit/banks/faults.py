"""Switches that do not switch, read from a file: what a production test of one die found."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError

COLUMNS = ("layer", "row", "column", "polarity", "branch", "state")
STATES = {"open": -1, "closed": 1}
POLARITIES = {"+": 0, "-": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One stuck switch: where in a layer's matrix (bias rows first), which branch, and -1 open or 1 closed."""

    layer: str
    row: int
    column: int
    polarity: int
    branch: int
    state: int
    line: int


def read_faults(path: str | Path) -> tuple[Fault, ...]:
    """The faults of a CSV file with the columns layer, row, column, polarity, branch, state.

    Polarity is + or -, state open or closed; rows, columns and branches count from 0.

    Raises:
        InputError: The file cannot be read, or a line of it means nothing; every bad line is named.
    """
    try:
        text = Path(path).read_text("utf-8-sig")  # spreadsheets put a mark first
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot be read", where=f"--stuck {path}", got=str(error)) from error
    reader = csv.DictReader(text.splitlines())
    faults, wrong = [], []
    try:
        names = tuple(reader.fieldnames or ())
        entries = [(reader.line_num, entry) for entry in reader]
    except csv.Error as error:
        where = f"--stuck {path}, line {reader.line_num + 1}"
        raise InputError("is not a table", where=where, got=str(error)) from error
    if names != COLUMNS:
        raise InputError(f"the first line must be {','.join(COLUMNS)}", where=f"--stuck {path}", got=",".join(names))
    for line, entry in entries:
        try:
            numbers = [entry[name] for name in ("row", "column", "branch")]
            if None in entry or not all(text.isascii() and text.isdigit() for text in numbers):
                raise ValueError
            row, column, branch = map(int, numbers)
            polarity, state = POLARITIES[entry["polarity"]], STATES[entry["state"]]
        except (KeyError, TypeError, ValueError, AttributeError):
            wrong.append(f"line {line}: {','.join(str(value) for value in entry.values())}")
            continue
        faults.append(
            Fault(
                layer=entry["layer"],
                row=row,
                column=column,
                polarity=polarity,
                branch=branch,
                state=state,
                line=line,
            )
        )
    if wrong:
        raise InputError(
            "needs whole numbers from 0, polarity + or -, and state open or closed",
            where=f"--stuck {path}",
            got="; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""),
        )
    return tuple(faults)


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
        where = f"--stuck, line {fault.line}"
        place = (fault.row, fault.column, fault.polarity, fault.branch)
        if fault.row >= drawn.shape[0] or fault.column >= drawn.shape[1] or fault.branch >= branches:
            size = f"{drawn.shape[0]} rows, {drawn.shape[1]} columns and {branches} branches"
            got = f"row {fault.row}, column {fault.column}, branch {fault.branch}"
            raise InputError(f"{fault.layer} has {size}", where=where, got=got, remedy="count from 0")
        if not drawn[fault.row, fault.column]:
            raise InputError(
                f"{fault.layer} has no bank in row {fault.row}, column {fault.column}: the weight is zero",
                where=where,
                remedy="leave the line out",
            )
        if states.setdefault(place, fault.state) != fault.state:
            raise InputError("the switch is called open and closed", where=where, remedy="keep one of the lines")


def stuck_switches(faults: Sequence[Fault], window: tuple[slice, slice], branches: int) -> NDArray[np.int8]:
    """The faults in a window of a layer as int8 [rows, cols, 2, branches]: 1 always closed, -1 never, 0 works."""
    rows, columns = window
    stuck = np.zeros((rows.stop - rows.start, columns.stop - columns.start, 2, branches), np.int8)
    for fault in faults:
        if rows.start <= fault.row < rows.stop and columns.start <= fault.column < columns.stop:
            stuck[fault.row - rows.start, fault.column - columns.start, fault.polarity, fault.branch] = fault.state
    return stuck

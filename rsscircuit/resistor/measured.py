"""A laboratory's table of one bank: ``branch,siemens`` or ``branch,ohm``, one line a branch, counted from 0.

The value is what operating the switch adds: in parallel the conductance of the closed branch, switch included, or one
over it; in series the resistance that opening the switch adds, and one more line, ``shorted``, has the resistance of
the chain with all switches closed.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError
from rsscircuit.resistor.kinds import Kind

Array = NDArray[np.float64]
SHORTED = "shorted"


def write_steps(kind: Kind, steps: Array, constant: float) -> str:
    """The table of a bank, as :func:`read_steps` reads it."""
    lines = [f"branch,{kind.unit}", *(f"{k},{step!r}" for k, step in enumerate(steps.tolist()))]
    if kind.name == "series":
        lines.append(f"{SHORTED},{constant!r}")
    return "\n".join(lines) + "\n"


def read_steps(path: str, kind: Kind, nominal: Array) -> tuple[Array, float]:
    """The measured steps of a bank, [n], and its constant, in the unit of the kind.

    Args:
        path: CSV file.
        kind: Parallel or series.
        nominal: [n], the steps that were drawn, to tell a wrong unit.

    Raises:
        InputError: The file cannot be read, or a line of it means nothing for this bank.
    """
    where, resistors = f"--measured {path}", nominal.size
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, skipinitialspace=True) if row]
    except FileNotFoundError as error:
        raise InputError("cannot be read: no such file", where=where) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("cannot be read", where=where, got=getattr(error, "strerror", None) or str(error)) from error
    header = [name.strip() for name in rows[0]] if rows else []
    units = ("siemens", "ohm") if kind.name == "parallel" else ("ohm",)
    if len(header) != 2 or header[0] != "branch" or header[1] not in units:
        raise InputError(
            f"the columns must be branch and {' or '.join(units)}", where=f"{where}, line 1", got=",".join(header)
        )
    names = [str(k) for k in range(resistors)] + ([SHORTED] if kind.name == "series" else [])
    values: dict[str, float] = {}
    for line, row in enumerate(rows[1:], start=2):
        name, value = _entry(row, f"{where}, line {line}", names)
        if name in values:
            raise InputError("the branch has a line already", where=f"{where}, line {line}", got=name)
        values[name] = value if header[1] == kind.unit else 1.0 / value
    missing = [name for name in names if name not in values]
    if missing:
        raise InputError(
            f"the bank has lines {', '.join((names[0], '...', names[-1]))}, and {len(missing)} of them are missing",
            where=where,
            got=f"no line {missing[0]}",
        )
    steps = np.array([values[str(k)] for k in range(resistors)])
    ratio = float(np.median(steps / nominal))
    if not 0.1 < ratio < 10.0:
        raise InputError(
            f"the median branch is {ratio:.3g} times what was drawn",
            where=where,
            remedy=f"give plain {' or '.join(units)}, and the value, tolerance and technology the bank was made for",
        )
    return steps, values.get(SHORTED, 0.0)


def _entry(row: list[str], where: str, names: list[str]) -> tuple[str, float]:
    try:
        name, value = row[0].strip(), float(row[1])
        if len(row) != 2 or name not in names or not 0 < value < math.inf:
            raise ValueError
    except (ValueError, IndexError):
        raise InputError(
            f"a line is a branch from {names[0]} to {names[-1]} and a value above 0", where=where, got=",".join(row)
        ) from None
    return name, value

"""Latch states into an emitted netlist: its text with the gates of every bank set anew.

A bank's line names the gate of each branch: ``g<row>``, the supply, where the switch is closed, ground where it is
open. Those words alone are replaced; resistors, lines, sources and models stay as they were emitted. The currents of
the resistors' voltage coefficients also stay: they are the plan's, some 1e-4 of a branch's current.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import DesignError
from rsscircuit.netlist.switches import GROUND
from rsscircuit.netlist.tile import POLARITIES

_BANK = re.compile(r"^X(\d+)_(\d+)([pn]) (\S+ \S+) ([\w ]+) bank\b(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnBanks:
    """What a netlist itself says of its banks.

    Attributes:
        present: bool [rows, cols, 2], the banks that it holds.
        closed: bool [rows, cols, 2, n], the switches that it closes.
        ohm: float64 [rows, cols, 2, n], its resistors; infinite where there is no bank.
    """

    present: NDArray[np.bool_]
    closed: NDArray[np.bool_]
    ohm: NDArray[np.float64]


def drawn_banks(deck: str, shape: tuple[int, ...], where: str) -> DrawnBanks:
    """Read the banks of a netlist of a tile [rows, cols, 2, n].

    Raises:
        DesignError: A bank lies outside the tile, stands twice, or has other gates or values than an emitted one.
    """
    present, closed, ohm = np.zeros(shape[:3], np.bool_), np.zeros(shape, np.bool_), np.full(shape, np.inf)
    names = [f"r{k}" for k in range(shape[3])]
    for bank in _BANK.finditer(deck):
        i, j, polarity = int(bank[1]), int(bank[2]), POLARITIES.index(bank[3])
        gates, values = bank[5].split(), dict(re.findall(r"(\w+)=(\S+)", bank[6]))
        inside = i < shape[0] and j < shape[1] and not present[i, j, polarity]
        if not inside or len(gates) != shape[3] or set(gates) - {f"g{i}", GROUND} or list(values) != names:
            raise DesignError(
                "a bank of the netlist is not as emitted",
                where=where,
                got=bank[0] if len(bank[0]) < 80 else f"{bank[0][:77]}...",
                remedy="build the design again",
            )
        present[i, j, polarity] = True
        closed[i, j, polarity] = [gate != GROUND for gate in gates]
        ohm[i, j, polarity] = [float(values[name]) for name in names]
    return DrawnBanks(present=present, closed=closed, ohm=ohm)


def with_gates(deck: str, name: Callable[[int, int, int, int], str]) -> str:
    """The netlist with the gate of branch (row, column, polarity, k) connected to the node that ``name`` gives."""

    def replaced(bank: re.Match[str]) -> str:
        row, column, polarity, lines, gates, values = bank.groups()
        place = int(row), int(column), POLARITIES.index(polarity)
        new = " ".join(name(*place, k) for k in range(len(gates.split())))
        return f"X{row}_{column}{polarity} {lines} {new} bank{values}"

    return _BANK.sub(replaced, deck)


def with_latches(deck: str, closed: NDArray[np.bool_]) -> str:
    """The netlist with its switches closed as the latches say, bool [rows, cols, 2, n]."""
    return with_gates(deck, lambda i, j, polarity, k: f"g{i}" if closed[i, j, polarity, k] else GROUND)

"""A signed weight as a pair of programmable conductances, in two ways (thesis section 6.5).

Negated input: both banks end in one virtual ground and see opposite voltages; the difference is made by Kirchhoff's
law, and the column pays for the sum. Paired columns: both banks see one voltage and end in a virtual ground each; the
difference is made after two converters, which both carry the common part and must match. The bend k v^2 of a bank's
switches (:mod:`rsscircuit.technology.cell`) enters as k+ + k- in the first and as k+ - k- in the second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.circuits.bank import bank_ampere, bank_instance, bank_subcircuit
from rsscircuit.netlist.circuits.switches import Level, SwitchKind
from rsscircuit.netlist.elements import Circuit, Element, Section, VoltageSource
from rsscircuit.technology import Technology

Array = NDArray[np.float64]


def negated_input(
    resistance_ohm: Array,
    closed: Sequence[Sequence[bool]],
    technology: Technology,
    *,
    volt: float,
    level: Level = "nmos",
) -> Circuit:
    """A pair whose negative bank sees the mirrored input.

    Ports: ``wp`` and ``wn``, driven to the common mode plus and minus ``volt``; ``bit``, the virtual ground, whose
    source carries the difference. Closed form: i(+v) of the positive bank plus i(-v) of the negative one.

    Args:
        resistance_ohm: [2, n], positive bank first, without switches.
        closed: [2, n].
        technology: Switch and voltages.
        volt: The input.
        level: Of the switches.
    """
    common = technology.drive.common_mode_volt
    lines = (VoltageSource("wp", "wp", "0", common + volt), VoltageSource("wn", "wn", "0", common - volt))
    return _pair("negated input", resistance_ohm, closed, technology, level, lines, ("wp", "wn"), ("bit", "bit"))


def paired_columns(
    resistance_ohm: Array,
    closed: Sequence[Sequence[bool]],
    technology: Technology,
    *,
    volt: float,
    level: Level = "nmos",
) -> Circuit:
    """A pair whose banks share the line and end in virtual grounds ``bp`` and ``bn``.

    The weight is the current of ``bp`` less that of ``bn``. Closed form: i(+v) of the positive bank less i(+v) of the
    negative one. Arguments as :func:`negated_input`.
    """
    lines = (VoltageSource("w", "w", "0", technology.drive.common_mode_volt + volt),)
    return _pair("paired columns", resistance_ohm, closed, technology, level, lines, ("w", "w"), ("bp", "bn"))


def negated_input_ampere(
    resistance_ohm: Array, closed: Sequence[Sequence[bool]], volt: float, technology: Technology, level: Level = "nmos"
) -> float:
    """Current of ``bit``."""
    return sum(bank_ampere(resistance_ohm[p], closed[p], (volt, -volt)[p], technology, level) for p in (0, 1))


def paired_columns_ampere(
    resistance_ohm: Array, closed: Sequence[Sequence[bool]], volt: float, technology: Technology, level: Level = "nmos"
) -> float:
    """Current of ``bp`` less that of ``bn``."""
    plus, minus = (bank_ampere(resistance_ohm[p], closed[p], volt, technology, level) for p in (0, 1))
    return plus - minus


def _pair(
    how: str,
    resistance_ohm: Array,
    closed: Sequence[Sequence[bool]],
    technology: Technology,
    level: Level,
    drivers: tuple[Element, ...],
    lines: tuple[str, str],
    bits: tuple[str, str],
) -> Circuit:
    kind, drive = SwitchKind(technology=technology, level=level), technology.drive
    grounds = [VoltageSource(bit, bit, "0", drive.common_mode_volt) for bit in dict.fromkeys(bits)]
    banks = [bank_instance("pn"[p], lines[p], bits[p], resistance_ohm[p], closed[p]) for p in (0, 1)]
    return Circuit(
        title=f"rsscircuit differential pair by {how}",
        notes=(f"{technology.label}, {resistance_ohm.shape[1]} resistors a bank",),
        parts=(kind.card,),
        subcircuits=(bank_subcircuit(kind, resistance_ohm.shape[1]),),
        sections=(
            Section("drivers", drivers),
            Section(
                "virtual grounds, and the gate voltage of closed switches",
                (
                    *grounds,
                    VoltageSource("gate", "gate", "0", drive.supply_volt),
                ),
            ),
            Section("the banks", tuple(banks)),
        ),
        currents=tuple(source.name for source in grounds),
    )

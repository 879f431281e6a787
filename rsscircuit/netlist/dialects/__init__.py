"""Dialects: a circuit as text, the last step. Each says what it cannot express, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rsscircuit.errors import InputError
from rsscircuit.netlist.dialects import spice, vacask, xyce
from rsscircuit.netlist.elements import Circuit

DEFAULT = "ngspice"
DIALECTS: Mapping[str, Callable[[Circuit], str]] = MappingProxyType(
    {DEFAULT: spice.write, "xyce": xyce.write, "vacask": vacask.write}
)


def write(circuit: Circuit, dialect: str = DEFAULT) -> str:
    """The text of a circuit.

    Raises:
        InputError: No such dialect, or it cannot express something in the circuit.
    """
    if dialect not in DIALECTS:
        known = ", ".join(DIALECTS)
        raise InputError("no such dialect", where="--dialect", got=dialect, remedy=f"choose from {known}")
    return DIALECTS[dialect](circuit)

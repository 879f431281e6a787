"""What a user can ask of a programmable resistor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from rsscircuit.errors import InputError
from rsscircuit.technology import DEFAULT

Shape = Literal["parallel", "series"]
SHAPES: tuple[Shape, ...] = ("parallel", "series")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResistorOptions:
    """Every choice of a programmable resistor; the defaults are the command line's.

    Attributes:
        value_ohm: The resistance asked for.
        tolerance: Its largest relative error.
        technology: Preset name or file.
        circuit: ``parallel`` (thesis figure 6.1) or ``series`` (figure 6.3).
        bank: Nominal plan; the technology's own by default.
        resistors: Resistors of the bank; by default the fewest that reach the tolerance.
        volts: The voltage across it at which the value is stated, line over ``bit``; by default the technology's read
            voltage.
        drawn_for_ohm: The resistance that the bank is drawn for, where it is programmed to another one.
        seed: Which virtual die.
        measured: CSV file of measured branches, instead of a virtual die.
        simulate: Whether ngspice runs the deck.
    """

    value_ohm: float
    tolerance: float
    technology: str = DEFAULT
    circuit: str = "parallel"
    bank: str | None = None
    resistors: int | None = None
    volts: float | None = None
    drawn_for_ohm: float | None = None
    seed: int = 1
    measured: str | None = None
    simulate: bool = False

    @property
    def drawn_ohm(self) -> float:
        """The resistance that the bank is drawn for."""
        return self.value_ohm if self.drawn_for_ohm is None else self.drawn_for_ohm

    def check(self) -> None:
        """Refuse what means nothing.

        Raises:
            InputError: An option outside its range.
        """
        for where, ohm in (("--value", self.value_ohm), ("--drawn-for", self.drawn_ohm)):
            if not 0 < ohm < math.inf:
                raise InputError("a resistance is above 0", where=where, got=ohm)
        if not 0 < self.tolerance < 0.5:
            raise InputError("a tolerance is a fraction from 0 to 0.5", where="--tolerance", got=self.tolerance)
        if self.volts is not None and not math.isfinite(self.volts):
            raise InputError("a voltage is a finite number", where="--volts", got=self.volts)
        if self.circuit not in SHAPES:
            raise InputError(
                "no such circuit", where="--circuit", got=self.circuit, remedy=f"choose from {', '.join(SHAPES)}"
            )
        if self.seed < 0:
            raise InputError("a seed is a whole number from 0", where="--seed", got=self.seed)

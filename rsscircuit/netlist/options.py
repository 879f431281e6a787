"""What a tile's netlist shows and what it leaves out: the choices of one deck.

Every choice is repeated in the comments at the head of the deck, so that a reader knows what the deck is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rsscircuit.errors import InputError
from rsscircuit.netlist.elements import ModelText
from rsscircuit.technology.cell import Capacitances

IDEAL, NMOS, TRANSMISSION_GATE, PDK = "ideal", "nmos", "transmission-gate", "pdk"
SWITCHES = (IDEAL, NMOS, TRANSMISSION_GATE)
NEGATED_INPUT, PAIRED_COLUMNS = "negated-input", "paired-columns"
PAIRS = (NEGATED_INPUT, PAIRED_COLUMNS)
FEEDBACK_OHM = 20e3
MOST_GAIN = 1e8  # the input of an amplifier is a difference of voltages of 16 digits


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A transistor of a process design kit, ready for one line a switch, and what was extracted of it.

    Attributes:
        kit: Name of the kit, such as ``gf180``.
        text: Its model card.
        width_m, length_m: Size, metre.
        more: Instance parameters that the kit sets for that size.
        on_ohm: Closed, small signal, at the common mode and with the gate voltage of the deck: simulated.
        common_mode_volt, gate_volt: The voltages of that simulation.
    """

    kit: str
    text: ModelText
    width_m: float
    length_m: float
    more: Mapping[str, float]
    on_ohm: float
    common_mode_volt: float
    gate_volt: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tia:
    """A transimpedance amplifier at the end of every bit line.

    Attributes:
        gain: Open-loop gain at DC, at most 1e8.
        bandwidth_hertz: Gain-bandwidth product.
        offset_volt: Input offset, added to the common mode at the non-inverting input.
        feedback_ohm: Feedback resistor.
        noise_volt: Input noise density, volt per root hertz, white; in decks of noise analyses only.
        feedback_branches: 0 for a plain resistor; else it is made of so many equal branches in parallel, each a
            resistor with a closed switch like those of the banks, so that R_on and temperature follow theirs.
    """

    gain: float = 1e5
    bandwidth_hertz: float = 10e6
    offset_volt: float = 0.0
    noise_volt: float = 1e-8
    feedback_ohm: float = FEEDBACK_OHM
    feedback_branches: int = 0

    def __post_init__(self) -> None:
        for name in ("gain", "bandwidth_hertz", "feedback_ohm"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError("must be above 0", where=f"amplifier, {name}", got=getattr(self, name))
        if self.gain > MOST_GAIN:
            raise InputError(
                f"a gain above {MOST_GAIN:g} drowns in rounding",
                where="amplifier, gain",
                got=self.gain,
                remedy="take virtual grounds for ideal amplifiers",
            )
        if not math.isfinite(self.offset_volt):
            raise InputError("must be finite", where="amplifier, offset_volt", got=self.offset_volt)
        if not 0 <= self.noise_volt < math.inf:
            raise InputError("must be from 0", where="amplifier, noise_volt", got=self.noise_volt)
        if self.feedback_branches < 0:
            raise InputError("must be from 0", where="amplifier, feedback_branches", got=self.feedback_branches)


@dataclass(frozen=True, slots=True, kw_only=True)
class TileOptions:
    """The choices of one deck.

    Attributes:
        switch: ``ideal`` (voltage-controlled, two resistances), ``nmos`` or ``transmission-gate`` (generic level-1
            cards), or ``pdk``, which needs ``card``.
        card: The transistor of ``pdk``.
        merged: One resistor a bank for all that is closed, at the resistance that the switch level has; no gates.
        word_both_ends: Word lines are driven at both ends; needs wires.
        bit_both_ends: Bit lines end in their read-out at both ends; needs wires.
        pair: ``negated-input`` (two word lines a row, one bit line a column) or ``paired-columns`` (one word line
            a row, two bit lines a column, the difference taken by the reader).
        readout: An amplifier a bit line; None for ideal virtual grounds, whose currents are saved.
        gate_off_volt: Gate of an open switch, over the source rail.
        common_mode_volt: Virtual ground over the source rail; None for the technology's.
        driver_ohm: Output resistance of every word-line driver.
        voltage_coefficient: Whether the resistors have the technology's voltage coefficients, as one current
            source a bank; no sources where it has none.
        capacitances: Of lines and resistors, with merged banks; None for a deck without.
    """

    switch: str = NMOS
    card: ModelCard | None = None
    merged: bool = False
    word_both_ends: bool = False
    bit_both_ends: bool = False
    pair: str = NEGATED_INPUT
    readout: Tia | None = None
    gate_off_volt: float = 0.0
    common_mode_volt: float | None = None
    driver_ohm: float = 0.0
    voltage_coefficient: bool = True
    capacitances: Capacitances | None = None

    def __post_init__(self) -> None:
        if self.switch not in (*SWITCHES, PDK):
            known = f"{', '.join(SWITCHES)} or {PDK}:NAME"
            raise InputError("no such switch level", where="--switch", got=self.switch, remedy=f"choose from {known}")
        if (self.switch == PDK) != (self.card is not None):
            raise InputError("a transistor of a kit needs its card", where="--switch", got=self.switch)
        if self.pair not in PAIRS:
            remedy = f"choose from {', '.join(PAIRS)}"
            raise InputError("no such pair", where="--pair", got=self.pair, remedy=remedy)
        if self.capacitances is not None and not self.merged:
            raise InputError("capacitances are those of merged banks", where="--merged", got=self.switch)
        if not 0 <= self.driver_ohm < math.inf:
            raise InputError("a resistance is from 0", where="--driver", got=self.driver_ohm)
        for name, value in (("--gate-off", self.gate_off_volt), ("--common-mode", self.common_mode_volt)):
            if value is not None and not math.isfinite(value):
                raise InputError("must be finite", where=name, got=value)

    @property
    def paired(self) -> bool:
        """Whether plus and minus banks have bit lines of their own."""
        return self.pair == PAIRED_COLUMNS

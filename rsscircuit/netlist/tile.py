"""One tile as a circuit, and as the text that every simulator is handed.

Word lines and bit lines are counted as they lie: a logical row has two word lines where the minus bank is fed the
negated input, a logical column two bit lines where plus and minus banks have lines of their own. A line without
resistance is one node; with wires it is one node a crossing, from its driver to its last column, or from the first
row to its read-out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar
from rsscircuit.errors import InputError
from rsscircuit.netlist import dialects, switches
from rsscircuit.netlist.elements import (
    Circuit,
    Element,
    Instance,
    ModelText,
    Part,
    PolynomialCurrent,
    Resistor,
    Section,
    Subcircuit,
    VoltageSource,
)
from rsscircuit.netlist.options import IDEAL, PDK, TRANSMISSION_GATE, TileOptions
from rsscircuit.netlist.switches import GROUND
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments

Array = NDArray[np.float64]
POLARITIES = "pn"
DEFAULT_OPTIONS = TileOptions()
COMMON, WELL = "cm", "well"
CASE_NOTE = "number of the input vector, where a host program runs several in one sweep; it feeds nothing"
LEAST_SIEMENS = 1e-18  # below it a leak is rounding


def tile_deck(
    crossbar: Crossbar,
    technology: Technology,
    *,
    label: str,
    volts: Array | None = None,
    segments: Segments | None = None,
    options: TileOptions = DEFAULT_OPTIONS,
    dialect: str = dialects.DEFAULT,
) -> str:
    """The deck of one tile: the text of :func:`tile_circuit`, which takes the same arguments, in a dialect."""
    circuit = tile_circuit(crossbar, technology, label=label, volts=volts, segments=segments, options=options)
    return dialects.write(circuit, dialect)


def tile_circuit(
    crossbar: Crossbar,
    technology: Technology,
    *,
    label: str,
    volts: Array | None = None,
    segments: Segments | None = None,
    options: TileOptions = DEFAULT_OPTIONS,
) -> Circuit:
    """One tile with its drivers and its read-out.

    The current ``vb<j>`` of every bit line (``vbp<j>`` and ``vbn<j>`` with paired columns) is saved, from the line
    into its virtual ground; with amplifiers the voltage ``out<j>`` (``outp<j>``, ``outn<j>``).

    Args:
        crossbar: True banks and switch plan; a cell without resistors gets no element.
        technology: Switch card and voltages.
        label: The layer's file name.
        volts: [rows], logical inputs; the full read voltage on every row by default.
        segments: Wire segments, which also bring the leakage of open switches; ideal wires by default.
        options: Everything else that the deck shows or leaves out.

    Raises:
        InputError: Choices that exclude each other, or a switch that does not conduct.
    """
    rows = len(crossbar.closed)
    logical = np.full(rows, technology.drive.read_volt) if volts is None else volts
    tile = TileNetlist(crossbar=crossbar, technology=technology, segments=segments, options=options)
    notes = [
        f"{technology.label}, layer {label}, tile {crossbar.index}: {tile.size}",
        *tile.notes,
        f"row drivers: {'full read voltage on every row' if volts is None else 'as given'}",
    ]
    sections = (
        Section(CASE_NOTE, (VoltageSource("case", "case", GROUND, 0.0),)),
        Section("row drivers", tuple(_drivers(tile, logical))),
        Section("common mode", (VoltageSource(COMMON, COMMON, GROUND, tile.common_mode_volt),))
        if options.readout
        else Section("virtual grounds", tuple(tile.grounds())),
        *tile.sections(),
    )
    return Circuit(
        title="rsscircuit crossbar tile",
        notes=tuple(notes),
        parts=tile.parts(),
        subcircuits=tile.subcircuits(),
        sections=tuple(section for section in sections if section.elements),
        currents=() if options.readout else tile.lines.bits,
        voltages=tile.outputs if options.readout else (),
    )


def source_volts(volts: Array, technology: Technology, options: TileOptions = DEFAULT_OPTIONS) -> dict[str, Array]:
    """The voltage of every row source: name to [cases], from logical ``volts`` [cases, rows]."""
    common = switches.common_mode(technology, options)
    result = {}
    for i in range(volts.shape[1]):
        if options.paired:
            result[f"vw{i}"] = common + volts[:, i]
        else:
            result[f"vwp{i}"] = common + volts[:, i]
            result[f"vwn{i}"] = common - volts[:, i]
    return result


def _drivers(tile: TileNetlist, volts: Array) -> Iterator[Element]:
    by_name = source_volts(volts[None, :], tile.technology, tile.options)
    for name, driver in zip(by_name, tile.drivers, strict=True):
        yield VoltageSource(name.removeprefix("v"), driver, GROUND, float(by_name[name][0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Names of the nodes along the lines.

    Attributes:
        words, bits: Every line's end: where it is driven, where it is read.
        word_wires, bit_wires: Whether it has a node at every crossing.
    """

    words: tuple[str, ...]
    bits: tuple[str, ...]
    word_wires: bool
    bit_wires: bool

    def word(self, p: int, q: int) -> str:
        """Word line ``p`` where bit line ``q`` crosses."""
        return f"{self.words[p]}_{q}" if self.word_wires else self.words[p]

    def bit(self, p: int, q: int) -> str:
        """Bit line ``q`` where word line ``p`` crosses."""
        return f"{self.bits[q]}_{p}" if self.bit_wires else self.bits[q]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TileNetlist:
    """The elements of one tile, without the sources that drive its rows.

    Raises:
        InputError: Choices that exclude each other, or a switch that does not conduct.
    """

    crossbar: Crossbar
    technology: Technology
    segments: Segments | None
    options: TileOptions
    lines: Lines = field(init=False)

    def __post_init__(self) -> None:
        rows, columns = self.crossbar.closed.shape[:2]
        options, wires = self.options, self.segments or Segments(word_ohm=0.0, bit_ohm=0.0)
        if options.word_both_ends and wires.word_ohm == 0:
            raise InputError(
                "word lines without resistance have no two ends", where="--both-ends", remedy="add --wires"
            )
        if options.bit_both_ends and wires.bit_ohm == 0:
            raise InputError("bit lines without resistance have no two ends", where="--both-ends", remedy="add --wires")
        if options.gate_off_volt >= self.technology.drive.supply_volt:
            raise InputError("an open gate is below the supply", where="--gate-off", got=f"{options.gate_off_volt:g} V")
        card, gate = options.card, self.technology.drive.supply_volt
        if card is not None and (card.gate_volt, card.common_mode_volt) != (gate, self.common_mode_volt):
            raise InputError("the transistor was extracted at other voltages", where="--switch", got=card.kit)
        if options.paired:
            words = [f"w{i}" for i in range(rows)]
            bits = [f"b{polarity}{j}" for j in range(columns) for polarity in POLARITIES]
        else:
            words = [f"w{polarity}{i}" for i in range(rows) for polarity in POLARITIES]
            bits = [f"b{j}" for j in range(columns)]
        lines = Lines(words=tuple(words), bits=tuple(bits), word_wires=wires.word_ohm > 0, bit_wires=wires.bit_ohm > 0)
        object.__setattr__(self, "lines", lines)

    @property
    def common_mode_volt(self) -> float:
        """Voltage of the virtual grounds."""
        return switches.common_mode(self.technology, self.options)

    @property
    def size(self) -> str:
        """Rows, columns and resistors in words."""
        rows, columns, _, resistors = self.crossbar.closed.shape
        return f"{rows} logical rows, {columns} columns, {resistors} resistors a bank"

    @property
    def branches(self) -> int:
        """How many switches and resistors the deck holds, or how many resistors where banks are merged."""
        drawn = int((self.crossbar.die.on_siemens > 0).any(axis=3).sum())
        return drawn * (1 if self.options.merged else self.crossbar.closed.shape[3])

    @property
    def drivers(self) -> tuple[str, ...]:
        """Nodes of the row sources, before their resistance."""
        return tuple(f"d{word}" for word in self.lines.words) if self.options.driver_ohm else self.lines.words

    @property
    def outputs(self) -> tuple[str, ...]:
        """Nodes of the amplifiers' outputs."""
        return tuple(bit.replace("b", "out", 1) for bit in self.lines.bits)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the deck is, choice by choice."""
        options, common, wires = self.options, self.common_mode_volt, self.segments
        paired = (
            "word line w<i> is driven to common mode + v(i); plus banks end in bit line bp<j>, minus banks in bn<j>, "
            "the reader takes plus minus minus",
            "word line wp<i> is driven to common mode + v(i), wn<i> to common mode - v(i); bit line b<j> takes both",
        )
        line = "i(vbp<j>), i(vbn<j>): the currents" if options.paired else "i(vb<j>): the current"
        if options.readout is None:
            read = f"ideal virtual grounds; {line} of column j"
        else:
            tia = options.readout
            made = f", made of {tia.feedback_branches} branches" if tia.feedback_branches else ""
            read = (
                f"amplifiers of gain {tia.gain!r}, {tia.bandwidth_hertz!r} Hz, offset {tia.offset_volt!r} V, feedback "
                f"{tia.feedback_ohm!r} Ohm{made}: v(out...) is the common mode minus feedback times current"
            )
        if wires is None:
            wired = "ideal, no leakage beside the switches' own"
        else:
            ends = {False: "one end", True: "both ends"}
            wired = (
                f"{wires.word_ohm!r} Ohm a word-line segment, driven at {ends[options.word_both_ends]}; "
                f"{wires.bit_ohm!r} Ohm a bit-line segment, read at {ends[options.bit_both_ends]}; with leakage"
            )
        resistor = self.technology.resistor
        coefficient = "left out"
        if options.voltage_coefficient:
            coefficient = f"{resistor.voltage_per_volt!r} /V and {resistor.voltage_per_volt2!r} /V2"
        return (
            f"switches: {switches.describe(self.technology, options)}",
            f"open gates: {'no gates' if options.merged else f'{options.gate_off_volt!r} V'}; common mode {common!r} V",
            f"pairs: {paired[0 if options.paired else 1]}",
            f"wires: {wired}",
            f"drivers: {f'{options.driver_ohm!r} Ohm' if options.driver_ohm else 'ideal'}",
            f"read-out: {read}",
            f"voltage coefficient of the resistors: {coefficient}",
            "SI units throughout",
        )

    def parts(self) -> tuple[Part | ModelText, ...]:
        """Model cards and amplifier."""
        options = self.options
        found: list[Part | ModelText] = []
        if not options.merged or (options.readout and options.readout.feedback_branches):
            found += switches.parts(self.technology, options)
        if options.readout:
            tia = options.readout
            values = {"gain": tia.gain, "bandwidth_hertz": tia.bandwidth_hertz, "offset_volt": tia.offset_volt}
            found.append(Part("tia", values))
        return tuple(found)

    def subcircuits(self) -> tuple[Subcircuit, ...]:
        """The bank."""
        if self.options.merged:
            return ()
        return (switches.bank(self.technology, self.options, self.crossbar.closed.shape[3]),)

    def sections(self) -> tuple[Section, ...]:
        """Everything between the drivers and the read-out, amplifiers included."""
        options = self.options
        amplifiers = tuple(self._amplifiers()) if options.readout else ()
        banks = "banks: X<row>_<column><polarity> word-line bit-line gates, g<row> closed, open otherwise"
        cells = (
            Section("banks: one resistor for all closed branches", tuple(self._merged()))
            if options.merged
            else Section(banks, tuple(self._banks()))
        )
        return (
            Section("gates", () if options.merged else tuple(self._gates())),
            Section("amplifiers", amplifiers),
            cells,
            Section("wires and leakage", (*self._driver_resistors(), *self._wires(), *self._leaks())),
            Section(
                "voltage coefficient: a current a bank",
                tuple(self._coefficients()) if options.voltage_coefficient else (),
            ),
        )

    def grounds(self) -> Iterator[Element]:
        """An ideal virtual ground a bit line."""
        for bit in self.lines.bits:
            yield VoltageSource(bit, bit, GROUND, self.common_mode_volt)

    def _place(self, i: int, j: int, polarity: int) -> tuple[str, str]:
        """Word and bit node of a bank."""
        p, q = (i, 2 * j + polarity) if self.options.paired else (2 * i + polarity, j)
        return self.lines.word(p, q), self.lines.bit(p, q)

    def _gates(self) -> Iterator[Element]:
        """One source a row: a rail shared by all rows would make the solver's matrix dense."""
        supply, options = self.technology.drive.supply_volt, self.options
        for i in range(len(self.crossbar.closed)):
            yield VoltageSource(f"g{i}", f"g{i}", GROUND, supply)
            if options.gate_off_volt:
                yield VoltageSource(f"go{i}", f"go{i}", GROUND, options.gate_off_volt)
            if options.switch == TRANSMISSION_GATE:
                yield VoltageSource(f"{WELL}{i}", f"{WELL}{i}", GROUND, supply)

    def _banks(self) -> Iterator[Element]:
        crossbar, both = self.crossbar, self.options.switch == TRANSMISSION_GATE
        drawn: NDArray[np.bool_] = np.any(crossbar.die.on_siemens > 0, axis=(2, 3))
        ohms = np.where(drawn[:, :, None, None], switches.resistor_ohm(crossbar, self.technology), 1.0)
        names = [f"r{k}" for k in range(ohms.shape[3])]
        for i, j in np.argwhere(drawn).tolist():
            closed_gate, open_gate = f"g{i}", f"go{i}" if self.options.gate_off_volt else GROUND
            for polarity in (0, 1):
                plan = crossbar.closed[i, j, polarity].tolist()
                nodes = [*self._place(i, j, polarity), *(closed_gate if on else open_gate for on in plan)]
                if both:
                    nodes += [*(GROUND if on else closed_gate for on in plan), f"{WELL}{i}"]
                values = dict(zip(names, ohms[i, j, polarity].tolist(), strict=True))
                yield Instance(f"{i}_{j}{POLARITIES[polarity]}", tuple(nodes), "bank", values)

    def _merged(self) -> Iterator[Element]:
        siemens = switches.closed_siemens(self.crossbar, self.technology, self.options).sum(axis=3)
        for i, j, polarity in np.argwhere(siemens > 0).tolist():
            ohm = 1.0 / float(siemens[i, j, polarity])
            yield Resistor(f"{i}_{j}{POLARITIES[polarity]}", *self._place(i, j, polarity), ohm)

    def _leaks(self) -> Iterator[Element]:
        """One resistor a bank for its open switches, where there are wires; a kit's transistors leak by themselves.

        What ideal switches let through is taken off.
        """
        if self.segments is None or (self.options.switch == PDK and not self.options.merged):
            return
        leak = self.crossbar.leak_siemens()
        if self.options.switch == IDEAL and not self.options.merged:
            leak = leak - np.logical_not(self.crossbar.closed).sum(axis=3) / switches.OPEN_OHM
        for i, j, polarity in np.argwhere(leak > LEAST_SIEMENS).tolist():
            ohm = 1.0 / float(leak[i, j, polarity])
            yield Resistor(f"off{i}_{j}{POLARITIES[polarity]}", *self._place(i, j, polarity), ohm)

    def _coefficients(self) -> Iterator[Element]:
        """What the resistors' own voltages add; the switches bend by themselves, or not, as the level has it."""
        odd, cube = switches.resistors_bend(self.crossbar, self.technology, self.options)
        for i, j, polarity in np.argwhere((odd != 0) | (cube != 0)).tolist():
            name, place = f"{i}_{j}{POLARITIES[polarity]}", self._place(i, j, polarity)
            yield PolynomialCurrent(name, *place, float(odd[i, j, polarity]), float(cube[i, j, polarity]))

    def _driver_resistors(self) -> Iterator[Element]:
        if self.options.driver_ohm:
            for driver, word in zip(self.drivers, self.lines.words, strict=True):
                yield Resistor(driver, driver, word, self.options.driver_ohm)

    def _wires(self) -> Iterator[Element]:
        """Word lines from their driver, bit lines to their read-out; the far end only where both ends are used."""
        lines, segments = self.lines, self.segments
        if segments is None:
            return
        last = len(lines.bits) - 1, len(lines.words) - 1
        if lines.word_wires:
            for p, word in enumerate(lines.words):
                before = word
                for q in range(len(lines.bits)):
                    here = lines.word(p, q)
                    yield Resistor(here, before, here, segments.word_ohm)
                    before = here
                if self.options.word_both_ends:
                    yield Resistor(f"{word}_end", lines.word(p, last[0]), word, segments.word_ohm)
        if lines.bit_wires:
            for q, bit in enumerate(lines.bits):
                for p in range(len(lines.words)):
                    here, after = lines.bit(p, q), lines.bit(p + 1, q) if p < last[1] else bit
                    yield Resistor(here, here, after, segments.bit_ohm)
                if self.options.bit_both_ends:
                    yield Resistor(f"{bit}_end", bit, lines.bit(0, q), segments.bit_ohm)

    def _amplifiers(self) -> Iterator[Element]:
        tia = self.options.readout
        if tia is None:
            return
        for q, (bit, out) in enumerate(zip(self.lines.bits, self.outputs, strict=True)):
            yield Instance(f"tia_{bit}", (bit, COMMON, out), "tia")
            if not tia.feedback_branches:
                yield Resistor(f"f_{bit}", bit, out, tia.feedback_ohm)
                continue
            yield from self._feedback(q, bit, out)

    def _feedback(self, q: int, bit: str, out: str) -> Iterator[Element]:
        """The feedback resistor of a bit line, made of branches whose switches stand at the virtual ground."""
        tia, supply = self.options.readout, self.technology.drive.supply_volt
        if tia is None:
            return
        ohm = tia.feedback_ohm * tia.feedback_branches - switches.on_ohm(self.technology, self.options)
        if ohm <= 0:
            raise InputError(
                "the feedback's branches are smaller than their switches",
                where="--readout",
                got=f"{tia.feedback_ohm:g} Ohm of {tia.feedback_branches} branches",
                remedy="use more branches or a larger feedback resistor",
            )
        gate, well = f"gf{q}", f"{WELL}f{q}"
        yield VoltageSource(gate, gate, GROUND, supply)
        if self.options.switch == TRANSMISSION_GATE:
            yield VoltageSource(well, well, GROUND, supply)
        for k in range(tia.feedback_branches):
            name, middle = f"f{k}_{bit}", f"f{k}_{bit}"
            yield Resistor(name, out, middle, ohm)
            yield from switches.closing(
                name, middle, bit, self.technology, self.options, gate=gate, complement=GROUND, well=well
            )

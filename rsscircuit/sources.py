"""Where the banks of a design come from: a virtual die of the process, the measured table of a real one, or files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rsscircuit.assembly import Placed, TileBanks
from rsscircuit.banks import BankSpec, Die, Fault, FloorPlan, MeasuredBanks, Place, draw_die, measure, stuck_switches
from rsscircuit.banks.exchange import State
from rsscircuit.banks.plausible import plausibility
from rsscircuit.banks.table import MeasuredTable
from rsscircuit.design import Design
from rsscircuit.design.marks import Marks, load_marks
from rsscircuit.design.store import load_die, load_measured
from rsscircuit.errors import InputError
from rsscircuit.mapping import Tile
from rsscircuit.options import Resolved
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
OPEN_SIEMENS = 1e-15  # an open resistor, where a netlist needs a number
VIRTUAL, MEASURED = "virtual", "measured"
TRUE_VALUES = {VIRTUAL: "drawn from the technology", MEASURED: "not known; what was measured stands for them"}
COUNTED = ("missing", "open_resistors", "stuck_open", "stuck_closed")
NAMED = 5


class DieSource(Protocol):
    """What is made and what is measured of it, one after the other."""

    @property
    def true_known(self) -> bool:
        """Whether the true values are known."""

    def draw(self, layer: Placed, tile: Tile) -> tuple[Die, NDArray[np.int8] | None]:
        """The true banks of one tile, and the state of their switches where any is stuck."""

    def measure(self, layer: Placed, tile: Tile, die: Die) -> tuple[MeasuredBanks, Array | None]:
        """What is measured of them, and its standard errors where they are known."""

    def record(self) -> dict[str, Any]:
        """What ``design.json`` says of the die."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualDie:
    """The die of a seed, measured by its own converters.

    Attributes:
        seed: Which die.
        resolved: Its process, its bank and the terms of variation.
        floor_plan: Where its tiles lie.
        faults: The stuck switches of each layer.
        true_known: The true values are known.
    """

    seed: int
    resolved: Resolved
    floor_plan: FloorPlan
    faults: Mapping[str, Sequence[Fault]]
    true_known: bool = True

    def draw(self, layer: Placed, tile: Tile) -> tuple[Die, NDArray[np.int8] | None]:
        """The true banks of one tile, and the state of their switches where any is stuck."""
        bank, faults = self.resolved.bank, self.faults[layer.name]
        state = stuck_switches(faults, tile.window, bank.resistors) if faults else None
        present = layer.drawn[tile.window]
        return draw_die(bank, self.resolved.technology, present, self._place(layer, tile), self.resolved.terms), state

    def measure(self, layer: Placed, tile: Tile, die: Die) -> tuple[MeasuredBanks, Array | None]:
        """What the converters say of them."""
        return measure(die, self.resolved.technology, self.resolved.bank, self._place(layer, tile)), None

    def record(self) -> dict[str, Any]:
        """What ``design.json`` says of the die."""
        return {"kind": VIRTUAL, "true_values": TRUE_VALUES[VIRTUAL]}

    def _place(self, layer: Placed, tile: Tile) -> Place:
        return self.floor_plan.place(self.seed, layer.name, tile.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDie:
    """The banks as a design's files hold them.

    Attributes:
        folder: Of the design.
        technology: Its process.
        bank: What every bank is drawn like.
        true_known: Whether their true values are known.
    """

    folder: Path
    technology: Technology
    bank: BankSpec
    true_known: bool

    def banks(self, layer: Placed, tile: Tile) -> TileBanks:
        """The banks of one tile."""
        shape = (tile.rows, tile.columns, 2, self.bank.resistors)
        return TileBanks(
            die=load_die(self.folder, layer.label, tile.index, self.technology.switch.off_siemens),
            measured=load_measured(self.folder, layer.label, tile.index),
            marks=load_marks(self.folder, layer.label, tile.index, shape),
            true_known=self.true_known,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherDie:
    """The die of another seed for a design that stands, measured by its own converters.

    The switches that the design knows to be stuck are stuck on it too, as a build with the same file of them has it;
    where the design is that of a measured die, they are that die's own, and here every switch works.

    Attributes:
        design: The design.
        folder: Of the design.
        seed: Which die.
        kind: Of the design's die, ``virtual`` or ``measured``.
    """

    design: Design
    folder: Path
    seed: int
    kind: str

    def banks(self, layer: Placed, tile: Tile) -> TileBanks:
        """The banks of one tile."""
        design = self.design
        shape = (tile.rows, tile.columns, 2, design.bank.resistors)
        state = load_marks(self.folder, layer.label, tile.index, shape).state if self.kind == VIRTUAL else None
        place = design.floor_plan.place(self.seed, layer.name, tile.index)
        die = draw_die(design.bank, design.technology, layer.drawn[tile.window], place, design.terms)
        measured = measure(die, design.technology, design.bank, place)
        return TileBanks(die=die, measured=measured, marks=Marks(state=state), true_known=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDie:
    """The die that a table was measured on.

    Its true values are not known, and what was measured stands for them. Only where every value of the table is the
    one that the design was programmed from is it the design's own table, and its die the design's own. A branch that
    stays open and conducts more than a switch, which no closed branch does, is an open resistor of the die.

    Attributes:
        table: What was measured.
        design: The design that is programmed anew; its stuck switches stay where the table says nothing of them.
        folder: Of the design.
        own: Whether the table is the design's own.
        kind: Of the die, ``virtual`` or ``measured``.
        counts: What every layer lacks.
        plausible: How it compares with its process (:func:`rsscircuit.banks.plausible.plausibility`).
    """

    table: MeasuredTable
    design: Design
    folder: Path
    own: bool
    kind: str
    counts: Mapping[str, Mapping[str, int]]
    plausible: Mapping[str, Any]

    @classmethod
    def of(cls, table: MeasuredTable, design: Design, folder: Path, kind: str) -> TableDie:
        """Compare a table with the design that it is for, whose die is of a ``kind``.

        Raises:
            InputError: The table has no line of a layer, or lacks a switch that the design knows to be stuck closed.
        """
        for layer in design.layers:
            if layer.drawn_tiles and (table.state[layer.name] == State.MISSING).all():
                raise InputError(
                    f"no line is of layer {layer.name}",
                    where=f"--measured {table.file}",
                    remedy="add its branches; export-banks writes the lines of all layers",
                )
        own, unknown, counts = True, list[str](), dict[str, dict[str, int]]()
        for layer in design.layers:
            counts[layer.name] = dict.fromkeys(COUNTED, 0)
            for tile in layer.drawn_tiles:
                drawn, siemens = layer.matrix.weights[tile.window] != 0, table.siemens[layer.name][tile.window]
                kept = load_marks(folder, layer.label, tile.index, siemens.shape).state
                state = _state(table.state[layer.name][tile.window], kept, drawn)
                before = np.zeros_like(state) if kept is None else kept
                lost = np.argwhere((before == State.CLOSED) & (state == State.MISSING)).tolist()
                unknown += [_named(layer.name, tile, *place) for place in lost]
                same = design.crossbar(layer, tile).measured.step_siemens == siemens
                own = own and bool(same.all()) and bool((state == before).all())
                for name, number in _count(state, siemens, drawn).items():
                    counts[layer.name][name] += number
        if unknown:
            more = f"; and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
            raise InputError(
                "the design has switches that are stuck closed, and the table does not say what they conduct",
                where=f"--measured {table.file}",
                got="; ".join(unknown[:NAMED]) + more,
                remedy="add them to the table",
            )
        return cls(
            table=table,
            design=design,
            folder=folder,
            own=own,
            kind=kind if own else MEASURED,
            counts=counts,
            plausible=plausibility(table, design.bank, design.technology),
        )

    @property
    def true_known(self) -> bool:
        """Whether the true values are known: of a virtual die whose own table this is."""
        return self.kind == VIRTUAL

    def draw(self, layer: Placed, tile: Tile) -> tuple[Die, NDArray[np.int8] | None]:
        """The banks of one tile as the table gives them, and the state of their switches."""
        drawn, siemens = layer.drawn[tile.window], self.table.siemens[layer.name][tile.window]
        kept = load_marks(self.folder, layer.label, tile.index, siemens.shape).state
        if self.own:
            die = self.design.crossbar(self.design.layer(layer.name), tile).die
        else:
            there = drawn[:, :, None, None]
            with np.errstate(divide="ignore"):
                ohm = 1.0 / siemens - self.design.technology.switch.on_ohm
            die = Die(
                on_siemens=np.where(there, np.where(np.isfinite(ohm) & (ohm > 0), siemens, OPEN_SIEMENS), 0.0),
                off_siemens=np.where(there, np.full(siemens.shape, self.design.technology.switch.off_siemens), 0.0),
            )
        return die, _state(self.table.state[layer.name][tile.window], kept, drawn)

    def measure(self, layer: Placed, tile: Tile, die: Die) -> tuple[MeasuredBanks, Array | None]:
        """What the table says, and its standard errors where it gives them."""
        sigma = self.table.sigma_siemens
        measured = MeasuredBanks(step_siemens=self.table.siemens[layer.name][tile.window])
        return measured, None if sigma is None else sigma[layer.name][tile.window]

    def record(self) -> dict[str, Any]:
        """What ``design.json`` says of the die."""
        return {
            "kind": self.kind,
            "true_values": TRUE_VALUES[self.kind],
            "file": self.table.file,
            "sha256": self.table.sha256,
            "unit": self.table.unit,
            "own_table": self.own,
            "layers": dict(self.counts),
            "plausibility": dict(self.plausible),
        }


def _state(said: NDArray[np.int8], kept: NDArray[np.int8] | None, drawn: NDArray[np.bool_]) -> NDArray[np.int8]:
    """The state of every branch: what the table says, else what the design knows, else that it works."""
    before = np.zeros_like(said) if kept is None else np.where(kept == State.MISSING, State.WORKS, kept)
    state = np.where(said == State.UNSAID, before, said)
    return np.where(drawn[:, :, None, None], state, State.WORKS).astype(np.int8)


def _named(layer: str, tile: Tile, row: int, column: int, polarity: int, branch: int) -> str:
    """One branch of a tile as a table calls it."""
    return f"{layer}, row {tile.row + row}, column {tile.column + column}, {'+-'[polarity]}, branch {branch}"


def _count(state: NDArray[np.int8], siemens: Array, drawn: NDArray[np.bool_]) -> dict[str, int]:
    """How many branches of a tile are not as they should be, by the names in :data:`COUNTED`."""
    nothing = (siemens == 0) & (state != State.MISSING) & drawn[:, :, None, None]
    found = (state == State.MISSING, nothing, state == State.OPEN, state == State.CLOSED)
    return {name: int(np.count_nonzero(each)) for name, each in zip(COUNTED, found, strict=True)}

"""One tile as an operated chip has it: what its banks conduct, and what its columns answer, effect by effect."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import Die
from rsscircuit.banks.drift import drifted
from rsscircuit.design import Crossbar, Design
from rsscircuit.inference.operation import Operation
from rsscircuit.seeds import stream
from rsscircuit.simulate.nodal import effective_siemens
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import NOMINAL_CELSIUS, Bend, Segments, wire_segments
from rsscircuit.technology.laws import cut_normal

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OperatedTile:
    """A tile under some effects.

    Attributes:
        crossbar: The programmed tile with its banks as they are there, open branches included.
        technology: The process at that temperature.
        segments: Its wires; ideal ones where they are left out.
        bank_siemens: [rows, cols, 2], what each bank conducts, open branches included. It is the crossbar's, but for
            errors of solver and measurement that are left out, and what a program allows for wires that are: half of
            each is taken off one bank of a pair, and half added to the other.
        bend: [rows, cols], what the currents have beyond their linear term, or None.
    """

    crossbar: Crossbar
    technology: Technology
    segments: Segments
    bank_siemens: Array
    bend: Bend | None

    @property
    def column_siemens(self) -> Array:
        """All that a column's amplifier sees, [cols]."""
        result: Array = self.bank_siemens.sum(axis=(0, 2))
        return result

    def linear_siemens(self) -> Array:
        """Column current per volt at a logical row, wires and all, [rows, cols].

        Raises:
            SimulationError: The nodal solve did not converge.
        """
        if self.segments.word_ohm or self.segments.bit_ohm:
            where = f"layer {self.crossbar.layer}, tile {self.crossbar.index}"
            return effective_siemens(self.bank_siemens, self.segments.word_ohm, self.segments.bit_ohm, where=where)
        difference: Array = self.bank_siemens[:, :, 0] - self.bank_siemens[:, :, 1]
        return difference


def operate(design: Design, crossbar: Crossbar, effects: Collection[str], operation: Operation) -> OperatedTile:
    """One programmed tile under ``effects``."""
    measured, on = crossbar.measured.step_siemens, crossbar.die.on_siemens
    as_measured = _pairs(crossbar.closed, measured)
    left_out = np.zeros(crossbar.targets.shape)
    if "solver" not in effects:
        left_out += as_measured - crossbar.aimed
    if "wires" not in effects and crossbar.aims is not None:
        left_out += crossbar.aims - crossbar.targets
    if "measurement" not in effects:
        left_out += _pairs(crossbar.closed, on) - as_measured
    die, technology = _die(design, crossbar, effects, operation)
    there = replace(crossbar, die=die, closed=_closed(crossbar, effects, operation))
    segments = Segments(word_ohm=0.0, bit_ohm=0.0)
    if "wires" in effects:
        segments = wire_segments(design.bank.nominal_ohm, technology)
    return OperatedTile(
        crossbar=there,
        technology=technology,
        segments=segments,
        bank_siemens=_corrected(there.bank_siemens() + there.leak_siemens(), left_out),
        bend=_bend(there, technology, effects),
    )


def _pairs(closed: NDArray[np.bool_], siemens: Array) -> Array:
    banks = np.where(closed, siemens, 0.0).sum(axis=3)
    result: Array = banks[:, :, 0] - banks[:, :, 1]
    return result


def _die(design: Design, crossbar: Crossbar, effects: Collection[str], operation: Operation) -> tuple[Die, Technology]:
    """The true banks at temperature, supply and age; nothing is drawn for what is not at work."""
    technology, shape = design.technology, crossbar.die.on_siemens.shape
    celsius = operation.celsius if "temperature" in effects else NOMINAL_CELSIUS
    nominal = technology.drive.supply_volt
    supply = operation.supply(technology) if "supply" in effects else nominal
    years = operation.years if "ageing" in effects else 0.0
    die = crossbar.die
    if celsius != NOMINAL_CELSIUS or supply != nominal or years:
        generator = stream(operation.seed, "drift", layer=crossbar.layer, tile=crossbar.index)
        die, technology = drifted(
            die,
            technology,
            celsius=celsius,
            supply_volt=supply,
            years=years,
            own_tc=cut_normal(generator, shape),
            own_age=cut_normal(generator, shape),
        )
    if "leakage" not in effects:
        die = replace(die, off_siemens=np.zeros(shape))
    return die, technology


def _closed(crossbar: Crossbar, effects: Collection[str], operation: Operation) -> NDArray[np.bool_]:
    """The switches, with those that got stuck."""
    if "faults" not in effects or not (operation.stuck_open or operation.stuck_closed):
        return crossbar.closed
    chance = stream(operation.seed, "fault", layer=crossbar.layer, tile=crossbar.index).random(crossbar.closed.shape)
    opened, closed = chance < operation.stuck_open, chance >= 1.0 - operation.stuck_closed
    result: NDArray[np.bool_] = (crossbar.closed & ~opened) | (closed & (crossbar.die.on_siemens > 0))
    return result


def _corrected(banks: Array, left_out: Array) -> Array:
    """Banks whose pairs lack an error [rows, cols]; none conducts less than nothing."""
    if not left_out.any():
        return banks
    plus, minus = banks[:, :, 0] - left_out / 2.0, banks[:, :, 1] + left_out / 2.0
    short = np.minimum(np.minimum(plus, minus), 0.0)
    return np.stack([plus - short, minus - short], axis=2)


def _bend(crossbar: Crossbar, technology: Technology, effects: Collection[str]) -> Bend | None:
    if not {"switch", "voltage"}.intersection(effects):
        return None
    found = crossbar.bend(technology)
    nothing = np.zeros(crossbar.targets.shape)
    with_resistors = "voltage" in effects
    return Bend(
        square=found.square if "switch" in effects else nothing,
        odd=found.odd if with_resistors else nothing,
        cube=found.cube if with_resistors else nothing,
    )

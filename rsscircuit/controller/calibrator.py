"""Measures every branch: one branch a column at a time, the columns in parallel, in an array otherwise open.

For each row the all-open reading comes first, to be subtracted; then, branch by branch, the plus bank before the
minus bank, the row is written with that one branch closed in every column, driven, and read.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.capture import CaptureClient
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.counting import successor
from rsscircuit.controller.dac_port import dac_signature
from rsscircuit.controller.row_counter import row_counter_signature
from rsscircuit.controller.row_writer import row_signature

_STEPS = ("erasing", "setting", "updating", "reading", "closing", "opening", "ending")


class Calibrator(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Walks over rows and branches in the ranges given; it erases the array first, and leaves it all open.

    ``drive`` asks for the outputs of the tile while a reading is under way, and never while a latch is written.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        row, branch = config.geometry.row_width, config.branch_width
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "busy": Out(1),
                "done": Out(1),
                "drive": Out(1),
                "last_row": In(row),
                "first_branch": In(branch),
                "last_branch": In(branch),
                "input_code": In(config.dac_bits),
                "counter": Out(row_counter_signature(config.geometry)),
                "rows": Out(row_signature(config)),
                "dac": Out(dac_signature(config)),
                "capture": Out(CaptureClient),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """A flop a step, none high at rest."""
        m = Module()
        counter, rows, dac, capture = self.counter, self.rows, self.dac, self.capture
        branch, closed = Signal.like(self.first_branch), Signal()
        erasing, setting, updating, reading, closing, opening, ending = steps = [Signal(name=step) for step in _STEPS]
        passing, read = erasing | closing | opening, reading & capture.done
        last_branch, last_row = closed & (branch == self.last_branch), counter.row == self.last_row
        m.d.comb += [
            self.busy.eq(Cat(steps).any()),
            self.done.eq(ending),
            self.drive.eq(reading),
            rows.start.eq(passing),
            rows.store.eq(passing),
            rows.bit.eq(closing & (rows.branch == branch)),
            capture.start.eq(reading),
            counter.rewind.eq(~self.busy & self.start),
            counter.seek.eq(erasing & counter.ends & rows.done),
            counter.step.eq((erasing | opening) & rows.done),
            dac.write.eq(setting | counter.step),
            dac.code.eq(Mux(setting, self.input_code, 0)),
            dac.update.eq(updating | ending),
        ]
        m.d.sync += [
            erasing.eq((~self.busy & self.start) | (erasing & ~(rows.done & counter.ends))),
            setting.eq((erasing & rows.done & counter.ends) | (opening & rows.done & ~last_row)),
            updating.eq(setting),
            reading.eq(updating | (closing & rows.done) | (reading & ~capture.done)),
            closing.eq((read & ~last_branch) | (closing & ~rows.done)),
            opening.eq((read & last_branch) | (opening & ~rows.done)),
            ending.eq(opening & rows.done & last_row),
        ]
        with m.If(updating):
            m.d.sync += [branch.eq(self.first_branch), closed.eq(0)]
        with m.Elif(read):
            m.d.sync += [branch.eq(Mux(closed, successor(branch), branch)), closed.eq(1)]
        with m.If(self.abort):
            m.d.sync += Cat(steps).eq(0)
        return m

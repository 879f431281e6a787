"""Measures every branch: one branch a column at a time, the columns in parallel, in an array otherwise open.

For each row the all-open reading comes first, to be subtracted; then, branch by branch, the plus bank before the
minus bank, the row is written with that one branch closed in every column, driven, and read.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.capture import CaptureClient
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.dac_port import dac_signature
from rsscircuit.controller.row_writer import row_signature


class _State(IntEnum):
    IDLE = 0
    ERASE = 1
    INPUT = 2
    UPDATE = 3
    MEASURE = 4
    READING = 5
    CLOSE = 6
    OPEN = 7
    FINISH = 8


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
                "first_row": In(row),
                "last_row": In(row),
                "first_branch": In(branch),
                "last_branch": In(branch),
                "input_code": In(config.dac_bits),
                "rows": Out(row_signature(config)),
                "dac": Out(dac_signature(config)),
                "capture": Out(CaptureClient),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """The states of the walk."""
        m = Module()
        state, row, branch = Signal(_State, name="state"), Signal.like(self.first_row), Signal.like(self.first_branch)
        closed = Signal()
        rows, dac, capture = self.rows, self.dac, self.capture
        passing = (state == _State.ERASE) | (state == _State.CLOSE) | (state == _State.OPEN)
        m.d.comb += [
            self.busy.eq(state != _State.IDLE),
            self.drive.eq((state == _State.MEASURE) | (state == _State.READING)),
            rows.start.eq(passing),
            rows.store.eq(passing),
            rows.row.eq(Mux(passing, row, 0)),
            rows.bit.eq((state == _State.CLOSE) & (rows.branch == branch)),
        ]

        def set_input(code: Any) -> None:
            m.d.comb += [dac.write.eq(1), dac.row.eq(row), dac.code.eq(code)]

        with m.Switch(state):
            with m.Case(_State.IDLE), m.If(self.start):
                m.d.sync += [row.eq(0), state.eq(_State.ERASE)]
            with m.Case(_State.ERASE), m.If(rows.done):
                set_input(0)
                m.d.sync += row.eq(row + 1)
                with m.If(row == self._config.geometry.rows - 1):
                    m.d.sync += [row.eq(self.first_row), state.eq(_State.INPUT)]
            with m.Case(_State.INPUT):
                set_input(self.input_code)
                m.d.sync += state.eq(_State.UPDATE)
            with m.Case(_State.UPDATE):
                m.d.comb += dac.update.eq(1)
                m.d.sync += [branch.eq(self.first_branch), closed.eq(0), state.eq(_State.MEASURE)]
            with m.Case(_State.MEASURE):
                m.d.comb += capture.start.eq(1)
                m.d.sync += state.eq(_State.READING)
            with m.Case(_State.READING), m.If(capture.done):
                m.d.sync += [closed.eq(1), branch.eq(branch + closed), state.eq(_State.CLOSE)]
                with m.If(closed & (branch == self.last_branch)):
                    m.d.sync += state.eq(_State.OPEN)
            with m.Case(_State.CLOSE), m.If(rows.done):
                m.d.sync += state.eq(_State.MEASURE)
            with m.Case(_State.OPEN), m.If(rows.done):
                set_input(0)
                m.d.sync += [row.eq(row + 1), state.eq(_State.INPUT)]
                with m.If(row == self.last_row):
                    m.d.sync += state.eq(_State.FINISH)
            with m.Case(_State.FINISH):
                m.d.comb += [dac.update.eq(1), self.done.eq(1)]
                m.d.sync += state.eq(_State.IDLE)
            with m.Default():
                m.d.sync += state.eq(_State.IDLE)
        with m.If(self.abort):
            m.d.sync += state.eq(_State.IDLE)
        return m

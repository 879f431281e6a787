"""Programs one cell again: its row is read, changed, written, and read once more for comparison."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.crc_unit import CrcClient
from rsscircuit.controller.faults import FAULT_CODE_BITS, FaultCode
from rsscircuit.controller.row_writer import row_signature


class _State(IntEnum):
    IDLE = 0
    WRITE = 1
    AGAIN = 2
    CHECK = 3
    VERIFY = 4


class CellEditor(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Replaces the switches of the cell in ``column`` by ``subset``, except in banks that are kept.

    The row is the one that the controller points to. Ends with ``done``, or with a code on ``fail``; ``old`` is the bit
    of the latches that the row writer moves.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "busy": Out(1),
                "done": Out(1),
                "fail": Out(FAULT_CODE_BITS),
                "column": In(config.column_width),
                "keep_plus": In(1),
                "keep_minus": In(1),
                "subset": In(config.switches_per_cell),
                "old": In(1),
                "rows": Out(row_signature(config)),
                "crc": Out(CrcClient),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """Two passes over the row, whose CRCs must be equal."""
        m = Module()
        state, rows = Signal(_State, name="state"), self.rows
        minus = rows.branch >= self._config.geometry.branches
        replaced = rows.store & (rows.column == self.column) & ~Mux(minus, self.keep_minus, self.keep_plus)
        m.d.comb += [
            self.busy.eq(state != _State.IDLE),
            rows.fetch.eq(self.busy | rows.start),
            rows.store.eq(state == _State.WRITE),
            rows.bit.eq(self.busy & Mux(replaced, self.subset.bit_select(rows.branch, 1), self.old)),
        ]

        def begin(then: _State) -> None:
            m.d.comb += [rows.start.eq(1), self.crc.restart.eq(1)]
            m.d.sync += state.eq(then)

        with m.Switch(state):
            with m.Case(_State.IDLE), m.If(self.start):
                begin(_State.WRITE)
            with m.Case(_State.WRITE), m.If(rows.done):
                m.d.comb += self.crc.keep.eq(1)
                m.d.sync += state.eq(_State.AGAIN)
            with m.Case(_State.AGAIN):
                begin(_State.CHECK)
            with m.Case(_State.CHECK), m.If(rows.done):
                m.d.sync += state.eq(_State.VERIFY)
            with m.Case(_State.VERIFY):
                m.d.sync += state.eq(_State.IDLE)
                with m.If(self.crc.matches):
                    m.d.comb += self.done.eq(1)
                with m.Else():
                    m.d.comb += self.fail.eq(FaultCode.READ_BACK)
            with m.Default():
                m.d.sync += state.eq(_State.IDLE)
        with m.If(self.abort):
            m.d.sync += state.eq(_State.IDLE)
        return m

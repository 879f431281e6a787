"""Inference: the vector goes to the input converters, the columns are read, and the codes wait for the host."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.capture import CaptureClient
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.dac_port import dac_signature


class _State(IntEnum):
    IDLE = 0
    FETCH = 1
    WRITE = 2
    UPDATE = 3
    CAPTURE = 4


class Sequencer(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Runs one vector after ``start``: two clocks a row, then one reading of all columns.

    ``row`` asks for a code of the vector, which ``code`` brings one clock later.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._rows = config.geometry.rows
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "busy": Out(1),
                "done": Out(1),
                "row": Out(config.geometry.row_width),
                "code": In(config.dac_bits),
                "dac": Out(dac_signature(config)),
                "capture": Out(CaptureClient),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """The states of a vector."""
        m = Module()
        state = Signal(_State, name="state")
        m.d.comb += self.busy.eq(state != _State.IDLE)
        with m.Switch(state):
            with m.Case(_State.IDLE), m.If(self.start):
                m.d.sync += [self.row.eq(0), state.eq(_State.FETCH)]
            with m.Case(_State.FETCH):
                m.d.sync += state.eq(_State.WRITE)
            with m.Case(_State.WRITE):
                m.d.comb += [self.dac.write.eq(1), self.dac.row.eq(self.row), self.dac.code.eq(self.code)]
                m.d.sync += [self.row.eq(self.row + 1), state.eq(_State.FETCH)]
                with m.If(self.row == self._rows - 1):
                    m.d.sync += state.eq(_State.UPDATE)
            with m.Case(_State.UPDATE):
                m.d.comb += [self.dac.update.eq(1), self.capture.start.eq(1)]
                m.d.sync += state.eq(_State.CAPTURE)
            with m.Case(_State.CAPTURE), m.If(self.capture.done):
                m.d.comb += self.done.eq(1)
                m.d.sync += state.eq(_State.IDLE)
            with m.Default():
                m.d.sync += state.eq(_State.IDLE)
        with m.If(self.abort):
            m.d.sync += state.eq(_State.IDLE)
        return m

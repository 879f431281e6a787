"""One reading: the array settles, and every column is converted, as often as asked, into one sum of codes."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import cdc, wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import AVERAGE_BITS, COUNT_BITS, ControllerConfig
from rsscircuit.controller.faults import FAULT_CODE_BITS, FaultCode
from rsscircuit.controller.timer import TimerClient

CaptureClient = wiring.Signature({"start": Out(1), "done": In(1)})
"""Seen from who wants a reading: ``start`` for one clock; ``done`` when the codes are handed over."""


class _State(IntEnum):
    IDLE = 0
    SETTLE = 1
    REQUEST = 2
    RELEASE = 3
    PUSH = 4
    COMMIT = 5


class Capture(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Settles, then walks over the columns from ``first`` to ``last``.

    A conversion is a handshake of four phases with a converter that may have a clock of its own:
    ``adc_request`` rises, ``adc_acknowledge`` rises when ``adc_code`` is the code of ``adc_column``, the request
    falls, the acknowledgement falls. Columns that are converted together answer without delay.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "client": In(CaptureClient),
                "abort": In(1),
                "settle": In(COUNT_BITS),
                "conversions": In(AVERAGE_BITS),
                "first": In(config.column_width),
                "last": In(config.column_width),
                "adc_request": Out(1),
                "adc_column": Out(config.column_width),
                "adc_acknowledge": In(1),
                "adc_code": In(config.adc_bits),
                "push": Out(1),
                "sum": Out(config.code_width),
                "commit": Out(1),
                "committed": In(1),
                "fail": Out(FAULT_CODE_BITS),
                "timer": Out(TimerClient),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """The states of a reading."""
        m = Module()
        state, timer = Signal(_State, name="state"), self.timer
        acknowledged, left = Signal(), Signal(AVERAGE_BITS)
        m.submodules.synchroniser = cdc.FFSynchronizer(self.adc_acknowledge, acknowledged, reset_less=False)

        def wait(count: Any, then: _State) -> None:
            m.d.comb += [timer.start.eq(1), timer.count.eq(count)]
            m.d.sync += state.eq(then)

        def in_time() -> None:
            with m.If(timer.done):
                m.d.comb += self.fail.eq(FaultCode.CONVERTER)
                m.d.sync += [self.adc_request.eq(0), state.eq(_State.IDLE)]

        def convert() -> None:
            m.d.sync += self.adc_request.eq(1)
            wait(self._config.timeout_cycles, _State.REQUEST)

        with m.Switch(state):
            with m.Case(_State.IDLE), m.If(self.client.start):
                m.d.sync += [self.adc_column.eq(self.first), left.eq(self.conversions), self.sum.eq(0)]
                wait(self.settle, _State.SETTLE)
            with m.Case(_State.SETTLE), m.If(timer.done):
                convert()
            with m.Case(_State.REQUEST):
                in_time()
                with m.If(acknowledged):
                    m.d.sync += [self.sum.eq(self.sum + self.adc_code), left.eq(left - 1), self.adc_request.eq(0)]
                    m.d.comb += self.fail.eq(FaultCode.NONE)
                    wait(self._config.timeout_cycles, _State.RELEASE)
            with m.Case(_State.RELEASE):
                in_time()
                with m.If(~acknowledged):
                    m.d.comb += self.fail.eq(FaultCode.NONE)
                    m.d.sync += state.eq(_State.PUSH)
                    with m.If(left != 0):
                        convert()
            with m.Case(_State.PUSH):
                m.d.comb += self.push.eq(1)
                m.d.sync += [self.adc_column.eq(self.adc_column + 1), left.eq(self.conversions), self.sum.eq(0)]
                with m.If(self.adc_column == self.last):
                    m.d.sync += state.eq(_State.COMMIT)
                with m.Else():
                    convert()
            with m.Case(_State.COMMIT):
                m.d.comb += self.commit.eq(1)
                with m.If(self.committed):
                    m.d.comb += self.client.done.eq(1)
                    m.d.sync += state.eq(_State.IDLE)
            with m.Default():
                m.d.sync += state.eq(_State.IDLE)
        with m.If(self.abort):
            m.d.sync += [self.adc_request.eq(0), state.eq(_State.IDLE)]
        return m

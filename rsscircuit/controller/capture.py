"""One reading: the array settles, and every column is converted, as often as asked, into one sum of codes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import cdc, wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import AVERAGE_BITS, COUNT_BITS, ControllerConfig
from rsscircuit.controller.counting import successor
from rsscircuit.controller.faults import FAULT_CODE_BITS, FaultCode
from rsscircuit.controller.timer import TimerClient

CaptureClient = wiring.Signature({"start": Out(1), "done": In(1)})
"""Seen from who wants a reading: ``start`` for one clock; ``done`` when the codes are handed over."""


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
                "ends": Out(1),
                "sum": Out(config.code_width),
                "commit": Out(1),
                "committed": In(1),
                "fail": Out(FAULT_CODE_BITS),
                "timer": Out(TimerClient),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """A flop a step, none high at rest; the sum of a column, and how many conversions it has."""
        m = Module()
        client, timer, request, push, commit = self.client, self.timer, self.adc_request, self.push, self.commit
        acknowledged, made = Signal(), Signal(AVERAGE_BITS)
        m.submodules.synchroniser = cdc.FFSynchronizer(self.adc_acknowledge, acknowledged, reset_less=False)
        settling, releasing = Signal(name="settling"), Signal(name="releasing")
        steps = Cat(settling, request, releasing, push, commit)
        rests, enough, ends = ~steps.any(), made == self.conversions, self.ends
        awaited = (request & ~acknowledged) | (releasing & acknowledged)
        m.d.comb += [
            timer.waits.eq(settling),
            timer.asks.eq(awaited),
            timer.limit.eq(Mux(settling, self.settle, 0)),
            client.done.eq(commit & self.committed),
            self.ends.eq(self.adc_column == self.last),
        ]
        m.d.sync += [
            settling.eq((rests & client.start) | (settling & ~timer.reached)),
            request.eq(
                (settling & timer.reached)
                | (request & ~acknowledged)
                | (releasing & ~acknowledged & ~enough)
                | (push & ~ends)
            ),
            releasing.eq((request | releasing) & acknowledged),
            push.eq(releasing & ~acknowledged & enough),
            commit.eq((push & ends) | (commit & ~self.committed)),
        ]
        with m.If(rests | push):
            m.d.sync += [self.sum.eq(0), made.eq(0)]
        with m.Elif(request & acknowledged):
            m.d.sync += [self.sum.eq(self.sum + self.adc_code), made.eq(successor(made))]
        with m.If(rests):
            m.d.sync += self.adc_column.eq(self.first)
        with m.Elif(push):
            m.d.sync += self.adc_column.eq(successor(self.adc_column))
        with m.If((request | releasing) & timer.late):
            m.d.comb += self.fail.eq(FaultCode.CONVERTER)
        with m.If(self.abort):
            m.d.sync += steps.eq(0)
        return m

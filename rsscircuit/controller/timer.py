"""The one wait counter: word-line setup, pulse and hold, settling, and how long an answer may take."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import COUNT_BITS

TimerClient = wiring.Signature(
    {"waits": Out(1), "limit": Out(COUNT_BITS), "reached": In(1), "asks": Out(1), "late": In(1)}
)
"""Seen from who waits. ``reached`` is high in the ``limit``-th clock that ``waits`` and ``limit`` are held, and then
the next wait begins; ``late`` in the last clock that ``asks`` may be held, until there is an answer."""


class Timer(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Counts the clocks of a wait from one; a limit of zero is as good as one.

    Args:
        timeout_cycles: Clocks that an answer may take.
    """

    def __init__(self, timeout_cycles: int) -> None:
        self._timeout_cycles = timeout_cycles
        super().__init__({"client": In(TimerClient)})

    def elaborate(self, platform: Any) -> Any:
        """One counter; its lowest bit need not equal that of the limit, but be no less."""
        m = Module()
        client, clock = self.client, Signal(COUNT_BITS, init=1, name="clock")
        m.d.comb += [
            client.reached.eq((clock[1:] == client.limit[1:]) & (clock[0] | ~client.limit[0])),
        ]
        m.d.sync += [clock.eq(clock + 1), client.late.eq(client.asks & (clock == self._timeout_cycles - 1))]
        with m.If(~client.asks & (~client.waits | client.reached)):
            m.d.sync += clock.eq(1)
        return m

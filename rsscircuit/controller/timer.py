"""The one wait counter: word-line setup, pulse and hold, settling, and how long an answer may take."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import COUNT_BITS

TimerClient = wiring.Signature({"start": Out(1), "count": Out(COUNT_BITS), "done": In(1)})
"""Seen from who waits: ``start`` with ``count`` for one clock (zero otherwise); ``done`` in the last clock."""


class Timer(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Counts down: ``done`` is high in the ``count``-th clock after ``start``, and from there on."""

    def __init__(self) -> None:
        super().__init__({"client": In(TimerClient)})

    def elaborate(self, platform: Any) -> Any:
        """One counter."""
        m = Module()
        left = Signal(COUNT_BITS)
        with m.If(self.client.start):
            m.d.sync += [left.eq(self.client.count), self.client.done.eq(self.client.count[1:] == 0)]
        with m.Elif(~self.client.done):
            m.d.sync += [left.eq(left - 1), self.client.done.eq(left == 2)]
        return m

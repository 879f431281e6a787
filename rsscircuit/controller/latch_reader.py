"""The host's way to single words of latches, for as long as nobody else uses the array."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.array_access import access_signature
from rsscircuit.controller.config import ControllerConfig


class _State(IntEnum):
    IDLE = 0
    READ = 1
    READY = 2


class LatchReader(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Reads the word at ``row`` and ``word`` on ``request``, which is held until ``ready`` or ``refused``.

    Refused outside the array and while ``allowed`` is low: latches that were never written hold nothing.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._geometry = config.geometry
        super().__init__(
            {
                "request": In(1),
                "allowed": In(1),
                "ready": Out(1),
                "refused": Out(1),
                "row": In(config.geometry.row_width),
                "word": In(config.geometry.word_width),
                "array": Out(access_signature(config.geometry)),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """The states of a read."""
        m = Module()
        state, array = Signal(_State, name="state"), self.array
        inside = (self.row < self._geometry.rows) & (self.word < self._geometry.words_per_row)
        m.d.comb += [
            self.refused.eq(self.request & ~(self.allowed & inside)),
            self.ready.eq(state == _State.READY),
        ]
        with m.Switch(state):
            with m.Case(_State.IDLE), m.If(self.request & ~self.refused):
                m.d.comb += [array.seek.eq(1), array.word.eq(self.word)]
                m.d.sync += state.eq(_State.READ)
            with m.Case(_State.READ):
                m.d.comb += array.read.eq(1)
                with m.If(array.done):
                    m.d.sync += state.eq(_State.READY)
            with m.Default():
                m.d.sync += state.eq(_State.IDLE)
        with m.If(~self.allowed):
            m.d.sync += state.eq(_State.IDLE)
        return m

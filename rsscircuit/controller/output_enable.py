"""The flop that drives the switches, and the kill pin that clears it without a clock."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import cdc, wiring
from amaranth.lib.wiring import In, Out


class OutputEnable(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """``oe`` is set by ``arm``, cleared by ``disarm``, and cleared at once by the reset of domain ``drive``.

    That domain shares the clock of ``sync``; its reset is asynchronous and stands for the kill pin or the
    reset of the chip. A kill of any length, with or without a clock, clears ``oe``, which then stays off
    until it is armed again. ``alive`` brings the end of a kill into step with the clock, so that ``oe`` sees
    no change of its data when its reset is released; ``killed`` tells the loader, and is high for at least
    one clock after any kill.
    """

    def __init__(self) -> None:
        super().__init__({"arm": In(1), "disarm": In(1), "oe": Out(1), "killed": Out(1, init=1)})

    def elaborate(self, platform: Any) -> Any:
        """Three flops of the domain ``drive`` and a synchroniser."""
        m = Module()
        alive = Signal(2)
        m.d.drive += alive.eq(Cat(1, alive[0]))
        m.submodules.synchroniser = cdc.FFSynchronizer(~alive[1], self.killed, init=1, reset_less=False)
        with m.If(self.arm & alive[1]):
            m.d.drive += self.oe.eq(1)
        with m.If(self.disarm):
            m.d.drive += self.oe.eq(0)
        return m

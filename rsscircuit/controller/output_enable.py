"""The flops that drive the switches, and the kill pin that clears them without a clock."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import cdc, wiring
from amaranth.lib.wiring import In, Out


class OutputEnable(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """``oe`` follows ``wanted`` by one clock, and is cleared at once by the reset of domain ``drive``.

    That domain shares the clock of ``sync``; its reset is asynchronous and stands for the kill pin or the
    reset of the chip. A kill of any length, with or without a clock, clears ``oe``. ``alive`` brings the end
    of a kill into step with the clock and holds ``oe`` off until ``killed``, high for at least one clock after
    any kill, has told the rest, which then wants nothing driven.

    Args:
        tiles: Outputs.
    """

    def __init__(self, tiles: int) -> None:
        super().__init__({"wanted": In(tiles), "oe": Out(tiles), "killed": Out(1, init=1)})

    def elaborate(self, platform: Any) -> Any:
        """Flops of the domain ``drive`` and a synchroniser."""
        m = Module()
        alive = Signal(4)
        m.d.drive += [alive.eq(Cat(1, alive[:-1])), self.oe.eq(0)]
        with m.If(alive[-1]):
            m.d.drive += self.oe.eq(self.wanted)
        m.submodules.synchroniser = cdc.FFSynchronizer(~alive[-1], self.killed, init=1, reset_less=False)
        return m

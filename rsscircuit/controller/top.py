"""The whole controller with flat ports: ``xbar_top``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Cat, ClockDomain, Module
from amaranth.lib import cdc, wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.bus import BUSES
from rsscircuit.controller.config import PIN_PREFIXES, ControllerConfig, as_config
from rsscircuit.controller.controller import Controller
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.latch_array import FuseArray, LatchArray


class XbarTop(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Bus, controller and, unless they are macros outside, the latches.

    ``rst`` may rise at any time, and its end is brought into step with ``clk``; it and ``kill`` clear ``oe``
    without a clock.

    Args:
        what: The controller, or the geometry of a default one.
        arrays: The latches of each tile, if not the plain model.
    """

    def __init__(self, what: ArrayGeometry | ControllerConfig, *, arrays: tuple[LatchArray, ...] = ()) -> None:
        self.config = config = as_config(what)
        self.bus = BUSES[config.bus]()
        self.controller = Controller(config)
        inside = config.tiles if config.array == "memory" else 0
        plain = FuseArray if config.fuses else LatchArray
        self.arrays = arrays or tuple(plain(config.geometry) for _ in range(inside))
        self._links = list(self._outside())
        ports = {name: (Out if flow is Out else In)(len(pin)) for name, flow, pin in self._links}
        super().__init__({"clk": In(1), "rst": In(1), "kill": In(1)} | ports)

    def _outside(self) -> Iterator[tuple[str, Any, Any]]:
        """Name, direction and inner signal of every port but clock, reset and kill."""
        for path, member, pin in self.bus.signature.flatten(self.bus):
            if path[0] == "pins":
                yield PIN_PREFIXES[self.config.bus] + path[-1], member.flow, pin
        for path, member, pin in self.controller.signature.flatten(self.controller):
            if path[0] == "macro" and self.config.array == "ports":
                yield f"array_{path[-1]}", member.flow, pin
            elif path[0] not in ("bus", "macro"):
                yield "_".join(path), member.flow, pin

    def elaborate(self, platform: Any) -> Any:
        """The clock domains, the parts and the ports."""
        m = Module()
        self._clocks(m)
        m.submodules.bus = self.bus
        m.submodules.controller = self.controller
        wiring.connect(m, self.bus.registers, self.controller.bus)
        for name, flow, pin in self._links:
            port = getattr(self, name)
            m.d.comb += port.eq(pin) if flow is Out else pin.eq(port)
        for number, array in enumerate(self.arrays):
            m.submodules[f"latch_array{number}"] = array
            self._attach(m, number, array.port)
        if self.arrays:
            m.d.comb += self.controller.macro.rdata.eq(Cat(array.port.rdata for array in self.arrays))
        return m

    def _clocks(self, m: Any) -> None:
        """One clock; domain ``drive`` alone is reset without it, by the kill pin too."""
        sync, drive = ClockDomain("sync"), ClockDomain("drive", async_reset=True)
        sync.clk, drive.clk = self.clk, self.clk
        m.domains += [sync, drive]
        m.submodules.reset_synchroniser = cdc.ResetSynchronizer(self.rst, domain="sync")
        m.d.comb += drive.rst.eq(self.kill | self.rst)

    def _attach(self, m: Any, number: int, port: Any) -> None:
        """The latches of one tile, which see the pulses of their own bit only."""
        macro = self.controller.macro
        m.d.comb += [
            port.row.eq(macro.row),
            port.word.eq(macro.word),
            port.wdata.eq(macro.wdata),
            port.we.eq(macro.we[number]),
            port.re.eq(macro.re[number]),
        ]
        if self.config.fuses:
            m.d.comb += self.arrays[number].sense.eq(self.controller.sense)

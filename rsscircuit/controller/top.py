"""The whole controller of one tile, with flat ports: ``xbar_top``."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry
from rsscircuit.controller.latch_array import LatchArray
from rsscircuit.controller.loader import FAULT_CODE_BITS, TIMEOUT_CYCLES, BitstreamLoader


class XbarTop(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """The loader and the latches it serves.

    While ``ready``, a host reads the latches: ``read_data`` follows ``read_enable`` by one clock, and is
    zero otherwise. ``rst`` is synchronous to ``clk``; for ``oe`` it is asynchronous too, as ``kill`` is.

    Args:
        geometry: The array.
        timeout_cycles: Clocks that the next word of a frame may take to arrive.
        array: The latches, if not the plain model.
    """

    def __init__(
        self,
        geometry: ArrayGeometry,
        *,
        timeout_cycles: int = TIMEOUT_CYCLES,
        array: LatchArray | None = None,
    ) -> None:
        self.array = array or LatchArray(geometry)
        self._loader = BitstreamLoader(geometry, timeout_cycles=timeout_cycles)
        super().__init__(
            {
                "clk": In(1),
                "rst": In(1),
                "stream_data": In(WORD_BITS),
                "stream_valid": In(1),
                "stream_ready": Out(1),
                "tile_id": In(WORD_BITS),
                "clear": In(1),
                "kill": In(1),
                "ready": Out(1),
                "busy": Out(1),
                "fault": Out(1),
                "fault_code": Out(FAULT_CODE_BITS),
                "oe": Out(1),
                "read_row": In(geometry.row_width),
                "read_word": In(geometry.word_width),
                "read_enable": In(1),
                "read_data": Out(WORD_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """The two parts, their clocks and the ports."""
        m = Module()
        self._clocks(m)
        m.submodules.loader = self._loader
        m.submodules.latch_array = self.array
        self._pins(m)
        self._macro(m)
        return m

    def _clocks(self, m: Any) -> None:
        """One clock; domain ``drive`` alone is reset asynchronously, by the kill pin too."""
        sync, drive = ClockDomain("sync"), ClockDomain("drive", async_reset=True)
        sync.clk, sync.rst, drive.clk = self.clk, self.rst, self.clk
        m.domains += [sync, drive]
        m.d.comb += drive.rst.eq(self.kill | self.rst)

    def _pins(self, m: Any) -> None:
        """The loader's side of the ports."""
        loader = self._loader
        m.d.comb += [
            loader.stream.payload.eq(self.stream_data),
            loader.stream.valid.eq(self.stream_valid),
            self.stream_ready.eq(loader.stream.ready),
            loader.tile_id.eq(self.tile_id),
            loader.clear.eq(self.clear),
            self.ready.eq(loader.ready),
            self.busy.eq(loader.busy),
            self.fault.eq(loader.fault),
            self.fault_code.eq(loader.fault_code),
            self.oe.eq(loader.oe),
        ]

    def _macro(self, m: Any) -> None:
        """The macro port belongs to the loader, and to the host's reads while READY."""
        owner, port = self._loader.macro, self.array.port
        serving = Signal()
        m.d.sync += serving.eq(self.ready & self.read_enable)
        m.d.comb += [
            port.row.eq(Mux(self.ready, self.read_row, owner.row)),
            port.word.eq(Mux(self.ready, self.read_word, owner.word)),
            port.re.eq(Mux(self.ready, self.read_enable, owner.re)),
            port.wdata.eq(owner.wdata),
            port.we.eq(owner.we),
            owner.rdata.eq(port.rdata),
            self.read_data.eq(Mux(serving, port.rdata, 0)),
        ]

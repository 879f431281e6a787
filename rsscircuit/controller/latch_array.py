"""The switch latches as the controller sees them: a macro port, and a behavioural model behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry


def macro_signature(geometry: ArrayGeometry, tiles: int = 1) -> Any:
    """The port of the latch macros, seen from their owner; ``we``, ``re`` and ``rdata`` one for each tile.

    ``we`` is one pulse; the address and ``wdata`` are stable before, during and after it. ``rdata`` follows
    ``re`` by one clock.
    """
    return wiring.Signature(
        {
            "row": Out(geometry.row_width),
            "word": Out(geometry.word_width),
            "wdata": Out(WORD_BITS),
            "we": Out(tiles),
            "re": Out(tiles),
            "rdata": In(WORD_BITS * tiles),
        }
    )


class LatchArray(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """A memory in the place of the latches of one tile; an ASIC puts its macro here.

    Args:
        geometry: The array.
        init: What the memory holds at power-up, row by row.
    """

    def __init__(self, geometry: ArrayGeometry, *, init: list[int] | None = None) -> None:
        self.geometry = geometry
        self._memory = memory.Memory(shape=WORD_BITS, depth=geometry.rows << geometry.word_width, init=init or [])
        super().__init__({"port": In(macro_signature(geometry))})

    def elaborate(self, platform: Any) -> Any:
        """The memory behind the port."""
        m = Module()
        m.submodules.memory = self._memory
        write, read = self._memory.write_port(), self._memory.read_port()
        address = Cat(self.port.word, self.port.row)
        m.d.comb += [
            write.addr.eq(address),
            write.data.eq(self.stored(self.port.wdata)),
            write.en.eq(self.port.we),
            read.addr.eq(address),
            read.en.eq(self.port.re & ~self.port.we),
            self.port.rdata.eq(read.data),
        ]
        return m

    def stored(self, wdata: Any) -> Any:
        """What the latches keep of ``wdata``; a model of a faulty array keeps something else."""
        return wdata

    def words(self, simulation: Any) -> NDArray[np.uint32]:
        """The words [rows, words_per_row] that the latches hold now, in a running ``simulation``."""
        stride = 1 << self.geometry.word_width
        rows = range(0, self.geometry.rows * stride, stride)
        cells = self._memory.data
        return np.array(
            [[simulation.get(cells[row + word]) for word in range(self.geometry.words_per_row)] for row in rows],
            dtype=np.uint32,
        )


class FuseArray(LatchArray):
    """Latches that hold nothing until a pulse of ``sense`` brings in the fuses.

    Args:
        geometry: The array.
        fused: Words [rows, words_per_row] of the fuses; all open by default.
    """

    def __init__(self, geometry: ArrayGeometry, fused: NDArray[np.uint32] | None = None) -> None:
        words = np.zeros((geometry.rows, 1 << geometry.word_width), dtype=np.uint32)
        if fused is not None:
            words[:, : geometry.words_per_row] = fused
        super().__init__(geometry, init=words.ravel().tolist())
        self.sense = Signal()

    def elaborate(self, platform: Any) -> Any:
        """A memory that reads as zero before it was sensed."""
        m = Module()
        m.submodules.memory = self._memory
        read, sensed = self._memory.read_port(), Signal()
        m.d.comb += [
            read.addr.eq(Cat(self.port.word, self.port.row)),
            read.en.eq(self.port.re),
            self.port.rdata.eq(Mux(sensed, read.data, 0)),
        ]
        with m.If(self.sense):
            m.d.sync += sensed.eq(1)
        return m

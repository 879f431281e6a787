"""The switch latches as the controller sees them: a macro port, and a behavioural model behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry


def macro_signature(geometry: ArrayGeometry) -> Any:
    """The port of the latch macro, seen from its owner.

    ``we`` is a pulse of one clock; the address and ``wdata`` are stable one clock before and after it.
    ``rdata`` follows ``re`` by one clock.
    """
    return wiring.Signature(
        {
            "row": Out(geometry.row_width),
            "word": Out(geometry.word_width),
            "wdata": Out(WORD_BITS),
            "we": Out(1),
            "re": Out(1),
            "rdata": In(WORD_BITS),
        }
    )


class LatchArray(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """A memory in the place of the latches; an ASIC puts its macro here.

    Args:
        geometry: The array.
    """

    def __init__(self, geometry: ArrayGeometry) -> None:
        self.geometry = geometry
        self._memory = memory.Memory(shape=WORD_BITS, depth=geometry.rows << geometry.word_width, init=[])
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
            read.en.eq(self.port.re),
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

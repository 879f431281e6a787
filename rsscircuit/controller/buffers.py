"""Double buffers for vectors: while one half is used, the other is filled.

Both are addressed in order, so that a code is written before it is read, and a vector is never torn.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.counting import successor


class InputBuffer(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """The host ``push``es one code a row until ``full``; ``swap`` hands the vector over and makes room.

    ``code`` is the code of ``row`` of the vector in use, one clock later.

    Args:
        rows: Codes in a vector.
        bits: Bits of a code.
    """

    def __init__(self, rows: int, bits: int) -> None:
        self._rows = rows
        self._width = max(1, (rows - 1).bit_length())
        self._memory = memory.Memory(shape=bits, depth=2 << self._width, init=[])
        super().__init__(
            {
                "push": In(1),
                "data": In(bits),
                "full": Out(1),
                "swap": In(1),
                "clear": In(1),
                "row": In(self._width),
                "code": Out(bits),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """A memory of two halves, a write position and which half is in use."""
        m = Module()
        m.submodules.memory = self._memory
        write, read = self._memory.write_port(), self._memory.read_port()
        place, half = Signal(self._width, name="place"), Signal()
        m.d.comb += [
            write.addr.eq(Cat(place, ~half)),
            write.data.eq(self.data),
            write.en.eq(self.push & ~self.full),
            read.addr.eq(Cat(self.row, half)),
            self.code.eq(read.data),
        ]
        with m.If(write.en):
            m.d.sync += place.eq(successor(place))
            with m.If(place == self._rows - 1):
                m.d.sync += [place.eq(0), self.full.eq(1)]
        with m.If(self.swap):
            m.d.sync += [half.eq(~half), self.full.eq(0)]
        with m.If(self.clear):
            m.d.sync += [place.eq(0), self.full.eq(0)]
        return m


class ResultBuffer(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Codes are ``push``ed up to the one that ``ends`` the vector; ``commit``, held until ``done``, hands them over.

    That waits until the last vector was read. ``code`` is the next one while ``valid``, and zero otherwise; ``pop``
    takes it. ``ready`` is low while ``code`` changes.

    Args:
        columns: The most codes in a vector.
        bits: Bits of a code.
    """

    def __init__(self, columns: int, bits: int) -> None:
        self._width = max(1, (columns - 1).bit_length())
        self._memory = memory.Memory(shape=bits + 1, depth=2 << self._width, init=[])
        super().__init__(
            {
                "push": In(1),
                "data": In(bits),
                "ends": In(1),
                "commit": In(1),
                "done": Out(1),
                "clear": In(1),
                "valid": Out(1),
                "ready": Out(1),
                "pop": In(1),
                "code": Out(bits),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """A memory of two halves, a position in each, and beside each code whether it is the last."""
        m = Module()
        m.submodules.memory = self._memory
        write, read = self._memory.write_port(), self._memory.read_port()
        filled, taken, half = Signal(self._width, name="filled"), Signal(self._width), Signal()
        last, stale, takes = Signal(), Signal(2), Signal()
        m.d.comb += [
            write.addr.eq(Cat(filled, ~half)),
            write.data.eq(Cat(self.data, self.ends)),
            write.en.eq(self.push),
            read.addr.eq(Cat(taken, half)),
            self.done.eq(self.commit & ~self.valid),
            self.ready.eq(~stale[0]),
            takes.eq(self.pop & self.valid & self.ready),
        ]
        m.d.sync += [Cat(self.code, last).eq(read.data), stale.eq(stale >> 1)]
        with m.If(~self.valid):
            m.d.sync += self.code.eq(0)
        with m.If(self.push):
            m.d.sync += filled.eq(successor(filled))
        with m.If(takes):
            m.d.sync += taken.eq(successor(taken))
        with m.If(takes & last):
            m.d.sync += self.valid.eq(0)
        with m.If(self.done):
            m.d.sync += [half.eq(~half), self.valid.eq(1), filled.eq(0), taken.eq(0)]
        with m.If(self.clear):
            m.d.sync += [filled.eq(0), self.valid.eq(0)]
        with m.If(takes | self.done | self.clear):
            m.d.sync += stale.eq(-1)
        return m

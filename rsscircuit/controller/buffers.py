"""Double buffers for vectors: while one half is used, the other is filled.

Both are addressed in order, so that a code is written before it is read, and a vector is never torn.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out


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
            m.d.sync += place.eq(place + 1)
            with m.If(place == self._rows - 1):
                m.d.sync += [place.eq(0), self.full.eq(1)]
        with m.If(self.swap):
            m.d.sync += [half.eq(~half), self.full.eq(0)]
        with m.If(self.clear):
            m.d.sync += [place.eq(0), self.full.eq(0)]
        return m


class ResultBuffer(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Codes are ``push``ed; ``commit``, held until ``done``, hands them over once the last ones were read.

    ``code`` is the next one while ``valid``, and zero otherwise; ``pop`` takes it. ``ready`` is low while a
    pop moves on.

    Args:
        columns: The most codes in a vector.
        bits: Bits of a code.
    """

    def __init__(self, columns: int, bits: int) -> None:
        self._width = max(1, (columns - 1).bit_length())
        self._memory = memory.Memory(shape=bits, depth=2 << self._width, init=[])
        super().__init__(
            {
                "push": In(1),
                "data": In(bits),
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
        """A memory of two halves, a position in each, and the end of the half that is read."""
        m = Module()
        m.submodules.memory = self._memory
        write, read = self._memory.write_port(), self._memory.read_port()
        filled, taken = Signal(self._width, name="filled"), Signal(self._width)
        end, half = Signal(self._width), Signal()
        held, stale = Signal.like(self.data), Signal(2)
        m.d.comb += [
            write.addr.eq(Cat(filled, ~half)),
            write.data.eq(self.data),
            write.en.eq(self.push),
            read.addr.eq(Cat(taken, half)),
            self.done.eq(self.commit & ~self.valid),
            self.ready.eq(stale == 0),
            self.code.eq(Mux(self.valid, held, 0)),
        ]
        m.d.sync += [held.eq(read.data), stale.eq(stale >> 1)]
        with m.If(self.push):
            m.d.sync += filled.eq(filled + 1)
        with m.If(self.pop & self.valid & self.ready):
            m.d.sync += [taken.eq(taken + 1), stale.eq(-1)]
            with m.If(taken == end):
                m.d.sync += self.valid.eq(0)
        with m.If(self.done):
            m.d.sync += [
                half.eq(~half),
                self.valid.eq(1),
                end.eq(filled - 1),
                filled.eq(0),
                taken.eq(0),
                stale.eq(-1),
            ]
        with m.If(self.clear):
            m.d.sync += [filled.eq(0), self.valid.eq(0)]
        return m

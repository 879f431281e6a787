"""From weight codes to subsets, for one cell at a time: measured on the die, loaded by the host.

Every bank is another, so that a map is known only after its cell was measured, and is never part of the hardware.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.counting import successor
from rsscircuit.controller.geometry import WORD_BITS


class _State(IntEnum):
    IDLE = 0
    FETCH = 1
    TAKE = 2
    READY = 3


class WeightMap(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """A table that is filled from its beginning, and belongs to the ``cell`` of its first word.

    After ``start``, ``subset`` is that of ``weight``, from ``ready`` on. ``usable``: the table is ``whole``, and
    ``cell`` is the one that it was made for. ``clear`` empties it, ``abort`` ends a look-up.

    Args:
        config: The controller.
        cell_bits: Bits that name a cell.
    """

    def __init__(self, config: ControllerConfig, cell_bits: int) -> None:
        self._words, self._bits = config.subset_words, config.switches_per_cell
        self._place_width = (config.subset_words - 1).bit_length()
        self._weight_bits = config.weight_bits
        self._memory = memory.Memory(
            shape=WORD_BITS, depth=1 << (config.weight_bits + self._place_width), init=[]
        )  # fmt: skip
        super().__init__(
            {
                "push": In(1),
                "data": In(WORD_BITS),
                "clear": In(1),
                "abort": In(1),
                "cell": In(cell_bits),
                "whole": Out(1),
                "usable": Out(1),
                "busy": Out(1),
                "start": In(1),
                "weight": In(config.weight_bits),
                "subset": Out(config.switches_per_cell),
                "ready": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """Words in, then the words of one weight out."""
        m = Module()
        m.submodules.memory = self._memory
        write, read = self._memory.write_port(), self._memory.read_port()
        code, place, taken = Signal(self._weight_bits), Signal(range(self._words)), Signal(range(self._words))
        made_for, state = Signal.like(self.cell), Signal(_State, name="state")
        width = self._place_width
        m.d.comb += [
            write.addr.eq(Cat(place[:width], code)),
            write.data.eq(self.data),
            write.en.eq(self.push),
            read.addr.eq(Cat(taken[:width], self.weight)),
            self.usable.eq(self.whole & (made_for == self.cell)),
            self.busy.eq(state != _State.IDLE),
            self.ready.eq(state == _State.READY),
        ]
        with m.If(self.push):
            ends = place == self._words - 1
            m.d.sync += [
                place.eq(Mux(ends, 0, successor(place))),
                code.eq(code + ends),
                self.whole.eq(ends & code.all()),
            ]
            with m.If((code == 0) & (place == 0)):
                m.d.sync += made_for.eq(self.cell)
        with m.Switch(state):
            with m.Case(_State.IDLE), m.If(self.start):
                m.d.sync += [taken.eq(0), state.eq(_State.FETCH)]
            with m.Case(_State.FETCH):
                m.d.sync += state.eq(_State.TAKE)
            with m.Case(_State.TAKE):
                m.d.sync += [taken.eq(successor(taken)), state.eq(_State.FETCH)]
                for word in range(self._words):
                    with m.If(taken == word):
                        part = self.subset[WORD_BITS * word : WORD_BITS * (word + 1)]
                        m.d.sync += part.eq(read.data)
                with m.If(taken == self._words - 1):
                    m.d.sync += state.eq(_State.READY)
            with m.Default():
                m.d.sync += state.eq(_State.IDLE)
        with m.If(self.clear):
            m.d.sync += [code.eq(0), place.eq(0), self.whole.eq(0)]
        with m.If(self.abort):
            m.d.sync += state.eq(_State.IDLE)
        return m

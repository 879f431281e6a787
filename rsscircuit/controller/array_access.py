"""The single way to the latches: one address, one word, a timed write pulse, a read."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import TIMING_BITS, ControllerConfig
from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry
from rsscircuit.controller.latch_array import macro_signature
from rsscircuit.controller.timer import TimerClient


def access_signature(geometry: ArrayGeometry) -> Any:
    """The commands to the latches, seen from who gives them; all zero when it gives none.

    ``seek`` goes to ``row`` and ``word``, ``step`` to the next word, row by row. ``take`` puts the host's word
    into the word register, ``shift`` moves ``bit`` into its top. ``write`` and ``read`` last until ``done``;
    ``row_ends`` and ``array_ends`` mark the last word of a row and of the array.
    """
    return wiring.Signature(
        {
            "seek": Out(1),
            "row": Out(geometry.row_width),
            "word": Out(geometry.word_width),
            "step": Out(1),
            "take": Out(1),
            "shift": Out(1),
            "bit": Out(1),
            "write": Out(1),
            "read": Out(1),
            "done": In(1),
            "row_ends": In(1),
            "array_ends": In(1),
        }
    )


class _State(IntEnum):
    IDLE = 0
    SETUP = 1
    PULSE = 2
    HOLD = 3
    READ = 4
    FETCH = 5


class ArrayAccess(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Carries out the commands of whoever owns the array, on the tile of the one-hot ``tile``.

    ``we`` is a flop that rises after ``setup`` clocks, stays ``pulse`` clocks, and is followed by ``hold``
    clocks before the address or the word can change; ``abort`` ends it at once.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "client": In(access_signature(config.geometry)),
                "macro": Out(macro_signature(config.geometry, config.tiles)),
                "tile": In(config.tiles),
                "host_word": In(WORD_BITS),
                "word": Out(WORD_BITS),
                "setup": In(TIMING_BITS),
                "pulse": In(TIMING_BITS),
                "hold": In(TIMING_BITS),
                "timer": Out(TimerClient),
                "abort": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """The address, the word, and the states of a write and a read."""
        m = Module()
        self._address(m)
        self._word(m)
        self._cycle(m)
        return m

    def _address(self, m: Any) -> None:
        geometry, client, macro = self._config.geometry, self.client, self.macro
        m.d.comb += [
            client.row_ends.eq(macro.word == geometry.words_per_row - 1),
            client.array_ends.eq(client.row_ends & (macro.row == geometry.rows - 1)),
        ]
        with m.If(client.step):
            m.d.sync += macro.word.eq(macro.word + 1)
            with m.If(client.row_ends):
                m.d.sync += [macro.word.eq(0), macro.row.eq(macro.row + 1)]
            with m.If(client.array_ends):
                m.d.sync += macro.row.eq(0)
        with m.If(client.seek):
            m.d.sync += [macro.row.eq(client.row), macro.word.eq(client.word)]

    def _word(self, m: Any) -> None:
        read = [self.macro.rdata.word_select(tile, WORD_BITS) for tile in range(self._config.tiles)]
        fetched = read[0]
        for tile in range(1, self._config.tiles):
            fetched = Mux(self.tile[tile], read[tile], fetched)
        self._fetch = Signal()
        m.d.comb += self.macro.wdata.eq(self.word)
        with m.If(self.client.take):
            m.d.sync += self.word.eq(self.host_word)
        with m.Elif(self.client.shift):
            m.d.sync += self.word.eq(Cat(self.word[1:], self.client.bit))
        with m.Elif(self._fetch):
            m.d.sync += self.word.eq(fetched)

    def _cycle(self, m: Any) -> None:
        state, timer, macro = Signal(_State, name="state"), self.timer, self.macro

        def wait(count: Any, then: _State) -> None:
            m.d.comb += [timer.start.eq(1), timer.count.eq(count)]
            m.d.sync += state.eq(then)

        m.d.sync += macro.re.eq(0)
        with m.Switch(state):
            with m.Case(_State.IDLE):
                with m.If(self.client.write):
                    wait(self.setup, _State.SETUP)
                with m.Elif(self.client.read):
                    m.d.sync += [macro.re.eq(self.tile), state.eq(_State.READ)]
            with m.Case(_State.SETUP), m.If(timer.done):
                m.d.sync += macro.we.eq(self.tile)
                wait(self.pulse, _State.PULSE)
            with m.Case(_State.PULSE), m.If(timer.done):
                m.d.sync += macro.we.eq(0)
                wait(self.hold, _State.HOLD)
            with m.Case(_State.HOLD), m.If(timer.done):
                m.d.comb += self.client.done.eq(1)
                m.d.sync += state.eq(_State.IDLE)
            with m.Case(_State.READ):
                m.d.sync += state.eq(_State.FETCH)
            with m.Case(_State.FETCH):
                m.d.comb += [self._fetch.eq(1), self.client.done.eq(1)]
                m.d.sync += state.eq(_State.IDLE)
            with m.Default():
                m.d.sync += state.eq(_State.IDLE)
        with m.If(self.abort):
            m.d.sync += [macro.we.eq(0), macro.re.eq(0), state.eq(_State.IDLE)]

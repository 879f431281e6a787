"""The single way to the latches: one address, one word, a timed write pulse, a read."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import TIMING_BITS, ControllerConfig
from rsscircuit.controller.counting import successor
from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry
from rsscircuit.controller.latch_array import macro_signature
from rsscircuit.controller.timer import TimerClient

_STEPS = ("setting", "holding", "written", "arriving")


def access_signature(geometry: ArrayGeometry) -> Any:
    """The commands to the latches, seen from who gives them; all zero when it gives none.

    ``rewind`` goes to the first word of all, ``seek`` to ``word`` in the row that the controller points to, ``step`` to
    the next word, row by row. ``take`` puts the host's word
    into the word register, ``shift`` moves ``bit`` into its top. ``write`` and ``read`` last until ``done``;
    ``row_ends`` and ``array_ends`` mark the last word of a row and of the array.
    """
    return wiring.Signature(
        {
            "rewind": Out(1),
            "seek": Out(1),
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


class ArrayAccess(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Carries out the commands of whoever owns the array, on the tile of the one-hot ``tile``.

    ``we`` is a flop that rises after ``setup`` clocks, stays ``pulse`` clocks, and is followed by ``hold``
    clocks before the address or the word can change; ``abort`` ends it at once. A word that is read is on
    ``fetched``, otherwise zero, in the clock of ``done``, when ``word`` is zero, and then on ``word``.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "client": In(access_signature(config.geometry)),
                "macro": Out(macro_signature(config.geometry, config.tiles)),
                "tile": In(config.tiles),
                "row": In(config.geometry.row_width),
                "host_word": In(WORD_BITS),
                "word": Out(WORD_BITS),
                "fetched": Out(WORD_BITS),
                "setup": In(TIMING_BITS),
                "pulse": In(TIMING_BITS),
                "hold": In(TIMING_BITS),
                "timer": Out(TimerClient),
                "abort": In(1),
            }
        )
        self._arriving, self._fetch = Signal(name="arriving"), Signal(name="fetch")

    def elaborate(self, platform: Any) -> Any:
        """The address, the word, and the steps of a write and a read."""
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
        with m.If(client.rewind | (client.step & client.array_ends)):
            m.d.sync += macro.row.eq(0)
        with m.Elif(client.seek):
            m.d.sync += macro.row.eq(self.row)
        with m.Elif(client.step & client.row_ends):
            m.d.sync += macro.row.eq(successor(macro.row))
        with m.If(client.rewind | (client.step & client.row_ends)):
            m.d.sync += macro.word.eq(0)
        with m.Elif(client.seek):
            m.d.sync += macro.word.eq(client.word)
        with m.Elif(client.step):
            m.d.sync += macro.word.eq(successor(macro.word))

    def _word(self, m: Any) -> None:
        read = [self.macro.rdata.word_select(tile, WORD_BITS) for tile in range(self._config.tiles)]
        fetched = read[0]
        for tile in range(1, self._config.tiles):
            fetched = Mux(self.tile[tile], read[tile], fetched)
        shifted = Cat(self.word[1:], self.client.bit)
        m.d.comb += self.macro.wdata.eq(self.word)
        m.d.sync += self.fetched.eq(Mux(self._arriving, fetched, 0))
        with m.If(self.client.take | self.client.shift | self._fetch):
            m.d.sync += self.word.eq(self.fetched | Mux(self.client.take, self.host_word, shifted))
        with m.If(self._arriving):
            m.d.sync += self.word.eq(0)

    def _cycle(self, m: Any) -> None:
        """A flop a step, none high at rest; ``we`` and ``re`` are those of the pulse and of the read."""
        macro, client, timer = self.macro, self.client, self.timer
        setting, holding, written = (Signal(name=step) for step in _STEPS[:3])
        arriving = self._arriving
        pulsing, reading = macro.we.any(), macro.re.any()
        waits = setting | pulsing | holding
        rests = ~(waits | written | reading | arriving | self._fetch)
        steps = Cat(setting, macro.we, holding, written, macro.re, arriving, self._fetch)
        limit = Signal(TIMING_BITS)
        limits = ((setting, self.setup), (pulsing, self.pulse), (holding, self.hold))
        m.d.comb += [
            timer.waits.eq(waits),
            limit.eq(reduce(or_, [Mux(step, count, 0) for step, count in limits])),
            timer.limit.eq(limit),
            client.done.eq(written | self._fetch),
        ]
        with m.If(timer.reached | ~waits):
            m.d.sync += [
                setting.eq(rests & client.write),
                macro.we.eq(Mux(setting, self.tile, 0)),
                holding.eq(pulsing),
                written.eq(holding),
                macro.re.eq(Mux(rests & client.read & ~client.write, self.tile, 0)),
                arriving.eq(reading),
                self._fetch.eq(arriving),
            ]
        with m.If(self.abort):
            m.d.sync += steps.eq(0)

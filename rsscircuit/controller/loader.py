"""The loader: a stream of words becomes a verified array of switches, or a fault.

A frame is checked byte by byte while it is written. When its CRC matches, every word is read back, and the
CRC over the header and the read-back words must match again.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller import crc
from rsscircuit.controller.array_access import access_signature
from rsscircuit.controller.bitstream import HEADER_WORDS, MAGIC, VERSION, configuration_hash
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.crc_unit import CrcClient
from rsscircuit.controller.faults import FAULT_CODE_BITS, FaultCode
from rsscircuit.controller.geometry import WORD_BITS
from rsscircuit.controller.timer import TimerClient

_TILE_FIELD = 3
_DATA = HEADER_WORDS
_CHECKSUM = HEADER_WORDS + 1
_NONE = HEADER_WORDS + 2


class _State(IntEnum):
    IDLE = 0
    AWAIT = 1
    ABSORB = 2
    WRITE = 3
    COMPARE = 4
    CHECKSUM = 5
    READ = 6
    READ_ABSORB = 7
    COMPARE_AGAIN = 8
    VERIFY = 9


class BitstreamLoader(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Programs the latches of one tile from the words of one frame.

    ``start`` begins a frame, whose words are then taken from ``stream``. It ends with ``done``, or with a
    code on ``fail``, each for one clock; ``abort`` ends it silently. ``listening`` says that a further word
    is expected, now or when the word at hand is written; ``tile`` is the tile that the header named. A data
    word takes five clocks at the shortest write pulse, and four to read back.

    Args:
        config: The controller.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "busy": Out(1),
                "done": Out(1),
                "fail": Out(FAULT_CODE_BITS),
                "listening": Out(1),
                "stream": In(stream.Signature(WORD_BITS)),
                "tile_id": In(WORD_BITS),
                "tile": Out(config.select_width),
                "array": Out(access_signature(config.geometry)),
                "crc": Out(CrcClient),
                "timer": Out(TimerClient),
            }
        )
        self._state = Signal(_State, name="state")
        self._field = Signal(range(_NONE + 1), name="field")
        self._final = Signal(name="final")
        self._accept = Signal(name="accept")
        self._wrong = Signal(name="wrong")

    def elaborate(self, platform: Any) -> Any:
        """The states of a load."""
        m = Module()
        state = self._state
        m.d.sync += self._wrong.eq(0)
        m.d.comb += [
            self.busy.eq(state != _State.IDLE),
            self.stream.ready.eq(state == _State.AWAIT),
            self.listening.eq(
                (state == _State.AWAIT)
                | (state == _State.WRITE)
                | (state == _State.ABSORB) & (self._field != _CHECKSUM)
            ),
            self._accept.eq(self.stream.valid & self.stream.ready),
            self.array.take.eq(self._accept),
        ]
        with m.Switch(state):
            with m.Case(_State.IDLE), m.If(self.start):
                m.d.comb += [self.array.seek.eq(1), self.crc.restart.eq(1)]
                m.d.sync += self._field.eq(_NONE)
                self._await_word(m)
            with m.Case(_State.AWAIT):
                self._take(m)
            with m.Case(_State.ABSORB):
                self._absorb(m)
            with m.Case(_State.WRITE), m.If(self.array.done):
                self._next_word(m)
            self._verify(m)
        with m.If(self._wrong):
            self._fail(m, self._field + 1)
        with m.If(self.abort):
            m.d.sync += state.eq(_State.IDLE)
        return m

    def _await_word(self, m: Any) -> None:
        """Go on with the next word of the frame, which must come in time."""
        m.d.comb += [self.timer.start.eq(1), self.timer.count.eq(self._config.timeout_cycles)]
        m.d.sync += self._state.eq(_State.AWAIT)

    def _take(self, m: Any) -> None:
        """A word comes in; between words the CRC register rests, and is remembered where it matters."""
        m.d.comb += [self.crc.mark.eq(self._field == _DATA - 1), self.crc.keep.eq(self._field == _CHECKSUM)]
        with m.If(self._accept):
            m.d.sync += self._state.eq(_State.ABSORB)
            with m.If((self._field != _DATA) & (self._field != _CHECKSUM)):
                m.d.sync += self._field.eq(self._field + 1)
        with m.Elif(self.timer.done):
            self._fail(m, FaultCode.TIMEOUT)

    def _absorb(self, m: Any) -> None:
        """Four clocks: header bytes are compared; data is written, which takes no less."""
        m.d.comb += [self.crc.absorb.eq(1), self.array.write.eq(self._field == _DATA)]
        with m.If(self.crc.last), m.Switch(self._field):
            with m.Case(_DATA):
                m.d.sync += self._state.eq(_State.WRITE)
                with m.If(self.array.done):
                    self._next_word(m)
            with m.Case(_CHECKSUM):
                m.d.sync += self._state.eq(_State.COMPARE)
            with m.Default():
                self._await_word(m)
        m.d.sync += self._wrong.eq((self._field < HEADER_WORDS) & self._is_wrong(m))

    def _is_wrong(self, m: Any) -> Any:
        """Whether the byte at hand is another than the header's; fault codes count its words from one."""
        geometry, tiles, crc_ = self._config.geometry, self._config.tiles, self.crc
        header = (MAGIC, VERSION, configuration_hash(geometry), 0, geometry.words)
        constants = Cat(Const(word, WORD_BITS) for word in header).word_select(
            Cat(crc_.place, self._field), crc.BYTE_BITS
        )
        names_tile = self._field == _TILE_FIELD
        own = self.tile_id.word_select(crc_.place, crc.BYTE_BITS)
        expected = Mux(names_tile, own, constants)
        if tiles == 1:
            return crc_.byte != expected
        low = names_tile & (crc_.place == 0)
        with m.If(low):
            m.d.sync += self.tile.eq(crc_.byte)
        chosen = (1 << self._config.select_width) - 1
        ignored = Mux(low, chosen, 0)
        beyond = low & ((crc_.byte & chosen) >= tiles)
        return ((crc_.byte | ignored) != (expected | ignored)) | beyond

    def _next_word(self, m: Any) -> None:
        """The word is written."""
        m.d.comb += self.array.step.eq(1)
        with m.If(self.array.array_ends):
            m.d.sync += self._field.eq(_CHECKSUM)
        self._await_word(m)

    def _verify(self, m: Any) -> None:
        """The CRC of the frame; then every word is read, the next one while the bytes of one are taken in."""
        state, place = self._state, self.crc.place
        with m.Case(_State.COMPARE):
            m.d.sync += state.eq(_State.CHECKSUM)
        with m.Case(_State.CHECKSUM):
            m.d.comb += self.crc.rewind.eq(1)
            m.d.sync += state.eq(_State.READ)
            with m.If(~self.crc.residue):
                self._fail(m, FaultCode.CHECKSUM)
        with m.Case(_State.READ):
            m.d.comb += self.array.read.eq(1)
            with m.If(self.array.done):
                m.d.sync += state.eq(_State.READ_ABSORB)
        with m.Case(_State.READ_ABSORB):
            m.d.comb += [
                self.crc.absorb.eq(1),
                self.array.step.eq(place == 0),
                self.array.read.eq((place == 1) & ~self._final),
            ]
            with m.If(place == 0):
                m.d.sync += self._final.eq(self.array.array_ends)
            with m.If(self.crc.last & self._final):
                m.d.sync += state.eq(_State.COMPARE_AGAIN)
        with m.Case(_State.COMPARE_AGAIN):
            m.d.sync += state.eq(_State.VERIFY)
        with m.Case(_State.VERIFY):
            m.d.comb += self.done.eq(self.crc.matches)
            m.d.sync += state.eq(_State.IDLE)
            with m.If(~self.crc.matches):
                self._fail(m, FaultCode.READ_BACK)
        with m.Default():
            m.d.sync += state.eq(_State.IDLE)

    def _fail(self, m: Any, code: Any) -> None:
        """Stop and say why."""
        m.d.comb += self.fail.eq(code)
        m.d.sync += self._state.eq(_State.IDLE)

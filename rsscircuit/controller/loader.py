"""The loader: a stream of words becomes a verified array of switches, or a fault.

A frame is checked byte by byte while it is written. When its CRC matches, every word is read back, and the
CRC over the header, as it had to be, and the read-back words must match again.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller import crc
from rsscircuit.controller.array_access import access_signature
from rsscircuit.controller.bitstream import HEADER_WORDS, MAGIC, VERSION, configuration_hash
from rsscircuit.controller.config import TILE_ID_BITS, ControllerConfig
from rsscircuit.controller.counting import successor
from rsscircuit.controller.crc_unit import CrcClient
from rsscircuit.controller.faults import FAULT_CODE_BITS, FaultCode
from rsscircuit.controller.geometry import WORD_BITS
from rsscircuit.controller.timer import TimerClient

_TILE_FIELD = 3
_DATA = HEADER_WORDS
_CHECKSUM = HEADER_WORDS + 1
_NONE = HEADER_WORDS + 2
_STEPS = ("awaiting", "absorbing", "writing", "comparing", "checking", "repeating", "fetching", "reading")


class BitstreamLoader(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Programs the latches of one tile from the words of one frame.

    ``start`` begins a frame, whose words are then taken from ``stream``. It ends with ``done``, or with a
    code on ``fail``, each for one clock; ``abort`` ends it silently. ``listening`` says that a further word
    is expected, now or when the word at hand is written; ``tile`` is the tile that the header named. A data
    word takes six clocks at the shortest write pulse, and four to read back.

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
                "tile_id": In(TILE_ID_BITS),
                "tile": Out(config.select_width),
                "array": Out(access_signature(config.geometry)),
                "crc": Out(CrcClient),
                "timer": Out(TimerClient),
            }
        )
        self._field = Signal(range(_NONE + 1), name="field")
        self._expected = Signal(crc.BYTE_BITS, name="expected")
        self._differs = Signal(name="differs")
        self._absorbing = Signal(name="absorbing")
        self._wrong = Signal(name="wrong")

    def elaborate(self, platform: Any) -> Any:
        """A flop a step, none high at rest; a failure ends the load by the ``abort`` that it causes."""
        m = Module()
        array, crc_, timer, field, valid = self.array, self.crc, self.timer, self._field, self.stream.valid
        steps = {name: Signal(name=name) for name in _STEPS} | {"absorbing": self._absorbing}
        awaiting, absorbing, writing, comparing, checking, repeating, fetching, reading = steps.values()
        is_data, is_checksum, final = field == _DATA, field == _CHECKSUM, Signal(name="final")
        begins, absorbed, written, repeated = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            self.busy.eq(Cat(steps.values()).any()),
            begins.eq(self.start & ~self.busy),
            absorbed.eq(absorbing & crc_.last),
            written.eq(writing & array.done),
            repeated.eq(repeating & crc_.last & (field == HEADER_WORDS - 1)),
            self.done.eq(checking & is_data & crc_.matches),
            self.stream.ready.eq(awaiting),
            self.listening.eq(awaiting | writing | (absorbing & ~is_checksum)),
            timer.asks.eq(awaiting & ~valid),
            array.rewind.eq(begins),
            array.take.eq(awaiting & valid),
            array.write.eq(is_data & (absorbing | writing)),
            array.step.eq(written | (reading & (crc_.place == 0))),
            array.read.eq(fetching | (reading & (crc_.place == 1) & ~final)),
            crc_.restart.eq(begins | checking),
            crc_.absorb.eq(absorbing | repeating | reading),
            crc_.gives.eq(repeating),
            crc_.given.eq(Mux(repeating, self._expected, 0)),
            crc_.keep.eq(awaiting & is_checksum),
        ]
        m.d.sync += [
            awaiting.eq(begins | (awaiting & ~valid) | (absorbed & ~is_data & ~is_checksum) | written),
            absorbing.eq((awaiting & valid) | (absorbing & ~crc_.last)),
            writing.eq((absorbed & is_data) | (writing & ~array.done)),
            comparing.eq((absorbed & is_checksum) | (reading & crc_.last & final)),
            checking.eq(comparing),
            repeating.eq((checking & is_checksum) | (repeating & ~repeated)),
            fetching.eq(repeated | (fetching & ~array.done)),
            reading.eq((fetching & array.done) | (reading & ~(crc_.last & final))),
        ]
        with m.If(reading & (crc_.place == 0)):
            m.d.sync += final.eq(array.array_ends)
        with m.If(begins):
            m.d.sync += field.eq(_NONE)
        with m.Elif(checking):
            m.d.sync += field.eq(0)
        with m.Elif(written & array.array_ends):
            m.d.sync += field.eq(_CHECKSUM)
        with m.Elif((awaiting & valid & (~field[2] | (field[0] == field[1]))) | (repeating & crc_.last)):
            m.d.sync += field.eq(successor(field))
        self._compare(m)
        self._failures(m, awaiting & timer.late, checking & is_data & ~crc_.matches, is_checksum)
        with m.If(self.abort):
            m.d.sync += Cat(steps.values(), self._wrong).eq(0)
        return m

    def _failures(self, m: Any, late: Any, unlike: Any, is_checksum: Any) -> None:
        """The codes of a wrong header count its words from one, and that of the checksum follows."""
        differs = Mux(self._field < HEADER_WORDS, self._differs, is_checksum & ~self.crc.closes)
        m.d.sync += self._wrong.eq(self._absorbing & differs)
        with m.If(self._wrong):
            m.d.comb += self.fail.eq(Mux(is_checksum, FaultCode.CHECKSUM, self._field + 1))
        with m.Elif(late):
            m.d.comb += self.fail.eq(FaultCode.TIMEOUT)
        with m.Elif(unlike):
            m.d.comb += self.fail.eq(FaultCode.READ_BACK)

    def _compare(self, m: Any) -> None:
        """The byte that the header must have here, and whether the one at hand ``differs``; the tile that it names."""
        config, crc_, chosen = self._config, self.crc, (1 << self._config.select_width) - 1
        header = (MAGIC, VERSION, configuration_hash(config.geometry), 0, config.geometry.words)
        constants = Cat(Const(word, WORD_BITS) for word in header).word_select(
            Cat(crc_.place, self._field), crc.BYTE_BITS
        )
        names_tile = self._field == _TILE_FIELD
        own = Cat(self.tile_id, Const(0, WORD_BITS - TILE_ID_BITS)).word_select(crc_.place, crc.BYTE_BITS)
        if config.tiles == 1:
            m.d.comb += [
                self._expected.eq(Mux(names_tile, own, constants)),
                self._differs.eq(crc_.byte != self._expected),
            ]
            return
        low = names_tile & (crc_.place == 0)
        named = Cat(self.tile, own[config.select_width :])
        m.d.comb += self._expected.eq(Mux(low, named, Mux(names_tile, own, constants)))
        with m.If(low & self._absorbing):
            m.d.sync += self.tile.eq(crc_.byte)
        ignored = Mux(low, chosen, 0)
        beyond = low & ((crc_.byte & chosen) >= config.tiles)
        m.d.comb += self._differs.eq(((crc_.byte | ignored) != (self._expected | ignored)) | beyond)

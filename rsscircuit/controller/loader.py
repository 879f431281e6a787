"""The loader: a stream of words becomes a verified, driven array of switches, or a fault.

A frame is checked word by word while it is written. When its CRC matches, every word is read back and the
CRC over header and read-back words must match again; only then are the switches driven.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller import crc
from rsscircuit.controller.bitstream import HEADER_WORDS, MAGIC, VERSION, configuration_hash
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry
from rsscircuit.controller.latch_array import macro_signature
from rsscircuit.controller.output_enable import OutputEnable

TIMEOUT_CYCLES = 1 << 16
FAULT_CODE_BITS = 4


class State(IntEnum):
    """Where the loader is in a frame."""

    IDLE = 0
    HEADER = 1
    HEADER_CHECK = 2
    DATA = 3
    WRITE_SETUP = 4
    WRITE_PULSE = 5
    WRITE_HOLD = 6
    CHECKSUM = 7
    CHECKSUM_CHECK = 8
    READ = 9
    READ_FETCH = 10
    READ_ABSORB = 11
    VERIFY = 12
    READY = 13
    FAULT = 14


class BitstreamLoader(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Programs the latches of one tile from a stream of frame words.

    A word that arrives while READY begins a new frame, and the switches are released before it is looked
    at. In FAULT all words are swallowed until ``clear``, which returns to idle from anywhere and drops the
    word of its clock. A kill, the asynchronous reset of domain ``drive``, releases the switches at once; a
    load under way or a READY array becomes a fault, and no word is taken while it lasts. If a further word
    waits when the read-back succeeds, the switches are not driven in between.

    Args:
        geometry: The array that the frames must be made for.
        timeout_cycles: Clocks that the next word of a frame may take to arrive.
    """

    def __init__(self, geometry: ArrayGeometry, *, timeout_cycles: int = TIMEOUT_CYCLES) -> None:
        self._geometry = geometry
        self._timeout_cycles = timeout_cycles
        super().__init__(
            {
                "stream": In(stream.Signature(WORD_BITS)),
                "macro": Out(macro_signature(geometry)),
                "tile_id": In(WORD_BITS),
                "clear": In(1),
                "ready": Out(1),
                "busy": Out(1),
                "fault": Out(1),
                "fault_code": Out(FAULT_CODE_BITS),
                "oe": Out(1),
            }
        )
        self._word = self.macro.wdata  # the word at hand, written or read back
        self._state = Signal(State, name="state")
        self._field = Signal(range(HEADER_WORDS), name="field")
        self._waited = Signal(range(timeout_cycles), name="waited")
        self._crc = Signal(WORD_BITS, name="crc")
        self._header_crc = Signal(WORD_BITS, name="header_crc")
        self._frame_crc = Signal(WORD_BITS, name="frame_crc")
        self._mixed = Signal(WORD_BITS, name="mixed")
        self._crc_next = Signal(WORD_BITS, name="crc_next")
        self._accept = Signal(name="accept")
        self._row_ends = Signal(name="row_ends")
        self._array_ends = Signal(name="array_ends")
        self._verified = Signal(name="verified")

    def elaborate(self, platform: Any) -> Any:
        """The states of a load, then what overrides them."""
        m = Module()
        m.submodules.output_enable = enable = OutputEnable()
        self._status(m)
        self._datapath(m)
        with m.Switch(self._state):
            with m.Case(State.IDLE, State.READY):
                self._begin(m)
            self._take_header(m)
            self._write_rows(m)
            self._take_checksum(m)
            self._read_back(m)
            with m.Default():  # FAULT, and any code that is no state
                m.d.sync += self._state.eq(State.FAULT)
        self._stream_and_outputs(m, enable)
        self._overrides(m, enable)
        return m

    def _status(self, m: Any) -> None:
        """What the state says to the outside."""
        m.d.comb += [
            self.ready.eq(self._state == State.READY),
            self.fault.eq(self._state == State.FAULT),
            self.busy.eq(~(self.ready | self.fault | (self._state == State.IDLE))),
        ]

    def _datapath(self, m: Any) -> None:
        """One register holds the word at hand; the CRC sees nothing else."""
        taps = [[self._mixed[bit] for bit in range(WORD_BITS) if mask >> bit & 1] for mask in crc.PARITY_MASKS]
        m.d.comb += [
            self._mixed.eq(self._crc ^ self._word),
            self._crc_next.eq(Cat(Cat(bits).xor() for bits in taps)),
            self._row_ends.eq(self.macro.word == self._geometry.words_per_row - 1),
            self._array_ends.eq(self._row_ends & (self.macro.row == self._geometry.rows - 1)),
            self.macro.re.eq(self._state == State.READ),
        ]
        m.d.sync += [self.macro.we.eq(0), self._waited.eq(0)]
        with m.If(self._accept):
            m.d.sync += self._word.eq(self.stream.payload)

    def _begin(self, m: Any) -> None:
        """The first word of a frame."""
        m.d.sync += [
            self._crc.eq(crc.INITIAL),
            self._field.eq(0),
            self.macro.row.eq(0),
            self.macro.word.eq(0),
        ]
        with m.If(self._accept):
            m.d.sync += self._state.eq(State.HEADER_CHECK)

    def _take_header(self, m: Any) -> None:
        """Each header word must be the one expected; fault codes count the header words from one."""
        expected = Array([MAGIC, VERSION, configuration_hash(self._geometry), self.tile_id, self._geometry.words])
        with m.Case(State.HEADER):
            self._await_word(m, State.HEADER_CHECK)
        with m.Case(State.HEADER_CHECK):
            m.d.sync += [
                self._crc.eq(self._crc_next),
                self._header_crc.eq(self._crc_next),
                self._field.eq(self._field + 1),
                self._state.eq(State.HEADER),
            ]
            with m.If(self._field == HEADER_WORDS - 1):
                m.d.sync += self._state.eq(State.DATA)
            with m.If(self._word != expected[self._field]):
                self._fail(m, self._field + 1)

    def _write_rows(self, m: Any) -> None:
        """Each data word: set up, one pulse of ``we``, hold."""
        with m.Case(State.DATA):
            self._await_word(m, State.WRITE_SETUP)
        with m.Case(State.WRITE_SETUP):
            m.d.sync += [self._crc.eq(self._crc_next), self.macro.we.eq(1), self._state.eq(State.WRITE_PULSE)]
        with m.Case(State.WRITE_PULSE):
            m.d.sync += self._state.eq(State.WRITE_HOLD)
        with m.Case(State.WRITE_HOLD):
            self._next_address(m, again=State.DATA, done=State.CHECKSUM)

    def _take_checksum(self, m: Any) -> None:
        """The CRC of the frame; on a match it starts again behind the header."""
        with m.Case(State.CHECKSUM):
            self._await_word(m, State.CHECKSUM_CHECK)
        with m.Case(State.CHECKSUM_CHECK):
            m.d.sync += [
                self._frame_crc.eq(self._crc),
                self._crc.eq(self._header_crc),
                self._state.eq(State.READ),
            ]
            with m.If(self._mixed != crc.FINAL_XOR):
                self._fail(m, FaultCode.CHECKSUM)

    def _read_back(self, m: Any) -> None:
        """Every word again, from the latches, into the same CRC."""
        with m.Case(State.READ):
            m.d.sync += self._state.eq(State.READ_FETCH)
        with m.Case(State.READ_FETCH):
            m.d.sync += [self._word.eq(self.macro.rdata), self._state.eq(State.READ_ABSORB)]
        with m.Case(State.READ_ABSORB):
            m.d.sync += self._crc.eq(self._crc_next)
            self._next_address(m, again=State.READ, done=State.VERIFY)
        with m.Case(State.VERIFY):
            m.d.sync += self._state.eq(State.READY)
            with m.If(~self._verified):
                self._fail(m, FaultCode.READ_BACK)

    def _stream_and_outputs(self, m: Any, enable: Any) -> None:
        """When a word may come in, and when the switches are driven."""
        waits = (State.IDLE, State.HEADER, State.DATA, State.CHECKSUM, State.READY, State.FAULT)
        m.d.comb += [
            self._verified.eq(self._crc == self._frame_crc),
            self.stream.ready.eq(Cat(self._state == state for state in waits).any() & ~enable.killed),
            self._accept.eq(self.stream.valid & self.stream.ready),
            enable.arm.eq((self._state == State.VERIFY) & self._verified & ~self.stream.valid),
            enable.disarm.eq(self.clear | enable.killed | (self.ready & self._accept)),
            self.oe.eq(enable.oe),
        ]

    def _overrides(self, m: Any, enable: Any) -> None:
        """A kill ends what is under way, ``clear`` ends everything; neither leaves a write pulse behind."""
        with m.If(enable.killed & (self.busy | self.ready)):
            self._fail(m, FaultCode.KILLED)
        with m.If(self.clear):
            m.d.sync += [self._state.eq(State.IDLE), self.fault_code.eq(FaultCode.NONE), self.macro.we.eq(0)]

    def _await_word(self, m: Any, then: State) -> None:
        """Go on with the next word of the frame, which must come in time."""
        m.d.sync += self._waited.eq(self._waited + 1)
        with m.If(self._accept):
            m.d.sync += self._state.eq(then)
        with m.Elif(self._waited == self._timeout_cycles - 1):
            self._fail(m, FaultCode.TIMEOUT)

    def _next_address(self, m: Any, *, again: State, done: State) -> None:
        """The next word of the array, row by row; after the last one, the first."""
        m.d.sync += [self.macro.word.eq(self.macro.word + 1), self._state.eq(again)]
        with m.If(self._row_ends):
            m.d.sync += [self.macro.word.eq(0), self.macro.row.eq(self.macro.row + 1)]
        with m.If(self._array_ends):
            m.d.sync += [self.macro.row.eq(0), self._state.eq(done)]

    def _fail(self, m: Any, code: Any) -> None:
        """Stop and say why."""
        m.d.sync += [self._state.eq(State.FAULT), self.fault_code.eq(code), self.macro.we.eq(0)]

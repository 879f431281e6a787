"""SPI, mode 0, most significant bit first: one access a frame of 56 bits, ``cs_n`` low.

====  ===========================  ====  ===========================
bits  write                        bits  read
====  ===========================  ====  ===========================
1     1                            1     0
7     word address                 7     word address
32    data, from the host          8     ignored
8     ignored                      8     status, to the host
8     status, to the host          32    data, to the host
====  ===========================  ====  ===========================

The pins are sampled by ``clk``, which must run at least eight times as fast as ``sck``.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import cdc, wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.csr import RegisterPort
from rsscircuit.controller.geometry import WORD_BITS

COMMAND_BITS, IGNORED_BITS, STATUS_BITS = 8, 8, 8
FRAME_BITS = COMMAND_BITS + IGNORED_BITS + STATUS_BITS + WORD_BITS
_COMMAND_ENDS = COMMAND_BITS - 1
_DATA_ENDS = COMMAND_BITS + WORD_BITS - 1
_READ_ANSWER = COMMAND_BITS + IGNORED_BITS
_WRITE_ANSWER = COMMAND_BITS + WORD_BITS + IGNORED_BITS

SpiPins = wiring.Signature({"sck": In(1), "cs_n": In(1), "mosi": In(1), "miso": Out(1)})


class SpiStatus(IntEnum):
    """How an access went."""

    DONE = 0xA5
    REFUSED = 0x5A  # answered with an error
    UNFINISHED = 0xFF  # carried out, but not in time to say so; a read has no data
    DROPPED = 0x00  # not carried out: the access before it was unfinished


class Spi(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Carries out a write after its last data bit and a read after its address; a frame cut short does nothing."""

    def __init__(self) -> None:
        super().__init__({"pins": Out(SpiPins), "registers": Out(RegisterPort)})

    def elaborate(self, platform: Any) -> Any:
        """Synchronisers, the bits in, the access, the bits out."""
        m = Module()
        pins, registers = self.pins, self.registers
        sck, before, cs_n, mosi = Signal(), Signal(), Signal(init=1), Signal()
        for name, pin, synchronised, init in (
            ("sck", pins.sck, sck, 0),
            ("cs_n", pins.cs_n, cs_n, 1),
            ("mosi", pins.mosi, mosi, 0),
        ):
            m.submodules[name] = cdc.FFSynchronizer(pin, synchronised, init=init, reset_less=False)
        m.d.sync += before.eq(sck)
        rises, falls = sck & ~before & ~cs_n, ~sck & before & ~cs_n
        place, moved, writing = Signal(range(FRAME_BITS + 1), name="place"), Signal(WORD_BITS), Signal()
        arrived = Signal(WORD_BITS)
        m.d.comb += arrived.eq(Cat(mosi, moved[:-1]))
        status, answer, outgoing = Signal(SpiStatus), Signal(WORD_BITS), Signal(STATUS_BITS + WORD_BITS)
        busy = registers.write | registers.read
        begin_read, begin_write = Signal(), Signal()
        m.d.comb += [
            begin_read.eq(rises & (place == _COMMAND_ENDS) & ~arrived[_COMMAND_ENDS]),
            begin_write.eq(rises & (place == _DATA_ENDS) & writing),
            pins.miso.eq(outgoing[-1]),
        ]
        with m.If(rises):
            m.d.sync += moved.eq(arrived)
            with m.If(place != FRAME_BITS):
                m.d.sync += place.eq(place + 1)
            with m.If(place == _COMMAND_ENDS):
                m.d.sync += writing.eq(arrived[_COMMAND_ENDS])
                with m.If(~busy):
                    m.d.sync += registers.address.eq(arrived)
        with m.If(registers.acknowledge):
            m.d.sync += [
                registers.write.eq(0),
                registers.read.eq(0),
                status.eq(Mux(registers.error, SpiStatus.REFUSED, SpiStatus.DONE)),
                answer.eq(Mux(registers.read, registers.read_data, 0)),
            ]
        with m.Elif(begin_read | begin_write):
            m.d.sync += [status.eq(SpiStatus.DROPPED), answer.eq(0)]
            with m.If(~busy):
                m.d.sync += [
                    registers.read.eq(begin_read),
                    registers.write.eq(begin_write),
                    registers.write_data.eq(arrived),
                    registers.strobes.eq(-1),
                    status.eq(SpiStatus.UNFINISHED),
                ]
        with m.If(falls):
            m.d.sync += outgoing.eq(outgoing << 1)
            with m.If(place == Mux(writing, _WRITE_ANSWER, _READ_ANSWER)):
                m.d.sync += outgoing.eq(Cat(answer, status))
        with m.If(cs_n):
            m.d.sync += [place.eq(0), writing.eq(0), outgoing.eq(0)]
        return m

"""AXI4-Lite (ARM IHI 0022, issue E, part B): one access at a time, every output a flop."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.csr import RegisterPort
from rsscircuit.controller.geometry import WORD_BITS
from rsscircuit.controller.registers import ADDRESS_BITS

_OKAY, _SLVERR = 0b00, 0b10

AxiPins = wiring.Signature(
    {
        "awaddr": In(ADDRESS_BITS),
        "awprot": In(3),
        "awvalid": In(1),
        "awready": Out(1),
        "wdata": In(WORD_BITS),
        "wstrb": In(WORD_BITS // 8),
        "wvalid": In(1),
        "wready": Out(1),
        "bresp": Out(2),
        "bvalid": Out(1),
        "bready": In(1),
        "araddr": In(ADDRESS_BITS),
        "arprot": In(3),
        "arvalid": In(1),
        "arready": Out(1),
        "rdata": Out(WORD_BITS),
        "rresp": Out(2),
        "rvalid": Out(1),
        "rready": In(1),
    }
)


class _State(IntEnum):
    IDLE = 0
    WRITE = 1
    READ = 2
    RESPOND = 3


class Axi4Lite(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """A write waits for address and data; a response stays until it is accepted.

    Writes and reads that wait together take turns. Addresses are those of words: the two low bits and the
    protection bits are not looked at.
    """

    def __init__(self) -> None:
        super().__init__({"pins": Out(AxiPins), "registers": Out(RegisterPort)})

    def elaborate(self, platform: Any) -> Any:
        """The states of an access."""
        m = Module()
        pins, registers, state = self.pins, self.registers, Signal(_State, name="state")
        read_next, reads = Signal(), Signal()
        writes = Signal()
        m.d.comb += [
            writes.eq(pins.awvalid & pins.wvalid & ~(read_next & pins.arvalid)),
            reads.eq(pins.arvalid & ~writes),
            registers.write.eq(state == _State.WRITE),
            registers.read.eq(state == _State.READ),
        ]
        m.d.sync += [pins.awready.eq(0), pins.wready.eq(0), pins.arready.eq(0)]
        with m.Switch(state):
            with m.Case(_State.IDLE):
                m.d.sync += [
                    registers.address.eq(Mux(writes, pins.awaddr, pins.araddr)[2:]),
                    registers.write_data.eq(pins.wdata),
                    registers.strobes.eq(pins.wstrb),
                    Cat(pins.awready, pins.wready).eq(writes.replicate(2)),
                    pins.arready.eq(reads),
                ]
                with m.If(writes):
                    m.d.sync += [read_next.eq(1), state.eq(_State.WRITE)]
                with m.If(reads):
                    m.d.sync += [read_next.eq(0), state.eq(_State.READ)]
            with m.Case(_State.WRITE), m.If(registers.acknowledge):
                m.d.sync += [
                    pins.bresp.eq(Mux(registers.error, _SLVERR, _OKAY)),
                    pins.bvalid.eq(1),
                    state.eq(_State.RESPOND),
                ]
            with m.Case(_State.READ), m.If(registers.acknowledge):
                m.d.sync += [
                    pins.rdata.eq(registers.read_data),
                    pins.rresp.eq(Mux(registers.error, _SLVERR, _OKAY)),
                    pins.rvalid.eq(1),
                    state.eq(_State.RESPOND),
                ]
            with m.Case(_State.RESPOND), m.If((pins.bvalid & pins.bready) | (pins.rvalid & pins.rready)):
                m.d.sync += [pins.bvalid.eq(0), pins.rvalid.eq(0), state.eq(_State.IDLE)]
        return m

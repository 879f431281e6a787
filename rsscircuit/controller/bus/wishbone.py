"""Wishbone B4, classic cycles (OpenCores, 2010): one access at a time, every output a flop."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.csr import RegisterPort
from rsscircuit.controller.geometry import WORD_BITS
from rsscircuit.controller.registers import WORD_ADDRESS_BITS

WishbonePins = wiring.Signature(
    {
        "adr_i": In(WORD_ADDRESS_BITS),
        "dat_i": In(WORD_BITS),
        "dat_o": Out(WORD_BITS),
        "sel_i": In(WORD_BITS // 8),
        "we_i": In(1),
        "stb_i": In(1),
        "cyc_i": In(1),
        "ack_o": Out(1),
        "err_o": Out(1),
    }
)


class _State(IntEnum):
    IDLE = 0
    WRITE = 1
    READ = 2
    RESPOND = 3


class Wishbone(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """``ack_o`` or ``err_o`` ends an access, for one clock; ``adr_i`` counts words.

    A master that gives up by lowering ``cyc_i`` or ``stb_i`` gets no answer, but what it began is carried out.
    """

    def __init__(self) -> None:
        super().__init__({"pins": Out(WishbonePins), "registers": Out(RegisterPort)})

    def elaborate(self, platform: Any) -> Any:
        """The states of an access."""
        m = Module()
        pins, registers, state = self.pins, self.registers, Signal(_State, name="state")
        asks, given_up = Signal(), Signal()
        m.d.comb += [
            asks.eq(pins.cyc_i & pins.stb_i),
            registers.write.eq(state == _State.WRITE),
            registers.read.eq(state == _State.READ),
        ]
        m.d.sync += [pins.ack_o.eq(0), pins.err_o.eq(0)]
        with m.Switch(state):
            with m.Case(_State.IDLE):
                m.d.sync += [
                    registers.address.eq(pins.adr_i),
                    registers.write_data.eq(pins.dat_i),
                    registers.strobes.eq(pins.sel_i),
                    given_up.eq(0),
                ]
                with m.If(asks):
                    m.d.sync += state.eq(_State.READ)
                    with m.If(pins.we_i):
                        m.d.sync += state.eq(_State.WRITE)
            with m.Case(_State.WRITE, _State.READ):
                with m.If(~asks):
                    m.d.sync += given_up.eq(1)
                with m.If(registers.acknowledge):
                    m.d.sync += state.eq(_State.RESPOND)
                    with m.If(asks & ~given_up):
                        m.d.sync += [pins.ack_o.eq(~registers.error), pins.err_o.eq(registers.error)]
                with m.If(registers.acknowledge & registers.read):
                    m.d.sync += pins.dat_o.eq(registers.read_data)
            with m.Case(_State.RESPOND):
                m.d.sync += state.eq(_State.IDLE)
        return m

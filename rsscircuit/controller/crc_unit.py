"""The one CRC register of the controller, which takes in a word in four clocks."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller import crc
from rsscircuit.controller.counting import successor
from rsscircuit.controller.geometry import WORD_BITS

CrcClient = wiring.Signature(
    {
        "restart": Out(1),
        "absorb": Out(1),
        "gives": Out(1),
        "given": Out(crc.BYTE_BITS),
        "keep": Out(1),
        "byte": In(crc.BYTE_BITS),
        "place": In(range(crc.BYTES)),
        "last": In(1),
        "closes": In(1),
        "matches": In(1),
        "register": In(WORD_BITS),
    }
)
"""Seen from who checks. ``restart`` begins a message. While ``absorb`` is high the bytes of the word are taken in,
lowest first; ``byte`` is the one at ``place``, and ``last`` marks the fourth. While ``gives`` is high it is ``given``
that is taken in instead. ``closes``: the byte being taken in is the next one of the message's checksum. ``keep``
remembers the register for ``matches``, which follows the register by one clock."""


class CrcUnit(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """The register, and a value to compare with; ``first`` is the lowest byte of a ``word`` that is still zero."""

    def __init__(self) -> None:
        super().__init__({"client": In(CrcClient), "word": In(WORD_BITS), "first": In(crc.BYTE_BITS)})

    def elaborate(self, platform: Any) -> Any:
        """One byte a clock."""
        m = Module()
        client, state = self.client, Signal(WORD_BITS, init=crc.INITIAL)
        kept = Signal(WORD_BITS)
        mixed, following = Signal(crc.BYTE_BITS), Signal(WORD_BITS)
        gained = [Cat(mixed[bit] for bit in range(crc.BYTE_BITS) if mask >> bit & 1).xor() for mask in crc.PARITY_MASKS]
        closing = Const(crc.CLOSING, WORD_BITS)
        m.d.comb += [
            client.byte.eq(self.word.word_select(client.place, crc.BYTE_BITS) | self.first),
            client.last.eq(client.place == crc.BYTES - 1),
            mixed.eq(state ^ Mux(client.gives, client.given, client.byte)),
            following.eq((state >> crc.BYTE_BITS) ^ Cat(gained)),
            client.closes.eq(mixed == closing.word_select(client.place, crc.BYTE_BITS)),
            client.register.eq(state),
        ]
        m.d.sync += client.matches.eq(state == kept)
        with m.If(client.restart):
            m.d.sync += [state.eq(crc.INITIAL), client.place.eq(0)]
        with m.Elif(client.absorb):
            m.d.sync += [state.eq(following), client.place.eq(successor(client.place))]
        with m.If(client.keep):
            m.d.sync += kept.eq(state)
        return m

"""The registers, as the table says: decoding, byte strobes, access rights, events and counters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.geometry import WORD_BITS
from rsscircuit.controller.registers import WORD_ADDRESS_BITS, Access, Field, Register

_STROBE_BITS = WORD_BITS // 8

RegisterPort = wiring.Signature(
    {
        "address": Out(WORD_ADDRESS_BITS),
        "write": Out(1),
        "read": Out(1),
        "write_data": Out(WORD_BITS),
        "strobes": Out(_STROBE_BITS),
        "acknowledge": In(1),
        "error": In(1),
        "read_data": In(WORD_BITS),
    }
)
"""Seen from a bus: ``write`` or ``read`` is held, with everything beside it, up to the clock of ``acknowledge``, the
second one at the earliest."""


def port_name(register: Register, field: Field | None = None) -> str:
    """The name of a field's signal, or of the handshake of a register that is a port."""
    return f"{register.name}_{field.name}".lower() if field else register.name.lower()


def _ports(register: Register) -> Iterator[tuple[str, Any]]:
    for field in register.fields:
        if field.access in (Access.READ, Access.POP):
            yield port_name(register, field), In(field.width)
        elif field.access in (Access.READ_WRITE, Access.WRITE):
            yield port_name(register, field), Out(field.width, init=field.reset)
        elif field.access is Access.COMMAND:
            yield port_name(register, field), Out(1)
        elif field.access in (Access.CLEAR, Access.COUNT):
            yield port_name(register, field), In(1)
    if register.is_port:
        name = port_name(register)
        yield from ((f"{name}_request", Out(1)), (f"{name}_ready", In(1)), (f"{name}_refused", In(1)))


class Registers(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """The table in hardware.

    A field's signal is ``register_field``: the value of a read or read-write field, the pulse of a command, the
    event that sets a bit or counts. A register that is a port has ``_request``, high until ``_ready`` or
    ``_refused``; the word to push is on ``data``. ``refused`` answers a command with an error. ``irq`` is high
    while an event is set and enabled.

    Args:
        table: The registers.
    """

    def __init__(self, table: tuple[Register, ...]) -> None:
        self._table = table
        ports = dict(port for register in table for port in _ports(register))
        super().__init__(
            {
                "bus": In(RegisterPort),
                "data": Out(WORD_BITS),
                "refused": In(1),
                "irq": Out(1),
                **ports,
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """A clock to decode the address, and from the next one on the access itself."""
        m = Module()
        self._held = {
            (register.name, field.name): Signal(field.width, init=field.reset, name=port_name(register, field))
            for register in self._table
            for field in register.fields
            if field.access in (Access.CLEAR, Access.COUNT)
        }
        self._fixed = [register for register in self._table if register.is_fixed]
        self._selected = {
            register.name: Signal(name=f"is_{register.name.lower()}")
            for register in self._table
            if not register.is_fixed
        }
        self._decode(m)
        self._answer(m)
        for register in self._table:
            for field in register.fields:
                if field.access is not Access.CONSTANT:
                    self._keep(m, register, field)
        pending = [
            value & getattr(self, f"irq_enable_{name}")
            for (register_name, name), value in self._held.items()
            if register_name == "IRQ_STATUS"
        ]
        m.d.sync += self.irq.eq(Cat(pending).any())
        return m

    def _decode(self, m: Any) -> None:
        """Which register it is, and whether it may be read or written; the bus holds the address meanwhile."""
        bus, begun = self.bus, Signal()
        may_write, may_read, self._is_fixed = Signal(), Signal(), Signal()
        for found, registers in (
            (may_write, [register for register in self._table if register.writable]),
            (may_read, [register for register in self._table if register.readable]),
            (self._is_fixed, self._fixed),
        ):
            known = Const(sum(1 << register.address // 4 for register in registers), 1 << WORD_ADDRESS_BITS)
            m.d.sync += found.eq(known.bit_select(bus.address, 1))
        for register in self._table:
            if not register.is_fixed:
                m.d.sync += self._selected[register.name].eq(bus.address == register.address // 4)
        m.d.sync += begun.eq((bus.write | bus.read) & ~bus.acknowledge)
        self._writes, self._reads, self._forbidden = Signal(), Signal(), Signal()
        m.d.comb += [
            self._writes.eq(bus.write & begun),
            self._reads.eq(bus.read & begun),
            self._forbidden.eq(Mux(bus.write, ~may_write, ~may_read)),
            self.data.eq(bus.write_data),
        ]

    def _answer(self, m: Any) -> None:
        """Registers that are ports may wait or refuse, and take whole words only."""
        bus = self.bus
        waits, errors = Const(0), self._forbidden | (self._selected["CONTROL"] & bus.write & self.refused)
        torn = bus.write & ~bus.strobes.all()
        for register in self._table:
            if register.is_port:
                name, selected = port_name(register), self._selected[register.name]
                ready, refused = getattr(self, f"{name}_ready"), getattr(self, f"{name}_refused")
                fit = selected & ~(self._forbidden | torn)
                m.d.comb += getattr(self, f"{name}_request").eq(fit & (self._writes | self._reads))
                errors |= selected & (torn | refused)
                waits |= fit & ~(ready | refused)
        values = [
            Mux(self._selected[register.name], self._value(register), 0)
            for register in self._table
            if register.readable and not register.is_fixed
        ]
        words = (max(register.address for register in self._fixed) // 4 + 1).bit_length()
        fixed = Const(sum(register.reset << 8 * register.address for register in self._fixed), WORD_BITS << words)
        values.append(Mux(self._is_fixed, fixed.word_select(bus.address[:words], WORD_BITS), 0))
        m.d.comb += [
            bus.acknowledge.eq((self._writes | self._reads) & ~waits),
            bus.error.eq(errors),
            bus.read_data.eq(reduce(or_, values)),
        ]

    def _value(self, register: Register) -> Any:
        value = Const(0, WORD_BITS)
        for field in register.fields:
            value |= self._read(register, field) << field.low
        return value

    def _read(self, register: Register, field: Field) -> Any:
        if field.access in (Access.READ, Access.READ_WRITE, Access.POP):
            return getattr(self, port_name(register, field))
        return self._held.get((register.name, field.name), 0)

    def _keep(self, m: Any, register: Register, field: Field) -> None:
        """What a field does with a write, and what is kept of events."""
        bits = slice(field.low, field.low + field.width)
        selected = self._writes & self._selected[register.name]
        strobes, data = Cat(strobe.replicate(8) for strobe in self.bus.strobes)[bits], self.bus.write_data[bits]
        if field.access is Access.COMMAND:
            m.d.comb += getattr(self, port_name(register, field)).eq(selected & strobes & data)
            return
        if field.access in (Access.READ_WRITE, Access.WRITE):
            value = getattr(self, port_name(register, field))
            for number, strobe in enumerate(self.bus.strobes):
                low, high = max(field.low, 8 * number), min(field.low + field.width, 8 * number + 8)
                if low < high:
                    with m.If(selected & strobe):
                        m.d.sync += value[low - field.low : high - field.low].eq(self.bus.write_data[low:high])
            return
        if field.access not in (Access.CLEAR, Access.COUNT):
            return
        held = self._held[register.name, field.name]
        if field.access is Access.CLEAR:
            event = getattr(self, port_name(register, field))
            m.d.sync += held.eq(held & ~Mux(selected, strobes & data, 0) | event)
        if field.access is Access.COUNT:
            with m.If(getattr(self, port_name(register, field)) & ~held.all()):
                m.d.sync += held.eq(held + 1)
            with m.If(selected):
                m.d.sync += held.eq(0)

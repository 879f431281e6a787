"""The registers, as the table says: decoding, access rights, refusals, events and counters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.counting import exceeds, successor
from rsscircuit.controller.geometry import WORD_BITS
from rsscircuit.controller.registers import RANGE_LAST, WORD_ADDRESS_BITS, Access, Field, Register

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

    A write is taken whole or refused: unless all of its bytes are written, in a bit that no field has, beyond the
    largest value of a field, in a range whose first exceeds its last, and, while ``locked``, where a register rests.

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
                "locked": In(1),
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
        ranges = [field.width for register in self._table if register.is_range for field in register.fields]
        width = max(ranges, default=0)
        data = self.bus.write_data
        self._disordered = exceeds(data[:width], data[RANGE_LAST : RANGE_LAST + width])
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
        """Which register it is, and whether it may be read or written so; the bus holds the access meanwhile."""
        bus, begun, may_write, may_read = self.bus, Signal(), Signal(), Signal()
        takes = [self._takes(register) for register in self._table if register.writable]
        self._is_fixed, self._writes, self._reads, self._forbidden = Signal(), Signal(name="writes"), Signal(), Signal()
        m.d.sync += [
            may_write.eq(Cat(takes).any() & bus.strobes.all()),
            may_read.eq(self._among([register for register in self._table if register.readable])),
            self._is_fixed.eq(self._among(self._fixed)),
            begun.eq((bus.write | bus.read) & ~bus.acknowledge),
        ]
        for register in self._table:
            if not register.is_fixed:
                m.d.sync += self._selected[register.name].eq(bus.address == register.address // 4)
        m.d.comb += [
            self._writes.eq(bus.write & begun & may_write),
            self._reads.eq(bus.read & begun & may_read),
            self._forbidden.eq(begun & ~(self._writes | self._reads)),
            self.data.eq(bus.write_data),
        ]

    def _among(self, registers: list[Register]) -> Any:
        """Whether the address is that of one of them."""
        known = Const(sum(1 << register.address // 4 for register in registers), 1 << WORD_ADDRESS_BITS)
        return known.bit_select(self.bus.address, 1)

    def _takes(self, register: Register) -> Any:
        """Whether the address is this register's, and it may be written with the word at hand."""
        data, refuses = self.bus.write_data, []
        if register.rests:
            refuses.append(self.locked)
        if register.unused_bits:
            refuses.append((data & register.unused_bits).any())
        refuses += [
            data[field.low : field.low + field.width] > field.most
            for field in register.fields
            if field.most < (1 << field.width) - 1
        ]
        if register.is_range:
            refuses.append(self._disordered)
        return (self.bus.address == register.address // 4) & ~Cat(refuses).any()

    def _answer(self, m: Any) -> None:
        """Registers that are ports may wait or refuse."""
        bus = self.bus
        waits, errors = Const(0), self._forbidden | (self._selected["CONTROL"] & bus.write & self.refused)
        for register in self._table:
            if register.is_port:
                name, selected = port_name(register), self._selected[register.name]
                ready, refused = getattr(self, f"{name}_ready"), getattr(self, f"{name}_refused")
                request = getattr(self, f"{name}_request")
                m.d.comb += request.eq(selected & (self._writes | self._reads))
                errors |= selected & refused
                waits |= request & ~(ready | refused)
        values = [
            Mux(self._selected[register.name], self._value(register), 0)
            for register in self._table
            if register.readable and not register.is_fixed
        ]
        words = (max(register.address for register in self._fixed) // 4 + 1).bit_length()
        fixed = Const(sum(register.reset << 8 * register.address for register in self._fixed), WORD_BITS << words)
        values.append(Mux(self._is_fixed, fixed.word_select(bus.address[:words], WORD_BITS), 0))
        m.d.comb += [
            bus.acknowledge.eq((self._writes | self._reads | self._forbidden) & ~waits),
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
        written, data = self._writes & self._selected[register.name], self.data[field.low : field.low + field.width]
        if field.access is Access.COMMAND:
            m.d.comb += getattr(self, port_name(register, field)).eq(Mux(written, data, 0))
        if field.access in (Access.READ_WRITE, Access.WRITE):
            with m.If(written):
                m.d.sync += getattr(self, port_name(register, field)).eq(data)
        if field.access not in (Access.CLEAR, Access.COUNT):
            return
        held, event = self._held[register.name, field.name], getattr(self, port_name(register, field))
        if field.access is Access.CLEAR:
            m.d.sync += held.eq(held & ~Mux(written, data, 0) | event)
        if field.access is Access.COUNT:
            with m.If(event & ~held.all()):
                m.d.sync += held.eq(successor(held))
            with m.If(written):
                m.d.sync += held.eq(0)

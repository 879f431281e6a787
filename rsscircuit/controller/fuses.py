"""The one-time-programmable variant: latches that take their bits from fuses, and never from the host."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.array_access import access_signature
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.crc_unit import CrcClient
from rsscircuit.controller.faults import FAULT_CODE_BITS, FaultCode
from rsscircuit.controller.geometry import WORD_BITS
from rsscircuit.controller.timer import TimerClient


class _State(IntEnum):
    RESET = 0
    SENSE = 1
    REST = 2
    IDLE = 3
    READ = 4
    ABSORB = 5
    VERIFY = 6


class FuseReader(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """After a reset, and any kill then, ``sense`` is high for ``sense_cycles`` clocks.

    ``sensing`` is high from the reset until that is over; nothing must start meanwhile. Each ``start`` reads every
    word. It ends with ``done`` if the CRC-32 of the words is ``expected``, else with a code on ``fail``.

    Args:
        config: The controller.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._sense_cycles = config.sense_cycles
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "killed": In(1),
                "sensing": Out(1),
                "busy": Out(1),
                "done": Out(1),
                "fail": Out(FAULT_CODE_BITS),
                "sense": Out(1),
                "expected": In(WORD_BITS),
                "array": Out(access_signature(config.geometry)),
                "crc": Out(CrcClient),
                "timer": Out(TimerClient),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """Sense once, then verify on demand."""
        m = Module()
        state, timer = Signal(_State, name="state"), self.timer
        m.d.comb += [self.sensing.eq(state < _State.IDLE), self.busy.eq(state > _State.IDLE)]
        with m.Switch(state):
            with m.Case(_State.RESET), m.If(~self.killed):
                m.d.sync += [self.sense.eq(1), state.eq(_State.SENSE)]
            with m.Case(_State.SENSE):
                m.d.comb += [timer.waits.eq(1), timer.limit.eq(self._sense_cycles)]
                with m.If(timer.reached):
                    m.d.sync += [self.sense.eq(0), state.eq(_State.REST)]
            with m.Case(_State.REST):
                m.d.sync += state.eq(_State.IDLE)
            with m.Case(_State.IDLE), m.If(self.start):
                m.d.comb += [self.array.rewind.eq(1), self.crc.restart.eq(1)]
                m.d.sync += state.eq(_State.READ)
            with m.Case(_State.READ):
                m.d.comb += self.array.read.eq(1)
                with m.If(self.array.done):
                    m.d.sync += state.eq(_State.ABSORB)
            with m.Case(_State.ABSORB):
                m.d.comb += self.crc.absorb.eq(1)
                with m.If(self.crc.last):
                    m.d.comb += self.array.step.eq(1)
                    m.d.sync += state.eq(_State.READ)
                    with m.If(self.array.array_ends):
                        m.d.sync += state.eq(_State.VERIFY)
            with m.Case(_State.VERIFY):
                m.d.sync += state.eq(_State.IDLE)
                with m.If(self.crc.register == ~self.expected):
                    m.d.comb += self.done.eq(1)
                with m.Else():
                    m.d.comb += self.fail.eq(FaultCode.CHECKSUM)
            with m.Default():
                m.d.sync += state.eq(_State.IDLE)
        with m.If(self.abort & self.busy):
            m.d.sync += state.eq(_State.IDLE)
        return m

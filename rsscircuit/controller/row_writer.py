"""One row of latches, bit by bit: written anew, changed in one cell, or read for comparison.

The row passes through the word register from its low end. The bit that falls out is the old one, and whoever
uses the row writer answers with the new one, knowing column and branch; so cells that straddle words, and banks
of any size, need no special care and no wide selector.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.array_access import access_signature
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.crc_unit import CrcClient
from rsscircuit.controller.geometry import WORD_BITS


def row_signature(config: ControllerConfig) -> Any:
    """Seen from who uses the row writer; all zero when it does not.

    ``start`` on ``row``, until ``done``. ``fetch``: begin with the old words; ``store``: write the new ones.
    ``bit`` answers, in the same clock, to ``column`` and ``branch``; beyond the last column it is ignored.
    """
    return wiring.Signature(
        {
            "start": Out(1),
            "row": Out(config.geometry.row_width),
            "fetch": Out(1),
            "store": Out(1),
            "bit": Out(1),
            "column": In(config.column_width),
            "branch": In(config.branch_width),
            "done": In(1),
        }
    )


class _State(IntEnum):
    IDLE = 0
    FETCH = 1
    SHIFT = 2
    ABSORB = 3
    STORE = 4


class RowWriter(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Passes one row through the word register; its words go through the CRC after they are changed."""

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "client": In(row_signature(config)),
                "array": Out(access_signature(config.geometry)),
                "crc": Out(CrcClient),
                "abort": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """Fetch, 32 shifts, four bytes into the CRC, store; word by word."""
        m = Module()
        client, array, state = self.client, self.array, Signal(_State, name="state")
        place, outside = Signal(range(WORD_BITS)), Signal()
        word_starts = Signal(_State)
        m.d.comb += word_starts.eq(_State.SHIFT)
        with m.If(client.fetch):
            m.d.comb += word_starts.eq(_State.FETCH)
        with m.Switch(state):
            with m.Case(_State.IDLE), m.If(client.start):
                m.d.comb += [array.seek.eq(1), array.row.eq(client.row)]
                m.d.sync += [client.column.eq(0), client.branch.eq(0), outside.eq(0), state.eq(word_starts)]
            with m.Case(_State.FETCH):
                m.d.comb += array.read.eq(1)
                with m.If(array.done):
                    m.d.sync += state.eq(_State.SHIFT)
            with m.Case(_State.SHIFT):
                m.d.comb += [array.shift.eq(1), array.bit.eq(client.bit & ~outside)]
                m.d.sync += place.eq(place + 1)
                self._advance(m, outside)
                with m.If(place == WORD_BITS - 1):
                    m.d.sync += state.eq(_State.ABSORB)
            with m.Case(_State.ABSORB):
                m.d.comb += self.crc.absorb.eq(1)
                with m.If(self.crc.last):
                    m.d.sync += state.eq(_State.STORE)
            with m.Case(_State.STORE):
                m.d.comb += array.write.eq(client.store)
                with m.If(array.done | ~client.store):
                    m.d.comb += array.step.eq(1)
                    m.d.sync += state.eq(word_starts)
                    with m.If(array.row_ends):
                        m.d.comb += client.done.eq(1)
                        m.d.sync += state.eq(_State.IDLE)
            with m.Default():
                m.d.sync += state.eq(_State.IDLE)
        with m.If(self.abort):
            m.d.sync += [state.eq(_State.IDLE), place.eq(0)]
        return m

    def _advance(self, m: Any, outside: Any) -> None:
        """The next branch; behind the last one, the next column."""
        column, branch = self.client.column, self.client.branch
        m.d.sync += branch.eq(branch + 1)
        with m.If(branch == self._config.switches_per_cell - 1):
            m.d.sync += [branch.eq(0), column.eq(column + 1)]
            with m.If(column == self._config.geometry.columns - 1):
                m.d.sync += outside.eq(1)

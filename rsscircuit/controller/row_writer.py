"""One row of latches, bit by bit: written anew, changed in one cell, or read for comparison.

The row passes through the word register from its low end. The bit that falls out is the old one, and whoever
uses the row writer answers with the new one, knowing column and branch; so cells that straddle words, and banks
of any size, need no special care and no wide selector.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.array_access import access_signature
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.counting import successor
from rsscircuit.controller.crc_unit import CrcClient
from rsscircuit.controller.geometry import WORD_BITS

_STEPS = ("fetching", "shifting", "absorbing", "storing")


def row_signature(config: ControllerConfig) -> Any:
    """Seen from who uses the row writer; all zero when it does not.

    ``start`` on the row that the controller points to, until ``done``. ``fetch``: begin with the old words; ``store``:
    write the new ones. ``bit`` answers, in the same clock, to ``column`` and ``branch``; beyond the last column it is
    ignored.
    """
    return wiring.Signature(
        {
            "start": Out(1),
            "fetch": Out(1),
            "store": Out(1),
            "bit": Out(1),
            "column": In(config.column_width),
            "branch": In(config.branch_width),
            "done": In(1),
        }
    )


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
        """Fetch, 32 shifts, four bytes into the CRC, store; word by word. A flop a step, none high at rest."""
        m = Module()
        client, array, place, outside = self.client, self.array, Signal(range(WORD_BITS)), Signal()
        fetching, shifting, absorbing, storing = steps = [Signal(name=step) for step in _STEPS]
        rests, starts, stored, begins = ~Cat(steps, client.done).any(), Signal(), Signal(), Signal()
        m.d.comb += [
            starts.eq(rests & client.start),
            stored.eq(storing & (array.done | ~client.store)),
            begins.eq(starts | (stored & ~array.row_ends)),
            array.seek.eq(starts),
            array.read.eq(fetching),
            array.shift.eq(shifting),
            array.bit.eq(shifting & client.bit & ~outside),
            self.crc.absorb.eq(absorbing),
            array.write.eq(storing & client.store),
            array.step.eq(stored),
        ]
        m.d.sync += [
            fetching.eq((begins & client.fetch) | (fetching & ~array.done)),
            shifting.eq((begins & ~client.fetch) | (fetching & array.done) | (shifting & ~place.all())),
            absorbing.eq((shifting & place.all()) | (absorbing & ~self.crc.last)),
            storing.eq((absorbing & self.crc.last) | (storing & ~stored)),
            client.done.eq(stored & array.row_ends),
        ]
        with m.If(shifting):
            m.d.sync += place.eq(successor(place))
            self._advance(m, outside)
        with m.If(starts):
            m.d.sync += [client.column.eq(0), client.branch.eq(0), outside.eq(0)]
        with m.If(self.abort):
            m.d.sync += [Cat(steps, client.done).eq(0), place.eq(0)]
        return m

    def _advance(self, m: Any, outside: Any) -> None:
        """The next branch; behind the last one, the next column."""
        column, branch = self.client.column, self.client.branch
        m.d.sync += branch.eq(successor(branch))
        with m.If(branch == self._config.switches_per_cell - 1):
            m.d.sync += [branch.eq(0), column.eq(successor(column))]
            with m.If(column == self._config.geometry.columns - 1):
                m.d.sync += outside.eq(1)

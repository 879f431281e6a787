"""The one row counter: which input is set, and which row of latches is calibrated."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.counting import successor
from rsscircuit.controller.geometry import ArrayGeometry


def row_counter_signature(geometry: ArrayGeometry) -> Any:
    """Seen from who counts: ``rewind`` to row zero, ``seek`` to the host's first row, ``step`` to the next.

    ``row`` is the row at hand; ``ends`` marks the array's last.
    """
    return wiring.Signature(
        {
            "rewind": Out(1),
            "seek": Out(1),
            "step": Out(1),
            "row": In(geometry.row_width),
            "ends": In(1),
        }
    )


class RowCounter(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """A counter; ``first`` is where ``seek`` goes.

    Args:
        geometry: The array.
    """

    def __init__(self, geometry: ArrayGeometry) -> None:
        self._rows = geometry.rows
        super().__init__({"client": In(row_counter_signature(geometry)), "first": In(geometry.row_width)})

    def elaborate(self, platform: Any) -> Any:
        """Rows in their order."""
        m = Module()
        client = self.client
        m.d.comb += client.ends.eq(client.row == self._rows - 1)
        with m.If(client.rewind):
            m.d.sync += client.row.eq(0)
        with m.Elif(client.seek):
            m.d.sync += client.row.eq(self.first)
        with m.Elif(client.step):
            m.d.sync += client.row.eq(successor(client.row))
        return m

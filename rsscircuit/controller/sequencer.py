"""Inference: the vector goes to the input converters, the columns are read, and the codes wait for the host."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.capture import CaptureClient
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.dac_port import dac_signature
from rsscircuit.controller.row_counter import row_counter_signature

_STEPS = ("fetching", "writing", "updating", "capturing")


class Sequencer(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Runs one vector after ``start``: two clocks a row, then one reading of all columns.

    ``code`` is the input of the row counter's row, one clock later.
    """

    def __init__(self, config: ControllerConfig) -> None:
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "busy": Out(1),
                "done": Out(1),
                "rows": Out(row_counter_signature(config.geometry)),
                "code": In(config.dac_bits),
                "dac": Out(dac_signature(config)),
                "capture": Out(CaptureClient),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """A flop a step, none high at rest."""
        m = Module()
        fetching, writing, updating, capturing = steps = [Signal(name=step) for step in _STEPS]
        begins = Signal()
        m.d.comb += [
            begins.eq(self.start & ~self.busy),
            self.busy.eq(Cat(steps).any()),
            self.done.eq(capturing & self.capture.done),
            self.rows.rewind.eq(begins),
            self.rows.step.eq(writing),
            self.dac.write.eq(writing),
            self.dac.code.eq(Mux(writing, self.code, 0)),
            self.dac.update.eq(updating),
            self.capture.start.eq(updating),
        ]
        m.d.sync += [
            fetching.eq(begins | (writing & ~self.rows.ends)),
            writing.eq(fetching),
            updating.eq(writing & self.rows.ends),
            capturing.eq(updating | (capturing & ~self.capture.done)),
        ]
        with m.If(self.abort):
            m.d.sync += Cat(steps).eq(0)
        return m

"""The pins to the input converters, one register a row, loaded one after the other and updated together."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import ControllerConfig


def dac_signature(config: ControllerConfig) -> Any:
    """Seen from who sets inputs; all zero when it does not.

    ``write`` puts ``code`` into the register of the row at hand; ``update`` moves all registers to the converters.
    """
    return wiring.Signature({"code": Out(config.dac_bits), "write": Out(1), "update": Out(1)})


def dac_pins_signature(config: ControllerConfig) -> Any:
    """The pins: ``row`` goes with ``write``."""
    return wiring.Signature({"row": Out(config.geometry.row_width), **dac_signature(config).members})


class DacPort(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """A flop at every pin."""

    def __init__(self, config: ControllerConfig) -> None:
        super().__init__(
            {
                "client": In(dac_signature(config)),
                "row": In(config.geometry.row_width),
                "pins": Out(dac_pins_signature(config)),
            }
        )

    def elaborate(self, platform: Any) -> Any:
        """Row and code rest between writes."""
        m = Module()
        client, pins = self.client, self.pins
        m.d.sync += [pins.write.eq(client.write), pins.update.eq(client.update)]
        with m.If(client.write):
            m.d.sync += [pins.row.eq(self.row), pins.code.eq(client.code)]
        return m

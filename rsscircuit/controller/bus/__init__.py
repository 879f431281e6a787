"""The ways to the registers: AXI4-Lite, Wishbone and SPI, each onto the same register port."""

from __future__ import annotations

from typing import Any

from rsscircuit.controller.bus.axi4_lite import Axi4Lite
from rsscircuit.controller.bus.spi import Spi
from rsscircuit.controller.bus.wishbone import Wishbone

BUSES: dict[str, type[Any]] = {"axi4-lite": Axi4Lite, "wishbone": Wishbone, "spi": Spi}
"""Front ends by name: each has ``pins`` for the outside and ``registers`` for the inside."""

"""Masters of the buses in a simulation: one read or write each, as a host would make it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rsscircuit.controller.bus.spi import COMMAND_BITS, IGNORED_BITS, STATUS_BITS, SpiStatus
from rsscircuit.controller.geometry import WORD_BITS

ALL_BYTES = (1 << WORD_BITS // 8) - 1
SPI_HALF_PERIOD = 4

Access = Callable[..., Awaitable[tuple[int, bool]]]
"""``(simulation, top, address, value, strobes)``, a read if ``value`` is None, to read data and error."""


async def axi4_lite(
    simulation: Any, top: Any, address: int, value: int | None, strobes: int = ALL_BYTES
) -> tuple[int, bool]:
    """One access over AXI4-Lite."""
    if value is None:
        simulation.set(top.s_axi_araddr, address)
        await _offer(simulation, [(top.s_axi_arvalid, top.s_axi_arready)])
        response = await _accept(simulation, top.s_axi_rvalid, top.s_axi_rready, (top.s_axi_rdata, top.s_axi_rresp))
        return response[0], response[1] != 0
    simulation.set(top.s_axi_awaddr, address)
    simulation.set(top.s_axi_wdata, value)
    simulation.set(top.s_axi_wstrb, strobes)
    await _offer(simulation, [(top.s_axi_awvalid, top.s_axi_awready), (top.s_axi_wvalid, top.s_axi_wready)])
    (response_code,) = await _accept(simulation, top.s_axi_bvalid, top.s_axi_bready, (top.s_axi_bresp,))
    return 0, response_code != 0


async def _offer(simulation: Any, channels: list[tuple[Any, Any]]) -> None:
    """Hold each valid until its ready."""
    for valid, _ in channels:
        simulation.set(valid, 1)
    while channels:
        taken = [simulation.get(ready) for _, ready in channels]
        await simulation.tick()
        for (valid, _), done in zip(channels, taken, strict=True):
            simulation.set(valid, not done)
        channels = [channel for channel, done in zip(channels, taken, strict=True) if not done]


async def _accept(simulation: Any, valid: Any, ready: Any, payload: tuple[Any, ...]) -> tuple[int, ...]:
    """Take what comes with ``valid``."""
    simulation.set(ready, 1)
    while not simulation.get(valid):
        await simulation.tick()
    values = tuple(simulation.get(signal) for signal in payload)
    await simulation.tick()
    simulation.set(ready, 0)
    return values


async def wishbone(
    simulation: Any, top: Any, address: int, value: int | None, strobes: int = ALL_BYTES
) -> tuple[int, bool]:
    """One classic cycle over Wishbone."""
    simulation.set(top.wb_adr_i, address // 4)
    simulation.set(top.wb_we_i, value is not None)
    simulation.set(top.wb_dat_i, value or 0)
    simulation.set(top.wb_sel_i, strobes)
    simulation.set(top.wb_cyc_i, 1)
    simulation.set(top.wb_stb_i, 1)
    while not (simulation.get(top.wb_ack_o) or simulation.get(top.wb_err_o)):
        await simulation.tick()
    data, error = simulation.get(top.wb_dat_o), bool(simulation.get(top.wb_err_o))
    await simulation.tick()
    simulation.set(top.wb_cyc_i, 0)
    simulation.set(top.wb_stb_i, 0)
    return data, error


async def spi(simulation: Any, top: Any, address: int, value: int | None, strobes: int = ALL_BYTES) -> tuple[int, bool]:
    """One frame over SPI, as fast as the slave allows; ``strobes`` are not transmitted."""
    command = (value is not None) << (COMMAND_BITS - 1) | address // 4
    idle = IGNORED_BITS + STATUS_BITS
    sent = (command << WORD_BITS | (value or 0)) << idle
    received = 0
    simulation.set(top.spi_cs_n, 0)
    for place in reversed(range(COMMAND_BITS + WORD_BITS + idle)):
        simulation.set(top.spi_mosi, sent >> place & 1)
        await simulation.tick().repeat(SPI_HALF_PERIOD)
        simulation.set(top.spi_sck, 1)
        received = received << 1 | simulation.get(top.spi_miso)
        await simulation.tick().repeat(SPI_HALF_PERIOD)
        simulation.set(top.spi_sck, 0)
    await simulation.tick().repeat(SPI_HALF_PERIOD)
    simulation.set(top.spi_cs_n, 1)
    await simulation.tick().repeat(SPI_HALF_PERIOD)
    status = (received if value is not None else received >> WORD_BITS) & 0xFF
    data = 0 if value is not None else received & 0xFFFF_FFFF
    return data, status != SpiStatus.DONE


MASTERS: dict[str, Access] = {"axi4-lite": axi4_lite, "wishbone": wishbone, "spi": spi}

"""cocotb tests of xbar_top with the masters of cocotbext-axi and cocotbext-wishbone and the driver beside them.

SPI has a master of its own here: cocotbext-spi 0.5 is for cocotb 1. Run them with ``python run.py``.
"""

import re
import sys
import zlib
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly, RisingEdge, Timer

HDL = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HDL / "driver"))

import xbar_driver  # noqa: E402
from xbar_driver import THIS, FaultError, Host, to_words  # noqa: E402

FRAME = b"".join(int(word, 16).to_bytes(4, "little") for word in (HDL / "bench" / "frame.hex").read_text().split())
TOP = (HDL / "xbar_top.sv").read_text()
TILE_ID = to_words(FRAME)[3]
DATA = to_words(FRAME)[5:-1]
TILES = THIS.registers["FEATURES"].reset >> 8 & 0x1F
TILE = TILE_ID % TILES
HAS_FUSES = "FUSE_CRC" in THIS.registers
UNFUSED = HAS_FUSES and "array_rdata" not in TOP  # memories inside hold nothing in a simulation
OUTPUTS = re.findall(r"^  output (?:\[.*\] )?(\w+);", TOP.split("endmodule")[0], flags=re.MULTILINE)
PERIOD_NS = 10


class RefusedError(Exception):
    """An access was answered with an error."""


class Axi:
    """The master of cocotbext-axi."""

    def __init__(self, dut):
        from cocotbext.axi import AxiLiteBus, AxiLiteMaster

        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)

    async def read_word(self, address):
        answer = await self.master.read(address, 4)
        if answer.resp != 0:
            raise RefusedError(hex(address))
        return int.from_bytes(answer.data, "little")

    async def write_word(self, address, value):
        answer = await self.master.write(address, value.to_bytes(4, "little"))
        if answer.resp != 0:
            raise RefusedError(hex(address))


class Wishbone:
    """The master of cocotbext-wishbone."""

    def __init__(self, dut):
        from cocotbext.wishbone.driver import WBOp, WishboneMaster

        pins = {
            "cyc": "cyc_i", "stb": "stb_i", "we": "we_i", "adr": "adr_i", "sel": "sel_i",
            "datwr": "dat_i", "datrd": "dat_o", "ack": "ack_o", "err": "err_o",
        }  # fmt: skip
        self.operation = WBOp
        self.master = WishboneMaster(dut, "wb", dut.clk, width=32, timeout=1000, signals_dict=pins)

    async def read_word(self, address):
        return await self._cycle(self.operation(adr=address // 4))

    async def write_word(self, address, value):
        await self._cycle(self.operation(adr=address // 4, dat=value))

    async def _cycle(self, operation):
        (answer,) = await self.master.send_cycle([operation])
        if answer.ack != 1:
            raise RefusedError(hex(4 * operation.adr))
        return int(answer.datrd)


class Spi:
    """Frames of 56 bits in mode 0, sck at an eighth of clk."""

    def __init__(self, dut):
        self.dut = dut
        dut.spi_cs_n.value, dut.spi_sck.value, dut.spi_mosi.value = 1, 0, 0

    async def read_word(self, address):
        received = await self._frame(address // 4 << 48)
        if received >> 32 & 0xFF != 0xA5:
            raise RefusedError(hex(address))
        return received & 0xFFFF_FFFF

    async def write_word(self, address, value):
        if await self._frame((0x80 | address // 4) << 48 | value << 16) & 0xFF != 0xA5:
            raise RefusedError(hex(address))

    async def _frame(self, sent):
        dut, received = self.dut, 0
        dut.spi_cs_n.value = 0
        for place in reversed(range(56)):
            dut.spi_mosi.value = sent >> place & 1
            await ClockCycles(dut.clk, 4)
            received = received << 1 | int(dut.spi_miso.value)
            dut.spi_sck.value = 1
            await ClockCycles(dut.clk, 4)
            dut.spi_sck.value = 0
        await ClockCycles(dut.clk, 4)
        dut.spi_cs_n.value = 1
        await ClockCycles(dut.clk, 4)
        return received


class Blocking:
    """A master for the driver, which blocks."""

    def __init__(self, master):
        self.read = resume(master.read_word)
        self.write = resume(master.write_word)


async def macros(dut):
    """The latches behind the pins of a controller without memories; a word is read one clock behind re."""
    latches, answer = {}, 0
    dut.array_rdata.value = 0
    while True:
        await RisingEdge(dut.clk)
        if HAS_FUSES and int(dut.sense.value):
            for place, word in enumerate(DATA):
                latches |= {(tile, *divmod(place, THIS.words_per_row)): word for tile in range(TILES)}
        at = int(dut.array_row.value), int(dut.array_word.value)
        for tile in range(TILES):
            if int(dut.array_we.value) >> tile & 1:
                latches[tile, *at] = int(dut.array_wdata.value)
            if int(dut.array_re.value) >> tile & 1:
                answer &= ~(0xFFFF_FFFF << 32 * tile)
                answer |= latches.get((tile, *at), 0) << 32 * tile
        dut.array_rdata.value = answer


async def converters(dut):
    """An output converter whose code is that of its column."""
    while True:
        await RisingEdge(dut.clk)
        if int(dut.adc_request.value):
            dut.adc_code.value = code_of(int(dut.adc_column.value), len(dut.adc_code))
        dut.adc_acknowledge.value = int(dut.adc_request.value)


def code_of(column, bits):
    """What the model of a converter gives for a column."""
    return (5 * column + 3) % (1 << bits)


async def start(dut):
    """Clock, reset and models; the driver's class, as a coroutine, and the master."""
    cocotb.start_soon(Clock(dut.clk, PERIOD_NS, unit="ns").start())
    dut.kill.value = 0
    dut.rst.value = 1
    await ClockCycles(dut.clk, 1)  # what a master sets at time 0 does not reach Icarus's continuous assignments
    kind = Axi if hasattr(dut, "s_axi_awaddr") else Wishbone if hasattr(dut, "wb_cyc_i") else Spi
    master = kind(dut)
    if hasattr(dut, "array_rdata"):
        cocotb.start_soon(macros(dut))
    if hasattr(dut, "adc_code"):
        dut.adc_acknowledge.value = dut.adc_code.value = 0
        cocotb.start_soon(converters(dut))
    await ClockCycles(dut.clk, 4)
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 4)
    return await bridge(Host)(Blocking(master), THIS), master


async def program(host):
    """The frame in its tile, or the fuses of that tile verified, which hold the same; the tile is selected."""
    if not HAS_FUSES:
        await bridge(host.load)(FRAME, tile_id=TILE_ID)
    else:
        await bridge(host.wait_for_fuses)()
    await bridge(host.write)("SELECT", tile=TILE)
    if HAS_FUSES:
        await bridge(host.verify_fuses)(zlib.crc32(FRAME[20:-4]))


async def fault_of(coroutine):
    """The name of the fault that it ends in, or None."""
    try:
        await coroutine
    except FaultError as fault:
        return fault.name
    return None


@cocotb.test()
async def nothing_is_driven_or_unknown_after_a_reset(dut):
    await start(dut)
    for name in OUTPUTS:
        assert getattr(dut, name).value.is_resolvable, name
    assert int(dut.oe.value) == int(dut.programmed.value) == int(dut.fault.value) == 0


@cocotb.test()
async def an_unmapped_address_is_refused(dut):
    _, master = await start(dut)
    for access in (master.read_word(0xFC), master.write_word(0xFC, 1), master.write_word(0x00, 1)):
        try:
            await access
        except RefusedError:
            continue
        raise AssertionError("an access was not refused")


@cocotb.test(skip=UNFUSED)
async def a_tile_is_programmed_driven_and_read_back(dut):
    host, _ = await start(dut)
    await program(host)
    await ClockCycles(dut.clk, 3)
    assert int(dut.oe.value) == int(dut.programmed.value) == 1 << TILE
    words = await bridge(host.stored_words)()
    assert [word for row in words for word in row] == DATA
    tile_id, closed = xbar_driver.unpack(FRAME, THIS)
    assert xbar_driver.pack(closed, tile_id, THIS) == FRAME


@cocotb.test(skip=HAS_FUSES)
async def a_damaged_frame_drives_nothing(dut):
    host, _ = await start(dut)
    damaged = bytearray(FRAME)
    damaged[len(FRAME) // 2] ^= 4
    assert await fault_of(bridge(host.load)(bytes(damaged), tile_id=TILE_ID)) == "CHECKSUM"
    assert int(dut.oe.value) == 0
    assert int(dut.fault.value) == 1


@cocotb.test(skip=UNFUSED)
async def a_kill_needs_no_clock(dut):
    host, _ = await start(dut)
    await program(host)
    await ClockCycles(dut.clk, 3)
    assert int(dut.oe.value) == 1 << TILE
    await Timer(1, "ns")
    dut.kill.value = 1
    await Timer(1, "ns")
    await ReadOnly()
    assert int(dut.oe.value) == 0
    await FallingEdge(dut.clk)
    dut.kill.value = 0
    await ClockCycles(dut.clk, 10)
    assert int(dut.oe.value) == int(dut.programmed.value) == 0
    assert await bridge(host.get)("FAULT", "code") == 9


@cocotb.test(skip=UNFUSED or "INPUT" not in THIS.registers)
async def a_vector_brings_the_codes_of_its_columns(dut):
    host, _ = await start(dut)
    await program(host)
    await bridge(host.write)("AVERAGES", conversions=3)
    sums = await bridge(host.run)([row % 2 for row in range(THIS.rows)])
    assert sums == [3 * code_of(column, len(dut.adc_code)) for column in range(THIS.columns)]


@cocotb.test(skip=UNFUSED or not HAS_FUSES)
async def fuses_with_another_checksum_drive_nothing(dut):
    host, _ = await start(dut)
    assert await fault_of(bridge(host.verify_fuses)(0x1234_5678)) == "CHECKSUM"
    assert int(dut.oe.value) == 0

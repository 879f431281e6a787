"""The self-checking bench of one controller, for every bus, with latches inside, macros or fuses."""

from __future__ import annotations

from rsscircuit.controller.bitstream import HEADER_WORDS, frame_words
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.export import Port, ports
from rsscircuit.controller.registers import IDENTITY, register_table
from rsscircuit.handover.macro import MACRO
from rsscircuit.templates import read, render

BENCH, FRAME = "tb_xbar_top", "frame.hex"
_CLOCKS_PER_WORD = {"axi4-lite": 64, "wishbone": 64, "spi": 2048}  # loaded, read again, and read over the bus
_LOAD = """    write(TileId, frame[3]);
    write(Control, 32'd2);
    for (position = 0; position < FrameWords; position = position + 1) write(Stream, frame[position]);
"""
_FUSES = """    checksum = 32'hffffffff;
    for (position = HeaderWords; position < FrameWords - 1; position = position + 1)
      for (place = 0; place < 32; place = place + 1)
        checksum = (checksum >> 1) ^ (checksum[0] ^ frame[position][place] ? 32'hedb88320 : 32'd0);
    value = 32'd1;
    while (value[0] !== 1'b0) read(Status);
    write(Select, chosen);
    write(FuseCrc, ~checksum);
    write(Control, 32'd2);
"""


def bench(config: ControllerConfig) -> str:
    """The bench; it reads a frame as ``bitstream.to_hex`` writes it, and ends with PASS, or FAIL and a status."""
    geometry = config.geometry
    pins = [port for port in ports(config) if port.name != "clk"]
    sensing = config.sense_cycles if config.fuses else 0
    return render(
        f"handover/{BENCH}.sv",
        bus=config.bus,
        rows=geometry.rows,
        words_per_row=geometry.words_per_row,
        header_words=HEADER_WORDS,
        frame_words=frame_words(geometry),
        identity=f"{IDENTITY:08x}",
        tiles=config.tiles,
        most_clocks=config.timeout_cycles + sensing + _CLOCKS_PER_WORD[config.bus] * frame_words(geometry),
        addresses=_addresses(config),
        declarations="".join(_declaration(pin) for pin in pins),
        connections=",\n".join(f"      .{pin.name}({pin.name})" for pin in pins),
        macros=_macros(config) + _fuses(config),
        tasks=read(f"handover/tasks_{config.bus}.sv"),
        load=_FUSES if config.fuses else _LOAD,
    )


def _addresses(config: ControllerConfig) -> str:
    wanted = {"ID", "CONTROL", "STATUS", "FAULT", "TILE_ID", "SELECT", "STREAM", "FUSE_CRC", "ADDRESS", "LATCH"}
    names = {register.name: register.address for register in register_table(config) if register.name in wanted}
    return "".join(
        f"  localparam [7:0] {name.title().replace('_', '')} = 8'h{address:02x};\n" for name, address in names.items()
    )


def _declaration(pin: Port) -> str:
    if pin.is_output or pin.name == "array_rdata":
        return f"  wire [{pin.width - 1}:0] {pin.name};\n"
    return f"  reg [{pin.width - 1}:0] {pin.name} = {int(pin.name == 'spi_cs_n')};\n"


def _macros(config: ControllerConfig) -> str:
    """The macros of all tiles, if they are outside."""
    if config.array != "ports":
        return ""
    sense = "      .sense(sense),\n" if config.fuses else ""
    return "".join(
        f"  {MACRO} macro{tile} (\n      .clk(clk),\n      .row(array_row),\n      .word(array_word),\n"
        f"      .wdata(array_wdata),\n      .we(array_we[{tile}]),\n      .re(array_re[{tile}]),\n"
        f"      .rdata(array_rdata[{32 * tile + 31}:{32 * tile}]),\n{sense}      .oe(oe[{tile}]),\n"
        "      .word_plus(),\n      .word_minus(),\n      .bit_line()\n  );\n"
        f'  always @(macro{tile}.violations)\n    if (macro{tile}.violations != 0) fail("a rule of the macro");\n\n'
        for tile in range(config.tiles)
    )


def _fuses(config: ControllerConfig) -> str:
    """The frame's data in the place of fuses, in every tile."""
    if not config.fuses:
        return ""
    geometry = config.geometry
    inside = config.array == "memory"
    stride = 1 << geometry.word_width if inside else geometry.words_per_row
    paths = [f"dut.latch_array{tile}.memory" if inside else f"macro{tile}.fuses" for tile in range(config.tiles)]
    burns = "".join(
        f"        {path}[row * {stride} + column] = frame[HeaderWords + row * WordsPerRow + column];\n"
        for path in paths
    )
    return (
        "  initial begin\n    #1;\n    for (row = 0; row < Rows; row = row + 1)\n"
        f"      for (column = 0; column < WordsPerRow; column = column + 1) begin\n{burns}      end\n  end\n\n"
    )

"""The one table of registers: hardware, driver and documents are all made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rsscircuit.controller.bitstream import configuration_hash
from rsscircuit.controller.config import AVERAGE_BITS, COUNT_BITS, TILE_ID_BITS, TIMING_BITS, ControllerConfig
from rsscircuit.controller.faults import FAULT_CODE_BITS
from rsscircuit.controller.geometry import WORD_BITS

ADDRESS_BITS = 8
WORD_ADDRESS_BITS = ADDRESS_BITS - 2
IDENTITY = int.from_bytes(b"XBAR", "little")
CONTROLLER_VERSION = 0x0001_0001
ERROR_BITS = 3
RANGE_LAST = 16
"""The lowest bit of the last of a range."""


class Access(StrEnum):
    """What the host may do to a field, and what the hardware does."""

    CONSTANT = "constant"  # read; fixed when the hardware is made
    READ = "read"  # read; the hardware's
    READ_WRITE = "read-write"  # the host's
    WRITE = "write"  # the host's; not readable
    COMMAND = "command"  # write 1: a pulse of one clock; not readable
    CLEAR = "write-1-to-clear"  # set by the hardware, cleared by writing 1
    COUNT = "count"  # counts to its largest value; any write to the register clears it
    PUSH = "push"  # write whole words, one after the other; not readable
    POP = "pop"  # each read takes the next one; not writable


READABLE = (Access.CONSTANT, Access.READ, Access.READ_WRITE, Access.CLEAR, Access.COUNT, Access.POP)
WRITABLE = (Access.READ_WRITE, Access.WRITE, Access.COMMAND, Access.CLEAR, Access.COUNT, Access.PUSH)


@dataclass(frozen=True, slots=True)
class Field:
    """Bits ``low`` to ``low + width - 1`` of a register; ``limit`` values may be written, by default all of them."""

    name: str
    low: int
    width: int
    access: Access
    reset: int
    description: str
    limit: int = 0

    @property
    def text(self) -> str:
        """What the documents say: its description, and the largest value if that is less than its bits hold."""
        most = self.most if self.limit and self.limit < 1 << self.width else None
        return self.description if most is None else f"{self.description} At most {most}."

    @property
    def most(self) -> int:
        """The largest value that may be written."""
        return (self.limit or 1 << self.width) - 1


@dataclass(frozen=True, slots=True)
class Register:
    """A word at a byte address, a multiple of four; one that ``rests`` is not written while an engine is at work."""

    name: str
    address: int
    description: str
    fields: tuple[Field, ...]
    rests: bool = False

    @property
    def text(self) -> str:
        """What the documents say: its description, and what it refuses."""
        order = " The first is at most the last." if self.is_range else ""
        return f"{self.description}{order}{' It rests while an engine is at work.' if self.rests else ''}"

    @property
    def readable(self) -> bool:
        """Whether a read answers without an error."""
        return any(field.access in READABLE for field in self.fields)

    @property
    def writable(self) -> bool:
        """Whether a write answers without an error."""
        return any(field.access in WRITABLE for field in self.fields)

    @property
    def is_fixed(self) -> bool:
        """Whether it reads the same for ever."""
        return all(field.access is Access.CONSTANT for field in self.fields)

    @property
    def is_range(self) -> bool:
        """Whether it is written with a first and a last, in this order."""
        return [(field.name, field.low) for field in self.fields] == [("first", 0), ("last", RANGE_LAST)]

    @property
    def unused_bits(self) -> int:
        """The bits that no field has, and that must be written as zero; but for events and counters, any are taken."""
        if all(field.access in (Access.CLEAR, Access.COUNT) for field in self.fields):
            return 0
        return (1 << WORD_BITS) - 1 - sum((1 << field.width) - 1 << field.low for field in self.fields)

    @property
    def is_port(self) -> bool:
        """Whether every access moves a word, so that the other side may wait or refuse."""
        return any(field.access in (Access.PUSH, Access.POP) for field in self.fields)

    @property
    def reset(self) -> int:
        """What it reads after a reset."""
        return sum(field.reset << field.low for field in self.fields if field.access in READABLE)


def register_table(config: ControllerConfig) -> tuple[Register, ...]:
    """The registers of ``config``, in the order of their addresses."""
    parts = [*_identity(config), *_control(config)]
    parts += _fuses() if config.fuses else _loading()
    if config.measures:
        parts += _measuring(config)
    if config.inference:
        code = Field("code", 0, config.dac_bits, Access.PUSH, 0, "Input code of the next row.")
        parts += [Register("INPUT", 0x38, "The next vector, row by row.", (code,))]
    if config.calibration:
        parts += _calibration(config)
    parts += _cells(config)
    return tuple(sorted(parts, key=lambda register: register.address))


def _whole(name: str, access: Access = Access.READ_WRITE, reset: int = 0, description: str = "") -> Field:
    return Field(name, 0, WORD_BITS, access, reset, description or "The whole word.")


def _range(width: int, limit: int) -> tuple[Field, ...]:
    return (
        Field("first", 0, width, Access.READ_WRITE, 0, "The first.", limit),
        Field("last", RANGE_LAST, width, Access.READ_WRITE, limit - 1, "The last.", limit),
    )


def _identity(config: ControllerConfig) -> list[Register]:
    geometry = config.geometry

    def constant(name: str, low: int, width: int, value: int, description: str) -> Field:
        return Field(name, low, width, Access.CONSTANT, value, description)

    return [
        Register("ID", 0x00, "Reads XBAR, little-endian.", (_whole("id", Access.CONSTANT, IDENTITY),)),
        Register(
            "VERSION", 0x04, "Of this register map.",
            (
                constant("minor", 0, 16, CONTROLLER_VERSION & 0xFFFF, "Grows when something is added."),
                constant("major", 16, 16, CONTROLLER_VERSION >> 16, "Grows when something moves."),
            ),
        ),
        Register(
            "CONFIG_HASH", 0x08, "The configuration hash that a frame must carry.",
            (_whole("hash", Access.CONSTANT, configuration_hash(geometry)),),
        ),
        Register(
            "GEOMETRY", 0x0C, "The array of a tile.",
            (
                constant("rows", 0, 16, geometry.rows, "Rows."),
                constant("columns", 16, 16, geometry.columns, "Columns."),
            ),
        ),
        Register(
            "FEATURES", 0x10, "What this controller was made with.",
            (
                constant("branches", 0, 8, geometry.branches, "Switches in a bank."),
                constant("tiles", 8, 5, config.tiles, "Tiles of latches."),
                constant("inference", 13, 1, config.inference, "Runs vectors."),
                constant("calibration", 14, 1, config.calibration, "Measures branches."),
                constant("editing", 15, 1, config.editing, "Programs single cells."),
                constant("weight_map", 16, 1, config.weight_map, "Knows weight codes."),
                constant("fuses", 17, 1, config.fuses, "Senses fuses; no loader."),
                constant("dac_bits", 18, 5, config.dac_bits, "Bits of an input code."),
                constant("adc_bits", 23, 5, config.adc_bits, "Bits of an output code."),
                constant("weight_bits", 28, 4, config.weight_bits, "Bits of a weight code."),
            ),
        ),
    ]  # fmt: skip


def _control(config: ControllerConfig) -> list[Register]:
    def command(name: str, low: int, description: str) -> Field:
        return Field(name, low, 1, Access.COMMAND, 0, description)

    def status(name: str, low: int, description: str, width: int = 1) -> Field:
        return Field(name, low, width, Access.READ, 0, description)

    events = (
        ("programmed", f"A tile was verified: {'its fuses' if config.fuses else 'a frame or a cell'}."),
        ("result", "A vector's or step's results wait in RESULT."),
        ("calibrated", "A calibration ended."),
        ("fault", "A fault."),
        ("refused", "An access was answered with an error."),
    )
    commands = [command("clear", 0, "End everything, drop the fault; nothing stays programmed.")]
    commands += [command("load", 1, "Verify the fuses." if config.fuses else "Begin a frame.")]
    commands += [command("infer", 2, "Run the vector that INPUT holds.")] if config.inference else []
    commands += [command("calibrate", 3, "Measure branches; erases the selected tile.")] if config.calibration else []
    commands += [command("edit", 4, "Program the cell at ADDRESS with SUBSET.")] if config.editing else []
    commands += [command("weight", 5, "Program the map's cell with the subset of WEIGHT.")] if config.weight_map else []
    return [
        Register("CONTROL", 0x14, "Commands; one that cannot start is answered with an error.", tuple(commands)),
        Register(
            "STATUS", 0x18, "What is under way.",
            (
                status("loading", 0, "The fuses are sensed or verified." if config.fuses else "A frame is loaded."),
                status("inferring", 1, "A vector runs."),
                status("calibrating", 2, "Branches are measured."),
                status("editing", 3, "A cell is being programmed."),
                status("killed", 4, "The kill pin is active."),
                status("input_full", 5, "INPUT holds a whole vector."),
                status("result_valid", 6, "RESULT holds codes."),
                *((status("map_whole", 7, "MAP holds every weight code."),) if config.weight_map else ()),
                status("programmed", 16, "Tiles whose latches are verified, one bit each.", config.tiles),
            ),
        ),
        Register(
            "FAULT", 0x1C, "Why the switches are released.", (status("code", 0, "A FaultCode.", FAULT_CODE_BITS),)
        ),
        Register(
            "SELECT", 0x24, "The tile that commands work on.",
            (Field("tile", 0, config.select_width, Access.READ_WRITE, 0, "Its number.", config.tiles),), rests=True,
        ),
        *(
            Register(
                name, address, description,
                tuple(Field(event, low, 1, access, 0, text) for low, (event, text) in enumerate(events)),
            )
            for name, address, access, description in (
                ("IRQ_ENABLE", 0x40, Access.READ_WRITE, "Events that raise irq."),
                ("IRQ_STATUS", 0x44, Access.CLEAR, "Events since they were cleared."),
            )
        ),
        Register(
            "ERRORS", 0x68, "Faults since the last write to this register, each up to 7.",
            tuple(
                Field(name, 4 * place, ERROR_BITS, Access.COUNT, 0, description)
                for place, (name, description) in enumerate(
                    (
                        ("refused", "Frames with a wrong header, and words outside a frame."),
                        ("checksum", "Fuses with another CRC." if config.fuses else "Frames with a wrong CRC."),
                        ("read_back", "Latches that read otherwise than written."),
                        ("timeout", "Frames and conversions that did not come in time."),
                        ("kill", "Kills of something under way."),
                    )
                )
            ),
        ),
    ]  # fmt: skip


def _fuses() -> list[Register]:
    return [
        Register(
            "FUSE_CRC", 0x28, "CRC-32 of the words that the fuses of the selected tile hold.", (_whole("crc"),),
            rests=True,
        )
    ]  # fmt: skip


def _loading() -> list[Register]:
    return [
        Register("STREAM", 0x28, "Frame words, in their order.", (_whole("word", Access.PUSH),)),
        Register(
            "TILE_ID", 0x20, "Frames' tile id; its low bits select the tile if there are several.",
            (Field("id", 0, TILE_ID_BITS, Access.READ_WRITE, 0, "The id."),), rests=True,
        ),
        Register(
            "TIMING", 0x2C, "Clocks of a write; 0 counts as 1.",
            tuple(
                Field(name, low, TIMING_BITS, Access.READ_WRITE, 1, description)
                for name, low, description in (
                    ("setup", 0, "Address and data before the pulse."),
                    ("pulse", 8, "The pulse."),
                    ("hold", 16, "Address and data behind it."),
                )
            ),
            rests=True,
        ),
    ]  # fmt: skip


def _measuring(config: ControllerConfig) -> list[Register]:
    return [
        Register(
            "SETTLE", 0x30, "Clocks from new inputs or switches to the first conversion; 0 counts as 1.",
            (Field("clocks", 0, COUNT_BITS, Access.READ_WRITE, 16, "Clocks."),), rests=True,
        ),
        Register(
            "AVERAGES", 0x34, "Conversions a column whose codes are added up.",
            (Field("conversions", 0, AVERAGE_BITS, Access.READ_WRITE, 1, "Conversions; 0 stands for 256."),),
            rests=True,
        ),
        Register(
            "RESULT", 0x3C, "The next column's code, or sum of codes.",
            (
                Field("code", 0, config.code_width, Access.POP, 0, "The sum of the conversions."),
                Field("valid", 31, 1, Access.POP, 0, "There was one."),
            ),
        ),
        Register(
            "COLUMNS", 0x48, "The columns that are converted.",
            _range(config.column_width, config.geometry.columns), rests=True,
        ),
    ]  # fmt: skip


def _calibration(config: ControllerConfig) -> list[Register]:
    rows, code = config.geometry.rows, (1 << config.dac_bits) - 1
    return [
        Register(
            "CAL_ROWS", 0x4C, "The rows that are calibrated.", _range(config.geometry.row_width, rows), rests=True
        ),
        Register(
            "CAL_BRANCHES", 0x50, "The branches that are calibrated; the minus bank follows the plus bank.",
            _range(config.branch_width, config.switches_per_cell), rests=True,
        ),
        Register(
            "CAL_CODE", 0x54, "The input of the row that is calibrated; all others get zero.",
            (Field("code", 0, config.dac_bits, Access.READ_WRITE, code, "Input code."),), rests=True,
        ),
    ]  # fmt: skip


def _cells(config: ControllerConfig) -> list[Register]:
    geometry = config.geometry
    across = max(geometry.word_width, config.column_width)
    fields = [
        Field("row", 0, geometry.row_width, Access.READ_WRITE, 0, "Row.", geometry.rows),
        Field(
            "column",
            16,
            across,
            Access.READ_WRITE,
            0,
            "Column of the cell to edit, or word in the row to read.",
            max(geometry.columns, geometry.words_per_row),
        ),
    ]
    if config.editing:
        fields += [
            Field("keep_plus", 30, 1, Access.READ_WRITE, 0, "Leave the plus bank as it is."),
            Field("keep_minus", 31, 1, Access.READ_WRITE, 0, "Leave the minus bank as it is."),
        ]
    registers = [
        Register("ADDRESS", 0x58, "A cell, or a word of latches, of the selected tile.", tuple(fields), True),
        Register("LATCH", 0x5C, "The word of latches at ADDRESS, of a programmed tile.", (_whole("word", Access.POP),)),
    ]
    if config.editing:
        registers += [
            Register(
                f"SUBSET{place}", 0x70 + 4 * place, "Switches to close in the cell: plus bank, then minus bank.",
                (Field("closed", 0, min(WORD_BITS, config.switches_per_cell - WORD_BITS * place),
                       Access.WRITE, 0, "One bit a branch."),), rests=True,
            )
            for place in range(config.subset_words)
        ]  # fmt: skip
    if config.weight_map:
        registers += [
            Register(
                "MAP", 0x60, "The subsets of weight codes 0, 1, ...; the map is for the cell at ADDRESS.",
                (_whole("subset", Access.PUSH),),
            ),
            Register(
                "WEIGHT", 0x64, "A weight code.",
                (Field("code", 0, config.weight_bits, Access.READ_WRITE, 0, "The code."),), rests=True,
            ),
        ]  # fmt: skip
    return registers

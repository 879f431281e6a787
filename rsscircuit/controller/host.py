"""The host's side of the switch controller: registers, loading, inference, calibration, single cells, bitstreams.

It needs nothing but Python, and reaches the controller through any object with ``read(address)`` and
``write(address, value)``. What differs from one controller to another is in a :class:`Description`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

WORD_BITS = 32
WORD_BYTES = WORD_BITS // 8
HEADER_WORDS = 5
POLLS = 1_000_000


class Bus(Protocol):
    """What reaches the registers."""

    def read(self, address: int) -> int:
        """The word at a byte address; an exception of the bus if the controller answers with an error."""

    def write(self, address: int, value: int) -> None:
        """Write a word at a byte address; an exception of the bus if the controller answers with an error."""


class HostError(Exception):
    """Anything that the controller, or a bitstream, refuses."""


class FaultError(HostError):
    """The controller is in a fault, and has released the switches.

    Args:
        code: What the register FAULT reads.
        name: What it stands for.
    """

    def __init__(self, code: int, name: str) -> None:
        self.code, self.name = code, name
        super().__init__(f"the controller released the switches: fault {code} ({name}); clear it and load again")


@dataclass(frozen=True)
class Place:
    """A register.

    Args:
        address: In bytes.
        reset: What it reads after a reset.
        fields: Lowest bit and number of bits, by name.
    """

    address: int
    reset: int
    fields: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Description:
    """One controller.

    Args:
        rows: Rows of a tile.
        columns: Cells in a row.
        branches: Switches in a bank; a cell has a plus and a minus bank.
        words_per_row: Words of 32 bits in a row.
        header: The first three words of a frame: magic, format version and configuration hash.
        registers: The register map, by name.
        faults: What the codes of the register FAULT stand for.
    """

    rows: int
    columns: int
    branches: int
    words_per_row: int
    header: tuple[int, int, int]
    registers: Mapping[str, Place]
    faults: Mapping[int, str]


def pack(closed: Sequence[Sequence[Sequence[Sequence[int]]]], tile_id: int, description: Description) -> bytes:
    """The frame that closes the switches ``closed`` [row][column][polarity][branch] of tile ``tile_id``.

    Raises:
        HostError: ``closed`` has another shape.
    """
    shape = (description.rows, description.columns, 2, description.branches)
    words: list[int] = []
    if len(closed) != shape[0]:
        raise HostError(f"switches are [row][column][polarity][branch] of {shape}")
    for row in closed:
        bits = [int(bool(bit)) for cell in row for bank in cell for bit in bank]
        if len(row) != shape[1] or any(len(cell) != 2 or {*map(len, cell)} != {shape[3]} for cell in row):
            raise HostError(f"switches are [row][column][polarity][branch] of {shape}")
        value = sum(bit << place for place, bit in enumerate(bits))
        words += [value >> WORD_BITS * place & (1 << WORD_BITS) - 1 for place in range(description.words_per_row)]
    frame = [*description.header, tile_id, len(words), *words]
    body = b"".join(word.to_bytes(WORD_BYTES, "little") for word in frame)
    return body + zlib.crc32(body).to_bytes(WORD_BYTES, "little")


def unpack(frame: bytes, description: Description) -> tuple[int, list[list[list[list[int]]]]]:
    """The tile id and the switches [row][column][polarity][branch] of a frame.

    Raises:
        HostError: The frame is damaged, or was made for something else.
    """
    words = to_words(frame)
    data = description.rows * description.words_per_row
    if len(words) != HEADER_WORDS + data + 1 or words[:3] != list(description.header) or words[4] != data:
        raise HostError("the frame was made for something else")
    if zlib.crc32(frame[:-WORD_BYTES]) != words[-1]:
        raise HostError("the CRC-32 of the frame does not match")
    branches, closed = description.branches, []
    for row in range(description.rows):
        first = HEADER_WORDS + row * description.words_per_row
        part = words[first : first + description.words_per_row]
        value = sum(word << WORD_BITS * place for place, word in enumerate(part))
        bits = [value >> place & 1 for place in range(2 * branches * description.columns)]
        banks = [bits[place : place + branches] for place in range(0, len(bits), branches)]
        closed.append([banks[place : place + 2] for place in range(0, len(banks), 2)])
    return words[3], closed


def to_words(frame: bytes) -> list[int]:
    """The 32-bit words of a frame.

    Raises:
        HostError: The last word is incomplete.
    """
    if len(frame) % WORD_BYTES:
        raise HostError("the last word of the frame is incomplete")
    return [int.from_bytes(frame[place : place + WORD_BYTES], "little") for place in range(0, len(frame), WORD_BYTES)]


class Host:
    """A controller behind a bus.

    Args:
        bus: How to reach its registers.
        description: What it must be.

    Raises:
        HostError: There is another device, or a controller of another configuration.
    """

    def __init__(self, bus: Bus, description: Description) -> None:
        self._bus, self.description = bus, description
        for name in ("ID", "VERSION", "CONFIG_HASH", "GEOMETRY", "FEATURES"):
            expected = description.registers[name].reset
            if (found := self.read(name)) != expected:
                raise self._other_device(name, expected, found)

    def read(self, name: str) -> int:
        """A whole register."""
        return self._bus.read(self.description.registers[name].address)

    def get(self, name: str, field: str) -> int:
        """One field of a register."""
        low, width = self.description.registers[name].fields[field]
        return self.read(name) >> low & (1 << width) - 1

    def write(self, name: str, **fields: int) -> None:
        """Write a register; the fields that are not given become zero.

        Raises:
            HostError: A field has fewer bits.
        """
        register, value = self.description.registers[name], 0
        for field, content in fields.items():
            low, width = register.fields[field]
            if not 0 <= content < 1 << width:
                raise self._too_wide(name, field, width, content)
            value |= content << low
        self._bus.write(register.address, value)

    def command(self, name: str) -> None:
        """One command of CONTROL."""
        self.write("CONTROL", **{name: 1})

    def check(self) -> None:
        """Nothing, or the error of the fault that the controller is in.

        Raises:
            FaultError: It is in one.
        """
        if code := self.get("FAULT", "code"):
            raise self._fault(code)

    def clear(self) -> None:
        """End everything and drop the fault; nothing stays programmed."""
        self.command("clear")

    def load(self, frame: bytes, *, tile_id: int | None = None) -> None:
        """Program a tile with ``frame``, and wait until it is verified.

        Args:
            frame: Whole words.
            tile_id: The id that the frame must have; by default it is not touched.

        Raises:
            FaultError: The frame was refused.
        """
        if tile_id is not None:
            self.write("TILE_ID", id=tile_id)
        self.command("load")
        for word in to_words(frame):
            self.write("STREAM", word=word)
        self._wait_while("loading")

    def wait_for_fuses(self) -> None:
        """Until they are sensed, after a reset; meanwhile settings rest and no command starts."""
        self._wait_while("loading")

    def verify_fuses(self, checksum: int) -> None:
        """Compare the fuses of the selected tile, when they are sensed, with their CRC-32.

        Raises:
            FaultError: They differ.
        """
        self.wait_for_fuses()
        self.write("FUSE_CRC", crc=checksum)
        self.command("load")
        self._wait_while("loading")

    def send(self, codes: Iterable[int]) -> None:
        """Fill the input buffer with one code a row."""
        for code in codes:
            self.write("INPUT", code=int(code))

    def sums(self) -> list[int]:
        """The sums of codes of the next vector, a column each; waits for them.

        Raises:
            FaultError: They will not come.
        """
        first, last = self.get("COLUMNS", "first"), self.get("COLUMNS", "last")
        return [self._result() for _ in range(last - first + 1)]

    def run(self, codes: Iterable[int]) -> list[int]:
        """The sums of codes that one vector gives."""
        self.send(codes)
        self.command("infer")
        return self.sums()

    def measure(self, averages: int = 1) -> list[list[list[int]]]:
        """The sums of codes [row][reading][column] of a calibration of the selected tile, which it erases.

        The first reading of a row has every switch open; each other one has one branch of every column closed, in the
        order of CAL_BRANCHES. The ranges are those of CAL_ROWS, CAL_BRANCHES and COLUMNS.

        Raises:
            FaultError: A conversion failed, or a kill came.
        """
        self.write("AVERAGES", conversions=averages % 256)
        rows, branches = self._span("CAL_ROWS"), self._span("CAL_BRANCHES")
        self.command("calibrate")
        readings = [[self.sums() for _ in range(1 + branches)] for _ in range(rows)]
        self._wait_while("calibrating")
        return readings

    def close(
        self, row: int, column: int, subset: Sequence[int], *, keep_plus: bool = False, keep_minus: bool = False
    ) -> None:
        """Program one cell of the selected tile with ``subset``: the plus bank's switches, then the minus bank's.

        Raises:
            FaultError: It does not read back.
        """
        for place, word in enumerate(self._subset_words(subset)):
            self.write(f"SUBSET{place}", closed=word)
        self._address(row, column, keep_plus, keep_minus)
        self.command("edit")
        self._wait_while("editing")

    def fill_map(self, row: int, column: int, subsets: Sequence[Sequence[int]]) -> None:
        """Fill the weight map with the subsets of codes 0, 1, ..., made for one cell of the selected tile."""
        self._address(row, column)
        for subset in subsets:
            for word in self._subset_words(subset):
                self.write("MAP", subset=word)

    def set_code(self, row: int, column: int, code: int, *, keep_plus: bool = False, keep_minus: bool = False) -> None:
        """Program the cell that the weight map was filled for with the subset of ``code``.

        Raises:
            FaultError: It does not read back.
        """
        self.write("WEIGHT", code=code)
        self._address(row, column, keep_plus, keep_minus)
        self.command("weight")
        self._wait_while("editing")

    def stored_words(self) -> list[list[int]]:
        """The words [row][word] of the selected tile, which must be programmed."""
        rows, words = range(self.description.rows), range(self.description.words_per_row)
        return [[self._stored(row, word) for word in words] for row in rows]

    def _stored(self, row: int, word: int) -> int:
        self.write("ADDRESS", row=row, column=word)
        return self.read("LATCH")

    def _subset_words(self, subset: Sequence[int]) -> list[int]:
        value = sum(int(bool(bit)) << place for place, bit in enumerate(subset))
        words = -(-2 * self.description.branches // WORD_BITS)
        return [value >> WORD_BITS * place & (1 << WORD_BITS) - 1 for place in range(words)]

    def _address(self, row: int, column: int, keep_plus: bool = False, keep_minus: bool = False) -> None:
        self.write("ADDRESS", row=row, column=column, keep_plus=int(keep_plus), keep_minus=int(keep_minus))

    def _span(self, name: str) -> int:
        return self.get(name, "last") - self.get(name, "first") + 1

    def _result(self) -> int:
        """The next code, as soon as there is one."""
        (low, width), (valid, _) = (self.description.registers["RESULT"].fields[field] for field in ("code", "valid"))
        for value in self._polls(lambda: self.read("RESULT")):
            if value >> valid & 1:
                return value >> low & (1 << width) - 1
            self.check()
        raise AssertionError

    def _wait_while(self, field: str) -> None:
        """Until a bit of STATUS is zero; then a fault is an error."""
        for busy in self._polls(lambda: self.get("STATUS", field)):
            if not busy:
                break
        self.check()

    def _polls(self, ask: Callable[[], int]) -> Iterator[int]:
        for _ in range(POLLS):
            yield ask()
        raise self._no_answer()

    def _fault(self, code: int) -> Exception:
        return FaultError(code, self.description.faults.get(code, "unknown"))

    def _other_device(self, name: str, expected: int, found: int) -> Exception:
        return HostError(
            f"{name} must read {expected:#010x}, and reads {found:#010x}: another device, or configuration"
        )

    def _too_wide(self, name: str, field: str, width: int, content: int) -> Exception:
        return HostError(f"{name}.{field} has {width} bits: {content}")

    def _no_answer(self) -> Exception:
        return HostError(f"the controller does not answer: {POLLS} polls")

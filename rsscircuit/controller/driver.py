"""The host's side: loading, inference, calibration and single weights, over any bus that reads and writes words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller.bitstream import to_words
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import POLARITIES, WORD_BITS
from rsscircuit.controller.registers import IDENTITY, register_table
from rsscircuit.errors import InputError, SimulationError

_POLLS = 1_000_000


class Bus(Protocol):
    """What reaches the registers."""

    def read(self, address: int) -> int:
        """The word at a byte address; a ``BusError`` if the controller answers with an error."""

    def write(self, address: int, value: int) -> None:
        """Write a word at a byte address; a ``BusError`` if the controller answers with an error."""


class BusError(SimulationError):
    """The controller answered an access with an error."""


class ControllerFaultError(SimulationError):
    """The controller is in a fault.

    Args:
        code: Why.
    """

    def __init__(self, code: FaultCode) -> None:
        self.code = code
        super().__init__(
            "the controller released the switches",
            where="controller",
            got=f"fault {int(code)} ({code.name})",
            remedy="clear it and load again",
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calibration:
    """What a calibration measured.

    Args:
        open_codes: Mean codes [rows, columns] with every switch open.
        branch_codes: Mean codes [rows, columns, branches], one branch of a column closed; the branches are those
            of the range, the minus bank behind the plus bank.
    """

    open_codes: NDArray[np.float64]
    branch_codes: NDArray[np.float64]


class Driver:
    """A controller behind a bus.

    Args:
        bus: How to reach its registers.
        config: What it was made with.

    Raises:
        InputError: There is another device, or a controller of another configuration.
    """

    def __init__(self, bus: Bus, config: ControllerConfig) -> None:
        self._bus, self.config = bus, config
        self._registers = {register.name: register for register in register_table(config)}
        for name in ("ID", "VERSION", "CONFIG_HASH", "GEOMETRY", "FEATURES"):
            if (found := self.read(name)) != self._registers[name].reset:
                raise InputError(
                    f"{name} must read {self._registers[name].reset:#010x}",
                    where="controller",
                    got=f"{found:#010x}",
                    remedy=f"connect a controller of {config.geometry}" if name != "ID" else f"look for {IDENTITY:#x}",
                )

    def read(self, name: str) -> int:
        """A whole register."""
        return self._bus.read(self._registers[name].address)

    def get(self, name: str, field: str) -> int:
        """One field of a register."""
        low, width = self._bits(name, field)
        return self.read(name) >> low & (1 << width) - 1

    def write(self, name: str, **fields: int) -> None:
        """Write a register; the fields that are not given become zero."""
        value = 0
        for field, content in fields.items():
            low, width = self._bits(name, field)
            if not 0 <= content < 1 << width:
                raise InputError(f"{name}.{field} has {width} bits", where="controller", got=content)
            value |= content << low
        self._bus.write(self._registers[name].address, value)

    def command(self, name: str) -> None:
        """One command of CONTROL."""
        self.write("CONTROL", **{name: 1})

    def check(self) -> None:
        """Nothing, or a ``ControllerFaultError``."""
        if code := self.get("FAULT", "code"):
            raise ControllerFaultError(FaultCode(code))

    def clear(self) -> None:
        """End everything and drop the fault; nothing stays programmed."""
        self.command("clear")

    def load(self, frame: bytes, *, tile_id: int | None = None) -> None:
        """Program a tile with ``frame``, and wait until it is verified.

        Args:
            frame: Whole words.
            tile_id: The id that the frame must have; by default it is not touched.

        Raises:
            ControllerFaultError: The frame was refused.
        """
        if tile_id is not None:
            self.write("TILE_ID", id=tile_id)
        self.command("load")
        for word in to_words(frame):
            self.write("STREAM", word=word)
        self._wait_while("loading")

    def verify_fuses(self, checksum: int) -> None:
        """Compare the sensed fuses of the selected tile with their CRC-32.

        Raises:
            ControllerFaultError: They differ.
        """
        self.write("FUSE_CRC", crc=checksum)
        self.command("load")
        self._wait_while("loading")

    def send_input(self, codes: NDArray[np.integer]) -> None:
        """Fill the input buffer with one code a row."""
        for code in codes:
            self.write("INPUT", code=int(code))

    def results(self) -> NDArray[np.int64]:
        """The sums of codes of the next vector; waits for it.

        Raises:
            ControllerFaultError: It will not come.
        """
        first, last = self.get("COLUMNS", "first"), self.get("COLUMNS", "last")
        return np.array([self._result() for _ in range(last - first + 1)], dtype=np.int64)

    def infer(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """The sums of codes of one vector."""
        self.send_input(codes)
        return self.infer_sent()

    def infer_sent(self) -> NDArray[np.int64]:
        """The sums of codes of the vector that was sent."""
        self.command("infer")
        return self.results()

    def calibrate(self, averages: int = 1) -> Calibration:
        """Measure the branches in the ranges of CAL_ROWS, CAL_BRANCHES and COLUMNS; erases the tile.

        Raises:
            ControllerFaultError: A conversion failed, or a kill came.
        """
        self.write("AVERAGES", conversions=averages % 256)
        rows = self._span("CAL_ROWS")
        branches = self._span("CAL_BRANCHES")
        self.command("calibrate")
        codes = np.array([[self.results() for _ in range(1 + branches)] for _ in range(rows)]) / averages
        self._wait_while("calibrating")
        return Calibration(open_codes=codes[:, 0], branch_codes=np.moveaxis(codes[:, 1:], 1, 2))

    def set_switches(
        self, row: int, column: int, closed: NDArray[np.bool_], *, banks: tuple[bool, bool] = (True, True)
    ) -> None:
        """Program one cell of the selected tile with ``closed`` [polarity, branch], in the banks chosen.

        Raises:
            ControllerFaultError: It does not read back.
        """
        bits = closed.reshape(-1)
        for place in range(self.config.subset_words):
            part = bits[WORD_BITS * place : WORD_BITS * (place + 1)]
            self.write(f"SUBSET{place}", closed=sum(int(bit) << position for position, bit in enumerate(part)))
        self._address(row, column, banks)
        self.command("edit")
        self._wait_while("editing")

    def load_map(self, row: int, column: int, subsets: NDArray[np.bool_]) -> None:
        """Fill the weight map with ``subsets`` [code, polarity, branch], made for one cell of the selected tile."""
        words = self.config.subset_words
        self._address(row, column, (True, True))
        for subset in subsets.reshape(len(subsets), POLARITIES * self.config.geometry.branches):
            value = sum(int(bit) << position for position, bit in enumerate(subset))
            for place in range(words):
                self.write("MAP", subset=value >> WORD_BITS * place & (1 << WORD_BITS) - 1)

    def set_weight(self, row: int, column: int, code: int, *, banks: tuple[bool, bool] = (True, True)) -> None:
        """Program the cell that the weight map was loaded for with the subset of ``code``.

        Raises:
            BusError: The map is for another cell, or not whole.
            ControllerFaultError: It does not read back.
        """
        self.write("WEIGHT", code=code)
        self._address(row, column, banks)
        self.command("weight")
        self._wait_while("editing")

    def latches(self) -> NDArray[np.uint32]:
        """The words [rows, words_per_row] of the selected tile, which must be programmed."""
        geometry = self.config.geometry
        words = np.zeros((geometry.rows, geometry.words_per_row), dtype=np.uint32)
        for row, word in np.ndindex(words.shape):
            self.write("ADDRESS", row=row, column=word)
            words[row, word] = self.read("LATCH")
        return words

    def _address(self, row: int, column: int, banks: tuple[bool, bool]) -> None:
        self.write("ADDRESS", row=row, column=column, keep_plus=not banks[0], keep_minus=not banks[1])

    def _span(self, name: str) -> int:
        return self.get(name, "last") - self.get(name, "first") + 1

    def _result(self) -> int:
        """The next code, as soon as there is one."""
        _, width = self._bits("RESULT", "code")
        for value in self._polls(lambda: self.read("RESULT")):
            if value >> 31:
                return value & (1 << width) - 1
            self.check()
        raise AssertionError

    def _wait_while(self, field: str) -> None:
        """Until a bit of STATUS is zero; then a fault is an error."""
        for busy in self._polls(lambda: self.get("STATUS", field)):
            if not busy:
                break
        self.check()

    def _polls(self, ask: Callable[[], int]) -> Iterator[int]:
        for _ in range(_POLLS):
            yield ask()
        raise SimulationError("the controller does not answer", where="controller", got=f"{_POLLS} polls")

    def _bits(self, name: str, field: str) -> tuple[int, int]:
        for each in self._registers[name].fields:
            if each.name == field:
                return each.low, each.width
        raise KeyError(f"{name}.{field}")

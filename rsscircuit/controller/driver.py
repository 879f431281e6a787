"""The host's side for this package: :class:`~rsscircuit.controller.host.Host` with arrays and the errors of the house.

The same :mod:`rsscircuit.controller.host`, with the description of one controller behind it, is the driver that is
handed over.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller import host
from rsscircuit.controller.bitstream import MAGIC, VERSION, configuration_hash
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import POLARITIES
from rsscircuit.controller.host import Bus, Description, Host, Place
from rsscircuit.controller.registers import IDENTITY, register_table
from rsscircuit.errors import InputError, SimulationError


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


def describe(config: ControllerConfig) -> Description:
    """What a host must know of a controller."""
    geometry = config.geometry
    return Description(
        rows=geometry.rows,
        columns=geometry.columns,
        branches=geometry.branches,
        words_per_row=geometry.words_per_row,
        header=(MAGIC, VERSION, configuration_hash(geometry)),
        registers={
            register.name: Place(
                address=register.address,
                reset=register.reset,
                fields={field.name: (field.low, field.width) for field in register.fields},
            )
            for register in register_table(config)
        },
        faults={int(code): code.name for code in FaultCode},
    )


def stand_alone(config: ControllerConfig) -> str:
    """The driver of one controller as one Python file that needs nothing else."""
    described = describe(config)
    registers = "".join(f"        {name!r}: {place!r},\n" for name, place in described.registers.items())
    faults = "".join(f"        {code}: {name!r},\n" for code, name in described.faults.items())
    others = "".join(
        f"    {name}={getattr(described, name)!r},\n"
        for name in ("rows", "columns", "branches", "words_per_row", "header")
    )
    return (
        f"{inspect.getsource(host)}\n\nTHIS = Description(\n{others}"
        f"    registers={{\n{registers}    }},\n    faults={{\n{faults}    }},\n)\n"
        '"""The controller that this file was written beside."""\n'
    )


class Driver(Host):
    """A controller behind a bus.

    Args:
        bus: How to reach its registers.
        config: What it was made with.

    Raises:
        InputError: There is another device, or a controller of another configuration.
    """

    def __init__(self, bus: Bus, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(bus, describe(config))

    def send_input(self, codes: NDArray[np.integer]) -> None:
        """Fill the input buffer with one code a row."""
        self.send(codes)

    def results(self) -> NDArray[np.int64]:
        """The sums of codes of the next vector; waits for it.

        Raises:
            ControllerFaultError: It will not come.
        """
        return np.array(self.sums(), dtype=np.int64)

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
        codes = np.array(self.measure(averages)) / averages
        return Calibration(open_codes=codes[:, 0], branch_codes=np.moveaxis(codes[:, 1:], 1, 2))

    def set_switches(
        self, row: int, column: int, closed: NDArray[np.bool_], *, banks: tuple[bool, bool] = (True, True)
    ) -> None:
        """Program one cell of the selected tile with ``closed`` [polarity, branch], in the banks chosen.

        Raises:
            ControllerFaultError: It does not read back.
        """
        self.close(row, column, closed.reshape(-1).tolist(), keep_plus=not banks[0], keep_minus=not banks[1])

    def load_map(self, row: int, column: int, subsets: NDArray[np.bool_]) -> None:
        """Fill the weight map with ``subsets`` [code, polarity, branch], made for one cell of the selected tile."""
        switches = POLARITIES * self.config.geometry.branches
        self.fill_map(row, column, subsets.reshape(len(subsets), switches).tolist())

    def set_weight(self, row: int, column: int, code: int, *, banks: tuple[bool, bool] = (True, True)) -> None:
        """Program the cell that the weight map was loaded for with the subset of ``code``.

        Raises:
            BusError: The map is for another cell, or not whole.
            ControllerFaultError: It does not read back.
        """
        self.set_code(row, column, code, keep_plus=not banks[0], keep_minus=not banks[1])

    def latches(self) -> NDArray[np.uint32]:
        """The words [rows, words_per_row] of the selected tile, which must be programmed."""
        return np.array(self.stored_words(), dtype=np.uint32)

    def _fault(self, code: int) -> Exception:
        return ControllerFaultError(FaultCode(code))

    def _other_device(self, name: str, expected: int, found: int) -> Exception:
        return InputError(
            f"{name} must read {expected:#010x}",
            where="controller",
            got=f"{found:#010x}",
            remedy=f"look for {IDENTITY:#x}" if name == "ID" else f"connect a controller of {self.config.geometry}",
        )

    def _too_wide(self, name: str, field: str, width: int, content: int) -> Exception:
        return InputError(f"{name}.{field} has {width} bits", where="controller", got=content)

    def _no_answer(self) -> Exception:
        return SimulationError("the controller does not answer", where="controller", got=f"{host.POLLS} polls")

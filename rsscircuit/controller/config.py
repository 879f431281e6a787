"""The parameters of a controller: everything that its hardware, its registers and its driver depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from rsscircuit.controller.geometry import POLARITIES, WORD_BITS, ArrayGeometry
from rsscircuit.errors import InputError

Bus = Literal["axi4-lite", "wishbone", "spi"]
ArrayPlace = Literal["memory", "ports"]

MOST_TILES = 16
COUNT_BITS = 16
TIMING_BITS = 8
AVERAGE_BITS = 8
TILE_ID_BITS = 16
TIMEOUT_CYCLES = (1 << COUNT_BITS) - 1
_RANGES = (
    ("tiles", 1, MOST_TILES),
    ("timeout_cycles", 8, TIMEOUT_CYCLES),
    ("sense_cycles", 1, TIMEOUT_CYCLES),
    ("dac_bits", 1, 16),
    ("adc_bits", 1, 16),
    ("weight_bits", 1, 12),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerConfig:
    """One controller.

    Args:
        geometry: The array of every tile.
        bus: How the host reaches the registers.
        tiles: Tiles of latches behind the controller.
        array: Whether the latches are memories inside (``memory``) or macros at the ports (``ports``).
        inference: With the sequencer that runs vectors through a tile.
        calibration: With the calibrator that measures every branch.
        editing: With the path that programs one cell again.
        weight_map: With the table from weight codes to subsets; needs ``editing``.
        fuses: Latches that sense fuses in the place of the loader; excludes ``editing`` and ``calibration``. A memory
            stands for them in simulation alone: what is made has them in macros.
        dac_bits: Bits of an input code.
        adc_bits: Bits of an output code.
        weight_bits: Bits of a weight code.
        timeout_cycles: Clocks that a frame's next word, or the converter's answer, may take.
        sense_cycles: Clocks for which fuses are sensed.

    Raises:
        InputError: A parameter lies outside its range, or two exclude each other.
    """

    geometry: ArrayGeometry
    bus: Bus = "axi4-lite"
    tiles: int = 1
    array: ArrayPlace = "memory"
    inference: bool = True
    calibration: bool = True
    editing: bool = True
    weight_map: bool = False
    fuses: bool = False
    dac_bits: int = 8
    adc_bits: int = 8
    weight_bits: int = 8
    timeout_cycles: int = TIMEOUT_CYCLES
    sense_cycles: int = 16

    def __post_init__(self) -> None:
        for name, least, most in _RANGES:
            if not least <= getattr(self, name) <= most:
                raise _refused(f"{name} must lie between {least} and {most}", getattr(self, name), "choose one of them")
        for name, choices in (("bus", get_args(Bus)), ("array", get_args(ArrayPlace))):
            if getattr(self, name) not in choices:
                raise _refused(f"{name} must be one of {', '.join(choices)}", getattr(self, name), "choose one of them")
        if self.weight_map and not self.editing:
            raise _refused("a weight map needs the editing path", "editing=False", "set editing=True")
        if self.fuses and (self.editing or self.calibration):
            raise _refused(
                "fuses cannot be written again",
                f"editing={self.editing}, calibration={self.calibration}",
                "set both to False",
            )

    @property
    def select_width(self) -> int:
        """Bits of the number of a tile."""
        return max(1, (self.tiles - 1).bit_length())

    @property
    def column_width(self) -> int:
        """Bits of the number of a column."""
        return max(1, (self.geometry.columns - 1).bit_length())

    @property
    def switches_per_cell(self) -> int:
        """Branches of both banks of a cell."""
        return POLARITIES * self.geometry.branches

    @property
    def branch_width(self) -> int:
        """Bits of the number of a branch in its cell, both banks counted."""
        return (self.switches_per_cell - 1).bit_length()

    @property
    def subset_words(self) -> int:
        """Words of a cell's subset."""
        return -(-self.switches_per_cell // WORD_BITS)

    @property
    def code_width(self) -> int:
        """Bits of a result: the sum of up to 256 codes."""
        return self.adc_bits + AVERAGE_BITS

    @property
    def measures(self) -> bool:
        """Whether there is anything that reads the converters."""
        return self.inference or self.calibration


def as_config(what: ArrayGeometry | ControllerConfig, **changes: Any) -> ControllerConfig:
    """``what`` itself, or the default controller of a geometry, with ``changes``."""
    if isinstance(what, ArrayGeometry):
        return ControllerConfig(geometry=what, **changes)
    return what


def _refused(what: str, got: object, remedy: str) -> InputError:
    return InputError(what, where="controller", got=got, remedy=remedy)

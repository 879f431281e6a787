"""How many clocks the controller takes, in closed form; the tests hold the formulae to the simulation."""

from __future__ import annotations

from dataclasses import dataclass

CONVERSION_CLOCKS = 7
"""A conversion whose acknowledge follows its request, and its release, by one clock; anything longer adds to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the clocks depend on beside the array.

    Args:
        pulse_clocks: Setup, pulse and hold of a write, together.
        settle: Clocks of SETTLE.
        averages: Conversions a column.
        conversion: Clocks of one conversion.
    """

    pulse_clocks: int = 3
    settle: int = 16
    averages: int = 1
    conversion: int = CONVERSION_CLOCKS

    def reading(self, columns: int) -> int:
        """Settling, and the conversions of some columns."""
        return self.settle + columns * (1 + self.averages * self.conversion)

    def row_pass(self, words_per_row: int) -> int:
        """One row through the word register."""
        return 2 + words_per_row * (38 + self.pulse_clocks)


def load_clocks(words: int, settings: Settings) -> int:
    """From the command to the verified tile, if the bus brings each word in time."""
    return 62 + words * (7 + settings.pulse_clocks)


def verification_clocks(words: int) -> int:
    """From the command to the verified tile, of fuses."""
    return 2 + 8 * words


def inference_clocks(rows: int, columns: int, settings: Settings) -> int:
    """From the command to the results."""
    return 4 + 2 * rows + settings.reading(columns)


def edit_clocks(words_per_row: int, settings: Settings) -> int:
    """From the command to the verified cell."""
    return 5 + words_per_row * (83 + settings.pulse_clocks)


def calibration_clocks(
    rows: int, words_per_row: int, columns: int, settings: Settings, *, measured_rows: int, measured_branches: int
) -> int:
    """From the command to the end, if the host takes the results in time."""
    pass_clocks, readings = settings.row_pass(words_per_row), measured_branches + 1
    return 2 + rows * pass_clocks + measured_rows * (2 + readings * (2 + settings.reading(columns) + pass_clocks))

"""What is charged to every option beside its own cells: the circuits and the readings of its calibration.

Every figure here is marked as in a technology file; none of them is a property of a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rsscircuit.technology import Technology

ROWS = 64
WEIGHTS = 16 * ROWS * ROWS
READINGS_PER_SECOND = 2e6
RERAM_CELL_UM2 = 2.0
RERAM_CONVERTER_BITS = 8.0
RERAM_PULSES = 10.0

_EIGHT_BIT_UM2 = 1200.0 * (130.0 / 32.0) ** 2

ASSUMPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "converter": f"one for {WEIGHTS} signed weights, 16 tiles of {ROWS} x {ROWS} (assumed); "
        f"{_EIGHT_BIT_UM2:.0f} um2 at 8 bits (ISAAC, 32 nm, scaled to 130 nm), twice as much for every further bit "
        "(assumed)",
        "readings": "2e6 a second at 14 bits in 130 nm (Qiao et al. 2011)",
        "ladders": "resistors without heads and spacing, not calibrated",
        "ReRAM": f"{RERAM_CELL_UM2:g} um2 a 1T1R cell, {RERAM_PULSES:g} pulses to write and verify it (assumed); no "
        "read noise, no drift; the line and conversion that every further cell needs are not charged",
    }
)


def calibration_um2(bits: float) -> float:
    """A calibration converter's share of a signed weight."""
    return float(_EIGHT_BIT_UM2 * 2.0 ** (bits - 8.0) / WEIGHTS)


def bank_readings(technology: Technology, resistors: int) -> float:
    """Readings that measure the two banks of a signed weight, with its share of those that a column needs once."""
    converter = technology.measurement
    column = converter.averages + converter.ratio_averages  # all branches open; the ratio of the two ranges
    return float(2 * resistors * converter.averages + column / ROWS)

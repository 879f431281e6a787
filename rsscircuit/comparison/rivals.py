"""Other ways to make a signed analog weight: matched ladders without calibration, R-2R, and 1T1R ReRAM.

A weight is sign and magnitude: its magnitude is rounded to the B bits of one polarity, the other polarity stays open.

* Matched ladder, B switches over 2^B unit resistors: sigma_INL = 0.5 sqrt(2^B) sigma_u. Three sigma of half a step
  ask for sigma_u = 1 / (3 sqrt(2^B)), and Pelgrom's law for a resistor area of (3 A_rho)^2 4^B.
* R-2R, 3 B unit resistors: three sigma of half a step at the middle of the range ask for 1 / (3 2^B) of each, which is
  3 B (3 A_rho 2^B)^2.
* 1T1R ReRAM, 2 or 3 bits a cell by write-verify, several cells a polarity, each finer by the bits of a cell and
  programmed to what is left of the error of those before it (Song et al. 2024). Read noise, drift, and the line and
  the conversion that every further cell needs are left out, in its favour.

The ladders' areas are of resistor material alone: neither heads nor spacing, in their favour too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.comparison.costs import RERAM_CELL_UM2, RERAM_CONVERTER_BITS, RERAM_PULSES, calibration_um2
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
Branches = Callable[[np.random.Generator, tuple[int, ...]], Array]
LADDER_BITS = (6, 8, 10, 11)
RERAM_CELLS = {2: (1, 2, 3, 4, 5), 3: (1, 2, 3, 4)}  #: cells a polarity, by bits a cell
POLARITIES = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rival:
    """A way to make a signed weight that is no subset sum.

    Attributes:
        family: What it is called.
        bits: Of either polarity.
        area_um2: Of a signed weight, calibration included.
        memory_bits: Latches of a signed weight.
        readings: That calibrate or verify a signed weight.
        branches: Draws what every bit adds, float64 [..., bits], in full scales, the least first.
    """

    family: str
    bits: int
    area_um2: float
    memory_bits: int
    readings: float
    branches: Branches

    def errors(self, weights: Array, generator: np.random.Generator) -> Array:
        """What is made of signed weights less the weights, shaped like them, in full scales."""
        code = np.rint(np.abs(weights) * (2**self.bits - 1)).astype(np.int64)
        closed = (code[..., None] >> np.arange(self.bits)) & 1
        made = (closed * self.branches(generator, weights.shape)).sum(axis=-1)
        result: Array = np.copysign(made, weights) - weights
        return result


def rivals(technology: Technology) -> list[Rival]:
    """Every rival, drawn in a technology."""
    return [
        *(matched_ladder(technology, bits) for bits in LADDER_BITS),
        *(r_2r(technology, bits) for bits in LADDER_BITS),
        *(reram(bits, cells) for bits, counts in RERAM_CELLS.items() for cells in counts),
    ]


def matched_ladder_um2(mismatch_um: float, bits: int) -> float:
    """Resistor area of one polarity of a matched ladder."""
    return float((3.0 * mismatch_um) ** 2 * 4.0**bits)


def r_2r_um2(mismatch_um: float, bits: int) -> float:
    """Resistor area of one polarity of an R-2R ladder."""
    return float(3.0 * bits * (3.0 * mismatch_um * 2.0**bits) ** 2)


def matched_ladder(technology: Technology, bits: int) -> Rival:
    """A binary ladder of matched unit resistors."""
    sigma = 1.0 / (3.0 * 2.0 ** (bits / 2.0))
    units = np.exp2(np.arange(float(bits)))

    def branches(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        mismatch = sigma / np.sqrt(units) * generator.standard_normal((*shape, bits))
        result: Array = _shares(bits) * (1.0 + mismatch)
        return result

    resistors = matched_ladder_um2(technology.resistor.mismatch_um, bits)
    return _ladder("matched ladder", technology, bits, resistors, branches)


def r_2r(technology: Technology, bits: int) -> Rival:
    """An R-2R ladder of matched unit resistors."""
    sigma = 1.0 / (3.0 * 2.0**bits)

    def branches(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return _shares(bits) * (r_2r_shares(generator, shape, bits, sigma) * 2.0 ** (bits - np.arange(bits)))

    return _ladder("R-2R", technology, bits, r_2r_um2(technology.resistor.mismatch_um, bits), branches)


def r_2r_shares(generator: np.random.Generator, shape: tuple[int, ...], bits: int, sigma: float) -> Array:
    """Currents of an R-2R ladder's legs into a virtual ground, [..., bits], the least first; 1 is V / R."""
    unit = 1.0 + sigma * generator.standard_normal((*shape, 3 * bits + 1))
    legs = unit[..., :bits] + unit[..., bits : 2 * bits]
    series = unit[..., 2 * bits : 3 * bits - 1]
    below = [unit[..., 3 * bits - 1] + unit[..., 3 * bits]]  # the resistance that a node sees beside its leg
    for node in range(bits - 1):
        below.append(series[..., node] + 1.0 / (1.0 / legs[..., node] + 1.0 / below[node]))
    volt = np.ones(shape)
    currents = np.empty((*shape, bits))
    for node in range(bits - 1, -1, -1):
        currents[..., node] = volt / legs[..., node]
        volt = volt - volt / below[node] * series[..., node - 1] if node else volt
    return currents


def reram(bits_a_cell: int, cells: int) -> Rival:
    """Several ReRAM cells a polarity, each finer than the last."""
    bits = bits_a_cell * cells
    calibration = calibration_um2(RERAM_CONVERTER_BITS)
    return Rival(
        family=f"ReRAM, {bits_a_cell} b/cell",
        bits=bits,
        area_um2=POLARITIES * cells * RERAM_CELL_UM2 + calibration,
        memory_bits=0,
        readings=POLARITIES * cells * RERAM_PULSES,
        branches=lambda _, shape: np.broadcast_to(_shares(bits), (*shape, bits)),
    )


def _ladder(family: str, technology: Technology, bits: int, resistors_um2: float, branches: Branches) -> Rival:
    return Rival(
        family=family,
        bits=bits,
        area_um2=POLARITIES * (resistors_um2 + bits * technology.switch.area_um2),
        memory_bits=POLARITIES * bits,
        readings=0.0,
        branches=branches,
    )


def _shares(bits: int) -> Array:
    """What every bit should add, in full scales."""
    result: Array = np.exp2(np.arange(float(bits))) / (2.0**bits - 1.0)
    return result

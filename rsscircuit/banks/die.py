"""Virtual dies: what was really made, and what a measurement says of it. Two types, never mixed up.

Only :class:`MeasuredBanks` reaches a solver; only :class:`Die` reaches simulation and audit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks.plans import BankSpec
from rsscircuit.seeds import stream
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import on_siemens

Array = NDArray[np.float64]
TRUNCATION_SIGMAS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Die:
    """The true banks of one tile.

    Attributes:
        on_siemens: float64 [rows, cols, 2, n]: each branch with its switch closed; 0 where no bank is drawn.
        off_siemens: float64 [rows, cols, 2, n]: each branch with its switch open.
    """

    on_siemens: Array
    off_siemens: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredBanks:
    """What the converters say of one tile's banks.

    Attributes:
        on_siemens, off_siemens: float64 [rows, cols, 2, n], as :class:`Die`.
        sigma_siemens: Standard error of one value.
    """

    on_siemens: Array
    off_siemens: Array
    sigma_siemens: float

    @property
    def step_siemens(self) -> Array:
        """What closing a branch adds, [rows, cols, 2, n]."""
        result: Array = self.on_siemens - self.off_siemens
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which tile of which die: the address of its random streams."""

    seed: int
    layer: str
    tile: int
    die: int = 0


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Standard normal draws, cut off at four sigma so that no resistance is negative."""
    return np.clip(generator.standard_normal(shape), -TRUNCATION_SIGMAS, TRUNCATION_SIGMAS)


def draw_die(spec: BankSpec, technology: Technology, present: NDArray[np.bool_], place: Place) -> Die:
    """Make the banks of one tile.

    R = R_nominal (1 + g_die) (1 + sigma z), sigma falling with the drawn area of each branch (Pelgrom et
    al. 1989: the width is fixed, so the area grows with R), and a switch of its own in every branch.

    Args:
        spec: The bank, n resistors.
        technology: The process.
        present: bool [rows, cols], where a bank pair is drawn at all.
        place: Address of the random streams; the same address gives the same banks.
    """
    resistor, switch = technology.resistor, technology.switch
    shape = (*present.shape, 2, spec.resistors)
    common = _normal(stream(place.seed, "process", die=place.die), (1,))[0]
    address = {"die": place.die, "layer": place.layer, "tile": place.tile}
    local = _normal(stream(place.seed, "process", **address), shape)  # type: ignore[arg-type]
    own_switch = _normal(stream(place.seed, "switch", **address), shape)  # type: ignore[arg-type]
    sigma = resistor.sigma_local * np.sqrt(resistor.unit_ohm / spec.nominal_ohm)
    resistance = spec.nominal_ohm * (1.0 + resistor.sigma_global * common) * (1.0 + sigma * local)
    closed = on_siemens(resistance, switch.on_ohm * (1.0 + switch.sigma_on * own_switch))
    drawn = present[:, :, None, None]
    return Die(
        on_siemens=np.where(drawn, closed, 0.0),
        off_siemens=np.where(drawn, np.full(shape, switch.off_siemens), 0.0),
    )


def measure(die: Die, technology: Technology, spec: BankSpec, place: Place) -> MeasuredBanks:
    """Measure every branch of one tile once, with the circuit's own converters.

    The calibration range ends at the largest branch a good die can have; a reading is rounded to the
    converter's step with noise that dithers it, and readings are averaged, so that the error of the mean
    has the variance (noise^2 + 1/12) / averages of a step and the mean is kept in steps / averages.
    The reading of all branches open is subtracted, so the leakage itself is known to the same error.
    """
    converter = technology.measurement
    largest = 1.0 / spec.nominal_ohm[0] * (1.0 + TRUNCATION_SIGMAS * technology.resistor.sigma_global)
    step = largest * 2.0**-converter.bits
    sigma = step * float(np.sqrt((converter.noise_lsb**2 + 1.0 / 12.0) / converter.averages))
    generator = stream(place.seed, "measurement", die=place.die, layer=place.layer, tile=place.tile)
    noisy = die.on_siemens + sigma * _normal(generator, die.on_siemens.shape)
    kept = step / converter.averages
    measured = np.maximum(np.rint(noisy / kept) * kept, 0.0)
    return MeasuredBanks(
        on_siemens=np.where(die.on_siemens > 0.0, measured, 0.0),
        off_siemens=die.off_siemens,
        sigma_siemens=sigma,
    )

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
        step_siemens: float64 [rows, cols, 2, n]: what closing each branch adds, the reading with all branches
            open subtracted; 0 where no bank is drawn.
    """

    step_siemens: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which tile of which die: the address of its random streams."""

    seed: int
    layer: str
    tile: int
    die: int = 0


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Standard normal draws cut off at four sigma; the technology is checked to leave resistances positive."""
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


def measurement_range(technology: Technology, spec: BankSpec) -> float:
    """Full scale of the calibration range, siemens: the largest branch a die within four sigma can have."""
    resistor = technology.resistor
    spread = (1.0 - TRUNCATION_SIGMAS * resistor.sigma_global) * (1.0 - TRUNCATION_SIGMAS * resistor.sigma_local)
    return float(1.0 / (spec.nominal_ohm[0] * spread))


def measurement_sigma(technology: Technology, spec: BankSpec) -> float:
    """Standard error of one measured value, siemens.

    A reading is rounded to the converter's step with noise that dithers it; the mean of k readings errs with
    the variance (noise^2 + 1/12) / k of a step. Non-linearity and the error of the range ratio, which do not
    average away, are not modelled.
    """
    converter = technology.measurement
    step = measurement_range(technology, spec) * 2.0**-converter.bits
    return float(step * np.sqrt((converter.noise_lsb**2 + 1.0 / 12.0) / converter.averages))


def measure(die: Die, technology: Technology, spec: BankSpec, place: Place) -> MeasuredBanks:
    """Measure every branch of one tile once, with the circuit's own converters.

    Each value is the mean of ``averages`` readings in the calibration range, kept in steps / averages.
    """
    converter, full_scale = technology.measurement, measurement_range(technology, spec)
    generator = stream(place.seed, "measurement", die=place.die, layer=place.layer, tile=place.tile)
    noise = measurement_sigma(technology, spec) * _normal(generator, die.on_siemens.shape)
    kept = full_scale * 2.0**-converter.bits / converter.averages
    read = np.clip(np.rint((die.on_siemens - die.off_siemens + noise) / kept) * kept, 0.0, full_scale)
    return MeasuredBanks(step_siemens=np.where(die.on_siemens > 0.0, read, 0.0))

"""What the circuit's own converters say of a die; only :class:`MeasuredBanks` reaches a solver.

One branch per column is closed at a time, all columns side by side, in a calibration range of its own whose full
scale is the largest branch at the read voltage, and read ``averages`` times; so is the column with every switch
open, and subtracted. A reading is rounded to the converter's step, with noise that dithers it; the mean of k readings
errs as :func:`mean_rms_lsb` says. The all-open reading is one a column, so its error is common to the branches of a
column.

What is kept is the ratio of a branch to its column's feedback resistor, so that the resistors' common temperature
coefficient cancels. The feedback in operation is larger than in calibration; the ratio of the two ranges is measured
once a column, with branches that fill the calibration range together, and what that errs by is a gain common to the
column. Non-linearity of the converter does not average away and is not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks.die import Die
from rsscircuit.banks.process import Place
from rsscircuit.seeds import stream
from rsscircuit.technology import Technology
from rsscircuit.technology.laws import cut_normal, parse_law
from rsscircuit.technology.plans import BankSpec

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredBanks:
    """What the converters say of one tile's banks.

    Attributes:
        step_siemens: float64 [rows, cols, 2, n]: what closing each branch adds, the reading with all branches
            open subtracted; 0 where no bank is drawn.
    """

    step_siemens: Array


def measurement_range(technology: Technology, spec: BankSpec) -> float:
    """Full scale of the calibration range, siemens: the largest branch that a die within four sigma can have."""
    process, resistor = technology.process, technology.resistor
    shared, local = parse_law(process.law_shared), parse_law(process.law_local)
    least = [shared.least(sigma) for sigma in (process.sigma_lot, process.sigma_wafer, process.sigma_die)]
    branches = [local.least(float(resistor.sigma_local(ohm))) * float(ohm) for ohm in spec.nominal_ohm]
    return float(1.0 / (min(branches) * np.prod(least)))


def mean_rms_lsb(noise_lsb: float, readings: float) -> float:
    """Rms error of the mean of k rounded readings of one value, in steps of the converter.

    One reading errs by noise^2 + 1/12 in the mean square. What of it the noise does not dither is the same in every
    reading of a value and does not average away: with normal noise, over values even in a step,

        B = sum over n from 1 of exp(-(2 pi n noise)^2) / (2 pi^2 n^2),

    so that the mean of k errs by (noise^2 + 1/12 - B) / k + B (the Fourier series of the rounding error; Widrow
    and Kollar, Quantization Noise, 2008). Without noise that is 1/12 whatever k; from half a
    step of noise B is below 3e-6.
    """
    n = np.arange(1, 10_001)
    same = float(np.sum(np.exp(-((2.0 * np.pi * n * noise_lsb) ** 2)) / (2.0 * np.pi**2 * n**2)))
    return float(np.sqrt((noise_lsb**2 + 1.0 / 12.0 - same) / readings + same))


def reading_sigma(technology: Technology, spec: BankSpec) -> float:
    """Standard error of the mean of one set of readings, siemens."""
    converter = technology.measurement
    step = measurement_range(technology, spec) * 2.0**-converter.bits
    return float(step * mean_rms_lsb(converter.noise_lsb, converter.averages))


def measurement_sigma(technology: Technology, spec: BankSpec) -> float:
    """Standard error of one measured value, siemens: a reading less the all-open reading."""
    return float(np.sqrt(2.0) * reading_sigma(technology, spec))


def ratio_sigma(technology: Technology) -> float:
    """Relative standard error of a column's gain: of the ratio of its two ranges, measured once."""
    converter = technology.measurement
    step = converter.range_ratio * 2.0**-converter.bits  # of what fills the calibration range
    return float(step * mean_rms_lsb(converter.noise_lsb, converter.ratio_averages))


def measure(die: Die, technology: Technology, spec: BankSpec, place: Place) -> MeasuredBanks:
    """Measure every branch of one tile once, with the circuit's own converters.

    Values are kept in steps / averages of the calibration range and stop at its full scale.
    """
    converter, full_scale = technology.measurement, measurement_range(technology, spec)
    columns = die.on_siemens.shape[1]
    generator = stream(place.seed, "measurement", die=place.chip, layer=place.layer, tile=place.tile)
    gain = 1.0 + ratio_sigma(technology) * cut_normal(generator, (columns,))
    sigma = reading_sigma(technology, spec)
    open_error = sigma * cut_normal(generator, (columns,))
    error = sigma * cut_normal(generator, die.on_siemens.shape) - open_error[:, None, None]
    kept = full_scale * 2.0**-converter.bits / converter.averages
    steps = (die.on_siemens - die.off_siemens) * gain[:, None, None] + error
    read = np.clip(np.rint(steps / kept) * kept, 0.0, full_scale)
    return MeasuredBanks(step_siemens=np.where(die.on_siemens > 0.0, read, 0.0))

"""What a tile's amplifiers and converters make of its column currents, in one trial of a Monte Carlo.

The formulas and the draws are those of the network on its chip (:mod:`rsscircuit.technology.readout`), whatever engine
found the currents. A tile that is run alone has a full scale of its own: that of the trial's own conductances at the
inputs of the study, as ``evaluate`` lays converters out for the inputs themselves where it is given no others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsscircuit.simulate.montecarlo import Trial
from rsscircuit.technology.readout import (
    adc_step_ampere,
    convert,
    feedback_ohm,
    gain_factor,
    half_codes,
    noise_ampere,
    offset_ampere,
)

Array = NDArray[np.float64]


def full_scale_ampere(targets_ampere: Array, percentile: float) -> float:
    """That percentile of the magnitudes of what the columns should carry; the largest, where that is nothing."""
    magnitudes = np.abs(targets_ampere)
    found = float(np.percentile(magnitudes, percentile, method="inverted_cdf"))
    return found or float(magnitudes.max())


def read_columns(currents: Array, trial: Trial, full_scale: float, generator: np.random.Generator) -> Array:
    """Column currents as amplifiers and converters give them, ampere [cases, cols].

    Args:
        currents: [cases, cols], ampere.
        trial: Its conductances set gain, offset and noise; the amplifiers' offsets are its own.
        full_scale: Of the converters, ampere.
        generator: Of the noise of every conversion.
    """
    crossbar, readout = trial.crossbar, trial.technology.readout
    total = (crossbar.bank_siemens() + crossbar.leak_siemens()).sum(axis=(0, 2))
    feedback, step = feedback_ohm(readout, full_scale), adc_step_ampere(readout, full_scale)
    noise = noise_ampere(readout, feedback, total, trial.celsius) * generator.standard_normal(currents.shape)
    result: Array = currents + offset_ampere(trial.offset_volt, feedback, total) + noise
    result *= gain_factor(readout, feedback, total) / step
    convert(result, half_codes(readout))
    result *= step
    return result

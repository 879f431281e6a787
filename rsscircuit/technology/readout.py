"""The read-out of a column: amplifier with feedback R_f, and converter. Its errors as currents at the column.

With the total conductance sum G that the column hangs on its amplifier, the noise gain N = 1 + R_f sum G, the open-loop
gain A_0, the gain-bandwidth product GBW and the offset V_os (:mod:`rsscircuit.netlist.circuits.amplifier`):

    V_out = -(R_f I - N V_os) / (1 + N / A_0)
    i_n^2 = (4 k T (sum G + 1 / R_f) + (e_n (sum G + 1 / R_f))^2) B,     B = (pi / 2) GBW (1 / N + 1 / A_0),

B being the noise bandwidth of the closed loop's one pole.

R_f takes the full-scale current, of a layer in the network and of a tile that is run alone, to the converters'
full-scale voltage. Its own deviation is measured with the branches, as their ratio to it, and what that measurement
errs by is in what was measured (:func:`rsscircuit.banks.measure`). What is left out: flicker noise, the
voltage that a finite gain leaves on the virtual ground across the wires, settling, and the converters' own
non-linearity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.seeds import stream
from rsscircuit.technology.loader import Readout

Array = NDArray[np.float64]
BOLTZMANN = 1.380649e-23  # joule per kelvin
ZERO_CELSIUS = 273.15  # kelvin


@dataclass(frozen=True, slots=True, kw_only=True)
class InputConverter:
    """The converters at the rows; what they drive is in the unit of their ends."""

    step: float
    least: float
    most: float

    def __call__(self, inputs: Array) -> Array:
        """The nearest level of each; beyond the ends, the end."""
        result: Array = np.clip(inputs, self.least, self.most)
        result *= 1.0 / self.step
        np.rint(result, out=result)
        result *= self.step
        return result


def input_converter(readout: Readout, most: float, *, signed: bool) -> InputConverter:
    """The converters at the rows for inputs up to ``most``, of both signs or from 0."""
    return InputConverter(step=most * dac_step(readout, signed), least=-most if signed else 0.0, most=most)


def feedback_ohm(readout: Readout, full_scale_ampere: float) -> float:
    """R_f, the same for all columns that share a full scale."""
    return readout.full_scale_volt / full_scale_ampere


def gain_factor(readout: Readout, feedback: float, column_siemens: Array) -> Array:
    """1 / (1 + N / A_0), [cols]."""
    result: Array = 1.0 / (1.0 + (1.0 + feedback * column_siemens) / readout.gain)
    return result


def draw_offset_volt(readout: Readout, columns: int, *, seed: int, layer: str, tile: int, die: int | str = 0) -> Array:
    """V_os of the amplifiers of one tile, each its own, [cols]; the same address gives the same offsets."""
    generator = stream(seed, "offset", die=die, layer=layer, tile=tile)
    result: Array = readout.sigma_offset_volt * generator.standard_normal(columns)
    return result


def offset_ampere(offset_volt: Array, feedback: float, column_siemens: Array) -> Array:
    """What an offset reads as: V_os N / R_f, [cols]."""
    result: Array = offset_volt * (1.0 / feedback + column_siemens)
    return result


def noise_bandwidth_hertz(readout: Readout, feedback: float, column_siemens: Array) -> Array:
    """B, [cols]."""
    result: Array = (
        np.pi / 2.0 * readout.bandwidth_hertz * (1.0 / (1.0 + feedback * column_siemens) + 1.0 / readout.gain)
    )
    return result


def noise_ampere(readout: Readout, feedback: float, column_siemens: Array, celsius: float) -> Array:
    """Rms noise of one conversion, [cols]; none where there is no column."""
    seen = column_siemens + 1.0 / feedback
    density = 4.0 * BOLTZMANN * (celsius + ZERO_CELSIUS) * seen + (readout.noise_volt_per_root_hertz * seen) ** 2
    bandwidth = noise_bandwidth_hertz(readout, feedback, column_siemens)
    result: Array = np.where(column_siemens > 0, np.sqrt(density * bandwidth), 0.0)
    return result


def adc_step_ampere(readout: Readout, full_scale_ampere: float) -> float:
    """One step of a converter that reads both signs."""
    return float(2.0 * full_scale_ampere / 2.0**readout.adc_bits)


def dac_step(readout: Readout, signed: bool) -> float:
    """One step over full scale: codes from 0 to full scale, or as many for both signs and zero."""
    largest = 2.0 ** (readout.dac_bits - signed) - 1.0
    return float(1.0 / largest)


def half_codes(readout: Readout) -> float:
    """Half the codes of the converters at the columns: they go from its negative to one less than it."""
    return float(2.0 ** (readout.adc_bits - 1.0))


def convert(steps: Array, half: float) -> int:
    """Take readings, in steps of their converters, to codes in place; how many were cut off at full scale."""
    np.rint(steps, out=steps)
    low, high = -half, half - 1.0
    cut = int(np.count_nonzero((steps < low) | (steps > high)))
    np.clip(steps, low, high, out=steps)
    return cut

"""The read-out of a column: amplifier with feedback R_f, and converter. Its errors as currents at the column.

With the total conductance sum G that the column hangs on its amplifier, the noise gain N = 1 + R_f sum G, the open-loop
gain A_0, the gain-bandwidth product GBW and the offset V_os (:mod:`rsscircuit.netlist.circuits.amplifier`):

    V_out = -(R_f I - N V_os) / (1 + N / A_0)
    i_n^2 = (4 k T (sum G + 1 / R_f) + (e_n (sum G + 1 / R_f))^2) B,     B = (pi / 2) GBW (1 / N + 1 / A_0),

B being the noise bandwidth of the closed loop's one pole.

R_f takes the layer's full-scale current to the converters' full-scale voltage. What is left out: flicker noise, the
voltage that a finite gain leaves on the virtual ground across the wires, settling, and the converters' own
non-linearity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsscircuit.technology.loader import Readout

Array = NDArray[np.float64]
BOLTZMANN = 1.380649e-23  # joule per kelvin
ZERO_CELSIUS = 273.15  # kelvin


def feedback_ohm(readout: Readout, full_scale_ampere: float) -> float:
    """R_f, the same for all columns of a layer."""
    return readout.full_scale_volt / full_scale_ampere


def gain_factor(readout: Readout, feedback: float, column_siemens: Array) -> Array:
    """1 / (1 + N / A_0), [cols]."""
    result: Array = 1.0 / (1.0 + (1.0 + feedback * column_siemens) / readout.gain)
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
    """Rms noise of one conversion, [cols]."""
    seen = column_siemens + 1.0 / feedback
    density = 4.0 * BOLTZMANN * (celsius + ZERO_CELSIUS) * seen + (readout.noise_volt_per_root_hertz * seen) ** 2
    result: Array = np.sqrt(density * noise_bandwidth_hertz(readout, feedback, column_siemens))
    return result


def adc_step_ampere(readout: Readout, full_scale_ampere: float) -> float:
    """One step of a converter that reads both signs."""
    return float(2.0 * full_scale_ampere / 2.0**readout.adc_bits)


def dac_step(readout: Readout, signed: bool) -> float:
    """One step over full scale: codes from 0 to full scale, or as many for both signs and zero."""
    largest = 2.0 ** (readout.dac_bits - signed) - 1.0
    return float(1.0 / largest)

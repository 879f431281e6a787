"""The amplifier of a column in ngspice, against the closed forms of its gain, offset, bandwidth and settling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rsscircuit.netlist.circuits.amplifier import Amplifier, Column, column
from rsscircuit.netlist.elements import Ac, Transient
from rsscircuit.simulate.ngspice import analyse

COLUMN = Column(
    siemens=[1e-5, 2e-6, 4e-5, 8e-6],
    volts=[0.2, -0.1, 0.05, -0.2],
    feedback_ohm=5e4,
    amplifier=Amplifier(gain=1e4, bandwidth_hertz=1e7, offset_volt=0.0),
    reference_volt=0.3,
)


def output(circuit: Column, celsius: float | None = None) -> float:
    return float(analyse(column(circuit, celsius=celsius), where="column")["v(out)"][0]) - circuit.reference_volt


@pytest.mark.parametrize("gain", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("offset_volt", [0.0, 2e-3])
@pytest.mark.parametrize("driver_ohm", [0.0, 500.0])
def test_operating_point(gain: float, offset_volt: float, driver_ohm: float) -> None:
    """The circuit is linear, so the closed form holds to the rounding of the solve: 1e-9."""
    amplifier = replace(COLUMN.amplifier, gain=gain, offset_volt=offset_volt)
    circuit = replace(COLUMN, amplifier=amplifier, driver_ohm=driver_ohm)
    assert output(circuit) == pytest.approx(circuit.output_volt(), rel=1e-9)


def test_gain_error_and_offset_are_the_noise_gain() -> None:
    """N / A_0 and V_os N, each to its own first order: the rest is below (N / A_0)^2 and V_os N^2 / A_0."""
    ideal = output(replace(COLUMN, amplifier=replace(COLUMN.amplifier, gain=1e9)))
    finite = output(COLUMN)
    small = COLUMN.noise_gain / COLUMN.amplifier.gain
    assert 1.0 - finite / ideal == pytest.approx(small, abs=2.0 * small**2)
    moved = output(replace(COLUMN, amplifier=replace(COLUMN.amplifier, offset_volt=1e-3))) - finite
    assert moved == pytest.approx(1e-3 * COLUMN.noise_gain, rel=2.0 * small)


def test_bandwidth() -> None:
    """The -3 dB point, read between points 1/500 of a decade apart, to 1e-4."""
    values = analyse(column(COLUMN, Ac(points=500, start=1e4, stop=1e8)), where="column")
    size = np.abs(values["v(out)"])
    corner = np.interp(-size[0] / np.sqrt(2.0), -size, np.log10(values["frequency"]))
    assert 10**corner == pytest.approx(COLUMN.closed_loop_hertz(), rel=1e-4)
    assert size[0] == pytest.approx(COLUMN.feedback_ohm * COLUMN.siemens[0], rel=1e-3)


@pytest.mark.parametrize("bits", [6, 10])
def test_settling(bits: int) -> None:
    """What is left at the closed form's time is half a step of the output, to 2 % (the integrator's step)."""
    second = COLUMN.settling_second(bits)
    analysis = Transient(step=second / 1000.0, stop=1.5 * second, longest_step=second / 2000.0)
    values = analyse(column(COLUMN, analysis), where="column")
    final = COLUMN.output_volt()
    left = 1.0 - (np.interp(second, values["time"], values["v(out)"]) - COLUMN.reference_volt) / final
    assert left == pytest.approx(2.0 ** -(bits + 1), rel=0.02)


def test_ratiometric_feedback_cancels_temperature() -> None:
    """One material: the output moves only through N / A_0, below 1e-6 here; another: by the difference of the two."""
    accurate = replace(COLUMN, amplifier=replace(COLUMN.amplifier, gain=1e8), tc1_per_kelvin=-1.47e-3)
    warm = replace(accurate, feedback_tc=(0.0, 0.0))
    assert output(accurate, 85.0) == pytest.approx(output(accurate, 27.0), rel=1e-6)
    assert output(warm, 85.0) == pytest.approx(output(warm, 27.0) / (1.0 - 1.47e-3 * 58.0), rel=1e-6)

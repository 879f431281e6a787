"""The transimpedance amplifier at the end of a column, and what its finite gain, offset and bandwidth cost.

An operational amplifier of one pole with its feedback resistor R_f, loaded by the column's total conductance sum G:
with the noise gain N = 1 + R_f sum G and the loop gain A_0 / N

    V_out - V_ref = (-R_f sum G_i V_i + V_os N) / (1 + N / A_0)     gain error N / A_0, offset V_os N
    f_closed = GBW (1 / N + 1 / A_0)                                the closed loop's -3 dB bandwidth
    t = ln(2^(B+1)) / (2 pi f_closed)                               settled to half a step of B bits

The column is emitted with its drivers as ideal sources behind an output resistance, and with a feedback resistor of
the banks' own material: given the same temperature coefficients it cancels theirs, since only the ratio R_f / R_i
enters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rsscircuit.netlist.elements import (
    Ac,
    Analysis,
    Circuit,
    Element,
    Instance,
    OperatingPoint,
    Part,
    PiecewiseLinear,
    Resistor,
    Section,
    Transient,
    VoltageSource,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplifier:
    """An operational amplifier of one pole.

    Attributes:
        gain: At DC.
        bandwidth_hertz: Where the gain is one.
        offset_volt: In series with the reference input.
    """

    gain: float
    bandwidth_hertz: float
    offset_volt: float = 0.0

    @property
    def part(self) -> Part:
        """Its sub-circuit, ``tia in ref out``."""
        values = {"gain": self.gain, "bandwidth_hertz": self.bandwidth_hertz, "offset_volt": self.offset_volt}
        return Part("tia", values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of resistors into a transimpedance amplifier.

    Attributes:
        siemens: [rows].
        volts: [rows], about the reference.
        feedback_ohm: Resistance of the feedback.
        amplifier: The amplifier.
        reference_volt: The virtual ground.
        driver_ohm: Output resistance of every row driver.
        tc1_per_kelvin, tc2_per_kelvin2: Of the rows' resistors.
        feedback_tc: The same two of the feedback resistor; the rows' own by default, as for one material.
    """

    siemens: Sequence[float]
    volts: Sequence[float]
    feedback_ohm: float
    amplifier: Amplifier
    reference_volt: float = 0.0
    driver_ohm: float = 0.0
    tc1_per_kelvin: float = 0.0
    tc2_per_kelvin2: float = 0.0
    feedback_tc: tuple[float, float] | None = None

    @property
    def noise_gain(self) -> float:
        """1 + R_f sum G."""
        return 1.0 + self.feedback_ohm * sum(self._seen)

    def output_volt(self) -> float:
        """Output about the reference, in closed form."""
        driven = sum(g * v for g, v in zip(self._seen, self.volts, strict=True))
        wanted = -self.feedback_ohm * driven + self.amplifier.offset_volt * self.noise_gain
        return wanted / (1.0 + self.noise_gain / self.amplifier.gain)

    def closed_loop_hertz(self) -> float:
        """The -3 dB bandwidth of the closed loop."""
        return self.amplifier.bandwidth_hertz * (1.0 / self.noise_gain + 1.0 / self.amplifier.gain)

    def settling_second(self, bits: int) -> float:
        """Time after a step until half a step of a converter of so many bits is left."""
        return math.log(2.0 ** (bits + 1)) / (2.0 * math.pi * self.closed_loop_hertz())

    @property
    def _seen(self) -> list[float]:
        return [1.0 / (1.0 / g + self.driver_ohm) for g in self.siemens]


def column(circuit: Column, analysis: Analysis | None = None, celsius: float | None = None) -> Circuit:
    """A column: drivers, one resistor a row, amplifier and feedback.

    Ports: ``w<i>`` of the rows, ``sum`` (virtual ground), ``ref`` and ``out``, which is saved. An AC analysis drives
    row 0 with one volt; a transient steps all rows from the reference to their voltages at once. Closed forms: the
    methods of :class:`Column`.
    """
    reference = circuit.reference_volt
    drivers: list[Element] = []
    rows: list[Element] = []
    for i, (siemens, volt) in enumerate(zip(circuit.siemens, circuit.volts, strict=True)):
        behind = f"d{i}" if circuit.driver_ohm > 0 else f"w{i}"
        level, step = reference + volt, None
        if isinstance(analysis, Transient):
            step = PiecewiseLinear(((0.0, reference), (analysis.step / 1000.0, level)))
            level = reference
        ac = 1.0 if isinstance(analysis, Ac) and i == 0 else 0.0
        drivers.append(VoltageSource(f"w{i}", behind, "0", level, ac, step))
        if circuit.driver_ohm > 0:
            drivers.append(Resistor(f"d{i}", behind, f"w{i}", circuit.driver_ohm))
        rows.append(Resistor(f"w{i}", f"w{i}", "sum", 1.0 / siemens, circuit.tc1_per_kelvin, circuit.tc2_per_kelvin2))
    feedback_tc = circuit.feedback_tc or (circuit.tc1_per_kelvin, circuit.tc2_per_kelvin2)
    return Circuit(
        title="rsscircuit column with a transimpedance amplifier",
        parts=(circuit.amplifier.part,),
        sections=(
            Section("drivers", tuple(drivers)),
            Section("rows", tuple(rows)),
            Section(
                "amplifier and feedback",
                (
                    VoltageSource("ref", "ref", "0", reference),
                    Instance("amplifier", ("sum", "ref", "out"), "tia"),
                    Resistor("feedback", "sum", "out", circuit.feedback_ohm, *feedback_tc),
                ),
            ),
        ),
        analysis=analysis or OperatingPoint(),
        voltages=("out",),
        celsius=celsius,
    )

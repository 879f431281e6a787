"""A tile in time, frequency and noise: amplifiers at the ends of its columns, capacitance on its lines.

Banks are merged to one resistor each with the R_on of the switch level, so that a tile of any size can be run. What
is simulated stands beside the closed form of an amplifier of one pole, with the noise gain N = 1 + R_f sum G:

    f_c = GBW (1 / N + 1 / A_0)                                            bandwidth
    t = ln(swing / half a step) [1 / (2 pi f_c) + tau]                     settling
    s = R_f^2 4kT (sum G + 1 / R_f) + (e_n N)^2                            noise density, squared

``tau`` is the first moment of the path to a column's amplifier, the latest along each: Elmore's delay of the word
line and of the bit line (W. C. Elmore, 1948) and R C / 6 of a bank. The capacitance C_b of a bit line at an amplifier
makes a second pole: Q = sqrt(2 pi GBW R_f C_b) / N, and beyond a half the column rings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar
from rsscircuit.errors import SimulationError
from rsscircuit.netlist import Tia, TileOptions, source_volts, tile_circuit
from rsscircuit.netlist.capacitances import END, bank_farads, bit_farads, word_farads
from rsscircuit.netlist.elements import (
    Ac,
    Analysis,
    Circuit,
    Element,
    Noise,
    OperatingPoint,
    Part,
    PiecewiseLinear,
    PolynomialCurrent,
    Resistor,
    Transient,
    VoltageSource,
)
from rsscircuit.netlist.switches import closed_siemens
from rsscircuit.simulate import ngspice, vacask
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments

Array = NDArray[np.float64]
BOLTZMANN = 1.380649e-23
ZERO_CELSIUS = 273.15
POINTS = 400  # of a transient, at least
LONGER, TRIES = 3.0, 5  # a transient that has not settled is run again, so many times longer
OF_A_STEP = 0.02  # the simulator's tolerance, of half a step
BELOW, ABOVE = 100.0, 10.0  # band of an AC analysis about the bandwidths
NOISE_ABOVE = 1000.0  # of a noise analysis
AC_POINTS, NOISE_POINTS = 50, 20  # a decade
REACHED = 0.85  # of the end asked for: a sweep by decades stops within a point of it
LEAST_GAIN = 1e-6  # of the largest: a column that answers less has no bandwidth to speak of

Analyser = Callable[..., dict[str, NDArray[Any]]]
ANALYSERS: Mapping[str, Analyser] = MappingProxyType({"ngspice": ngspice.analyse, "vacask": vacask.analyse})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignalTile:
    """A tile made ready, and its closed forms, [cols] each.

    Attributes:
        crossbar, technology: At the temperature and supply of the run, as ratios to the feedback resistor.
        segments: Wires and leakage, or None.
        options: Merged banks, an amplifier a column, capacitances.
        ohm_factor: What the ratios lack to be ohms.
        celsius: Temperature, which sets the noise.
        label: The layer's file name.
    """

    crossbar: Crossbar
    technology: Technology
    segments: Segments | None
    options: TileOptions
    ohm_factor: float
    celsius: float
    label: str

    @property
    def tia(self) -> Tia:
        """The amplifier."""
        if self.options.readout is None:
            raise ValueError("a tile without amplifiers")
        return self.options.readout

    @property
    def feedback_ohm(self) -> float:
        """The feedback resistor at the temperature of the run."""
        return self.tia.feedback_ohm * self.ohm_factor

    @property
    def column_siemens(self) -> Array:
        """Sum of all closed branches of a column, both polarities, at the temperature of the run."""
        closed = closed_siemens(self.crossbar, self.technology, self.options)
        result: Array = closed.sum(axis=(0, 2, 3)) / self.ohm_factor
        return result

    @property
    def noise_gain(self) -> Array:
        """1 + R_f sum G."""
        return 1.0 + self.feedback_ohm * self.column_siemens

    @property
    def bandwidth_hertz(self) -> Array:
        """Of the closed loop, without capacitances."""
        return self.tia.bandwidth_hertz * (1.0 / self.noise_gain + 1.0 / self.tia.gain)

    @property
    def quality(self) -> Array:
        """Q of the closed loop with the capacitance of the bit line at its input."""
        if self.options.capacitances is None:
            return np.zeros(self.crossbar.targets.shape[1])
        farad = bit_farads(self.crossbar, self.options.capacitances).sum(axis=(0, 2))
        loop = 2.0 * math.pi * self.tia.bandwidth_hertz * self.feedback_ohm * farad
        result: Array = np.sqrt(loop) / self.noise_gain
        return result

    def output_volt(self, volts: Array) -> Array:
        """Where the outputs go by the closed form, volt about the common mode, [cases, cols]."""
        closed = closed_siemens(self.crossbar, self.technology, self.options).sum(axis=3) / self.ohm_factor
        result: Array = -self.feedback_ohm * volts @ (closed[:, :, 0] - closed[:, :, 1])
        return result / (1.0 + self.noise_gain / self.tia.gain)

    @property
    def line_second(self) -> Array:
        """Elmore's delay to the amplifier, the latest path."""
        capacitances = self.options.capacitances
        if capacitances is None:
            return np.zeros(self.crossbar.targets.shape[1])
        closed, _ = bank_farads(self.crossbar, capacitances)
        siemens = closed_siemens(self.crossbar, self.technology, self.options).sum(axis=3)
        along = END * np.divide(closed, siemens, out=np.zeros_like(closed), where=siemens > 0)
        late: Array = along.max(axis=(0, 2))
        if self.segments is not None:
            words = word_farads(self.crossbar, capacitances)
            bits = bit_farads(self.crossbar, capacitances).transpose(0, 2, 1).reshape(-1, words.shape[1])
            columns, lines = np.arange(words.shape[1]), np.arange(len(bits))
            late = late + self.segments.word_ohm * np.einsum("ijp,j->ip", words, columns + 1.0).max()
            late = late + self.segments.bit_ohm * ((len(lines) - lines) @ bits)
        result: Array = late * self.ohm_factor
        return result

    @property
    def time_constant_second(self) -> Array:
        """First moment of a column's step response."""
        return 1.0 / (2.0 * math.pi * self.bandwidth_hertz) + self.line_second

    def circuit(self, volts: Array, analysis: Analysis) -> Circuit:
        """The tile with its rows driven for an analysis.

        A transient takes every row from the common mode to its volts within one of its points; AC takes the volts for
        amplitudes of small signals about the common mode; noise leaves the rows there.

        Args:
            volts: [rows], logical inputs.
            analysis: What is run.
        """
        made = tile_circuit(
            self.crossbar,
            self.technology,
            label=self.label,
            volts=volts,
            segments=self.segments,
            options=self.options,
        )
        here = partial(self._element, analysis, frozenset(self.drivers))
        parts = tuple(self._noisy(part) if isinstance(part, Part) else part for part in made.parts)
        return replace(
            made,
            notes=(*made.notes, f"resistances as they are at {self.celsius:g} C, capacitances to the substrate"),
            parts=parts if isinstance(analysis, Noise) else made.parts,
            sections=tuple(replace(each, elements=tuple(map(here, each.elements))) for each in made.sections),
            analysis=analysis,
            celsius=self.celsius if isinstance(analysis, Noise) else None,
        )

    @property
    def drivers(self) -> tuple[str, ...]:
        """Names of the row sources, in order."""
        none = np.zeros((0, len(self.crossbar.targets)))
        return tuple(name.removeprefix("v") for name in source_volts(none, self.technology, self.options))

    def _element(self, analysis: Analysis, drivers: frozenset[str], element: Element) -> Element:
        """An element of the tile, driven for an analysis and in the ohms of the temperature."""
        match element:
            case VoltageSource(name=name) if name in drivers:
                return _driven(element, self.technology.drive.common_mode_volt, analysis)
            case Resistor(ohm=float(ohm)):
                return replace(element, ohm=ohm * self.ohm_factor)
            case PolynomialCurrent(square=square, cube=cube):
                return replace(element, square=square / self.ohm_factor, cube=cube / self.ohm_factor)
            case _:
                return element

    def _noisy(self, part: Part) -> Part:
        """The amplifier with a resistor whose thermal noise is the amplifier's own."""
        if part.template != "tia" or self.tia.noise_volt == 0:
            return part
        return Part("tia_noisy", {**part.values, "noise_ohm": self.tia.noise_volt**2 / self._four_kt})

    @property
    def _four_kt(self) -> float:
        return 4.0 * BOLTZMANN * (self.celsius + ZERO_CELSIUS)

    def noise_density(self) -> Array:
        """Closed form well below the bandwidth, volt per root hertz."""
        thermal = self.feedback_ohm**2 * self._four_kt * (self.column_siemens + 1.0 / self.feedback_ohm)
        result: Array = np.sqrt(thermal + (self.tia.noise_volt * self.noise_gain) ** 2)
        return result / (1.0 + self.noise_gain / self.tia.gain)

    def noise_volt(self, start_hertz: Array, stop_hertz: Array) -> Array:
        """Closed form of the rms over a band, volt."""
        corner = self.bandwidth_hertz
        band = corner * (np.arctan(stop_hertz / corner) - np.arctan(start_hertz / corner))
        result: Array = self.noise_density() * np.sqrt(band)
        return result


def _driven(source: VoltageSource, common: float, analysis: Analysis) -> VoltageSource:
    if not isinstance(source.dc, float):
        raise TypeError("row drivers have a voltage")
    match analysis:
        case Transient(stop=stop):
            step = PiecewiseLinear(((0.0, common), (stop / POINTS, source.dc)))
            return replace(source, dc=common, waveform=step)
        case Ac():
            return replace(source, dc=common, ac=source.dc - common)
        case Noise(source=name):
            return replace(source, dc=common, ac=1.0 if source.name == name else 0.0)
        case _:
            return source


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waveforms:
    """A step response.

    Attributes:
        second: [points].
        volt: [points, cols], outputs of the amplifiers about the common mode.
        final: [cols], where the operating point says that they go.
        stop_second: When the simulation ended.
    """

    second: Array
    volt: Array
    final: Array
    stop_second: float


def first_stop(tile: SignalTile, adc_bits: int) -> float:
    """How long a transient is run at first, second: twice the estimate of a full step."""
    return 2.0 * math.log(2.0 ** (adc_bits + 1)) * float(tile.time_constant_second.max())


def step_circuit(tile: SignalTile, adc_bits: int, volts: Array, stop: float) -> Circuit:
    """All rows step to ``volts`` [rows] at time 0, until ``stop`` (second)."""
    analysis = Transient(step=stop / POINTS, stop=stop, longest_step=stop / POINTS, damped=True)
    return replace(tile.circuit(volts, analysis), relative_tolerance=OF_A_STEP * 2.0 ** -(adc_bits + 1))


def step_response(
    tile: SignalTile, analyse: Analyser, where: str, adc_bits: int, full_scale_volt: float, volts: Array
) -> Waveforms:
    """:func:`step_circuit`, until every column has settled to half a step of a converter of that full scale.

    Where no row steps, nothing is run but the operating point.

    Raises:
        SimulationError: It does not settle, or the simulator failed.
    """
    at_rest = tile.circuit(volts, OperatingPoint())
    outputs = [f"v({name})" for name in at_rest.voltages]
    common = tile.technology.drive.common_mode_volt
    there = analyse(at_rest, where=where)
    final = np.array([float(there[name][0]) for name in outputs]) - common
    half_step = full_scale_volt * 2.0 ** -(adc_bits + 1)
    stop = first_stop(tile, adc_bits)
    if not volts.any():
        return Waveforms(second=np.array([0.0, stop]), volt=np.stack([final, final]), final=final, stop_second=stop)
    for _ in range(TRIES):
        found = analyse(step_circuit(tile, adc_bits, volts, stop), where=where)
        _reaches(found["time"], stop, where)
        volt = np.stack([found[name] for name in outputs], axis=1) - common
        run = Waveforms(second=found["time"], volt=volt, final=final, stop_second=stop)
        if np.isfinite(settling_second(run, half_step)).all():
            return run
        stop *= LONGER
    raise SimulationError(f"the columns have not settled within {stop / LONGER:.3g} s", where=where)


def _reaches(points: Array, stop: float, where: str) -> None:
    """A simulator that ends early says nothing in its result.

    Raises:
        SimulationError: The points end before ``stop``.
    """
    if points[-1] < REACHED * stop:
        raise SimulationError(f"the simulator ended at {points[-1]:g} of {stop:g}", where=where)


def settling_second(run: Waveforms, half_step: float) -> Array:
    """When every column is within ``half_step`` (volt) of its end for good, [cols]; infinite where it is not."""
    away = np.abs(run.volt - run.final)
    result = np.zeros(len(run.final))
    for column in np.flatnonzero((away > half_step).any(axis=0)):
        last = int(np.flatnonzero(away[:, column] > half_step)[-1])
        if last + 1 == len(away):
            result[column] = np.inf
            continue
        before, after = away[last : last + 2, column]
        share = (before - half_step) / (before - after)
        result[column] = run.second[last] + share * (run.second[last + 1] - run.second[last])
    return result


def settling_estimate(tile: SignalTile, run: Waveforms, half_step: float) -> Array:
    """The same by the closed form, [cols]; 0 where no output ever moves."""
    if half_step == 0.0:
        return np.zeros(len(run.final))
    steps = np.maximum(np.abs(run.final) / half_step, 1.0)
    result: Array = np.log(steps) * tile.time_constant_second
    return result


def charge_coulomb(tile: SignalTile, run: Waveforms, until: float) -> Array:
    """What every column has collected ``until`` then, [cols]: the integral of its output over the feedback."""
    inside = run.second <= until
    second, volt = run.second[inside], run.volt[inside]
    result: Array = -(np.diff(second) @ (volt[1:] + volt[:-1])) / (2.0 * tile.feedback_ohm)
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """A small-signal response.

    Attributes:
        hertz: [points].
        volt: complex [points, cols], outputs of the amplifiers.
    """

    hertz: Array
    volt: NDArray[np.complex128]

    def corner_hertz(self) -> Array:
        """Where every column first is 3 dB below its lowest frequency, [cols]; nan where it hardly answers at all."""
        size = np.abs(self.volt)
        result = np.full(size.shape[1], np.nan)
        for column in np.flatnonzero(size[0] > LEAST_GAIN * size[0].max()):
            below = size[:, column] <= size[0, column] / math.sqrt(2.0)
            if below.any():
                first = int(np.argmax(below))
                around = slice(first - 1, first + 1)
                level = -size[0, column] / math.sqrt(2.0)
                result[column] = 10 ** np.interp(level, -size[around, column], np.log10(self.hertz[around]))
        return result


def frequency_circuit(tile: SignalTile, volts: Array) -> Circuit:
    """Small signals of the amplitudes ``volts`` [rows], about the bandwidths of the columns."""
    low, high = float(tile.bandwidth_hertz.min()), float(tile.bandwidth_hertz.max())
    return tile.circuit(volts, Ac(points=AC_POINTS, start=low / BELOW, stop=high * ABOVE))


def frequency_response(tile: SignalTile, analyse: Analyser, where: str, volts: Array) -> Response:
    """:func:`frequency_circuit`, every column's answer.

    Raises:
        SimulationError: The simulator failed.
    """
    circuit = frequency_circuit(tile, volts)
    found = analyse(circuit, where=where)
    _reaches(found["frequency"], float(tile.bandwidth_hertz.max()) * ABOVE, where)
    volt = np.stack([found[f"v({name})"] for name in circuit.voltages], axis=1)
    return Response(hertz=found["frequency"], volt=volt)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoiseFound:
    """The noise of one column.

    Attributes:
        column: Which.
        hertz: [points].
        density: [points], volt per root hertz at the amplifier's output.
        rms: Over that band, volt.
    """

    column: int
    hertz: Array
    density: Array
    rms: float


def noise_circuit(tile: SignalTile, column: int) -> Circuit:
    """The noise of one column, from well below its bandwidth to far above."""
    volts, corner = np.zeros(len(tile.crossbar.targets)), float(tile.bandwidth_hertz[column])
    made = tile.circuit(volts, OperatingPoint())
    output = made.voltages[column]
    band = Noise(output, tile.drivers[0], NOISE_POINTS, corner / BELOW, corner * NOISE_ABOVE)
    return replace(tile.circuit(volts, band), voltages=(output,))


def noise(tile: SignalTile, analyse: Analyser, where: str, column: int) -> NoiseFound:
    """:func:`noise_circuit`, at the output of the column's amplifier.

    Raises:
        SimulationError: The simulator failed.
    """
    found = analyse(noise_circuit(tile, column), where=where)
    _reaches(found["frequency"], float(tile.bandwidth_hertz[column]) * NOISE_ABOVE, where)
    density, rms = found["onoise_spectrum"], float(found["onoise_total"][0])
    return NoiseFound(column=column, hertz=found["frequency"], density=density, rms=rms)

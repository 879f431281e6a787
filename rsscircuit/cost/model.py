"""Area, time, energy and programming of tiles with their converters, amplifiers and controllers, line by line.

Every tile has its own controller, one DAC with two drivers a logical row, one amplifier and ADC a column, as the build
emits it; tiles of a layer work side by side. A tile that has nothing to do is off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.comparison.costs import READINGS_PER_SECOND, WEIGHTS, bank_readings, calibration_um2
from rsscircuit.controller.bitstream import HEADER_WORDS
from rsscircuit.controller.geometry import POLARITIES, WORD_BITS, ArrayGeometry
from rsscircuit.cost.figures import Figures
from rsscircuit.cost.lines import CHIP, Line, summed
from rsscircuit.cost.workload import TileWork
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import NOMINAL_CELSIUS, bank_area_um2, bank_pitch_um, wire_segments
from rsscircuit.technology.readout import BOLTZMANN, ZERO_CELSIUS

Array = NDArray[np.float64]
_SUM_BITS = 9  # of a result beyond the converter's: sums of up to 256 codes, and whether it is the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What all tiles of a design have in common.

    Attributes:
        technology: The process.
        nominal_ohm: Nominal resistors of a bank, [n].
        geometry: The array that a controller is made for.
        figures: Of the circuits around.
    """

    technology: Technology
    nominal_ohm: Array
    geometry: ArrayGeometry
    figures: Figures

    @property
    def line_farad(self) -> float:
        """Capacitance of a word line a column: every branch hangs on it, open or closed, with the wire of one pitch."""
        f = self.figures
        branches = f["resistor_farad_per_um"] * float(self.technology.resistor.length_um(self.nominal_ohm).sum())
        return branches + f["wire_farad_per_um"] * bank_pitch_um(self.nominal_ohm, self.technology)

    @property
    def sample_farad(self) -> float:
        """Sampling capacitor of an ADC whose kT/C noise is its quantisation noise: 12 k T (2^B / V_fs)^2."""
        readout = self.technology.readout
        steps = math.exp2(readout.adc_bits) / (2.0 * readout.full_scale_volt)
        return 12.0 * BOLTZMANN * (NOMINAL_CELSIUS + ZERO_CELSIUS) * steps**2

    def adc_um2(self, bits: float) -> float:
        """Area of a SAR ADC, twice as large for every further bit."""
        f = self.figures
        return f["adc_um2"] * math.exp2(bits - f["adc_area_bits"]) * self._scale(f["adc_node_nm"])

    def amplifier_um2(self) -> float:
        """Area of an amplifier or a driver."""
        return self.figures["amplifier_um2"] * self._scale(130.0)

    def feedback_um2(self, feedback_ohm: float) -> float:
        """R_f and that of the calibration range, of branches in parallel or in series."""
        branch = self.technology.feedback.branch_ohm
        one = self.technology.resistor.area_um2(branch)
        ratios = (feedback_ohm / branch, feedback_ohm * self.technology.measurement.range_ratio / branch)
        return float(sum(max(ratio, 1.0 / ratio) for ratio in ratios) * one)

    def buffer_bits(self) -> float:
        """Of a controller: two vectors of inputs and two of results."""
        readout, geometry = self.technology.readout, self.geometry
        results = geometry.columns * (readout.adc_bits + _SUM_BITS)
        return 2.0 * (geometry.rows * readout.dac_bits + results)

    def controller_flops(self) -> float:
        """Flops of a controller without its latches."""
        return self.figures["control_flops"] + self.buffer_bits()

    def controller_gates(self) -> float:
        """NAND2 and inverters beside them."""
        return self.figures["control_gates"] + self.figures["gates_per_buffer_bit"] * self.buffer_bits()

    def controller_um2(self) -> float:
        """Area of a controller without its latches."""
        f = self.figures
        return self.controller_flops() * f["flop_um2"] + self.controller_gates() * f["nand2_um2"]

    def clock_joule(self) -> float:
        """Energy of a controller a clock: the clock of its flops and the share of its gates that switches."""
        f = self.figures
        switched = f["activity"] * self.controller_gates() * f["gate_farad"]
        farad = f["control_flops"] * f["flop_clock_farad"] + switched
        return farad * f["core_volt"] ** 2 * self._capacitance()

    def amplifier_watt(self) -> float:
        """Standing power of a column's amplifier: input pair by noise or bandwidth, output stage by its load."""
        readout, f = self.technology.readout, self.figures
        load, omega = self.sample_farad, 2.0 * math.pi * readout.bandwidth_hertz
        noise = readout.noise_volt_per_root_hertz
        thermal = 32.0 / 3.0 * BOLTZMANN * (NOMINAL_CELSIUS + ZERO_CELSIUS) / noise**2 if noise else 0.0
        first = max(thermal, omega * load / 3.0)
        return self.technology.drive.supply_volt * (2.0 * first + 3.0 * omega * load) / f["transconductance_per_ampere"]

    def driver_watt(self, tile: TileWork) -> float:
        """Standing power of one word line's driver, as fast as the slowest column's amplifier."""
        farad = tile.columns * self.line_farad
        transconductance = farad / self.amplifier_second(tile)
        return self.technology.drive.supply_volt * 2.0 * transconductance / self.figures["transconductance_per_ampere"]

    def amplifier_second(self, tile: TileWork) -> float:
        """Time constant of the slowest column: N / (2 pi GBW)."""
        return tile.noise_gain / (2.0 * math.pi * self.technology.readout.bandwidth_hertz)

    def line_second(self, tile: TileWork) -> float:
        """Time constants of word line, bit line and the largest resistor: R C / 2, R C / 2 and R C / pi^2."""
        f, segments = self.figures, wire_segments(self.nominal_ohm, self.technology)
        word = segments.word_ohm * self.line_farad * tile.columns**2 / 2.0
        bit_farad = f["wire_farad_per_um"] * bank_pitch_um(self.nominal_ohm, self.technology)
        bit = segments.bit_ohm * bit_farad * (POLARITIES * tile.rows) ** 2 / 2.0
        largest = float(self.nominal_ohm.max())
        body = f["resistor_farad_per_um"] * self.technology.resistor.length_um(largest)
        return float(word + bit + largest * body / math.pi**2)

    def settle_second(self, tile: TileWork) -> float:
        """To half a step of the ADC: ln(2^(B+1)) (driver + amplifier + lines)."""
        constants = 2.0 * self.amplifier_second(tile) + self.line_second(tile)
        return math.log(2.0) * (self.technology.readout.adc_bits + 1.0) * constants

    def convert_second(self) -> float:
        """One conversion: as many bit cycles as bits."""
        f = self.figures
        return self.technology.readout.adc_bits / f["adc_area_bits"] / f["adc_hertz"]

    def sequence_clocks(self, tile: TileWork) -> float:
        """Clocks of a vector besides settling and conversion."""
        f = self.figures
        columns = f["clocks_per_column"] * tile.columns
        return f["clocks_per_row"] * self.geometry.rows + columns + f["clocks_per_vector"]

    def vector_clocks(self, tile: TileWork) -> int:
        """Clocks of a vector: settling and conversion in whole clocks."""
        clock = self.figures["clock_hertz"]
        analog = math.ceil(self.settle_second(tile) * clock) + math.ceil(self.convert_second() * clock)
        return analog + round(self.sequence_clocks(tile))

    def vector_second(self, tile: TileWork) -> float:
        """From one vector to the next; the rows are held so long."""
        return self.vector_clocks(tile) / self.figures["clock_hertz"]

    def _scale(self, node_nm: float) -> float:
        ratio = self.figures["node_nm"] / node_nm
        return ratio * ratio

    def _capacitance(self) -> float:
        return self.figures["node_nm"] / 130.0


def area(plan: Plan, tiles: Sequence[TileWork]) -> list[Line]:
    """Area of the chip, square micrometre."""
    technology, f = plan.technology, plan.figures
    readout, spec = technology.readout, plan.nominal_ohm
    resistors = float(technology.resistor.area_um2(spec).sum())
    latches = technology.switch.area_um2 * spec.size
    bank, pitch = bank_area_um2(spec, technology), bank_pitch_um(spec, technology)
    widened = (
        max(pitch, technology.wires.word_line_width_um) * max(pitch, technology.wires.bit_line_width_um) - pitch * pitch
    )
    marks = {key: provenance.mark for key, provenance in technology.provenance.items()}

    def of(name: str, each: Callable[[TileWork], float], equation: str, mark: str, source: str) -> Line:
        values = summed((tile.layer, each(tile)) for tile in tiles)
        return Line(component=name, by_layer=values, equation=equation, mark=mark, source=source)

    geometry = _worst(
        marks[f"resistor.{key}"] for key in ("sheet_ohm_per_square", "width_um", "spacing_um", "heads_um")
    )
    weights = sum(tile.cells for tile in tiles)
    return [
        of("resistors", lambda t: 2 * t.cells * resistors, "2 cells sum_i (W + s)(L_i + heads), L_i = R_i W / R_sheet",
           geometry, "technology [resistor]"),
        of("latches, switches beneath", lambda t: 2 * t.cells * latches, "2 cells n A_latch",
           _worst([marks["switch.area_um2"]]), "technology [switch] area_um2"),
        of("wires beyond the banks", lambda t: 2 * t.rows * t.columns * widened,
           "2 rows columns (max(pitch, w_word) max(pitch, w_bit) - pitch^2); lines run above the banks",
           _worst(marks[f"wires.{key}"] for key in ("word_line_width_um", "bit_line_width_um")), "technology [wires]"),
        of("empty cells", lambda t: 2 * (t.rows * t.columns - t.cells) * bank, "2 (rows columns - cells) A_bank",
           geometry, "the grid keeps the place of zero weights"),
        of("DAC", lambda t: t.rows * f["dac_share"] * plan.adc_um2(readout.dac_bits),
           "rows share A_ADC(DAC bits)", f.mark_of("dac_share"), f.sources_of("dac_share", "adc_um2")),
        of("row drivers", lambda t: 2 * t.rows * plan.amplifier_um2(), "2 rows A_amp (node / 130 nm)^2",
           f.mark_of("amplifier_um2"), f.sources_of("amplifier_um2")),
        of("amplifiers", lambda t: t.columns * (plan.amplifier_um2() + plan.feedback_um2(t.feedback_ohm)),
           "columns (A_amp + A(R_f) + A(R_f of the calibration range))",
           f.mark_of("amplifier_um2"), f.sources_of("amplifier_um2") + "; technology [feedback]"),
        of("ADC", lambda t: t.columns * plan.adc_um2(readout.adc_bits),
           "columns A_ADC 2^(B - 10) (node / 130 nm)^2", "derived", f.sources_of("adc_um2")),
        of("controllers", lambda t: plan.controller_um2(), "(flops + b) A_flop + (gates + k b) A_nand2, b buffered",
           f.mark_of("flop_um2", "nand2_um2"), f.sources_of("control_flops", "control_gates", "flop_um2", "nand2_um2")),
        Line(component="calibration converters",
             by_layer={CHIP: math.ceil(weights / WEIGHTS) * WEIGHTS * calibration_um2(technology.measurement.bits)},
             equation=f"one for {WEIGHTS} signed weights, as compare-banks charges it", mark="assumed",
             source="ISAAC, 8 bits at 32 nm, scaled to 130 nm, doubled a bit"),
    ]  # fmt: skip


def energy(plan: Plan, tiles: Sequence[TileWork]) -> list[Line]:
    """Energy of one inference, joule."""
    f, readout = plan.figures, plan.technology.readout

    def of(name: str, a_vector: Callable[[TileWork, float], float], equation: str, mark: str, source: str) -> Line:
        values = summed((tile.layer, tile.vectors * a_vector(tile, plan.vector_second(tile))) for tile in tiles)
        return Line(component=name, by_layer=values, equation=equation, mark=mark, source=source)

    capacitors = 2.0 ** (readout.dac_bits - 2.0) * f["unit_farad"] * f["adc_reference_volt"] ** 2
    step = f["adc_step_joule"] * 2.0**readout.adc_bits
    lines = plan.line_farad * plan.technology.drive.read_volt * plan.technology.drive.supply_volt
    gm = "transconductance_per_ampere"
    return [
        of("array", lambda t, held: t.bank_watt * held, "vectors V^2 sum x^2 (G+ + G-) t, the programmed banks",
           "derived", "the design's program and drives; t the time from vector to vector"),
        of("array's supply", lambda t, held: (t.supply_watt - t.bank_watt) * held,
           "vectors (V_dd sum max(sourced, sunk) - V^2 sum x^2 G) t",
           "derived", "drivers and amplifiers of class B; heat in them and in R_f"),
        of("word lines", lambda t, _: 2 * t.rows * t.columns * lines * math.sqrt(t.mean_square_drive),
           "vectors 2 rows columns C_line V_dd V rms(x), every line charged anew",
           "derived", f.sources_of("resistor_farad_per_um", "wire_farad_per_um")),
        of("DAC", lambda t, _: t.rows * capacitors, "vectors rows 2^(B-2) C_u V_ref^2 (monotonic switching)",
           f.mark_of("unit_farad"), f.sources_of("unit_farad", "adc_reference_volt")),
        of("row drivers", lambda t, held: 2 * t.rows * plan.driver_watt(t) * held,
           "vectors 2 rows V_dd 2 g_m / (g_m/I_D) t, g_m = columns C_line / tau",
           f.mark_of(gm), f.sources_of(gm)),
        of("amplifiers", lambda t, held: t.columns * plan.amplifier_watt() * held,
           "vectors columns V_dd (2 g_m1 + g_m2) / (g_m/I_D) t, g_m1 = max(32/3 kT/e_n^2, 2 pi GBW C_s/3), "
           "g_m2 = 3 2 pi GBW C_s",
           f.mark_of(gm), f.sources_of(gm) + "; technology [readout]"),
        of("ADC", lambda t, _: t.columns * step, "vectors columns FoM 2^B", "derived", f.sources_of("adc_step_joule")),
        of("controllers", lambda t, _: plan.vector_clocks(t) * plan.clock_joule(),
           "vectors clocks (flops C_ck + a gates C_g) V_core^2",
           f.mark_of("gate_farad", "activity"),
           f.sources_of("control_flops", "control_gates", "flop_clock_farad", "gate_farad", "activity")),
    ]  # fmt: skip


def programming(plan: Plan, tiles: Sequence[TileWork]) -> dict[str, float]:
    """Bits, time and energy of loading every tile, one after the other, and of measuring the die once."""
    f, technology, geometry = plan.figures, plan.technology, plan.geometry
    words, clock = geometry.words, f["clock_hertz"]
    clocks = f["clocks_per_word"] * words + HEADER_WORDS + 1
    pitch = bank_pitch_um(plan.nominal_ohm, technology)
    column_farad = POLARITIES * geometry.rows * (pitch * f["wire_farad_per_um"] + f["latch_farad"])
    lines = words * WORD_BITS * column_farad * f["core_volt"] ** 2  # written and read, half of the bits each
    readings = sum(tile.cells for tile in tiles) * bank_readings(technology, plan.nominal_ohm.size)
    converters = math.ceil(sum(tile.cells for tile in tiles) / WEIGHTS)
    return {
        "switches": float(sum(2 * tile.cells for tile in tiles) * plan.nominal_ohm.size),
        "bits": float(len(tiles) * words * WORD_BITS),
        "second": len(tiles) * clocks / clock,
        "second_in_parallel": clocks / clock,
        "joule": len(tiles) * (lines + clocks * plan.clock_joule()),
        "measuring_second": readings / READINGS_PER_SECOND / converters,
    }


def _worst(marks: Iterable[str]) -> str:
    """The mark of what is computed from numbers with these marks."""
    return "assumed" if "assumed" in marks else "derived"

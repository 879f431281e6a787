"""The same network on a digital MAC array and on a ReRAM crossbar of the same node, by published component models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rsscircuit.cost.lines import Line
from rsscircuit.cost.model import Plan
from rsscircuit.cost.workload import TileWork

_OF_A_COLUMN = ("amplifiers", "ADC")  # a ReRAM crossbar needs them for every slice of a weight
_OF_A_LINE = ("word lines", "row drivers")  # in proportion to the capacitance of a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another way to compute the same.

    Attributes:
        name: What it is.
        joule_per_mac: Energy.
        um2: Area; None where the publication is of another chip.
        equation, mark, source: As of a :class:`rsscircuit.cost.lines.Line`.
    """

    name: str
    joule_per_mac: float
    um2: float | None
    equation: str
    mark: str
    source: str

    def as_record(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def rivals(
    plan: Plan,
    tiles: Sequence[TileWork],
    *,
    areas: Sequence[Line],
    energies: Sequence[Line],
    macs: float,
    inferences_per_second: float,
) -> list[Rival]:
    """The rivals at the chip's own throughput."""
    f = plan.figures
    smaller = f["node_nm"] / f["mac_node_nm"]
    scale = smaller * (f["core_volt"] / f["mac_volt"]) ** 2
    units = math.ceil(macs * inferences_per_second / f["clock_hertz"])
    weights = sum(tile.cells for tile in tiles)
    sram_um2 = weights * f["weight_bits"] * f["sram_cell_um2"] / f["sram_efficiency"]
    digital_um2 = units * f["mac_um2"] * smaller**2 + sram_um2
    scaled = "(node / 45 nm) (V_core / 0.9 V)^2"
    size = f"{units} MAC units at the same throughput, (node / 45 nm)^2, and SRAM for the weights"
    slices = math.ceil(f["weight_bits"] / f["reram_bits"])
    return [
        Rival(
            name="digital MAC array, 8 bits",
            joule_per_mac=f["mac_joule"] * scale,
            um2=digital_um2,
            equation=f"E_MAC {scaled}, no memory; {size}",
            mark=f.mark_of("mac_joule", "mac_um2", "core_volt", "sram_cell_um2", "sram_efficiency"),
            source=f.sources_of("mac_joule", "mac_um2", "core_volt", "sram_cell_um2", "sram_efficiency"),
        ),
        Rival(
            name="the same, a weight read from SRAM a MAC",
            joule_per_mac=(f["mac_joule"] + f["sram_byte_joule"]) * scale,
            um2=digital_um2,
            equation=f"(E_MAC + E_byte) {scaled}; {size}",
            mark=f.mark_of("sram_byte_joule", "core_volt", "sram_cell_um2", "sram_efficiency"),
            source=f.sources_of("mac_joule", "sram_byte_joule", "core_volt", "sram_cell_um2", "sram_efficiency"),
        ),
        Rival(
            name=f"ReRAM crossbar, {slices} slices of {f['reram_bits']:g} bits",
            joule_per_mac=_reram_joule(plan, tiles, _by_component(energies), slices) / macs,
            um2=_reram_um2(plan, tiles, _by_component(areas), slices),
            equation="array V V_dd sum x^2 G t of 2 slices a weight; amplifier and ADC a column and slice; word lines "
            "and drivers by the line's capacitance; DAC and controllers as here",
            mark="assumed",
            source=f.sources_of("reram_bits", "reram_siemens", "reram_um2"),
        ),
        Rival(
            name="PUMA, 32 nm, 16 bits, as published",
            joule_per_mac=2.0 / f["puma_operations_per_joule"],
            um2=None,
            equation="2 / (operations per joule), the whole chip, not scaled",
            mark="sourced",
            source=f.sources_of("puma_operations_per_joule"),
        ),
    ]


def reram_programming_joule(plan: Plan, tiles: Sequence[TileWork]) -> float:
    """Energy to write and verify the ReRAM rival's cells."""
    f = plan.figures
    cells = 2.0 * math.ceil(f["weight_bits"] / f["reram_bits"]) * sum(tile.cells for tile in tiles)
    return cells * f["reram_pulses"] * f["reram_pulse_joule"]


def _by_component(lines: Sequence[Line]) -> Mapping[str, float]:
    return {line.component: line.value for line in lines}


def _reram_joule(plan: Plan, tiles: Sequence[TileWork], energies: Mapping[str, float], slices: int) -> float:
    f, drive = plan.figures, plan.technology.drive
    siemens = 2.0 * slices * f["reram_siemens"]
    array = sum(
        tile.vectors * tile.mean_square_drive * tile.rows * tile.columns * siemens * plan.vector_second(tile)
        for tile in tiles
    )
    line = slices * f["wire_farad_per_um"] * math.sqrt(f["reram_um2"]) / plan.line_farad
    return (
        array * drive.read_volt * drive.supply_volt
        + slices * sum(energies[name] for name in _OF_A_COLUMN)
        + line * sum(energies[name] for name in _OF_A_LINE)
        + energies["DAC"]
        + energies["controllers"]
    )


def _reram_um2(plan: Plan, tiles: Sequence[TileWork], areas: Mapping[str, float], slices: int) -> float:
    cells = 2.0 * slices * sum(tile.rows * tile.columns for tile in tiles)
    around = sum(areas[name] for name in ("DAC", "row drivers", "controllers"))
    cell_um2 = plan.figures["reram_um2"] * (plan.figures["node_nm"] / 130.0) ** 2
    amplifiers = sum(tile.columns for tile in tiles) * plan.amplifier_um2()
    return cells * cell_um2 + around + slices * (amplifiers + areas["ADC"])

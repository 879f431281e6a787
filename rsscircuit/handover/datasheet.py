"""The datasheet: what a reader must know of one controller, made from what the controller is made from."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller.bitstream import MAGIC, VERSION, configuration_hash, frame_words
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.export import ports
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.proofs import statements
from rsscircuit.controller.registers import register_table
from rsscircuit.handover.latency import (
    CONVERSION_CLOCKS,
    Settings,
    calibration_clocks,
    edit_clocks,
    inference_clocks,
    load_clocks,
    verification_clocks,
)
from rsscircuit.handover.machines import MACHINES, diagram
from rsscircuit.handover.macro import size_um
from rsscircuit.technology.loader import Technology
from rsscircuit.templates import read, render

PICTURES = ("write_pulse", "read", "conversion", "kill")
_PARTS = {"fuses": "fuses", "calibrator": "calibration", "sequencer": "inference", "capture": "measures"}
_OF_FUSES = (FaultCode.NONE, FaultCode.CHECKSUM, FaultCode.KILLED, FaultCode.CONVERTER)


def datasheet(config: ControllerConfig, nominal_ohm: NDArray[np.float64], technology: Technology) -> str:
    """The datasheet in Markdown; its pictures are beside it, its diagrams are Mermaid's."""
    geometry = config.geometry
    width, height = size_um(geometry, nominal_ohm, technology)
    return render(
        "handover/datasheet.md",
        does=_does(config),
        tiles_text="one tile" if config.tiles == 1 else f"{config.tiles} tiles",
        rows=geometry.rows,
        columns=geometry.columns,
        branches=geometry.branches,
        switches=geometry.rows * geometry.bits_per_row,
        words=geometry.words,
        bus=config.bus,
        dac_bits=config.dac_bits,
        adc_bits=config.adc_bits,
        technology_dac_bits=f"{technology.readout.dac_bits:g}",
        technology_adc_bits=f"{technology.readout.adc_bits:g}",
        loader="fuse reader" if config.fuses else "loader",
        latches="macros at the pins array_*" if config.array == "ports" else "latches, as block memory",
        configuration=_rows((name, f"`{value}`") for name, value in _parameters(config)),
        pins=_rows((f"`{p.name}`", "output" if p.is_output else "input", p.width) for p in ports(config)),
        registers=_registers(config),
        faults=_rows((int(code), code.name) for code in FaultCode if not config.fuses or code in _OF_FUSES),
        programming=_programming(config),
        pulse="" if config.fuses else read("handover/datasheet_pulse.md"),
        proofs=_rows((f"`{each.proof}`", each.claim) for each in statements(config).values()),
        machines="\n".join(f"### {name}\n\n{diagram(name)}" for name in MACHINES if _has(config, name)),
        conversion=CONVERSION_CLOCKS,
        latencies=_latencies(config),
        measured=_measured(),
        technology=technology.name,
        macro_width=f"{width:.2f}",
        macro_height=f"{height:.2f}",
        spi_inputs=", like each pin of SPI," if config.bus == "spi" else "",
    )


def _does(config: ControllerConfig) -> str:
    """What it is there for, in a sentence."""
    parts = {
        "verifies the fuses that hold them": config.fuses,
        "loads bitstreams": not config.fuses,
        "runs vectors through the tiles": config.inference,
        "measures single branches": config.calibration,
        "programs single cells": config.editing,
        "programs a cell by a weight code of the map that was loaded for it": config.weight_map,
    }
    save = ", save by the calibrator one at a time" if config.calibration else ""
    does = ", ".join(part for part, present in parts.items() if present)
    return f"It {does}.\nIt never drives the switches of a tile that is not verified{save}."


def _programming(config: ControllerConfig) -> str:
    """What the latches get, and how it is verified."""
    geometry = config.geometry
    return render(
        f"handover/datasheet_{'fuses' if config.fuses else 'frame'}.md",
        frame_words=frame_words(geometry),
        words=geometry.words,
        branches=geometry.branches,
        magic=f"{MAGIC:08X}",
        version=VERSION,
        hash=f"{configuration_hash(geometry):08X}",
        sense_cycles=config.sense_cycles,
    )


def pictures() -> dict[str, str]:
    """The pictures of the datasheet."""
    return {f"{name}.svg": read(f"handover/pictures/{name}.svg") for name in PICTURES}


def _rows(rows: object) -> str:
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)  # type: ignore[attr-defined]


def _parameters(config: ControllerConfig) -> list[tuple[str, object]]:
    others = [(field.name, getattr(config, field.name)) for field in fields(config) if field.name != "geometry"]
    geometry = config.geometry
    return [("rows", geometry.rows), ("columns", geometry.columns), ("branches", geometry.branches), *others]


def _has(config: ControllerConfig, machine: str) -> bool:
    if machine == "loader":
        return not config.fuses
    return bool(getattr(config, _PARTS[machine])) if machine in _PARTS else True


def _registers(config: ControllerConfig) -> str:
    return _rows(
        (
            f"0x{register.address:02X}" if not place else "",
            f"`{register.name}`" if not place else "",
            f"{field.low + field.width - 1}:{field.low}" if field.width > 1 else field.low,
            f"`{field.name}`",
            field.access.value,
            f"0x{field.reset:X}",
            f"{register.text} {field.text}" if not place else field.text,
        )
        for register in register_table(config)
        for place, field in enumerate(register.fields)
    )


def _latencies(config: ControllerConfig) -> str:
    geometry, reset = config.geometry, Settings()
    rows = []
    if config.fuses:
        rows.append(("sensing, behind a reset and any kill then", "s + 2", config.sense_cycles + 2))
        rows.append(("verify a tile", "2 + 8 W", verification_clocks(geometry.words)))
    else:
        rows.append(("load and verify", "62 + W (7 + p)", load_clocks(geometry.words, reset)))
    if config.inference:
        clocks = inference_clocks(geometry.rows, geometry.columns, reset)
        rows.append(("one vector", "4 + 2 R + S + C (1 + K c)", clocks))
    if config.editing:
        rows.append(("one cell", "5 + w (83 + p)", edit_clocks(geometry.words_per_row, reset)))
    if config.calibration:
        clocks = calibration_clocks(
            geometry.rows, geometry.words_per_row, geometry.columns, reset,
            measured_rows=geometry.rows, measured_branches=config.switches_per_cell,
        )  # fmt: skip
        formula = "2 + R P + r (2 + (b + 1) (2 + S + C (1 + K c) + P)), r rows and b branches measured"
        rows.append(("calibration of the whole tile", formula, clocks))
    return _rows(rows)


def _measured() -> str:
    """The rows that tests/bench/controller.py wrote."""
    rows = json.loads(read("handover/measured.json"))
    head = (
        "| part | array | bus | synthesis | ADC bits | LUT4 | of these carry | occupied | flops | block RAM "
        "| MHz, worst of seeds | tools |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + _rows(
        (
            row["part"],
            f"{row['rows']}x{row['columns']}x2x{row['branches']}",
            row["bus"],
            f"`{row['command']}`",
            *(row[name] for name in ("adc_bits", "luts", "carry", "occupied", "flops", "block_ram")),
            f"{row['worst_megahertz']:.1f} of {row['seeds']}",
            row["tools"],
        )
        for row in rows
    )

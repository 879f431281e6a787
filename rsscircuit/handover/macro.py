"""The array macro of one tile in the views that a flow asks for: behavioural, black box, LEF and Liberty.

Its size is that of its banks and latches in the technology, without decoders, drivers and wiring; times and
capacitances in the Liberty file are assumed. Word lines and bit lines are pins that only the analogue side uses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.geometry import POLARITIES, WORD_BITS, ArrayGeometry
from rsscircuit.technology.cell import bank_pitch_um
from rsscircuit.technology.loader import Technology
from rsscircuit.templates import render

MACRO = "xbar_array"
GRID_UM = 0.01
PIN_UM = 0.3
_PIN_LAYERS = {"sky130": "met3", "gf180": "Metal3", "sg13g2": "Metal3"}
_OTHER_LAYER = "M3"
ASSUMED = {
    "clock_to_output_ns": 2.0,
    "setup_ns": 0.5,
    "hold_ns": 0.2,
    "pulse_ns": 2.0,
    "input_pf": 0.01,
    "largest_load_pf": 0.2,
}
"""Of the Liberty file: assumed, to be replaced by a characterisation."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A pin of the macro; ``direction`` is Verilog's, ``is_bus`` tells a bus of one bit from a single pin."""

    name: str
    direction: str
    width: int
    is_bus: bool


def pins(config: ControllerConfig) -> tuple[Pin, ...]:
    """The signal pins of the macro."""
    geometry = config.geometry
    sense = (Pin("sense", "input", 1, False),) if config.fuses else ()
    return (
        Pin("clk", "input", 1, False),
        Pin("row", "input", geometry.row_width, True),
        Pin("word", "input", geometry.word_width, True),
        Pin("wdata", "input", WORD_BITS, True),
        Pin("we", "input", 1, False),
        Pin("re", "input", 1, False),
        Pin("rdata", "output", WORD_BITS, True),
        *sense,
        Pin("oe", "input", 1, False),
        Pin("word_plus", "inout", geometry.rows, True),
        Pin("word_minus", "inout", geometry.rows, True),
        Pin("bit_line", "inout", geometry.columns, True),
    )


def size_um(geometry: ArrayGeometry, nominal_ohm: NDArray[np.float64], technology: Technology) -> tuple[float, float]:
    """Width and height of the macro: banks at their pitch, two word lines a row."""
    pitch = bank_pitch_um(nominal_ohm, technology)
    return _on_grid(geometry.columns * pitch), _on_grid(POLARITIES * geometry.rows * pitch)


def _on_grid(um: float) -> float:
    return math.ceil(round(um / GRID_UM, 6)) * GRID_UM


def behavioural(config: ControllerConfig) -> str:
    """The model for simulation, in Verilog-2005."""
    geometry = config.geometry
    in_last = geometry.bits_per_row - WORD_BITS * (geometry.words_per_row - 1)
    last = geometry.words - 1
    return render(
        f"handover/{MACRO}.v",
        rows=geometry.rows,
        columns=geometry.columns,
        branches=geometry.branches,
        ports=_verilog_ports(config, registered=("rdata",)),
        last_word=last,
        words_per_row=geometry.words_per_row,
        last_in_row=geometry.words_per_row - 1,
        mask=f"{(1 << in_last) - 1:08x}",
        fuse_memory=f"  reg [31:0] fuses [0:{last}];\n  integer place;\n" if config.fuses else "",
        write=_SENSED.format(last=last) if config.fuses else _WRITTEN,
    )


_WRITTEN = """  always @(we or address or wdata)
    if (we) latches[address] <= wdata & present;

  always @(row or word or wdata)
    if (we === 1'b1) begin
      violations = violations + 1;
      $display("%m: address or data change while we is high");
    end
"""
_SENSED = """  always @(posedge sense)
    for (place = 0; place <= {last}; place = place + 1) latches[place] = fuses[place];

  always @(posedge we) begin
    violations = violations + 1;
    $display("%m: fuses are not written");
  end
"""


def black_box(config: ControllerConfig) -> str:
    """The empty module for synthesis."""
    return (
        f"// Black box of the array macro, for synthesis; its model is {MACRO}.v.\n"
        f"(* blackbox *)\nmodule {MACRO} (\n{_verilog_ports(config)}\n);\nendmodule\n"
    )


def _verilog_ports(config: ControllerConfig, registered: tuple[str, ...] = ()) -> str:
    def declared(pin: Pin) -> str:
        kind = "reg" if pin.name in registered else "wire"
        bits = f" [{pin.width - 1}:0]" if pin.is_bus else ""
        return f"    {pin.direction} {kind}{bits} {pin.name}"

    return ",\n".join(declared(pin) for pin in pins(config))


def lef(config: ControllerConfig, nominal_ohm: NDArray[np.float64], technology: Technology) -> str:
    """The abstract in LEF 5.8: outline, pins along the edges, everything else an obstruction."""
    width, height = size_um(config.geometry, nominal_ohm, technology)
    layer = next((layer for start, layer in _PIN_LAYERS.items() if technology.name.startswith(start)), _OTHER_LAYER)
    signals, supplies = "", ""
    digital = [bit for pin in pins(config) if pin.direction != "inout" for bit in _bits(pin)]
    edges = [(name, direction, 0.0, height * (i + 0.5) / len(digital)) for i, (name, direction) in enumerate(digital)]
    for pin in pins(config):
        if pin.name == "bit_line":
            edges += [(name, "INOUT", width * (i + 0.5) / pin.width, 0.0) for i, (name, _) in enumerate(_bits(pin))]
        elif pin.direction == "inout":
            upper = 0.75 if pin.name == "word_plus" else 0.25
            edges += [
                (name, "INOUT", width - PIN_UM, height * (i + upper) / pin.width)
                for i, (name, _) in enumerate(_bits(pin))
            ]
    for name, direction, x, y in edges:
        use = "CLOCK" if name == "clk" else "ANALOG" if direction == "INOUT" else "SIGNAL"
        signals += _lef_pin(name, direction, use, layer, (x, y, x + PIN_UM, y + PIN_UM))
    for name, use, x in (("VDD", "POWER", width / 3), ("VSS", "GROUND", 2 * width / 3)):
        supplies += _lef_pin(name, "INOUT", use, layer, (x, height - PIN_UM, x + PIN_UM, height))
    inner = f"{2 * PIN_UM:.3f} {2 * PIN_UM:.3f} {width - 2 * PIN_UM:.3f} {height - 2 * PIN_UM:.3f}"
    return (
        'VERSION 5.8 ;\nBUSBITCHARS "[]" ;\nDIVIDERCHAR "/" ;\n'
        f"# Size: banks and latches of {technology.name} at their pitch (derived),\n"
        "# without decoders, drivers and wiring.\n"
        f"# Pin places are evenly spread (assumed); layer {layer}.\n"
        "UNITS\n  DATABASE MICRONS 1000 ;\nEND UNITS\n\n"
        f"MACRO {MACRO}\n  CLASS BLOCK ;\n  FOREIGN {MACRO} 0 0 ;\n  ORIGIN 0 0 ;\n"
        f"  SIZE {width:.2f} BY {height:.2f} ;\n"
        f"  SYMMETRY X Y R90 ;\n{signals}{supplies}"
        f"  OBS\n    LAYER {layer} ;\n      RECT {inner} ;\n  END\nEND {MACRO}\n\nEND LIBRARY\n"
    )


def _bits(pin: Pin) -> list[tuple[str, str]]:
    names = [f"{pin.name}[{bit}]" for bit in range(pin.width)] if pin.is_bus else [pin.name]
    return [(name, pin.direction.upper()) for name in names]


def _lef_pin(name: str, direction: str, use: str, layer: str, box: tuple[float, float, float, float]) -> str:
    corners = " ".join(f"{corner:.3f}" for corner in box)
    return (
        f"  PIN {name}\n    DIRECTION {direction} ;\n    USE {use} ;\n    PORT\n      LAYER {layer} ;\n"
        f"        RECT {corners} ;\n    END\n  END {name}\n"
    )


def liberty(config: ControllerConfig, nominal_ohm: NDArray[np.float64], technology: Technology) -> str:
    """The macro in Liberty: area, pins, and one value a timing arc."""
    width, height = size_um(config.geometry, nominal_ohm, technology)
    types = "".join(
        f"  type (bus{bits}) {{\n    base_type : array;\n    data_type : bit;\n    bit_width : {bits};\n"
        f"    bit_from : {bits - 1};\n    bit_to : 0;\n  }}\n"
        for bits in sorted({pin.width for pin in pins(config) if pin.is_bus})
    )
    groups = "".join(_liberty_pin(pin) for pin in pins(config))
    supplies = "".join(
        f"    pg_pin ({name}) {{\n      voltage_name : {name};\n      pg_type : {kind};\n    }}\n"
        for name, kind in (("VDD", "primary_power"), ("VSS", "primary_ground"))
    )
    return (
        f"/* Area: banks and latches of {technology.name} (derived), without decoders, drivers and wiring.\n"
        "   Times and capacitances are assumed; replace them by a characterisation. */\n"
        f'library ({MACRO}_assumed) {{\n  delay_model : table_lookup;\n  time_unit : "1ns";\n'
        '  voltage_unit : "1V";\n  current_unit : "1mA";\n  pulling_resistance_unit : "1kohm";\n'
        '  leakage_power_unit : "1nW";\n  capacitive_load_unit (1, pf);\n  bus_naming_style : "%s[%d]";\n'
        "  nom_process : 1.0;\n  nom_temperature : 27.0;\n  nom_voltage : 1.8;\n"
        "  voltage_map (VDD, 1.8);\n  voltage_map (VSS, 0.0);\n"
        "  input_threshold_pct_rise : 50;\n  input_threshold_pct_fall : 50;\n"
        "  output_threshold_pct_rise : 50;\n  output_threshold_pct_fall : 50;\n"
        "  slew_lower_threshold_pct_rise : 20;\n  slew_lower_threshold_pct_fall : 20;\n"
        "  slew_upper_threshold_pct_rise : 80;\n  slew_upper_threshold_pct_fall : 80;\n"
        f"{types}  cell ({MACRO}) {{\n    area : {width * height:.2f};\n    is_macro_cell : true;\n"
        f"    dont_touch : true;\n    dont_use : true;\n    interface_timing : true;\n{supplies}{groups}  }}\n}}\n"
    )


def _liberty_pin(pin: Pin) -> str:
    kind = "bus" if pin.is_bus else "pin"
    bus_type = f"      bus_type : bus{pin.width};\n" if pin.is_bus else ""
    lines = f"    {kind} ({pin.name}) {{\n{bus_type}      direction : {pin.direction};\n"
    if pin.direction == "input":
        lines += f"      capacitance : {ASSUMED['input_pf']};\n"
    if pin.name == "clk":
        lines += "      clock : true;\n"
    if pin.direction == "output":
        lines += f"      max_capacitance : {ASSUMED['largest_load_pf']};\n"
        lines += _arc("clk", "rising_edge", ("cell_rise", "cell_fall"), "clock_to_output_ns", slews=True)
    if pin.name in ("row", "word", "re"):
        lines += _constraints("clk", "rising")
    if pin.name in ("row", "word", "wdata"):
        lines += _arc("we", "setup_rising" if pin.name != "wdata" else "setup_falling", _BOTH, "setup_ns")
        lines += _arc("we", "hold_falling", _BOTH, "hold_ns")
    if pin.name in ("we", "sense"):
        lines += f"      min_pulse_width_high : {ASSUMED['pulse_ns']};\n"
    return lines + "    }\n"


_BOTH = ("rise_constraint", "fall_constraint")


def _constraints(related: str, edge: str) -> str:
    return _arc(related, f"setup_{edge}", _BOTH, "setup_ns") + _arc(related, f"hold_{edge}", _BOTH, "hold_ns")


def _arc(related: str, kind: str, tables: tuple[str, str], name: str, *, slews: bool = False) -> str:
    values = "".join(f'        {table} (scalar) {{ values ("{ASSUMED[name]}"); }}\n' for table in tables)
    if slews:
        values += "".join(
            f'        {table} (scalar) {{ values ("0.1"); }}\n' for table in ("rise_transition", "fall_transition")
        )
    return f'      timing () {{\n        related_pin : "{related}";\n        timing_type : {kind};\n{values}      }}\n'

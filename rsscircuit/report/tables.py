"""Results as tables for people."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rsscircuit.design.statistics import FloorOrigin
from rsscircuit.quantities import engineering
from rsscircuit.technology import Technology

PIPE_WIDTH = 160
NOTES = 3  # of a layer that are printed


def _console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for any table where it is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def print_lines(lines: Iterable[str]) -> None:
    """Plain lines on standard output, as they are."""
    console = _console()
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> None:
    """A table on standard output; the first ``left`` columns are text, the others numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for position, head in enumerate(heads):
        table.add_column(head, justify="left" if position < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _console().print(table)


def percent(fraction: float, digits: int = 3) -> str:
    """``0.0123`` as ``1.23 %``."""
    return f"{100 * fraction:.{digits}g} %"


def show_layers(record: Mapping[str, Any], seconds: Mapping[str, str]) -> None:
    """What was drawn for every layer, and how well it was programmed."""
    drawn, programmed = [], []
    for layer in record["layers"]:
        figures = layer["statistics"]
        drawn.append(
            (
                layer["name"],
                f"{layer['rows']} x {layer['columns']}",
                str(layer["tiles"]),
                str(figures["cells"]),
                str(figures["resistors"]),
                str(figures["zero_weights"]),
            )
        )
        programmed.append(
            (
                layer["name"],
                percent(figures["rms_weight_error"]),
                percent(figures["worst_weight_error"]),
                str(figures["beyond_reach"]),
                str(figures["beyond_tolerance"]),
                floor_of(figures),
                ", ".join(figures["solvers"]),
                seconds.get(layer["label"], "-"),
            )
        )
    print_table(("layer", "matrix", "tiles", "cells", "resistors", "zero weights"), drawn)
    heads = (
        "layer", "rms\nerror", "worst\nerror", "out of\nreach", "out of\ntol.", "measurement\nfloor", "solver", "time",
    )  # fmt: skip
    print_table(heads, programmed)
    print_lines(
        [
            f"errors of the {_judged(record)} die's weights: rms over the rms weight, worst over the largest; bias",
            "rows apart; out of reach or tolerance: cells whose target no subset of their pair meets, as measured",
            *floor_lines(record),
            "",
        ]
    )


def floor_of(figures: Mapping[str, Any]) -> str:
    """The measurement floor of a layer, where one is known."""
    return percent(figures["measurement_floor"]) if "measurement_floor" in figures else "-"


def floor_lines(record: Mapping[str, Any]) -> list[str]:
    """What the measurement floors of a record are, where there are any."""
    origins = dict.fromkeys(layer["statistics"].get("measurement_floor_from") for layer in record["layers"])
    return [f"measurement floor: rms of {_FLOORS[origin]}, over the layer's full scale" for origin in origins if origin]


_FLOORS = {
    FloorOrigin.TRUE_VALUES: "a pair's true minus measured conductance",
    FloorOrigin.STANDARD_ERRORS: "what the table's standard errors make of a pair",
}


def _judged(record: Mapping[str, Any]) -> str:
    """Which die errors are told of: that of a measured table is known by its measurement only."""
    return "measured" if record["die"]["kind"] == "measured" else "true"


def design_lines(record: Mapping[str, Any], technology: Technology) -> list[str]:
    """What a design is, in a few lines."""
    summary, bank, options = record["summary"], record["bank"], record["options"]
    first = record["layers"][0]
    solvers: dict[str, str] = {}
    for layer in record["layers"]:
        solvers = layer["statistics"]["solvers"] | solvers
    rows, columns = options["tile"]
    unit = engineering(technology.resistor.unit_ohm, "Ohm")
    tolerance, full_scale = first["rules"]["tolerance_siemens"], first["full_scale_siemens"]
    facts = {
        "network": f"{record['model']['file']}, {len(record['layers'])} crossbar layers",
        "tiles": f"{summary['tiles']} of at most {rows} x {columns}",
        "technology": f"{technology.label}: {technology.title}",
        "bank": f"{bank['resistors']} resistors, {bank['plan']}, the smallest {unit}; a pair a cell",
        "input range": summary["input_range"],
        "variation": options["variation"],
        "effects": "" if options.get("effects", "all") == "all" else options["effects"],
        "tolerance": f"{_tolerance(options, technology)}: {engineering(tolerance, 'S')} of "
        f"{engineering(full_scale, 'S')} in layer {first['name']}",
        "objective": _objective(options),
        "corners": options["corners"] or "",
        **fixing_facts(record),
        "ageing": _ageing(record, technology),
        "  instead of": _ageing_saved(record),
        "solver": "; ".join(f"{name} ({reason})" for name, reason in solvers.items()),
        "resistors": f"{summary['resistors']} in {summary['cells']} cells; {summary['zero_weights']} zero weights "
        f"saved {summary['resistors_saved']} resistors and switches",
    }
    lines = [f"{name:<13}{fact}" for name, fact in facts.items() if fact]
    return [*lines, *note_lines(record)]


def fixing_facts(record: Mapping[str, Any]) -> dict[str, str]:
    """What compensation, joint columns and digital correction did, layer by layer; only those that were asked for."""
    facts = {}
    for key, (name, words) in _FIXED.items():
        found = [(layer["name"], layer["statistics"][key]) for layer in record["layers"] if key in layer["statistics"]]
        if found:
            parts = (f"{layer} {percent(each['before'], 2)} to {percent(each['after'], 2)}" for layer, each in found)
            facts[name] = f"{', '.join(parts)}: {words}"
    return facts


_FIXED = {
    "ir_drop": ("IR drop", "rms error over rms output of the columns with wires, by measured banks"),
    "joint_columns": ("columns", "rms error over rms output on the calibration inputs, by measured banks"),
    "correction": ("correction", "rms error over rms output of the chip's layers, on inputs that were not fitted"),
}


def note_lines(record: Mapping[str, Any]) -> list[str]:
    """Cells that miss their targets, the first of them named, and the notes of every layer."""
    lines = []
    for layer in record["layers"]:
        figures = layer["statistics"]
        for key, words in (("beyond_reach", "out of reach"), ("beyond_tolerance", "out of tolerance")):
            if figures[key]:
                named = figures.get(f"{key}_named", [])
                lines.append(f"{words} in {layer['name']}: {figures[key]} {'cell' if figures[key] == 1 else 'cells'}")
                lines += [f"  {miss}" for miss in named[:NOTES]]
        lines += [f"note on {layer['name']}: {note}" for note in figures["notes"][:NOTES]]
        if len(figures["notes"]) > NOTES:
            lines.append(f"note on {layer['name']}: {len(figures['notes']) - NOTES} more, see design.json")
    return lines


def _tolerance(options: Mapping[str, Any], technology: Technology) -> str:
    if options["tolerance"] == "adc":
        bits = technology.readout.adc_bits if options["adc_bits"] is None else options["adc_bits"]
        return f"half a step of an ADC of {bits:g} bits"
    return f"{options['tolerance']:g} of full scale"


def _ageing(record: Mapping[str, Any], technology: Technology) -> str:
    """What the drift of the resistors is expected to come to; empty where they do not drift."""
    key = "resistor.sigma_ageing_ten_years"
    sigma, mark = technology.resistor.sigma_ageing_ten_years, technology.provenance[key].mark
    of_each = ", ".join(_of_layer(layer, "ten_years") for layer in record["layers"])
    expected = f"expected rms of a pair after ten years, {percent(sigma)} ({mark}) a resistor"
    return f"{of_each} of full scale: {expected}" if sigma else ""


def _ageing_saved(record: Mapping[str, Any]) -> str:
    """What it would have come to with the least total conductance; empty where that was asked for."""
    if record["options"]["objective"] != "least-ageing" or not record["options"]["tolerance"]:
        return ""
    of_each = ", ".join(_of_layer(layer, "ten_years_least_total") for layer in record["layers"])
    every = [layer["statistics"]["ageing"] for layer in record["layers"]]
    shares = ", ".join(f"{figures['total_least_total'] / (figures['total'] or 1.0):.3f}" for figures in every)
    return f"{of_each} with the least total conductance, which is {shares} of this one's"


def _of_layer(layer: Mapping[str, Any], figure: str) -> str:
    return f"{layer['name']} {percent(layer['statistics']['ageing'][figure], 2)}"


def _objective(options: Mapping[str, Any]) -> str:
    names = {
        "least-total": "least total conductance within the tolerance",
        "least-ageing": "least expected ageing within the tolerance",
        "fewest": "fewest closed switches within the tolerance",
        "any": "any subset within the tolerance",
    }
    parts = [names[options["objective"]] if options["tolerance"] else "nearest"]
    if options["most_closed"] is not None:
        parts.append(f"at most {options['most_closed']} closed a pair")
    if options["most_total"] is not None:
        parts.append(f"at most {options['most_total']:g} of full scale in total a pair")
    if options["stuck"]:
        parts.append(f"stuck switches of {options['stuck']}")
    return ", ".join(parts)


def show_technology(technology: Technology, text: str) -> None:
    """Every entry of a technology with its mark and source, below what its file says first."""
    comments = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    print_lines([f"{technology.label}: {technology.title}", "", *(line[1:].strip() for line in comments)])
    rows = []
    for where, provenance in technology.provenance.items():
        section, key = where.split(".")
        value = getattr(getattr(technology, section), key)
        rows.append((where, value if isinstance(value, str) else f"{value:g}", provenance.mark, provenance.source))
    rows.append(("bank", f"{technology.plan}, {technology.resistors}", "", "what `build` draws by default"))
    print_table(("entry", "value", "mark", "source"), rows, left=4)


def wiring(result: Mapping[str, Any]) -> str:
    """Whether a result includes the lines of the array, in words."""
    return "with wires and leakage" if result["wires"] else "ideal wires, no leakage"

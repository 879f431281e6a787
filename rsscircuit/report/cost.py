"""The cost of a design as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rsscircuit.quantities import engineering
from rsscircuit.report.tables import percent, print_lines, print_table

_UM2_PER_MM2 = 1e6


def show_cost(result: Mapping[str, Any], *, layers: bool = False, sources: bool = False) -> None:
    """Components, time, programming and rivals; layer by layer, and with equations and sources, where asked for."""
    names = [layer["layer"] for layer in result["layers"]]
    _show_components("area", result["area"], _area, [*names, "chip"] if layers else [])
    _show_components("energy", result["energy"], _joule, names if layers else [], macs=result["macs"])
    if sources:
        for part in ("area", "energy"):
            rows = [
                (line["component"], line["mark"], line["equation"], line["source"]) for line in result[part]["lines"]
            ]
            print_table((part, "mark", "equation", "source"), rows, left=4)
    _show_times(result)
    _show_rivals(result)
    print_lines(_summary(result))


def _area(value: float) -> str:
    return f"{value / _UM2_PER_MM2:.4g} mm2"


def _joule(value: float) -> str:
    return engineering(value, "J")


def _show_components(
    title: str, part: Mapping[str, Any], shown: Callable[[float], str], names: list[str], *, macs: float | None = None
) -> None:
    """A part's lines and their sum; energies by MAC as well."""
    total = part["total"]

    def row(name: str, value: float, mark: str, by_layer: Mapping[str, float]) -> tuple[str, ...]:
        by_mac = () if macs is None else (shown(value / macs),)
        cells = (shown(by_layer[layer]) if layer in by_layer else "" for layer in names)
        return (name, shown(value), *by_mac, percent(value / total), mark, *cells)

    rows = [row(line["component"], line["value"], line["mark"], line["by_layer"]) for line in part["lines"]]
    sums = {layer: sum(line["by_layer"].get(layer, 0.0) for line in part["lines"]) for layer in names}
    rows.append(row("total", total, "", sums))
    heads = ("",) if macs is None else ("an inference", "a MAC")
    print_table((title, *heads, "share", "mark", *names), rows)


def _show_times(result: Mapping[str, Any]) -> None:
    rows = [
        (
            each["layer"],
            str(each["tiles"]),
            f"{each['vectors']:g}",
            engineering(each["settle_second"], "s"),
            engineering(each["convert_second"], "s"),
            engineering(each["sequence_second"], "s"),
            str(each["vector_clocks"]),
            engineering(each["second"], "s"),
        )
        for each in result["layers"]
        if each["tiles"]
    ]
    print_table(
        ("layer", "tiles", "vectors", "settling", "conversion", "sequencing", "clocks\na vector", "in all"), rows
    )


def _show_rivals(result: Mapping[str, Any]) -> None:
    rows = [("this design", _joule(result["joule_per_mac"]), _area(result["area"]["total"]), "assumed")]
    for each in result["rivals"]:
        size = "-" if each["um2"] is None else _area(each["um2"])
        rows.append((each["name"], _joule(each["joule_per_mac"]), size, each["mark"]))
    print_table((f"at {result['node_nm']:g} nm", "energy a MAC", "area", "mark"), rows)


def _summary(result: Mapping[str, Any]) -> list[str]:
    programming, energy = result["programming"], result["energy"]["total"]
    clock = result["figures"]["clock_hertz"]["value"]
    return [
        f"{result['technology']}, {result['tiles']} tiles, {result['macs']:.4g} MACs an inference; drives: "
        f"{result['drives']}",
        f"latency {engineering(result['latency_second'], 's')}; {result['inferences_per_second']:.4g} inferences/s, "
        f"with layers on successive inputs; clock {engineering(clock, 'Hz')}",
        f"were rows and amplifiers off while codes move: {_joule(result['gated_joule'])} an inference instead of "
        f"{_joule(energy)} (the emitted controller does not switch them)",
        f"programming: {programming['bits']:.4g} bits in frames, {programming['switches']:.4g} switches; "
        f"{engineering(programming['second'], 's')} tile after tile "
        f"({engineering(programming['second_in_parallel'], 's')} side by side), {_joule(programming['joule'])}; "
        f"the ReRAM rival {_joule(programming['reram_joule'])}",
        f"measuring the die once: {engineering(programming['measuring_second'], 's')}",
        "not in it: host and its bus, activations' memory, adding up row tiles, references, pads, routing, idle tiles",
        "component models, not layouts: most figures around the array are assumed; --sources tells which",
    ]

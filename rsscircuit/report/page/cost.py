"""What the design takes: area, energy, time and programming, beside what else could be built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rsscircuit.report.page.drawing import INK, SERIES, draw
from rsscircuit.report.page.facts import Facts, Result
from rsscircuit.report.page.section import Figure, Mark, Section, Table
from rsscircuit.report.page.words import count, plain, quantity, share, square

_UNITS = {"area": (1e-6, "mm²"), "energy": (1e6, "µJ")}


def cost(facts: Facts) -> Section:
    """The section."""
    found = facts.result("cost")
    if found is None:
        return Section(
            anchor="cost",
            title="Cost",
            lead=f"What the design takes cannot be told: {facts.why['cost']}.",
        )
    area, energy, programming = found["area"], found["energy"], found["programming"]
    most_area, most_energy = (max(part["lines"], key=lambda line: float(line["value"])) for part in (area, energy))
    return Section(
        anchor="cost",
        title="Cost",
        lead=f"The tiles take {square(area['total'])}, of which {most_area['component']} "
        f"{share(most_area['value'] / area['total'])}; an inference takes {quantity(energy['total'], 'J')}, of which "
        f"{most_energy['component']} {share(most_energy['value'] / energy['total'])}, and "
        f"{quantity(found['latency_second'], 's')}.",
        prose=[
            f"{count(found['macs'], 'MAC')} an inference at "
            f"{quantity(found['joule_per_mac'], 'J')}{_beside(found)}; drives: {found['drives']}. These "
            "are component models, not layouts: a line is assumed if any number in it is. Not in it: host and bus, the "
            "memory of activations, adding up row tiles, references, pads and routing.",
            f"Programming takes {count(programming['bits'], 'bit')} in {quantity(programming['second'], 's')} "
            f"tile after "
            f"tile ({quantity(programming['second_in_parallel'], 's')} side by side) and "
            f"{quantity(programming['joule'], 'J')}; measuring the die once "
            f"{quantity(programming['measuring_second'], 's')}.",
        ],
        figures=[_figure(found, part) for part in ("area", "energy")],
        tables=[
            _components(found, "area", square),
            _components(found, "energy", lambda value: quantity(value, "J")),
            _times(found),
            _rivals(found),
        ],
    )


def _beside(result: Result) -> str:
    """The nearest rival, in a few words."""
    rival = min(result["rivals"], key=lambda each: float(each["joule_per_mac"]), default=None)
    return "" if rival is None else f" beside {quantity(rival['joule_per_mac'], 'J')} of {rival['name']}"


def _figure(result: Result, part: str) -> Figure:
    lines = sorted((line for line in result[part]["lines"] if line["value"] > 0), key=lambda line: line["value"])
    scale, unit = _UNITS[part]
    total = result[part]["total"]

    def fill(figure: Any) -> None:
        axes = figure.subplots()
        colours = [SERIES[1] if line["mark"] == "assumed" else SERIES[0] for line in lines]
        bars = axes.barh(range(len(lines)), [scale * line["value"] for line in lines], color=colours, height=0.7)
        axes.bar_label(bars, [share(line["value"] / total, 2) for line in lines], padding=3, color=INK, fontsize=8.5)
        axes.set_yticks(range(len(lines)), [line["component"] for line in lines])
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel=f"{part}, {unit}")
        axes.margins(x=0.18)

    alt = f"{part.capitalize()} by component, {plain(scale * total)} {unit} in all; {lines[-1]['component']} takes most"
    rows = [(line["component"], line["value"], line["mark"]) for line in reversed(lines)]
    return Figure(
        name=f"cost-{part}",
        title=f"{part.capitalize()} by component",
        caption="Blue: derived from sourced figures. Orange: some figure is assumed.",
        alt=alt,
        mark=Mark.ASSUMED,
        drawing=draw(
            f"cost-{part}",
            alt,
            (4.8, 0.75 + 0.24 * len(lines)),
            fill,
            ("component", result[part]["unit"], "mark"),
            rows,
        ),
    )


def _components(result: Result, part: str, shown: Callable[[float], str]) -> Table:
    total = result[part]["total"]
    rows = [
        (line["component"], shown(line["value"]), share(line["value"] / total), line["mark"], line["equation"])
        for line in result[part]["lines"]
    ]
    rows.append(("total", shown(total), "100 %", "", ""))
    title = "Area" if part == "area" else "Energy an inference"
    return Table(title=title, heads=("component", part, "share", "mark", "equation"), rows=rows, trailing=2)


def _times(result: Result) -> Table:
    rows = [
        (
            each["layer"],
            count(each["tiles"]),
            plain(each["vectors"]),
            *(quantity(each[key], "s") for key in ("settle_second", "convert_second", "sequence_second")),
            quantity(each["second"], "s"),
        )
        for each in result["layers"]
        if each["tiles"]
    ]
    heads = ("layer", "tiles", "vectors", "settling", "conversion", "sequencing", "in all")
    clock = result["figures"]["clock_hertz"]
    note = (
        f"Of a vector, and in all of an inference; clock {quantity(clock['value'], 'Hz')} ({clock['mark']}). "
        f"{plain(result['inferences_per_second'])} inferences a second, with layers at work on successive inputs."
    )
    return Table(title="Time", heads=heads, rows=rows, mark=Mark.ASSUMED, note=note)


def _rivals(result: Result) -> Table:
    rows = [_rival("this design", result["joule_per_mac"], result["area"]["total"], "assumed")]
    rows += [_rival(each["name"], each["joule_per_mac"], each["um2"], each["mark"]) for each in result["rivals"]]
    title = f"Beside others at {result['node_nm']:g} nm"
    return Table(title=title, heads=("", "energy a MAC", "area", "mark"), rows=rows, trailing=1)


def _rival(name: str, joule: float, um2: float | None, mark: str) -> tuple[str, ...]:
    return name, quantity(joule, "J"), "–" if um2 is None else square(um2), mark

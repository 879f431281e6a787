"""What the resistance of the lines takes: the busiest tile of every layer by the nodal solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rsscircuit.design import MappedLayer
from rsscircuit.mapping import Tile
from rsscircuit.report.page.drawing import INK, colours_of, draw, matrix_rows, picture_of
from rsscircuit.report.page.facts import Array, Facts
from rsscircuit.report.page.section import Figure, Mark, Section, Table, parted
from rsscircuit.report.page.words import count, quantity, share
from rsscircuit.simulate.nodal import WiredArray, effective_siemens, solve

MAP_COLOURS = "viridis"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drop:
    """One tile with its wires.

    Attributes:
        layer: Its layer.
        tile: Which tile.
        drop: [rows, cols], the larger share of the read voltage that the two banks of a cell miss, every row at full
            drive.
        off_by: [rows, cols], what the wires take off every cell's conductance, over full scale.
    """

    layer: MappedLayer
    tile: Tile
    drop: Array
    off_by: Array


def wires(facts: Facts) -> Section:
    """The section."""
    segments = facts.design.segments
    if not (segments.word_ohm or segments.bit_ohm):
        return Section(
            anchor="wires",
            title="Wires",
            lead=f"Lines have no resistance in {facts.record['technology']} as it was built, so no voltage is lost.",
        )
    drops = [drop for layer in facts.design.layers if (drop := drop_of(facts, layer)) is not None]
    worst = max(drops, key=lambda each: float(each.drop.max()))
    off_by = max(drops, key=lambda each: float(np.abs(each.off_by).max()))
    maps = [_map(each, facts.design.technology.drive.read_volt) for each in drops]
    shown, folded = parted(maps, [float(each.drop.max()) for each in drops])
    return Section(
        anchor="wires",
        title="Wires",
        lead=f"At full drive of every row the lines take up to {share(float(worst.drop.max()))} of the read "
        f"voltage from a bank, in layer {worst.layer.name}, tile {worst.tile.index}; the effective conductance of "
        f"a cell is off by up to "
        f"{share(float(np.abs(off_by.off_by).max()))} of full scale ({off_by.layer.name}, tile {off_by.tile.index}).",
        prose=[
            f"The tile of each layer whose banks conduct most; {quantity(segments.word_ohm, 'Ohm')} a segment "
            f"of a word "
            f"line and {quantity(segments.bit_ohm, 'Ohm')} of a bit line. Rows are driven from the left, "
            f"columns end in "
            "their virtual grounds at the bottom. Full drive of every row at once is worse than images are: what the "
            "wires cost on data is in the attribution."
        ],
        figures=shown,
        folded=folded,
        tables=[_table(drops)],
    )


def drop_of(facts: Facts, layer: MappedLayer) -> Drop | None:
    """The busiest tile of a layer with its wires, None where it has none."""
    chosen = facts.busiest(layer)
    if chosen is None:
        return None
    tile, crossbar = chosen
    segments, banks = facts.design.segments, crossbar.bank_siemens() + crossbar.leak_siemens()
    rows, columns, _ = banks.shape
    lines = banks.transpose(0, 2, 1).reshape(2 * rows, columns)
    array = WiredArray(siemens=lines, word_ohm=segments.word_ohm, bit_ohm=segments.bit_ohm)
    drives = np.tile([1.0, -1.0], rows)[None]
    where = f"layer {layer.name}, tile {tile.index}"
    found = solve(array, drives, nodes=True, where=where)
    across = (np.asarray(found.word_volts) - np.asarray(found.bit_volts))[0] * drives[0][:, None]
    missing = (1.0 - across).reshape(rows, 2, columns).max(axis=1)
    off_by = effective_siemens(banks, segments.word_ohm, segments.bit_ohm, where=where) - (
        banks[:, :, 0] - banks[:, :, 1]
    )
    return Drop(layer=layer, tile=tile, drop=missing, off_by=off_by / layer.full_scale_siemens)


def _map(each: Drop, read_volt: float) -> Figure:
    rows, columns = each.drop.shape
    scale = float(each.drop.max()) or 1.0
    pixels = picture_of((2.0 * each.drop / scale - 1.0), 1.0, MAP_COLOURS, levels=32)
    width, height = _inches(rows, columns)

    def fill(figure: Any) -> None:
        axes = figure.subplots()
        axes.imshow(pixels, interpolation="none", extent=(0, columns, rows, 0), aspect="auto")
        axes.set(xlabel="column", ylabel="row")
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_major_locator().set_params(integer=True, nbins=5)
        colours, label = colours_of(0.0, 100.0 * scale, MAP_COLOURS), "missing, % of the read voltage"
        bar = figure.colorbar(colours, ax=axes, label=label, shrink=0.9, aspect=16)
        bar.outline.set_edgecolor(INK)
        bar.ax.tick_params(color=INK)

    name = f"ir-drop-{each.layer.label.replace('_', '-')}"
    worst = np.unravel_index(int(each.drop.argmax()), each.drop.shape)
    where = f"row {worst[0]}, column {worst[1]}"
    alt = f"IR drop of layer {each.layer.name}, tile {each.tile.index}: up to {share(scale)} missing, at {where}"
    return Figure(
        name=name,
        title=f"IR drop in layer {each.layer.name}, tile {each.tile.index}",
        caption=f"Most at {where}: {quantity(scale * read_volt, 'V')} of {quantity(read_volt, 'V')}. Every row at full "
        "drive; of the two banks of a cell the one that misses more.",
        alt=alt,
        mark=Mark.SIMULATED,
        drawing=draw(
            name, alt, (width, height), fill, [f"column_{column}" for column in range(columns)], matrix_rows(each.drop)
        ),
    )


def _inches(rows: int, columns: int) -> tuple[float, float]:
    """A width that fits a phone, and a height in proportion within reason."""
    return 3.6, min(2.9, max(1.6, 2.3 * rows / columns + 0.6))


def _table(drops: list[Drop]) -> Table:
    rows = [
        (
            f"{each.layer.name} {each.tile.index}",
            f"{each.tile.rows} × {each.tile.columns}",
            share(float(each.drop.max())),
            share(float(each.drop.mean())),
            share(float(np.sqrt((each.off_by**2).mean()))),
            share(float(np.abs(each.off_by).max())),
        )
        for each in drops
    ]
    heads = ("tile", "rows × columns", "most missing", "mean missing", "conductance off by, rms", "most")
    note = f"Missing: of the read voltage at full drive. Conductance: of {count(len(drops), 'tile')}, over full scale."
    return Table(title="What the wires take", heads=heads, rows=rows, mark=Mark.SIMULATED, note=note)

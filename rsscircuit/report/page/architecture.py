"""The network on its crossbars: layers from left to right, each as its grid of tiles, to one scale.

What stands in the drawing is a crossbar layer, or a place where values meet (a sum, a concatenation); every other
digital step is a word under the arrow. The row breaks where the page ends, at a meeting place if there is one near, and
goes on from a dot below. A value that skips what is drawn beside it runs below as a bracket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rsscircuit.design import MappedLayer
from rsscircuit.network import Network
from rsscircuit.report.page.drawing import FAINT, INK, PAPER, SERIES, draw
from rsscircuit.report.page.facts import Facts
from rsscircuit.report.page.section import Figure, Mark, Section, Table
from rsscircuit.report.page.words import count, share

POINTS_A_TILE = 15.0  # side of the largest tile, where all fit
TALLEST, LEAST = 215.0, 5.0  # of a grid
WIDTH = 470.0  # of a row of the drawing
GAP = 46.0  # between two grids, for an arrow
LABEL_WIDTH = 5.2  # of a letter
MOST_TILES = 400  # of a grid drawn tile by tile
SILENT = {"Flatten", "Reshape", "Identity", "Dropout", "Constant", "Squeeze", "Unsqueeze"}


@dataclass(slots=True)
class _Stop:
    """Something that stands in the drawing.

    Attributes:
        name: Of its layer in the network.
        layer: The crossbar layer, None for a place where values meet or the network's input.
        wide, tall: Size of its grid, points.
        sources: Names of the stops whose values it takes, each with the digital steps in between.
        x, row: Where it stands: its left edge, and the row of the drawing.
    """

    name: str
    layer: MappedLayer | None
    word: str = ""
    wide: float = 12.0
    tall: float = 12.0
    sources: dict[str, list[str]] = field(default_factory=dict)
    x: float = 0.0
    row: int = 0

    @property
    def taken(self) -> float:
        """Width with its name."""
        return max(self.wide, LABEL_WIDTH * max(map(len, _labels(self.layer))) if self.layer else 0.0)

    @property
    def middle(self) -> float:
        """Its middle across."""
        return self.x + self.taken / 2


def architecture(facts: Facts) -> Section:
    """The section."""
    design, summary = facts.design, facts.record["summary"]
    rows, columns = (facts.record["controller"][side] for side in ("rows", "columns"))
    places = summary["tiles"] * rows * columns
    used = summary["cells"] / places if places else 0.0
    dacs, adcs = (sum(converters(layer)[k] for layer in design.layers) for k in (0, 1))
    return Section(
        anchor="architecture",
        title="Architecture",
        lead=f"{count(len(design.layers), 'layer')} {'takes' if len(design.layers) == 1 else 'take'} "
        f"{count(summary['tiles'], 'tile')} of up to {rows} × {columns} cells, {share(used)} of them used, with "
        f"{count(dacs, 'DAC')} and {count(adcs, 'ADC')}.",
        prose=[
            "A cell is a pair of banks on one column, the second fed the opposite voltage. Row tiles of a layer are "
            "converted separately and added digitally; activations, pools and sums are digital."
        ],
        figures=[_figure(facts)],
        tables=[_table(facts)],
    )


def converters(layer: MappedLayer) -> tuple[int, int]:
    """DACs (a logical row each) and ADCs (a column each) of a layer's drawn tiles."""
    return sum(tile.rows for tile in layer.drawn_tiles), sum(tile.columns for tile in layer.drawn_tiles)


def _table(facts: Facts) -> Table:
    largest = facts.record["controller"]["rows"] * facts.record["controller"]["columns"]
    rows = []
    for layer in facts.design.layers:
        figures, drawn = layer.statistics, len(layer.drawn_tiles)
        dacs, adcs = converters(layer)
        matrix = layer.matrix.weights.shape
        rows.append(
            (
                layer.name,
                f"{matrix[0]} × {matrix[1]}",
                count(layer.matrix.bias_rows),
                count(drawn),
                count(figures["cells"]),
                share(figures["cells"] / (drawn * largest)) if drawn else "–",
                count(figures["resistors"]),
                count(dacs),
                count(adcs),
            )
        )
    heads = ("layer", "rows × columns", "bias rows", "tiles", "pairs", "of the cells", "resistors", "DACs", "ADCs")
    return Table(title="Layers and their tiles", heads=heads, rows=rows, mark=Mark.EMITTED)


def stops(network: Network, mapped: dict[str, MappedLayer], points: float) -> list[_Stop]:
    """What stands in the drawing, in the order of the network, with the sources of each."""
    standing: dict[str, _Stop] = {}
    reached: dict[str, dict[str, list[str]]] = {}
    for layer in network.layers():
        if layer.operator == "Constant":
            continue
        found: dict[str, list[str]] = {}
        for source in dict.fromkeys(layer.inputs):
            if source in standing:
                found.setdefault(source, [])
            elif source in reached:
                for origin, steps in reached[source].items():
                    found.setdefault(origin, steps)
        joins = (
            len(found) > 1
            or sum(network.layer(name).operator != "Constant" for name in dict.fromkeys(layer.inputs)) > 1
        )
        if layer.operator == "Input" or layer.name in mapped or joins:
            stop = _Stop(name=layer.name, layer=mapped.get(layer.name), word=layer.operator, sources=found)
            if stop.layer is not None:
                matrix = stop.layer.matrix.weights.shape
                stop.wide, stop.tall = max(LEAST, matrix[1] * points), max(LEAST, matrix[0] * points)
            standing[layer.name] = stop
        else:
            word = [] if layer.operator in SILENT else [layer.operator]
            reached[layer.name] = {origin: [*steps, *word] for origin, steps in found.items()}
    return list(standing.values())


def _labels(layer: MappedLayer) -> list[str]:
    rows, columns = layer.matrix.weights.shape
    tiles = len(layer.drawn_tiles)
    return [layer.name, f"{rows} × {columns}", f"{tiles} tile{'' if tiles == 1 else 's'}"]


def _lay_out(standing: list[_Stop]) -> int:
    """Give every stop its place; how many rows there are. Rows break after a meeting place where one is near."""
    x, row, breaks = 0.0, 0, set[int]()
    for place, stop in enumerate(standing):
        if x and (x + stop.taken > WIDTH or _block_ends_beyond(standing, place, x)):
            x, row = GAP * 0.7, row + 1
            breaks.add(place)
        stop.x, stop.row = x, row
        x += stop.taken + GAP
    return row + 1


def _block_ends_beyond(standing: list[_Stop], place: int, x: float) -> bool:
    """Whether a block that begins here, after a meeting place, would not end on this row but on one of its own."""
    if place == 0 or standing[place - 1].layer is not None or standing[place - 1].word == "Input":
        return False
    taken = 0.0
    for stop in standing[place:]:
        taken += stop.taken + GAP
        if stop.layer is None:
            return x + taken - GAP > WIDTH >= taken
    return False


def _figure(facts: Facts) -> Figure:
    design = facts.design
    mapped = {layer.name: layer for layer in design.layers}
    largest = max(max(tile.rows, tile.columns) for layer in design.layers for tile in layer.tiles)
    shapes = [layer.matrix.weights.shape for layer in design.layers]
    points = min(
        POINTS_A_TILE / largest,
        TALLEST / max(shape[0] for shape in shapes),
        WIDTH / 2 / max(shape[1] for shape in shapes),
    )
    standing = stops(design.network, mapped, points)
    rows = _lay_out(standing)
    levels = [max((stop.tall for stop in standing if stop.row == row), default=0.0) for row in range(rows)]
    skips = [_skips(standing, row) for row in range(rows)]
    below = [34.0 + 9.0 * len(each) for each in skips]
    tops, y = [], 0.0
    for row in range(rows):
        tops.append(y + 6.0)
        y += levels[row] + below[row] + 30.0
    tall = y - 14.0
    wide = max(stop.x + stop.taken for stop in standing) + GAP

    def fill(figure: Any) -> None:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(-4.0, wide + 4.0), ylim=(tall, -8.0))
        axes.axis("off")
        middles = [tops[row] + levels[row] / 2 for row in range(rows)]
        by_name = {stop.name: stop for stop in standing}
        for place, stop in enumerate(standing):
            _draw_stop(axes, stop, middles[stop.row], largest)
            first = place > 0 and standing[place - 1].row != stop.row
            before = standing[place - 1] if place else None
            if before is None:
                continue
            if first:
                axes.plot([0.0], [middles[stop.row]], "o", color=INK, markersize=3)
                _arrow(axes, 2.0, _left(stop), middles[stop.row])
                end = middles[before.row]
                _arrow(axes, _right(before), before.x + before.taken + GAP * 0.6, end)
                axes.text(before.x + before.taken + GAP * 0.66, end, "…", va="center", fontsize=9, color=INK)
            elif before.name in stop.sources:
                steps = stop.sources[before.name]
                _arrow(axes, _right(before), _left(stop), middles[stop.row])
                middle = (_right(before) + _left(stop)) / 2
                for number, step in enumerate(_short(steps)):
                    axes.text(middle, middles[stop.row] - 4 - 8 * number, step, ha="center", fontsize=6.5, color=FAINT)
        for row in range(rows):
            _draw_skips(axes, skips[row], by_name, middles[row], tops[row] + levels[row] + 30.0)

    tiles = count(facts.record["summary"]["tiles"], "tile")
    alt = f"The {len(design.layers)} crossbar layers of {facts.title} from input to output, as grids of {tiles}"
    small = any(min(shape) * points < LEAST for shape in shapes)
    caption = (
        f"Grids are to one scale, rows down and columns across; a square of {largest} × {largest} cells is the largest "
        "tile. The shade is the share of a tile's cells that hold a pair; an empty tile is not built."
    )
    caption += " The thinnest grids are drawn thicker than they are." if small else ""
    caption += " A bracket below is a value that skips layers." if any(skips) else ""
    return Figure(
        name="architecture",
        title="Layers and tiles",
        caption=caption,
        alt=alt,
        mark=Mark.EMITTED,
        drawing=draw(
            "architecture",
            alt,
            ((wide + 8.0) / 72.0, (tall + 8.0) / 72.0),
            fill,
            ("layer", "tile", "row", "column", "rows", "columns", "pairs"),
            list(_tile_rows(design.layers)),
        ),
    )


def _tile_rows(layers: tuple[MappedLayer, ...]) -> Iterator[tuple[object, ...]]:
    for layer in layers:
        for tile in layer.tiles:
            pairs = int((layer.matrix.weights[tile.window] != 0).sum())
            yield layer.name, tile.index, tile.row, tile.column, tile.rows, tile.columns, pairs


def _left(stop: _Stop) -> float:
    return stop.middle - stop.wide / 2 - 2.0


def _right(stop: _Stop) -> float:
    return stop.middle + stop.wide / 2 + 1.0


def _short(steps: list[str]) -> list[str]:
    """At most three of the digital steps, as they are written from the arrow upward."""
    names = [
        {"MaxPool": "max pool", "AveragePool": "mean pool", "GlobalAveragePool": "mean"}.get(step, step)
        for step in steps
    ]
    names = list(dict.fromkeys(names))
    return names[:-4:-1]


def _arrow(axes: Any, start: float, end: float, y: float) -> None:
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    axes.annotate("", xy=(end, y), xytext=(start, y), arrowprops=arrow)


def _draw_stop(axes: Any, stop: _Stop, middle: float, largest: int) -> None:
    from matplotlib.patches import Circle, Rectangle

    if stop.layer is None:
        if stop.word == "Input":
            axes.text(stop.middle, middle, "in", ha="center", va="center", fontsize=8, color=INK)
            return
        axes.add_patch(Circle((stop.middle, middle), 5.0, facecolor=PAPER, edgecolor=INK, linewidth=0.9))
        axes.text(
            stop.middle,
            middle,
            {"Add": "+"}.get(stop.word, stop.word[:1]),
            ha="center",
            va="center",
            fontsize=7.5,
            color=INK,
        )
        return
    rows, columns = stop.layer.matrix.weights.shape
    left, top = stop.middle - stop.wide / 2, middle - stop.tall / 2
    down, across = stop.tall / rows, stop.wide / columns
    weights, tiles = stop.layer.matrix.weights, stop.layer.tiles
    if len(tiles) <= MOST_TILES:
        for tile in tiles:
            used = float((weights[tile.window] != 0).sum()) / largest**2
            corner = left + tile.column * across, top + tile.row * down
            axes.add_patch(Rectangle(corner, tile.columns * across, tile.rows * down, facecolor=SERIES[0],
                                     alpha=0.12 + 0.78 * min(1.0, used) if used else 0.0, linewidth=0))  # fmt: skip
            axes.add_patch(Rectangle(corner, tile.columns * across, tile.rows * down, facecolor="none",
                                     edgecolor=INK, linewidth=0.5))  # fmt: skip
    else:
        used = float((weights != 0).mean())
        axes.add_patch(Rectangle((left, top), stop.wide, stop.tall, facecolor=SERIES[0], alpha=0.12 + 0.78 * used))
        axes.add_patch(Rectangle((left, top), stop.wide, stop.tall, facecolor="none", edgecolor=INK, linewidth=0.5))
    for number, label in enumerate(_labels(stop.layer)):
        axes.text(stop.middle, middle + stop.tall / 2 + 9.0 + 9.5 * number, label, ha="center", fontsize=7.5,
                  color=INK if number == 0 else FAINT)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Skip:
    """A value that runs below a row, from a stop there or, where None, from an earlier row."""

    start: str | None
    end: str


def _skips(standing: list[_Stop], row: int) -> list[_Skip]:
    places = {stop.name: place for place, stop in enumerate(standing)}
    found = []
    for place, stop in enumerate(standing):
        if stop.row != row:
            continue
        for source in stop.sources:
            before = standing[place - 1] if place else None
            if source == (before.name if before else None):
                continue
            same = standing[places[source]].row == row
            if not same and before is not None and before.row != row and source == standing[place - 1].name:
                continue
            found.append(_Skip(start=source if same else None, end=stop.name))
    return found


def _draw_skips(axes: Any, skips: list[_Skip], by_name: dict[str, _Stop], middle: float, top: float) -> None:
    for number, skip in enumerate(skips):
        end = by_name[skip.end]
        start = by_name[skip.start].middle if skip.start else 0.0
        depth = top + 9.0 * number + 4.0
        foot = middle + (6.5 if end.layer is None else end.tall / 2 + 31.0)
        head = middle + (6.5 if skip.start and by_name[skip.start].layer is None else 3.0)
        if skip.start and by_name[skip.start].layer is not None:
            head = middle + by_name[skip.start].tall / 2 + 31.0
        axes.plot([start, start, end.middle, end.middle], [head, depth, depth, foot], color=SERIES[2], linewidth=1.0)

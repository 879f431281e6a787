"""How near the programmed pairs are to their targets: histograms by layer, and a map of every tile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.report.page.drawing import FAINT, INK, SERIES, colours_of, draw, matrix_rows, picture_of
from rsscircuit.report.page.facts import ROUNDING, Facts, LayerErrors
from rsscircuit.report.page.section import Figure, Mark, Section, Table, parted
from rsscircuit.report.page.words import count, plain, share

BINS = 81
MOST_PIXELS = 1_000_000  # of all maps together
LEAST_PIXELS = 20_000  # of one
LARGEST_CELL = 0.14  # inch
BESIDE = 1.4  # inch, of a map's width, for what stands at its sides
MAP_COLOURS, ON_MAP = "coolwarm", "#000000"  # of a map in either scheme, and of lines on it


def weights(facts: Facts) -> Section:
    """The section."""
    errors = [each for each in facts.errors if each.drawn.size]
    shown, folded = parted(_maps(facts, errors), [float(np.abs(each.drawn).max()) for each in errors])
    return Section(
        anchor="weights",
        title="Weights",
        lead=_lead(facts, errors),
        prose=[
            "An error is the true conductance of a programmed pair less its target, over the full scale of its layer. "
            "The die that is judged is "
            + ("the measured one: its table stands for the truth." if facts.mark == Mark.MEASURED else "virtual; its "
               "true branches were drawn, and the switches were chosen from what a converter would measure of them.")
        ],
        figures=[*([_histograms(facts, errors)] if errors else []), *shown],
        folded=folded,
        tables=[_table(facts)],
    )  # fmt: skip


def _lead(facts: Facts, errors: list[LayerErrors]) -> str:
    if not errors:
        return "The network has no weights on crossbars."
    worst = max(errors, key=lambda each: float(np.abs(each.drawn).max()))
    cells = sum(each.drawn.size for each in errors)
    summary = facts.record["summary"]
    missed = summary["beyond_tolerance"]
    text = (
        f"The worst of {count(cells)} programmed pairs is off by {share(float(np.abs(worst.drawn).max()))} of full "
        f"scale, in layer {worst.layer.name}"
    )
    if not worst.tolerance:
        return f"{text}; every pair was set to its nearest subset."
    asked = f"the tolerance of {share(worst.tolerance)}"
    if not missed:
        return f"{text}; as measured, all met {asked}."
    return f"{text}; as measured, {count(missed)} missed {asked}."


def _table(facts: Facts) -> Table:
    rows = []
    for each in facts.errors:
        figures, sizes = each.layer.statistics, np.abs(each.drawn)
        floor = figures.get("measurement_floor")
        rows.append(
            (
                each.layer.name,
                count(figures["cells"]),
                share(float(np.sqrt((sizes.astype(np.float64) ** 2).mean()))) if sizes.size else "–",
                share(float(np.quantile(sizes, 0.99))) if sizes.size else "–",
                share(float(sizes.max())) if sizes.size else "–",
                share(each.tolerance) if each.tolerance else "nearest",
                "–" if floor is None else share(floor),
                count(figures["beyond_tolerance"]),
                count(figures["beyond_reach"]),
                count((sizes > each.tolerance * ROUNDING).sum()) if each.tolerance else "–",
            )
        )
    heads = (
        "layer", "pairs", "rms", "99 % within", "worst", "tolerance", "measurement adds", "missed tolerance",
        "beyond reach", "beyond tolerance in truth",
    )  # fmt: skip
    note = (
        "Rms, 99 %, worst, tolerance and what measurement adds (rms) are over the layer's full scale. Missed "
        "and beyond "
        "reach are counted as measured, which is all that a solver sees; measurement takes some beyond the "
        "tolerance in truth."
    )
    return Table(title="Weight errors by layer", heads=heads, rows=rows, mark=facts.mark, note=note)


def _histograms(facts: Facts, errors: list[LayerErrors]) -> Figure:
    """One row a layer, all to one scale."""
    reach = max(max(each.tolerance, float(np.quantile(np.abs(each.drawn), 0.999))) for each in errors) * 1.25
    edges = np.linspace(-reach, reach, BINS + 1)
    counts = [np.histogram(np.clip(each.drawn, -reach, reach), edges)[0] for each in errors]

    def fill(figure: Any) -> None:
        axes = figure.subplots()
        for place, (each, found) in enumerate(zip(errors, counts, strict=True)):
            base = len(errors) - 1 - place
            heights = base + 0.85 * found / max(1, found.max())
            axes.stairs(heights, 100 * edges, baseline=base, fill=True, color=SERIES[0], alpha=0.75)
            axes.plot([-100 * reach, 100 * reach], [base, base], color=FAINT, linewidth=0.6)
            for side in (-1, 1):
                limit = side * 100 * each.tolerance
                axes.plot([limit, limit], [base, base + 0.9], color=SERIES[4], linewidth=1.2)
        axes.set_yticks(range(len(errors)), [each.layer.name for each in reversed(errors)])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(xlabel="error, % of the layer's full scale", xlim=(-100 * reach, 100 * reach))
        axes.set_ylim(-0.1, len(errors))

    title = "Weight errors of every layer"
    worst = max(share(float(np.abs(each.drawn).max())) for each in errors)
    alt = (
        f"Histograms of the weight errors of {len(errors)} layers, within about {share(reach)} of full scale; "
        f"worst {worst}"
    )
    rows = [
        (each.layer.name, low, high, int(number))
        for each, found in zip(errors, counts, strict=True)
        for low, high, number in zip(edges, edges[1:], found, strict=False)
    ]
    return Figure(
        name="weight-errors",
        title=title,
        caption="Red lines: the tolerance that was asked for. Each layer to its own height; the outermost bins "
        "hold what "
        "lies beyond them.",
        alt=alt,
        mark=facts.mark,
        drawing=draw(
            "weight-errors",
            alt,
            (4.8, 0.75 + 0.36 * len(errors)),
            fill,
            ("layer", "from_over_full_scale", "to_over_full_scale", "pairs"),
            rows,
        ),
    )


def _maps(facts: Facts, errors: list[LayerErrors]) -> list[Figure]:
    most = max(LEAST_PIXELS, MOST_PIXELS // max(1, len(errors)))
    return [_map(facts, each, most) for each in errors]


def binned(error: NDArray[np.float32], most: int) -> tuple[NDArray[np.float32], int]:
    """A map of at most so many pixels: every pixel is the worst, with its sign, of ``k`` x ``k`` cells; and that k."""
    rows, columns = error.shape
    k = 1
    while -(-rows // k) * -(-columns // k) > most:
        k += 1
    if k == 1:
        return error, 1
    padded = np.full((-(-rows // k) * k, -(-columns // k) * k), np.nan, np.float32)
    padded[:rows, :columns] = error
    blocks = padded.reshape(padded.shape[0] // k, k, padded.shape[1] // k, k).swapaxes(1, 2)
    flat = blocks.reshape(*blocks.shape[:2], k * k)
    worst = np.nan_to_num(np.abs(flat), nan=-1.0).argmax(axis=2)
    return np.take_along_axis(flat, worst[..., None], axis=2)[..., 0], k


def _map(facts: Facts, each: LayerErrors, most: int) -> Figure:
    """All tiles of a layer on one canvas: inputs across, outputs down."""
    layer = each.layer
    rows, columns = each.error.shape
    canvas, k = binned(each.error, most)
    scale = 1.25 * each.tolerance or float(np.abs(each.drawn).max()) or 1.0
    pixels = picture_of(canvas.T, scale, MAP_COLOURS)
    missed = each.missed
    width = min(4.8, max(2.6, BESIDE + LARGEST_CELL * rows))
    height = min(3.2, max(0.5, (width - BESIDE) * columns / rows), max(0.5, LARGEST_CELL * columns)) + 0.75
    starts = [sorted({getattr(tile, side) for tile in layer.tiles})[1:] for side in ("row", "column")]

    def fill(figure: Any) -> None:
        axes = figure.subplots()
        axes.imshow(pixels, interpolation="none", extent=(0, rows, columns, 0), aspect="auto")
        axes.vlines(starts[0], 0, columns, color=ON_MAP, linewidth=0.7)
        axes.hlines(starts[1], 0, rows, color=ON_MAP, linewidth=0.7)
        if len(missed):
            axes.scatter(
                missed[:500, 0] + 0.5,
                missed[:500, 1] + 0.5,
                s=28,
                facecolors="none",
                edgecolors=ON_MAP,
                linewidths=1.2,
            )
        axes.set(xlabel="row of the matrix (input, bias first)", ylabel="column")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        ends = (-100 * scale, 100 * scale)
        bar = figure.colorbar(colours_of(*ends, MAP_COLOURS), ax=axes, label="error, %", fraction=0.05, pad=0.02)
        bar.set_ticks([ends[0], 0.0, ends[1]], labels=[plain(ends[0], 2), "0", f"+{plain(ends[1], 2)}"])
        bar.outline.set_edgecolor(INK)
        bar.ax.tick_params(color=INK)

    name = f"weight-map-{layer.label.replace('_', '-')}"
    tiles = count(len(layer.tiles), "tile")
    alt = (
        f"Map of the weight errors of layer {layer.name}, {rows} rows by {columns} columns in {tiles}; "
        f"{len(missed)} missed the tolerance"
    )
    parts = [
        f"{tiles}, numbered row tile by row tile. Errors are of the layer's full scale"
        + (f"; the tolerance is {share(each.tolerance)}." if each.tolerance else "."),
        f"A pixel is the worst of {k} × {k} pairs." if k > 1 else "A pixel is a pair.",
    ]
    if len(missed):
        shown = "" if len(missed) <= 500 else " (the first 500)"
        parts.append(f"Circled: {count(len(missed), 'pair')} that missed the tolerance as measured{shown}.")
    return Figure(
        name=name,
        title=f"Weight errors of layer {layer.name}",
        caption=" ".join(parts),
        alt=alt,
        mark=facts.mark,
        drawing=draw(
            name,
            alt,
            (width, height),
            fill,
            [f"column_{column * k}" for column in range(canvas.shape[1])],
            matrix_rows(canvas),
        ),
    )

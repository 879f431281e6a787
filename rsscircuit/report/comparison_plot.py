"""The comparison of banks as a picture: area against effective bits, a line a family, named at its end."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rsscircuit.design.files import write_json
from rsscircuit.errors import InputError, MissingPartError
from rsscircuit.report.comparison_tables import Option, by_family

NAME = "compare_banks"
PANELS = {"trained": "trained weights", "mid_range": "mid-range weights"}
WIDTH, HEIGHT = 12.0, 9.6  # inch
BANK_DECADES = 1.8  # of area, from the smallest bank on, that the enlarged panels show
BELOW_WANTED = 5.0  # bits below those wanted down to which they show
LINE_SPACING = 0.034  # of the height of a panel, between two labels
KINDS = {  # colours of Okabe and Ito, told apart by people who are colour-blind
    "equal": ("#000000", "8"),
    "linear": ("#0072B2", "o"),
    "geometric": ("#D55E00", "s"),
    "uniform": ("#009E73", "h"),
    "sub-radix": ("#AA4499", "D"),
}
DASHES = ("-", "--", ":", "-.")  # plans of one kind
RIVALS = {
    "matched ladder": ("v", "-"),
    "R-2R": ("^", "--"),
    "ReRAM, 2 b/cell": ("P", "-"),
    "ReRAM, 3 b/cell": ("X", "--"),
}
UPPER = {"matched ladder", "ReRAM, 3 b/cell"}  # rivals that have another one below them
NAMES = {  # beside which point, how far from it, and with which side towards it
    "matched ladder": (-1, (0, 10), "center"),
    "R-2R": (-1, (6, 6), "left"),
    "ReRAM, 2 b/cell": (0, (14, -6), "left"),
    "ReRAM, 3 b/cell": (-1, (0, 10), "center"),
}
GREY, LIGHT = "0.35", "0.9"

Style = dict[str, Any]


def writable_folder(path: str) -> Path:
    """The directory that a comparison is to be written to, made where it is not there.

    Raises:
        MissingPartError: Matplotlib is not installed.
        InputError: There is something else in its place, or it cannot be written.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingPartError(
            "Matplotlib, which draws the picture, is not installed",
            where="--out",
            remedy="python -m pip install 'rsscircuit[plot]', or leave --out away",
        )
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("cannot be a directory", where=f"--out {path}", got=str(error.strerror)) from error
    if not os.access(folder, os.W_OK):
        raise InputError("cannot be written", where=f"--out {path}", remedy="choose another directory")
    return folder


def save_comparison(result: Mapping[str, Any], folder: Path) -> list[str]:
    """Write the figures and the picture; a line for each of the files."""
    figures, picture = folder / f"{NAME}.json", folder / f"{NAME}.svg"
    write_json(figures, result)
    draw_comparison(result, picture)
    return [f"{figures}  every figure", f"{picture}   area against effective bits"]


def draw_comparison(result: Mapping[str, Any], path: Path) -> None:
    """Write the picture of a comparison; the format is the path's suffix, and SVG has no date in it.

    Above is every option, below are the banks alone, enlarged, every point with its number of resistors.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    families = by_family(result["options"])
    banks = [family for family in families if family[0]["bank"]]
    rivals = [family for family in families if not family[0]["bank"]]
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    whole, enlarged = figure.subplots(2, 2, height_ratios=(2.0, 3.0))
    styles = _styles([family[0]["family"] for family in banks])
    for position, (targets, title) in enumerate(PANELS.items()):
        above, below = whole[position], enlarged[position]
        for family, style in zip(banks, styles, strict=True):
            _line(above, family, targets, style | {"markersize": 2.5})
        for family in rivals:
            marker, dash = RIVALS[family[0]["family"]]
            _line(above, family, targets, {"color": GREY, "marker": marker, "linestyle": dash, "markersize": 6.0})
        above.set(title=f"{title}: every option", xscale="log")
        above.margins(x=0.12)
        _name_rivals(above, rivals, targets)
        _enlarge(below, banks, styles, targets, result["wanted_bits"])
        below.set(title=f"{title}: banks, with their number of resistors")
        left, right = below.get_xlim()
        bottom, top = below.get_ylim()
        above.fill_between([left, right], bottom, top, color="0.95", zorder=0)
        for family, style in zip(banks, styles, strict=True):
            last = family[-1]["area_um2"], family[-1]["bits"][targets]["median"]
            if all(option["bits"][targets]["median"] < bottom for option in family):  # not in the panel below
                above.annotate(
                    family[0]["family"], last, (6, -3), textcoords="offset points", fontsize=8, color=style["color"]
                )
        for axes in (above, below):
            axes.axhline(result["wanted_bits"], color="0.6", linewidth=0.8, zorder=0)
            axes.grid(visible=True, color=LIGHT)
            axes.set_axisbelow(True)
            axes.set(xlabel="area of a signed weight, um$^2$", ylabel="effective bits" if position == 0 else "")
    enlarged[1].annotate(
        "errors even within $\\pm 2^{-11}$ of full scale",
        (0.99, result["wanted_bits"]),
        (0, 2),
        enlarged[1].get_yaxis_transform(),
        "offset points",
        fontsize=8,
        color="0.4",
        ha="right",
    )
    figure.suptitle(
        f"{result['technology']}: median of {result['dies']} dies with its 95 % interval; rivals by bits of a polarity",
        fontsize=11,
    )
    with mpl.rc_context({"svg.hashsalt": "rsscircuit", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _styles(plans: Sequence[str]) -> list[Style]:
    """A colour and a marker a kind of plan, a dash a parameter."""
    seen = dict.fromkeys(KINDS, 0)
    styles = []
    for plan in plans:
        kind = plan.partition(":")[0]
        colour, marker = KINDS[kind]
        styles.append({"color": colour, "marker": marker, "linestyle": DASHES[seen[kind] % len(DASHES)]})
        seen[kind] += 1
    return styles


def _line(axes: Any, family: Sequence[Option], targets: str, style: Style) -> None:
    """One family with its intervals."""
    bits = [option["bits"][targets] for option in family]
    axes.errorbar(
        [option["area_um2"] for option in family],
        [each["median"] for each in bits],
        yerr=[[each["median"] - each["low"] for each in bits], [each["high"] - each["median"] for each in bits]],
        linewidth=1.3,
        elinewidth=0.8,
        **style,
    )


def _name_rivals(axes: Any, rivals: Sequence[Sequence[Option]], targets: str) -> None:
    """The name of every rival beside one of its points, and its bits at each of them."""
    for family in rivals:
        name = family[0]["family"]
        for option in family:
            axes.annotate(
                str(option["size"]),
                (option["area_um2"], option["bits"][targets]["median"]),
                (-6, 2) if name in UPPER else (6, -7),
                textcoords="offset points",
                fontsize=6.5,
                color=GREY,
                ha="right" if name in UPPER else "left",
            )
        named, offset, side = NAMES[name]
        axes.annotate(
            name,
            (family[named]["area_um2"], family[named]["bits"][targets]["median"]),
            offset,
            textcoords="offset points",
            fontsize=8,
            color=GREY,
            ha=side,
        )


def _enlarge(
    axes: Any, banks: Sequence[Sequence[Option]], styles: Sequence[Style], targets: str, wanted: float
) -> None:
    """The banks that come near the bits wanted: n in every point, the plan at the end of every line."""
    left = min(option["area_um2"] for family in banks for option in family) / 1.15
    right = left * 10.0**BANK_DECADES
    medians = [option["bits"][targets]["median"] for family in banks for option in family]
    bottom = max(min(medians), min((m for m in medians if m > wanted - BELOW_WANTED), default=min(medians))) - 0.6
    top = max(medians) + 0.9
    axes.set(xscale="log", xlim=(left, right), ylim=(bottom, top))
    ends = []
    for layer, (family, style) in enumerate(zip(banks, styles, strict=True), start=3):
        _line(axes, family, targets, style | {"markersize": 10.0, "markerfacecolor": "white", "zorder": layer})
        shown = []
        for option in family:
            at = option["area_um2"], option["bits"][targets]["median"]
            if left < at[0] < right and bottom < at[1] < top:
                axes.annotate(
                    str(option["size"]),
                    at,
                    fontsize=6.5,
                    color=style["color"],
                    ha="center",
                    va="center",
                    zorder=layer + 0.5,
                )
                shown.append(at)
        if shown:
            ends.append((shown[-1], family[0]["family"], style["color"]))
    spacing, lowest = LINE_SPACING * (top - bottom), top
    for at, name, colour in sorted(ends, key=lambda end: -end[0][1]):
        lowest = min(at[1], lowest - spacing)
        axes.annotate(
            name,
            at,
            (1.02, lowest),
            textcoords=axes.get_yaxis_transform(),
            fontsize=9,
            color=colour,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.6, "shrinkB": 6.0},
            zorder=1,
        )

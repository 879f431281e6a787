"""Pictures for two schemes: Matplotlib draws in stand-in colours, which become the page's CSS variables.

So one drawing serves the light and the dark page and the print. A picture that stands alone brings the variables of
both schemes with it. Bytes are the same for the same data: no date, and names that depend on nothing but the drawing.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAPER, INK, FAINT = "#010101", "#020202", "#030303"
SERIES = ("#010201", "#010202", "#010203", "#010204", "#010205", "#010206")
_VARIABLES = dict(
    zip((PAPER, INK, FAINT, *SERIES), ("paper", "ink", "faint", *(f"s{k}" for k in range(1, 7))), strict=True)
)
LIGHT = ("#ffffff", "#1b1f24", "#5c6570", "#1f5fa8", "#a84a0c", "#1b7346", "#7448a0", "#b3261e", "#5c6570")
DARK = ("#14181d", "#e6eaee", "#a3adb8", "#7fb6f2", "#f0a35c", "#6fcf97", "#c6a6ee", "#ff938a", "#a3adb8")

_STAND_IN = re.compile("|".join(_VARIABLES))
_IDS = re.compile(r'(\bid="|url\(#|href="#)')
_HEADER = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_OWN_STYLE = re.compile(r"\s*<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
_FAMILY = re.compile(r"font-family: [^;\"]*sans-serif")
_SIZE = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt"')

RC: Any = {
    "svg.hashsalt": "rsscircuit",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "patch.linewidth": 0.8,
    "image.composite_image": False,
}

Heads = Sequence[str]
Rows = Sequence[Sequence[object]]


def variables(values: Sequence[str]) -> str:
    """CSS declarations of one scheme."""
    return "".join(f"--{name}:{value};" for name, value in zip(_VARIABLES.values(), values, strict=True))


STYLE = f":root{{{variables(LIGHT)}}}@media screen and (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture and its data.

    Attributes:
        inline: ``<svg>`` for the page, in its variables.
        alone: The same as a file.
        csv: Its data.
        width: Its natural width in CSS pixels.
    """

    inline: str
    alone: str
    csv: str
    width: int


def draw(
    name: str, alt: str, inches: tuple[float, float], fill: Callable[[Any], None], heads: Heads, rows: Rows
) -> Drawing:
    """One picture.

    Args:
        name: Unique in the page; names inside the picture begin with it.
        alt: What it shows, for those who do not see it.
        inches: Width and height; the text is 9 points high.
        fill: Draws into a Matplotlib figure, in the stand-in colours of this module.
        heads: Column names of the data.
        rows: The data.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(RC):
        figure = Figure(figsize=inches, layout="constrained")
        fill(figure)
        file = io.StringIO()
        figure.savefig(
            file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = _OWN_STYLE.sub("", _HEADER.sub("", file.getvalue()), count=1)
    text = _IDS.sub(rf"\g<1>{name}-", _FAMILY.sub("font-family: sans-serif", text))
    text = _STAND_IN.sub(lambda found: f"var(--{_VARIABLES[found[0]]})", text)
    width = round(96 * inches[0])
    tall = round(96 * inches[1])
    text = _SIZE.sub(f'width="{width}" height="{tall}" role="img" aria-label="{escape(alt)}"', text, count=1)
    style = f"<style>{STYLE}svg{{background:var(--paper)}}*{{stroke-linejoin:round}}</style>"
    alone = text.replace(">", f">\n{style}", 1)
    return Drawing(inline=text, alone=f"{alone.rstrip()}\n", csv=table(heads, rows), width=width)


def table(heads: Heads, rows: Rows) -> str:
    """Rows as CSV; numbers with every digit that they have."""
    lines = [",".join(map(_cell, heads)), *(",".join(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text


def matrix_rows(values: NDArray[np.floating[Any]]) -> list[list[str]]:
    """A matrix for :func:`table`, four digits a number, nothing where there is none."""
    return [["" if np.isnan(value) else f"{value:.4g}" for value in row] for row in values.tolist()]


def picture_of(values: NDArray[np.floating[Any]], scale: float, colours: str, levels: int = 24) -> NDArray[np.uint8]:
    """Pixels [height, width, 4] for values from -scale to scale, in so few levels that they pack well; NaN is clear."""
    from matplotlib import colormaps

    steps = np.clip(np.rint((np.nan_to_num(values) / scale + 1.0) / 2.0 * (levels - 1)), 0, levels - 1)
    pixels = np.array(colormaps[colours](steps / (levels - 1), bytes=True), dtype=np.uint8)
    pixels[np.isnan(values)] = 0
    return pixels


def colours_of(low: float, high: float, colours: str) -> Any:
    """What a colour bar from ``low`` to ``high`` shows."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(low, high), colours)

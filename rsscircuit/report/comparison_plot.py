"""The comparison of banks as a picture: area against effective bits, a line a family."""

from __future__ import annotations

import importlib.util
import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rsscircuit.design.files import write_json
from rsscircuit.errors import InputError, MissingPartError
from rsscircuit.report.comparison_tables import by_family

NAME = "compare_banks"
PANELS = {"trained": "trained weights", "mid_range": "mid-range weights"}
_COLOURS = ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C9", "C8")  # grey is for rivals
_RIVALS = ("D", "s", "^", "v", "P", "X")


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
    """Write the picture of a comparison; the format is the path's suffix, and SVG has no date in it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 6.0), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    families = by_family(result["options"])
    banks = [family for family in families if family[0]["bank"]]
    rivals = [family for family in families if not family[0]["bank"]]
    styles = [{"color": colour, "marker": "o"} for colour in itertools.islice(itertools.cycle(_COLOURS), len(banks))]
    styles += [{"color": "0.35", "marker": marker, "linestyle": ":"} for marker in _RIVALS[: len(rivals)]]
    for axes, (targets, title) in zip(panels, PANELS.items(), strict=True):
        for family, style in zip([*banks, *rivals], styles, strict=True):
            bits = [option["bits"][targets] for option in family]
            axes.errorbar(
                [option["area_um2"] for option in family],
                [interval["median"] for interval in bits],
                yerr=[
                    [interval["median"] - interval["low"] for interval in bits],
                    [interval["high"] - interval["median"] for interval in bits],
                ],
                label=family[0]["family"],
                markersize=4.0,
                linewidth=1.2,
                elinewidth=0.8,
                **style,
            )
        axes.axhline(result["wanted_bits"], color="0.6", linewidth=0.8, zorder=0)
        axes.set(title=title, xscale="log", xlabel="area of a signed weight, um$^2$")
        axes.grid(visible=True, color="0.92")
        axes.set_axisbelow(True)
    panels[0].set_ylabel("effective bits")
    panels[0].annotate(
        "errors even within $\\pm 2^{-11}$ of full scale",
        (0.01, result["wanted_bits"]),
        (0, 2),
        ("axes fraction", "data"),
        "offset points",
        fontsize=8,
        color="0.4",
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    sizes = ", ".join(str(option["size"]) for option in banks[0])
    figure.suptitle(f"{result['technology']}: banks of {sizes} resistors; rivals by bits or cells", fontsize=11)
    with mpl.rc_context({"svg.hashsalt": "rsscircuit", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)

"""Monte Carlo results as tables and pictures."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from rsscircuit.errors import MissingPartError
from rsscircuit.report.tables import percent, print_lines, print_table, wiring

SHOWN_COLUMNS = 5
SHOWN_LOST = 3


def show_montecarlo(result: Mapping[str, Any], folder: Path, pictures: list[str]) -> None:
    """The spread of the errors of outputs and array, the columns that err most, and how it converged."""
    if result["trials"]:
        _show_spread(result)
        _show_columns(result["columns"])
        if len(result["convergence"]) > 1:
            _show_convergence(result["convergence"])
    print_lines(_about(result))
    if result["trials"]:
        print_lines(["", f"{folder}/trials.csv  a line a trial", *pictures])


def _show_spread(result: Mapping[str, Any]) -> None:
    known = [name for name, value in result["percentiles"].items() if int(name) > 50 and value is not None]
    heads = (f"{result['trials']} trials", "mean", "std. dev.", "median", *(f"{name} %" for name in known), "worst",
             "worst trial")  # fmt: skip
    rows = [(name, *_spread_of(found, known)) for name, found in (("outputs", result), ("array", result["array"]))]
    print_table(heads, rows)


def _spread_of(found: Mapping[str, Any], known: list[str]) -> tuple[str, ...]:
    median = found["percentiles"]["50"]
    return (
        percent(found["mean"]),
        percent(found["standard_deviation"]),
        percent(found["mean"] if median is None else median),
        *(percent(found["percentiles"][name]) for name in known),
        percent(found["worst"]),
        f"{found['worst_trial']}",
    )


def _show_columns(columns: list[Mapping[str, Any]]) -> None:
    worst = sorted(range(len(columns)), key=lambda column: -columns[column]["worst"])[:SHOWN_COLUMNS]
    known = [name for name in ("1", "5", "50", "95", "99") if columns[0]["percentiles"][name] is not None]
    rows = [
        (
            f"{column}",
            percent(columns[column]["mean"]),
            percent(columns[column]["standard_deviation"]),
            *(percent(columns[column]["percentiles"][name]) for name in known),
            percent(columns[column]["worst"]),
            f"{columns[column]['worst_trial']}",
        )
        for column in worst
    ]
    heads = ("worst columns", "mean", "std. dev.", *(f"{name} %" for name in known), "worst", "worst trial")
    print_table(heads, rows)


def _show_convergence(steps: list[Mapping[str, float]]) -> None:
    rows = [
        (
            f"{step['trials']}",
            f"{percent(step['mean'])} ± {percent(step['mean_standard_error'], 2)}",
            f"{percent(step['standard_deviation'])} ± {percent(step['standard_deviation_standard_error'], 2)}",
        )
        for step in steps
    ]
    print_table(("after trials", "mean ± standard error", "std. dev. ± standard error"), rows, left=0)


def _about(result: Mapping[str, Any]) -> list[str]:
    return [
        f"{result['kind']}, {result['engine']}, seed {result['seed']}",
        f"layer {result['layer']}, tile {result['tile']}, {wiring(result)}",
        "error against the trained matrix, over the rms output, at random inputs from 0 to full scale",
        "outputs: with amplifiers and converters; array: the column currents before them",
    ]


def show_trial(result: Mapping[str, Any]) -> None:
    """One trial by itself."""
    drawn = result["drawn"]
    errors = percent(result["relative_error"]), percent(result["relative_array_error"])
    row = (f"{result['trial']}", *errors, *(f"{value:.6g}" for value in drawn.values()))
    print_table(("trial", "output error", "array error", *(name.replace("_", " ") for name in drawn)), [row], left=0)
    print_lines([*_about(result), "", f"{result['netlist']}  its netlist"])


def lost_line(result: Mapping[str, Any]) -> str:
    """Which trials were lost and why, with their netlists; the first few by name."""
    lost, where = result["lost"], f"layer {result['layer']}, tile {result['tile']}"
    lines = [f"error: {where}: {len(lost)} of {result['asked']} trials were lost; the same command tries them again"]
    lines += [f"  trial {each['trial']}: {each['reason']}; netlist {each['netlist']}" for each in lost[:SHOWN_LOST]]
    if len(lost) > SHOWN_LOST:
        lines.append(f"  and {len(lost) - SHOWN_LOST} more, in the results")
    return "\n".join(lines)


def check_plots(where: str = "--plots", *, otherwise: str = ", or leave --plots away") -> None:
    """Before any work: that pictures can be drawn.

    Args:
        where: The option or command that draws them.
        otherwise: What else to do than install it.

    Raises:
        MissingPartError: Matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingPartError(
            "Matplotlib, which draws the pictures, is not installed",
            where=where,
            remedy=f"python -m pip install 'rsscircuit[plot]'{otherwise}",
        )


def draw_montecarlo(result: Mapping[str, Any], folder: Path) -> list[str]:
    """Write the pictures of a result as SVG without a date in it; a line for each."""
    pictures = {
        "errors": ("how the trials' errors are distributed", _draw_errors),
        "columns": ("error of every column", _draw_columns),
        "convergence": ("mean and standard deviation with the number of trials", _draw_convergence),
    }
    title = f"{result['layer']}, tile {result['tile']}: {result['kind']}, {result['engine']}, {result['trials']} trials"
    lines = []
    for name, (about, draw) in pictures.items():
        path = folder / f"{name}.svg"
        save_picture(path, title, (7.0, 4.5), partial(_draw_alone, draw, result))
        lines.append(f"{path}  {about}")
    return lines


def _draw_alone(draw: Callable[[Any, Mapping[str, Any]], None], result: Mapping[str, Any], figure: Any) -> None:
    draw(figure.subplots(), result)


def save_picture(path: Path, title: str, inches: tuple[float, float], draw: Callable[[Any], None]) -> None:
    """Write one figure as SVG without a date in it; ``draw`` fills it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained")
    draw(figure)
    figure.suptitle(title, fontsize=11)
    with mpl.rc_context({"svg.hashsalt": "rsscircuit", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


def _draw_errors(axes: Any, result: Mapping[str, Any]) -> None:
    axes.hist([100 * error for error in result["relative_error"]], bins="auto", color="C0", edgecolor="white")
    axes.set(xlabel="output error of a trial, % of the rms output", ylabel="trials")
    axes.yaxis.get_major_locator().set_params(integer=True)


def _draw_columns(axes: Any, result: Mapping[str, Any]) -> None:
    columns = result["columns"]
    places = range(len(columns))
    for low, high, width in (("1", "99", 1.0), ("5", "95", 4.0)):
        if columns[0]["percentiles"][low] is not None:
            ends = [[100 * column["percentiles"][name] for column in columns] for name in (low, high)]
            axes.vlines(places, *ends, color="C0", linewidth=width, label=f"{low} to {high} % of the outputs")
    axes.plot(places, [100 * column["mean"] for column in columns], "o", color="C1", markersize=4, label="mean")
    axes.plot(places, [100 * column["worst_signed"] for column in columns], "_", color="0.4", label="largest, signed")
    axes.set(xlabel="column", ylabel="error, % of the rms output")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(y=0.25)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper center")


def _draw_convergence(axes: Any, result: Mapping[str, Any]) -> None:
    steps = result["convergence"]
    counts = [step["trials"] for step in steps]
    for name, label in (("mean", "mean"), ("standard_deviation", "standard deviation")):
        values, errors = ([100 * step[key] for step in steps] for key in (name, f"{name}_standard_error"))
        axes.errorbar(counts, values, yerr=errors, marker="o", markersize=4, capsize=3, label=label)
    axes.set(xscale="log", xlabel="trials", ylabel="output error, % of the rms output", ylim=(0, None))
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_xticks([], minor=True)
    axes.legend(frameon=False)

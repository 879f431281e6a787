"""The command that looks for the chip: many designs of one network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from rsscircuit.commands.shared import LOST_TRIALS, bars, data_options, json_option, option, print_json
from rsscircuit.options import DEFAULT_TOLERANCE

AXES = ("technology", "bank", "resistors", "tile", "measurement_bits", "adc_bits")


@click.command(
    epilog="Example: generate-crossbar explore lenet5.onnx --out generated/space --inputs x.npy --labels y.npy "
    "--calibration cal.npy --resistors 10,12,14 --tile 32x32,64x64,128x128 --adc-bits 8,10 --limit 500"
)
@click.argument("model", metavar="MODEL")
@option("--out", required=True, metavar="DIR", help="Directory of the results; new, empty, or of an earlier run.")
@data_options
@option("--calibration", metavar="X.npy", help="Inputs that input ranges and converters are laid out for, and that "
        "drive the rows in the costs; else bounds, and the first of --inputs.")  # fmt: skip
@option("--technology", metavar="LIST", help="Axis: presets or TOML files, as sky130_xhigh_1M,mine.toml.")
@option("--bank", metavar="LIST", help="Axis: nominal plans, as geometric:1.25,equal; else each technology's own.")
@option("--resistors", metavar="LIST", help="Axis: resistors a bank, as 10,12,14; else each technology's own.")
@option("--tile", metavar="LIST", help="Axis: largest rows and columns of a crossbar, as 32x32,128x128; else 64x64.")
@option("--measurement-bits", metavar="LIST", help="Axis: of the converter that measures branches, as 12,14.")
@option("--adc-bits", metavar="LIST", help="Axis: of the converters at the columns, as 8,10.")
@option("--points", type=int, metavar="N", help="Only N points of the product, by a Sobol sequence.")
@option("--tolerance", type=float, default=DEFAULT_TOLERANCE, help="Largest cell error, as build takes it.")
@option("--seed", type=int, default=1, help="Of the die, of offsets and noise, and of --points.")
@option("--quality", default="output-error", help="output-error, agreement or accuracy: what the fronts are for.")
@option("--workers", type=int, metavar="N", help="Processes; else one a core. The results are the same.")
@option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster that runs the points instead.")
@option("--fresh", is_flag=True, help="Run points again that an earlier run finished.")
@option("--no-plots", is_flag=True, help="Draw no pictures.")
@json_option
def explore(
    model: str,
    out: str,
    inputs: str,
    labels: str | None,
    workers: int | None,
    no_plots: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Which chip for the network MODEL: quality against area and energy over many designs.

    Every point of the product of the axes is built, evaluated and charged as build, evaluate and cost do it, and can be
    made again by its own commands. Finished points are kept, so that the same command goes on after an interruption,
    or with longer axes. Exit status 3 says that points were lost, or that none could be built.
    """
    from rsscircuit.execution import default_workers
    from rsscircuit.exploration import explore as run
    from rsscircuit.exploration import parse_axes
    from rsscircuit.report import exploration as report

    axes = parse_axes(**{name: asked.pop(name) for name in AXES})
    if not no_plots:
        report.check_plots()
    result = run(
        model,
        out,
        inputs,
        labels,
        axes=axes,
        workers=default_workers() if workers is None else workers,
        say=lambda line: click.echo(line, err=True),
        progress=bars(as_json),
        **asked,
    )
    pictures = report.draw_exploration(result, Path(out)) if not no_plots and result["done"] else []
    if as_json:
        print_json(result)
    else:
        report.show_exploration(result, Path(out), pictures)
    if result["lost"] or not result["done"]:
        sys.exit(LOST_TRIALS)

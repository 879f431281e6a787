"""Commands that judge the whole network on its chip."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from rsscircuit.commands.shared import (
    LOST_TRIALS,
    bars,
    converter_options,
    data_options,
    directory_argument,
    json_option,
    option,
    print_json,
    stuck_options,
)
from rsscircuit.quantities import parse_numbers, parse_range


@click.command(epilog="Example: generate-crossbar evaluate generated/lenet5 --inputs images.npy --labels labels.npy")
@directory_argument
@data_options
@option(
    "--effects",
    help="At work on the chip: all, none, or some of solver, measurement, faults, ageing, temperature, supply, "
    "voltage, switch, leakage, wires, dac, gain, offset, noise, adc, correction. Else all, beside the design without "
    "read-out.",
)
@option("--attribute", is_flag=True, help="What each effect costs, alone and switched on in that order.")
@converter_options
@option("--celsius", type=float, default=27.0, help="Temperature.")
@option("--supply", "supply_volt", type=float, metavar="VOLT", help="Of the switches' gates; else nominal.")
@option("--years", type=float, default=0.0, help="Age.")
@stuck_options
@option("--seed", type=int, default=1, help="Of drift, faults and noise; offsets are the die's own.")
@option("--engine", default="nodal", help="nodal, or ngspice for some --images.")
@option("--images", metavar="N|LIST", help="With --engine ngspice: so many from the first, or numbers as 3,7,0.")
@option("--workers", type=int, metavar="N", help="Batches at a time; else one a core. The results are the same.")
@json_option
def evaluate(
    directory: str,
    inputs: str,
    labels: str | None,
    limit: int | None,
    effects: str | None,
    attribute: bool,
    calibration: str | None,
    engine: str,
    images: str | None,
    workers: int | None,
    as_json: bool,
    **conditions: Any,
) -> None:
    """How the chip answers beside the trained network: accuracy, agreement and output error."""
    from rsscircuit import analyses
    from rsscircuit.inference import Operation
    from rsscircuit.report import inference as report

    asked: dict[str, Any] = {"operation": Operation(**conditions), "calibration": calibration}
    asked |= {"progress": bars(as_json)}
    given = {"--limit": limit, "--attribute": attribute or None, "--workers": workers, "--images": images}
    report.check_choices(engine, {name for name, value in given.items() if value is not None})
    if engine == "ngspice":
        chosen = parse_numbers(images or "1", "--images")
        result = analyses.evaluate_spice(directory, inputs, labels, images=chosen, effects=effects or "all", **asked)
        show = report.show_spice
    elif attribute:
        asked |= {"limit": limit, "workers": workers}
        result = analyses.attribute_errors(directory, inputs, labels, effects=effects or "all", **asked)
        show = report.show_attribution
    else:
        asked |= {"limit": limit, "workers": workers}
        result = analyses.evaluate(directory, inputs, labels, effects=effects, **asked)
        show = report.show_evaluation
    if as_json:
        print_json(result)
    else:
        show(result)


@click.command(
    "yield",
    epilog="Example: generate-crossbar yield generated/lenet5 --inputs images.npy --labels labels.npy --limit 1000 "
    "--limit-agreement 0.99",
)
@directory_argument
@data_options
@option("--dies", type=int, default=100, help="How many; of a fixed program, so many drifts.")
@option("--fixed-program", is_flag=True, help="Keep the design's die and program; move temperature, supply and age.")
@option("--limit-accuracy", type=float, metavar="SHARE", help="Accuracy that a die has to reach.")
@option("--limit-agreement", type=float, metavar="SHARE", help="Agreement with the trained network, likewise.")
@option("--limit-error", type=float, metavar="FRACTION", help="Output error that it may have.")
@option("--effects", default="all", help="At work on the chip, as evaluate takes them.")
@converter_options
@stuck_options
@option("--celsius", metavar="LOW:HIGH", help="Temperatures, one a die; else 27, of a fixed program -40:125.")
@option("--supply", metavar="LOW:HIGH", help="Supplies, volt; else nominal, of a fixed program nominal +- 10 %.")
@option("--years", metavar="LOW:HIGH", help="Ages; else 0, of a fixed program 0:10.")
@option("--seed", type=int, default=1, help="Of the first die; the others have the next ones.")
@option("--workers", type=int, metavar="N", help="Processes; else one a core. The results are the same.")
@option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster that runs the dies instead.")
@option("--fresh", is_flag=True, help="Run dies again that an earlier run finished.")
@option("--plots", is_flag=True, help="Draw how the figures are distributed, as SVG.")
@json_option
def network_yield(
    directory: str,
    inputs: str,
    labels: str | None,
    fixed_program: bool,
    limit_accuracy: float | None,
    limit_agreement: float | None,
    limit_error: float | None,
    celsius: str | None,
    supply: str | None,
    years: str | None,
    workers: int | None,
    plots: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Accuracy of the whole network over many dies, and the share that keeps a limit.

    Every die is new, measured and programmed for itself, and run on the inputs as evaluate runs one; or one die drifts.
    Finished dies are kept, so that the same command goes on after an interruption, or with more dies. Exit status 3
    says that dies were lost.
    """
    from rsscircuit.execution import default_workers
    from rsscircuit.inference import Operation
    from rsscircuit.population import Limits
    from rsscircuit.population import network_yield as run
    from rsscircuit.report import montecarlo as pictures
    from rsscircuit.report import population as report

    if plots:
        pictures.check_plots()
    given = {"celsius": celsius, "supply": supply, "years": years}
    ranges = {name: None if text is None else parse_range(text, f"--{name}") for name, text in given.items()}
    converters = ("dac_bits", "adc_bits", "adc_percentile", "stuck_open", "stuck_closed")
    result = run(
        directory,
        inputs,
        labels,
        fixed=fixed_program,
        limits=Limits(accuracy=limit_accuracy, agreement=limit_agreement, output_error=limit_error),
        operation=Operation(**{name: asked.pop(name) for name in converters}),
        celsius=ranges["celsius"],
        supply_volt=ranges["supply"],
        years=ranges["years"],
        workers=default_workers() if workers is None else workers,
        progress=bars(as_json),
        **asked,
    )
    folder = Path(directory) / "results" / result["files"]
    drawn = report.draw_yield(result, folder) if plots and result["trials"] else []
    if as_json:
        print_json(result)
    else:
        report.show_yield(result, folder, drawn)
    if result["lost"]:
        click.echo(report.lost_line(result), err=True)
        sys.exit(LOST_TRIALS)


@click.command(epilog="Example: generate-crossbar cost generated/lenet5 --layers")
@directory_argument
@option("--inputs", metavar="X.npy", help="Inputs that drive the rows; else those that the build kept.")
@option("--figures", metavar="FILE.toml", help="Figures of your own for converters, amplifiers and gates.")
@option("--adc-bits", type=int, help="Converters at the columns; else the technology's.")
@option("--layers", is_flag=True, help="Layer by layer as well.")
@option("--sources", is_flag=True, help="Equation and source of every line as well.")
@json_option
def cost(
    directory: str,
    inputs: str | None,
    figures: str | None,
    adc_bits: int | None,
    layers: bool,
    sources: bool,
    as_json: bool,
) -> None:
    """What the design in DIR costs: area, energy, time and programming, beside digital and ReRAM."""
    from rsscircuit.cost import cost as run
    from rsscircuit.report.cost import show_cost

    result = run(directory, inputs=inputs, figures=figures, adc_bits=adc_bits)
    if as_json:
        print_json(result)
    else:
        show_cost(result, layers=layers, sources=sources)

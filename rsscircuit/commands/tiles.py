"""Commands that simulate one tile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from rsscircuit.commands.shared import (
    LOST_TRIALS,
    bars,
    directory_argument,
    json_option,
    layer_option,
    option,
    print_json,
    tile_option,
)
from rsscircuit.errors import InputError
from rsscircuit.quantities import parse_range


@click.command(
    epilog="Example: generate-crossbar simulate DIR --engine ngspice --layer conv1 --tile 0 --inputs volts.npy"
)
@directory_argument
@layer_option
@tile_option
@option("--inputs", metavar="V.npy", help="volt [cases, rows], bias rows first; noise takes none.")
@option("--engine", default="ngspice", help="ideal, nodal, ngspice or vacask.")
@option(
    "--analysis",
    default="op",
    help="op (an operating point a case); with amplifiers and capacitances, in ngspice and vacask: transient (rows "
    "step to the inputs), ac (inputs are amplitudes), noise.",
)
@option(
    "--switch",
    default="nmos",
    metavar="LEVEL",
    help="ideal, nmos, transmission-gate, pdk:sky130, pdk:gf180 or pdk:ihp.",
)
@option("--pdk-root", metavar="DIR", help="Where the kit of --switch pdk lies; else the environment's PDK_ROOT.")
@option("--wires/--ideal-wires", default=None, help="Wire segments and leakage; else as the design was built.")
@option("--celsius", type=float, default=27.0, help="Temperature; currents are ratios to the feedback resistor there.")
@option("--supply", type=float, metavar="VOLT", help="Gate voltage of a closed switch; else the technology's.")
@option(
    "--readout",
    metavar="TIA",
    help="Amplifier of transient, ac and noise: tia:gain=1e5,bandwidth=1e7,offset=0,noise=1e-8,feedback=20e3 "
    "(all have these defaults).",
)
@option("--adc-bits", type=int, help="Converter to half a step of which a transient settles; else 8.")
@option("--column", type=int, help="Whose noise; else the column that conducts most.")
@json_option
def simulate(
    directory: str, layer: str, tile: int, inputs: str | None, engine: str, as_json: bool, **choices: Any
) -> None:
    """One tile in a simulator: column currents, settling, bandwidth or noise.

    Exit status 3 says that the simulator crashed.
    """
    from rsscircuit.report.simulation import show_simulation
    from rsscircuit.simulation import Choices, simulate_tile

    result = simulate_tile(
        directory,
        engine=engine,
        layer=layer,
        tile=tile,
        inputs=inputs,
        choices=Choices(own_process=True, **choices),
        progress=bars(as_json),
    )
    if as_json:
        print_json(result)
    else:
        show_simulation(result, directory)


@click.command(epilog="Example: generate-crossbar montecarlo DIR --layer conv1 --tile 0 --trials 100")
@directory_argument
@layer_option
@tile_option
@option("--trials", type=int, help="How many; else 100.")
@option("--trial", type=int, metavar="K", help="Only trial K, by itself, and its netlist.")
@option("--engine", default="nodal", help="nodal, ngspice or ideal.")
@option("--fixed-program", is_flag=True, help="Keep one die and its program; move temperature, supply and age.")
@option("--celsius", metavar="LOW:HIGH", help="Temperatures of a fixed program; else -40:125.")
@option("--supply", metavar="LOW:HIGH", help="Supply of a fixed program, volt; else nominal +- 10 %.")
@option("--years", metavar="LOW:HIGH", help="Age of a fixed program; else 0:10.")
@option("--seed", type=int, default=1, help="Of the trials.")
@option("--workers", type=int, metavar="N", help="Processes; else one a core. The results are the same.")
@option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster that runs the trials instead.")
@option("--fresh", is_flag=True, help="Run trials again that an earlier run finished.")
@option("--plots", is_flag=True, help="Draw the errors, the columns and the convergence, as SVG.")
@json_option
def montecarlo(
    directory: str,
    layer: str,
    tile: int,
    trials: int | None,
    trial: int | None,
    engine: str,
    fixed_program: bool,
    seed: int,
    workers: int | None,
    dask: str | None,
    fresh: bool,
    plots: bool,
    as_json: bool,
    **ranges: str | None,
) -> None:
    """Output error of one tile over process variation: every trial a new die, or one die that drifts.

    Finished trials are kept, so that the same command goes on after an interruption, or with more trials. Exit status
    3 says that trials were lost.
    """
    from rsscircuit import analyses
    from rsscircuit.execution import default_workers
    from rsscircuit.report import montecarlo as report
    from rsscircuit.simulate.montecarlo import Conditions

    names = {"celsius": "celsius", "supply": "supply_volt", "years": "years"}
    given = {names[name]: parse_range(text, f"--{name}") for name, text in ranges.items() if text is not None}
    if given and not fixed_program:
        raise InputError("temperature, supply and age move only a fixed program", remedy="add --fixed-program")
    asked: dict[str, Any] = {"layer": layer, "tile": tile, "engine": engine, "fixed": fixed_program, "seed": seed}
    asked["conditions"] = Conditions(**given)
    if trial is not None:
        whole = {"--trials": trials, "--workers": workers, "--dask": dask, "--fresh": fresh, "--plots": plots}
        idle = [name for name, value in whole.items() if value is not None and value is not False]
        if idle:
            raise InputError(
                f"one trial by itself takes no {' or '.join(idle)}", where="--trial", remedy="leave it out"
            )
        alone = analyses.montecarlo_trial(directory, trial=trial, workers=int(engine == "ngspice"), **asked)
        print_json(alone) if as_json else report.show_trial(alone)
        return
    if plots:
        report.check_plots()
    asked |= {"workers": default_workers() if workers is None else workers, "dask": dask, "fresh": fresh}
    result = analyses.montecarlo(directory, trials=100 if trials is None else trials, progress=bars(as_json), **asked)
    folder = Path(directory) / "results" / result["files"]
    drawn = report.draw_montecarlo(result, folder) if plots and result["trials"] else []
    if as_json:
        print_json(result)
    else:
        report.show_montecarlo(result, folder, drawn)
    if result["lost"]:
        click.echo(report.lost_line(result), err=True)
        sys.exit(LOST_TRIALS)

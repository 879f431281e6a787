"""The command ``generate-crossbar``: parse, call the pipeline, print; no logic of its own."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from rsscircuit import __version__
from rsscircuit.comparison import DIES
from rsscircuit.errors import InputError, RsscircuitError
from rsscircuit.options import ADC, DEFAULT_TOLERANCE, BuildOptions
from rsscircuit.progress import Progress, silent
from rsscircuit.quantities import parse_numbers, parse_quantity, parse_range, parse_tile
from rsscircuit.report import corners, tables
from rsscircuit.report.bars import bar
from rsscircuit.sizing import DEFAULT_PLANS
from rsscircuit.technology import DEFAULT, load_technology, preset_names, technology_text

directory_argument = click.argument("directory", metavar="DIR")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts, and no bars.")
LOST_TRIALS = 3  # exit status
NOT_SIGNED_OFF = 1  # exit status
layer_option = click.option("--layer", required=True, help="Layer, by its ONNX name or its file name.")
tile_option = click.option("--tile", required=True, type=int, help="Tile of the layer, from 0.")


def option(name: str, *names: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option whose default is shown in its help."""
    return click.option(name, *names, show_default=settings.get("default") is not None, **settings)


class _Tolerance(click.ParamType):  # type: ignore[type-arg]
    """A fraction, or the word ``adc``."""

    name = "fraction|adc"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        if value == ADC:
            return ADC
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a fraction nor {ADC}", param, ctx)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="generate-crossbar")
def cli() -> None:
    """Map trained networks onto resistive crossbars whose cells are banks of random resistors."""


@cli.command(epilog="Example: generate-crossbar build lenet5.onnx --out generated/lenet5 --calibration images.npy")
@click.argument("model", metavar="MODEL")
@option("--out", required=True, metavar="DIR", help="Directory of the design.")
@option("--technology", default=DEFAULT, metavar="NAME|FILE", help="Preset name or TOML file.")
@option("--bank", metavar="PLAN", help="Nominal plan, as geometric:1.25 or equal; else the technology's own.")
@option("--resistors", type=int, metavar="N", help="Resistors a bank, 1 to 32; else the technology's own.")
@option("--tile", default="64x64", metavar="RxC", help="Largest logical rows and columns of a crossbar.")
@option(
    "--solver", default="auto", help="auto, meet-in-the-middle, relaxation or cp-sat; for --objective any also window."
)
@option(
    "--tolerance",
    type=_Tolerance(),
    default=DEFAULT_TOLERANCE,
    metavar="FRACTION|adc",
    help="Largest cell error, as a fraction of the layer's full-scale conductance, as size --error is, whose "
    "default is 1e-3; 0 = nearest; adc = half an ADC step over the calibration inputs.",
)
@option("--adc-bits", type=int, default=8, help="Resolution of the ADC that --tolerance adc stands for.")
@option(
    "--objective",
    default="least-total",
    help="Which subset within the tolerance: least-total conductance, least-ageing (least expected drift), fewest "
    "closed switches, or any.",
)
@option("--most-closed", type=int, help="Most closed switches a pair.")
@option("--most-total", type=float, help="Largest total conductance of a pair, as a fraction of full scale.")
@option("--stuck", metavar="FILE.csv", help="Stuck switches: layer,row,column,polarity,branch,state.")
@option("--corners", metavar="LIST", help="Serve these too: celsius=-40:125,supply=1.62:1.98,volt=0.2.")
@option("--calibration", metavar="X.npy", help="Inputs whose activations set the input range of each layer.")
@option("--seed", type=int, default=1, help="Which virtual die.")
@option("--variation", default="all", help="Terms at work: all, none, or some of lot,wafer,die,gradient,local,switch.")
@option(
    "--effects",
    default="all",
    help="Effects at work: all, none, or some of temperature,voltage,switch,leakage,ageing,wires.",
)
@option("--netlists", default="all", help="all, sample (the first tile of each layer) or none.")
@option("--wires", is_flag=True, help="Netlists with wire segments and leakage.")
@option("--force", is_flag=True, help="Replace a design that is there.")
@json_option
def build(model: str, out: str, tile: str, force: bool, as_json: bool, **choices: Any) -> None:
    """Map the network MODEL (ONNX or .npz): solve, and write netlists, bitstreams and Verilog."""
    from rsscircuit.analyses import inspect as inspect_design
    from rsscircuit.pipeline import build as run

    options = BuildOptions(tile=parse_tile(tile), **choices)
    design = run(model, out, options, force=force, progress=_bars(as_json))
    record = inspect_design(out)
    if as_json:
        _print_json(record)
        return
    tables.show_layers(record, _seconds(Path(out)))
    corners.show_corners(record)
    tables.print_lines(tables.design_lines(record, design.technology))
    tables.print_lines(["", *_written(Path(out))])


@cli.command(epilog="Example: generate-crossbar evaluate generated/lenet5 --inputs images.npy --labels labels.npy")
@directory_argument
@option("--inputs", required=True, metavar="X.npy", help="[N, ...], as the network takes it.")
@option("--labels", metavar="Y.npy", help="Whole numbers [N]; without them there is no accuracy.")
@option("--limit", type=int, help="Only the first so many inputs.")
@option(
    "--effects",
    help="At work on the chip: all, none, or some of solver, measurement, faults, ageing, temperature, voltage, "
    "switch, leakage, wires, dac, gain, offset, noise, adc. Else all, beside the design without read-out.",
)
@option("--attribute", is_flag=True, help="What each effect costs, alone and switched on in that order.")
@option("--calibration", metavar="X.npy", help="Inputs that the converters are laid out for; else the first 256.")
@option("--dac-bits", type=int, help="Converters at the rows; else the technology's.")
@option("--adc-bits", type=int, help="Converters at the columns; else the technology's.")
@option("--adc-percentile", type=float, help="Of a layer's column currents, full scale; else the technology's.")
@option("--celsius", type=float, default=27.0, help="Temperature.")
@option("--years", type=float, default=0.0, help="Age.")
@option("--stuck-open", type=float, default=0.0, metavar="SHARE", help="Switches stuck since programming.")
@option("--stuck-closed", type=float, default=0.0, metavar="SHARE", help="The same.")
@option("--seed", type=int, default=1, help="Of drift, faults, offsets and noise.")
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
    asked |= {"progress": _bars(as_json)}
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
        _print_json(result)
    else:
        show(result)


@cli.command(
    epilog="Example: generate-crossbar simulate DIR --engine ngspice --layer conv1 --tile 0 --inputs volts.npy"
)
@directory_argument
@layer_option
@tile_option
@option("--inputs", required=True, metavar="V.npy", help="volt [cases, rows], bias rows first.")
@option("--engine", default="ngspice", help="ideal, nodal or ngspice.")
@json_option
def simulate(directory: str, layer: str, tile: int, inputs: str, engine: str, as_json: bool) -> None:
    """Column currents of one tile."""
    from rsscircuit.analyses import simulate_tile

    result = simulate_tile(directory, engine=engine, layer=layer, tile=tile, inputs=inputs, progress=_bars(as_json))
    if as_json:
        _print_json(result)
    else:
        tables.show_simulation(result)


@cli.command(epilog="Example: generate-crossbar montecarlo DIR --layer conv1 --tile 0 --trials 100")
@directory_argument
@layer_option
@tile_option
@option("--trials", default=100, type=int, help="How many.")
@option("--trial", type=int, metavar="K", help="Only trial K of them, by itself, and its netlist.")
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
    trials: int,
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
        alone = analyses.montecarlo_trial(directory, trial=trial, **asked)
        _print_json(alone) if as_json else report.show_trial(alone)
        return
    if plots:
        report.check_plots()
    asked |= {"workers": default_workers() if workers is None else workers, "dask": dask, "fresh": fresh}
    result = analyses.montecarlo(directory, trials=trials, progress=_bars(as_json), **asked)
    folder = Path(directory) / "results" / result["files"]
    drawn = report.draw_montecarlo(result, folder) if plots and result["trials"] else []
    if as_json:
        _print_json(result)
    else:
        report.show_montecarlo(result, folder, drawn)
    if result["lost"]:
        click.echo(report.lost_line(result), err=True)
        sys.exit(LOST_TRIALS)


@cli.command(epilog="Example: generate-crossbar signoff generated/lenet5 --layer conv1")
@directory_argument
@option("--layer", help="Only this layer, by its ONNX name or its file name.")
@option("--tile", type=int, help="Only this tile of each layer, from 0.")
@option("--inputs", metavar="X.npy", help="Inputs of the network; else those that the build kept.")
@option("--transient", is_flag=True, help="Instead: the programming of one small tile as a transient.")
@option("--closed-loop", is_flag=True, help="Instead: Verilog and ngspice in lock step, on one small tile.")
@option("--workers", type=int, metavar="N", help="Processes; else one a core. The results are the same.")
@option("--fresh", is_flag=True, help="Run tiles again that an earlier run finished.")
@json_option
def signoff(
    directory: str,
    layer: str | None,
    tile: int | None,
    inputs: str | None,
    transient: bool,
    closed_loop: bool,
    workers: int | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Check that the emitted Verilog with the emitted bitstreams programs the emitted netlists, tile by tile.

    Finished tiles are kept, so that the same command goes on after an interruption. Exit status 1 says that a check
    failed.
    """
    from rsscircuit.execution import default_workers
    from rsscircuit.report import signoff as report
    from rsscircuit.signoff import run_closed_loop, run_transient, sign_off

    if transient and closed_loop:
        raise InputError("--transient and --closed-loop are two runs", where="signoff", remedy="leave one out")
    if transient or closed_loop:
        in_time = run_transient if transient else run_closed_loop
        result = in_time(directory, layer=layer, tile=tile)
    else:
        result = sign_off(
            directory,
            layer=layer,
            tile=tile,
            inputs=inputs,
            workers=default_workers() if workers is None else workers,
            fresh=fresh,
            progress=_bars(as_json),
        )
    if as_json:
        _print_json(result)
    else:
        report.show_signoff(result)
    if not result["passed"]:
        sys.exit(NOT_SIGNED_OFF)


@cli.command("export-banks", epilog="Example: generate-crossbar export-banks generated/lenet5 --csv die.csv")
@directory_argument
@option(
    "--csv",
    required=True,
    metavar="FILE.csv",
    help="Table to write, and the folders above it: a line a branch, in siemens.",
)
@option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def export_banks(directory: str, csv: str, force: bool, as_json: bool) -> None:
    """Write the measured branches of a design as a table, which `program` reads."""
    from rsscircuit.pipeline import export_banks as run

    written = run(directory, csv, force=force, progress=_bars(as_json))
    if as_json:
        _print_json(written)
    else:
        tables.print_lines([f"{csv}: {written['branches']} branches of {written['layers']} layers, as measured"])


@cli.command(epilog="Example: generate-crossbar program generated/lenet5 --measured die.csv --out generated/die7")
@directory_argument
@option(
    "--measured",
    required=True,
    metavar="FILE.csv",
    help="Measured branches: layer,row,column,polarity,branch, siemens or ohm, and if known sigma_siemens or "
    "sigma_ohm, and state (open, closed, works).",
)
@option("--out", metavar="DIR", help="Directory of the new design; without it DIR is replaced, with --force.")
@option("--force", is_flag=True, help="Replace a design that is there, and drop its results/.")
@json_option
def program(directory: str, measured: str, out: str | None, force: bool, as_json: bool) -> None:
    """Program the design DIR anew for a measured die: solve, and write netlists, bitstreams and Verilog."""
    from rsscircuit.analyses import inspect as inspect_design
    from rsscircuit.pipeline import program as run
    from rsscircuit.report import dies

    written = Path(directory if out is None else out)
    results = sum(path.is_file() for path in (written / "results").rglob("*"))
    run(directory, measured, out, force=force, progress=_bars(as_json))
    record = inspect_design(written)
    if as_json:
        _print_json(record)
        return
    dies.show_programmed(record, _seconds(written))
    if results:
        files = "file" if results == 1 else "files"
        tables.print_lines([f"dropped      {results} {files} of {written}/results, of the design that was replaced"])
    tables.print_lines([*dies.die_lines(record), "", *_written(written)])


@cli.command(epilog="Example: generate-crossbar emit generated/lenet5 --layer conv1 --tile 0 --wires --out tile.cir")
@directory_argument
@option("--layer", help="Layer of the tile, by its ONNX name or its file name.")
@option("--tile", type=int, help="Tile of the layer, from 0.")
@option("--network", is_flag=True, help="The whole network in one deck: dense layers and ReLU, up to 131072 branches.")
@option("--out", required=True, metavar="FILE", help="File to write.")
@option("--switch", default="nmos", metavar="LEVEL", help="ideal, nmos, transmission-gate, pdk:sky130 or pdk:gf180.")
@option("--pdk-root", metavar="DIR", help="Where the kit of --switch pdk lies; else the environment's PDK_ROOT.")
@option("--merged", is_flag=True, help="One resistor a bank for all its closed branches.")
@option("--wires", is_flag=True, help="Wire segments and leakage.")
@option("--both-ends", metavar="LINES", help="words, bits or all: lines driven or read at both ends; with --wires.")
@option("--pair", default="negated-input", metavar="PAIR", help="negated-input or paired-columns.")
@option(
    "--readout",
    default="virtual-ground",
    metavar="READOUT",
    help="virtual-ground, or tia:gain=1e5,bandwidth=1e7,offset=0,feedback=20e3,branches=0 (all have defaults).",
)
@option("--gate-off", type=float, default=0.0, metavar="VOLT", help="Gate of an open switch over the source rail.")
@option("--common-mode", type=float, metavar="VOLT", help="Virtual ground over it; else the technology's.")
@option("--driver", type=float, default=0.0, metavar="OHM", help="Output resistance of every word-line driver.")
@option("--linear-resistors", is_flag=True, help="Leave out the resistors' voltage coefficients.")
@option("--dialect", default="ngspice", metavar="NAME", help="ngspice, vacask, or xyce (written, not run).")
@option("--inputs", metavar="X.npy", help="volt [cases, rows] of a tile, else read voltage; inputs of a network.")
@option("--case", type=int, default=0, help="Which of the inputs, from 0.")
@option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def emit(
    directory: str,
    out: str,
    layer: str | None,
    tile: int | None,
    network: bool,
    dialect: str,
    inputs: str | None,
    case: int,
    force: bool,
    as_json: bool,
    linear_resistors: bool,
    **level: Any,
) -> None:
    """Write one tile, or a whole small network, as one SPICE deck."""
    from rsscircuit.emission import Level
    from rsscircuit.emission import emit as run

    written = run(
        directory,
        out,
        layer=layer,
        tile=tile,
        network=network,
        inputs=inputs,
        case=case,
        level=Level(voltage_coefficient=not linear_resistors, **level),
        dialect=dialect,
        force=force,
    )
    if as_json:
        _print_json(written)
    else:
        tables.print_lines([f"{out}: {written['what']}, {written['lines']} lines", f"run: {written['run']}"])


@cli.command(epilog="Example: generate-crossbar hdl design --out design_wishbone --bus wishbone --replay")
@directory_argument
@option("--out", required=True, metavar="FOLDER", help="Folder to write.")
@option("--bus", default="axi4-lite", metavar="BUS", help="axi4-lite, wishbone or spi.")
@option("--array", default="memory", metavar="PLACE", help="Latches as memory inside, or as macros at the ports.")
@option("--tiles", type=int, default=1, help="Tiles behind the controller.")
@option("--dac-bits", type=int, default=8, help="Bits of an input code.")
@option("--adc-bits", type=int, default=8, help="Bits of an output code.")
@option("--weight-map", is_flag=True, help="With the table from weight codes to subsets.")
@option("--fuses", is_flag=True, help="One-time programmable: no loader, no calibration, no editing.")
@option("--replay", is_flag=True, help="Record every pin of a simulated run, and the bench that replays it.")
@option("--force", is_flag=True, help="Write into a folder that holds files.")
@json_option
def hdl(directory: str, out: str, replay: bool, force: bool, as_json: bool, **configuration: Any) -> None:
    """The package of a design's controller for another bus or variant, or with recorded pins."""
    from rsscircuit.handing_over import hand_over

    written = hand_over(directory, out, replay=replay, force=force, progress=_bars(as_json), **configuration)
    if as_json:
        _print_json(written)
    else:
        tables.print_lines([f"{out}: {written['files']} files; README.md says what they are"])


@cli.command()
@directory_argument
@json_option
def inspect(directory: str, as_json: bool) -> None:
    """What a design holds, and whether its files are still as they were written."""
    from rsscircuit.analyses import inspect as run
    from rsscircuit.design import load
    from rsscircuit.report import dies

    record = run(directory)
    if as_json:
        _print_json(record)
        return
    tables.show_layers(record, {})
    corners.show_corners(record)
    tables.print_lines(tables.design_lines(record, load(directory).technology))
    changed = ", ".join(record["changed"])
    tables.print_lines(dies.die_lines(record))
    state = f"CHANGED since they were written: {changed}" if changed else "as written"
    names = ", ".join(f"{layer['name']} = {layer['label']}" for layer in record["layers"])
    tables.print_lines([f"{'files':<13}{state}", f"{'file names':<13}{names}"])


@cli.command(epilog="Example: generate-crossbar size --error 1e-3 --plans geometric:1.25,linear:0.2")
@option("--technology", default=DEFAULT, metavar="NAME|FILE", help="Preset name or TOML file.")
@option(
    "--error",
    type=float,
    default=1e-3,
    help="Largest error of a pair, as a fraction of full scale, as build --tolerance is, whose default is 4.9e-4.",
)
@option("--confidence", type=float, default=0.999, help="Share of the pairs that must be within it.")
@option("--plans", default=DEFAULT_PLANS, metavar="PLAN,...", help="Nominal plans, as build --bank takes them.")
@option("--targets", default="weights", help="weights (trained, mostly small) or mid (15 to 85 % of full scale).")
@option("--dies", type=int, help="Dies of the sample; else enough for the confidence.")
@option("--pairs", type=int, default=64, help="Pairs in the column of every die.")
@option("--measurement-share", type=float, default=0.1, help="Share of the error that measurement may add, in rms.")
@option("--seed", type=int, default=1, help="Of dies and targets.")
@json_option
def size(technology: str, plans: str, as_json: bool, **asked: Any) -> None:
    """How many resistors a bank needs, plan by plan: by simulation on measured dies, and theory beside it."""
    from rsscircuit.report.sizing_tables import show_sizes
    from rsscircuit.sizing.answer import answer
    from rsscircuit.sizing.size import sized_request, split_plans

    process = load_technology(technology)
    request = sized_request(**asked)
    record = answer(split_plans(plans), process, request, progress=_bars(as_json))
    if as_json:
        _print_json(record)
    else:
        show_sizes(record, process)


@cli.command(epilog="Example: generate-crossbar technologies sky130_xhigh_1M --toml > mine.toml")
@click.argument("name", metavar="[NAME]", required=False)
@option("--toml", is_flag=True, help="Print the file behind NAME, to start one of your own from.")
def technologies(name: str | None, toml: bool) -> None:
    """The technologies, or every number of the one called NAME (a preset or a file) with its source."""
    if toml:
        if name is None:
            raise InputError("a file of which technology", where="--toml", remedy="add its name")
        click.echo(technology_text(name), nl=False)
        return
    if name is not None:
        tables.show_technology(load_technology(name), technology_text(name))
        return
    known = [load_technology(preset) for preset in preset_names()]
    rows = [(t.label + (" (default)" if t.name == DEFAULT else ""), t.title) for t in known]
    tables.print_table(("technology", "what it is"), rows, left=2)
    tables.print_lines(
        [
            "hypothetical: no such process exists",
            "`generate-crossbar technologies NAME` has every number with its unit, its mark and its source",
        ]
    )


@cli.command("compare-banks", epilog="Example: generate-crossbar compare-banks --out generated/banks")
@option("--technology", default=DEFAULT, metavar="NAME|FILE", help="Preset name or TOML file.")
@option("--out", metavar="DIR", help="Write the figures (JSON) and the picture (SVG) there as well.")
@option("--dies", type=int, default=DIES, help="Virtual dies of every bank.")
@option("--seed", type=int, default=1, help="Of the dies and the targets.")
@json_option
def compare_banks(technology: str, out: str | None, dies: int, seed: int, as_json: bool) -> None:
    """Area against effective bits: banks of every plan and their rivals."""
    from rsscircuit.comparison import compare_banks as run
    from rsscircuit.report.comparison_plot import save_comparison, writable_folder
    from rsscircuit.report.comparison_tables import show_comparison

    chosen = load_technology(technology)
    folder = None if out is None else writable_folder(out)
    result = run(chosen, dies=dies, seed=seed, progress=_bars(as_json))
    if as_json:
        _print_json(result)
    else:
        show_comparison(result)
    if folder is not None:
        written = save_comparison(result, folder)
        if not as_json:
            tables.print_lines(["", *written])


@cli.command(epilog="Example: generate-crossbar resistor --value 12.34k --tolerance 1e-4 --out generated/r1 --simulate")
@option("--value", required=True, metavar="OHM", help="Resistance, as 12.34k or 1.2M.")
@option("--tolerance", type=float, default=1e-4, help="Largest relative error.")
@option("--technology", default=DEFAULT, metavar="NAME|FILE", help="Preset name or TOML file.")
@option("--circuit", default="parallel", help="parallel, or series with shorting switches.")
@option("--bank", metavar="PLAN", help="Nominal plan, as build --bank takes it; else the technology's own.")
@option("--resistors", type=int, metavar="N", help="Resistors of the bank; else the fewest that suffice.")
@option("--drawn-for", metavar="OHM", help="Program a bank that was drawn for this value to another one.")
@option("--seed", type=int, default=1, help="Which virtual die.")
@option("--measured", metavar="FILE.csv", help="Measured branches of a real die: branch,siemens or branch,ohm.")
@option("--simulate", "simulated", is_flag=True, help="Run the deck in ngspice as well.")
@option("--out", metavar="DIR", help="Write deck, switches, measured branches and figures there.")
@option("--force", is_flag=True, help="Replace those files where they are.")
@json_option
def resistor(
    value: str, drawn_for: str | None, simulated: bool, out: str | None, force: bool, as_json: bool, **choices: Any
) -> None:
    """A precise resistor that stands alone: choose a bank, draw or read a die, solve, and check."""
    from rsscircuit.report.resistor import show_resistor
    from rsscircuit.resistor import ResistorOptions, make_resistor

    options = ResistorOptions(
        value_ohm=parse_quantity(value, "--value"),
        drawn_for_ohm=None if drawn_for is None else parse_quantity(drawn_for, "--drawn-for"),
        simulate=simulated,
        **choices,
    )
    record = make_resistor(options, out, force=force, progress=_bars(as_json))
    if as_json:
        _print_json(record)
    else:
        show_resistor(record, out)


@cli.command()
def doctor() -> None:
    """What is installed, which version, and what each missing part costs."""
    from rsscircuit.doctor import check

    rows = [
        (part.name, part.version or "missing", "" if part.version else f"{part.cost}; {part.remedy}")
        for part in check()
    ]
    tables.print_table(("part", "version", "without it"), rows, left=3)


def _bars(as_json: bool) -> Progress:
    return silent if as_json else bar


def _print_json(data: Mapping[str, Any]) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def _seconds(folder: Path) -> dict[str, str]:
    """Stage times from the run's log, by layer label."""
    lines = [line.split() for line in (folder / "run.log").read_text("utf-8").splitlines()]
    return {words[3]: f"{float(words[0]):.1f} s" for words in lines if words[2] == "layer"}


def _written(folder: Path) -> list[str]:
    contents = {
        "design.json": "options, versions, seed, figures; enough to repeat the run",
        "netlist/": "one SPICE deck a tile; run one with ngspice -b",
        "bitstream/": "one frame a tile for the controller",
        "hdl/": "the controller: Verilog, benches, registers, driver, constraints; see README.md",
        "banks/": "true and measured conductances and the switch plan",
        "run.log": "seconds of each stage",
    }
    return [f"{folder}/{name:<13}{text}" for name, text in contents.items() if (folder / name).exists()]


def main() -> None:
    """Run the command; an error that the user can mend is one line and exit status 2."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left half-written
    try:
        cli.main(standalone_mode=False)
    except RsscircuitError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}")
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message().replace("\n", " "))
    except (click.Abort, KeyboardInterrupt) as stop:
        click.echo(str(stop.__cause__ or stop) or "interrupted", err=True)
        sys.exit(130)


def _fail(message: str) -> None:
    click.echo(f"error: {message}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()

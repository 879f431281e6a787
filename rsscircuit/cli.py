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
from rsscircuit.errors import InputError, RsscircuitError
from rsscircuit.options import ADC, DEFAULT_TOLERANCE, BuildOptions
from rsscircuit.progress import Progress, silent
from rsscircuit.quantities import parse_range, parse_tile
from rsscircuit.report import tables
from rsscircuit.report.bars import bar
from rsscircuit.technology import DEFAULT, load_technology, preset_names, technology_text

directory_argument = click.argument("directory", metavar="DIR")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts, and no bars.")
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
    help="Largest cell error, as a fraction of the layer's full-scale conductance; 0 = nearest; adc = half an "
    "ADC step over the calibration inputs.",
)
@option("--adc-bits", type=int, default=8, help="Resolution of the ADC that --tolerance adc stands for.")
@option(
    "--objective",
    default="least-total",
    help="Which subset within the tolerance: least-total conductance, fewest closed switches, or any.",
)
@option("--most-closed", type=int, help="Most closed switches a pair.")
@option("--most-total", type=float, help="Largest total conductance of a pair, as a fraction of full scale.")
@option("--stuck", metavar="FILE.csv", help="Stuck switches: layer,row,column,polarity,branch,state.")
@option("--calibration", metavar="X.npy", help="Inputs whose activations set the input range of each layer.")
@option("--seed", type=int, default=1, help="Which virtual die.")
@option("--variation", default="all", help="Terms at work: all, none, or some of lot,wafer,die,gradient,local,switch.")
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
    tables.print_lines(tables.design_lines(record, design.technology))
    tables.print_lines(["", *_written(Path(out))])


@cli.command(epilog="Example: generate-crossbar evaluate generated/lenet5 --inputs images.npy --labels labels.npy")
@directory_argument
@option("--inputs", required=True, metavar="X.npy", help="float [N, ...], as the network takes it.")
@option("--labels", metavar="Y.npy", help="Whole numbers [N]; without them there is no accuracy.")
@option("--limit", type=int, help="Only the first so many inputs.")
@json_option
def evaluate(directory: str, inputs: str, labels: str | None, limit: int | None, as_json: bool) -> None:
    """Accuracy of the trained network, of the mapped design, and of the design with parasitics."""
    from rsscircuit.analyses import evaluate as run

    result = run(directory, inputs, labels, limit=limit, progress=_bars(as_json))
    if as_json:
        _print_json(result)
    else:
        tables.show_evaluation(result)


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
@option("--trials", required=True, type=int, help="How many.")
@option("--engine", default="nodal", help="nodal, ngspice or ideal.")
@option("--fixed-program", is_flag=True, help="Keep one die and its program; move temperature, supply and age.")
@option("--celsius", metavar="LOW:HIGH", help="Temperatures of a fixed program; else -40:125.")
@option("--supply", metavar="LOW:HIGH", help="Supply of a fixed program, volt; else nominal +- 10 %.")
@option("--years", metavar="LOW:HIGH", help="Age of a fixed program; else 0:10.")
@option("--seed", type=int, default=1, help="Of the trials.")
@json_option
def montecarlo(
    directory: str,
    layer: str,
    tile: int,
    trials: int,
    engine: str,
    fixed_program: bool,
    celsius: str | None,
    supply: str | None,
    years: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Output error of one tile over process variation: every trial a new die, or one die that drifts."""
    from rsscircuit.analyses import montecarlo as run
    from rsscircuit.simulate.montecarlo import Conditions

    ranges = {"celsius": celsius, "supply_volt": supply, "years": years}
    given = {name: parse_range(text, f"--{name.split('_')[0]}") for name, text in ranges.items() if text is not None}
    if given and not fixed_program:
        raise InputError("temperature, supply and age move only a fixed program", remedy="add --fixed-program")
    result = run(
        directory,
        layer=layer,
        tile=tile,
        trials=trials,
        engine=engine,
        fixed=fixed_program,
        conditions=Conditions(**given),
        seed=seed,
        progress=_bars(as_json),
    )
    if as_json:
        _print_json(result)
    else:
        tables.show_montecarlo(result)


@cli.command()
@directory_argument
@json_option
def inspect(directory: str, as_json: bool) -> None:
    """What a design holds, and whether its files are still as they were written."""
    from rsscircuit.analyses import inspect as run
    from rsscircuit.design import load

    record = run(directory)
    if as_json:
        _print_json(record)
        return
    tables.show_layers(record, {})
    tables.print_lines(tables.design_lines(record, load(directory).technology))
    changed = ", ".join(record["changed"])
    state = f"CHANGED since they were written: {changed}" if changed else "as written"
    names = ", ".join(f"{layer['name']} = {layer['label']}" for layer in record["layers"])
    tables.print_lines([f"{'files':<13}{state}", f"{'file names':<13}{names}"])


@cli.command()
@click.argument("name", metavar="[NAME]", required=False)
def technologies(name: str | None) -> None:
    """The technologies, or every number of the one called NAME with its source."""
    if name is not None:
        tables.show_technology(load_technology(name), technology_text(name))
        return
    known = [load_technology(preset) for preset in preset_names()]
    rows = [(t.label + (" (default)" if t.name == DEFAULT else ""), t.title) for t in known]
    tables.print_table(("technology", "what it is"), rows, left=2)


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
        "hdl/": "the controller in SystemVerilog, and a bench",
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
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)


def _fail(message: str) -> None:
    click.echo(f"error: {message}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()

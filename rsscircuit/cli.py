"""The command ``generate-crossbar``: parse, call the pipeline, print; no logic of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from rsscircuit import __version__
from rsscircuit.errors import RsscircuitError
from rsscircuit.options import DEFAULT_TOLERANCE, BuildOptions
from rsscircuit.progress import Progress, silent
from rsscircuit.quantities import parse_range, parse_tile
from rsscircuit.report import tables
from rsscircuit.report.bars import bar
from rsscircuit.technology import DEFAULT, load_technology, preset_names

app = typer.Typer(
    name="generate-crossbar",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Map trained networks onto resistive crossbars whose cells are banks of random resistors.",
)

Directory = Annotated[str, typer.Argument(metavar="DIR", help="A design that `build` wrote.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts, and no bars.")]
LayerOption = Annotated[str, typer.Option("--layer", help="Layer, by its ONNX name or its file name.")]
TileOption = Annotated[int, typer.Option("--tile", help="Tile of the layer, from 0.")]


def _bars(as_json: bool) -> Progress:
    return silent if as_json else bar


def _print_json(data: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def _version(wanted: bool) -> None:
    if wanted:
        tables.print_lines([f"generate-crossbar {__version__}"])
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself."""


@app.command(epilog="Example: generate-crossbar build lenet5.onnx --out generated/lenet5 --calibration images.npy")
def build(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Network, ONNX or .npz.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Directory of the design.")],
    technology: Annotated[str, typer.Option(help="Preset name or TOML file.")] = DEFAULT,
    bank: Annotated[
        str | None,
        typer.Option(metavar="PLAN", help="Nominal plan, as geometric:1.25 or equal; the technology's own by default."),
    ] = None,
    resistors: Annotated[
        int | None, typer.Option(metavar="N", help="Resistors a bank, 1 to 64; the technology's own by default.")
    ] = None,
    tile: Annotated[str, typer.Option(metavar="RxC", help="Largest logical rows and columns of a crossbar.")] = "64x64",
    solver: Annotated[str, typer.Option(help="auto, meet-in-the-middle or cp-sat.")] = "auto",
    tolerance: Annotated[
        float,
        typer.Option(help="Largest cell error, as a fraction of the layer's full-scale conductance; 0 = nearest."),
    ] = DEFAULT_TOLERANCE,
    calibration: Annotated[
        str | None, typer.Option(metavar="X.npy", help="Inputs whose activations set the input range of each layer.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which virtual die.")] = 1,
    netlists: Annotated[str, typer.Option(help="all, sample (the first tile of each layer) or none.")] = "all",
    wires: Annotated[bool, typer.Option("--wires", help="Netlists with wire segments and leakage.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a design that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Map a network onto crossbars: solve, and write netlists, bitstreams and Verilog."""
    from rsscircuit.analyses import inspect as inspect_design
    from rsscircuit.pipeline import build as run

    options = BuildOptions(
        technology=technology,
        bank=bank,
        resistors=resistors,
        tile=parse_tile(tile),
        solver=solver,
        tolerance=tolerance,
        calibration=calibration,
        seed=seed,
        netlists=netlists,
        wires=wires,
    )
    design = run(model, out, options, force=force, progress=_bars(as_json))
    record = inspect_design(out)
    if as_json:
        _print_json(record)
        return
    tables.show_layers(record, _seconds(Path(out)))
    tables.print_lines(tables.design_lines(record, design.technology))
    tables.print_lines(["", *_written(Path(out))])


def _seconds(folder: Path) -> dict[str, str]:
    """Stage times from the run's log, by layer label."""
    lines = [line.split() for line in (folder / "run.log").read_text("utf-8").splitlines()]
    return {words[3]: f"{words[0]} s" for words in lines if words[2] == "layer"}


def _written(folder: Path) -> list[str]:
    contents = {
        "design.json": "options, versions, seed, figures; enough to repeat the run",
        "netlist": "one SPICE deck a tile: ngspice -b FILE",
        "bitstream": "one frame a tile for the controller",
        "hdl": "the controller in SystemVerilog",
        "banks": "true and measured conductances and the switch plan",
        "run.log": "seconds of each stage",
    }
    return [f"{folder / name}  {text}" for name, text in contents.items() if (folder / name).exists()]


@app.command(epilog="Example: generate-crossbar evaluate generated/lenet5 --inputs images.npy --labels labels.npy")
def evaluate(
    directory: Directory,
    inputs: Annotated[str, typer.Option("--inputs", metavar="X.npy", help="float [N, ...], as the network takes it.")],
    labels: Annotated[str, typer.Option("--labels", metavar="Y.npy", help="whole numbers [N].")],
    limit: Annotated[int | None, typer.Option(help="Only the first so many inputs.")] = None,
    as_json: Json = False,
) -> None:
    """Accuracy of the trained network, of the mapped design, and of the design with parasitics."""
    from rsscircuit.analyses import evaluate as run

    result = run(directory, inputs, labels, limit=limit, progress=_bars(as_json))
    if as_json:
        _print_json(result)
    else:
        tables.show_evaluation(result)


@app.command(
    epilog="Example: generate-crossbar simulate DIR --engine ngspice --layer conv1 --tile 0 --inputs volts.npy"
)
def simulate(
    directory: Directory,
    layer: LayerOption,
    tile: TileOption,
    inputs: Annotated[str, typer.Option("--inputs", metavar="V.npy", help="volt [cases, rows], bias rows first.")],
    engine: Annotated[str, typer.Option(help="ideal, nodal or ngspice.")] = "ngspice",
    as_json: Json = False,
) -> None:
    """Column currents of one tile."""
    from rsscircuit.analyses import simulate_tile

    result = simulate_tile(directory, engine=engine, layer=layer, tile=tile, inputs=inputs, progress=_bars(as_json))
    if as_json:
        _print_json(result)
    else:
        tables.show_simulation(result)


@app.command(epilog="Example: generate-crossbar montecarlo DIR --layer conv1 --tile 0 --trials 100")
def montecarlo(
    directory: Directory,
    layer: LayerOption,
    tile: TileOption,
    trials: Annotated[int, typer.Option(help="How many.")],
    engine: Annotated[str, typer.Option(help="nodal, ngspice or ideal.")] = "nodal",
    fixed_program: Annotated[
        bool, typer.Option("--fixed-program", help="Keep one die and its program; move temperature, supply and age.")
    ] = False,
    celsius: Annotated[str, typer.Option(metavar="LOW:HIGH", help="Temperatures of a fixed program.")] = "-40:125",
    supply: Annotated[
        str | None,
        typer.Option(metavar="LOW:HIGH", help="Supply of a fixed program, volt; nominal +- 10 % by default."),
    ] = None,
    years: Annotated[str, typer.Option(metavar="LOW:HIGH", help="Age of a fixed program.")] = "0:10",
    seed: Annotated[int, typer.Option(help="Of the trials.")] = 1,
    as_json: Json = False,
) -> None:
    """Output error of one tile over process variation: every trial a new die, or one die that drifts."""
    from rsscircuit.analyses import montecarlo as run
    from rsscircuit.simulate.montecarlo import Conditions

    conditions = Conditions(
        celsius=parse_range(celsius, "--celsius"),
        supply_volt=None if supply is None else parse_range(supply, "--supply"),
        years=parse_range(years, "--years"),
    )
    result = run(
        directory,
        layer=layer,
        tile=tile,
        trials=trials,
        engine=engine,
        fixed=fixed_program,
        conditions=conditions,
        seed=seed,
        progress=_bars(as_json),
    )
    if as_json:
        _print_json(result)
    else:
        tables.show_montecarlo(result)


@app.command()
def inspect(directory: Directory, as_json: Json = False) -> None:
    """What a design holds, and whether its files are still as they were written."""
    from rsscircuit.analyses import inspect as run
    from rsscircuit.design import load

    record = run(directory)
    if as_json:
        _print_json(record)
        return
    tables.show_layers(record, {})
    tables.print_lines(tables.design_lines(record, load(directory).technology))
    intact = "as written" if record["intact"] else "CHANGED since they were written"
    tables.print_lines([f"files        {intact}", f"file names   {_labels(record)}"])


def _labels(record: Mapping[str, Any]) -> str:
    return ", ".join(f"{layer['name']} = {layer['label']}" for layer in record["layers"])


@app.command()
def technologies(name: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None) -> None:
    """The technologies, or every number of one with its source."""
    if name is not None:
        tables.show_technology(load_technology(name))
        return
    known = [load_technology(preset) for preset in preset_names()]
    rows = [(t.label + (" (default)" if t.name == DEFAULT else ""), t.title) for t in known]
    tables.print_table(("technology", "what it is"), rows, left=2)


@app.command()
def doctor() -> None:
    """What is installed, which version, and what each missing part costs."""
    from rsscircuit.doctor import check

    rows = [
        (part.name, part.version or "missing", "" if part.version else f"{part.cost}; {part.remedy}")
        for part in check()
    ]
    tables.print_table(("part", "version", "without it"), rows, left=3)


def main() -> None:
    """Run the command; an error that the user can mend is one line and exit status 2."""
    try:
        app(standalone_mode=False)
    except RsscircuitError as error:
        _fail(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        sys.exit(130)


def _fail(message: str) -> None:
    sys.stderr.write(f"error: {message}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()

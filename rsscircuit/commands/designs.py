"""Commands that make a design, program it anew and say what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rsscircuit.commands.shared import bars, calibration_option, directory_argument, json_option, option, print_json
from rsscircuit.design.outcomes import PASS, STEPS, Outcome, as_record, read_outcomes
from rsscircuit.options import ADC, DEFAULT_TOLERANCE, BuildOptions
from rsscircuit.quantities import parse_tile
from rsscircuit.report import corners, steps, tables
from rsscircuit.technology import DEFAULT


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


@click.command(epilog="Example: generate-crossbar build lenet5.onnx --out generated/lenet5 --calibration images.npy")
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
@option("--adc-bits", type=int, metavar="B", help="Of the ADC that --tolerance adc stands for; else the technology's.")
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
@option(
    "--compensate-ir-drop",
    is_flag=True,
    help="Program every tile so that its effective matrix, wires and all, is nearest to the weights.",
)
@option(
    "--joint-columns",
    is_flag=True,
    help="Choose columns as wholes, so that errors cancel over the --calibration inputs.",
)
@option(
    "--correct-bias",
    is_flag=True,
    help="Digital gain and offset of every output, fitted over --calibration inputs on the programmed chip.",
)
@option("--seed", type=int, default=1, help="Which virtual die.")
@option("--variation", default="all", help="Terms at work: all, none, or some of lot,wafer,die,gradient,local,switch.")
@option(
    "--effects",
    default="all",
    help="Effects at work: all, none, or some of temperature,voltage,switch,leakage,ageing,wires.",
)
@option(
    "--measurement-bits", type=int, metavar="B", help="Of the converter that measures branches; else the technology's."
)
@option("--netlists", default="all", help="all, sample (the first tile of each layer) or none.")
@option("--wires", is_flag=True, help="Netlists with wire segments and leakage.")
@option("--bus", default="axi4-lite", metavar="BUS", help="Of the controller: axi4-lite, wishbone or spi.")
@option("--until", "last", default="emit-hdl", metavar="STEP", help=f"Step to end with: {', '.join(STEPS)}.")
@option("--from", "first", metavar="STEP", help="Step to begin with; DIR holds those before it.")
@option("--force", is_flag=True, help="Replace a design, or steps, that are there.")
@json_option
def build(
    model: str, out: str, tile: str, first: str | None, last: str, force: bool, as_json: bool, **choices: Any
) -> None:
    """Map the network MODEL (ONNX or .npz): solve, and write netlists, bitstreams and Verilog."""
    from rsscircuit.analyses import inspect as inspect_design
    from rsscircuit.design import load
    from rsscircuit.pipeline import build_steps
    from rsscircuit.steps import first_failure

    options = BuildOptions(tile=parse_tile(tile), **choices)
    outcomes = build_steps(model, out, options, force=force, first=first, last=last, progress=bars(as_json))
    failure = first_failure(outcomes)
    if "solve" not in outcomes:
        if as_json:
            print_json({"steps": [as_record(each) for each in outcomes.values()]})
        else:
            steps.show_steps(outcomes)
        if failure is not None:
            raise failure
        return
    design, record = load(out), inspect_design(out)
    if as_json:
        print_json(record)
        if failure is not None:
            raise failure
        return
    tables.show_layers(record, steps.layer_seconds(outcomes))
    corners.show_corners(record)
    tables.print_lines(tables.design_lines(record, design.technology))
    _show_checks(outcomes, Path(out))
    if failure is not None:
        raise failure


@click.command(epilog="Example: generate-crossbar program generated/lenet5 --measured die.csv --out generated/die7")
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
    run(directory, measured, out, force=force, progress=bars(as_json))
    record = inspect_design(written)
    if as_json:
        print_json(record)
        return
    outcomes = read_outcomes(written)
    dies.show_programmed(record, steps.layer_seconds(outcomes))
    if results:
        files = "file" if results == 1 else "files"
        tables.print_lines([f"dropped      {results} {files} of {written}/results, of the design that was replaced"])
    tables.print_lines(dies.die_lines(record))
    _show_checks(outcomes, written)


@click.command("export-banks", epilog="Example: generate-crossbar export-banks generated/lenet5 --csv die.csv")
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

    written = run(directory, csv, force=force, progress=bars(as_json))
    if as_json:
        print_json(written)
    else:
        tables.print_lines([f"{csv}: {written['branches']} branches of {written['layers']} layers, as measured"])


@click.command()
@directory_argument
@json_option
def inspect(directory: str, as_json: bool) -> None:
    """What a design holds, and whether its files are still as they were written."""
    from rsscircuit.analyses import inspect as run
    from rsscircuit.design import load
    from rsscircuit.report import dies

    record = run(directory)
    if as_json:
        print_json(record)
        return
    tables.show_layers(record, {})
    corners.show_corners(record)
    tables.print_lines(tables.design_lines(record, load(directory).technology))
    changed = ", ".join(record["changed"])
    tables.print_lines(dies.die_lines(record))
    state = f"CHANGED since they were written: {changed}" if changed else "as written"
    steps.show_steps(read_outcomes(Path(directory)))
    names = ", ".join(f"{layer['name']} = {layer['label']}" for layer in record["layers"])
    tables.print_lines([f"{'files':<13}{state}", f"{'file names':<13}{names}"])


@click.command(epilog="Example: generate-crossbar report generated/lenet5 --inputs images.npy --labels labels.npy")
@directory_argument
@option("--inputs", metavar="X.npy", help="Evaluate the chip on these where that was not done yet.")
@option("--labels", metavar="Y.npy", help="Whole numbers [N]; without them there is no accuracy.")
@calibration_option
@option("--exploration", metavar="DIR", help="Where explore wrote the choices to show beside this one.")
@option("--out", metavar="DIR", help="Where it goes; else report/ in the design.")
@json_option
def report(
    directory: str,
    inputs: str | None,
    labels: str | None,
    calibration: str | None,
    exploration: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Write what the design in DIR holds as one HTML page, its figures as SVG and their data as CSV."""
    from dataclasses import asdict

    from rsscircuit.report.montecarlo import check_plots
    from rsscircuit.report.page import Facts, read_exploration, write_report

    check_plots("report", otherwise="")
    explored = None if exploration is None else read_exploration(exploration)
    facts = Facts.of(directory, inputs, labels, calibration=calibration, exploration=explored, progress=bars(as_json))
    written = write_report(facts, Path(directory) / "report" if out is None else Path(out), progress=bars(as_json))
    if as_json:
        print_json(asdict(written) | {"page": str(written.page)})
        return
    tables.print_lines(
        [
            f"{written.page}  {written.page.stat().st_size / 1e6:.2f} MB",
            f"{written.page.parent}/figures/  {len(written.figures)} figures, each as .svg and .csv",
            *(f"left out: {what}" for what in written.stale),
            *(["not run, and so not in it:"] if written.missing else []),
            *(f"  {command}" for command in written.missing),
        ]
    )


def _show_checks(outcomes: Mapping[str, Outcome], folder: Path) -> None:
    """One line on the checks where all have passed, the table of them where one has not; and what was written."""
    if any(each.verdict != PASS for each in outcomes.values()):
        steps.show_steps(outcomes)
    else:
        first, *_, last = outcomes
        each = f"each with its figure in generate-crossbar inspect {folder}"
        tables.print_lines([f"{'checks':<13}PASS in all {len(outcomes)} steps, {first} to {last}; {each}"])
    tables.print_lines(["", *_written(folder)])


def _written(folder: Path) -> list[str]:
    contents = {
        "design.json": "options, versions, seed, figures; enough to repeat the run",
        "netlist/": "one SPICE deck a tile; run one with ngspice -b",
        "bitstream/": "one frame a tile for the controller",
        "hdl/": "the controller: Verilog, benches, registers, driver, constraints; see README.md",
        "banks/": "true and measured conductances and the switch plan",
        "steps/": "what each step left, its check and its time",
    }
    return [f"{folder}/{name:<13}{text}" for name, text in contents.items() if (folder / name).exists()]

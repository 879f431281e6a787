"""Commands that write a design as netlists and Verilog, and check one against the other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from rsscircuit.commands.shared import (
    NOT_SIGNED_OFF,
    bars,
    directory_argument,
    json_option,
    layer_option,
    option,
    print_json,
    tile_option,
)
from rsscircuit.errors import InputError
from rsscircuit.report import tables


@click.command(epilog="Example: generate-crossbar emit generated/lenet5 --layer conv1 --tile 0 --wires --out tile.cir")
@directory_argument
@option("--layer", help="Layer of the tile, by its ONNX name or its file name.")
@option("--tile", type=int, help="Tile of the layer, from 0.")
@option("--network", is_flag=True, help="The whole network in one deck: dense layers and ReLU, up to 131072 branches.")
@option("--out", required=True, metavar="FILE", help="File to write.")
@option(
    "--switch",
    default="nmos",
    metavar="LEVEL",
    help="ideal, nmos, transmission-gate, pdk:sky130, pdk:gf180 or pdk:ihp.",
)
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
        print_json(written)
    else:
        program = "an ngspice with OSDI and " if dialect == "ngspice" else ""
        needs = [
            f"needs {program}{Path(file).name} where it is run; compiled here: {file}" for file in written["modules"]
        ]
        tables.print_lines([f"{out}: {written['what']}, {written['lines']} lines", f"run: {written['run']}", *needs])


@click.command(epilog="Example: generate-crossbar hdl design --out design_wishbone --bus wishbone --replay")
@directory_argument
@option("--out", required=True, metavar="FOLDER", help="Folder to write.")
@option("--bus", metavar="BUS", help="axi4-lite, wishbone or spi; else the design's.")
@option("--array", default="memory", metavar="PLACE", help="Latches as memory inside, or as macros at the ports.")
@option("--tiles", type=int, default=1, help="Tiles behind the controller.")
@option("--dac-bits", type=int, help="Bits of an input code; else the technology's.")
@option("--adc-bits", type=int, help="Bits of an output code; else the technology's.")
@option("--weight-map", is_flag=True, help="With the table from weight codes to subsets.")
@option("--weight-bits", type=int, metavar="B", help="Bits of a weight code, with --weight-map; else 8.")
@option("--fuses", is_flag=True, help="One-time programmable: no loader, no calibration, no editing; needs macros.")
@option("--sense-cycles", type=int, default=16, help="Clocks for which fuses are sensed.")
@option("--replay", is_flag=True, help="Record every pin of a simulated run, and the bench that replays it.")
@option("--force", is_flag=True, help="Write into a folder that holds files.")
@json_option
def hdl(directory: str, out: str, replay: bool, force: bool, as_json: bool, **configuration: Any) -> None:
    """The package of a design's controller for another bus or variant, or with recorded pins."""
    from rsscircuit.handing_over import hand_over

    written = hand_over(directory, out, replay=replay, force=force, progress=bars(as_json), **configuration)
    if as_json:
        print_json(written)
    else:
        tables.print_lines([f"{out}: {written['files']} files; README.md says what they are"])


@click.command(
    epilog="Example: generate-crossbar weight-map design --layer conv1 --tile 0 --row 3 --column 2 --out map.json"
)
@directory_argument
@layer_option
@tile_option
@option("--row", type=int, required=True, help="Row of the tile, from 0, bias rows first.")
@option("--column", type=int, required=True, help="Column of the tile, from 0.")
@option("--bank", default="pair", metavar="BANK", help="pair (codes in two's complement), plus or minus.")
@option("--bits", type=int, default=8, help="Of a code; as hdl --weight-bits.")
@option("--out", required=True, metavar="FILE", help="JSON file to write.")
@option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def weight_map(directory: str, as_json: bool, **cell: Any) -> None:
    """The subset of every weight code of one cell, from what was measured of its die, to load into the controller."""
    from rsscircuit.report.weight_maps import weight_map_lines
    from rsscircuit.weight_maps import make_weight_map

    made = make_weight_map(directory, **cell)
    if as_json:
        print_json(made)
    else:
        tables.print_lines(weight_map_lines(made, cell["out"]))


@click.command(epilog="Example: generate-crossbar signoff generated/lenet5 --layer conv1")
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
            progress=bars(as_json),
        )
    if as_json:
        print_json(result)
    else:
        report.show_signoff(result)
    if not result["passed"]:
        sys.exit(NOT_SIGNED_OFF)

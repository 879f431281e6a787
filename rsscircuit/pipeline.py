"""The stages in order: a network file to a design directory, and a design programmed anew for a measured die."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.assembly import Assembly, Job, Stopwatch, floor_plan, jobs_of
from rsscircuit.banks import Fault, refuse_misplaced
from rsscircuit.banks.exchange import State, TileTable, write_table
from rsscircuit.banks.table import read_table
from rsscircuit.calibration import correction_inputs, input_moments, input_scales, kept_inputs, tolerances
from rsscircuit.design import Design, labels, load, record
from rsscircuit.design.directory import new_directory, refuse_foreign
from rsscircuit.design.files import read_array, write_array
from rsscircuit.design.marks import has_marks, load_marks
from rsscircuit.design.store import CORRECTION_FILE, INPUTS_FILE
from rsscircuit.errors import DesignError, InputError, NetworkError
from rsscircuit.mapping import cut, layer_matrix
from rsscircuit.network import Network, read_network
from rsscircuit.options import BuildOptions, Resolved, resolve
from rsscircuit.partial import remove_leftovers
from rsscircuit.progress import Progress, silent
from rsscircuit.sources import VIRTUAL, TableDie, VirtualDie
from rsscircuit.technology import technology_text
from rsscircuit.technology.cell import wire_segments


def build(
    model: str | Path,
    out: str | Path,
    options: BuildOptions | None = None,
    *,
    force: bool = False,
    controller: bool = True,
    progress: Progress = silent,
) -> Design:
    """Map a network onto crossbars and write the complete design, programmed for a virtual die.

    The directory is written beside ``out`` and renamed when it is whole.

    Args:
        model: ONNX or ``.npz`` file.
        out: Directory to write; it must be new, empty, or (with ``force``) a design.
        options: The choices; defaults as on the command line.
        force: Replace a design that is there.
        controller: Write ``hdl/``, on which no figure depends.
        progress: Bars for people.

    Raises:
        RsscircuitError: Anything the user can mend; nothing is left behind.
    """
    options = options or BuildOptions()
    resolved = resolve(options)
    remove_leftovers(_resolved(out))
    refuse_foreign(_resolved(out), force=force)
    network = read_network(model)
    if not network.crossbar_layers:
        raise NetworkError("the network has no layer for a crossbar", where=str(model))
    with new_directory(_resolved(out), force=force) as folder:
        timed = Stopwatch()
        if options.correct_bias:
            write_array(folder / CORRECTION_FILE, correction_inputs(network, options.calibration))
        with timed("input ranges"):
            scales, origin = input_scales(network, options.calibration)
        if (kept := kept_inputs(network, options.calibration)) is not None:
            write_array(folder / INPUTS_FILE, kept)
        names = [layer.name for layer in network.crossbar_layers]
        faults = _by_layer(resolved.faults, names)
        jobs = _jobs(network, options, scales, faults, resolved, timed)
        plan = floor_plan(jobs, resolved.bank, resolved.technology)
        source = VirtualDie(seed=options.seed, resolved=resolved, floor_plan=plan, faults=faults)
        Assembly(
            network=network,
            jobs=jobs,
            technology=resolved.technology,
            technology_text=technology_text(options.technology),
            bank=resolved.bank,
            corners=resolved.corners,
            floor_plan=plan,
            options=options,
            source=source,
            folder=folder,
            progress=progress,
            timed=timed,
            controller=controller,
        ).write(
            {
                "model": {"file": Path(model).name, "sha256": hashlib.sha256(Path(model).read_bytes()).hexdigest()},
                "options": options.record(),
                "die": source.record(),
                "input_range": origin,
            }
        )
    return load(_resolved(out))


def program(
    directory: str | Path,
    measured: str | Path,
    out: str | Path | None = None,
    *,
    force: bool = False,
    progress: Progress = silent,
) -> Design:
    """Program a design anew for the die that a table was measured on, and write the complete new design.

    Columns are scaled from the measured reach and every pair is solved by the rules of the design; the input ranges,
    and the tolerance as a fraction of full scale, stay.

    Args:
        directory: The design; it stays as it is unless it is replaced.
        measured: CSV file of measured branches.
        out: Directory to write; it must be new, empty, or (with ``force``) a design. The design itself by default.
        force: Replace a design that is there.
        progress: Bars for people.

    Raises:
        RsscircuitError: Anything the user can mend; nothing is left behind, and what was there stays.
    """
    old, new = Path(directory), _resolved(directory if out is None else out)
    if _resolved(old) in new.parents:
        raise DesignError("the output is inside the design", where=str(out), remedy="name another directory")
    for each in {_resolved(old), new}:
        remove_leftovers(each)
    given, design = record.read_record(old), load(old)
    if out is None and not force:
        raise DesignError(
            "programming would replace the design",
            where=str(directory),
            remedy="name a new directory with --out, or pass --force",
        )
    refuse_foreign(new, force=force)
    timed = Stopwatch()
    with timed("measured table"):
        drawn = {layer.name: layer.matrix.weights != 0 for layer in design.layers}
        known = {layer.label: layer.name for layer in design.layers}
        table = read_table(
            measured,
            drawn,
            design.bank,
            labels=known,
            switch_ohm=design.technology.switch.on_ohm,
            stuck_open=_stuck_open(design, old),
            progress=progress,
        )
        source = TableDie.of(table, design, old, given.get("die", {}).get("kind", VIRTUAL))
    options = BuildOptions.kept(design.options)
    with new_directory(new, force=force) as folder:
        for name in (INPUTS_FILE, CORRECTION_FILE):
            if (old / name).is_file():
                write_array(folder / name, read_array(old / name))
        Assembly(
            network=design.network,
            jobs=jobs_of(design),
            technology=design.technology,
            technology_text=(old / record.TECHNOLOGY_FILE).read_text("utf-8"),
            bank=design.bank,
            corners=design.corners,
            floor_plan=design.floor_plan,
            options=options,
            source=source,
            folder=folder,
            progress=progress,
            timed=timed,
        ).write(
            {
                "model": given["model"],
                "options": given["options"],
                "die": source.record(),
                "input_range": given["summary"]["input_range"],
            }
        )
    return load(new)


def export_banks(
    directory: str | Path, csv: str | Path, *, force: bool = False, progress: Progress = silent
) -> dict[str, Any]:
    """Write the measured branches of a design as a laboratory's table, which :func:`program` reads to the same bits.

    Args:
        directory: The design.
        csv: File to write.
        force: Replace a file that is there.
        progress: Bars for people.

    Returns:
        ``file``, ``branches`` (lines below the header), ``layers`` and ``sha256`` of the file.

    Raises:
        RsscircuitError: Anything the user can mend; nothing is left behind.
    """
    folder, design = Path(directory), load(directory)

    def tiles(advance: Callable[[int], None]) -> Iterator[TileTable]:
        for layer, tile, crossbar in design.crossbars():
            siemens = crossbar.measured.step_siemens
            marks = load_marks(folder, layer.label, tile.index, siemens.shape)
            yield TileTable(
                layer=layer.name,
                row=tile.row,
                column=tile.column,
                drawn=layer.matrix.weights[tile.window] != 0,
                siemens=siemens,
                sigma_siemens=marks.sigma_siemens,
                state=marks.state,
            )
            advance(1)

    with progress("measured banks", sum(len(layer.drawn_tiles) for layer in design.layers)) as advance:
        branches, sha256 = write_table(
            csv, tiles(advance), sigma=has_marks(folder, "sigma"), state=has_marks(folder, "state"), force=force
        )
    return {"file": str(csv), "branches": branches, "layers": len(design.layers), "sha256": sha256}


def _stuck_open(design: Design, folder: Path) -> dict[str, NDArray[np.bool_]]:
    """The switches that a design knows to stay open, bool [rows, cols, 2, n] by layer name."""
    found = {}
    for layer in design.layers:
        found[layer.name] = np.zeros((*layer.matrix.weights.shape, 2, design.bank.resistors), np.bool_)
        for tile in layer.drawn_tiles:
            shape = (tile.rows, tile.columns, 2, design.bank.resistors)
            state = load_marks(folder, layer.label, tile.index, shape).state
            if state is not None:
                found[layer.name][tile.window] = state == State.OPEN
    return found


def _by_layer(faults: Sequence[Fault], names: Sequence[str]) -> dict[str, tuple[Fault, ...]]:
    """The faults of every layer; a fault says its name, or its label where no layer has that name."""
    own = dict(zip(labels([*names]), names, strict=True)) | {name: name for name in names}
    found: dict[str, list[Fault]] = {name: [] for name in names}
    for fault in faults:
        if fault.layer not in own:
            raise InputError(
                "no such crossbar layer",
                where=fault.where,
                got=fault.layer,
                remedy=f"choose from {', '.join(sorted(own))}",
            )
        found[own[fault.layer]].append(fault)
    return {name: tuple(faults) for name, faults in found.items()}


def _jobs(
    network: Network,
    options: BuildOptions,
    scales: Mapping[str, float],
    faults: Mapping[str, Sequence[Fault]],
    resolved: Resolved,
    timed: Stopwatch,
) -> tuple[Job, ...]:
    """The matrices of all layers, cut into tiles, with what is good enough for each."""
    layers = network.crossbar_layers
    matrices = {layer.name: layer_matrix(layer, scales[layer.name]) for layer in layers}
    tiles = {name: cut(matrix.weights.shape, options.tile) for name, matrix in matrices.items()}
    for name, matrix in matrices.items():
        refuse_misplaced(faults[name], matrix.weights != 0, resolved.bank.resistors)
    with timed("tolerances"):
        good_enough = tolerances(network, options, matrices, tiles)
    moments: Mapping[str, NDArray[np.float32]] = {}
    if options.joint_columns or (options.compensate_ir_drop and options.calibration is not None):
        with timed("input moments"):
            moments = input_moments(network, options.calibration, matrices, tiles)
    wires = wire_segments(resolved.bank.nominal_ohm, resolved.technology) if options.compensate_ir_drop else None
    return tuple(
        Job(
            name=name,
            label=label,
            matrix=matrix,
            tiles=tiles[name],
            tolerance=good_enough[name],
            segments=wires,
            moments=moments.get(name),
            joint=options.joint_columns,
        )
        for (name, matrix), label in zip(matrices.items(), labels([*matrices]), strict=True)
    )


def _resolved(path: str | Path) -> Path:
    """A directory itself: a link to one is followed, never replaced."""
    return Path(path).resolve()

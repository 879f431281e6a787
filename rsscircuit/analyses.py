"""What is asked of a design that stands: accuracy, simulation of a tile, Monte Carlo, inspection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.arrays import network_inputs, read_user_array
from rsscircuit.design import Design, MappedLayer, load
from rsscircuit.design.files import result_file, write_json
from rsscircuit.design.record import changed_groups, read_record
from rsscircuit.errors import InputError
from rsscircuit.mapping import Tile
from rsscircuit.netlist import tile_deck
from rsscircuit.progress import Progress, silent
from rsscircuit.seeds import stream
from rsscircuit.simulate import ngspice
from rsscircuit.simulate.engines import Setting, engine_named
from rsscircuit.simulate.inference import evaluate as evaluate_design
from rsscircuit.simulate.montecarlo import Conditions, Trial, fixed_program, remeasured_dies, run_trials
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments, wire_segments

Array = NDArray[np.float64]
MONTECARLO_CASES = 8


def evaluate(
    directory: str | Path,
    inputs: str | Path,
    labels: str | Path | None = None,
    *,
    limit: int | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Accuracy, agreement and output error of a design on a data set, saved in ``results/``.

    Args:
        directory: The design.
        inputs: ``.npy`` file, float [N, ...] as the network takes it.
        labels: ``.npy`` file, whole numbers [N]; without them there is no accuracy.
        limit: Use only so many cases, from the first.
        progress: Bars for people.

    Returns:
        ``images``, ``accuracy`` (trained, mapped, with_parasitics), ``agreement``, ``output_error``
        (mapped, with_parasitics) and ``beyond_range`` (share of activations above the input range, by layer).
    """
    design = load(directory)
    data = network_inputs(design.network, read_user_array(inputs, "--inputs"), "--inputs")
    wanted = None if labels is None else _labels(labels, len(data))
    if limit is not None and limit < 1:
        raise InputError("a limit is at least 1", where="--limit", got=limit)
    result_path = result_file(directory, "evaluate")
    data, wanted = data[:limit], None if wanted is None else wanted[:limit]
    with progress("evaluate", len(data)) as advance:
        result = asdict(evaluate_design(design, data, wanted, progress=advance))
    write_json(result_path, result)
    return result


def simulate_tile(
    directory: str | Path,
    *,
    engine: str,
    layer: str,
    tile: int,
    inputs: str | Path,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Column currents of one tile for logical input voltages, saved in ``results/``.

    The engine ``ngspice`` runs the design's own netlist file; where the build left none for this tile, the
    same text is written for the run.

    Returns:
        ``engine``, ``layer``, ``tile``, ``cases``, ``ampere`` [cases, cols] and, against the closed form of
        the plan, ``relative_difference`` (rms over rms).
    """
    run = engine_named(engine)
    design = load(directory)
    mapped = design.layer(layer)
    place = design.tile(mapped, tile)
    volts = np.atleast_2d(read_user_array(inputs, "--inputs").astype(np.float64))
    if volts.ndim != 2 or volts.shape[1] != place.rows:
        raise InputError(
            f"tile {tile} of {mapped.name} takes volt [cases, {place.rows}]",
            where="--inputs",
            got=str(volts.shape),
        )
    result_path = result_file(directory, f"simulate_{mapped.label}_{tile}_{engine}")
    crossbar = design.crossbar(mapped, place)
    path = Path(directory) / "netlist" / mapped.label / f"tile_{tile}.cir"

    def deck(segments: Segments | None) -> str:
        if path.is_file():
            return path.read_text("utf-8")
        return tile_deck(crossbar, design.technology, label=mapped.label, segments=segments)

    with progress(f"{engine} {mapped.label} tile {tile}", len(volts)) as advance:
        setting = _setting(design, design.technology, deck, str(path), advance)
        ampere = run(crossbar, volts, setting)
    if not np.isfinite(ampere).all():
        raise InputError("the currents are not finite", where="--inputs", got=f"{np.abs(volts).max():g} V")
    closed_form = volts @ crossbar.pair_siemens()
    result = {
        "engine": engine,
        "version": ngspice.version() if engine == "ngspice" else None,
        "layer": mapped.name,
        "tile": tile,
        "cases": len(volts),
        "wires": _has_wires(design, engine),
        "largest_volt": float(np.abs(volts).max()),
        "read_volt": design.technology.drive.read_volt,
        "relative_difference": relative_rms(ampere, closed_form),
        "ampere": ampere.tolist(),
    }
    write_json(result_path, result)
    return result


def montecarlo(
    directory: str | Path,
    *,
    layer: str,
    tile: int,
    trials: int,
    engine: str = "nodal",
    fixed: bool = False,
    conditions: Conditions | None = None,
    seed: int = 1,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Relative output error of one tile over process variation, saved in ``results/``.

    Args:
        directory: The design.
        layer: Which layer, by name or label.
        tile: Which of its tiles.
        trials: How many.
        engine: ``nodal``, ``ngspice`` or ``ideal``.
        fixed: Keep the design's die and program and move temperature, supply and age; otherwise every
            trial is a new die, measured and programmed for itself.
        conditions: Ranges of a fixed program.
        seed: Of the trials.
        progress: Bars for people.
    """
    run = engine_named(engine)
    if trials < 1:
        raise InputError("there must be at least one trial", where="--trials", got=trials)
    if seed < 0:
        raise InputError("a seed is a whole number from 0", where="--seed", got=seed)
    design = load(directory)
    mapped = design.layer(layer)
    place = design.tile(mapped, tile)
    kind = "fixed" if fixed else "dies"
    result_path = result_file(directory, f"montecarlo_{mapped.label}_{tile}_{engine}_{kind}")
    if not mapped.matrix.weights[place.window].any():
        raise InputError("the tile has no weights, so there is nothing to vary", where=f"layer {layer}", got=tile)
    drives = stream(seed, "stimulus", layer=mapped.name, tile=tile).random((MONTECARLO_CASES, place.rows))
    drives[:, : max(0, mapped.matrix.bias_rows - place.row)] = mapped.matrix.bias_value / mapped.matrix.input_full_scale
    if fixed:
        dies = fixed_program(design, mapped, place, trials, seed, conditions or Conditions())
    else:
        dies = remeasured_dies(design, mapped, place, trials, seed)

    def currents(trial: Trial, volts: Array) -> Array:
        def deck(segments: Segments | None) -> str:
            return tile_deck(trial.crossbar, trial.technology, label=mapped.label, segments=segments)

        where = f"layer {mapped.name}, tile {tile}, {trial.drawn}"
        return run(trial.crossbar, volts, _setting(design, trial.technology, deck, where))

    with progress(f"{engine} {mapped.label} tile {tile}", trials) as advance:
        figures = run_trials(dies, mapped, place, drives, currents, advance)
    result = {
        "engine": engine,
        "kind": "fixed program" if fixed else "re-measured dies",
        "layer": mapped.name,
        "tile": tile,
        "seed": seed,
        "cases": len(drives),
        "wires": _has_wires(design, engine),
        **figures,
    }
    write_json(result_path, result)
    return result


def inspect(directory: str | Path) -> dict[str, Any]:
    """What a design holds: its record, and in ``changed`` the groups of files that are not as they were written."""
    folder = Path(directory)
    data = read_record(folder)
    return data | {"changed": changed_groups(folder, data)}


def _labels(path: str | Path, cases: int) -> NDArray[np.int64]:
    labels = read_user_array(path, "--labels")
    if labels.shape not in ((cases,), (cases, 1)):
        raise InputError(f"labels must be [{cases}], one class a case", where="--labels", got=str(list(labels.shape)))
    if labels.dtype.kind not in "iu" and (labels != np.rint(labels)).any():
        raise InputError("labels must be whole numbers", where="--labels", got=str(labels.dtype))
    if (labels < 0).any() or (labels >= 2**31).any():
        raise InputError("labels count classes from 0", where="--labels", got=f"{labels.min()} to {labels.max()}")
    return labels.reshape(-1).astype(np.int64)


def tile_volts(design: Design, layer: MappedLayer, tile: Tile, activations: Array) -> Array:
    """Logical volts [cases, rows] of one tile for a layer's unfolded activations [cases, inputs]."""
    drives = layer.matrix.drive(activations)
    result: Array = design.technology.drive.read_volt * drives[:, tile.window[0]]
    return result


def _has_wires(design: Design, engine: str) -> bool:
    """Whether an engine's currents include wires and leakage: always, never, or as the decks were built."""
    return {"nodal": True, "ideal": False, "ngspice": bool(design.options["wires"])}[engine]


def relative_rms(values: Array, reference: Array) -> float:
    """Rms of the difference over the rms of the reference; 0 where both are zero."""
    power = float(np.sqrt(np.mean(reference**2)))
    error = float(np.sqrt(np.mean((values - reference) ** 2)))
    return error / power if power > 0 else error


def _setting(
    design: Design,
    technology: Technology,
    deck: Callable[[Segments | None], str],
    where: str,
    advance: Callable[[int], None] | None = None,
) -> Setting:
    """What every engine needs; decks have wires where the design was built with them."""
    segments = wire_segments(design.bank.nominal_ohm, technology)
    return Setting(
        technology=technology,
        segments=segments,
        deck=lambda: deck(segments if design.options["wires"] else None),
        where=where,
        progress=advance,
    )

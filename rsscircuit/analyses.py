"""What is asked of a design that stands: accuracy, Monte Carlo, inspection."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Design, MappedLayer, load
from rsscircuit.design.marks import has_marks
from rsscircuit.design.outcomes import as_record, read_outcomes
from rsscircuit.design.record import changed_groups, fingerprint, read_record
from rsscircuit.design.results import result_file
from rsscircuit.design.store import NOMINAL
from rsscircuit.errors import CrashError, InputError, SimulationError, needed_for
from rsscircuit.execution import Crash, workers_of
from rsscircuit.inference import (
    ARRAY,
    EFFECTS,
    PROGRAM,
    Chip,
    Data,
    Figures,
    Operation,
    attribute,
    compare,
    idle_effects,
    parse_effects,
)
from rsscircuit.inference.given import given_data, given_ranges
from rsscircuit.inference.spice import compare_spice
from rsscircuit.mapping import Tile
from rsscircuit.progress import Progress, silent
from rsscircuit.simulate import campaign, ngspice
from rsscircuit.simulate.engines import engine_named
from rsscircuit.simulate.journal import Journal, digest, write_csv
from rsscircuit.simulate.montecarlo import Conditions
from rsscircuit.simulate.spread import spread
from rsscircuit.simulate.trials import CASES, Bench, Failure, Outcome, Study, run_trials

Array = NDArray[np.float64]
DEFAULT_OPERATION = Operation()
MOST_TRIALS = 1_000_000
MONTE_CARLO_ENGINES = ("nodal", "ngspice", "ideal")


def evaluate(
    directory: str | Path,
    inputs: str | Path,
    labels: str | Path | None = None,
    *,
    limit: int | None = None,
    effects: str | None = None,
    operation: Operation = DEFAULT_OPERATION,
    calibration: str | Path | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Accuracy, agreement and output error of a design on a data set, saved in ``results/``.

    Args:
        directory: The design.
        inputs: ``.npy`` file, [N, ...] as the network takes it.
        labels: ``.npy`` file, whole numbers [N]; without them there is no accuracy.
        limit: Use only so many cases, from the first.
        effects: What is at work on the chip: ``all``, ``none`` or a list (:mod:`rsscircuit.inference.effects`). By
            default all, and beside them the mapped design and the array.
        operation: Conditions and converters.
        calibration: ``.npy`` file of the inputs that the converters are laid out for; by default the first
            256 of ``inputs``.
        workers: Batches at a time; by default one a core. The results do not depend on it.
        progress: Bars for people.

    Returns:
        ``images``; ``accuracy``, ``agreement`` and ``output_error``, each by variant: ``trained`` (accuracy alone),
        ``mapped`` (solver and measurement), ``with_parasitics`` (the array), ``chip`` (converters and amplifiers,
        too); ``beyond_range`` (share of activations above the input range, by layer), ``saturated`` (share of the
        chip's conversions cut off, by layer), what was at work and ``idle``, conditions and converters. Of a design
        that serves corners also ``without_corners``: accuracy, agreement and output error of the same chip with the
        switches chosen without them.
    """
    design, chosen = load(directory), None if effects is None else parse_effects(effects)
    file = result_file(directory, "evaluate")
    if chosen is None:
        variants = {"mapped": frozenset(PROGRAM), "with_parasitics": frozenset(ARRAY), "chip": frozenset(EFFECTS)}
    else:
        variants = {"chip": chosen}
    ranges, laid_out = given_ranges(design, inputs, calibration, operation, progress)
    with given_data(design, inputs, labels, limit, None, workers, progress) as data:

        def answers(plan: Design, suffix: str = "") -> dict[str, Figures]:
            figures = {}
            for name, at_work in variants.items():
                chip = Chip(plan, ranges, at_work, operation)
                with progress(name.replace("_", " ") + suffix, len(data)) as advance:
                    figures[name] = compare(chip, data, progress=advance)
            return figures

        figures = answers(design)
        result = _answers(data, figures) | {
            "beyond_range": data.beyond_range,
            "saturated": dict(figures["chip"].saturated),
            **_operated(design, variants["chip"], operation, laid_out),
        }
        if has_marks(Path(directory), NOMINAL):
            without = _answers(data, answers(load(directory, plan=NOMINAL), ", without corners"))
            result["without_corners"] = {key: without[key] for key in ("accuracy", "agreement", "output_error")}
    return file.write(result)


def attribute_errors(
    directory: str | Path,
    inputs: str | Path,
    labels: str | Path | None = None,
    *,
    limit: int | None = None,
    effects: str = "all",
    operation: Operation = DEFAULT_OPERATION,
    calibration: str | Path | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """What each effect costs, alone and switched on in order after those before it, saved in ``results/``.

    Arguments as for :func:`evaluate`.

    Returns:
        As :func:`evaluate` for the chip, and ``contributions``: for every effect at work, in order, ``alone`` and
        ``together`` (with those before it) with ``accuracy``, ``agreement`` and ``output_error``, and
        ``squared_error``, what it adds to the square of the output error; they sum to that of the chip.
    """
    design, chosen = load(directory), parse_effects(effects)
    file = result_file(directory, "attribution")
    working = chosen.difference(idle_effects(design, operation, chosen))
    ranges, laid_out = given_ranges(design, inputs, calibration, operation, progress)
    with (
        given_data(design, inputs, labels, limit, None, workers, progress) as data,
        progress("attribution", max(1, 2 * len(working) - 1) * len(data)) as advance,
    ):

        def figures_with(at_work: frozenset[str]) -> Figures:
            return compare(Chip(design, ranges, at_work, operation), data, progress=advance)

        found = attribute(figures_with, working)
        whole = found[-1].together if found else figures_with(frozenset())
        result = _answers(data, {"chip": whole}) | {
            "beyond_range": data.beyond_range,
            "saturated": dict(whole.saturated),
            **_operated(design, chosen, operation, laid_out),
            "contributions": [asdict(each) for each in found],
        }
    return file.write(result)


def evaluate_spice(
    directory: str | Path,
    inputs: str | Path,
    labels: str | Path | None = None,
    *,
    images: Sequence[int] = (0,),
    effects: str = "all",
    operation: Operation = DEFAULT_OPERATION,
    calibration: str | Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Chosen inputs with every tile run in ngspice, beside the fast path, saved in ``results/``.

    Args:
        directory: The design.
        inputs: As for :func:`evaluate`.
        labels: Likewise.
        images: Numbers of the inputs, from 0.
        effects: What is at work; errors of solver and measurement must be.
        operation: As for :func:`evaluate`.
        calibration: Likewise.
        progress: Bars for people.

    Returns:
        ``images``; ``classes``: by ``wanted`` (where known), ``trained``, ``fast`` and ``ngspice``; ``outputs`` of the
        last three; ``difference`` of the last two, rms over the rms of the trained outputs; ``layers``, by name the
        largest difference of a column current over their rms, and ``vectors``, how many were run; what was at work.
    """
    design, chosen = load(directory), parse_effects(effects)
    file = result_file(directory, "evaluate_ngspice")
    ranges, laid_out = given_ranges(design, inputs, calibration, operation, progress)
    tiles = sum(len(layer.drawn_tiles) for layer in design.layers)
    with (
        given_data(design, inputs, labels, None, images, 1, silent) as data,
        progress("ngspice", tiles * len(data)) as advance,
    ):
        found = compare_spice(Chip(design, ranges, chosen, operation), data, progress=advance)
        wanted = data.wanted(slice(None))
    answers = {"trained": found.trained, "fast": found.fast, "ngspice": found.spice}
    classes = {name: values.argmax(axis=1).tolist() for name, values in answers.items()}
    result = {
        "engine": "ngspice",
        "version": ngspice.version(),
        "images": list(images),
        "classes": ({} if wanted is None else {"wanted": wanted.tolist()}) | classes,
        "outputs": {name: values.tolist() for name, values in answers.items()},
        "difference": found.difference,
        "layers": found.layers,
        "vectors": found.vectors,
        **_operated(design, chosen, operation, laid_out),
    }
    return file.write(result)


def _answers(data: Data, figures: Mapping[str, Figures]) -> dict[str, Any]:
    accuracy = {name: each.accuracy for name, each in figures.items() if each.accuracy is not None}
    return {
        "images": len(data),
        "accuracy": {"trained": data.trained_right / len(data), **accuracy} if data.classified else {},
        "agreement": {name: each.agreement for name, each in figures.items()},
        "output_error": {name: each.output_error for name, each in figures.items()},
    }


def _operated(design: Design, effects: Collection[str], operation: Operation, laid_out: str) -> dict[str, Any]:
    """What was at work, under which conditions and with which converters."""
    idle = idle_effects(design, operation, effects)
    return {
        "effects": [name for name in EFFECTS if name in effects and name not in idle],
        "idle": idle,
        "conditions": asdict(operation),
        "readout": asdict(operation.readout(design.technology)) | {"laid_out_for": laid_out},
    }


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
    workers: int = 0,
    dask: str | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Output error of one tile over process variation, saved in ``results/``.

    Finished trials are kept in a folder of their own and not run again: a run that was stopped goes on, and one of more
    trials takes those that are there.

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
        workers: Processes to run them on; 0 is this process, which a crash of the engine ends. The results do not
            depend on it.
        dask: Address of a Dask scheduler whose workers run them instead.
        fresh: Run the finished trials again, too.
        progress: Bars for people.

    Returns:
        What was asked; ``trials`` finished of ``asked``; the trials that were ``lost``, each with ``reason`` and
        ``netlist``; and of the others the statistics of :func:`rsscircuit.simulate.spread.spread`.
    """
    if not 1 <= trials <= MOST_TRIALS:
        raise InputError(f"a run has 1 to {MOST_TRIALS} trials", where="--trials", got=trials)
    place = workers_of(workers, dask)
    study, bench = _study(directory, layer, tile, engine, fixed, conditions, seed)
    with needed_for(bench.where):
        asked = campaign.asked_of(study, _versions(engine))
    mapped = bench.layer
    stem = f"montecarlo_{mapped.label}_{tile}_{engine}_{'fixed' if fixed else 'dies'}"
    file = result_file(directory, stem)
    folder = file.path.parent / f"{stem}_{digest(asked)}"
    width = max(1, workers)
    with (
        Journal(folder, asked, Outcome, fresh=fresh) as journal,
        progress(f"{engine} {mapped.label} tile {tile}", trials) as bar,
        journal.going_on(range(1, trials + 1), "trials"),
    ):
        lost = campaign.run(study, trials, journal, place, width, folder, bar)
        finished = [journal.finished[number] for number in range(1, trials + 1) if number in journal.finished]
    result = {
        "engine": engine,
        "kind": study.kind,
        "layer": mapped.name,
        "tile": tile,
        "seed": seed,
        "cases": CASES,
        "wires": _has_wires(bench.design, engine),
        "conditions": asked["conditions"],
        "versions": asked["versions"],
        "files": folder.name,
        "asked": trials,
        "trials": len(finished),
        "lost": [asdict(each) for each in lost],
    }
    if finished:
        result |= spread(finished)
        write_csv(folder / "trials.csv", finished)
    return file.write(result)


def montecarlo_trial(
    directory: str | Path,
    *,
    layer: str,
    tile: int,
    trial: int,
    engine: str = "nodal",
    fixed: bool = False,
    conditions: Conditions | None = None,
    seed: int = 1,
    workers: int = 0,
) -> dict[str, Any]:
    """One trial of a Monte Carlo run by itself: the same circuit and, in ``nodal`` and ``ideal``, the same bits.

    Args:
        directory: The design.
        layer: Which layer, by name or label.
        tile: Which of its tiles.
        trial: Which, from 1.
        engine: As for :func:`montecarlo`.
        fixed: As for :func:`montecarlo`.
        conditions: As for :func:`montecarlo`.
        seed: Of the run.
        workers: 1 for a process of its own, which a crash of the engine ends alone; 0 for this one.

    Returns:
        ``trial``, ``relative_error``, what was ``drawn``, ``error`` [cases, cols] of the outputs and
        ``array_error`` of the array alone, over the rms output, ``relative_array_error``, and where its ``netlist`` was
        written.

    Raises:
        SimulationError: The engine failed; a :class:`CrashError` where its process ended.
    """
    if not 1 <= trial <= MOST_TRIALS:
        raise InputError(f"trials count from 1 to {MOST_TRIALS}", where="--trial", got=trial)
    study, bench = _study(directory, layer, tile, engine, fixed, conditions, seed)
    with needed_for(bench.where):
        versions = _versions(engine)
    stem = f"montecarlo_{bench.layer.label}_{tile}_{engine}_{'fixed' if fixed else 'dies'}_trial_{trial}"
    file = result_file(directory, stem)
    netlist = file.path.with_suffix(".cir")
    netlist.write_text(bench.deck(bench.draw(trial)), "utf-8")
    (done,) = workers_of(workers, None).run(partial(run_trials, study), [(trial,)])
    if isinstance(done.result, Crash):
        raise CrashError(campaign.crash_reason(done.result), where=f"{bench.where}, trial {trial}, {netlist}")
    (outcome,) = done.result
    if isinstance(outcome, Failure):
        raise SimulationError(outcome.reason, where=str(netlist))
    result = {
        "engine": engine,
        "kind": "fixed program" if fixed else "re-measured dies",
        "layer": bench.layer.name,
        "tile": tile,
        "seed": seed,
        "wires": _has_wires(bench.design, engine),
        "versions": versions,
        "trial": trial,
        "relative_error": outcome.relative_error,
        "drawn": dict(outcome.drawn),
        "error": outcome.error.tolist(),
        "relative_array_error": outcome.relative_array_error,
        "array_error": outcome.array_error.tolist(),
        "netlist": str(netlist),
    }
    return file.write(result)


def inspect(directory: str | Path) -> dict[str, Any]:
    """What a design holds.

    Returns:
        Its record; ``changed``, the groups of files that are not as they were written; ``steps``, what every step of
        the build left.
    """
    folder = Path(directory)
    data = read_record(folder)
    steps = [as_record(outcome) for outcome in read_outcomes(folder).values()]
    return data | {"changed": changed_groups(folder, data), "steps": steps}


def _study(
    directory: str | Path,
    layer: str,
    tile: int,
    engine: str,
    fixed: bool,
    conditions: Conditions | None,
    seed: int,
) -> tuple[Study, Bench]:
    if seed < 0:
        raise InputError("a seed is a whole number from 0", where="--seed", got=seed)
    engine_named(engine)
    if engine not in MONTE_CARLO_ENGINES:
        known = ", ".join(MONTE_CARLO_ENGINES)
        raise InputError("no engine of Monte Carlo", where="--engine", got=engine, remedy=f"choose from {known}")
    study = Study(
        directory=str(Path(directory).resolve()),
        fingerprint=fingerprint(read_record(Path(directory))),
        layer=layer,
        tile=tile,
        engine=engine,
        conditions=(conditions or Conditions()) if fixed else None,
        seed=seed,
    )
    bench = Bench(study)
    return replace(study, layer=bench.layer.name), bench


def _versions(engine: str) -> dict[str, str]:
    versions = {name: version(name) for name in ("rsscircuit", "numpy")}
    return versions | ({"ngspice": ngspice.version()} if engine == "ngspice" else {})


def tile_volts(design: Design, layer: MappedLayer, tile: Tile, activations: Array) -> Array:
    """Logical volts [cases, rows] of one tile for a layer's unfolded activations [cases, inputs]."""
    drives = layer.matrix.drive(activations)
    result: Array = design.technology.drive.read_volt * drives[:, tile.window[0]]
    return result


def _has_wires(design: Design, engine: str) -> bool:
    """Whether an engine's currents include wires and leakage: always, never, or as the decks were built."""
    return {"nodal": True, "ideal": False, "ngspice": bool(design.options["wires"])}[engine]

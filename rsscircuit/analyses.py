"""What is asked of a design that stands: accuracy, Monte Carlo, inspection."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.arrays import network_inputs, read_user_array
from rsscircuit.design import Design, MappedLayer, load
from rsscircuit.design.files import result_file, write_json
from rsscircuit.design.record import changed_groups, read_record
from rsscircuit.errors import InputError
from rsscircuit.execution import Dask, Here, Processes, Workers
from rsscircuit.mapping import Tile
from rsscircuit.progress import Progress, silent
from rsscircuit.simulate import campaign, ngspice
from rsscircuit.simulate.engines import engine_named
from rsscircuit.simulate.inference import evaluate as evaluate_design
from rsscircuit.simulate.journal import Journal, digest, write_csv
from rsscircuit.simulate.montecarlo import Conditions
from rsscircuit.simulate.spread import spread
from rsscircuit.simulate.trials import CASES, Bench, Study

Array = NDArray[np.float64]
MONTE_CARLO_ENGINES = ("nodal", "ngspice", "ideal")


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
    if trials < 1:
        raise InputError("there must be at least one trial", where="--trials", got=trials)
    place = _workers(workers, dask)
    study, bench = _study(directory, layer, tile, engine, fixed, conditions, seed)
    asked = campaign.asked_of(study, _versions(engine))
    mapped = bench.layer
    stem = f"montecarlo_{mapped.label}_{tile}_{engine}_{'fixed' if fixed else 'dies'}"
    result_path = result_file(directory, stem)
    folder = result_path.parent / f"{stem}_{digest(asked)}"
    width = max(1, workers)
    with (
        Journal(folder, asked, fresh=fresh) as journal,
        progress(f"{engine} {mapped.label} tile {tile}", trials) as bar,
    ):
        try:
            lost = campaign.run(study, trials, journal, place, width, folder, bar)
        except KeyboardInterrupt as stop:
            kept = sum(number <= trials for number in journal.finished)
            raise KeyboardInterrupt(
                f"interrupted: {kept} of {trials} trials are kept; the same command goes on with the others"
            ) from stop
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
    write_json(result_path, result)
    return result


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

    Returns:
        ``trial``, ``relative_error``, what was ``drawn``, ``error`` [cases, cols] over the rms output, and where its
        ``netlist`` was written.
    """
    if trial < 1:
        raise InputError("trials count from 1", where="--trial", got=trial)
    _, bench = _study(directory, layer, tile, engine, fixed, conditions, seed)
    stem = f"montecarlo_{bench.layer.label}_{tile}_{engine}_{'fixed' if fixed else 'dies'}_trial_{trial}"
    result_path = result_file(directory, stem)
    netlist = result_path.with_suffix(".cir")
    netlist.write_text(bench.deck(bench.draw(trial)), "utf-8")
    outcome = bench.run(trial)
    result = {
        "engine": engine,
        "kind": "fixed program" if fixed else "re-measured dies",
        "layer": bench.layer.name,
        "tile": tile,
        "seed": seed,
        "wires": _has_wires(bench.design, engine),
        "versions": _versions(engine),
        "trial": trial,
        "relative_error": outcome.relative_error,
        "drawn": dict(outcome.drawn),
        "error": outcome.error.tolist(),
        "netlist": str(netlist),
    }
    write_json(result_path, result)
    return result


def inspect(directory: str | Path) -> dict[str, Any]:
    """What a design holds: its record, and in ``changed`` the groups of files that are not as they were written."""
    folder = Path(directory)
    data = read_record(folder)
    return data | {"changed": changed_groups(folder, data)}


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
    marks = read_record(Path(directory))["fingerprints"]
    study = Study(
        directory=str(Path(directory).resolve()),
        fingerprint=f"{marks['record']}-{marks['data']}",
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


def _workers(count: int, dask: str | None) -> Workers:
    if count < 0:
        raise InputError("a number of workers is from 0", where="--workers", got=count)
    if dask is not None:
        return Dask(dask)
    return Processes(count) if count else Here()


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

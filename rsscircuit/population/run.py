"""A Monte Carlo run of the whole network: many dies, each programmed for itself, or one die that drifts."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rsscircuit.design import Design
from rsscircuit.design.record import build_command, fingerprint, read_record
from rsscircuit.design.results import result_file
from rsscircuit.errors import InputError
from rsscircuit.execution import workers_of
from rsscircuit.inference import EFFECTS, Operation, idle_effects, parse_effects
from rsscircuit.population.chips import ChipBench, ChipOutcome, ChipStudy, run_chips
from rsscircuit.population.summary import Limits, summarise, write_csv
from rsscircuit.progress import Progress, silent
from rsscircuit.simulate.campaign import collect
from rsscircuit.simulate.journal import Journal, digest
from rsscircuit.simulate.montecarlo import Conditions
from rsscircuit.technology.cell import NOMINAL_CELSIUS

NO_LIMITS = Limits()
DEFAULT_OPERATION = Operation()


def network_yield(
    directory: str | Path,
    inputs: str | Path,
    labels: str | Path | None = None,
    *,
    dies: int,
    fixed: bool = False,
    limits: Limits = NO_LIMITS,
    limit: int | None = None,
    effects: str = "all",
    operation: Operation = DEFAULT_OPERATION,
    celsius: tuple[float, float] | None = None,
    supply_volt: tuple[float, float] | None = None,
    years: tuple[float, float] | None = None,
    calibration: str | Path | None = None,
    seed: int = 1,
    workers: int = 0,
    dask: str | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """How accuracy, agreement and output error spread over chips of a design, saved in ``results/``.

    Finished chips are kept in a folder of their own and not run again: a run that was stopped goes on, and one of more
    chips takes those that are there.

    Args:
        directory: The design.
        inputs: ``.npy`` file, [N, ...] as the network takes it.
        labels: ``.npy`` file, whole numbers [N]; without them there is no accuracy.
        dies: How many chips.
        fixed: Keep the design's die and program; otherwise every chip is a new die, measured and programmed for
            itself.
        limits: What a chip has to keep.
        limit: Use only so many inputs, from the first.
        effects: What is at work: ``all``, ``none`` or a list (:mod:`rsscircuit.inference.effects`).
        operation: Converters and stuck switches.
        celsius: Temperatures between which every chip is taken; by default 27, and -40 to 125 of a fixed program.
        supply_volt: The same of supplies; by default nominal, and nominal +- 10 %.
        years: The same of ages; by default new, and 0 to 10.
        calibration: ``.npy`` file of the inputs that the converters are laid out for; by default the first 256 of
            ``inputs``. Every new die lays its own out, for its own conductances.
        seed: Of the first chip; the others have the next ones.
        workers: Processes to run them on; 0 is this process. The results do not depend on it.
        dask: Address of a Dask scheduler whose workers run them instead.
        fresh: Run the finished chips again, too.
        progress: Bars for people.

    Returns:
        What was asked; ``trials`` finished of ``asked``; those that were ``lost``, each with its ``seed`` and
        ``reason``; and of the others the statistics of :func:`rsscircuit.population.summary.summarise`, the worst one
        with its ``commands``, which build and evaluate it alone, and ``same``: whether to the same bits.
    """
    if dies < 1:
        raise InputError("there must be at least one die", where="--dies", got=dies)
    if seed < 0:
        raise InputError("a seed is a whole number from 0", where="--seed", got=seed)
    place, record = workers_of(workers, dask), read_record(Path(directory))
    limits.check(labelled=labels is not None)
    files = [str(path) for path in (inputs, labels, calibration) if path is not None]
    study = ChipStudy(
        directory=str(Path(directory).resolve()),
        fingerprint=fingerprint(record),
        fixed=fixed,
        inputs=str(Path(inputs).resolve()),
        labels=None if labels is None else str(Path(labels).resolve()),
        calibration=None if calibration is None else str(Path(calibration).resolve()),
        contents=tuple(_contents(path) for path in files),
        limit=limit,
        effects=tuple(name for name in EFFECTS if name in parse_effects(effects)),
        operation=operation,
        conditions=Conditions(),
        seed=seed,
    )
    with progress("trained", 1) as advance:
        bench = ChipBench(study)
        advance(1)
    study = replace(study, conditions=_conditions(bench.design, fixed, celsius, supply_volt, years))
    bench.check()
    asked = _asked(study)
    stem = f"yield_{'fixed' if fixed else 'dies'}"
    file = result_file(directory, stem)
    folder = file.path.parent / f"{stem}_{digest(asked)}"
    with (
        Journal(folder, asked, ChipOutcome, fresh=fresh) as journal,
        progress(study.kind, dies) as bar,
        journal.going_on(range(1, dies + 1), "chips"),
    ):
        missing = [number for number in range(1, dies + 1) if number not in journal.finished]
        bar(dies - len(missing))
        lost = collect(partial(run_chips, study), [(number,) for number in missing], journal, place, bar)
        finished = [journal.finished[number] for number in range(1, dies + 1) if number in journal.finished]
    result: dict[str, Any] = {
        "kind": study.kind,
        "images": len(bench.data),
        "trained_accuracy": bench.data.trained_right / len(bench.data) if labels is not None else None,
        "seed": seed,
        "conditions": asked["conditions"],
        **_at_work(bench, study),
        "versions": asked["versions"],
        "files": folder.name,
        "asked": dies,
        "trials": len(finished),
        "lost": [{"trial": each, "seed": study.seed_of(each), "reason": why} for each, why in sorted(lost.items())],
    }
    if finished:
        result |= summarise(finished, limits)
        result["worst"] |= {
            "commands": _commands(
                directory, files, study, record, result["worst"]["trial"], bench.design.technology.drive.supply_volt
            ),
            "same": fixed or record["options"]["tolerance"] != "adc",
        }
        write_csv(folder / "dies.csv", finished)
    return file.write(result)


def _contents(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""  # whoever reads it says what is wrong


def _conditions(
    design: Design,
    fixed: bool,
    celsius: tuple[float, float] | None,
    supply_volt: tuple[float, float] | None,
    years: tuple[float, float] | None,
) -> Conditions:
    """Ranges with their defaults: those of a fixed program move, a new die is at the nominal point."""
    supply = design.technology.drive.supply_volt
    still = Conditions(celsius=(NOMINAL_CELSIUS,) * 2, supply_volt=(supply,) * 2, years=(0.0, 0.0))
    given = {"celsius": celsius, "supply_volt": supply_volt, "years": years}
    chosen = replace(
        Conditions() if fixed else still, **{name: ends for name, ends in given.items() if ends is not None}
    )
    return chosen.checked(design.technology)


def _asked(study: ChipStudy) -> dict[str, Any]:
    """Everything that a study's chips depend on, as plain values; where files lie is not among them."""
    asked: dict[str, Any] = asdict(study) | {"versions": {name: version(name) for name in ("rsscircuit", "numpy")}}
    for name in ("directory", "inputs", "labels", "calibration"):
        del asked[name]
    for name in ("celsius", "supply_volt", "years", "seed"):
        del asked["operation"][name]
    asked["conditions"] = {name: list(ends) for name, ends in asked["conditions"].items()}
    return asked | {
        "contents": list(study.contents),
        "labelled": study.labels is not None,
        "calibrated": study.calibration is not None,
        "effects": list(study.effects),
    }


def _at_work(bench: ChipBench, study: ChipStudy) -> dict[str, Any]:
    """Effects that change something at either end of the conditions, those that do not, and the converters."""
    ends = zip(*(getattr(study.conditions, name) for name in ("celsius", "supply_volt", "years")), strict=True)
    idle = [
        idle_effects(
            bench.design,
            replace(study.operation, celsius=celsius, supply_volt=supply, years=years),
            study.effects,
        )
        for celsius, supply, years in ends
    ]
    both = {name: why for name, why in idle[0].items() if name in idle[1]}
    readout = asdict(study.operation.readout(bench.design.technology))
    return {
        "effects": [name for name in study.effects if name not in both],
        "idle": both,
        "readout": readout | {"laid_out_for": bench.laid_out_for},
    }


def _commands(
    directory: str | Path,
    files: Sequence[str],
    study: ChipStudy,
    record: dict[str, Any],
    number: int,
    supply_volt: float,
) -> list[str]:
    """What builds and evaluates one chip by itself; options that are the default, as a nominal supply, are left out."""
    commands, place = [], Path(directory)
    if not study.fixed:
        place = place.with_name(f"{place.name}_seed_{study.seed_of(number)}")
        options = record["options"] | {"seed": study.seed_of(number)}
        commands.append(build_command(place, record | {"options": options, "die": {}}))
    given = {"inputs": study.inputs, "labels": study.labels, "calibration": study.calibration}
    names = iter(files)
    words: dict[str, Any] = {name: next(names) for name, path in given.items() if path is not None}
    words |= {"limit": study.limit, "effects": "all" if study.effects == EFFECTS else ",".join(study.effects) or "none"}
    chip, default = asdict(study.operation_of(number)), asdict(DEFAULT_OPERATION)
    default["supply_volt"] = supply_volt
    words |= {
        name.removesuffix("_volt"): value for name, value in chip.items() if value != default[name] or name == "seed"
    }
    text = [
        word
        for name, value in words.items()
        if value is not None
        for word in (f"--{name}".replace("_", "-"), str(value))
    ]
    commands.append(shlex.join(["generate-crossbar", "evaluate", str(place), *text]))
    return commands

"""A run over the space: the points that are missing, on workers, each kept as soon as it is done; then the fronts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from shutil import rmtree
from typing import Any

from numpy.typing import NDArray

from rsscircuit.arrays import check_inputs, read_user_array
from rsscircuit.design.files import write_json
from rsscircuit.errors import DesignError, InputError
from rsscircuit.execution import workers_of
from rsscircuit.exploration.forecast import seconds
from rsscircuit.exploration.fronts import QUALITIES
from rsscircuit.exploration.points import PointOutcome, Study, key_of, run_points
from rsscircuit.exploration.space import Axes, sample
from rsscircuit.exploration.summary import commands_of, summarise, write_csv
from rsscircuit.inference.given import CALIBRATION_INPUTS, read_labels
from rsscircuit.network import Network, read_network
from rsscircuit.options import DEFAULT_TOLERANCE
from rsscircuit.progress import Progress, silent
from rsscircuit.simulate.campaign import collect
from rsscircuit.simulate.journal import Journal
from rsscircuit.technology import preset_names

MOST_POINTS = 4000
START_SECONDS = 5.0  # of a process, until it builds
DEFAULT_AXES = Axes()
JOURNAL, RESULT, TABLE, SCRATCH = "points.jsonl", "exploration.json", "points.csv", "building"


def explore(
    model: str | Path,
    out: str | Path,
    inputs: str | Path,
    labels: str | Path | None = None,
    *,
    axes: Axes = DEFAULT_AXES,
    points: int | None = None,
    quality: str = "output-error",
    limit: int | None = None,
    calibration: str | Path | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    seed: int = 1,
    workers: int = 0,
    dask: str | None = None,
    fresh: bool = False,
    say: Callable[[str], None] = lambda line: None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Designs of a network over a product of choices, each built, run and charged; saved in ``out``.

    Finished points are kept in ``points.jsonl`` and not run again, also when axes grow: a run that was stopped goes on.
    A point that cannot be built stays with its reason.

    Args:
        model: ONNX or ``.npz`` file.
        out: Directory of the results; new, empty, or that of an earlier run.
        inputs: ``.npy`` file, [N, ...] as the network takes it.
        labels: ``.npy`` file, whole numbers [N]; without them there is no accuracy.
        axes: The space.
        points: So many of the product, as :func:`rsscircuit.exploration.space.sample` takes them; all by default.
        quality: ``output-error``, ``agreement`` or ``accuracy``: what the fronts are for.
        limit: Use only so many inputs, from the first.
        calibration: ``.npy`` file that input ranges and converters are laid out for, and whose first eight inputs
            drive the rows in the costs; by default bounds, the first 256 and the first eight of ``inputs``.
        tolerance: As ``build`` takes it, a fraction.
        seed: Of the die, of offsets and noise, and of the sample.
        workers: Processes to run the points on; 0 is this process. The results do not depend on it.
        dask: Address of a Dask scheduler whose workers run them instead.
        fresh: Run the finished points again, too.
        say: Takes a line on how many points there are, before they are run.
        progress: Bars for people.

    Returns:
        What was asked; ``images``, ``trained_accuracy``; ``points``: of each its ``number`` in the product, its
        ``configuration``, ``state`` (``done``, ``failed`` or ``lost``), ``figures`` or ``reason``, the ``fronts`` it is
        on, and the ``commands`` that build, evaluate and charge it alone, to the same figures; ``fronts``: by quality
        and cost the numbers of the points, by rising cost; ``levels``: by axis and value the medians of its points;
        how many are ``done``, ``failed`` and ``lost``.

    Raises:
        RsscircuitError: Anything the user can mend.
    """
    place, folder = workers_of(workers, dask), _folder(out)
    if quality not in QUALITIES:
        raise InputError(
            "no such quality", where="--quality", got=quality, remedy=f"choose from {', '.join(QUALITIES)}"
        )
    if quality == "accuracy" and labels is None:
        raise InputError("without labels there is no accuracy", where="--quality", got=quality, remedy="add --labels")
    if seed < 0:
        raise InputError("a seed is a whole number from 0", where="--seed", got=seed)
    if not 0 <= tolerance < 1:
        raise InputError("a tolerance is a fraction from 0 to 1", where="--tolerance", got=tolerance)
    numbers = _numbers(axes, points, seed)
    network = read_network(model)
    data, calibrating = _checked(network, inputs, labels, calibration, limit)
    study = Study(
        model=str(Path(model).resolve()),
        inputs=str(Path(inputs).resolve()),
        labels=None if labels is None else str(Path(labels).resolve()),
        calibration=None if calibration is None else str(Path(calibration).resolve()),
        limit=limit,
        tolerance=tolerance,
        seed=seed,
        axes=replace(axes, technology=tuple(_resolved(name) for name in axes.technology)),
        scratch=str((folder / SCRATCH).resolve()),
    )
    keys = {number: key_of(study.axes.at(number)) for number in numbers}
    asked = _asked(study)
    with Journal(folder, asked, PointOutcome, fresh=fresh, file=JOURNAL) as journal:
        groups = _groups(axes, [number for number in numbers if keys[number] not in journal.finished])
        missing = sum(map(len, groups))
        whole = seconds(study, network, data, calibrating, groups) if groups else 0.0
        say(_announced(groups, len(numbers), whole, max(1, workers), elsewhere=dask is not None))
        with (
            _empty(Path(study.scratch)),
            progress("points", len(numbers)) as bar,
            journal.going_on(keys.values(), "points"),
        ):
            bar(len(numbers) - missing)
            lost = collect(partial(run_points, study), groups, journal, place, bar)
        outcomes = {number: journal.finished.get(key) for number, key in keys.items()}
    commands = {number: commands_of(number, axes, study, out, model, inputs, labels, calibration) for number in numbers}
    result = summarise(axes, quality, outcomes, lost, commands) | {"images": len(data), "asked": asked}
    write_json(folder / RESULT, result)
    write_csv(folder / TABLE, result)
    return result


@contextmanager
def _empty(folder: Path) -> Iterator[None]:
    """An empty folder, removed afterwards; what a killed run left in it is gone."""
    rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield
    finally:
        rmtree(folder, ignore_errors=True)


def _folder(out: str | Path) -> Path:
    """The directory of the results, made where it is not there.

    Raises:
        DesignError: It is a file, cannot be written, or holds something else.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise DesignError("the output cannot be written", where=str(out), got=str(error.strerror)) from error
    if held and JOURNAL not in held:
        raise DesignError(
            "the output directory holds something else", where=str(out), remedy="name a new or empty directory"
        )
    return folder


def _numbers(axes: Axes, points: int | None, seed: int) -> tuple[int, ...]:
    if points is not None:
        numbers = sample(axes, points, seed)
    elif axes.size > MOST_POINTS:
        raise InputError(
            f"the product of the axes has more than {MOST_POINTS} points",
            where="explore",
            got=axes.size,
            remedy="add --points N for a sample of it",
        )
    else:
        return tuple(range(1, axes.size + 1))
    if len(numbers) > MOST_POINTS:
        raise InputError(f"at most {MOST_POINTS} points are run", where="--points", got=len(numbers))
    return numbers


def _checked(
    network: Network,
    inputs: str | Path,
    labels: str | Path | None,
    calibration: str | Path | None,
    limit: int | None,
) -> tuple[NDArray[Any], int]:
    """The inputs that every point gets, and how many it is laid out for, once all files are known to fit."""
    data = read_user_array(inputs, "--inputs", mapped=True)
    check_inputs(network, data, "--inputs")
    if limit is not None and not 1 <= limit <= len(data):
        raise InputError(f"a limit is from 1 to the {len(data)} inputs", where="--limit", got=limit)
    if labels is not None:
        read_labels(labels, len(data))
    if calibration is None:
        return data[:limit], min(len(data), CALIBRATION_INPUTS)
    laid_out_for = read_user_array(calibration, "--calibration", mapped=True)
    check_inputs(network, laid_out_for, "--calibration")
    return data[:limit], len(laid_out_for)


def _resolved(technology: str) -> str:
    return technology if technology in preset_names() else str(Path(technology).resolve())


def _asked(study: Study) -> dict[str, Any]:
    """Everything that all points depend on, as plain values; where files lie is not among it."""
    files = {name: getattr(study, name) for name in ("model", "inputs", "labels", "calibration")}
    return {
        **{name: None if path is None else _digest(path) for name, path in files.items()},
        "limit": study.limit,
        "tolerance": study.tolerance,
        "seed": study.seed,
        "versions": {name: version(name) for name in ("rsscircuit", "numpy")},
    }


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _groups(axes: Axes, numbers: Sequence[int]) -> list[tuple[int, ...]]:
    """Points that differ in the bits of the ADC alone, which stand together in the product."""
    return [tuple(group) for _, group in groupby(numbers, key=lambda number: (number - 1) // len(axes.adc_bits))]


def _announced(groups: Sequence[Sequence[int]], points: int, whole: float, workers: int, *, elsewhere: bool) -> str:
    """How many points there are, how many of them are missing, and roughly how long these will take."""
    missing = sum(map(len, groups))
    line = f"{points} point{'s' * (points != 1)}"
    if missing < points:
        line += f", {points - missing} of them finished before"
    if not missing:
        return line
    wait = whole if elsewhere else START_SECONDS + whole / min(workers, len(groups))
    time = f"{wait:.0f} s" if wait < 100 else f"{wait / 60:.0f} min"
    place = "of one process" if elsewhere else f"on {workers} process{'es' * (workers != 1)}"
    return f"{line}; {len(groups)} design{'s' * (len(groups) != 1)} to build, some {time} {place}"

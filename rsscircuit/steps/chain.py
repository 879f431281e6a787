"""The chain: which steps are run, which are taken up from an earlier run, and where it stops.

A design is written beside its place and renamed when the chain has ended, so that one that is interrupted leaves
nothing. A step that fails its check ends the chain, and what was written until then stays to be looked at.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rsscircuit.design import Design, load
from rsscircuit.design.directory import new_directory, refuse_foreign
from rsscircuit.design.outcomes import FAIL, FOLDER, STEPS, Outcome, read_outcomes, save_outcome
from rsscircuit.errors import DesignError, InputError
from rsscircuit.options import BuildOptions, resolve
from rsscircuit.partial import remove_leftovers
from rsscircuit.progress import Progress, silent
from rsscircuit.steps.artefacts import EmitHdl, EmitSpice, Program
from rsscircuit.steps.banks import Draw, Measure, Solve
from rsscircuit.steps.network import Fold, Import, Lower, Tile
from rsscircuit.steps.simulate import Simulate
from rsscircuit.steps.work import Step, Work
from rsscircuit.technology import technology_text

DEFAULT_LAST = "emit-hdl"
CHAIN: tuple[Step, ...] = (
    Import(), Fold(), Lower(), Tile(), Draw(), Measure(), Solve(), Program(), EmitSpice(), EmitHdl(), Simulate(),
)  # fmt: skip
ON_A_DESIGN = ("simulate", "report")  # steps that leave the design as it is


def run_steps(
    model: str | Path,
    out: str | Path,
    options: BuildOptions | None = None,
    *,
    force: bool = False,
    first: str | None = None,
    last: str = DEFAULT_LAST,
    further: Sequence[Step] = (),
    progress: Progress = silent,
) -> dict[str, Outcome]:
    """Run the chain, or the part of it from ``first`` to ``last``.

    Args:
        model: ONNX or ``.npz`` file.
        out: Directory to write; it must be new, empty, or (with ``force``) a design. With ``first``, the design that
            holds the steps before.
        options: The choices; defaults as on the command line.
        force: Replace a design, or steps, that are there.
        first: Step to begin with; those before are taken up from ``out``.
        last: Step to end with.
        further: Steps behind those of this module.
        progress: Bars for people.

    Returns:
        Every step that the directory holds, in order, by name; the last may have failed its check.

    Raises:
        RsscircuitError: Anything the user can mend; nothing is left behind, and what was there stays.
    """
    options, chain, place = options or BuildOptions(), (*CHAIN, *further), Path(out).resolve()
    begin, end = _known(first or STEPS[0], "--from"), _known(last, "--until")
    if begin > end:
        raise InputError("there is nothing to do", where="--from", got=first, remedy=f"--until {last} comes before it")
    resolved = resolve(options)
    remove_leftovers(place)
    origin = _origin(model)
    kept = {} if first is None else _kept(place, chain[:begin], options, origin)
    if first is None or any(step in read_outcomes(place) for step in STEPS[begin:]):
        refuse_foreign(place, force=force)
    with new_directory(place, force=force or first is not None) as folder:
        work = Work(
            folder=folder,
            options=options,
            options_record=options.record(),
            resolved=resolved,
            technology_text=technology_text(options.technology),
            model=Path(model),
            origin=origin,
            progress=progress,
        )
        if first is not None:
            _copy(place, folder, [step.name for step in chain[:begin]], chain, results=first in ON_A_DESIGN)
            for step in chain[:begin]:
                step.restore(work, kept[step.name].result)
        carry_on(work, chain[begin : end + 1])
    return read_outcomes(place)


def build(
    model: str | Path,
    out: str | Path,
    options: BuildOptions | None = None,
    *,
    force: bool = False,
    last: str = DEFAULT_LAST,
    progress: Progress = silent,
) -> Design:
    """Map a network onto crossbars and write the complete design, programmed for a virtual die.

    The directory is written beside ``out`` and renamed when it is whole.

    Args:
        model: ONNX or ``.npz`` file.
        out: Directory to write; it must be new, empty, or (with ``force``) a design.
        options: The choices; defaults as on the command line.
        force: Replace a design that is there.
        last: Step to end with, ``solve`` or a later one.
        progress: Bars for people.

    Raises:
        RsscircuitError: Anything the user can mend; nothing is left behind. A :class:`~rsscircuit.errors.DesignError`
            where a step fails its check; the design then stops there.
    """
    failure = first_failure(run_steps(model, out, options, force=force, last=last, progress=progress))
    if failure is not None:
        raise failure
    return load(out)


def carry_on(work: Work, steps: Sequence[Step]) -> None:
    """Run steps one after the other until one fails its check, and write what each left."""
    for step in steps:
        began = time.perf_counter()
        result = step.run(work)
        seconds = time.perf_counter() - began
        outcome = Outcome(
            step=step.name,
            options=_of(step, work.options_record),
            result=result,
            check=step.check(work, result),
            seconds=seconds,
            files=_digest(work.folder, step),
        )
        save_outcome(work.folder, outcome)
        if outcome.verdict == FAIL:
            return


def first_failure(outcomes: Mapping[str, Outcome]) -> DesignError | None:
    """The first step that failed its check, as the error to tell; None where none did."""
    for outcome in outcomes.values():
        if outcome.verdict == FAIL:
            check = outcome.check
            where = f"step {outcome.step}" + (f", {check.where}" if check.where else "")
            return DesignError(
                f"FAIL against {check.against}: {check.unit} is {check.figure:.3g}, and may be {check.limit:.3g}",
                where=where,
                remedy="the design stops there, to be looked at",
            )
    return None


def _known(name: str, where: str) -> int:
    if name not in STEPS:
        raise InputError("no such step", where=where, got=name, remedy=f"choose from {', '.join(STEPS)}")
    return STEPS.index(name)


def _origin(model: str | Path) -> dict[str, Any]:
    """The name of the model's file and its hash, which is empty where it cannot be read: the import says why."""
    path = Path(model)
    content = path.read_bytes() if path.is_file() else b""
    return {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}


def _kept(place: Path, steps: Sequence[Step], options: BuildOptions, origin: Mapping[str, Any]) -> dict[str, Outcome]:
    """The steps of an earlier run that are taken up.

    Raises:
        DesignError: One is missing, failed, was run on another model or with other options, or its files were changed.
    """
    found, asked = read_outcomes(place), options.record()
    for step in steps:
        if step.name not in found:
            raise DesignError(
                f"there is no step {step.name} to go on from",
                where=str(place),
                got=", ".join(found) or "no step at all",
                remedy=f"begin with --from {step.name}" if found else "leave --from out",
            )
        outcome = found[step.name]
        remedy = f"begin with --from {step.name}"
        if outcome.verdict == FAIL:
            raise DesignError(f"step {step.name} failed its check", where=str(place), remedy=remedy)
        if step.name == STEPS[0] and outcome.result["sha256"] != origin["sha256"]:
            got = f"{origin['file']}, not the {outcome.result['file']} that was imported"
            raise DesignError("the model is another one", where=str(place), got=got, remedy="leave --from out")
        before, now = outcome.options, _of(step, asked)
        for name in before.keys() | now.keys():
            if before.get(name) != now.get(name):
                raise DesignError(
                    f"--{name.replace('_', '-')} is read by step {step.name}, which had {before.get(name)!r}",
                    where=str(place),
                    got=now.get(name),
                    remedy=remedy,
                )
        if _digest(place, step) != outcome.files:
            raise DesignError(
                f"the files of step {step.name} were changed since they were written", where=str(place), remedy=remedy
            )
    return {step.name: found[step.name] for step in steps}


def _of(step: Step, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a step reads, with the hashes of files among them."""
    names = [name for option in step.options for name in (option, f"{option}_sha256")]
    return {name: options[name] for name in names if name in options}


def _files(folder: Path, step: Step) -> list[Path]:
    return sorted({path for pattern in step.leaves for path in folder.glob(pattern) if path.is_file()})


def _digest(folder: Path, step: Step) -> str:
    """BLAKE2b over the names and bytes of what a step left; the record, which later steps write again, apart."""
    digest = hashlib.blake2b(digest_size=16)
    for path in _files(folder, step):
        if path.suffix != ".json":
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _copy(place: Path, folder: Path, names: Sequence[str], chain: Sequence[Step], *, results: bool) -> None:
    """Take over the files of some steps, and what was computed on a design that stays as it is."""
    paths = [path for step in chain if step.name in names for path in _files(place, step)]
    paths += [place / FOLDER / f"{name}.json" for name in names]
    if results:
        paths += [path for path in (place / "results").rglob("*") if path.is_file()]
    for path in paths:
        target = folder / path.relative_to(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)

"""A whole Monte Carlo run: the trials that are missing, on workers, each kept as soon as it is done.

A trial that its simulator fails on, or whose worker dies, costs itself alone. Its netlist is written beside the
results, and the next run of the same study tries it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rsscircuit.execution import Crash, Workers
from rsscircuit.simulate.journal import Journal, Record
from rsscircuit.simulate.trials import Bench, Failure, Outcome, Study, run_trials

R = TypeVar("R", bound=Record)
QUICK_TRIALS_A_TASK = 16  # which would take longer to travel alone than to run


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A trial without a result.

    Attributes:
        trial: Its number.
        reason: What the simulator said, or the last lines of its worker.
        netlist: Where the circuit is.
    """

    trial: int
    reason: str
    netlist: str


def asked_of(study: Study, versions: dict[str, str]) -> dict[str, Any]:
    """Everything that a study's trials depend on, as plain values; where the design lies is not among them."""
    asked: dict[str, Any] = asdict(study) | {"versions": versions}
    del asked["directory"]
    if study.conditions is not None:
        asked["conditions"] = {name: list(ends) if ends else None for name, ends in asked["conditions"].items()}
    return asked


def tasks(study: Study, missing: Sequence[int], workers: int) -> list[tuple[int, ...]]:
    """The numbers of the trials that travel together, which is what a crash costs: one, where trials are not quick."""
    quick = study.engine != "ngspice" and study.conditions is not None
    size = min(QUICK_TRIALS_A_TASK, max(1, -(-len(missing) // workers))) if quick else 1
    return [tuple(missing[first : first + size]) for first in range(0, len(missing), size)]


def run(
    study: Study,
    trials: int,
    journal: Journal[Outcome],
    workers: Workers,
    width: int,
    folder: Path,
    advance: Callable[[int], None],
) -> list[Lost]:
    """Run every one of trials 1 to ``trials`` that the journal does not have.

    Args:
        study: What is asked.
        trials: How many.
        journal: Where finished trials are, and are put.
        workers: Where they run.
        width: How many run side by side, at least 1.
        folder: Where netlists of lost trials go.
        advance: Called with the number of trials just done.

    Returns:
        The trials that were lost, in order.
    """
    wanted = range(1, trials + 1)
    missing = [number for number in wanted if number not in journal.finished]
    advance(trials - len(missing))
    lost = collect(partial(run_trials, study), tasks(study, missing, width), journal, workers, advance)
    return list(_written(study, lost, folder))


def collect(
    function: Callable[[tuple[int, ...]], Sequence[R | Failure]],
    numbers: Sequence[tuple[int, ...]],
    journal: Journal[R],
    workers: Workers,
    advance: Callable[[int], None],
) -> dict[int, str]:
    """Run trials on workers and keep each as soon as it is done.

    Args:
        function: Runs the trials of some numbers.
        numbers: Those of the trials, as they travel together.
        journal: Where finished trials are put.
        workers: Where they run.
        advance: Called with the number of trials just done.

    Returns:
        The trials that were lost, and why.
    """
    lost: dict[int, str] = {}
    for done in workers.run(function, numbers):
        if isinstance(done.result, Crash):
            lost |= dict.fromkeys(done.item, crash_reason(done.result))
        else:
            for result in done.result:
                if isinstance(result, Failure):
                    lost[result.trial] = result.reason
                else:
                    journal.append(result)
        advance(len(done.item))
    return lost


def crash_reason(crash: Crash) -> str:
    """What became of a worker, with its last lines."""
    said = " | ".join(crash.last_lines) or "nothing"
    return f"its worker process crashed or was killed; last lines: {said}"


def _written(study: Study, lost: dict[int, str], folder: Path) -> Iterable[Lost]:
    for path in folder.glob("trial_*.cir"):
        path.unlink()
    if not lost:
        return
    bench = Bench(study)
    for number, reason in sorted(lost.items()):
        path = folder / f"trial_{number}.cir"
        path.write_text(bench.deck(bench.draw(number)), "utf-8")
        yield Lost(trial=number, reason=reason, netlist=str(path))

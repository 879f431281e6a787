"""Finished Monte Carlo trials on disk, so that a run that was stopped goes on where it was.

One file a study: a line that says what was asked, then a line a trial in the order in which they were finished. The
numbers are written so that they read back to the same bits. A last line that was cut off is dropped.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Generic, Protocol, Self, TypeVar

import numpy as np

from rsscircuit.errors import DesignError
from rsscircuit.simulate.trials import Outcome

FILE = "trials.jsonl"


class Record(Protocol):
    """A finished trial."""

    @property
    def trial(self) -> int:
        """Its number."""

    def line(self) -> Mapping[str, Any]:
        """The trial as plain values."""

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Self:
        """The trial of such values."""


R = TypeVar("R", bound=Record)


def digest(asked: Mapping[str, Any]) -> str:
    """A short name for what was asked."""
    text = json.dumps(asked, sort_keys=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


class Journal(Generic[R]):
    """The file of one study, held by one run at a time.

    Args:
        folder: Where it is, or is made.
        asked: Everything that the trials depend on.
        kind: Of its trials.
        fresh: Start anew.
        file: Its name.

    Raises:
        DesignError: Another run holds it, it is of another study, or it cannot be read.
    """

    def __init__(
        self, folder: Path, asked: Mapping[str, Any], kind: type[R], *, fresh: bool = False, file: str = FILE
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._kind = folder / file, kind
        self._file: IO[bytes] = self._path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise DesignError(
                "another run is at work on these trials", where=str(self._path), remedy="wait until it has ended"
            ) from error
        if fresh:
            self._file.truncate(0)
        self.finished = self._read(dict(asked))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @contextmanager
    def going_on(self, wanted: Collection[int], what: str) -> Iterator[None]:
        """Where the run of the ``wanted`` trials is interrupted, say how many are kept; ``what`` names them."""
        try:
            yield
        except KeyboardInterrupt as stop:
            kept = sum(number in self.finished for number in wanted)
            raise KeyboardInterrupt(
                f"interrupted: {kept} of {len(wanted)} {what} are kept; the same command goes on with the others"
            ) from stop

    def append(self, outcome: R) -> None:
        """Keep one more trial."""
        self._write(outcome.line())
        self.finished[outcome.trial] = outcome

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def _read(self, asked: dict[str, Any]) -> dict[int, R]:
        self._file.seek(0)
        whole, newline, _ = self._file.read().rpartition(b"\n")
        self._file.truncate(len(whole) + len(newline))
        if not whole:
            self._write(asked)
            return {}
        try:
            first, *lines = [json.loads(line) for line in whole.splitlines()]
            finished = [self._kind.of(line) for line in lines]
        except (ValueError, KeyError, TypeError) as error:
            raise DesignError(
                "the file of trials is damaged", where=str(self._path), got=str(error), remedy="add --fresh"
            ) from error
        if first != asked:
            raise DesignError("the trials are of another study", where=str(self._path), remedy="add --fresh")
        return {outcome.trial: outcome for outcome in finished}


def write_csv(path: Path, outcomes: Sequence[Outcome]) -> None:
    """One line a trial: its number, what was drawn, its relative errors, and the rms error of every column."""
    columns = outcomes[0].error.shape[1]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            ["trial", *outcomes[0].drawn, "relative_error", "array_error", *(f"column_{j}" for j in range(columns))]
        )
        for outcome in outcomes:
            rms = np.sqrt(np.mean(outcome.error**2, axis=0)).tolist()
            numbers = (*outcome.drawn.values(), outcome.relative_error, outcome.relative_array_error, *rms)
            table.writerow([outcome.trial, *(repr(number) for number in numbers)])

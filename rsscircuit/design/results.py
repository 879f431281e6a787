"""A design's ``results/``: every result says which design it was computed on.

A build replaces a directory as a whole, but a run that was at work meanwhile, a copied folder or a step that is
repeated in place leaves results of another design than the one beside them. So each carries the fingerprint of its
design, taken before the work, and whoever reads it can tell.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsscircuit.design.files import write_json
from rsscircuit.design.record import fingerprint, read_record
from rsscircuit.errors import DesignError

RESULTS = "results"
OF_DESIGN = "design"  #: key of the fingerprint in a result


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """Where a result goes.

    Attributes:
        path: The file.
        fingerprint: Of the design that it is computed on.
    """

    path: Path
    fingerprint: str

    def write(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Write a result; what is written, its design's fingerprint included, is returned."""
        marked = {**result, OF_DESIGN: self.fingerprint}
        write_json(self.path, marked)
        return marked


def result_file(directory: str | Path, name: str) -> ResultFile:
    """Where ``results/NAME.json`` goes; made before the work, so that a place that cannot be written is known at once.

    Raises:
        DesignError: No design there, or its directory cannot be written.
    """
    folder, mark = Path(directory) / RESULTS, fingerprint(read_record(Path(directory)))
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DesignError("results cannot be written", where=str(folder), got=str(error.strerror)) from error
    if not os.access(folder, os.W_OK):
        raise DesignError("results cannot be written", where=str(folder), remedy="copy the design elsewhere")
    return ResultFile(path=folder / f"{name}.json", fingerprint=mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The results beside a design.

    Attributes:
        folder: ``results/``.
        fingerprint: Of the design that is there.
    """

    folder: Path
    fingerprint: str

    @classmethod
    def of(cls, directory: str | Path, record: Mapping[str, Any]) -> Results:
        """Those of a design whose ``design.json`` is read."""
        return cls(folder=Path(directory) / RESULTS, fingerprint=fingerprint(record))

    def find(self, pattern: str) -> Iterator[Mapping[str, Any]]:
        """Every result ``PATTERN.json`` of this design, by name.

        Raises:
            DesignError: One cannot be read.
        """
        for path in sorted(self.folder.glob(f"{pattern}.json")):
            if self._is_own(found := _read(path)):
                yield found

    def stale(self) -> dict[str, Mapping[str, Any]]:
        """Every result of another design, by its name below the folder.

        Raises:
            DesignError: One cannot be read.
        """
        paths = sorted([*self.folder.glob("*.json"), *self.folder.glob("signoff/*.json")])
        read = {path.relative_to(self.folder).with_suffix("").as_posix(): _read(path) for path in paths}
        return {name: found for name, found in read.items() if not self._is_own(found)}

    def _is_own(self, result: Mapping[str, Any]) -> bool:
        return bool(result.get(OF_DESIGN) == self.fingerprint)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DesignError(
            "a result is damaged", where=str(path), got=str(error), remedy="run its command again"
        ) from error
    return data

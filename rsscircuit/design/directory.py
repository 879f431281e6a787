"""The directory a design is written to: nothing else is overwritten, and nothing is left half-written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rsscircuit.design.outcomes import FOLDER as STEPS_FOLDER
from rsscircuit.design.outcomes import read_outcomes
from rsscircuit.design.record import DESIGN_FILE, TECHNOLOGY_FILE
from rsscircuit.errors import DesignError
from rsscircuit.partial import partial_directory, set_aside

ENTRIES = {
    DESIGN_FILE, TECHNOLOGY_FILE, STEPS_FOLDER, "network", "layers", "banks", "netlist", "bitstream", "hdl", "results",
    "report",
}  # fmt: skip


@contextmanager
def new_directory(out: Path, *, force: bool) -> Iterator[Path]:
    """A directory beside ``out``, renamed to it when what is done inside has ended well, and removed otherwise.

    Raises:
        DesignError: The place cannot be written, or as :func:`replace_directory` does.
    """
    with ExitStack() as stack:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(partial_directory(out))
        except OSError as error:
            raise DesignError("the output cannot be written", where=str(out), got=str(error.strerror)) from error
        yield folder
        replace_directory(folder, out, force=force)


def refuse_foreign(out: Path, *, force: bool) -> None:
    """Make sure that writing a design to ``out`` destroys nothing else.

    Raises:
        DesignError: ``out`` is a file or holds anything that is no design, or a design and ``force`` is not set.
    """
    if out.exists() and not out.is_dir():
        raise DesignError("the output is a file", where=str(out), remedy="name a directory")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not _is_design(out):
        raise DesignError(
            "the output directory holds something else", where=str(out), remedy="name a new or empty directory"
        )
    if not force:
        raise DesignError("a design is there already", where=str(out), remedy="pass --force to replace it")


def _is_design(folder: Path) -> bool:
    """Whether ``folder`` holds a design, or one that stops at an early step, and nothing beside it."""
    try:
        if (folder / DESIGN_FILE).exists():
            record = json.loads((folder / DESIGN_FILE).read_text("utf-8"))
            ours = isinstance(record, dict) and {"format", "versions", "fingerprints"} <= record.keys()
        else:
            ours = bool(read_outcomes(folder))
    except (OSError, ValueError, DesignError):
        return False
    return ours and {entry.name for entry in folder.iterdir()} <= ENTRIES


def replace_directory(partial: Path, out: Path, *, force: bool) -> None:
    """Put a finished directory in the place of ``out``; what was there comes back if that fails.

    Raises:
        DesignError: Something else has come to ``out`` meanwhile, or it cannot be replaced.
    """
    refuse_foreign(out, force=force)
    aside = set_aside(partial)
    try:
        if out.exists():
            out.rename(aside)
        try:
            partial.rename(out)
        except OSError:
            if aside.exists():
                aside.rename(out)
            raise
    except OSError as error:
        raise DesignError("the output cannot be replaced", where=str(out), got=str(error.strerror)) from error
    shutil.rmtree(aside, ignore_errors=True)

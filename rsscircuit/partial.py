"""What is written beside its place and renamed when it is whole, and what is left of it when a run is killed.

A partial file or folder is named after its target and locked by the run that writes it. The kernel drops the lock when
that run ends, however it ends, so that a later run tells what nobody writes any more from what another one is at.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp, mkstemp

OLD = ".old"  # ends the name of what is put aside while the partial takes its place


@contextmanager
def partial_directory(target: Path) -> Iterator[Path]:
    """A new directory beside ``target``, removed afterwards unless it was renamed."""
    with _held(lambda prefix: mkdtemp(prefix=prefix, dir=target.parent), target) as path:
        path.chmod(0o755)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def partial_file(target: Path) -> Iterator[Path]:
    """A new empty file beside ``target``, removed afterwards unless it was renamed."""
    with _held(lambda prefix: _file(prefix, target.parent), target) as path:
        path.chmod(0o644)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def set_aside(partial: Path) -> Path:
    """Where what ``partial`` replaces is put meanwhile."""
    return partial.with_name(f"{partial.name}{OLD}")


def remove_leftovers(target: Path) -> None:
    """Remove what killed runs left beside ``target``; what one had just put aside comes back.

    Only names that :func:`partial_directory` and :func:`partial_file` make, and of those none that a run still holds or
    that cannot be locked.
    """
    ours = re.compile(re.escape(_prefix(target)) + r"[a-z0-9_]{8}" + f"(?:{re.escape(OLD)})?")
    with suppress(OSError):
        for path in [entry for entry in target.parent.iterdir() if ours.fullmatch(entry.name)]:
            partial = path.with_name(path.name.removesuffix(OLD))
            if partial.exists() and not _let_go(partial):
                continue
            if path != partial and not target.exists():
                path.rename(target)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    return f".{target.name}.rsscircuit-"


def _file(prefix: str, folder: Path) -> str:
    handle, name = mkstemp(prefix=prefix, dir=folder)
    os.close(handle)
    return name


@contextmanager
def _held(make: Callable[[str], str], target: Path) -> Iterator[Path]:
    """A new path that is locked; made again where another run took it for a leftover before it was."""
    while True:
        path = Path(make(_prefix(target)))
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            with suppress(OSError):  # where locks do not exist nothing is ever taken for a leftover
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():
                yield path
                return
        finally:
            os.close(handle)


def _let_go(path: Path) -> bool:
    """Whether no run holds a path."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(handle)

"""One tree of errors; each says what is wrong, where, what was found and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class RsscircuitError(Exception):
    """Base of every error that is the user's to mend: printed on one line, exit status 2.

    Args:
        what: What is wrong, in a few words.
        where: The file, layer, tile or option it is about.
        got: The value found, as the user wrote it.
        remedy: What to do about it.
    """

    def __init__(self, what: str, *, where: str = "", got: object = None, remedy: str = "") -> None:
        self.what, self.where, self.got, self.remedy = what, where, got, remedy
        parts = [f"{where}: {what}" if where else what]
        if got is not None:
            parts.append(f"got {got!r}" if isinstance(got, str) else f"got {got}")
        if remedy:
            parts.append(remedy)
        super().__init__("; ".join(parts))


class InputError(RsscircuitError):
    """A file or option that the user gave cannot be used as it is."""


class NetworkError(RsscircuitError):
    """A network cannot be read or holds something that does not map onto crossbars."""


class TechnologyError(RsscircuitError):
    """A technology file has a missing, unknown or impossible entry."""


class SolverError(RsscircuitError):
    """A subset-sum problem is malformed, or lies outside the chosen solver's limits."""


class DesignError(RsscircuitError):
    """A design directory is not one, is damaged, or would be overwritten."""


class SimulationError(RsscircuitError):
    """A simulation did not run, did not converge, or returned less than it was asked for."""


class CrashError(SimulationError):
    """A simulator's process ended in the middle of its work; exit status 3."""


class MissingPartError(RsscircuitError):
    """A program or library that this step needs is not installed."""


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """Have a part that is missing say what it is missing for, a tile and its netlist."""
    try:
        yield
    except MissingPartError as error:
        where = ", ".join(filter(None, (what, error.where)))
        raise MissingPartError(error.what, where=where, got=error.got, remedy=error.remedy) from error

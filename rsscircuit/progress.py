"""How long work says where it is: a seam, so that the library stays silent and the command line does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Opens one bar a stage; the bar is advanced by the function it gives."""

    def __call__(self, stage: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """A bar called ``stage`` with ``total`` steps."""


@contextmanager
def silent(stage: str, total: int) -> Iterator[Callable[[int], None]]:
    """No bar at all."""
    yield lambda steps: None

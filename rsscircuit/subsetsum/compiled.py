"""Where numba is asked for: kernels are compiled where it is installed and run as plain Python where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rsscircuit.execution import default_workers, map_threads

try:
    from numba import njit as _njit
except ImportError:
    _njit = None

COMPILED = _njit is not None
_STEPS_PER_CHUNK = 2**20  # less work than this does not pay for starting a thread

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kernel(function: Kernel) -> Kernel:
    """Compile a function of numbers and arrays, once per installation; it releases the interpreter lock."""
    if _njit is None:
        return function
    compiled: Kernel = _njit(cache=True, nogil=True)(function)
    return compiled


def run_cells(run: Callable[[int, int], None], *, cells: int, steps_per_cell: int) -> None:
    """Call ``run(first, stride)`` so that every cell is done once, on all cores where the work pays for it.

    Args:
        run: Solves the cells first, first + stride, ... below ``cells``, with scratch memory of its own.
        cells: How many there are.
        steps_per_cell: Roughly how many elementary steps one takes.
    """
    workers = default_workers()
    chunks = min(cells, max(1, cells * steps_per_cell // _STEPS_PER_CHUNK), 4 * workers)
    if chunks == 1 or workers == 1 or not COMPILED:
        run(0, 1)
    else:
        map_threads(lambda first: run(first, chunks), range(chunks))

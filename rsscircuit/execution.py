"""Where work runs side by side: threads, worker processes, or a Dask cluster.

Threads are for code that releases the interpreter lock. Processes are for code that does not, and for code that can
crash: every worker is a pool of one spawned process, so that one that dies takes down its own item alone. A Dask
cluster gives an executor of the same interface (``Client.get_executor``).
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from rsscircuit.errors import InputError, MissingPartError

T = TypeVar("T")
R = TypeVar("R")
TASKS_A_PROCESS = 200  # then a fresh one takes its place
DASK_SECONDS = 10  # in which a scheduler answers
LAST_LINES = 5
FATAL = "Fatal Python error"  # the stack that faulthandler prints below it is left out


def default_workers() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_threads(function: Callable[[T], R], items: Iterable[T], *, workers: int | None = None) -> list[R]:
    """``function`` of every item, in order, on a pool of threads, one a core by default."""
    with ThreadPoolExecutor(max_workers=workers or default_workers()) as pool:
        try:
            return list(pool.map(function, items))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@dataclass(frozen=True, slots=True)
class Crash:
    """The end of a worker in the middle of an item.

    Attributes:
        last_lines: What it wrote last, as far as that is known here.
    """

    last_lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Done(Generic[T, R]):
    """An item with what became of it."""

    item: T
    result: R | Crash


class Workers(Protocol):
    """A place to run items."""

    def run(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[T, R]]:
        """``function`` of every item, as they are done; what ``function`` raises is raised here."""


class Here:
    """This process, one item after the other."""

    def run(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[T, R]]:
        """See :class:`Workers`."""
        for item in items:
            yield Done(item, function(item))


@dataclass(frozen=True, slots=True)
class Processes:
    """So many spawned processes of this computer, each replaced after a number of items and when it crashes.

    A script that uses them guards its own start with ``if __name__ == "__main__"``, as :mod:`multiprocessing` asks.
    """

    count: int
    tasks_a_process: int = TASKS_A_PROCESS

    def run(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[T, R]]:
        """See :class:`Workers`."""
        with tempfile.TemporaryDirectory(prefix="rsscircuit-") as folder:
            logs = [Path(folder) / f"worker_{number}" for number in range(min(self.count, len(items)))]
            lanes = [_Lane(partial(_pool, str(log), self.tasks_a_process), log) for log in logs]
            others = set(active_children())
            try:
                yield from _in_lanes(partial(_logged, function), items, lanes)
            except BaseException:
                for child in set(active_children()) - others:
                    child.terminate()
                raise
            finally:
                for lane in lanes:
                    lane.executor.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Dask:
    """The workers of a running Dask cluster; they reach the same files under the same paths."""

    address: str

    def run(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[T, R]]:
        """See :class:`Workers`.

        Raises:
            MissingPartError: Dask's ``distributed`` is not installed.
            InputError: No cluster answers.
        """
        try:
            from distributed import Client, KilledWorker
        except ImportError as error:
            raise MissingPartError(
                "Dask is not installed", where="--dask", remedy="python -m pip install 'rsscircuit[dask]'"
            ) from error
        try:
            client = Client(self.address, timeout=DASK_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                "no Dask scheduler answers", where="--dask", got=self.address, remedy="start one with: dask scheduler"
            ) from error
        with client:
            executor = client.get_executor(pure=False, retries=0)
            threads = sum(client.nthreads().values())
            if threads == 0:
                raise InputError("the Dask cluster has no workers", where="--dask", got=self.address)
            lanes = [_Lane(lambda: executor, None) for _ in range(2 * threads)]
            yield from _in_lanes(function, items, lanes, crashes=(KilledWorker,))


class _Lane:
    """A place for one item at a time; its executor is made anew when it breaks."""

    def __init__(self, make: Callable[[], Executor], log: Path | None) -> None:
        self._make, self._log = make, log
        self.executor = make()

    def crash(self) -> Crash:
        """Take note of a crash, and make ready for the next item."""
        text = ""
        if self._log is not None:
            with suppress(OSError):
                text = self._log.read_text("utf-8", errors="replace")
        self.executor = self._make()
        lines = [line for line in text.splitlines() if line.strip()]
        fatal = [place for place, line in enumerate(lines) if line.startswith(FATAL)]
        end = fatal[-1] + 1 if fatal else len(lines)
        return Crash(tuple(lines[max(0, end - LAST_LINES) : end]))


def _in_lanes(
    function: Callable[[T], R],
    items: Iterable[T],
    lanes: Sequence[_Lane],
    crashes: tuple[type[BaseException], ...] = (),
) -> Iterator[Done[T, R]]:
    broken: tuple[type[BaseException], ...] = (BrokenExecutor, *crashes)
    waiting, running = deque(items), dict[Future[R], tuple[_Lane, T]]()
    idle = list(lanes)
    while waiting or running:
        while waiting and idle:
            lane, item = idle.pop(), waiting.popleft()
            running[lane.executor.submit(function, item)] = lane, item
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            lane, item = running.pop(future)
            try:
                done: Done[T, R] = Done(item, future.result())
            except broken:
                done = Done(item, lane.crash())
            idle.append(lane)
            yield done


def _pool(log: str, tasks: int) -> Executor:
    return ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), max_tasks_per_child=tasks, initializer=_prepare, initargs=(log,)
    )


def _prepare(log: str) -> None:
    """In a new worker: its output goes to a file, an interrupt is its parent's to handle, and it ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
    for output in (1, 2):
        os.dup2(file, output)
    os.close(file)
    faulthandler.enable()
    logger = logging.getLogger("rsscircuit")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(logging.StreamHandler(sys.stderr))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _logged(function: Callable[[T], R], item: T) -> R:
    os.ftruncate(2, 0)
    return function(item)

"""ngspice through PySpice: the one module that knows PySpice, and closes its traps.

The traps of PySpice 1.5, each met here:

* the library's name on Debian is ``libngspice.so.0``;
* a bad netlist does not raise when it is loaded, a title with the word *error* does, and so does every note on the
  error output, as those of gmin stepping: what ngspice says is kept, and judged by :data:`_FAILED`;
* a result can be short without a word: every value that was asked for is looked up, counted, and must be finite;
* ngspice cuts commands off in silence after 1023 characters: alterations are joined to fewer;
* circuits, plots and the history of commands leak unless they are dropped;
* a second instance fails and threads share the first: there is one a process, and one thread at a time uses it.
"""

from __future__ import annotations

import ctypes.util
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import MissingPartError, SimulationError
from rsscircuit.netlist.dialects import spice
from rsscircuit.netlist.elements import Analysis, Circuit, DcSweep, Noise, Transient

Array = NDArray[np.float64]
COMMAND_CHARACTERS = 1000
CASE_SOURCE = "vcase"
WHOLE = 1e-9
_LAST_LINES = 5
_FAILED = re.compile(
    r"^\s*(error|fatal|doanalyses(?!: pause)|warning, can't find)|\baborted\b|singular matrix|no such vector",
    re.IGNORECASE,
)
_CAUSES = {
    "singular matrix": "the matrix is singular, because a node floats or sources contradict each other",
    "is not in the circuit": "the deck lacks a source that is swept",
    "no circuit loaded": "the netlist holds no circuit, or only the beginning of one",
    "aborted": "no convergence",
}
_ATTEMPT = re.compile(r"(Trying gmin =|Supplies reduced to)\s+\S+")
_PAUSE = r" *\d+ *: condition met|Stopped after|doAnalyses: pause|(dc )?simulation interrupted"
_UNKNOWN_COMMAND = "no such command"
_NOTHING = "Error: there aren't any circuits"
_NO_CIRCUIT = r"Warning: there is no circuit loaded|Command 'remcirc' is ignored"
_NOTE = re.compile(
    r"\*\*|Circuit: |Note:|Warning: .*(gmin|source step)|Doing analysis|No\. of Data Rows| *Reference value"
    rf"|{_PAUSE}|{_NOTHING}|{_NO_CIRCUIT}"
)
_logger = logging.getLogger(__name__)
_turn = threading.RLock()


def library_name() -> str | None:
    """The ngspice shared library that will be loaded, or None where there is none."""
    return os.environ.get("NGSPICE_LIBRARY_PATH") or ctypes.util.find_library("ngspice")


@cache
def _session() -> Any:
    name = library_name()
    if name is None:
        raise MissingPartError(
            "libngspice is not installed",
            remedy="on Debian or Ubuntu: apt-get install libngspice0; or use the engine nodal",
        )
    logging.getLogger("PySpice").setLevel(logging.CRITICAL)
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared, ffi, ffi_string_utf8

    class Session(NgSpiceShared):  # type: ignore[misc]
        """An instance that keeps what ngspice says, and leaves the judgement to :func:`_run`."""

        NUMBER_OF_EXEC_CALLS_TO_RELEASE_MEMORY = 100  # the history of commands

        @staticmethod
        def _send_char(message: Any, identity: int, user_data: Any) -> int:
            self = ffi.from_handle(user_data)
            stream, _, line = ffi_string_utf8(message).partition(" ")
            (self._stderr if stream == "stderr" else self._stdout).append(line)
            if not _NOTE.match(line):
                _logger.debug("ngspice: %s", line)
            return 0

    NgSpiceShared.LIBRARY_PATH = name
    try:
        return Session.new_instance()
    except OSError as error:
        raise MissingPartError(
            "libngspice cannot be loaded",
            got=str(error).partition(".  Additionally")[0],  # cffi's own search, for a name without a path
            remedy="check NGSPICE_LIBRARY_PATH, or install libngspice0",
        ) from error


def version() -> str:
    """Version of the ngspice library, as it says itself."""
    return f"ngspice-{_session().ngspice_version}"


def has_osdi() -> bool:
    """Whether this ngspice takes compiled Verilog-A; Debian's does not."""
    with _turn:
        session = _session()
        session.exec_command("osdi")
        return not any(_UNKNOWN_COMMAND in line for line in _lines(session))


def operating_points(
    deck: str,
    sources: Mapping[str, Array],
    columns: int,
    *,
    where: str,
    modules: Iterable[Path] = (),
    progress: Callable[[int], None] | None = None,
) -> Array:
    """Load one deck and find its operating point for every case.

    One case is one ``op``. Several are one ``dc`` sweep of the deck's source ``vcase``, which feeds nothing: ngspice
    pauses, the row sources are altered, and it goes on from the solution that it has. A case is two points of the
    sweep, since an iteration that starts nearby stops 1e-9 short of the solution, and one that starts there does not.

    Args:
        deck: The text of the netlist, as on disk.
        sources: Voltages of the sources that change, name to [cases].
        columns: Bit lines; the current of ``vb<j>`` is read for each.
        where: What the deck is, for errors.
        modules: Compiled modules that the deck loads, for an ngspice that :func:`has_osdi`.
        progress: Called with 1 after each case.

    Returns:
        float64 [cases, columns], ampere.

    Raises:
        MissingPartError: No ngspice library.
        SimulationError: The deck was refused, an analysis failed, or a current is missing or not finite.
    """
    with _turn:
        session = _session()
        try:
            _load(session, located(deck, modules), where)
            _pausing(session, where)
            return _cases(session, sources, columns, where, progress)
        finally:
            _clear(session)


class Held:
    """A deck that stays loaded while its values are altered; it is loaded again where another took its place."""

    _last: Held | None = None

    def __init__(self, deck: str, *, where: str) -> None:
        self._deck, self._where = deck, where
        self._values: dict[str, float] = {}

    def operating_points(self, values: Mapping[str, float], sources: Mapping[str, Array], columns: int) -> Array:
        """The operating point of every case, with other values of elements.

        Args:
            values: What the deck's elements have now: ``alter`` commands, as ``alter r.x0_0p.r3`` or ``altermod
                switch kp``, to their values. One that was altered before is altered back by being given again.
            sources: As for :func:`operating_points`.
            columns: As for :func:`operating_points`.

        Raises:
            SimulationError: As for :func:`operating_points`, or an element is not in the deck.
        """
        with _turn:
            session = _session()
            try:
                if Held._last is not self:
                    _clear(session)
                    _load(session, self._deck, self._where)
                    _pausing(session, self._where)
                    Held._last, self._values = self, {}
                moved = {name: value for name, value in values.items() if self._values.get(name) != value}
                for command in joined(f"{name} = {float(value)!r}" for name, value in moved.items()):
                    _command(session, command, self._where)
                self._values.update(moved)
                return _cases(session, sources, columns, self._where, None)
            except BaseException:
                _clear(session)
                raise


def located(deck: str, modules: Iterable[Path]) -> str:
    """A deck that says where its compiled modules lie."""
    for module in modules:
        deck = deck.replace(f"{spice.LOADS}{module.name}\n", f"{spice.LOADS}{module}\n")
    return deck


def joined(commands: Iterable[str]) -> Iterator[str]:
    """Commands put together, none longer than ngspice reads.

    Raises:
        SimulationError: A single command is too long.
    """
    together = ""
    for command in commands:
        if len(command) > COMMAND_CHARACTERS:
            raise SimulationError("ngspice would cut the command off", where="ngspice", got=f"{command[:60]}...")
        if together and len(together) + 1 + len(command) > COMMAND_CHARACTERS:
            yield together
            together = command
        else:
            together = f"{together};{command}" if together else command
    if together:
        yield together


def _load(session: Any, deck: str, where: str) -> None:
    _run(session, partial(session.load_circuit, deck), where, what="ngspice refused the netlist")


def _pausing(session: Any, where: str) -> None:
    """Have a sweep of the circuit that is loaded pause after its second point, so that ``step`` goes on from there."""
    _command(session, "stop after 2", where)


def _cases(
    session: Any, sources: Mapping[str, Array], columns: int, where: str, progress: Callable[[int], None] | None
) -> Array:
    cases = len(next(iter(sources.values())))
    analysis = "op"
    if cases > 1:
        analysis = f"dc {CASE_SOURCE} 0 {2 * cases - 1} 1"
    for case in range(cases):
        for command in joined(f"alter {name} = {float(values[case])!r}" for name, values in sources.items()):
            _command(session, command, where)
        _command(session, "step 2" if case else analysis, where)
        if progress:
            progress(1)
    if cases > 1:
        _command(session, "resume", where)
    points = 2 * cases if cases > 1 else 1
    found = _vectors(session, analysis[:2], [f"vb{j}#branch" for j in range(columns)], points, where)
    session.exec_command("destroy all")
    return np.array(found).T[points // cases - 1 :: points // cases]


def _vectors(session: Any, analysis: str, names: Iterable[str], points: int, where: str) -> list[NDArray[Any]]:
    """The named vectors of the analysis just run.

    Raises:
        SimulationError: It left no plot, or a vector is missing, has other than ``points`` values, or holds one that
            is not finite.
    """
    name = session.last_plot
    if not name.startswith(analysis):
        raise SimulationError("ngspice returned no result", where=where, got=_last_lines(session))
    plot = session.plot(None, name)
    result = []
    for vector in names:
        if vector not in plot:
            raise SimulationError(f"ngspice returned no value of {vector}", where=where, got=_last_lines(session))
        values = plot[vector]._data
        if len(values) != points:
            short = f"ngspice returned {len(values)} of {points} points of {vector}"
            raise SimulationError(short, where=where, got=_last_lines(session))
        if not np.isfinite(values).all():
            raise SimulationError(f"ngspice returned a {vector} that is not finite", where=where)
        result.append(values)
    return result


def analyse(circuit: Circuit, *, where: str) -> dict[str, NDArray[Any]]:
    """Run the analysis that a circuit names, on the text that the circuit is written as; see :func:`run`."""
    return run(
        located(spice.write(circuit), circuit.modules),
        circuit.analysis,
        voltages=circuit.voltages,
        currents=circuit.currents,
        where=where,
    )


def run(
    deck: str, analysis: Analysis, *, voltages: Iterable[str] = (), currents: Iterable[str] = (), where: str
) -> dict[str, NDArray[Any]]:
    """Load one deck and run one analysis of it.

    Args:
        deck: The text of the netlist.
        analysis: What is run, whatever the deck itself names.
        voltages: Nodes whose voltage is asked for.
        currents: Voltage sources whose current is.
        where: What the deck is, for errors.

    Returns:
        By name, one value a point of the analysis, complex for AC: every saved voltage as ``v(node)``, every saved
        current as ``i(source)``, and the points themselves as ``time``, ``frequency`` or ``v-sweep``. Noise gives
        ``onoise_spectrum`` (volt per root hertz) and ``onoise_total`` (volt) instead.

    Raises:
        MissingPartError: No ngspice library.
        SimulationError: The deck was refused, the analysis failed or stopped early, or a value is missing or not
            finite.
    """
    with _turn:
        session = _session()
        try:
            _load(session, deck, where)
            _command(session, spice.analysis_line(analysis).removeprefix("."), where)
            return _results(session, analysis, voltages, currents, where)
        finally:
            _clear(session)


def _results(
    session: Any, analysis: Analysis, voltages: Iterable[str], currents: Iterable[str], where: str
) -> dict[str, NDArray[Any]]:
    plots = ("noise1", "noise2") if isinstance(analysis, Noise) else (session.last_plot,)
    found = {name: each._data for plot in plots for name, each in session.plot(None, plot).items()}
    wanted = {f"v({node})": node for node in voltages}
    wanted |= {f"i({source})": f"v{source}#branch" for source in currents}
    if isinstance(analysis, Noise):
        wanted = {name: name for name in ("onoise_spectrum", "onoise_total")}
    wanted |= {axis: axis for axis in ("time", "frequency", "v-sweep") if axis in found}
    try:
        values = {name: np.array(found[key.lower()]) for name, key in wanted.items()}
    except KeyError as error:
        raise SimulationError("ngspice returned no value", where=where, got=str(error)) from error
    if not all(each.size and np.isfinite(each).all() for each in values.values()):
        raise SimulationError("ngspice returned a value that is not finite, or none", where=where)
    for axis in ("time", "frequency", "v-sweep"):
        if axis in values:
            values[axis] = values[axis].real
    if isinstance(analysis, DcSweep) and len(values["v-sweep"]) != analysis.points:
        short = f"{len(values['v-sweep'])} of {analysis.points} points"
        raise SimulationError("ngspice stopped before the end", where=where, got=short)
    if isinstance(analysis, Transient) and values["time"][-1] < analysis.stop * (1 - WHOLE):
        reached = f"{values['time'][-1]:g} of {analysis.stop:g} s"
        raise SimulationError("ngspice stopped before the end", where=where, got=reached)
    return values


def _clear(session: Any) -> None:
    """Drop plots and circuit, so that nothing leaks; a deck that was refused has left no circuit to drop.

    The steps that a failed sweep has not made would count in the next one; without a circuit, ``step 0`` forgets them.
    """
    Held._last = None
    for command in ("destroy all", "remcirc", "step 0"):
        session.exec_command(command)


def _command(session: Any, command: str, where: str) -> None:
    _run(session, partial(session.exec_command, command), where)


def _run(session: Any, action: Callable[[], object], where: str, what: str = "ngspice failed") -> None:
    try:
        action()
    except NameError as error:  # PySpice's own class of errors
        raise SimulationError(what, where=where, got=_last_lines(session)) from error
    failed = [line for line in _lines(session) if _FAILED.search(line)]
    if failed:
        for mark, cause in _CAUSES.items():
            if any(mark in line for line in failed):
                what = f"{what}: {cause}"
                break
        raise SimulationError(what, where=where, got=_last_lines(session))


def _lines(session: Any) -> list[str]:
    return [*session.stdout.splitlines(), *session.stderr.splitlines()]


def _last_lines(session: Any) -> str:
    """What ngspice said last of errors, or else at all, without the notes of its attempts to converge."""
    for said in (session.stderr, session.stdout):
        lines = [_ATTEMPT.sub("", line).strip() for line in said.splitlines()]
        lines = [line for line in dict.fromkeys(lines) if line and not _NOTE.match(line)]
        if lines:
            return " | ".join(lines[-_LAST_LINES:])
    return "nothing"

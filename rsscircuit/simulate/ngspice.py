"""ngspice through PySpice: the one module that knows PySpice, and closes its traps.

The traps of PySpice 1.5, each met here: the library's name on Debian (``libngspice.so.0``); a bad netlist
does not raise when it is loaded, so the error output is read; commands longer than 1023 characters are cut
off in silence, so they are kept shorter; circuits and plots leak unless they are destroyed; a second
instance fails, so there is one a process.
"""

from __future__ import annotations

import ctypes.util
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import MissingPartError, SimulationError
from rsscircuit.netlist.dialects import spice
from rsscircuit.netlist.elements import Circuit, Noise

Array = NDArray[np.float64]
_COMMAND_CHARACTERS = 1000


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
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared

    NgSpiceShared.LIBRARY_PATH = name
    try:
        return NgSpiceShared.new_instance()
    except OSError as error:
        raise MissingPartError(
            "libngspice cannot be loaded", got=str(name), remedy="check NGSPICE_LIBRARY_PATH, or install libngspice0"
        ) from error


def version() -> str:
    """Version of the ngspice library, as it says itself."""
    return f"ngspice-{_session().ngspice_version}"


def operating_points(
    deck: str,
    sources: Mapping[str, Array],
    columns: int,
    *,
    where: str,
    progress: Callable[[int], None] | None = None,
) -> Array:
    """Load one deck and run its operating point for every case.

    Args:
        deck: The text of the netlist, as on disk.
        sources: Voltages of the sources that change, name to [cases].
        columns: Bit lines; the current of ``vb<j>`` is read for each.
        where: What the deck is, for errors.
        progress: Called with 1 after each case.

    Returns:
        float64 [cases, columns], ampere.

    Raises:
        MissingPartError: No ngspice library.
        SimulationError: The deck was refused, an analysis failed, or a current is missing or not finite.
    """
    session = _session()
    try:
        _run(session, partial(session.load_circuit, deck), where)
        if session.stderr.strip():
            raise SimulationError("ngspice refused the netlist", where=where, got=_last_lines(session))
        cases = len(next(iter(sources.values())))
        result = np.empty((cases, columns))
        for case in range(cases):
            for command in _alterations(sources, case):
                _run(session, partial(session.exec_command, command), where)
            _run(session, partial(session.exec_command, "op"), where)
            result[case] = _currents(session, columns, where)
            session.exec_command("destroy all")
            if progress:
                progress(1)
    finally:
        _clear(session)
    return result


def analyse(circuit: Circuit, *, where: str) -> dict[str, NDArray[Any]]:
    """Run the analysis that a circuit names, on the text that the circuit is written as.

    Args:
        circuit: What to run.
        where: What it is, for errors.

    Returns:
        By name, one value a point of the analysis, complex for AC: every saved voltage as ``v(node)``, every saved
        current as ``i(source)``, and the points themselves as ``time``, ``frequency`` or ``v-sweep``. Noise gives
        ``onoise_spectrum`` (volt per root hertz) and ``onoise_total`` (volt) instead.

    Raises:
        MissingPartError: No ngspice library.
        SimulationError: The deck was refused, the analysis failed, or a value is missing or not finite.
    """
    session = _session()
    try:
        _run(session, partial(session.load_circuit, spice.write(circuit)), where)
        if session.stderr.strip():
            raise SimulationError("ngspice refused the netlist", where=where, got=_last_lines(session))
        _run(session, partial(session.exec_command, spice.analysis_line(circuit.analysis).removeprefix(".")), where)
        return _results(session, circuit, where)
    finally:
        _clear(session)


def _results(session: Any, circuit: Circuit, where: str) -> dict[str, NDArray[Any]]:
    plots = ("noise1", "noise2") if isinstance(circuit.analysis, Noise) else (session.last_plot,)
    found = {name: each._data for plot in plots for name, each in session.plot(None, plot).items()}
    wanted = {f"v({node})": node for node in circuit.voltages}
    wanted |= {f"i({source})": f"v{source}#branch" for source in circuit.currents}
    if isinstance(circuit.analysis, Noise):
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
    return values


def _clear(session: Any) -> None:
    """Drop plots and circuit, so that nothing leaks; a deck that was refused has left no circuit to drop."""
    from PySpice.Spice.NgSpice.Shared import NgSpiceCommandError

    for command in ("destroy all", "remcirc"):
        with suppress(NgSpiceCommandError):
            session.exec_command(command)


def _alterations(sources: Mapping[str, Array], case: int) -> Iterator[str]:
    command = ""
    for name, values in sources.items():
        part = f"alter {name} = {float(values[case])!r}"
        if command and len(command) + 1 + len(part) > _COMMAND_CHARACTERS:
            yield command
            command = part
        else:
            command = f"{command};{part}" if command else part
    if command:
        yield command


def _currents(session: Any, columns: int, where: str) -> Array:
    plot = session.plot(None, session.last_plot)
    try:
        values = np.array([float(plot[f"vb{j}#branch"]._data[0]) for j in range(columns)])
    except (KeyError, IndexError) as error:
        raise SimulationError("ngspice returned no value for a bit line", where=where, got=str(error)) from error
    if not np.isfinite(values).all():
        raise SimulationError("ngspice returned a current that is not finite", where=where)
    return values


def _run(session: Any, action: Callable[[], object], where: str) -> None:
    from PySpice.Spice.NgSpice.Shared import NgSpiceCircuitError, NgSpiceCommandError

    try:
        action()
    except (NgSpiceCircuitError, NgSpiceCommandError, NameError) as error:
        raise SimulationError("ngspice failed", where=where, got=_last_lines(session)) from error


def _last_lines(session: Any, count: int = 5) -> str:
    lines = dict.fromkeys((session.stdout + "\n" + session.stderr).strip().splitlines())
    return " | ".join(list(lines)[-count:])

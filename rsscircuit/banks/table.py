"""A laboratory's table read in: every line checked, every value put where it belongs.

The file is taken some hundred lines at a time, a column at a time, so that a million lines take seconds; each check
is one comparison of whole columns, and what fails it is named by line and column.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks.exchange import OHM, PLACE, SIEMENS, SIGMA_OHM, SIGMA_SIEMENS, STATE, STATES, State
from rsscircuit.banks.faults import POLARITIES
from rsscircuit.errors import InputError
from rsscircuit.progress import Progress, silent
from rsscircuit.technology.plans import BankSpec

Array = NDArray[np.float64]
Texts = Sequence[str]
OPEN_RESISTOR = ("", "open resistor")
CHUNK_LINES = 500  # lists that live together; more of them keep the garbage collector busy
NAMED = 5
SHOWN = 40
IMPLAUSIBLE = 10.0  # a die is within some ten percent of what was drawn; a wrong prefix is a factor of a thousand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredTable:
    """A table as it was read, by layer name.

    Attributes:
        file, sha256: Name and digest of the file.
        unit: Of the values in the file, ``siemens`` or ``ohm``.
        siemens: float64 [rows, cols, 2, n]; 0 for an open resistor and for what the table does not have.
        sigma_siemens: Standard errors, likewise; None where the table has none.
        state: int8 [rows, cols, 2, n] of :class:`rsscircuit.banks.exchange.State`.
        line: int64 [rows, cols, 2, n], the line that names each branch, 0 for none.
    """

    file: str
    sha256: str
    unit: str
    siemens: Mapping[str, Array]
    sigma_siemens: Mapping[str, Array] | None
    state: Mapping[str, NDArray[np.int8]]
    line: Mapping[str, NDArray[np.int64]]


def read_table(
    path: str | Path,
    drawn: Mapping[str, NDArray[np.bool_]],
    spec: BankSpec,
    *,
    labels: Mapping[str, str] | None = None,
    switch_ohm: float = 0.0,
    stuck_open: Mapping[str, NDArray[np.bool_]] | None = None,
    progress: Progress = silent,
) -> MeasuredTable:
    """Read a table and check it against the banks that it should describe.

    Args:
        path: CSV file; its first line names the columns, in any order.
        drawn: By layer name, bool [rows, cols], where the layer has banks.
        spec: What every bank is drawn like.
        labels: Layer names by other names that they have.
        switch_ohm: A closed switch alone; no branch that is ever closed conducts as much.
        stuck_open: By layer name, bool [rows, cols, 2, n], switches that are known to stay open where the table says
            nothing of them.
        progress: Bars for people.

    Raises:
        InputError: The file cannot be read, its first line does not say what the columns are, or lines of it mean
            nothing in this design; the first of them are named by line and column, the others counted.
    """
    where = f"--measured {path}"
    reader = _Reader.of(drawn, spec.resistors, labels or {}, switch_ohm, stuck_open or {})
    branches = 2 * spec.resistors * sum(int(np.count_nonzero(banks)) for banks in drawn.values())
    try:
        with Path(path).open("rb") as file, progress("measured table", branches) as advance:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            rows = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""), skipinitialspace=True)
            try:
                first = [name.strip() for name in next(rows, [])]
                header = tuple(name.lower() for name in first)
                _refuse_header(header, f"{where}, line 1", ",".join(first))
                for lines, chunk in _chunks(rows):
                    reader.take(header, lines, chunk)
                    advance(len(lines))
            except csv.Error as error:
                raise InputError("is not a table", where=f"{where}, line {rows.line_num}", got=str(error)) from error
    except FileNotFoundError as error:
        raise InputError("cannot be read: no such file", where=where) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot be read", where=where, got=getattr(error, "strerror", None) or str(error)) from error
    if not reader.line.any() and not reader.wrong.count:
        raise InputError("holds no branch, only names of columns", where=where)
    if reader.wrong.count:
        raise InputError(reader.wrong.text(), where=where)
    unit = OHM if OHM in header else SIEMENS
    _refuse_implausible(reader.siemens, spec, unit, where)
    if reader.shorts.count:
        raise InputError(
            reader.shorts.text(),
            where=where,
            remedy="say open in a column state, so that the branch is never closed, or delete the line",
        )
    return MeasuredTable(
        file=Path(path).name,
        sha256=sha256,
        unit=unit,
        siemens=reader.by_layer(reader.siemens),
        sigma_siemens=reader.by_layer(reader.sigma) if {SIGMA_SIEMENS, SIGMA_OHM} & {*header} else None,
        state=reader.by_layer(reader.state),
        line=reader.by_layer(reader.line),
    )


def _refuse_header(names: tuple[str, ...], where: str, got: str) -> None:
    """Make sure that every column is known, that none is lacking, and that there is one unit."""
    if len(names) == 1 and ";" in names[0]:
        raise InputError("the columns are separated by semicolons", where=where, got=got, remedy="use commas")
    known = {*PLACE, SIEMENS, OHM, SIGMA_SIEMENS, SIGMA_OHM, STATE}
    if len({*names}) < len(names) or not {*PLACE} <= {*names} <= known:
        raise InputError(
            f"the columns must be {','.join(PLACE)},{SIEMENS} or {OHM}, and may be {SIGMA_SIEMENS} or {SIGMA_OHM}, "
            f"and {STATE}",
            where=where,
            got=got,
        )
    for first, second in ((SIEMENS, OHM), (SIGMA_SIEMENS, SIGMA_OHM)):
        if {first, second} <= {*names}:
            raise InputError(f"{first} and {second} are both there", where=where, remedy="keep one of the columns")
    if not {SIEMENS, OHM} & {*names}:
        raise InputError("no unit", where=where, got=got, remedy=f"call the column of values {SIEMENS} or {OHM}")


def _chunks(rows: Any) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Lines that are not blank, some thousand at a time, and their numbers in the file."""
    lines: list[int] = []
    chunk: list[list[str]] = []
    for row in rows:
        if row:
            lines.append(rows.line_num)
            chunk.append(row)
        if len(chunk) == CHUNK_LINES:
            yield lines, chunk
            lines, chunk = [], []
    if chunk:
        yield lines, chunk


def _refuse_implausible(siemens: Array, spec: BankSpec, unit: str, where: str) -> None:
    """Tell a wrong unit by the median branch: over a siemens it is taken for its inverse."""
    ratio = siemens.reshape(-1, spec.resistors) * spec.nominal_ohm
    measured = ratio[ratio > 0]
    median = float(np.median(measured)) if measured.size else 1.0
    if 1.0 / IMPLAUSIBLE < median < IMPLAUSIBLE:
        return
    what = f"the median branch conducts {median:.3g} times what was drawn"
    if float(np.median(siemens[siemens > 0])) > 1.0:
        other = SIEMENS if unit == OHM else OHM
        remedy = f"these look like {other if other == SIEMENS else 'ohms'}; rename the column {other}"
    else:
        remedy = "give plain siemens or ohm, without a prefix"
    raise InputError(what, where=where, remedy=remedy)


@dataclass(slots=True)
class _Complaints:
    """What is wrong with a table: the first few lines, and how many entries in all."""

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, wrong: NDArray[np.bool_], lines: Sequence[int], column: object, says: Callable[[int], str]) -> None:
        """Take in what one check of a column found in a chunk; ``says`` what is wrong, by position in the chunk."""
        found = np.flatnonzero(wrong)
        self.count += found.size
        named = [(lines[i], f"line {lines[i]}, column {column}: {says(i)}") for i in found[:NAMED].tolist()]
        self.first = sorted([*self.first, *named], key=lambda each: each[0])[:NAMED]

    def text(self) -> str:
        """All of it in one sentence."""
        more = f"; and {self.count - len(self.first)} more" if self.count > len(self.first) else ""
        return "; ".join(text for _, text in self.first) + more


@dataclass(slots=True, kw_only=True)
class _Reader:
    """The values gathered so far, flat over all branches of all layers, and what was wrong.

    Attributes:
        names: Of the layers.
        numbers: Position in ``names`` by name or label.
        shapes: int64 [layers, 2], rows and columns.
        first: int64 [layers], number of the first cell of each layer.
        drawn: bool [cells], where there are banks.
        branches: Resistors a bank.
        line: int64 [branches of all cells], the line that named each, 0 for none.
        siemens, sigma, state: Likewise, as :class:`MeasuredTable` has them.
        wrong: Everything that cannot be used.
        switch_ohm: A closed switch alone.
        shorts: Branches that conduct more than their switch and are not said to stay open.
        stuck_open: bool [branches of all cells], switches known to stay open where the table says nothing of them.
    """

    names: tuple[str, ...]
    numbers: Mapping[str, int]
    shapes: NDArray[np.int64]
    first: NDArray[np.int64]
    drawn: NDArray[np.bool_]
    branches: int
    line: NDArray[np.int64]
    siemens: Array
    sigma: Array
    state: NDArray[np.int8]
    wrong: _Complaints
    switch_ohm: float
    shorts: _Complaints
    stuck_open: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        drawn: Mapping[str, NDArray[np.bool_]],
        branches: int,
        labels: Mapping[str, str],
        switch_ohm: float,
        stuck_open: Mapping[str, NDArray[np.bool_]],
    ) -> _Reader:
        """Nothing read yet; a layer's own name goes before the label of another."""
        own = {name: number for number, name in enumerate(drawn)}
        cells = [banks.size for banks in drawn.values()]
        size = 2 * branches * sum(cells)
        stuck = [stuck_open.get(name, np.zeros((*banks.shape, 2, branches), np.bool_)) for name, banks in drawn.items()]
        return cls(
            names=tuple(drawn),
            numbers={label: own[name] for label, name in labels.items()} | own,
            shapes=np.array([banks.shape for banks in drawn.values()], np.int64),
            first=np.cumsum([0, *cells[:-1]], dtype=np.int64),
            drawn=np.concatenate([banks.ravel() for banks in drawn.values()]),
            branches=branches,
            line=np.zeros(size, np.int64),
            siemens=np.zeros(size),
            sigma=np.zeros(size),
            state=np.full(size, State.MISSING, np.int8),
            wrong=_Complaints(),
            switch_ohm=switch_ohm,
            shorts=_Complaints(),
            stuck_open=np.concatenate([each.ravel() for each in stuck]),
        )

    def by_layer(self, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Flat values as one array [rows, cols, 2, n] a layer."""
        ends = 2 * self.branches * np.append(self.first[1:], self.drawn.size)
        parts = np.split(values, ends[:-1])
        shapes = [(*shape, 2, self.branches) for shape in self.shapes.tolist()]
        return {name: part.reshape(shape) for name, part, shape in zip(self.names, parts, shapes, strict=True)}

    def take(self, header: tuple[str, ...], lines: list[int], chunk: list[list[str]]) -> None:
        """Take in some lines; what is wrong with them is kept, and nothing else of such a line."""
        width, lengths = len(header), np.fromiter(map(len, chunk), np.int64, len(chunk))
        if (lengths != width).any():
            said = f"fields, where the first line names {width} columns"
            self.wrong.add(lengths < width, lines, header[-1], lambda i: f"is lacking; {lengths[i]} {said}")
            self.wrong.add(lengths > width, lines, width + 1, lambda i: f"has no name; {lengths[i]} {said}")
            whole = np.flatnonzero(lengths == width).tolist()
            lines, chunk = [lines[i] for i in whole], [chunk[i] for i in whole]
            if not chunk:
                return
        columns = dict(zip(header, zip(*chunk, strict=True), strict=True))
        place, usable = self._places(columns, lines)
        texts = columns.get(STATE, ("",) * len(lines))
        state = _codes(texts, STATES, int(State.MISSING))
        stays_open = (state == State.OPEN) | ((state == State.UNSAID) & usable & self.stuck_open[place])
        siemens, sigma, measured = self._values(columns, lines, stays_open)
        self.wrong.add(
            state == State.MISSING, lines, STATE, lambda i: f"{_shown(texts[i])} is none of open, closed and works"
        )
        usable &= measured & (state != State.MISSING)
        with np.errstate(divide="ignore"):
            short = usable & (1.0 / siemens <= self.switch_ohm) & ~stays_open
        unit = OHM if OHM in columns else SIEMENS
        self.shorts.add(short, lines, unit, lambda i: self._too_much(columns, i, float(siemens[i])))
        place = place[usable]
        self.siemens[place], self.sigma[place], self.state[place] = siemens[usable], sigma[usable], state[usable]

    def _too_much(self, columns: Mapping[str, Texts], i: int, siemens: float) -> str:
        layer, row, column, polarity, branch = (columns[name][i] for name in PLACE)
        return (
            f"{layer}, row {row}, column {column}, {polarity}, branch {branch} conducts {siemens:g} S, "
            f"more than its switch of {self.switch_ohm:g} Ohm alone"
        )

    def _places(self, columns: Mapping[str, Texts], lines: list[int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Which branch every line names, and whether that is one that nothing named before."""
        layer = _codes(columns["layer"], self.numbers, -1)
        self.wrong.add(layer < 0, lines, "layer", lambda i: f"no such layer {_shown(columns['layer'][i])}")
        usable = layer >= 0
        limits = {"row": self.shapes[layer, 0], "column": self.shapes[layer, 1]}
        limits["branch"] = np.full(len(lines), self.branches)
        numbers = {name: self._counted(columns[name], lines, name, limit, usable) for name, limit in limits.items()}
        polarity = _codes(columns["polarity"], POLARITIES, -1)
        self.wrong.add(
            polarity < 0, lines, "polarity", lambda i: f"{_shown(columns['polarity'][i])} is neither + nor -"
        )
        usable = usable & (polarity >= 0)
        for name, limit in limits.items():
            usable &= (numbers[name] >= 0) & (numbers[name] < limit)
        row, column, branch = numbers.values()
        cell = np.where(usable, self.first[layer] + row * self.shapes[layer, 1] + column, 0)
        self.wrong.add(
            usable & ~self.drawn[cell],
            lines,
            "column",
            lambda i: f"{self.names[layer[i]]} has no bank in row {row[i]}, column {column[i]}: the weight is zero",
        )
        usable &= self.drawn[cell]
        place = np.where(usable, (2 * cell + polarity) * self.branches + branch, 0)
        named = np.array(lines, np.int64)
        new = np.flatnonzero(usable & (self.line[place] == 0))[::-1]  # of a branch twice here, the first comes last
        self.line[place[new]] = named[new]
        self.wrong.add(
            usable & (self.line[place] != named),
            lines,
            "branch",
            lambda i: f"the same branch as in line {self.line[place[i]]}",
        )
        return place, usable & (self.line[place] == named)

    def _counted(
        self, texts: Texts, lines: list[int], name: str, limit: NDArray[np.int64], known: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """A column of whole numbers from 0, -1 for what is none; those from ``limit`` are complained of."""
        numbers = _parsed(texts, int, -1, np.int64)
        self.wrong.add(numbers < 0, lines, name, lambda i: f"{_shown(texts[i])} is no whole number from 0")
        self.wrong.add(
            known & (numbers >= limit), lines, name, lambda i: f"{_shown(texts[i])} is beyond 0 to {limit[i] - 1}"
        )
        return numbers

    def _values(
        self, columns: Mapping[str, Texts], lines: list[int], stays_open: NDArray[np.bool_]
    ) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Conductances with their standard errors, and whether every one is a value.

        What was read of a branch whose switch stays open may be no resistance, or one without end: it is nothing.
        """
        unit = OHM if OHM in columns else SIEMENS
        texts = columns[unit]
        opened = np.fromiter((text in OPEN_RESISTOR for text in texts), np.bool_, len(texts))
        given = _amounts(texts, opened)
        opened |= stays_open & ((given == np.inf) | ((given == 0) & (unit == OHM)))
        given[opened] = 0.0
        self._refuse_amounts(given, texts, lines, unit)
        if unit == OHM:
            nothing = ~opened & (given == 0)
            self.wrong.add(
                nothing,
                lines,
                unit,
                lambda i: "0 Ohm is no resistance; leave an open resistor empty, or say open in a column state",
            )
            with np.errstate(divide="ignore", over="ignore"):
                siemens = np.where(opened, 0.0, 1.0 / np.where(opened, 1.0, given))
            tiny = (given > 0) & ~np.isfinite(siemens)
            self.wrong.add(tiny, lines, unit, lambda i: f"{_shown(texts[i])} is too small a resistance")
        else:
            siemens = given
        good = np.isfinite(siemens) & (siemens >= 0)
        name = next((each for each in (SIGMA_SIEMENS, SIGMA_OHM) if each in columns), None)
        if name is None:
            return siemens, np.zeros(len(lines)), good
        errors = columns[name]
        sigma = _amounts(errors, opened & np.fromiter((text == "" for text in errors), np.bool_, len(errors)))
        self._refuse_amounts(sigma, errors, lines, name)
        if name == SIGMA_OHM:
            with np.errstate(over="ignore", invalid="ignore"):
                sigma = sigma * siemens**2  # dG = G^2 dR
        return siemens, sigma, good & np.isfinite(sigma) & (sigma >= 0)

    def _refuse_amounts(self, values: Array, texts: Texts, lines: list[int], name: str) -> None:
        self.wrong.add(~np.isfinite(values), lines, name, lambda i: f"{_shown(texts[i])} is no finite number")
        self.wrong.add(values < 0, lines, name, lambda i: f"{_shown(texts[i])} is negative")


def _amounts(texts: Texts, none: NDArray[np.bool_]) -> Array:
    """A column of numbers, 0 where there is none to read and NaN for what is no number."""
    if none.any():
        texts = ["0" if nothing else text for text, nothing in zip(texts, none.tolist(), strict=True)]
    return _parsed(texts, float, np.nan, np.float64)


def _codes(texts: Texts, codes: Mapping[str, int], other: int) -> NDArray[np.int64]:
    """The number that each text stands for."""
    return np.fromiter((codes.get(text, other) for text in texts), np.int64, len(texts))


def _parsed(texts: Texts, read: Callable[[str], float], other: float, kind: type[Any]) -> NDArray[Any]:
    """The number that each text is, and ``other`` for what is none; Python's own ``1_000`` is none."""
    together = "".join(texts)
    if together.isascii() and "_" not in together:
        try:
            return np.fromiter(map(read, texts), kind, len(texts))
        except (ValueError, OverflowError):
            pass

    def number(text: str) -> float:
        try:
            return kind(read(text)) if text.isascii() and "_" not in text else other
        except OverflowError:
            return np.iinfo(np.int64).max
        except ValueError:
            return other

    return np.fromiter(map(number, texts), kind, len(texts))


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")

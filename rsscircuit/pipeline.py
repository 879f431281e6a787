"""The whole chain from a network file to a report, and a design programmed anew for a measured die."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.assembly import jobs_of
from rsscircuit.banks.exchange import State, TileTable, write_table
from rsscircuit.banks.table import read_table
from rsscircuit.design import Design, load, record
from rsscircuit.design.directory import new_directory, refuse_foreign
from rsscircuit.design.files import read_array, write_array
from rsscircuit.design.marks import has_marks, load_marks
from rsscircuit.design.outcomes import Check, Outcome, read_outcomes, save_outcome
from rsscircuit.design.store import CORRECTION_FILE, INPUTS_FILE, save_network
from rsscircuit.errors import DesignError
from rsscircuit.options import BuildOptions, Resolved
from rsscircuit.partial import remove_leftovers
from rsscircuit.progress import Progress, silent
from rsscircuit.report.montecarlo import check_plots
from rsscircuit.report.page import Facts, write_report
from rsscircuit.sources import VIRTUAL, TableDie
from rsscircuit.steps import DEFAULT_LAST, Work, build, carry_on, first_failure, run_steps
from rsscircuit.steps.banks import Solve
from rsscircuit.steps.chain import CHAIN

__all__ = ["build", "build_steps", "export_banks", "program"]


class Report:
    """One page on everything that the design holds."""

    name, options, leaves = "report", (), ("report/**/*",)

    def __init__(self, shown: str) -> None:
        """Write for a design whose directory is ``shown`` to the user, who runs the commands on the page."""
        self._shown = shown

    def run(self, work: Work) -> dict[str, Any]:
        """Write ``report/``."""
        check_plots("report", otherwise="")
        facts = Facts.of(work.folder, shown=self._shown, progress=work.progress)
        written = write_report(facts, work.folder / "report", progress=work.progress)
        return {"figures": list(written.figures), "page_bytes": written.page.stat().st_size}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """Nothing is handed on."""

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """Every figure has its drawing and its data beside the page."""
        figures = work.folder / "report" / "figures"
        files = [figures / f"{name}{kind}" for name in result["figures"] for kind in (".svg", ".csv")]
        empty = [path.name for path in files if not path.is_file() or not path.stat().st_size]
        return Check(
            against="the figures of the page",
            unit="drawings and tables that are missing",
            figure=float(len(empty)),
            where=", ".join(empty),
            note=f"the page has {result['page_bytes'] / 1e6:.2f} MB",
        )


def build_steps(
    model: str | Path,
    out: str | Path,
    options: BuildOptions | None = None,
    *,
    force: bool = False,
    first: str | None = None,
    last: str = DEFAULT_LAST,
    progress: Progress = silent,
) -> dict[str, Outcome]:
    """Run the chain of steps, or a part of it: as :func:`rsscircuit.steps.run_steps`, with the report behind it."""
    further = (Report(str(out)),)
    return run_steps(model, out, options, force=force, first=first, last=last, further=further, progress=progress)


def program(
    directory: str | Path,
    measured: str | Path,
    out: str | Path | None = None,
    *,
    force: bool = False,
    progress: Progress = silent,
) -> Design:
    """Program a design anew for the die that a table was measured on, and write the complete new design.

    Columns are scaled from the measured reach and every pair is solved by the rules of the design; the input ranges,
    and the tolerance as a fraction of full scale, stay.

    Args:
        directory: The design; it stays as it is unless it is replaced.
        measured: CSV file of measured branches.
        out: Directory to write; it must be new, empty, or (with ``force``) a design. The design itself by default.
        force: Replace a design that is there.
        progress: Bars for people.

    Raises:
        RsscircuitError: Anything the user can mend; nothing is left behind, and what was there stays.
    """
    old, new = Path(directory), _resolved(directory if out is None else out)
    if _resolved(old) in new.parents:
        raise DesignError("the output is inside the design", where=str(out), remedy="name another directory")
    for each in {_resolved(old), new}:
        remove_leftovers(each)
    given, design = record.read_record(old), load(old)
    if out is None and not force:
        raise DesignError(
            "programming would replace the design",
            where=str(directory),
            remedy="name a new directory with --out, or pass --force",
        )
    refuse_foreign(new, force=force)
    drawn = {layer.name: layer.matrix.weights != 0 for layer in design.layers}
    known = {layer.label: layer.name for layer in design.layers}
    table = read_table(
        measured,
        drawn,
        design.bank,
        labels=known,
        switch_ohm=design.technology.switch.on_ohm,
        stuck_open=_stuck_open(design, old),
        progress=progress,
    )
    die = TableDie.of(table, design, old, given.get("die", {}).get("kind", VIRTUAL))
    kept = BuildOptions.kept(design.options)
    resolved = Resolved(
        technology=design.technology, bank=design.bank, faults=(), terms=design.terms, corners=design.corners
    )
    with new_directory(new, force=force) as folder:
        work = Work(
            folder=folder,
            options=kept,
            options_record=given["options"],
            resolved=resolved,
            technology_text=(old / record.TECHNOLOGY_FILE).read_text("utf-8"),
            model=Path(given["model"]["file"]),
            origin=given["model"],
            progress=progress,
            die=die,
        )
        _take_up(work, design, given["summary"]["input_range"], old)
        carry_on(work, [Solve(jobs_of(design)) if step.name == "solve" else step for step in _PROGRAMMING])
    failure = first_failure(read_outcomes(new))
    if failure is not None:
        raise failure
    return load(new)


_MAPPING, _PROGRAMMING = CHAIN[:4], CHAIN[4:-1]


def _take_up(work: Work, design: Design, input_range: str, old: Path) -> None:
    """Take up the steps up to the tiles, which a new die leaves as they are."""
    work.network, work.input_range = design.network, input_range
    work.scales = {layer.name: layer.matrix.input_full_scale for layer in design.layers}
    work.layers = jobs_of(design)
    save_network(work.folder, work.network)
    for name in (INPUTS_FILE, CORRECTION_FILE):
        if (old / name).is_file():
            write_array(work.folder / name, read_array(old / name))
    kept = read_outcomes(old)
    for step in _MAPPING:
        save_outcome(work.folder, kept[step.name])


def export_banks(
    directory: str | Path, csv: str | Path, *, force: bool = False, progress: Progress = silent
) -> dict[str, Any]:
    """Write the measured branches of a design as a laboratory's table, which :func:`program` reads to the same bits.

    Args:
        directory: The design.
        csv: File to write.
        force: Replace a file that is there.
        progress: Bars for people.

    Returns:
        ``file``, ``branches`` (lines below the header), ``layers`` and ``sha256`` of the file.

    Raises:
        RsscircuitError: Anything the user can mend; nothing is left behind.
    """
    folder, design = Path(directory), load(directory)

    def tiles(advance: Callable[[int], None]) -> Iterator[TileTable]:
        for layer, tile, crossbar in design.crossbars():
            siemens = crossbar.measured.step_siemens
            marks = load_marks(folder, layer.label, tile.index, siemens.shape)
            yield TileTable(
                layer=layer.name,
                row=tile.row,
                column=tile.column,
                drawn=layer.matrix.weights[tile.window] != 0,
                siemens=siemens,
                sigma_siemens=marks.sigma_siemens,
                state=marks.state,
            )
            advance(1)

    with progress("measured banks", sum(len(layer.drawn_tiles) for layer in design.layers)) as advance:
        branches, sha256 = write_table(
            csv, tiles(advance), sigma=has_marks(folder, "sigma"), state=has_marks(folder, "state"), force=force
        )
    return {"file": str(csv), "branches": branches, "layers": len(design.layers), "sha256": sha256}


def _stuck_open(design: Design, folder: Path) -> dict[str, NDArray[np.bool_]]:
    """The switches that a design knows to stay open, bool [rows, cols, 2, n] by layer name."""
    found = {}
    for layer in design.layers:
        found[layer.name] = np.zeros((*layer.matrix.weights.shape, 2, design.bank.resistors), np.bool_)
        for tile in layer.drawn_tiles:
            shape = (tile.rows, tile.columns, 2, design.bank.resistors)
            state = load_marks(folder, layer.label, tile.index, shape).state
            if state is not None:
                found[layer.name][tile.window] = state == State.OPEN
    return found


def _resolved(path: str | Path) -> Path:
    """A directory itself: a link to one is followed, never replaced."""
    return Path(path).resolve()

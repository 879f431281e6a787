"""The page and the files beside it, written as a whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from rsscircuit import templates
from rsscircuit.errors import DesignError, InputError
from rsscircuit.partial import partial_directory, remove_leftovers, set_aside
from rsscircuit.progress import Progress, silent
from rsscircuit.report.page import drawing
from rsscircuit.report.page.architecture import architecture
from rsscircuit.report.page.attribution import attribution
from rsscircuit.report.page.cost import cost
from rsscircuit.report.page.design_space import design_space
from rsscircuit.report.page.facts import Facts
from rsscircuit.report.page.reproduction import reproduction
from rsscircuit.report.page.resistors import resistors
from rsscircuit.report.page.section import Mark, Section
from rsscircuit.report.page.spread import spread
from rsscircuit.report.page.summary import summary
from rsscircuit.report.page.verification import verification
from rsscircuit.report.page.weights import weights
from rsscircuit.report.page.wires import wires

SECTIONS: tuple[Callable[[Facts], Section], ...] = (
    summary,
    architecture,
    attribution,
    spread,
    weights,
    resistors,
    wires,
    cost,
    design_space,
    verification,
    reproduction,
)
GENERATOR = "rsscircuit report"
MARKS = {
    Mark.EMITTED: "counted in the files of the design",
    Mark.SIMULATED: "by circuit equations or SPICE, on the emitted design and its virtual die",
    Mark.MEASURED: "from a measured table of a die that exists",
    Mark.ASSUMED: "component models in which at least one figure has no source",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written.

    Attributes:
        page: ``index.html``.
        figures: Names of the figures, each a ``.svg`` and a ``.csv`` in ``figures/``.
        missing: Commands of what was not run.
    """

    page: Path
    figures: tuple[str, ...]
    missing: tuple[str, ...]


def write_report(facts: Facts, out: Path, *, progress: Progress = silent) -> Written:
    """Write ``index.html`` and ``figures/`` to ``out``, in the place of a report that is there.

    Raises:
        DesignError: ``out`` holds something else, or cannot be written.
    """
    _refuse_foreign(out)
    sections = []
    with progress("report", len(SECTIONS)) as advance:
        for section in SECTIONS:
            sections.append(section(facts))
            advance(1)
    figures = [figure for section in sections for figure in (*section.figures, *section.folded)]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        with partial_directory(out) as folder:
            (folder / "index.html").write_text(_page(facts, sections), "utf-8")
            (folder / "figures").mkdir()
            for figure in figures:
                (folder / "figures" / f"{figure.name}.svg").write_text(figure.drawing.alone, "utf-8")
                (folder / "figures" / f"{figure.name}.csv").write_text(figure.drawing.csv, "utf-8")
            _replace(folder, out)
    except OSError as error:
        raise DesignError("the report cannot be written", where=str(out), got=str(error.strerror)) from error
    return Written(
        page=out / "index.html",
        figures=tuple(figure.name for figure in figures),
        missing=tuple(dict.fromkeys(each.command for section in sections for each in section.missing)),
    )


def _refuse_foreign(out: Path) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    page = out / "index.html"
    if page.is_file() and {path.name for path in out.iterdir()} <= {"index.html", "figures"}:
        with page.open(encoding="utf-8", errors="replace") as file:
            if GENERATOR in file.read(2000):
                return
    raise InputError(
        "the output holds something else", where=str(out), remedy="name a new or empty directory with --out"
    )


def _replace(partial: Path, out: Path) -> None:
    aside = set_aside(partial)
    if out.exists():
        out.rename(aside)
    partial.rename(out)
    shutil.rmtree(aside, ignore_errors=True)


def _page(facts: Facts, sections: list[Section]) -> str:
    environment = Environment(
        loader=FunctionLoader(lambda name: templates.read(f"report/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        title=facts.title,
        technology=facts.record["technology"],
        generator=GENERATOR,
        version=version("rsscircuit"),
        style=Markup(f"{drawing.STYLE}\n{templates.read('report/page.css')}"),  # noqa: S704 - both are ours
        sections=sections,
        marks=MARKS,
        markup=Markup,
    )

"""How to have the same design again, and what it was made with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from rsscircuit.design.record import build_command
from rsscircuit.report.page.facts import Facts
from rsscircuit.report.page.section import Section, Table


def reproduction(facts: Facts) -> Section:
    """The section."""
    record = facts.record
    commands = build_command(Path(facts.directory), record).split(" && ")
    return Section(
        anchor="reproduction",
        title="Reproduction",
        lead=f"Seed {record['options']['seed']} and {facts.title} (SHA-256 {record['model']['sha256'][:12]}…) "
        f"give the same "
        "design, byte for byte but for its log.",
        prose=["Files are named as the build knew them, not where they lie."],
        commands=[*commands, shlex.join(["generate-crossbar", "report", facts.directory])],
        tables=[
            Table(title="Made with", heads=("package", "version"), rows=list(record["versions"].items()), left=2),
            Table(title="Options and origin", heads=("option", "value"), rows=list(_options(facts)), left=2),
        ],
    )


def _options(facts: Facts) -> Iterator[tuple[str, str]]:
    record, technology = facts.record, facts.design.technology
    yield "model", f"{record['model']['file']}, SHA-256 {record['model']['sha256']}"
    yield "technology", f"{technology.label}: {technology.title}"
    yield "bank", f"{record['bank']['plan']}, {record['bank']['resistors']} resistors"
    die = record["die"]
    yield "die", f"{die['kind']}; true values {die['true_values']}"
    yield "input range", record["summary"]["input_range"]
    for name, value in record["options"].items():
        if value is None or name in ("technology", "bank", "resistors"):
            continue
        if name == "tile":
            text = " × ".join(map(str, value))
        elif isinstance(value, bool):
            text = "yes" if value else "no"
        else:
            text = str(value)
        yield name.replace("_", " ").replace("sha256", "SHA-256"), text

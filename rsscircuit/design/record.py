"""``design.json``: the record of a build, with fingerprints of itself and of everything written before it."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rsscircuit.design.files import write_json
from rsscircuit.design.outcomes import read_outcomes
from rsscircuit.errors import DesignError

FORMAT = 1
DESIGN_FILE = "design.json"
TECHNOLOGY_FILE = "technology.toml"
GROUPS = {
    "data": ("network", "layers", "banks", TECHNOLOGY_FILE),
    "netlist": ("netlist",),
    "bitstream": ("bitstream",),
    "hdl": ("hdl",),
}


def fingerprints(folder: Path) -> dict[str, str]:
    """BLAKE2b over the names and bytes of the files of each group; the steps' times and the results belong to none."""
    return {group: digest_files(folder, names) for group, names in GROUPS.items()}


def digest_files(folder: Path, names: tuple[str, ...]) -> str:
    """BLAKE2b over the names and bytes of some files and folders below ``folder``."""
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        top = folder / name
        for path in [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file()):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _digest_record(data: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=16).hexdigest()


def write_record(folder: Path, data: Mapping[str, Any]) -> None:
    """Write ``design.json``: the record, and fingerprints of it and of everything that was written before."""
    marks = fingerprints(folder) | {"record": _digest_record(data)}
    write_json(folder / DESIGN_FILE, {**data, "fingerprints": marks})


def read_record(folder: Path) -> dict[str, Any]:
    """Read ``design.json``.

    Raises:
        DesignError: No design there, one of another format, or a record that was changed.
    """
    try:
        data: dict[str, Any] = json.loads((folder / DESIGN_FILE).read_text("utf-8"))
        found, marks = data["format"], data["fingerprints"]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        if not (folder / DESIGN_FILE).exists() and (begun := read_outcomes(folder)):
            raise DesignError(
                f"the design stops after step {[*begun][-1]}, before its switches are chosen",
                where=str(folder),
                remedy="go on with generate-crossbar build MODEL --out DIR --from STEP",
            ) from error
        raise DesignError(
            "not a design", where=str(folder), remedy="give a directory that `generate-crossbar build` wrote"
        ) from error
    if found != FORMAT:
        raise DesignError("the design has another format", where=str(folder), got=found, remedy="build it again")
    record = {key: value for key, value in data.items() if key != "fingerprints"}
    if marks.get("record") != _digest_record(record):
        raise DesignError(
            "the record was changed since it was written", where=str(folder / DESIGN_FILE), remedy="build it again"
        )
    return data


def build_command(folder: Path, data: Mapping[str, Any]) -> str:
    """The command that builds the design of a record again; files are named, not where they lie."""
    options = data["options"]
    words = ["generate-crossbar", "build", data["model"]["file"], "--out", str(folder), "--force"]
    for name, value in options.items():
        idle = name == "adc_bits" and options["tolerance"] != "adc"
        if name == "headroom" or name.endswith("_sha256") or idle or value in (None, False, "all", "auto"):
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append("x".join(map(str, value)) if name == "tile" else str(value))
    again = shlex.join(words)
    file = data["die"].get("file")
    return (
        again if file is None else f"{again} && {shlex.join([*_PROGRAM, str(folder), '--measured', file, '--force'])}"
    )


_PROGRAM = ("generate-crossbar", "program")


def changed_groups(folder: Path, data: Mapping[str, Any]) -> list[str]:
    """The groups of files that are no longer as they were written."""
    return [group for group, mark in fingerprints(folder).items() if mark != data["fingerprints"].get(group)]

"""Technologies: numbers of a process, each with its source, read from TOML files.

A technology file has the sections of :class:`Technology`; every number is a table of ``value``, ``mark``
(``sourced``, ``derived`` or ``assumed``) and ``source``, and the unit is the end of its name.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from rsscircuit.errors import TechnologyError

MARKS = ("sourced", "derived", "assumed")
DEFAULT = "sky130_xhigh_1M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resistor:
    """The resistor of a branch; areas and spreads follow from its own resistance."""

    unit_ohm: float  #: smallest resistance of a bank
    sigma_global: float  #: relative, one draw a die
    sigma_local: float  #: relative, of ``unit_ohm``; a branch of R has sigma_local sqrt(unit_ohm / R)
    tc1_per_kelvin: float
    tc2_per_kelvin2: float
    sigma_tc_per_kelvin: float  #: spread of TC1 between branches
    sigma_ageing_ten_years: float  #: relative local drift after ten years; grows as the root of time
    area_offset_um2: float
    area_per_ohm_um2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The NMOS switch of a branch, on the virtual-ground side."""

    on_ohm: float  #: at the common mode and 27 C, small signal
    on_tc_per_kelvin: float
    sigma_on: float  #: relative, each switch its own
    overdrive_volt: float  #: gate - threshold - common mode, of a closed switch
    off_siemens: float  #: leakage of an open branch
    width_um: float
    length_um: float
    area_um2: float  #: with its latch


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """Lines of the array: sheet resistance and drawn width."""

    word_line_ohm_per_square: float
    word_line_width_um: float
    bit_line_ohm_per_square: float
    bit_line_width_um: float
    tc_per_kelvin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """Voltages of the array."""

    read_volt: float  #: full-scale input
    common_mode_volt: float  #: virtual ground above the switches' source rail
    supply_volt: float  #: gate of a closed switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The converter that measures the branches, in its calibration range."""

    bits: float
    averages: float
    noise_lsb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where one number comes from."""

    mark: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Technology:
    """A process: what resistors, switches, wires and converters are like.

    Attributes:
        name: Preset name, or the file's stem.
        title: One line for people.
        hypothetical: Whether no such process exists; said wherever the name is printed.
        plan, resistors: Bank that ``build`` takes when none is asked for.
        provenance: Mark and source of every number, by ``section.key``.
    """

    name: str
    title: str
    hypothetical: bool
    resistor: Resistor
    switch: Switch
    wires: Wires
    drive: Drive
    measurement: Measurement
    plan: str
    resistors: int
    provenance: Mapping[str, Provenance]

    @property
    def label(self) -> str:
        """The name, marked where the process does not exist."""
        return f"{self.name} (hypothetical)" if self.hypothetical else self.name


_SECTIONS: Mapping[str, type[Any]] = {
    "resistor": Resistor,
    "switch": Switch,
    "wires": Wires,
    "drive": Drive,
    "measurement": Measurement,
}
_ANY_SIGN = {"tc1_per_kelvin", "tc2_per_kelvin2", "on_tc_per_kelvin", "tc_per_kelvin"}
_BELOW_A_QUARTER = {"sigma_global", "sigma_local", "sigma_on"}  # draws reach four sigma
_POSITIVE = {
    "unit_ohm",
    "on_ohm",
    "overdrive_volt",
    "read_volt",
    "supply_volt",
    "width_um",
    "length_um",
    "word_line_width_um",
    "bit_line_width_um",
    "bits",
    "averages",
}

S = TypeVar("S")


def preset_names() -> tuple[str, ...]:
    """Names of the technologies that come with the package."""
    folder = resources.files("rsscircuit.technology").joinpath("presets")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def technology_text(name: str) -> str:
    """The file behind a preset name or a path, as written.

    Raises:
        TechnologyError: Neither a preset nor a readable file.
    """
    if name in preset_names():
        return resources.files("rsscircuit.technology").joinpath("presets", f"{name}.toml").read_text("utf-8")
    path = Path(name)
    if not path.is_file():
        raise TechnologyError(
            "no such technology",
            got=name,
            remedy=f"use one of {', '.join(preset_names())}, or the path of a technology file",
        )
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TechnologyError("cannot read the technology file", where=name, got=str(error)) from error


def load_technology(name: str) -> Technology:
    """The technology called ``name``: a preset, or the path of a file.

    Raises:
        TechnologyError: No such technology, or a file with missing, unknown or impossible entries; every
            one of them is named.
    """
    return parse_technology(technology_text(name), Path(name).stem)


def parse_technology(text: str, name: str) -> Technology:
    """The technology that ``text`` (TOML) describes; raises as :func:`load_technology` does."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TechnologyError("not a TOML file", where=name, got=str(error)) from error
    faults: list[str] = []
    known = {"title", "hypothetical", "bank", *_SECTIONS}
    faults += [f"unknown entry {key}" for key in data if key not in known]
    faults += [f"missing entry {key}" for key in sorted(known - set(data))]
    provenance: dict[str, Provenance] = {}
    sections: dict[str, Any] = {
        key: _section(kind, key, data.get(key, {}), faults, provenance)
        for key, kind in _SECTIONS.items()
        if key in data
    }
    bank = data.get("bank", {})
    if "bank" in data and not (
        isinstance(bank, dict)
        and set(bank) == {"plan", "resistors"}
        and isinstance(bank["plan"], str)
        and type(bank["resistors"]) is int
    ):
        faults.append("bank needs plan (text) and resistors (whole number)")
    if faults:
        raise TechnologyError("; ".join(faults), where=f"technology {name}", remedy="compare with a preset")
    return Technology(
        name=name,
        title=str(data["title"]),
        hypothetical=bool(data["hypothetical"]),
        plan=bank["plan"],
        resistors=bank["resistors"],
        provenance=provenance,
        **sections,
    )


def _section(kind: type[S], section: str, data: Any, faults: list[str], provenance: dict[str, Provenance]) -> S | None:
    if not isinstance(data, dict):
        faults.append(f"{section} must be a section")
        return None
    names = list(get_type_hints(kind))
    before = len(faults)
    faults += [f"unknown entry {section}.{key}" for key in data if key not in names]
    values: dict[str, float] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        where, entry = f"{section}.{field.name}", data.get(field.name)
        if entry is None:
            faults.append(f"missing entry {where}")
        elif not isinstance(entry, dict) or set(entry) != {"value", "mark", "source"}:
            faults.append(f"{where} needs value, mark and source")
        elif entry["mark"] not in MARKS:
            faults.append(f"{where}: mark {entry['mark']!r} is none of {', '.join(MARKS)}")
        elif not isinstance(entry["value"], int | float) or not math.isfinite(entry["value"]):
            faults.append(f"{where}: {entry['value']!r} is not a number")
        elif entry["value"] < 0 and field.name not in _ANY_SIGN:
            faults.append(f"{where}: {entry['value']} is negative")
        elif entry["value"] >= 0.25 and field.name in _BELOW_A_QUARTER:
            faults.append(
                f"{where}: {entry['value']} is not below 0.25, so that four sigma could turn a value negative"
            )
        elif entry["value"] == 0 and field.name in _POSITIVE:
            faults.append(f"{where}: must be greater than zero")
        else:
            values[field.name] = float(entry["value"])
            provenance[where] = Provenance(mark=entry["mark"], source=str(entry["source"]))
    return kind(**values) if len(faults) == before else None

"""Technologies: numbers of a process, each with its source, read from TOML files.

A technology file has the sections of :class:`Technology`; every entry is a table of ``value``, ``mark``
(``sourced``, ``derived`` or ``assumed``) and ``source``, and the unit is the end of its name. What is wrong with
a file is named with its line.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError, TechnologyError
from rsscircuit.technology.laws import parse_law
from rsscircuit.technology.plans import bank_spec

FloatOrArray = TypeVar("FloatOrArray", float, NDArray[np.float64])
MARKS = ("sourced", "derived", "assumed")
DEFAULT = "sky130_xhigh_1M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resistor:
    """The resistor of a branch; its length, area and mismatch follow from its own resistance."""

    unit_ohm: float  #: smallest resistance of a bank
    sheet_ohm_per_square: float
    width_um: float  #: drawn; the length is what the resistance needs
    spacing_um: float  #: layout: added to the width
    heads_um: float  #: layout: added to the length
    mismatch_um: float  #: Pelgrom's A: relative sigma times the root of the drawn area
    tc1_per_kelvin: float
    tc2_per_kelvin2: float
    sigma_tc_per_kelvin: float  #: spread of TC1 between branches
    voltage_per_volt: float  #: R(V) = R (1 + voltage_per_volt |V| + voltage_per_volt2 V^2)
    voltage_per_volt2: float
    sigma_ageing_ten_years: float  #: relative local drift after ten years; grows as the root of time

    def length_um(self, ohm: FloatOrArray) -> FloatOrArray:
        """Drawn length of a resistance."""
        return ohm * (self.width_um / self.sheet_ohm_per_square)

    def area_um2(self, ohm: FloatOrArray) -> FloatOrArray:
        """Layout area of a resistance, with spacing and heads."""
        return (self.width_um + self.spacing_um) * (self.length_um(ohm) + self.heads_um)

    def sigma_local(self, ohm: FloatOrArray) -> FloatOrArray:
        """Relative mismatch of a resistance: A / sqrt(W L) (Pelgrom et al. 1989)."""
        sigma: FloatOrArray = self.mismatch_um / (self.width_um * self.length_um(ohm)) ** 0.5
        return sigma


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """How resistances vary; the laws are those of :mod:`rsscircuit.technology.laws`."""

    sigma_lot: float  #: relative, one draw a lot
    sigma_wafer: float  #: relative, one draw a wafer
    sigma_die: float  #: relative, one draw a die
    gradient_per_mm: float  #: relative slope across a die, one draw a die and axis
    law_shared: str  #: of lot, wafer and die
    law_local: str  #: of every branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The NMOS switch of a branch, on the virtual-ground side."""

    on_ohm: float  #: at the common mode and 27 C, small signal
    on_tc_per_kelvin: float
    sigma_on: float  #: relative, each switch its own
    overdrive_volt: float  #: gate - threshold - common mode, of a closed switch
    off_siemens: float  #: leakage of an open branch at 85 C
    off_doubling_kelvin: float  #: warming that doubles the leakage
    width_um: float
    length_um: float
    area_um2: float  #: with its latch


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The feedback resistor of a column: branches like a bank's, each a resistor with a closed switch."""

    branch_ohm: float  #: nominal resistor of every branch; one that does not move against the feedback


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
    noise_lsb: float  #: rms of one reading
    range_ratio: float  #: full scale in operation over that of the calibration range
    ratio_averages: float  #: readings that measure the ratio of the two ranges, once a column


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """What drives the rows and reads the columns in operation."""

    dac_bits: float
    adc_bits: float
    adc_percentile: float  #: of a layer's column currents over calibration inputs: full scale of its converters
    full_scale_volt: float  #: of the converters, and of the amplifiers' outputs about the common mode
    gain: float  #: of the amplifiers, open loop, at DC
    bandwidth_hertz: float  #: gain-bandwidth product of the amplifiers
    noise_volt_per_root_hertz: float  #: of the amplifiers' inputs, white
    sigma_offset_volt: float  #: of the amplifiers' inputs, each its own


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
    process: Process
    switch: Switch
    feedback: Feedback
    wires: Wires
    drive: Drive
    measurement: Measurement
    readout: Readout
    plan: str
    resistors: int
    provenance: Mapping[str, Provenance]

    @property
    def label(self) -> str:
        """The name, marked where the process does not exist."""
        return f"{self.name} (hypothetical)" if self.hypothetical else self.name


_SECTIONS: Mapping[str, type[Any]] = {
    "resistor": Resistor,
    "process": Process,
    "switch": Switch,
    "feedback": Feedback,
    "wires": Wires,
    "drive": Drive,
    "measurement": Measurement,
    "readout": Readout,
}
_ANY_SIGN = {
    "tc1_per_kelvin",
    "tc2_per_kelvin2",
    "voltage_per_volt",
    "voltage_per_volt2",
    "on_tc_per_kelvin",
    "tc_per_kelvin",
}
_FOUR_SIGMA = "four sigma could turn a value negative"
_BELOW = {  # the magnitude of a value, and why
    **dict.fromkeys(
        ("sigma_lot", "sigma_wafer", "sigma_die", "sigma_on", "sigma_ageing_ten_years"), (0.25, _FOUR_SIGMA)
    ),
    "sigma_tc_per_kelvin": (2e-3, f"{_FOUR_SIGMA} over 100 K"),
    "gradient_per_mm": (0.02, f"{_FOUR_SIGMA} at the edge of a die"),
    "tc1_per_kelvin": (0.01, "a resistance could pass zero between -40 and 125 C: it is per kelvin, not ppm"),
}
_FROM_ONE = {"bits", "averages", "ratio_averages", "dac_bits", "adc_bits"}
_BITS = {"bits", "dac_bits", "adc_bits"}
_MOST_BITS = 32
_POSITIVE = {
    "unit_ohm",
    "sheet_ohm_per_square",
    "width_um",
    "on_ohm",
    "branch_ohm",
    "overdrive_volt",
    "off_doubling_kelvin",
    "length_um",
    "word_line_width_um",
    "bit_line_width_um",
    "read_volt",
    "supply_volt",
    "range_ratio",
    "area_um2",
    "adc_percentile",
    "full_scale_volt",
    "gain",
}

S = TypeVar("S")
_ENTRY_KEYS = {"value", "mark", "source"}
_LARGEST = 1e100
_REMEDY = f"compare with a preset, as `generate-crossbar technologies {DEFAULT} --toml` prints it"
_HEADER = re.compile(r"\s*\[+\s*([\w.-]+)\s*\]")
_ENTRY = re.compile(r"\s*([\w-]+)\s*=")


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
    if name and path.is_dir():
        raise TechnologyError("is a directory", where=name, remedy="give the path of a technology file")
    if not path.is_file():
        raise TechnologyError(
            "no such technology",
            got=name,
            remedy=f"use one of {', '.join(preset_names())}, or the path of a technology file",
        )
    try:
        return path.read_text("utf-8-sig")  # some editors put a mark first
    except (OSError, UnicodeDecodeError) as error:
        raise TechnologyError(
            "cannot read the technology file", where=name, got=str(error), remedy="write it as UTF-8 text"
        ) from error


def load_technology(name: str) -> Technology:
    """The technology called ``name``: a preset, or the path of a file.

    Raises:
        TechnologyError: No such technology, or a file with missing, unknown or impossible entries; every
            one of them is named.
    """
    return parse_technology(technology_text(name), Path(name).stem, where=name)


def parse_technology(text: str, name: str, *, where: str = "") -> Technology:
    """The technology that ``text`` (TOML) describes.

    Args:
        text: The file.
        name: What the technology is called.
        where: What the file is called in errors; else the technology's name.

    Raises:
        TechnologyError: As :func:`load_technology` does.
    """
    where = where or f"technology {name}"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TechnologyError("not a TOML file", where=where, got=str(error), remedy=_REMEDY) from error
    if not data:
        raise TechnologyError("the technology file is empty", where=where, remedy=_REMEDY)
    faults = _Faults(text)
    known = {"title", "hypothetical", "bank", *_SECTIONS}
    faults.compare("", data, known)
    if not isinstance(data.get("title", ""), str):
        faults.add("title", f"{data['title']!r} is not text; put it in quotation marks")
    if not isinstance(data.get("hypothetical", False), bool):
        faults.add("hypothetical", f"{data['hypothetical']!r} is neither true nor false")
    provenance: dict[str, Provenance] = {}
    sections: dict[str, Any] = {
        key: _section(kind, key, data[key], faults, provenance) for key, kind in _SECTIONS.items() if key in data
    }
    bank = data.get("bank", {})
    if "bank" in data:
        _check_bank(bank, faults)
    if not faults.found:
        _check_laws(sections["process"], sections["resistor"], faults)
        _check_voltage(sections["resistor"], sections["drive"], faults)
        _check_overdrive(sections["switch"], sections["drive"], faults)
    if faults.found:
        raise TechnologyError("; ".join(faults.found), where=where, remedy=_REMEDY)
    return Technology(
        name=name,
        title=data["title"],
        hypothetical=data["hypothetical"],
        plan=bank["plan"],
        resistors=bank["resistors"],
        provenance=provenance,
        **sections,
    )


class _Faults:
    """What is wrong with a file, entry by entry, with the lines on which they stand."""

    def __init__(self, text: str) -> None:
        self.found: list[str] = []
        self._lines: dict[str, int] = {}
        section = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                section = header[1]
                self._lines.setdefault(section, number)
            elif entry := _ENTRY.match(line):
                self._lines.setdefault(f"{section}.{entry[1]}" if section else entry[1], number)

    def add(self, where: str, what: str) -> None:
        """Note a fault; a missing entry is looked for in its section."""
        line = self._lines.get(where) or self._lines.get(where.rpartition(".")[0])
        self.found.append((f"line {line}: " if line else "") + f"{where}: {what}")

    def compare(self, section: str, found: Collection[str], known: Collection[str]) -> None:
        """Note names of a section that are unknown or missing; one that stands for another is one fault."""
        stem, missing = f"{section}." if section else "", set(known).difference(found)
        kind = "entry" if section else "entry or section"
        for key in found:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                missing.difference_update(near)
                self.add(stem + key, f"unknown {kind}" + (f", did you mean {near[0]}" if near else ""))
        for key in sorted(missing):
            self.add(stem + key, f"missing {kind}")


def _check_bank(bank: Any, faults: _Faults) -> None:
    """The bank that is drawn where none is asked for must be one that can be drawn."""
    if not isinstance(bank, dict):
        faults.add("bank", f"{bank!r} is no section")
        return
    faults.compare("bank", bank, ("plan", "resistors"))
    plan, resistors = bank.get("plan", "equal"), bank.get("resistors", 1)
    if not isinstance(plan, str):
        faults.add("bank.plan", f"{plan!r} is not text")
    elif type(resistors) is not int:
        faults.add("bank.resistors", f"{resistors!r} is no whole number")
    elif {"plan", "resistors"} <= bank.keys():
        try:
            bank_spec(plan, resistors, 1.0)
        except InputError as error:
            where = "resistors" if error.where == "--resistors" else "plan"
            faults.add(
                f"bank.{where}", f"{bank[where]!r}: {error.what}" + (f"; {error.remedy}" if error.remedy else "")
            )


def _check_voltage(resistor: Resistor, drive: Drive, faults: _Faults) -> None:
    """The voltage coefficients must leave a resistance at the read voltage."""
    first, second, volt = resistor.voltage_per_volt, resistor.voltage_per_volt2, drive.read_volt
    if not 1.0 + first * volt + second * volt**2 > 0:
        both = f"{first:g} with voltage_per_volt2 {second:g}"
        faults.add("resistor.voltage_per_volt", f"{both} leaves no resistance at a read_volt of {volt:g} V")


def _check_overdrive(switch: Switch, drive: Drive, faults: _Faults) -> None:
    """What is left of the supply above the common mode is threshold and overdrive."""
    left = drive.supply_volt - drive.common_mode_volt
    if not switch.overdrive_volt <= left:
        faults.add(
            "switch.overdrive_volt",
            f"{switch.overdrive_volt:g} V is more than supply_volt less common_mode_volt, {left:g} V",
        )


def _check_laws(process: Process, resistor: Resistor, faults: _Faults) -> None:
    """A law must be known and leave every resistance positive at the spread it is given."""
    sigmas = {
        "law_shared": max(process.sigma_lot, process.sigma_wafer, process.sigma_die),
        "law_local": resistor.sigma_local(resistor.unit_ohm),
    }
    for name, sigma in sigmas.items():
        try:
            law = parse_law(getattr(process, name))
        except ValueError as error:
            faults.add(f"process.{name}", str(error))
            continue
        if not law.least(sigma) > 0:
            cause = "mismatch_um" if name == "law_local" else "sigma"
            faults.add(
                f"process.{name}",
                f"a relative sigma of {sigma:.3g} could turn a resistance negative; take lognormal, or less {cause}",
            )


def _section(kind: type[S], section: str, data: Any, faults: _Faults, provenance: dict[str, Provenance]) -> S | None:
    if not isinstance(data, dict):
        faults.add(section, f"is no section; write [{section}]")
        return None
    types = get_type_hints(kind)
    before = len(faults.found)
    faults.compare(section, data, types)
    values: dict[str, float | str] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        where, entry = f"{section}.{field.name}", data.get(field.name)
        if entry is None:
            continue
        if not isinstance(entry, dict):
            faults.add(where, f"{entry!r} stands alone; write {{ value = ..., mark = ..., source = ... }}")
        elif set(entry) != _ENTRY_KEYS:
            lacks, unknown = sorted(_ENTRY_KEYS - set(entry)), sorted(set(entry) - _ENTRY_KEYS)
            parts = [f"lacks {' and '.join(lacks)}"] * bool(lacks) + [f"has an unknown {', '.join(unknown)}"] * bool(
                unknown
            )
            faults.add(where, f"needs value, mark and source; {' and '.join(parts)}")
        elif entry["mark"] not in MARKS:
            faults.add(where, f"mark {entry['mark']!r} is none of {', '.join(MARKS)}")
        elif not isinstance(entry["source"], str) or not entry["source"].strip():
            faults.add(where, f"source {entry['source']!r} says nothing; name where the value is from")
        elif why := _wrong(entry["value"], field.name, types[field.name]):
            faults.add(where, why)
        else:
            values[field.name] = types[field.name](entry["value"])
            provenance[where] = Provenance(mark=entry["mark"], source=entry["source"])
    return kind(**values) if len(faults.found) == before else None


def _wrong(value: Any, name: str, kind: type[Any]) -> str:
    """What is wrong with a value; empty where nothing is."""
    if kind is str:
        return "" if isinstance(value, str) else f"{value!r} is not text"
    if isinstance(value, str):
        return f"{value!r} is text; write the number alone, in the unit that ends the entry's name"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{value!r} is not a number"
    if not abs(value) <= _LARGEST:
        return f"{value if isinstance(value, float) else 'a number of so many digits'} is not a finite number"
    if value < 0 and name not in _ANY_SIGN:
        return f"{value} is negative"
    if value < 1 and name in _FROM_ONE:
        return f"{value} is below 1"
    if value > _MOST_BITS and name in _BITS:
        return f"{value} is more than {_MOST_BITS} bits"
    if value > 100 and name == "adc_percentile":
        return f"{value} is more than 100 per cent"
    limit, why = _BELOW.get(name, (math.inf, ""))
    if abs(value) >= limit:
        return f"{value} is not below {limit:g}, so that {why}"
    if value == 0 and name in _POSITIVE:
        return f"{value} is not above zero"
    return ""

"""The whole journey of one precise resistor: choose a bank, draw or read a die, solve, check, write.

A bank in a crossbar is a ratio to its feedback resistor. A resistor that stands alone has no such partner: its value
is as exact as the reference that its branches were measured against, and it keeps its material's temperature
coefficient. Nor does its voltage coefficient cancel: the value is stated at a voltage across it, and solved for there;
the deck has the coefficient. All three are reported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import DesignError, InputError
from rsscircuit.netlist.circuits.bank import bank
from rsscircuit.netlist.circuits.series import series
from rsscircuit.netlist.dialects import spice
from rsscircuit.netlist.elements import Circuit, DcSweep
from rsscircuit.progress import Progress, silent
from rsscircuit.quantities import engineering
from rsscircuit.resistor.bank import CONFIDENCE, DIES, SHARE, ChosenBank, choose_bank
from rsscircuit.resistor.kinds import (
    KINDS,
    Branches,
    Kind,
    Measured,
    drawn_branches,
    known,
    measure,
    nearest,
    nominal_switches,
    step_sigma,
)
from rsscircuit.resistor.measured import read_steps, write_steps
from rsscircuit.resistor.options import ResistorOptions
from rsscircuit.resistor.series import program_series
from rsscircuit.resistor.voltage import (
    SMALL_VOLT,
    at_volt,
    chain_of,
    folded_ohm,
    held_between,
    least_volt,
    most_volt,
    ohm_at,
    stated_volt,
    sweep_volts,
)
from rsscircuit.technology import Technology, load_technology
from rsscircuit.technology.cell import bank_area_um2

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
RELATIVE_TOLERANCE, LEAST_AMPERE = 1e-9, 1e-18  # ngspice's own end on 1e-4 of the current after a step of the sweep
FILES = ("resistor.cir", "resistor.json", "switches.txt", "branches.csv")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Resistor:
    kind: Kind
    technology: Technology
    volt: float  # at which the value is stated
    bank: ChosenBank
    true: Branches | None  # of a virtual die; nobody knows those of a measured one
    seen: Measured
    operated: BoolArray  # closed in parallel, open in series

    @property
    def made(self) -> Branches:
        return self.seen.branches if self.true is None else self.true

    def ohm(self, branches: Branches, volt: float) -> float:
        return ohm_at(self.kind, branches, self.operated, volt, self.technology)


def make_resistor(
    options: ResistorOptions, out: str | None = None, *, force: bool = False, progress: Progress = silent
) -> dict[str, Any]:
    """Make one programmable resistor.

    Args:
        options: What is asked.
        out: Folder for the deck, the switches, the measured branches and the figures; nothing is written without it.
        force: Replace those files where they are.
        progress: Bars for people.

    Returns:
        The figures, as ``resistor.json`` has them.

    Raises:
        RsscircuitError: Options that mean nothing, a value or tolerance out of reach, an unusable table, or a folder
            that would be overwritten.
    """
    options.check()
    folder = None if out is None else _folder(out, force)
    technology, kind = load_technology(options.technology), KINDS[options.circuit]
    volt = stated_volt(options.volts, kind, technology)
    chosen = choose_bank(kind, options, volt, technology, progress)
    spec, true = chosen.spec, None
    if options.measured is None:
        true = drawn_branches(spec, technology, options.seed)
        seen = measure(kind, true, spec, technology, options.seed)
    else:
        drawn = kind.steps(nominal_switches(spec.nominal_ohm, technology))
        steps, constant = read_steps(options.measured, kind, drawn)
        seen = known(kind, steps, constant, technology)
    rounds: tuple[float, ...] = ()
    if kind.name == "series":
        programmed = program_series(seen, options.value_ohm, volt, technology)
        operated, rounds = programmed.kept, programmed.errors
    else:
        operated = _parallel(at_volt(seen, kind, volt, technology), options.value_ohm)
    made = _Resistor(kind=kind, technology=technology, volt=volt, bank=chosen, true=true, seen=seen, operated=operated)
    record = _record(options, made, rounds)
    if options.simulate:
        record["simulated"] = _simulated(made, options.value_ohm)
    if folder is not None:
        _write(folder, record, made)
    return record


def _parallel(seen: Measured, value_ohm: float) -> BoolArray:
    """Which switches of a parallel bank to close.

    Raises:
        InputError: The bank cannot conduct as much.
    """
    kind = KINDS["parallel"]
    least = kind.ohm(seen.branches, np.ones(seen.branches.on_ohm.size, np.bool_))
    if value_ohm < least:
        raise InputError(
            f"{engineering(value_ohm, 'Ohm', 5)} is below what this bank reaches, {engineering(least, 'Ohm', 5)} with "
            "all switches closed",
            where="--value",
        )
    return nearest(kind, seen, value_ohm)


def _record(options: ResistorOptions, made: _Resistor, rounds: tuple[float, ...]) -> dict[str, Any]:
    kind, technology, spec, value = made.kind, made.technology, made.bank.spec, options.value_ohm
    measured = made.ohm(made.seen.branches, made.volt) + made.seen.extra
    true = None if made.true is None else made.ohm(made.true, made.volt)
    checked = measured if true is None else true
    within = bool(abs(checked / value - 1.0) <= options.tolerance)
    operated = int(made.operated.sum())
    sigma = step_sigma(kind, spec, technology) * operated**0.5 / kind.amount(value)
    coefficient = _temperature_coefficient(made)
    return {
        "value_ohm": value,
        "drawn_for_ohm": options.drawn_ohm,
        "tolerance": options.tolerance,
        "circuit": kind.name,
        "technology": technology.label,
        "die": f"virtual, seed {options.seed}" if options.measured is None else f"measured, {options.measured}",
        "bank": {
            "plan": spec.plan,
            "resistors": spec.resistors,
            "nominal_ohm": spec.nominal_ohm.tolist(),
            "dies": DIES,
            "share": SHARE,
            "confidence": CONFIDENCE,
            "reached": made.bank.reached,
        },
        "closed": _closed(made).tolist(),
        "measured_ohm": measured,
        "measured_error": measured / value - 1.0,
        "true_ohm": true,
        "true_error": None if true is None else true / value - 1.0,
        "within": within,
        "rounds": list(rounds),
        "on_share": _on_share(made),
        "temperature_per_kelvin": coefficient,
        "kelvin_within": options.tolerance / abs(coefficient) if coefficient else None,
        "volts": made.volt,
        "voltage_per_volt": technology.resistor.voltage_per_volt,
        "voltage_per_volt2": technology.resistor.voltage_per_volt2,
        "over_volts": _over_volts(made),
        "held_volts": _held_volts(made, value, options.tolerance) if within else None,
        "measurement_error": float(sigma) if options.measured is None else None,
        "area_um2": bank_area_um2(spec.nominal_ohm, technology),
        "simulated": None,
    }


def _closed(made: _Resistor) -> BoolArray:
    return made.operated if made.kind.name == "parallel" else ~made.operated


def _scaled(made: _Resistor, resistor: float, switch: float) -> float:
    changed = Branches(resistance_ohm=made.made.resistance_ohm * resistor, on_ohm=made.made.on_ohm * switch)
    return made.kind.ohm(changed, made.operated)


def _on_share(made: _Resistor) -> float:
    """Relative change of the value for a relative change of every on-resistance."""
    step = 1e-4
    return (_scaled(made, 1.0, 1.0 + step) / _scaled(made, 1.0, 1.0 - step) - 1.0) / (2.0 * step)


def _temperature_coefficient(made: _Resistor) -> float:
    """Relative change of the value a kelvin, at 27 C."""
    resistor, switch = made.technology.resistor.tc1_per_kelvin, made.technology.switch.on_tc_per_kelvin
    up, down = _scaled(made, 1.0 + resistor, 1.0 + switch), _scaled(made, 1.0 - resistor, 1.0 - switch)
    return (up / down - 1.0) / 2.0


def _extra(made: _Resistor) -> float:
    """What the constant was measured to be beyond that of the branches, where these are the measured ones."""
    return made.seen.extra if made.true is None else 0.0


def _over_volts(made: _Resistor) -> list[list[float]]:
    """Volts and ohms of the sweep, by the closed form; at 0 V those of small signals."""
    volts = sweep_volts(made.volt, made.kind, made.technology)
    return [[volt, made.ohm(made.made, volt) + _extra(made)] for volt in volts]


def _held_volts(made: _Resistor, value_ohm: float, tolerance: float) -> list[float]:
    """Between which voltages the resistance stays within the tolerance."""
    ends = least_volt(made.kind, made.technology), most_volt(made.technology)

    def error(volt: float) -> float:
        return (made.ohm(made.made, volt) + _extra(made)) / value_ohm - 1.0

    return list(held_between(error, made.volt, ends, tolerance))


def _circuit(made: _Resistor) -> Circuit:
    """The deck: the current over the voltages of :func:`rsscircuit.resistor.voltage.sweep_volts`."""
    technology, branches = made.technology, made.made
    volts = sweep_volts(made.volt, made.kind, technology)
    common = technology.drive.common_mode_volt
    sweep = DcSweep("line", common + volts[0], common + volts[-1], abs(made.volt) / 2.0)
    if made.kind.name == "series":
        circuit = series(chain_of(branches, made.operated, made.volt, technology), sweep)
    else:
        ohms, closed = folded_ohm(branches, technology), made.operated.tolist()
        circuit = bank(ohms, closed, technology, volt=made.volt, voltage_coefficient=True, analysis=sweep)
    return replace(circuit, relative_tolerance=RELATIVE_TOLERANCE, least_ampere=LEAST_AMPERE)


def _simulated(made: _Resistor, value_ohm: float) -> dict[str, Any]:
    """What ngspice says at the points of the sweep, and at the stated voltage."""
    from rsscircuit.simulate import ngspice

    volts = sweep_volts(made.volt, made.kind, made.technology)
    amperes = ngspice.analyse(_circuit(made), where="resistor.cir")["i(bit)"].tolist()
    points = [[volt, volt / ampere] for volt, ampere in zip(volts, amperes, strict=True) if abs(volt) >= SMALL_VOLT]
    ohm = next(ohm for volt, ohm in points if volt == made.volt)
    return {"engine": ngspice.version(), "ohm": ohm, "error": ohm / value_ohm - 1.0, "over_volts": points}


def _folder(out: str, force: bool) -> Path:
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise DesignError("is no folder", where=f"--out {out}", remedy="name a folder")
    there = [name for name in FILES if (folder / name).exists()]
    if there and not force:
        raise DesignError(f"holds {there[0]} already", where=f"--out {out}", remedy="pass --force to replace it")
    return folder


def _write(folder: Path, record: dict[str, Any], made: _Resistor) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    steps = made.kind.steps(made.seen.branches)
    constant = made.kind.constant(made.seen.branches) + made.seen.extra
    circuit = _circuit(made)
    material = made.technology.resistor
    notes = (
        *circuit.notes,
        f"voltage coefficients of every resistor: {material.voltage_per_volt!r} /V, {material.voltage_per_volt2!r} /V2",
        f"value asked for {record['value_ohm']!r} Ohm with {made.volt!r} V across, {record['die']}",
    )
    texts = {
        "resistor.cir": spice.write(replace(circuit, notes=notes)),
        "resistor.json": json.dumps(record, indent=2, allow_nan=False) + "\n",
        "switches.txt": "".join("1" if closed else "0" for closed in record["closed"]) + "\n",
        "branches.csv": write_steps(made.kind, steps, constant),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")

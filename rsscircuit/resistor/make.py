"""The whole journey of one precise resistor: choose a bank, draw or read a die, solve, check, write.

A bank in a crossbar is a ratio to its feedback resistor. A resistor that stands alone has no such partner: its value
is as exact as the reference that its branches were measured against, and it keeps its material's temperature
coefficient. Both are reported.
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
from rsscircuit.netlist.circuits.series import Chain, operating_point, series, simulated_point
from rsscircuit.netlist.dialects import spice
from rsscircuit.netlist.elements import Circuit, DcSweep
from rsscircuit.progress import Progress, silent
from rsscircuit.quantities import engineering
from rsscircuit.resistor.bank import DIES, SHARE, ChosenBank, choose_bank
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
from rsscircuit.technology import Technology, load_technology
from rsscircuit.technology.cell import bank_area_um2

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
FILES = ("resistor.cir", "resistor.json", "switches.txt", "branches.csv")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Resistor:
    kind: Kind
    technology: Technology
    bank: ChosenBank
    true: Branches | None  # of a virtual die; nobody knows those of a measured one
    seen: Measured
    operated: BoolArray  # closed in parallel, open in series

    @property
    def made(self) -> Branches:
        return self.seen.branches if self.true is None else self.true


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
    chosen = choose_bank(kind, options, technology, progress)
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
        programmed = program_series(seen, options.value_ohm, technology)
        operated, rounds = programmed.kept, programmed.errors
    else:
        operated = _parallel(seen, options.value_ohm)
    made = _Resistor(kind=kind, technology=technology, bank=chosen, true=true, seen=seen, operated=operated)
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
    measured = _ohm(made, made.seen.branches) + made.seen.extra
    true = None if made.true is None else _ohm(made, made.true)
    checked = measured if true is None else true
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
            "reached": made.bank.reached,
        },
        "closed": _closed(made).tolist(),
        "measured_ohm": measured,
        "measured_error": measured / value - 1.0,
        "true_ohm": true,
        "true_error": None if true is None else true / value - 1.0,
        "within": bool(abs(checked / value - 1.0) <= options.tolerance),
        "rounds": list(rounds),
        "on_share": _on_share(made),
        "temperature_per_kelvin": coefficient,
        "kelvin_within": options.tolerance / abs(coefficient) if coefficient else None,
        "voltage_error": technology.resistor.voltage_per_volt * _share_of_volt(made),
        "read_volt": technology.drive.read_volt,
        "measurement_error": float(sigma) if options.measured is None else None,
        "area_um2": bank_area_um2(spec.nominal_ohm, technology),
        "simulated": None,
    }


def _closed(made: _Resistor) -> BoolArray:
    return made.operated if made.kind.name == "parallel" else ~made.operated


def _chain(made: _Resistor, branches: Branches) -> Chain:
    return Chain(
        resistance_ohm=branches.resistance_ohm,
        kept=made.operated.tolist(),
        technology=made.technology,
        volt=made.technology.drive.read_volt,
        switch_factor=branches.on_ohm / made.technology.switch.on_ohm,
    )


def _ohm(made: _Resistor, branches: Branches) -> float:
    """The resistance: at small signals in parallel, at the read voltage in series."""
    if made.kind.name == "series":
        return operating_point(_chain(made, branches)).ohm
    return made.kind.ohm(branches, made.operated)


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


def _share_of_volt(made: _Resistor) -> float:
    """Voltage across one resistor at the read voltage."""
    volt = made.technology.drive.read_volt
    return volt if made.kind.name == "parallel" else volt / max(int(made.operated.sum()), 1)


def _circuit(made: _Resistor) -> Circuit:
    technology, branches = made.technology, made.made
    drive = technology.drive
    if made.kind.name == "series":
        return series(_chain(made, branches))
    common, volt = drive.common_mode_volt, drive.read_volt
    return bank(
        branches.resistance_ohm + branches.on_ohm - technology.switch.on_ohm,
        made.operated.tolist(),
        technology,
        volt=volt,
        analysis=DcSweep("line", common - volt, common + volt, volt),
    )


def _simulated(made: _Resistor, value_ohm: float) -> dict[str, Any]:
    """What ngspice says; in parallel from the odd part over both signs of the read voltage, and the even part."""
    from rsscircuit.simulate import ngspice

    values = ngspice.analyse(_circuit(made), where="resistor.cir")
    if made.kind.name == "series":
        ohm, bend = simulated_point(values, made.operated.size).ohm, None
    else:
        minus, plus = float(values["i(bit)"][0]), float(values["i(bit)"][-1])
        ohm = 2.0 * made.technology.drive.read_volt / (plus - minus)
        bend = abs((plus + minus) / (plus - minus))
    return {"engine": ngspice.version(), "ohm": ohm, "error": ohm / value_ohm - 1.0, "bend": bend}


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
    linear = "linear resistors, without their voltage coefficient"
    notes = (*circuit.notes, linear, f"value asked for {record['value_ohm']!r} Ohm, {record['die']}")
    texts = {
        "resistor.cir": spice.write(replace(circuit, notes=notes)),
        "resistor.json": json.dumps(record, indent=2, allow_nan=False) + "\n",
        "switches.txt": "".join("1" if closed else "0" for closed in record["closed"]) + "\n",
        "branches.csv": write_steps(made.kind, steps, constant),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")

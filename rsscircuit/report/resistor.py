"""One programmable resistor for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rsscircuit.quantities import engineering
from rsscircuit.report.tables import percent, print_lines

DIGITS = 7
_FILES = {
    "resistor.cir": "the deck; run it with ngspice -b",
    "switches.txt": "1 for a closed switch, branch 0 first",
    "branches.csv": "the measured branches; --measured takes such a table",
    "resistor.json": "these figures",
}


def show_resistor(record: Mapping[str, Any], out: str | None) -> None:
    """Print the figures, and what was written."""
    print_lines([f"{name:<14}{text}" for name, text in _lines(record)])
    if out is not None:
        print_lines(["", *(f"{out.rstrip('/')}/{name:<15}{text}" for name, text in _FILES.items())])


def _lines(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    bank, nominal = record["bank"], record["bank"]["nominal_ohm"]
    asked = engineering(record["value_ohm"], "Ohm", DIGITS)
    yield "asked", f"{asked} within {record['tolerance']:g}, with {record['volts']:g} V across"
    yield (
        "bank",
        f"{bank['resistors']} resistors in {record['circuit']}, {bank['plan']}, "
        f"{engineering(min(nominal), 'Ohm')} to {engineering(max(nominal), 'Ohm')}, {record['technology']}",
    )
    other = record["drawn_for_ohm"]
    drawn = "" if other == record["value_ohm"] else f" at {engineering(other, 'Ohm', DIGITS)}"
    sure = f"{percent(bank['share'])} of dies with {percent(bank['confidence'])} confidence"
    yield "", f"{bank['dies']} of {bank['dies']} virtual dies within {bank['reached']:.2g}{drawn}: {sure}"
    yield "die", record["die"]
    closed = record["closed"]
    yield "switches", f"{''.join('1' if on else '0' for on in closed)}, {sum(closed)} of {len(closed)} closed"
    if record["rounds"]:
        first, last = record["rounds"][0], record["rounds"][-1]
        yield "solved", f"error {first:+.1e} with one R_on for all, {last:+.1e} with each switch's own"
    yield "measured", _value(record["measured_ohm"], record["measured_error"])
    judged = "within" if record["within"] else "NOT within"
    if record["true_ohm"] is not None:
        yield "true", f"{_value(record['true_ohm'], record['true_error'])}, {judged} the tolerance"
    else:
        yield "", f"{judged} the tolerance, by the table"
    if record["simulated"] is not None:
        found = record["simulated"]
        yield "simulated", f"{_value(found['ohm'], found['error'])}, {found['engine']}"
    yield "R_on", f"{percent(record['on_share'])} of the value"
    yield "temperature", _temperature(record)
    yield "voltage", _voltage(record)
    if record["held_volts"] is not None:
        low, high = record["held_volts"]
        yield "", f"within the tolerance from {low:.3g} to {high:.3g} V"
    if record["measurement_error"] is not None:
        yield "measurement", f"adds {record['measurement_error']:.1e} rms"
    yield "", "exact relative to the reference that the measurement compares with, and no more than that reference"
    yield "area", f"{record['area_um2']:.0f} um2, with a latch for every switch"


def _value(ohm: float, error: float) -> str:
    return f"{engineering(ohm, 'Ohm', DIGITS)}, error {error:+.1e}"


def _voltage(record: Mapping[str, Any]) -> str:
    """What it is at the other voltages of the sweep, beside what it is at the stated one."""
    points = dict(record["over_volts"])
    stated = points.pop(record["volts"])
    moved = ", ".join(f"{ohm / stated - 1.0:+.1e} at {volt:g} V" for volt, ohm in points.items())
    if record["voltage_per_volt"] or record["voltage_per_volt2"]:
        return moved
    return f"{moved}, by the switches alone: the technology has no voltage coefficient"


def _temperature(record: Mapping[str, Any]) -> str:
    drift = f"{1e6 * record['temperature_per_kelvin']:+.0f} ppm/K"
    if record["kelvin_within"] is None:
        return drift
    return f"{drift}, which no feedback of the same material cancels here: " + (
        f"the tolerance is used up in {record['kelvin_within']:.3g} K"
    )

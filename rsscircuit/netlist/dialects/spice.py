"""SPICE as ngspice reads it: one line an element, numbers with every digit, one ``.control`` section at the end.

In batch mode (``ngspice -b``) the deck prints what it saves and quits; a host program that loads it runs the analysis
itself and does not see the section act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rsscircuit.netlist.dialects.leaves import leaf_text
from rsscircuit.netlist.elements import (
    Ac,
    Analysis,
    Capacitor,
    Circuit,
    Compiled,
    ControlledCurrent,
    ControlledVoltage,
    CurrentSource,
    DcSweep,
    Element,
    Instance,
    ModelText,
    Mos,
    Noise,
    OperatingPoint,
    Part,
    PolynomialCurrent,
    Pulse,
    Resistor,
    Section,
    Subcircuit,
    Switch,
    Transient,
    Value,
    VoltageSource,
    Waveform,
    WeightedSum,
)
from rsscircuit.quantities import spice_number

EXTENSION = "cir"
LOADS = "pre_osdi "
_PRINTS_A_LINE = 8
_PARAMETERS_A_LINE = 6
_NOISE = ("onoise_spectrum", "onoise_total")


def write(circuit: Circuit) -> str:
    """The deck of a circuit."""
    lines = [f"* {circuit.title}", *(f"* {note}" for note in circuit.notes)]
    lines += [_part(part) for part in circuit.parts]
    for subcircuit in circuit.subcircuits:
        lines += _subcircuit(subcircuit)
    for section in circuit.sections:
        lines += _section(section)
    if circuit.celsius is not None:
        lines.append(f".options temp={spice_number(circuit.celsius)}")
    if circuit.relative_tolerance is not None:
        lines.append(f".options reltol={spice_number(circuit.relative_tolerance)}")
    if circuit.least_ampere is not None:
        lines.append(f".options abstol={spice_number(circuit.least_ampere)}")
    if circuit.partial_pivoting:
        lines.append(".options pivrel=1.0")
    if isinstance(circuit.analysis, Transient) and circuit.analysis.damped:
        lines.append(".options method=gear maxord=2")
    lines.append(".options gmin=1e-18 noacct")
    saved = [*(f"v({node})" for node in circuit.voltages), *(f"i(v{name})" for name in circuit.currents)]
    if isinstance(circuit.analysis, Noise):
        saved = list(_NOISE)
    lines += [f".save {' '.join(saved)}", analysis_line(circuit.analysis), *_control(circuit, saved), ".end"]
    return "\n".join(lines) + "\n"


def analysis_line(analysis: Analysis) -> str:
    """The dot command of an analysis."""
    number = spice_number
    match analysis:
        case OperatingPoint():
            return ".op"
        case DcSweep(source=source, start=start, stop=stop, step=step):
            return f".dc v{source} {number(start)} {number(stop)} {number(step)}"
        case Transient(step=step, stop=stop, from_initial=from_initial, longest_step=longest):
            bound = "" if longest is None else f" 0.0 {number(longest)}"
            return f".tran {number(step)} {number(stop)}{bound}" + (" uic" if from_initial else "")
        case Ac(points=points, start=start, stop=stop):
            return f".ac dec {points} {number(start)} {number(stop)}"
        case Noise(node=node, source=source, points=points, start=start, stop=stop):
            return f".noise v({node}) v{source} dec {points} {number(start)} {number(stop)}"


def _control(circuit: Circuit, saved: list[str]) -> Iterator[str]:
    analysis = circuit.analysis
    yield ".control"
    yield from (f"{LOADS}{module.name}" for module in circuit.modules)
    yield "* in batch mode: print what is saved and end; a host program runs the analysis itself"
    yield "if $?batchmode"
    yield "  set numdgt=15"
    yield "  run"
    if isinstance(analysis, Noise):
        yield "  setplot noise1"
        yield "  print onoise_spectrum"
        yield "  setplot noise2"
        yield "  print onoise_total"
    else:
        for first in range(0, len(saved), _PRINTS_A_LINE):
            yield "  print " + " ".join(saved[first : first + _PRINTS_A_LINE])
    yield "  quit"
    yield "endif"
    yield ".endc"


def _part(part: Part | ModelText) -> str:
    if isinstance(part, ModelText):
        return "\n".join(_model_text(part))
    return leaf_text("spice", part, EXTENSION)


def _model_text(card: ModelText) -> Iterator[str]:
    yield from (f"* {note}" for note in card.notes)
    yield f".model {card.name} {card.kind}"
    for first in range(0, len(card.parameters), _PARAMETERS_A_LINE):
        some = list(card.parameters.items())[first : first + _PARAMETERS_A_LINE]
        yield "+ " + " ".join(f"{name}={value}" for name, value in some)


def _subcircuit(subcircuit: Subcircuit) -> Iterator[str]:
    if subcircuit.note:
        yield f"* {subcircuit.note}"
    parameters = "".join(f" {name}={spice_number(value)}" for name, value in subcircuit.parameters.items())
    yield f".subckt {subcircuit.name} {' '.join(subcircuit.ports)}" + (f" params:{parameters}" if parameters else "")
    for element in subcircuit.elements:
        yield element_line(element)
    yield f".ends {subcircuit.name}"


def _section(section: Section) -> Iterator[str]:
    if section.note:
        yield f"* {section.note}"
    for element in section.elements:
        yield element_line(element)


def element_line(element: Element) -> str:
    """One element as one line."""
    return _LINES[type(element)](element)


def _value(value: Value) -> str:
    return f"{{{value}}}" if isinstance(value, str) else spice_number(value)


def _resistor(e: Resistor) -> str:
    coefficients = (("tc1", e.tc1_per_kelvin), ("tc2", e.tc2_per_kelvin2))
    drift = "".join(f" {name}={spice_number(value)}" for name, value in coefficients if value)
    return f"R{e.name} {e.a} {e.b} {_value(e.ohm)}{drift}"


def _capacitor(e: Capacitor) -> str:
    start = "" if e.initial_volt is None else f" ic={spice_number(e.initial_volt)}"
    return f"C{e.name} {e.a} {e.b} {_value(e.farad)}{start}"


def _source(letter: str) -> Callable[[Any], str]:
    def line(e: VoltageSource) -> str:
        ac = f" ac {spice_number(e.ac)}" if e.ac else ""
        wave = f" {_waveform(e.waveform)}" if e.waveform is not None else ""
        value = _value(e.dc)
        return f"{letter}{e.name} {e.plus} {e.minus} {'dc ' if ac or wave else ''}{value}{ac}{wave}"

    return line


def _waveform(wave: Waveform) -> str:
    if isinstance(wave, Pulse):
        times = (wave.low, wave.high, wave.delay, wave.rise, wave.fall, wave.width, wave.period)
        return f"pulse({' '.join(spice_number(each) for each in times)})"
    return f"pwl({' '.join(f'{spice_number(t)} {spice_number(v)}' for t, v in wave.points)})"


def polynomial(e: PolynomialCurrent) -> str:
    """The current as an expression of the voltage between the two ends."""
    volt = f"v({e.a},{e.b})"
    terms = [f"{spice_number(e.square)}*{volt}*abs({volt})"] if e.square else []
    terms += [f"{spice_number(e.cube)}*{volt}*{volt}*{volt}"] if e.cube else []
    return "+".join(terms) or "0"


def weighted_sum(e: WeightedSum) -> str:
    """The voltage as an expression of the voltages that it sums."""
    terms = [f"({spice_number(gain)})*v({node},{reference})" for gain, node, reference in e.terms]
    total = "+".join([f"({spice_number(e.constant)})", *terms])
    return f"max(0,{total})" if e.rectified else total


def _mos(e: Mos) -> str:
    size = f"w={spice_number(e.width_m)} l={spice_number(e.length_m)}"
    more = "".join(f" {name}={spice_number(value)}" for name, value in e.more.items())
    return f"M{e.name} {e.drain} {e.gate} {e.source} {e.bulk} {e.model} {size}{more}"


def _compiled(e: Compiled) -> str:
    values = " ".join(f"{name}={spice_number(value)}" for name, value in e.parameters.items())
    return f"N{e.name} {' '.join(e.nodes)} {e.model} {values}"


def _instance(e: Instance) -> str:
    values = "".join([f" {name}={spice_number(value)}" for name, value in e.parameters.items()])
    return f"X{e.name} {' '.join(e.nodes)} {e.of}{values}"


_LINES: dict[type[Any], Callable[[Any], str]] = {
    Resistor: _resistor,
    Capacitor: _capacitor,
    VoltageSource: _source("V"),
    CurrentSource: _source("I"),
    ControlledVoltage: lambda e: f"E{e.name} {e.plus} {e.minus} {e.control_plus} {e.control_minus} {_value(e.gain)}",
    ControlledCurrent: lambda e: f"G{e.name} {e.plus} {e.minus} {e.control_plus} {e.control_minus} {_value(e.siemens)}",
    Switch: lambda e: f"S{e.name} {e.a} {e.b} {e.control_plus} {e.control_minus} {e.model}",
    Mos: _mos,
    Compiled: _compiled,
    PolynomialCurrent: lambda e: f"B{e.name} {e.a} {e.b} i={polynomial(e)}",
    WeightedSum: lambda e: f"B{e.name} {e.plus} {e.minus} v={weighted_sum(e)}",
    Instance: _instance,
}

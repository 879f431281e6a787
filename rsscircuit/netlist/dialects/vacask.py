"""The Spectre-like netlists of VACASK: nodes in brackets, the master's name behind, a ``control`` block at the end.

An expression is compiled (OpenVAF) for every source that has one, 20 ms each; those of voltage coefficients share one
sub-circuit, and are compiled once.

Names keep the letters that SPICE puts in front of them, so that the currents of a deck are found under the same
names in both: ``i(vb0)`` of SPICE is the vector ``vb0:flow(br)`` of ``op1.raw``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rsscircuit.errors import InputError
from rsscircuit.netlist.dialects import spice
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
    Subcircuit,
    Switch,
    Transient,
    Value,
    VoltageSource,
    WeightedSum,
)
from rsscircuit.quantities import spice_number

EXTENSION = "sim"
RELATIVE_TOLERANCE = 1e-9
LEAST_AMPERE = 1e-18
MOVING_TOLERANCE, MOVING_AMPERE = 1e-7, 1e-13  # of a transient: with less a transistor's charge ends it
LEAST_COMPILED_AMPERE = 1e-16  # what PSP computes the current of a micrometre to
ROUNDING_VOLT = 3e-15  # of some ten voltages of a volt
_HEAD = ('load "resistor.osdi"', 'load "capacitor.osdi"', "model resistor resistor", "model capacitor capacitor")
_BEND = (
    "// what a voltage coefficient adds to the current",
    "subckt bend(a b)",
    "  parameters square=0.0 cube=0.0",
    "  b1 (a b) i=square*v(a,b)*abs(v(a,b))+cube*v(a,b)*v(a,b)*v(a,b)",
    "ends",
)
_BUILT_IN = tuple(f"model {name} {name}" for name in ("vsource", "isource", "vcvs", "vccs"))


def write(circuit: Circuit) -> str:
    """The deck of a circuit.

    Raises:
        InputError: Something that this dialect does not have.
    """
    lines = [circuit.title, *(f"// {note}" for note in circuit.notes), *_HEAD, *_BUILT_IN]
    if any(isinstance(element, PolynomialCurrent) for group in _groups(circuit) for element in group):
        lines += _BEND
    lines += [_part(part) for part in circuit.parts]
    for subcircuit in circuit.subcircuits:
        lines += _subcircuit(subcircuit)
    for section in circuit.sections:
        lines += [f"// {section.note}"] if section.note else []
        lines += [_element(element) for element in section.elements]
    lines += ["", "control", *_control(circuit), "endc"]
    return "\n".join(lines) + "\n"


def _groups(circuit: Circuit) -> Iterator[tuple[Element, ...]]:
    yield from (section.elements for section in circuit.sections)
    yield from (subcircuit.elements for subcircuit in circuit.subcircuits)


def _control(circuit: Circuit) -> Iterator[str]:
    heat = "" if circuit.celsius is None else f" temp={spice_number(circuit.celsius)}"
    moving = isinstance(circuit.analysis, Transient)
    relative = spice_number(circuit.relative_tolerance or (MOVING_TOLERANCE if moving else RELATIVE_TOLERANCE))
    damped = isinstance(circuit.analysis, Transient) and circuit.analysis.damped
    method = ' tran_method="gear2"' if damped else ""
    tolerances = f"reltol={relative} abstol={spice_number(_ampere(circuit))} vntol=1e-12"
    yield f'  options gmin=1e-18 {tolerances} rawfile="ascii"{heat}{method}'
    saved = [*(f"v({node})" for node in circuit.voltages), *(f"i(v{name})" for name in circuit.currents)]
    yield f"  save {' '.join(saved)}"
    yield from _analysis(circuit.analysis)


def _ampere(circuit: Circuit) -> float:
    """What the currents of a node may miss: VACASK judges their sum, which rounds with the smallest resistance."""
    ohms = [
        e.ohm for group in _groups(circuit) for e in group if isinstance(e, Resistor) and not isinstance(e.ohm, str)
    ]
    least = LEAST_COMPILED_AMPERE if circuit.modules else LEAST_AMPERE
    if isinstance(circuit.analysis, Transient):
        least = MOVING_AMPERE
    return max(least, ROUNDING_VOLT / min(ohms, default=1.0))


def _analysis(analysis: Analysis) -> Iterator[str]:
    number = spice_number
    match analysis:
        case OperatingPoint():
            yield "  analysis op1 op"
        case DcSweep(source=source, start=start, stop=stop, points=points):  # by a step, rounding loses the last value
            place = f'instance="v{source}" parameter="dc"'
            yield f'  sweep dc {place} from={number(start)} to={number(stop)} mode="lin" points={points - 1}'
            yield "    analysis dc1 op"
        case Transient(step=step, stop=stop, from_initial=False, longest_step=longest):
            bound = "" if longest is None else f" maxstep={number(longest)}"
            yield f"  analysis tran1 tran step={number(step)} stop={number(stop)}{bound}"
        case Ac(points=points, start=start, stop=stop):
            yield f'  analysis ac1 ac from={number(start)} to={number(stop)} mode="dec" points={points}'
        case Noise(node=node, source=source, points=points, start=start, stop=stop):
            span = f'from={number(start)} to={number(stop)} mode="dec" points={points}'
            yield f'  analysis noise1 noise out=["{node}"] in="v{source}" {span}'
        case _:
            raise _refusal("a transient from the capacitors' initial voltages")


def _part(part: Part | ModelText) -> str:
    if isinstance(part, ModelText):
        return "\n".join(_model_text(part))
    return leaf_text("vacask", part, EXTENSION)


def _model_text(card: ModelText) -> Iterator[str]:
    if card.module is None:
        raise _refusal(f"the model card {card.name} of a kit, which is written in the words of ngspice")
    yield from (f"// {note}" for note in card.notes)
    yield f'load "{card.module.name}"'
    yield f"model {card.name} {card.kind} ("
    yield from (f"  {name}={value}" for name, value in card.parameters.items())
    yield ")"


def _subcircuit(subcircuit: Subcircuit) -> Iterator[str]:
    if subcircuit.note:
        yield f"// {subcircuit.note}"
    yield f"subckt {subcircuit.name}({' '.join(subcircuit.ports)})"
    parameters = "".join(f" {name}={spice_number(value)}" for name, value in subcircuit.parameters.items())
    if parameters:
        yield f"  parameters{parameters}"
    for element in subcircuit.elements:
        yield f"  {_element(element)}"
    yield "ends"


def _element(e: Element) -> str:
    if type(e) not in _LINES:
        raise _refusal("a voltage-controlled switch" if isinstance(e, Switch) else type(e).__name__)
    return _LINES[type(e)](e)


def _refusal(what: str) -> InputError:
    remedy = "choose another level, or the dialect ngspice"
    return InputError(f"this dialect does not take {what}", where="--dialect vacask", remedy=remedy)


def _value(value: Value) -> str:
    return value if isinstance(value, str) else spice_number(value)


def _resistor(e: Resistor) -> str:
    if e.tc1_per_kelvin or e.tc2_per_kelvin2:
        raise _refusal("a resistor's temperature coefficients")
    return f"r{e.name} ({e.a} {e.b}) resistor r={_value(e.ohm)}"


def _capacitor(e: Capacitor) -> str:
    if e.initial_volt is not None:
        raise _refusal("a capacitor's initial voltage")
    return f"c{e.name} ({e.a} {e.b}) capacitor c={_value(e.farad)}"


def _source(letter: str, master: str) -> Callable[[Any], str]:
    def line(e: VoltageSource | CurrentSource) -> str:
        ac = f" mag={spice_number(e.ac)}" if e.ac else ""
        return f"{letter}{e.name} ({e.plus} {e.minus}) {master} dc={_value(e.dc)}{ac}{_waveform(e)}"

    return line


def _waveform(e: VoltageSource | CurrentSource) -> str:
    wave = e.waveform
    if wave is None:
        return ""
    if isinstance(wave, Pulse):
        values = {"val0": wave.low, "val1": wave.high, "delay": wave.delay, "rise": wave.rise, "fall": wave.fall}
        values |= {"width": wave.width, "period": wave.period}
        return ' type="pulse"' + "".join(f" {name}={spice_number(value)}" for name, value in values.items())
    points = ", ".join(f"{spice_number(time)}, {spice_number(volt)}" for time, volt in wave.points)
    return f' type="pwl" wave=[{points}]'


def _mos(e: Mos) -> str:
    values = {"w": e.width_m, "l": e.length_m, **e.more}
    size = " ".join(f"{name}={spice_number(value)}" for name, value in values.items())
    return f"m{e.name} ({e.drain} {e.gate} {e.source} {e.bulk}) {e.model} {size}"


def _compiled(e: Compiled) -> str:
    values = " ".join(f"{name}={spice_number(value)}" for name, value in e.parameters.items())
    return f"n{e.name} ({' '.join(e.nodes)}) {e.model} {values}"


def _controlled(letter: str, master: str, e: ControlledVoltage | ControlledCurrent, gain: Value) -> str:
    return f"{letter}{e.name} ({e.plus} {e.minus} {e.control_plus} {e.control_minus}) {master} gain={_value(gain)}"


def _polynomial(e: PolynomialCurrent) -> str:
    return f"b{e.name} ({e.a} {e.b}) bend square={spice_number(e.square)} cube={spice_number(e.cube)}"


def _instance(e: Instance) -> str:
    values = "".join([f" {name}={spice_number(value)}" for name, value in e.parameters.items()])
    return f"x{e.name} ({' '.join(e.nodes)}) {e.of}{values}"


_LINES: Mapping[type[Any], Callable[[Any], str]] = {
    Resistor: _resistor,
    Capacitor: _capacitor,
    VoltageSource: _source("v", "vsource"),
    CurrentSource: _source("i", "isource"),
    ControlledVoltage: lambda e: _controlled("e", "vcvs", e, e.gain),
    ControlledCurrent: lambda e: _controlled("g", "vccs", e, e.siemens),
    PolynomialCurrent: _polynomial,
    WeightedSum: lambda e: f"b{e.name} ({e.plus} {e.minus}) v={spice.weighted_sum(e)}",
    Mos: _mos,
    Compiled: _compiled,
    Instance: _instance,
}

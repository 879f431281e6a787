"""SPICE as Xyce reads it: ``params:`` before the values of an instance, a ``.print`` line, no ``.control`` section.

Written from the Xyce Reference Guide 7; it is not run by this project's tests, which check the form of every line. An
operating point is a DC sweep of one point, since ``.print`` writes nothing for ``.op``.
"""

from __future__ import annotations

from collections.abc import Iterator

from rsscircuit.errors import InputError
from rsscircuit.netlist.dialects import spice
from rsscircuit.netlist.dialects.leaves import leaf_text
from rsscircuit.netlist.elements import (
    Ac,
    Analysis,
    Circuit,
    DcSweep,
    Element,
    Instance,
    ModelText,
    Noise,
    OperatingPoint,
    Part,
    PolynomialCurrent,
    Subcircuit,
    Transient,
    VoltageSource,
    WeightedSum,
)
from rsscircuit.quantities import spice_number

EXTENSION = "cir"
_KINDS = {OperatingPoint: "dc", DcSweep: "dc", Transient: "tran", Ac: "ac", Noise: "noise"}
_SAVED_A_LINE = 8


def write(circuit: Circuit) -> str:
    """The deck of a circuit.

    Raises:
        InputError: Something that this dialect does not have.
    """
    lines = [f"* {circuit.title}", "* for Xyce; this dialect was checked for its form, not run"]
    lines += [f"* {note}" for note in circuit.notes]
    lines += [_part(part) for part in circuit.parts]
    for subcircuit in circuit.subcircuits:
        lines += _subcircuit(subcircuit)
    for section in circuit.sections:
        lines += [f"* {section.note}"] if section.note else []
        lines += [_element(element) for element in section.elements]
    if circuit.celsius is not None:
        lines.append(f".options device temp={spice_number(circuit.celsius)}")
    if circuit.relative_tolerance is not None:
        lines.append(f".options nonlin reltol={spice_number(circuit.relative_tolerance)}")
    if isinstance(circuit.analysis, Transient) and circuit.analysis.damped:
        lines.append(".options timeint method=gear maxord=2")
    lines += [".options device gmin=1e-18", *_analysis(circuit), *_print(circuit), ".end"]
    return "\n".join(lines) + "\n"


def _analysis(circuit: Circuit) -> Iterator[str]:
    if isinstance(circuit.analysis, OperatingPoint):
        source = _first_source(circuit)
        value = spice_number(float(source.dc))
        yield f".dc V{source.name} {value} {value} 1.0"
        return
    yield spice.analysis_line(circuit.analysis)


def _first_source(circuit: Circuit) -> VoltageSource:
    for section in circuit.sections:
        for element in section.elements:
            if isinstance(element, VoltageSource) and not isinstance(element.dc, str):
                return element
    raise InputError("no source to sweep over one point", where="--dialect xyce")


def _print(circuit: Circuit) -> Iterator[str]:
    saved = [*(f"v({node})" for node in circuit.voltages), *(f"i(v{name})" for name in circuit.currents)]
    analysis: Analysis = circuit.analysis
    if isinstance(analysis, Noise):
        saved = ["onoise"]
    yield f".print {_KINDS[type(analysis)]} format=csv"
    for first in range(0, len(saved), _SAVED_A_LINE):
        yield "+ " + " ".join(saved[first : first + _SAVED_A_LINE])


def _part(part: Part | ModelText) -> str:
    if isinstance(part, ModelText):
        raise InputError(
            "this dialect does not take the model card of a kit",
            where="--dialect xyce",
            got=part.name,
            remedy="choose the switch level ideal, nmos or transmission-gate, or the dialect ngspice",
        )
    return leaf_text("xyce", part, EXTENSION)


def _subcircuit(subcircuit: Subcircuit) -> Iterator[str]:
    if subcircuit.note:
        yield f"* {subcircuit.note}"
    parameters = "".join(f" {name}={spice_number(value)}" for name, value in subcircuit.parameters.items())
    yield f".subckt {subcircuit.name} {' '.join(subcircuit.ports)}" + (f" params:{parameters}" if parameters else "")
    for element in subcircuit.elements:
        yield _element(element)
    yield f".ends {subcircuit.name}"


def _element(e: Element) -> str:
    match e:
        case Instance():
            values = "".join([f" {name}={spice_number(value)}" for name, value in e.parameters.items()])
            return f"X{e.name} {' '.join(e.nodes)} {e.of}" + (f" params:{values}" if values else "")
        case PolynomialCurrent():
            return f"B{e.name} {e.a} {e.b} i={{{spice.polynomial(e)}}}"
        case WeightedSum():
            return f"B{e.name} {e.plus} {e.minus} v={{{spice.weighted_sum(e)}}}"
        case _:
            return spice.element_line(e)

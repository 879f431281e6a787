"""A circuit as data: elements, sub-circuits and one analysis. Text is the last step, in a dialect.

Values are SI floats, or the name of a parameter of the sub-circuit that the element stands in. Node ``0`` is ground.
Names are unique by case-insensitive comparison, since simulators do not tell case apart. An element's name has no
type letter: the dialect puts it in front where it needs one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Value = float | str


@dataclass(frozen=True, slots=True)
class Resistor:
    """A linear resistor: ``ohm`` at 27 C, and its temperature coefficients about there."""

    name: str
    a: str
    b: str
    ohm: Value
    tc1_per_kelvin: float = 0.0
    tc2_per_kelvin2: float = 0.0


@dataclass(frozen=True, slots=True)
class Capacitor:
    """A linear capacitor; ``initial_volt`` is its voltage at the start of a transient, where it is given."""

    name: str
    a: str
    b: str
    farad: Value
    initial_volt: float | None = None


@dataclass(frozen=True, slots=True)
class Pulse:
    """A repeated pulse; times in second."""

    low: float
    high: float
    delay: float
    rise: float
    fall: float
    width: float
    period: float


@dataclass(frozen=True, slots=True)
class PiecewiseLinear:
    """Straight lines between (second, value) points."""

    points: tuple[tuple[float, float], ...]


Waveform = Pulse | PiecewiseLinear


@dataclass(frozen=True, slots=True)
class VoltageSource:
    """An independent voltage source, volt; ``ac`` is its amplitude in an AC or noise analysis."""

    name: str
    plus: str
    minus: str
    dc: Value
    ac: float = 0.0
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class CurrentSource:
    """An independent current source, ampere, from ``plus`` through the source to ``minus``."""

    name: str
    plus: str
    minus: str
    dc: Value
    ac: float = 0.0
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class ControlledVoltage:
    """A voltage of ``gain`` times the control voltage."""

    name: str
    plus: str
    minus: str
    control_plus: str
    control_minus: str
    gain: Value


@dataclass(frozen=True, slots=True)
class ControlledCurrent:
    """A current of ``siemens`` times the control voltage, from ``plus`` through the source to ``minus``."""

    name: str
    plus: str
    minus: str
    control_plus: str
    control_minus: str
    siemens: Value


@dataclass(frozen=True, slots=True)
class PolynomialCurrent:
    """A current ``square * v |v| + cube * v^3`` from ``a`` to ``b``, where v is the voltage of ``a`` over ``b``.

    It carries what a voltage coefficient adds to linear resistors; ampere per volt squared and cubed.
    """

    name: str
    a: str
    b: str
    square: float
    cube: float = 0.0


@dataclass(frozen=True, slots=True)
class WeightedSum:
    """An ideal behavioural block: a voltage of a constant plus gains times voltages, cut off at zero or not.

    Attributes:
        name: Of the source.
        plus, minus: Where the voltage stands.
        terms: (gain, node, reference node) of every summand.
        constant: Volt.
        rectified: Whether it is the larger of the sum and zero.
    """

    name: str
    plus: str
    minus: str
    terms: tuple[tuple[float, str, str], ...]
    constant: float = 0.0
    rectified: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """A voltage-controlled switch of a model card."""

    name: str
    a: str
    b: str
    control_plus: str
    control_minus: str
    model: str


@dataclass(frozen=True, slots=True)
class Mos:
    """A MOS transistor of a model card; ``more`` are the instance parameters that its card asks for beside the size."""

    name: str
    drain: str
    gate: str
    source: str
    bulk: str
    model: str
    width_m: float
    length_m: float
    more: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A device of a compiled Verilog-A module, by its model card."""

    name: str
    nodes: tuple[str, ...]
    model: str
    parameters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Instance:
    """A sub-circuit in place, with its parameters."""

    name: str
    nodes: tuple[str, ...]
    of: str
    parameters: Mapping[str, float] = field(default_factory=dict)


Element = (
    Resistor
    | Capacitor
    | VoltageSource
    | CurrentSource
    | ControlledVoltage
    | ControlledCurrent
    | PolynomialCurrent
    | WeightedSum
    | Switch
    | Mos
    | Compiled
    | Instance
)


@dataclass(frozen=True, slots=True)
class Subcircuit:
    """A named piece of circuit; ``parameters`` are names with defaults."""

    name: str
    ports: tuple[str, ...]
    elements: tuple[Element, ...]
    parameters: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Leaf text of a template: a model card, or a sub-circuit that does not depend on sizes.

    Attributes:
        template: File name in ``templates/netlist/<dialect>/``, without its extension.
        values: What the template asks for: numbers, which are written with every digit, and names.
    """

    template: str
    values: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelText:
    """A model card as a library gives it, of plain numbers.

    That of a simulator's own transistor is in the words of ngspice, and no other dialect takes it; the parameters of a
    compiled Verilog-A module are the same everywhere.

    Attributes:
        notes: Comment lines above it: whose it is.
        name: Name of the model.
        kind: ``nmos`` or ``pmos``, or the module's name.
        parameters: Its parameters in order, name to the text of the value.
        module: The compiled module (OSDI) that has this kind; None for a simulator's own. A deck loads it by its file
            name and does not say where it lies.
    """

    notes: tuple[str, ...]
    name: str
    kind: str
    parameters: Mapping[str, str]
    module: Path | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Elements under one comment line."""

    note: str
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The operating point."""


@dataclass(frozen=True, slots=True)
class DcSweep:
    """An operating point for every value of a voltage source, both ends included."""

    source: str
    start: float
    stop: float
    step: float

    @property
    def points(self) -> int:
        """How many values."""
        return round((self.stop - self.start) / self.step) + 1


@dataclass(frozen=True, slots=True)
class Transient:
    """From the initial conditions of the capacitors where ``from_initial``, else from the operating point; second.

    ``longest_step`` bounds the simulator's own time step, where it is given. ``damped`` takes Gear's formula of second
    order for the trapezoidal rule, by which a time constant far below the step rings on and the step shrinks without
    end once all else has settled.
    """

    step: float
    stop: float
    from_initial: bool = False
    longest_step: float | None = None
    damped: bool = False


@dataclass(frozen=True, slots=True)
class Ac:
    """Small signals at ``points`` frequencies a decade, hertz."""

    points: int
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise density at ``node`` at ``points`` frequencies a decade (hertz), and its rms over the band.

    ``source`` is the voltage source that the simulator takes for the input.
    """

    node: str
    source: str
    points: int
    start: float
    stop: float


Analysis = OperatingPoint | DcSweep | Transient | Ac | Noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """A whole deck.

    Attributes:
        title: First line.
        notes: Comment lines below it.
        parts: Leaf text.
        subcircuits: Sub-circuits, each before it is used.
        sections: Elements of the top level.
        analysis: What is run.
        currents: Voltage sources whose current is saved, from ``plus`` through the source to ``minus``.
        voltages: Nodes whose voltage is saved.
        celsius: Temperature of the devices; the simulator's 27 by default.
        relative_tolerance: Of the solver's iteration; the simulator's own by default.
        least_ampere: What the iteration may miss of a current; the simulator's own by default.
        partial_pivoting: Whether ngspice takes the largest element of a column for the pivot, not one that is sparse.
    """

    title: str
    notes: tuple[str, ...] = ()
    parts: tuple[Part | ModelText, ...] = ()
    subcircuits: tuple[Subcircuit, ...] = ()
    sections: tuple[Section, ...] = ()
    analysis: Analysis = field(default_factory=OperatingPoint)
    currents: tuple[str, ...] = ()
    voltages: tuple[str, ...] = ()
    celsius: float | None = None
    relative_tolerance: float | None = None
    least_ampere: float | None = None
    partial_pivoting: bool = False

    @property
    def modules(self) -> tuple[Path, ...]:
        """The compiled modules that the deck loads."""
        return tuple(part.module for part in self.parts if isinstance(part, ModelText) and part.module is not None)

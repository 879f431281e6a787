"""What makes a chip's answer differ from the trained network's, in the order in which it enters.

Every effect can be at work alone. Without any the layers multiply by the trained weights. ``temperature``,
``voltage``, ``switch``, ``leakage``, ``ageing`` and ``wires`` are the effects of
:mod:`rsscircuit.technology.effects`: one that a design was built without stays without.

========== ============================================================================================
solver     measured pair less its target: what the subset-sum solver left
measurement true less measured conductance of the closed branches
faults     switches stuck since the program was chosen; those known before are in ``solver``
ageing     every resistor's own drift
temperature every branch as its ratio to the feedback resistor, the switch in series included
supply     the switches' gate voltage off its nominal value
voltage    the resistors' voltage coefficients
switch     the switches' square law
leakage    open branches conduct
wires      the lines' resistance, by each tile's effective matrix, and what the program allows for it
dac        inputs in steps, cut off at full scale
gain       finite gain of the columns' amplifiers
offset     their input offset
noise      thermal noise of branches and feedback, and the amplifiers' own
adc        column currents in steps, cut off at full scale; partial sums are added behind it
correction the digital gain and offset of every output, where the design has them
========== ============================================================================================
"""

from __future__ import annotations

from collections.abc import Collection

from rsscircuit.design import Design
from rsscircuit.inference.operation import Operation
from rsscircuit.quantities import parse_names
from rsscircuit.technology.cell import NOMINAL_CELSIUS

PROGRAM = ("solver", "measurement")
ARRAY = (*PROGRAM, "faults", "ageing", "temperature", "supply", "voltage", "switch", "leakage", "wires")
CORRECTION = "correction"
EFFECTS = (*ARRAY, "dac", "gain", "offset", "noise", "adc", CORRECTION)


def parse_effects(text: str) -> frozenset[str]:
    """The effects of ``all``, ``none`` or a list such as ``wires,adc``.

    Raises:
        InputError: A name that no effect has, or one named twice.
    """
    return parse_names(text, EFFECTS, what="effect", where="--effects")


def idle_effects(design: Design, operation: Operation, effects: Collection[str] = EFFECTS) -> dict[str, str]:
    """Which of ``effects`` change nothing here, and why."""
    technology = design.technology
    resistor, switch, segments = technology.resistor, technology.switch, design.segments
    reasons = {
        "faults": "" if operation.stuck_open or operation.stuck_closed else "none asked for",
        "ageing": ""
        if operation.years and resistor.sigma_ageing_ten_years
        else ("new" if resistor.sigma_ageing_ten_years else "no coefficient"),
        "temperature": "" if operation.celsius != NOMINAL_CELSIUS else f"at {NOMINAL_CELSIUS:g} C",
        "supply": "nominal" if operation.supply(technology) == technology.drive.supply_volt else "",
        "voltage": "" if resistor.voltage_per_volt or resistor.voltage_per_volt2 else "no coefficient",
        "leakage": "" if switch.off_siemens else "no coefficient",
        "wires": "" if segments.word_ohm or segments.bit_ohm else "ideal",
        "offset": "" if technology.readout.sigma_offset_volt else "no coefficient",
        "noise": "" if technology.readout.bandwidth_hertz else "no bandwidth",
        CORRECTION: "" if any(layer.correction for layer in design.layers) else "none asked for",
    }
    return {effect: reasons[effect] for effect in EFFECTS if effect in effects and reasons.get(effect)}

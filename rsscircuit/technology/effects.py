"""Effects that can be at work alone: what a technology does beside the variation of its process.

An effect is off where its coefficients are zero. So one function makes the technology in which only some are at work,
and nothing that is computed from a technology has to know of them. Some effects act through others: temperature moves
the switch and the wires where there are any, and a leakage grows with temperature by its own doubling, which is part
of the leakage. A switch that is left out keeps a millionth of the smallest resistor, because a netlist's transistor
needs a resistance: ngspice, which knows voltages to 1e-6 V, errs by 3e-8 of full scale there, and by 3e-5 at a
billionth.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from rsscircuit.quantities import parse_names
from rsscircuit.technology.loader import Technology

IDEAL_SWITCH = 1e-6  # on-resistance of a switch that is left out, over the smallest resistance of a bank

_COEFFICIENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "temperature": {
            "resistor": ("tc1_per_kelvin", "tc2_per_kelvin2", "sigma_tc_per_kelvin"),
            "switch": ("on_tc_per_kelvin",),
            "wires": ("tc_per_kelvin",),
        },
        "voltage": {"resistor": ("voltage_per_volt", "voltage_per_volt2")},
        "switch": {"switch": ("on_tc_per_kelvin", "sigma_on")},
        "leakage": {"switch": ("off_siemens",)},
        "ageing": {"resistor": ("sigma_ageing_ten_years",)},
        "wires": {"wires": ("word_line_ohm_per_square", "bit_line_ohm_per_square")},
    }
)
EFFECTS = tuple(_COEFFICIENTS)


def measured_with(technology: Technology, bits: int | None) -> Technology:
    """The technology whose branches are measured with so many bits; its own for None."""
    if bits is None:
        return technology
    return replace(technology, measurement=replace(technology.measurement, bits=float(bits)))


def parse_effects(text: str) -> frozenset[str]:
    """The effects of ``all``, ``none`` or a list such as ``switch,wires``.

    Raises:
        InputError: A name that no effect has, or one named twice.
    """
    return parse_names(text, EFFECTS, what="effect", where="--effects")


def only(technology: Technology, effects: Collection[str]) -> Technology:
    """The technology with no effect at work but ``effects``, some of :data:`EFFECTS`."""
    for effect in set(EFFECTS).difference(effects):
        for section, names in _COEFFICIENTS[effect].items():
            silent = replace(getattr(technology, section), **dict.fromkeys(names, 0.0))
            technology = replace(technology, **{section: silent})
    if "switch" not in effects:
        least = min(technology.switch.on_ohm, IDEAL_SWITCH * technology.resistor.unit_ohm)
        technology = replace(technology, switch=replace(technology.switch, on_ohm=least))
    return technology

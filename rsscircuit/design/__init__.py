"""The mapped chip: its crossbars, how they are programmed, and how it is kept on disk."""

from rsscircuit.design.design import Correction, Crossbar, Design, MappedLayer, labels
from rsscircuit.design.program import SwitchPlan, program, usable_siemens
from rsscircuit.design.rules import Rules, costs_of, sought
from rsscircuit.design.store import load
from rsscircuit.design.wires import compensate, largest_aims, lowered

__all__ = [
    "Correction",
    "Crossbar",
    "Design",
    "MappedLayer",
    "Rules",
    "SwitchPlan",
    "compensate",
    "costs_of",
    "labels",
    "largest_aims",
    "load",
    "lowered",
    "program",
    "sought",
    "usable_siemens",
]

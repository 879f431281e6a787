"""The mapped chip: its crossbars, how they are programmed, and how it is kept on disk."""

from rsscircuit.design.design import Crossbar, Design, MappedLayer, labels
from rsscircuit.design.program import Rules, SwitchPlan, costs_of, program, sought, usable_siemens
from rsscircuit.design.store import load

__all__ = [
    "Crossbar",
    "Design",
    "MappedLayer",
    "Rules",
    "SwitchPlan",
    "costs_of",
    "labels",
    "load",
    "program",
    "sought",
    "usable_siemens",
]

"""The network on its chip: every layer through its mapped tiles, with each source of error switched by itself."""

from rsscircuit.inference.attribution import attribute
from rsscircuit.inference.chip import Chip
from rsscircuit.inference.comparison import Data, Figures, compare
from rsscircuit.inference.effects import ARRAY, EFFECTS, PROGRAM, idle_effects, parse_effects
from rsscircuit.inference.operation import Operation
from rsscircuit.inference.ranges import LayerRange, layer_ranges

__all__ = [
    "ARRAY",
    "EFFECTS",
    "PROGRAM",
    "Chip",
    "Data",
    "Figures",
    "LayerRange",
    "Operation",
    "attribute",
    "compare",
    "idle_effects",
    "layer_ranges",
    "parse_effects",
]

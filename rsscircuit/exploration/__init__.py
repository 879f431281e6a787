"""Which chip for a network: designs over a product of choices, each built, run and charged, and the best of them."""

from rsscircuit.exploration.run import explore
from rsscircuit.exploration.space import Axes, parse_axes

__all__ = ["Axes", "explore", "parse_axes"]

"""What a design costs in area, energy and time, line by line, each with its equation, its mark and its source."""

from rsscircuit.cost.cost import cost

__all__ = ["cost"]

"""A standalone precise programmable resistor (thesis section 6.4): its bank chosen, its die measured and solved."""

from rsscircuit.resistor.make import make_resistor
from rsscircuit.resistor.options import ResistorOptions

__all__ = ["ResistorOptions", "make_resistor"]

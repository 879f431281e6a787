"""Tiles as SPICE decks."""

from rsscircuit.netlist.tile import source_volts, tile_deck
from rsscircuit.netlist.values import element_values, switch_card

__all__ = ["element_values", "source_volts", "switch_card", "tile_deck"]

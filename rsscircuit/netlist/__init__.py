"""Tiles as SPICE decks."""

from rsscircuit.netlist.tile import Parasitics, source_volts, tile_deck, wire_segments

__all__ = ["Parasitics", "source_volts", "tile_deck", "wire_segments"]

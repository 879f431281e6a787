"""Tiles as SPICE decks."""

from rsscircuit.netlist.tile import source_volts, tile_deck

__all__ = ["source_volts", "tile_deck"]

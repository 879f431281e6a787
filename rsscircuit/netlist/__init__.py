"""Crossbars as circuits, and circuits as decks: structure as data, text as the last step."""

from rsscircuit.netlist.options import ModelCard, Tia, TileOptions
from rsscircuit.netlist.tile import source_volts, tile_circuit, tile_deck

__all__ = ["ModelCard", "Tia", "TileOptions", "source_volts", "tile_circuit", "tile_deck"]

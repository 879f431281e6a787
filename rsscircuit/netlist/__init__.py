"""Crossbars as circuits, and circuits as decks: structure as data, text as the last step."""

from rsscircuit.netlist.cards import switch_card
from rsscircuit.netlist.options import ModelCard, Tia, TileOptions
from rsscircuit.netlist.tile import source_volts, tile_circuit, tile_deck
from rsscircuit.netlist.values import element_values

__all__ = [
    "ModelCard",
    "Tia",
    "TileOptions",
    "element_values",
    "source_volts",
    "switch_card",
    "tile_circuit",
    "tile_deck",
]

"""rsscircuit: trained networks onto resistive crossbars of random-resistor subset-sum banks.

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rsscircuit.analyses import attribute_errors, evaluate, inspect, montecarlo, tile_volts
    from rsscircuit.design import Design, load
    from rsscircuit.errors import RsscircuitError
    from rsscircuit.exploration import explore
    from rsscircuit.network import Network, read_network
    from rsscircuit.options import BuildOptions
    from rsscircuit.pipeline import build, export_banks, program
    from rsscircuit.population import network_yield
    from rsscircuit.simulation import simulate_tile
    from rsscircuit.subsetsum import solve_cells
    from rsscircuit.technology import load_technology

__version__ = version("rsscircuit")

_HOME = {
    "BuildOptions": "rsscircuit.options",
    "Design": "rsscircuit.design",
    "Network": "rsscircuit.network",
    "RsscircuitError": "rsscircuit.errors",
    "attribute_errors": "rsscircuit.analyses",
    "build": "rsscircuit.pipeline",
    "evaluate": "rsscircuit.analyses",
    "explore": "rsscircuit.exploration",
    "export_banks": "rsscircuit.pipeline",
    "inspect": "rsscircuit.analyses",
    "load": "rsscircuit.design",
    "load_technology": "rsscircuit.technology",
    "montecarlo": "rsscircuit.analyses",
    "network_yield": "rsscircuit.population",
    "program": "rsscircuit.pipeline",
    "read_network": "rsscircuit.network",
    "simulate_tile": "rsscircuit.simulation",
    "solve_cells": "rsscircuit.subsetsum",
    "tile_volts": "rsscircuit.analyses",
}

__all__ = [
    "BuildOptions",
    "Design",
    "Network",
    "RsscircuitError",
    "attribute_errors",
    "build",
    "evaluate",
    "explore",
    "export_banks",
    "inspect",
    "load",
    "load_technology",
    "montecarlo",
    "network_yield",
    "program",
    "read_network",
    "simulate_tile",
    "solve_cells",
    "tile_volts",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'rsscircuit' has no attribute {name!r}")

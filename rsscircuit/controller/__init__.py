"""From switch plans to bitstreams, and the controller that loads them, as Verilog.

The names are looked up when they are first used, so that the bitstream alone does not import Amaranth.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rsscircuit.controller.bitstream import Frame, pack, unpack
    from rsscircuit.controller.config import ControllerConfig
    from rsscircuit.controller.export import emit_verilog
    from rsscircuit.controller.geometry import ArrayGeometry
    from rsscircuit.controller.proofs import emit_proofs
    from rsscircuit.controller.top import XbarTop

__all__ = ["ArrayGeometry", "ControllerConfig", "Frame", "XbarTop", "emit_proofs", "emit_verilog", "pack", "unpack"]

_HOMES = {
    "ArrayGeometry": "geometry",
    "ControllerConfig": "config",
    "Frame": "bitstream",
    "XbarTop": "top",
    "emit_proofs": "proofs",
    "emit_verilog": "export",
    "pack": "bitstream",
    "unpack": "bitstream",
}


def __getattr__(name: str) -> object:
    """The public name ``name``, from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

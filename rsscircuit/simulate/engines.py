"""The simulators of one tile: logical volts in, column currents out, one interface.

* ``ideal``: the closed form, sum of conductances times volts;
* ``nodal``: wires, leakage and what bends a branch, its switch and its voltage coefficients, by nodal analysis;
* ``ngspice``: the emitted deck, transistor switches and all, through PySpice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar
from rsscircuit.errors import InputError
from rsscircuit.netlist import source_volts
from rsscircuit.simulate import ngspice
from rsscircuit.simulate.nodal import effective_siemens
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Bend, Segments

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """What an engine needs beside the tile.

    Attributes:
        technology: Switch card and voltages.
        segments: Wires between banks, for ``nodal``.
        deck: Writes or reads the tile's netlist, for ``ngspice``.
        where: Names the tile in errors.
        progress: Called with the number of cases just done.
    """

    technology: Technology
    segments: Segments
    deck: Callable[[], str]
    where: str
    progress: Callable[[int], None] | None = None


def _ideal(crossbar: Crossbar, volts: Array, setting: Setting) -> Array:
    return volts @ crossbar.pair_siemens()


def _nodal(crossbar: Crossbar, volts: Array, setting: Setting) -> Array:
    effective, bend = parasitic_matrices(crossbar, setting.technology, setting.segments)
    result: Array = volts @ effective + bend.currents(volts)
    return result


def _ngspice(crossbar: Crossbar, volts: Array, setting: Setting) -> Array:
    return ngspice.operating_points(
        setting.deck(),
        source_volts(volts, setting.technology),
        crossbar.targets.shape[1],
        where=setting.where,
        progress=setting.progress,
    )


Engine = Callable[[Crossbar, Array, Setting], Array]
ENGINES: Mapping[str, Engine] = MappingProxyType({"ideal": _ideal, "nodal": _nodal, "ngspice": _ngspice})


def parasitic_matrices(crossbar: Crossbar, technology: Technology, segments: Segments) -> tuple[Array, Bend]:
    """Linear response [rows, cols] (siemens) with parasitics, and what the currents have beyond it.

    Wires and leakage make the linear part. The rest is the dependence of switch and resistor on their own voltage,
    some 1e-4 of the current, taken at ideal line voltages.
    """
    conducting = crossbar.bank_siemens() + crossbar.leak_siemens()
    where = f"layer {crossbar.layer}, tile {crossbar.index}"
    linear = effective_siemens(conducting, segments.word_ohm, segments.bit_ohm, where=where)
    return linear, crossbar.bend(technology)


def engine_named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        InputError: There is none.
    """
    if name not in ENGINES:
        raise InputError("no such engine", where="--engine", got=name, remedy=f"choose from {', '.join(ENGINES)}")
    return ENGINES[name]

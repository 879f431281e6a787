"""The simulators of one tile: logical volts in, column currents out, one interface.

* ``ideal``: the closed form, sum of conductances times volts;
* ``nodal``: wires, leakage and what bends a branch, its switch and its voltage coefficients, by nodal analysis;
* ``ngspice``: the emitted deck, transistor switches and all, through PySpice;
* ``vacask``: the same deck in another dialect, by an independent simulator, where it is installed.

All take the conductance of a closed branch from one model: 1 / (R + R_on) with the R_on of the deck's switch level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar
from rsscircuit.errors import InputError
from rsscircuit.netlist import TileOptions, source_volts
from rsscircuit.netlist.cards import switch_card
from rsscircuit.netlist.options import IDEAL, PDK, TRANSMISSION_GATE
from rsscircuit.netlist.switches import closed_siemens, common_mode, on_ohm
from rsscircuit.simulate import ngspice, vacask
from rsscircuit.simulate.nodal import effective_siemens
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Bend, Segments

Array = NDArray[np.float64]
AS_BUILT = TileOptions()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """What an engine needs beside the tile.

    Attributes:
        technology: Switch card and voltages.
        segments: Wires between banks, which also bring the leakage, for ``nodal``; None for neither.
        deck: Writes or reads the tile's netlist in the engine's dialect, for ``ngspice`` and ``vacask``; whether it has
            wires is the deck's to say.
        where: Names the tile in errors.
        options: The switch level of the deck, which the other engines follow.
        progress: Called with the number of cases just done.
    """

    technology: Technology
    segments: Segments | None
    deck: Callable[[], str]
    where: str
    options: TileOptions = AS_BUILT
    progress: Callable[[int], None] | None = None


def _ideal(crossbar: Crossbar, volts: Array, setting: Setting) -> Array:
    result: Array = volts @ at_level(crossbar, setting.technology, setting.options).pair_siemens()
    return result


def _nodal(crossbar: Crossbar, volts: Array, setting: Setting) -> Array:
    effective, bend = parasitic_matrices(crossbar, setting.technology, setting.segments, setting.options)
    result: Array = volts @ effective + bend.currents(volts)
    return result


def _ngspice(crossbar: Crossbar, volts: Array, setting: Setting) -> Array:
    return _by_deck(ngspice.operating_points, crossbar, volts, setting)


def _vacask(crossbar: Crossbar, volts: Array, setting: Setting) -> Array:
    return _by_deck(vacask.operating_points, crossbar, volts, setting)


def _by_deck(operating_points: Callable[..., Array], crossbar: Crossbar, volts: Array, setting: Setting) -> Array:
    card = setting.options.card
    modules = () if card is None or card.text.module is None else (card.text.module,)
    return operating_points(
        setting.deck(),
        source_volts(volts, setting.technology, setting.options),
        crossbar.targets.shape[1],
        where=setting.where,
        modules=modules,
        progress=setting.progress,
    )


Engine = Callable[[Crossbar, Array, Setting], Array]
ENGINES: Mapping[str, Engine] = MappingProxyType(
    {"ideal": _ideal, "nodal": _nodal, "ngspice": _ngspice, "vacask": _vacask}
)
DIALECTS: Mapping[str, str] = MappingProxyType({"ngspice": "ngspice", "vacask": "vacask"})  # of the engines with decks


def at_level(crossbar: Crossbar, technology: Technology, options: TileOptions) -> Crossbar:
    """The crossbar with the switches of a deck: where their R_on is not the technology's, closed branches differ."""
    if on_ohm(technology, options) == technology.switch.on_ohm:
        return crossbar
    closed = closed_siemens(crossbar, technology, options)
    on = np.where(crossbar.closed, closed, crossbar.die.on_siemens)
    return replace(crossbar, die=replace(crossbar.die, on_siemens=on))


def parasitic_matrices(
    crossbar: Crossbar, technology: Technology, segments: Segments | None, options: TileOptions = AS_BUILT
) -> tuple[Array, Bend]:
    """Linear response [rows, cols] (siemens) with parasitics, and what the currents have beyond it.

    Wires and leakage make the linear part. The rest is the dependence of switch and resistor on their own voltage,
    some 1e-4 of the current, taken at ideal line voltages.
    """
    crossbar = at_level(crossbar, technology, options)
    switch = replace(technology.switch, on_ohm=on_ohm(technology, options))
    bend = crossbar.bend(replace(technology, switch=switch))
    if not _has_square_law(technology, options):
        bend = replace(bend, square=np.zeros_like(bend.square))
    if segments is None:
        return crossbar.pair_siemens(), bend
    conducting = crossbar.bank_siemens() + crossbar.leak_siemens()
    where = f"layer {crossbar.layer}, tile {crossbar.index}"
    return effective_siemens(conducting, segments.word_ohm, segments.bit_ohm, where=where), bend


def _has_square_law(technology: Technology, options: TileOptions) -> bool:
    """Whether a closed switch's own voltage bends it: not an ideal one, nor two that cancel, nor a fitted R_on."""
    if options.merged or options.switch in (IDEAL, PDK):
        return False
    both_conduct = common_mode(technology, options) > switch_card(technology)["vto"]
    return not (options.switch == TRANSMISSION_GATE and both_conduct)


def engine_named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        InputError: There is none.
    """
    if name not in ENGINES:
        raise InputError("no such engine", where="--engine", got=name, remedy=f"choose from {', '.join(ENGINES)}")
    return ENGINES[name]

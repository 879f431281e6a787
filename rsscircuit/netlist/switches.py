"""The switch of a tile's branch at every level: the bank that holds it, and its closed resistance.

The resistor of a branch is ``1/g - R_on`` with R_on the technology's at its own common mode: the mismatch of a
switch is folded into its resistor, so that one card serves all. At another common mode, or with another switch,
the resistor stays and the closed conductance becomes ``1 / (R + R_on)`` with the R_on of :func:`on_ohm`.

The cards are those of :mod:`rsscircuit.netlist.cards`. The quadratic terms of the two transistors of a transmission
gate cancel while both conduct.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar
from rsscircuit.errors import InputError
from rsscircuit.netlist.cards import MODEL, P_MODEL, ideal_card, nmos_card, pmos_card, switch_card
from rsscircuit.netlist.elements import Compiled, Element, ModelText, Mos, Part, Resistor, Subcircuit, Switch
from rsscircuit.netlist.options import IDEAL, NMOS, PDK, TRANSMISSION_GATE, TileOptions
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import bend

Array = NDArray[np.float64]
OPEN_OHM = 1e12
GROUND = "0"


def common_mode(technology: Technology, options: TileOptions) -> float:
    """Voltage of the virtual grounds over the source rail, volt."""
    given = options.common_mode_volt
    return technology.drive.common_mode_volt if given is None else given


def on_ohm(technology: Technology, options: TileOptions) -> float:
    """Small-signal resistance of a closed switch at the deck's common mode, ohm.

    Raises:
        InputError: The switch does not conduct there.
    """
    switch, common = technology.switch, common_mode(technology, options)
    if options.card is not None:
        return options.card.on_ohm
    if options.switch == IDEAL:
        return switch.on_ohm
    overdrive = switch.overdrive_volt + technology.drive.common_mode_volt - common
    if options.switch == TRANSMISSION_GATE:
        overdrive = max(overdrive, 0.0) + max(common - switch_card(technology)["vto"], 0.0)
    if overdrive <= 0:
        raise InputError(
            f"a closed {options.switch} switch does not conduct at this common mode",
            where="--common-mode",
            got=f"{common:g} V",
            remedy=f"stay below {switch.overdrive_volt + technology.drive.common_mode_volt:g} V",
        )
    return switch.on_ohm * switch.overdrive_volt / overdrive


def resistor_ohm(crossbar: Crossbar, technology: Technology) -> Array:
    """The resistor of every branch, ohm, [rows, cols, 2, n]; infinite where no bank is drawn.

    Raises:
        InputError: A branch conducts more than its switch alone.
    """
    with np.errstate(divide="ignore"):
        ohms: Array = 1.0 / crossbar.die.on_siemens - technology.switch.on_ohm
    if (ohms <= 0).any():
        i, j, polarity, k = np.argwhere(ohms <= 0)[0].tolist()
        raise InputError(
            f"a branch conducts more than its switch of {technology.switch.on_ohm:g} Ohm alone",
            where=f"layer {crossbar.layer}, tile {crossbar.index}, row {i}, column {j}, {'+-'[polarity]}, branch {k}",
            got=f"{float(crossbar.die.on_siemens[i, j, polarity, k]):g} S",
            remedy="check the conductances against the technology's on_ohm, or build with --netlists none",
        )
    return ohms


def closed_siemens(crossbar: Crossbar, technology: Technology, options: TileOptions) -> Array:
    """Closed form of every branch that is closed in the deck, siemens, [rows, cols, 2, n]; 0 for the others."""
    ohms = resistor_ohm(crossbar, technology)
    result: Array = np.where(crossbar.closed, 1.0 / (ohms + on_ohm(technology, options)), 0.0)
    return result


def resistors_bend(crossbar: Crossbar, technology: Technology, options: TileOptions) -> tuple[Array, Array]:
    """What the voltage coefficients add to the current of each bank, odd v |v| + cube v^3, both [rows, cols, 2].

    They are those of :func:`rsscircuit.technology.cell.bend` for branches with the deck's own switch.
    """
    switch = replace(technology.switch, on_ohm=on_ohm(technology, options))
    bent = bend(closed_siemens(crossbar, technology, options), replace(technology, switch=switch))
    return bent.odd.sum(axis=3), bent.cube.sum(axis=3)


def parts(technology: Technology, options: TileOptions) -> Iterator[Part | ModelText]:
    """Model cards of the switch."""
    if options.card is not None:
        yield options.card.text
    elif options.switch == IDEAL:
        low, high = options.gate_off_volt, technology.drive.supply_volt
        yield ideal_card(technology.switch.on_ohm, OPEN_OHM, low_volt=low, high_volt=high)
    else:
        yield nmos_card(technology)
        if options.switch == TRANSMISSION_GATE:
            yield pmos_card(technology)


def bank(technology: Technology, options: TileOptions, resistors: int) -> Subcircuit:
    """A bank: one resistor and one switch a branch, the gates of its switches as ports, its resistances as values."""
    ports = ["line", "bit", *(f"g{k}" for k in range(resistors))]
    if options.switch == TRANSMISSION_GATE:
        ports += [*(f"h{k}" for k in range(resistors)), "well"]
    elements: list[Element] = []
    for k in range(resistors):
        elements.append(Resistor(str(k), "line", f"d{k}", f"r{k}"))
        elements += closing(str(k), f"d{k}", "bit", technology, options, gate=f"g{k}", complement=f"h{k}", well="well")
    return Subcircuit(
        name="bank",
        ports=tuple(ports),
        elements=tuple(elements),
        parameters={f"r{k}": 1.0 for k in range(resistors)},
        note="A bank: one resistor and one switch a branch; ri carries the mismatch of its own switch.",
    )


def closing(
    name: str,
    a: str,
    b: str,
    technology: Technology,
    options: TileOptions,
    *,
    gate: str,
    complement: str,
    well: str,
) -> Iterator[Element]:
    """One switch between two nodes; ``complement`` and ``well`` are those of a PMOS beside the NMOS."""
    switch, card = technology.switch, options.card
    if card is not None and card.text.module is not None:
        size = {"w": card.width_m, "l": card.length_m}
        yield Compiled(name, (a, gate, b, GROUND), card.text.name, size | dict(card.more))
        return
    if card is not None:
        yield Mos(name, a, gate, b, GROUND, card.text.name, card.width_m, card.length_m, card.more)
        return
    if options.switch == IDEAL:
        yield Switch(name, a, b, gate, GROUND, MODEL)
        return
    width, length = switch.width_um / 1e6, switch.length_um / 1e6
    yield Mos(name, a, gate, b, GROUND, MODEL, width, length)
    if options.switch == TRANSMISSION_GATE:
        yield Mos(f"p{name}", a, complement, b, well, P_MODEL, width, length)


def describe(technology: Technology, options: TileOptions) -> str:
    """The switch level in one line."""
    ohm, common = on_ohm(technology, options), common_mode(technology, options)
    closed = f"{ohm!r} Ohm closed at the common mode of {common!r} V"
    card = options.card
    size = "" if card is None else f"w {card.width_m * 1e6:g} um, l {card.length_m * 1e6:g} um, "
    kinds = {
        IDEAL: f"ideal, {ohm!r} Ohm closed, {OPEN_OHM!r} Ohm open",
        NMOS: f"NMOS, generic level-1 card, {closed}",
        TRANSMISSION_GATE: f"transmission gates, generic level-1 cards, {closed}",
        PDK: f"NMOS of the kit {'' if card is None else card.kit}, {size}{closed} (simulated)",
    }
    return kinds[options.switch] + ("; one resistor stands for all closed branches of a bank" if options.merged else "")

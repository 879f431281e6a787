"""Decks at the level the user asks for: one tile of a design, or a whole small network."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.arrays import network_inputs, read_user_array
from rsscircuit.design import Design, load
from rsscircuit.design.files import write_bytes
from rsscircuit.errors import InputError
from rsscircuit.netlist import Tia, TileOptions, dialects, switch_card, tile_circuit
from rsscircuit.netlist.elements import Circuit
from rsscircuit.netlist.network import network_circuit
from rsscircuit.netlist.options import IDEAL, PDK, TRANSMISSION_GATE
from rsscircuit.netlist.switches import common_mode
from rsscircuit.simulate.pdk import distil
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
BOTH_ENDS = ("words", "bits", "all")
VIRTUAL_GROUND, TIA = "virtual-ground", "tia"
_TIA_WORDS = {
    "gain": "gain",
    "bandwidth": "bandwidth_hertz",
    "offset": "offset_volt",
    "feedback": "feedback_ohm",
    "branches": "feedback_branches",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a deck shows, in the words of the command line; :class:`rsscircuit.netlist.TileOptions` has the meanings.

    Attributes:
        switch: ``ideal``, ``nmos``, ``transmission-gate`` or ``pdk:NAME``.
        pdk_root: Where kits lie; else ``PDK_ROOT``.
        merged: One resistor a bank.
        wires: Wire segments and leakage.
        both_ends: ``words``, ``bits`` or ``all``: which lines are driven or read at both ends.
        pair: ``negated-input`` or ``paired-columns``.
        readout: ``virtual-ground``, or ``tia`` with ``:gain=,bandwidth=,offset=,feedback=,branches=``.
        gate_off: Gate of an open switch, volt.
        common_mode: Virtual ground, volt; None for the technology's.
        driver: Output resistance of the drivers, ohm.
        voltage_coefficient: Resistors with the technology's voltage coefficients.
    """

    switch: str = "nmos"
    pdk_root: str | None = None
    merged: bool = False
    wires: bool = False
    both_ends: str | None = None
    pair: str = "negated-input"
    readout: str = VIRTUAL_GROUND
    gate_off: float = 0.0
    common_mode: float | None = None
    driver: float = 0.0
    voltage_coefficient: bool = True

    def options(self, design: Design) -> TileOptions:
        """The choices, checked; a kit's transistor is distilled here."""
        if self.both_ends is not None and self.both_ends not in BOTH_ENDS:
            known = ", ".join(BOTH_ENDS)
            raise InputError("no such lines", where="--both-ends", got=self.both_ends, remedy=f"choose from {known}")
        values: dict[str, Any] = {
            "merged": self.merged,
            "word_both_ends": self.both_ends in ("words", "all"),
            "bit_both_ends": self.both_ends in ("bits", "all"),
            "pair": self.pair,
            "readout": parse_readout(self.readout),
            "gate_off_volt": self.gate_off,
            "common_mode_volt": self.common_mode,
            "driver_ohm": self.driver,
            "voltage_coefficient": self.voltage_coefficient,
        }
        level, _, kit = self.switch.partition(":")
        if level != PDK and self.pdk_root is not None:
            raise InputError("only a kit is read from a folder", where="--pdk-root", remedy="add --switch pdk:NAME")
        checked = TileOptions(**values) if level == PDK else TileOptions(switch=self.switch, **values)
        _refuse_ajar(checked, design.technology)
        if level != PDK:
            return checked
        return TileOptions(switch=PDK, card=distil(kit, design.technology, checked, self.pdk_root), **values)


def _refuse_ajar(options: TileOptions, technology: Technology) -> None:
    """Refuse gates that would leave open switches conducting at some input, by the generic card's threshold.

    Raises:
        InputError: They would, or there are no gates.
    """
    if options.merged and options.gate_off_volt:
        raise InputError("a merged bank has no gates", where="--gate-off", remedy="leave out --gate-off or --merged")
    if options.merged or options.switch == IDEAL:
        return
    threshold, swing = switch_card(technology)["vto"], technology.drive.read_volt
    common = common_mode(technology, options)
    lowest = options.gate_off_volt - threshold + swing
    if common <= lowest:
        raise InputError(
            "open switches would conduct",
            where="--common-mode and --gate-off",
            got=f"{common:g} V and {options.gate_off_volt:g} V",
            remedy=f"a common mode above {lowest:g} V closes them at this gate",
        )
    highest = technology.drive.supply_volt + threshold - swing
    if options.switch == TRANSMISSION_GATE and common >= highest:
        raise InputError(
            "open transmission gates would conduct",
            where="--common-mode",
            got=f"{common:g} V",
            remedy=f"stay below {highest:g} V",
        )


def emit(
    directory: str | Path,
    out: str | Path,
    *,
    layer: str | None = None,
    tile: int | None = None,
    network: bool = False,
    inputs: str | Path | None = None,
    case: int = 0,
    level: Level | None = None,
    dialect: str = dialects.DEFAULT,
    force: bool = False,
) -> dict[str, Any]:
    """Write one deck.

    Args:
        directory: The design.
        out: File to write.
        layer: Of the tile, by name or label.
        tile: Of the layer, from 0.
        network: The whole network in one deck instead.
        inputs: ``.npy`` file: volt [cases, rows] for a tile (else the full read voltage on every row); for a network
            its inputs [N, ...], which it needs.
        case: Which of them, from 0.
        level: What the deck shows.
        dialect: Of :data:`rsscircuit.netlist.dialects.DIALECTS`.
        force: Replace a file that is there.

    Returns:
        ``file``, ``dialect``, ``lines``, ``what`` (the deck in a few words), ``saved`` (what a run gives) and ``run``
        (the command that runs it).

    Raises:
        RsscircuitError: Anything the user can mend; nothing is written.
    """
    level, path = level or Level(), Path(out)
    if dialect not in dialects.DIALECTS:
        known = ", ".join(dialects.DIALECTS)
        raise InputError("no such dialect", where="--dialect", got=dialect, remedy=f"choose from {known}")
    if path.is_dir():
        raise InputError("a folder is there", where="--out", got=str(out), remedy="name a file")
    if path.exists() and not force:
        raise InputError("the file is there", where="--out", got=str(out), remedy="add --force to replace it")
    if case < 0:
        raise InputError("cases count from 0", where="--case", got=case)
    design = load(directory)
    if network:
        if layer is not None or tile is not None:
            raise InputError("a whole network has no --layer or --tile", where="--network", remedy="leave them out")
        circuit, what = _network(design, inputs, case, level)
    else:
        if layer is None or tile is None:
            raise InputError(
                "a deck is one tile or a network", where="emit", remedy="add --layer and --tile, or --network"
            )
        circuit, what = _tile(design, layer, tile, inputs, case, level)
    text = dialects.write(circuit, dialect)
    write_bytes(path, text.encode())
    return {
        "file": str(out),
        "dialect": dialect,
        "lines": text.count("\n"),
        "what": what,
        "saved": len(circuit.currents) + len(circuit.voltages),
        "run": f"{_PROGRAMS[dialect]} {path}",
    }


_PROGRAMS = {"ngspice": "ngspice -b", "xyce": "Xyce", "vacask": "vacask"}


def _tile(
    design: Design, name: str, index: int, inputs: str | Path | None, case: int, level: Level
) -> tuple[Circuit, str]:
    layer = design.layer(name)
    tile = design.tile(layer, index)
    volts = None
    if inputs is not None:
        given = np.atleast_2d(read_user_array(inputs, "--inputs").astype(np.float64))
        if given.ndim != 2 or given.shape[1] != tile.rows:
            needs = f"tile {index} of {layer.name} takes volt [cases, {tile.rows}]"
            raise InputError(needs, where="--inputs", got=str(given.shape))
        volts = _case(given, case)
    elif case:
        raise InputError("a case of what?", where="--case", got=case, remedy="add --inputs")
    if not layer.matrix.weights[tile.window].any():
        raise InputError("the tile has no weights, so it is not built", where=f"layer {name}", got=index)
    circuit = tile_circuit(
        design.crossbar(layer, tile),
        design.technology,
        label=layer.label,
        volts=volts,
        segments=design.segments if level.wires else None,
        options=level.options(design),
    )
    return circuit, f"layer {layer.name}, tile {index}, {tile.rows} x {tile.columns}"


def _network(design: Design, inputs: str | Path | None, case: int, level: Level) -> tuple[Circuit, str]:
    if inputs is None:
        raise InputError("a network's deck holds one input", where="--network", remedy="add --inputs X.npy")
    data = network_inputs(design.network, read_user_array(inputs, "--inputs"), "--inputs")
    segments = design.segments if level.wires else None
    circuit = network_circuit(design, _case(data, case)[None], segments=segments, options=level.options(design))
    return circuit, f"the whole network, {len(design.layers)} layers, case {case}"


def _case(data: Array, case: int) -> Array:
    if case >= len(data):
        raise InputError(f"there are cases 0 to {len(data) - 1}", where="--case", got=case)
    result: Array = data[case]
    return result


def parse_readout(text: str) -> Tia | None:
    """The read-out of ``virtual-ground``, ``tia`` or ``tia:gain=1e5,feedback=20e3``; None for the first.

    Raises:
        InputError: Another word, or a value that is no number.
    """
    kind, _, rest = text.partition(":")
    if text == VIRTUAL_GROUND:
        return None
    if kind != TIA:
        known = f"{VIRTUAL_GROUND} or {TIA}:gain=1e5,feedback=20e3"
        raise InputError("no such read-out", where="--readout", got=text, remedy=f"write {known}")
    whole = {field.name for field in fields(Tia) if field.type == "int"}
    values: dict[str, Any] = {}
    for word in filter(None, rest.split(",")):
        name, _, value = word.partition("=")
        if name not in _TIA_WORDS:
            known = ", ".join(_TIA_WORDS)
            raise InputError(
                "no such figure of an amplifier", where="--readout", got=word, remedy=f"choose from {known}"
            )
        key = _TIA_WORDS[name]
        if key in values:
            raise InputError("given twice", where="--readout", got=word, remedy=f"leave out one {name}")
        try:
            values[key] = int(value) if key in whole else float(value)
        except ValueError:
            raise InputError(
                "not a number", where="--readout", got=word, remedy=f"write for example {name}=10"
            ) from None
    return Tia(**values)

"""A small network as one circuit: tiles with amplifiers, and ideal digital blocks between them.

What is analog are the tiles: drivers, banks, switches, wires and amplifiers, a sub-circuit a tile. What a real chip
does digitally (adding the partial sums of row tiles, scaling, ReLU, both converters) stands in as ideal behavioural
sources, labelled so. An activation is the voltage of a node, one volt a unit.

The gain of an amplifier multiplies what rounding leaves of its input voltage, and the next layers take that for a
signal: an iteration that is asked for more digits than that never ends. So the tolerances follow the gain, and ngspice
takes the largest pivots, without which its factors lose some more digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Design, MappedLayer
from rsscircuit.errors import InputError
from rsscircuit.mapping import Tile
from rsscircuit.netlist.elements import (
    Circuit,
    ControlledVoltage,
    Element,
    Instance,
    Section,
    Subcircuit,
    VoltageSource,
    WeightedSum,
)
from rsscircuit.netlist.options import Tia, TileOptions
from rsscircuit.netlist.switches import GROUND
from rsscircuit.netlist.tile import COMMON, DEFAULT_OPTIONS, TileNetlist
from rsscircuit.network import Layer, Network, run
from rsscircuit.network.graph import CONV, DENSE, INPUT
from rsscircuit.technology.cell import Segments

Array = NDArray[np.float64]
RELU = "Relu"
RESHAPING = ("Flatten", "Reshape")  # a vector a case before and after
MOST_BRANCHES = 131_072
RELATIVE_TOLERANCE = 1e-9  # so that the iteration does not stop before the rectifiers have settled
LEAST_AMPERE = 1e-12
ROUNDING, ROUNDING_AMPERE = 1e-14, 1e-16  # of outputs and of currents, a unit of gain


def network_circuit(
    design: Design,
    inputs: Array,
    *,
    segments: Segments | None = None,
    options: TileOptions = DEFAULT_OPTIONS,
) -> Circuit:
    """A whole network of dense layers and ReLU for one input.

    The voltages ``y<j>`` of the network's outputs are saved, one volt a unit.

    Args:
        design: The mapped network.
        inputs: One case, shaped as the network takes it, batch axis included.
        segments: Wires of every tile; ideal by default.
        options: Of every tile; amplifiers of the default kind where none are asked for.

    Raises:
        InputError: The network holds something that this deck cannot, or is too large.
    """
    readout = options.readout or Tia()
    options, gain = replace(options, readout=readout), readout.gain
    chain = _chain(design.network, inputs)
    tiles = {
        layer.name: [(tile, _tile(design, layer, tile, segments, options)) for tile in layer.drawn_tiles]
        for layer in design.layers
    }
    branches = sum(netlist.branches for found in tiles.values() for _, netlist in found)
    if branches > MOST_BRANCHES:
        raise InputError(
            f"a deck of a whole network holds at most {MOST_BRANCHES} branches",
            where="--network",
            got=branches,
            remedy="add --merged, or emit tiles",
        )
    first = next((netlist for found in tiles.values() for _, netlist in found), None)
    if first is None:
        raise InputError("the network has no weights", where="--network")
    sections = [
        Section("common mode", (VoltageSource(COMMON, COMMON, GROUND, first.common_mode_volt),)),
        Section(
            "inputs: one volt a unit",
            tuple(VoltageSource(f"x0_{i}", f"x0_{i}", GROUND, float(x)) for i, x in enumerate(inputs.ravel())),
        ),
    ]
    for depth, step in enumerate(chain):
        layer = design.layer(step.layer.name)
        last = depth + 1 == len(chain)
        sections += _layer_sections(design, layer, depth, tiles[layer.name], options, last=last, relu=step.relu)
    outputs = design.layer(chain[-1].layer.name).matrix.weights.shape[1]
    tile_circuits = tuple(
        _subcircuit(layer.label, tile, netlist) for layer in design.layers for tile, netlist in tiles[layer.name]
    )
    return Circuit(
        title="rsscircuit network",
        notes=(
            f"{design.technology.label}, {len(chain)} layers, {branches} branches",
            *first.notes,
            "analog: the tiles with their amplifiers",
            "ideal behavioural blocks: both converters, partial sums, scaling, ReLU",
            "activations x<layer>_<i> and outputs y<j>: one volt a unit",
        ),
        parts=first.parts(),
        subcircuits=(*first.subcircuits(), *tile_circuits),
        sections=tuple(sections),
        voltages=tuple(f"y{j}" for j in range(outputs)),
        relative_tolerance=max(RELATIVE_TOLERANCE, ROUNDING * gain),
        least_ampere=max(LEAST_AMPERE, ROUNDING_AMPERE * gain),
        partial_pivoting=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Step:
    """A dense layer and whether a ReLU follows."""

    layer: Layer
    relu: bool


def _chain(network: Network, inputs: Array) -> list[_Step]:
    """The network as dense layers one after the other, or a refusal that names every layer that is none."""
    faults, steps = [], []
    widths: dict[str, tuple[int, ...]] = {}
    run(network, inputs, observe=lambda layer, x: widths.update({layer.name: x.shape}))
    previous = ""
    for layer in network.layers():
        found = f"{layer.name} ({layer.operator})"
        if layer.operator == INPUT:
            if previous:
                faults.append(f"{found}: a second input")
        elif layer.inputs != (previous,):
            faults.append(f"{found}: it does not take the value of the layer before it alone")
        elif layer.operator == DENSE:
            if len(widths[layer.name]) != 2:
                faults.append(f"{found}: it takes {list(widths[layer.name])}, not one vector a case")
            steps.append(_Step(layer=layer, relu=False))
        elif layer.operator == RELU:
            if not steps:
                faults.append(f"{found}: it stands before the first dense layer")
            elif steps[-1].relu is False:
                steps[-1] = _Step(layer=steps[-1].layer, relu=True)
        elif layer.operator not in RESHAPING:
            what = "a convolution" if layer.operator == CONV else "not a dense layer or ReLU"
            faults.append(f"{found}: {what}")
        previous = layer.name
    if network.outputs != (previous,):
        faults.append(f"the outputs {', '.join(network.outputs)}: not the last layer alone")
    if faults:
        raise InputError(
            "a deck of a whole network holds dense layers and ReLU, one after the other",
            where="--network",
            got="; ".join(faults),
            remedy="emit its tiles instead",
        )
    return steps


def _tile(
    design: Design, layer: MappedLayer, tile: Tile, segments: Segments | None, options: TileOptions
) -> TileNetlist:
    return TileNetlist(
        crossbar=design.crossbar(layer, tile), technology=design.technology, segments=segments, options=options
    )


def _name(label: str, tile: Tile) -> str:
    return f"tile_{label}_{tile.index}"


def _subcircuit(label: str, tile: Tile, netlist: TileNetlist) -> Subcircuit:
    """A tile between its drivers and the outputs of its amplifiers."""
    elements = [element for section in netlist.sections() for element in section.elements]
    return Subcircuit(
        name=_name(label, tile),
        ports=(*netlist.drivers, *netlist.outputs, COMMON),
        elements=tuple(elements),
        note=f"layer {label}, tile {tile.index}: {netlist.size}",
    )


def _layer_sections(
    design: Design,
    layer: MappedLayer,
    depth: int,
    tiles: list[tuple[Tile, TileNetlist]],
    options: TileOptions,
    *,
    last: bool,
    relu: bool,
) -> Iterator[Section]:
    """Drivers, tiles and digital blocks of one layer."""
    matrix, label, read_volt = layer.matrix, layer.label, design.technology.drive.read_volt
    paired, readout = options.paired, options.readout or Tia()
    yield Section(
        f"layer {label}: drivers, ideal DAC: {matrix.input_full_scale!r} units are {read_volt!r} V",
        tuple(_drivers(layer, depth, read_volt, paired=paired)),
    )
    instances: list[Element] = []
    terms: list[list[tuple[float, str, str]]] = [[] for _ in range(matrix.weights.shape[1])]
    for tile, netlist in tiles:
        ends = [f"{label}_{word}" for word in _words(tile, paired=paired)]
        outs = [f"{label}_{tile.index}_{out}" for out in netlist.outputs]
        instances.append(Instance(_name(label, tile), (*ends, *outs, COMMON), _name(label, tile)))
        for j in range(tile.columns):
            column = tile.column + j
            gain = matrix.input_full_scale / (read_volt * layer.siemens_per_weight[column] * readout.feedback_ohm)
            if paired:
                terms[column].append((-gain, outs[2 * j], outs[2 * j + 1]))
            else:
                terms[column].append((-gain, outs[j], COMMON))
    yield Section(f"layer {label}: tiles", tuple(instances))
    names = [f"y{j}" if last else f"x{depth + 1}_{j}" for j in range(len(terms))]
    blocks = tuple(
        WeightedSum(name, name, GROUND, tuple(some), rectified=relu) for name, some in zip(names, terms, strict=True)
    )
    after = ", ReLU" if relu else ""
    yield Section(f"layer {label}: ideal digital blocks: ADC, partial sums, scale{after}", blocks)


def _words(tile: Tile, *, paired: bool) -> list[str]:
    rows = range(tile.row, tile.row + tile.rows)
    return [f"w{i}" for i in rows] if paired else [f"w{polarity}{i}" for i in rows for polarity in "pn"]


def _drivers(layer: MappedLayer, depth: int, read_volt: float, *, paired: bool) -> Iterator[Element]:
    """A word line's voltage about the common mode, from a constant for bias rows, from an activation for the others."""
    matrix = layer.matrix
    for i in range(len(matrix.weights)):
        for polarity, sign in (("", 1.0),) if paired else (("p", 1.0), ("n", -1.0)):
            name = f"{layer.label}_w{polarity}{i}"
            gain = sign * read_volt / matrix.input_full_scale
            if i < matrix.bias_rows:
                yield VoltageSource(name, name, COMMON, gain * matrix.bias_value)
            else:
                yield ControlledVoltage(name, name, COMMON, f"x{depth}_{i - matrix.bias_rows}", GROUND, gain)

"""What a programmed tile has to do: its banks, and the power that its drives put through them.

A logical row at drive x (a fraction of the read voltage V, of either sign) has its plus bank at +xV and its minus bank
at -xV about the virtual ground. The banks of one column dissipate

    P = V^2 sum_i x_i^2 (G+_i + G-_i).

Current leaves the supply where a bank is driven upward, and where the amplifier makes up for a column that sinks more
than it is given; drivers and amplifiers of class B then take from the supply V_dd

    P_dd = V_dd sum_columns max(sourced, sunk),    sourced = V sum_i (x_i+ G+_i + x_i- G-_i),

x+ and x- the positive and the negative part of x; what is sunk has G+ and G- changed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar, Design
from rsscircuit.errors import InputError
from rsscircuit.inference import LayerRange, layer_ranges
from rsscircuit.network import Layer, exact_product, run
from rsscircuit.technology.readout import feedback_ohm

Array = NDArray[np.float64]
_REMEDY = "add --inputs X.npy"


@dataclass(frozen=True, slots=True, kw_only=True)
class TileWork:
    """One tile and its work in one inference.

    Attributes:
        layer: The layer's name.
        index: The tile of the layer.
        rows, columns: Logical size.
        cells: Cells with banks.
        weights: Cells that hold a weight of the network, not a bias.
        vectors: Vectors an inference: positions of a convolution's window, 1 of a dense layer.
        bank_watt: Mean power in the banks while a vector is held.
        supply_watt: Mean power from the supply for the banks' currents.
        mean_square_drive: Mean over vectors and rows of x^2.
        noise_gain: Largest 1 + R_f sum G of its columns.
        feedback_ohm: R_f.
    """

    layer: str
    index: int
    rows: int
    columns: int
    cells: int
    weights: int
    vectors: float
    bank_watt: float
    supply_watt: float
    mean_square_drive: float
    noise_gain: float
    feedback_ohm: float


def bank_watt(banks: Array, drives: Array, read_volt: float) -> float:
    """Mean power in banks [rows, cols, 2] over drives [cases, rows]."""
    return float(read_volt**2 * (np.mean(drives**2, axis=0) @ banks.sum(axis=(1, 2))))


def supply_watt(banks: Array, drives: Array, read_volt: float, supply_volt: float) -> float:
    """Mean power that the supply gives for their currents, over drives [cases, rows]."""
    up, down = np.maximum(drives, 0.0), np.maximum(-drives, 0.0)
    plus, minus = banks[:, :, 0], banks[:, :, 1]
    sourced, sunk = up @ plus + down @ minus, up @ minus + down @ plus
    return float(supply_volt * read_volt * np.maximum(sourced, sunk).sum(axis=1).mean())


def layer_activations(design: Design, inputs: Array | Mapping[str, Array]) -> dict[str, Array]:
    """Unfolded activations [inputs x positions, inputs of a window] of every layer, in the trained network."""
    seen: dict[str, Array] = {}

    def product(layer: Layer, rows: Array) -> Array:
        seen[layer.name] = np.array(rows)
        return exact_product(layer, rows)

    run(design.network, inputs, product=product)
    return seen


def workload(design: Design, inputs: Array | None) -> tuple[list[TileWork], dict[str, float]]:
    """The work of every drawn tile, and vectors an inference by layer.

    Args:
        design: The design.
        inputs: Inputs of the network, [N, ...]; without them every row is driven to full scale.
    """
    drive, technology = design.technology.drive, design.technology
    activations = layer_activations(design, _zeros(design) if inputs is None else inputs)
    ranges = _ranges(design, inputs)
    cases = 1 if inputs is None else len(inputs)
    vectors = {name: len(rows) / cases for name, rows in activations.items()}
    work = []
    for layer, tile, crossbar in design.crossbars():
        rows = slice(tile.row, tile.row + tile.rows)
        if inputs is None:
            drives = np.ones((1, tile.rows))
        else:
            drives = np.clip(layer.matrix.drive(activations[layer.name])[:, rows], -1.0, 1.0)
        banks = conducting(crossbar)
        scale = ranges[layer.name].full_scale_ampere if ranges else _largest_ampere(banks, drive.read_volt)
        feedback = feedback_ohm(technology.readout, scale)
        drawn = crossbar.die.on_siemens.any(axis=(2, 3))
        bias_rows = max(0, min(layer.matrix.bias_rows - tile.row, tile.rows))
        work.append(
            TileWork(
                layer=layer.name,
                index=tile.index,
                rows=tile.rows,
                columns=tile.columns,
                cells=int(drawn.sum()),
                weights=int((layer.matrix.weights[tile.window][bias_rows:] != 0).sum()),
                vectors=vectors[layer.name],
                bank_watt=bank_watt(banks, drives, drive.read_volt),
                supply_watt=supply_watt(banks, drives, drive.read_volt, drive.supply_volt),
                mean_square_drive=float(np.mean(drives**2)),
                noise_gain=float(1.0 + feedback * banks.sum(axis=(0, 2)).max()),
                feedback_ohm=feedback,
            )
        )
    return work, vectors


def conducting(crossbar: Crossbar) -> Array:
    """What every bank conducts as programmed, leakage included, [rows, cols, 2] siemens."""
    return crossbar.bank_siemens() + crossbar.leak_siemens()


def _ranges(design: Design, inputs: Array | None) -> Mapping[str, LayerRange]:
    return {} if inputs is None else layer_ranges(design, inputs, design.technology.readout.adc_percentile)


def _largest_ampere(banks: Array, read_volt: float) -> float:
    """The largest column current of full drives: a full scale where no inputs are known."""
    return float(read_volt * np.abs(banks[:, :, 0] - banks[:, :, 1]).sum(axis=0).max()) or read_volt * float(
        banks.max()
    )


def _zeros(design: Design) -> dict[str, Array]:
    """One input of zeros, by the names of the network's inputs."""
    zeros = {}
    for source in design.network.inputs:
        shape = source.attributes.get("shape")
        if shape is None or None in shape[1:]:
            raise InputError(
                "the network does not say how large its input is", where=source.name, got=str(shape), remedy=_REMEDY
            )
        zeros[source.name] = np.zeros((1, *shape[1:]))
    return zeros

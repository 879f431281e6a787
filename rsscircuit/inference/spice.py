"""Chosen inputs with every tile run in ngspice, beside the fast path.

The array is the simulator's: the tile's deck, transistor switches where ``switch`` is at work and else one resistor a
bank, with wires, leakage and voltage coefficients as they are at work. Converters, gain, offset and noise are the same
formulas, and the same draws, as in the fast path, so that what differs is the array alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError
from rsscircuit.inference.chip import Chip, ChipLayer, TileRow
from rsscircuit.inference.comparison import Data
from rsscircuit.inference.effects import PROGRAM
from rsscircuit.netlist import TileOptions, source_volts, tile_deck
from rsscircuit.netlist.options import NMOS
from rsscircuit.network import run
from rsscircuit.simulate import ngspice

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpiceComparison:
    """Some inputs in ngspice.

    Attributes:
        answers: Outputs [cases, outputs] of the trained network, of the chip by the fast path, and in ngspice.
        difference: Rms of the last two's difference over the rms of the trained outputs.
        layers: By layer, the largest difference of a column current of the same inputs over their rms.
        vectors: By layer, how many operating points were found; equal inputs of a tile are run once.
    """

    trained: Array
    fast: Array
    spice: Array
    layers: dict[str, float]
    vectors: dict[str, int]

    @property
    def difference(self) -> float:
        """Rms of ngspice less fast path, over the rms of the trained outputs."""
        power = float(np.mean(self.trained**2))
        return float((np.mean((self.spice - self.fast) ** 2) / power) ** 0.5) if power else 0.0


def compare_spice(chip: Chip, data: Data, *, progress: Callable[[int], None] | None = None) -> SpiceComparison:
    """Run the inputs of ``data`` one after the other, by both paths.

    Args:
        chip: The chip.
        data: Few inputs.
        progress: Called with 1 after each tile of each input.

    Raises:
        InputError: Errors of the program are left out, which no circuit can do.
        MissingPartError: No ngspice library.
        SimulationError: ngspice failed.
    """
    if not set(PROGRAM) <= chip.effects:
        raise InputError(
            "ngspice runs what was programmed", where="--effects", remedy=f"put {' and '.join(PROGRAM)} among them"
        )
    if "wires" not in chip.effects and chip.design.options.get("compensate_ir_drop"):
        raise InputError("ngspice runs what was programmed, which allows for the wires", where="--effects",
                         remedy="put wires among them")  # fmt: skip
    array = _SpiceArray(chip, progress)
    network, output = chip.design.network, chip.design.network.outputs[0]
    fast, spice = [], []
    for place, case in enumerate(data.cases.tolist()):
        x = data.batch(slice(place, place + 1))
        fast.append(run(network, x, product=chip.run_of([case]).product)[output].ravel())
        spice.append(run(network, x, product=chip.run_of([case], array).product)[output].ravel())
    return SpiceComparison(
        trained=np.array(data.trained()),
        fast=np.array(fast),
        spice=np.array(spice),
        layers={name: array.worst[name] for name in chip.layers},
        vectors={name: array.vectors[name] for name in chip.layers},
    )


class _SpiceArray:
    """Amplifiers' outputs of a row of tiles by ngspice, for :class:`rsscircuit.inference.chip.Run`."""

    def __init__(self, chip: Chip, progress: Callable[[int], None] | None) -> None:
        self._chip, self._progress = chip, progress
        self.worst = dict.fromkeys(chip.layers, 0.0)
        self.vectors = dict.fromkeys(chip.layers, 0)

    def __call__(self, layer: ChipLayer, tiles: TileRow, drive: Array) -> Array:
        mapped = layer.mapped
        matrix = mapped.matrix
        full = np.empty((len(drive), len(matrix.weights)))
        full[:, : matrix.bias_rows] = layer.drive(np.full((1, matrix.bias_rows), matrix.bias_value))
        full[:, matrix.bias_rows :] = drive
        volts = full * (self._chip.design.technology.drive.read_volt / matrix.input_full_scale)
        per_ampere = matrix.input_full_scale / (
            self._chip.design.technology.drive.read_volt * mapped.siemens_per_weight
        )
        result = np.zeros((len(drive), len(per_ampere)))
        for tile in tiles.tiles:
            rows, columns = tile.window
            result[:, columns] = self._currents(layer, tile.index, volts[:, rows]) * per_ampere[columns]
            if self._progress:
                self._progress(1)
        result *= tiles.per_output
        fast = tiles(drive)
        name, power = mapped.name, float(np.sqrt(np.mean(fast**2)))
        if power:
            self.worst[name] = max(self.worst[name], float(np.abs(result - fast).max()) / power)
        return result

    def _currents(self, layer: ChipLayer, index: int, volts: Array) -> Array:
        chip, mapped = self._chip, layer.mapped
        operated = chip.operated(chip.design.crossbar(mapped, mapped.tiles[index]))
        options = TileOptions(
            switch=NMOS, merged="switch" not in chip.effects, voltage_coefficient="voltage" in chip.effects
        )
        wired = {"wires", "leakage"}.intersection(chip.effects)
        deck = tile_deck(
            operated.crossbar,
            operated.technology,
            label=mapped.label,
            segments=operated.segments if wired else None,
            options=options,
        )
        different, place = np.unique(volts, axis=0, return_inverse=True)
        self.vectors[mapped.name] += len(different)
        currents = ngspice.operating_points(
            deck,
            source_volts(different, operated.technology, options),
            mapped.tiles[index].columns,
            where=f"layer {mapped.name}, tile {index}",
        )
        result: Array = currents[place.ravel()]
        return result

"""A chip ready to run: every layer's tiles as matrices, with what drives their rows and what reads their columns.

A column's current is read as an output by the unit x_full / (V_read s). Volts, currents, units, gain and the
converter's step are folded into the matrices once, so that activations are multiplied as they come and the product is
a code. The tiles of one row of tiles see the same inputs and are one product; each row of tiles is converted by itself,
and its codes are added to the others' digitally.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Correction, Crossbar, Design, MappedLayer
from rsscircuit.errors import InputError
from rsscircuit.inference.array import OperatedTile, operate
from rsscircuit.inference.effects import CORRECTION, EFFECTS
from rsscircuit.inference.operation import Operation
from rsscircuit.inference.ranges import LayerRange
from rsscircuit.mapping import Tile
from rsscircuit.network import Layer
from rsscircuit.network.reference import Product
from rsscircuit.seeds import stream
from rsscircuit.technology.cell import NOMINAL_CELSIUS, Bend
from rsscircuit.technology.readout import (
    InputConverter,
    adc_step_ampere,
    convert,
    draw_offset_volt,
    feedback_ohm,
    gain_factor,
    half_codes,
    input_converter,
    noise_ampere,
    offset_ampere,
)

Array = NDArray[np.float64]
NEGLIGIBLE = 1e-7  # of the largest current: a cubic term below that costs more than it says


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TileRow:
    """One row of a layer's tiles, in steps of its converters (or in outputs, without converters).

    Attributes:
        inputs: Which of the layer's inputs drive it.
        weights: [inputs, cols].
        bend: Beyond the linear term, [inputs, cols], or None.
        bias: [cols], from the bias rows.
        per_output: [cols], steps an output: what an output of ideal amplifiers is multiplied by.
        offset: [cols].
        noise: [cols], rms.
        tiles: Its drawn tiles.
        columns: How many columns those have together.
    """

    inputs: slice
    weights: Array
    bend: Bend | None
    bias: Array
    per_output: Array
    offset: Array
    noise: Array
    tiles: tuple[Tile, ...]
    columns: int

    def __call__(self, drive: Array) -> Array:
        """What the amplifiers put out for inputs [cases, all inputs of the layer], [cases, cols]."""
        mine = drive[:, self.inputs]
        result: Array = mine @ self.weights
        result += self.bias
        if self.bend is not None:
            result += self.bend.currents(mine)
        return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChipLayer:
    """One layer of a chip.

    Attributes:
        mapped: The layer.
        tile_rows: Its tiles.
        output_per_step: [cols].
        half_codes: Half the codes of the converters at the columns; None without converters.
        input_converter: None where inputs come as they are.
        noisy: Whether there is noise.
        correction: The digital constants of its outputs that are at work.
    """

    mapped: MappedLayer
    tile_rows: tuple[TileRow, ...]
    output_per_step: Array
    half_codes: float | None
    input_converter: InputConverter | None
    noisy: bool
    correction: Correction | None

    def drive(self, activations: Array) -> Array:
        """What stands at the rows for activations, or for the constant of the bias rows."""
        return activations if self.input_converter is None else self.input_converter(activations)


Analog = Callable[[ChipLayer, TileRow, Array], Array]
"""Amplifiers' outputs [cases, cols] of a row of tiles, from the layer's driven inputs [cases, inputs]."""


class Chip:
    """A design under some effects.

    Args:
        design: The design.
        ranges: Of its converters.
        effects: What is at work, of :data:`rsscircuit.inference.effects.EFFECTS`.
        operation: How it is run.
        progress: Called with 1 after each layer.

    Raises:
        InputError: A converter of one bit for inputs of both signs.
        SimulationError: A nodal solve did not converge.
    """

    def __init__(
        self,
        design: Design,
        ranges: Mapping[str, LayerRange],
        effects: Collection[str] = EFFECTS,
        operation: Operation = Operation(),  # noqa: B008 - frozen
        *,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.design, self.effects, self.operation = design, frozenset(effects), operation
        self.readout = operation.readout(design.technology)
        self.layers = {}
        for layer in design.layers:
            self.layers[layer.name] = self._layer(layer, ranges[layer.name])
            if progress:
                progress(1)

    def operated(self, crossbar: Crossbar) -> OperatedTile:
        """A programmed tile under the effects."""
        return operate(self.design, crossbar, self.effects, self.operation)

    def run_of(self, cases: Sequence[int], analog: Analog | None = None) -> Run:
        """What computes the crossbar layers of one batch; ``cases`` are the numbers of its inputs in the data."""
        return Run(self, cases, analog or (lambda _, tiles, drive: tiles(drive)))

    def _layer(self, layer: MappedLayer, span: LayerRange) -> ChipLayer:
        matrix = layer.matrix
        per_ampere = matrix.input_full_scale / (self.design.technology.drive.read_volt * layer.siemens_per_weight)
        step_ampere = adc_step_ampere(self.readout, span.full_scale_ampere) if "adc" in self.effects else None
        output_per_step = np.ones_like(per_ampere) if step_ampere is None else step_ampere * per_ampere
        converter = self._input_converter(layer, span) if "dac" in self.effects else None
        bias = np.full((1, matrix.bias_rows), matrix.bias_value)
        bias = bias if converter is None else converter(bias)
        rows = dict.fromkeys((tile.row, tile.rows) for tile in layer.drawn_tiles)
        return ChipLayer(
            mapped=layer,
            tile_rows=tuple(
                self._tile_row(layer, slice(row, row + count), span, per_ampere, per_ampere / output_per_step, bias)
                for row, count in rows
            ),
            output_per_step=output_per_step,
            half_codes=None if step_ampere is None else half_codes(self.readout),
            input_converter=converter,
            noisy="noise" in self.effects,
            correction=layer.correction if CORRECTION in self.effects else None,
        )

    def _input_converter(self, layer: MappedLayer, span: LayerRange) -> InputConverter:
        if span.signed and self.readout.dac_bits < 2:
            raise InputError("one bit has no sign", where="--dac-bits", got=f"layer {layer.name} takes both signs")
        return input_converter(self.readout, layer.matrix.input_full_scale, signed=span.signed)

    def _tile_row(
        self,
        layer: MappedLayer,
        place: slice,
        span: LayerRange,
        per_ampere: Array,
        steps_per_ampere: Array,
        bias: Array,
    ) -> TileRow:
        read_volt, matrix = self.design.technology.drive.read_volt, layer.matrix
        shape = place.stop - place.start, matrix.weights.shape[1]
        tiles = [tile for tile in layer.drawn_tiles if tile.row == place.start]
        linear, square, odd, cube = np.zeros((4, *shape))
        total = np.zeros(shape[1])
        offset_volt = np.zeros(shape[1])
        bent = False
        for tile in tiles:
            operated = self.operated(self.design.crossbar(layer, tile))
            columns = tile.window[1]
            linear[:, columns], total[columns] = operated.linear_siemens(), operated.column_siemens
            if operated.bend is not None:
                bent = True
                square[:, columns], odd[:, columns] = operated.bend.square, operated.bend.odd
                cube[:, columns] = operated.bend.cube
            if "offset" in self.effects:
                offset_volt[columns] = draw_offset_volt(
                    self.readout, tile.columns, seed=self.design.seed, layer=layer.name, tile=tile.index
                )
        if np.abs(cube).max() * read_volt**2 < NEGLIGIBLE * np.abs(linear).max():
            cube = np.zeros_like(cube)
        feedback = feedback_ohm(self.readout, span.full_scale_ampere)
        gain = gain_factor(self.readout, feedback, total) if "gain" in self.effects else np.ones_like(total)
        scale = gain * steps_per_ampere
        noise = np.zeros_like(total)
        if "noise" in self.effects:
            celsius = self.operation.celsius if "temperature" in self.effects else NOMINAL_CELSIUS
            noise = noise_ampere(self.readout, feedback, total, celsius)
        volts_per_input = read_volt / matrix.input_full_scale
        weights = linear * (scale * volts_per_input)
        bias_here = max(0, min(matrix.bias_rows, place.stop) - place.start)
        bias_of_row = bias[:, :bias_here]
        start = (bias_of_row @ weights[:bias_here])[0]
        bend = None
        if bent:
            both = Bend(
                square=square * (scale * volts_per_input**2),
                odd=odd * (scale * volts_per_input**2),
                cube=cube * (scale * volts_per_input**3),
            )
            start += both.rows(slice(bias_here)).currents(bias_of_row)[0]
            bend = both.rows(slice(bias_here, None))
        first = max(0, place.start - matrix.bias_rows)
        return TileRow(
            inputs=slice(first, first + shape[0] - bias_here),
            weights=weights[bias_here:],
            bend=bend,
            bias=start,
            per_output=scale / per_ampere,
            offset=scale * offset_ampere(offset_volt, feedback, total),
            noise=scale * noise,
            tiles=tuple(tiles),
            columns=sum(tile.columns for tile in tiles),
        )


class Run:
    """One batch on a chip.

    Attributes:
        saturated: Conversions cut off at full scale, by layer.
        conversions: All of them, by layer.
    """

    def __init__(self, chip: Chip, cases: Sequence[int], analog: Analog) -> None:
        self._chip, self._cases, self._analog = chip, cases, analog
        self.saturated = dict.fromkeys(chip.layers, 0)
        self.conversions = dict.fromkeys(chip.layers, 0)

    @property
    def product(self) -> Product:
        """For :func:`rsscircuit.network.run`."""
        return self._product

    def _product(self, layer: Layer, rows: Array) -> Array:
        """One layer's outputs [cases, cols] from its unfolded activations [cases, inputs]."""
        mine = self._chip.layers[layer.name]
        drive = mine.drive(rows)
        generators = self._generators(layer.name) if mine.noisy else []
        result = np.zeros((len(rows), mine.output_per_step.size))
        for tiles in mine.tile_rows:
            read = self._analog(mine, tiles, drive)
            read += tiles.offset
            if generators:
                positions = len(read) // len(generators)
                for place, generator in enumerate(generators):
                    part = read[place * positions : (place + 1) * positions]
                    part += generator.standard_normal(part.shape) * tiles.noise
            if mine.half_codes is not None:
                self.saturated[layer.name] += convert(read, mine.half_codes)
                self.conversions[layer.name] += len(read) * tiles.columns
            result += read
        result *= mine.output_per_step
        if mine.correction is not None:
            result *= mine.correction.gain
            result += mine.correction.offset
        return result

    def _generators(self, layer: str) -> list[np.random.Generator]:
        """The noise of every input of the batch: a stream by layer and input, its tiles in order."""
        return [stream(self._chip.operation.seed, "noise", layer=layer, case=int(case)) for case in self._cases]

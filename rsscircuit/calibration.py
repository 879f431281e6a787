"""What is asked of the cells of a layer: the input range, and the error that is good enough.

Both come from the options alone, or from calibration inputs run through the trained network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rsscircuit.arrays import network_inputs, read_user_array
from rsscircuit.design import MappedLayer
from rsscircuit.errors import InputError
from rsscircuit.mapping import ColumnDemand, InputMoments, LayerMatrix, Tile
from rsscircuit.network import Array, Layer, Network, batch_size, exact_product, input_bounds, run
from rsscircuit.options import ADC, BuildOptions
from rsscircuit.technology import Technology

CALIBRATION_DIGITS = 4
KEPT_INPUTS = 8
LEAST_INPUTS = 4  # two for each half that the other is checked against
Tolerance = Callable[[float, Array], float]
"""Siemens from a layer's full scale (siemens) and the scale of its columns (float64 [cols], siemens a unit)."""


def input_scales(network: Network, calibration: str | None) -> tuple[dict[str, float], str]:
    """The activation that full drive stands for, by layer, and one line on where it comes from."""
    if calibration is None:
        scales = input_bounds(network)
        origin = "propagated bounds, the network's input taken as [0, 1]; no calibration data were given"
    else:
        data = _calibration(network, calibration)
        scales = dict.fromkeys((layer.name for layer in network.crossbar_layers), 0.0)

        def observe(layer: Layer, x: Array) -> None:
            scales[layer.name] = max(scales[layer.name], float(np.abs(x).max(initial=0.0)))

        step = batch_size(network, data)
        for first in range(0, len(data), step):
            run(network, data[first : first + step], observe=observe)
        origin = f"largest activation over {len(data)} calibration inputs"
    return {name: _round_up(value) if value > 0 else 1.0 for name, value in scales.items()}, origin


def kept_inputs(network: Network, calibration: str | None) -> Array | None:
    """The calibration inputs that a design keeps, [at most 8, ...], for its sign-off."""
    return None if calibration is None else _calibration(network, calibration)[:KEPT_INPUTS]


def _calibration(network: Network, path: str) -> Array:
    return network_inputs(network, read_user_array(path, "--calibration"), "--calibration")


def _round_up(value: float) -> float:
    """``value`` to four digits, upwards, so that the last bit of a matrix product decides nothing."""
    step = 10.0 ** (np.floor(np.log10(value)) - (CALIBRATION_DIGITS - 1))
    return float(f"{np.ceil(value / step - 1e-6) * step:.{CALIBRATION_DIGITS}g}")


def tolerances(
    network: Network,
    options: BuildOptions,
    matrices: Mapping[str, LayerMatrix],
    tiles: Mapping[str, Sequence[Tile]],
    technology: Technology,
) -> dict[str, Tolerance]:
    """The largest error of a pair that is good enough, by layer: a fraction of full scale, or half an ADC step."""
    if options.tolerance != ADC:
        return dict.fromkeys(matrices, _fraction(options))
    demands = {name: ColumnDemand(matrix, tiles[name]) for name, matrix in matrices.items()}
    data = _calibration(network, str(options.calibration))

    def product(layer: Layer, activations: Array) -> Array:
        demands[layer.name].add(activations)
        return exact_product(layer, activations)

    step = batch_size(network, data)
    for first in range(0, len(data), step):
        run(network, data[first : first + step], product=product)
    bits = technology.readout.adc_bits if options.adc_bits is None else options.adc_bits
    return {name: _half_step(demand, bits) for name, demand in demands.items()}


def input_moments(
    network: Network, calibration: str | None, matrices: Mapping[str, LayerMatrix], tiles: Mapping[str, Sequence[Tile]]
) -> dict[str, NDArray[np.float32]]:
    """The second moments of every layer's inputs over the calibration inputs, run through the trained network."""
    found = {name: InputMoments(matrix, tiles[name]) for name, matrix in matrices.items()}
    data = _calibration(network, str(calibration))

    def product(layer: Layer, activations: Array) -> Array:
        found[layer.name].add(activations)
        return exact_product(layer, activations)

    step = batch_size(network, data)
    with threadpool_limits(1):
        for first in range(0, len(data), step):
            run(network, data[first : first + step], product=product)
    return {name: moments.result() for name, moments in found.items()}


def correction_inputs(network: Network, calibration: str | None) -> Array:
    """The calibration inputs that the digital correction is fitted over: as many as make one batch.

    Raises:
        InputError: There is only one.
    """
    data = _calibration(network, str(calibration))
    if len(data) < LEAST_INPUTS:
        raise InputError(
            f"a correction is fitted over at least {LEAST_INPUTS} calibration inputs",
            where="--correct-bias",
            got=len(data),
            remedy="give more with --calibration",
        )
    return data[: batch_size(network, data)]


def same_tolerance(options: BuildOptions, layer: MappedLayer) -> Tolerance:
    """The tolerance of a layer that was programmed before, as the same fraction of full scale."""
    if options.tolerance != ADC:
        return _fraction(options)
    return lambda full_scale, _: layer.rules.tolerance_siemens * (full_scale / (layer.full_scale_siemens or 1.0))


def _fraction(options: BuildOptions) -> Tolerance:
    """The tolerance that the options give as a fraction of full scale."""
    return lambda full_scale, _: float(options.tolerance) * full_scale


def _half_step(demand: ColumnDemand, bits: float) -> Tolerance:
    """Half a step of the converters at the columns."""
    return lambda _, scale: demand.half_step_siemens(scale, bits)

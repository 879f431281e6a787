"""Digital correction: a gain and an offset for every output of a layer, fitted on the programmed chip.

What is fitted is what an owner of the chip sees: the codes that its converters give for calibration inputs, in the
place of which stand the simulated chip's outputs with everything at work, and the trained network's outputs y for the
same inputs. Layer after layer, with those before it corrected, a column's outputs c get

    gain = cov(c, y) / var(c),        offset = mean(y) - gain mean(c),

over all inputs and, in a convolution, all positions; both fold into the scale of the codes and the bias that are there
anyway (bias correction: Nagel et al., ICCV 2019). Two numbers a column fit noise where there are few inputs: a layer is
given gain and offset, the offset alone or nothing, whichever errs least on one half of the inputs when it is fitted
over the other half.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rsscircuit.design import Correction, Design
from rsscircuit.inference.chip import Chip
from rsscircuit.inference.effects import CORRECTION, EFFECTS
from rsscircuit.inference.operation import Operation
from rsscircuit.inference.ranges import layer_ranges
from rsscircuit.network import Layer, exact_product, run

Array = NDArray[np.float64]
FIRST_CASE = 2**32  # numbers of calibration inputs in streams of noise, beyond those of any data set
NOTHING, OFFSET, BOTH = "nothing", "offset", "gain and offset"
KINDS = (NOTHING, OFFSET, BOTH)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """The correction of one layer.

    Attributes:
        correction: Over all inputs; None where nothing errs least.
        kind: ``nothing``, ``offset`` or ``gain and offset``.
        before, after: Rms error of the outputs over their rms, without a correction and with one that was fitted over
            the other half of the inputs.
    """

    correction: Correction | None
    kind: str
    before: float
    after: float


def correct(design: Design, inputs: Array, *, progress: Callable[[int], None] | None = None) -> Design:
    """The design with the digital constants of its layers, and what they do in their ``statistics``.

    Args:
        design: A programmed design.
        inputs: [N, ...], one batch of calibration inputs, at least four.
        progress: Called with 1 after each layer.

    Raises:
        SimulationError: A nodal solve did not converge.
    """
    operation = Operation(seed=design.seed)
    ranges = layer_ranges(design, inputs, operation.readout(design.technology).adc_percentile)
    bare = [effect for effect in EFFECTS if effect != CORRECTION]
    chip = Chip(design, ranges, bare, operation, progress=progress)
    fits = fit_layers(chip, inputs)
    return replace(
        design,
        layers=tuple(
            replace(
                layer,
                correction=fits[layer.name].correction,
                statistics={**layer.statistics, "correction": _line(fits[layer.name], len(inputs))},
            )
            for layer in design.layers
        ),
    )


def fit_layers(chip: Chip, inputs: Array) -> Mapping[str, Fit]:
    """The fit of every layer of a chip without corrections, in the network's order, each behind those before it."""
    wanted: dict[str, Array] = {}
    fits: dict[str, Fit] = {}

    def trained(layer: Layer, rows: Array) -> Array:
        wanted[layer.name] = exact_product(layer, rows)
        return wanted[layer.name]

    measured = chip.run_of(range(FIRST_CASE, FIRST_CASE + len(inputs))).product

    def answered(layer: Layer, rows: Array) -> Array:
        codes = measured(layer, rows)
        fits[layer.name] = fit(codes, wanted.pop(layer.name), len(inputs))
        found = fits[layer.name].correction
        return codes if found is None else codes * found.gain + found.offset

    with threadpool_limits(1):
        run(chip.design.network, inputs, product=trained)
        run(chip.design.network, inputs, product=answered)
    return fits


def fit(codes: Array, wanted: Array, inputs: int) -> Fit:
    """The correction of outputs ``codes`` [cases, cols] towards ``wanted``; cases lie input after input."""
    odd = np.arange(len(codes)) // (len(codes) // inputs) % 2 == 1
    errors = dict.fromkeys(KINDS, 0.0)
    for kind in KINDS:
        for fitted, held_out in ((odd, ~odd), (~odd, odd)):
            found = _fitted(codes[fitted], wanted[fitted], kind)
            errors[kind] += float(((codes[held_out] * found.gain + found.offset - wanted[held_out]) ** 2).sum())
    kind = min(KINDS, key=lambda each: errors[each])
    power = float((wanted**2).sum()) or 1.0
    return Fit(
        correction=None if kind == NOTHING else _fitted(codes, wanted, kind),
        kind=kind,
        before=(errors[NOTHING] / power) ** 0.5,
        after=(errors[kind] / power) ** 0.5,
    )


def _fitted(codes: Array, wanted: Array, kind: str) -> Correction:
    """The least-squares correction of one kind."""
    gain = np.ones(codes.shape[1])
    if kind == NOTHING:
        return Correction(gain=gain, offset=np.zeros_like(gain))
    middle, goal = codes.mean(axis=0), wanted.mean(axis=0)
    if kind == BOTH:
        spread = codes - middle
        variance = (spread**2).sum(axis=0)
        np.divide((spread * (wanted - goal)).sum(axis=0), variance, out=gain, where=variance > 0)
    return Correction(gain=gain, offset=goal - gain * middle)


def _line(found: Fit, inputs: int) -> dict[str, Any]:
    return {"kind": found.kind, "before": found.before, "after": found.after, "inputs": inputs}

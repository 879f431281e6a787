"""Area against effective bits: banks of every plan, and their rivals, on the same targets.

Banks are drawn as virtual dies and measured with the circuit's own converters; a signed weight is the nearest subset
sum of a pair of banks, 2n items, solved on measured values and judged on true ones. The common mode of the pair is
free. Rivals are drawn with the mismatch that their area buys. A die is a column of 64 signed weights, of a lot of its
own; the full scale of its column is the median reach of its banks, as a mapped network takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec, bank_spec, sample_pairs
from rsscircuit.comparison.bits import LEAST_VALUES, SIGNED, Interval, effective_bits, median_interval
from rsscircuit.comparison.costs import ASSUMPTIONS, READINGS_PER_SECOND, ROWS, WEIGHTS, bank_readings, calibration_um2
from rsscircuit.comparison.rivals import Rival, rivals
from rsscircuit.comparison.targets import TARGETS
from rsscircuit.errors import InputError
from rsscircuit.options import DEFAULT_TOLERANCE
from rsscircuit.progress import Progress, silent
from rsscircuit.seeds import stream
from rsscircuit.subsetsum import Objective, Problem, solve
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import bank_area_um2

Array = NDArray[np.float64]
PLANS = (
    "equal",
    "linear:0.2",
    "linear:0.5",
    "linear:0.8",
    "geometric:1.1",
    "geometric:1.25",
    "geometric:1.5",
    "uniform:16",
    "sub-radix:1.8",
)
SIZES = (6, 8, 10, 12, 16)
DIES = 64
LEAST_DIES = LEAST_VALUES
WANTED_BITS = 11.0  # even errors within the tolerance of a build


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to make a signed weight, what it costs and what it gives.

    Attributes:
        family: The plan of a bank, or the name of a rival.
        bank: Whether it is a pair of banks, programmed by subset sums.
        size: Resistors a bank, or bits of either polarity.
        area_um2: Of a signed weight: resistors, switches with their latches, and its share of the calibration.
        memory_bits: Latches of a signed weight.
        readings: That calibrate or verify a signed weight.
        calibration_seconds: For all the weights that share a converter.
        bits: Effective bits of the median die, by kind of targets.
        beyond_tolerance: Share of the targets that the measured pair misses by more than the tolerance of a build,
            by kind of targets; empty for rivals.
        total_siemens: Mean total conductance of the pair, the least within that tolerance, by kind of targets; empty
            for rivals.
    """

    family: str
    bank: bool
    size: int
    area_um2: float
    memory_bits: int
    readings: float
    calibration_seconds: float
    bits: Mapping[str, Interval]
    beyond_tolerance: Mapping[str, float]
    total_siemens: Mapping[str, float]


def compare_banks(
    technology: Technology, *, dies: int = DIES, seed: int = 1, progress: Progress = silent
) -> dict[str, Any]:
    """Draw, program and judge every option in a technology.

    Args:
        technology: The process.
        dies: How many of each option.
        seed: Of the dies and of the targets, which are the same for every option.
        progress: Bars for people.

    Returns:
        ``technology``, ``seed``, ``dies``, ``weights_a_die``, ``tolerance``, ``assumptions``, and ``options``, each
        as :class:`Option` has it.

    Raises:
        InputError: Too few dies for an interval, or a negative seed.
    """
    if dies < LEAST_DIES:
        raise InputError(
            "too few dies for a 95 % interval", where="--dies", got=dies, remedy=f"give {LEAST_DIES} or more"
        )
    if seed < 0:
        raise InputError("a seed is a whole number from 0", where="--seed", got=seed)
    weights = {name: draw(stream(seed, "stimulus", layer=name), (dies, ROWS)) for name, draw in TARGETS.items()}
    specs = [bank_spec(plan, size, technology.resistor.unit_ohm) for plan in PLANS for size in SIZES]
    others = rivals(technology)
    options = []
    with progress("compare banks", len(specs) + len(others)) as advance:
        for spec in specs:
            options.append(bank_option(spec, technology, weights, seed))
            advance(1)
        for rival in others:
            options.append(rival_option(rival, weights, seed))
            advance(1)
    return {
        "technology": technology.label,
        "seed": seed,
        "dies": dies,
        "weights_a_die": ROWS,
        "weights_a_converter": WEIGHTS,
        "tolerance": DEFAULT_TOLERANCE,
        "wanted_bits": WANTED_BITS,
        "assumptions": dict(ASSUMPTIONS),
        "options": [asdict(option) for option in options],
    }


def bank_option(spec: BankSpec, technology: Technology, weights: Mapping[str, Array], seed: int) -> Option:
    """A pair of banks, programmed by the nearest subset sum.

    Args:
        spec: One bank of the pair.
        technology: The process.
        weights: float64 [dies, pairs] by kind of targets, in full scales.
        seed: Of the dies.
    """
    dies, pairs = next(iter(weights.values())).shape
    sample = sample_pairs(spec, technology, dies=dies, pairs=pairs, seed=seed)
    measured, true = _items(sample.measured_siemens), _items(sample.true_siemens)
    reach = np.median(sample.measured_siemens.sum(axis=3).reshape(dies, -1), axis=1)
    full_scale = np.repeat(reach, pairs)
    tolerance = DEFAULT_TOLERANCE * full_scale
    bits, beyond, total = {}, {}, {}
    for name, wanted in weights.items():
        targets = wanted.ravel() * full_scale
        nearest = solve(Problem.of(measured, targets))
        made = np.where(nearest.chosen, true, 0.0).sum(axis=1) / full_scale
        bits[name] = median_interval(effective_bits(made.reshape(wanted.shape) - wanted, SIGNED))
        beyond[name] = float(np.mean(nearest.errors > tolerance))
        cheapest = solve(Problem.of(measured, targets, tolerance=tolerance, objective=Objective.LEAST_TOTAL))
        total[name] = float(np.where(cheapest.chosen, np.abs(true), 0.0).sum(axis=1).mean())
    readings = bank_readings(technology, spec.resistors)
    return Option(
        family=spec.plan,
        bank=True,
        size=spec.resistors,
        area_um2=2.0 * bank_area_um2(spec.nominal_ohm, technology) + calibration_um2(technology.measurement.bits),
        memory_bits=2 * spec.resistors,
        readings=readings,
        calibration_seconds=readings * WEIGHTS / READINGS_PER_SECOND,
        bits=bits,
        beyond_tolerance=beyond,
        total_siemens=total,
    )


def rival_option(rival: Rival, weights: Mapping[str, Array], seed: int) -> Option:
    """A rival on the same targets; ``weights`` as for banks."""
    bits = {}
    for name, wanted in weights.items():
        generator = stream(seed, "process", layer=f"{rival.family}/{rival.bits}/{name}")
        bits[name] = median_interval(effective_bits(rival.errors(wanted, generator), SIGNED))
    return Option(
        family=rival.family,
        bank=False,
        size=rival.bits,
        area_um2=rival.area_um2,
        memory_bits=rival.memory_bits,
        readings=rival.readings,
        calibration_seconds=rival.readings * WEIGHTS / READINGS_PER_SECOND,
        bits=bits,
        beyond_tolerance={},
        total_siemens={},
    )


def _items(siemens: Array) -> Array:
    """The 2n items of every pair, [dies * pairs, 2n], from [dies, pairs, 2, n]."""
    signed: Array = siemens * np.array([1.0, -1.0])[:, None]
    return signed.reshape(-1, 2 * siemens.shape[3])

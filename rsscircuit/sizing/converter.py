"""The measurement floor: what the converter adds to the error of a pair, and the bits that keep it small.

What is chosen is right for the measured values; the true ones differ by (see :mod:`rsscircuit.banks.measurement`) an
error of each closed branch's own, the column's all-open error once for every closed branch, with the branch's sign, and
the column's gain error. Of a pair of n resistors a bank, n branches are closed in the mean, and of the difference d of
closed branches of the two banks, given that their sum is the target t, normal theory has

    E[d | t] = t sum g / sum g^2,    Var[d | t] = (n - (sum g)^2 / sum g^2) / 2,

with sums over one bank. Every term is in proportion to the converter's step.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rsscircuit.banks import BankSpec
from rsscircuit.banks.measurement import measurement_range, ratio_sigma, reading_sigma
from rsscircuit.sizing.targets import TargetLaw
from rsscircuit.technology import Technology


def measurement_floor(spec: BankSpec, technology: Technology, law: TargetLaw, headroom: float) -> float:
    """Root mean square of true minus measured conductance of a programmed pair, as a fraction of full scale.

    Nominal values stand for those of a die.

    Args:
        spec: The bank.
        technology: Its process, switch and converter.
        law: The targets.
        headroom: Full scale over the sum of a bank.
    """
    converter = technology.measurement
    siemens = 1.0 / (spec.nominal_ohm + technology.switch.on_ohm)
    total, squares, n = float(siemens.sum()), float((siemens**2).sum()), spec.resistors
    full_scale = headroom * total
    reading = reading_sigma(technology, spec) ** 2
    kept = measurement_range(technology, spec) * 2.0**-converter.bits / converter.averages
    target = float(np.mean(law.evenly**2))
    difference = 0.5 * (n - total**2 / squares) + target * (full_scale * total / squares) ** 2
    power = n * (reading + kept**2 / 12.0) + difference * reading
    return math.sqrt(power / full_scale**2 + target * ratio_sigma(technology) ** 2)


def measurement_bits_for(
    error: float,
    spec: BankSpec,
    technology: Technology,
    law: TargetLaw,
    *,
    headroom: float,
    share: float = 0.1,
    averages: float | None = None,
) -> int:
    """The fewest bits of the measuring converter at which measurement adds at most a share of an error, in rms.

    Args:
        error: Largest error of a pair, as a fraction of full scale.
        spec: The bank.
        technology: Its process, switch and converter; the bits are the answer.
        law: The targets.
        headroom: Full scale over the sum of a bank.
        share: Of the error.
        averages: Readings of a branch; the technology's own where there are none.
    """
    own = technology.measurement
    given = replace(own, averages=own.averages if averages is None else averages)
    floor = measurement_floor(spec, replace(technology, measurement=given), law, headroom)
    return max(1, math.ceil(given.bits + math.log2(floor / (share * error))))

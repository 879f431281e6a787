"""What Monte Carlo trials say together: of all outputs, of every column, and how sure that is yet.

Errors are differences from the trained matrix's outputs over the rms of the latter, once as the converters give them
and once of the array alone. A percentile is given only where
at least one trial lies beyond it, so the first and the 99th take 100 trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.simulate.trials import Outcome

Array = NDArray[np.float64]
PERCENTILES = (1, 5, 50, 95, 99)


def spread(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Statistics of some trials, in the order of their numbers.

    Returns:
        Of the relative error (rms over cases and columns, a value a trial): ``mean``, ``standard_deviation``,
        ``percentiles``, ``worst`` and ``worst_trial``; ``columns``, the same of each column's signed error over trials
        and cases; ``convergence`` of mean and standard deviation with the number of trials; for every trial its
        number, ``relative_error`` and what was ``drawn``; and ``array``, of the column currents before amplifiers and
        converters, the same statistics of trials and columns, and every trial's ``relative_error``.
    """
    numbers = [outcome.trial for outcome in outcomes]
    values = np.array([outcome.relative_error for outcome in outcomes])
    array = np.array([outcome.relative_array_error for outcome in outcomes])
    return {
        **distribution(values, numbers),
        "columns": _columns(np.array([outcome.error for outcome in outcomes]), numbers),
        "convergence": convergence(values),
        "trial": numbers,
        "relative_error": values.tolist(),
        "array": {
            **distribution(array, numbers),
            "columns": _columns(np.array([outcome.array_error for outcome in outcomes]), numbers),
            "relative_error": array.tolist(),
        },
        "drawn": [dict(outcome.drawn) for outcome in outcomes],
    }


def distribution(values: Array, numbers: Sequence[int], *, least_is_worst: bool = False) -> dict[str, Any]:
    """Mean, standard deviation, percentiles and worst of a value a trial, and the number of the first that has it."""
    place = int(values.argmin() if least_is_worst else values.argmax())
    return {
        "mean": float(values.mean()),
        "standard_deviation": _deviation(values),
        "percentiles": _percentiles(values, len(values)),
        "worst": float(values[place]),
        "worst_trial": numbers[place],
    }


def convergence(values: Array) -> list[dict[str, float]]:
    """Mean and standard deviation of the first so many values, each with its standard error.

    The standard error of the standard deviation s is sqrt((m4 - s^4 (n - 3) / (n - 1)) / n) / (2 s), with the fourth
    central moment m4, whatever the distribution.
    """
    steps = [count for count in milestones(len(values)) if count > 1]
    result = []
    for count in steps:
        some = values[:count]
        deviation, fourth = _deviation(some), float(np.mean((some - some.mean()) ** 4))
        excess = max(0.0, fourth - deviation**4 * (count - 3) / (count - 1))
        result.append(
            {
                "trials": count,
                "mean": float(some.mean()),
                "mean_standard_error": deviation / count**0.5,
                "standard_deviation": deviation,
                "standard_deviation_standard_error": (excess / count) ** 0.5 / (2.0 * deviation) if deviation else 0.0,
            }
        )
    return result


def milestones(total: int) -> list[int]:
    """10, 20, 50, 100, ... up to ``total``, which is the last."""
    steps = [digit * 10**power for power in range(1, len(str(total)) + 1) for digit in (1, 2, 5)]
    return [step for step in steps if step < total] + [total]


def _columns(errors: Array, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Of signed errors [trials, cases, cols]."""
    return [_column(errors[:, :, column], numbers) for column in range(errors.shape[2])]


def _column(errors: Array, numbers: Sequence[int]) -> dict[str, Any]:
    """Of signed errors [trials, cases]."""
    largest = np.abs(errors).max(axis=1)
    place = int(np.abs(errors).argmax())
    return {
        "mean": float(errors.mean()),
        "standard_deviation": _deviation(errors.ravel()),
        "percentiles": _percentiles(errors.ravel(), len(errors)),
        "worst": float(largest.max()),
        "worst_signed": float(errors.flat[place]),
        "worst_trial": numbers[int(largest.argmax())],
    }


def _deviation(values: Array) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _percentiles(values: Array, trials: int) -> dict[str, float | None]:
    return {
        str(percent): float(np.percentile(values, percent)) if trials * min(percent, 100 - percent) >= 100 else None
        for percent in PERCENTILES
    }

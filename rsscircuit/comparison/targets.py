"""What a comparison asks cells for: weights as they are after training, and weights that use most of the range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LAPLACE_SCALE = 0.06
MID_RANGE = (0.15, 0.85)


def trained_magnitude(share: Array) -> Array:
    """The magnitude below which a share of trained weights lies, of full scale: Laplace, cut at full scale."""
    result: Array = -LAPLACE_SCALE * np.log1p(share * np.expm1(-1.0 / LAPLACE_SCALE))
    return result


def mid_range_magnitude(share: Array) -> Array:
    """The magnitude below which a share of mid-range weights lies, of full scale."""
    return MID_RANGE[0] + (MID_RANGE[1] - MID_RANGE[0]) * share


def trained_weights(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Laplace of scale 6 % of full scale, cut at full scale: most trained weights are small (assumed)."""
    return _signed(generator, trained_magnitude(generator.random(shape)))


def mid_range(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Either sign, even from 15 to 85 % of full scale."""
    return _signed(generator, mid_range_magnitude(generator.random(shape)))


def _signed(generator: np.random.Generator, size: Array) -> Array:
    result: Array = np.where(generator.random(size.shape) < 0.5, -size, size)
    return result


#: Draws of signed weights, in full scales, by name.
TARGETS: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = MappingProxyType(
    {"trained": trained_weights, "mid_range": mid_range}
)

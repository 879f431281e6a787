"""What a comparison asks cells for: weights as they are after training, and weights that use most of the range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LAPLACE_SCALE = 0.06
MID_RANGE = (0.15, 0.85)


def trained_weights(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Laplace of scale 6 % of full scale, cut at full scale: most trained weights are small (assumed)."""
    share = generator.random(shape)
    size = -LAPLACE_SCALE * np.log1p(share * np.expm1(-1.0 / LAPLACE_SCALE))
    return _signed(generator, size)


def mid_range(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Either sign, even from 15 to 85 % of full scale."""
    return _signed(generator, generator.uniform(*MID_RANGE, shape))


def _signed(generator: np.random.Generator, size: Array) -> Array:
    result: Array = np.where(generator.random(size.shape) < 0.5, -size, size)
    return result


#: Draws of signed weights, in full scales, by name.
TARGETS: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = MappingProxyType(
    {"trained": trained_weights, "mid_range": mid_range}
)

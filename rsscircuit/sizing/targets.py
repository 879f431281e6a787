"""What pairs are asked for: laws of targets, as fractions of full scale, of either sign with the same probability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rsscircuit.comparison.targets import mid_range_magnitude, trained_magnitude

Array = NDArray[np.float64]
_FINE = (np.arange(4096) + 0.5) / 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLaw:
    """A law of targets whose density nowhere grows with the magnitude where it is not zero.

    Attributes:
        name: As on the command line.
        meaning: For people.
        magnitude: The magnitude below which a share of the targets lies, as a function of that share.
    """

    name: str
    meaning: str
    magnitude: Callable[[Array], Array]

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Random targets."""
        u = generator.uniform(-1.0, 1.0, shape)
        result: Array = np.copysign(self.magnitude(np.abs(u)), u)
        return result

    @property
    def evenly(self) -> Array:
        """Magnitudes [4096] at evenly spaced shares: their mean of anything is its expectation."""
        return self.magnitude(_FINE)

    def narrowest(self, share: float) -> float:
        """Total length of the smallest set of values that holds such a share of the targets."""
        ends = self.magnitude(np.array([0.0, share]))
        return float(2.0 * (ends[1] - ends[0]))


LAWS = MappingProxyType(
    {
        law.name: law
        for law in (
            TargetLaw(
                name="weights",
                meaning="Laplace-like with a scale of 6 % of full scale, cut at full scale",
                magnitude=trained_magnitude,
            ),
            TargetLaw(name="mid", meaning="even over 15 to 85 % of full scale", magnitude=mid_range_magnitude),
        )
    }
)

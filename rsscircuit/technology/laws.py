"""Laws of relative variation: how the spread of a process is distributed about its nominal value.

A law draws factors of a resistance, about 1, with a relative spread ``sigma``:

* ``normal``: 1 + sigma z, cut off at four sigma;
* ``truncated:k``: 1 + sigma z with every z beyond k drawn again;
* ``lognormal``: exp(s z) with s^2 = ln(1 + sigma^2), z cut off at four sigma; its median is 1;
* ``uniform``: even on 1 +- sqrt(3) sigma;
* ``thesis:alpha,beta``: one of the family P(alpha, beta) of da Cunha 2023 (1.3.2.1), the densities of at least
  alpha on [-beta, beta], from which subset sums are proved to work. Here the density is alpha there, and the rest
  lies evenly beyond both ends on exponential tails of mean beta. What is drawn is a conductance in units of the
  nominal one, of either sign; a resistor has its magnitude, and the bank it lies in gives the sign.
  ``thesis:0.5,1`` is the thesis's Uniform[-1, 1]. It has no use for sigma.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CUT_SIGMAS = 4.0
_RARE = 3.167e-5  # probability that a normal draw lies more than four sigma below its mean
_LEAST_CONDUCTANCE = 2.0**-40  # of the nominal one; a resistance must stay finite

Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A law of relative variation.

    Attributes:
        name: As it is written in a technology file.
        draw: ``draw(generator, shape)`` gives standard draws.
        factor: ``factor(draws, sigma)`` turns them into factors of a resistance.
        farthest: The standard draw that makes the smallest resistance but for one in 30 000.
    """

    name: str
    draw: Draw
    factor: Callable[[Array, Array | float], Array]
    farthest: float

    def factors(self, generator: np.random.Generator, shape: tuple[int, ...], sigma: Array | float) -> Array:
        """Random factors of a resistance, about 1."""
        return self.factor(self.draw(generator, shape), sigma)

    def least(self, sigma: float) -> float:
        """The smallest factor but for one in 30 000."""
        return float(self.factor(np.array([self.farthest]), sigma)[0])


def parse_law(text: str) -> Law:
    """The law that a text such as ``normal`` or ``truncated:2.5`` names.

    Raises:
        ValueError: No such law, or parameters that mean nothing.
    """
    name, _, given = text.partition(":")
    if name not in _LAWS:
        raise ValueError(f"{text!r} is no law; choose from {', '.join(_FORMS)}")
    try:
        parameters = [float(part) for part in given.split(",")] if given else []
        return _LAWS[name](text, *parameters)
    except (TypeError, ValueError):
        raise ValueError(f"{text!r} is no law; write it as one of {', '.join(_FORMS)}") from None


def _shifted(draws: Array, sigma: Array | float) -> Array:
    result: Array = 1.0 + sigma * draws
    return result


def _exponential(draws: Array, sigma: Array | float) -> Array:
    result: Array = np.exp(np.sqrt(np.log1p(np.square(sigma))) * draws)
    return result


def cut_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Standard normal draws, cut off at four sigma so that no resistance can turn negative."""
    return np.clip(generator.standard_normal(shape), -CUT_SIGMAS, CUT_SIGMAS)


def _normal(name: str) -> Law:
    return Law(name=name, draw=cut_normal, factor=_shifted, farthest=-CUT_SIGMAS)


def _lognormal(name: str) -> Law:
    return Law(name=name, draw=cut_normal, factor=_exponential, farthest=-CUT_SIGMAS)


def _truncated(name: str, cut: float) -> Law:
    if not 0.5 <= cut < math.inf:
        raise ValueError

    def draw(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        draws = generator.standard_normal(shape)
        while (beyond := np.abs(draws) > cut).any():
            draws[beyond] = generator.standard_normal(int(beyond.sum()))
        return draws

    return Law(name=name, draw=draw, factor=_shifted, farthest=-cut)


def _uniform(name: str) -> Law:
    reach = math.sqrt(3.0)

    def draw(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return generator.uniform(-reach, reach, shape)

    return Law(name=name, draw=draw, factor=_shifted, farthest=-reach)


def _thesis(name: str, alpha: float, beta: float) -> Law:
    inside = 2.0 * alpha * beta
    if not (alpha > 0 and 0 < beta < math.inf and inside <= 1.0):
        raise ValueError

    def draw(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        flat = generator.uniform(-beta, beta, shape)
        tail = beta + generator.exponential(beta, shape)
        result: Array = np.where(generator.random(shape) < inside, flat, np.copysign(tail, flat))
        return result

    def factor(draws: Array, sigma: Array | float) -> Array:
        result: Array = 1.0 / np.maximum(np.abs(draws), _LEAST_CONDUCTANCE)
        return result

    tail = math.log(max((1.0 - inside) / _RARE, 1.0))
    return Law(name=name, draw=draw, factor=factor, farthest=beta * (1.0 + tail))


_LAWS: dict[str, Callable[..., Law]] = {
    "normal": _normal,
    "truncated": _truncated,
    "lognormal": _lognormal,
    "uniform": _uniform,
    "thesis": _thesis,
}
_FORMS = ("normal", "truncated:K", "lognormal", "uniform", "thesis:ALPHA,BETA")

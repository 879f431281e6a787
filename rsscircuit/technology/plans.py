"""Nominal plans: the resistances drawn into a bank, smallest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError
from rsscircuit.seeds import stream

Array = NDArray[np.float64]
MAX_RESISTORS = 32  # a pair of banks is one subset-sum problem, and the solvers end at 64 items


def _equal(n: int, _: float) -> Array:
    return np.ones(n)


def _linear(n: int, spread: float) -> Array:
    return np.linspace(1.0, (1.0 + spread) / (1.0 - spread), n) if n > 1 else np.ones(1)


def _geometric(n: int, ratio: float) -> Array:
    return np.cumprod(np.concatenate([[1.0], np.full(n - 1, ratio)]))


def _uniform(n: int, ratio: float) -> Array:
    """Conductances even between the unit's and the unit's over ``ratio``, drawn once for all, the unit among them."""
    shares = np.sort(stream(n, "layout").uniform(1.0 / ratio, 1.0, n - 1))[::-1]
    return np.concatenate([[1.0], 1.0 / shares])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    multiples: Callable[[int, float], Array]
    default: float
    low: float
    high: float
    meaning: str


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "equal": _Kind(multiples=_equal, default=0.0, low=0.0, high=0.0, meaning="all the same"),
        "linear": _Kind(
            multiples=_linear, default=0.2, low=0.0, high=0.9, meaning="evenly spread over +- the parameter"
        ),
        "geometric": _Kind(
            multiples=_geometric, default=1.25, low=1.0, high=4.0, meaning="each the parameter times the last"
        ),
        "sub-radix": _Kind(
            multiples=_geometric, default=1.8, low=1.0, high=2.0, meaning="geometric with a ratio below 2"
        ),
        "binary": _Kind(multiples=_geometric, default=2.0, low=2.0, high=2.0, meaning="geometric with a ratio of 2"),
        "uniform": _Kind(
            multiples=_uniform,
            default=4.0,
            low=1.0,
            high=64.0,
            meaning="conductances drawn evenly down to 1 / parameter",
        ),
    }
)
_LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSpec:
    """What one bank is drawn like.

    Attributes:
        plan: Name of the nominal plan with its parameter, as ``geometric:1.25``.
        nominal_ohm: float64 [n], drawn resistances, smallest first.
    """

    plan: str
    nominal_ohm: Array

    @property
    def resistors(self) -> int:
        """Number of resistors, n."""
        return int(self.nominal_ohm.size)


def bank_spec(plan: str, resistors: int, unit_ohm: float) -> BankSpec:
    """The bank that a plan draws: ``equal``, ``geometric:1.25``, or ``list:1,1.3,1.7`` in multiples of the unit.

    Raises:
        InputError: Unknown plan, a parameter outside its range, or not 1 to 32 resistors.
    """
    if not 1 <= resistors <= MAX_RESISTORS:
        raise InputError("a bank has 1 to 32 resistors", where="--resistors", got=resistors)
    name, _, given = plan.partition(":")
    if name == _LIST:
        return _listed(plan, given, resistors, unit_ohm)
    kind = _KINDS.get(name)
    if kind is None:
        known = ", ".join([*_KINDS, "list:1,1.3,..."])
        raise InputError("no such bank plan", where="--bank", got=plan, remedy=f"choose from {known}")
    try:
        parameter = float(given) if given else kind.default
    except ValueError:
        parameter = float("nan")
    if given and kind.low == kind.high != parameter:
        raise InputError(f"{name} ({kind.meaning}) has no parameter", where="--bank", got=plan, remedy=f"write {name}")
    if not kind.low <= parameter <= kind.high:
        raise InputError(
            f"the parameter of {name} ({kind.meaning}) must be from {kind.low:g} to {kind.high:g}",
            where="--bank",
            got=plan,
            remedy=f"write for example {name}:{kind.default:g}",
        )
    canonical = f"{name}:{parameter:g}" if kind.high else name
    return BankSpec(plan=canonical, nominal_ohm=unit_ohm * kind.multiples(resistors, parameter))


def _listed(plan: str, given: str, resistors: int, unit_ohm: float) -> BankSpec:
    """A bank of multiples that the user names."""
    try:
        multiples = np.sort(np.array([float(part) for part in given.split(",")]))
    except ValueError:
        multiples = np.zeros(1)
    if not (multiples >= 1.0).all() or not (multiples < 1e6).all() or multiples.size != resistors:
        raise InputError(
            "a list needs a multiple of the unit resistance, 1 or more, for every resistor of the bank",
            where="--bank",
            got=plan,
            remedy=f"give {resistors} numbers, or --resistors {multiples.size}",
        )
    text = ",".join(f"{multiple:g}" for multiple in multiples)
    return BankSpec(plan=f"{_LIST}:{text}", nominal_ohm=unit_ohm * np.array([float(m) for m in text.split(",")]))

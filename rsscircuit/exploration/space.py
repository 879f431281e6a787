"""The space of designs: a few axes, each a list of values, and the points of their product.

Points count from 1 in the order of the product, the bits of the ADC fastest. A large product is sampled by a scrambled
Sobol sequence (Sobol 1967, Owen 1998; scipy.stats.qmc), whose points are spread evenly over every axis and every few
axes together; each falls into one point of the product. A longer sample of the same seed holds the shorter one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError
from rsscircuit.quantities import parse_tile
from rsscircuit.seeds import stream
from rsscircuit.sizing.size import split_plans
from rsscircuit.technology import DEFAULT, Technology, load_technology
from rsscircuit.technology.plans import MAX_RESISTORS, bank_spec

T = TypeVar("T")
_BATCH = 1024
_SPARSE = 0.5  # share of a product up to which a sample of it is drawn; beyond, the missing points are put in order


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One point: the choices of a design that are explored; what is None is the technology's.

    Attributes:
        technology: Preset name or file.
        bank: Nominal plan.
        resistors: Resistors a bank.
        tile: Largest logical rows and columns of a crossbar.
        measurement_bits: Of the converter that measures the branches.
        adc_bits: Of the converters at the columns.
    """

    technology: str
    bank: str | None
    resistors: int | None
    tile: tuple[int, int]
    measurement_bits: int | None
    adc_bits: int | None

    def described(self, technology: Technology) -> dict[str, Any]:
        """As plain values, with those of the technology where nothing else was chosen."""
        return {
            "technology": technology.name,
            "bank": technology.plan if self.bank is None else self.bank,
            "resistors": technology.resistors if self.resistors is None else self.resistors,
            "tile": "x".join(map(str, self.tile)),
            "measurement_bits": technology.measurement.bits if self.measurement_bits is None else self.measurement_bits,
            "adc_bits": technology.readout.adc_bits if self.adc_bits is None else self.adc_bits,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The values of every axis; None stands for the technology's own.

    Attributes:
        technology, bank, resistors, tile, measurement_bits, adc_bits: As of a :class:`Configuration`.
    """

    technology: tuple[str, ...] = (DEFAULT,)
    bank: tuple[str | None, ...] = (None,)
    resistors: tuple[int | None, ...] = (None,)
    tile: tuple[tuple[int, int], ...] = ((64, 64),)
    measurement_bits: tuple[int | None, ...] = (None,)
    adc_bits: tuple[int | None, ...] = (None,)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values every axis has."""
        return tuple(len(getattr(self, each.name)) for each in fields(self))

    @property
    def size(self) -> int:
        """How many points the product has."""
        return int(np.prod(self.shape, dtype=object))

    def at(self, number: int) -> Configuration:
        """The point of a number, from 1."""
        place = np.unravel_index(number - 1, self.shape)
        values = {each.name: getattr(self, each.name)[k] for each, k in zip(fields(self), place, strict=True)}
        return Configuration(**values)

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return {name: list(values) for name, values in asdict(self).items()}


def parse_axes(
    *,
    technology: str | None = None,
    bank: str | None = None,
    resistors: str | None = None,
    tile: str | None = None,
    measurement_bits: str | None = None,
    adc_bits: str | None = None,
) -> Axes:
    """Axes from lists with commas; an axis that is not given has one value, the default of ``build`` and ``evaluate``.

    Raises:
        RsscircuitError: A list with an empty or a repeated entry, a technology or plan that there is not, or a number
            that is not whole and above 0.
    """
    given: dict[str, Any] = {}
    if technology is not None:
        given["technology"] = _listed(technology, "--technology", str)
    if bank is not None:
        given["bank"] = split_plans(bank, where="--bank")
    if tile is not None:
        given["tile"] = _listed(tile, "--tile", parse_tile)
    numbers = {"resistors": resistors, "measurement_bits": measurement_bits, "adc_bits": adc_bits}
    for name, text in numbers.items():
        if text is not None:
            given[name] = _whole_numbers(text, f"--{name.replace('_', '-')}")
    axes = Axes(**given)
    for name in axes.technology:
        load_technology(name)
    for plan in axes.bank:
        if plan is not None:
            _check_plan(plan)
    return axes


def sample(axes: Axes, count: int, seed: int) -> tuple[int, ...]:
    """The numbers of so many different points, in order; all of them if there are no more.

    Raises:
        InputError: No point is asked for.
    """
    from scipy.stats import qmc

    if count < 1:
        raise InputError("there must be at least one point", where="--points", got=count)
    if count >= axes.size:
        return tuple(range(1, axes.size + 1))
    shape = np.array(axes.shape)
    sequence = qmc.Sobol(int((shape > 1).sum()), seed=int(stream(seed, "sample").integers(2**63)))
    found: dict[int, None] = {}
    while len(found) < min(count, _SPARSE * axes.size):
        places = np.zeros((_BATCH, shape.size), np.int64)
        places[:, shape > 1] = (sequence.random(_BATCH) * shape[shape > 1]).astype(np.int64)
        cells: NDArray[np.int64] = np.asarray(np.ravel_multi_index(tuple(places.T), axes.shape))
        found |= dict.fromkeys((cells + 1).tolist())
    if len(found) < count:
        others = np.setdiff1d(np.arange(1, axes.size + 1), list(found))
        found |= dict.fromkeys(stream(seed, "sample", die="others").permutation(others).tolist())
    return tuple(sorted(list(found)[:count]))


def _listed(text: str, where: str, parse: Callable[[str], T]) -> tuple[T, ...]:
    """Every entry of a list with commas, once."""
    entries = [entry.strip() for entry in text.split(",")]
    if "" in entries:
        raise InputError("an axis is a list of values with commas between them", where=where, got=text)
    values = tuple(parse(entry) for entry in entries)
    if len(set(values)) < len(values):
        raise InputError("the same value stands twice", where=where, got=text, remedy="leave one out")
    return values


def _whole_numbers(text: str, where: str) -> tuple[int, ...]:
    def number(entry: str) -> int:
        try:
            value = int(entry)
        except ValueError:
            value = 0
        if value < 1:
            raise InputError("not a whole number from 1", where=where, got=entry, remedy="write for example 10,12,14")
        return value

    return _listed(text, where, number)


def _check_plan(plan: str) -> None:
    """Refuse a plan that no bank can have, whatever its number of resistors.

    Raises:
        InputError: Such a plan.
    """
    for resistors in range(MAX_RESISTORS, 0, -1):
        try:
            bank_spec(plan, resistors, 1.0)
        except InputError:
            if resistors == 1:
                raise
        else:
            return

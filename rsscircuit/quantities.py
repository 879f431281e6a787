"""Numbers with units: how they are read from people and written for machines and people."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from rsscircuit.errors import InputError

_PREFIXES = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([fpnumkMG]?)", re.ASCII)
_TILE = re.compile(r"(\d+)[xX](\d+)", re.ASCII)


def parse_tile(text: str, *, where: str = "--tile") -> tuple[int, int]:
    """Rows and columns of ``"64x64"``.

    Raises:
        InputError: Not two whole numbers from 1 to 4096 joined by ``x``.
    """
    match = _TILE.fullmatch(text.strip())
    rows, columns = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (1 <= rows <= 4096 and 1 <= columns <= 4096):
        raise InputError(
            "a tile is ROWSxCOLUMNS, each from 1 to 4096",
            where=where,
            got=text,
            remedy="write for example 64x64",
        )
    return rows, columns


def spice_number(value: float) -> str:
    """``value`` for a netlist: every digit, no suffix (``10M`` would be ten milli).

    Raises:
        ValueError: ``value`` is not finite; no netlist can hold it.
    """
    if not math.isfinite(value):
        raise ValueError(f"a netlist cannot hold {value!r}")
    return repr(float(value))


def engineering(value: float, unit: str, digits: int = 3) -> str:
    """``value`` for people: ``4.7e-5, "S"`` becomes ``47 uS``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    rounded = float(f"{abs(value):.{digits}g}")  # 999.7 n is 1 u to three digits
    exponent = min(9, max(-15, 3 * math.floor(math.log10(rounded) / 3)))
    prefix = next(p for p, e in _PREFIXES.items() if e == exponent)
    return f"{value / 10.0**exponent:.{digits}g} {prefix}{unit}"


def parse_range(text: str, where: str) -> tuple[float, float]:
    """The two ends of ``"-40:125"``, or of one number, which is both.

    Raises:
        InputError: Not two finite numbers, or the first is the larger.
    """
    low, colon, high = text.partition(":")
    try:
        ends = float(low), float(high if colon else low)
    except ValueError:
        ends = math.nan, math.nan
    if not (math.isfinite(ends[0]) and math.isfinite(ends[1]) and ends[0] <= ends[1]):
        raise InputError(
            "a range is LOW:HIGH, or one number", where=where, got=text, remedy="write for example -40:125"
        )
    return ends


def parse_numbers(text: str, where: str) -> tuple[int, ...]:
    """The numbers of a list with commas, ``"3,7,0"``; one number alone stands for as many from 0.

    Raises:
        InputError: Not whole numbers from 0, one that stands twice, or none at all.
    """
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) == 1:
        numbers = tuple(range(numbers[0]))
    if not numbers or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise InputError(
            "give how many from the first, or different numbers from 0 with commas",
            where=where,
            got=text,
            remedy="write for example 3, or 0,7,12",
        )
    return numbers


def parse_names(text: str, known: Sequence[str], *, what: str, where: str) -> frozenset[str]:
    """The names of ``all``, ``none`` or a list with commas.

    Args:
        text: As the user wrote it.
        known: Every name there is.
        what: What a name stands for, in the singular, for errors.
        where: The option, for errors.

    Raises:
        InputError: A name that is not known, or one that stands twice.
    """
    if text in ("all", "none"):
        return frozenset(known if text == "all" else ())
    names = [part.strip() for part in text.split(",")]
    unknown = sorted(set(names).difference(known))
    twice = sorted({name for name in names if names.count(name) > 1}.intersection(known))
    if unknown or twice:
        raise InputError(
            f"no such {what}" if unknown else f"the same {what} twice",
            where=where,
            got=", ".join(unknown or twice),
            remedy=f"give all or none alone, or some of {', '.join(known)}",
        )
    return frozenset(names)


def parse_quantity(text: str, where: str) -> float:
    """A number with a prefix, ``"12.34k"`` or ``"1.2e4"``; ``m`` is a thousandth and ``M`` a million.

    Raises:
        InputError: Not a finite number with one of f, p, n, u, m, k, M and G, or none, behind it.
    """
    match = _QUANTITY.fullmatch(text.strip())
    try:
        value = _scaled(match[1], _PREFIXES[match[2]]) if match else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"a quantity is a number with one of {' '.join(filter(None, _PREFIXES))}, or none, behind it",
            where=where,
            got=text,
            remedy="write for example 12.34k",
        )
    return value


def _scaled(number: str, exponent: int) -> float:
    """``number`` times a power of ten, rounded once: 12.34k is 12340 exactly."""
    mantissa, _, own = number.lower().partition("e")
    return float(f"{mantissa}e{int(own or 0) + exponent}")

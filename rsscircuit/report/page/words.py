"""Numbers as a reader of the page meets them."""

from __future__ import annotations

from rsscircuit.quantities import engineering

THIN, FIXED = "\u202f", "\u00a0"  # spaces at which no line breaks
_UM2_PER_MM2 = 1e6


def share(fraction: float, digits: int = 3) -> str:
    """``0.0123`` as ``1.23 %``; always in per cent, so that figures beside each other compare."""
    return f"{_plain(100 * fraction, digits)}{FIXED}%"


def count(number: float, of: str = "", many: str = "") -> str:
    """A whole number in groups of three, with what is counted if asked for."""
    grouped = f"{round(number):,}".replace(",", THIN)
    if not of:
        return grouped
    return f"{grouped} {of if round(number) == 1 else many or of + 's'}"


def sentence(text: str) -> str:
    """``text`` with a capital at its start."""
    return text[:1].upper() + text[1:]


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """``4.7e-5, "S"`` as ``47 µS``."""
    number, prefixed = engineering(value, unit, digits).split(" ", 1)
    prefixed = prefixed.replace("Ohm", "Ω")
    if len(prefixed) > 1 and prefixed.startswith("u"):
        prefixed = "µ" + prefixed[1:]
    return f"{_plain(float(number), digits)}{FIXED}{prefixed}"


def square(um2: float) -> str:
    """An area."""
    return f"{_plain(um2 / _UM2_PER_MM2)}{FIXED}mm²" if um2 >= 1e4 else f"{_plain(um2)}{FIXED}µm²"


def _plain(value: float, digits: int = 3) -> str:
    """So many significant digits; with an exponent only where it is far from one."""
    rounded = float(f"{value:.{digits}g}")
    if rounded and not 1e-4 <= abs(rounded) < 1e6:
        mantissa, exponent = f"{rounded:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent)}"
    if abs(rounded) >= 10 ** (digits - 1):
        return f"{rounded:,.0f}".replace(",", THIN).replace("-", "−")
    return f"{rounded:.10g}".replace("-", "−")


plain = _plain

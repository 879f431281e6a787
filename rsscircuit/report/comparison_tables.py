"""The comparison of banks as tables for people."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rsscircuit.report.tables import percent, print_lines, print_table

Option = Mapping[str, Any]


def show_comparison(result: Mapping[str, Any]) -> None:
    """Every option, what the figures mean, and the least area that gives the bits that a build needs."""
    options = result["options"]
    heads = (
        "bank or cell",
        "n or\nbits",
        "area\num2",
        "mem.\nbits",
        "read-\nings",
        "bits,\ntrained",
        "bits,\nmid-range",
        "missed",
        "total\nuS",
    )
    print_table(heads, [row for family in by_family(options) for row in _rows(family)])
    print_lines(_legend(result))
    wanted = result["wanted_bits"]
    print_lines(["", f"Least area of these whose interval reaches {wanted:g} effective bits:"])
    columns = ("bank or cell", "trained\nn or bits", "trained\num2", "mid-range\nn or bits", "mid-range\num2")
    print_table(columns, [_least_row(family, wanted) for family in by_family(options)])


def _legend(result: Mapping[str, Any]) -> list[str]:
    slowest = max((option for option in result["options"] if option["bank"]), key=lambda option: option["readings"])
    meanings = {
        "n or bits": "resistors a bank, or bits of either polarity of a rival",
        "area": "of a signed weight: resistors, switches, latches, and its share of a converter that calibrates",
        "mem. bits": "latches of a signed weight",
        "readings": f"{slowest['readings']:.0f} a weight take {slowest['calibration_seconds']:.0f} s for all the "
        "weights of a converter",
        "bits": "log2(2 full scales / (rms error sqrt 12)) of the median die ± the farther end of its 95 % interval;",
        "": "banks are programmed by the nearest sum of the measured pair and judged on the true one",
        "targets": "trained weights: Laplace, scale 6 % of full scale; mid-range: 15 to 85 % of it; either sign",
        "missed": f"share of {result['dies'] * result['weights_a_die']} mid-range targets that no subset of the "
        f"measured pair meets within 2^{math.log2(result['tolerance']):g} of full scale",
        "total": "mean conductance of the pair at trained weights, the least within that tolerance",
    }
    assumed = {f"  {name}": text for name, text in result["assumptions"].items()}
    return [
        f"{result['technology']}: {result['dies']} dies of {result['weights_a_die']} signed weights, seed "
        f"{result['seed']}; full scale is the die's median bank",
        *(f"{name:<11}{text}" for name, text in meanings.items()),
        "charged or left out:",
        *(f"{name:<13}{text}" for name, text in assumed.items()),
    ]


def by_family(options: Sequence[Option]) -> list[list[Option]]:
    """The options of each family together, in their order."""
    return [list(members) for _, members in itertools.groupby(options, key=lambda option: option["family"])]


def least(family: Sequence[Option], targets: str, bits: float) -> Option | None:
    """The option of least area whose interval reaches so many bits; None where none does."""
    good = [option for option in family if option["bits"][targets]["high"] >= bits]
    return min(good, key=lambda option: option["area_um2"], default=None)


def _rows(family: Sequence[Option]) -> list[tuple[str, ...]]:
    return [
        (
            option["family"] if option is family[0] else "",
            str(option["size"]),
            _area(option),
            str(option["memory_bits"]),
            f"{option['readings']:.0f}",
            _interval(option["bits"]["trained"]),
            _interval(option["bits"]["mid_range"]),
            _share(option["beyond_tolerance"].get("mid_range")),
            f"{1e6 * option['total_siemens']['trained']:.3g}" if option["bank"] else "-",
        )
        for option in family
    ]


def _least_row(family: Sequence[Option], bits: float) -> tuple[str, ...]:
    found = [least(family, targets, bits) for targets in ("trained", "mid_range")]
    cells = [("-", "-") if option is None else (str(option["size"]), _area(option)) for option in found]
    return (family[0]["family"], *cells[0], *cells[1])


def _area(option: Option) -> str:
    return f"{option['area_um2']:,.0f}".replace(",", " ")


def _interval(bits: Mapping[str, float]) -> str:
    farther = max(bits["high"] - bits["median"], bits["median"] - bits["low"])
    return f"{bits['median']:.2f} ±{farther:.2f}"


def _share(missed: float | None) -> str:
    return "-" if missed is None else percent(missed, 2) if missed else "0"

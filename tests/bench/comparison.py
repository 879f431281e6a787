"""What compare-banks finds in the four silicon technologies: two tables and the picture of docs/banks.md.

python tests/bench/comparison.py                    both tables, some minutes
python tests/bench/comparison.py --write            and the page and its picture
python tests/bench/comparison.py --results DIR      from DIR/NAME/compare_banks.json, as compare-banks --out writes it
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pages

from rsscircuit.comparison import compare_banks
from rsscircuit.report.comparison_plot import draw_comparison
from rsscircuit.report.comparison_tables import by_family, least
from rsscircuit.technology import load_technology

TECHNOLOGIES = ("sky130_xhigh_100k", "sky130_xhigh_1M", "sg13g2_rhigh_100k", "gf180_hres1k_100k")
AREAS_UM2 = (600, 1000, 1500, 2300)
TARGETS = ("trained", "mid_range")

Result = Mapping[str, Any]


def spaced(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}".replace(",", " ")


def equal_area_block(result: Result) -> pages.Block:
    """Bits of the largest bank of every plan within an area."""
    rows = []
    for family in by_family(result["options"]):
        if family[0]["bank"]:
            cells = []
            for area in AREAS_UM2:
                within = [option for option in family if option["area_um2"] <= area]
                bits = [f"{within[-1]['bits'][name]['median']:.1f}" for name in TARGETS] if within else []
                cells.append(f"{' / '.join(bits)} ({within[-1]['size']})" if within else "-")
            rows.append((f"`{family[0]['family']}`", *cells))
    return pages.Block("equal-area", ("plan", *(f"{spaced(area)} um²" for area in AREAS_UM2)), rows)


def least_area_block(results: Mapping[str, Result]) -> pages.Block:
    """The least area whose intervals reach the bits wanted on both sets of targets."""
    columns = []
    for result in results.values():
        column = {}
        for family in by_family(result["options"]):
            found = [least(family, targets, result["wanted_bits"]) for targets in TARGETS]
            both = [option for option in found if option is not None]
            larger = max(both, key=lambda option: option["area_um2"]) if len(both) == len(found) else None
            name = f"`{family[0]['family']}`" if family[0]["bank"] else family[0]["family"]
            column[name] = "-" if larger is None else f"{spaced(larger['area_um2'])} ({larger['size']})"
        columns.append(column)
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    return pages.Block("least-area", ("bank or cell", *(f"`{name}`" for name in results)), rows)


def main() -> None:
    """Compare, print, and write where asked to."""
    parser = argparse.ArgumentParser(description="tables of compare-banks over the silicon technologies")
    parser.add_argument("--results", type=Path, metavar="DIR", help="take what compare-banks --out DIR/NAME wrote")
    parser.add_argument("--write", action="store_true", help="rewrite the tables and the picture of docs/banks.md")
    asked = parser.parse_args()
    results: dict[str, Result] = {}
    for name in TECHNOLOGIES:
        if asked.results is None:
            results[name] = compare_banks(load_technology(name))
        else:
            results[name] = json.loads((asked.results / name / "compare_banks.json").read_text("utf-8"))
    first = results[TECHNOLOGIES[0]]
    blocks = [equal_area_block(first), least_area_block(results)]
    for block in blocks:
        block.show()
    if asked.write:
        pages.write("banks.md", {block.key: block.markdown() for block in blocks})
        draw_comparison(first, pages.PICTURES / "compare-banks.svg")


if __name__ == "__main__":
    main()

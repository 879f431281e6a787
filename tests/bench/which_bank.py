"""Which bank `build` should draw: the shipped LeNet5s with each plan, for the table of docs/banks.md.

python tests/bench/which_bank.py                              all technologies
python tests/bench/which_bank.py --technology gf180_hres1k_100k   one
python tests/bench/which_bank.py --write                      all, and put the table into docs/banks.md

First 500 test images of MNIST and of Fashion-MNIST, calibrated; area is that of a signed weight, both its banks, every
resistor by its own length and every switch with its latch. A cell misses where its target is out of reach or beyond
the tolerance.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from networks import measured, percent
from pages import Block, write

from rsscircuit.banks import bank_spec
from rsscircuit.technology import load_technology
from rsscircuit.technology.cell import bank_area_um2

IMAGES = 500
BOTH = ("LeNet5, MNIST", "LeNet5, Fashion-MNIST")
HEADS = ("technology", "plan, n", "area, um²", "cells that miss", "output error, mapped", "output error, parasitics")
CASES: Mapping[str, tuple[tuple[str, int], ...]] = {
    "sky130_xhigh_100k": (
        ("equal", 12),
        ("linear:0.2", 12),
        ("linear:0.5", 12),
        ("linear:0.6", 13),
        ("linear:0.7", 13),
        ("linear:0.8", 12),
        ("geometric:1.1", 14),
        ("geometric:1.2", 13),
        ("geometric:1.25", 12),
        ("geometric:1.5", 10),
        ("uniform:16", 12),
        ("sub-radix:1.8", 9),
    ),
    "sky130_xhigh_1M": (
        ("equal", 14),
        ("linear:0.2", 18),
        ("linear:0.5", 10),
        ("linear:0.5", 12),
        ("linear:0.5", 14),
        ("linear:0.5", 18),
        ("geometric:1.1", 14),
        ("geometric:1.2", 12),
        ("geometric:1.25", 12),
        ("geometric:1.5", 10),
        ("sub-radix:1.8", 9),
    ),
    "sg13g2_rhigh_100k": (
        ("linear:0.5", 14),
        ("linear:0.7", 13),
        ("linear:0.8", 12),
        ("geometric:1.15", 14),
        ("geometric:1.25", 12),
    ),
    "gf180_hres1k_100k": (
        ("linear:0.5", 14),
        ("linear:0.7", 13),
        ("linear:0.8", 12),
        ("geometric:1.25", 12),
        ("geometric:1.5", 10),
    ),
    "thesis_iid20": (("equal", 12), ("equal", 16)),
}


def row(name: str, plan: str, resistors: int, images: int) -> tuple[str, ...]:
    """One bank: area, misses and errors, MNIST / Fashion-MNIST."""
    technology = load_technology(name)
    area = 2 * bank_area_um2(bank_spec(plan, resistors, technology.resistor.unit_ohm).nominal_ohm, technology)
    both = [measured(network, images, technology=name, bank=plan, resistors=resistors) for network in BOTH]
    shown = f"`{plan}`, {resistors}"
    if (plan, resistors) == (technology.plan, technology.resistors):
        shown = f"**{shown}**"
    label = f"`{name}`" + (" (hypothetical)" if technology.hypothetical else "")
    return (
        label,
        shown,
        f"{area:,.0f}".replace(",", " "),
        " / ".join(str(design.summary["beyond_tolerance"] + design.summary["beyond_reach"]) for design, _ in both),
        " / ".join(percent(found["output_error"]["mapped"], 2) for _, found in both),
        " / ".join(percent(found["output_error"]["with_parasitics"], 1) for _, found in both),
    )


def main() -> None:
    """Print the table, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description="plans and sizes of banks under the shipped networks")
    parser.add_argument("--technology", choices=[*CASES], help="only this one")
    parser.add_argument("--images", type=int, default=IMAGES, help="first so many test images")
    parser.add_argument("--write", action="store_true", help="put the table of all technologies into docs/banks.md")
    asked = parser.parse_args()
    if asked.write and (asked.technology or asked.images != IMAGES):
        parser.error("--write is for the whole table")
    names = [asked.technology] if asked.technology else [*CASES]
    rows = [row(name, *case, asked.images) for name in names for case in CASES[name]]
    block = Block(key="which-bank", heads=HEADS, rows=rows, left=2)
    block.show()
    if asked.write:
        write("banks.md", {block.key: block.markdown()})


if __name__ == "__main__":
    main()

"""One choice of switches for all corners against one for the nominal point, on a tile of trained-like targets.

python tests/bench/corners.py
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import Place, bank_spec, draw_die, measure
from rsscircuit.design import Rules, program
from rsscircuit.report.tables import percent, print_table
from rsscircuit.technology import load_technology
from rsscircuit.technology.corners import Corner, at_corner

SHAPE = (64, 16)
SCALE = 0.06  #: of the Laplace-like targets, over full scale
HEADROOM = 0.85
HEADS = ("technology", "choice", "rms nominal", "rms hot", "rms cold", "worst hot", "worst cold", "missed", "total")


def rows_of(name: str) -> list[tuple[str, ...]]:
    """Errors of measured pairs over full scale, with and without corners in the choice."""
    technology = load_technology(name)
    supply, volt = technology.drive.supply_volt, technology.drive.read_volt
    corners = (
        Corner(celsius=125.0, supply_volt=0.9 * supply, volt=volt),
        Corner(celsius=-40.0, supply_volt=1.1 * supply, volt=-volt),
    )
    spec, place = bank_spec("geometric:1.25", 12, technology.resistor.unit_ohm), Place(seed=1, layer="bench", tile=0)
    banks = measure(draw_die(spec, technology, np.ones(SHAPE, np.bool_), place), technology, spec, place)
    full_scale = HEADROOM * float(banks.step_siemens.sum(axis=3).min())
    targets = np.random.default_rng(0).laplace(0.0, SCALE * full_scale, SHAPE).clip(-full_scale, full_scale)
    moved = np.stack([at_corner(banks.step_siemens, technology, corner) for corner in corners], axis=4)
    everywhere = np.concatenate([banks.step_siemens[..., None], moved], axis=4)

    def row(choice: str, closed: NDArray[np.bool_], missed: int) -> tuple[str, ...]:
        sums = np.where(closed[..., None], everywhere, 0.0).sum(axis=3)
        error = (sums[:, :, 0] - sums[:, :, 1] - targets[..., None]) / full_scale
        rms, worst = np.sqrt((error**2).mean(axis=(0, 1))), np.abs(error).max(axis=(0, 1))
        total = float(np.where(closed, banks.step_siemens, 0.0).sum(axis=(2, 3)).mean()) / full_scale
        shown = [percent(float(value)) for value in (*rms, *worst[1:])]
        return (technology.name, choice, *shown, str(missed), f"{total:.3f}")

    rules = Rules(tolerance_siemens=2.0**-11 * full_scale)
    plain, robust = program(targets, banks, rules), program(targets, banks, rules, corners=moved)
    return [
        row("nominal point", plain.closed, int(plain.beyond_tolerance.sum())),
        row("all corners", robust.closed, int(robust.beyond_tolerance.sum())),
    ]


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description="one choice for all corners against one for the nominal point").parse_args()
    names = ("sky130_xhigh_1M", "sky130_xhigh_100k", "sg13g2_rhigh_100k", "gf180_hres1k_100k")
    print_table(HEADS, [row for name in names for row in rows_of(name)], left=2)


if __name__ == "__main__":
    main()

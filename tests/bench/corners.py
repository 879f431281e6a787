"""One choice of switches for all corners against one for the nominal point, on the default banks of the presets.

python tests/bench/corners.py                              # every preset, and a feedback resistor without switches
python tests/bench/corners.py --feedback 1.5,1.6,1.8,2     # other branches of the feedback, in unit resistances
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import MeasuredBanks, Place, bank_spec, draw_die, measure
from rsscircuit.design import Rules, costs_of, program
from rsscircuit.report.tables import percent, print_lines, print_table
from rsscircuit.subsetsum import Objective
from rsscircuit.technology import Technology, load_technology
from rsscircuit.technology.cell import ageing_siemens2
from rsscircuit.technology.corners import at_corners, parse_corners

Array = NDArray[np.float64]
PRESETS = ("sky130_xhigh_1M", "sky130_xhigh_100k", "sg13g2_rhigh_100k", "gf180_hres1k_100k")
SHAPE = (64, 32)
SCALE = 0.06  #: of the Laplace-like targets, over full scale
HEADROOM = 0.85
TOLERANCE = 2.0**-11
NO_SWITCH = 1e6  #: unit resistances a branch of the feedback, in which no switch matters
HEADS = (
    "technology", "targets", "feedback\nbranch, R", "choice", "rms\nnominal", "rms, worst\ncorner", "worst\nerror",
    "missed", "total", "ageing", "us a\ncell",
)  # fmt: skip


def targets_of(full_scale: float) -> dict[str, Array]:
    """Trained-like weights, and large ones."""
    rng = np.random.default_rng(0)
    return {
        "trained": rng.laplace(0.0, SCALE * full_scale, SHAPE).clip(-full_scale, full_scale),
        "large": rng.uniform(0.5, 1.0, SHAPE) * full_scale * rng.choice([-1.0, 1.0], SHAPE),
    }


def rows_of(technology: Technology, banks: MeasuredBanks, choices: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Errors of measured pairs over full scale."""
    supply, volt = technology.drive.supply_volt, technology.drive.read_volt
    corners = parse_corners(f"celsius=-40:125,supply={0.9 * supply}:{1.1 * supply},volt={volt}", technology)
    moved = at_corners(banks.step_siemens, technology, corners)
    assert moved is not None
    everywhere = np.concatenate([banks.step_siemens[..., None], moved], axis=4)
    drift = ageing_siemens2(banks.step_siemens, technology)
    full_scale = HEADROOM * float(np.median(banks.step_siemens.sum(axis=3)))
    rows = []
    for name, targets in targets_of(full_scale).items():
        for choice in choices:
            objective = Objective.LEAST_COST if choice.endswith("least ageing") else Objective.LEAST_TOTAL
            rules = Rules(tolerance_siemens=TOLERANCE * full_scale, objective=objective)
            began = time.perf_counter()
            plan = program(
                targets,
                banks,
                rules,
                corners=moved if choice.startswith("corners") else None,
                costs=costs_of(banks, rules, technology),
            )
            seconds = time.perf_counter() - began
            sums = np.where(plan.closed[..., None], everywhere, 0.0).sum(axis=3)
            error = (sums[:, :, 0] - sums[:, :, 1] - targets[..., None]) / full_scale
            rms = np.sqrt((error**2).mean(axis=(0, 1)))
            total = float(np.where(plan.closed, banks.step_siemens, 0.0).sum(axis=(2, 3)).mean()) / full_scale
            ageing = float(np.where(plan.closed, drift, 0.0).sum(axis=(2, 3)).mean()) ** 0.5 / full_scale
            branch = technology.feedback.branch_ohm / technology.resistor.unit_ohm
            rows.append(
                (
                    technology.name,
                    name,
                    "no switch" if branch == NO_SWITCH else f"{branch:.3g}",
                    choice,
                    percent(float(rms[0])),
                    percent(float(rms[1:].max())),
                    percent(float(np.abs(error).max())),
                    str(int(plan.beyond_tolerance.sum())),
                    f"{total:.3f}",
                    percent(ageing),
                    f"{1e6 * seconds / targets.size:.0f}",
                )
            )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--technology", choices=PRESETS, help="this preset only")
    parser.add_argument("--feedback", help="branches of the feedback, in unit resistances")
    given = parser.parse_args()
    rows = []
    for name in PRESETS if given.technology is None else (given.technology,):
        own = load_technology(name)
        unit_ohm = own.resistor.unit_ohm
        spec, place = bank_spec(own.plan, own.resistors, unit_ohm), Place(seed=1, layer="bench", tile=0)
        banks = measure(draw_die(spec, own, np.ones(SHAPE, np.bool_), place), own, spec, place)
        branches = [float(text) for text in given.feedback.split(",")] if given.feedback else [NO_SWITCH]
        for branch in branches:
            feedback = replace(own.feedback, branch_ohm=branch * unit_ohm)
            rows += rows_of(replace(own, feedback=feedback), banks, ("nominal", "corners"))
        if not given.feedback:
            rows += rows_of(own, banks, ("nominal", "nominal, least ageing", "corners", "corners, least ageing"))
    print_table(HEADS, rows, left=4)
    print_lines(
        [
            f"{SHAPE[0]} x {SHAPE[1]} pairs of each preset's own bank, tolerance {percent(TOLERANCE)} of full scale;",
            "corners: -40 and 125 C, supply +- 10 %, read voltage of either sign; errors over full scale",
        ]
    )


if __name__ == "__main__":
    main()

"""The steps of a build and their checks, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from rsscircuit.design.outcomes import STEPS, Check, Outcome
from rsscircuit.report.tables import print_lines, print_table


def show_steps(outcomes: Mapping[str, Outcome]) -> None:
    """Print every step with its verdict, and where a design that stops early goes on."""
    rows = [
        (each.step, each.verdict, remark_of(each.check), figure_of(each.check), f"{each.seconds:.1f} s")
        for each in outcomes.values()
    ]
    print_table(("step", "check", "what the figure is", "figure (limit)", "time"), rows, left=3)
    if "solve" not in outcomes:
        following = STEPS[STEPS.index([*outcomes][-1]) + 1]
        print_lines([f"The design stops here, before its switches are chosen; it goes on with --from {following}."])


def figure_of(check: Check) -> str:
    """The figure, and the largest that passes."""
    return "-" if check.figure is None else f"{check.figure:.2g} ({check.limit:.2g})"


def remark_of(check: Check) -> str:
    """What was compared with what, where the worst is, and what else was seen."""
    if check.figure is None:
        return check.note
    worst = f"; worst in {check.where}" if check.where and check.figure > 0 else ""
    note = f"; {check.note}" if check.note else ""
    return f"{check.unit}, against {check.against}{worst}{note}"


def layer_seconds(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """How long the switches of every layer took to choose, by its label."""
    return {label: f"{seconds:.1f} s" for label, seconds in outcomes["solve"].result["layer_seconds"].items()}

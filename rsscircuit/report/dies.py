"""What a design says of the die that it was programmed for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rsscircuit.banks.plausible import LOCAL_SIGMAS, SHARED_SIGMAS
from rsscircuit.report.tables import fixing_facts, floor_lines, floor_of, note_lines, percent, print_lines, print_table


def show_programmed(record: Mapping[str, Any], seconds: Mapping[str, str]) -> None:
    """How well every layer was programmed for a measured die, and what the die lacks."""
    rows = []
    for layer in record["layers"]:
        figures, lacks = layer["statistics"], record["die"]["layers"][layer["name"]]
        rows.append(
            (
                layer["name"],
                percent(figures["rms_weight_error"]),
                percent(figures["worst_weight_error"]),
                str(figures["beyond_reach"]),
                str(figures["beyond_tolerance"]),
                str(lacks["missing"] + lacks["open_resistors"]),
                str(lacks["stuck_open"] + lacks["stuck_closed"]),
                floor_of(figures),
                seconds.get(layer["label"], "-"),
            )
        )
    heads = (
        "layer", "rms\nerror", "worst\nerror", "out of\nreach", "out of\ntol.", "no\nvalue", "stuck",
        "measurement\nfloor", "time",
    )  # fmt: skip
    print_table(heads, rows)
    known = "the measured" if record["die"]["kind"] == "measured" else "the true"
    print_lines(
        [
            f"errors of {known} die's weights: rms over the rms weight, worst over the largest; bias rows apart;",
            "out of reach or tolerance: cells whose target no subset of their pair meets, as measured;",
            "no value: branches that are missing or open, which are never closed;",
            *floor_lines(record),
            *(f"{name:<13}{fact}" for name, fact in fixing_facts(record).items()),
            "",
            *note_lines(record),
        ]
    )


def die_lines(record: Mapping[str, Any]) -> list[str]:
    """Which die a design was programmed for; nothing for the virtual die of its own build."""
    die = record.get("die", {})
    if "file" not in die:
        return []
    lacks = {key: sum(layer[key] for layer in die["layers"].values()) for key in next(iter(die["layers"].values()))}
    facts = {
        "programmed": f"from {die['file']}, sha256 {die['sha256'][:16]}..., values in {die['unit']}",
        "missing": f"{lacks['missing']} branches that the table lacks, {lacks['open_resistors']} open resistors",
        "stuck": f"{lacks['stuck_open']} switches open, {lacks['stuck_closed']} closed",
        "true die": _true_die(die),
    }
    return [*(f"{name:<13}{fact}" for name, fact in facts.items()), *_plausible_lines(die.get("plausibility", {}))]


def _plausible_lines(found: Mapping[str, Any]) -> list[str]:
    """How the branches compare with what was drawn, and a warning where they are not what the process makes."""
    if not found:
        return []
    spread = f"lot, wafer and die spread {percent(found['shared_sigma'])} (1 sigma)"
    lines = [f"{'branches':<13}median {found['median_to_drawn']:.3g} x drawn; {spread}"]
    if found["median_doubtful"]:
        lines.append(
            f"WARNING: the median branch is more than {SHARED_SIGMAS:g} sigma from what was drawn: check the unit, and "
            "that the die has this bank and technology"
        )
    if found["far_branches"]:
        many = found["far_branches"] > 1
        lines.append(
            f"WARNING: {found['far_branches']} {'branches are' if many else 'branch is'} off by more than "
            f"{LOCAL_SIGMAS:g} sigma of mismatch from the median of those drawn alike, "
            f"{'the first ' if many else ''}in line {found['first_far_line']}"
        )
    return lines


def _true_die(die: Mapping[str, Any]) -> str:
    if die["kind"] == "virtual":
        return "the design's virtual one: every value of the table is the one that was measured of it"
    return "not known; what was measured stands for it in every figure, simulation and netlist"

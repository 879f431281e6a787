"""Sign-off as tables: every check of a few tiles, or a line a tile of many; what failed stands below in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rsscircuit.report.tables import print_lines, print_table

FEW_TILES = 4
VERDICT = {True: "PASS", False: "FAIL"}


def show_signoff(result: Mapping[str, Any]) -> None:
    """What was compared tile by tile, and how it ended."""
    tiles = result["tiles"]
    if len(tiles) <= FEW_TILES:
        print_table(("tile", "check", "", "figure", "below", ""), list(_every_check(tiles)), left=3)
    else:
        names = dict.fromkeys(check["name"] for tile in tiles for check in tile["checks"])
        print_table(("tile", "", *names), [_line(tile, list(names)) for tile in tiles], left=2)
        bad = [row for row in _every_check(tiles) if row[2] == VERDICT[False]]
        if bad:
            print_table(("tile", "check", "", "figure", "below", ""), bad, left=3)
    print_lines(f"{_name(tile)}: {tile['problem']}" for tile in tiles if "problem" in tile)
    units = "current checks: largest difference over half of the smallest branch's current; weights: over stated error"
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    passed, count = len(tiles) - result["failed"], "1 tile" if len(tiles) == 1 else f"{len(tiles)} tiles"
    print_lines(
        [
            *([units] if len(tiles) > FEW_TILES else []),
            f"expected  {result['expected']}",
            f"inputs    {result['inputs']}",
            f"with      {versions}",
            f"{VERDICT[result['passed']]}: {passed} of {count} signed off",
        ]
    )


def _every_check(tiles: list[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for tile in tiles:
        for check in tile["checks"]:
            yield (
                _name(tile),
                check["name"],
                VERDICT[check["passed"]],
                _figure(check),
                f"{check['limit']:.3g}",
                check["unit"],
            )


def _line(tile: Mapping[str, Any], names: list[str]) -> tuple[str, ...]:
    figures = {check["name"]: _figure(check) for check in tile["checks"]}
    return _name(tile), VERDICT[tile["passed"]], *(figures.get(name, "-") for name in names)


def _figure(check: Mapping[str, Any]) -> str:
    return "none" if check["figure"] is None else f"{check['figure']:.3g}"


def _name(tile: Mapping[str, Any]) -> str:
    return f"{tile['layer']} {tile['tile']}"

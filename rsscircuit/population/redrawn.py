"""A design on another die: drawn, measured, scaled and programmed as a build with another seed does it.

Nothing is written, and a tile is programmed when it is first asked for; its banks are drawn again whenever it is, so
that memory holds those of one tile, and of the others which switches are closed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rsscircuit.assembly import BankSource, Job, column_scales, jobs_of, programmed, rules_of
from rsscircuit.design import Crossbar, Design, MappedLayer
from rsscircuit.design.files import read_array
from rsscircuit.design.store import CORRECTION_FILE
from rsscircuit.inference.correction import correct
from rsscircuit.mapping import Tile
from rsscircuit.options import BuildOptions
from rsscircuit.sources import OtherDie

Array = NDArray[np.float64]


class Programmer:
    """Programs the tiles of a design for a die.

    Attributes:
        misses: Cells out of reach or out of tolerance, of the tiles asked for so far.
    """

    def __init__(self, design: Design, source: BankSource, jobs: dict[str, Job]) -> None:
        self._design, self._source, self._jobs = design, source, jobs
        self._plans: dict[tuple[str, int], tuple[NDArray[np.uint8], Array | None]] = {}
        self.misses = 0

    def crossbar(self, layer: MappedLayer, tile: Tile) -> Crossbar:
        """The programmed tile."""
        job, design, key = self._jobs[layer.name], self._design, (layer.name, tile.index)
        if key in self._plans:
            banks, (packed, aims) = self._source.banks(job, tile), self._plans[key]
            return Crossbar(
                layer=layer.name,
                index=tile.index,
                targets=layer.targets(tile),
                die=banks.die,
                measured=banks.measured,
                closed=np.unpackbits(packed, axis=3, count=design.bank.resistors).astype(np.bool_),
                aims=aims,
            )
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
        self._plans[key] = np.packbits(crossbar.closed, axis=3), crossbar.aims
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
        scale = column_scales(job, source, options, design.technology, design.corners)
        full_scale = float(np.abs(layer.matrix.weights * scale).max())
        rules = rules_of(options, full_scale, job.tolerance(full_scale, scale))
        layers.append(replace(layer, siemens_per_weight=scale, full_scale_siemens=full_scale, rules=rules))
    programmer = Programmer(design, source, jobs)
    drawn = replace(design, layers=tuple(layers), options={**design.options, "seed": seed}, source=programmer)
    if options.correct_bias:
        drawn = correct(drawn, read_array(folder / CORRECTION_FILE))
    return drawn, programmer

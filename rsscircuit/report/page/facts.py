"""What the report is made from: the design, and every result that its directory holds."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Crossbar, Design, MappedLayer, load
from rsscircuit.design.outcomes import Outcome, read_outcomes
from rsscircuit.design.record import changed_groups, read_record
from rsscircuit.design.results import RESULTS, Results
from rsscircuit.errors import InputError
from rsscircuit.mapping import Tile
from rsscircuit.progress import Progress, silent
from rsscircuit.report.page.complete import complete
from rsscircuit.report.page.section import Mark, Missing
from rsscircuit.report.page.stale import words_of

Array = NDArray[np.float64]
Result = Mapping[str, Any]
ROUNDING = 1.0 + 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerErrors:
    """How far the true banks of one layer are from their targets.

    Attributes:
        layer: The layer.
        error: float32 [rows, cols], true conductance of the pair minus target over the layer's full scale; NaN where
            no pair is drawn.
        missed: [cells, 2], row and column of the pairs beyond the tolerance as they were measured.
    """

    layer: MappedLayer
    error: NDArray[np.float32]
    missed: NDArray[np.int64]

    @property
    def drawn(self) -> NDArray[np.float32]:
        """The errors of the pairs that are drawn, [cells]."""
        return self.error[~np.isnan(self.error)]

    @property
    def tolerance(self) -> float:
        """Largest error that was asked for, over full scale; 0 asks for the nearest."""
        return self.layer.rules.tolerance_siemens / self.layer.full_scale_siemens


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """A design and its results; what is None was not run, or on another design.

    Attributes:
        directory: As the user wrote it, for commands.
        folder: Where it is read.
        inputs, labels: Files that commands are to name.
        record: ``design.json``.
        design: The design.
        changed: Groups of files that are no longer as they were written.
        steps: What every step of the build left.
        exploration: What ``explore`` found, where it is given.
        why: Why a result cannot be computed, by its name.
    """

    directory: str
    folder: Path
    inputs: str
    labels: str
    record: Result
    design: Design
    changed: list[str]
    steps: Mapping[str, Outcome]
    why: Mapping[str, str]
    exploration: Result | None = None

    @classmethod
    def of(
        cls,
        directory: str | Path,
        inputs: str | Path | None = None,
        labels: str | Path | None = None,
        *,
        calibration: str | Path | None = None,
        exploration: Result | None = None,
        shown: str | None = None,
        progress: Progress = silent,
    ) -> Facts:
        """The facts of a design; what is missing and soon computed is run (:func:`complete`).

        ``shown`` is the directory that commands name, where it is not the one that is read.

        Raises:
            InputError: Inputs or labels that do not fit the network, or an exploration of another network.
            DesignError: No design there, or a damaged one.
        """
        folder = Path(directory)
        design, record = load(folder), read_record(folder)
        if exploration is not None and exploration.get("asked", {}).get("model") != record["model"]["sha256"]:
            raise InputError(
                "the exploration is of another network than the design",
                where="--exploration",
                remedy=f"explore {record['model']['file']} again, or leave it out",
            )
        why = complete(folder, inputs, labels, calibration, progress=progress)
        return cls(
            directory=str(directory) if shown is None else shown,
            folder=folder,
            inputs="X.npy" if inputs is None else str(inputs),
            labels="Y.npy" if labels is None else str(labels),
            record=record,
            design=design,
            changed=changed_groups(folder, record),
            steps=read_outcomes(folder),
            why=why,
            exploration=exploration,
        )

    @property
    def title(self) -> str:
        """What the design is of."""
        return str(self.record["model"]["file"])

    @property
    def mark(self) -> Mark:
        """Where what is computed from the banks comes from: a measured table, or a virtual die."""
        return Mark.MEASURED if self.record["die"]["kind"] == "measured" else Mark.SIMULATED

    def result(self, name: str) -> Result | None:
        """``results/NAME.json``, None where it was not run on this design.

        Raises:
            DesignError: It cannot be read.
        """
        return next(self.results(name), None)

    def results(self, pattern: str) -> Iterator[Result]:
        """Every result of that pattern on this design, by name."""
        return Results.of(self.folder, self.record).find(pattern)

    @cached_property
    def stale(self) -> list[Missing]:
        """Results of another design, each with the command that repeats it."""
        found = []
        for name, result in Results.of(self.folder, self.record).stale().items():
            command, words, data = words_of(name, result)
            asked = self.missing(f"{RESULTS}/{name}.json, which is of another design", command, *words, data=data)
            found.append(replace(asked, state="Left out"))
        return found

    @cached_property
    def signed_off(self) -> list[Result]:
        """The last sign-off of every tile that has one, in the order of the design."""
        found = {(kept["tile"]["layer"], kept["tile"]["tile"]): kept["tile"] for kept in self.results("signoff/*")}
        last = self.result("signoff")
        found |= {(tile["layer"], tile["tile"]): tile for tile in (last or {"tiles": ()})["tiles"]}
        order = [(layer.name, tile.index) for layer in self.design.layers for tile in layer.drawn_tiles]
        return [found[place] for place in order if place in found]

    @cached_property
    def errors(self) -> list[LayerErrors]:
        """The errors of every layer, tile by tile from the banks."""
        found = []
        for layer in self.design.layers:
            error = np.full(layer.matrix.weights.shape, np.nan, np.float32)
            missed = [np.zeros((0, 2), np.int64)]
            tolerance = layer.rules.tolerance_siemens
            for tile in layer.drawn_tiles:
                crossbar = self.design.crossbar(layer, tile)
                off_by = (crossbar.pair_siemens() - crossbar.targets) / layer.full_scale_siemens
                error[tile.window] = np.where(crossbar.targets != 0, off_by, np.nan)
                banks = np.where(crossbar.closed, crossbar.measured.step_siemens, 0.0).sum(axis=3)
                seen = np.abs(banks[:, :, 0] - banks[:, :, 1] - crossbar.targets)
                if tolerance:
                    missed.append(np.argwhere(seen > tolerance * ROUNDING) + np.array([tile.row, tile.column]))
            found.append(LayerErrors(layer=layer, error=error, missed=np.concatenate(missed)))
        return found

    def busiest(self, layer: MappedLayer) -> tuple[Tile, Crossbar] | None:
        """The tile of a layer whose banks conduct most, None where no tile holds a weight."""
        tiles = [(tile, self.design.crossbar(layer, tile)) for tile in layer.drawn_tiles]
        return max(tiles, key=lambda each: float(each[1].bank_siemens().sum()), default=None)

    def missing(self, what: str, command: str, *words: str, data: bool = False) -> Missing:
        """What was not run, and its command."""
        given = ("--inputs", self.inputs, "--labels", self.labels) if data else ()
        line = shlex.join(["generate-crossbar", command, self.directory, *given, *words])
        return Missing(what=what, command=line)

"""What the steps of a build hand on to each other, and what every step is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rsscircuit.assembly import BankSource, Placed
from rsscircuit.calibration import kept_inputs
from rsscircuit.design import Design, load, record
from rsscircuit.design.files import read_array
from rsscircuit.design.outcomes import Check
from rsscircuit.design.store import INPUTS_FILE
from rsscircuit.network import Imported, Network
from rsscircuit.options import BuildOptions, Resolved
from rsscircuit.progress import Progress
from rsscircuit.seeds import stream
from rsscircuit.sources import DieSource

SAMPLES = 4
Inputs = Mapping[str, NDArray[np.float64]]


@dataclass(slots=True, kw_only=True, eq=False)
class Work:
    """A design in the making: what is asked for, and what the steps so far have made of it.

    Attributes:
        folder: Where everything is written.
        options: The choices of the build.
        options_record: The same as the record keeps them.
        resolved: What they stand for.
        technology_text: The file of the process.
        model: The network's file.
        origin: What the record says of the model: ``file`` and ``sha256``.
        progress: Bars for people.
        imported, network: Before and after constants are folded.
        scales: The activation that full drive stands for, by layer.
        input_range: One line on where they come from.
        layers: The layers on their tiles.
        die: Where the true banks, and what is measured of them, come from; the process by default.
        die_record: What the record says of it.
        banks: The banks as they were drawn and measured.
        design: What the switches make of it.
    """

    folder: Path
    options: BuildOptions
    options_record: Mapping[str, Any]
    resolved: Resolved
    technology_text: str
    model: Path
    origin: Mapping[str, Any]
    progress: Progress
    die: DieSource | None = None
    imported: Imported = field(init=False)
    network: Network = field(init=False)
    scales: Mapping[str, float] = field(init=False)
    input_range: str = field(init=False)
    layers: tuple[Placed, ...] = field(init=False)
    die_record: Mapping[str, Any] = field(init=False)
    banks: BankSource = field(init=False)
    design: Design = field(init=False)

    def samples(self, network: Network) -> Inputs | None:
        """Inputs to check steps with, by input: calibration inputs, or random ones where none are given.

        None where the shape of an input is not declared.
        """
        shapes = {layer.name: layer.attributes["shape"] for layer in network.inputs}
        if len(shapes) == 1:
            kept = self._kept(network)
            if kept is not None:
                return dict.fromkeys(shapes, kept[:SAMPLES])
        if any(shape is None or None in shape[1:] for shape in shapes.values()):
            return None
        return {
            name: stream(self.options.seed, "stimulus", layer=name).random((shape[0] or SAMPLES, *shape[1:]))
            for name, shape in shapes.items()
        }

    def _kept(self, network: Network) -> NDArray[np.float64] | None:
        if (self.folder / INPUTS_FILE).is_file():
            return read_array(self.folder / INPUTS_FILE)
        calibration = self.options.calibration
        return kept_inputs(network, calibration) if calibration and Path(calibration).is_file() else None

    def read_design(self) -> None:
        """Take the design as the folder holds it."""
        self.design = load(self.folder)

    def refresh_record(self) -> None:
        """Write the fingerprints, and the options, of what the folder holds now."""
        data = record.read_record(self.folder)
        data = {key: value for key, value in data.items() if key != "fingerprints"}
        record.write_record(self.folder, data | {"options": dict(self.options_record)})


class Step(Protocol):
    """One step: a name, what it depends on, what it leaves, and how it is done, taken up again and checked."""

    @property
    def name(self) -> str:
        """Of :data:`rsscircuit.design.outcomes.STEPS`."""

    @property
    def options(self) -> tuple[str, ...]:
        """The options of :class:`~rsscircuit.options.BuildOptions` that it reads first."""

    @property
    def leaves(self) -> tuple[str, ...]:
        """Its files, as patterns below the design's folder."""

    def run(self, work: Work) -> dict[str, Any]:
        """Do it, and say in short what was made."""

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """Take up what it made in an earlier run, whose files are in the folder."""

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """Compare what it made with what the step before made."""

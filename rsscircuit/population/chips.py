"""One chip of a study, wherever it is run: the same study and number give the same chip and the same answers.

A chip has a seed, which is all that tells it from the others: of its die and its amplifiers' offsets, as ``build
--seed`` draws them, and of its conditions, drift and noise, as ``evaluate --seed`` draws them. The chips of a study
have the seeds from the study's on, so that any of them can be opened alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from rsscircuit.design import load
from rsscircuit.design.record import read_record
from rsscircuit.errors import RsscircuitError
from rsscircuit.inference import Chip, Operation, compare, layer_ranges
from rsscircuit.inference.given import calibration_inputs, given_data
from rsscircuit.population.redrawn import other_die
from rsscircuit.progress import silent
from rsscircuit.seeds import stream
from rsscircuit.simulate.montecarlo import Conditions
from rsscircuit.simulate.trials import Failure
from rsscircuit.sources import VIRTUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipStudy:
    """What is asked of many chips; they count from 1.

    Attributes:
        directory: The design.
        fingerprint: Of the design, so that another one in its place is another study.
        fixed: Whether all have the design's die and program; otherwise every one is a new die.
        inputs, labels, calibration: Files, as :func:`rsscircuit.evaluate` takes them.
        contents: Hashes of those files.
        limit: Use only so many inputs, from the first.
        effects: What is at work.
        operation: Converters and stuck switches; conditions and seed are each chip's own.
        conditions: Ranges of which every chip has its own.
        seed: Of the first chip; the others follow.
    """

    directory: str
    fingerprint: str
    fixed: bool
    inputs: str
    labels: str | None
    calibration: str | None
    contents: tuple[str, ...]
    limit: int | None
    effects: tuple[str, ...]
    operation: Operation
    conditions: Conditions
    seed: int

    @property
    def kind(self) -> str:
        """Which of the two questions, in words."""
        return "fixed program" if self.fixed else "re-measured dies"

    def seed_of(self, number: int) -> int:
        """The seed of a chip."""
        return self.seed + number - 1

    def operation_of(self, number: int) -> Operation:
        """How a chip is run: its conditions are drawn for it."""
        seed = self.seed_of(number)
        drawn: dict[str, Any] = self.conditions.draw(stream(seed, "drift", die="conditions"))
        return replace(self.operation, seed=seed, **drawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipOutcome:
    """How one chip answers.

    Attributes:
        trial: Its number.
        drawn: Its seed and conditions, and how many of its cells are out of reach or tolerance, if it is a new die.
        accuracy, agreement, output_error: As :class:`rsscircuit.inference.Figures`.
    """

    trial: int
    drawn: Mapping[str, float]
    accuracy: float | None
    agreement: float
    output_error: float

    def line(self) -> dict[str, Any]:
        """As plain values."""
        names = ("trial", "drawn", "accuracy", "agreement", "output_error")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> ChipOutcome:
        """What :meth:`line` gave."""
        return cls(**line)


class ChipBench:
    """A study made ready: the design read, and the trained network's answers computed.

    Raises:
        RsscircuitError: Data that do not fit the network, converters that there are not, or no design.
    """

    def __init__(self, study: ChipStudy) -> None:
        self.study, self._folder = study, Path(study.directory)
        self.design = load(study.directory)
        self._kind = read_record(self._folder)["die"].get("kind", VIRTUAL)
        study.operation.check(self.design.technology)
        self._percentile = study.operation.readout(self.design.technology).adc_percentile
        calibration, self.laid_out_for = calibration_inputs(self.design, study.inputs, study.calibration)
        self._calibration = np.asarray(calibration, np.float64)
        self.data = given_data(self.design, study.inputs, study.labels, study.limit, None, 1, silent)
        self._own_ranges = layer_ranges(self.design, self._calibration, self._percentile)

    def check(self) -> None:
        """Refuse what no chip of the study can be.

        Raises:
            InputError: A converter of one bit for inputs of both signs.
        """
        Chip(self.design, self._own_ranges, self.study.effects, self.study.operation)

    def run(self, number: int) -> ChipOutcome:
        """One chip over the data.

        Raises:
            RsscircuitError: It cannot be programmed, or its wires not be solved.
        """
        study, design, ranges, misses = self.study, self.design, self._own_ranges, {}
        operation = study.operation_of(number)
        with threadpool_limits(1):
            if not study.fixed:
                design, programmer = other_die(design, self._folder, self._kind, operation.seed)
                ranges = layer_ranges(design, self._calibration, self._percentile)
            chip = Chip(design, ranges, study.effects, operation)
            if not study.fixed:
                misses = {"misses": programmer.misses}
            figures = compare(chip, self.data)
        return ChipOutcome(
            trial=number,
            drawn={
                "seed": operation.seed,
                "celsius": operation.celsius,
                "supply_volt": operation.supply(design.technology),
                "years": operation.years,
                **misses,
            },
            accuracy=figures.accuracy,
            agreement=figures.agreement,
            output_error=figures.output_error,
        )


@lru_cache(maxsize=1)
def _bench(study: ChipStudy) -> ChipBench:
    return ChipBench(study)


def run_chips(study: ChipStudy, numbers: tuple[int, ...]) -> list[ChipOutcome | Failure]:
    """Some chips of a study, one after the other; one that fails does not stop the others.

    Raises:
        RsscircuitError: The study itself cannot be run.
    """
    bench = _bench(study)
    done: list[ChipOutcome | Failure] = []
    for number in numbers:
        try:
            done.append(bench.run(number))
        except RsscircuitError as error:
            done.append(Failure(trial=number, reason=str(error)))
    return done

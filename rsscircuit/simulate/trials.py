"""One Monte Carlo trial, wherever it runs: the same study and number give the same circuit and the same answer.

A study is a few plain values that travel to a worker, which opens the design once and keeps it for its other trials.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import Design, load
from rsscircuit.errors import InputError, SimulationError
from rsscircuit.netlist import tile_deck
from rsscircuit.seeds import stream
from rsscircuit.simulate.altered import AlteredTile
from rsscircuit.simulate.engines import Setting, engine_named
from rsscircuit.simulate.montecarlo import Conditions, Trial, fixed_program, remeasured_dies
from rsscircuit.simulate.reading import full_scale_ampere, read_columns
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments, wire_segments
from rsscircuit.technology.readout import input_converter

Array = NDArray[np.float64]
CASES = 8
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What a Monte Carlo run is asked; trials count from 1.

    Attributes:
        directory: The design.
        fingerprint: Of the design, so that another one in its place is another study.
        layer, tile: Which of its crossbars.
        engine: By which simulator.
        conditions: Ranges of a fixed program; None for re-measured dies.
        seed: Of the trials and of their inputs.
    """

    directory: str
    fingerprint: str
    layer: str
    tile: int
    engine: str
    conditions: Conditions | None
    seed: int

    @property
    def kind(self) -> str:
        """Which of the two questions, in words."""
        return "re-measured dies" if self.conditions is None else "fixed program"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """A trial that was simulated.

    Attributes:
        trial: Its number.
        drawn: What was drawn for it.
        error: float64 [cases, cols], outputs of the converters minus the trained matrix's, over the rms of the latter.
        array_error: The same of the column currents, before amplifiers and converters: against the trained matrix at
            what the rows are driven with.
    """

    trial: int
    drawn: Mapping[str, float]
    error: Array
    array_error: Array

    @property
    def relative_error(self) -> float:
        """Rms over cases and columns."""
        return float(np.sqrt(np.mean(self.error**2)))

    @property
    def relative_array_error(self) -> float:
        """The same of the array."""
        return float(np.sqrt(np.mean(self.array_error**2)))

    def line(self) -> dict[str, Any]:
        """As plain values."""
        errors = {"error": self.error.tolist(), "array_error": self.array_error.tolist()}
        return {"trial": self.trial, "drawn": dict(self.drawn), **errors}

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Outcome:
        """What :meth:`line` gave."""
        error, array_error = np.array(line["error"]), np.array(line["array_error"])
        return cls(trial=line["trial"], drawn=line["drawn"], error=error, array_error=array_error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A trial that was not: its number, and the simulator's words."""

    trial: int
    reason: str


class Bench:
    """A study made ready: the design read, the inputs drawn, the simulator chosen.

    Raises:
        InputError: No such engine, layer or tile, a tile without weights, or impossible conditions.
    """

    def __init__(self, study: Study) -> None:
        self._study, self._engine = study, engine_named(study.engine)
        self.design: Design = load(study.directory)
        self.layer = self.design.layer(study.layer)
        self.tile = self.design.tile(self.layer, study.tile)
        weights, matrix = self.layer.matrix.weights[self.tile.window], self.layer.matrix
        if not weights.any():
            raise InputError(
                "the tile has no weights, so there is nothing to vary", where=f"layer {study.layer}", got=study.tile
            )
        self.where = f"layer {self.layer.name}, tile {study.tile}"
        place = (self.design, self.layer, self.tile, study.seed)
        if study.conditions is None:
            self.draw = remeasured_dies(*place)
        else:
            self.draw = fixed_program(*place, study.conditions)
        self._altered = self._loaded() if study.engine == "ngspice" and study.conditions is not None else None
        self._drives = stream(study.seed, "stimulus", layer=self.layer.name, tile=study.tile).random(
            (CASES, self.tile.rows)
        )
        bias_rows = max(0, matrix.bias_rows - self.tile.row)
        self._drives[:, :bias_rows] = matrix.bias_value / matrix.input_full_scale
        self._driven = input_converter(self.design.technology.readout, 1.0, signed=False)(self._drives)
        self._exact, self._aimed = self._drives @ weights, self._driven @ weights
        self._scale = float(np.sqrt(np.mean(self._exact**2)))

    def run(self, number: int) -> Outcome:
        """Draw one trial and simulate it.

        Raises:
            SimulationError: The engine failed on it.
        """
        trial = self.draw(number)
        read_volt = trial.technology.drive.read_volt
        currents = self._currents(number, trial, read_volt * self._driven)
        if not np.isfinite(currents).all():
            raise SimulationError("the currents are not finite", where=self.where)
        unit = read_volt * trial.siemens_per_weight
        full_scale = full_scale_ampere(self._aimed * unit, trial.technology.readout.adc_percentile)
        noise = stream(self._study.seed, "noise", die=number, layer=self.layer.name, tile=self.tile.index)
        read = read_columns(currents, trial, full_scale, noise)
        return Outcome(
            trial=number,
            drawn=trial.drawn,
            error=(read / unit - self._exact) / self._scale,
            array_error=(currents / unit - self._aimed) / self._scale,
        )

    def deck(self, trial: Trial) -> str:
        """The netlist of a trial, with wires where the design was built with them."""
        return tile_deck(
            trial.crossbar, trial.technology, label=self.layer.label, segments=self.wires(trial.technology)
        )

    def _loaded(self) -> AlteredTile:
        return AlteredTile(
            self.design.crossbar(self.layer, self.tile),
            self.design.technology,
            self.wires(self.design.technology),
            label=self.layer.label,
            where=self.where,
        )

    def _currents(self, number: int, trial: Trial, volts: Array) -> Array:
        if self._altered is not None:
            return self._altered.currents(trial.crossbar, trial.technology, self.wires(trial.technology), volts)
        setting = Setting(
            technology=trial.technology,
            segments=self.segments(trial.technology),
            deck=lambda: self.deck(trial),
            where=f"{self.where}, trial {number}",
        )
        return self._engine(trial.crossbar, volts, setting)

    def segments(self, technology: Technology) -> Segments:
        """The wires, as they are in a technology at some temperature."""
        return wire_segments(self.design.bank.nominal_ohm, technology)

    def wires(self, technology: Technology) -> Segments | None:
        """The same where the design's netlists have wires."""
        return self.segments(technology) if self.design.options["wires"] else None


@lru_cache(maxsize=1)
def _bench(study: Study) -> Bench:
    return Bench(study)


def run_trials(study: Study, numbers: tuple[int, ...]) -> list[Outcome | Failure]:
    """Some trials of a study, one after the other; one that the simulator fails on does not stop the others."""
    bench = _bench(study)
    done: list[Outcome | Failure] = []
    for number in numbers:
        _logger.debug("%s, trial %d", bench.where, number)
        try:
            done.append(bench.run(number))
        except SimulationError as error:
            done.append(Failure(trial=number, reason=str(error)))
    return done

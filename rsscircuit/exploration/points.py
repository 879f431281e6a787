"""One point of the space, wherever it is run: the design of its options, its answers and its costs.

A point is what ``build``, ``evaluate`` and ``cost`` make of it, by the same functions: the design is written to a
scratch folder without netlists and Verilog, on which no figure depends. Points that differ in the bits of the ADC
alone share the design, the ranges of its converters, the trained network's answers and the work of its tiles.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from threadpoolctl import threadpool_limits

from rsscircuit.cost.cost import charge, load_work
from rsscircuit.design.record import read_record
from rsscircuit.errors import RsscircuitError
from rsscircuit.exploration.space import Axes, Configuration
from rsscircuit.inference import EFFECTS, Chip, Operation, compare
from rsscircuit.inference.given import given_data, given_ranges
from rsscircuit.options import BuildOptions
from rsscircuit.progress import silent
from rsscircuit.steps import build
from rsscircuit.technology import load_technology, technology_text

_ARRAY = ("array", "array's supply")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is asked of all points.

    Attributes:
        model: ONNX or ``.npz`` file.
        inputs, labels, calibration: Files, as ``evaluate`` and ``build`` take them.
        limit: Use only so many inputs, from the first.
        tolerance: As ``build`` takes it, a fraction.
        seed: Of the die, and of offsets and noise.
        axes: The space.
        scratch: Folder in which designs are built for as long as they are needed.
    """

    model: str
    inputs: str
    labels: str | None
    calibration: str | None
    limit: int | None
    tolerance: float
    seed: int
    axes: Axes
    scratch: str

    def options(self, configuration: Configuration) -> BuildOptions:
        """What ``build`` is asked for a point."""
        chosen = asdict(configuration)
        del chosen["adc_bits"]
        return BuildOptions(
            **chosen,
            calibration=self.calibration,
            tolerance=self.tolerance,
            seed=self.seed,
            netlists="none",
        )

    def operation(self, configuration: Configuration) -> Operation:
        """How its chip is run."""
        return Operation(adc_bits=configuration.adc_bits, seed=self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointOutcome:
    """A point that was tried.

    Attributes:
        trial: A digest of its choices and of its technology's text; wider axes leave it as it is.
        figures: By name; empty where it failed.
        reason: Why it failed.
    """

    trial: int
    figures: Mapping[str, float | None]
    reason: str | None

    def line(self) -> dict[str, Any]:
        """As plain values."""
        return {"trial": self.trial, "figures": dict(self.figures), "reason": self.reason}

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> PointOutcome:
        """What :meth:`line` gave."""
        return cls(**line)


def key_of(configuration: Configuration) -> int:
    """A number that no other point of any space has."""
    described = configuration.described(load_technology(configuration.technology))
    described = {name: float(value) if isinstance(value, int) else value for name, value in described.items()}
    text = json.dumps(described | {"text": technology_text(configuration.technology)}, sort_keys=True)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest())


def run_points(study: Study, numbers: tuple[int, ...]) -> list[PointOutcome]:
    """Some points that differ in the bits of the ADC alone, of one design; one that cannot be stays with its reason."""
    configurations = [study.axes.at(number) for number in numbers]
    with threadpool_limits(1), TemporaryDirectory(dir=study.scratch) as name:
        folder = Path(name) / "design"
        try:
            figures_of = _Built(study, configurations[0], folder)
        except RsscircuitError as error:
            return [_failed(each, error, folder) for each in configurations]
        done = []
        for each in configurations:
            try:
                done.append(PointOutcome(trial=key_of(each), figures=figures_of(each), reason=None))
            except RsscircuitError as error:
                done.append(_failed(each, error, folder))
        return done


def _failed(configuration: Configuration, error: RsscircuitError, folder: Path) -> PointOutcome:
    reason = str(error).replace(str(folder), "the design")
    return PointOutcome(trial=key_of(configuration), figures={}, reason=reason)


class _Built:
    """A design with everything that its points share."""

    def __init__(self, study: Study, configuration: Configuration, folder: Path) -> None:
        self._study = study
        self._design = build(study.model, folder, study.options(configuration), last="emit-spice")
        self._summary = read_record(folder)["summary"]
        plain = Operation(seed=study.seed)
        self._ranges, _ = given_ranges(self._design, study.inputs, study.calibration, plain, silent)
        self._data = given_data(self._design, study.inputs, study.labels, study.limit, None, 1, silent)
        self._work = load_work(self._design, folder, study.inputs if study.calibration is None else None)

    def __call__(self, configuration: Configuration) -> dict[str, float | None]:
        """The figures of one point."""
        operation = self._study.operation(configuration)
        operation.check(self._design.technology)
        found = compare(Chip(self._design, self._ranges, EFFECTS, operation), self._data)
        costs = charge(self._work, adc_bits=configuration.adc_bits)
        lines = {line["component"]: line["value"] for line in costs["energy"]["lines"]}
        return {
            "accuracy": found.accuracy,
            "agreement": found.agreement,
            "output_error": found.output_error,
            "area_um2": costs["area"]["total"],
            "energy_joule": costs["energy"]["total"],
            "array_joule": sum(lines[name] for name in _ARRAY),
            "joule_per_mac": costs["joule_per_mac"],
            "latency_second": costs["latency_second"],
            "inferences_per_second": costs["inferences_per_second"],
            "tiles": costs["tiles"],
            "cells": self._summary["cells"],
            "misses": self._summary["beyond_reach"] + self._summary["beyond_tolerance"],
            "trained_accuracy": self._data.trained_right / len(self._data) if self._data.classified else None,
        }

"""What a built design costs: area, energy, time and programming, saved in its ``results/``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from rsscircuit.arrays import network_inputs, read_user_array
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.cost.figures import load_figures
from rsscircuit.cost.lines import total
from rsscircuit.cost.model import Plan, area, energy, programming
from rsscircuit.cost.rivals import reram_programming_joule, rivals
from rsscircuit.cost.workload import Array, TileWork, workload
from rsscircuit.design import Design, load
from rsscircuit.design.files import read_array
from rsscircuit.design.record import read_record
from rsscircuit.design.results import result_file
from rsscircuit.design.store import INPUTS_FILE
from rsscircuit.errors import InputError
from rsscircuit.inference import Operation

_GATED = ("array", "array's supply", "row drivers", "amplifiers")
MOST_INPUTS = 8


def cost(
    directory: str | Path,
    *,
    inputs: str | Path | None = None,
    figures: str | Path | None = None,
    adc_bits: int | None = None,
) -> dict[str, Any]:
    """Area, energy, time and programming of a design, saved in ``results/cost.json``.

    Args:
        directory: The design.
        inputs: ``.npy`` file whose first eight inputs drive the rows; by default the calibration inputs that the build
            kept, and without them every row is at full scale.
        figures: TOML file with figures in the place of those of ``figures.toml``.
        adc_bits: Of the converters at the columns; the technology's by default.

    Returns:
        ``area`` (um2), ``energy`` (joule an inference): ``total`` and ``lines``, each with value, value by layer,
        equation, mark and source; ``layers``: vectors, clocks and times of each; ``latency_second``,
        ``inferences_per_second``; ``macs`` an inference; ``joule_per_mac``; ``gated_joule``, the energy were rows and
        amplifiers on only while settling and converting; ``programming``; ``rivals``.

    Raises:
        InputError: Figures or inputs that cannot be used.
        DesignError: No design there, or no place to write.
    """
    design, folder = load(directory), Path(directory)
    file = result_file(directory, "cost")
    return file.write(charge(load_work(design, folder, inputs), figures=figures, adc_bits=adc_bits))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a design has to do, which no converter at the columns changes.

    Attributes:
        design: The design.
        geometry: The array that its controllers are made for.
        tiles: The work of every drawn tile.
        vectors: Vectors an inference, by layer.
        origin: One line on what drives the rows.
    """

    design: Design
    geometry: ArrayGeometry
    tiles: Sequence[TileWork]
    vectors: Mapping[str, float]
    origin: str


def load_work(design: Design, folder: Path, inputs: str | Path | None) -> Work:
    """The work of a design in a folder, for inputs as :func:`cost` takes them.

    Raises:
        InputError: Inputs that cannot be used, an amplifier that never settles, or no weights.
    """
    if not design.technology.readout.bandwidth_hertz:
        raise InputError("an amplifier without bandwidth never settles", where="technology readout.bandwidth_hertz",
                         got=0, remedy="build with a technology whose amplifiers have one")  # fmt: skip
    data, origin = _data(design, folder, inputs)
    with threadpool_limits(1):
        tiles, vectors = workload(design, data)
    if not tiles:
        raise InputError("no tile holds a weight", where=str(folder), remedy="build a network with weights")
    geometry = ArrayGeometry(**read_record(folder)["controller"])
    return Work(design=design, geometry=geometry, tiles=tiles, vectors=vectors, origin=origin)


def charge(done: Work, *, figures: str | Path | None = None, adc_bits: int | None = None) -> dict[str, Any]:
    """What some work costs: arguments and result as of :func:`cost`."""
    operation, design, work, vectors = Operation(adc_bits=adc_bits), done.design, done.tiles, done.vectors
    operation.check(design.technology)
    plan = Plan(
        technology=replace(design.technology, readout=operation.readout(design.technology)),
        nominal_ohm=design.bank.nominal_ohm,
        geometry=done.geometry,
        figures=load_figures(design.technology, figures),
    )
    areas, energies = area(plan, work), energy(plan, work)
    layers = [_layer(plan, name, count, [t for t in work if t.layer == name]) for name, count in vectors.items()]
    macs = sum(tile.vectors * tile.weights for tile in work)
    slowest = max(layer["second"] for layer in layers)
    return {
        "technology": design.technology.label,
        "node_nm": plan.figures["node_nm"],
        "drives": done.origin,
        "tiles": len(work),
        "macs": macs,
        "area": {"unit": "um2", "total": total(areas), "lines": [line.as_record() for line in areas]},
        "energy": {"unit": "joule", "total": total(energies), "lines": [line.as_record() for line in energies]},
        "joule_per_mac": total(energies) / macs,
        "gated_joule": _gated(plan, work),
        "layers": layers,
        "latency_second": sum(layer["second"] for layer in layers),
        "inferences_per_second": 1.0 / slowest,
        "programming": programming(plan, work) | {"reram_joule": reram_programming_joule(plan, work)},
        "rivals": [
            rival.as_record()
            for rival in rivals(
                plan, work, areas=areas, energies=energies, macs=macs, inferences_per_second=1.0 / slowest
            )
        ],
        "figures": {
            name: {"value": each.value, "mark": each.mark, "source": each.source}
            for name, each in plan.figures.by_name.items()
        },
    }


def _data(design: Design, folder: Path, inputs: str | Path | None) -> tuple[Array | None, str]:
    """What drives the rows, and one line on where it is from."""
    if inputs is not None:
        given = network_inputs(design.network, read_user_array(inputs, "--inputs")[:MOST_INPUTS], "--inputs")
        if not len(given):
            raise InputError("there are no inputs", where="--inputs", got=str(inputs), remedy="give one at least")
        return given, f"the first {len(given)} of {Path(inputs).name}"
    if (folder / INPUTS_FILE).is_file():
        kept = network_inputs(design.network, read_array(folder / INPUTS_FILE), INPUTS_FILE)
        return kept, f"{len(kept)} of the build's calibration inputs"
    return None, "every row at full scale: the design keeps no inputs"


def _layer(plan: Plan, name: str, vectors: float, tiles: Sequence[TileWork]) -> dict[str, Any]:
    """Times of one layer: its tiles work side by side, the slowest counts."""
    if not tiles:
        return {"layer": name, "tiles": 0, "vectors": vectors, "second": 0.0}
    slowest = max(tiles, key=plan.vector_second)
    clock = plan.figures["clock_hertz"]
    return {
        "layer": name,
        "tiles": len(tiles),
        "vectors": vectors,
        "macs": sum(tile.vectors * tile.weights for tile in tiles),
        "noise_gain": slowest.noise_gain,
        "settle_second": plan.settle_second(slowest),
        "convert_second": plan.convert_second(),
        "sequence_second": plan.sequence_clocks(slowest) / clock,
        "vector_clocks": plan.vector_clocks(slowest),
        "second": vectors * plan.vector_second(slowest),
    }


def _gated(plan: Plan, work: Sequence[TileWork]) -> float:
    """Energy of an inference were everything that stands on only while it settles and converts."""
    joule = 0.0
    for tile in work:
        held = plan.vector_second(tile)
        share = (plan.settle_second(tile) + plan.convert_second()) / held
        for line in energy(plan, [tile]):
            joule += line.value * (share if line.component in _GATED else 1.0)
    return joule

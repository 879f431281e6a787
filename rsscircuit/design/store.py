"""A design on disk: the record and plain ``.npy`` arrays.

steps/<step>.json                      what every step of the build left, its check and its time
design.json                            options, versions, layers, fingerprints
technology.toml                        the technology; effects at work and bits of measurement are among the options
network/<k>.<weight|bias>.npy          the trained values, float64
network/inputs.npy                     some of the calibration inputs, float64, where there were any
network/correction.npy                 the calibration inputs of the correction, float64, where outputs are corrected
layers/<label>.scale.npy               float64 [cols], siemens a unit of weight
layers/<label>.moments.npy             float32 [rows, rows of a tile], where columns were chosen as wholes
layers/<label>.correction.npy          float64 [2, cols], gain and offset, where outputs are corrected
banks/<label>/tile_<k>.true.npy        float64 [rows, cols, 2, n], siemens, switch closed
banks/<label>/tile_<k>.measured.npy    what closing each branch adds, as measured
banks/<label>/tile_<k>.closed.npy      the switch plan, bits packed along the last axis
banks/<label>/tile_<k>.aims.npy        float64 [rows, cols], siemens, where pairs allow for the wires
banks/<label>/tile_<k>.nominal.npy     where corners were served: the plan without them, likewise
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec, Die, MeasuredBanks, bank_spec
from rsscircuit.design.design import Correction, Crossbar, Design, MappedLayer, TileSource
from rsscircuit.design.files import read_array, write_array
from rsscircuit.design.record import GROUPS, TECHNOLOGY_FILE, build_command, digest_files, read_record
from rsscircuit.design.rules import Rules
from rsscircuit.errors import DesignError, TechnologyError
from rsscircuit.mapping import LayerMatrix, Tile, cut, layer_matrix
from rsscircuit.network import Layer, Network
from rsscircuit.subsetsum import Objective
from rsscircuit.technology import Technology, parse_technology
from rsscircuit.technology.effects import measured_with, only, parse_effects

INPUTS_FILE = "network/inputs.npy"
CORRECTION_FILE = "network/correction.npy"
CHOSEN, NOMINAL = "closed", "nominal"  # switch plans


def save_die(folder: Path, label: str, index: int, die: Die) -> None:
    """Write the true banks of one tile."""
    write_array(_banks(folder, label, index, "true"), die.on_siemens)


def load_die(folder: Path, label: str, index: int, off_siemens: float) -> Die:
    """The true banks of one tile.

    Raises:
        DesignError: The file is missing or damaged.
    """
    true = read_array(_banks(folder, label, index, "true"))
    return Die(on_siemens=true, off_siemens=np.where(true > 0, off_siemens, 0.0))


def save_measured(folder: Path, label: str, index: int, measured: MeasuredBanks) -> None:
    """Write what was measured of the banks of one tile."""
    write_array(_banks(folder, label, index, "measured"), measured.step_siemens)


def load_measured(folder: Path, label: str, index: int) -> MeasuredBanks:
    """What was measured of the banks of one tile.

    Raises:
        DesignError: The file is missing or damaged.
    """
    return MeasuredBanks(step_siemens=read_array(_banks(folder, label, index, "measured")))


def save_plan(
    folder: Path, label: str, crossbar: Crossbar, *, without_corners: NDArray[np.bool_] | None = None
) -> None:
    """Write the plan of one tile, what it aims at where that is not its targets, and the plan without corners."""
    if crossbar.aims is not None:
        write_array(_banks(folder, label, crossbar.index, "aims"), crossbar.aims)
    for name, closed in ((CHOSEN, crossbar.closed), (NOMINAL, without_corners)):
        if closed is not None:
            write_array(_banks(folder, label, crossbar.index, name), np.packbits(closed, axis=3, bitorder="little"))


def _banks(folder: Path, label: str, index: int, name: str) -> Path:
    return folder / "banks" / label / f"tile_{index}.{name}.npy"


def save_network(folder: Path, network: Network) -> list[dict[str, Any]]:
    """Write the network's arrays; return its layers for ``design.json``."""
    entries = []
    for position, layer in enumerate(network.layers()):
        arrays = {"weight": layer.weight, "bias": layer.bias}
        attributes: dict[str, Any] = {}
        for key, value in layer.attributes.items():
            if isinstance(value, np.ndarray):
                arrays[f"attribute.{key}"] = value
            else:
                attributes[key] = value
        for key, array in arrays.items():
            if array is not None:
                write_array(folder / "network" / f"{position}.{key}.npy", array)
        entries.append(
            {
                "name": layer.name,
                "operator": layer.operator,
                "inputs": list(layer.inputs),
                "attributes": attributes,
                "arrays": [key for key, array in arrays.items() if array is not None],
            }
        )
    return entries


def load_network(folder: Path, entries: list[dict[str, Any]], outputs: list[str]) -> Network:
    """The network that :func:`save_network` wrote."""
    layers = []
    for position, entry in enumerate(entries):
        arrays = {key: read_array(folder / "network" / f"{position}.{key}.npy") for key in entry["arrays"]}
        attributes = {k: tuple(v) if isinstance(v, list) else v for k, v in entry["attributes"].items()}
        attributes |= {k.removeprefix("attribute."): v for k, v in arrays.items() if k.startswith("attribute.")}
        layers.append(
            Layer(
                name=entry["name"],
                operator=entry["operator"],
                inputs=tuple(entry["inputs"]),
                attributes=attributes,
                weight=arrays.get("weight"),
                bias=arrays.get("bias"),
            )
        )
    return Network.of_layers(layers, tuple(outputs))


def save_layer(folder: Path, layer: MappedLayer) -> None:
    """Write the arrays of a layer that are none of a tile."""
    stem = folder / "layers"
    write_array(stem / f"{layer.label}.scale.npy", layer.siemens_per_weight)
    if layer.moments is not None:
        write_array(stem / f"{layer.label}.moments.npy", layer.moments)
    if layer.correction is not None:
        write_array(stem / f"{layer.label}.correction.npy", np.stack([layer.correction.gain, layer.correction.offset]))


def _optional(path: Path) -> NDArray[Any] | None:
    return read_array(path) if path.is_file() else None


def tiles_of(folder: Path, technology: Technology, bank: BankSpec, plan: str = CHOSEN) -> TileSource:
    """The tiles that were written below a folder."""
    return _Directory(folder, technology.switch.off_siemens, bank.resistors, plan)


def layer_entry(layer: MappedLayer) -> dict[str, Any]:
    """A mapped layer as ``design.json`` holds it; what can be derived is left out."""
    return {
        "name": layer.name,
        "label": layer.label,
        "rows": layer.matrix.weights.shape[0],
        "columns": layer.matrix.weights.shape[1],
        "tiles": len(layer.tiles),
        "bias_rows": layer.matrix.bias_rows,
        "input_full_scale": layer.matrix.input_full_scale,
        "full_scale_siemens": layer.full_scale_siemens,
        "rules": asdict(layer.rules) | {"objective": layer.rules.objective.value},
        "statistics": dict(layer.statistics),
    }


@dataclass(frozen=True, slots=True)
class _Directory:
    """Reads crossbars from a design's folder."""

    folder: Path
    off_siemens: float
    branches: int
    plan: str

    def crossbar(self, layer: MappedLayer, tile: Tile) -> Crossbar:
        expected = (tile.rows, tile.columns, 2, self.branches)
        if tile in layer.drawn_tiles:
            die = load_die(self.folder, layer.label, tile.index, self.off_siemens)
            measured = load_measured(self.folder, layer.label, tile.index)
            closed = self._closed(layer.label, tile.index, expected)
            aims = _optional(_banks(self.folder, layer.label, tile.index, "aims"))
            if not die.on_siemens.shape == measured.step_siemens.shape == expected:
                raise _damaged(self.folder / "banks" / layer.label, die.on_siemens.shape)
        else:
            die = Die(on_siemens=np.zeros(expected), off_siemens=np.zeros(expected))
            measured, closed, aims = MeasuredBanks(step_siemens=np.zeros(expected)), np.zeros(expected, np.bool_), None
        return Crossbar(
            layer=layer.name,
            index=tile.index,
            targets=layer.targets(tile),
            die=die,
            measured=measured,
            closed=closed,
            aims=aims,
        )

    def _closed(self, label: str, index: int, expected: tuple[int, ...]) -> NDArray[np.bool_]:
        packed = read_array(_banks(self.folder, label, index, self.plan))
        if packed.shape != (*expected[:3], -(-self.branches // 8)):
            raise _damaged(self.folder / "banks" / label, packed.shape)
        return np.unpackbits(packed, axis=3, count=self.branches, bitorder="little").astype(np.bool_)


def _damaged(where: Path, shape: tuple[int, ...]) -> DesignError:
    return DesignError("the design is damaged", where=str(where), got=str(shape), remedy="build it again")


def load(directory: str | Path, *, plan: str = CHOSEN) -> Design:
    """The design that a build left in ``directory``; tiles are read when they are asked for.

    Args:
        directory: Where it is.
        plan: The switch plan; ``NOMINAL`` for the one that a design which serves corners would have without them.

    Raises:
        DesignError: No design there, a damaged one, or one of another format.
    """
    folder = Path(directory)
    data = read_record(folder)
    if digest_files(folder, GROUPS["data"]) != data["fingerprints"].get("data"):
        raise DesignError(
            "banks, scales, network or technology were changed since they were written",
            where=str(folder),
            remedy="build it again",
        )
    return _assemble(folder, data, plan)


def _assemble(folder: Path, data: dict[str, Any], plan: str) -> Design:
    options = data["options"]
    try:
        drawn_in = parse_technology((folder / TECHNOLOGY_FILE).read_text("utf-8"), data["technology"])
    except TechnologyError as error:
        raise DesignError(
            "the technology of the design is none that this version reads",
            where=str(folder / TECHNOLOGY_FILE),
            got=error.what,
            remedy=f"build it again: {build_command(folder, data)}",
        ) from error
    technology = only(drawn_in, parse_effects(options.get("effects", "all")))
    technology = measured_with(technology, options.get("measurement_bits"))
    bank = bank_spec(data["bank"]["plan"], data["bank"]["resistors"], technology.resistor.unit_ohm)
    network = load_network(folder, data["network"]["layers"], data["network"]["outputs"])
    layers = []
    for entry in data["layers"]:
        matrix: LayerMatrix = layer_matrix(network.layer(entry["name"]), entry["input_full_scale"])
        constants = _optional(folder / "layers" / f"{entry['label']}.correction.npy")
        layers.append(
            MappedLayer(
                name=entry["name"],
                label=entry["label"],
                matrix=matrix,
                tiles=cut(matrix.weights.shape, tuple(options["tile"])),
                siemens_per_weight=read_array(folder / "layers" / f"{entry['label']}.scale.npy"),
                full_scale_siemens=entry["full_scale_siemens"],
                rules=Rules(**entry["rules"] | {"objective": Objective(entry["rules"]["objective"])}),
                statistics=entry["statistics"],
                moments=_optional(folder / "layers" / f"{entry['label']}.moments.npy"),
                correction=None if constants is None else Correction(gain=constants[0], offset=constants[1]),
            )
        )
    return Design(
        network=network,
        technology=technology,
        bank=bank,
        layers=tuple(layers),
        options=options,
        summary=data["summary"],
        source=tiles_of(folder, technology, bank, plan),
    )

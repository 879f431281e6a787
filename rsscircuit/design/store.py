"""A design on disk: ``design.json`` and plain ``.npy`` arrays, the same bytes for the same run.

design.json                     options, versions, layers, fingerprints
technology.toml                 the technology as it was used
network/<k>.<weight|bias>.npy   the trained values, float64
banks/<label>/tile_<k>.true.npy        float64 [rows, cols, 2, n], siemens, switch closed
banks/<label>/tile_<k>.measured.npy    what closing each branch adds, as measured
banks/<label>/tile_<k>.closed.npy      the switch plan, bits packed along the last axis
layers/<label>.scale.npy        float64 [cols], siemens a unit of weight
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import Die, MeasuredBanks, bank_spec
from rsscircuit.design.design import Crossbar, Design, MappedLayer
from rsscircuit.errors import DesignError
from rsscircuit.mapping import LayerMatrix, Tile, cut, layer_matrix
from rsscircuit.network import Layer, Network
from rsscircuit.technology import parse_technology

FORMAT = 1
DESIGN_FILE = "design.json"
TECHNOLOGY_FILE = "technology.toml"
LOG_FILE = "run.log"
ENTRIES = {
    DESIGN_FILE, TECHNOLOGY_FILE, LOG_FILE, "network", "layers", "banks", "netlist", "bitstream", "hdl", "results",
}  # fmt: skip


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write one ``.npy`` file (format 1.0, C order, no time in it)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def write_bytes(path: Path, data: bytes) -> None:
    """Write one file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def result_file(directory: str | Path, name: str) -> Path:
    """Where a result goes; made before the work, so that a directory that cannot be written is known at once.

    Raises:
        DesignError: The design's directory cannot be written.
    """
    folder = Path(directory) / "results"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DesignError("results cannot be written", where=str(folder), got=str(error.strerror)) from error
    if not os.access(folder, os.W_OK):
        raise DesignError("results cannot be written", where=str(folder), remedy="copy the design elsewhere")
    return folder / f"{name}.json"


def read_array(path: Path) -> NDArray[Any]:
    """Read one ``.npy`` file of a design.

    Raises:
        DesignError: It is missing or damaged.
    """
    try:
        loaded: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DesignError("the design is damaged", where=str(path), got=str(error), remedy="build it again") from error
    return loaded


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write readable JSON with keys in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


GROUPS = {
    "data": ("network", "layers", "banks", TECHNOLOGY_FILE),
    "netlist": ("netlist",),
    "bitstream": ("bitstream",),
    "hdl": ("hdl",),
}


def fingerprints(folder: Path) -> dict[str, str]:
    """BLAKE2b over the names and bytes of the files of each group; the log and the results belong to none."""
    return {group: _digest_files(folder, names) for group, names in GROUPS.items()}


def _digest_files(folder: Path, names: tuple[str, ...]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        top = folder / name
        for path in [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file()):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _digest_record(data: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=16).hexdigest()


def write_record(folder: Path, data: Mapping[str, Any]) -> None:
    """Write ``design.json``: the record, and fingerprints of it and of everything that was written before."""
    marks = fingerprints(folder) | {"record": _digest_record(data)}
    write_json(folder / DESIGN_FILE, {**data, "fingerprints": marks})


def read_record(folder: Path) -> dict[str, Any]:
    """Read ``design.json``.

    Raises:
        DesignError: No design there, one of another format, or a record that was changed.
    """
    try:
        data: dict[str, Any] = json.loads((folder / DESIGN_FILE).read_text("utf-8"))
        found, marks = data["format"], data["fingerprints"]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise DesignError(
            "not a design", where=str(folder), remedy="give a directory that `generate-crossbar build` wrote"
        ) from error
    if found != FORMAT:
        raise DesignError("the design has another format", where=str(folder), got=found, remedy="build it again")
    record = {key: value for key, value in data.items() if key != "fingerprints"}
    if marks.get("record") != _digest_record(record):
        raise DesignError(
            "the record was changed since it was written", where=str(folder / DESIGN_FILE), remedy="build it again"
        )
    return data


def changed_groups(folder: Path, data: Mapping[str, Any]) -> list[str]:
    """The groups of files that are no longer as they were written."""
    return [group for group, mark in fingerprints(folder).items() if mark != data["fingerprints"].get(group)]


def save_crossbar(folder: Path, label: str, crossbar: Crossbar) -> None:
    """Write the banks and the plan of one tile."""
    stem = folder / "banks" / label
    write_array(stem / f"tile_{crossbar.index}.true.npy", crossbar.die.on_siemens)
    write_array(stem / f"tile_{crossbar.index}.measured.npy", crossbar.measured.step_siemens)
    write_array(stem / f"tile_{crossbar.index}.closed.npy", np.packbits(crossbar.closed, axis=3, bitorder="little"))


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
        "tolerance_siemens": layer.tolerance_siemens,
        "solver": layer.solver,
        "reason": layer.reason,
        "statistics": dict(layer.statistics),
    }


@dataclass(frozen=True, slots=True)
class _Directory:
    """Reads crossbars from a design's folder."""

    folder: Path
    off_siemens: float
    branches: int

    def crossbar(self, layer: MappedLayer, tile: Tile) -> Crossbar:
        stem = self.folder / "banks" / layer.label
        expected = (tile.rows, tile.columns, 2, self.branches)
        if tile not in layer.drawn_tiles:
            nothing = np.zeros(expected)
            return Crossbar(
                layer=layer.name,
                index=tile.index,
                targets=layer.targets(tile),
                die=Die(on_siemens=nothing, off_siemens=nothing),
                measured=MeasuredBanks(step_siemens=nothing),
                closed=np.zeros(expected, np.bool_),
            )
        true = read_array(stem / f"tile_{tile.index}.true.npy")
        measured = read_array(stem / f"tile_{tile.index}.measured.npy")
        packed = read_array(stem / f"tile_{tile.index}.closed.npy")
        if not true.shape == measured.shape == expected or packed.shape != (*expected[:3], -(-self.branches // 8)):
            raise DesignError("the design is damaged", where=str(stem), got=str(true.shape), remedy="build it again")
        off = np.where(true > 0, self.off_siemens, 0.0)
        closed = np.unpackbits(packed, axis=3, count=self.branches, bitorder="little").astype(np.bool_)
        return Crossbar(
            layer=layer.name,
            index=tile.index,
            targets=layer.targets(tile),
            die=Die(on_siemens=true, off_siemens=off),
            measured=MeasuredBanks(step_siemens=measured),
            closed=closed,
        )


def load(directory: str | Path) -> Design:
    """The design that a build left in ``directory``; tiles are read when they are asked for.

    Raises:
        DesignError: No design there, a damaged one, or one of another format.
    """
    folder = Path(directory)
    data = read_record(folder)
    if _digest_files(folder, GROUPS["data"]) != data["fingerprints"].get("data"):
        raise DesignError(
            "banks, scales, network or technology were changed since they were written",
            where=str(folder),
            remedy="build it again",
        )
    return _assemble(folder, data)


def _assemble(folder: Path, data: dict[str, Any]) -> Design:
    options = data["options"]
    technology = parse_technology((folder / TECHNOLOGY_FILE).read_text("utf-8"), data["technology"])
    bank = bank_spec(data["bank"]["plan"], data["bank"]["resistors"], technology.resistor.unit_ohm)
    network = load_network(folder, data["network"]["layers"], data["network"]["outputs"])
    layers = []
    for entry in data["layers"]:
        matrix: LayerMatrix = layer_matrix(network.layer(entry["name"]), entry["input_full_scale"])
        layers.append(
            MappedLayer(
                name=entry["name"],
                label=entry["label"],
                matrix=matrix,
                tiles=cut(matrix.weights.shape, tuple(options["tile"])),
                siemens_per_weight=read_array(folder / "layers" / f"{entry['label']}.scale.npy"),
                full_scale_siemens=entry["full_scale_siemens"],
                tolerance_siemens=entry["tolerance_siemens"],
                solver=entry["solver"],
                reason=entry["reason"],
                statistics=entry["statistics"],
            )
        )
    return Design(
        network=network,
        technology=technology,
        bank=bank,
        layers=tuple(layers),
        options=options,
        summary=data["summary"],
        source=_Directory(folder, technology.switch.off_siemens, bank.resistors),
    )


def refuse_foreign(out: Path, *, force: bool) -> None:
    """Make sure that writing a design to ``out`` destroys nothing else.

    Raises:
        DesignError: ``out`` is a file or holds anything that is no design, or a design and ``force`` is not set.
    """
    if out.exists() and not out.is_dir():
        raise DesignError("the output is a file", where=str(out), remedy="name a directory")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not _is_design(out):
        raise DesignError(
            "the output directory holds something else", where=str(out), remedy="name a new or empty directory"
        )
    if not force:
        raise DesignError("a design is there already", where=str(out), remedy="pass --force to replace it")


def _is_design(folder: Path) -> bool:
    """Whether ``folder`` holds a design and nothing beside it."""
    try:
        record = json.loads((folder / DESIGN_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    ours = isinstance(record, dict) and {"format", "versions", "fingerprints"} <= record.keys()
    return ours and {entry.name for entry in folder.iterdir()} <= ENTRIES


def replace_directory(partial: Path, out: Path, *, force: bool) -> None:
    """Put a finished directory in the place of ``out``; what was there comes back if that fails.

    Raises:
        DesignError: Something else has come to ``out`` meanwhile, or it cannot be replaced.
    """
    refuse_foreign(out, force=force)
    aside = partial.with_name(f"{partial.name}.old")
    try:
        if out.exists():
            out.rename(aside)
        try:
            partial.rename(out)
        except OSError:
            if aside.exists():
                aside.rename(out)
            raise
    except OSError as error:
        raise DesignError("the output cannot be replaced", where=str(out), got=str(error.strerror)) from error
    shutil.rmtree(aside, ignore_errors=True)

"""Sign-off of a design, tile by tile, on all cores; a tile that is signed off and did not change is not run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rsscircuit.controller import ArrayGeometry, ControllerConfig
from rsscircuit.design import Design, MappedLayer, load
from rsscircuit.design.record import digest_files, read_record
from rsscircuit.design.results import RESULTS, ResultFile, result_file
from rsscircuit.errors import InputError
from rsscircuit.execution import Crash, Here, Processes, Workers
from rsscircuit.mapping import Tile
from rsscircuit.options import BuildOptions
from rsscircuit.progress import Progress, silent
from rsscircuit.signoff import hdl
from rsscircuit.signoff.checks import CLOSED_FORM, NODAL, Check
from rsscircuit.signoff.inputs import network_data, strongest
from rsscircuit.signoff.tile import Job, sign_off_tile
from rsscircuit.simulate import ngspice

GEOMETRY = ("rows", "columns", "branches")


def sign_off(
    directory: str | Path,
    *,
    layer: str | None = None,
    tile: int | None = None,
    inputs: str | Path | None = None,
    workers: int = 0,
    fresh: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Check that the emitted Verilog with the emitted bitstreams programs the emitted netlists, tile by tile.

    Args:
        directory: The design.
        layer: Only this layer, by name or label.
        tile: Only this tile of each layer, from 0.
        inputs: ``.npy`` file, inputs of the network; else those that the build kept.
        workers: Processes to run tiles on; 0 is this process.
        fresh: Run tiles again that an earlier run signed off.
        progress: Bars for people.

    Returns:
        ``passed``; ``failed``, how many tiles did not; ``expected`` and ``inputs``, what the currents were compared
        with and driven by; ``versions``; and ``tiles``, as :func:`rsscircuit.signoff.tile.sign_off_tile` gives them.
        Also saved in ``results/``.

    Raises:
        RsscircuitError: Anything the user can mend.
    """
    if workers < 0:
        raise InputError("a number of workers is from 0", where="--workers", got=workers)
    folder, design = Path(directory), load(directory)
    places = chosen(design, layer, tile)
    config = controller_of(folder, design)
    data, origin = network_data(design, folder, inputs)
    file = result_file(folder, "signoff")
    versions = {
        "rsscircuit": version("rsscircuit"),
        "ngspice": ngspice.version(),
        "iverilog": hdl.icarus_version(),
    }
    with progress("real inputs", len(data)) as advance:
        volts = strongest(design, data, advance)
    with TemporaryDirectory(prefix="rsscircuit-") as scratch:
        bench = hdl.compile_bench(folder / "hdl", config, Path(scratch))
        jobs = [
            Job(
                directory=str(folder.resolve()),
                fingerprint=file.fingerprint,
                layer=mapped.name,
                tile=place.index,
                number=design.floor_plan.first[mapped.name] + place.index,
                bench=bench,
                volts=volts[mapped.name, place.row],
            )
            for mapped, place in places
        ]
        place_of_work = Processes(min(workers, len(jobs))) if workers and len(jobs) > 1 else Here()
        tiles = _run(jobs, design, versions, place_of_work, fresh, progress)
    failed = sum(not each["passed"] for each in tiles)
    result = {
        "passed": failed == 0,
        "failed": failed,
        "expected": NODAL if design.options["wires"] else CLOSED_FORM,
        "inputs": origin,
        "versions": versions,
        "tiles": tiles,
    }
    return file.write(result)


def chosen(design: Design, layer: str | None, tile: int | None) -> list[tuple[MappedLayer, Tile]]:
    """The tiles that are asked for, of those that hold a weight.

    Raises:
        InputError: There are none.
    """
    layers: Sequence[MappedLayer] = design.layers if layer is None else (design.layer(layer),)
    if tile is not None and layer is not None:
        design.tile(layers[0], tile)
    found = [(each, place) for each in layers for place in each.drawn_tiles if tile is None or place.index == tile]
    if not found:
        raise InputError("no such tile holds a weight", where="--tile", got=tile)
    return found


def controller_of(folder: Path, design: Design) -> ControllerConfig:
    """The controller that the design in ``folder`` was built with."""
    record = read_record(folder)["controller"]
    geometry = ArrayGeometry(**{name: record[name] for name in GEOMETRY})
    return ControllerConfig.of_design(geometry, BuildOptions.kept(design.options).bus, design.technology.readout)


def outcome(
    layer: str, tile: int, checks: Sequence[Check], versions: dict[str, str], compared: str, driven: str
) -> dict[str, Any]:
    """The result of checks on one tile, in the form of :func:`sign_off`."""
    passed = all(check.passed for check in checks)
    records = [check.record() for check in checks]
    return {
        "passed": passed,
        "failed": int(not passed),
        "expected": compared,
        "inputs": driven,
        "versions": {"rsscircuit": version("rsscircuit"), **versions},
        "tiles": [{"layer": layer, "tile": tile, "passed": passed, "checks": records}],
    }


def _run(
    jobs: Sequence[Job], design: Design, versions: dict[str, str], place: Workers, fresh: bool, progress: Progress
) -> list[dict[str, Any]]:
    """Every tile, in order; those that are done are read, and every other is kept as soon as it is done."""
    folder = Path(jobs[0].directory)
    hdl_digest = digest_files(folder, ("hdl",))
    kept = {
        (job.layer, job.tile): ResultFile(
            path=folder / RESULTS / "signoff" / _name(design, job), fingerprint=job.fingerprint
        )
        for job in jobs
    }
    marks, found = {}, {}
    for job in jobs:
        key = job.layer, job.tile
        marks[key] = _mark(folder, design, job, versions, hdl_digest)
        with suppress(OSError, ValueError, KeyError):
            record = json.loads(kept[key].path.read_text("utf-8"))
            if record["mark"] == marks[key] and not fresh:
                found[key] = record["tile"]
    with progress("sign-off", len(jobs)) as advance:
        advance(len(found))
        for done in place.run(sign_off_tile, [job for job in jobs if (job.layer, job.tile) not in found]):
            key = done.item.layer, done.item.tile
            if isinstance(done.result, Crash):
                words = " | ".join(done.result.last_lines)
                base = {"layer": key[0], "tile": key[1], "passed": False, "checks": []}
                found[key] = base | {"problem": f"the simulation crashed; {words}"}
            else:
                found[key] = done.result
                kept[key].write({"mark": marks[key], "tile": done.result})
            advance(1)
    return [found[job.layer, job.tile] for job in jobs]


def _name(design: Design, job: Job) -> str:
    return f"{design.layer(job.layer).label}_{job.tile}.json"


def _mark(folder: Path, design: Design, job: Job, versions: dict[str, str], hdl_digest: str) -> str:
    """A digest of everything that a tile's sign-off depends on."""
    label = design.layer(job.layer).label
    banks = [f"banks/{label}/tile_{job.tile}.{name}.npy" for name in ("true", "closed")]
    files = (*banks, f"netlist/{label}/tile_{job.tile}.cir", f"bitstream/{label}/tile_{job.tile}.bin")
    parts = [json.dumps(versions), hdl_digest, job.fingerprint, str(job.number)]
    parts += [digest_files(folder, tuple(name for name in files if (folder / name).exists()))]
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16)
    digest.update(job.volts.tobytes())
    return digest.hexdigest()

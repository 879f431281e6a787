"""Sign-off of one tile, in whichever process it runs: Verilog, latches, netlist, currents, checks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller import ArrayGeometry
from rsscircuit.design import Crossbar, Design, load
from rsscircuit.errors import DesignError, RsscircuitError
from rsscircuit.netlist import source_volts
from rsscircuit.netlist.switches import resistor_ohm
from rsscircuit.signoff.checks import Check, current_checks, expected
from rsscircuit.signoff.hdl import Bench, Loaded
from rsscircuit.signoff.transfer import DrawnBanks, drawn_banks, with_latches
from rsscircuit.simulate import ngspice
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
BITS, NONE = "bits", 0.0
SAME_OHM = 1e-9  # relative


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """One tile to sign off.

    Attributes:
        directory: The design.
        fingerprint: Of its files as they were written, so that another design in its place is another one.
        layer, tile: Which, by the layer's name and from 0.
        number: Counted over the design, as its controller is told.
        bench: The compiled bench.
        volts: Logical volts of real inputs, [cases, rows].
    """

    directory: str
    fingerprint: str
    layer: str
    tile: int
    number: int
    bench: Bench
    volts: Array

    def file(self, folder: str, label: str, suffix: str) -> Path:
        """One of the tile's files."""
        return Path(self.directory) / folder / label / f"tile_{self.tile}.{suffix}"


@lru_cache(maxsize=1)
def _design(directory: str, fingerprint: str) -> Design:
    return load(directory)


def sign_off_tile(job: Job) -> dict[str, Any]:
    """Run the checks of one tile.

    Returns:
        ``layer``, ``tile``, ``passed``, ``load`` (the bench's words), ``clocks`` and ``checks``, each with ``name``,
        ``passed``, ``figure``, ``limit`` and ``unit``. Where a file of the tile cannot be used or a simulation fails,
        that is the one check that failed, with ``problem``.
    """
    try:
        found = _checked(job)
    except RsscircuitError as error:
        found = {"checks": [], "problem": str(error)}
    passed = "problem" not in found and all(check["passed"] for check in found["checks"])
    return {"layer": job.layer, "tile": job.tile, "passed": passed, **found}


def _checked(job: Job) -> dict[str, Any]:
    design = _design(job.directory, job.fingerprint)
    layer = design.layer(job.layer)
    tile = design.tile(layer, job.tile)
    crossbar, geometry = design.crossbar(layer, tile), job.bench.config.geometry
    netlist = job.file("netlist", layer.label, "cir")
    deck = _read(netlist, "add --netlists all to the build").decode()
    with TemporaryDirectory(prefix="rsscircuit-") as scratch:
        frame = _read(job.file("bitstream", layer.label, "bin"), "build the design again")
        loaded = job.bench.load(frame, job.number, Path(scratch))
    closed = latches(loaded, geometry, crossbar.closed.shape)
    checks = [
        Check(name="load", figure=float(not loaded.driven), limit=NONE, unit="faults"),
        Check(name="latches", figure=differing(loaded, geometry, crossbar.closed), limit=NONE, unit=BITS),
    ]
    drawn = drawn_banks(deck, crossbar.closed.shape, str(netlist))
    wrong = differing_branches(drawn, crossbar, design.technology, closed)
    checks.append(Check(name="netlist", figure=wrong, limit=NONE, unit="branches"))
    volts = np.concatenate([design.technology.drive.read_volt * np.eye(tile.rows), job.volts])
    currents = ngspice.operating_points(
        with_latches(deck, closed & loaded.driven),
        source_volts(volts, design.technology),
        tile.columns,
        where=f"layer {layer.name}, tile {job.tile}, {netlist}",
    )
    wanted = expected(design, layer, tile, crossbar, volts)
    checks += current_checks(design, crossbar, tile.rows, currents, wanted)
    return {"load": loaded.said, "clocks": loaded.clocks, "checks": [check.record() for check in checks]}


def latches(loaded: Loaded, geometry: ArrayGeometry, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The tile's own switches among the latches of the array, [rows, cols, 2, n]; what is not known is open."""
    return geometry.from_words(loaded.words)[: shape[0], : shape[1]]


def differing(loaded: Loaded, geometry: ArrayGeometry, plan: NDArray[np.bool_]) -> float:
    """Latches of the whole array that are not as the plan has them, or not known."""
    wrong = (loaded.words ^ geometry.to_words(plan)) | loaded.unknown
    return float(np.unpackbits(wrong.view(np.uint8)).sum())


def differing_branches(
    drawn: DrawnBanks, crossbar: Crossbar, technology: Technology, closed: NDArray[np.bool_]
) -> float:
    """Branches of a netlist that are not closed as the latches are, not the die's, or should not be there."""
    ohm = resistor_ohm(crossbar, technology)
    there = np.broadcast_to(drawn.present[..., None], ohm.shape)
    other = there & ((drawn.closed != closed) | ~np.isclose(drawn.ohm, ohm, rtol=SAME_OHM, atol=0.0))
    return float((other | (there != np.isfinite(ohm))).sum())


def _read(path: Path, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DesignError(f"a file of the tile is missing: {path.name}", where=str(path), remedy=remedy) from error

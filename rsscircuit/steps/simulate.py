"""The emitted netlists in ngspice: one tile a layer, driven by what the samples put on its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design import MappedLayer
from rsscircuit.design.files import write_array
from rsscircuit.design.outcomes import FOLDER, Check, Worst
from rsscircuit.errors import SimulationError
from rsscircuit.mapping import Tile
from rsscircuit.signoff.inputs import strongest
from rsscircuit.simulation import simulate_tile
from rsscircuit.steps.work import Work

Array = NDArray[np.float64]
TRANSISTORS = 2e-4  # rms over rms: the body effect of switches that the nodal solver takes for resistors


class Simulate:
    """Run the first tile of every layer."""

    name, options = "simulate", ()
    leaves = ("steps/simulate/*.npy",)

    def run(self, work: Work) -> dict[str, Any]:
        """Both engines on the same volts; their results go to ``results/`` as those of the command do.

        A tile that does not run or converge fails the check, so that its netlist stays to be looked at.

        Raises:
            MissingPartError: There is no ngspice.
        """
        design = work.design
        inputs = work.samples(design.network)
        data = next(iter(inputs.values())) if inputs and len(inputs) == 1 else None
        if data is None:
            return {"tiles": {}}
        drives, found = strongest(design, data, lambda count: None), {}
        with work.progress("simulate", len(design.layers)) as advance:
            for layer in design.layers:
                for tile in layer.drawn_tiles[:1]:
                    found[layer.name] = self._compared(work, layer, tile, drives[layer.name, tile.row])
                advance(1)
        return {"tiles": found}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """Nothing is handed on."""

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """The currents of ngspice against those of the nodal solver."""
        against, unit, worst = "the nodal solver", "difference of the currents, rms over rms", Worst()
        for layer, found in result["tiles"].items():
            where = f"layer {layer}, tile {found['tile']}"
            worst.add(float("inf") if "error" in found else found["difference"], where)
        if not result["tiles"]:
            return Check(against=against, unit=unit, figure=None, note="no sample can be made of the network's input")
        note = "; ".join(found["error"] for found in result["tiles"].values() if "error" in found)
        return Check(against=against, unit=unit, figure=worst.figure, limit=TRANSISTORS, where=worst.where, note=note)

    def _compared(self, work: Work, layer: MappedLayer, tile: Tile, volts: Array) -> dict[str, Any]:
        """How far the two engines are apart on one tile."""
        file = work.folder / FOLDER / self.name / f"{layer.label}.npy"
        write_array(file, volts)
        currents = []
        for engine in ("ngspice", "nodal"):
            try:
                run = simulate_tile(work.folder, engine=engine, layer=layer.name, tile=tile.index, inputs=file)
            except SimulationError as error:
                return {"tile": tile.index, "error": str(error).replace(f"{work.folder}/", "")}
            currents.append(np.array(run["ampere"]))
        spice, nodal = currents
        apart = float(np.sqrt(np.mean((spice - nodal) ** 2) / (np.mean(nodal**2) or 1.0)))
        return {"tile": tile.index, "cases": len(spice), "difference": apart}

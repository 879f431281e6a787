"""What is written of a programmed design: bitstreams, netlists, the controller."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.assembly import array_geometry
from rsscircuit.calibration import correction_inputs
from rsscircuit.controller import ArrayGeometry, ControllerConfig, pack, unpack
from rsscircuit.design import MappedLayer
from rsscircuit.design.files import read_array, write_array, write_bytes
from rsscircuit.design.outcomes import Check, Worst
from rsscircuit.design.store import CORRECTION_FILE, save_layer
from rsscircuit.handover import Delivery, first_frame, hdl_files
from rsscircuit.inference.correction import correct
from rsscircuit.mapping import Tile
from rsscircuit.netlist import tile_deck
from rsscircuit.signoff.transfer import drawn_banks
from rsscircuit.steps.banks import write_design
from rsscircuit.steps.work import Work
from rsscircuit.technology.cell import wire_segments

Array = NDArray[np.float64]
ROUNDED = 1e-9  # of a layer's full scale: what the rounding of resistances leaves


class Program:
    """A frame for every tile, and the digital constants of the outputs."""

    name, options = "program", ("correct_bias",)
    leaves = ("bitstream/*/tile_*.bin", "layers/*.correction.npy", CORRECTION_FILE)

    def run(self, work: Work) -> dict[str, Any]:
        """Pack the switches of every tile; fit the correction where it is asked for."""
        geometry, numbers = array_geometry(work.layers, work.resolved.bank), _numbers(work)
        for layer, tile, crossbar in work.design.crossbars():
            frame = pack(crossbar.closed, geometry, numbers[layer.name] + tile.index)
            write_bytes(_frame(work, layer, tile), frame)
        if work.options.correct_bias:
            self._correct(work)
        work.refresh_record()
        return {"frame_bytes": 4 * (6 + geometry.words), "corrected": work.options.correct_bias}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """The frames are in the folder, the constants in the design."""

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """Every frame read back, against the plan and the number of its tile."""
        geometry, numbers, worst = array_geometry(work.layers, work.resolved.bank), _numbers(work), Worst()
        for layer, tile, crossbar in work.design.crossbars():
            frame = unpack(_frame(work, layer, tile).read_bytes(), geometry)
            wrong = int((_padded(crossbar.closed, geometry) != frame.closed).sum())
            wrong += int(frame.tile_id != numbers[layer.name] + tile.index)
            worst.add(float(wrong), f"layer {layer.name}, tile {tile.index}")
        return Check(against="the switch plan", unit="bits that differ", figure=worst.figure, where=worst.where)

    def _correct(self, work: Work) -> None:
        if not (work.folder / CORRECTION_FILE).is_file():
            write_array(work.folder / CORRECTION_FILE, correction_inputs(work.network, work.options.calibration))
        layers = work.design.layers
        with work.progress("correction", len(layers)) as advance:
            inputs = read_array(work.folder / CORRECTION_FILE)
            layers = correct(work.design, inputs, seed=work.options.seed, progress=advance).layers
        for layer in layers:
            save_layer(work.folder, layer)
        write_design(work, [*layers])
        work.read_design()


class EmitSpice:
    """A deck for every tile that is asked for."""

    name, options = "emit-spice", ("netlists", "wires")
    leaves = ("netlist/*/tile_*.cir",)

    def run(self, work: Work) -> dict[str, Any]:
        """Write the decks."""
        resolved, decks = work.resolved, 0
        segments = wire_segments(resolved.bank.nominal_ohm, resolved.technology) if work.options.wires else None
        for layer in work.design.layers:
            for tile in self._tiles(work, layer):
                crossbar = work.design.crossbar(layer, tile)
                deck = tile_deck(crossbar, resolved.technology, label=layer.label, segments=segments)
                write_bytes(_deck(work, layer, tile), deck.encode())
                decks += 1
        work.refresh_record()
        return {"decks": decks}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """The decks are in the folder."""

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """What conducts in every deck, read back from its text, against the closed banks of the plan."""
        worst, checked, on_ohm = Worst(), 0, work.resolved.technology.switch.on_ohm
        for layer in work.design.layers:
            for tile in self._tiles(work, layer):
                crossbar, where = work.design.crossbar(layer, tile), f"layer {layer.name}, tile {tile.index}"
                read = drawn_banks(_deck(work, layer, tile).read_text("utf-8"), crossbar.closed.shape, where)
                banks = np.where(read.closed, 1.0 / (read.ohm + on_ohm), 0.0).sum(axis=3)
                worst.add(float(np.abs(banks - crossbar.bank_siemens()).max()) / layer.full_scale_siemens, where)
                checked += 1
        against, unit = "the closed banks of the plan", "largest difference of a bank, of full scale"
        if not checked:
            return Check(against=against, unit=unit, figure=None, note="no netlist was asked for")
        return Check(against=against, unit=unit, figure=worst.figure, limit=ROUNDED, where=worst.where)

    def _tiles(self, work: Work, layer: MappedLayer) -> tuple[Tile, ...]:
        wanted = work.options.netlists
        return tuple(tile for tile in layer.drawn_tiles if wanted == "all" or (wanted == "sample" and tile.index == 0))


class EmitHdl:
    """The controller, and what goes with it."""

    name, options, leaves = "emit-hdl", (), ("hdl/**/*",)

    def run(self, work: Work) -> dict[str, Any]:
        """Write ``hdl/``."""
        with work.progress("controller", 1) as advance:
            files = hdl_files(self._delivery(work))
            for name, content in files.items():
                write_bytes(work.folder / "hdl" / name, content)
            advance(1)
        work.refresh_record()
        return {"files": len(files)}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """The files are there."""

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """The frame of the emitted bench, read by the emitted driver, against the plan of its tile."""
        geometry, hdl, worst = array_geometry(work.layers, work.resolved.bank), work.folder / "hdl", Worst()
        words = [int(line, 16) for line in (hdl / "bench" / "frame.hex").read_text().split()]
        driver = runpy.run_path(str(hdl / "driver" / "xbar_driver.py"))
        number, closed = driver["unpack"](b"".join(word.to_bytes(4, "little") for word in words), driver["THIS"])
        numbers = _numbers(work)
        for layer in work.design.layers:
            for tile in layer.drawn_tiles:
                if numbers[layer.name] + tile.index == number:
                    plan = _padded(work.design.crossbar(layer, tile).closed, geometry)
                    wrong = float((np.array(closed, np.bool_) != plan).sum())
                    worst.add(wrong, f"layer {layer.name}, tile {tile.index}")
                    return Check(
                        against="the switch plan, by the emitted driver and the frame of the emitted bench",
                        unit="bits that differ",
                        figure=worst.figure,
                        where=worst.where,
                        note="generate-crossbar signoff runs the Verilog itself",
                    )
        return Check(against="the switch plan", unit="bits that differ", figure=float("inf"), where=f"tile id {number}")

    def _delivery(self, work: Work) -> Delivery:
        geometry = array_geometry(work.layers, work.resolved.bank)
        return Delivery(
            config=ControllerConfig(geometry=geometry),
            frame=first_frame(work.folder, [layer.label for layer in work.layers], geometry),
            nominal_ohm=work.resolved.bank.nominal_ohm,
            technology=work.resolved.technology,
        )


def _numbers(work: Work) -> Mapping[str, int]:
    """The number of the first tile of every layer, over the whole design."""
    return work.design.floor_plan.first


def _frame(work: Work, layer: MappedLayer, tile: Tile) -> Path:
    return work.folder / "bitstream" / layer.label / f"tile_{tile.index}.bin"


def _deck(work: Work, layer: MappedLayer, tile: Tile) -> Path:
    return work.folder / "netlist" / layer.label / f"tile_{tile.index}.cir"


def _padded(closed: NDArray[np.bool_], geometry: ArrayGeometry) -> NDArray[np.bool_]:
    """A plan as the whole array holds it."""
    whole = np.zeros((geometry.rows, geometry.columns, 2, geometry.branches), np.bool_)
    whole[: closed.shape[0], : closed.shape[1]] = closed
    return whole

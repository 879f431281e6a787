"""The emitted controller through place and route, with one seed; tests/bench/controller.py has five and every bus."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest
from handover_kit import yosys

from rsscircuit.controller import ArrayGeometry, ControllerConfig, emit_verilog

FITS = {
    "synth_ecp5": ("nextpnr-ecp5", "--25k", "--package", "CABGA381", "--lpf-allow-unconstrained"),
    "synth_ice40": ("nextpnr-ice40", "--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"),
}


@pytest.mark.parametrize(
    ("synthesis", "geometry", "least_megahertz"),
    [
        ("synth_ecp5", ArrayGeometry(64, 64, 16), 100.0),
        ("synth_ice40", ArrayGeometry(16, 16, 8), 70.0),
    ],
)
def test_the_controller_is_placed_and_routed_and_fast_enough(synthesis, geometry, least_megahertz, tmp_path):
    (tmp_path / "x.sv").write_text(emit_verilog(ControllerConfig(geometry=geometry))["xbar_top.sv"])
    yosys(tmp_path, "read_verilog -sv x.sv", f"{synthesis} -top xbar_top -json x.json")
    program, *options = FITS[synthesis]
    tool = Path(sysconfig.get_path("scripts")) / f"yowasp-{program}"
    place = [tool, *options, "--json", "x.json", "--freq", f"{least_megahertz:g}", "--seed", "1"]
    done = subprocess.run(place, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = re.findall(r"Max frequency for clock .*?: ([\d.]+) MHz \(PASS", done.stderr)
    assert float(found[-1]) >= least_megahertz

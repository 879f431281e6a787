"""The built wheel, installed into an empty environment, works from another directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_builds_a_design_by_itself(small_network: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "empty", with_pip=True)
    binaries = tmp_path / "empty" / "bin"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    subprocess.run(
        [binaries / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel],
        check=True, env=environment, cwd=tmp_path, timeout=600,
    )  # fmt: skip
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [binaries / "generate-crossbar", "build", small_network, "--out", "design", "--tile", "16x4", "--json"],
        capture_output=True, text=True, env=environment, cwd=elsewhere, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["changed"] == []
    for name in ("netlist/conv/tile_0.cir", "hdl/filelist.f", "hdl/xbar_top.sv", "bitstream/out/tile_0.bin"):
        assert (elsewhere / "design" / name).stat().st_size > 0
    where = subprocess.run(
        [binaries / "python", "-c", "import rsscircuit; print(rsscircuit.__file__)"],
        capture_output=True, text=True, env=environment, cwd=elsewhere, check=True,
    ).stdout  # fmt: skip
    assert str(tmp_path) in where

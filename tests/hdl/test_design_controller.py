"""A real design's controller: the files it ships load its own bitstreams."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.controller import ArrayGeometry
from rsscircuit.controller.bitstream import to_hex
from rsscircuit.controller.simulation import load_in_simulation
from rsscircuit.errors import InputError
from rsscircuit.handing_over import hand_over


@pytest.mark.parametrize(("layer", "index"), [("conv", 0), ("hidden", 2)])
def test_the_latches_equal_the_switch_plan_bit_for_bit(layer: str, index: int, small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    geometry = ArrayGeometry(**rsscircuit.inspect(small_design)["controller"])
    mapped = design.layer(layer)
    crossbar = design.crossbar(mapped, mapped.tiles[index])
    number = sum(len(other.tiles) for other in design.layers[: design.layers.index(mapped)]) + index
    frame = (small_design / "bitstream" / mapped.label / f"tile_{index}.bin").read_bytes()
    result = load_in_simulation(frame, geometry, tile_id=number)
    assert result.ready
    assert result.oe
    assert not result.fault
    assert result.violations == ()
    rows, columns = crossbar.targets.shape
    assert (result.closed[:rows, :columns] == crossbar.closed).all()
    assert result.closed.sum() == crossbar.closed.sum() > 0
    refused = load_in_simulation(frame, geometry, tile_id=number + 1)
    assert refused.fault
    assert not refused.oe


def test_the_shipped_verilog_loads_the_shipped_bitstream_in_icarus(small_design: Path, tmp_path: Path) -> None:
    frame = (small_design / "bitstream" / "conv" / "tile_0.bin").read_bytes()
    (tmp_path / "good.hex").write_text(to_hex(frame))
    damaged = bytearray(frame)
    damaged[len(frame) // 2] ^= 4
    (tmp_path / "bad.hex").write_text(to_hex(bytes(damaged)))
    bench = tmp_path / "bench"
    compiled = subprocess.run(
        ["iverilog", "-g2012", "-o", bench, "-f", "filelist_tb.f"],
        cwd=small_design / "hdl", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
    outcomes = {
        name: subprocess.run(
            ["vvp", "-n", bench, f"+frame={tmp_path / name}"], capture_output=True, text=True, timeout=60
        )
        for name in ("good.hex", "bad.hex")
    }
    assert outcomes["good.hex"].returncode == 0, outcomes["good.hex"].stdout
    assert "PASS" in outcomes["good.hex"].stdout
    assert outcomes["bad.hex"].returncode != 0
    assert "FAIL" in outcomes["bad.hex"].stdout


def test_the_geometry_holds_the_largest_tile(small_design: Path) -> None:
    geometry = ArrayGeometry(**rsscircuit.inspect(small_design)["controller"])
    design = rsscircuit.load(small_design)
    shapes = np.array([(tile.rows, tile.columns) for layer in design.layers for tile in layer.tiles])
    assert (geometry.rows, geometry.columns) == tuple(shapes.max(0))
    assert geometry.branches == design.bank.resistors


def test_the_package_is_written_anew_for_another_bus(small_design: Path, tmp_path: Path) -> None:
    out = tmp_path / "hdl"
    written = hand_over(small_design, out, bus="wishbone")
    assert written["files"] == sum(path.is_file() for path in out.rglob("*"))
    assert "wb_cyc_i" in (out / "xbar_top.sv").read_text()
    assert (out / "bench" / "frame.hex").read_text() == (small_design / "hdl" / "bench" / "frame.hex").read_text()
    assert rsscircuit.inspect(small_design)["changed"] == []
    with pytest.raises(InputError, match="fuses are in macros"):
        hand_over(small_design, tmp_path / "fuses", fuses=True)
    assert not (tmp_path / "fuses").exists()
    hand_over(small_design, tmp_path / "fuses", fuses=True, array="ports", sense_cycles=50)
    assert "for 50 clocks" in (tmp_path / "fuses" / "datasheet.md").read_text()
    with pytest.raises(InputError, match="the folder holds files"):
        hand_over(small_design, out)
    with pytest.raises(InputError, match="bus must be one of axi4-lite, wishbone, spi; got 'usb'"):
        hand_over(small_design, tmp_path / "other", bus="usb")

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
from rsscircuit.options import BuildOptions
from rsscircuit.technology import technology_text


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


def test_the_converters_are_those_of_the_technology(small_network: Path, tmp_path: Path) -> None:
    text = technology_text("sky130_xhigh_1M")
    for name, default, bits in (("adc_bits", "10.0", "9.0"), ("dac_bits", "8.0", "6.0")):
        assert text.count(f"{name} = {{ value = {default}") == 1
        text = text.replace(f"{name} = {{ value = {default}", f"{name} = {{ value = {bits}")
    (tmp_path / "ours.toml").write_text(text)
    options = BuildOptions(tile=(32, 4), netlists="none", technology=str(tmp_path / "ours.toml"), bus="spi")
    rsscircuit.build(small_network, tmp_path / "design", options)
    for folder in (tmp_path / "design" / "hdl", tmp_path / "again"):
        if not folder.exists():
            assert hand_over(tmp_path / "design", folder)["configuration"] == {
                "bus": "spi", "dac_bits": 6, "adc_bits": 9
            }  # fmt: skip
        verilog, datasheet = (folder / "xbar_top.sv").read_text(), (folder / "datasheet.md").read_text()
        assert "input [8:0] adc_code;" in verilog
        assert "output [5:0] dac_code;" in verilog
        assert "spi_mosi" in verilog
        told = " ".join(datasheet.split())
        assert "Input codes have 6 bits, output codes 9; the converters of ours have 6 and 9." in told


def test_converters_too_fine_for_the_controller_are_refused_before_any_work(
    small_network: Path, tmp_path: Path
) -> None:
    text = technology_text("sky130_xhigh_1M").replace("adc_bits = { value = 10.0", "adc_bits = { value = 17.0")
    (tmp_path / "fine.toml").write_text(text)
    with pytest.raises(InputError, match="controller: adc_bits must lie between 1 and 16; got 17"):
        rsscircuit.build(small_network, tmp_path / "design", BuildOptions(technology=str(tmp_path / "fine.toml")))
    assert not (tmp_path / "design").exists()


def test_the_package_is_written_anew_for_another_bus(small_design: Path, tmp_path: Path) -> None:
    out = tmp_path / "hdl"
    written = hand_over(small_design, out, bus="wishbone")
    assert written["files"] == sum(path.is_file() for path in out.rglob("*"))
    assert "wb_cyc_i" in (out / "xbar_top.sv").read_text()
    assert (out / "bench" / "frame.hex").read_text() == (small_design / "hdl" / "bench" / "frame.hex").read_text()
    assert rsscircuit.inspect(small_design)["changed"] == []
    assert written["configuration"] == {"bus": "wishbone", "dac_bits": 8, "adc_bits": 10}
    with pytest.raises(InputError, match="fuses are in macros"):
        hand_over(small_design, tmp_path / "fuses", fuses=True)
    assert not (tmp_path / "fuses").exists()
    hand_over(small_design, tmp_path / "fuses", fuses=True, array="ports", sense_cycles=50)
    assert "for 50 clocks" in (tmp_path / "fuses" / "datasheet.md").read_text()
    with pytest.raises(InputError, match="the folder holds files"):
        hand_over(small_design, out)
    with pytest.raises(InputError, match="bus must be one of axi4-lite, wishbone, spi; got 'usb'"):
        hand_over(small_design, tmp_path / "other", bus="usb")

"""From a measured die to a weight set by its code: the map, the emitted driver, the controller, the conductance."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import rsscircuit
from rsscircuit.cli import cli
from rsscircuit.controller import ArrayGeometry, ControllerConfig
from rsscircuit.controller.simulation import Bench
from rsscircuit.controller.top import XbarTop
from rsscircuit.design.record import fingerprint, read_record
from rsscircuit.errors import InputError
from rsscircuit.handing_over import hand_over
from rsscircuit.weight_maps import make_weight_map

CELL = {"layer": "conv", "tile": 0, "row": 3, "column": 1}


def conductances(design: rsscircuit.Design) -> tuple[np.ndarray, np.ndarray]:
    """Of the cell: what closing each branch adds as measured, and its true branches, [2, n]."""
    layer = design.layer(CELL["layer"])
    crossbar = design.crossbar(layer, layer.tiles[0])
    return crossbar.measured.step_siemens[3, 1], crossbar.die.on_siemens[3, 1]


@pytest.mark.parametrize("bank", ["pair", "plus", "minus"])
def test_every_code_conducts_what_the_map_says(bank: str, small_design: Path) -> None:
    made, design = make_weight_map(small_design, bank=bank, bits=6, **CELL), rsscircuit.load(small_design)
    layer = design.layer("conv")
    crossbar = design.crossbar(layer, layer.tiles[0])
    step, _ = conductances(design)
    subsets = np.array(made["subsets"], bool).reshape(64, 2, -1)
    banks = np.where(subsets, step, 0.0).sum(axis=2)
    found = banks[:, 0] - banks[:, 1] if bank == "pair" else banks[:, ("plus", "minus").index(bank)]
    assert found == pytest.approx(made["siemens"], rel=1e-12, abs=1e-18)
    if bank != "pair":
        kept = int(bank == "plus")
        assert (subsets[:, kept] == crossbar.closed[3, 1, kept]).all()
    scale, largest = layer.siemens_per_weight[1], np.abs(layer.matrix.weights[:, 1]).max()
    codes = np.arange(64)
    levels = np.where(codes < 32, codes, codes - 64) / 32 if bank == "pair" else codes / 64
    assert made["target_siemens"] == pytest.approx(levels * largest * scale, rel=1e-12)
    reached = np.setdiff1d(codes, made["beyond_reach"] + made["beyond_tolerance"])
    error = np.abs(found - levels * largest * scale)[reached]
    assert len(reached) > 50
    assert error.max() <= layer.rules.tolerance_siemens * (1 + 1e-9)
    assert made["worst_error"] == pytest.approx(error.max() / (largest * scale), rel=1e-9)
    missed = np.array(made["beyond_reach"], int)
    assert (np.abs(levels[missed] * largest * scale) > step.sum(axis=1).min()).all()


def test_a_weight_is_set_by_its_code_on_the_measured_die(small_design: Path, tmp_path: Path) -> None:
    """The emitted driver fills the emitted controller's map; what the latches then close is the weight."""
    out = tmp_path / "map.json"
    words = ["weight-map", str(small_design), "--layer", "conv", "--tile", "0", "--row", "3", "--column", "1"]
    done = CliRunner().invoke(cli, [*words, "--bits", "4", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "16, two's complement: code k is k/8" in done.output
    written = hand_over(small_design, tmp_path / "hdl", weight_map=True, weight_bits=4)
    assert written["configuration"]["weight_bits"] == 4
    driver = runpy.run_path(str(tmp_path / "hdl" / "driver" / "xbar_driver.py"))
    made, record = json.loads(out.read_text()), read_record(small_design)
    assert made["fingerprint"] == fingerprint(record)
    assert made["die"] == record["die"]
    geometry = ArrayGeometry(**record["controller"])
    config = ControllerConfig.of_design(geometry, "axi4-lite", rsscircuit.load(small_design).technology.readout)
    top = XbarTop(ControllerConfig(geometry=geometry, weight_map=True, weight_bits=4, dac_bits=config.dac_bits,
                                   adc_bits=config.adc_bits))  # fmt: skip
    bench = Bench(top, max_cycles=200_000)
    host = driver["Host"](bench, driver["THIS"])
    host.load((small_design / "bitstream" / "conv" / "tile_0.bin").read_bytes(), tile_id=made["tile_id"])
    before = bench.closed()
    host.fill_map(made["row"], made["column"], made["subsets"])
    design = rsscircuit.load(small_design)
    step, true = conductances(design)
    tolerance = design.layer("conv").rules.tolerance_siemens
    for code in (1, 7, 9, 15, 0):
        host.set_code(made["row"], made["column"], code)
        latches = bench.closed()
        mine = latches[3, 1].copy()
        assert mine.ravel().tolist() == [bool(bit) for bit in made["subsets"][code]]
        latches[3, 1] = before[3, 1]
        assert (latches == before).all()
        for branches, allowed in ((step, tolerance), (true, 2 * tolerance)):
            plus, minus = np.where(mine, branches, 0.0).sum(axis=1)
            assert abs(plus - minus - made["target_siemens"][code]) <= allowed
    assert bench.violations == []


def test_another_die_has_another_map(small_design: Path, small_network: Path, tmp_path: Path) -> None:
    other = rsscircuit.BuildOptions(tile=(32, 4), seed=2, netlists="none")
    rsscircuit.build(small_network, tmp_path / "other", other, last="program")
    one, two = (make_weight_map(folder, bits=4, **CELL) for folder in (small_design, tmp_path / "other"))
    assert one["fingerprint"] != two["fingerprint"]
    assert one["subsets"] != two["subsets"]
    assert make_weight_map(small_design, bits=4, **CELL) == one


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"bank": "both"}, "--bank: no such bank; got 'both'; choose from pair, plus, minus"),
        ({"bits": 13}, "--bits: a code has 2 to 12 bits; got 13"),
        ({"bits": 1}, "--bits: a code has 2 to 12 bits; got 1"),
        ({"row": 99}, "--row: tile 0 has 0 to"),
        ({"column": -1}, "--column: tile 0 has 0 to"),
        ({"layer": "nowhere"}, "--layer: no such crossbar layer"),
    ],
)
def test_what_cannot_be_is_refused(asked: dict[str, object], message: str, small_design: Path) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        make_weight_map(small_design, **CELL | asked)  # type: ignore[arg-type]


def test_a_file_is_not_overwritten_and_bits_need_a_map(small_design: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.json"
    out.write_text("mine")
    with pytest.raises(InputError, match="a file is there"):
        make_weight_map(small_design, out=out, bits=4, **CELL)
    assert out.read_text() == "mine"
    make_weight_map(small_design, out=out, force=True, bits=4, **CELL)
    with pytest.raises(InputError, match="weight codes need a map"):
        hand_over(small_design, tmp_path / "hdl", weight_bits=4)

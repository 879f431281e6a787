"""The size of an emitted controller by Yosys, which the figures of ``cost`` are taken from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from handover_kit import yosys

from rsscircuit.controller import ArrayGeometry, ControllerConfig, emit_verilog
from rsscircuit.technology import DEFAULT, load_technology


class Size(NamedTuple):
    """Flops, and NAND2 with inverters."""

    flops: int
    gates: int


def size(geometry: ArrayGeometry, folder: Path) -> Size:
    """Of the controller that a build with the default technology emits, its latches outside."""
    readout = load_technology(DEFAULT).readout
    config = ControllerConfig(
        geometry=geometry, array="ports", dac_bits=int(readout.dac_bits), adc_bits=int(readout.adc_bits)
    )
    (folder / "xbar_top.sv").write_text(emit_verilog(config)["xbar_top.sv"])
    yosys(
        folder,
        "read_verilog -sv xbar_top.sv",
        "synth -flatten -noabc -top xbar_top",
        "abc -g NAND",
        "opt_clean",
        "tee -q -o cells.txt stat",
    )
    cells = re.findall(r"^ +(\d+) +\$_(\w+)_$", (folder / "cells.txt").read_text(), flags=re.MULTILINE)
    return Size(
        flops=sum(int(count) for count, kind in cells if "DFF" in kind),
        gates=sum(int(count) for count, kind in cells if kind in ("NAND", "NOT")),
    )

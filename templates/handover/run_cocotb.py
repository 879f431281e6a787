"""Runs the cocotb tests: ``pip install cocotb cocotbext-axi cocotbext-wishbone``, then ``python run.py``.

``SIM`` chooses the simulator (icarus), ``BUILD`` the folder of what it makes (sim_build, beside this file).
"""

import os
import sys
from pathlib import Path

from cocotb_tools.runner import get_results, get_runner

HERE = Path(__file__).resolve().parent
SIMULATOR = os.environ.get("SIM", "icarus")
BUILD = Path(os.environ.get("BUILD", HERE / "sim_build"))


def main():
    """Build, run, and say how many failed."""
    runner = get_runner(SIMULATOR)
    sys.path.insert(0, str(HERE))
    runner.build(
        sources=[HERE.parent / name for name in (HERE.parent / "filelist.f").read_text().split()],
        hdl_toplevel="xbar_top",
        build_dir=BUILD,
        timescale=("1ns", "1ps"),
        always=True,
    )
    results = runner.test(hdl_toplevel="xbar_top", test_module="test_xbar", build_dir=BUILD, test_dir=BUILD)
    tests, failed = get_results(results)
    print(f"{tests - failed} of {tests} tests passed")
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main())

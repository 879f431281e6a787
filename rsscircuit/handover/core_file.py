"""The package as a FuseSoC core (CAPI2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.export import TOP
from rsscircuit.controller.registers import CONTROLLER_VERSION

NAME = f"rsscircuit:xbar:{TOP}:{CONTROLLER_VERSION >> 16}.{CONTROLLER_VERSION & 0xFFFF}.0"


def core(config: ControllerConfig) -> str:
    """The core: ``default`` for another core, ``lint`` by Verilator, ``sim`` of the bench, ``ecp5`` and ``ice40``."""
    macro = ["macro"] if config.array == "ports" else []
    filesets = {
        "rtl": _files("systemVerilogSource", "xbar_top.sv"),
        "verilog2005": _files("verilogSource", "xbar_top.v"),
        "macro": _files("verilogSource", "macro/xbar_array.v"),
        "bench": _files("systemVerilogSource", "bench/tb_xbar_top.sv")
        + "    - bench/frame.hex : {file_type : user, copyto : bench/frame.hex}\n",
        "waivers": _files("vlt", "waivers.vlt"),
        "ecp5": _files("LPF", "constraints/xbar_top.lpf"),
        "ice40": _files("PCF", "constraints/xbar_top.pcf"),
    }
    targets = {
        "default": _target(["rtl"], TOP),
        "lint": _target(["waivers", "rtl"], TOP, "verilator", {"mode": "lint-only", "verilator_options": ["-Wall"]}),
        "sim": _target(["rtl", *macro, "bench"], "tb_xbar_top", "icarus", {"iverilog_options": ["-g2012"]}),
        "ecp5": _target(["verilog2005", "ecp5"], TOP, "trellis", {"nextpnr_options": ["--25k"]}),
        "ice40": _target(["verilog2005", "ice40"], TOP, "icestorm", {"nextpnr_options": ["--hx8k"]}),
    }
    return (
        f"CAPI=2:\nname : {NAME}\n"
        f"description : Switch controller of a crossbar of random-resistor banks, {config.bus}\n\n"
        f"filesets :\n{_joined(filesets)}\ntargets :\n{_joined(targets)}"
    )


def _joined(parts: Mapping[str, str]) -> str:
    return "".join(f"  {name} :\n{text}" for name, text in parts.items())


def _files(kind: str, *names: str) -> str:
    return f"    file_type : {kind}\n    files :\n" + "".join(f"    - {name}\n" for name in names)


def _target(filesets: list[str], top: str, tool: str = "", options: Mapping[str, Any] | None = None) -> str:
    text = f"    filesets : [{', '.join(filesets)}]\n    toplevel : {top}\n"
    if options:
        settings = "".join(
            f"        {name} : {'[' + ', '.join(value) + ']' if isinstance(value, list) else value}\n"
            for name, value in options.items()
        )
        text += f"    default_tool : {tool}\n    tools :\n      {tool} :\n{settings}"
    return text

"""The lint rules of Verilator that the emitted Verilog is excused from, each with its reason."""

from __future__ import annotations

from rsscircuit.controller.export import TOP

WAIVED = {
    "DECLFILENAME": "every module of the controller is in the one file of its top",
    "UNUSEDSIGNAL": "records of signals are carried whole between modules, and not every module reads every one",
    "WIDTH": "a vector tested for zero by `!`, and a constant as short as its value: both are exact in Verilog",
    "CASEOVERLAP": "`casez` on selectors of which at most one bit is set: each stands for another value of one signal",
}


def waivers() -> str:
    """The waivers, for ``verilator --lint-only -Wall --top xbar_top waivers.vlt -f filelist.f``."""
    rules = "".join(f'// {reason}\nlint_off -rule {rule} -file "*{TOP}.sv"\n' for rule, reason in WAIVED.items())
    return f"`verilator_config\n{rules}"

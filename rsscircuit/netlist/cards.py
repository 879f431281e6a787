"""The model cards of a switch, generic and ours: every circuit takes them from here, and so does what alters them.

The NMOS is level 1. With its gate at the supply and its source at V_s it conducts in triode with

    1 / R_on(V_s) = beta (V_dd - V_s - V_th(V_s)),    V_th(V_s) = vto + gamma (sqrt(phi + V_s) - sqrt(phi)),

and vto and beta are set so that overdrive and R_on are the technology's at its common mode. The PMOS of a transmission
gate has the same threshold and transconductance below the supply. An ideal switch has two resistances and no memory.
"""

from __future__ import annotations

import math

from rsscircuit.netlist.elements import Part
from rsscircuit.technology import Technology

MODEL, P_MODEL = "switch", "pswitch"
PHI_VOLT = 0.7  # surface potential of the body effect, assumed


def body_volt(gamma: float, source_volt: float) -> float:
    """What the body effect adds to the threshold with the source so far above the bulk."""
    return gamma * (math.sqrt(PHI_VOLT + source_volt) - math.sqrt(PHI_VOLT))


def switch_card(technology: Technology, gamma: float = 0.0) -> dict[str, float]:
    """What the NMOS card has of a technology: ``vto``, volt, and ``kp``, ampere per volt squared.

    Args:
        technology: Switch and voltages.
        gamma: Body-effect coefficient, root volt.
    """
    switch, drive = technology.switch, technology.drive
    shape = switch.width_um / switch.length_um
    threshold = drive.supply_volt - drive.common_mode_volt - switch.overdrive_volt
    return {
        "vto": threshold - body_volt(gamma, drive.common_mode_volt),
        "kp": 1.0 / (switch.on_ohm * switch.overdrive_volt * shape),
    }


def nmos_card(technology: Technology, gamma: float = 0.0) -> Part:
    """The NMOS; arguments as for :func:`switch_card`."""
    card = switch_card(technology, gamma)
    values: dict[str, float | str] = {
        "model": MODEL,
        "on_ohm": technology.switch.on_ohm,
        "common_mode_volt": technology.drive.common_mode_volt,
        "supply_volt": technology.drive.supply_volt,
        "threshold_volt": card["vto"],
        "transconductance": card["kp"],
        "gamma": gamma,
        "phi": PHI_VOLT,
    }
    return Part("switch_nmos", values)


def pmos_card(technology: Technology) -> Part:
    """The PMOS beside it, without body effect."""
    card = switch_card(technology)
    values: dict[str, float | str] = {"model": P_MODEL, "threshold_volt": -card["vto"], "transconductance": card["kp"]}
    return Part("switch_pmos", values)


def ideal_card(on_ohm: float, open_ohm: float, *, low_volt: float, high_volt: float, model: str = MODEL) -> Part:
    """A voltage-controlled switch of two resistances that turns halfway between two gate voltages."""
    values: dict[str, float | str] = {
        "model": model,
        "on_ohm": on_ohm,
        "open_ohm": open_ohm,
        "opening_volt": (3 * low_volt + high_volt) / 4,
        "middle_volt": (low_volt + high_volt) / 2,
        "closing_volt": (low_volt + 3 * high_volt) / 4,
    }
    return Part("switch_ideal", values)

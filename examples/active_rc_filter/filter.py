"""An active-RC filter whose corner frequency is trimmed on a slow, a typical and a fast die.

python examples/active_rc_filter/filter.py --out generated/filter

A Tow-Thomas biquad with four programmable resistors. Before trimming, every bank has the switches that suit the drawn
resistances. The corner frequency of the die is measured once, in ngspice; all four banks are then solved for
resistances that move it to what is wanted. No absolute reference is needed: the frequency is the reference.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rsscircuit.netlist.circuits.amplifier import Amplifier
from rsscircuit.netlist.circuits.biquad import BANKS, Programmed, biquad, corner_hertz
from rsscircuit.netlist.elements import Ac
from rsscircuit.resistor.kinds import (
    KINDS,
    Branches,
    Measured,
    centred_bank,
    drawn_branches,
    measure,
    nearest,
    nominal_switches,
)
from rsscircuit.simulate import ngspice
from rsscircuit.technology import load_technology

WANTED_HERTZ = 20e3
FARAD = 50e-12
Q = 1.0 / math.sqrt(2.0)  # Butterworth: the corner is the -3 dB point
AMPLIFIER = Amplifier(gain=1e5, bandwidth_hertz=5e7)
DIES = {"slow": (1.15, 1.10), "typical": (1.0, 1.0), "fast": (0.85, 0.90)}  # resistors and capacitors over drawn
PARALLEL = KINDS["parallel"]
LINES = ("-", "--", ":")


@dataclass(frozen=True)
class Trimmed:
    """One die: corner frequencies and curves, before and after."""

    name: str
    before_hertz: float
    after_hertz: float
    frequency: np.ndarray
    before: np.ndarray
    after: np.ndarray


def trim(name: str, resistors: int, seed: int, points: int, technology_name: str) -> Trimmed:
    technology = load_technology(technology_name)
    shared, capacitor = DIES[name]
    ohm = 1.0 / (2.0 * math.pi * WANTED_HERTZ * FARAD)
    drawn = {bank: ohm * (Q if bank == "RQ" else 1.0) for bank in BANKS}
    true: dict[str, Branches] = {}
    seen: dict[str, Measured] = {}
    closed: dict[str, np.ndarray] = {}
    for bank, value in drawn.items():
        spec = centred_bank(PARALLEL, technology.plan, resistors, value, technology)
        true[bank] = drawn_branches(spec, technology, seed, name=bank, shared=shared)
        seen[bank] = measure(PARALLEL, true[bank], spec, technology, seed, name=bank)
        as_drawn = Measured(branches=nominal_switches(spec.nominal_ohm, technology), extra=0.0)
        closed[bank] = nearest(PARALLEL, as_drawn, value)

    def curve() -> tuple[np.ndarray, np.ndarray]:
        on = technology.switch.on_ohm
        banks = {
            bank: Programmed(
                resistance_ohm=true[bank].resistance_ohm + true[bank].on_ohm - on, closed=closed[bank].tolist()
            )
            for bank in BANKS
        }
        sweep = Ac(points=points, start=1e2, stop=1e6)
        values = ngspice.analyse(
            biquad(banks, FARAD * capacitor, technology, AMPLIFIER, sweep), where=f"filter, {name}"
        )
        return values["frequency"], values["v(o2)"]

    frequency, before = curve()
    measured = {bank: PARALLEL.ohm(seen[bank].branches, closed[bank]) for bank in BANKS}
    f_before = corner_hertz(frequency, before)
    target = math.sqrt(measured["R2"] * measured["R4"]) * _natural(f_before, measured) / WANTED_HERTZ
    for bank in BANKS:
        closed[bank] = nearest(PARALLEL, seen[bank], target * (Q if bank == "RQ" else 1.0))
    frequency, after = curve()
    return Trimmed(name, f_before, corner_hertz(frequency, after), frequency, before, after)


def _natural(corner: float, ohms: dict[str, float]) -> float:
    """Natural frequency of a filter with that -3 dB point: their ratio is Q's, and Q is a ratio of resistors."""
    q = ohms["RQ"] / math.sqrt(ohms["R2"] * ohms["R4"])
    b = 1.0 - 0.5 / q**2
    return corner / math.sqrt(b + math.sqrt(b**2 + 1.0))


def picture(dies: list[Trimmed], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "rsscircuit", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.6), sharey=True)
    for axis, title in zip(axes, ("switches as drawn", "trimmed"), strict=True):
        for die, line in zip(dies, LINES, strict=False):
            gain = die.before if title == "switches as drawn" else die.after
            axis.semilogx(die.frequency / 1e3, 20 * np.log10(np.abs(gain)), linestyle=line, label=f"{die.name} die")
        axis.axvline(WANTED_HERTZ / 1e3, color="0.6", linewidth=0.8)
        axis.axhline(-10 * math.log10(2.0), color="0.6", linewidth=0.8)
        axis.set(title=title, xlabel="frequency, kHz", xlim=(4, 100), ylim=(-20, 2))
        axis.grid(which="both", linewidth=0.3)
    axes[0].set_ylabel("gain, dB")
    axes[0].legend(loc="lower left")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="generated/filter", help="folder of the picture")
    parser.add_argument("--resistors", type=int, default=14, help="resistors a bank")
    parser.add_argument("--seed", type=int, default=1, help="of the dies")
    parser.add_argument("--points", type=int, default=200, help="frequencies a decade")
    parser.add_argument("--technology", default="sky130_xhigh_1M")
    given = parser.parse_args()
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    dies = [trim(name, given.resistors, given.seed, given.points, given.technology) for name in DIES]
    print(f"corner frequency, {WANTED_HERTZ / 1e3:g} kHz wanted, simulated in ngspice")
    print(f"{'die':<9}{'R':>6}{'C':>6}{'before':>12}{'error':>9}{'trimmed':>13}{'error':>10}")
    for die in dies:
        r, c = DIES[die.name]
        print(
            f"{die.name:<9}{r - 1:>+6.0%}{c - 1:>+6.0%}{die.before_hertz / 1e3:>8.3f} kHz"
            f"{die.before_hertz / WANTED_HERTZ - 1:>+9.1%}{die.after_hertz / 1e3:>9.4f} kHz"
            f"{die.after_hertz / WANTED_HERTZ - 1:>+10.2e}"
        )
    picture(dies, folder / "filter.svg")
    print(folder / "filter.svg")


if __name__ == "__main__":
    main()

"""A current reference V_ref / R on a slow, a typical and a fast die, with the resistor as drawn and programmed.

python examples/bias_reference/bias.py --out generated/bias

1 uA from 0.6 V. As drawn, the bank has the switches that suit the drawn resistances; programmed, those that suit the
die as it was measured at 27 C. Branches are measured at small voltages; the technology's voltage coefficient says what
they are at the reference's. What programming cannot take away is the resistor's temperature coefficient: it is in
the picture.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rsscircuit.netlist.circuits.amplifier import Amplifier
from rsscircuit.netlist.circuits.bias import current_reference
from rsscircuit.netlist.circuits.switches import grounded
from rsscircuit.resistor.kinds import (
    KINDS,
    Branches,
    Measured,
    centred_bank,
    drawn_branches,
    known,
    measure,
    nearest,
    nominal_switches,
)
from rsscircuit.simulate import ngspice
from rsscircuit.technology import Technology, load_technology
from rsscircuit.technology.cell import NOMINAL_CELSIUS, bend, resistor_factor

WANTED_AMPERE, REFERENCE_VOLT = 1e-6, 0.6
AMPLIFIER = Amplifier(gain=1e6, bandwidth_hertz=1e6)
DIES = {"slow": 1.15, "typical": 1.0, "fast": 0.85}  # resistances over drawn
CELSIUS = (-40.0, -10.0, 27.0, 60.0, 90.0, 125.0)
PARALLEL = KINDS["parallel"]
LINES = ("-", "--", ":")


@dataclass(frozen=True)
class Reference:
    """One die: currents over temperature, as drawn and programmed."""

    name: str
    drawn: np.ndarray
    programmed: np.ndarray


def ampere(branches: Branches, closed: np.ndarray, technology: Technology, celsius: float) -> float:
    """Simulated current, with the resistors and the switches at a temperature."""
    channel = 1.0 + technology.switch.on_tc_per_kelvin * (celsius - NOMINAL_CELSIUS)
    on = technology.switch.on_ohm
    warm = replace(technology, switch=replace(technology.switch, on_ohm=on * channel))
    ohm = branches.resistance_ohm * resistor_factor(technology.resistor, celsius) + (branches.on_ohm - on) * channel
    circuit = current_reference(ohm, closed.tolist(), warm, AMPLIFIER, reference_volt=REFERENCE_VOLT)
    return float(ngspice.analyse(circuit, where=f"current reference at {celsius:g} C")["i(out)"][0])


def at_reference(seen: Measured, technology: Technology) -> Measured:
    """The branches as they conduct at the reference voltage."""
    siemens = PARALLEL.steps(seen.branches)
    chords = siemens + bend(siemens, technology).chord_siemens(REFERENCE_VOLT)
    return known(PARALLEL, chords, 0.0, technology)


def references(resistors: int, seed: int, technology_name: str) -> list[Reference]:
    technology = grounded(load_technology(technology_name))
    ohm = REFERENCE_VOLT / WANTED_AMPERE
    spec = centred_bank(PARALLEL, technology.plan, resistors, ohm, technology)
    nominal = Measured(branches=nominal_switches(spec.nominal_ohm, technology), extra=0.0)
    as_drawn = nearest(PARALLEL, at_reference(nominal, technology), ohm)
    found = []
    for name, shared in DIES.items():
        true = drawn_branches(spec, technology, seed, shared=shared)
        seen = measure(PARALLEL, true, spec, technology, seed)
        programmed = nearest(PARALLEL, at_reference(seen, technology), ohm)
        before, after = (
            np.array([ampere(true, closed, technology, celsius) for celsius in CELSIUS])
            for closed in (as_drawn, programmed)
        )
        found.append(Reference(name, before, after))
    return found


def picture(dies: list[Reference], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "rsscircuit", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.4), sharey=True)
    for axis, title in zip(axes, ("switches as drawn", "programmed"), strict=True):
        for die, line in zip(dies, LINES, strict=False):
            values = die.drawn if title == "switches as drawn" else die.programmed
            axis.plot(CELSIUS, values * 1e6, linestyle=line, marker="o", markersize=3, label=f"{die.name} die")
        axis.set(title=title, xlabel="temperature, C")
        axis.grid(linewidth=0.3)
    axes[0].set_ylabel("current, uA")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="generated/bias", help="folder of the picture")
    parser.add_argument("--resistors", type=int, default=14, help="resistors of the bank")
    parser.add_argument("--seed", type=int, default=1, help="of the dies")
    parser.add_argument("--technology", default="sky130_xhigh_1M")
    given = parser.parse_args()
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    dies = references(given.resistors, given.seed, given.technology)
    room = CELSIUS.index(NOMINAL_CELSIUS)
    print(f"current, {WANTED_AMPERE * 1e6:g} uA wanted, simulated in ngspice at {NOMINAL_CELSIUS:g} C")
    print(f"{'die':<9}{'R':>6}{'as drawn':>12}{'error':>9}{'programmed':>14}{'error':>10}")
    for die in dies:
        before, after = float(die.drawn[room]), float(die.programmed[room])
        print(
            f"{die.name:<9}{DIES[die.name] - 1:>+6.0%}{before * 1e6:>9.4f} uA{before / WANTED_AMPERE - 1:>+9.1%}"
            f"{after * 1e6:>11.6f} uA{after / WANTED_AMPERE - 1:>+10.2e}"
        )
    picture(dies, folder / "bias.svg")
    print(folder / "bias.svg")


if __name__ == "__main__":
    main()

"""The tables of docs/circuits.md: every circuit in ngspice against its closed form, and what the circuits show.

python tests/bench/circuits.py --write
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from pages import Block, write

from rsscircuit.netlist.circuits.amplifier import Amplifier, Column, column
from rsscircuit.netlist.circuits.bank import bank, bank_ampere, bent_branch_ampere
from rsscircuit.netlist.circuits.bias import current_reference, reference_ampere
from rsscircuit.netlist.circuits.capacitors import (
    ChargeSum,
    ResetSwitch,
    charge_sum,
    injection,
    plate_noise,
    reset_noise,
    sample_noise,
    sampled_volt,
)
from rsscircuit.netlist.circuits.leakage import BIASINGS, leak_ampere, open_bank
from rsscircuit.netlist.circuits.one_time import Fuse, fused_branch
from rsscircuit.netlist.circuits.pairs import (
    negated_input,
    negated_input_ampere,
    paired_columns,
    paired_columns_ampere,
)
from rsscircuit.netlist.circuits.selector import Selector, floating_read, half_selected, half_selected_ampere
from rsscircuit.netlist.circuits.series import Chain, operating_point, series, simulated_point
from rsscircuit.netlist.circuits.switches import grounded
from rsscircuit.netlist.elements import Ac, Circuit, Transient
from rsscircuit.quantities import engineering
from rsscircuit.resistor import ResistorOptions, make_resistor
from rsscircuit.simulate.ngspice import analyse
from rsscircuit.technology import load_technology

SKY = load_technology("sky130_xhigh_100k")
OHMS = np.array([3e4, 4.1e4, 5.5e4, 7e4, 9.3e4, 1.2e5])
CLOSED = [True, False, True, True, False, True]
AMPLIFIER = Amplifier(gain=1e4, bandwidth_hertz=1e7, offset_volt=2e-3)
COLUMN = Column(siemens=[1e-5, 2e-6, 4e-5, 8e-6], volts=[0.2, -0.1, 0.05, -0.2], feedback_ohm=5e4, amplifier=AMPLIFIER)
CHARGES = ChargeSum(
    farad=np.array([1.0, 1.1, 1.25, 1.4, 1.7, 2.0]) * 1e-13,
    selected=CLOSED,
    feedback_farad=4e-13,
    reference_volt=0.5,
    amplifier=Amplifier(gain=1e4, bandwidth_hertz=5e8),
    on_ohm=2e3,
    phase_second=1e-6,
)
RESET = ResetSwitch(
    width_m=1e-6,
    length_m=1.5e-7,
    oxide_farad_per_m2=8e-3,
    overlap_farad_per_m=3e-10,
    threshold_volt=0.5,
    gate_volt=1.8,
    source_volt=0.3,
)


def last(circuit: Circuit, name: str) -> float:
    """The last value of what a circuit saves."""
    return float(analyse(circuit, where="bench")[name][-1])


def agreement() -> Block:
    """Closed form and simulation of every circuit."""
    ohms, closed = np.stack([OHMS, OHMS[::-1] * 1.07]), [CLOSED, [not on for on in CLOSED]]
    two = analyse(paired_columns(ohms, closed, SKY, volt=0.2), where="bench")
    chain = Chain(resistance_ohm=OHMS, kept=CLOSED, technology=SKY, volt=0.2)
    still = replace(COLUMN, amplifier=replace(AMPLIFIER, offset_volt=0.0))
    response = analyse(column(still, Ac(points=500, start=1e4, stop=1e8)), where="bench")
    size = np.abs(response["v(out)"])
    corner = 10.0 ** float(np.interp(-size[0] / np.sqrt(2.0), -size, np.log10(response["frequency"])))
    second = still.settling_second(10)
    step = analyse(column(still, Transient(second / 1e3, 1.5 * second, longest_step=second / 2e3)), where="bench")
    left = 1.0 - float(np.interp(second, step["time"], step["v(out)"])) / still.output_volt()
    plates = float(np.sqrt(1.380649e-23 * 300.15 * CHARGES.farad.sum())) / CHARGES.feedback_farad
    overlap = replace(RESET, oxide_farad_per_m2=1e-6)
    fuse, selector, cells = Fuse(), Selector(), np.linspace(8e3, 1.2e4, 16).reshape(4, 4)
    found: list[tuple[str, str, str, float, float]] = [
        ("bank", "current, ideal switches", "A", bank_ampere(OHMS, CLOSED, 0.2, SKY, "ideal"),
         last(bank(OHMS, CLOSED, SKY, volt=0.2, level="ideal"), "i(bit)")),
        ("bank", "current, NMOS", "A", bank_ampere(OHMS, CLOSED, 0.2, SKY),
         last(bank(OHMS, CLOSED, SKY, volt=0.2), "i(bit)")),
        ("bank", "current, NMOS and voltage coefficients at 0.6 V", "A",
         float(bent_branch_ampere(OHMS, 0.6, SKY)[np.array(CLOSED)].sum()),
         last(bank(OHMS, CLOSED, SKY, volt=0.6, voltage_coefficient=True), "i(bit)")),
        ("pair, negated input", "current", "A", negated_input_ampere(ohms, closed, 0.2, SKY),
         last(negated_input(ohms, closed, SKY, volt=0.2), "i(bit)")),
        ("pair, paired columns", "difference of currents", "A", paired_columns_ampere(ohms, closed, 0.2, SKY),
         float(two["i(bp)"][0] - two["i(bn)"][0])),
        ("chain", "resistance, NMOS with body effect", "Ohm", operating_point(chain).ohm,
         simulated_point(analyse(series(chain), where="bench"), OHMS.size).ohm),
        ("amplifier", "output with gain error and offset", "V", COLUMN.output_volt(), last(column(COLUMN), "v(out)")),
        ("amplifier", "closed-loop bandwidth", "Hz", COLUMN.closed_loop_hertz(), corner),
        ("amplifier", "left after the settling time, 10 bits", "", 2.0**-11, left),
        ("charge sum", "output", "V", CHARGES.output_volt(), last(charge_sum(CHARGES), "v(out)")),
        ("charge sum", "kT/C of 1 pF", "V", sampled_volt(1e-12), last(sample_noise(2e3, 1e-12), "onoise_total")),
        ("charge sum", "noise of the reset phase", "V", CHARGES.reset_noise_volt(),
         last(reset_noise(CHARGES), "onoise_total")),
        ("charge sum", "noise of the bottom plates", "V", plates, last(plate_noise(CHARGES), "onoise_total")),
        ("charge sum", "overlap feedthrough on 0.4 pF", "V", overlap.step_volt(4e-13),
         last(injection(overlap, 4e-13, 1e-10), "v(a)") - RESET.source_volt),
        ("charge sum", "half the channel and overlap", "V", RESET.step_volt(4e-13),
         last(injection(RESET, 4e-13, 1e-10), "v(a)") - RESET.source_volt),
        ("current reference", "current, gain 1e6", "A", reference_ampere(100.0 * OHMS, CLOSED, grounded(SKY), 0.6),
         last(current_reference(100.0 * OHMS, CLOSED, grounded(SKY), replace(AMPLIFIER, gain=1e6, offset_volt=0.0),
                                reference_volt=0.6),
              "i(out)")),
        ("fuse", "sense voltage, intact", "V", fuse.sense_volt(True),
         last(fused_branch(fuse, True, 1e5, SKY, volt=0.2), "v(sense)")),
        ("selector", "current of the selected column", "A", half_selected_ampere(cells, (1, 2), 1.0, selector)[2],
         last(half_selected(cells, (1, 2), volt=1.0, selector=selector), "i(b2)")),
        ("open switches", "leakage of one, line at -0.2 V", "A", leak_ampere(BIASINGS[0], -0.2),
         last(open_bank(np.full(8, 1e6), BIASINGS[0], volt=-0.2), "i(bit)") / 8.0),
    ]  # fmt: skip
    rows = [
        (name, what, engineering(closed_form, unit, 5), engineering(simulated, unit, 5),
         f"{abs(simulated / closed_form - 1.0):.0e}")
        for name, what, unit, closed_form, simulated in found
    ]  # fmt: skip
    return Block("agreement", ("circuit", "figure", "closed form", "ngspice", "apart"), rows, left=2)


def chains() -> Block:
    """What programming with every switch's own on-resistance gains."""
    rows = []
    for technology in ("sky130_xhigh_100k", "sky130_xhigh_1M", "gf180_hres1k_100k"):
        for value in (5e5, 1e6, 5e6):
            options = ResistorOptions(
                value_ohm=value, tolerance=1e-2, technology=technology, circuit="series", resistors=16, simulate=True
            )
            record = make_resistor(options)
            first, best = record["rounds"][0], record["rounds"][-1]
            rows.append(
                (technology, engineering(value, "Ohm"), f"{first:+.1e}", f"{best:+.1e}",
                 f"{record['simulated']['error']:+.1e}")
            )  # fmt: skip
    heads = ("technology", "value", "one R_on", "each its own", "true die, ngspice")
    return Block("chains", heads, rows, left=1)


def volts() -> Block:
    """Where the value of a resistor is stated, and between which voltages it stays within 1e-4."""
    rows = []
    for value, circuit, volt in (
        (12.34e3, "parallel", 0.2), (12.34e3, "parallel", -0.3), (12.34e3, "parallel", 1.5),
        (5e6, "series", 0.2), (5e6, "series", 0.6),
    ):  # fmt: skip
        record = make_resistor(
            ResistorOptions(value_ohm=value, tolerance=1e-4, circuit=circuit, volts=volt, simulate=True)
        )
        low, high = record["held_volts"]
        small = dict(record["over_volts"])[0.0]
        rows.append(
            (engineering(value, "Ohm", 4), circuit, f"{volt:g} V", f"{record['simulated']['error']:+.1e}",
             f"{small / value - 1.0:+.1e}", f"{low:.3g} to {high:.3g} V")
        )  # fmt: skip
    heads = ("value, sky130_xhigh_1M", "circuit", "stated at", "there, ngspice", "small signals", "within 1e-4")
    return Block("volts", heads, rows, left=2)


def leaks() -> Block:
    """Leakage of one open switch, before and after."""
    rows = []
    for biasing in BIASINGS:
        values = [last(open_bank(np.full(8, 1e6), biasing, volt=volt), "i(bit)") / 8.0 for volt in (0.2, -0.2)]
        rows.append((biasing.name, *(engineering(value, "A") for value in values)))
    return Block("leaks", ("open switch", "line +0.2 V", "line -0.2 V"), rows)


def selectors() -> Block:
    """What the selector does to half-selected cells, to sneak paths and to the multiplication."""
    cells, chosen, ohm = np.full((4, 4), 1e4), (1, 2), 1e4
    rows = []
    for name, selector in (("resistors alone", None), ("with selectors", Selector())):
        half = last(half_selected(cells, chosen, volt=1.0, selector=selector), "i(b0)")
        read = last(floating_read(cells, chosen, volt=1.0, selector=selector), "i(b2)")
        alone = selector.cell_ampere(1.0, ohm) if selector else 1.0 / ohm
        bend = [selector.read_error(volt, 1.0, ohm) if selector else 0.0 for volt in (0.9, 0.5)]
        rows.append(
            (name, engineering(half, "A"), f"{100 * (read / alone - 1.0):.3g} %", *(f"{100 * b:.4g} %" for b in bend))
        )
    heads = ("4 x 4 array", "half-selected cell", "sneak current in a read", "read at 0.9 V", "read at 0.5 V")
    return Block("selectors", heads, rows)


def main() -> None:
    """Print the tables, and write them into the page where asked."""
    parser = argparse.ArgumentParser(description="the tables of docs/circuits.md")
    parser.add_argument("--write", action="store_true", help="put them into the page")
    blocks = [agreement(), chains(), volts(), leaks(), selectors()]
    if parser.parse_args().write:
        write("circuits.md", {block.key: block.markdown() for block in blocks})
    for block in blocks:
        block.show()


if __name__ == "__main__":
    main()

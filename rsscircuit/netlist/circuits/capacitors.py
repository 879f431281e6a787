"""The capacitor analogue (thesis section 6.5): a sum of charges instead of a sum of currents.

            ref o--S_k,2--+                    reset: sum node held by the closed reset switch, all bottom plates on 0
                          +--||--+-- sum       sum:   reset opens, then the selected bottom plates step to V_ref
              0 o--S_k,1--+  C_k |
                                 +--||--+      V_out = -V_ref sum(s_k C_k) / C_f
                                 |  C_f |
                                 +-|>---+-- out

Every bottom plate has a two-way switch: one that floated would still be a capacitor, and what it is worth would depend
on what it was left at. C_f is of the same kind as the C_k, so only ratios count. With amplifier gain A_0 the output is
smaller by 1 + (1 + sum C / C_f) / A_0.

What a charge costs, in closed form:

* kT/C: opening a switch on a capacitor leaves sqrt(kT / C) rms on it; at the output of an amplifier that is faster
  than the switches, the reset gives kT / C_f and the bottom plates kT sum C / C_f^2 in the sum phase. In the reset
  phase the output follows the plates as fast as the reset switch lets it, and so keeps part of their charge off the
  sum node: kT sum C^2 / (C + C_f) / C_f^2, all switches being equal;
* charge injection: the reset switch drops half of its channel's charge, W L C_ox V_ov / 2, and its overlap couples the
  step of its gate, W C_ov dV_gate, onto the sum node: an offset of the output of that charge over C_f.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.cards import ideal_card
from rsscircuit.netlist.circuits.amplifier import Amplifier
from rsscircuit.netlist.elements import (
    Capacitor,
    Circuit,
    Element,
    Instance,
    Noise,
    Part,
    PiecewiseLinear,
    Resistor,
    Section,
    Switch,
    Transient,
    VoltageSource,
    WeightedSum,
)

Array = NDArray[np.float64]
BOLTZMANN = 1.380649e-23
CONTROL_VOLT = 1.8
_EDGE = 1e-3  # of a phase
_GAP = 0.05  # of a phase, between the opening of the reset switch and the step of the bottom plates


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChargeSum:
    """A bank of capacitors and its amplifier.

    Attributes:
        farad: [n].
        selected: [n], whose bottom plate steps to the reference.
        feedback_farad: Of the same kind.
        reference_volt: Step of a selected bottom plate.
        amplifier: The amplifier.
        on_ohm: Of every switch.
        phase_second: Length of each of the two phases.
    """

    farad: Array
    selected: Sequence[bool]
    feedback_farad: float
    reference_volt: float
    amplifier: Amplifier
    on_ohm: float
    phase_second: float

    def output_volt(self) -> float:
        """Output at the end of the sum phase.

        The offset is on the sum node in both phases, so that it moves no charge: it appears once, as it is, and not
        times the noise gain.
        """
        chosen = float(self.farad[np.asarray(self.selected, np.bool_)].sum())
        loss = 1.0 + (1.0 + float(self.farad.sum()) / self.feedback_farad) / self.amplifier.gain
        offset = self.amplifier.offset_volt / (1.0 + 1.0 / self.amplifier.gain)
        return offset - self.reference_volt * chosen / self.feedback_farad / loss

    def noise_volt(self, kelvin: float = 300.15) -> float:
        """Root mean square of the output by kT/C alone, of both phases: the reset's and what the plates add to it."""
        last = float(self.farad.sum()) / self.feedback_farad
        return float(np.sqrt(self.reset_noise_volt(kelvin) ** 2 + BOLTZMANN * kelvin / self.feedback_farad * last))

    def reset_noise_volt(self, kelvin: float = 300.15) -> float:
        """What the reset phase leaves of it: the charge of the sum node when the reset switch opens, over C_f.

        With R of every switch, the plates' noise reaches that charge through 1 / (1 + s R C) / (1 + s R C_f).
        """
        kept = float((self.farad**2 / (self.farad + self.feedback_farad)).sum()) / self.feedback_farad
        return float(np.sqrt(BOLTZMANN * kelvin / self.feedback_farad * (1.0 + kept)))


def charge_sum(bank: ChargeSum) -> Circuit:
    """One reset and one sum phase as a transient (thesis section 6.5).

    Ports: ``vref``; ``sum``; ``out``, which is saved; ``reset`` and ``step``, the controls of the two phases. Closed
    form: :meth:`ChargeSum.output_volt`.
    """
    phase = bank.phase_second
    edge, gap = _EDGE * phase, _GAP * phase
    reset = ((0.0, CONTROL_VOLT), (phase, CONTROL_VOLT), (phase + edge, 0.0))
    low, high = phase + gap, phase + gap + edge
    up, down = ((0.0, 0.0), (low, 0.0), (high, CONTROL_VOLT)), ((0.0, CONTROL_VOLT), (low, CONTROL_VOLT), (high, 0.0))
    plates: list[Element] = []
    for k, (farad, selected) in enumerate(zip(bank.farad.tolist(), bank.selected, strict=True)):
        to_reference, to_ground = ("up", "down") if selected else ("0", "always")
        plates += [
            Capacitor(f"{k}", "sum", f"b{k}", farad, 0.0),
            Switch(f"u{k}", f"b{k}", "vref", to_reference, "0", "plate"),
            Switch(f"d{k}", f"b{k}", "0", to_ground, "0", "plate"),
        ]
    return Circuit(
        title="rsscircuit charge sum, switched capacitors",
        notes=(f"{len(bank.selected)} capacitors, {sum(map(bool, bank.selected))} selected; reset, then sum",),
        parts=(bank.amplifier.part, ideal_card(bank.on_ohm, 1e15, low_volt=0.0, high_volt=CONTROL_VOLT, model="plate")),
        sections=(
            Section(
                "reference and phases",
                (
                    VoltageSource("ref", "vref", "0", bank.reference_volt),
                    VoltageSource("reset", "reset", "0", CONTROL_VOLT, 0.0, PiecewiseLinear(reset)),
                    VoltageSource("up", "up", "0", 0.0, 0.0, PiecewiseLinear(up)),
                    VoltageSource("down", "down", "0", CONTROL_VOLT, 0.0, PiecewiseLinear(down)),
                    VoltageSource("always", "always", "0", CONTROL_VOLT),
                ),
            ),
            Section("capacitors with their two-way switches", tuple(plates)),
            Section(
                "amplifier, feedback capacitor and reset switch",
                (
                    Instance("amplifier", ("sum", "0", "out"), "tia"),
                    Capacitor("feedback", "sum", "out", bank.feedback_farad, 0.0),
                    Switch("reset", "sum", "out", "reset", "0", "plate"),
                ),
            ),
        ),
        analysis=Transient(step=phase / 200.0, stop=2.0 * phase, from_initial=True, longest_step=phase / 500.0),
        voltages=("out",),
    )


def plate_noise(bank: ChargeSum, bandwidth_factor: float = 1e4) -> Circuit:
    """The noise of the bottom-plate switches at the output of a wideband amplifier, in the sum phase.

    Closed form: kT sum(C) / C_f^2. The band ends ``bandwidth_factor`` above the corner of the smallest capacitor,
    and begins as far below that of the largest.
    """
    plates: list[Element] = []
    for k, farad in enumerate(bank.farad.tolist()):
        plates += [Capacitor(f"{k}", "sum", f"b{k}", farad), Resistor(f"on{k}", f"b{k}", "vin", bank.on_ohm)]
    corner = 1.0 / (2.0 * np.pi * bank.on_ohm * bank.farad)
    return Circuit(
        title="rsscircuit charge sum, noise of the bottom-plate switches",
        parts=(Amplifier(gain=bank.amplifier.gain, bandwidth_hertz=float(1e6 * corner.max())).part,),
        sections=(
            Section(
                "capacitors, and their closed switches as resistors",
                (VoltageSource("in", "vin", "0", 0.0, 1.0), *plates),
            ),
            Section(
                "amplifier and feedback",
                (
                    Instance("amplifier", ("sum", "0", "out"), "tia"),
                    Capacitor("feedback", "sum", "out", bank.feedback_farad),
                    Resistor("bias", "sum", "out", 1e15),
                ),
            ),
        ),
        analysis=Noise("out", "in", 50, float(corner.min() / bandwidth_factor), float(corner.max() * bandwidth_factor)),
    )


def reset_noise(bank: ChargeSum, bandwidth_factor: float = 1e4) -> Circuit:
    """The noise of the charge on the sum node of a wideband amplifier in the reset phase, over C_f.

    The charge is read off the voltages of the capacitors, at node ``charge``. Closed form:
    :meth:`ChargeSum.reset_noise_volt`. The band is that of :func:`plate_noise`.
    """
    feedback = bank.feedback_farad
    plates: list[Element] = []
    terms = [(1.0, "out", "sum")]
    for k, farad in enumerate(bank.farad.tolist()):
        plates += [Capacitor(f"{k}", "sum", f"b{k}", farad), Resistor(f"on{k}", f"b{k}", "vin", bank.on_ohm)]
        terms.append((farad / feedback, f"b{k}", "sum"))
    corner = 1.0 / (2.0 * np.pi * bank.on_ohm * np.append(bank.farad, feedback))
    return Circuit(
        title="rsscircuit charge sum, noise of the reset phase",
        parts=(Amplifier(gain=bank.amplifier.gain, bandwidth_hertz=float(1e6 * corner.max())).part,),
        sections=(
            Section(
                "capacitors, and their closed switches as resistors",
                (VoltageSource("in", "vin", "0", 0.0, 1.0), *plates),
            ),
            Section(
                "amplifier, feedback, closed reset switch, and the charge of the sum node",
                (
                    Instance("amplifier", ("sum", "0", "out"), "tia"),
                    Capacitor("feedback", "sum", "out", feedback),
                    Resistor("reset", "sum", "out", bank.on_ohm),
                    WeightedSum("charge", "charge", "0", tuple(terms)),
                ),
            ),
        ),
        analysis=Noise(
            "charge", "in", 50, float(corner.min() / bandwidth_factor), float(corner.max() * bandwidth_factor)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetSwitch:
    """An NMOS that opens on a capacitor.

    Attributes:
        width_m, length_m: Drawn.
        oxide_farad_per_m2: Gate capacitance.
        overlap_farad_per_m: Gate to source, a metre of width.
        threshold_volt: Threshold.
        gate_volt: Closed; it opens to 0.
        source_volt: Of the node it opens on.
    """

    width_m: float
    length_m: float
    oxide_farad_per_m2: float
    overlap_farad_per_m: float
    threshold_volt: float
    gate_volt: float
    source_volt: float

    @property
    def channel_coulomb(self) -> float:
        """Electrons in the channel of the closed switch."""
        overdrive = self.gate_volt - self.source_volt - self.threshold_volt
        return -self.width_m * self.length_m * self.oxide_farad_per_m2 * overdrive

    @property
    def overlap_coulomb(self) -> float:
        """What the falling gate couples through the overlap on one side."""
        return -self.width_m * self.overlap_farad_per_m * self.gate_volt

    def step_volt(self, farad: float, share: float = 0.5) -> float:
        """Step of a capacitor that the switch opens on; ``share`` of the channel's charge goes there."""
        return (share * self.channel_coulomb + self.overlap_coulomb) / farad


def injection(switch: ResetSwitch, farad: float, fall_second: float) -> Circuit:
    """A reset switch that opens between two equal capacitors, each held at the source voltage.

    Ports: ``a`` and ``b``, saved. By symmetry each side takes half of the channel's charge. Closed form:
    :meth:`ResetSwitch.step_volt`.
    """
    gate = ((0.0, switch.gate_volt), (fall_second, switch.gate_volt), (2.0 * fall_second, 0.0))
    values: dict[str, float | str] = {
        "threshold_volt": switch.threshold_volt,
        "oxide_m": 3.9 * 8.8541878128e-12 / switch.oxide_farad_per_m2,
        "overlap": switch.overlap_farad_per_m,
        "width_m": switch.width_m,
        "length_m": switch.length_m,
    }
    return Circuit(
        title="rsscircuit charge injection of a reset switch",
        parts=(Part("reset_switch", values),),
        sections=(
            Section(
                "switch between two capacitors",
                (
                    VoltageSource("gate", "gate", "0", switch.gate_volt, 0.0, PiecewiseLinear(gate)),
                    Instance("switch", ("a", "gate", "b"), "reset_switch"),
                    Capacitor("a", "a", "0", farad),
                    Capacitor("b", "b", "0", farad),
                ),
            ),
            Section(
                "what holds the capacitors before, and far too slowly to matter after",
                (
                    VoltageSource("hold", "hold", "0", switch.source_volt),
                    Resistor("a", "a", "hold", 1e6 * fall_second / farad),
                    Resistor("b", "b", "hold", 1e6 * fall_second / farad),
                ),
            ),
        ),
        analysis=Transient(step=fall_second / 50.0, stop=3.0 * fall_second, longest_step=fall_second / 500.0),
        voltages=("a", "b"),
    )


def sample_noise(ohm: float, farad: float) -> Circuit:
    """A switch of some resistance on a capacitor: its noise over the whole band is sqrt(kT / C)."""
    corner = 1.0 / (2.0 * np.pi * ohm * farad)
    return Circuit(
        title="rsscircuit kT/C",
        sections=(
            Section(
                "switch and capacitor",
                (
                    VoltageSource("in", "vin", "0", 0.0, 1.0),
                    Resistor("on", "vin", "out", ohm),
                    Capacitor("hold", "out", "0", farad),
                ),
            ),
        ),
        analysis=Noise("out", "in", 50, corner * 1e-4, corner * 1e4),
    )


def sampled_volt(farad: float, kelvin: float = 300.15) -> float:
    """sqrt(kT / C)."""
    return float(np.sqrt(BOLTZMANN * kelvin / farad))

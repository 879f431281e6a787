"""The programmable resistance of da Cunha 2023, figure 6.3: resistors in series, each with a switch that shorts it.

    bit o--+--R0--+--R1--+-- ... --+--o line        R = sum over kept of r_k + sum over shorted of r_k || R_on,k
           |_[g0__|_[g1__|

Its target is a resistance, 1 / G: the least conductance is 1 / sum r, so that a weight of zero is a difference of two
equal chains or no cell at all, and the on-resistance of the shorting switches bounds the largest. The source of a
switch lies the higher the farther it is from ``bit``; with less overdrive and a larger threshold there its R_on is
larger. The body effect of the card is assumed (:data:`GAMMA`): the crossbar's own card has none, since its sources do
not move. Every resistor may have the technology's voltage coefficients at its own voltage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.circuits.bent import bend_source, bent
from rsscircuit.netlist.circuits.switches import Level, SwitchKind
from rsscircuit.netlist.elements import (
    Analysis,
    Circuit,
    Element,
    Mos,
    OperatingPoint,
    Resistor,
    Section,
    VoltageSource,
)
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
GAMMA = 0.45  # body-effect coefficient, root volt; assumed, typical of 130 to 180 nm
_STEPS = 200
_LEAST = 3e-16  # of the voltage: rounding
_MISSED = 1e-6  # of the voltage; a chain whose switches end on a limit misses much more
_BENDINGS = 3  # each leaves a share of a v, 1e-3, of what the last left


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """Resistors in series with their shorting switches.

    Attributes:
        resistance_ohm: [n], element 0 at the virtual ground.
        kept: bool [n], whose switch is open.
        technology: Switch and voltages.
        volt: Across the chain, from 0.
        level: Of the switches.
        gamma: Body-effect coefficient of the NMOS, root volt.
        switch_factor: [n], each switch's on-resistance over the nominal one; 1 by default.
        voltage_coefficient: Whether the resistors have the technology's.
    """

    resistance_ohm: Array
    kept: Sequence[bool]
    technology: Technology
    volt: float
    level: Level = "nmos"
    gamma: float = GAMMA
    switch_factor: Array | None = None
    voltage_coefficient: bool = False

    @property
    def bent(self) -> bool:
        """Whether any resistor bends."""
        return self.voltage_coefficient and bent(self.technology.resistor)

    @property
    def kind(self) -> SwitchKind:
        """The switch and its card."""
        return SwitchKind(technology=self.technology, level=self.level, gamma=self.gamma)

    @property
    def factors(self) -> Array:
        """``switch_factor`` where it is given, else ones."""
        return np.ones(len(self.kept)) if self.switch_factor is None else self.switch_factor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChainPoint:
    """The operating point of a chain.

    Attributes:
        ampere: Through the chain.
        node_volt: [n + 1], from ``bit`` to ``line``.
    """

    ampere: float
    node_volt: Array

    @property
    def ohm(self) -> float:
        """Resistance of the chain; infinite where its switches cannot carry the voltage."""
        if math.isinf(self.node_volt[-1]):
            return math.inf
        return float(self.node_volt[-1] - self.node_volt[0]) / self.ampere

    def on_ohm(self, chain: Chain) -> Array:
        """On-resistance of every switch at this point, [n].

        Of the shorted ones from their voltage and current; of the open ones, which show nothing, by interpolation
        between them over the voltage of the source.
        """
        across, source = np.diff(self.node_volt), self.node_volt[:-1]
        shorted = ~np.asarray(chain.kept, np.bool_)
        if not shorted.any():
            return np.array([chain.kind.on_ohm(float(volt)) for volt in source]) * chain.factors
        here = across[shorted] / (self.ampere - across[shorted] / chain.resistance_ohm[shorted])
        nominal = np.interp(source, source[shorted], here / chain.factors[shorted])
        result: Array = nominal * chain.factors
        return result


def series(chain: Chain, analysis: Analysis | None = None) -> Circuit:
    """A chain between a driven line and a virtual ground (thesis figure 6.3).

    Ports: ``n<n>``, driven to the common mode plus the chain's voltage; ``n0``, held at the common mode by source
    ``bit``, whose current is the chain's. All nodes are saved. Closed form: :func:`operating_point`. The analysis is
    the operating point by default; sweep the source ``line`` for the resistance over voltage.
    """
    drive, kind, last = chain.technology.drive, chain.kind, len(chain.kept)
    elements: list[Element] = []
    for k, (ohm, kept) in enumerate(zip(chain.resistance_ohm.tolist(), chain.kept, strict=True)):
        switch = kind.between(f"{k}", f"n{k + 1}", f"n{k}", "0" if kept else "gate")
        if isinstance(switch, Mos) and chain.switch_factor is not None:
            wide = switch.width_m / float(chain.switch_factor[k])
            switch = Mos(
                switch.name, switch.drain, switch.gate, switch.source, "0", switch.model, wide, switch.length_m
            )
        elements += [Resistor(f"{k}", f"n{k + 1}", f"n{k}", ohm), switch]
        if chain.bent:
            elements.append(bend_source(f"{k}", f"n{k + 1}", f"n{k}", ohm, chain.technology.resistor))
    return Circuit(
        title="rsscircuit programmable resistance, resistors in series",
        notes=(
            f"{chain.technology.label}, {last} resistors, {last - sum(map(bool, chain.kept))} of them shorted",
            f"gamma of {chain.gamma:g} root volt is assumed",
        ),
        parts=(kind.card,),
        sections=(
            Section(
                "line, virtual ground, and the gate voltage of closed switches",
                (
                    VoltageSource("line", f"n{last}", "0", drive.common_mode_volt + chain.volt),
                    VoltageSource("bit", "n0", "0", drive.common_mode_volt),
                    VoltageSource("gate", "gate", "0", drive.supply_volt),
                ),
            ),
            Section("the chain", tuple(elements)),
        ),
        analysis=analysis or OperatingPoint(),
        currents=("bit",),
        voltages=tuple(f"n{k}" for k in range(last + 1)),
    )


def simulated_point(values: Mapping[str, NDArray[Any]], resistors: int, point: int = 0) -> ChainPoint:
    """One operating point of what an engine returned for :func:`series`."""
    nodes = np.array([float(values[f"v(n{k})"][point]) for k in range(resistors + 1)])
    return ChainPoint(ampere=float(values["i(bit)"][point]), node_volt=nodes)


def operating_point(chain: Chain) -> ChainPoint:
    """The operating point from the card's own equations.

    For a current i the voltages follow from ``bit`` upwards, u = r i of a kept element and the root of
    i = u / r + beta (V_ov(V_s) u - u^2 / 2) of a shorted one; i is the root of the voltage of the whole chain, which
    grows with it. Voltages are infinite where the switches cannot carry what so much across the chain asks of them.
    """
    drive = chain.technology.drive
    wanted = drive.common_mode_volt + chain.volt

    def missed(ampere: float) -> float:
        return min(float(_nodes(chain, ampere)[-1]), 2.0 * drive.supply_volt) - wanted

    kept = float(chain.resistance_ohm[np.asarray(chain.kept, np.bool_)].sum())
    ampere = _root(missed, chain.volt / (kept or chain.technology.switch.on_ohm), _LEAST * wanted)
    nodes = _nodes(chain, ampere)
    if abs(nodes[-1] - wanted) > _MISSED * wanted:
        nodes = np.full(len(nodes), math.inf)
    return ChainPoint(ampere=ampere, node_volt=nodes)


def _root(function: Callable[[float], float], start: float, least: float) -> float:
    """Where a growing function is zero, by false position; an end that stays twice has its value halved (Illinois)."""
    high = start
    while (above := function(high)) < 0:
        high *= 2.0
    low = 0.5 * high
    while (below := function(low)) > 0:
        high, above, low = low, below, 0.5 * low
    moved = 0.0
    for _ in range(_STEPS):
        middle = high - above * (high - low) / (above - below)
        if not low < middle < high:
            middle = 0.5 * (low + high)
        value = function(middle)
        if abs(value) <= least or not low < middle < high:
            return middle
        if value > 0:
            high, above, below = middle, value, below * (0.5 if moved > 0 else 1.0)
        else:
            low, below, above = middle, value, above * (0.5 if moved < 0 else 1.0)
        moved = value
    return low


def _nodes(chain: Chain, ampere: float) -> Array:
    kind, factors = chain.kind, chain.factors.tolist()
    nodes = [chain.technology.drive.common_mode_volt]
    for ohm, kept, factor in zip(chain.resistance_ohm.tolist(), chain.kept, factors, strict=True):
        nodes.append(nodes[-1] + _across(chain, None if kept else kind, ohm, factor, ampere, nodes[-1]))
        if nodes[-1] > chain.technology.drive.supply_volt:
            return np.full(len(chain.kept) + 1, math.inf)
    return np.array(nodes)


def _across(
    chain: Chain, switch: SwitchKind | None, ohm: float, factor: float, ampere: float, source_volt: float
) -> float:
    """Voltage of one element; that of a bent resistor by putting its voltage into its resistance again and again."""
    material = chain.technology.resistor
    across = _linear_across(switch, ohm, factor, ampere, source_volt)
    for _ in range(_BENDINGS if chain.bent else 0):
        if across > chain.technology.drive.supply_volt:
            break
        bent_ohm = ohm * (1.0 + material.voltage_per_volt * across + material.voltage_per_volt2 * across**2)
        across = _linear_across(switch, bent_ohm, factor, ampere, source_volt)
    return across


def _linear_across(kind: SwitchKind | None, ohm: float, factor: float, ampere: float, source_volt: float) -> float:
    """That of a resistor with the closed switch beside it, or alone."""
    if kind is None:
        return ohm * ampere
    switch = kind.technology.switch
    if kind.level == "ideal":
        return ampere / (1.0 / ohm + 1.0 / (switch.on_ohm * factor))
    beta = 1.0 / (switch.on_ohm * factor * switch.overdrive_volt)
    linear = 1.0 / ohm + 1.0 / (max(kind.on_ohm(source_volt), 0.0) * factor or math.inf)
    inside = linear**2 - 2.0 * beta * ampere
    return 2.0 * ampere / (linear + math.sqrt(inside)) if inside > 0 else math.inf

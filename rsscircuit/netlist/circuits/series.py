"""The programmable resistance of da Cunha 2023, figure 6.3: resistors in series, each with a switch that shorts it.

    bit o--+--R0--+--R1--+-- ... --+--o line        R = sum over kept of r_k + sum over shorted of r_k || R_on,k
           |_[g0__|_[g1__|

Its target is a resistance, 1 / G: the least conductance is 1 / sum r, so that a weight of zero is a difference of two
equal chains or no cell at all, and the on-resistance of the shorting switches bounds the largest. The source of a
switch lies the higher the farther it is from ``bit``; with less overdrive and a larger threshold there its R_on is
larger. The body effect of the card is assumed (:data:`GAMMA`): the crossbar's own card has none, since its sources do
not move.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.netlist.circuits.switches import Level, SwitchKind
from rsscircuit.netlist.elements import Circuit, Element, Mos, OperatingPoint, Resistor, Section, VoltageSource
from rsscircuit.technology import Technology

Array = NDArray[np.float64]
GAMMA = 0.45  # body-effect coefficient, root volt; assumed, typical of 130 to 180 nm
_HALVINGS = 200


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
    """

    resistance_ohm: Array
    kept: Sequence[bool]
    technology: Technology
    volt: float
    level: Level = "nmos"
    gamma: float = GAMMA
    switch_factor: Array | None = None

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
        """Resistance of the chain."""
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


def series(chain: Chain) -> Circuit:
    """A chain between a driven line and a virtual ground (thesis figure 6.3).

    Ports: ``n<n>``, driven to the common mode plus the chain's voltage; ``n0``, held at the common mode by source
    ``bit``, whose current is the chain's. All nodes are saved. Closed form: :func:`operating_point`.
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
        analysis=OperatingPoint(),
        currents=("bit",),
        voltages=tuple(f"n{k}" for k in range(last + 1)),
    )


def simulated_point(values: Mapping[str, NDArray[Any]], resistors: int) -> ChainPoint:
    """The operating point in what an engine returned for :func:`series`."""
    nodes = np.array([float(values[f"v(n{k})"][0]) for k in range(resistors + 1)])
    return ChainPoint(ampere=float(values["i(bit)"][0]), node_volt=nodes)


def operating_point(chain: Chain) -> ChainPoint:
    """The operating point from the card's own equations.

    For a current i the voltages follow from ``bit`` upwards, u = r i of a kept element and the root of
    i = u / r + beta (V_ov(V_s) u - u^2 / 2) of a shorted one; i is found by halving, since the voltage of the whole
    chain grows with it.
    """
    start = chain.technology.drive.common_mode_volt
    low, high = 0.0, 1.0
    while _nodes(chain, high)[-1] - start < chain.volt:
        high *= 2.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if _nodes(chain, middle)[-1] - start < chain.volt else (low, middle)
    return ChainPoint(ampere=high, node_volt=_nodes(chain, high))


def _nodes(chain: Chain, ampere: float) -> Array:
    kind, switch, factors = chain.kind, chain.technology.switch, chain.factors
    nodes = np.empty(len(chain.kept) + 1)
    nodes[0] = chain.technology.drive.common_mode_volt
    for k, (ohm, kept) in enumerate(zip(chain.resistance_ohm.tolist(), chain.kept, strict=True)):
        if kept:
            across = ohm * ampere
        elif chain.level == "ideal":
            across = ampere / (1.0 / ohm + 1.0 / (switch.on_ohm * float(factors[k])))
        else:
            beta = 1.0 / (switch.on_ohm * float(factors[k]) * switch.overdrive_volt)
            linear = 1.0 / ohm + 1.0 / (max(kind.on_ohm(float(nodes[k])), 0.0) * float(factors[k]) or math.inf)
            inside = linear**2 - 2.0 * beta * ampere
            across = 2.0 * ampere / (linear + math.sqrt(inside)) if inside > 0 else math.inf
        nodes[k + 1] = nodes[k] + across
        if not math.isfinite(across) or nodes[k + 1] > chain.technology.drive.supply_volt:
            return np.full(len(nodes), math.inf)
    return nodes

"""The two kinds of programmable resistor behind one interface: what a switch adds, and what it adds up to.

In both, operating one switch adds a measured step to a sum that starts from a constant, and the subset-sum solver
chooses the steps: of conductance in parallel, closing a switch; of resistance in series, opening one.

* parallel: G = sum over closed of 1 / (R_k + R_on,k);
* series: R = sum r_k || R_on,k + sum over opened of (r_k - r_k || R_on,k).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec, Place, bank_spec
from rsscircuit.banks.measurement import mean_rms_lsb
from rsscircuit.banks.process import TERMS, resistances
from rsscircuit.seeds import stream
from rsscircuit.subsetsum import Problem, solve
from rsscircuit.technology import Technology
from rsscircuit.technology.laws import cut_normal, parse_law

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
MIDDLE = 0.5  # of what the whole bank reaches; a die 15 % off leaves room on both sides
SWITCHES = 4.0  # the smallest branch is at least so many on-resistances
LARGEST_OHM = 100e6  # of one branch; 17 mm of sky130's 0.35 um film


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Branches:
    """One bank as it was made.

    Attributes:
        resistance_ohm: [n], without switches.
        on_ohm: [n], of the closed switches, at the common mode.
    """

    resistance_ohm: Array
    on_ohm: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of programmable resistor.

    Attributes:
        name: ``parallel`` or ``series``.
        unit: Of a step, ``siemens`` or ``ohm``.
        steps: What operating each switch adds, [n].
        constant: What is there with no switch operated.
        amount: A resistance as the sum that makes it, and back.
        reach: What a bank of nominal resistances reaches in all, in the unit of a step.
        full_scale: Largest step of a die within four sigma: full scale of the measurement.
    """

    name: str
    unit: str
    steps: Callable[[Branches], Array]
    constant: Callable[[Branches], float]
    amount: Callable[[float], float]
    reach: Callable[[Array, float], float]
    full_scale: Callable[[Array, Technology], float]

    def ohm(self, branches: Branches, operated: BoolArray) -> float:
        """Resistance with some switches operated, at the switches' common-mode resistance; infinite for none."""
        total = self.constant(branches) + float(self.steps(branches)[operated].sum())
        return self.amount(total) if total > 0 else float("inf")


def _identity(ohm: float) -> float:
    return ohm


def _inverse(ohm: float) -> float:
    return 1.0 / ohm


def _shorted(branches: Branches) -> Array:
    return np.asarray(1.0 / (1.0 / branches.resistance_ohm + 1.0 / branches.on_ohm))


def _spread(technology: Technology, sign: float, local: float) -> float:
    """What the process makes of a resistance at four sigma, upward (+1) or downward (-1)."""
    process, shared = technology.process, parse_law(technology.process.law_shared)
    sigmas = (process.sigma_lot, process.sigma_wafer, process.sigma_die)
    down = float(np.prod([shared.least(sigma) for sigma in sigmas])) * parse_law(process.law_local).least(local)
    return down if sign < 0 else 1.0 / down


def _parallel_full_scale(nominal_ohm: Array, technology: Technology) -> float:
    smallest = float(nominal_ohm.min())
    return 1.0 / (smallest * _spread(technology, -1.0, float(technology.resistor.sigma_local(smallest))))


def _series_full_scale(nominal_ohm: Array, technology: Technology) -> float:
    largest = float(nominal_ohm.max())
    return largest * _spread(technology, 1.0, float(technology.resistor.sigma_local(largest)))


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "parallel": Kind(
            name="parallel",
            unit="siemens",
            steps=lambda branches: 1.0 / (branches.resistance_ohm + branches.on_ohm),
            constant=lambda branches: 0.0,
            amount=_inverse,
            reach=lambda nominal_ohm, on_ohm: float((1.0 / (nominal_ohm + on_ohm)).sum()),
            full_scale=_parallel_full_scale,
        ),
        "series": Kind(
            name="series",
            unit="ohm",
            steps=lambda branches: branches.resistance_ohm - _shorted(branches),
            constant=lambda branches: float(_shorted(branches).sum()),
            amount=_identity,
            reach=lambda nominal_ohm, on_ohm: float(nominal_ohm.sum()),
            full_scale=_series_full_scale,
        ),
    }
)


def centred_bank(kind: Kind, plan: str, resistors: int, value_ohm: float, technology: Technology) -> BankSpec:
    """The bank of a plan whose unit puts the value in the middle of what it reaches."""
    shape = bank_spec(plan, resistors, 1.0).nominal_ohm
    wanted = kind.amount(value_ohm) / MIDDLE
    sign = 1.0 if kind.name == "series" else -1.0
    low, high = 1e-3, 1e15
    for _ in range(200):
        unit = float(np.sqrt(low * high))
        if sign * (kind.reach(unit * shape, technology.switch.on_ohm) - wanted) < 0:
            low = unit
        else:
            high = unit
    return bank_spec(plan, resistors, high)


def drawable_units(plan: str, resistors: int, technology: Technology) -> tuple[float, float]:
    """The smallest and largest unit resistance that a bank can be drawn with, ohm."""
    shape = bank_spec(plan, resistors, 1.0).nominal_ohm
    return max(SWITCHES * technology.switch.on_ohm, technology.resistor.sheet_ohm_per_square), LARGEST_OHM / float(
        shape.max()
    )


def drawn_branches(
    spec: BankSpec, technology: Technology, seed: int, die: int = 0, *, name: str = "resistor", shared: float = 0.0
) -> Branches:
    """One bank of a virtual die: process, and a switch of its own in every branch.

    Args:
        spec: The bank.
        technology: The process.
        seed: Of what is drawn.
        die: Number of the die, each of its own lot.
        name: Of the bank, where a die has several.
        shared: What lot, wafer and die make of every resistance, such as 1.15 on a slow die; 0 draws it.
    """
    place = Place(seed=seed, layer=name, tile=0, die=die, wafer=die, lot=die)
    terms = TERMS if shared == 0 else ("local", "switch")
    resistance = (shared or 1.0) * resistances(spec.nominal_ohm, technology, (1, 1), place, terms)[0, 0, 0]
    spread = cut_normal(stream(seed, "switch", die=place.chip, layer=name), (spec.resistors,))
    return Branches(
        resistance_ohm=resistance, on_ohm=technology.switch.on_ohm * (1.0 + technology.switch.sigma_on * spread)
    )


def step_sigma(kind: Kind, spec: BankSpec, technology: Technology) -> float:
    """Standard error of a measured step: of the difference of two means of readings, in the unit of a step."""
    converter = technology.measurement
    step = kind.full_scale(spec.nominal_ohm, technology) * 2.0**-converter.bits
    return float(step * np.sqrt(2.0) * mean_rms_lsb(converter.noise_lsb, converter.averages))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What is known of a bank.

    Attributes:
        branches: Resistances that make the measured steps with nominal switches.
        extra: What the constant was measured to be beyond that of ``branches``, in the unit of a step: in series the
            mismatch of all the switches together.
    """

    branches: Branches
    extra: float


def measure(
    kind: Kind,
    branches: Branches,
    spec: BankSpec,
    technology: Technology,
    seed: int,
    die: int = 0,
    *,
    name: str = "resistor",
) -> Measured:
    """Measure a bank once: every step as the difference of two readings, and in series the constant as one more.

    Readings are taken at small voltages, where all switches stand at the common mode.
    """
    generator = stream(seed, "measurement", die=f"{die}/{die}/{die}", layer=name)
    errors = step_sigma(kind, spec, technology) * cut_normal(generator, (spec.resistors + 1,))
    constant = kind.constant(branches)
    return known(kind, kind.steps(branches) + errors[1:], constant + float(errors[0]) if constant else 0.0, technology)


def known(kind: Kind, steps: Array, constant: float, technology: Technology) -> Measured:
    """What measured steps and a measured constant say: R of G = 1 / (R + R_on), or of r^2 / (r + R_on)."""
    on = technology.switch.on_ohm
    parallel = kind.name == "parallel"
    resistance = 1.0 / steps - on if parallel else 0.5 * (steps + np.sqrt(steps**2 + 4.0 * steps * on))
    branches = nominal_switches(resistance, technology)
    return Measured(branches=branches, extra=constant - kind.constant(branches))


def nominal_switches(resistance_ohm: Array, technology: Technology) -> Branches:
    """Branches of known resistances with nominal switches."""
    return Branches(resistance_ohm=resistance_ohm, on_ohm=np.full(resistance_ohm.size, technology.switch.on_ohm))


def nearest(kind: Kind, seen: Measured, value_ohm: float) -> BoolArray:
    """Which switches to operate so that the bank comes nearest to a resistance."""
    target = kind.amount(value_ohm) - kind.constant(seen.branches) - seen.extra
    chosen: BoolArray = solve(Problem.of([kind.steps(seen.branches)], [target])).chosen[0]
    return chosen

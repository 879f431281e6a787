"""Under which conditions, and with which converters, a chip is run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rsscircuit.errors import InputError
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import NOMINAL_CELSIUS, at_conditions
from rsscircuit.technology.corners import refuse_far
from rsscircuit.technology.loader import Readout

MOST_BITS = 24
FARTHEST_CELSIUS = 250.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How a programmed chip is run; what is None is the technology's.

    Attributes:
        celsius: Temperature.
        supply_volt: Gate voltage of closed switches.
        years: Time since it was programmed.
        stuck_open, stuck_closed: Share of all switches that got stuck since it was programmed.
        dac_bits: Of the converters at the rows.
        adc_bits: Of the converters at the columns.
        adc_percentile: Percentile of a layer's column currents over calibration inputs that is full scale.
        seed: Of drift, faults and noise; offsets are of the die, by the seed of the design.
    """

    celsius: float = NOMINAL_CELSIUS
    supply_volt: float | None = None
    years: float = 0.0
    stuck_open: float = 0.0
    stuck_closed: float = 0.0
    dac_bits: int | None = None
    adc_bits: int | None = None
    adc_percentile: float | None = None
    seed: int = 1

    def readout(self, technology: Technology) -> Readout:
        """The read-out of a technology with what is asked for instead."""
        asked = {
            name: float(value)
            for name in ("dac_bits", "adc_bits", "adc_percentile")
            if (value := getattr(self, name)) is not None
        }
        return replace(technology.readout, **asked)

    def supply(self, technology: Technology) -> float:
        """The gate voltage of closed switches."""
        return technology.drive.supply_volt if self.supply_volt is None else self.supply_volt

    def check(self, technology: Technology) -> None:
        """Refuse what cannot be.

        Raises:
            InputError: A condition or a converter that there is not.
        """
        for where, bits in (("--dac-bits", self.dac_bits), ("--adc-bits", self.adc_bits)):
            if bits is not None and not 1 <= bits <= MOST_BITS:
                raise InputError(f"a converter has 1 to {MOST_BITS} bits", where=where, got=bits)
        if self.adc_percentile is not None and not 50 <= self.adc_percentile <= 100:
            raise InputError("a full scale is a percentile from 50 to 100", where="--adc-percentile",
                             got=self.adc_percentile)  # fmt: skip
        if not 0 <= self.years <= 100:
            raise InputError("an age is from 0 to 100 years", where="--years", got=self.years)
        for where, share in (("--stuck-open", self.stuck_open), ("--stuck-closed", self.stuck_closed)):
            if not 0 <= share <= 1 or not self.stuck_open + self.stuck_closed <= 1:
                raise InputError("a share of the switches is from 0 to 1", where=where, got=share)
        if self.seed < 0:
            raise InputError("a seed is a whole number from 0", where="--seed", got=self.seed)
        if not abs(self.celsius) <= FARTHEST_CELSIUS:
            raise InputError(
                f"a chip is run within {FARTHEST_CELSIUS:g} C of zero", where="--celsius", got=self.celsius
            )
        try:
            at_conditions(technology, self.celsius, technology.drive.supply_volt)
        except ValueError as error:
            raise InputError("impossible temperature", where="--celsius", got=str(error)) from error
        supply = self.supply(technology)
        refuse_far("supply", supply, technology, where="--supply")
        try:
            at_conditions(technology, self.celsius, supply)
        except ValueError as error:
            raise InputError("impossible supply", where="--supply", got=str(error)) from error

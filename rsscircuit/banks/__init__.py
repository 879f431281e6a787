"""Banks of resistors: nominal plans, virtual dies and their measurement."""

from rsscircuit.banks.die import Die, MeasuredBanks, Place, draw_die, measure, measurement_sigma
from rsscircuit.banks.plans import BankSpec, bank_spec

__all__ = ["BankSpec", "Die", "MeasuredBanks", "Place", "bank_spec", "draw_die", "measure", "measurement_sigma"]

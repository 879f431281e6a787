"""Banks of resistors: nominal plans, virtual dies and their measurement."""

from rsscircuit.banks.die import Die, MeasuredBanks, Place, draw_die, measure, measurement_sigma
from rsscircuit.banks.faults import Fault, read_faults, refuse_misplaced, stuck_switches
from rsscircuit.banks.plans import BankSpec, bank_spec

__all__ = [
    "BankSpec",
    "Die",
    "Fault",
    "MeasuredBanks",
    "Place",
    "bank_spec",
    "draw_die",
    "measure",
    "measurement_sigma",
    "read_faults",
    "refuse_misplaced",
    "stuck_switches",
]

"""Banks of resistors: nominal plans, the process, virtual dies and their measurement."""

from rsscircuit.banks.die import Die, draw_die
from rsscircuit.banks.faults import Fault, read_faults, refuse_misplaced, stuck_switches
from rsscircuit.banks.floorplan import FloorPlan
from rsscircuit.banks.measurement import MeasuredBanks, measure, measurement_sigma
from rsscircuit.banks.process import TERMS, Place, parse_terms
from rsscircuit.banks.sampling import Sample, sample_pairs
from rsscircuit.technology.plans import BankSpec, bank_spec

__all__ = [
    "TERMS",
    "BankSpec",
    "Die",
    "Fault",
    "FloorPlan",
    "MeasuredBanks",
    "Place",
    "Sample",
    "bank_spec",
    "draw_die",
    "measure",
    "measurement_sigma",
    "parse_terms",
    "read_faults",
    "refuse_misplaced",
    "sample_pairs",
    "stuck_switches",
]

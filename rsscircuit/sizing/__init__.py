"""How many resistors a bank needs: by simulation on virtual, measured dies, and by theory."""

from rsscircuit.sizing.converter import measurement_bits_for, measurement_floor
from rsscircuit.sizing.intervals import Figure
from rsscircuit.sizing.outcome import Outcome, Programmed, Request, Verdict, program_pairs, simulate
from rsscircuit.sizing.size import DEFAULT_PLANS, MOST_RESISTORS, PlanSize, size, sized_request, split_plans
from rsscircuit.sizing.targets import LAWS, TargetLaw

__all__ = [
    "DEFAULT_PLANS",
    "LAWS",
    "MOST_RESISTORS",
    "Figure",
    "Outcome",
    "PlanSize",
    "Programmed",
    "Request",
    "TargetLaw",
    "Verdict",
    "measurement_bits_for",
    "measurement_floor",
    "program_pairs",
    "simulate",
    "size",
    "sized_request",
    "split_plans",
]

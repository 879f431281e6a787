"""The build as a chain of named steps, each checked against the step before."""

from rsscircuit.steps.chain import DEFAULT_LAST, build, carry_on, first_failure, run_steps
from rsscircuit.steps.work import Step, Work

__all__ = ["DEFAULT_LAST", "Step", "Work", "build", "carry_on", "first_failure", "run_steps"]

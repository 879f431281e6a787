"""Subset sums: pure numbers, no circuit words."""

from rsscircuit.subsetsum.kind import Kind
from rsscircuit.subsetsum.problem import Objective, Problem, Solution, Status
from rsscircuit.subsetsum.solvers import AUTO, SOLVERS, Choice, choose, solve, solve_cells

__all__ = [
    "AUTO",
    "SOLVERS",
    "Choice",
    "Kind",
    "Objective",
    "Problem",
    "Solution",
    "Status",
    "choose",
    "solve",
    "solve_cells",
]

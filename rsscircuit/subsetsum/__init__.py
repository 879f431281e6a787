"""Subset sums: pure numbers, no circuit words."""

from rsscircuit.subsetsum.problem import Objective, Problem, Solution, Status
from rsscircuit.subsetsum.solvers import Choice, choose, solve, solve_cells

__all__ = ["Choice", "Objective", "Problem", "Solution", "Status", "choose", "solve", "solve_cells"]

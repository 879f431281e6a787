"""Subset sums: pure numbers, no circuit words."""

from rsscircuit.subsetsum.problem import Objective, Problem, Solution, Status
from rsscircuit.subsetsum.solvers import AUTO, Choice, choose, solve, solve_cells

__all__ = ["AUTO", "Choice", "Objective", "Problem", "Solution", "Status", "choose", "solve", "solve_cells"]

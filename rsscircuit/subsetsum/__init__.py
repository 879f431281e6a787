"""Subset sums: pure numbers, no circuit words."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rsscircuit.subsetsum.column import ColumnSolution, solve_columns
from rsscircuit.subsetsum.kind import Kind, kind_of
from rsscircuit.subsetsum.problem import Objective, Problem, Solution, Status, residuals_of
from rsscircuit.subsetsum.solvers import AUTO, SOLVERS, Choice, choose, solve, solve_cells
from rsscircuit.subsetsum.table import SumTable
from rsscircuit.subsetsum.whole import WholeTable

if TYPE_CHECKING:
    from rsscircuit.subsetsum.model import Answer, SubsetModel, column_model, quantum_of

_MODEL = ("Answer", "SubsetModel", "column_model", "quantum_of")

__all__ = [
    "AUTO",
    "SOLVERS",
    "Answer",
    "Choice",
    "ColumnSolution",
    "Kind",
    "Objective",
    "Problem",
    "Solution",
    "Status",
    "SubsetModel",
    "SumTable",
    "WholeTable",
    "choose",
    "column_model",
    "kind_of",
    "quantum_of",
    "residuals_of",
    "solve",
    "solve_cells",
    "solve_columns",
]


def __getattr__(name: str) -> Any:
    """The CP-SAT model builder, when it is asked for: OR-Tools takes half a second to import."""
    if name in _MODEL:
        return getattr(import_module("rsscircuit.subsetsum.model"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Subset sums as integer models for OR-Tools CP-SAT, open to any constraint that CP-SAT knows.

A :class:`SubsetModel` is one cell: a Boolean switch an item, and methods for the usual side constraints and
objectives. Whatever else is wanted is said in CP-SAT's own words, through its ``model``, ``switches`` and
``residuals``::

    cell = SubsetModel(items, target, quantum=quantum_of(items, target, tolerance))
    cell.within(tolerance)
    cell.model.add_implication(cell.switches[0], cell.switches[3])
    cell.minimise_total()
    answer = cell.solve()

CP-SAT works on whole numbers, so items and targets are rounded to multiples of a *quantum*; it is a power of
two, so that nothing but this rounding is lost. Bounds are taken narrower by what it can hide, half a quantum for
every value that is not a multiple: a choice within them in whole numbers is within them in truth. What is proved
is proved of the rounded numbers; what was chosen is summed up again from the items themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from ortools.sat.python import cp_model

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum.problem import BoolArray, FloatArray, IntArray, Status, floats, magnitudes_of

QUANTA_PER_TOLERANCE = 50
NEAREST_BITS = 36
FINEST_BITS = 50  # of the items' total; the target and the rounding come on top
COLUMN_BITS = 24  # their squares must fit as well
MAX_INTEGER = 2**53  # beyond it float64 cannot say which integer was meant
MAX_SQUARES = 2**62  # CP-SAT adds in 64 bits
DETERMINISTIC_LIMIT = 2.0
_SMALLEST = 5e-324  # of the floats; nothing but zero rounds to zero upwards
_NOTHING = 2.0**-40  # of the largest second moment; what is left of one below it is rounding


def quantum_of(items: ArrayLike, targets: ArrayLike, tolerance: float = 0.0, *, bits: int = NEAREST_BITS) -> float:
    """A step fine enough for one cell, items [n] or [n, sums].

    With a tolerance it is tolerance / (50 n): the rounding of n items and a target then hides at most (n + 1) / 2
    steps, about a hundredth of the tolerance. Without, or where that would be finer than CP-SAT's integers go, it is
    2**-bits of the items' total magnitude, or of the target where that is larger: the nearest sum is then missed by at
    most n + 1 steps.

    Raises:
        SolverError: No items, or values that are not finite numbers, or a tolerance below 0.
    """
    given, aims = floats(items, "items"), floats(targets, "targets")
    if given.size == 0 or not (np.isfinite(given).all() and np.isfinite(aims).all() and tolerance >= 0):
        raise SolverError("a quantum needs finite items and targets and a tolerance from 0", got=f"{given}, {aims}")
    span = float(max(np.abs(given).sum(axis=0).max(), np.abs(aims).max()))
    step = tolerance / (QUANTA_PER_TOLERANCE * len(given))
    return max(step if step > span * 2.0**-FINEST_BITS else span * 2.0**-bits, 2.0**-1074)


def power_of_two_below(value: float) -> float:
    """The power of two at or below a value."""
    return math.ldexp(0.5, math.frexp(value)[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What a solve found, summed up in float64 from the choice.

    Attributes:
        chosen: bool [n]; all False where nothing was found.
        residuals: float64 [sums], chosen sum minus target.
        total: Total magnitude of the chosen items.
        status: OPTIMAL_AT_QUANTUM; FEASIBLE, as every choice is without an objective; INFEASIBLE, which is
            proved for the whole numbers and so for the bounds as they were narrowed; or UNSOLVED.
        reason: What kept the solver from a proof; empty where nothing did.
    """

    chosen: BoolArray
    residuals: FloatArray
    total: float
    status: Status
    reason: str

    @property
    def found(self) -> bool:
        """Whether there is a choice."""
        return self.status >= Status.FEASIBLE

    @property
    def error(self) -> float:
        """Largest magnitude of the residuals."""
        return float(np.abs(self.residuals).max())


class _Model(cp_model.CpModel):  # type: ignore[misc]
    """A CP-SAT model without the camel-case aliases, which take longer to attach than a small cell to solve."""

    def _add_pre_pep8_methods(self) -> None:
        pass


class SubsetModel:
    """One cell as an integer model.

    Constraints add up; of several objectives the last one counts. A model can be solved, added to and solved
    again.

    Attributes:
        model: The CP-SAT model, for constraints of one's own.
        switches: Its Boolean variables, one an item; the switch of an item that is zero in every sum is off.
        residuals: Its expressions of chosen sum minus target, one a sum, in quanta.
        quantum: The step in use, the power of two at or below the one asked for.
        linearization_level: How far CP-SAT also solves the model as a linear programme, 0 to 2. Counting items
            sets it to 1: the programme then proves in milliseconds that a count puts the target out of reach,
            which the search needs a second for. Without a count it makes the search 2 to 5 times slower, so
            it is 0.
    """

    def __init__(
        self, items: ArrayLike, targets: ArrayLike, *, quantum: float, magnitudes: ArrayLike | None = None
    ) -> None:
        """Round the cell and declare its switches.

        Args:
            items: [n], or [n, sums] where one choice must meet several sums at once.
            targets: One number, or [sums].
            quantum: Largest step to round to, in the unit of the items; :func:`quantum_of` gives one.
            magnitudes: [n], what an item adds to the total; by default the mean of its magnitudes.

        Raises:
            SolverError: Shapes that do not fit, or values of too many quanta.
        """
        given, aims, step = floats(items, "items"), floats(targets, "targets"), floats(quantum, "quantum")
        if given.ndim not in (1, 2) or 0 in given.shape or aims.shape != given.shape[1:]:
            raise SolverError(
                "items must be [n] and targets one number, or [n, sums] and [sums]",
                got=f"{given.shape} and {aims.shape}",
            )
        self._items, self._targets = given.reshape(len(given), -1), aims.reshape(-1)
        sizes = magnitudes_of(self._items[None])[0] if magnitudes is None else floats(magnitudes, "magnitudes")
        if sizes.shape != (len(given),) or not (sizes >= 0).all() or step.ndim or not 0 < step < math.inf:
            must = "magnitudes must be [n] and from 0, and the quantum one number above 0"
            raise SolverError(must, got=f"{sizes} and {quantum}")
        self._magnitudes = sizes
        self.quantum = power_of_two_below(quantum)
        with np.errstate(over="ignore"):
            exact, exact_aims = self._items / self.quantum, self._targets / self.quantum
            self._span = np.ceil(np.abs(exact)).sum(axis=0) + np.ceil(np.abs(exact_aims))
        self._refuse_beyond(MAX_INTEGER, self._span.max())
        whole, whole_aims = np.rint(exact), np.rint(exact_aims)
        self._hidden = ((whole != exact).sum(axis=0) + (whole_aims != exact_aims)) / 2
        self._whole, self._aims = whole.astype(np.int64), whole_aims.astype(np.int64)

        self.model: Any = _Model()
        self.switches = [self.model.new_bool_var(f"item {k}") for k in range(len(self._items))]
        self.residuals = [
            self._weighted(column) - int(aim) for column, aim in zip(self._whole.T, self._aims, strict=True)
        ]
        self._derived: list[tuple[Any, Callable[[list[int]], int]]] = []  # variables, as functions of the residuals
        self._unit = 1.0
        self.linearization_level = 0
        self.force(off=np.flatnonzero((self._items == 0.0).all(axis=1)).tolist())

    def force(self, *, on: Iterable[int] = (), off: Iterable[int] = ()) -> None:
        """Choose some items always, others never.

        Raises:
            SolverError: There is no such item.
        """
        for switch in self._switches_of(on):
            self.model.add(switch == 1)
        for switch in self._switches_of(off):
            self.model.add(switch == 0)

    def forbid(self, chosen: BoolArray) -> None:
        """Leave out one choice, bool [n]."""
        pairs = zip(self.switches, chosen.tolist(), strict=True)
        self.model.add_bool_or([switch.negated() if on else switch for switch, on in pairs])

    def count_between(self, least: int, most: int) -> None:
        """Choose so many items."""
        self.linearization_level = 1
        self.model.add_linear_constraint(cp_model.LinearExpr.sum(self.switches), least, most)

    def total_at_most(self, bound: float, *, at_least_these: bool = False) -> None:
        """Keep the total magnitude of the chosen items to a bound.

        Args:
            bound: Largest total.
            at_least_these: Rounding lets a little more in, and keeps nothing out that meets the bound; otherwise it
                keeps a little out, and lets nothing in that exceeds it.

        Raises:
            SolverError: The bound is not a number from 0, or the magnitudes are too many quanta.
        """
        if not bound >= 0:
            raise SolverError("a bound on the total is a number from 0", got=bound)
        whole = min(bound / self.quantum, MAX_INTEGER)
        if at_least_these:
            self.model.add(self._total(np.floor) <= math.ceil(whole))
        else:
            self.model.add(self._total(np.ceil) <= math.floor(whole))

    def at_most_one(self, group: Iterable[int]) -> None:
        """Choose at most one of some items.

        Raises:
            SolverError: There is no such item.
        """
        self.model.add_at_most_one(self._switches_of(group))

    def within(self, tolerance: float, *, at_least_these: bool = False) -> None:
        """Keep every sum within the tolerance of its target.

        Args:
            tolerance: Largest error.
            at_least_these: Rounding lets a little more in, and keeps nothing out that is within the tolerance;
                otherwise it keeps a little out, and lets nothing in that is beyond it.

        Raises:
            SolverError: The tolerance is not a number from 0.
        """
        if not tolerance >= 0:
            raise SolverError("a tolerance is a number from 0", got=tolerance)
        for residual, hidden, span in zip(self.residuals, self._hidden, self._span, strict=True):
            quanta = tolerance / self.quantum
            reach = math.ceil(min(quanta + hidden, span)) if at_least_these else math.floor(min(quanta - hidden, span))
            self.model.add_linear_constraint(residual, -reach, reach)

    def minimise_error(self) -> None:
        """Seek the least error, the largest magnitude of the residuals."""
        error = self._derive(_largest, 0, int(self._span.max()))
        for residual in self.residuals:
            self.model.add(residual <= error)
            self.model.add(residual >= -error)
        self._minimise(error, self.quantum)

    def minimise_squares(self) -> None:
        """Seek the least sum of the residuals' squares.

        Raises:
            SolverError: Values of too many quanta to be squared.
        """
        self._refuse_beyond(MAX_SQUARES, (self._span**2).sum(), "squared ")
        squares = []
        for k, (residual, span) in enumerate(zip(self.residuals, self._span.astype(np.int64).tolist(), strict=True)):
            side = self._derive(partial(_power, k, 1), -span, span)
            square = self._derive(partial(_power, k, 2), 0, span**2)
            self.model.add(side == residual)
            self.model.add_multiplication_equality(square, [side, side])
            squares.append(square)
        self._minimise(cp_model.LinearExpr.sum(squares), self.quantum**2)

    def minimise_total(self) -> None:
        """Seek the least total magnitude of the chosen items."""
        self._minimise(self._total(np.rint), self.quantum)

    def minimise_cost(self, costs: ArrayLike) -> None:
        """Seek the least total of costs [n], from 0; they are rounded to 2**-36 of what all items cost.

        Raises:
            SolverError: Costs that do not fit, are negative or not finite.
        """
        prices = floats(costs, "costs")
        if prices.shape != (len(self.switches),) or not (np.isfinite(prices) & (prices >= 0)).all():
            raise SolverError("costs must be [n], finite and from 0", got=f"{prices}")
        step = power_of_two_below(max(math.ldexp(math.fsum(prices.tolist()), -NEAREST_BITS), 2.0**-1074))
        self._minimise(self._weighted(np.rint(prices / step).astype(np.int64)), step)

    def minimise_count(self) -> None:
        """Seek the fewest items."""
        self.linearization_level = 1
        self._minimise(cp_model.LinearExpr.sum(self.switches), 1.0)

    def solve(self, *, start: ArrayLike | None = None, deterministic_limit: float = DETERMINISTIC_LIMIT) -> Answer:
        """Search with one worker and a fixed seed, so that the answer depends on the model alone.

        Presolve is off: with side constraints, several sums or squares it gains nothing either, with a tolerance
        on small cells it takes a hundred times longer than the search, and the deterministic limit does not bound
        it (minutes where many items are equal; OR-Tools 9.15).

        Args:
            start: bool [n], a choice to begin from; it takes the place of the model's hints.
            deterministic_limit: Bound of the effort in CP-SAT's deterministic time; one is some seconds, and the
                same search on every machine.

        Raises:
            SolverError: A constraint of one's own that CP-SAT refuses, or a start of another length.
        """
        if start is not None:
            begin = np.asarray(start)
            if begin.dtype.kind != "b" or begin.shape != (len(self.switches),):
                must = f"a start must be true or false, [{len(self.switches)}]"
                raise SolverError(must, got=f"{begin.dtype} {begin.shape}")
            self._hint(begin)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.catch_sigint_signal = False  # Python's own handler ends the run cleanly
        solver.parameters.cp_model_presolve = False
        solver.parameters.linearization_level = self.linearization_level
        solver.parameters.max_deterministic_time = deterministic_limit
        outcome = solver.solve(self.model)
        if outcome == cp_model.MODEL_INVALID:
            raise SolverError("CP-SAT refuses the model", got=self.model.validate())
        if outcome == cp_model.INFEASIBLE:
            return self.evaluate(self._none(), Status.INFEASIBLE)
        reason = f"deterministic limit {deterministic_limit:g} reached"
        if outcome == cp_model.UNKNOWN:
            return self.evaluate(self._none(), Status.UNSOLVED, reason)
        chosen = np.array([solver.boolean_value(switch) for switch in self.switches])
        if outcome == cp_model.OPTIMAL:
            proved = self.model.has_objective()
            return self.evaluate(chosen, Status.OPTIMAL_AT_QUANTUM if proved else Status.FEASIBLE)
        best, bound = solver.objective_value * self._unit, solver.best_objective_bound * self._unit
        return self.evaluate(chosen, reason=f"{reason} with the best at {best:.6g} and the bound at {bound:.6g}")

    def evaluate(self, chosen: BoolArray, status: Status = Status.FEASIBLE, reason: str = "") -> Answer:
        """Sum up a choice, bool [n], in float64."""
        sums = zip(self._items[chosen].T.tolist(), self._targets.tolist(), strict=True)
        return Answer(
            chosen=chosen,
            residuals=np.array([math.fsum([*taken, -target]) for taken, target in sums]),
            total=math.fsum(self._magnitudes[chosen].tolist()),
            status=status,
            reason=reason,
        )

    def _switches_of(self, items: Iterable[int]) -> list[Any]:
        numbers = list(items)
        for item in numbers:
            if not isinstance(item, int | np.integer) or not 0 <= item < len(self.switches):
                raise SolverError(f"items are numbered from 0 to {len(self.switches) - 1}", got=item)
        return [self.switches[item] for item in numbers]

    def _none(self) -> BoolArray:
        return np.zeros(len(self.switches), np.bool_)

    def _total(self, rounding: np.ufunc) -> Any:
        with np.errstate(over="ignore"):
            exact = self._magnitudes / self.quantum
            sizes = rounding(np.where(self._magnitudes > 0, np.maximum(exact, _SMALLEST), 0.0))
            total = float(sizes.sum())
        self._refuse_beyond(MAX_INTEGER, total)
        return self._weighted(sizes.astype(np.int64))

    def _weighted(self, weights: IntArray) -> Any:
        return cp_model.LinearExpr.weighted_sum(self.switches, weights.tolist())

    def _minimise(self, objective: Any, unit: float) -> None:
        self.model.minimize(objective)
        self._unit = unit

    def _derive(self, of: Callable[[list[int]], int], least: int, most: int) -> Any:
        """A variable that follows from the residuals, and how, so that it can be hinted."""
        variable = self.model.new_int_var(least, most, "")
        self._derived.append((variable, of))
        return variable

    def _hint(self, start: BoolArray) -> None:
        residuals = (self._whole[start].sum(axis=0) - self._aims).tolist()
        self.model.clear_hints()
        for switch, on in zip(self.switches, start.tolist(), strict=True):
            self.model.add_hint(switch, on)
        for variable, of in self._derived:
            self.model.add_hint(variable, of(residuals))

    def _refuse_beyond(self, most: int, quanta: float, kind: str = "") -> None:
        if not quanta <= most:
            raise SolverError(
                f"the values span more {kind}quanta of {self.quantum:.3g} than CP-SAT's 64-bit integers hold",
                got=f"{quanta:.3g} {kind}quanta",
                remedy="raise the tolerance or the quantum",
            )


def _largest(residuals: list[int]) -> int:
    return max(map(abs, residuals))


def _power(k: int, exponent: int, residuals: list[int]) -> int:
    return int(residuals[k] ** exponent)


def column_model(
    items: ArrayLike, targets: ArrayLike, moments: ArrayLike, *, quantum: float | None = None
) -> SubsetModel:
    """The cells of one column as one model that seeks the least mean square error of the column's output.

    With the cells' errors e and inputs x the output errs by e.x, in the mean square e^T M e with M = E[x x^T].
    M is factored into L L^T (Cholesky with pivoting, so that inputs which follow from others drop out), and
    e^T M e is the sum of the squares of L^T e: a choice among all items that meets one sum a column of L.

    The search grows as 2^(rows n): meant for the polish of small columns, some 8 cells of 8 items, from a start.

    Args:
        items: [rows, n], each cell its own bank.
        targets: [rows].
        moments: [rows, rows], second moments of the inputs.
        quantum: Step of L^T e; by default 2**-24 of its largest total magnitude.

    Returns:
        A model of rows n items, cell after cell, whose residuals are L^T e.

    Raises:
        SolverError: Shapes that do not fit, or moments that are not symmetric positive semidefinite.
    """
    cells, aims, moment = floats(items, "items"), floats(targets, "targets"), floats(moments, "moments")
    if cells.ndim != 2 or aims.shape != cells.shape[:1] or moment.shape != cells.shape[:1] * 2:
        raise SolverError(
            "items must be [rows, n], targets [rows] and moments [rows, rows]",
            got=f"{cells.shape}, {aims.shape} and {moment.shape}",
        )
    factor = _factored(moment)
    sums = (cells[:, :, None] * factor[:, None, :]).reshape(cells.size, -1)
    goals = (aims[:, None] * factor).sum(axis=0)
    step = quantum_of(sums, goals, bits=COLUMN_BITS) if quantum is None else quantum
    model = SubsetModel(sums, goals, quantum=step, magnitudes=np.abs(cells).ravel())
    model.minimise_squares()
    return model


def _factored(moments: FloatArray) -> FloatArray:
    """L [rows, rank] with L L^T the moments, elementwise so that it is the same on every machine."""
    rest = moments.copy()
    columns: list[FloatArray] = []
    nothing = _NOTHING * np.abs(moments).max()
    while len(columns) < len(rest) and rest.diagonal().max() > nothing:
        pivot = int(rest.diagonal().argmax())
        column = rest[:, pivot] / math.sqrt(rest[pivot, pivot])
        rest -= column[:, None] * column
        columns.append(column)
    if not columns or not np.abs(rest).max() <= nothing * len(rest):
        raise SolverError("the moments must be symmetric, positive semidefinite and not all zero")
    return np.stack(columns, axis=1)

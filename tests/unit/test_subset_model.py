"""The integer model and the CP-SAT solver against brute force."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum import cpsat, solve
from rsscircuit.subsetsum.model import SubsetModel, column_model, quantum_of
from rsscircuit.subsetsum.problem import BoolArray, FloatArray, Objective, Problem, Status

N = 8
MASKS = np.array(list(itertools.product([False, True], repeat=N)))
COUNTS = MASKS.sum(axis=1)
COSTS = np.random.default_rng(9).uniform(0, 2, N)
GROUPS = ((0, 1, 2), (4, 7))
CELLS = pytest.mark.parametrize("sums", [1, 3])


def random_cell(seed: int, sums: int = 1) -> tuple[FloatArray, FloatArray]:
    """Items of either sign, one of them zero, and targets near a subset's sums."""
    rng = np.random.default_rng(seed)
    items = rng.uniform(-1, 1, (N, sums))
    items[3] = 0.0
    return items, items[rng.random(N) < 0.5].sum(axis=0) + rng.normal(0.0, 0.2, sums)


def whole_cell(seed: int, sums: int = 1) -> tuple[FloatArray, FloatArray]:
    """The same in whole numbers, so that a quantum of 1/4 (magnitudes are means) rounds nothing."""
    items, targets = random_cell(seed, sums)
    return 3 * np.rint(40 * items), np.rint(120 * targets)


def index_of(chosen: BoolArray) -> int:
    return int((chosen == MASKS).all(axis=1).argmax())


def totals_of(items: FloatArray) -> FloatArray:
    return np.asarray(MASKS @ np.abs(items).mean(axis=1))


def errors_of(items: FloatArray, targets: FloatArray) -> FloatArray:
    return np.asarray(np.abs(MASKS @ items - targets).max(axis=1))


def at_most_one_each(masks: BoolArray, groups: Sequence[Sequence[int]]) -> BoolArray:
    return np.all([masks[:, list(group)].sum(axis=1) <= 1 for group in groups], axis=0)


def forced(cell: SubsetModel, items: FloatArray) -> BoolArray:
    cell.force(on=[1], off=[5])
    return MASKS[:, 1] & ~MASKS[:, 5]


def counted(cell: SubsetModel, items: FloatArray) -> BoolArray:
    cell.count_between(2, 3)
    return (COUNTS >= 2) & (COUNTS <= 3)


def bounded(cell: SubsetModel, items: FloatArray) -> BoolArray:
    cell.total_at_most(130.0)
    return np.asarray(totals_of(items) <= 130.0)


def grouped(cell: SubsetModel, items: FloatArray) -> BoolArray:
    for group in GROUPS:
        cell.at_most_one(group)
    return at_most_one_each(MASKS, GROUPS)


def within(cell: SubsetModel, items: FloatArray) -> BoolArray:
    cell.within(60.0)
    return np.asarray(errors_of(items, cell_targets(cell)) <= 60.0)


def cell_targets(cell: SubsetModel) -> FloatArray:
    return -cell.evaluate(np.zeros(N, np.bool_)).residuals


Constraint = Callable[[SubsetModel, FloatArray], BoolArray]
COMBINATIONS: dict[str, tuple[Constraint, ...]] = {
    "none": (),
    "forced": (forced,),
    "counted": (counted,),
    "bounded": (bounded,),
    "grouped": (grouped,),
    "within": (within,),
    "counted and bounded": (counted, bounded),
    "grouped within": (grouped, within),
    "all": (forced, counted, bounded, grouped, within),
}


@CELLS
@pytest.mark.parametrize("combination", list(COMBINATIONS))
@pytest.mark.parametrize("objective", ["error", "squares", "total", "count"])
def test_every_objective_under_every_constraint_is_the_brute_force_optimum(
    sums: int, combination: str, objective: str
) -> None:
    for seed in range(3):
        items, targets = whole_cell(seed, sums)
        cell = SubsetModel(items, targets, quantum=0.25)
        allowed = ~MASKS[:, 3]
        for constraint in COMBINATIONS[combination]:
            allowed &= constraint(cell, items)
        value = {
            "error": errors_of(items, targets),
            "squares": ((MASKS @ items - targets) ** 2).sum(axis=1),
            "total": totals_of(items),
            "count": COUNTS,
        }[objective]
        getattr(cell, f"minimise_{objective}")()
        answer = cell.solve()
        if not allowed.any():
            assert answer.status is Status.INFEASIBLE
            continue
        assert answer.status is Status.OPTIMAL_AT_QUANTUM
        assert answer.reason == ""
        index = index_of(answer.chosen)
        assert allowed[index]
        assert value[index] == value[allowed].min()
        assert answer.error == errors_of(items, targets)[index]
        assert answer.total == pytest.approx(totals_of(items)[index], rel=1e-12)


def test_the_corners_of_a_process_are_met_at_once() -> None:
    rng = np.random.default_rng(4)
    for _ in range(5):
        items = rng.uniform(-1, 1, N)[:, None] * np.array([0.9, 1.0, 1.1]) * (1 + 0.02 * rng.standard_normal((N, 3)))
        targets = np.full(3, rng.uniform(-1, 1))
        cell = SubsetModel(items, targets, quantum=quantum_of(items, targets))
        cell.minimise_error()
        answer = cell.solve()
        assert answer.residuals.shape == (3,)
        assert answer.error <= errors_of(items, targets).min() + (N + 1) * cell.quantum


@CELLS
def test_a_tolerance_and_a_bound_are_never_exceeded_by_rounding(sums: int) -> None:
    found = 0
    for seed in range(40):
        items, targets = random_cell(seed, sums)
        tolerance, bound = 0.3, float(np.abs(items).mean(axis=1).sum()) / 2
        cell = SubsetModel(items, targets, quantum=0.02)  # far coarser than quantum_of gives
        cell.within(tolerance)
        cell.total_at_most(bound)
        cell.minimise_error()
        answer = cell.solve()
        safe = (errors_of(items, targets) <= tolerance - 5 * 0.02) & (totals_of(items) <= bound - 9 * 0.02)
        assert answer.found >= safe.any()
        if answer.found:
            found += 1
            assert answer.error <= tolerance
            assert answer.total <= bound
    assert found > 5


def test_the_quantum_follows_the_stated_rules() -> None:
    items, targets = np.array([[1.0, 2.0], [3.0, -7.0]]), np.array([1.0, -2.0])
    assert quantum_of(items, targets, 0.1) == 0.1 / (50 * 2)
    assert quantum_of(items, targets) == 9.0 * 2.0**-36
    assert SubsetModel(items, targets, quantum=0.3).quantum == 0.25
    assert SubsetModel(items, targets, quantum=0.25).quantum == 0.25
    assert quantum_of([0.0], 0.0) > 0


def test_values_of_too_many_quanta_are_refused() -> None:
    with pytest.raises(SolverError, match=r"4.76e\+17 quanta.*raise the tolerance or the quantum"):
        SubsetModel([1.0, 2.0], 0.3, quantum=1e-17)
    with pytest.raises(SolverError, match="inf quanta"):
        SubsetModel([1.0, 2.0], 0.3, quantum=1e-320)
    cell = SubsetModel([1.0, 2.0], 0.3, quantum=1e-12)
    with pytest.raises(SolverError, match=r"squared quanta of .* got .* squared quanta"):
        cell.minimise_squares()
    with pytest.raises(SolverError, match="quanta"):
        SubsetModel([1.0, 2.0], 0.3, quantum=1e-3, magnitudes=[1.0, 1e15]).total_at_most(5.0)


@pytest.mark.parametrize(
    ("items", "targets", "quantum"),
    [([[[1.0]]], 1.0, 1.0), ([1.0, 2.0], [1.0, 2.0], 1.0), ([], 1.0, 1.0), ([1.0], 1.0, 0.0), ([np.nan], 1.0, 1.0)],
)
def test_malformed_cells_are_refused(items: object, targets: object, quantum: float) -> None:
    with pytest.raises(SolverError):
        SubsetModel(items, targets, quantum=quantum)  # type: ignore[arg-type]


def test_values_just_below_the_limits_are_solved() -> None:
    cell = SubsetModel([2.0**51, 2.0**50, 3.0], 2.0**50 + 1.0, quantum=1.0)
    cell.count_between(0, 2)
    cell.minimise_error()
    assert cell.solve().chosen.tolist() == [False, True, False]
    cell = SubsetModel([2.0**28, 2.0**27, 3.0], 2.0**27 + 1.0, quantum=1.0)
    cell.minimise_squares()
    assert cell.solve().chosen.tolist() == [False, True, False]


def test_a_proof_that_nothing_is_left_is_told_from_giving_up() -> None:
    items, targets = random_cell(1)
    cell = SubsetModel(items, targets, quantum=1e-3)
    cell.count_between(N, N)  # one of the items is zero
    assert cell.solve().status is Status.INFEASIBLE
    hard = hard_cell()
    answer = hard.solve(deterministic_limit=1e-9)
    assert answer.status in (Status.UNSOLVED, Status.FEASIBLE)
    assert "deterministic limit 1e-09 reached" in answer.reason
    answer = hard.solve(deterministic_limit=0.02)
    assert answer.status is Status.FEASIBLE
    assert "and the bound at 0" in answer.reason


def hard_cell() -> SubsetModel:
    items = np.random.default_rng(0).uniform(0.8, 1.2, 40)
    cell = SubsetModel(items, 17.3, quantum=quantum_of(items, 17.3))
    cell.minimise_error()
    return cell


def test_without_an_objective_every_choice_is_as_good() -> None:
    items, targets = whole_cell(2)
    cell = SubsetModel(items, targets, quantum=1.0)
    assert cell.solve().status is Status.FEASIBLE


@pytest.mark.parametrize("objective", ["error", "squares"])
def test_a_warm_start_is_taken_up(objective: str) -> None:
    items = np.random.default_rng(0).uniform(0.8, 1.2, (30, 2))
    targets = items[::3].sum(axis=0)
    cell = SubsetModel(items, targets, quantum=1e-6)
    getattr(cell, f"minimise_{objective}")()
    start = np.arange(30) % 3 == 0
    answer = cell.solve(start=start, deterministic_limit=0.01)
    assert answer.chosen.tolist() == start.tolist()
    assert answer.error == pytest.approx(0.0, abs=1e-12)


def test_constraints_of_ones_own_go_through_the_model() -> None:
    for seed in range(5):
        items, targets = whole_cell(seed)
        cell = SubsetModel(items, targets, quantum=1.0)
        cell.model.add_implication(cell.switches[0], cell.switches[2])
        cell.model.add_bool_or(cell.switches[4], cell.switches[6])
        cell.model.add(cell.residuals[0] >= 0)
        cell.minimise_error()
        answer = cell.solve()
        allowed = (~MASKS[:, 0] | MASKS[:, 2]) & (MASKS[:, 4] | MASKS[:, 6]) & ((MASKS @ items - targets)[:, 0] >= 0)
        assert allowed[index_of(answer.chosen)]
        assert answer.error == errors_of(items, targets)[allowed].min()


@pytest.mark.parametrize(
    ("constrain", "says"),
    [
        (lambda model: model.within(float("nan")), "a tolerance is a number from 0; got nan"),
        (lambda model: model.total_at_most(-1.0), "a bound on the total is a number from 0; got -1.0"),
        (lambda model: model.force(on=[3]), "items are numbered from 0 to 2; got 3"),
        (lambda model: model.force(off=[-1]), "items are numbered from 0 to 2; got -1"),
        (
            lambda model: model.solve(start=np.ones((1, 3), np.bool_)),
            r"or false, \[3\]; got 'bool \(1, 3\)'",
        ),
        (lambda model: model.solve(start=[1, 0, 1]), "a start must be true or false"),
    ],
)
def test_constraints_that_mean_nothing_are_refused(constrain: Callable[[SubsetModel], object], says: str) -> None:
    with pytest.raises(SolverError, match=says):
        constrain(SubsetModel([1.0, 2.0, 3.0], 2.0, quantum=0.25))


def test_a_constraint_that_cp_sat_refuses_is_reported() -> None:
    cell = SubsetModel([1.0, 2.0], 1.0, quantum=1.0)
    cell.model.add(2**62 * cell.switches[0] + 2**62 * cell.switches[1] + 2**62 * cell.residuals[0] <= 1)
    with pytest.raises(SolverError, match=r"CP-SAT refuses the model.*overflow"):
        cell.solve()


def test_the_same_model_gives_the_same_answer() -> None:
    first, second = hard_cell().solve(deterministic_limit=0.05), hard_cell().solve(deterministic_limit=0.05)
    assert first.chosen.tolist() == second.chosen.tolist()
    assert first.reason == second.reason


def column(seed: int, rank: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    inputs = np.maximum(rng.normal(0.3, 1.0, (rank, 3)), 0.0)
    return rng.uniform(-1, 1, (3, 4)), rng.uniform(-1, 1, 3), inputs.T @ inputs / rank


@pytest.mark.parametrize("rank", [2, 50])
def test_a_column_is_the_brute_force_optimum(rank: int) -> None:
    masks = np.array(list(itertools.product([False, True], repeat=12)))
    for seed in range(6):
        items, targets, moments = column(seed, rank)
        model = column_model(items, targets, moments)
        answer = model.solve(start=np.zeros(12, np.bool_))
        errors = (masks.reshape(-1, 3, 4) * items).sum(axis=2) - targets
        powers = np.einsum("ki,ij,kj->k", errors, moments, errors)
        power = powers[(masks == answer.chosen).all(axis=1)][0]
        assert power == pytest.approx((answer.residuals**2).sum(), rel=1e-9, abs=1e-12)
        assert power <= powers.min() + 1e-5 * np.sqrt(powers.min()) + 1e-9
        assert answer.status is Status.OPTIMAL_AT_QUANTUM
        assert answer.total == pytest.approx(np.abs(items.ravel()[answer.chosen]).sum())


def test_a_column_takes_side_constraints() -> None:
    items, targets, moments = column(0, 50)
    model = column_model(items, targets, moments)
    for row in range(3):
        model.at_most_one(range(4 * row, 4 * row + 4))
    assert (model.solve().chosen.reshape(3, 4).sum(axis=1) <= 1).all()


@pytest.mark.parametrize(
    "moments", [-np.eye(2), np.zeros((2, 2)), [[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]], np.eye(3)]
)
def test_moments_of_no_inputs_are_refused(moments: FloatArray) -> None:
    with pytest.raises(SolverError, match="moments"):
        column_model(np.ones((2, 3)), np.ones(2), moments)


def batch(sums: int, cells: int = 12) -> tuple[FloatArray, FloatArray]:
    drawn = [random_cell(seed, sums) for seed in range(cells)]
    items, targets = np.array([i for i, _ in drawn]), np.array([t for _, t in drawn])
    return (items[:, :, 0], targets[:, 0]) if sums == 1 else (items, targets)


@CELLS
@pytest.mark.parametrize("objective", list(Objective))
@pytest.mark.parametrize("tolerance", [0.0, 0.15])
@pytest.mark.parametrize("constrained", [False, True])
def test_a_batch_is_the_brute_force_optimum(
    sums: int, objective: Objective, tolerance: float, constrained: bool
) -> None:
    items, targets = batch(sums)
    problem = Problem.of(
        items,
        targets,
        tolerance=tolerance,
        objective=objective,
        least_count=2 if constrained else 0,
        most_count=4 if constrained else N,
        most_total=2.0 if constrained else np.inf,
        groups=GROUPS if constrained else (),
        costs=COSTS if objective is Objective.LEAST_COST else None,
    )
    answer = cpsat.solve(problem)
    assert answer.residuals.shape == targets.shape
    for cell in range(len(items)):
        table, aims = items[cell].reshape(N, -1), targets[cell].reshape(-1)
        errors, totals = errors_of(table, aims), totals_of(table)
        allowed = ~MASKS[:, 3]
        if constrained:
            allowed &= (COUNTS >= 2) & (COUNTS <= 4) & (totals <= 2.0) & at_most_one_each(MASKS, GROUPS)
        index = index_of(answer.chosen[cell])
        slack = (N + 1) * answer.quantum[cell]
        if not allowed.any():
            assert answer.status[cell] == Status.INFEASIBLE
            assert not answer.chosen[cell].any()
            continue
        assert answer.status[cell] in (Status.FEASIBLE, Status.OPTIMAL_AT_QUANTUM)
        assert allowed[index]
        good = allowed & (errors <= tolerance - slack) & (totals <= 2.0 - slack if constrained else True)
        if objective is Objective.NEAREST or not good.any():
            assert errors[index] <= errors[allowed].min() + slack
            continue
        assert errors[index] <= tolerance
        if objective is Objective.LEAST_TOTAL:
            assert totals[index] <= totals[good].min() + slack
        if objective is Objective.LEAST_COST:
            assert (MASKS @ COSTS)[index] <= (MASKS @ COSTS)[good].min() + 2.0**-30
        if objective is Objective.FEWEST:
            assert COUNTS[index] <= COUNTS[good].min()
            same = good & (COUNTS[index] == COUNTS)
            assert errors[index] <= errors[same].min(initial=np.inf) + slack


def test_a_batch_in_whole_numbers_meets_its_bounds_exactly() -> None:
    items, targets = [[1.0, 2.0, 4.0, 8.0, -4.0]], [6.0]
    bounded = Problem.of(items, targets, objective=Objective.NEAREST, most_total=6.0)
    assert cpsat.solve(bounded).chosen.tolist() == [[False, True, True, False, False]]
    exact_hit = Problem.of(items, [4.0], tolerance=0.0, objective=Objective.FEWEST)
    answer = cpsat.solve(exact_hit)
    assert answer.chosen.tolist() == [[False, False, True, False, False]]
    assert answer.status.tolist() == [Status.OPTIMAL_AT_QUANTUM]


def test_cells_that_no_subset_can_meet_are_told_from_the_others() -> None:
    items = [[1.0, 2.0, 3.0], [0.0, 0.0, 3.0], [5.0, 6.0, 7.0], [0.0, 0.0, 0.0]]
    problem = Problem.of(items, [3.0] * 4, least_count=[2, 2, 2, 0], most_total=10.0)
    answer = cpsat.solve(problem)
    infeasible, optimal = Status.INFEASIBLE, Status.OPTIMAL_AT_QUANTUM
    assert answer.status.tolist() == [optimal, infeasible, infeasible, optimal]
    assert answer.chosen.sum(axis=1).tolist() == [2, 0, 0, 0]
    grouped = Problem.of([[1.0, 2.0, 3.0]], [3.0], least_count=2, groups=((0, 1, 2),))
    assert cpsat.solve(grouped).status.tolist() == [infeasible]


def test_giving_up_is_noted_with_its_reason() -> None:
    items = np.random.default_rng(0).uniform(0.8, 1.2, (2, 40))
    answer = cpsat.solve(Problem.of(items, [17.3, 15.2], least_count=3), deterministic_limit=0.01)
    assert answer.status.tolist() == [Status.FEASIBLE] * 2
    assert all("deterministic limit 0.01 reached" in answer.notes[cell] for cell in range(2))
    at_once = cpsat.solve(Problem.of(items, [17.3, 15.2], least_count=3), deterministic_limit=1e-9)
    assert (at_once.chosen.sum(axis=1) >= 3).all()
    assert "deterministic limit 1e-09 reached" in at_once.notes[0]


@pytest.mark.parametrize("objective", list(Objective))
def test_an_answer_is_never_worse_than_its_start(objective: Objective) -> None:
    rng = np.random.default_rng(3)
    items = rng.uniform(-1, 1, (3, 40))
    start = rng.random((3, 40)) < 0.2
    targets = (items * start).sum(axis=1) + 1e-9
    costs = items**2 if objective is Objective.LEAST_COST else None
    problem = Problem.of(items, targets, tolerance=1e-7, objective=objective, most_count=20, start=start, costs=costs)
    answer = cpsat.solve(problem, deterministic_limit=1e-3)
    assert (answer.errors <= (1.001e-9 if objective is Objective.NEAREST else 1e-7)).all()
    if objective is Objective.LEAST_TOTAL:
        assert ((np.abs(items) * answer.chosen).sum(axis=1) <= (np.abs(items) * start).sum(axis=1) + 1e-12).all()
    if objective is Objective.LEAST_COST:
        assert ((items**2 * answer.chosen).sum(axis=1) <= (items**2 * start).sum(axis=1) + 1e-9).all()
    if objective is Objective.FEWEST:
        assert (answer.chosen.sum(axis=1) <= start.sum(axis=1)).all()


def test_a_start_goes_around_what_is_forced() -> None:
    rng = np.random.default_rng(3)
    items = rng.uniform(-1, 1, (2, 40))
    start = rng.random((2, 40)) < 0.2
    forced = np.zeros((2, 40), np.int8)
    forced[:, :4] = [1, -1, 1, -1]
    start[:, :4] = [False, True, True, False]
    kept = np.where(forced == 0, start, forced > 0)
    targets = (items * kept).sum(axis=1) + 1e-9
    given = {"tolerance": 1e-7, "objective": Objective.LEAST_TOTAL, "forced": forced, "most_count": 20}
    answer = solve(Problem.of(items, targets, start=start, **given), "cp-sat")
    assert (answer.errors <= 1e-7).all()
    assert ((np.abs(items) * answer.chosen).sum(axis=1) <= (np.abs(items) * kept).sum(axis=1) + 1e-12).all()


@pytest.mark.parametrize("forced", [False, True])
def test_a_start_is_kept_where_the_search_finds_only_worse(forced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SubsetModel, "_hint", lambda model, start: None)
    rng = np.random.default_rng(3)
    items = rng.uniform(-1, 1, (3, 40))
    start = rng.random((3, 40)) < 0.2
    state = np.zeros((3, 40), np.int8)
    if forced:
        state[:, :4], start[:, :4] = [1, -1, 1, -1], [False, True, True, True]
    kept = np.where(state == 0, start, state > 0)
    targets = (items * kept).sum(axis=1) + 1e-12
    problem = Problem.of(items, targets, forced=state, most_count=20, start=start)
    monkeypatch.setattr(cpsat.solve, "__kwdefaults__", {"deterministic_limit": 1e-2})
    answer = solve(problem, "cp-sat")
    assert (answer.chosen == kept).all()
    assert answer.status.tolist() == [Status.FEASIBLE] * 3


def test_a_start_that_breaks_the_side_constraints_is_not_an_answer() -> None:
    items = np.random.default_rng(0).uniform(0.5, 1.0, (1, 10))
    problem = Problem.of(items, items.sum(axis=1), most_count=3, start=True)
    assert cpsat.solve(problem).chosen.sum() == 3


def test_the_same_batch_gives_the_same_answers() -> None:
    items, targets = batch(3)
    problem = Problem.of(items, targets, tolerance=0.1, objective=Objective.FEWEST, groups=GROUPS)
    first, second = cpsat.solve(problem), cpsat.solve(problem)
    alone = cpsat.solve(problem.part(slice(4, 5)))
    assert (first.chosen == second.chosen).all()
    assert (first.chosen[4:5] == alone.chosen).all()

"""Many targets on one bank: the table of all sums, and dynamic programming on whole numbers."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum import table, whole
from rsscircuit.subsetsum.kind import Kind, kind_of
from rsscircuit.subsetsum.problem import Objective, Problem, Status, residuals_of
from rsscircuit.subsetsum.solvers import solve
from rsscircuit.subsetsum.table import SumTable
from rsscircuit.subsetsum.whole import WholeTable

EPS = 2.0**-52


def banks(n: int, seed: int = 5) -> dict[str, np.ndarray]:
    """Adversarial banks of n items."""
    rng = np.random.default_rng(seed)
    pairs = 1.25 ** -(np.arange(n) // 2.0) * np.where(np.arange(n) % 2, -1, 1)
    return {
        "uniform": rng.uniform(-1, 1, n),
        "narrow": rng.uniform(0.8, 1.2, n),
        "geometric pairs": pairs * rng.uniform(0.99, 1.01, n),
        "powers of two": 2.0 ** -np.arange(n),
        "all equal": np.full(n, 0.1),
        "duplicates": rng.choice([0.1, -0.1, 0.3, 0.2], n),
        "with zeros": rng.uniform(-1, 1, n) * rng.integers(0, 2, n),
        "only zeros": np.zeros(n),
        "twelve decades": 10.0 ** rng.uniform(-12, 0, n) * rng.choice([-1, 1], n),
        "all negative": -rng.uniform(0.1, 1, n),
        "siemens": rng.uniform(1e-7, 1e-6, n) * rng.choice([-1, 1], n),
        "near the largest float": rng.uniform(-1, 1, n) * 1e306,
        "near the smallest float": rng.uniform(-1, 1, n) * 1e-305,
    }


def all_sums(items: np.ndarray) -> np.ndarray:
    sums: np.ndarray = np.array(list(itertools.product([0.0, 1.0], repeat=items.size))) @ items
    return sums


def targets_on(items: np.ndarray, count: int, seed: int = 6) -> np.ndarray:
    """Targets in and around the range, some of them sums."""
    rng = np.random.default_rng(seed)
    low, high = np.minimum(items, 0).sum(), np.maximum(items, 0).sum()
    targets: np.ndarray = low + (high - low) * rng.uniform(-0.2, 1.2, count)
    targets[0] = 0.0
    targets[1] = items[::2].sum()
    targets[2], targets[3] = 0.5 * (low + high), high
    return targets


def spread(items: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.tile(items, (targets.size, 1))


BANKS = pytest.mark.parametrize("name", list(banks(2)))


@BANKS
@pytest.mark.parametrize("n", [1, 2, 3, 7, 11])
def test_the_table_finds_the_brute_force_optimum(name: str, n: int) -> None:
    items = banks(n)[name]
    targets = targets_on(items, 60)
    chosen, residuals = SumTable.of(items).nearest(targets)
    assert (residuals == residuals_of(spread(items, targets), chosen, targets)).all()
    best = np.abs(all_sums(items)[None] - targets[:, None]).min(1)
    assert (np.abs(residuals) <= best + n * EPS * np.abs(items).sum()).all()
    assert not chosen[:, items == 0].any()


@BANKS
@pytest.mark.parametrize("n", [16, 25])
def test_the_table_is_as_near_as_the_exact_solver(name: str, n: int) -> None:
    items = banks(n)[name]
    targets = targets_on(items, 40)
    problem = Problem.of(spread(items, targets), targets)
    by_table, exact = solve(problem, "table"), solve(problem, "meet-in-the-middle")
    assert np.abs(by_table.errors - exact.errors).max() <= n * EPS * np.abs(items).sum()
    assert (by_table.status == Status.OPTIMAL).all()
    assert (by_table.quantum == 0).all()


@BANKS
def test_items_outside_the_list_change_no_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    items = banks(14)[name]
    targets = targets_on(items, 200)
    listed = SumTable.of(items).nearest(targets)[1]
    monkeypatch.setattr(table, "_LIST_ITEMS", 5)
    chosen, residuals = SumTable.of(items).nearest(targets)
    assert (residuals == residuals_of(spread(items, targets), chosen, targets)).all()
    assert np.abs(np.abs(residuals) - np.abs(listed)).max() <= 14 * EPS * np.abs(items).sum()


def test_sums_that_rounding_cannot_tell_apart_are_compared_without_it() -> None:
    items = [0.1, 0.2, 0.3]  # 0.1 + 0.2 is nearer to 0.3000...04, 0.3 to 0.3
    chosen, residuals = SumTable.of(items).nearest([0.3, 0.1 + 0.2])
    assert chosen.tolist() == [[False, False, True], [True, True, False]]
    assert residuals[0] == 0.0


def test_of_two_equally_near_sums_the_lower_is_taken() -> None:
    for items in ([1.0, 2.0], [-1.0, -2.0], [5.0, 4.0, -3.0]):
        sums = np.unique(all_sums(np.array(items)))
        for built in (SumTable.of(items), WholeTable.of(np.array(items, np.int64))):
            residuals = built.nearest(0.5 * (sums[1:] + sums[:-1]))[1]
            assert (residuals == -0.5 * np.diff(sums)).all()


def test_targets_far_outside_get_the_ends_of_the_range() -> None:
    items = np.array([0.5, -0.25, 0.0, 3.0])
    chosen, residuals = SumTable.of(items).nearest([1e300, -1e300, 3.6])
    assert chosen.tolist() == [[True, False, False, True], [False, True, False, False], [True, False, False, True]]
    assert residuals.tolist() == [-1e300, 1e300, 3.5 - 3.6]


def test_the_order_of_the_items_and_the_batch_play_no_part() -> None:
    rng = np.random.default_rng(3)
    items = banks(18)["geometric pairs"]
    targets = targets_on(items, 100_000)  # enough for several threads
    built = SumTable.of(items)
    chosen, residuals = built.nearest(targets)
    parts = [built.nearest(part) for part in np.array_split(targets, 7)]
    assert (chosen == np.concatenate([part[0] for part in parts])).all()
    assert (residuals == np.concatenate([part[1] for part in parts])).all()
    order = rng.permutation(items.size)
    assert (SumTable.of(items[order]).nearest(targets)[0] == chosen[:, order]).all()


def test_a_table_without_numba_gives_the_same_answers() -> None:
    script = (
        "import sys\n"
        "if sys.argv[1] == 'plain': sys.modules['numba'] = None\n"
        "import numpy as np\n"
        "from rsscircuit.subsetsum import compiled, table\n"
        "assert compiled.COMPILED == (sys.argv[1] != 'plain')\n"
        "table._LIST_ITEMS = 8\n"
        "for items in (np.sin(np.arange(1.0, 12.0)), np.full(9, 0.1), 7.0 ** -np.arange(10.0), [1e308, -1e308]):\n"
        "    chosen, residuals = table.SumTable.of(items).nearest(np.linspace(-1.0, 3.0, 33))\n"
        "    print(np.packbits(chosen).tobytes().hex(), residuals.tobytes().hex())\n"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-W", "error::RuntimeWarning", "-c", script, way], check=True, capture_output=True
        ).stdout
        for way in ("plain", "compiled")
    ]
    assert answers[0] == answers[1]
    assert len(answers[0]) > 1000


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([], "at least one item"),
        ([[1.0, 2.0]], "one bank"),
        ([1.0, np.nan], "finite.*nan"),
        ([1.0, -np.inf], "finite.*-inf"),
        (np.ones(37), "37 items are beyond the 36.*fewer"),
    ],
)
def test_what_no_table_can_hold_is_refused(items: object, says: str) -> None:
    with pytest.raises(SolverError, match=says):
        SumTable.of(items)  # type: ignore[arg-type]


@pytest.mark.parametrize("targets", [[np.nan], [np.inf], [[1.0]]])
def test_targets_that_are_none_are_refused(targets: object) -> None:
    with pytest.raises(SolverError, match="one row of finite"):
        SumTable.of([1.0, 2.0]).nearest(targets)  # type: ignore[arg-type]
    with pytest.raises(SolverError, match="one row of finite"):
        WholeTable.of([1, 2]).nearest(targets)  # type: ignore[arg-type]


def test_no_targets_are_no_answers() -> None:
    assert SumTable.of([1.0, 2.0]).nearest([])[0].shape == (0, 2)
    assert WholeTable.of([1, 2]).nearest([])[0].shape == (0, 2)


KIND = Kind(objective=Objective.NEAREST, items=16, cells=100, one_bank=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sums": 2}, "one sum, not 2"),
        ({"counted": True}, "side constraints"),
        ({"bounded": True}, "side constraints"),
        ({"grouped": True}, "side constraints"),
        ({"objective": Objective.LEAST_TOTAL}, "nearest sum, not the least-total"),
        ({"objective": Objective.FEWEST}, "nearest sum, not the fewest"),
        ({"items": 65}, "65 items are beyond"),
    ],
)
def test_what_is_beyond_both_solvers(change: dict[str, object], says: str) -> None:
    for solver in (table, whole):
        assert solver.obstacle(KIND) == ""
        assert solver.obstacle(replace(KIND, objective=Objective.ANY)) == ""
        assert says in solver.obstacle(replace(KIND, **change))  # type: ignore[arg-type]


def test_a_table_answers_for_one_bank_only() -> None:
    assert "one bank" in table.obstacle(replace(KIND, one_bank=False))
    assert whole.obstacle(replace(KIND, one_bank=False)) == ""


def test_a_table_is_worth_it_from_some_number_of_targets_on() -> None:
    worth = [table.worth_from(items) for items in range(table.MAX_ITEMS + 1)]
    assert min(worth) > 1
    assert max(worth) == worth[22] < 4000


def test_auto_takes_the_table_for_many_targets_on_one_bank() -> None:
    items = banks(12)["uniform"]
    targets = targets_on(items, 500)
    many = solve(Problem.of(spread(items, targets), targets))
    assert many.solver == "table"
    assert "500 targets on one bank of 12" in many.reason
    assert solve(Problem.of(spread(items, targets)[:5], targets[:5])).solver != "table"


@pytest.mark.parametrize("reach", [1, 3, 40, 100_000])
@pytest.mark.parametrize("n", [1, 4, 10])
def test_dynamic_programming_is_exact_on_whole_numbers(reach: int, n: int) -> None:
    rng = np.random.default_rng(reach + n)
    for items in (rng.integers(-reach, reach + 1, n), rng.integers(0, reach + 1, n), -rng.integers(0, reach + 1, n)):
        sums = all_sums(items.astype(np.float64)).astype(np.int64)
        built = WholeTable.of(items)
        assert (built.sums == np.unique(sums)).all()
        targets = rng.integers(sums.min() - 3, sums.max() + 4, 50)
        chosen, residuals = built.nearest(targets)
        assert residuals.dtype == np.int64
        assert (chosen @ items - targets == residuals).all()
        assert (np.abs(residuals) == np.abs(sums[None] - targets[:, None]).min(1)).all()
        assert not chosen[:, items == 0].any()
        again = built.nearest(targets[::-1])[0]
        assert (again[::-1] == chosen).all()


def test_targets_that_are_not_whole_are_not_rounded() -> None:
    above_half = 4.5 + 2.0**-50
    chosen, residuals = WholeTable.of([4, 5, -40]).nearest([4.5, above_half, 4.5 - 2.0**-50, 4.49, -1e300])
    assert (chosen @ [4, 5, -40]).tolist() == [4, 5, 4, 4, -40]
    assert residuals.dtype == np.float64
    assert residuals[1] == 5 - above_half


def test_whole_items_are_proved_best_and_others_at_their_quantum() -> None:
    rng = np.random.default_rng(4)
    items = np.concatenate([rng.integers(-50, 50, (6, 9)).astype(float), rng.uniform(-1, 1, (6, 9)), np.zeros((1, 9))])
    targets = rng.uniform(-2, 2, 13)
    answer = solve(Problem.of(items, targets), "dynamic-programming")
    best = np.array([np.abs(all_sums(bank) - target).min() for bank, target in zip(items, targets, strict=True)])
    assert answer.status.tolist() == [Status.OPTIMAL] * 6 + [Status.OPTIMAL_AT_QUANTUM] * 6 + [Status.OPTIMAL]
    assert (answer.quantum[:6] == 0).all()
    assert answer.quantum[6:12] == pytest.approx(np.abs(items[6:12]).sum(1) / 2**20)
    assert (answer.errors <= best + 10 * answer.quantum + 1e-13).all()
    assert (answer.residuals == residuals_of(items, answer.chosen, targets)).all()


def test_whole_items_beyond_the_range_are_rounded_too() -> None:
    problem = Problem.of([[2.0**24, 1.0], [1e300, 3e300], [5e-324, 1e-320]], [2.0, 3e300, 1e-320])
    answer = solve(problem, "dynamic-programming")
    assert (answer.status == Status.OPTIMAL_AT_QUANTUM).all()
    assert answer.chosen[1:].tolist() == [[False, True], [False, True]]


def test_cells_with_one_bank_share_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    make = WholeTable.of.__func__  # type: ignore[attr-defined]

    def counted(cls: type[WholeTable], items: np.ndarray) -> WholeTable:
        built.append(items)
        table_of: WholeTable = make(cls, items)
        return table_of

    monkeypatch.setattr(WholeTable, "of", classmethod(counted))
    items = np.array([[1.0, 5.0, 0.0], [2.0, 3.0, 4.0]])[[0, 1, 0, 0, 1]]
    answer = solve(Problem.of(items, [6.0, 7.0, 1.0, 4.0, 5.4]), "dynamic-programming")
    assert len(built) == 2
    assert answer.residuals == pytest.approx([0, 0, 0, 1, -0.4])


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([], "1 to 64 integers"),
        ([1.5], "1 to 64 integers.*float64"),
        ([[1]], "1 to 64 integers"),
        (np.ones(65, np.int64), "1 to 64 integers"),
        ([2**23, -(2**23), 1], "16777216.*16777217.*larger steps"),
        ([-(2**63)], "larger steps"),
    ],
)
def test_what_dynamic_programming_cannot_hold_is_refused(items: object, says: str) -> None:
    with pytest.raises(SolverError, match=says):
        WholeTable.of(items)  # type: ignore[arg-type]


def test_the_largest_range_is_held() -> None:
    items = np.full(64, 2**18)
    items[::2] *= -1
    chosen, residuals = WholeTable.of(items).nearest([5 * 2**18 + 1, -(2**23)])
    assert residuals.tolist() == [-1, 0]
    assert chosen[1].tolist() == [True, False] * 32


def test_the_outline_of_one_bank_is_seen() -> None:
    assert kind_of(Problem.of(np.ones((3, 4)), np.arange(3.0))).one_bank


def test_unsigned_numbers_are_whole_numbers_and_far_targets_are_refused() -> None:
    table = WholeTable.of(np.array([1, 2, 4], np.uint64))
    assert table.nearest(np.array([6], np.uint64))[0].tolist() == [[False, True, True]]
    for far in (np.array([2**63], np.uint64), np.array([-(2**63)])):
        with pytest.raises(SolverError, match=r"whole targets must be within 2\*\*62"):
            table.nearest(far)

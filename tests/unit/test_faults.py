"""Stuck switches: read, checked, and programmed around."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rsscircuit.banks import MeasuredBanks, read_faults, refuse_misplaced, stuck_switches
from rsscircuit.design import Rules, program
from rsscircuit.errors import InputError
from rsscircuit.subsetsum import Objective, Status

HEAD = "layer,row,column,polarity,branch,state\n"


def written(folder: Path, lines: str) -> Path:
    path = folder / "stuck.csv"
    path.write_text(lines, "utf-8")
    return path


def test_faults_become_stuck_switches_of_their_layer(tmp_path: Path) -> None:
    faults = read_faults(written(tmp_path, HEAD + "fc1,0,1,+,2,closed\nfc1,1,0,-,0,open\n"))
    refuse_misplaced(faults, np.ones((2, 2), np.bool_), 3)
    stuck = stuck_switches(faults, (slice(0, 2), slice(0, 2)), 3)
    assert stuck.shape == (2, 2, 2, 3)
    assert stuck[0, 1, 0, 2] == 1
    assert stuck[1, 0, 1, 0] == -1
    assert np.abs(stuck).sum() == 2
    assert np.abs(stuck_switches(faults, (slice(1, 2), slice(0, 2)), 3)).sum() == 1


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("layer,row\n", "the first line must be layer,row,column,polarity,branch,state.*got 'layer,row'"),
        ("layer;row;column;polarity;branch;state\n", "separated by semicolons; got 'layer;row.*use commas"),
        (
            HEAD + "fc1,0,0,+,0,shut\nfc1,0,0,*,0,open\n",
            "stuck.csv: line 2, column state: 'shut' is neither open nor closed; "
            "line 3, column polarity: '.' is neither . nor -$",
        ),
        (HEAD + "fc1,-1,0,+,0,open\n", "line 2, column row: '-1' is no whole number from 0$"),
        (HEAD + "fc1,0,1.5,+,,open\n", "line 2, column column: '1.5' is no whole .*line 2, column branch: '' is no"),
        (HEAD + "fc1,0,0,+\n", "line 2, 4 fields, where the first line names 6 columns$"),
        (HEAD + "fc1,0,0,+,0,open,1,2\n", "line 2, 8 fields"),
        (HEAD + "fc1,0,0,+,0,shut\n" * 7, "line 6, column state: 'shut' is neither open nor closed; and 2 more$"),
        (HEAD + "f" * 200_000 + ",0,0,+,0,open\n", "line 2: is not a table.*field larger than"),
    ],
)
def test_a_file_that_means_nothing_is_refused_by_line(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_faults(written(tmp_path, lines))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--stuck .*nowhere\.csv: cannot be read: no such file$"):
        read_faults(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("fc1,2,0,+,0,open", "--stuck .*stuck.csv, line 2: fc1 has 2 rows, 2 columns and 3 branches"),
        ("fc1,0,0,+,3,open", "3 branches"),
        ("fc1,1,1,+,0,open", "stuck.csv, line 2: fc1 has no bank in row 1, column 1: the weight is zero"),
        ("fc1,0,0,+,0,open\nfc1,0,0,+,0,closed", "line 3: the switch is called open and closed"),
    ],
)
def test_a_fault_where_there_is_no_switch_is_refused(tmp_path: Path, line: str, says: str) -> None:
    drawn = np.array([[True, True], [True, False]])
    with pytest.raises(InputError, match=says):
        refuse_misplaced(read_faults(written(tmp_path, HEAD + line + "\n")), drawn, 3)


def test_a_tile_is_programmed_around_its_stuck_switches() -> None:
    rng = np.random.default_rng(3)
    shape = (12, 4, 2, 10)
    banks = MeasuredBanks(step_siemens=1e-6 / 1.25 ** np.arange(10) * (1 + 0.01 * rng.standard_normal(shape)))
    targets = rng.uniform(-1e-6, 1e-6, shape[:2])
    stuck = rng.choice([-1, 0, 1], shape, p=[0.03, 0.94, 0.03]).astype(np.int8)
    rules = Rules(tolerance_siemens=3e-9, objective=Objective.LEAST_TOTAL)
    plan = program(targets, banks, rules, stuck=stuck)
    assert plan.closed[stuck == 1].all()
    assert not plan.closed[stuck == -1].any()
    assert plan.reach_siemens == pytest.approx(np.where(stuck < 0, 0.0, banks.step_siemens).sum(axis=3))
    pair = np.where(plan.closed, banks.step_siemens, 0.0).sum(3)
    assert (pair[:, :, 0] - pair[:, :, 1] - targets) == pytest.approx(plan.residual_siemens, abs=1e-18)
    assert np.abs(plan.residual_siemens).max() <= 3e-9
    assert not plan.beyond_tolerance.any()


def test_rules_bound_the_switches_and_the_conductance_of_a_pair() -> None:
    rng = np.random.default_rng(4)
    shape = (6, 3, 2, 8)
    banks = MeasuredBanks(step_siemens=1e-6 / 1.25 ** np.arange(8) * (1 + 0.01 * rng.standard_normal(shape)))
    targets = rng.uniform(-1e-6, 1e-6, shape[:2])
    few = program(targets, banks, Rules(tolerance_siemens=4e-9, objective=Objective.FEWEST, most_closed=5))
    assert few.closed.sum(axis=(2, 3)).max() <= 5
    free = program(targets, banks, Rules(tolerance_siemens=4e-9, objective=Objective.ANY))
    assert few.closed.sum() < free.closed.sum()
    bounded = program(targets, banks, Rules(tolerance_siemens=4e-9, most_siemens=1.2e-6))
    assert (np.where(bounded.closed, banks.step_siemens, 0.0).sum(axis=(2, 3)) <= 1.2e-6).all()
    both = program(targets[:2], banks_part(banks, 2), Rules(tolerance_siemens=4e-9, most_siemens=2e-6, most_closed=6))
    assert both.closed.sum(axis=(2, 3)).max() <= 6
    assert (np.where(both.closed, banks.step_siemens[:2], 0.0).sum(axis=(2, 3)) <= 2e-6).all()


def banks_part(banks: MeasuredBanks, rows: int) -> MeasuredBanks:
    return MeasuredBanks(step_siemens=banks.step_siemens[:rows])


def test_a_pair_that_its_stuck_switches_leave_impossible_is_counted() -> None:
    banks = MeasuredBanks(step_siemens=np.full((1, 2, 2, 4), 1e-6))
    stuck = np.zeros((1, 2, 2, 4), np.int8)
    stuck[0, 0, 0, :3] = 1
    plan = program(np.full((1, 2), 1e-6), banks, Rules(tolerance_siemens=1e-7, most_closed=2), stuck=stuck)
    assert plan.beyond_tolerance.tolist() == [[True, False]]
    assert plan.status.tolist() == [[Status.INFEASIBLE, Status.OPTIMAL]]

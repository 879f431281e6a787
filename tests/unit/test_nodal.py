"""Wires: the fast solver against independent solutions, physical laws and limits known by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from wire_oracles import by_dense_system, by_recursion, by_star_mesh

from rsscircuit.errors import InputError, SimulationError
from rsscircuit.simulate.nodal import (
    WiredArray,
    column_currents,
    effective_matrix,
    effective_siemens,
    plain,
    solution,
    solve,
)

SHAPES = [(1, 1), (1, 7), (9, 1), (6, 4), (4, 9), (12, 12)]
ENDS = [(False, False), (True, False), (False, True), (True, True)]


def usual(shape: tuple[int, int], ends: tuple[bool, bool] = (False, False), seed: int = 0) -> WiredArray:
    """An array whose wires take some per cent, a fifth of its crossings open."""
    rng = np.random.default_rng([seed, *shape])
    siemens = rng.uniform(1e-6, 1e-4, shape) * (rng.random(shape) < 0.8)
    return WiredArray(
        siemens=siemens, word_ohm=20.0, bit_ohm=5.0, driven_from_both_ends=ends[0], sensed_at_both_ends=ends[1]
    )


def decades(low: float, high: float) -> some.SearchStrategy[float]:
    """Zero, or any size from ten to the ``low`` to ten to the ``high``."""
    return some.one_of(some.just(0.0), some.floats(low, high).map(lambda power: 10.0**power))


@some.composite
def arrays(draw: some.DrawFn) -> WiredArray:
    """Any array: conductances and wires over twelve decades and more, ideal or not, ends of every kind."""
    shape = draw(some.integers(1, 7)), draw(some.integers(1, 7))
    siemens = draw(some.lists(decades(-12, 0), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return WiredArray(
        siemens=np.array(siemens).reshape(shape),
        word_ohm=draw(decades(-6, 10)),
        bit_ohm=draw(decades(-6, 10)),
        driver_ohm=draw(some.one_of(decades(-3, 6), some.just(np.linspace(0.0, 100.0, shape[0])))),
        input_ohm=draw(some.one_of(decades(-3, 6), some.just(np.linspace(100.0, 0.0, shape[1])))),
        driven_from_both_ends=draw(some.booleans()),
        sensed_at_both_ends=draw(some.booleans()),
    )


def rounding(array: WiredArray) -> float:
    """Relative bound of any solve: 1e-12, or the rounding of what leaves by a path far weaker than the crossings."""
    ends = np.max(array.driver_ohm) + np.max(array.input_ohm)
    path = ends + array.word_ohm * array.siemens.shape[1] + array.bit_ohm * array.siemens.shape[0]
    return max(1e-12, 1e-16 * float(array.siemens.sum() * path))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(arrays())
def test_any_array_agrees_with_a_star_mesh_transformation(array: WiredArray) -> None:
    exact = by_star_mesh(array)
    bound = rounding(array) * exact.max()
    assert np.abs(effective_matrix(array) - exact).max() <= bound
    assert np.abs(solve(array, np.eye(len(exact))).amperes - exact).max() <= bound


@settings(max_examples=100, deadline=None, derandomize=True)
@given(arrays(), some.integers(0, 2**32))
def test_any_array_superposes_is_reciprocal_and_dissipates(array: WiredArray, seed: int) -> None:
    lines = len(array.siemens)
    volts = np.random.default_rng(seed).uniform(-1.0, 1.0, (2, lines))
    effective = effective_matrix(array)
    full = rounding(array) * effective.sum(axis=0).max()
    first, second, both = solve(array, np.stack([*volts, volts[0] - 2.0 * volts[1]])).amperes
    assert np.abs(both - (first - 2.0 * second)).max() <= 10.0 * full
    turned = effective_matrix(array.turned())
    assert np.abs(turned[::-1, ::-1].T - effective).max() <= full
    assert (effective >= 0.0).all()
    assert (effective.sum(axis=1) <= array.siemens.sum(axis=1) * (1 + 1e-12)).all()


def test_a_solve_that_rounding_alone_keeps_from_its_goal_is_an_answer() -> None:
    siemens = np.zeros((5, 7))
    siemens[3, 6] = siemens[4, [2, 4, 6]] = 1.0
    array = WiredArray(siemens=siemens, word_ohm=1.0, bit_ohm=0.0, driver_ohm=1e3, input_ohm=1e4)
    volts = np.random.default_rng(0).uniform(-1.0, 1.0, (3, 5))
    exact = volts @ by_star_mesh(array)
    assert np.abs(solve(array, volts).amperes - exact).max() <= 1e-13 * np.abs(exact).max()


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_currents_and_node_voltages_agree_with_one_dense_system(
    shape: tuple[int, int], ends: tuple[bool, bool]
) -> None:
    array = usual(shape, ends)
    volts = np.random.default_rng(1).uniform(-0.2, 0.2, (3, shape[0]))
    found = solve(array, volts, nodes=True)
    assert found.word_volts is not None
    assert found.bit_volts is not None
    for case, drive in enumerate(volts):
        amperes, word, bit = by_dense_system(array, drive)
        assert np.abs(found.amperes[case] - amperes).max() <= 1e-13 * 0.2 * array.siemens.sum(axis=0).max()
        assert np.abs(found.word_volts[case] - word).max() <= 1e-12 * 0.2
        assert np.abs(found.bit_volts[case] - bit).max() <= 1e-12 * 0.2


@pytest.mark.parametrize("ends", ENDS)
def test_the_drivers_give_the_power_that_the_resistances_take(ends: tuple[bool, bool]) -> None:
    array = usual((12, 9), ends)
    volts = np.random.default_rng(2).uniform(-0.2, 0.2, (1, 12))
    found = solve(array, volts, nodes=True)
    assert found.word_volts is not None
    assert found.bit_volts is not None
    word, bit = found.word_volts[0], found.bit_volts[0]
    word = np.pad(word, ((0, 0), (1, 1)), constant_values=0.0)
    word[:, 0], word[:, -1] = volts[0], volts[0] if ends[0] else word[:, -2]
    bit = np.pad(bit, ((1, 1), (0, 0)), constant_values=0.0)
    bit[0] = 0.0 if ends[1] else bit[1]
    wires = (np.diff(word, axis=1) ** 2).sum() / array.word_ohm + (np.diff(bit, axis=0) ** 2).sum() / array.bit_ohm
    taken = (array.siemens * (word[:, 1:-1] - bit[1:-1]) ** 2).sum() + wires
    sent = (word[:, 0] - word[:, 1] + word[:, -1] - word[:, -2]) / array.word_ohm
    given = (volts[0] * sent).sum()
    assert given > 0.0
    assert taken == pytest.approx(given, rel=1e-12)
    assert sent.sum() == pytest.approx(found.amperes.sum(), rel=1e-10)


@pytest.mark.parametrize("segments", [(5.0, 0.6), (300.0, 40.0)])
def test_pairs_of_a_tile_agree_with_a_dense_recursion(segments: tuple[float, float]) -> None:
    rng = np.random.default_rng(4)
    banks = rng.random((32, 32, 2)) * 1e-4 * rng.integers(0, 2, (32, 32, 2))
    oracle = by_recursion(banks, *segments)
    assert np.abs(effective_siemens(banks, *segments) - oracle).max() <= 1e-12 * np.abs(oracle).max()


def test_without_wires_it_is_the_plain_difference() -> None:
    banks = np.random.default_rng(1).random((4, 3, 2))
    assert effective_siemens(banks, 0.0, 0.0) == pytest.approx(banks[:, :, 0] - banks[:, :, 1], abs=1e-15)


def test_a_single_cell_is_a_series_circuit() -> None:
    banks = np.array([[[1e-3, 0.0]]])
    # word segment, bank, then two bit segments: from the plus line past the minus line to the ground
    assert effective_siemens(banks, 10.0, 3.0)[0, 0] == pytest.approx(1 / (10.0 + 1e3 + 2 * 3.0), rel=1e-14)


def test_resistances_of_drivers_and_inputs_are_in_series() -> None:
    array = WiredArray(
        siemens=np.array([[1e-3]]), word_ohm=1.0, bit_ohm=2.0, driver_ohm=30.0, input_ohm=np.array([400.0])
    )
    assert solve(array, np.ones((1, 1))).amperes[0, 0] == pytest.approx(1 / (1 + 30 + 1000 + 2 + 400), rel=1e-14)


def test_both_ends_halve_the_drop_of_a_line_that_is_loaded_in_its_middle() -> None:
    siemens = np.array([[0.0, 1e-3, 0.0]])
    one, two = (
        WiredArray(siemens=siemens, word_ohm=100.0, bit_ohm=0.0, driven_from_both_ends=both) for both in (False, True)
    )
    assert effective_matrix(one)[0, 1] == pytest.approx(1 / (1000 + 200), rel=1e-14)
    assert effective_matrix(two)[0, 1] == pytest.approx(1 / (1000 + 100), rel=1e-14)


def test_open_lines_carry_nothing_and_do_not_disturb() -> None:
    array = usual((9, 8))
    siemens = array.siemens.copy()
    siemens[3], siemens[:, 5] = 0.0, 0.0
    effective = effective_matrix(WiredArray(siemens=siemens, word_ohm=20.0, bit_ohm=5.0))
    assert not effective[3].any()
    assert not effective[:, 5].any()
    assert not effective_matrix(WiredArray(siemens=np.zeros((3, 4)), word_ohm=20.0, bit_ohm=5.0)).any()


@pytest.mark.parametrize("shape", [(40, 9), (9, 40)])
def test_few_and_many_drives_give_the_same_currents(shape: tuple[int, int]) -> None:
    array = usual(shape)
    volts = np.random.default_rng(3).uniform(-0.2, 0.2, (50, shape[0]))
    many = column_currents(array, volts)
    few = np.concatenate([column_currents(array, volts[first : first + 5]) for first in range(0, 50, 5)])
    alone = np.concatenate([solve(array, drive[None]).amperes for drive in volts])
    full = np.abs(many).max()
    assert np.abs(many - few).max() <= 1e-13 * full
    assert np.abs(many - alone).max() <= 1e-13 * full


def test_no_drives_give_no_currents() -> None:
    assert column_currents(usual((4, 3)), np.empty((0, 4))).shape == (0, 3)


def test_the_plain_path_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = np.random.default_rng(5)
    hard = WiredArray(siemens=10.0 ** wild.uniform(-12, 0, (11, 9)), word_ohm=1e6, bit_ohm=1e3)
    for array in [usual((13, 21), ends) for ends in ENDS] + [hard]:
        volts = np.random.default_rng(6).uniform(-0.2, 0.2, (20, len(array.siemens)))
        fast = solve(array, volts, nodes=True)
        with monkeypatch.context() as context:
            context.setattr(solution, "kernels", plain)
            slow = solve(array, volts, nodes=True)
        assert abs(fast.iterations - slow.iterations) <= 1
        assert np.abs(fast.amperes - slow.amperes).max() <= 1e-12 * np.abs(fast.amperes).max()
        for one, other in ((fast.word_volts, slow.word_volts), (fast.bit_volts, slow.bit_volts)):
            assert one is not None
            assert other is not None
            assert np.abs(one - other).max() <= 1e-12 * 0.2


def checksum() -> list[float]:
    """A few currents, to the last bit."""
    array = usual((150, 140))
    currents: list[float] = column_currents(array, np.random.default_rng(7).uniform(-0.2, 0.2, (200, 150)))[
        :, 0
    ].tolist()
    return effective_matrix(array)[::10, 0].tolist() + currents


SEPARATE = """
import json, os, sys
sys.path[:0] = sys.argv[2:]
if sys.argv[1] == "without numba":
    sys.modules["numba"] = None
else:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
from test_nodal import checksum
print(json.dumps(checksum()))
"""


def elsewhere(how: str) -> list[float]:
    """The same in another process, ``without numba`` or on ``one core``."""
    here = Path(__file__).parent
    command = [sys.executable, "-c", SEPARATE, how, str(here), str(here.parent)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    found: list[float] = json.loads(run.stdout)
    return found


def test_a_machine_without_numba_gives_the_same_numbers() -> None:
    assert elsewhere("without numba") == pytest.approx(checksum(), rel=1e-12, abs=1e-16)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not keep a process to a core")
def test_the_number_of_threads_does_not_show() -> None:
    assert np.abs(np.array(elsewhere("one core")) - checksum()).max() <= 1e-15 * np.abs(checksum()).max()


def test_a_solve_that_does_not_converge_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    usual_stop = solution.stopping_of(6, 4)
    monkeypatch.setattr(solution, "stopping_of", lambda lines, columns: usual_stop._replace(iterations=2))
    message = r"^layer fc1, tile 3: the nodal solve did not converge; got '2 iterations, relative residual \d"
    with pytest.raises(SimulationError, match=message):
        effective_siemens(np.ones((3, 4, 2)), 1.0, 1.0, where="layer fc1, tile 3")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"siemens": np.array([[1.0, -1.0]])}, "siemens at 0, 1 must be finite and not negative; got -1.0"),
        ({"siemens": np.array([[np.nan]])}, "siemens at 0, 0 must be finite"),
        ({"siemens": np.ones(3)}, r"conductances must be \[lines, columns\]"),
        ({"siemens": np.ones((0, 3))}, r"conductances must be \[lines, columns\]"),
        ({"word_ohm": -1.0}, "word_ohm must be finite and not negative; got -1.0"),
        ({"bit_ohm": np.inf}, "bit_ohm must be finite"),
        ({"input_ohm": np.ones(3)}, "input_ohm must be one figure or one of each of 2"),
        ({"driver_ohm": np.array([-1.0])}, "driver_ohm at 0 must be finite"),
    ],
)
def test_impossible_arrays_are_refused(given: dict[str, object], message: str) -> None:
    usual_values: dict[str, object] = {"siemens": np.ones((1, 2)), "word_ohm": 1.0, "bit_ohm": 1.0}
    with pytest.raises(InputError, match=message):
        WiredArray(**(usual_values | given))  # type: ignore[arg-type]


def test_impossible_voltages_are_refused() -> None:
    for volts in (np.ones((2, 5)), np.ones(4), np.array([[np.nan] * 4])):
        with pytest.raises(InputError, match="voltages must be"):
            solve(usual((4, 3)), volts)

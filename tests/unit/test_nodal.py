"""Wires: the dense elimination against an independent sparse solution and against limits known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

from rsscircuit.simulate.nodal import effective_siemens


def sparse_oracle(banks: np.ndarray, word_ohm: float, bit_ohm: float) -> np.ndarray:
    """Every node of the array in one sparse system, word line by word line driven with one volt."""
    rows, columns, _ = banks.shape
    lines = 2 * rows
    crossing = banks.transpose(0, 2, 1).reshape(lines, columns)
    word = np.arange(lines * columns).reshape(lines, columns)
    bit = word + lines * columns
    matrix = sparse.lil_matrix((2 * lines * columns, 2 * lines * columns))
    drive = np.zeros((2 * lines * columns, lines))

    def stamp(a: int, b: int | None, siemens: float) -> None:
        matrix[a, a] += siemens
        if b is not None:
            matrix[b, b] += siemens
            matrix[a, b] -= siemens
            matrix[b, a] -= siemens

    for line in range(lines):
        for column in range(columns):
            stamp(word[line, column], bit[line, column], crossing[line, column])
            if column == 0:
                stamp(word[line, 0], None, 1 / word_ohm)
                drive[word[line, 0], line] = 1 / word_ohm
            else:
                stamp(word[line, column], word[line, column - 1], 1 / word_ohm)
            stamp(bit[line, column], bit[line + 1, column] if line + 1 < lines else None, 1 / bit_ohm)
    volts = splu(matrix.tocsc()).solve(drive)
    currents = volts[bit[-1]] / bit_ohm
    return (currents[:, 0::2] - currents[:, 1::2]).T


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (7, 1), (5, 4), (16, 16)])
@pytest.mark.parametrize("segments", [(5.0, 0.6), (300.0, 40.0)])
def test_agrees_with_a_sparse_solution(shape: tuple[int, int], segments: tuple[float, float]) -> None:
    rng = np.random.default_rng(4)
    banks = rng.random((*shape, 2)) * 1e-3 * rng.integers(0, 2, (*shape, 2))
    ours, oracle = effective_siemens(banks, *segments), sparse_oracle(banks, *segments)
    assert np.abs(ours - oracle).max() <= 1e-12 * max(np.abs(oracle).max(), 1e-12)


def test_without_wires_it_is_the_plain_difference() -> None:
    banks = np.random.default_rng(1).random((4, 3, 2))
    assert effective_siemens(banks, 0.0, 0.0) == pytest.approx(banks[:, :, 0] - banks[:, :, 1], abs=1e-15)


def test_one_kind_of_wire_alone() -> None:
    banks = np.random.default_rng(2).random((4, 3, 2)) * 1e-3
    assert effective_siemens(banks, 50.0, 0.0) == pytest.approx(sparse_oracle(banks, 50.0, 1e-9), rel=1e-6)
    assert effective_siemens(banks, 0.0, 50.0) == pytest.approx(sparse_oracle(banks, 1e-9, 50.0), rel=1e-6)


def test_a_single_cell_is_a_series_circuit() -> None:
    banks = np.array([[[1e-3, 0.0]]])
    # word segment, bank, then two bit segments: from the plus line past the minus line to the ground
    assert effective_siemens(banks, 10.0, 3.0)[0, 0] == pytest.approx(1 / (10.0 + 1e3 + 2 * 3.0), rel=1e-12)

"""What the CRC of a frame detects, by linear algebra over GF(2).

The register behind a frame is an affine map of the frame's bits, so that an error changes it by a linear map of the
error, the syndrome, whatever the frame. An error is missed when its syndrome is zero.
"""

import numpy as np
import pytest

from rsscircuit.controller import crc
from rsscircuit.controller.bitstream import frame_words
from rsscircuit.controller.geometry import ArrayGeometry

FRAMES = [ArrayGeometry(64, 64, 16), ArrayGeometry(3, 5, 7)]
BITS = crc.WORD_BITS


def as_bits(values):
    """Integers as rows of bits."""
    return np.array([[value >> bit & 1 for bit in range(BITS)] for value in values], dtype=np.uint8)


def syndromes(words):
    """Bits [frame bits, register bits]: what each bit of a frame changes, by the masks that the hardware is made of."""
    onward = as_bits(crc.advance(1 << bit, 0) for bit in range(BITS))
    found = [as_bits(crc.advance(0, 1 << bit) for bit in range(BITS))]
    for _ in range(words - 1):
        found.append(found[-1] @ onward % 2)
    return np.concatenate(found[::-1]).astype(np.uint64)


def rank(rows):
    """Rank over GF(2) of bits [rows, columns]."""
    basis = []
    for value in (int(row @ (np.uint64(1) << np.arange(BITS, dtype=np.uint64))) for row in rows):
        for pivot in basis:
            value = min(value, value ^ pivot)
        if value:
            basis.append(value)
    return len(basis)


@pytest.mark.parametrize("geometry", FRAMES)
def test_all_errors_of_one_and_two_bits_are_detected(geometry):
    rows = syndromes(frame_words(geometry)) @ (np.uint64(1) << np.arange(BITS, dtype=np.uint64))
    assert len(rows) == BITS * frame_words(geometry)
    assert np.all(rows != 0)
    assert len(np.unique(rows)) == len(rows)


@pytest.mark.parametrize("geometry", FRAMES)
def test_all_bursts_of_32_bits_are_detected(geometry):
    rows = syndromes(frame_words(geometry))
    # Every window of 32 bits is independent because one is, and because a clock of zeros is invertible.
    assert rank(as_bits(crc.advance(1 << bit, 0) for bit in range(BITS))) == BITS
    starts = {*range(BITS + 1), len(rows) - BITS, *range(0, len(rows) - BITS, 4093)}
    assert all(rank(rows[start : start + BITS]) == BITS for start in starts)
    assert rank(rows[: BITS + 1]) == BITS  # 33 bits are not


def test_other_errors_are_missed_once_in_two_to_the_32():
    """The map is onto, so that each of the 2^32 syndromes, zero among them, has equally many errors."""
    assert rank(syndromes(3)) == BITS


def test_a_weaker_code_would_be_found(monkeypatch):
    monkeypatch.setattr(crc, "PARITY_MASKS", (*crc.PARITY_MASKS[:-1], 0))
    assert rank(syndromes(2)[-BITS:]) < BITS

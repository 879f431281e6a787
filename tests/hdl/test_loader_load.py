"""Whole loads in Amaranth's simulator: good frames, and every kind of bad one."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsscircuit.controller.bitstream import frame_words, pack
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.latch_array import LatchArray
from rsscircuit.controller.simulation import load_in_simulation
from rsscircuit.controller.top import XbarTop
from rsscircuit.errors import SimulationError

TILE = 0x1234_5678
SMALL = ArrayGeometry(2, 2, 9)
TIMEOUT = 24


def switches(geometry, seed=0):
    shape = (geometry.rows, geometry.columns, 2, geometry.branches)
    return np.random.default_rng(seed).random(shape) < 0.5


FRAME = pack(switches(SMALL), SMALL, TILE)
HEADER_CODES = (FaultCode.MAGIC, FaultCode.VERSION, FaultCode.CONFIGURATION, FaultCode.TILE, FaultCode.LENGTH)


def load(frame, geometry=SMALL, **options):
    result = load_in_simulation(frame, geometry, tile_id=TILE, timeout_cycles=TIMEOUT, **options)
    assert result.violations == ()
    assert result.ready != result.fault
    assert result.oe == result.ready
    return result


def with_crc(words):
    body = np.array(words[:-1], dtype="<u4").tobytes()
    return body + zlib.crc32(body).to_bytes(4, "little")


@settings(max_examples=30, deadline=None)
@given(
    st.builds(ArrayGeometry, st.integers(1, 5), st.integers(1, 12), st.integers(1, 12)),
    st.integers(0, 2**32 - 1),
)
def test_a_good_frame_sets_every_latch(geometry, seed):
    closed = switches(geometry, seed)
    result = load(pack(closed, geometry, TILE), geometry)
    assert result.ready
    assert result.fault_code is FaultCode.NONE
    assert np.array_equal(result.closed, closed)


def test_a_whole_tile_loads_in_seven_clocks_a_word():
    geometry = ArrayGeometry(64, 64, 12)
    closed = switches(geometry)
    result = load(pack(closed, geometry, TILE), geometry)
    assert result.ready
    assert np.array_equal(result.closed, closed)
    assert result.cycles < 7 * geometry.words + 32


@pytest.mark.parametrize("position", range(frame_words(SMALL)))
def test_any_flipped_bit_is_a_fault(position):
    for bit in range(32):
        frame = bytearray(FRAME)
        frame[4 * position + bit // 8] ^= 1 << bit % 8
        result = load(bytes(frame))
        assert result.fault_code is (HEADER_CODES[position] if position < 5 else FaultCode.CHECKSUM)


@pytest.mark.parametrize("position", range(5))
def test_a_wrong_header_word_is_a_fault_although_the_crc_matches(position):
    words = np.frombuffer(FRAME, dtype="<u4").copy()
    words[position] += 1
    assert load(with_crc(words)).fault_code is HEADER_CODES[position]


def test_a_frame_for_another_array_is_a_fault():
    other = ArrayGeometry(2, 9, 2)
    assert other.words == SMALL.words
    assert load(pack(switches(other), other, TILE)).fault_code is FaultCode.CONFIGURATION


@pytest.mark.parametrize("length", range(1, frame_words(SMALL)))
def test_a_truncated_frame_is_a_fault(length):
    assert load(FRAME[: 4 * length]).fault_code is FaultCode.TIMEOUT


def test_words_behind_the_frame_are_a_fault():
    assert load(FRAME + bytes(4)).fault_code is FaultCode.MAGIC


def test_of_two_frames_in_a_row_the_second_stays():
    closed = switches(SMALL, seed=1)
    result = load(FRAME + pack(closed, SMALL, TILE))
    assert result.ready
    assert np.array_equal(result.closed, closed)


class StuckArray(LatchArray):
    """Latches whose bit ``bit`` of every word is stuck at ``value``."""

    def __init__(self, geometry, bit, value):
        self.bit, self.value = bit, value
        super().__init__(geometry)

    def stored(self, wdata):
        """The data with one bit overridden."""
        mask = 1 << self.bit
        return wdata | mask if self.value else wdata & ~mask & 0xFFFF_FFFF


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("bit", range(32))
def test_a_stuck_latch_is_found_by_reading_back(bit, value):
    top = XbarTop(SMALL, timeout_cycles=TIMEOUT, array=StuckArray(SMALL, bit, value))
    held = SMALL.to_words(switches(SMALL)) >> bit & 1
    result = load(FRAME, top=top)
    assert result.fault_code is (FaultCode.NONE if (held == value).all() else FaultCode.READ_BACK)


def test_a_load_that_does_not_end_is_an_error():
    with pytest.raises(SimulationError, match="did not end"):
        load(FRAME[:-4], max_cycles=3)

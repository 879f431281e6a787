import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rsscircuit.controller import crc
from rsscircuit.controller.bitstream import pack, unpack
from rsscircuit.controller.config import TILE_ID_BITS
from rsscircuit.controller.geometry import ArrayGeometry

geometries = st.builds(ArrayGeometry, st.integers(1, 6), st.integers(1, 20), st.integers(1, 20))
seeds = st.integers(0, 2**32 - 1)


def switches(geometry, seed):
    shape = (geometry.rows, geometry.columns, 2, geometry.branches)
    return np.random.default_rng(seed).random(shape) < 0.5


@given(geometries, seeds)
def test_words_hold_every_switch(geometry, seed):
    closed = switches(geometry, seed)
    words = geometry.to_words(closed)
    assert words.shape == (geometry.rows, geometry.words_per_row)
    assert np.array_equal(geometry.from_words(words), closed)


@given(geometries, st.data())
def test_one_switch_is_the_documented_bit(geometry, data):
    sizes = (geometry.rows, geometry.columns, 2, geometry.branches)
    row, column, polarity, branch = (data.draw(st.integers(0, size - 1)) for size in sizes)
    closed = np.zeros(sizes, dtype=bool)
    closed[row, column, polarity, branch] = True
    bit = branch + geometry.branches * (polarity + 2 * column)
    expected = np.zeros((geometry.rows, geometry.words_per_row), dtype=np.uint32)
    expected[row, bit // 32] = 1 << (bit % 32)
    assert np.array_equal(geometry.to_words(closed), expected)


@given(geometries, seeds, st.integers(0, 2**TILE_ID_BITS - 1))
def test_a_packed_frame_unpacks(geometry, seed, tile_id):
    closed = switches(geometry, seed)
    frame = unpack(pack(closed, geometry, tile_id), geometry)
    assert frame.tile_id == tile_id
    assert np.array_equal(frame.closed, closed)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=50))
def test_the_word_crc_is_zlibs(words):
    state = crc.INITIAL
    for word in words:
        state = crc.advance(state, word)
    assert state ^ crc.FINAL_XOR == zlib.crc32(np.array(words, dtype="<u4").tobytes())

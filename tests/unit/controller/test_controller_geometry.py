import numpy as np
import pytest

from rsscircuit.controller.geometry import ArrayGeometry, TileShapeError
from rsscircuit.errors import InputError


def test_sizes_follow_from_the_dimensions():
    geometry = ArrayGeometry(64, 64, 12)
    assert (geometry.bits_per_row, geometry.words_per_row, geometry.words) == (1536, 48, 3072)
    assert (geometry.row_width, geometry.word_width) == (6, 6)


def test_a_row_is_padded_to_whole_words():
    geometry = ArrayGeometry(3, 3, 11)
    assert (geometry.bits_per_row, geometry.words_per_row, geometry.words) == (66, 3, 9)


def test_no_address_has_zero_width():
    geometry = ArrayGeometry(1, 1, 1)
    assert (geometry.words, geometry.row_width, geometry.word_width) == (1, 1, 1)


@pytest.mark.parametrize("dimensions", [(0, 1, 1), (4097, 1, 1), (1, 0, 1), (1, 4097, 1), (1, 1, 0), (1, 1, 65)])
def test_a_dimension_out_of_range_is_refused(dimensions):
    with pytest.raises(InputError, match="must lie between"):
        ArrayGeometry(*dimensions)


@pytest.mark.parametrize(
    "closed",
    [
        np.zeros((3, 2, 2, 4), dtype=bool),
        np.zeros((2, 3, 2, 4), dtype=bool),
        np.zeros((2, 2, 1, 4), dtype=bool),
        np.zeros((2, 2, 3, 4), dtype=bool),
        np.zeros((2, 2, 2, 5), dtype=bool),
        np.zeros((2, 2, 4), dtype=bool),
        np.zeros((2, 2, 2, 4)),
    ],
    ids=["rows", "columns", "one polarity", "three polarities", "branches", "three axes", "float"],
)
def test_a_tile_that_does_not_fit_is_refused(closed):
    with pytest.raises(TileShapeError, match="a tile is bool"):
        ArrayGeometry(2, 2, 4).to_words(closed)


def test_a_smaller_tile_is_padded_with_open_switches():
    geometry = ArrayGeometry(4, 3, 5)
    back = geometry.from_words(geometry.to_words(np.ones((2, 1, 2, 3), dtype=bool)))
    assert back[:2, :1, :, :3].all()
    assert back.sum() == 2 * 1 * 2 * 3

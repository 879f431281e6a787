"""One cell again: by its subset, and by a weight code of the map that was measured for it."""

import numpy as np
import pytest
from controller_bench import SMALL, WIDE, Rig, StuckArray, frame_of, switches
from hypothesis import given, settings
from hypothesis import strategies as st

from rsscircuit.controller.bitstream import pack
from rsscircuit.controller.driver import BusError, ControllerFaultError
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import ArrayGeometry

ONLY = {"inference": False, "calibration": False}
LARGE = ArrayGeometry(2, 2, 40)  # three words a cell


def cell_of(geometry, seed):
    return np.random.default_rng(100 + seed).random((2, geometry.branches)) < 0.5


@pytest.mark.parametrize("geometry", [SMALL, WIDE, LARGE], ids=str)
def test_any_cell_is_replaced_and_no_other_bit_changes(geometry):
    with Rig(geometry, **ONLY) as rig:
        rig.driver.load(frame_of(geometry))
        closed = switches(geometry)
        for row, column in np.ndindex(geometry.rows, geometry.columns):
            closed[row, column] = cell_of(geometry, row * 7 + column)
            rig.driver.set_switches(row, column, closed[row, column])
            rig.expect_programmed(closed)
        assert np.array_equal(rig.driver.latches(), geometry.to_words(closed))


@pytest.mark.parametrize("banks", [(True, False), (False, True), (False, False)])
def test_a_bank_is_kept(banks):
    with Rig(WIDE, **ONLY) as rig:
        rig.driver.load(frame_of(WIDE))
        closed, cell = switches(WIDE), cell_of(WIDE, 1)
        rig.driver.set_switches(1, 2, cell, banks=banks)
        for polarity in range(2):
            if banks[polarity]:
                closed[1, 2, polarity] = cell[polarity]
        rig.expect_programmed(closed)


@settings(max_examples=6, deadline=None)
@given(st.builds(ArrayGeometry, st.integers(1, 3), st.integers(1, 6), st.integers(1, 20)), st.data())
def test_any_geometry(geometry, data):
    row = data.draw(st.integers(0, geometry.rows - 1))
    column = data.draw(st.integers(0, geometry.columns - 1))
    with Rig(geometry, **ONLY) as rig:
        rig.driver.load(frame_of(geometry))
        closed = switches(geometry)
        closed[row, column] = cell_of(geometry, 3)
        rig.driver.set_switches(row, column, closed[row, column])
        rig.expect_programmed(closed)


def test_the_switches_are_released_while_a_cell_is_written():
    with Rig(SMALL, **ONLY) as rig:
        rig.driver.load(frame_of(SMALL))
        rig.driver.write("SUBSET0", closed=0)
        rig.driver.command("edit")
        assert rig.pin("oe") == rig.pin("programmed") == 0
        assert rig.driver.get("STATUS", "editing") == 1


def test_cells_outside_and_unprogrammed_tiles_are_refused():
    with Rig(WIDE, **ONLY) as rig:
        with pytest.raises(BusError):
            rig.driver.set_switches(0, 0, cell_of(WIDE, 0))
        rig.driver.load(frame_of(WIDE))
        for row, column in ((WIDE.rows, 0), (0, WIDE.columns)):
            with pytest.raises(BusError):
                rig.driver.set_switches(row, column, cell_of(WIDE, 0))
        rig.expect_programmed(switches(WIDE))


def test_a_latch_that_does_not_take_its_bit_is_a_fault():
    bit = 13
    with Rig(SMALL, arrays=(StuckArray(SMALL, bit, 0),), **ONLY) as rig:
        words = SMALL.to_words(switches(SMALL)) & ~np.uint32(1 << bit)
        rig.driver.load(pack(SMALL.from_words(words), SMALL, 0))
        with pytest.raises(ControllerFaultError):
            rig.driver.set_switches(2, 1, np.ones((2, 5), dtype=bool))
        rig.expect_fault(FaultCode.READ_BACK)


def edit_again_and_again(rig, cell):
    while True:
        rig.driver.set_switches(1, 1, cell)


def test_a_kill_at_any_time_of_an_edit():
    with Rig(SMALL, **ONLY) as rig:
        for clock in range(1, 120, 9):
            rig.driver.load(frame_of(SMALL))
            rig.alarm = (clock, rig.kill_between_edges)
            with pytest.raises((ControllerFaultError, BusError)):
                edit_again_and_again(rig, cell_of(SMALL, clock))
            rig.expect_fault(FaultCode.KILLED)
            rig.driver.clear()


@pytest.mark.parametrize("geometry", [SMALL, LARGE], ids=str)
def test_a_weight_is_set_by_its_code(geometry):
    options = {"weight_map": True, "weight_bits": 3, "tiles": 2}
    with Rig(geometry, **ONLY, **options) as rig:
        for tile in range(2):
            rig.driver.load(frame_of(geometry, tile, tile))
        rig.driver.write("SELECT", tile=1)
        subsets = np.stack([cell_of(geometry, code) for code in range(8)])
        with pytest.raises(BusError):
            rig.driver.set_weight(1, 1, 3)
        rig.driver.load_map(1, 1, subsets[:-1])
        assert rig.driver.get("STATUS", "map_whole") == 0
        with pytest.raises(BusError):
            rig.driver.set_weight(1, 1, 3)
        for word in range(rig.config.subset_words):
            value = sum(int(bit) << place for place, bit in enumerate(subsets[-1].reshape(-1)))
            rig.driver.write("MAP", subset=value >> 32 * word & 0xFFFF_FFFF)
        assert rig.driver.get("STATUS", "map_whole") == 1
        closed = switches(geometry, 1)
        for code in (0, 3, 7, 5):
            rig.driver.set_weight(1, 1, code)
            closed[1, 1] = subsets[code]
            rig.expect_programmed(closed, 1)
            rig.expect_programmed(switches(geometry, 0), 0)
        rig.driver.set_weight(1, 1, 2, banks=(False, True))
        closed[1, 1, 1] = subsets[2, 1]
        rig.expect_programmed(closed, 1)
        for row, column in ((0, 1), (1, 0)):
            with pytest.raises(BusError):
                rig.driver.set_weight(row, column, 3)
        rig.driver.write("SELECT", tile=0)
        with pytest.raises(BusError):
            rig.driver.set_weight(1, 1, 3)
        rig.driver.load_map(0, 0, subsets)
        rig.driver.set_weight(0, 0, 6)
        first = switches(geometry, 0)
        first[0, 0] = subsets[6]
        rig.expect_programmed(first, 0)
        rig.driver.set_switches(0, 0, subsets[1])
        first[0, 0] = subsets[1]
        rig.expect_programmed(first, 0)

"""The variant for an ASIC: the latches are macros behind the pins, here behavioural ones."""

import numpy as np
import pytest
from controller_bench import SMALL, Rig, StuckArray, frame_of, switches

from rsscircuit.controller.bitstream import pack
from rsscircuit.controller.faults import FaultCode

OUTSIDE = {"array": "ports", "adc_bits": 12, "timeout_cycles": 500}


@pytest.fixture(scope="module")
def rig():
    units = 1 + np.arange(2 * 4 * 3 * 2 * 5).reshape(2, 4, 3, 2, 5)
    with Rig(SMALL, tiles=2, units=units, model={"scale": 255, "offset": 500}, **OUTSIDE) as rig:
        yield rig


def load_all(rig):
    for tile in range(2):
        rig.driver.load(frame_of(SMALL, tile, 8 + tile), tile_id=8)


def test_frames_load_into_their_tiles_and_read_back(rig):
    load_all(rig)
    for tile in range(2):
        rig.expect_programmed(switches(SMALL, tile), tile)
        rig.driver.write("SELECT", tile=tile)
        assert np.array_equal(rig.driver.latches(), SMALL.to_words(switches(SMALL, tile)))


def test_one_cell_is_edited(rig):
    load_all(rig)
    rig.driver.write("SELECT", tile=1)
    closed = switches(SMALL, 1)
    closed[2, 1] = ~closed[2, 1]
    rig.driver.set_switches(2, 1, closed[2, 1])
    rig.expect_programmed(closed, 1)
    rig.expect_programmed(switches(SMALL, 0), 0)


def test_a_vector_runs_through_the_selected_tile(rig):
    load_all(rig)
    codes = np.array([200, 3, 77, 140])
    for tile in range(2):
        rig.driver.write("SELECT", tile=tile)
        current = (switches(SMALL, tile) * rig.units[tile]).sum(axis=3) @ np.array([1, -1])
        assert np.array_equal(rig.driver.infer(codes), 500 + codes @ current // 255)


def test_every_branch_is_calibrated_and_left_open(rig):
    load_all(rig)
    rig.driver.write("SELECT", tile=1)
    measured = rig.driver.calibrate()
    signed = rig.units[1] * np.array([1, -1])[:, None]
    assert np.array_equal(measured.branch_codes, 500 + signed.reshape(4, 3, -1))
    assert not rig.bench.closed(1).any()
    assert rig.pin("programmed") == 1


@pytest.mark.parametrize("value", [0, 1])
def test_a_stuck_latch_is_a_fault(value):
    lean = {"inference": False, "calibration": False, "editing": False, "array": "ports"}
    closed = np.full((4, 3, 2, 5), not value)
    with Rig(SMALL, arrays=(StuckArray(SMALL, 7, value),), **lean) as rig:
        rig.load_expecting(pack(closed, SMALL, 0), FaultCode.READ_BACK)

"""Whole loads in Amaranth's simulator: good frames, and every kind of bad one."""

import zlib
from itertools import groupby

import numpy as np
import pytest
from controller_bench import LEAN, SMALL, WIDE, Rig, StuckArray, frame_of, switches
from hypothesis import given, settings
from hypothesis import strategies as st

from rsscircuit.controller.bitstream import frame_words, pack
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.simulation import load_in_simulation
from rsscircuit.controller.top import XbarTop
from rsscircuit.errors import SimulationError

TILE = 0x1234
TIMEOUT = 60
FRAME = frame_of(SMALL, tile=TILE)
HEADER_CODES = (FaultCode.MAGIC, FaultCode.VERSION, FaultCode.CONFIGURATION, FaultCode.TILE, FaultCode.LENGTH)


def with_crc(words):
    body = np.array(words[:-1], dtype="<u4").tobytes()
    return body + zlib.crc32(body).to_bytes(4, "little")


@pytest.fixture(scope="module")
def rig():
    with Rig(SMALL, timeout_cycles=TIMEOUT, **LEAN) as rig:
        yield rig


@settings(max_examples=12, deadline=None)
@given(
    st.builds(ArrayGeometry, st.integers(1, 5), st.integers(1, 12), st.integers(1, 12)),
    st.sampled_from(["axi4-lite", "wishbone"]),
    st.integers(0, 2**32 - 1),
)
def test_a_good_frame_sets_every_latch(geometry, bus, seed):
    closed = switches(geometry, seed)
    config = ControllerConfig(geometry=geometry, bus=bus, **LEAN)
    result = load_in_simulation(pack(closed, geometry, TILE), geometry, tile_id=TILE, top=XbarTop(config))
    assert result.violations == ()
    assert (result.ready, result.oe, result.fault) == (True, True, False)
    assert result.fault_code is FaultCode.NONE
    assert np.array_equal(result.closed, closed)


def test_a_default_controller_loads_in_ten_clocks_a_word():
    geometry = ArrayGeometry(16, 16, 8)
    closed = switches(geometry)
    result = load_in_simulation(pack(closed, geometry, TILE), geometry, tile_id=TILE)
    assert np.array_equal(result.closed, closed)
    assert result.violations == ()
    assert result.cycles < 10 * frame_words(geometry) + 100


@pytest.mark.parametrize("position", range(frame_words(SMALL)))
def test_any_flipped_bit_is_a_fault(rig, position):
    code = HEADER_CODES[position] if position < 5 else FaultCode.CHECKSUM
    for bit in range(0, 32, 3):
        frame = bytearray(FRAME)
        frame[4 * position + bit // 8] ^= 1 << bit % 8
        rig.load_expecting(bytes(frame), code, TILE)


@pytest.mark.parametrize("position", range(5))
def test_a_wrong_header_word_is_a_fault_although_the_crc_matches(rig, position):
    words = np.frombuffer(FRAME, dtype="<u4").copy()
    words[position] += 1
    rig.load_expecting(with_crc(words), HEADER_CODES[position], TILE)


def test_two_swapped_words_are_a_fault(rig):
    words = np.frombuffer(FRAME, dtype="<u4").copy()
    words[[5, 6]] = words[[6, 5]]
    rig.load_expecting(words.tobytes(), FaultCode.CHECKSUM, TILE)


def test_a_frame_for_another_array_is_a_fault(rig):
    other = ArrayGeometry(4, 5, 3)
    assert other.words == SMALL.words
    rig.load_expecting(frame_of(other, tile=TILE), FaultCode.CONFIGURATION, TILE)


def test_a_frame_replayed_for_another_tile_is_a_fault(rig):
    rig.load_expecting(FRAME, FaultCode.TILE, TILE + 1)


@pytest.mark.parametrize("length", range(frame_words(SMALL)))
def test_a_truncated_frame_is_a_fault(rig, length):
    rig.load_expecting(FRAME[: 4 * length], FaultCode.TIMEOUT, TILE)


def test_a_word_behind_the_frame_is_a_fault(rig):
    rig.load_expecting(FRAME + bytes(4), FaultCode.UNEXPECTED, TILE)


def test_a_good_frame_loads_behind_all_those_faults(rig):
    rig.driver.load(FRAME, tile_id=TILE)
    rig.expect_programmed(switches(SMALL))


def test_a_second_frame_replaces_the_first(rig):
    rig.driver.load(frame_of(SMALL, 1, TILE), tile_id=TILE)
    rig.expect_programmed(switches(SMALL, 1))


def test_a_word_without_a_load_is_a_fault(rig):
    rig.driver.load(FRAME, tile_id=TILE)
    rig.driver.write("STREAM", word=0)
    rig.expect_fault(FaultCode.UNEXPECTED)
    rig.driver.clear()


def test_a_fault_swallows_words_and_starts_nothing_until_it_is_cleared(rig):
    rig.driver.write("STREAM", word=0)
    rig.expect_fault(FaultCode.UNEXPECTED)
    with pytest.raises(SimulationError, match="answered with an error"):
        rig.driver.command("load")
    for word in (1, 2):
        rig.driver.write("STREAM", word=word)
    rig.expect_fault(FaultCode.UNEXPECTED)
    rig.driver.clear()
    rig.driver.load(FRAME, tile_id=TILE)
    rig.expect_programmed(switches(SMALL))


def test_a_slow_host_is_waited_for(rig):
    rig.driver.write("TILE_ID", id=TILE)
    rig.driver.command("load")
    for word in np.frombuffer(FRAME, dtype="<u4"):
        rig.bench.wait(TIMEOUT - 15)
        rig.driver.write("STREAM", word=int(word))
    rig.bench.wait(100)
    rig.expect_programmed(switches(SMALL))


def test_the_latches_read_back_over_the_bus():
    with Rig(WIDE, **LEAN) as rig:
        rig.driver.load(frame_of(WIDE))
        assert np.array_equal(rig.driver.latches(), WIDE.to_words(switches(WIDE)))
        with pytest.raises(SimulationError, match="answered with an error"):
            rig.driver.write("ADDRESS", row=WIDE.rows, column=0)
        rig.driver.write("ADDRESS", row=0, column=WIDE.words_per_row)
        with pytest.raises(SimulationError, match="answered with an error"):
            rig.driver.read("LATCH")
        rig.driver.clear()
        rig.driver.write("ADDRESS", row=0, column=0)
        with pytest.raises(SimulationError, match="answered with an error"):
            rig.driver.read("LATCH")


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("bit", [0, 7, 13, 31])
def test_a_stuck_latch_is_found_by_reading_back(bit, value):
    with Rig(SMALL, arrays=(StuckArray(SMALL, bit, value),), **LEAN) as rig:
        held = SMALL.to_words(switches(SMALL)) >> bit & 1
        if (held == value).all():
            rig.driver.load(frame_of(SMALL))
        else:
            rig.load_expecting(frame_of(SMALL), FaultCode.READ_BACK)
            assert rig.driver.get("ERRORS", "read_back") == 1


@pytest.mark.parametrize(("setup", "pulse", "hold"), [(0, 0, 0), (1, 1, 1), (2, 5, 3), (7, 1, 4), (1, 255, 2)])
def test_a_write_takes_the_clocks_it_is_set_to(setup, pulse, hold):
    geometry = ArrayGeometry(2, 4, 8)

    def pins(top):
        macro = top.controller.macro
        return macro.we, macro.wdata, macro.row, macro.word

    with Rig(geometry, record=pins, **LEAN) as rig:
        rig.driver.write("TIMING", setup=setup, pulse=pulse, hold=hold)
        rig.driver.load(frame_of(geometry))
        rig.expect_programmed(switches(geometry))
        runs = [(key, len(list(group))) for key, group in groupby(rig.trace)]
        pulses = [place for place, (key, _) in enumerate(runs) if key[0]]
        assert len(pulses) == geometry.words
        for place in pulses:
            assert runs[place][1] == max(pulse, 1)
            before, after = runs[place - 1], runs[place + 1]
            assert before[0][1:] == runs[place][0][1:] == after[0][1:]
            assert before[1] == max(setup, 1) + 1  # the clock in which the write is asked for
            assert after[1] == max(hold, 1) + 1  # the clock in which it is answered


def test_a_load_that_does_not_end_is_an_error():
    with pytest.raises(SimulationError, match="did not end"):
        load_in_simulation(FRAME[:-4], SMALL, tile_id=TILE, max_cycles=300)

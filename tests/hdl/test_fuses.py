"""The one-time-programmable variant: sensed once after a reset, verified against a CRC, never written."""

import zlib

import numpy as np
import pytest
from controller_bench import LEAN, SMALL, Rig, switches

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.driver import BusError, ControllerFaultError
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.latch_array import FuseArray
from rsscircuit.errors import InputError

WORDS = SMALL.to_words(switches(SMALL))
CHECKSUM = zlib.crc32(WORDS.astype("<u4").tobytes())


def rig_of(words=WORDS, **options):
    def pins(top):
        return top.sense, top.controller.macro.we

    return Rig(SMALL, fuses=True, arrays=(FuseArray(SMALL, words),), record=pins, **(LEAN | options))


def test_fuses_are_sensed_once_and_verified():
    with rig_of(sense_cycles=9) as rig:
        rig.bench.wait(20)
        assert rig.pin("oe") == 0
        rig.driver.verify_fuses(CHECKSUM)
        rig.expect_programmed(switches(SMALL))
        assert np.array_equal(rig.driver.latches(), WORDS)
        assert sum(sense for sense, _ in rig.trace) == 9
        assert not any(we for _, we in rig.trace)
        rig.driver.clear()
        assert rig.pin("oe") == 0


def test_fuses_that_read_otherwise_are_a_fault():
    damaged = WORDS.copy()
    damaged[2, 0] ^= 4
    with rig_of(damaged) as rig:
        rig.bench.wait(20)
        with pytest.raises(ControllerFaultError):
            rig.driver.verify_fuses(CHECKSUM)
        rig.expect_fault(FaultCode.CHECKSUM)


def test_no_accepted_load_is_lost_in_any_clock_behind_a_reset():
    with rig_of(sense_cycles=3) as rig:
        accepted = []
        for clocks in range(10):
            rig.bench.set(rig.top.rst, 1)
            rig.bench.wait(4)
            rig.bench.set(rig.top.rst, 0)
            rig.bench.wait(clocks)
            try:
                rig.driver.command("load")
            except BusError:
                accepted.append(False)
                continue
            accepted.append(True)
            rig.bench.wait(100)
            rig.expect_fault(FaultCode.CHECKSUM)  # FUSE_CRC reads zero
        assert accepted == sorted(accepted)
        assert len(set(accepted)) == 2


def test_a_kill_while_they_are_sensed_ends_neither_that_nor_anything_else():
    with rig_of(sense_cycles=40) as rig:
        rig.bench.set(rig.top.rst, 1)
        rig.bench.set(rig.top.kill, 1)
        rig.bench.wait(4)
        rig.trace.clear()
        rig.bench.set(rig.top.rst, 0)
        rig.bench.wait(20)
        assert not any(sense for sense, _ in rig.trace)
        rig.bench.set(rig.top.kill, 0)
        rig.bench.wait(20)
        assert rig.driver.get("STATUS", "loading") == 1
        rig.bench.set(rig.top.kill, 1)
        rig.bench.wait(10)
        rig.bench.set(rig.top.kill, 0)
        rig.driver.verify_fuses(CHECKSUM)
        rig.expect_programmed(switches(SMALL))
        assert sum(sense for sense, _ in rig.trace) == 40


def test_settings_rest_while_they_are_sensed():
    with rig_of(sense_cycles=40) as rig, pytest.raises(BusError):
        rig.driver.write("FUSE_CRC", crc=CHECKSUM)


def test_there_is_no_way_to_write():
    with rig_of() as rig, pytest.raises(BusError):
        rig.bench.write(0x70, 1)
    assert not {"STREAM", "TIMING", "TILE_ID"} & set(rig.registers)
    with pytest.raises(InputError, match="cannot be written again"):
        ControllerConfig(geometry=SMALL, fuses=True)

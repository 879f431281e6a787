"""Kill, clear and reset at every clock; several tiles; the monitor itself."""

import numpy as np
import pytest
from controller_bench import LEAN, SMALL, Rig, StuckArray, frame_of, switches

from rsscircuit.controller.bitstream import pack, to_words
from rsscircuit.controller.driver import BusError, ControllerFaultError
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.simulation import broken_rules

TINY = ArrayGeometry(2, 1, 20)
LOAD_CYCLES = 150
STEP = 3


@pytest.mark.parametrize("delay", [0.01, 0.6])
def test_a_short_kill_at_any_time_keeps_the_switches_off(delay):
    with Rig(TINY, **LEAN) as rig:
        outcomes = set()
        for clock in range(1, LOAD_CYCLES, STEP):
            began = []

            async def kill(simulation, began=began):
                began.append(simulation.get(rig.top.controller.arbiter.idle) and not simulation.get(rig.top.programmed))
                await rig.kill_between_edges(simulation, delay)

            rig.alarm = (clock, kill)
            try:
                rig.driver.load(frame_of(TINY))
                rig.bench.wait(LOAD_CYCLES)
            except (ControllerFaultError, BusError):
                rig.bench.wait(LOAD_CYCLES)
            assert len(began) == 1
            if not began[0]:
                rig.expect_fault(FaultCode.KILLED)
            outcomes.add((bool(began[0]), rig.pin("fault")))
            rig.driver.clear()
            rig.driver.load(frame_of(TINY, 1))
            rig.expect_programmed(switches(TINY, 1))
            rig.driver.clear()
        assert (False, 1) in outcomes
        assert rig.driver.get("ERRORS", "kill") == 7


def test_a_kill_that_lasts_holds_everything_off():
    with Rig(TINY, **LEAN) as rig:
        rig.bench.set(rig.top.kill, 1)
        rig.bench.wait(5)
        assert rig.driver.get("STATUS", "killed") == 1
        with pytest.raises(BusError):
            rig.driver.load(frame_of(TINY))
        assert rig.pin("fault") == 0
        rig.bench.set(rig.top.kill, 0)
        rig.bench.wait(8)
        rig.driver.load(frame_of(TINY))
        rig.bench.set(rig.top.kill, 1)
        assert rig.pin("oe") == 0
        rig.bench.wait(8)
        rig.expect_fault(FaultCode.KILLED)
        rig.driver.clear()
        rig.bench.wait(8)
        assert rig.pin("oe") == 0
        rig.bench.set(rig.top.kill, 0)
        rig.bench.wait(8)
        rig.driver.load(frame_of(TINY, 1))
        rig.expect_programmed(switches(TINY, 1))


@pytest.mark.parametrize("words", range(len(to_words(frame_of(TINY))) + 1))
def test_clear_after_any_word_releases_the_switches(words):
    with Rig(TINY, **LEAN) as rig:
        rig.driver.load(frame_of(TINY))
        rig.driver.command("load")
        assert rig.pin("oe") == 0
        for word in to_words(frame_of(TINY, 1))[:words]:
            rig.driver.write("STREAM", word=word)
            assert rig.pin("oe") == 0
        rig.driver.clear()
        for _ in range(60):
            rig.bench.wait(1)
            assert rig.pin("oe") == rig.pin("fault") == rig.pin("programmed") == 0
        assert rig.driver.read("STATUS") == 0
        rig.driver.load(frame_of(TINY, 2))
        rig.expect_programmed(switches(TINY, 2))


def test_a_reset_after_any_word_ends_everything():
    with Rig(TINY, **LEAN) as rig:
        words = to_words(frame_of(TINY, 1, tile=5))
        for number in range(len(words) + 1):
            rig.driver.write("TILE_ID", id=5)
            rig.driver.command("load")
            for word in words[:number]:
                rig.driver.write("STREAM", word=word)
            if number == len(words):
                rig.bench.wait(LOAD_CYCLES)
                assert rig.pin("oe") == 1

            async def reset(simulation):
                await simulation.delay(0.3e-6)
                simulation.set(rig.top.rst, 1)
                await simulation.delay(0.1e-6)
                assert simulation.get(rig.top.oe) == 0
                simulation.set(rig.top.rst, 0)

            rig.bench.do(reset)
            rig.bench.wait(8)
            assert rig.driver.read("STATUS") == rig.driver.read("FAULT") == rig.driver.read("TILE_ID") == 0
            assert rig.pin("oe") == 0
        rig.driver.load(frame_of(TINY, 2))
        rig.expect_programmed(switches(TINY, 2))


@pytest.mark.parametrize("tiles", [2, 3])
def test_tiles_are_loaded_one_by_one_and_keep_their_switches(tiles):
    base = 8
    with Rig(SMALL, tiles=tiles, **LEAN) as rig:
        for tile in range(tiles):
            rig.driver.load(frame_of(SMALL, tile, base + tile), tile_id=base)
            assert rig.pin("programmed") == rig.pin("oe") == (2 << tile) - 1
        for tile in range(tiles):
            rig.expect_programmed(switches(SMALL, tile), tile)
            rig.driver.write("SELECT", tile=tile)
            assert np.array_equal(rig.driver.latches(), SMALL.to_words(switches(SMALL, tile)))
        rig.driver.command("load")
        assert rig.pin("oe") == 0
        for word in to_words(frame_of(SMALL, 7, base + 1)):
            rig.driver.write("STREAM", word=word)
        rig.bench.wait(100)
        rig.expect_programmed(switches(SMALL, 7), 1)
        rig.expect_programmed(switches(SMALL, 0), 0)
        for stranger in (0, base - 1, base + 4, *([base + 3] if tiles == 3 else [])):
            rig.load_expecting(frame_of(SMALL, 0, stranger), FaultCode.TILE, base)


def test_the_monitor_knows_every_rule():
    sound = {"oe": 1, "kill": 0, "fault": 0, "programmed": 1, "writing": 0, "calibrating": 0, "tile": 1, "we": 0}
    broken = {
        "although killed": {"kill": 1},
        "in a fault": {"fault": 2},
        "not verified": {"programmed": 0},
        "while a latch is written": {"we": 1, "writing": 1},
        "during a load or an edit": {"writing": 1},
        "calibration drives another tile": {"calibrating": 1, "tile": 2},
        "while it is calibrated": {"oe": 0, "calibrating": 1},
        "two tiles are written": {"oe": 0, "we": 3, "writing": 1, "tile": 3},
        "not the one at work": {"oe": 0, "we": 2, "writing": 1},
        "nobody may": {"oe": 0, "we": 1},
    }
    pins = (0, 0, 0)
    whole = (*sound.values(), *pins)
    assert broken_rules(whole, whole) == []
    for rule, change in broken.items():
        now = (*(sound | change).values(), *pins)
        assert any(rule in found for found in broken_rules(now, now)), rule
    writing = (0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0)
    assert any("idle clock" in found for found in broken_rules(whole, writing))
    assert any("change beside" in found for found in broken_rules(writing, (*writing[:-1], 5)))


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("bit", [0, 13])
def test_a_stuck_latch_is_found_by_reading_back(bit, value):
    with Rig(SMALL, arrays=(StuckArray(SMALL, bit, value),), **LEAN) as rig:
        closed = np.full((4, 3, 2, 5), not value)
        rig.load_expecting(pack(closed, SMALL, 0), FaultCode.READ_BACK)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda words: [*words[:5], words[6], words[5], *words[7:]], FaultCode.CHECKSUM),
        (lambda words: words[:-2], FaultCode.TIMEOUT),
        (lambda words: [*words, 0], FaultCode.UNEXPECTED),
        (lambda words: [*words[:7], words[7] ^ 4, *words[8:]], FaultCode.CHECKSUM),
        (lambda words: to_words(frame_of(SMALL, 3, tile=1)), FaultCode.TILE),
        (lambda words: to_words(frame_of(ArrayGeometry(4, 3, 4), 3)), FaultCode.CONFIGURATION),
    ],
    ids=["swapped words", "truncated", "overlong", "flipped bit", "replayed for another tile", "of another array"],
)
def test_a_damaged_frame_ends_in_a_fault_with_the_outputs_off(damage, code):
    with Rig(SMALL, timeout_cycles=60, **LEAN) as rig:
        rig.driver.load(frame_of(SMALL, 1))
        words = damage(to_words(frame_of(SMALL, 2)))
        rig.load_expecting(np.array(words, dtype="<u4").tobytes(), code)
        rig.driver.load(frame_of(SMALL, 2))
        rig.expect_programmed(switches(SMALL, 2))

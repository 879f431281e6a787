"""Kill, clear and reload at every clock of a load; the host's read port; the monitor itself."""

import numpy as np
import pytest

from rsscircuit.controller.bitstream import pack, to_words
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.simulation import CLOCK_SECONDS, Bench, broken_rules
from rsscircuit.controller.top import XbarTop

TILE = 5
GEOMETRY = ArrayGeometry(2, 1, 20)
TIMEOUT = 40
CLOSED = np.random.default_rng(3).random((2, 1, 2, 20)) < 0.5
OTHER = ~CLOSED
WORDS = to_words(pack(CLOSED, GEOMETRY, TILE))
OTHER_WORDS = to_words(pack(OTHER, GEOMETRY, TILE))
LOAD_CYCLES = 7 * GEOMETRY.words + 30


class Driver(Bench):
    """A bench with the steps that these tests are made of."""

    def __init__(self):
        super().__init__(XbarTop(GEOMETRY, timeout_cycles=TIMEOUT), max_cycles=50 * LOAD_CYCLES)

    def run(self, *stimuli):
        """Run, and hold the monitor to its rules."""
        super().run(*stimuli)
        assert self.violations == []

    async def load(self, ctx, words):
        """Send words and wait until the loader has made up its mind."""
        ctx.set(self.top.tile_id, TILE)
        await self.send(ctx, words)
        await self.ended(ctx)

    async def ended(self, ctx):
        """Wait until the loader has made up its mind."""
        await ctx.tick()
        await self.settle(ctx)

    async def clear(self, ctx):
        """One clock of ``clear``."""
        ctx.set(self.top.clear, 1)
        await ctx.tick()
        ctx.set(self.top.clear, 0)

    async def kill_between_edges(self, ctx, delay=0.6):
        """A kill that no clock edge sees."""
        await ctx.delay(delay * CLOCK_SECONDS)
        ctx.set(self.top.kill, 1)
        await ctx.delay(0.1 * CLOCK_SECONDS)
        assert ctx.get(self.top.oe) == 0
        ctx.set(self.top.kill, 0)
        await ctx.delay(0.1 * CLOCK_SECONDS)
        assert ctx.get(self.top.oe) == 0

    def expect_ready(self, ctx, closed):
        """Driven, with the right switches."""
        assert ctx.get(self.top.ready) == 1
        assert ctx.get(self.top.oe) == 1
        assert ctx.get(self.top.fault_code) == FaultCode.NONE
        assert np.array_equal(GEOMETRY.from_words(self.top.array.words(ctx)), closed)

    def expect_fault(self, ctx, code):
        """Not driven, for the right reason."""
        assert ctx.get(self.top.fault) == 1
        assert ctx.get(self.top.ready) == 0
        assert ctx.get(self.top.oe) == 0
        assert ctx.get(self.top.fault_code) == code


def test_a_second_load_replaces_the_first():
    driver = Driver()

    async def stimulus(ctx):
        await driver.load(ctx, WORDS)
        driver.expect_ready(ctx, CLOSED)
        await driver.load(ctx, OTHER_WORDS)
        driver.expect_ready(ctx, OTHER)

    driver.run(stimulus)


def test_the_switches_are_released_by_the_first_word_of_a_new_load():
    driver = Driver()

    async def stimulus(ctx):
        await driver.load(ctx, WORDS)
        await driver.send(ctx, OTHER_WORDS[:1])
        assert ctx.get(driver.top.oe) == 0
        await driver.ended(ctx)
        driver.expect_fault(ctx, FaultCode.TIMEOUT)

    driver.run(stimulus)


def test_frames_in_one_burst_never_drive_in_between():
    driver = Driver()
    driven = []

    async def watch(ctx):
        for _ in range(2 * LOAD_CYCLES):
            await ctx.tick()
            driven.append(ctx.get(driver.top.oe))

    async def stimulus(ctx):
        await driver.load(ctx, WORDS + OTHER_WORDS)
        driver.expect_ready(ctx, OTHER)

    driver.run(stimulus, watch)
    assert driven[-1] == 1
    assert driven == sorted(driven)


def test_a_fault_swallows_words_until_it_is_cleared():
    driver = Driver()

    async def stimulus(ctx):
        await driver.load(ctx, [0])
        driver.expect_fault(ctx, FaultCode.MAGIC)
        await driver.load(ctx, WORDS)
        driver.expect_fault(ctx, FaultCode.MAGIC)
        await driver.clear(ctx)
        await driver.load(ctx, WORDS)
        driver.expect_ready(ctx, CLOSED)

    driver.run(stimulus)


def test_a_slow_host_is_waited_for():
    driver = Driver()

    async def stimulus(ctx):
        ctx.set(driver.top.tile_id, TILE)
        for word in WORDS:
            await driver.send(ctx, [word])
            await ctx.tick().repeat(TIMEOUT - 6)
        await driver.ended(ctx)
        driver.expect_ready(ctx, CLOSED)

    driver.run(stimulus)


@pytest.mark.parametrize("clock", range(1, LOAD_CYCLES))
def test_clear_at_any_clock_releases_the_switches(clock):
    driver = Driver()

    async def interrupt(ctx):
        await ctx.tick().repeat(clock)
        await driver.clear(ctx)
        assert ctx.get(driver.top.oe) == 0
        assert ctx.get(driver.top.ready) == 0

    async def stimulus(ctx):
        await driver.load(ctx, WORDS)
        await ctx.tick().repeat(LOAD_CYCLES)
        await driver.clear(ctx)
        assert ctx.get(driver.top.oe) == ctx.get(driver.top.fault) == ctx.get(driver.top.busy) == 0
        await driver.load(ctx, OTHER_WORDS)
        driver.expect_ready(ctx, OTHER)

    driver.run(stimulus, interrupt)


@pytest.mark.parametrize("delay", [0.01, 0.6])
@pytest.mark.parametrize("clock", range(1, LOAD_CYCLES))
def test_a_short_kill_at_any_time_keeps_the_switches_off(clock, delay):
    driver = Driver()
    killed_at = []

    async def interrupt(ctx):
        await ctx.tick().repeat(clock)
        began = ctx.get(driver.top.busy) or ctx.get(driver.top.ready)
        await driver.kill_between_edges(ctx, delay)
        killed_at.append(began)

    async def stimulus(ctx):
        await driver.load(ctx, WORDS)
        for _ in range(LOAD_CYCLES):
            await ctx.tick()
            assert not (killed_at and killed_at[0] and ctx.get(driver.top.oe))
        await driver.clear(ctx)
        await driver.load(ctx, OTHER_WORDS)
        driver.expect_ready(ctx, OTHER)

    driver.run(stimulus, interrupt)
    assert killed_at


def test_a_kill_when_ready_is_a_fault_that_says_so():
    driver = Driver()

    async def stimulus(ctx):
        await driver.load(ctx, WORDS)
        driver.expect_ready(ctx, CLOSED)
        await driver.kill_between_edges(ctx)
        await ctx.tick().repeat(6)
        driver.expect_fault(ctx, FaultCode.KILLED)

    driver.run(stimulus)


def test_no_word_is_taken_while_the_kill_pin_is_held():
    driver = Driver()

    async def stimulus(ctx):
        ctx.set(driver.top.kill, 1)
        await ctx.tick().repeat(6)
        ctx.set(driver.top.stream_valid, 1)
        for _ in range(20):
            assert ctx.get(driver.top.stream_ready) == 0
            await ctx.tick()
        ctx.set(driver.top.stream_valid, 0)
        ctx.set(driver.top.kill, 0)
        await driver.load(ctx, WORDS)
        driver.expect_ready(ctx, CLOSED)

    driver.run(stimulus)


def test_reset_clears_the_output_enable_without_a_clock():
    driver = Driver()

    async def stimulus(ctx):
        await driver.load(ctx, WORDS)
        driver.expect_ready(ctx, CLOSED)
        await ctx.delay(0.6 * CLOCK_SECONDS)
        ctx.set(driver.top.rst, 1)
        await ctx.delay(0.1 * CLOCK_SECONDS)
        assert ctx.get(driver.top.oe) == 0
        await ctx.tick()
        ctx.set(driver.top.rst, 0)
        await driver.load(ctx, OTHER_WORDS)
        driver.expect_ready(ctx, OTHER)

    driver.run(stimulus)


def test_a_host_reads_the_latches_only_when_ready():
    driver = Driver()
    top = driver.top

    async def read(ctx, row, word):
        ctx.set(top.read_row, row)
        ctx.set(top.read_word, word)
        ctx.set(top.read_enable, 1)
        await ctx.tick()
        ctx.set(top.read_enable, 0)
        return ctx.get(top.read_data)

    async def stimulus(ctx):
        await driver.load(ctx, WORDS)
        expected = GEOMETRY.to_words(CLOSED)
        for row, word in np.ndindex(expected.shape):
            assert await read(ctx, row, word) == expected[row, word]
        await ctx.tick()
        assert ctx.get(top.read_data) == 0
        await driver.clear(ctx)
        assert await read(ctx, 0, 0) == 0

    driver.run(stimulus)


@pytest.mark.parametrize(
    ("before", "now", "rule"),
    [
        # oe, ready, fault, kill, we, row, word, wdata
        ((0, 1, 0, 0, 0, 0, 0, 0), (1, 1, 0, 0, 1, 0, 0, 0), "driven while a latch is written"),
        ((1, 1, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 1, 0, 0, 0), "no idle clock"),
        ((0, 0, 0, 0, 1, 0, 0, 0), (1, 1, 0, 0, 0, 0, 0, 0), "no idle clock"),
        ((0, 0, 0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0, 0, 0, 0), "before the array is verified"),
        ((0, 0, 0, 0, 0, 0, 0, 0), (1, 1, 1, 0, 0, 0, 0, 0), "in a fault"),
        ((1, 1, 0, 0, 0, 0, 0, 0), (1, 1, 0, 1, 0, 0, 0, 0), "although killed"),
        ((0, 0, 0, 0, 0, 0, 0, 0), (0, 1, 0, 0, 1, 0, 0, 0), "written while READY"),
        ((0, 0, 0, 0, 0, 0, 0, 0), (0, 0, 1, 0, 1, 0, 0, 0), "written in a fault"),
        ((0, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 1, 0, 0, 7), "change beside a write pulse"),
        ((0, 0, 0, 0, 1, 0, 0, 7), (0, 0, 0, 0, 0, 1, 0, 7), "change beside a write pulse"),
        ((0, 0, 0, 0, 1, 0, 0, 7), (0, 0, 0, 0, 1, 0, 0, 7), "longer than a clock"),
    ],
)
def test_the_monitor_sees_each_broken_rule(before, now, rule):
    assert any(rule in found for found in broken_rules(before, now))

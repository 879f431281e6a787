"""What the tests of the controller share: small arrays, a bench with its driver, and damaged latches."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Cat

from rsscircuit.controller.bitstream import pack
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.driver import ControllerFaultError, Driver
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.latch_array import LatchArray
from rsscircuit.controller.registers import register_table
from rsscircuit.controller.simulation import CLOCK_SECONDS, Bench, Converters
from rsscircuit.controller.top import XbarTop

SMALL = ArrayGeometry(4, 3, 5)  # a row is one word, padded
WIDE = ArrayGeometry(3, 5, 7)  # cells straddle words, and no dimension is a power of two
LEAN = {"inference": False, "calibration": False, "editing": False}
MOST_CYCLES = 60_000


def switches(geometry, seed=0):
    """Random switches [row, column, polarity, branch]."""
    shape = (geometry.rows, geometry.columns, 2, geometry.branches)
    return np.random.default_rng(seed).random(shape) < 0.5


def frame_of(geometry, seed=0, tile=0):
    """A frame of random switches."""
    return pack(switches(geometry, seed), geometry, tile)


class Rig:
    """A bench, its driver, and converters if the controller has any; ``close`` holds it to the rules."""

    def __init__(self, geometry, *, arrays=(), units=None, max_cycles=MOST_CYCLES, model=None, record=None, **options):
        self.config = ControllerConfig(geometry=geometry, **options)
        if self.config.array == "ports":
            self.top = MacrosOutside(self.config, arrays)
        else:
            self.top = XbarTop(self.config, arrays=arrays)
        self.converters = None
        others = ()
        if self.config.measures:
            if units is None:
                shape = (self.config.tiles, geometry.rows, geometry.columns, 2, geometry.branches)
                units = np.random.default_rng(9).integers(1, 40, shape)
            self.units = units
            self.converters = Converters(self.top, units, **(model or {}))
            others = (self.converters.present, self.converters.convert)
        others = (*others, self._alarm)
        self.trace, self.alarm = [], None
        self.registers = {register.name: register for register in register_table(self.config)}
        if record:
            others = (*others, self._recorder(record(self.top)))
        self.bench = Bench(self.top, max_cycles=max_cycles, others=others)
        self.driver = Driver(self.bench, self.config)

    async def _alarm(self, simulation):
        """Run what ``alarm`` = (clocks, coroutine) asks for, once, beside everything else."""
        async for _ in simulation.tick():
            if self.alarm is None:
                continue
            clocks, action = self.alarm
            self.alarm = (clocks - 1, action) if clocks > 1 else None
            if clocks <= 1:
                await action(simulation)

    async def kill_between_edges(self, simulation, delay=0.6):
        """A kill that no clock edge sees."""
        await simulation.delay(delay * CLOCK_SECONDS)
        simulation.set(self.top.kill, 1)
        await simulation.delay(0.1 * CLOCK_SECONDS)
        assert simulation.get(self.top.oe) == 0
        simulation.set(self.top.kill, 0)
        await simulation.delay(0.1 * CLOCK_SECONDS)
        assert simulation.get(self.top.oe) == 0

    def _recorder(self, signals):
        async def watch(simulation):
            async for _, _, *sample in simulation.tick().sample(*signals):
                self.trace.append(tuple(sample))

        return watch

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            assert self.bench.violations == []

    def pin(self, name):
        """The value of a pin."""
        return self.bench.get(getattr(self.top, name))

    def expect_programmed(self, closed, tile=0):
        """Driven, with the right switches."""
        assert self.pin("programmed") >> tile & 1
        assert self.pin("oe") >> tile & 1
        assert self.pin("fault") == 0
        assert np.array_equal(self.bench.closed(tile), closed)

    def expect_fault(self, code):
        """Not driven, for the right reason."""
        assert self.pin("fault") == 1
        assert self.pin("oe") == 0
        assert self.pin("programmed") == 0
        with pytest.raises(ControllerFaultError) as caught:
            self.driver.check()
        assert caught.value.code is code

    def load_expecting(self, frame, code, tile_id=0):
        """A load that ends in a fault, which is then cleared."""
        with pytest.raises(ControllerFaultError):
            self.driver.load(frame, tile_id=tile_id)
        self.expect_fault(code)
        self.driver.clear()
        assert self.pin("fault") == 0
        assert self.pin("oe") == 0


class MacrosOutside(XbarTop):
    """A controller whose latches are macros at its pins, together with behavioural ones."""

    def __init__(self, config, arrays=()):
        super().__init__(config)
        self._macros = arrays or tuple(LatchArray(config.geometry) for _ in range(config.tiles))

    def elaborate(self, platform):
        """The pins of each macro."""
        m = super().elaborate(platform)
        self.arrays = self._macros
        for number, array in enumerate(self.arrays):
            m.submodules += array
            m.d.comb += [
                getattr(array.port, name).eq(getattr(self, f"array_{name}")) for name in ("row", "word", "wdata")
            ]
            m.d.comb += [array.port.we.eq(self.array_we[number]), array.port.re.eq(self.array_re[number])]
        m.d.comb += self.array_rdata.eq(Cat(array.port.rdata for array in self.arrays))
        return m


class StuckArray(LatchArray):
    """Latches whose bit ``bit`` of every word is stuck at ``value``."""

    def __init__(self, geometry, bit, value):
        self.bit, self.value = bit, value
        super().__init__(geometry)

    def stored(self, wdata):
        """The data with one bit overridden."""
        mask = 1 << self.bit
        return wdata | mask if self.value else wdata & ~mask & 0xFFFF_FFFF

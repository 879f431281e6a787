"""The controller in Amaranth's simulator: a bus for the driver, converters, and a monitor of every clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.sim import Simulator
from numpy.typing import NDArray

from rsscircuit.controller.bitstream import frame_words, to_words
from rsscircuit.controller.config import TIMEOUT_CYCLES, ControllerConfig
from rsscircuit.controller.driver import BusError, ControllerFaultError, Driver
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.masters import ALL_BYTES, MASTERS
from rsscircuit.controller.top import XbarTop
from rsscircuit.errors import SimulationError

CLOCK_SECONDS = 1e-6
_CYCLES_PER_WORD = 32  # of a whole frame over AXI4-Lite, loaded and read back: some 12
_RESET_CYCLES = 4

Stimulus = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LoadResult:
    """How a load ended.

    Args:
        ready: The array is verified.
        fault: The controller refused the frame.
        fault_code: Why.
        oe: The switches are driven.
        cycles: Clocks from the reset to the end.
        closed: Bool [rows, columns, 2, branches]: what the latches hold.
        violations: Each broken safety rule with its clock; empty in a sound controller.
    """

    ready: bool
    fault: bool
    fault_code: FaultCode
    oe: bool
    cycles: int
    closed: NDArray[np.bool_]
    violations: tuple[str, ...]


class Bench:
    """One simulated controller: time passes only while something is asked of it.

    It is a bus for a :class:`~rsscircuit.controller.driver.Driver`.

    Args:
        top: The controller.
        max_cycles: Clocks after which the simulation is given up.
        others: Further processes, such as converters.
    """

    def __init__(self, top: XbarTop, *, max_cycles: int, others: tuple[Stimulus, ...] = ()) -> None:
        self.top, self.max_cycles = top, max_cycles
        self.cycles = 0
        self.violations: list[str] = []
        self._task: Stimulus | None = None
        self._outcome: Any = None
        self._simulator = Simulator(top)
        self._simulator.add_clock(CLOCK_SECONDS)
        self._simulator.add_process(self._monitor)
        self._simulator.add_testbench(self._serve)
        for other in others:
            self._simulator.add_testbench(other, background=True)
        self.wait(_RESET_CYCLES)

    def do(self, task: Stimulus) -> Any:
        """Simulate until ``task``, a coroutine over the simulator's context, has ended; its result.

        Raises:
            SimulationError: It has not after ``max_cycles``.
        """
        self._task = task
        while self._task is not None:
            self._simulator.advance()
        return self._outcome

    def read(self, address: int) -> int:
        """The word at ``address``, over the controller's bus."""
        return self._access(address, None, ALL_BYTES)

    def write(self, address: int, value: int, strobes: int = ALL_BYTES) -> None:
        """Write ``value`` at ``address``, over the controller's bus."""
        self._access(address, value, strobes)

    def wait(self, clocks: int) -> None:
        """Let time pass."""

        async def idle(simulation: Any) -> None:
            for _ in range(clocks):
                await simulation.tick()

        self.do(idle)

    def get(self, signal: Any) -> int:
        """The value of a signal now."""

        async def look(simulation: Any) -> int:
            return int(simulation.get(signal))

        return int(self.do(look))

    def set(self, signal: Any, value: int) -> None:
        """Set an input from now on."""

        async def change(simulation: Any) -> None:
            simulation.set(signal, value)

        self.do(change)

    def closed(self, tile: int = 0) -> NDArray[np.bool_]:
        """The switches [row, column, polarity, branch] that the latches of a tile close."""

        async def look(simulation: Any) -> NDArray[np.uint32]:
            return self.top.arrays[tile].words(simulation)

        return self.top.config.geometry.from_words(self.do(look))

    def _access(self, address: int, value: int | None, strobes: int) -> int:
        master = MASTERS[self.top.config.bus]
        data, error = self.do(lambda simulation: master(simulation, self.top, address, value, strobes))
        if error:
            kind = "read" if value is None else "write"
            raise BusError(f"the {kind} was answered with an error", where="controller", got=f"address {address:#04x}")
        return int(data)

    async def _serve(self, simulation: Any) -> None:
        """One task after the other; between tasks no time passes, for nobody asks for it."""
        if self.top.config.bus == "spi":
            simulation.set(self.top.spi_cs_n, 1)
        while True:
            while self._task is None:
                await simulation.tick()
            self._outcome = await self._task(simulation)
            self._task = None

    async def _monitor(self, simulation: Any) -> None:
        """Note every broken rule outside a reset; the samples are those that the flops see at the clock edge."""
        arbiter, macro = self.top.controller.arbiter, self.top.controller.macro
        watched = (
            self.top.oe, self.top.kill, arbiter.fault, arbiter.programmed, arbiter.loader.busy | arbiter.editor.busy,
            arbiter.calibrator.busy, arbiter.tile, macro.we, macro.row, macro.word, macro.wdata,
        )  # fmt: skip
        before = (0,) * len(watched)
        async for _, in_reset, *sample in simulation.tick().sample(*watched):
            if not in_reset:
                self.violations += [f"clock {self.cycles}: {rule}" for rule in broken_rules(before, tuple(sample))]
            before = tuple(sample)
            self.cycles += 1
            if self.cycles > self.max_cycles:
                raise SimulationError(
                    "the simulation did not end",
                    where="controller",
                    got=f"{self.max_cycles} clocks",
                    remedy="raise max_cycles",
                )


def broken_rules(before: tuple[int, ...], now: tuple[int, ...]) -> list[str]:
    """The rules that two successive samples break.

    A sample is (oe, kill, fault, programmed, writing, calibrating, tile, we, row, word, wdata); ``writing``: a load
    or an edit is under way.
    """
    oe, kill, fault, programmed, writing, calibrating, tile, we, *pins = now
    was_oe, was_we, *old_pins = before[0], *before[7:]
    rules = {
        "switches are driven while a latch is written": oe and we,
        "no idle clock lies between driving and writing": (was_oe and we) or (was_we and oe),
        "switches are driven that are not verified": oe & ~programmed and not calibrating,
        "calibration drives another tile": calibrating and oe & ~tile,
        "a tile is programmed while it is calibrated": calibrating and programmed & tile,
        "switches are driven during a load or an edit": oe and writing,
        "switches are driven in a fault": oe and fault,
        "switches are driven although killed": oe and kill,
        "a latch is written in a fault": we and fault,
        "two tiles are written": we & (we - 1),
        "a tile is written that is not the one at work": we & ~tile,
        "a latch is written although nobody may": we and not (writing or calibrating),
        "address or data change beside a write pulse": (we or was_we) and pins != old_pins,
    }
    return [rule for rule, broken in rules.items() if broken]


class Converters:
    """Input and output converters around an ideal array of integer conductances.

    The code of a column is the sum over rows of input times the conductance of the closed branches, plus minus
    minus, over ``scale``, plus ``offset`` and the next of ``noise``; an undriven array gives zero.

    Args:
        top: The controller.
        units: Conductances [tiles, rows, columns, 2, branches].
        scale: Input times conductance for one code.
        offset: Code of an array without current.
        delay: Clocks of a conversion.
        noise: Codes that are added in turn.
    """

    def __init__(
        self,
        top: XbarTop,
        units: NDArray[np.int64],
        *,
        scale: int = 1,
        offset: int = 0,
        delay: int = 0,
        noise: tuple[int, ...] = (0,),
    ) -> None:
        self._top, self._units, self._scale = top, units, scale
        self._offset, self._delay, self._noise = offset, delay, noise
        self._conversions = 0
        self.dead = False
        self.inputs = np.zeros(top.config.geometry.rows, dtype=np.int64)

    async def present(self, simulation: Any) -> None:
        """The input registers."""
        top, waiting = self._top, self.inputs.copy()
        pins = (top.dac_write, top.dac_row, top.dac_code, top.dac_update)
        async for _, _, write, row, code, update in simulation.tick().sample(*pins):
            if write:
                waiting[row] = code
            if update:
                self.inputs[:] = waiting

    async def convert(self, simulation: Any) -> None:
        """The output converter's side of the handshake."""
        top = self._top
        while True:
            while self.dead or not simulation.get(top.adc_request):
                await simulation.tick()
            for _ in range(self._delay + 1):
                await simulation.tick()
            simulation.set(top.adc_code, self._code(simulation, simulation.get(top.adc_column)))
            simulation.set(top.adc_acknowledge, 1)
            while simulation.get(top.adc_request):
                await simulation.tick()
            simulation.set(top.adc_code, 0)
            simulation.set(top.adc_acknowledge, 0)

    def _code(self, simulation: Any, column: int) -> int:
        top, sign = self._top, np.array([1, -1])
        tile = int(simulation.get(top.tile)).bit_length() - 1
        noise = self._noise[self._conversions % len(self._noise)]
        self._conversions += 1
        if not simulation.get(top.oe) >> tile & 1:
            return 0
        closed = top.config.geometry.from_words(top.arrays[tile].words(simulation))
        current = (closed * self._units[tile])[:, column].sum(axis=2) @ sign
        code = self._offset + noise + int(self.inputs @ current) // self._scale
        return min(max(code, 0), (1 << top.config.adc_bits) - 1)


def load_in_simulation(
    frame: bytes,
    geometry: ArrayGeometry,
    *,
    tile_id: int,
    max_cycles: int | None = None,
    timeout_cycles: int = TIMEOUT_CYCLES,
    top: XbarTop | None = None,
) -> LoadResult:
    """Send ``frame``, which may be damaged, to a simulated controller of tile ``tile_id``.

    Args:
        frame: Whole 32-bit words, little-endian.
        geometry: The array of the controller.
        tile_id: The controller's own id.
        max_cycles: Clocks after which the simulation is given up; by default more than any load takes.
        timeout_cycles: Clocks after which the controller gives up on a frame.
        top: The controller, if it is not the default one for ``geometry`` and ``timeout_cycles``.

    Raises:
        SimulationError: The load did not end in ``max_cycles``.
    """
    words = to_words(frame)
    most = max_cycles or _CYCLES_PER_WORD * (len(words) + 2 * frame_words(geometry)) + 2 * timeout_cycles
    if top is None:
        top = XbarTop(ControllerConfig(geometry=geometry, timeout_cycles=timeout_cycles))
    bench = Bench(top, max_cycles=most)
    driver = Driver(bench, top.config)
    code = FaultCode.NONE
    try:
        driver.load(frame, tile_id=tile_id)
    except ControllerFaultError as fault:
        code = fault.code
    return LoadResult(
        ready=bool(bench.get(top.programmed)),
        fault=bool(bench.get(top.fault)),
        fault_code=code,
        oe=bool(bench.get(top.oe)),
        cycles=bench.cycles,
        closed=bench.closed(),
        violations=tuple(bench.violations),
    )

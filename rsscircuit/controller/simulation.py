"""The controller in Amaranth's simulator: load a frame, watch every clock, read the latches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.sim import Simulator
from numpy.typing import NDArray

from rsscircuit.controller.bitstream import frame_words, to_words
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.loader import TIMEOUT_CYCLES
from rsscircuit.controller.top import XbarTop
from rsscircuit.errors import SimulationError

CLOCK_SECONDS = 1e-6
_CYCLES_PER_WORD = 8  # a load takes seven, if the host does not wait


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LoadResult:
    """How a load ended.

    Args:
        ready: The array is verified.
        fault: The loader refused the frame.
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
    """One simulated controller, with a monitor of its safety rules at every clock.

    Args:
        top: The controller.
        max_cycles: Clocks after which the simulation is given up.
    """

    def __init__(self, top: XbarTop, *, max_cycles: int) -> None:
        self.top = top
        self.max_cycles = max_cycles
        self.cycles = 0
        self.violations: list[str] = []

    def run(self, *stimuli: Callable[[Any], Awaitable[None]]) -> None:
        """Simulate until all ``stimuli``, coroutines over the simulator's context, have ended.

        Raises:
            SimulationError: They have not after ``max_cycles``.
        """
        simulator = Simulator(self.top)
        simulator.add_clock(CLOCK_SECONDS)
        simulator.add_process(self._monitor)
        for stimulus in stimuli:
            simulator.add_testbench(stimulus)
        simulator.run()

    async def send(self, simulation: Any, words: list[int]) -> None:
        """Offer ``words`` one after the other, each until it is taken."""
        simulation.set(self.top.stream_valid, 1)
        for word in words:
            simulation.set(self.top.stream_data, word)
            while not simulation.get(self.top.stream_ready):
                await simulation.tick()
            await simulation.tick()
        simulation.set(self.top.stream_valid, 0)

    async def settle(self, simulation: Any) -> None:
        """Wait until no load is under way."""
        while simulation.get(self.top.busy):
            await simulation.tick()

    async def _monitor(self, simulation: Any) -> None:
        """Note every broken rule; the samples are those that the flops see at the clock edge."""
        top, port = self.top, self.top.array.port
        watched = (top.oe, top.ready, top.fault, top.kill, port.we, port.row, port.word, port.wdata)
        before: tuple[int, ...] = (0,) * len(watched)
        async for _, _, *sample in simulation.tick().sample(*watched):
            self.violations += [f"clock {self.cycles}: {rule}" for rule in broken_rules(before, tuple(sample))]
            before = tuple(sample)
            self.cycles += 1
            if self.cycles > self.max_cycles:
                raise SimulationError(
                    "the load did not end",
                    where="controller",
                    got=f"{self.max_cycles} clocks",
                    remedy="raise max_cycles",
                )


def broken_rules(before: tuple[int, ...], now: tuple[int, ...]) -> list[str]:
    """The rules that two successive samples (oe, ready, fault, kill, we, row, word, wdata) break."""
    oe, ready, fault, kill, we, *pins = now
    was_oe, _, _, _, was_we, *old_pins = before
    rules = {
        "the switches are driven while a latch is written": oe and we,
        "no idle clock lies between driving and writing": (was_oe and we) or (was_we and oe),
        "the switches are driven before the array is verified": oe and not ready,
        "the switches are driven in a fault": oe and fault,
        "the switches are driven although killed": oe and kill,
        "a latch is written while READY": we and ready,
        "a latch is written in a fault": we and fault,
        "address or data change beside a write pulse": (we or was_we) and pins != old_pins,
        "a write pulse is longer than a clock": we and was_we,
    }
    return [rule for rule, broken in rules.items() if broken]


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
        top: The controller, if it is not the plain one for ``geometry`` and ``timeout_cycles``.

    Raises:
        SimulationError: The load did not end in ``max_cycles``.
    """
    words = to_words(frame)
    most = max_cycles or _CYCLES_PER_WORD * (len(words) + frame_words(geometry)) + timeout_cycles
    bench = Bench(top or XbarTop(geometry, timeout_cycles=timeout_cycles), max_cycles=most)
    results: list[LoadResult] = []

    async def stimulus(simulation: Any) -> None:
        simulation.set(bench.top.tile_id, tile_id)
        await bench.send(simulation, words)
        await simulation.tick()
        await bench.settle(simulation)
        await simulation.tick()
        results.append(_result(bench, simulation, geometry))

    bench.run(stimulus)
    return results[0]


def _result(bench: Bench, simulation: Any, geometry: ArrayGeometry) -> LoadResult:
    """What the pins and the latches say now."""
    top = bench.top
    return LoadResult(
        ready=bool(simulation.get(top.ready)),
        fault=bool(simulation.get(top.fault)),
        fault_code=FaultCode(simulation.get(top.fault_code)),
        oe=bool(simulation.get(top.oe)),
        cycles=bench.cycles,
        closed=geometry.from_words(top.array.words(simulation)),
        violations=tuple(bench.violations),
    )

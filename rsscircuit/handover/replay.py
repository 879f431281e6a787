"""Every pin of a simulated controller, clock by clock, and a bench that holds the Verilog to it.

Amaranth's simulator and a Verilog simulator then agree on each output in each clock, from the first clock behind a
reset, where an X counts as a difference. What is recorded: a refused frame, a load, inference, an edited cell, a kill
while the switches are driven, and a calibration; or, with fuses, their verification in the place of the load.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller.bitstream import MAGIC, frame_words, pack
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.driver import ControllerFaultError, Driver
from rsscircuit.controller.export import Port, ports
from rsscircuit.controller.latch_array import FuseArray, LatchArray
from rsscircuit.controller.simulation import Bench, Converters
from rsscircuit.controller.top import XbarTop
from rsscircuit.errors import SimulationError
from rsscircuit.handover.latency import Settings, calibration_clocks, inference_clocks
from rsscircuit.templates import render

CLOCK = "clk"
BENCH, VECTORS, FUSES = "tb_replay", "replay.hex", "fuses.hex"
RESET_CLOCKS = 4
SETTLED_CLOCKS = 2
_MOST_CYCLES = 20_000_000
_LARGEST_UNIT = 7
_STEP = 500
_CLOCKS_PER_WORD = {"axi4-lite": 9, "wishbone": 9, "spi": 460}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Recording:
    """The pins of a controller but its clock.

    Args:
        pins: In the order of their bits, the first one lowest.
        clocks: One number a clock: the inputs as the flops see them, and the outputs before the edge.
        fuses: What the memories inside that stand for fuses hold from the start, by their path; words a row are
            padded to a power of two.
    """

    pins: tuple[Port, ...]
    clocks: tuple[int, ...]
    fuses: dict[str, NDArray[np.uint32]]

    @property
    def width(self) -> int:
        """Bits of a clock."""
        return sum(pin.width for pin in self.pins)


def expected_clocks(config: ControllerConfig) -> int:
    """About how many clocks a recording takes."""
    geometry, settings = config.geometry, Settings()
    clocks = frame_words(geometry) * _CLOCKS_PER_WORD[config.bus]
    if config.calibration:
        one = {"measured_rows": 1, "measured_branches": 1}
        clocks += calibration_clocks(geometry.rows, geometry.words_per_row, 1, settings, **one)
    if config.inference:
        clocks += 2 * inference_clocks(geometry.rows, geometry.columns, settings)
    return clocks


class MacroModel:
    """The latches of one tile behind the pins of a controller that has none inside.

    Args:
        top: The controller.
        tile: Which of its tiles.
        fused: The words [rows, words_per_row] of fuses, which are there after a pulse of ``sense``.
    """

    def __init__(self, top: XbarTop, tile: int, fused: NDArray[np.uint32] | None = None) -> None:
        geometry = top.config.geometry
        self._top, self._tile, self._fused = top, tile, fused
        self._cells = np.zeros((geometry.rows, geometry.words_per_row), dtype=np.uint32)
        self._read = 0

    async def serve(self, simulation: Any) -> None:
        """Write during a pulse, read one clock behind ``re``."""
        top = self._top
        pins = [top.array_row, top.array_word, top.array_wdata, top.array_we, top.array_re]
        sense = [top.sense] if self._fused is not None else []
        async for _, _, row, word, data, we, re, *sensed in simulation.tick().sample(*pins, *sense):
            if any(sensed) and self._fused is not None:
                self._cells[:] = self._fused
            if we >> self._tile & 1:
                self._cells[row, word] = data
            if re >> self._tile & 1:
                simulation.set(top.array_rdata.word_select(self._tile, 32), int(self._cells[row, word]))

    def words(self, simulation: Any) -> NDArray[np.uint32]:
        """What the latches hold now."""
        return self._cells.copy()


def record(
    config: ControllerConfig, closed: NDArray[np.bool_], *, tile_id: int = 0, done: Callable[[int], None] | None = None
) -> Recording:
    """Simulate a controller whose first tile gets the switches ``closed``.

    Args:
        config: The controller.
        closed: Bool [rows, columns, 2, branches], as large as its array.
        tile_id: Of the frame.
        done: Told now and then how many clocks have passed since.

    Raises:
        SimulationError: The controller did not do what it was asked.
    """
    words = config.geometry.to_words(closed)
    fused = words if config.fuses else None
    inside: tuple[LatchArray, ...] = ()
    if config.fuses and config.array == "memory":
        inside = tuple(FuseArray(config.geometry, fused) for _ in range(config.tiles))
    top = XbarTop(config, arrays=inside)
    pins = tuple(port for port in ports(config) if port.name != CLOCK)
    recorder = _Recorder(top, pins, done)
    others: tuple[Any, ...] = (recorder.watch,)
    macros: tuple[Any, ...] = ()
    if config.array == "ports":
        macros = tuple(MacroModel(top, tile, fused) for tile in range(config.tiles))
        others += tuple(macro.serve for macro in macros)
    if config.measures:
        converters = _converters(top)
        others += (converters.present, converters.convert)
    bench = Bench(top, max_cycles=_MOST_CYCLES, others=others)
    top.arrays = top.arrays or macros  # what the converters' model reads; the macros are no part of the controller
    _run(bench, top, closed, words, tile_id)
    if bench.violations:
        raise SimulationError("the controller broke a rule", where="replay", got=bench.violations[0])
    padded = np.zeros((config.geometry.rows, 1 << config.geometry.word_width), dtype=np.uint32)
    padded[:, : words.shape[1]] = words
    fuses = {f"latch_array{number}.memory": padded for number in range(len(inside))}
    return Recording(pins=pins, clocks=tuple(recorder.clocks), fuses=fuses)


class _Recorder:
    """Notes every pin in every clock from the first one with the reset on."""

    def __init__(self, top: XbarTop, pins: tuple[Port, ...], done: Callable[[int], None] | None) -> None:
        self._top, self._pins, self._done = top, pins, done
        self.clocks: list[int] = []

    async def watch(self, simulation: Any) -> None:
        shifts, place = [], 0
        for pin in self._pins:
            shifts.append(place)
            place += pin.width
        began, reset = False, [pin.name for pin in self._pins].index("rst")
        signals = [getattr(self._top, pin.name) for pin in self._pins]
        async for _, _, *sample in simulation.tick().sample(*signals):
            began = began or bool(sample[reset])
            if began:
                self.clocks.append(sum(int(value) << shift for value, shift in zip(sample, shifts, strict=True)))
                if self._done and len(self.clocks) % _STEP == 0:
                    self._done(_STEP)


def _converters(top: XbarTop) -> Converters:
    """Converters around conductances of 1 to 7 units, scaled so that a code rarely saturates."""
    geometry, config = top.config.geometry, top.config
    shape = (config.tiles, geometry.rows, geometry.columns, 2, geometry.branches)
    units = np.arange(np.prod(shape), dtype=np.int64).reshape(shape) % _LARGEST_UNIT + 1
    largest = _LARGEST_UNIT * geometry.branches * ((1 << config.dac_bits) - 1) * max(1, geometry.rows // 4)
    middle = 1 << config.adc_bits - 1
    return Converters(top, units, scale=max(1, largest >> config.adc_bits - 1), offset=middle)


def _run(bench: Bench, top: XbarTop, closed: NDArray[np.bool_], words: NDArray[np.uint32], tile_id: int) -> None:
    """What is recorded."""
    config = top.config
    bench.set(top.rst, 1)
    bench.wait(RESET_CLOCKS)
    bench.set(top.rst, 0)
    bench.wait(RESET_CLOCKS)
    driver = Driver(bench, config)
    driver.write("IRQ_ENABLE", programmed=1, fault=1)
    if not config.fuses:
        _expect_fault(driver, lambda: driver.load((MAGIC ^ 1).to_bytes(4, "little"), tile_id=tile_id))
    _program(driver, closed, words, tile_id)
    driver.write("ADDRESS", row=config.geometry.rows - 1, column=config.geometry.words_per_row - 1)
    _expect(driver.read("LATCH"), int(words[-1, -1]))
    if config.inference:
        codes = np.arange(config.geometry.rows) * 37 + 11
        for vector in (codes, codes[::-1] * 3):
            driver.infer(vector % (1 << config.dac_bits))
    if config.editing:
        driver.set_switches(config.geometry.rows - 1, 0, ~closed[-1, 0])
    if config.weight_map:
        codes = np.arange(1 << config.weight_bits)[:, None] >> np.arange(config.switches_per_cell) % config.weight_bits
        driver.load_map(0, 0, (codes & 1).astype(bool))
        driver.set_weight(0, 0, int(codes[-1, 0]))
    bench.set(top.kill, 1)
    bench.wait(2)
    bench.set(top.kill, 0)
    bench.wait(RESET_CLOCKS)
    _expect(bench.get(top.oe), 0)
    _expect_fault(driver, driver.check)
    if config.calibration:
        driver.write("CAL_ROWS", first=0, last=0)
        driver.write("CAL_BRANCHES", first=0, last=0)
        driver.write("COLUMNS", first=0, last=0)
        driver.calibrate(2)
    bench.wait(RESET_CLOCKS)


def _program(driver: Driver, closed: NDArray[np.bool_], words: NDArray[np.uint32], tile_id: int) -> None:
    config = driver.config
    if config.fuses:
        driver.wait_for_fuses()
        driver.write("SELECT", tile=tile_id % config.tiles)
        driver.verify_fuses(zlib.crc32(words.astype("<u4").tobytes()))
    else:
        driver.load(pack(closed, config.geometry, tile_id), tile_id=tile_id)
    _expect(driver.get("STATUS", "programmed"), 1 << tile_id % config.tiles)
    driver.write("SELECT", tile=tile_id % config.tiles)


def _expect_fault(driver: Driver, act: Callable[[], None]) -> None:
    try:
        act()
    except ControllerFaultError:
        driver.clear()
    else:
        raise SimulationError("a fault was expected", where="replay")


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise SimulationError(f"{expected:#x} was expected", where="replay", got=f"{found:#x}")


def vectors(recording: Recording) -> str:
    """The recording for ``$readmemh``: a comment that names the bits, then one line a clock."""
    names, place = [], 0
    for pin in recording.pins:
        names.append(f"// [{place + pin.width - 1}:{place}] {pin.name}\n")
        place += pin.width
    digits = -(-recording.width // 4)
    return "".join(names) + "".join(f"{clock:0{digits}x}\n" for clock in recording.clocks)


def replay_bench(recording: Recording) -> str:
    """The bench that replays it."""
    declarations, connections, drives, checks, place = [], [], [], [], 0
    for pin in recording.pins:
        bits = f"[{place + pin.width - 1}:{place}]"
        declarations.append(f"  {'wire' if pin.is_output else 'reg'} [{pin.width - 1}:0] {pin.name};\n")
        connections.append(f"      .{pin.name}({pin.name})")
        if pin.is_output:
            checks.append(f'    check("{pin.name}", {pin.name} !== now{bits}, {pin.name}, now{bits});\n')
        else:
            drives.append(f"    {pin.name} = now{bits};\n")
        place += pin.width
    return render(
        f"handover/{BENCH}.sv",
        clocks=len(recording.clocks),
        settled=SETTLED_CLOCKS,
        width=recording.width,
        widest=max(pin.width for pin in recording.pins),
        fuses="".join(f'    $readmemh("bench/{FUSES}", dut.{path});\n' for path in recording.fuses),
        declarations="".join(declarations),
        connections=",\n".join(connections),
        drives="".join(drives),
        checks="".join(checks),
    )


def replay_files(recording: Recording) -> dict[str, str]:
    """Bench and vectors, in the folder of the benches."""
    files = {f"{BENCH}.sv": replay_bench(recording), VECTORS: vectors(recording)}
    for words in recording.fuses.values():
        files[FUSES] = "".join(f"{word:08x}\n" for word in words.ravel().tolist())
    return files

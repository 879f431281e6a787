"""Who may use the array, what is programmed, what is driven, and why nothing is."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.faults import FAULT_CODE_BITS, FaultCode

ENGINES = ("loader", "sequencer", "calibrator", "editor")
EngineControl = wiring.Signature({"start": Out(1), "busy": In(1), "done": In(1)})
"""One of the four that work on the array, seen from the arbiter."""


class Arbiter(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """Starts one engine at a time, and keeps the fault and the bits of programmed tiles.

    Each of ``load``, ``infer``, ``calibrate`` and ``edit`` starts its engine or is ``refused``, as are several at
    once; one vector may wait for the vector under way, and nothing else starts before it. A fault, a kill and
    ``clear`` end everything by ``abort``, and nothing stays programmed. Tiles are driven while they are programmed
    and nothing is written, and by the calibrator.

    Args:
        config: The controller.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "clear": In(1),
                "load": In(1),
                "infer": In(1),
                "calibrate": In(1),
                "edit": In(1),
                "refused": Out(1),
                "selected": In(config.select_width),
                "input_full": In(1),
                "cell_is_inside": In(1),
                "idle": Out(1),
                **{name: Out(EngineControl) for name in ENGINES},
                "loader_tile": In(config.select_width),
                "loader_writes": In(1),
                "calibrator_drives": In(1),
                "unexpected": In(1),
                "killed": In(1),
                "fail": In(FAULT_CODE_BITS),
                "failed": Out(FAULT_CODE_BITS),
                "fault": Out(FAULT_CODE_BITS),
                "abort": Out(1),
                "tile": Out(config.tiles),
                "programmed": Out(config.tiles),
                "verified": Out(1),
                "selected_is_programmed": Out(1),
                "wanted": Out(config.tiles),
            }
        )
        self._active = Signal(config.select_width, name="active")

    def elaborate(self, platform: Any) -> Any:
        """Faults first, then who starts, then what is programmed and driven."""
        m = Module()
        self._faults(m)
        self._starts(m)
        self._tiles(m)
        return m

    def _faults(self, m: Any) -> None:
        self._busy = Cat(getattr(self, name).busy for name in ENGINES).any()
        healthy = self.fault == FaultCode.NONE
        with m.If(healthy):
            m.d.comb += self.failed.eq(self.fail)
            with m.If(self.unexpected):
                m.d.comb += self.failed.eq(FaultCode.UNEXPECTED)
            with m.If(self.killed & (self._busy | self.programmed.any())):
                m.d.comb += self.failed.eq(FaultCode.KILLED)
        m.d.comb += self.abort.eq(self.clear | (self.failed != FaultCode.NONE))
        with m.If(self.failed != FaultCode.NONE):
            m.d.sync += self.fault.eq(self.failed)
        with m.If(self.clear):
            m.d.sync += self.fault.eq(FaultCode.NONE)
        self._may_start = healthy & ~self.killed  # what starts with an abort is ended by it

    def _starts(self, m: Any) -> None:
        idle, queued = self._may_start & ~self._busy, Signal(name="queued")
        commands = Cat(self.load, self.infer, self.calibrate, self.edit)
        single = (commands & (commands - 1)) == 0
        free = idle & ~queued & single  # a vector that waits goes first
        same = Const(1) if self._config.tiles == 1 else self.selected == self._active
        runs = self.sequencer.busy & same
        waits = self.input_full & self.selected_is_programmed & ~queued
        accepts = waits & single & self._may_start & (~self._busy | runs)
        m.d.comb += [
            self.loader.start.eq(self.load & free),
            self.calibrator.start.eq(self.calibrate & free & same),
            self.editor.start.eq(self.edit & free & same & self.selected_is_programmed & self.cell_is_inside),
            self.sequencer.start.eq(queued & idle),
            self.idle.eq(idle),
            self.refused.eq(
                (self.load & ~self.loader.start)
                | (self.calibrate & ~self.calibrator.start)
                | (self.edit & ~self.editor.start)
                | (self.infer & ~accepts)
            ),
        ]
        with m.If(self.sequencer.start | self.abort):
            m.d.sync += queued.eq(0)
        with m.Elif(self.infer & accepts):
            m.d.sync += queued.eq(1)
        self._starting = self.loader.start | self.calibrator.start | self.editor.start

    def _tiles(self, m: Any) -> None:
        tiles, active = self._config.tiles, self._active
        if tiles == 1:
            m.d.comb += [self.tile.eq(1), self.selected_is_programmed.eq(self.programmed)]
        else:
            m.d.comb += [
                self.tile.eq(1 << Mux(self.loader.busy, self.loader_tile, active)),
                self.selected_is_programmed.eq(self.programmed.bit_select(self.selected, 1)),
            ]
            with m.If(~self._busy):
                m.d.sync += active.eq(self.selected)
        clears = self.loader_writes | self.editor.start | self.calibrator.start
        m.d.comb += self.verified.eq((self.loader.done | self.editor.done) & ~self.abort)
        with m.If(self.abort):
            m.d.sync += self.programmed.eq(0)
        with m.Elif(self.verified):
            m.d.sync += self.programmed.eq(self.programmed | self.tile)
        with m.Elif(clears):
            m.d.sync += self.programmed.eq(self.programmed & ~self.tile)
        with m.If(~self.abort):
            with m.If(self.calibrator.busy):
                m.d.comb += self.wanted.eq(Mux(self.calibrator_drives, self.tile, 0))
            with m.Elif(~(self.loader.busy | self.editor.busy | self._starting)):
                m.d.comb += self.wanted.eq(self.programmed)

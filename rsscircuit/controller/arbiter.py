"""Who may use the array, what is programmed, what is driven, and why nothing is."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
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
    once; one vector may wait for the vector under way, and nothing else starts before it, nor while ``held`` is high.
    A fault, a kill and ``clear`` end everything by ``abort``, and nothing stays programmed. Tiles are driven while they
    are programmed and nothing is written, and by the calibrator. ``locked`` is high while anything works, waits to, or
    is ``held``.

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
                "locked": Out(1),
                **{name: Out(EngineControl) for name in ENGINES},
                "loader_tile": In(config.select_width),
                "loader_writes": In(1),
                "calibrator_drives": In(1),
                "unexpected": In(1),
                "killed": In(1),
                "held": In(1),
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
        self._starting = Cat(getattr(self, name).start for name in ENGINES)
        self._works = Cat(getattr(self, name).busy for name in ENGINES).any() | self._starting.any()
        healthy, kills = self.fault == FaultCode.NONE, Signal(name="kills")
        m.d.sync += kills.eq(self.killed & (self._works | self.programmed.any()))
        with m.If(healthy):
            m.d.comb += self.failed.eq(self.fail)
            with m.If(self.unexpected):
                m.d.comb += self.failed.eq(FaultCode.UNEXPECTED)
            with m.If(kills):
                m.d.comb += self.failed.eq(FaultCode.KILLED)
        m.d.comb += self.abort.eq(self.clear | (self.failed != FaultCode.NONE))
        with m.If(self.failed != FaultCode.NONE):
            m.d.sync += self.fault.eq(self.failed)
        with m.If(self.clear):
            m.d.sync += self.fault.eq(FaultCode.NONE)
        self._may_start = healthy & ~(self.killed | self.held)  # what starts with an abort is ended by it

    def _starts(self, m: Any) -> None:
        """A lone command is accepted when nothing runs, starts or waits, and starts its engine in the next clock."""
        queued, rests, free = Signal(name="queued"), Signal(), Signal()
        commands, single = Cat(self.load, self.infer, self.calibrate, self.edit), Signal()
        same = 1 if self._config.tiles == 1 else self.selected == self._active
        exists = 1 if self._config.tiles == 1 else self.selected < self._config.tiles
        runs = self.sequencer.busy & same
        accepted = {
            "loader": free & single & self.load,
            "sequencer": queued & rests,
            "calibrator": free & single & self.calibrate & exists,
            "editor": free & single & self.edit & self.selected_is_programmed & self.cell_is_inside,
        }
        others = self.calibrate | self.edit
        several = (self.load & (self.infer | others)) | (self.infer & others) | (self.calibrate & self.edit)
        begins = [accepted[name] for name in ("loader", "calibrator", "editor")]
        waits = self.input_full & self.selected_is_programmed & ~queued
        queues = waits & (rests | (self._may_start & runs)) & single
        m.d.comb += [
            single.eq(~several),
            rests.eq(self._may_start & ~self._works),
            free.eq(rests & ~queued),
            self.idle.eq(free),
            self.locked.eq(self._works | queued | self.held),
            self.refused.eq(commands.any() & ~Cat(begins, self.infer & queues).any()),
        ]
        m.d.sync += [getattr(self, name).start.eq(accepted[name]) for name in ENGINES]
        with m.If(accepted["sequencer"]):
            m.d.sync += queued.eq(0)
        with m.Elif(self.infer & queues):
            m.d.sync += queued.eq(1)
        with m.If(self.abort):
            m.d.sync += [self._starting.eq(0), queued.eq(0)]

    def _tiles(self, m: Any) -> None:
        tiles, active = self._config.tiles, self._active
        if tiles == 1:
            m.d.comb += [self.tile.eq(1), self.selected_is_programmed.eq(self.programmed)]
        else:
            m.d.comb += [
                self.tile.eq(1 << Mux(self.loader.busy, self.loader_tile, active)),
                self.selected_is_programmed.eq(self.programmed.bit_select(self.selected, 1)),
            ]
            with m.If(~self._works):
                m.d.sync += active.eq(self.selected)
        starting = self.loader.start | self.calibrator.start | self.editor.start
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
            with m.Elif(~(self.loader.busy | self.editor.busy | starting)):
                m.d.comb += self.wanted.eq(self.programmed)

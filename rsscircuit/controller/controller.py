"""All parts of the controller joined, between a register port and the pins of array and converters."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rsscircuit.controller.arbiter import Arbiter
from rsscircuit.controller.array_access import ArrayAccess
from rsscircuit.controller.buffers import InputBuffer, ResultBuffer
from rsscircuit.controller.calibrator import Calibrator
from rsscircuit.controller.capture import Capture
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.crc_unit import CrcUnit
from rsscircuit.controller.csr import RegisterPort, Registers
from rsscircuit.controller.dac_port import DacPort, dac_pins_signature
from rsscircuit.controller.editor import CellEditor
from rsscircuit.controller.faults import FaultCode
from rsscircuit.controller.fuses import FuseReader
from rsscircuit.controller.latch_array import macro_signature
from rsscircuit.controller.latch_reader import LatchReader
from rsscircuit.controller.loader import BitstreamLoader
from rsscircuit.controller.output_enable import OutputEnable
from rsscircuit.controller.registers import register_table
from rsscircuit.controller.row_counter import RowCounter
from rsscircuit.controller.row_writer import RowWriter
from rsscircuit.controller.sequencer import Sequencer
from rsscircuit.controller.sharing import share
from rsscircuit.controller.timer import Timer
from rsscircuit.controller.weight_map import WeightMap


class Controller(wiring.Component):  # type: ignore[misc]  # amaranth is untyped
    """The controller without its bus and its array.

    Args:
        config: What it is made with.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        ports: dict[str, Any] = {
            "bus": In(RegisterPort),
            "macro": Out(macro_signature(config.geometry, config.tiles)),
            "oe": Out(config.tiles),
            "tile": Out(config.tiles),
            "programmed": Out(config.tiles),
            "fault": Out(1),
            "irq": Out(1),
        }
        if config.fuses:
            ports |= {"sense": Out(1)}
        if config.measures:
            ports |= {
                "dac": Out(dac_pins_signature(config)),
                "adc_request": Out(1),
                "adc_column": Out(config.column_width),
                "adc_acknowledge": In(1),
                "adc_code": In(config.adc_bits),
            }
        super().__init__(ports)
        self.arbiter = Arbiter(config)
        self._access = ArrayAccess(config)
        self._registers = Registers(register_table(config))
        self._timers: list[Any] = [self._access.timer]
        self._crcs: list[Any] = []
        self._arrays: list[Any] = []
        self._rows: list[Any] = []
        self._counters: list[Any] = []
        self._dacs: list[Any] = []
        self._captures: list[Any] = []
        self._fails: list[Any] = []

    def elaborate(self, platform: Any) -> Any:
        """What every controller has, then what this one was asked for, then what they share."""
        m, config, arbiter = Module(), self._config, self.arbiter
        m.submodules.registers = self._registers
        m.submodules.arbiter = arbiter
        m.submodules.array_access = self._access
        wiring.connect(m, wiring.flipped(self.bus), self._registers.bus)
        wiring.connect(m, self._access.macro, wiring.flipped(self.macro))
        self._commands(m)
        self._status(m)
        self._outputs(m)
        self._add_latch_reader(m)
        if config.fuses:
            self._add_fuses(m)
        else:
            self._add_loader(m)
        if config.editing:
            self._add_editor(m)
        if config.inference:
            self._add_sequencer(m)
        if config.calibration:
            self._add_calibrator(m)
        if config.measures:
            self._add_capture(m)
        self._add_shared_units(m)
        return m

    def _commands(self, m: Any) -> None:
        """From the register CONTROL to the arbiter."""
        registers, arbiter = self._registers, self.arbiter
        m.d.sync += arbiter.clear.eq(registers.control_clear)
        m.d.comb += [
            arbiter.load.eq(registers.control_load),
            arbiter.selected.eq(registers.select_tile),
            registers.refused.eq(arbiter.refused),
            registers.locked.eq(arbiter.locked),
        ]

    def _status(self, m: Any) -> None:
        """From the arbiter to STATUS, FAULT, ERRORS and the events."""
        registers, arbiter = self._registers, self.arbiter
        counted = {
            "refused": (*range(FaultCode.MAGIC, FaultCode.LENGTH + 1), FaultCode.UNEXPECTED),
            "checksum": (FaultCode.CHECKSUM,),
            "read_back": (FaultCode.READ_BACK,),
            "timeout": (FaultCode.TIMEOUT, FaultCode.CONVERTER),
            "kill": (FaultCode.KILLED,),
        }
        failed = Signal.like(arbiter.failed)
        m.d.sync += failed.eq(arbiter.failed)
        with m.Switch(failed):
            for name, codes in counted.items():
                with m.Case(*codes):
                    m.d.comb += getattr(registers, f"errors_{name}").eq(1)
        m.d.comb += [
            registers.status_loading.eq(arbiter.loader.busy | arbiter.held),
            registers.status_inferring.eq(arbiter.sequencer.busy),
            registers.status_calibrating.eq(arbiter.calibrator.busy),
            registers.status_editing.eq(arbiter.editor.busy),
            registers.status_killed.eq(arbiter.killed),
            registers.status_programmed.eq(arbiter.programmed),
            registers.fault_code.eq(arbiter.fault),
            registers.irq_status_programmed.eq(arbiter.verified),
            registers.irq_status_fault.eq(arbiter.failed != FaultCode.NONE),
            registers.irq_status_refused.eq(self.bus.acknowledge & self.bus.error),
            self.irq.eq(registers.irq),
        ]

    def _outputs(self, m: Any) -> None:
        """What drives the switches, and on which tile."""
        arbiter, access, registers = self.arbiter, self._access, self._registers
        m.submodules.output_enable = enable = OutputEnable(self._config.tiles)
        m.d.comb += [
            enable.wanted.eq(arbiter.wanted),
            arbiter.killed.eq(enable.killed),
            self.oe.eq(enable.oe),
            self.tile.eq(arbiter.tile),
            self.programmed.eq(arbiter.programmed),
            self.fault.eq(arbiter.fault != FaultCode.NONE),
            access.tile.eq(arbiter.tile),
            access.row.eq(registers.address_row),
            access.abort.eq(arbiter.abort),
            access.host_word.eq(registers.data),
        ]

    def _add_latch_reader(self, m: Any) -> None:
        registers, arbiter = self._registers, self.arbiter
        m.submodules.latch_reader = reader = LatchReader(self._config)
        self._arrays.append(reader.array)
        m.d.comb += [
            reader.request.eq(registers.latch_request),
            reader.allowed.eq(arbiter.idle & arbiter.selected_is_programmed),
            reader.row.eq(registers.address_row),
            reader.word.eq(registers.address_column),
            registers.latch_ready.eq(reader.ready),
            registers.latch_refused.eq(reader.refused),
            registers.latch_word.eq(self._access.word),
        ]

    def _add_loader(self, m: Any) -> None:
        """A word of STREAM that no frame waits for is a fault; in a fault, words are swallowed."""
        registers, arbiter, access = self._registers, self.arbiter, self._access
        m.submodules.loader = loader = BitstreamLoader(self._config)
        self._join(m, loader, arbiter.loader)
        m.d.sync += arbiter.unexpected.eq(registers.stream_request & ~loader.listening)
        m.d.comb += [
            loader.stream.payload.eq(registers.data),
            loader.stream.valid.eq(registers.stream_request),
            loader.tile_id.eq(registers.tile_id_id),
            access.setup.eq(registers.timing_setup),
            access.pulse.eq(registers.timing_pulse),
            access.hold.eq(registers.timing_hold),
            registers.stream_ready.eq(loader.stream.ready | ~loader.listening),
            arbiter.loader_tile.eq(loader.tile),
            arbiter.loader_writes.eq(loader.array.write),
        ]
        self._use(loader)

    def _add_fuses(self, m: Any) -> None:
        """In the place of the loader; nothing starts while the fuses are sensed."""
        registers, arbiter = self._registers, self.arbiter
        m.submodules.fuses = fuses = FuseReader(self._config)
        self._join(m, fuses, arbiter.loader)
        m.d.comb += [
            fuses.killed.eq(arbiter.killed),
            arbiter.held.eq(fuses.sensing),
            fuses.expected.eq(registers.fuse_crc_crc),
            arbiter.loader_tile.eq(registers.select_tile),
            self.sense.eq(fuses.sense),
        ]
        self._use(fuses)

    def _add_editor(self, m: Any) -> None:
        """CONTROL.edit, with the subset of the registers or of the weight map."""
        config, registers, arbiter = self._config, self._registers, self.arbiter
        m.submodules.editor = editor = CellEditor(config)
        row, column = registers.address_row, registers.address_column
        subset = Cat(getattr(registers, f"subset{place}_closed") for place in range(config.subset_words))
        inside = (row < config.geometry.rows) & (column < config.geometry.columns)
        m.d.comb += [
            editor.column.eq(column),
            editor.keep_plus.eq(registers.address_keep_plus),
            editor.keep_minus.eq(registers.address_keep_minus),
            editor.old.eq(self._access.word[0]),
            arbiter.cell_is_inside.eq(inside),
        ]
        self._join(m, editor, arbiter.editor)
        self._rows.append(editor.rows)
        self._crcs.append(editor.crc)
        self._fails.append(editor.fail)
        if config.weight_map:
            self._add_weight_map(m, editor, subset)
        else:
            m.d.comb += [arbiter.edit.eq(registers.control_edit), editor.subset.eq(subset)]

    def _add_weight_map(self, m: Any, editor: Any, subset: Any) -> None:
        """CONTROL.weight looks the subset up, and then edits."""
        registers, arbiter = self._registers, self.arbiter
        cell = Cat(registers.select_tile, registers.address_row, registers.address_column)
        m.submodules.weight_map = weights = WeightMap(self._config, len(cell))
        from_map = Signal()
        with m.If(~(arbiter.editor.start | arbiter.editor.busy)):
            m.d.sync += from_map.eq(registers.control_weight)
        m.d.comb += [
            weights.push.eq(registers.map_request & ~registers.map_refused),
            weights.data.eq(registers.data),
            weights.cell.eq(cell),
            weights.weight.eq(registers.weight_code),
            weights.clear.eq(arbiter.clear),
            weights.abort.eq(arbiter.abort),
            weights.start.eq(arbiter.editor.start & from_map),
            registers.map_ready.eq(1),
            registers.map_refused.eq(arbiter.editor.busy),
            registers.status_map_whole.eq(weights.whole),
            arbiter.edit.eq(registers.control_edit | (registers.control_weight & weights.usable)),
            registers.refused.eq(arbiter.refused | (registers.control_weight & ~weights.usable)),
            editor.start.eq((arbiter.editor.start & ~from_map) | weights.ready),
            arbiter.editor.busy.eq(editor.busy | weights.busy),
            editor.subset.eq(Mux(from_map, weights.subset, subset)),
        ]

    def _add_sequencer(self, m: Any) -> None:
        config, registers, arbiter = self._config, self._registers, self.arbiter
        m.submodules.sequencer = sequencer = Sequencer(config)
        self._inputs = m.submodules.inputs = inputs = InputBuffer(config.geometry.rows, config.dac_bits)
        m.d.comb += [
            arbiter.infer.eq(registers.control_infer),
            arbiter.input_full.eq(inputs.full),
            inputs.push.eq(registers.input_request),
            inputs.data.eq(registers.data),
            inputs.swap.eq(arbiter.sequencer.start),
            inputs.clear.eq(arbiter.abort),
            sequencer.code.eq(inputs.code),
            registers.input_ready.eq(1),
            registers.input_refused.eq(inputs.full),
            registers.status_input_full.eq(inputs.full),
        ]
        self._join(m, sequencer, arbiter.sequencer)
        self._counters.append(sequencer.rows)
        self._dacs.append(sequencer.dac)
        self._captures.append(sequencer.capture)

    def _add_calibrator(self, m: Any) -> None:
        registers, arbiter = self._registers, self.arbiter
        m.submodules.calibrator = calibrator = Calibrator(self._config)
        m.d.comb += [
            arbiter.calibrate.eq(registers.control_calibrate),
            arbiter.calibrator_drives.eq(calibrator.drive),
            calibrator.last_row.eq(registers.cal_rows_last),
            calibrator.first_branch.eq(registers.cal_branches_first),
            calibrator.last_branch.eq(registers.cal_branches_last),
            calibrator.input_code.eq(registers.cal_code_code),
            registers.irq_status_calibrated.eq(calibrator.done & ~arbiter.abort),
        ]
        self._join(m, calibrator, arbiter.calibrator)
        self._counters.append(calibrator.counter)
        self._dacs.append(calibrator.dac)
        self._captures.append(calibrator.capture)
        self._rows.append(calibrator.rows)

    def _add_capture(self, m: Any) -> None:
        """The converters, and the results on their way to the host."""
        config, registers, arbiter = self._config, self._registers, self.arbiter
        m.submodules.row_counter = counter = RowCounter(config.geometry)
        m.submodules.dac_port = dac = DacPort(config)
        m.submodules.capture = capture = Capture(config)
        m.submodules.results = results = ResultBuffer(config.geometry.columns, config.code_width)
        wiring.connect(m, dac.pins, wiring.flipped(self.dac))
        share(m, counter.client, self._counters)
        share(m, dac.client, self._dacs)
        if config.inference:
            m.d.comb += self._inputs.row.eq(counter.client.row)
        if config.calibration:
            m.d.comb += counter.first.eq(registers.cal_rows_first)
            with m.If(arbiter.calibrator.busy):
                m.d.comb += self._access.row.eq(counter.client.row)
        share(m, capture.client, self._captures)
        m.d.comb += [
            dac.row.eq(counter.client.row),
            capture.abort.eq(arbiter.abort),
            capture.settle.eq(registers.settle_clocks),
            capture.conversions.eq(registers.averages_conversions),
            capture.first.eq(registers.columns_first),
            capture.last.eq(registers.columns_last),
            capture.adc_acknowledge.eq(self.adc_acknowledge),
            capture.adc_code.eq(self.adc_code),
            self.adc_request.eq(capture.adc_request),
            self.adc_column.eq(capture.adc_column),
            results.push.eq(capture.push),
            results.data.eq(capture.sum),
            results.ends.eq(capture.ends),
            results.commit.eq(capture.commit),
            capture.committed.eq(results.done),
            results.clear.eq(arbiter.abort),
            results.pop.eq(registers.result_request),
            registers.result_ready.eq(results.ready),
            registers.result_code.eq(results.code),
            registers.result_valid.eq(results.valid),
            registers.status_result_valid.eq(results.valid),
            registers.irq_status_result.eq(results.done),
        ]
        self._timers.append(capture.timer)
        self._fails.append(capture.fail)

    def _add_shared_units(self, m: Any) -> None:
        """One timer, one CRC, one way through a row, one way to the latches."""
        m.submodules.timer = timer = Timer(self._config.timeout_cycles)
        m.submodules.crc_unit = crc_unit = CrcUnit()
        if self._rows:
            m.submodules.row_writer = writer = RowWriter(self._config)
            share(m, writer.client, self._rows)
            m.d.comb += writer.abort.eq(self.arbiter.abort)
            self._arrays.append(writer.array)
            self._crcs.append(writer.crc)
        share(m, timer.client, self._timers)
        share(m, crc_unit.client, self._crcs)
        share(m, self._access.client, self._arrays)
        m.d.comb += [
            crc_unit.word.eq(self._access.word),
            crc_unit.first.eq(self._access.fetched),
            self.arbiter.fail.eq(reduce(or_, self._fails)),
        ]

    def _join(self, m: Any, engine: Any, control: Any) -> None:
        """An engine's side of its start and end; a part in between may drive ``start`` and ``busy`` instead."""
        m.d.comb += [
            engine.abort.eq(self.arbiter.abort),
            engine.start.eq(control.start),
            control.busy.eq(engine.busy),
            control.done.eq(engine.done),
        ]

    def _use(self, engine: Any) -> None:
        """The units that what verifies a whole tile needs."""
        self._arrays.append(engine.array)
        self._crcs.append(engine.crc)
        self._timers.append(engine.timer)
        self._fails.append(engine.fail)

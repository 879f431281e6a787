"""For each property a small mistake in the controller that breaks it, and the host that brings it to light."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

from formal_bench import FUSED, TINY, Host

from rsscircuit.controller import (
    arbiter,
    array_access,
    buffers,
    calibrator,
    capture,
    controller,
    csr,
    fuses,
    latch_array,
    latch_reader,
    loader,
    sequencer,
    top,
)
from rsscircuit.controller.bus import axi4_lite, spi, wishbone
from rsscircuit.controller.config import ControllerConfig
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.controller.proofs import PROPERTIES

TWO = replace(TINY, tiles=2)
TWO_FUSED = replace(FUSED, tiles=2)
BROAD_FUSED = replace(FUSED, geometry=ArrayGeometry(2, 2, 1))
BROAD = replace(TINY, geometry=ArrayGeometry(2, 2, 1))


def load(config=TINY):
    return Host(config).load().wait(16)


def verify(config=FUSED):
    return Host(config).verify().wait(16)


def start(config):
    """Whatever makes the tile programmed."""
    return verify(config) if config.fuses else load(config)


def edit():
    host = load().write("ADDRESS", row=1).read("LATCH").write("SUBSET0", closed=2)
    return host.write("CONTROL", edit=1).wait(45)


def infer(vectors=1, codes=2, last=0, config=TINY):
    host = start(config).write("COLUMNS", last=last).write("SETTLE", clocks=1)
    for _ in range(vectors):
        for code in range(codes):
            host.write("INPUT", code=code)
        host.write("CONTROL", infer=1).wait(12)
    return host


def infer_twice(config=TINY):
    """The second vector waits for the first."""
    host = start(config).write("SETTLE", clocks=60)
    for _ in range(2):
        host.write("INPUT", code=1).write("INPUT", code=2).write("CONTROL", infer=1)
    return host.wait(30)


def calibrate(config=TINY, tile=0):
    return Host(config).write("SELECT", tile=tile).write("SETTLE", clocks=1).write("CONTROL", calibrate=1).wait(50)


def calibrate_the_other():
    host = load(TWO)
    host.steps += calibrate(TWO, 1).steps
    return host


def slow():
    """A load with long write pulses."""
    return Host().write("TIMING", setup=1, pulse=200, hold=1).load().wait(40)


def refused():
    """Settings that name what does not exist, and one in the middle of a load."""
    return Host().write("CAL_ROWS", first=1).load(4).write("SETTLE", clocks=5)


def both(**commands):
    return load().write("CONTROL", **commands).wait(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """Edits (module, old, new), and the scenario in which the property fails."""

    edits: tuple
    host: Host
    kill_at: int = -1
    config: ControllerConfig = TINY


def _mutant(module, old, new, host, **more):
    return Mutant(edits=((module, old, new),), host=host, **more)


_WANTED = "with m.Elif(~(self.loader.busy | self.editor.busy | starting)):"
_LONE = "single.eq(~several)"
_CLEARS = "clears = self.loader_writes | self.editor.start | self.calibrator.start"
_ABORTS = "with m.If(self.abort):\n            m.d.sync += self.programmed.eq(0)"
_STARTS = "start.eq(accepted[name]) for name in ENGINES"
_TAKEN = 'with m.If(accepted["sequencer"]):'
_WRITTEN = "pins.bvalid.eq(1),\n                    state.eq(_State.RESPOND)"
_READ = "pins.rvalid.eq(1),\n                    state.eq(_State.RESPOND)"

_keeps_driving = _mutant(arbiter, _ABORTS, _ABORTS.replace("abort", "clear"), load().write("STREAM", word=0).wait(4))
_drives_while_closing = _mutant(calibrator, "drive.eq(reading)", "drive.eq(reading | closing)", calibrate())
_goes_on_after_abort = _mutant(array_access, "m.d.sync += steps.eq(0)", "pass", slow(), kill_at=8)
_answers_once = _mutant(
    axi4_lite, "m.If((pins.bvalid & pins.bready) | (pins.rvalid & pins.rready))", "m.If(1)", Host().load().read("ID")
)
_always_ready = _mutant(axi4_lite, "[pins.awready.eq(0), pins.wready.eq(0),", "[pins.wready.eq(0),", Host().load())

MUTANTS = {
    "p_no_drive_while_loading": _mutant(
        arbiter, _WANTED, "with m.Elif(~(self.editor.busy | starting)):", load().load()
    ),
    "p_no_drive_while_editing": Mutant(
        edits=(
            (arbiter, _WANTED, "with m.Elif(~(self.loader.busy | starting)):"),
            (arbiter, _CLEARS, "clears = self.loader_writes | self.calibrator.start"),
        ),
        host=edit(),
    ),
    "p_no_drive_in_fault": _keeps_driving,
    "p_no_drive_when_killed": _mutant(
        top, "drive.rst.eq(self.kill | self.rst)", "drive.rst.eq(self.rst)", load().wait(4), kill_at=26
    ),
    "p_no_drive_while_writing": _drives_while_closing,
    "p_clock_between_drive_and_write": _drives_while_closing,
    "p_drive_only_verified": _mutant(
        arbiter, "self.wanted.eq(self.programmed)", "self.wanted.eq(self.tile)", Host().wait(4)
    ),
    "p_calibration_drives_its_tile": _mutant(
        arbiter,
        "Mux(self.calibrator_drives, self.tile, 0)",
        "Mux(self.calibrator_drives, self.programmed, 0)",
        calibrate_the_other(),
        config=TWO,
    ),
    "p_calibration_drives_to_read": _drives_while_closing,
    "p_calibration_clears": _mutant(
        arbiter, _CLEARS, "clears = self.loader_writes | self.editor.start", both(calibrate=1)
    ),
    "p_fault_clears": _keeps_driving,
    "p_editing_clears": _mutant(arbiter, _CLEARS, "clears = self.loader_writes | self.calibrator.start", edit()),
    "p_loading_clears": _mutant(arbiter, _CLEARS, "clears = self.editor.start | self.calibrator.start", load().load()),
    "p_only_verified": _mutant(arbiter, "(self.loader.done | self", "(self.loader.start | self", load()),
    "p_abort_clears": _keeps_driving,
    "p_one_owner": _mutant(arbiter, _LONE, "single.eq(1)", both(load=1, edit=1)),
    "p_one_command": _mutant(
        latch_reader, "array.word.eq(self.word)]", "array.word.eq(self.word), array.read.eq(1)]", edit()
    ),
    "p_one_timer": _mutant(
        loader,
        "timer.asks.eq(awaiting & ~valid)",
        "timer.asks.eq(absorbing | (awaiting & ~valid))",
        load(),
    ),
    "p_one_row_user": _mutant(arbiter, _LONE, "single.eq(1)", both(calibrate=1, edit=1)),
    "p_one_word_line": _mutant(
        array_access,
        "macro.we.eq(Mux(setting, self.tile, 0))",
        "macro.we.eq(Mux(setting, 3, 0))",
        load(TWO),
        config=TWO,
    ),
    "p_address_rests": _mutant(
        array_access, "holding.eq(pulsing),", "holding.eq(pulsing), macro.row.eq(macro.row ^ pulsing),", load()
    ),
    "p_write_has_reason": _goes_on_after_abort,
    "p_no_write_in_fault": _goes_on_after_abort,
    "p_command_begins": _mutant(arbiter, _STARTS, f"{_STARTS}[1:]", load()),
    "p_start_is_taken": _mutant(sequencer, "fetching.eq(begins |", "fetching.eq((begins & 0) |", infer()),
    "p_vector_waits": _mutant(arbiter, _TAKEN, "with m.If(queued):", infer_twice()),
    "p_latch_is_as_accepted": Mutant(
        edits=(
            (array_access, "self.macro.wdata.eq(self.word)", "self.macro.wdata.eq(self.word ^ 1)"),
            (
                array_access,
                "self.fetched.eq(Mux(self._arriving, fetched, 0))",
                "self.fetched.eq(Mux(self._arriving, fetched ^ 1, 0))",
            ),
        ),
        host=load(),
    ),
    "p_word_comes_in_time": _mutant(
        loader, "awaiting & timer.late", "awaiting & timer.late & 0", Host().load(3).wait(20)
    ),
    "p_word_is_taken_in_time": _mutant(
        array_access,
        "written.eq(holding),",
        "written.eq(holding & 0),",
        Host().load(6).wait(250),
    ),
    "p_word_is_read_in_time": _mutant(
        array_access, "self._fetch.eq(arriving),", "self._fetch.eq(arriving & 0),", load()
    ),
    "p_frame_ends": _mutant(
        loader,
        "with m.Elif(written & array.array_ends):",
        "with m.Elif(written & array.array_ends & 0):",
        Host().load().load(),
    ),
    "p_read_back_ends": _mutant(loader, "final.eq(array.array_ends)", "final.eq(0)", load()),
    "p_memory_keeps": _mutant(latch_array, "self.stored(self.port.wdata)", "self.stored(self.port.wdata) ^ 1", load()),
    "p_settings_rest": _mutant(
        csr, "refuses.append(self.locked)", "refuses.append(0)", Host().load(4).write("SETTLE", clocks=5).wait(2)
    ),
    "p_settings_exist": _mutant(csr, "refuses.append(self._disordered)", "pass", Host().write("CAL_ROWS", first=1)),
    "p_no_input_overflow": _mutant(
        buffers, "[place.eq(0), self.full.eq(1)]", "[place.eq(0), self.full.eq(0)]", infer(codes=4)
    ),
    "p_swap_only_whole": _mutant(arbiter, "waits = self.input_full & self", "waits = self", infer(codes=1)),
    "p_no_result_overflow": _mutant(
        capture,
        "self.ends.eq(self.adc_column == self.last)",
        "self.ends.eq((self.adc_column == self.last) & 0)",
        infer().wait(20),
    ),
    "p_results_are_read_first": _mutant(
        buffers, "self.done.eq(self.commit & ~self.valid)", "self.done.eq(self.commit)", infer(vectors=2)
    ),
    "p_one_result_a_column": _mutant(
        capture,
        "self.ends.eq(self.adc_column == self.last)",
        "self.ends.eq(self.adc_column <= self.last)",
        infer(last=1, config=BROAD),
        config=BROAD,
    ),
    "p_b_stays": _answers_once,
    "p_r_stays": _answers_once,
    "p_b_after_request": _mutant(axi4_lite, _READ, _READ.replace("rvalid", "bvalid"), Host().wait(2)),
    "p_r_after_request": _mutant(axi4_lite, _WRITTEN, _WRITTEN.replace("bvalid", "rvalid"), Host().load()),
    "p_one_write": _mutant(axi4_lite, _WRITTEN, "state.eq(_State.IDLE)", Host().load(2)),
    "p_one_read": _mutant(axi4_lite, _READ, "state.eq(_State.IDLE)", Host().wait(3)),
    "p_b_after_the_write": _mutant(
        axi4_lite, "m.Case(_State.WRITE), m.If(registers.acknowledge)", "m.Case(_State.WRITE), m.If(1)", slow()
    ),
    "p_r_after_the_read": _mutant(
        axi4_lite, "m.Case(_State.READ), m.If(registers.acknowledge)", "m.Case(_State.READ), m.If(1)", edit()
    ),
    "p_response_is_legal": _mutant(axi4_lite, "_SLVERR = 0b00, 0b10", "_SLVERR = 0b00, 0b01", Host().write("ID")),
    "p_ready_for_valid": _always_ready,
}


def _fused(name, host, **more):
    """The mutant of the controller that loads, in the one with fuses."""
    return replace(MUTANTS[name], **({"host": host, "config": FUSED} | more))


def _fused_mutant(module, old, new, host, **more):
    return _mutant(module, old, new, host, **({"config": FUSED} | more))


_VERIFIES = verify().verify().wait(16)  # the second time while the tile is driven
_LATE = replace(FUSED, sense_cycles=40)  # the host's commands come earlier

FUSE_MUTANTS = {
    "p_no_drive_while_loading": _fused("p_no_drive_while_loading", _VERIFIES),
    "p_no_drive_while_sensing": _fused_mutant(
        arbiter, "self.wanted.eq(self.programmed)", "self.wanted.eq(self.tile)", Host(FUSED).wait(4)
    ),
    "p_no_drive_in_fault": _fused("p_no_drive_in_fault", verify().verify(0).wait(16)),
    "p_no_drive_when_killed": _fused("p_no_drive_when_killed", verify(), kill_at=20),
    "p_drive_only_verified": _fused("p_drive_only_verified", Host(FUSED).wait(8)),
    "p_fault_clears": _fused("p_fault_clears", verify().verify(0).wait(16)),
    "p_only_verified": _fused_mutant(
        fuses,
        "self.crc.register == ~self.expected",
        "self.crc.register != self.expected",
        Host(FUSED).verify(0).wait(16),
    ),
    "p_abort_clears": _fused("p_abort_clears", verify().verify(0).wait(16)),
    "p_one_owner": _fused_mutant(
        arbiter,
        "self.idle.eq(free)",
        "self.idle.eq(1)",
        verify().write("CONTROL", load=1).read("LATCH").wait(8),
    ),
    "p_one_command": _fused_mutant(
        latch_reader, "array.word.eq(self.word)]", "array.word.eq(self.word), array.read.eq(1)]", verify().read("LATCH")
    ),
    "p_one_timer": _fused_mutant(
        fuses,
        "[self.sensing.eq(",
        "[timer.waits.eq(state == _State.IDLE), self.sensing.eq(",
        infer(config=FUSED),
    ),
    "p_one_word_line": _fused_mutant(
        array_access,
        "~client.write, self.tile, 0))",
        "~client.write, 3, 0))",
        verify(TWO_FUSED),
        config=TWO_FUSED,
    ),
    "p_command_begins": _fused("p_command_begins", verify()),
    "p_start_is_taken": _fused_mutant(
        controller, "arbiter.held.eq(fuses.sensing)", "arbiter.held.eq(0)", Host(_LATE).verify().wait(16), config=_LATE
    ),
    "p_vector_waits": _fused("p_vector_waits", infer_twice(FUSED)),
    "p_sense_ends": _fused_mutant(fuses, "[self.sense.eq(0), state", "[state", Host(FUSED).wait(8)),
    "p_sense_is_whole": _fused_mutant(fuses, "with m.If(timer.reached):", "with m.If(1):", Host(FUSED).wait(8)),
    "p_sensed_in_time": _fused_mutant(fuses, "with m.If(timer.reached):", "with m.If(0):", Host(FUSED).wait(8)),
    "p_no_read_while_sensing": _fused_mutant(
        fuses,
        "m.d.comb += [timer.waits.eq(1),",
        "m.d.comb += [self.array.read.eq(1), timer.waits.eq(1),",
        Host(FUSED).wait(8),
    ),
    "p_never_written": _fused_mutant(
        fuses,
        "m.d.comb += self.array.read.eq(1)",
        "m.d.comb += [self.array.read.eq(1), self.array.write.eq(1)]",
        verify(),
    ),
    "p_every_word_is_read": _fused_mutant(
        fuses,
        "with m.If(self.array.array_ends):",
        "with m.If(1):",
        Host(FUSED).verify(zlib.crc32(b"\x03\x00\x00\x00")).wait(16),  # of the first word alone
    ),
    "p_checked_as_read": _fused_mutant(
        array_access,
        "self.fetched.eq(Mux(self._arriving, fetched, 0))",
        "self.fetched.eq(Mux(self._arriving, fetched ^ 1, 0))",
        verify(),
    ),
    "p_verification_ends": _fused_mutant(fuses, "with m.If(self.array.array_ends):", "with m.If(0):", verify()),
    "p_settings_rest": _fused("p_settings_rest", verify().write("CONTROL", load=1).write("FUSE_CRC", crc=5)),
    "p_settings_exist": _fused(
        "p_settings_exist", Host(BROAD_FUSED).wait(8).write("COLUMNS", first=1), config=BROAD_FUSED
    ),
    "p_no_input_overflow": _fused("p_no_input_overflow", infer(codes=4, config=FUSED)),
    "p_swap_only_whole": _fused("p_swap_only_whole", infer(codes=1, config=FUSED)),
    "p_no_result_overflow": _fused("p_no_result_overflow", infer(config=FUSED).wait(20)),
    "p_results_are_read_first": _fused("p_results_are_read_first", infer(vectors=2, config=FUSED)),
    "p_one_result_a_column": _fused("p_one_result_a_column", infer(last=1, config=BROAD_FUSED), config=BROAD_FUSED),
    **{
        name: replace(mutant, config=FUSED, host=verify().write("ID").read("ID"))
        for name, mutant in MUTANTS.items()
        if PROPERTIES[name].proof == "axi"
    },
}
"""Of the controller with fuses, for each property whose cover it reaches."""

_WISHBONE, _SPI = replace(TINY, bus="wishbone"), replace(TINY, bus="spi")
BUS_MUTANTS = {
    "p_ack_or_err": (_WISHBONE, 12, (wishbone, "pins.ack_o.eq(~registers.error)", "pins.ack_o.eq(1)")),
    "p_answer_after_access": (
        _WISHBONE,
        12,
        (wishbone, "with m.If(registers.acknowledge):", "with m.If(1):"),
    ),
    "p_answer_lasts_a_clock": (
        _WISHBONE,
        12,
        (wishbone, "m.d.sync += [pins.ack_o.eq(0), pins.err_o.eq(0)]", "m.d.sync += pins.err_o.eq(0)"),
    ),
    "p_spi_one_access": (_SPI, 30, (spi, "registers.write.eq(begin_write)", "registers.write.eq(begin_read)")),
    "p_spi_access_is_held": (
        _SPI,
        0,
        (spi, "m.d.sync += moved.eq(arrived)", "m.d.sync += [moved.eq(arrived), registers.write_data.eq(arrived)]"),
    ),
    "p_spi_write_is_whole": (_SPI, 30, (spi, "(place == _DATA_ENDS)", "(place == _COMMAND_ENDS + 1)")),
    "p_spi_read_has_address": (
        _SPI,
        30,
        (spi, "(place == _COMMAND_ENDS) & ~arrived", "(place == _COMMAND_ENDS - 2) & ~arrived"),
    ),
    "p_spi_silent": (_SPI, 12, (spi, "pins.miso.eq(outgoing[-1])", "pins.miso.eq(outgoing[-1] | cs_n)")),
}
"""Bus, clocks from the reset within which the solver finds the failure, and the edit.

No clocks: only a load that waits holds an access up, too deep for the solver, and it is the induction that fails.
"""

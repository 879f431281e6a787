"""The safety of the emitted controller as proofs by k-induction, which its user can run again.

The properties (``templates/controller/formal_properties.sv``) are a module around the emitted file: what is proved
is that file, at its full size. Yosys, which flattens the hierarchy, joins the signals that are looked at by name;
SymbiYosys (``sby``) hands the result to an SMT solver. Every property has a cover, and in the tests a mutant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from rsscircuit.controller import array_access, calibrator, editor, fuses, latch_reader, loader, row_writer, sequencer
from rsscircuit.controller.bitstream import HEADER_WORDS, frame_words
from rsscircuit.controller.bus import axi4_lite
from rsscircuit.controller.config import TIMING_BITS, ControllerConfig, as_config
from rsscircuit.controller.csr import port_name
from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry
from rsscircuit.controller.registers import Register, register_table
from rsscircuit.templates import render

FOLDER = "formal"
MODULE = "xbar_properties"
DEPTH = 3
COVER_DEPTH = 12
_TOP = "xbar_top"
_LONGEST_WRITE = 3 * ((1 << TIMING_BITS) - 1) + 2  # the first clock, then setup, pulse and hold, and the last clock
_BUS_PROOFS = {"axi4-lite": "axi", "wishbone": "wishbone", "spi": "spi"}
_MEMORY = r'setparam -set MEMID "\u.latch_array0.memory" r:MEMID=\memory_of_tile'
_STATES: dict[str, type[IntEnum]] = {
    "EDITOR": editor._State,
    "READER": latch_reader._State,
    "BUS": axi4_lite._State,
    "FUSES": fuses._State,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """What is proved, under the name of its assertion.

    Args:
        proof: The task of the ``.sby`` file.
        claim: What never happens, or always holds.
        cover: The cover that shows that its situation is reached.
    """

    proof: str
    claim: str
    cover: str


PROPERTIES = {
    "p_no_drive_while_loading": Property(
        proof="drive", claim="no array is driven during a load, or while its fuses are verified", cover="c_reading"
    ),
    "p_no_drive_while_editing": Property(
        proof="drive", claim="no array is driven while a cell is edited", cover="c_editing"
    ),
    "p_no_drive_while_sensing": Property(
        proof="drive", claim="no array is driven before its fuses are sensed", cover="c_sensing"
    ),
    "p_no_drive_in_fault": Property(proof="drive", claim="no array is driven in a fault", cover="c_released"),
    "p_no_drive_when_killed": Property(
        proof="drive", claim="no array is driven under the kill or reset pin", cover="c_released"
    ),
    "p_no_drive_while_writing": Property(
        proof="drive", claim="no array is driven while a latch is written", cover="c_loading"
    ),
    "p_clock_between_drive_and_write": Property(
        proof="drive", claim="a clock lies between driving and writing", cover="c_calibration_ends"
    ),
    "p_drive_only_verified": Property(
        proof="drive", claim="but for calibration, only verified tiles are driven", cover="c_driving"
    ),
    "p_calibration_drives_its_tile": Property(
        proof="drive", claim="calibration drives no other tile", cover="c_calibration_drives"
    ),
    "p_calibration_drives_to_read": Property(
        proof="drive", claim="calibration drives only while it reads", cover="c_calibration_drives"
    ),
    "p_calibration_clears": Property(
        proof="programmed", claim="a tile under calibration is not programmed", cover="c_calibration_writes"
    ),
    "p_fault_clears": Property(proof="programmed", claim="nothing is programmed in a fault", cover="c_released"),
    "p_editing_clears": Property(proof="programmed", claim="a tile under editing is not programmed", cover="c_editing"),
    "p_loading_clears": Property(
        proof="programmed", claim="a tile that a load writes is not programmed", cover="c_loading"
    ),
    "p_only_verified": Property(
        proof="programmed", claim="a tile becomes programmed only when its read-back matched, alone", cover="c_verified"
    ),
    "p_abort_clears": Property(
        proof="programmed", claim="fault, kill and clear leave nothing programmed", cover="c_released"
    ),
    "p_one_owner": Property(proof="owner", claim="one user at a time commands the macro port", cover="c_host_reads"),
    "p_one_command": Property(
        proof="owner", claim="a command is a write or a read or a new address", cover="c_reading"
    ),
    "p_one_timer": Property(proof="owner", claim="one user at a time waits on the timer", cover="c_result"),
    "p_one_row_user": Property(proof="owner", claim="calibrator and editor are never both at work", cover="c_editing"),
    "p_one_word_line": Property(
        proof="owner",
        claim="one tile at a time is written or read, never both, and it is the one at work",
        cover="c_reading",
    ),
    "p_address_rests": Property(
        proof="owner", claim="address and data rest a clock before, during and after a pulse", cover="c_loading"
    ),
    "p_write_has_reason": Property(
        proof="owner", claim="a latch is written only in a load, a calibration or an edit", cover="c_calibration_writes"
    ),
    "p_no_write_in_fault": Property(proof="owner", claim="no latch is written in a fault", cover="c_timeout"),
    "p_command_begins": Property(
        proof="commands",
        claim="a command that is answered without an error starts its engine, or makes its vector wait",
        cover="c_started",
    ),
    "p_start_is_taken": Property(
        proof="commands", claim="an engine that is started is at work in the next clock", cover="c_started"
    ),
    "p_vector_waits": Property(
        proof="commands", claim="a vector that waits does so until it is run, or all is ended", cover="c_vector"
    ),
    "p_sense_ends": Property(
        proof="fuses", claim="sense is high for sense_cycles clocks at the most, once after a reset", cover="c_sensing"
    ),
    "p_sense_is_whole": Property(
        proof="fuses", claim="nothing starts before sense was high for sense_cycles clocks", cover="c_started"
    ),
    "p_sensed_in_time": Property(
        proof="fuses",
        claim="commands are taken sense_cycles + 2 clocks behind the end of a reset and of any kill then",
        cover="c_sensing",
    ),
    "p_no_read_while_sensing": Property(
        proof="fuses", claim="no latch is read before the fuses are sensed", cover="c_sensing"
    ),
    "p_never_written": Property(proof="fuses", claim="no latch is ever written", cover="c_reading"),
    "p_every_word_is_read": Property(
        proof="fuses", claim="a tile is verified when each of its words was read, once", cover="c_verified"
    ),
    "p_checked_as_read": Property(
        proof="fuses", claim="the CRC takes in every byte as the latches gave it", cover="c_verified"
    ),
    "p_verification_ends": Property(
        proof="fuses", claim="a verification takes at most eight clocks a word, and one", cover="c_verified"
    ),
    "p_latch_is_as_accepted": Property(
        proof="latches",
        claim="while a tile is driven, every latch holds the bit of the accepted frame, until an edit",
        cover="c_driving",
    ),
    "p_word_comes_in_time": Property(
        proof="bounded", claim="a word is awaited no longer than the timeout", cover="c_timeout"
    ),
    "p_word_is_taken_in_time": Property(
        proof="bounded", claim="a word is taken in and written within the longest write", cover="c_loading"
    ),
    "p_word_is_read_in_time": Property(
        proof="bounded", claim="a word is read back and checked in four clocks", cover="c_verified"
    ),
    "p_frame_ends": Property(proof="bounded", claim="no more words are taken in than a frame has", cover="c_verified"),
    "p_read_back_ends": Property(
        proof="bounded", claim="no more words are checked again than header and array have", cover="c_verified"
    ),
    "p_memory_keeps": Property(
        proof="memory", claim="the memory in the place of the latches holds what was last written", cover="c_driving"
    ),
    "p_settings_rest": Property(
        proof="settings",
        claim="no setting changes while an engine is at work, a vector waits or fuses are sensed",
        cover="c_setting_refused",
    ),
    "p_settings_exist": Property(
        proof="settings",
        claim="rows, columns, branches and tiles that are set exist, and a first is no more than its last",
        cover="c_value_refused",
    ),
    "p_no_input_overflow": Property(proof="buffers", claim="no code is taken into a full vector", cover="c_vector"),
    "p_swap_only_whole": Property(proof="buffers", claim="only whole vectors are run", cover="c_vector"),
    "p_no_result_overflow": Property(proof="buffers", claim="no result overwrites another", cover="c_result"),
    "p_results_are_read_first": Property(
        proof="buffers", claim="results are handed over once the last ones were read", cover="c_result"
    ),
    "p_one_result_a_column": Property(proof="buffers", claim="a reading gives one result a column", cover="c_result"),
    "p_b_stays": Property(
        proof="axi", claim="a write response stays, unchanged, until it is accepted", cover="c_write_answered"
    ),
    "p_r_stays": Property(
        proof="axi", claim="read data stay, unchanged, until they are accepted", cover="c_read_answered"
    ),
    "p_b_after_request": Property(
        proof="axi", claim="a write response follows an address and data", cover="c_write_answered"
    ),
    "p_r_after_request": Property(proof="axi", claim="read data follow an address", cover="c_read_answered"),
    "p_one_write": Property(
        proof="axi", claim="no second write is accepted before the response", cover="c_write_answered"
    ),
    "p_one_read": Property(
        proof="axi", claim="no second read is accepted before the response", cover="c_read_answered"
    ),
    "p_b_after_the_write": Property(
        proof="axi", claim="one response a write, after the registers took it", cover="c_write_answered"
    ),
    "p_r_after_the_read": Property(
        proof="axi", claim="one response a read, after the registers answered", cover="c_read_answered"
    ),
    "p_response_is_legal": Property(proof="axi", claim="a response is OKAY or SLVERR", cover="c_write_answered"),
    "p_ready_for_valid": Property(proof="axi", claim="ready is given to a valid only", cover="c_write_answered"),
    "p_ack_or_err": Property(proof="wishbone", claim="an access ends in ack or in err", cover="c_write_answered"),
    "p_answer_after_access": Property(
        proof="wishbone",
        claim="an answer follows an access that the registers saw, still asked for",
        cover="c_read_answered",
    ),
    "p_answer_lasts_a_clock": Property(proof="wishbone", claim="an answer lasts one clock", cover="c_write_answered"),
    "p_spi_one_access": Property(proof="spi", claim="one access at a time", cover="c_read_answered"),
    "p_spi_access_is_held": Property(
        proof="spi", claim="an access is held unchanged until the registers answered", cover="c_write_answered"
    ),
    "p_spi_write_is_whole": Property(proof="spi", claim="a write follows all of its bits", cover="c_write_answered"),
    "p_spi_read_has_address": Property(proof="spi", claim="a read follows its address", cover="c_read_answered"),
    "p_spi_silent": Property(
        proof="spi", claim="miso is low while the device is not selected", cover="c_read_answered"
    ),
}


def proofs(config: ControllerConfig) -> tuple[str, ...]:
    """The tasks that apply to a controller."""
    chosen = ["drive", "programmed", "owner", "commands", "settings"]
    if config.fuses:
        chosen.append("fuses")
    else:
        chosen += ["latches", "bounded"]
    if config.array == "memory" and not config.fuses:
        chosen.append("memory")
    if config.measures:
        chosen.append("buffers")
    return (*chosen, _BUS_PROOFS[config.bus])


def statements(config: ControllerConfig) -> dict[str, Property]:
    """The properties of a controller whose situations it has; of what it lacks, the rest hold by themselves."""
    has = {
        "c_loading": not config.fuses,
        "c_timeout": not config.fuses,
        "c_sensing": config.fuses,
        "c_editing": config.editing,
        "c_calibration_writes": config.calibration,
        "c_calibration_drives": config.calibration,
        "c_calibration_ends": config.calibration,
        "c_vector": config.inference,
        "c_result": config.measures,
    }
    tasks = proofs(config)
    return {name: each for name, each in PROPERTIES.items() if each.proof in tasks and has.get(each.cover, True)}


def _wires(config: ControllerConfig) -> dict[str, tuple[str, bool]]:
    """By the name that the properties use: the path in the hierarchy, and whether this controller has it."""
    rows, loads = config.calibration or config.editing, not config.fuses
    verifier = "loader" if loads else "fuses"
    controller: dict[str, tuple[str, bool]] = {
        "fault": ("arbiter.fault", True),
        "programmed": ("arbiter.programmed", True),
        "abort": ("arbiter.abort", True),
        "killed": ("output_enable.killed", True),
        "killed_first": ("output_enable.synchroniser.stage0", True),
        "clear": ("arbiter.clear", True),
        "unexpected": ("arbiter.unexpected", True),
        "kills": ("arbiter.kills", True),
        "queued": ("arbiter.queued", config.inference),
        **{
            f"{name}_start": (f"arbiter.{name}__start", present)
            for name, present in (
                ("loader", True),
                ("sequencer", config.inference),
                ("calibrator", config.calibration),
                ("editor", config.editing),
            )
        },
        "alive": ("output_enable.alive", True),
        "oe": ("output_enable.oe", True),
        **{f"loader_{step}": (f"loader.{step}", loads) for step in loader._STEPS},
        "loader_done": (f"{verifier}.done", True),
        "loader_wrong": ("loader.wrong", loads),
        "field": ("loader.field", loads),
        "final_word": ("loader.final_", loads),
        "accept": ("loader.array__take", loads),
        "loader_asks": ("loader.timer__asks", loads),
        **{f"fuses_{name}": (f"fuses.{name}", config.fuses) for name in ("state", "sense", "expected")},
        "fuses_waits": ("fuses.timer__waits", config.fuses),
        **{
            f"control_{name}": (f"registers.control_{name}", present)
            for name, present in (
                ("load", True),
                ("infer", config.inference),
                ("calibrate", config.calibration),
                ("edit", config.editing),
                ("weight", config.weight_map),
            )
        },
        "place": ("crc_unit.client__place", True),
        "crc_byte": ("crc_unit.client__byte", True),
        "crc_absorbs": ("crc_unit.client__absorb", True),
        "crc_register": ("crc_unit.state", True),
        "crc_matches": ("crc_unit.client__matches", True),
        "clock": ("timer.clock", True),
        "late": ("timer.client__late", True),
        **{f"access_{step}": (f"array_access.{step}", True) for step in (*array_access._STEPS, "fetch")},
        **{f"access_{name}": (f"array_access.client__{name}", True) for name in ("write", "read", "seek", "rewind")},
        "fetched": ("array_access.fetched", True),
        "access_waits": ("array_access.timer__waits", True),
        **{
            f"macro_{name}": (f"array_access.macro__{name}", True)
            for name in ("row", "word", "wdata", "we", "re", "rdata")
        },
        **{f"reader_{name}": (f"latch_reader.{name}", True) for name in ("state", "row", "word")},
        **{f"loader_{name}": (f"{verifier}.array__{name}", True) for name in ("rewind", "step", "read")},
        "loader_write": ("loader.array__write", loads),
        **{f"reader_{name}": (f"latch_reader.array__{name}", True) for name in ("seek", "read")},
        **{f"row_{name}": (f"row_writer.array__{name}", rows) for name in ("seek", "step", "write", "read")},
        **{f"row_{step}": (f"row_writer.{step}", rows) for step in row_writer._STEPS},
        "row_done": ("row_writer.client__done", rows),
        "editor_state": ("editor.state", config.editing),
        "map_busy": ("weight_map.busy", config.weight_map),
        **{f"calibrator_{step}": (f"calibrator.{step}", config.calibration) for step in calibrator._STEPS},
        **{f"sequencer_{step}": (f"sequencer.{step}", config.inference) for step in sequencer._STEPS},
        **{
            f"capture_{name}": (f"capture.{wire}", config.measures)
            for name, wire in (
                ("settling", "settling"),
                ("requesting", "adc_request"),
                ("releasing", "releasing"),
                ("pushing", "push"),
                ("committing", "commit"),
            )
        },
        "capture_start": ("capture.client__start", config.measures),
        "capture_asks": ("capture.timer__asks", config.measures),
        "result_push": ("results.push", config.measures),
        "result_done": ("results.done", config.measures),
        "result_clear": ("results.clear", config.measures),
        "result_valid": ("results.valid", config.measures),
        "result_filled": ("results.filled", config.measures),
        "input_push": ("inputs.push", config.inference),
        "input_full": ("inputs.full", config.inference),
        "input_swap": ("inputs.swap", config.inference),
        "input_clear": ("inputs.clear", config.inference),
        "input_place": ("inputs.place", config.inference),
        "bus_data": ("registers.bus__write_data", True),
        "register_write": ("registers.bus__write", True),
        "register_read": ("registers.bus__read", True),
        "register_address": ("registers.bus__address", True),
        "register_error": ("registers.bus__error", True),
        "register_writes": ("registers.writes", True),
        "locked": ("arbiter.locked", True),
        **{
            alias: (f"registers.{alias}", True)
            for register in _settings(config)
            for alias in (f"is_{register.name.lower()}", *(port_name(register, field) for field in register.fields))
        },
        "register_strobes": ("registers.bus__strobes", True),
        "acknowledge": ("registers.bus__acknowledge", True),
        "latch_request": ("registers.latch_request", True),
    }
    return {
        "reset": ("reset_synchroniser.stage1", True),
        "reset_first": ("reset_synchroniser.stage0", True),
        "bus_state": ("bus.state", config.bus != "spi"),
        "spi_place": ("bus.place", config.bus == "spi"),
        "deselected": ("bus.cs_n.stage1", config.bus == "spi"),
        **{alias: (f"controller.{path}", present) for alias, (path, present) in controller.items()},
    }


def _settings(config: ControllerConfig) -> list[Register]:
    """The registers that rest while an engine is at work."""
    return [register for register in register_table(config) if register.rests]


def _exist(config: ControllerConfig) -> str:
    """That the settings name what exists, as Verilog."""
    found = []
    for register in _settings(config):
        names = [port_name(register, field) for field in register.fields]
        found += [f"{name} <= {field.most}" for name, field in zip(names, register.fields, strict=True)]
        if register.is_range:
            found.append(" <= ".join(names))
    return " && ".join(found)


def load_bound(config: ControllerConfig) -> int:
    """Clocks in which a load has ended, in READY or in a fault, whatever the host does or leaves undone."""
    words = frame_words(config.geometry)
    return words * (config.timeout_cycles + _LONGEST_WRITE) + 4 * (words - 1) + 8


def emit_proofs(what: ArrayGeometry | ControllerConfig, verilog: str) -> dict[str, str]:
    """The properties and the ``.sby`` file, by their names relative to the folder of ``xbar_top.sv``.

    Args:
        what: The controller, or the geometry of a default one.
        verilog: The text of ``xbar_top.sv``.

    Raises:
        KeyError: The text lacks a signal that the properties look at.
    """
    config = as_config(what)
    tasks = [*(Task(name=name) for name in proofs(config)), cover_task(config)]
    return {f"{FOLDER}/{MODULE}.sv": properties(config, verilog), f"{FOLDER}/{_TOP}.sby": sby_file(tasks)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of the solver.

    Args:
        name: Its name.
        proofs: The parts of the properties that are looked at; by default the one of that name.
        mode: ``prove``, ``bmc`` or ``cover``.
        depth: Clocks.
        only: The single assertion that is looked at; all by default.
    """

    name: str
    proofs: tuple[str, ...] = ()
    mode: str = "prove"
    depth: int = DEPTH
    only: str = ""

    @property
    def switches(self) -> tuple[str, ...]:
        """The macros that switch its parts on."""
        return tuple(name.upper() for name in self.proofs or (self.name,))


def cover_task(config: ControllerConfig) -> Task:
    """The run that reaches what lies near the reset."""
    part = "cover_fuses" if config.fuses else "cover_loads"
    return Task(name="cover", proofs=("cover", part), mode="cover", depth=COVER_DEPTH)


def sby_file(tasks: Sequence[Task]) -> str:
    """What SymbiYosys reads, in the folder below that of ``xbar_top.sv``."""

    def lines(text: Callable[[Task], str]) -> str:
        return "\n".join(f"{task.name}: {line}" for task in tasks if (line := text(task)))

    return render(
        "controller/formal.sby",
        names="\n".join(task.name for task in tasks),
        modes=lines(lambda task: f"mode {task.mode}"),
        depths=lines(lambda task: f"depth {task.depth}"),
        reads=lines(
            lambda task: " ".join(
                ["read_verilog -sv -formal", *(f"-D {name}" for name in task.switches), f"{MODULE}.sv"]
            )
        ),
        memory=lines(lambda task: _MEMORY if "MEMORY" in task.switches else ""),
        only=lines(lambda task: f"delete t:$check c:{task.only} %d" if task.only else ""),
        top=_TOP,
        module=MODULE,
    )


def properties(config: ControllerConfig, verilog: str) -> str:
    """The module around ``xbar_top`` with every property.

    Args:
        config: What the controller was made with.
        verilog: The text of ``xbar_top.sv``.
    """
    modules = _modules(verilog)
    geometry = config.geometry
    settings = _settings(config)
    observed, connections, ports = [], [], []
    for alias, (path, present) in _wires(config).items():
        if present:
            width = _find(modules, path)
            observed += [f"(* hierconn *) wire {width}\\u.{path} ;", f"wire {width}{alias} = \\u.{path} ;"]
        else:
            observed.append(f"wire {alias} = 0;")
    observed += [
        f"localparam {engine}_{state.name} = {state.value};" for engine, states in _STATES.items() for state in states
    ]
    for name, (direction, width) in modules[_TOP].wires.items():
        if direction == "input" or (direction == "output" and name not in _wires(config)):
            ports.append(f"{direction} wire {width}{name}")
            connections.append(f".{name}({name})")
    return render(
        "controller/formal_properties.sv",
        ports=",\n    ".join(ports),
        connections=", ".join(connections),
        observed="\n  ".join(observed),
        tiles=config.tiles,
        rows=geometry.rows,
        words_per_row=geometry.words_per_row,
        header_words=HEADER_WORDS,
        frame_words=frame_words(geometry),
        timeout=config.timeout_cycles,
        row_width=geometry.row_width,
        word_width=geometry.word_width,
        column_width=config.column_width,
        macro_bits=geometry.row_width + geometry.word_width + WORD_BITS,
        longest_write=_LONGEST_WRITE,
        has_fuses=int(config.fuses),
        sense_cycles=config.sense_cycles,
        at_setting=" || ".join(f"is_{register.name.lower()}" for register in settings),
        settings=", ".join(port_name(register, field) for register in settings for field in register.fields),
        setting_bits=sum(field.width for register in settings for field in register.fields),
        settings_exist=_exist(config),
    )


@dataclass(frozen=True, slots=True)
class _Module:
    """Wires (direction and width) and instances (module) of a module of the emitted text, by name."""

    wires: dict[str, tuple[str, str]]
    instances: dict[str, str]


def _modules(verilog: str) -> dict[str, _Module]:
    found = {}
    for name, body in re.findall(r"^module (\w+)\(.*?\);$(.*?)^endmodule", verilog, flags=re.MULTILINE | re.DOTALL):
        wires: dict[str, tuple[str, str]] = {}
        pattern = r"^  (input|output|wire|reg) (\[\d+:0\] )?(\\?\S+?) ?(?: = .*)?;$"
        for kind, width, wire in re.findall(pattern, body, flags=re.MULTILINE):
            direction = wires[wire][0] if wire in wires else kind
            wires[wire.removeprefix("\\")] = (direction, width)
        instances = {cell: module for module, cell in re.findall(r"^  (\w+) (\w+) \($", body, flags=re.MULTILINE)}
        found[name] = _Module(wires, instances)
    return found


def _find(modules: dict[str, _Module], path: str) -> str:
    """The width, as Verilog writes it, of the signal at ``path``."""
    module = modules[_TOP]
    *instances, name = path.split(".")
    try:
        for instance in instances:
            module = modules[module.instances[instance]]
        return module.wires[name][1]
    except KeyError as missing:
        raise KeyError(f"the emitted Verilog has no {path}: {missing}") from missing

"""One tile of a design, simulated: by any engine, at any switch level, at a temperature and supply.

An operating point a case is what every engine does: a DC sweep over input vectors. Engines that read decks also run
the tile in time, frequency and noise, with amplifiers and capacitances. What was run, on what and at which conditions
is saved with the result.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rsscircuit.arrays import read_user_array
from rsscircuit.design import Crossbar, Design, MappedLayer, load
from rsscircuit.design.files import result_file, write_json
from rsscircuit.emission import VIRTUAL_GROUND, Level, parse_readout
from rsscircuit.errors import CrashError, InputError, needed_for
from rsscircuit.execution import Crash, Here, Processes, Workers
from rsscircuit.mapping import Tile
from rsscircuit.netlist import TileOptions, dialects, tile_circuit
from rsscircuit.netlist.elements import Circuit
from rsscircuit.netlist.options import IDEAL, NMOS, PDK
from rsscircuit.progress import Progress, silent
from rsscircuit.simulate import ngspice, signals, vacask
from rsscircuit.simulate.conditions import at_point
from rsscircuit.simulate.engines import DIALECTS, ENGINES, Setting, at_level, engine_named
from rsscircuit.simulate.pdk import kit_named
from rsscircuit.simulate.signals import ANALYSERS, SignalTile
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import NOMINAL_CELSIUS, Segments, capacitances, feedback_factor, wire_segments

Array = NDArray[np.float64]
T = TypeVar("T")
R = TypeVar("R")
OP, TRANSIENT, AC, NOISE = "op", "transient", "ac", "noise"
ANALYSES = {OP: tuple(ENGINES), TRANSIENT: tuple(ANALYSERS), AC: tuple(ANALYSERS), NOISE: tuple(ANALYSERS)}
PIECES = 8  # in which the cases of a process of their own are told of
ADC_BITS = 8
MOST_BITS = 16  # half a step of more is below what simulators solve to
MOST_VOLT = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How a tile is simulated.

    Attributes:
        analysis: ``op``, ``transient``, ``ac`` or ``noise``.
        switch: ``ideal``, ``nmos``, ``transmission-gate`` or ``pdk:NAME``.
        pdk_root: Where kits lie; else ``PDK_ROOT``.
        wires: Wire segments and leakage; None for what the design was built with.
        celsius: Temperature.
        supply: Gate voltage of a closed switch; None for the technology's.
        readout: The amplifier of the analyses beside ``op``: ``tia:gain=1e5,bandwidth=1e7``; None for its defaults.
        adc_bits: Resolution to which a transient settles; None for 8.
        column: Whose noise; None for the column that conducts most.
        own_process: Run ngspice in a process of its own, which a crash of the library ends alone.
    """

    analysis: str = OP
    switch: str = NMOS
    pdk_root: str | None = None
    wires: bool | None = None
    celsius: float = NOMINAL_CELSIUS
    supply: float | None = None
    readout: str | None = None
    adc_bits: int | None = None
    column: int | None = None
    own_process: bool = False


def simulate_tile(
    directory: str | Path,
    *,
    engine: str,
    layer: str,
    tile: int,
    inputs: str | Path | None = None,
    choices: Choices | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Simulate one tile for logical input voltages, and save the result in ``results/``.

    The engine ``ngspice`` runs the design's own netlist file where the choices are those of the build; otherwise the
    deck that was run is written beside the result. Files are named after what differs from the build, so that runs at
    other conditions stand beside each other; other inputs replace them. Away from 27 C and the nominal supply, currents
    are what a read-out with a feedback resistor of the banks' own material makes of them: ratios to it, in the amperes
    of 27 C.

    Args:
        directory: The design.
        engine: ``ideal``, ``nodal``, ``ngspice`` or ``vacask``.
        layer: By name or label.
        tile: Of the layer, from 0.
        inputs: ``.npy`` file, volt [cases, rows], bias rows first; noise takes none.
        choices: How; an operating point of the design as built by default.
        progress: Bars for people.

    Returns:
        ``engine``, ``version``, ``analysis``, ``layer``, ``tile``, ``cases``, ``options`` and ``conditions`` as they
        were, ``wires``, ``deck`` and its ``deck_sha256`` where there is one, ``arrays`` (the ``.npz`` file), and

        * ``op``: ``ampere`` [cases, cols] and, against the closed form, ``relative_difference`` (rms over rms) and
        ``worst_difference`` (of the largest current);
        * ``transient``: ``settling_second`` and ``estimate_second`` [cases, cols], ``charge_coulomb``, ``quality``;
        * ``ac``: ``corner_hertz`` [cases, cols] and the closed form's ``estimate_hertz`` [cols];
        * ``noise``: ``density``, ``rms`` and both closed forms of one column, and the bits at full scale.

    Raises:
        RsscircuitError: Anything the user can mend; a :class:`CrashError` where the simulator's process ended.
    """
    choices = choices or Choices()
    engine_named(engine)
    with needed_for(f"layer {layer}, tile {tile}"):
        _check(engine, choices)
        design = load(directory)
        run = _Run.of(design, Path(directory), engine, layer, tile, choices)
    volts = _volts(inputs, choices.analysis, run)
    with needed_for(run.where):
        simulator = _version(engine)
    result: dict[str, Any] = {
        "engine": engine,
        "version": simulator,
        "analysis": choices.analysis,
        "layer": run.layer.name,
        "tile": tile,
        "cases": len(volts),
        "options": asdict(replace(choices, wires=run.segments is not None)),
        "conditions": {"celsius": choices.celsius, "supply_volt": run.technology.drive.supply_volt},
        "wires": run.segments is not None,
        "largest_volt": float(np.abs(volts).max(initial=0.0)),
        "read_volt": run.technology.drive.read_volt,
    }
    del result["options"]["pdk_root"], result["options"]["own_process"]
    with progress(f"{engine} {run.layer.label} tile {tile}", max(1, len(volts))) as advance:
        found, arrays = _ANALYSES[choices.analysis](run, volts, advance)
    np.savez(run.path.with_suffix(".npz"), **arrays)
    result |= run.deck_facts() | {"arrays": run.path.with_suffix(".npz").name} | found
    write_json(run.path, result)
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """A simulation made ready: the tile at its conditions, its level, where it is written and where it runs.

    Attributes:
        engine, choices: As asked.
        layer, tile: Of the design.
        nominal: The tile at 27 C and the technology's supply.
        crossbar, technology: The same at the conditions of the run.
        segments: Wires and leakage at those conditions; None without.
        options: The switch level of the deck.
        ohm_factor: What ratios to the feedback resistor lack to be ohms.
        nominal_ohm: Of the branches of a bank.
        path: Of the result.
        deck: What is run, where the engine reads a deck.
        built: Whether that is the design's own file.
        workers: Where it runs.
    """

    engine: str
    choices: Choices
    layer: MappedLayer
    tile: Tile
    crossbar: Crossbar
    technology: Technology
    segments: Segments | None
    options: TileOptions
    ohm_factor: float
    nominal_ohm: Array
    path: Path
    deck: Path | None
    built: bool
    workers: Workers

    @staticmethod
    def of(design: Design, directory: Path, engine: str, layer: str, tile: int, choices: Choices) -> _Run:
        """A run of a design's tile.

        Raises:
            InputError: No such layer or tile, impossible conditions, or a level that the engine does not have.
        """
        mapped = design.layer(layer)
        place = design.tile(mapped, tile)
        supply = design.technology.drive.supply_volt if choices.supply is None else choices.supply
        crossbar, technology = at_point(design.crossbar(mapped, place), design.technology, choices.celsius, supply)
        as_built = bool(design.options["wires"]) and engine != "ideal"
        wired = as_built if choices.wires is None else choices.wires
        plain = choices.switch == NMOS and technology is design.technology and wired == as_built
        words = ["simulate", mapped.label, str(tile), engine]
        words += [] if choices.analysis == OP else [choices.analysis]
        words += _unlike_the_build(choices, wired != as_built, design.technology)
        path = result_file(directory, "_".join(words))
        file = directory / "netlist" / mapped.label / f"tile_{tile}.cir"
        built = engine == "ngspice" and choices.analysis == OP and plain and file.is_file()
        extension = {"ngspice": ".cir", "vacask": ".sim"}.get(engine)
        at_level = replace(design, technology=technology)
        own = choices.own_process and engine == "ngspice"
        return _Run(
            engine=engine,
            choices=choices,
            layer=mapped,
            tile=place,
            crossbar=crossbar,
            technology=technology,
            segments=wire_segments(design.bank.nominal_ohm, technology) if wired else None,
            options=Level(switch=choices.switch, pdk_root=choices.pdk_root).options(at_level),
            ohm_factor=feedback_factor(design.technology, choices.celsius, supply),
            nominal_ohm=design.bank.nominal_ohm,
            path=path,
            deck=file if built else path.with_suffix(extension) if extension else None,
            built=built,
            workers=Processes(1) if own else Here(),
        )

    @property
    def where(self) -> str:
        """What is simulated, for errors, with its deck once that is written."""
        deck = f", {self.deck}" if self.deck is not None and self.deck.is_file() else ""
        return f"layer {self.layer.name}, tile {self.tile.index}{deck}"

    def deck_facts(self) -> dict[str, Any]:
        """The file that was run, below the design's directory, and its digest."""
        if self.deck is None:
            return {"deck": None, "deck_sha256": None}
        name = self.deck.relative_to(self.path.parent.parent).as_posix()
        return {"deck": name, "deck_sha256": hashlib.sha256(self.deck.read_bytes()).hexdigest()}

    def by(self, function: Callable[[T], R], items: Sequence[T], advance: Callable[[int], None]) -> list[R]:
        """``function`` of every item, where the run's engine runs.

        Raises:
            CrashError: Its process ended.
        """
        results = []
        for done in self.workers.run(function, items):
            if isinstance(done.result, Crash):
                said = " | ".join(done.result.last_lines) or "nothing"
                raise CrashError("the simulator crashed or was killed", where=self.where, got=said)
            results.append(done.result)
            advance(len(done.item) if isinstance(done.item, np.ndarray) and done.item.ndim == 2 else 1)
        return results

    def write(self, circuit: Circuit) -> None:
        """The deck that is run, or that of the first case."""
        if self.deck is not None:
            self.deck.write_text(dialects.write(circuit, DIALECTS[self.engine]), "utf-8")

    def signal_tile(self) -> SignalTile:
        """The tile with its amplifiers and capacitances."""
        along = capacitances(self.nominal_ohm, self.technology)
        readout = parse_readout(self.choices.readout or "tia")
        return SignalTile(
            crossbar=self.crossbar,
            technology=self.technology,
            segments=self.segments,
            options=replace(self.options, merged=True, readout=readout, capacitances=along),
            ohm_factor=self.ohm_factor,
            celsius=self.choices.celsius,
            label=self.layer.label,
        )


def _unlike_the_build(choices: Choices, other_wires: bool, technology: Technology) -> list[str]:
    """What a run has of its own, as words of a file name, so that other conditions have other files."""
    words = []
    if choices.switch != NMOS:
        words.append(choices.switch)
    if other_wires:
        words.append("wires" if choices.wires else "ideal-wires")
    if choices.celsius != NOMINAL_CELSIUS:
        words.append(f"{_brief(choices.celsius)}C")
    if choices.supply not in (None, technology.drive.supply_volt):
        words.append(f"{_brief(choices.supply)}V")
    if choices.readout is not None:
        words.append(choices.readout)
    if choices.adc_bits is not None:
        words.append(f"{choices.adc_bits}bits")
    if choices.column is not None:
        words.append(f"column{choices.column}")
    return [re.sub(r"[^\w.+=,-]", "-", word) for word in words]


def _brief(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _check(engine: str, choices: Choices) -> None:
    """Choices that exclude each other, each with one error that says what to take instead."""
    analysis, level = choices.analysis, choices.switch.partition(":")[0]
    if analysis not in ANALYSES:
        raise InputError(
            "no such analysis", where="--analysis", got=analysis, remedy=f"choose from {', '.join(ANALYSES)}"
        )
    if engine not in ANALYSES[analysis]:
        can = " or ".join(ANALYSES[analysis])
        raise InputError(f"the engine {engine} has no {analysis}", where="--analysis", remedy=f"add --engine {can}")
    if engine == "ideal" and choices.wires:
        raise InputError("the engine ideal has no wires", where="--wires", remedy="add --engine nodal")
    compiled = level == PDK and kit_named(choices.switch.partition(":")[2]).compiled
    if engine == "vacask" and analysis == OP and (level == IDEAL or (level == PDK and not compiled)):
        raise InputError(
            "the engine vacask has no ideal switches, and of kits only those in Verilog-A",
            where="--switch",
            got=choices.switch,
            remedy="choose nmos, transmission-gate or pdk:ihp, or the engine ngspice",
        )
    if engine == "ngspice" and compiled and not ngspice.has_osdi():
        raise InputError(
            "this ngspice does not take the kit's compiled transistors: it was built without OSDI",
            where=f"--engine ngspice --switch {choices.switch}",
            got=ngspice.version(),
            remedy="add --engine vacask",
        )
    if level == PDK and choices.celsius != NOMINAL_CELSIUS:
        raise InputError(
            f"a kit's transistor is taken at {NOMINAL_CELSIUS:g} C",
            where="--celsius",
            got=choices.celsius,
            remedy="choose --switch nmos, whose resistance follows the technology's temperature coefficient",
        )
    if analysis == OP and choices.readout is not None:
        raise InputError(
            "an operating point is read at ideal virtual grounds",
            where="--readout",
            remedy="leave it out, or add --analysis transient, ac or noise",
        )
    if choices.readout is not None and parse_readout(choices.readout) is None:
        raise InputError(f"the analysis {analysis} needs an amplifier", where="--readout", got=VIRTUAL_GROUND)
    if choices.adc_bits is not None and analysis != TRANSIENT:
        raise InputError("only a transient settles", where="--adc-bits", remedy="add --analysis transient")
    if choices.adc_bits is not None and not 1 <= choices.adc_bits <= MOST_BITS:
        raise InputError(f"a converter has 1 to {MOST_BITS} bits", where="--adc-bits", got=choices.adc_bits)
    if choices.pdk_root is not None and level != PDK:
        raise InputError(
            "only a kit's transistor is read from there", where="--pdk-root", remedy="add --switch pdk:NAME"
        )
    if choices.column is not None and analysis != NOISE:
        raise InputError("one column is chosen for its noise", where="--column", remedy="add --analysis noise")


def _volts(inputs: str | Path | None, analysis: str, run: _Run) -> Array:
    rows = run.tile.rows
    if analysis == NOISE:
        if inputs is not None:
            raise InputError("noise is that of rows at rest", where="--inputs", remedy="leave it out")
        return np.zeros((0, rows))
    if inputs is None:
        raise InputError(f"the analysis {analysis} needs input voltages", where="--inputs", remedy="name a .npy file")
    volts = np.atleast_2d(read_user_array(inputs, "--inputs").astype(np.float64))
    if volts.ndim != 2 or volts.shape[1] != rows:
        takes = f"tile {run.tile.index} of {run.layer.name} takes volt [cases, {rows}]"
        raise InputError(takes, where="--inputs", got=str(volts.shape))
    if np.abs(volts).max() > MOST_VOLT:
        remedy = f"give volts; the technology reads at {run.technology.drive.read_volt:g} V"
        raise InputError("no row takes such a voltage", where="--inputs", got=float(np.abs(volts).max()), remedy=remedy)
    return volts


def _version(engine: str) -> str:
    if engine == "ngspice":
        return ngspice.version()
    return vacask.version() if engine == "vacask" else f"rsscircuit {version('rsscircuit')}"


def _operating_points(run: _Run, volts: Array, advance: Callable[[int], None]) -> tuple[dict[str, Any], dict[str, Any]]:
    if not run.built:
        run.write(
            tile_circuit(
                run.crossbar, run.technology, label=run.layer.label, segments=run.segments, options=run.options
            )
        )
    apart = isinstance(run.workers, Processes)
    setting = Setting(
        technology=run.technology,
        segments=run.segments,
        deck=partial((run.deck or run.path).read_text, "utf-8"),
        where=run.where,
        options=run.options,
        progress=None if apart else advance,
    )
    pieces = np.array_split(volts, min(PIECES, len(volts))) if apart else [volts]
    task = partial(_currents, run.engine, run.crossbar, setting)
    ampere = np.concatenate(run.by(task, pieces, advance if apart else lambda count: None))
    if not np.isfinite(ampere).all():
        raise InputError("the currents are not finite", where="--inputs", got=f"{np.abs(volts).max():g} V")
    closed_form = volts @ at_level(run.crossbar, run.technology, run.options).pair_siemens()
    largest = float(np.abs(closed_form).max())
    worst = float(np.abs(ampere - closed_form).max())
    found = {
        "rms_ampere": float(np.sqrt(np.mean(ampere**2))),
        "relative_difference": relative_rms(ampere, closed_form),
        "worst_difference": worst / largest if largest else worst,
        "ampere": ampere.tolist(),
    }
    return found, {"volts": volts, "ampere": ampere, "closed_form": closed_form}


def _currents(engine: str, crossbar: Crossbar, setting: Setting, volts: Array) -> Array:
    return ENGINES[engine](crossbar, volts, setting)


def relative_rms(values: Array, reference: Array) -> float:
    """Rms of the difference over the rms of the reference; 0 where both are zero."""
    power = float(np.sqrt(np.mean(reference**2)))
    error = float(np.sqrt(np.mean((values - reference) ** 2)))
    return error / power if power > 0 else error


def _amplifier(tile: SignalTile) -> dict[str, Any]:
    """The read-out of a result."""
    return {"amplifier": asdict(tile.tia), "feedback_ohm": tile.feedback_ohm, "noise_gain": tile.noise_gain.tolist()}


def _transient(run: _Run, volts: Array, advance: Callable[[int], None]) -> tuple[dict[str, Any], dict[str, Any]]:
    tile, bits = run.signal_tile(), ADC_BITS if run.choices.adc_bits is None else run.choices.adc_bits
    full_scale = float(np.abs(tile.output_volt(volts)).max())
    if full_scale == 0.0 and volts.any():
        raise InputError("no output moves, so none settles", where="--inputs", remedy="give voltages other than 0")
    run.write(signals.step_circuit(tile, bits, volts[0], signals.first_stop(tile, bits)))
    task = partial(signals.step_response, tile, ANALYSERS[run.engine], run.where, bits, full_scale)
    waves = run.by(task, list(volts), advance)
    run.write(signals.step_circuit(tile, bits, volts[0], waves[0].stop_second))
    half_step = full_scale * 2.0 ** -(bits + 1)
    settling = np.array([signals.settling_second(wave, half_step) for wave in waves])
    estimate = np.array([signals.settling_estimate(tile, wave, half_step) for wave in waves])
    charge = [signals.charge_coulomb(tile, wave, float(wave.second[-1])) for wave in waves]
    found = _amplifier(tile) | {
        "full_scale_volt": full_scale,
        "adc_bits": bits,
        "half_step_volt": half_step,
        "settling_second": settling.tolist(),
        "estimate_second": estimate.tolist(),
        "full_scale_estimate_second": float(math.log(2.0 ** (bits + 1)) * tile.time_constant_second.max()),
        "line_second": tile.line_second.tolist(),
        "quality": tile.quality.tolist(),
        "charge_coulomb": [each.tolist() for each in charge],
        "charge_until_second": [float(wave.second[-1]) for wave in waves],
    }
    arrays = {"volts": volts, "settling_second": settling, "estimate_second": estimate}
    for case, wave in enumerate(waves):
        arrays |= {f"second_{case}": wave.second, f"output_volt_{case}": wave.volt, f"final_volt_{case}": wave.final}
    return found, arrays


def _ac(run: _Run, volts: Array, advance: Callable[[int], None]) -> tuple[dict[str, Any], dict[str, Any]]:
    tile = run.signal_tile()
    run.write(signals.frequency_circuit(tile, volts[0]))
    task = partial(signals.frequency_response, tile, ANALYSERS[run.engine], run.where)
    responses = run.by(task, list(volts), advance)
    corners = np.array([response.corner_hertz() for response in responses])
    found = _amplifier(tile) | {
        "corner_hertz": [[float(f) if math.isfinite(f) else None for f in case] for case in corners],
        "estimate_hertz": tile.bandwidth_hertz.tolist(),
        "quality": tile.quality.tolist(),
    }
    arrays = {"volts": volts, "corner_hertz": corners, "hertz": responses[0].hertz}
    return found, arrays | {f"output_volt_{case}": each.volt for case, each in enumerate(responses)}


def _noise(run: _Run, volts: Array, advance: Callable[[int], None]) -> tuple[dict[str, Any], dict[str, Any]]:
    tile = run.signal_tile()
    columns = run.tile.columns
    column = int(np.argmax(tile.column_siemens)) if run.choices.column is None else run.choices.column
    if not 0 <= column < columns:
        raise InputError(f"the tile has columns 0 to {columns - 1}", where="--column", got=column)
    run.write(signals.noise_circuit(tile, column))
    task = partial(signals.noise, tile, ANALYSERS[run.engine], run.where)
    (heard,) = run.by(task, [column], advance)
    pair = np.abs(at_level(run.crossbar, run.technology, run.options).pair_siemens()[:, column]).sum()
    full_scale = float(run.technology.drive.read_volt * pair / run.ohm_factor * tile.feedback_ohm)
    closed = float(tile.noise_volt(heard.hertz[0], heard.hertz[-1])[column])
    found = _amplifier(tile) | {
        "column": column,
        "density": float(heard.density[0]),
        "closed_form_density": float(tile.noise_density()[column]),
        "rms_volt": heard.rms,
        "closed_form_rms_volt": closed,
        "bandwidth_hertz": float(tile.bandwidth_hertz[column]),
        "band_hertz": [float(heard.hertz[0]), float(heard.hertz[-1])],
        "full_scale_volt": full_scale,
        "signal_to_noise": full_scale / heard.rms,
        "bits": math.log2(2.0 * full_scale / (heard.rms * math.sqrt(12.0))) if full_scale else None,
    }
    return found, {"hertz": heard.hertz, "density": heard.density}


_ANALYSES = {OP: _operating_points, TRANSIENT: _transient, AC: _ac, NOISE: _noise}

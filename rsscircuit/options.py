"""Every choice of a build, with its default and its check."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rsscircuit.banks import BankSpec, bank_spec
from rsscircuit.errors import InputError
from rsscircuit.subsetsum import AUTO, Choice, choose
from rsscircuit.technology import DEFAULT, Technology, load_technology, preset_names

NETLISTS = ("all", "sample", "none")
DEFAULT_TOLERANCE = 2.0**-11


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """Every choice of a build; the defaults are the command line's.

    Attributes:
        technology: Preset name or file.
        bank: Nominal plan; the technology's own by default.
        resistors: Resistors a bank; the technology's own by default.
        tile: Largest logical rows and columns of a crossbar.
        solver: ``auto``, ``meet-in-the-middle`` or ``cp-sat``.
        tolerance: Largest cell error, as a fraction of the layer's full-scale conductance; 0 = nearest.
        calibration: ``.npy`` file of inputs whose activations set each layer's input range.
        seed: Which virtual die.
        netlists: ``all``, ``sample`` (the first tile of each layer) or ``none``.
        wires: Whether the netlists hold wire segments and leakage.
        headroom: Share of a bank's reach that the largest target takes.
    """

    technology: str = DEFAULT
    bank: str | None = None
    resistors: int | None = None
    tile: tuple[int, int] = (64, 64)
    solver: str = AUTO
    tolerance: float = DEFAULT_TOLERANCE
    calibration: str | None = None
    seed: int = 1
    netlists: str = "all"
    wires: bool = False
    headroom: float = 0.85

    def record(self) -> dict[str, Any]:
        """The options as ``design.json`` keeps them: files by name and hash, never by path."""
        record = asdict(self) | {"tile": list(self.tile)}
        for key in ("calibration", "technology"):
            path = Path(record[key]) if record[key] else None
            if path is not None and path.is_file() and record[key] not in preset_names():
                record[key] = path.name
                record[f"{key}_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What the options stand for: the process, the bank and the solver."""

    technology: Technology
    bank: BankSpec
    solver: Choice


def resolve(options: BuildOptions) -> Resolved:
    """Check every option before any work is done.

    Raises:
        RsscircuitError: An option outside its range, or a name that nothing has.
    """
    if not 0 <= options.tolerance < 1:
        raise InputError("a tolerance is a fraction from 0 to 1", where="--tolerance", got=options.tolerance)
    if options.netlists not in NETLISTS:
        raise InputError(
            "no such choice",
            where="--netlists",
            got=options.netlists,
            remedy=f"choose from {', '.join(NETLISTS)}",
        )
    if options.seed < 0:
        raise InputError("a seed is a whole number from 0", where="--seed", got=options.seed)
    if not 0 < options.headroom <= 1:
        raise InputError("the headroom is above 0 and at most 1", where="--headroom", got=options.headroom)
    technology = load_technology(options.technology)
    bank = bank_spec(
        technology.plan if options.bank is None else options.bank,
        technology.resistors if options.resistors is None else options.resistors,
        technology.resistor.unit_ohm,
    )
    solver = choose(options.solver, items=2 * bank.resistors, one_sign=bank.resistors, tolerance=options.tolerance > 0)
    return Resolved(technology=technology, bank=bank, solver=solver)

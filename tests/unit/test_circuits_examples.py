"""The examples of circuits at small size, and the schematics, which are what their script draws."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCHEMATICS = runpy.run_path(str(ROOT / "scripts" / "schematics.py"))


@pytest.mark.parametrize("die", ["slow", "fast"])
def test_filter_is_trimmed(die: str, tmp_path: Path) -> None:
    """Banks of 12 resolve some 1e-4 of a resistance, four of them and the amplifiers' f/GBW of 4e-4: 2e-3 in all."""
    example = runpy.run_path(str(ROOT / "examples" / "active_rc_filter" / "filter.py"))
    found = example["trim"](die, resistors=12, seed=3, points=50, technology_name="sky130_xhigh_1M")
    wanted = example["WANTED_HERTZ"]
    assert abs(found.before_hertz / wanted - 1.0) > 0.15
    assert abs(found.after_hertz / wanted - 1.0) < 2e-3
    example["picture"]([found], tmp_path / "filter.svg")
    assert (tmp_path / "filter.svg").read_text().count("<path") > 5


def test_filter_follows_its_closed_form() -> None:
    """What the closed form leaves out is the amplifiers' bandwidth: f / GBW of 2e-3 at 100 kHz, times three."""
    import numpy as np

    example = runpy.run_path(str(ROOT / "examples" / "active_rc_filter" / "filter.py"))
    from rsscircuit.netlist.circuits.biquad import BANKS, Programmed, biquad, response
    from rsscircuit.netlist.elements import Ac
    from rsscircuit.simulate.ngspice import analyse
    from rsscircuit.technology import load_technology

    technology = load_technology("sky130_xhigh_1M")
    ohms = {"R1": 2e5, "RQ": 1.1e5, "R2": 1.5e5, "R4": 1.7e5}
    on = technology.switch.on_ohm
    banks = {name: Programmed(resistance_ohm=np.array([ohms[name] - on, 1e6]), closed=[True, False]) for name in BANKS}
    sweep = Ac(points=20, start=1e2, stop=1e5)
    found = analyse(biquad(banks, 50e-12, technology, example["AMPLIFIER"], sweep), where="test")
    wanted = response(found["frequency"], ohms, 50e-12)
    assert np.abs(np.abs(found["v(o2)"]) / np.abs(wanted) - 1.0).max() < 6e-3


def test_current_reference_is_programmed(tmp_path: Path) -> None:
    """At 27 C within 3e-4 on every die, half of the voltage coefficient; over temperature as far as the film's."""
    example = runpy.run_path(str(ROOT / "examples" / "bias_reference" / "bias.py"))
    dies = example["references"](resistors=12, seed=3, technology_name="sky130_xhigh_1M")
    room = example["CELSIUS"].index(27.0)
    for die in dies:
        assert abs(die.programmed[room] / 1e-6 - 1.0) < 3e-4
    assert abs(dies[0].drawn[room] / 1e-6 - 1.0) > 0.1
    assert dies[0].programmed[-1] / dies[0].programmed[room] == pytest.approx(1.13, abs=0.02)
    example["picture"](dies, tmp_path / "bias.svg")
    assert (tmp_path / "bias.svg").stat().st_size > 0


@pytest.mark.parametrize("name", sorted(SCHEMATICS["DRAWINGS"]))
def test_the_schematics_are_what_the_script_draws(name: str) -> None:
    drawn = ROOT / "docs" / "pictures" / f"circuit-{name}.svg"
    assert drawn.read_bytes() == SCHEMATICS["draw"](name), "run python scripts/schematics.py"

"""Monte Carlo by every engine: trial k is the same circuit for all, so they are compared trial by trial."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.analyses import montecarlo, montecarlo_trial
from rsscircuit.design import Crossbar
from rsscircuit.netlist import element_values, source_volts, tile_deck
from rsscircuit.options import BuildOptions
from rsscircuit.simulate import ngspice
from rsscircuit.simulate.altered import AlteredTile
from rsscircuit.simulate.montecarlo import Conditions, Draw, fixed_program
from rsscircuit.technology import Technology
from rsscircuit.technology.cell import Segments, wire_segments

TRIALS = 4
LEVEL = 1e-6  # of the rms output, between transistors in ngspice and their model in nodal analysis
BENT = 1e-3  # the same, of what ideal leaves out: -1e-3 /V of the resistors, at 0.2 V
STEP = 0.01  # the same: more than a step of the converters, 2^-9 of a full scale of up to 5 times the rms


@pytest.fixture(scope="module", params=[False, True], ids=["no wires", "wires"])
def design(
    request: pytest.FixtureRequest, small_network: Path, small_inputs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("design") / "d"
    options = BuildOptions(tile=(32, 4), calibration=str(small_inputs), wires=request.param, netlists="none")
    rsscircuit.build(small_network, out, options)
    return out


@pytest.mark.parametrize("fixed", [False, True], ids=["dies", "fixed program"])
def test_engines_agree_on_every_trial(fixed: bool, design: Path) -> None:
    """Column currents do; of the converters' codes those that lie at an edge differ, by the one step of their column.

    With the same offsets and noise, that is: engines that are 1e-6 apart differ in a code of 2e-3 once in 2 000.
    """
    model = "nodal" if rsscircuit.load(design).options["wires"] else "ideal"
    for trial in range(1, TRIALS + 1):
        asked = {"layer": "hidden", "tile": 0, "trial": trial, "fixed": fixed, "seed": 3}
        spice, modelled = (montecarlo_trial(design, engine=engine, **asked) for engine in ("ngspice", model))
        assert spice["drawn"] == modelled["drawn"]
        difference = np.array(spice["array_error"]) - np.array(modelled["array_error"])
        assert np.abs(difference).max() <= (LEVEL if model == "nodal" else BENT)
        assert np.abs(spice["array_error"]).max() > 1e-4
        codes = np.abs(np.array(spice["error"]) - np.array(modelled["error"]))
        other = codes > 1e-12
        assert other.mean() <= (0.01 if model == "nodal" else 0.2)
        assert codes.max() <= STEP
        for column in codes.T:
            steps = column[column > 1e-12]
            assert steps.size == 0 or np.ptp(steps) <= 1e-9


@pytest.mark.parametrize("engine", ["nodal", "ideal", "ngspice"])
@pytest.mark.parametrize("fixed", [False, True], ids=["dies", "fixed program"])
def test_a_trial_alone_is_the_trial_of_the_run(engine: str, fixed: bool, design: Path) -> None:
    asked = {"layer": "out", "tile": 0, "engine": engine, "fixed": fixed, "seed": 5}
    run = montecarlo(design, trials=TRIALS, **asked)
    for trial in (TRIALS, 2):
        alone = montecarlo_trial(design, trial=trial, **asked)
        assert alone["relative_error"] == run["relative_error"][trial - 1]
        assert alone["drawn"] == run["drawn"][trial - 1]


def trials_of(directory: Path) -> tuple[rsscircuit.Design, Draw]:
    design = rsscircuit.load(directory)
    layer = design.layer("hidden")
    return design, fixed_program(design, layer, layer.tiles[0], 3, Conditions())


def wires_of(design: rsscircuit.Design, technology: rsscircuit.technology.Technology) -> Segments | None:
    return wire_segments(design.bank.nominal_ohm, technology) if design.options["wires"] else None


def by_coefficients(crossbar: Crossbar, technology: Technology, volts: np.ndarray) -> np.ndarray:
    """Column currents of the voltage coefficients alone."""
    bend = crossbar.bend(technology)
    return (volts * np.abs(volts)) @ bend.odd + volts**3 @ bend.cube


def test_altering_in_place_is_loading_anew_and_open_branches_carry_nothing(design: Path) -> None:
    """In any order of the trials, to the bit; of a deck that is loaded anew, to the rounding of another matrix.

    The voltage coefficients stay as they were loaded, which is at most 3e-6 of full scale.
    """
    drawn, draw = trials_of(design)
    layer = drawn.layer("hidden")
    own = drawn.crossbar(layer, layer.tiles[0])
    trials = [draw(number) for number in range(1, TRIALS + 1)]
    volts = np.random.default_rng(1).uniform(-0.2, 0.2, (2, len(own.targets)))

    def altered(*, open_branches: bool, order: int) -> np.ndarray:
        tile = AlteredTile(
            own,
            drawn.technology,
            wires_of(drawn, drawn.technology),
            label="hidden",
            where="the tile",
            open_branches=open_branches,
        )
        found = [
            tile.currents(trial.crossbar, trial.technology, wires_of(drawn, trial.technology), volts)
            for trial in trials[::order]
        ]
        return np.array(found)[::order]

    closed_only = altered(open_branches=False, order=1)
    full = np.abs(closed_only).max()
    assert (closed_only == altered(open_branches=False, order=-1)).all()
    assert np.abs(closed_only - altered(open_branches=True, order=1)).max() <= 1e-9 * full
    for trial, currents in zip(trials, closed_only, strict=True):
        segments = wires_of(drawn, trial.technology)
        deck = tile_deck(trial.crossbar, trial.technology, label="hidden", segments=segments)
        sources = source_volts(volts, trial.technology)
        anew = ngspice.operating_points(deck, sources, currents.shape[1], where="the tile")
        kept = by_coefficients(own, drawn.technology, volts)
        moved = by_coefficients(trial.crossbar, trial.technology, volts)
        assert np.abs(currents - kept - (anew - moved)).max() <= 1e-9 * full
        assert np.abs(currents - anew).max() <= 3e-6 * full
    assert np.abs(closed_only[0] - closed_only[1]).max() > 1e-5 * full


def test_a_trial_with_other_elements_is_loaded_itself(design: Path) -> None:
    _, draw = trials_of(design)
    trial, segments = draw(1), Segments(word_ohm=1.0, bit_ohm=1.0)
    volts = np.full((1, len(trial.crossbar.targets)), 0.1)
    alone = AlteredTile(trial.crossbar, trial.technology, None, label="hidden", where="the tile")
    deck = tile_deck(trial.crossbar, trial.technology, label="hidden", segments=segments)
    sources = source_volts(volts, trial.technology)
    anew = ngspice.operating_points(deck, sources, trial.crossbar.targets.shape[1], where="the tile")
    assert (alone.currents(trial.crossbar, trial.technology, segments, volts) == anew).all()


def test_what_moves_between_trials_is_all_that_is_altered(design: Path) -> None:
    drawn, draw = trials_of(design)
    first, second = (draw(number) for number in (1, 2))
    values = [
        element_values(trial.crossbar, trial.technology, wires_of(drawn, trial.technology)) for trial in (first, second)
    ]
    assert values[0].keys() == values[1].keys()
    moved = {name for name in values[0] if values[0][name] != values[1][name]}
    closed = int(first.crossbar.closed.sum())
    assert sum(name.startswith("r.x") for name in moved) == closed
    assert {name for name in moved if name.startswith("vg")} == {f"vg{i}" for i in range(len(first.crossbar.targets))}
    assert any(name.startswith("rb") for name in moved) == drawn.options["wires"]

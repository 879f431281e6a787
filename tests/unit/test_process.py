"""The terms of process variation: moments, what is shared, what stays when others are switched off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rsscircuit.banks import TERMS, FloorPlan, Place, bank_spec, draw_die, parse_terms
from rsscircuit.banks.process import gradient_factors, resistances, shared_factor
from rsscircuit.errors import InputError
from rsscircuit.technology import load_technology

TECHNOLOGY = load_technology("sky130_xhigh_100k")
SPEC = bank_spec("equal", 8, 1e5)
SHAPE = (20, 10)


def place(**address: object) -> Place:
    return Place(**{"seed": 1, "layer": "a", "tile": 0, "pitch_mm": 0.02} | address)  # type: ignore[arg-type]


def relative(terms: str, **address: object) -> np.ndarray:
    """Relative deviations of the resistances of a tile."""
    drawn = resistances(SPEC.nominal_ohm, TECHNOLOGY, SHAPE, place(**address), parse_terms(terms))
    result: np.ndarray = drawn / SPEC.nominal_ohm - 1
    return result


def test_nothing_varies_when_every_term_is_off() -> None:
    assert not relative("none").any()
    die = draw_die(SPEC, TECHNOLOGY, np.ones(SHAPE, bool), place(), parse_terms("none"))
    assert np.ptp(die.on_siemens) == 0
    assert die.on_siemens[0, 0, 0, 0] == 1 / (1e5 + TECHNOLOGY.switch.on_ohm)


@pytest.mark.parametrize(
    ("term", "shares", "parts"),
    [
        ("lot", {"die": 5, "wafer": 3, "tile": 2, "layer": "b"}, {"lot": 1}),
        ("wafer", {"die": 5, "tile": 2, "layer": "b"}, {"wafer": 1}),
        ("die", {"tile": 2, "layer": "b"}, {"die": 1}),
    ],
)
def test_a_shared_term_is_shared_by_all_of_its_kind(
    term: str, shares: dict[str, object], parts: dict[str, object]
) -> None:
    mine = relative(term)
    assert np.ptp(mine) == 0
    assert mine[0, 0, 0, 0] != 0
    assert (relative(term, **shares) == mine).all()
    assert relative(term, **parts)[0, 0, 0, 0] != mine[0, 0, 0, 0]
    assert relative(term, seed=2)[0, 0, 0, 0] != mine[0, 0, 0, 0]


@pytest.mark.parametrize("term", ["lot", "wafer", "die"])
def test_shared_terms_have_the_spread_of_the_process(term: str) -> None:
    factors = [shared_factor(TECHNOLOGY, place(**{term: k}), {term}) for k in range(3000)]
    sigma = getattr(TECHNOLOGY.process, f"sigma_{term}")
    assert np.std(factors) == pytest.approx(sigma, rel=0.05)
    assert np.mean(factors) == pytest.approx(1.0, abs=4 * sigma / np.sqrt(3000))


def test_local_terms_are_each_branch_s_own() -> None:
    tiles = np.array([relative("local", tile=k) for k in range(40)]).reshape(-1, SPEC.resistors)
    sigma = TECHNOLOGY.resistor.sigma_local(1e5)
    assert tiles.std() == pytest.approx(sigma, rel=0.02)
    assert np.abs(np.corrcoef(tiles.T) - np.eye(8)).max() < 4 / np.sqrt(len(tiles))
    neighbours = np.corrcoef(tiles[:-1].ravel(), tiles[1:].ravel())[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(tiles.size)


def test_terms_add_up_and_do_not_disturb_each_other() -> None:
    everything = 1.0 + relative("lot,wafer,die,gradient,local")
    product = np.ones_like(everything)
    for term in ("lot", "wafer", "die", "gradient", "local"):
        product = product * (1.0 + relative(term))
    assert everything == pytest.approx(product, rel=1e-12)


def test_a_gradient_is_a_plane_over_the_whole_die() -> None:
    spec, tiles = bank_spec("equal", 8, 1e5), {"a": 3, "b": 6}
    plan = FloorPlan.of(tiles, SHAPE, spec, TECHNOLOGY)
    points, values = [], []
    for layer, count in tiles.items():
        for tile in range(count):
            at = plan.place(1, layer, tile)
            rows, columns = np.indices(SHAPE)
            points.append(
                np.stack([at.corner_mm[0] + at.pitch_mm * columns, at.corner_mm[1] + at.pitch_mm * rows], axis=-1)
            )
            values.append(gradient_factors(TECHNOLOGY, at, SHAPE))
    where, factor = np.concatenate(points).reshape(-1, 2), np.concatenate(values).ravel()
    assert len(np.unique(where.round(9), axis=0)) == where.shape[0]  # no two banks in one place
    plane, *_ = np.linalg.lstsq(np.column_stack([where, np.ones(len(where))]), factor, rcond=None)
    assert np.column_stack([where, np.ones(len(where))]) @ plane == pytest.approx(factor, abs=1e-12)
    assert plane[2] == pytest.approx(1.0, abs=1e-12)
    slopes = [(gradient_factors(TECHNOLOGY, place(die=k, pitch_mm=1.0), (2, 2))[0, 1] - 1.0) for k in range(2000)]
    assert np.std(slopes) == pytest.approx(TECHNOLOGY.process.gradient_per_mm, rel=0.06)


def test_a_tile_is_the_same_whichever_tiles_were_drawn_before() -> None:
    forward = [relative("all", tile=k) for k in range(4)]
    backward = [relative("all", tile=k) for k in reversed(range(4))][::-1]
    assert all((one == other).all() for one, other in zip(forward, backward, strict=True))


def test_voltage_and_temperature_stay_out_of_the_draw() -> None:
    cold = replace(TECHNOLOGY, resistor=replace(TECHNOLOGY.resistor, tc1_per_kelvin=0.0, voltage_per_volt=0.0))
    one = draw_die(SPEC, TECHNOLOGY, np.ones(SHAPE, bool), place())
    other = draw_die(SPEC, cold, np.ones(SHAPE, bool), place())
    assert (one.on_siemens == other.on_siemens).all()


@pytest.mark.parametrize(("text", "terms"), [("all", TERMS), ("none", ()), ("die, local", ("die", "local"))])
def test_terms_are_named_in_a_list(text: str, terms: tuple[str, ...]) -> None:
    assert parse_terms(text) == set(terms)


def test_an_unknown_term_is_refused() -> None:
    with pytest.raises(InputError, match="no such term of variation; got 'global'; give all, none, or some of lot"):
        parse_terms("global,local")

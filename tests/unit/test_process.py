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
    return Place(**{"seed": 1, "layer": "a", "tile": 0, "pitch_mm": (0.02, 0.03)} | address)  # type: ignore[arg-type]


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


DIES = 400
ROWS, COLUMNS = np.indices(SHAPE)
PLANE = np.column_stack([np.ones(ROWS.size), COLUMNS.ravel(), ROWS.ravel()])


def parts_of_variation(terms: str) -> dict[str, np.ndarray]:
    """Standard deviations over many dies of what a die's banks share, how they slope and what is each one's own."""
    level, slopes, own, switch = [], [], [], []
    for k in range(DIES):
        # dies of their own wafers and lots; the middle of the die is at column 5, row 10, where no gradient acts
        at = place(lot=k, wafer=k, die=k, corner_mm=(-0.1, -0.3))
        die = draw_die(SPEC, TECHNOLOGY, np.ones(SHAPE, bool), at, parse_terms(terms))
        ohms = resistances(SPEC.nominal_ohm, TECHNOLOGY, SHAPE, at, parse_terms(terms))
        relative = ohms / SPEC.nominal_ohm - 1
        fit, *_ = np.linalg.lstsq(PLANE, relative.mean(axis=(2, 3)).ravel(), rcond=None)
        level.append(fit @ [1.0, 5.0, 10.0])
        slopes.append(fit[1:] / at.pitch_mm)
        own.append(relative - (PLANE @ fit).reshape(SHAPE)[:, :, None, None])
        switch.append((1.0 / die.on_siemens - ohms) / TECHNOLOGY.switch.on_ohm - 1)
    return {"level": np.std(level), "slope": np.std(slopes), "own": np.std(own), "switch": np.std(switch)}


@pytest.mark.parametrize("term", [*TERMS, "none"])
def test_a_term_alone_does_its_part_and_nothing_else(term: str) -> None:
    process, found = TECHNOLOGY.process, parts_of_variation(term)
    local = TECHNOLOGY.resistor.sigma_local(1e5)
    banks = ROWS.size * 2 * SPEC.resistors
    expected = {
        "lot": {"level": process.sigma_lot},
        "wafer": {"level": process.sigma_wafer},
        "die": {"level": process.sigma_die},
        "gradient": {"slope": process.gradient_per_mm},
        # the mean and the fitted slope of some 3200 resistors vary as a mean and a slope must
        "local": {
            "own": local,
            "level": local * np.sqrt(1 / banks + 0.5**2 * (1 / COLUMNS.var() + 1 / ROWS.var()) / banks),
            "slope": local / 0.02 * np.sqrt((1 / COLUMNS.var() + 1 / ROWS.var()) / 2 / banks),
        },
        "switch": {"switch": TECHNOLOGY.switch.sigma_on},
        "none": {},
    }[term]
    for part, sigma in found.items():
        # 400 dies: a standard deviation is known to 3.5 %, four of which are taken
        assert sigma == pytest.approx(expected.get(part, 0.0), rel=0.14, abs=1e-11)


def test_each_switch_has_its_own_resistance() -> None:
    def switches(tile: int) -> np.ndarray:
        die = draw_die(SPEC, TECHNOLOGY, np.ones(SHAPE, bool), place(tile=tile), parse_terms("switch"))
        result: np.ndarray = (1.0 / die.on_siemens - 1e5) / TECHNOLOGY.switch.on_ohm - 1
        return result.reshape(-1, SPEC.resistors)

    drawn = np.array([switches(tile) for tile in range(20)])
    flat = drawn.reshape(-1, SPEC.resistors)
    assert flat.std() == pytest.approx(TECHNOLOGY.switch.sigma_on, rel=0.03)
    assert abs(flat.mean()) < 4 * flat.std() / np.sqrt(flat.size)
    assert np.abs(np.corrcoef(flat.T) - np.eye(8)).max() < 4 / np.sqrt(len(flat))
    assert abs(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]) < 4 / np.sqrt(drawn.size)
    local = relative("local").ravel()
    assert abs(np.corrcoef(local, drawn[0].ravel())[0, 1]) < 4 / np.sqrt(local.size)


@pytest.mark.parametrize("term", ["lot", "wafer", "die"])
def test_shared_terms_of_different_kinds_are_independent(term: str) -> None:
    others = {"lot", "wafer", "die"} - {term}
    addresses = [{"lot": k, "wafer": k, "die": k} for k in range(2000)]
    mine = [shared_factor(TECHNOLOGY, place(**address), {term}) for address in addresses]
    for other in others:
        theirs = [shared_factor(TECHNOLOGY, place(**address), {other}) for address in addresses]
        assert abs(np.corrcoef(mine, theirs)[0, 1]) < 4 / np.sqrt(2000)


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
                np.stack([at.corner_mm[0] + at.pitch_mm[0] * columns, at.corner_mm[1] + at.pitch_mm[1] * rows], axis=-1)
            )
            values.append(gradient_factors(TECHNOLOGY, at, SHAPE))
    where, factor = np.concatenate(points).reshape(-1, 2), np.concatenate(values).ravel()
    assert len(np.unique(where.round(9), axis=0)) == where.shape[0]  # no two banks in one place
    plane, *_ = np.linalg.lstsq(np.column_stack([where, np.ones(len(where))]), factor, rcond=None)
    assert np.column_stack([where, np.ones(len(where))]) @ plane == pytest.approx(factor, abs=1e-12)
    assert plane[2] == pytest.approx(1.0, abs=1e-12)
    slopes = [
        (gradient_factors(TECHNOLOGY, place(die=k, pitch_mm=(1.0, 1.0)), (2, 2))[0, 1] - 1.0) for k in range(2000)
    ]
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
    with pytest.raises(InputError, match="no such term of variation; got 'global'; give all or none alone, or some"):
        parse_terms("global,local")
    with pytest.raises(InputError, match="--variation: the same term of variation twice; got 'die'; give all"):
        parse_terms("die,local,die")

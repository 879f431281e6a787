"""Compensation of the wires, joint columns and digital correction: what each promises, and that any die redoes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rsscircuit
from rsscircuit import analyses
from rsscircuit.banks import MeasuredBanks, Place, bank_spec, draw_die, measure
from rsscircuit.design import Design, Rules, compensate, lowered, program
from rsscircuit.design.joint import FARTHEST, column_power
from rsscircuit.design.program import SwitchPlan
from rsscircuit.errors import InputError
from rsscircuit.inference import Operation
from rsscircuit.inference.correction import BOTH, NOTHING, OFFSET, fit
from rsscircuit.mapping import InputMoments, LayerMatrix, cut, moments_of
from rsscircuit.options import BuildOptions
from rsscircuit.simulate.montecarlo import remeasured_dies
from rsscircuit.simulate.nodal import effective_siemens
from rsscircuit.technology import load_technology, technology_text

TECHNOLOGY = load_technology("sky130_xhigh_100k")
SPEC = bank_spec("linear:0.8", 12, 1e5)
FULL = float((1 / SPEC.nominal_ohm).sum())
ALL = {"compensate_ir_drop": True, "joint_columns": True, "correct_bias": True}


def tile(resistors: int = 12, shape: tuple[int, int] = (12, 6), seed: int = 1) -> tuple[np.ndarray, MeasuredBanks]:
    """Targets in siemens, some without a bank, and measured banks of 100 kOhm."""
    rng = np.random.default_rng(seed)
    spec = bank_spec("linear:0.8", resistors, 1e5)
    full = float((1 / spec.nominal_ohm).sum())
    targets = np.clip(rng.laplace(0, 0.1, shape), -0.7, 0.7) * full
    targets[rng.random(shape) < 0.2] = 0.0
    place = Place(seed=seed, layer="t", tile=0)
    return targets, measure(draw_die(spec, TECHNOLOGY, targets != 0, place), TECHNOLOGY, spec, place)


def pairs_of(plan: SwitchPlan, banks: MeasuredBanks) -> np.ndarray:
    both = np.where(plan.closed, banks.step_siemens, 0.0).sum(axis=3)
    result: np.ndarray = both[:, :, 0] - both[:, :, 1]
    return result


def wired(banks: np.ndarray) -> np.ndarray:
    return effective_siemens(banks, 12.0, 9.0)


def test_compensation_takes_the_error_of_the_effective_matrix_down_to_that_of_the_subsets() -> None:
    targets, banks = tile(shape=(24, 16))
    rules = Rules(tolerance_siemens=2.0**-11 * FULL)
    plain = program(targets, banks, rules)
    plan = compensate(targets, banks, lambda aims: program(aims, banks, rules), wired)
    found, size = plan.compensation, float((targets**2).sum())
    assert found is not None
    errors = [
        float(((wired(np.where(each.closed, banks.step_siemens, 0.0).sum(axis=3)) - targets) ** 2).sum())
        for each in (plain, plan)
    ]
    assert (found.before, found.after) == pytest.approx(errors, rel=1e-12)
    assert (found.before / size) ** 0.5 > 0.02
    own = float(((pairs_of(plain, banks) - targets) ** 2).sum())
    assert found.after < 3.0 * own  # subsets of the same kind, and what crossings without a bank carry
    assert np.abs(pairs_of(plan, banks) - found.aims).max() <= rules.tolerance_siemens * (1 + 1e-9)
    assert not found.aims[targets == 0].any()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), wild=st.floats(0.0, 3.0))
def test_no_round_is_kept_that_leaves_more_whatever_the_wires_do(seed: int, wild: float) -> None:
    targets, banks = tile(shape=(4, 3))
    rng, rules, seen = np.random.default_rng(seed), Rules(tolerance_siemens=2.0**-11 * FULL), []

    def effective(siemens: np.ndarray) -> np.ndarray:
        pairs = siemens[:, :, 0] - siemens[:, :, 1]
        answer: np.ndarray = pairs * (1.0 + wild * rng.standard_normal(pairs.shape))
        seen.append(float(((answer - targets) ** 2).sum()))
        return answer

    plan = compensate(targets, banks, lambda aims: program(aims, banks, rules), effective)
    assert plan.compensation is not None
    assert plan.compensation.after == min(seen) <= plan.compensation.before == seen[0]
    assert plan.compensation.rounds == int(np.argmin(seen))


def test_a_round_is_judged_by_its_columns() -> None:
    """Coarse banks whose subsets leave more than the wires do: the wires' errors add up along a column all the same."""
    targets, banks = tile(5, (40, 10))
    inputs = np.random.default_rng(3).random((500, 8)) @ np.random.default_rng(4).random((8, 40))
    moments, rules = inputs.T @ inputs / 500, Rules(tolerance_siemens=2.0**-11 * FULL)

    def choose(aims: np.ndarray) -> SwitchPlan:
        return program(aims, banks, rules, moments=moments)

    def seen(plan: SwitchPlan) -> np.ndarray:
        result: np.ndarray = wired(np.where(plan.closed, banks.step_siemens, 0.0).sum(axis=3)) - targets
        return result

    plain = choose(targets)
    by_cells, by_columns = (compensate(targets, banks, choose, wired, each) for each in (None, moments))
    assert by_columns.compensation is not None
    powers = [float(column_power(seen(plan), moments).sum()) for plan in (plain, by_cells, by_columns)]
    assert (by_columns.compensation.before, by_columns.compensation.after) == pytest.approx((powers[0], powers[2]))
    assert powers[2] < 0.5 * powers[0]
    assert powers[2] <= powers[1]


def test_the_scale_leaves_room_for_the_largest_aim() -> None:
    scale = lowered(np.array([2.0, 2.0, 1.0]), [np.array([4.0, 4.0, 0.0]), np.array([5.0, 3.0, 0.0])])
    assert scale.tolist() == [1.6, 2.0, 1.0]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), resistors=st.sampled_from([4, 6, 12]), rank=st.integers(1, 6))
def test_joint_columns_never_gain_power_nor_let_a_cell_go_further_than_stated(
    seed: int, resistors: int, rank: int
) -> None:
    targets, banks = tile(resistors, seed=seed % 50)
    inputs = np.abs(np.random.default_rng(seed).standard_normal((rank, len(targets))))
    moments, tolerance = inputs.T @ inputs, 2.0**-9 * FULL
    rules = Rules(tolerance_siemens=tolerance)
    alone, joint = program(targets, banks, rules), program(targets, banks, rules, moments=moments)
    error, before = pairs_of(joint, banks) - targets, pairs_of(alone, banks) - targets
    assert error == pytest.approx(joint.residual_siemens, abs=1e-12 * FULL)
    assert joint.column_power is not None
    powers = np.stack([column_power(before, moments), column_power(error, moments)])
    assert joint.column_power == pytest.approx(powers, rel=1e-6, abs=1e-12 * FULL**2)
    assert (powers[1] <= powers[0] * (1 + 1e-9) + 1e-18 * FULL**2).all()
    rms = np.sqrt(np.mean(before[(targets != 0) & ~alone.beyond_reach] ** 2))
    limit = tolerance if rms <= tolerance else FARTHEST * rms
    assert (np.abs(error) <= np.maximum(limit, np.abs(before)) * (1 + 1e-9)).all()


def test_joint_columns_pay_with_few_resistors_and_inputs_that_go_together() -> None:
    """Positive inputs of eight causes; the others are of the same, but were not seen."""
    targets, banks = tile(5, (40, 10))
    rng = np.random.default_rng(3)
    causes = rng.random((8, 40))
    inputs, unseen = rng.random((500, 8)) @ causes, rng.random((500, 8)) @ causes
    rules = Rules(tolerance_siemens=2.0**-11 * FULL)
    plan = program(targets, banks, rules, moments=inputs.T @ inputs / 500)
    assert plan.column_power is not None
    assert plan.column_power[1].sum() < 0.25 * plan.column_power[0].sum()
    alone = program(targets, banks, rules)
    joint, by_cell = (float(((unseen @ each.residual_siemens) ** 2).mean()) for each in (plan, alone))
    assert joint < 0.25 * by_cell


def test_moments_are_those_of_the_rows_of_each_tile() -> None:
    matrix = LayerMatrix(weights=np.ones((5, 2)), bias_rows=1, bias_value=0.5, input_full_scale=2.0)
    tiles, x = cut((5, 2), (3, 2)), np.random.default_rng(1).random((20, 4))
    gathered = InputMoments(matrix, tiles)
    gathered.add(x[:7])
    gathered.add(x[7:])
    drives = matrix.drive(x)
    for each in tiles:
        part = drives[:, each.window[0]]
        assert moments_of(gathered.result(), each) == pytest.approx(part.T @ part / 20, rel=1e-6)


def test_a_correction_is_exact_for_an_affine_error() -> None:
    rng = np.random.default_rng(1)
    wanted = rng.standard_normal((60, 3)) * [1.0, 5.0, 0.1]
    gain, offset = np.array([0.7, 1.2, 0.95]), np.array([0.3, -2.0, 0.0])
    found = fit((wanted - offset) / gain, wanted, 20)
    assert found.kind == BOTH
    assert found.correction is not None
    assert found.correction.gain == pytest.approx(gain, rel=1e-9)
    assert found.correction.offset == pytest.approx(offset, abs=1e-9)
    assert found.after < 1e-12 < found.before


@pytest.mark.parametrize(("shift", "stretch", "kind"), [(0.0, 0.0, NOTHING), (0.5, 0.0, OFFSET), (0.5, 0.2, BOTH)])
def test_noise_is_not_fitted(shift: float, stretch: float, kind: str) -> None:
    """With eight inputs two numbers a column fit noise: they are taken only where there is something to mend."""
    rng = np.random.default_rng(2)
    wanted = rng.standard_normal((8, 40))
    found = fit(wanted * (1.0 + stretch) + shift + 0.02 * rng.standard_normal(wanted.shape), wanted, 8)
    assert found.kind == kind
    assert found.after <= found.before
    assert (found.correction is None) == (kind == NOTHING)


@pytest.fixture(scope="module")
def choices(small_inputs: Path) -> BuildOptions:
    return BuildOptions(
        technology="sky130_xhigh_100k", tile=(32, 4), resistors=8, calibration=str(small_inputs), netlists="none", **ALL
    )


@pytest.fixture(scope="module")
def fixed(choices: BuildOptions, small_network: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Design]:
    """The small network with all three."""
    folder = tmp_path_factory.mktemp("fixed") / "design"
    return folder, rsscircuit.build(small_network, folder, choices)


def test_a_build_says_what_each_did(fixed: tuple[Path, Design]) -> None:
    folder, design = fixed
    for layer in design.layers:
        for key in ("ir_drop", "joint_columns", "correction"):
            assert 0 < layer.statistics[key]["after"] <= layer.statistics[key]["before"] * (1 + 1e-9)
        assert layer.moments is not None
        wrong, power = 0.0, 0.0
        for each in layer.drawn_tiles:
            crossbar, moments = design.crossbar(layer, each), moments_of(layer.moments, each)
            assert crossbar.aims is not None
            banks = np.where(crossbar.closed, crossbar.measured.step_siemens, 0.0).sum(axis=3)
            seen = effective_siemens(banks, design.segments.word_ohm, design.segments.bit_ohm)
            wrong += float(column_power(seen - crossbar.targets, moments).sum())
            power += float(column_power(crossbar.targets, moments).sum())
        assert layer.statistics["ir_drop"]["weighed"] is True
        assert layer.statistics["ir_drop"]["after"] == pytest.approx((wrong / power) ** 0.5, rel=1e-9)
    assert rsscircuit.inspect(folder)["options"]["compensate_ir_drop"] is True


def test_without_effects_the_layers_multiply_by_the_trained_weights(
    fixed: tuple[Path, Design], small_inputs: Path
) -> None:
    found = rsscircuit.evaluate(fixed[0], small_inputs, effects="none")
    assert found["output_error"]["chip"] < 1e-12
    corrected, bare = (
        rsscircuit.evaluate(fixed[0], small_inputs, calibration=small_inputs, effects=effects)["output_error"]["chip"]
        for effects in ("all", "solver,measurement,voltage,switch,leakage,wires,dac,gain,offset,noise,adc")
    )
    assert corrected < bare
    with pytest.raises(InputError, match="allows for the wires"):
        analyses.evaluate_spice(fixed[0], small_inputs, effects="solver,measurement,adc")


def test_a_correction_holds_for_any_seed_of_a_run(small_network: Path, small_inputs: Path, tmp_path: Path) -> None:
    """Offsets of 2 mV, of the die: what is fitted for them in one run mends every other run's outputs, too."""
    text = technology_text("sky130_xhigh_1M")
    technology = tmp_path / "offsets.toml"
    technology.write_text(re.sub(r"sigma_offset_volt = \{ value = [^,]+", "sigma_offset_volt = { value = 2e-3", text))
    errors = {}
    for seed in (1, 2):
        options = BuildOptions(technology=str(technology), tile=(32, 4), calibration=str(small_inputs), seed=seed,
                               netlists="none", correct_bias=True)  # fmt: skip
        rsscircuit.build(small_network, tmp_path / "out", options, force=True)
        for effects in ("all", "offset"):
            for run in (1, 5, 77):
                found = rsscircuit.evaluate(
                    tmp_path / "out", small_inputs, effects=effects, operation=Operation(seed=run)
                )
                errors[seed, effects, run] = found["output_error"]["chip"]
        offsets = {errors[seed, "offset", run] for run in (1, 5, 77)}
        assert len(offsets) == 1
        assert all(errors[seed, "all", run] < 0.5 * errors[seed, "offset", run] for run in (1, 5, 77))
        runs = [errors[seed, "all", run] for run in (1, 5, 77)]
        assert len(set(runs)) == 3
        assert max(runs) < 1.2 * min(runs)
    assert errors[1, "offset", 1] != errors[2, "offset", 1]


def test_programming_with_the_own_table_redoes_everything(fixed: tuple[Path, Design], tmp_path: Path) -> None:
    folder, _ = fixed
    rsscircuit.export_banks(folder, tmp_path / "own.csv")
    rsscircuit.program(folder, tmp_path / "own.csv", tmp_path / "again")
    for group in ("network", "layers", "banks", "bitstream"):
        names = [path.relative_to(folder) for path in (folder / group).rglob("*") if path.is_file()]
        assert names
        for name in names:
            assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_a_build_is_the_same_bytes_with_one_thread(
    fixed: tuple[Path, Design], choices: BuildOptions, small_network: Path, tmp_path: Path
) -> None:
    words = ["build", small_network, "--out", tmp_path / "again", "--technology", choices.technology, "--tile", "32x4",
             "--resistors", "8", "--calibration", choices.calibration, "--netlists", "none", "--compensate-ir-drop",
             "--joint-columns", "--correct-bias", "--json"]  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "rsscircuit.cli", *map(str, words)],
        check=True,
        env=os.environ | {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
    )
    first, second = rsscircuit.inspect(fixed[0]), rsscircuit.inspect(tmp_path / "again")
    assert first["fingerprints"] == second["fingerprints"]


def test_wires_alone_are_judged_by_calibration_inputs_where_there_are_any(
    small_network: Path, small_inputs: Path, tmp_path: Path
) -> None:
    for calibration in (None, str(small_inputs)):
        options = BuildOptions(
            technology="sky130_xhigh_100k", tile=(32, 4), resistors=6, netlists="none", compensate_ir_drop=True,
            calibration=calibration,
        )  # fmt: skip
        design = rsscircuit.build(small_network, tmp_path / "out", options, force=True)
        for layer in design.layers:
            assert layer.statistics["ir_drop"]["weighed"] is (calibration is not None)
            assert "joint_columns" not in layer.statistics


def test_new_dies_of_one_tile_allow_for_the_wires_too(fixed: tuple[Path, Design]) -> None:
    design = fixed[1]
    layer = design.layer("hidden")
    trial = remeasured_dies(design, layer, layer.tiles[0], 3)(1)
    again = remeasured_dies(design, layer, layer.tiles[0], 3)(1)
    assert trial.crossbar.aims is not None
    drawn = trial.crossbar.targets != 0
    assert (np.abs(trial.crossbar.aims) > np.abs(trial.crossbar.targets))[drawn].mean() > 0.9
    assert trial.crossbar.closed.tobytes() == again.crossbar.closed.tobytes()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"joint_columns": True}, "--joint-columns"),
        ({"correct_bias": True}, "--correct-bias"),
        ({"compensate_ir_drop": True, "effects": "switch"}, "--compensate-ir-drop"),
    ],
)
def test_what_cannot_be_done_is_refused(
    asked: dict[str, object], words: str, small_network: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words) as error:
        rsscircuit.build(small_network, tmp_path / "out", BuildOptions(**asked))  # type: ignore[arg-type]
    assert error.value.remedy
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_correction_over_too_few_inputs_is_refused(small_network: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((3, 1, 8, 8)))
    with pytest.raises(InputError, match="at least 4"):
        rsscircuit.build(
            small_network, tmp_path / "out", BuildOptions(calibration=str(tmp_path / "x.npy"), correct_bias=True)
        )

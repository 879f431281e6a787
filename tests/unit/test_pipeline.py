"""The build end to end on a small network: determinism, round trip, refusals."""

from __future__ import annotations

import filecmp
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.calibration import input_scales
from rsscircuit.controller import ArrayGeometry, unpack
from rsscircuit.design.record import build_command, write_record
from rsscircuit.errors import DesignError, InputError, RsscircuitError
from rsscircuit.network import Layer, read_network, run
from rsscircuit.options import BuildOptions
from rsscircuit.technology import technology_text


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_two_runs_write_the_same_bytes_in_any_process(
    small_design: Path, small_network: Path, small_inputs: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    words = ["build", small_network, "--out", again, "--tile", "32x4", "--calibration", small_inputs, "--json"]
    environment = os.environ | {"PYTHONHASHSEED": "77", "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-m", "rsscircuit.cli", *map(str, words)],
        check=True,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
    )
    first, second = ({k: v for k, v in files(f).items() if not k.startswith("results/")} for f in (small_design, again))
    assert set(first) == set(second)
    assert {name for name in first if first[name] != second[name] and not name.startswith("steps/")} == set()


def test_another_seed_is_another_die(small_network: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        rsscircuit.build(small_network, tmp_path / str(seed), BuildOptions(seed=seed, netlists="none"))
    name = "banks/conv/tile_0.true.npy"
    assert not filecmp.cmp(tmp_path / "1" / name, tmp_path / "2" / name, shallow=False)


def test_the_bitstream_is_the_switch_plan(small_design: Path) -> None:
    geometry = ArrayGeometry(**rsscircuit.inspect(small_design)["controller"])
    for number, (layer, tile, crossbar) in enumerate(rsscircuit.load(small_design).crossbars()):
        frame = unpack((small_design / "bitstream" / layer.label / f"tile_{tile.index}.bin").read_bytes(), geometry)
        assert frame.tile_id == number
        assert (frame.closed[: tile.rows, : tile.columns] == crossbar.closed).all()
        assert frame.closed.sum() == crossbar.closed.sum()


def test_a_design_reloads_to_the_network_it_was_built_from(
    small_design: Path, small_network: Path, small_inputs: Path
) -> None:
    x = np.load(small_inputs)
    original, reloaded = read_network(small_network), rsscircuit.load(small_design).network
    (first,), (second,) = run(original, x).values(), run(reloaded, x).values()
    assert (first == second).all()


def test_weights_are_audited_on_the_true_die(small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    for layer in design.layers:
        worst, power, error = 0.0, 0.0, 0.0
        for tile in layer.tiles:
            bias = max(0, layer.matrix.bias_rows - tile.row)
            weights = layer.matrix.weights[tile.window][bias:]
            mapped = design.crossbar(layer, tile).pair_siemens()[bias:] / layer.siemens_per_weight[tile.window[1]]
            worst = max(worst, np.abs(mapped - weights).max())
            error, power = error + ((mapped - weights) ** 2).sum(), power + (weights**2).sum()
        assert layer.statistics["worst_weight_error"] == pytest.approx(
            worst / np.abs(layer.matrix.weights[layer.matrix.bias_rows :]).max()
        )
        assert layer.statistics["rms_weight_error"] == pytest.approx((error / power) ** 0.5)
        assert worst <= 1.05 * layer.rules.tolerance_siemens / layer.siemens_per_weight.min()


def test_the_measurement_floor_is_what_measuring_adds_to_the_banks_on_disk(small_design: Path) -> None:
    design = rsscircuit.load(small_design)
    for layer in design.layers:
        squares, cells = 0.0, 0
        for tile in layer.drawn_tiles:
            stem = f"banks/{layer.label}/tile_{tile.index}"
            true, measured, packed = (
                np.load(small_design / f"{stem}.{name}.npy") for name in ("true", "measured", "closed")
            )
            closed = np.unpackbits(packed, axis=3, count=design.bank.resistors, bitorder="little").astype(bool)
            there = layer.matrix.weights[tile.window] != 0
            adds = true - np.where(true > 0, design.technology.switch.off_siemens, 0.0) - measured
            off = np.where(closed, adds, 0.0).sum(axis=3) @ [1.0, -1.0]
            squares, cells = squares + (off[there] ** 2).sum(), cells + there.sum()
        floor = layer.statistics["measurement_floor"]
        assert floor == pytest.approx(np.sqrt(squares / cells) / layer.full_scale_siemens, rel=1e-9)
        assert layer.statistics["measurement_floor_from"] == "true minus measured"
        assert 1e-6 < floor < layer.rules.tolerance_siemens / layer.full_scale_siemens


def test_a_coarser_converter_has_a_higher_floor(small_network: Path, tmp_path: Path) -> None:
    text = technology_text("sky130_xhigh_1M")
    assert "bits = { value = 14.0" in text
    floors = []
    for bits in ("14.0", "10.0"):
        (tmp_path / "t.toml").write_text(text.replace("bits = { value = 14.0", f"bits = {{ value = {bits}"))
        options = BuildOptions(technology=str(tmp_path / "t.toml"), netlists="none")
        design = rsscircuit.build(small_network, tmp_path / bits, options)
        floors.append([layer.statistics["measurement_floor"] for layer in design.layers])
    # in proportion to the converter's step, but for the rounding of what is kept and the other subsets chosen
    assert np.array(floors[1]) / floors[0] == pytest.approx(16.0, rel=0.5)


def test_inspect_sees_a_changed_file(small_network: Path, tmp_path: Path) -> None:
    out = tmp_path / "design"
    rsscircuit.build(small_network, out, BuildOptions(netlists="none"))
    assert rsscircuit.inspect(out)["changed"] == []
    path = out / "bitstream" / "conv" / "tile_0.bin"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(bytes(data))
    assert rsscircuit.inspect(out)["changed"] == ["bitstream"]


def test_evaluate_is_the_same_by_hand(small_design: Path, small_inputs: Path, tmp_path: Path) -> None:
    x = np.load(small_inputs)
    design = rsscircuit.load(small_design)
    trained = run(design.network, x)[design.network.outputs[0]]
    np.save(tmp_path / "y.npy", trained.argmax(1))
    result = rsscircuit.evaluate(small_design, small_inputs, tmp_path / "y.npy")
    assert result["images"] == 40
    assert result["accuracy"]["trained"] == 1.0
    assert result["agreement"]["mapped"] == result["accuracy"]["mapped"]
    assert 0 < result["output_error"]["mapped"] < 0.01
    assert result["output_error"]["mapped"] < result["output_error"]["with_parasitics"] < 0.03
    matrices = {}
    for layer in design.layers:
        full = np.zeros(layer.matrix.weights.shape)
        for tile in layer.tiles:
            full[tile.window] = design.crossbar(layer, tile).pair_siemens() / layer.siemens_per_weight[tile.window[1]]
        matrices[layer.name] = (layer.matrix, full)

    def product(layer: Layer, rows: np.ndarray) -> np.ndarray:
        matrix, weights = matrices[layer.name]
        return matrix.input_full_scale * matrix.drive(rows) @ weights

    by_hand = run(design.network, x, product=product)[design.network.outputs[0]]
    error = np.sqrt(((by_hand - trained) ** 2).sum() / (trained**2).sum())
    assert result["output_error"]["mapped"] == pytest.approx(error, rel=1e-9)


def test_ranges_come_from_calibration_or_from_bounds(small_network: Path, small_inputs: Path) -> None:
    network = read_network(small_network)
    measured, said = input_scales(network, str(small_inputs))
    assert "40 calibration inputs" in said
    seen: dict[str, float] = {}
    run(network, np.load(small_inputs), observe=lambda layer, x: seen.update({layer.name: np.abs(x).max()}))
    for name, value in seen.items():
        assert value <= measured[name] <= value * 1.002
    bounds, said = input_scales(network, None)
    assert "no calibration" in said
    assert all(bounds[name] >= seen[name] for name in seen)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("engine", ["nodal", "ngspice"])
def test_monte_carlo_is_reproducible_and_its_first_trials_do_not_depend_on_their_number(
    engine: str, fixed: bool, small_design: Path
) -> None:
    def errors(trials: int) -> list[float]:
        result = rsscircuit.montecarlo(
            small_design, layer="hidden", tile=0, trials=trials, engine=engine, fixed=fixed, seed=4, fresh=True
        )
        assert result["trials"] == len(result["relative_error"]) == trials
        return result["relative_error"]

    three, two = errors(3), errors(2)
    assert three[:2] == two
    assert len(set(three)) == 3
    assert max(three) < 0.02


def test_a_hotter_range_errs_more_where_the_feedback_has_no_switches(small_network: Path, tmp_path: Path) -> None:
    from rsscircuit.simulate.montecarlo import Conditions
    from rsscircuit.technology import technology_text

    def mean(design: Path, celsius: float) -> float:
        conditions = Conditions(celsius=(celsius, celsius), supply_volt=(1.8, 1.8), years=(0.0, 0.0))
        result = rsscircuit.montecarlo(
            design, layer="out", tile=0, trials=3, engine="ideal", fixed=True, conditions=conditions
        )
        return float(result["array"]["mean"])

    text = technology_text("sky130_xhigh_1M")
    assert text.count("value = 1.600e6") == 1
    plain = tmp_path / "plain.toml"
    plain.write_text(text.replace("value = 1.600e6", "value = 1e15"))
    for technology in ("sky130_xhigh_1M", str(plain)):
        rsscircuit.build(small_network, tmp_path / Path(technology).stem, BuildOptions(technology=technology))
    bare, replica = tmp_path / "plain", tmp_path / "sky130_xhigh_1M"
    assert mean(bare, 27.0) < mean(bare, 80.0) < mean(bare, 125.0)
    assert mean(replica, 125.0) < mean(replica, 27.0) + 0.3 * (mean(bare, 125.0) - mean(bare, 27.0))


def test_a_fixed_program_is_where_the_corners_say_it_is_and_drifts_as_expected(small_design: Path) -> None:
    from rsscircuit.simulate.montecarlo import Conditions, fixed_program
    from rsscircuit.technology.cell import ageing_siemens2
    from rsscircuit.technology.corners import Corner, at_corner

    design = rsscircuit.load(small_design)
    layer = design.layer("out")
    tile = layer.tiles[0]
    base = design.crossbar(layer, tile)

    def trials(count: int, celsius: float, supply: float, years: float) -> list[np.ndarray]:
        where = Conditions(celsius=(celsius, celsius), supply_volt=(supply, supply), years=(years, years))
        draw = fixed_program(design, layer, tile, 1, where)
        return [draw(number).crossbar.die.on_siemens for number in range(1, count + 1)]

    hot = Corner(celsius=125.0, supply_volt=1.62, volt=0.0)
    expected = at_corner(base.die.on_siemens, design.technology, hot)
    assert trials(1, 125.0, 1.62, 0.0)[0] == pytest.approx(expected, rel=1e-12)
    drifts = [aged - base.die.on_siemens for aged in trials(60, 27.0, 1.8, 10.0)]
    pairs = [np.where(base.closed, drift, 0.0).sum(axis=3) for drift in drifts]
    drawn = base.targets != 0
    rms = np.sqrt(np.mean([((pair[:, :, 0] - pair[:, :, 1])[drawn] ** 2).mean() for pair in pairs]))
    expected_squares = ageing_siemens2(base.die.on_siemens, design.technology)[base.closed].sum()
    assert rms == pytest.approx(np.sqrt(expected_squares / drawn.sum()), rel=0.1)  # 60 draws of tens of pairs: 2 %


def test_nothing_is_left_behind_and_nothing_else_is_overwritten(small_network: Path, tmp_path: Path) -> None:
    out = tmp_path / "design"
    with pytest.raises(RsscircuitError):
        rsscircuit.build(small_network, out, BuildOptions(calibration=str(tmp_path / "none.npy")))
    assert list(tmp_path.iterdir()) == []
    rsscircuit.build(small_network, out, BuildOptions(netlists="none"))
    with pytest.raises(DesignError, match="--force"):
        rsscircuit.build(small_network, out)
    before = files(out)
    bad = tmp_path / "bad.npy"
    np.save(bad, np.zeros((3, 5)))
    with pytest.raises(InputError, match="network takes Nx1x8x8"):
        rsscircuit.build(small_network, out, BuildOptions(calibration=str(bad)), force=True)
    assert files(out) == before
    rsscircuit.build(small_network, out, BuildOptions(netlists="sample"), force=True)
    assert (out / "netlist" / "hidden" / "tile_0.cir").is_file()
    assert not (out / "netlist" / "hidden" / "tile_1.cir").exists()
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    with pytest.raises(DesignError, match="holds something else"):
        rsscircuit.build(small_network, foreign, force=True)
    assert (foreign / "thesis.txt").read_text() == "years of work"
    assert {p.name for p in tmp_path.iterdir()} == {"bad.npy", "design", "foreign"}


def test_the_record_names_no_path_of_this_machine(small_design: Path, tmp_path: Path) -> None:
    text = (small_design / "design.json").read_text()
    assert str(small_design.parent) not in text
    assert json.loads(text)["options"]["calibration"] == "x.npy"


def test_force_replaces_designs_only(small_network: Path, tmp_path: Path) -> None:
    pretender = tmp_path / "pretender"
    pretender.mkdir()
    (pretender / "design.json").write_text('{"hello": 1}')
    with pytest.raises(DesignError, match="holds something else"):
        rsscircuit.build(small_network, pretender, force=True)
    real = tmp_path / "real"
    rsscircuit.build(small_network, real, BuildOptions(netlists="none"))
    (real / "notes.txt").write_text("mine")
    with pytest.raises(DesignError, match="holds something else"):
        rsscircuit.build(small_network, real, force=True)
    assert (real / "notes.txt").read_text() == "mine"


def test_a_link_to_a_directory_is_followed(small_network: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    rsscircuit.build(small_network, tmp_path / "link", BuildOptions(netlists="none"))
    assert (tmp_path / "link").is_symlink()
    assert rsscircuit.inspect(tmp_path / "there")["changed"] == []


def test_tiles_without_weights_are_not_built(tmp_path: Path) -> None:
    weights = np.zeros((8, 40))
    weights[:4, :20] = 1.0
    layers = json.dumps([{"operator": "Gemm", "name": "fc", "weight": "w", "transB": 1}])
    np.savez(tmp_path / "n.npz", layers=layers, input_shape=np.array([0, 40]), w=weights)
    design = rsscircuit.build(tmp_path / "n.npz", tmp_path / "d", BuildOptions(tile=(20, 4)))
    layer = design.layer("fc")
    assert [tile.index for tile in layer.tiles] == [0, 1, 2, 3]
    assert [tile.index for tile in layer.drawn_tiles] == [0]
    assert [path.name for path in (tmp_path / "d" / "bitstream" / "fc").iterdir()] == ["tile_0.bin"]
    assert layer.statistics["slots"] == 320
    assert layer.statistics["zero_weights"] == 240
    assert not design.crossbar(layer, layer.tiles[3]).pair_siemens().any()
    with pytest.raises(InputError, match="no weights"):
        rsscircuit.montecarlo(tmp_path / "d", layer="fc", tile=3, trials=2)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((5, 40)))
    np.save(tmp_path / "y.npy", np.zeros(5, int))
    assert rsscircuit.evaluate(tmp_path / "d", tmp_path / "x.npy", tmp_path / "y.npy")["output_error"]["mapped"] < 1e-3


def test_impossible_conditions_are_refused(small_design: Path) -> None:
    from rsscircuit.simulate.montecarlo import Conditions

    for conditions in (
        Conditions(supply_volt=(0.1, 0.2)),
        Conditions(celsius=(-5000.0, 20.0)),
        Conditions(years=(-5, 1)),
    ):
        with pytest.raises(InputError):
            rsscircuit.montecarlo(small_design, layer="out", tile=0, trials=1, fixed=True, conditions=conditions)


def test_large_biases_of_unnormalised_inputs_do_not_coarsen_the_weights(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    layers = [
        {"operator": "Gemm", "name": "a", "weight": "w1", "bias": "b1", "transB": 1},
        {"operator": "Relu"},
        {"operator": "Gemm", "name": "b", "weight": "w2", "transB": 1},
    ]
    np.savez(
        tmp_path / "n.npz",
        layers=json.dumps(layers),
        input_shape=np.array([0, 20]),
        w1=rng.standard_normal((16, 20)) * 1e-4,
        b1=rng.standard_normal(16),
        w2=rng.standard_normal((3, 16)),
    )
    np.save(tmp_path / "x.npy", rng.random((60, 20)) * 1e4)
    rsscircuit.build(tmp_path / "n.npz", tmp_path / "d", BuildOptions(calibration=str(tmp_path / "x.npy")))
    result = rsscircuit.evaluate(tmp_path / "d", tmp_path / "x.npy")
    assert result["accuracy"] == {}
    assert result["output_error"]["mapped"] < 2e-3


def test_damage_is_told_before_anything_is_computed(small_network: Path, tmp_path: Path) -> None:
    out = tmp_path / "design"
    rsscircuit.build(small_network, out, BuildOptions(netlists="none"))
    record = (out / "design.json").read_text()
    (out / "design.json").write_text(record.replace('"seed": 1', '"seed": 7'))
    with pytest.raises(DesignError, match="record was changed"):
        rsscircuit.inspect(out)
    (out / "design.json").write_text(record)
    np.save(out / "layers" / "conv.scale.npy", np.ones(7))
    with pytest.raises(DesignError, match="were changed"):
        rsscircuit.load(out)


def test_a_layer_is_found_by_its_own_name_before_any_label(tmp_path: Path) -> None:
    layers = [
        {"operator": "Gemm", "name": "a b", "weight": "w", "transB": 1},
        {"operator": "Relu"},
        {"operator": "Gemm", "name": "a_b", "weight": "w", "transB": 1},
    ]
    np.savez(tmp_path / "n.npz", layers=json.dumps(layers), input_shape=np.array([0, 4]), w=np.eye(4))
    design = rsscircuit.build(tmp_path / "n.npz", tmp_path / "d", BuildOptions(netlists="none"))
    assert design.layer("a_b").name == "a_b"
    assert design.layer("a b").label == "a_b"
    assert design.layer("a_b_2").name == "a_b"


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([7] * 40, "4 classes"),
        ([-1] * 40, "from 0"),
        ([0.5] * 40, "whole numbers"),
        ([[0, 1]] * 40, r"labels must be \[40\]"),
    ],
)
def test_labels_that_are_no_classes_are_refused(
    labels: list[object], says: str, small_design: Path, small_inputs: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "y.npy", np.array(labels))
    with pytest.raises(InputError, match=says):
        rsscircuit.evaluate(small_design, small_inputs, tmp_path / "y.npy")


def test_a_design_of_an_older_technology_says_how_to_build_it_again(small_network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    options = BuildOptions(netlists="none", tile=(16, 8), corners="celsius=-40:125", wires=True)
    rsscircuit.build(small_network, folder, options)
    toml, record = folder / "technology.toml", json.loads((folder / "design.json").read_text())
    before, _, rest = toml.read_text().partition("[feedback]")
    toml.write_text(before + rest[rest.index("[") :])
    write_record(folder, {key: value for key, value in record.items() if key != "fingerprints"})
    says = r"old/technology.toml: the technology .*; got 'feedback: missing .*'; build it again: "
    with pytest.raises(DesignError, match=says) as caught:
        rsscircuit.load(folder)
    words = shlex.split(str(caught.value).partition("build it again: ")[2])
    assert words[:3] == ["generate-crossbar", "build", small_network.name]
    again = subprocess.run(
        [sys.executable, "-m", "rsscircuit.cli", *words[1:]], capture_output=True, text=True, cwd=small_network.parent
    )
    assert again.returncode == 0, again.stderr
    assert rsscircuit.load(folder).options == options.record()
    data = {"model": {"file": "a b.onnx"}, "options": record["options"], "die": {"file": "lab.csv"}}
    assert build_command(Path("d"), data).endswith("&& generate-crossbar program d --measured lab.csv --force")
    assert "build 'a b.onnx' --out d" in build_command(Path("d"), data)

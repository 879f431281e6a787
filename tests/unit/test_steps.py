"""The build as a chain: where it stops and goes on, what every step leaves, and that every check can fail."""

from __future__ import annotations

import json
import re
import shutil
import zlib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.cli import main
from rsscircuit.design.outcomes import STEPS, Check, Worst, read_outcomes
from rsscircuit.errors import DesignError, InputError, SimulationError
from rsscircuit.options import BuildOptions
from rsscircuit.pipeline import build_steps
from rsscircuit.steps import artefacts, banks, network, simulate
from rsscircuit.steps.chain import CHAIN, first_failure
from rsscircuit.steps.work import Work

DESIGN = {"hdl", "netlist", "bitstream", "banks", "layers", "network"}


def files(folder: Path) -> dict[str, bytes]:
    """Everything but results and what holds times."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: data for name, data in named.items() if not name.startswith(("results/", "steps/"))}


@pytest.fixture
def options(small_inputs: Path) -> BuildOptions:
    return BuildOptions(tile=(32, 4), calibration=str(small_inputs))


def test_every_option_is_read_by_one_step() -> None:
    read = [name for step in CHAIN for name in step.options]
    assert sorted(read) == sorted(each.name for each in fields(BuildOptions))
    assert [step.name for step in CHAIN] == list(STEPS[:-1])


def test_a_build_leaves_every_step_with_its_check_and_time(small_design: Path) -> None:
    found = read_outcomes(small_design)
    assert [*found] == list(STEPS[:10])
    assert {outcome.verdict for outcome in found.values()} == {"PASS"}
    assert all(outcome.seconds > 0 for outcome in found.values())
    assert found["import"].check.figure is not None


@pytest.mark.parametrize("stop", ["fold", "measure", "solve", "emit-spice"])
def test_a_chain_in_two_parts_is_the_chain_in_one(
    stop: str, small_design: Path, small_network: Path, options: BuildOptions, tmp_path: Path
) -> None:
    build_steps(small_network, tmp_path / "d", options, last=stop)
    build_steps(small_network, tmp_path / "d", options, first=STEPS[STEPS.index(stop) + 1])
    assert files(tmp_path / "d") == files(small_design)
    assert rsscircuit.inspect(tmp_path / "d")["changed"] == []


def test_later_options_may_change_and_earlier_ones_may_not(
    small_network: Path, options: BuildOptions, small_inputs: Path, tmp_path: Path
) -> None:
    build_steps(small_network, tmp_path / "d", options, last="program")
    other = BuildOptions(tile=(32, 4), calibration=str(small_inputs), objective="fewest", netlists="none")
    with pytest.raises(DesignError, match=r"--objective is read by step solve, which had 'least-total'.*--from solve"):
        build_steps(small_network, tmp_path / "d", other, first="program", force=True)
    with pytest.raises(DesignError, match="a design is there already"):
        build_steps(small_network, tmp_path / "d", other, first="solve")
    build_steps(small_network, tmp_path / "d", other, first="solve", force=True)
    rsscircuit.build(small_network, tmp_path / "whole", other)
    assert files(tmp_path / "d") == files(tmp_path / "whole")


def test_what_cannot_go_on_is_refused_and_nothing_is_lost(
    small_network: Path, options: BuildOptions, tmp_path: Path
) -> None:
    place = tmp_path / "d"
    with pytest.raises(DesignError, match="no step import to go on from"):
        build_steps(small_network, place, options, first="fold")
    with pytest.raises(InputError, match="no such step"):
        build_steps(small_network, place, options, last="emit")
    with pytest.raises(InputError, match="nothing to do"):
        build_steps(small_network, place, options, first="solve", last="draw")
    assert not place.exists()
    build_steps(small_network, place, options, last="measure")
    before = files(place)
    with pytest.raises(DesignError, match="stops after step measure"):
        rsscircuit.load(place)
    other = tmp_path / "other.npz"
    shutil.copy(small_network, other)
    with other.open("ab") as file:
        file.write(b"x")
    with pytest.raises(DesignError, match="the model is another one"):
        build_steps(other, place, options, first="solve")
    assert files(place) == before
    true = place / "banks" / "conv" / "tile_0.true.npy"
    true.write_bytes(true.read_bytes()[:-8] + bytes(8))
    with pytest.raises(DesignError, match="the files of step draw were changed"):
        build_steps(small_network, place, options, first="solve")


def _spoiled_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    fold = network.fold_network

    def wrong(imported: network.Any) -> network.Network:
        folded = fold(imported)
        layers = [replace(each, weight=1.001 * each.weight) if each.on_crossbar else each for each in folded.layers()]
        return network.Network.of_layers(layers, folded.outputs)

    monkeypatch.setattr(network, "fold_network", wrong)


def _spoiled_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = network.layer_matrix

    def wrong(layer: network.Layer, scale: float) -> object:
        found = matrix(layer, scale)
        if layer.operator == "Dense":
            found.weights[-1] *= 1.001
        return found

    monkeypatch.setattr(network, "layer_matrix", wrong)


def _lost_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = network.cut
    monkeypatch.setattr(network, "cut", lambda shape, size: cut(shape, size)[: -1 if shape[1] > size[1] else None])


def _lost_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    save = banks.store.save_die

    def wrong(folder: Path, label: str, index: int, die: banks.Any) -> None:
        die.on_siemens[0, 0, 0, 0] = 0.0
        save(folder, label, index, die)

    monkeypatch.setattr(banks.store, "save_die", wrong)


def _wrong_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    save = banks.store.save_measured

    def wrong(folder: Path, label: str, index: int, measured: banks.Any) -> None:
        measured.step_siemens[...] *= 1.01
        save(folder, label, index, measured)

    monkeypatch.setattr(banks.store, "save_measured", wrong)


def _flipped_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    save = banks.store.save_plan

    def wrong(folder: Path, label: str, crossbar: banks.Any, **without: object) -> None:
        crossbar.closed[0, 0, 0, 0] ^= True
        save(folder, label, crossbar, **without)

    monkeypatch.setattr(banks.store, "save_plan", wrong)


def _flipped_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = artefacts.pack

    def wrong(closed: artefacts.NDArray[np.bool_], *rest: artefacts.Any) -> bytes:
        flipped = closed.copy()
        flipped[0, 0, 0, 0] ^= True
        return pack(flipped, *rest)

    monkeypatch.setattr(artefacts, "pack", wrong)


def _flipped_deck(monkeypatch: pytest.MonkeyPatch) -> None:
    deck = artefacts.tile_deck

    def wrong(*given: artefacts.Any, **named: artefacts.Any) -> str:
        return re.sub(r"(?m)^(X0_.*?) g0 ", r"\1 0 ", deck(*given, **named), count=1)

    monkeypatch.setattr(artefacts, "tile_deck", wrong)


def _other_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    files = artefacts.hdl_files

    def wrong(delivery: artefacts.Delivery) -> dict[str, bytes]:
        found = files(delivery)
        lines = found["bench/frame.hex"].decode().split()
        lines[5] = f"{int(lines[5], 16) ^ 1:08x}"
        frame = b"".join(int(word, 16).to_bytes(4, "little") for word in lines[:-1])
        lines[-1] = f"{zlib.crc32(frame):08x}"
        return found | {"bench/frame.hex": "\n".join(lines).encode()}

    monkeypatch.setattr(artefacts, "hdl_files", wrong)


@pytest.mark.parametrize(
    ("step", "spoil", "where"),
    [
        ("fold", _spoiled_fold, "output"),
        ("lower", _spoiled_scale, "layer out"),
        ("tile", _lost_tile, "layer"),
        ("draw", _lost_bank, "tile 0"),
        ("measure", _wrong_reading, "tile"),
        ("solve", _flipped_plan, "tile 0"),
        ("program", _flipped_frame, "tile 0"),
        ("emit-spice", _flipped_deck, "tile"),
        ("emit-hdl", _other_frame, "tile 0"),
    ],
)
def test_a_fault_fails_its_own_step_and_ends_the_chain_there(
    step: str,
    spoil: Callable[[pytest.MonkeyPatch], None],
    where: str,
    small_network: Path,
    options: BuildOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoil(monkeypatch)
    found = build_steps(small_network, tmp_path / "d", options)
    assert [*found][-1] == step
    assert {name: each.verdict for name, each in found.items()} == dict.fromkeys(found, "PASS") | {step: "FAIL"}
    failure = first_failure(found)
    assert failure is not None
    assert failure.where.startswith(f"step {step}, ")
    assert where in failure.where
    with pytest.raises(DesignError, match=f"step {step} failed its check"):
        build_steps(
            small_network, tmp_path / "d", options, first=STEPS[STEPS.index(step) + 1], last="report", force=True
        )


def test_the_command_says_which_step_failed(
    small_network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _lost_bank(monkeypatch)
    monkeypatch.setattr("sys.argv", ["generate-crossbar", "build", str(small_network), "--out", str(tmp_path / "d")])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert "FAIL" in said.out
    assert "error: step draw, layer conv, tile 0: FAIL against the weights of the tiles" in said.err


def test_simulate_and_report_go_on_from_a_design(
    small_design: Path, small_network: Path, options: BuildOptions, tmp_path: Path
) -> None:
    place = tmp_path / "d"
    shutil.copytree(small_design, place, ignore=shutil.ignore_patterns("results", "report"))
    found = build_steps(small_network, place, options, first="simulate", last="report")
    assert found["simulate"].verdict == found["report"].verdict == "PASS"
    assert 0 < (found["simulate"].check.figure or 0) < 2e-4
    assert files(small_design).items() <= files(place).items()
    page = (place / "report" / "index.html").read_text()
    assert "emit-hdl" in page
    assert ".rsscircuit-" not in page
    assert all(".rsscircuit-" not in path.read_text() for path in (place / "results").glob("*.json"))


def test_a_simulation_that_does_not_run_fails_and_leaves_the_design(
    small_design: Path, small_network: Path, options: BuildOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(folder: Path, **words: object) -> object:
        raise SimulationError("no convergence", where=f"{folder}/netlist/conv/tile_0.cir")

    monkeypatch.setattr(simulate, "simulate_tile", lost)
    place = tmp_path / "d"
    shutil.copytree(small_design, place, ignore=shutil.ignore_patterns("results", "report"))
    found = build_steps(small_network, place, options, first="simulate", last="report")
    assert found["simulate"].verdict == "FAIL"
    assert "netlist/conv/tile_0.cir: no convergence" in found["simulate"].check.note
    assert "report" not in found
    json.loads((place / "steps" / "simulate.json").read_text(), parse_constant=pytest.fail)


def test_a_network_of_unknown_shape_is_said_not_to_be_checked(tmp_path: Path) -> None:
    layers = json.dumps([{"operator": "Gemm", "name": "fc", "weight": "w"}])
    np.savez(tmp_path / "net.npz", layers=layers, w=np.eye(4))
    found = build_steps(tmp_path / "net.npz", tmp_path / "d", BuildOptions(), last="tile")
    assert [each.verdict for each in found.values()] == ["PASS", "NOT CHECKED", "NOT CHECKED", "NOT CHECKED"]
    assert "shape of an input is not declared" in found["tile"].check.note


def test_a_figure_that_is_no_number_fails() -> None:
    worst = Worst()
    for figure, where in ((1.0, "a"), (float("nan"), "b"), (2.0, "c")):
        worst.add(figure, where)
    assert worst.where == "b"
    assert Check(against="", unit="", figure=worst.figure, limit=5.0).verdict == "FAIL"
    assert Work.__doc__

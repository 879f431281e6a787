"""A whole network in one deck against the mapped inference of its design, and what such a deck refuses.

3e-6 of the largest output with merged banks and ideal switches: the amplifiers' gain of 1e8 leaves some 1e-6 over three
layers, and the rounding of their input voltages 3e-7. 2e-4 with the generic NMOS, whose square law the mapped inference
leaves out. Resistors are linear there; where the voltage coefficients act, the mapped inference with parasitics is what
is compared with.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from circuits import run_batch, run_vacask

import rsscircuit
from rsscircuit.errors import InputError
from rsscircuit.inference import ARRAY, PROGRAM, Chip, layer_ranges
from rsscircuit.netlist import Tia, TileOptions, dialects
from rsscircuit.netlist.network import network_circuit
from rsscircuit.network import run
from rsscircuit.options import BuildOptions

STEEP = Tia(gain=1e8)


def answers(design: rsscircuit.Design, inputs: np.ndarray, effects: Sequence[str]) -> np.ndarray:
    """What the design answers with some effects at work."""
    chip = Chip(design, layer_ranges(design, inputs, 100.0), effects)
    return run(design.network, inputs, product=chip.run_of(range(len(inputs))).product)[design.network.outputs[0]]


def write_network(path: Path, layers: list[dict[str, object]], shape: tuple[int, ...], sizes: list[int]) -> Path:
    """Dense layers of these sizes, the last weight ``w<k>`` and bias ``b<k>`` for layer k."""
    rng = np.random.default_rng(2)
    arrays = {}
    for k, (inputs, outputs) in enumerate(pairwise(sizes)):
        arrays[f"w{k}"], arrays[f"b{k}"] = rng.standard_normal((outputs, inputs)), rng.standard_normal(outputs) * 0.3
    arrays["w0"][:, 2] = 0.0  # a pruned input
    arrays["w0"][1] = 0.0  # and a pruned output
    np.savez(path, layers=json.dumps(layers), input_shape=np.array(shape), **arrays)
    return path


def dense(k: int) -> dict[str, object]:
    return {"operator": "Gemm", "name": f"dense{k}", "weight": f"w{k}", "bias": f"b{k}", "transB": 1}


RELU: dict[str, object] = {"operator": "Relu"}


@pytest.fixture(scope="module")
def mlp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlp")
    layers = [{"operator": "Flatten"}, dense(0), RELU, dense(1), RELU, dense(2)]
    network = write_network(folder / "mlp.npz", layers, (0, 1, 3, 3), [9, 7, 6, 3])
    np.save(folder / "x.npy", np.random.default_rng(5).uniform(-1, 1, (20, 1, 3, 3)))
    options = BuildOptions(tile=(6, 4), calibration=str(folder / "x.npy"), technology="sky130_xhigh_100k")
    rsscircuit.build(network, folder / "design", options)
    return folder


LEVELS = {
    "merged": (TileOptions(merged=True, readout=STEEP, voltage_coefficient=False), 3e-6),
    "ideal switches": (TileOptions(switch="ideal", readout=STEEP, voltage_coefficient=False), 3e-6),
    "paired columns": (
        TileOptions(merged=True, readout=STEEP, pair="paired-columns", voltage_coefficient=False),
        3e-6,
    ),
    "nmos": (TileOptions(readout=STEEP, voltage_coefficient=False), 2e-4),
}


@pytest.mark.parametrize("level", LEVELS)
def test_the_deck_is_the_mapped_inference(level: str, mlp: Path, tmp_path: Path) -> None:
    options, tolerance = LEVELS[level]
    design, inputs = rsscircuit.load(mlp / "design"), np.load(mlp / "x.npy")
    assert max(len(layer.drawn_tiles) for layer in design.layers) >= 4  # partial sums are at work
    exact = answers(design, inputs, PROGRAM)
    for case in (0, 3):
        text = dialects.write(network_circuit(design, inputs[case : case + 1], options=options))
        found = run_batch(text, tmp_path)
        values = np.array([found[f"v(y{j})"] for j in range(3)])
        assert np.abs(values - exact[case]).max() <= tolerance * np.abs(exact[case]).max()


def test_with_wires_it_is_the_inference_with_parasitics(mlp: Path, tmp_path: Path) -> None:
    design, inputs = rsscircuit.load(mlp / "design"), np.load(mlp / "x.npy")
    exact = answers(design, inputs[:1], ARRAY)[0]
    options = TileOptions(readout=Tia(gain=1e7))  # at that of STEEP, ngspice steps gmin for minutes
    text = dialects.write(network_circuit(design, inputs[:1], segments=design.segments, options=options))
    found = run_batch(text, tmp_path)
    values = np.array([found[f"v(y{j})"] for j in range(3)])
    assert np.abs(values - exact).max() <= 5e-6 * np.abs(exact).max()
    plain = answers(design, inputs[:1], PROGRAM)[0]
    assert np.abs(values - plain).max() > 5e-5 * np.abs(exact).max()


def test_vacask_gives_the_outputs_of_ngspice(mlp: Path, tmp_path: Path) -> None:
    """To 1e-8 of the largest: both programs' iterations, at a gain at which rounding does not show."""
    options = TileOptions(readout=Tia(gain=1e5))
    made = network_circuit(rsscircuit.load(mlp / "design"), np.load(mlp / "x.npy")[:1], options=options)
    spice, other = run_batch(dialects.write(made), tmp_path), run_vacask(dialects.write(made, "vacask"), tmp_path)
    full = max(abs(value) for value in spice.values())
    assert max(abs(other[name] - value) for name, value in spice.items()) <= 1e-8 * full


def test_amplifiers_of_low_gain_show(mlp: Path, tmp_path: Path) -> None:
    design, inputs = rsscircuit.load(mlp / "design"), np.load(mlp / "x.npy")
    exact = answers(design, inputs[:1], PROGRAM)[0]
    options = TileOptions(merged=True, readout=Tia(gain=1e3))
    found = run_batch(dialects.write(network_circuit(design, inputs[:1], options=options)), tmp_path)
    error = np.abs(np.array([found[f"v(y{j})"] for j in range(3)]) - exact).max() / np.abs(exact).max()
    assert 1e-3 < error < 0.2  # (1 + feedback times column conductance) / gain, layer by layer


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([dense(0), {"operator": "Tanh", "name": "squash"}, dense(1)], "squash"),
        ([dense(0), RELU, dense(1), {"operator": "Softmax", "name": "share"}], "share"),
        ([RELU, dense(0), dense(1)], "before the first dense layer"),
    ],
)
def test_what_a_network_deck_cannot_hold_is_named(layers: list[dict[str, object]], words: str, tmp_path: Path) -> None:
    network = write_network(tmp_path / "n.npz", layers, (0, 4), [4, 3, 2])
    design = rsscircuit.build(network, tmp_path / "d", BuildOptions(netlists="none"))
    with pytest.raises(InputError, match=words):
        network_circuit(design, np.zeros((1, 4)))


def test_convolutions_and_large_networks_are_refused(
    small_design: Path, mlp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"conv \(Conv\): a convolution; .*MaxPool"):
        network_circuit(rsscircuit.load(small_design), np.zeros((1, 1, 8, 8)))
    monkeypatch.setattr("rsscircuit.netlist.network.MOST_BRANCHES", 100)
    with pytest.raises(InputError, match="at most 100 branches"):
        network_circuit(rsscircuit.load(mlp / "design"), np.load(mlp / "x.npy")[:1])

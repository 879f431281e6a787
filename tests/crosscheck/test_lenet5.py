"""The shipped networks on the real test sets, at the default settings: the bars of the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rsscircuit
from rsscircuit.options import BuildOptions

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("folder", "model", "trained", "points"),
    [
        ("lenet5_mnist", "lenet5.onnx", 0.989, 0.002),
        ("lenet5_mnist", "lenet5_pruned.onnx", 0.987, 0.002),
        ("lenet5_fashion", "lenet5.onnx", 0.89, 0.003),
    ],
)
@pytest.mark.parametrize("calibrated", [True, False])
def test_the_design_answers_as_the_trained_network(
    folder: str, model: str, trained: float, points: float, calibrated: bool, tmp_path: Path
) -> None:
    for name in ("test", "calibration"):
        packed = np.load(EXAMPLES / folder / f"{name}.npz")
        np.save(tmp_path / f"{name}_x.npy", packed["images"][:, None].astype(np.float32) / 255)
        np.save(tmp_path / f"{name}_y.npy", packed["labels"])
    calibration = str(tmp_path / "calibration_x.npy") if calibrated else None
    options = BuildOptions(netlists="none", calibration=calibration)
    design = rsscircuit.build(EXAMPLES / folder / model, tmp_path / "design", options)
    assert design.summary["beyond_reach"] == 0
    if "pruned" in model:
        assert design.summary["zero_weights"] >= 0.8 * design.summary["slots"]
    result = rsscircuit.evaluate(
        tmp_path / "design",
        tmp_path / "test_x.npy",
        tmp_path / "test_y.npy",
        calibration=tmp_path / "calibration_x.npy",
    )
    assert result["images"] == 10_000
    assert result["accuracy"]["trained"] >= trained
    assert abs(result["accuracy"]["mapped"] - result["accuracy"]["trained"]) <= points
    assert result["agreement"]["mapped"] >= 0.995
    assert result["output_error"]["mapped"] <= 0.01
    assert result["agreement"]["with_parasitics"] >= 0.99
    assert result["output_error"]["with_parasitics"] <= 0.03
    if calibrated:  # the bars of the chip with its read-out are for input ranges that fit
        assert result["agreement"]["chip"] >= 0.99
        assert result["output_error"]["chip"] <= 0.03

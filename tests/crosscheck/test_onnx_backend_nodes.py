"""The ONNX project's own node tests, for every operator that rsscircuit reads."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

from rsscircuit.network import read_network, run
from rsscircuit.network.translate import TRANSLATIONS

# Cast and Shape are read only where they compute constants; the unit tests cover them
OPERATORS = set(TRANSLATIONS) - {"Cast", "Shape"}

# positions of inputs that must be constant
CONSTANT_INPUTS = {
    "BatchNormalization": {1, 2, 3, 4},
    "Clip": {1, 2},
    "Conv": {1, 2},
    "Dropout": {1, 2},
    "Gather": {1},
    "Gemm": {1, 2},
    "MatMul": {1},
    "ReduceMean": {1},
    "Reshape": {1},
    "Squeeze": {1},
    "Unsqueeze": {1},
}

INTEGERS = "integers wrap and divide with truncation; every value here is a float"
VOLUMES = "only 1-D and 2-D windows"
TRAINING = "training mode"
SECOND_OUTPUT = "a second output is used"
BATCHED_WEIGHTS = "more than one weight matrix"
NOT_A_TENSOR = "a sequence or an optional value"

EXCLUDED = {
    **{
        f"test_{operator}_{kind}": INTEGERS
        for operator in ("add", "sub", "mul", "div")
        for kind in ("int8", "int16", "uint8", "uint16", "uint32", "uint64")
    },
    "test_div_int32_trunc": INTEGERS,
    "test_clip_default_int8_min": INTEGERS,
    "test_clip_default_int8_max": INTEGERS,
    "test_clip_default_int8_inbounds": INTEGERS,
    "test_clip_default_int8_inbounds_expanded": INTEGERS,
    "test_maxpool_2d_uint8": INTEGERS,
    "test_averagepool_3d_default": VOLUMES,
    "test_averagepool_3d_dilations_small": VOLUMES,
    **{
        f"test_averagepool_3d_dilations_large_count_include_pad_is_{pad}_ceil_mode_is_{ceil}": VOLUMES
        for pad in (0, 1)
        for ceil in (True, False)
    },
    "test_maxpool_3d_default": VOLUMES,
    "test_maxpool_3d_dilations": VOLUMES,
    "test_maxpool_3d_dilations_use_ref_impl": VOLUMES,
    "test_maxpool_3d_dilations_use_ref_impl_large": VOLUMES,
    "test_batchnorm_example_training_mode": TRAINING,
    "test_batchnorm_epsilon_training_mode": TRAINING,
    "test_training_dropout_default": TRAINING,
    "test_training_dropout_default_mask": TRAINING,
    "test_training_dropout": TRAINING,
    "test_training_dropout_mask": TRAINING,
    "test_training_dropout_zero_ratio_mask": SECOND_OUTPUT,
    "test_dropout_default_mask": SECOND_OUTPUT,
    "test_dropout_default_mask_ratio": SECOND_OUTPUT,
    "test_maxpool_with_argmax_2d_precomputed_pads": SECOND_OUTPUT,
    "test_maxpool_with_argmax_2d_precomputed_strides": SECOND_OUTPUT,
    "test_matmul_3d": BATCHED_WEIGHTS,
    "test_matmul_4d": BATCHED_WEIGHTS,
    "test_matmul_bcast": BATCHED_WEIGHTS,
    "test_matmul_1d_3d": BATCHED_WEIGHTS,
    "test_reshape_allowzero_reordered": "its shape holds for a batch of no cases only",
    "test_reduce_mean_default_axes_keepdims_example": "it averages over the batch",
    "test_reduce_mean_default_axes_keepdims_random": "it averages over the batch",
    "test_identity_sequence": NOT_A_TENSOR,
    "test_identity_opt": NOT_A_TENSOR,
}

# expected values that ONNX writes with four digits
ROUNDED = {"test_averagepool_2d_ceil_last_window_starts_on_pad"}


def model_of(case):
    return case.model or onnx.load(Path(case.model_dir) / "model.onnx")


def data_of(case):
    """The first data set: inputs and outputs as arrays."""
    if case.data_sets:
        return case.data_sets[0]
    folder = Path(case.model_dir) / "test_data_set_0"
    return tuple(
        [
            numpy_helper.to_array(onnx.load_tensor(folder / f"{kind}_{index}.pb"))
            for index in range(len(list(folder.glob(f"{kind}_*.pb"))))
        ]
        for kind in ("input", "output")
    )


def collect():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the generators of other operators' data overflow on purpose
        cases = load_model_tests(kind="node")
    return {
        case.name: case
        for case in cases
        if all(node.op_type in OPERATORS and not node.domain for node in model_of(case).graph.node)
    }


CASES = collect()
RUN = sorted(set(CASES) - set(EXCLUDED))


def test_no_case_was_lost():
    assert len(RUN) >= 120
    tested = {node.op_type for name in RUN for node in model_of(CASES[name]).graph.node}
    assert tested == OPERATORS


@pytest.mark.parametrize("name", RUN)
def test_node(name, tmp_path):
    case = CASES[name]
    model = onnx.ModelProto()
    model.CopyFrom(model_of(case))
    inputs, outputs = data_of(case)
    given = dict(zip([value.name for value in model.graph.input], inputs, strict=True))
    constant = {
        value
        for node in model.graph.node
        for position, value in enumerate(node.input)
        if position in CONSTANT_INPUTS.get(node.op_type, ()) and value in given
    }
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(given[v]), v) for v in sorted(constant))
    onnx.save(model, tmp_path / "node.onnx")

    network = read_network(tmp_path / "node.onnx")
    found = run(network, {name: value for name, value in given.items() if name not in constant})

    expected = np.asarray(outputs[0])
    tolerance = 2e-3 if expected.dtype == np.float16 or name in ROUNDED else 1e-5
    value = found[network.outputs[0]]
    assert value.shape == expected.shape
    scale = np.abs(expected).max(initial=1e-30)
    np.testing.assert_allclose(value, expected.astype(np.float64), rtol=0, atol=tolerance * float(scale))

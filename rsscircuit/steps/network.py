"""From a file to matrices on tiles: import, fold, lower, tile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from rsscircuit.assembly import Placed, array_geometry
from rsscircuit.calibration import correction_inputs, input_scales, kept_inputs
from rsscircuit.design import labels
from rsscircuit.design.files import write_array
from rsscircuit.design.outcomes import Check, Worst
from rsscircuit.design.store import INPUTS_FILE, save_network
from rsscircuit.errors import NetworkError
from rsscircuit.mapping import cut, layer_matrix
from rsscircuit.network import (
    Layer,
    Network,
    exact_product,
    fold_network,
    import_network,
    is_archive,
    run,
)
from rsscircuit.steps.work import Inputs, Work

Array = NDArray[np.float64]
SINGLE, DOUBLE = 1e-4, 1e-9  # of the largest output: what float32 and float64 may differ by
NO_SHAPE = "the shape of an input is not declared, so that no sample can be made"
OUTPUTS = "largest difference of an output, of the largest"


class Import:
    """Read the file."""

    name, options, leaves = "import", (), ()

    def run(self, work: Work) -> dict[str, Any]:
        """Read the network as it is written.

        Raises:
            NetworkError: It cannot be read, or has no layer for a crossbar.
        """
        work.imported = import_network(work.model)
        layers = [*work.imported.network.layers()]
        if not any(layer.on_crossbar for layer in layers):
            raise NetworkError("the network has no layer for a crossbar", where=str(work.model))
        return {**work.origin, **_counted(work.imported.network)}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """Read it again."""
        work.imported = import_network(work.model)

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """Against the reference evaluator of ONNX; an .npz file, which that does not read, by its arrays."""
        content = Path(work.model).read_bytes()
        if is_archive(content):
            return _same_arrays(work)
        against = "the file, by the reference evaluator of ONNX"
        inputs = work.samples(work.imported.network)
        if inputs is None:
            return Check(against=against, unit=OUTPUTS, figure=None, note=NO_SHAPE)
        model = onnx.load(work.model)
        ours = run(work.imported.network, inputs)
        theirs = _reference(model, inputs)
        worst = Worst()
        for (name, mine), reference in zip(ours.items(), theirs, strict=True):
            worst.add(_apart(mine, reference), f"output {name}")
        return Check(against=against, unit=OUTPUTS, figure=worst.figure, limit=SINGLE, where=worst.where)


class Fold:
    """Fold constants into the layers before them."""

    name, options = "fold", ()
    leaves = ("network/[0-9]*.npy",)

    def run(self, work: Work) -> dict[str, Any]:
        """Fold, and write the trained values."""
        work.network = fold_network(work.imported)
        save_network(work.folder, work.network)
        return _counted(work.network)

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """Fold again."""
        work.network = fold_network(work.imported)

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """Against the network as it was imported."""
        against = "the network as imported"
        inputs = work.samples(work.network)
        if inputs is None:
            return Check(against=against, unit=OUTPUTS, figure=None, note=NO_SHAPE)
        worst = Worst()
        before, after = run(work.imported.network, inputs), run(work.network, inputs)
        for (name, folded), imported in zip(after.items(), before.values(), strict=True):
            worst.add(_apart(folded, imported), f"output {name}")
        return Check(against=against, unit=OUTPUTS, figure=worst.figure, limit=DOUBLE, where=worst.where)


class Lower:
    """Every crossbar layer as one matrix, with the activation that full drive stands for."""

    name, options = "lower", ("calibration",)
    leaves = (INPUTS_FILE,)

    def run(self, work: Work) -> dict[str, Any]:
        """Set the input ranges, and keep some calibration inputs."""
        network, calibration = work.network, work.options.calibration
        work.scales, work.input_range = input_scales(network, calibration)
        if (kept := kept_inputs(network, calibration)) is not None:
            write_array(work.folder / INPUTS_FILE, kept)
        if work.options.correct_bias:
            correction_inputs(network, calibration)  # known here to be too few, not after everything is solved
        return {"input_range": work.input_range, "input_full_scale": dict(work.scales)}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """Take the kept ranges."""
        work.scales, work.input_range = result["input_full_scale"], result["input_range"]

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """Every layer's matrix driven by its inputs, against the layer's own product."""
        matrices = {layer.name: layer_matrix(layer, work.scales[layer.name]) for layer in work.network.crossbar_layers}

        def lowered(layer: Layer, x: Array) -> Array:
            matrix = matrices[layer.name]
            return matrix.drive(x) @ matrix.weights * matrix.input_full_scale

        return _layer_by_layer(work, lowered, against="the layers of the network")


class Tile:
    """Every matrix cut into tiles."""

    name, options, leaves = "tile", ("tile",), ()

    def run(self, work: Work) -> dict[str, Any]:
        """Cut."""
        work.layers = self._cut(work)
        array = array_geometry(work.layers, work.resolved.bank)
        tiles = {layer.name: len(layer.tiles) for layer in work.layers}
        return {"tiles": tiles, "array_rows": array.rows, "array_columns": array.columns}

    def restore(self, work: Work, result: Mapping[str, Any]) -> None:
        """Cut again."""
        work.layers = self._cut(work)

    def check(self, work: Work, result: Mapping[str, Any]) -> Check:
        """The sums of the tiles' products, against the whole matrix."""
        placed = {layer.name: layer for layer in work.layers}

        def tiled(layer: Layer, x: Array) -> Array:
            of = placed[layer.name]
            drive, total = of.matrix.drive(x), np.zeros((len(x), of.matrix.weights.shape[1]))
            for tile in of.tiles:
                rows, columns = tile.window
                total[:, columns] += drive[:, rows] @ of.matrix.weights[rows, columns]
            return total * of.matrix.input_full_scale

        return _layer_by_layer(work, tiled, against="the matrices in one piece")

    def _cut(self, work: Work) -> tuple[Placed, ...]:
        matrices = {layer.name: layer_matrix(layer, work.scales[layer.name]) for layer in work.network.crossbar_layers}
        return tuple(
            Placed(name=name, label=label, matrix=matrix, tiles=cut(matrix.weights.shape, work.options.tile))
            for (name, matrix), label in zip(matrices.items(), labels([*matrices]), strict=True)
        )


def _counted(network: Network) -> dict[str, Any]:
    layers = [*network.layers()]
    parameters = sum(array.size for layer in layers for array in (layer.weight, layer.bias) if array is not None)
    return {"layers": dict(Counter(layer.operator for layer in layers)), "parameters": parameters}


def _reference(model: Any, inputs: Inputs) -> list[Array]:
    """The outputs of an ONNX model by its own evaluator; a fixed batch is filled with copies of one sample."""
    evaluator = ReferenceEvaluator(model)
    declared = [value.type.tensor_type.shape.dim for value in model.graph.input if value.name in inputs]
    sizes = {axes[0].dim_value for axes in declared if axes and axes[0].dim_value}
    batch = sizes.pop() if len(sizes) == 1 else None
    if batch is None:
        return _evaluated(evaluator, inputs)
    cases = len(next(iter(inputs.values())))
    every = [
        [
            output[:1]
            for output in _evaluated(
                evaluator, {name: np.repeat(values[case : case + 1], batch, axis=0) for name, values in inputs.items()}
            )
        ]
        for case in range(cases)
    ]
    return [np.concatenate(outputs) for outputs in zip(*every, strict=True)]


def _evaluated(evaluator: ReferenceEvaluator, inputs: Inputs) -> list[Array]:
    types = {value.name: value.type.tensor_type.elem_type for value in evaluator.proto_.graph.input}
    fed = {name: values.astype(onnx.helper.tensor_dtype_to_np_dtype(types[name])) for name, values in inputs.items()}
    return [np.asarray(output, np.float64) for output in evaluator.run(None, fed)]


def _apart(mine: Array, reference: Array) -> float:
    """Largest difference over the largest reference value; infinite for other shapes."""
    if mine.shape != reference.shape:
        return float("inf")
    largest = float(np.abs(reference).max(initial=0.0)) or 1.0
    return float(np.abs(mine - reference).max(initial=0.0)) / largest


def _same_arrays(work: Work) -> Check:
    """Every weight of an .npz network against the arrays of the file: one must hold the same numbers."""
    with np.load(work.model, allow_pickle=False) as archive:
        arrays = [np.sort(archive[key], axis=None) for key in archive.files if archive[key].dtype.kind in "fiu"]
    worst = Worst()
    for layer in work.imported.network.crossbar_layers:
        ours = np.sort(np.asarray(layer.weight), axis=None)
        differing = [int((array.astype(np.float64) != ours).sum()) for array in arrays if array.size == ours.size]
        worst.add(float(min(differing, default=ours.size)), f"layer {layer.name}")
    return Check(
        against="the arrays of the file", unit="weights that are not in it", figure=worst.figure, where=worst.where
    )


def _layer_by_layer(work: Work, product: Callable[[Layer, Array], Array], *, against: str) -> Check:
    """Some other way to compute a crossbar layer against its exact product, on what the samples put on it."""
    unit, inputs, worst = OUTPUTS.replace("an output", "a column"), work.samples(work.network), Worst()
    if inputs is None:
        return Check(against=against, unit=unit, figure=None, note=NO_SHAPE)

    def compared(layer: Layer, x: Array) -> Array:
        exact = exact_product(layer, x)
        worst.add(_apart(product(layer, x), exact), f"layer {layer.name}")
        return exact

    run(work.network, inputs, product=compared)
    return Check(against=against, unit=unit, figure=worst.figure, limit=DOUBLE, where=worst.where)

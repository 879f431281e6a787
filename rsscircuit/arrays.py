"""Arrays that users give as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.errors import InputError
from rsscircuit.network import Network


def read_user_array(path: str | Path, option: str, *, mapped: bool = False) -> NDArray[Any]:
    """The array of one ``.npy`` file.

    Args:
        path: The file.
        option: Who asked for it, for errors.
        mapped: Leave the values in the file until they are used.

    Raises:
        InputError: No such file, not a ``.npy`` file, empty, not numeric, or with NaN or infinities.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("no such file", where=option, got=str(path))
    try:
        array = np.load(file, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            "not a NumPy .npy file", where=option, got=str(path), remedy="write it with numpy.save"
        ) from error
    if not isinstance(array, np.ndarray):
        raise InputError("an archive, not one array", where=option, got=str(path), remedy="write it with numpy.save")
    if array.dtype.kind not in "fiub":
        raise InputError("the array must hold numbers", where=option, got=f"{path} of {array.dtype}")
    if array.size == 0 or array.ndim == 0:
        raise InputError("the array is empty", where=option, got=f"{path} of shape {array.shape}")
    if not all(np.isfinite(part).all() for part in array):
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError("the array must be finite", where=f"{option} {path}", got=f"{array[first]} at {first}")
    return array


def network_inputs(network: Network, data: NDArray[Any], where: str) -> NDArray[np.float64]:
    """``data`` as float64 cases of the network's one input.

    Raises:
        InputError: As :func:`check_inputs`.
    """
    check_inputs(network, data, where)
    return data.astype(np.float64)


def check_inputs(network: Network, data: NDArray[Any], where: str) -> None:
    """Check that ``data`` are cases of the network's one input.

    Raises:
        InputError: The network has several inputs, or takes another shape.
    """
    if len(network.inputs) != 1:
        raise InputError("only networks with one input can be run from a file", where=where, got=len(network.inputs))
    shape = network.inputs[0].attributes.get("shape")
    if shape is not None and (
        data.ndim != len(shape)
        or any(want is not None and want != have for want, have in zip(shape[1:], data.shape[1:], strict=True))
    ):
        wanted = "x".join("N" if axis == 0 or size is None else str(size) for axis, size in enumerate(shape))
        raise InputError(f"the network takes {wanted}", where=where, got="x".join(map(str, data.shape)))

"""A file in, a network out."""

from __future__ import annotations

from pathlib import Path

from rsscircuit.errors import InputError
from rsscircuit.network.folding import fold_constants
from rsscircuit.network.graph import Network
from rsscircuit.network.numpy_file import read_npz
from rsscircuit.network.onnx_file import read_onnx
from rsscircuit.network.translate import translate

_ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")


def read_network(path: str | Path) -> Network:
    """Read a trained network from an ONNX file, or from an .npz file (see ``numpy_file``).

    Args:
        path: The file; an .npz file is recognised by its content, whatever its name.

    Raises:
        InputError: The path is missing, a directory, or cannot be read.
        NetworkError: The file is damaged, or holds something that does not map onto crossbars; one
            error names every offending node, operator and reason.
    """
    file = Path(path)
    content = _content(file)
    read = read_npz if content.startswith(_ZIP_SIGNATURES) else read_onnx
    builder, outputs = translate(read(file, content))
    layers, outputs = fold_constants(list(builder.layers.values()), builder.shapes, outputs)
    return Network.of_layers(layers, outputs)


def _content(file: Path) -> bytes:
    remedy = "give the path of an .onnx or .npz file"
    try:
        return file.read_bytes()
    except IsADirectoryError as error:
        raise InputError("this is a directory", where=str(file), remedy=remedy) from error
    except FileNotFoundError as error:
        raise InputError("there is no such file", where=str(file), remedy=remedy) from error
    except OSError as error:
        raise InputError(f"this file cannot be read ({error.strerror})", where=str(file)) from error

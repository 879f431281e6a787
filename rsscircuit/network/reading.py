"""A file in, a network out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rsscircuit.errors import InputError
from rsscircuit.network.folding import fold_constants, live_layers
from rsscircuit.network.graph import Network
from rsscircuit.network.numpy_file import read_npz
from rsscircuit.network.onnx_file import read_onnx
from rsscircuit.network.shapes import Shape
from rsscircuit.network.translate import translate

_ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imported:
    """A file as layers, before constants are folded.

    Attributes:
        network: Every layer that leads to an output, and the inputs.
        shapes: The shape of each layer's output, as far as it is known.
    """

    network: Network
    shapes: Mapping[str, Shape]


def import_network(path: str | Path) -> Imported:
    """Read a trained network from an ONNX file, or from an .npz file (see ``numpy_file``), as it is written.

    Args:
        path: The file; an .npz file is recognised by its content, whatever its name.

    Raises:
        InputError: The path is missing, a directory, or cannot be read.
        NetworkError: The file is damaged, or holds something that does not map onto crossbars; one
            error names every offending node, operator and reason.
    """
    file = Path(path)
    content = _content(file)
    read = read_npz if is_archive(content) else read_onnx
    builder, outputs = translate(read(file, content))
    layers = live_layers(list(builder.layers.values()), outputs)
    return Imported(network=Network.of_layers(layers, outputs), shapes=builder.shapes)


def fold_network(imported: Imported) -> Network:
    """The network with constant factors and shifts folded into its crossbar layers."""
    network = imported.network
    return Network.of_layers(*fold_constants(list(network.layers()), imported.shapes, network.outputs))


def read_network(path: str | Path) -> Network:
    """Import a trained network and fold its constants; arguments and errors are those of :func:`import_network`."""
    return fold_network(import_network(path))


def is_archive(content: bytes) -> bool:
    """Whether a file of this content is read as .npz."""
    return content.startswith(_ZIP_SIGNATURES)


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

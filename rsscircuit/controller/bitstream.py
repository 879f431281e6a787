"""The frame that programs one tile: five header words, the rows of switches, a CRC-32.

Every word has 32 bits and is stored little-endian: magic, format version, configuration hash, tile id,
number of data words, the data words row by row, and the CRC-32 of all bytes before it.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.controller.config import TILE_ID_BITS
from rsscircuit.controller.geometry import WORD_BITS, ArrayGeometry
from rsscircuit.errors import InputError

MAGIC = int.from_bytes(b"RSSC", "little")
VERSION = 1
HEADER_WORDS = 5
CHECKSUM_WORDS = 1
_WORD_BYTES = WORD_BITS // 8
_REMEDY = "write the bitstream again"


class BitstreamError(InputError):
    """A bitstream is damaged, or was made for something else."""


class MagicError(BitstreamError):
    """The file does not begin like a bitstream."""


class VersionError(BitstreamError):
    """The format is of another version."""


class ConfigurationError(BitstreamError):
    """The bitstream was made for an array of another geometry."""


class LengthError(BitstreamError):
    """The header announces another number of data words than the array has."""


class TruncatedError(BitstreamError):
    """The frame ends before its last word."""


class OverlongError(BitstreamError):
    """Something follows the frame."""


class ChecksumError(BitstreamError):
    """The CRC-32 does not match the frame."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Frame:
    """What a bitstream says: the switches to close in one tile.

    Args:
        tile_id: The tile that the frame is meant for.
        closed: Bool [rows, columns, 2, branches], of the whole array.
    """

    tile_id: int
    closed: NDArray[np.bool_]


def configuration_hash(geometry: ArrayGeometry) -> int:
    """32 bits of a digest over the geometry, so that an array refuses the frames of another."""
    text = f"rows={geometry.rows} columns={geometry.columns} branches={geometry.branches} word={WORD_BITS}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def frame_words(geometry: ArrayGeometry) -> int:
    """Words in a whole frame."""
    return HEADER_WORDS + geometry.words + CHECKSUM_WORDS


def pack(closed: NDArray[np.bool_], geometry: ArrayGeometry, tile_id: int) -> bytes:
    """The frame that closes ``closed`` [row, column, polarity, branch] in tile ``tile_id``.

    A tile smaller than the array is padded with open switches.

    Raises:
        TileShapeError: ``closed`` does not fit the array.
        InputError: ``tile_id`` is not an unsigned 16-bit number.
    """
    if not 0 <= tile_id < 1 << TILE_ID_BITS:
        raise InputError("a tile id is an unsigned 16-bit number", where="bitstream", got=tile_id)
    header = (MAGIC, VERSION, configuration_hash(geometry), tile_id, geometry.words)
    body = np.array(header, dtype="<u4").tobytes() + geometry.to_words(closed).astype("<u4").tobytes()
    return body + zlib.crc32(body).to_bytes(_WORD_BYTES, "little")


def to_words(frame: bytes) -> list[int]:
    """The words of ``frame``, which may be damaged but must hold whole words.

    Raises:
        TruncatedError: The last word is incomplete.
    """
    if len(frame) % _WORD_BYTES:
        raise TruncatedError(
            "the last word is incomplete", where="bitstream", got=f"{len(frame)} bytes", remedy=_REMEDY
        )
    return [int(word) for word in np.frombuffer(frame, dtype="<u4")]


def to_hex(frame: bytes) -> str:
    """``frame`` as text for Verilog's ``$readmemh``, one word a line."""
    return "".join(f"{word:08x}\n" for word in to_words(frame))


def unpack(frame: bytes, geometry: ArrayGeometry) -> Frame:
    """Read a frame back, refusing any defect.

    Raises:
        BitstreamError: The subclass names the defect.
    """
    words = to_words(frame)
    _check_header(words, geometry)
    _check_length(words, geometry)
    _check_checksum(frame)
    data = np.array(words[HEADER_WORDS:-CHECKSUM_WORDS], dtype=np.uint32)
    return Frame(tile_id=words[3], closed=geometry.from_words(data))


def _check_header(words: list[int], geometry: ArrayGeometry) -> None:
    """Refuse a header that is cut short or holds another value than the array's."""
    expected: tuple[tuple[type[BitstreamError], int, int], ...] = (
        (MagicError, 0, MAGIC),
        (VersionError, 1, VERSION),
        (ConfigurationError, 2, configuration_hash(geometry)),
        (LengthError, 4, geometry.words),
    )
    for error, position, value in expected:
        if len(words) <= position:
            raise TruncatedError(
                "the header is cut short", where="bitstream", got=f"{len(words)} words", remedy=_REMEDY
            )
        if words[position] != value:
            raise error(
                f"header word {position} must be {value:#010x}",
                where="bitstream",
                got=f"{words[position]:#010x}",
                remedy=f"{_REMEDY} for {geometry}",
            )


def _check_length(words: list[int], geometry: ArrayGeometry) -> None:
    """Refuse a frame that is longer or shorter than the array's."""
    whole = frame_words(geometry)
    if len(words) < whole:
        raise TruncatedError(f"a frame has {whole} words", where="bitstream", got=f"{len(words)} words", remedy=_REMEDY)
    if len(words) > whole:
        raise OverlongError(f"a frame has {whole} words", where="bitstream", got=f"{len(words)} words", remedy=_REMEDY)


def _check_checksum(frame: bytes) -> None:
    """Refuse a frame whose last word is not the CRC-32 of the others."""
    found = int.from_bytes(frame[-_WORD_BYTES:], "little")
    computed = zlib.crc32(frame[:-_WORD_BYTES])
    if found != computed:
        raise ChecksumError(
            f"the CRC-32 of the frame is {computed:#010x}",
            where="bitstream",
            got=f"{found:#010x}",
            remedy=_REMEDY,
        )

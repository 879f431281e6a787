import subprocess
import sys
import zlib

import numpy as np
import pytest

from rsscircuit.controller import bitstream
from rsscircuit.controller.geometry import ArrayGeometry
from rsscircuit.errors import InputError

GEOMETRY = ArrayGeometry(4, 5, 6)
CLOSED = np.random.default_rng(1).random((4, 5, 2, 6)) < 0.5
FRAME = bitstream.pack(CLOSED, GEOMETRY, 9)


def with_word(position, value):
    """The frame with another word, and a CRC that matches it."""
    words = np.frombuffer(FRAME, dtype="<u4").copy()
    words[position] = value
    body = words[:-1].tobytes()
    return body + zlib.crc32(body).to_bytes(4, "little")


def test_a_frame_is_laid_out_as_documented():
    words = np.frombuffer(FRAME, dtype="<u4")
    assert FRAME[:4] == b"RSSC"
    assert words[1] == 1
    assert words[2] == bitstream.configuration_hash(GEOMETRY)
    assert words[3] == 9
    assert words[4] == GEOMETRY.words
    assert words[-1] == zlib.crc32(FRAME[:-4])
    assert len(words) == bitstream.frame_words(GEOMETRY)
    assert np.array_equal(words[5:-1], GEOMETRY.to_words(CLOSED).ravel())


def test_hex_text_has_a_word_a_line():
    assert bitstream.to_hex(FRAME).splitlines()[:2] == ["43535352", "00000001"]


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (with_word(0, 0), bitstream.MagicError),
        (with_word(1, 2), bitstream.VersionError),
        (with_word(2, 0), bitstream.ConfigurationError),
        (with_word(4, GEOMETRY.words + 1), bitstream.LengthError),
        (FRAME[:-1] + bytes([FRAME[-1] ^ 1]), bitstream.ChecksumError),
        (FRAME[:24] + bytes([FRAME[24] ^ 1]) + FRAME[25:], bitstream.ChecksumError),
        (FRAME + bytes(4), bitstream.OverlongError),
        (FRAME + bytes(1), bitstream.TruncatedError),
        (b"", bitstream.TruncatedError),
    ],
    ids=["magic", "version", "configuration", "length", "crc", "data", "overlong", "ragged", "empty"],
)
def test_each_defect_has_its_error(frame, error):
    with pytest.raises(error) as caught:
        bitstream.unpack(frame, GEOMETRY)
    assert isinstance(caught.value, InputError)
    assert "bitstream" in str(caught.value)


@pytest.mark.parametrize("length", range(len(FRAME)))
def test_every_truncation_is_refused(length):
    with pytest.raises(bitstream.TruncatedError):
        bitstream.unpack(FRAME[:length], GEOMETRY)


def test_a_frame_for_another_array_is_refused():
    with pytest.raises(bitstream.ConfigurationError):
        bitstream.unpack(FRAME, ArrayGeometry(5, 4, 6))


@pytest.mark.parametrize("tile_id", [-1, 1 << 16])
def test_a_tile_id_beyond_its_word_is_refused(tile_id):
    with pytest.raises(InputError, match="tile id"):
        bitstream.pack(CLOSED, GEOMETRY, tile_id)


def test_the_bitstream_does_not_import_amaranth():
    code = (
        "import sys, rsscircuit.controller as c; c.pack, c.unpack, c.ArrayGeometry; "
        "assert 'amaranth' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_names_what_it_exports():
    import rsscircuit.controller as controller

    assert all(getattr(controller, name) for name in controller.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = controller.nonsense

"""One random stream a seed, purpose, die, layer and tile, so that order and workers never matter."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np

Purpose = Literal[
    "process", "gradient", "switch", "measurement", "drift", "layout", "stimulus", "noise", "offset", "fault", "sample"
]


def stream(
    seed: int, purpose: Purpose, *, die: int | str = 0, layer: str = "", tile: int = 0, case: int = 0
) -> np.random.Generator:
    """A generator that depends on its arguments alone.

    The counter-based Philox is keyed by a BLAKE2b digest of all five, so that streams are independent
    and any one of them can be drawn again by itself. Arrays are drawn in C order, [row, column,
    polarity, branch]. A ``case``, such as an input vector, is a stretch of 2^192 draws of such a stream.
    """
    text = "\x1f".join((str(seed), purpose, str(die), layer, str(tile)))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    key = np.frombuffer(digest, "<u8").astype(np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=case << 192))

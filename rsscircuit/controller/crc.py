"""CRC-32 (IEEE 802.3, as ``zlib.crc32``) a word at a time, in the form that the hardware mirrors.

The register is reflected: the first bit is bit 0. Taking in one little-endian word is linear over GF(2)
and depends on ``state ^ word`` alone, so each bit of the next state is the parity of that value under a
fixed mask.
"""

from __future__ import annotations

WORD_BITS = 32
INITIAL = 0xFFFF_FFFF
FINAL_XOR = 0xFFFF_FFFF
_POLYNOMIAL = 0xEDB8_8320  # 0x04C11DB7, reflected


def _shifted(state: int) -> int:
    """``state`` after 32 shifts of the register."""
    for _ in range(WORD_BITS):
        state = (state >> 1) ^ (_POLYNOMIAL if state & 1 else 0)
    return state


def _parity_masks() -> tuple[int, ...]:
    """For each bit of the next state, the bits of ``state ^ word`` that it is the parity of."""
    columns = [_shifted(1 << bit) for bit in range(WORD_BITS)]
    return tuple(
        sum(((column >> bit) & 1) << source for source, column in enumerate(columns)) for bit in range(WORD_BITS)
    )


PARITY_MASKS = _parity_masks()


def advance(state: int, word: int) -> int:
    """The register after ``word``; start at ``INITIAL``, and the checksum is the register ^ ``FINAL_XOR``."""
    mixed = state ^ word
    return sum(((mixed & mask).bit_count() & 1) << bit for bit, mask in enumerate(PARITY_MASKS))

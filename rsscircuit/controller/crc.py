"""CRC-32 (IEEE 802.3, as ``zlib.crc32``) a byte at a time, in the form that the hardware mirrors.

The register is reflected: the first bit is bit 0. Taking in a byte is linear over GF(2): the register moves
down by eight bits, and each bit gains the parity, under a fixed mask, of the byte xor the bits that fell out.
"""

from __future__ import annotations

WORD_BITS = 32
BYTE_BITS = 8
BYTES = WORD_BITS // BYTE_BITS
INITIAL = 0xFFFF_FFFF
FINAL_XOR = 0xFFFF_FFFF
_POLYNOMIAL = 0xEDB8_8320  # 0x04C11DB7, reflected


def _shifted(state: int) -> int:
    """``state`` after the eight shifts of a byte."""
    for _ in range(BYTE_BITS):
        state = (state >> 1) ^ (_POLYNOMIAL if state & 1 else 0)
    return state


def _parity_masks() -> tuple[int, ...]:
    """For each bit of the next state, the bits of ``(state ^ byte) & 0xFF`` that it gains the parity of."""
    columns = [_shifted(1 << bit) for bit in range(BYTE_BITS)]
    return tuple(
        sum(((column >> bit) & 1) << source for source, column in enumerate(columns)) for bit in range(WORD_BITS)
    )


PARITY_MASKS = _parity_masks()


def _absorbed(state: int, mixed: int) -> int:
    """The register after a byte, of which ``mixed`` is the xor with its low byte."""
    gained = sum(((mixed & mask).bit_count() & 1) << bit for bit, mask in enumerate(PARITY_MASKS))
    return state >> BYTE_BITS ^ gained


def _closing() -> int:
    """The four bytes ``state ^ byte`` that the bytes of a message's own checksum give behind it, lowest first.

    They are those of a register of zeros and the word ``FINAL_XOR``, whatever the message, because all is linear.
    """
    state, found = 0, 0
    for place in range(BYTES):
        mixed = (state ^ FINAL_XOR >> BYTE_BITS * place) & 0xFF
        found |= mixed << BYTE_BITS * place
        state = _absorbed(state, mixed)
    return found


CLOSING = _closing()


def advance(state: int, word: int) -> int:
    """The register after ``word``; start at ``INITIAL``, and the checksum is the register ^ ``FINAL_XOR``."""
    for place in range(BYTES):
        state = _absorbed(state, (state ^ word >> BYTE_BITS * place) & 0xFF)
    return state

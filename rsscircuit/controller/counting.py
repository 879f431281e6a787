"""Short counters and comparisons without a carry chain, whose cells and ends cost an FPGA more than a few gates."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const


def successor(count: Any) -> Any:
    """``count`` + 1 in as many bits: a bit turns when all below it are ones."""
    return Cat(count[bit] ^ count[:bit].all() for bit in range(len(count)))


def exceeds(one: Any, other: Any) -> Any:
    """Whether ``one`` is larger than ``other``, which has as many bits."""
    larger = Const(0)
    for bit in range(len(one)):
        larger = (one[bit] & ~other[bit]) | (larger & ~(one[bit] ^ other[bit]))
    return larger

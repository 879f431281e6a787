"""Where the windows of convolutions and pools lie: the one place that knows strides, pads and dilations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rsscircuit.network.graph import Array


class Span(NamedTuple):
    """How the windows lie along one spatial axis.

    Attributes:
        windows: How many windows there are.
        before: Padding declared before the first entry.
        after: Padding declared after the last entry.
        beyond: Padding past ``after`` that a last, incomplete window of ``ceil_mode`` reaches into.
    """

    windows: int
    before: int
    after: int
    beyond: int


def spans(attributes: Mapping[str, Any], kernel: Sequence[int], spatial: Sequence[int]) -> tuple[Span, ...]:
    """Lay the windows over an input.

    Args:
        attributes: ``strides`` and ``dilations``, ``pads`` or ``auto_pad``, and ``ceil_mode`` where it
            is allowed, as in ``Layer.attributes``.
        kernel: Window sizes, one a spatial axis.
        spatial: Sizes of the input's spatial axes.

    Returns:
        One span a spatial axis.

    Raises:
        ValueError: The input has another number of axes, or is smaller than a window.
    """
    if len(spatial) != len(kernel):
        raise ValueError(f"{len(spatial)} spatial axes for a window with {len(kernel)}")
    strides, dilations = attributes["strides"], attributes["dilations"]
    reaches = [(taps - 1) * dilation + 1 for taps, dilation in zip(kernel, dilations, strict=True)]
    if auto_pad := attributes.get("auto_pad"):
        return tuple(map(_same, [auto_pad] * len(kernel), spatial, reaches, strides))
    pads = attributes["pads"]
    ceiling = [bool(attributes.get("ceil_mode"))] * len(kernel)
    return tuple(map(_padded, spatial, reaches, strides, pads[: len(kernel)], pads[len(kernel) :], ceiling))


def _same(auto_pad: str, size: int, reach: int, stride: int) -> Span:
    """As many windows as strides begun; an odd pad goes after (SAME_UPPER) or before (SAME_LOWER)."""
    count = -(-size // stride)
    total = max((count - 1) * stride + reach - size, 0)
    before = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
    return Span(count, before, total - before, 0)


def _padded(size: int, reach: int, stride: int, before: int, after: int, ceiling: bool) -> Span:
    room = size + before + after - reach
    if room < 0:
        raise ValueError(f"a window reaching over {reach} does not fit into {size + before + after}")
    count = room // stride + 1
    if ceiling:
        count = -(-room // stride) + 1
        if (count - 1) * stride >= size + before:  # a last window must start on the input
            count -= 1
    return Span(count, before, after, max((count - 1) * stride - room, 0))


def padded(x: Array, along: Sequence[Span], value: float = 0.0) -> Array:
    """``x`` [..., *spatial] with every pad of ``along`` around it, filled with ``value``."""
    widths = [(0, 0)] * (x.ndim - len(along)) + [(span.before, span.after + span.beyond) for span in along]
    if not any(before or after for before, after in widths):
        return x
    return np.pad(x, widths, constant_values=value)


def taps(
    x: Array, along: Sequence[Span], kernel: Sequence[int], attributes: Mapping[str, Any]
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Each position in the window with what all windows see there.

    Args:
        x: [..., *spatial], already padded.
        along: The spans that ``x`` was padded for.
        kernel: Window sizes.
        attributes: ``strides`` and ``dilations``.

    Yields:
        The position in the kernel and a view [..., *counts] of ``x``.
    """
    strides, dilations = attributes["strides"], attributes["dilations"]
    for position in np.ndindex(*kernel):
        steps = zip(position, dilations, along, strides, strict=True)
        seen = [_seen(offset * dilation, span, stride) for offset, dilation, span, stride in steps]
        index: tuple[Any, ...] = (Ellipsis, *seen)
        yield position, x[index]


def _seen(start: int, span: Span, stride: int) -> slice:
    return slice(start, start + (span.windows - 1) * stride + 1, stride)

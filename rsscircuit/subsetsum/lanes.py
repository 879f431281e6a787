"""A few float64 side by side, for compiled kernels: one processor register as a numba type.

numba has no vector type of its own. This one is an LLVM vector of :data:`LANES` floats with the handful of
operations that merging and sweeping sorted lists need; every one of them is a single rounding or none, so that
the number of lanes never shows in a result.
"""

from __future__ import annotations

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 8 if llvmlite.binding.get_host_cpu_features().get("avx512f", False) else 4

_FLOAT, _INT = ir.DoubleType(), ir.IntType(64)
_FLOATS, _INTS = ir.VectorType(_FLOAT, LANES), ir.VectorType(_INT, LANES)
_REVERSED = list(range(LANES - 1, -1, -1))


class _Lanes(types.Type):
    def __init__(self):
        super().__init__(name=f"float64x{LANES}")


_LANES_TYPE = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _FLOATS)


def _pointer(context, builder, array_type, array, index, pointee=_FLOATS):
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), pointee.as_pointer())


def _shuffle(builder, first, second, order):
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order))


def _splat(builder, value):
    one = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return _shuffle(builder, one, one, [0] * LANES)


def _least(builder, x, y):
    return builder.select(builder.fcmp_ordered("<", x, y), x, y)


def _most(builder, x, y):
    return builder.select(builder.fcmp_ordered(">", x, y), x, y)


def _ascending(builder, value):
    """Sort a bitonic vector by half-cleaners (Batcher 1968)."""
    stride = LANES // 2
    while stride:
        swapped = _shuffle(builder, value, value, [k ^ stride for k in range(LANES)])
        low, high = _least(builder, value, swapped), _most(builder, value, swapped)
        value = _shuffle(builder, low, high, [LANES + k if k & stride else k for k in range(LANES)])
        stride //= 2
    return value


@intrinsic
def load(typing_context, array, index):
    """The lanes at ``array[index:]``."""

    def generate(context, builder, signature, arguments):
        value = builder.load(_pointer(context, builder, signature.args[0], *arguments))
        value.align = 8
        return value

    return _LANES_TYPE(array, index), generate


@intrinsic
def store_mirrored(typing_context, array, low, high, value):
    """Write ``value`` at ``array[high:]`` and its negation, reversed, at ``array[low:]``."""

    def generate(context, builder, signature, arguments):
        array_value, low_index, high_index, lanes = arguments
        mirrored = builder.fneg(_shuffle(builder, lanes, lanes, _REVERSED))
        for index, content in ((high_index, lanes), (low_index, mirrored)):
            pointer = _pointer(context, builder, signature.args[0], array_value, index)
            builder.store(content, pointer).align = 8
        return context.get_dummy_value()

    return types.none(array, low, high, value), generate


@intrinsic
def shifted(typing_context, value, by):
    """``value + by``, lane by lane."""

    def generate(context, builder, signature, arguments):
        return builder.fadd(arguments[0], _splat(builder, arguments[1]))

    return _LANES_TYPE(_LANES_TYPE, types.float64), generate


@intrinsic
def shifted_up_or_down(typing_context, value, by, up):
    """``value + by`` where ``up`` is 1, ``value - by`` where it is 0."""

    def generate(context, builder, signature, arguments):
        value, by, up = arguments
        sign = builder.shl(builder.xor(up, ir.Constant(_INT, 1)), ir.Constant(_INT, 63))
        step = builder.bitcast(builder.xor(builder.bitcast(by, _INT), sign), _FLOAT)
        return builder.fadd(value, _splat(builder, step))

    return _LANES_TYPE(_LANES_TYPE, types.float64, types.uint64), generate


@intrinsic
def lower_of_merge(typing_context, first, second):
    """The smaller half of two ascending vectors merged, ascending."""

    def generate(context, builder, signature, arguments):
        first, second = arguments
        return _ascending(builder, _least(builder, first, _shuffle(builder, second, second, _REVERSED)))

    return _LANES_TYPE(_LANES_TYPE, _LANES_TYPE), generate


@intrinsic
def upper_of_merge(typing_context, first, second):
    """The larger half of two ascending vectors merged, ascending."""

    def generate(context, builder, signature, arguments):
        first, second = arguments
        return _ascending(builder, _most(builder, first, _shuffle(builder, second, second, _REVERSED)))

    return _LANES_TYPE(_LANES_TYPE, _LANES_TYPE), generate


@intrinsic
def gaps(typing_context, value, array, index):
    """Lane by lane, the least distance from ``value`` to any of ``array[index : index + LANES]``."""

    def generate(context, builder, signature, arguments):
        value, array, index = arguments
        magnitude = ir.Constant(_INTS, [2**63 - 1] * LANES)
        least = None
        for k in range(LANES):
            place = builder.add(index, ir.Constant(_INT, k))
            other = builder.load(_pointer(context, builder, signature.args[1], array, place, _FLOAT))
            difference = builder.fsub(value, _splat(builder, other))
            distance = builder.bitcast(builder.and_(builder.bitcast(difference, _INTS), magnitude), _FLOATS)
            least = distance if least is None else _least(builder, distance, least)
        return least

    return _LANES_TYPE(_LANES_TYPE, array, index), generate


def _at_most(builder, value, limit):
    """A bit a lane, the first the lowest: whether it is at most ``limit``."""
    return builder.bitcast(builder.fcmp_ordered("<=", value, _splat(builder, limit)), ir.IntType(LANES))


@intrinsic
def any_at_most(typing_context, value, limit):
    """Whether any lane is at most ``limit``."""

    def generate(context, builder, signature, arguments):
        return builder.icmp_unsigned("!=", _at_most(builder, *arguments), ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(_LANES_TYPE, types.float64), generate


@intrinsic
def first_at_most(typing_context, value, limit):
    """The first lane that is at most ``limit``; there must be one."""

    def generate(context, builder, signature, arguments):
        return builder.zext(builder.cttz(_at_most(builder, *arguments), ir.Constant(ir.IntType(1), 1)), _INT)

    return types.uint64(_LANES_TYPE, types.float64), generate


@intrinsic
def last_at_most(typing_context, value, limit):
    """The last lane that is at most ``limit``; there must be one."""

    def generate(context, builder, signature, arguments):
        before = builder.ctlz(_at_most(builder, *arguments), ir.Constant(ir.IntType(1), 1))
        return builder.zext(builder.sub(ir.Constant(ir.IntType(LANES), LANES - 1), before), _INT)

    return types.uint64(_LANES_TYPE, types.float64), generate


@intrinsic
def least_lane(typing_context, value):
    """The smallest lane."""

    def generate(context, builder, signature, arguments):
        least = builder.extract_element(arguments[0], ir.Constant(ir.IntType(32), 0))
        for k in range(1, LANES):
            least = _least(builder, builder.extract_element(arguments[0], ir.Constant(ir.IntType(32), k)), least)
        return least

    return types.float64(_LANES_TYPE), generate

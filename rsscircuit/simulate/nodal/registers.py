"""A few float64 side by side as one numba type, with + - and *: the right-hand sides that are solved together.

numba has no vector type of its own. A kernel is compiled once for each width, which it takes as a tuple of so many
zeros. A multiplication and the addition after it may become one fused instruction.
"""

from __future__ import annotations

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

_FLOAT = ir.DoubleType()


class _Register(types.Type):
    def __init__(self, width):
        self.width = width
        super().__init__(name=f"float64 register of {width}")


@register_model(_Register)
class _RegisterModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(_FLOAT, kind.width))


def _pointer(context, builder, array_type, array, index, width):
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), ir.VectorType(_FLOAT, width).as_pointer())


def _splat(builder, value, width):
    undefined = ir.Constant(ir.VectorType(_FLOAT, width), ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width))


@intrinsic
def load(typing_context, zeros, array, index):
    """The ``len(zeros)`` at ``array[index:]``."""
    width = zeros.count

    def generate(context, builder, signature, arguments):
        _, array, index = arguments
        value = builder.load(_pointer(context, builder, signature.args[1], array, index, width))
        value.align = 8
        return value

    return _Register(width)(zeros, array, types.intp), generate


@intrinsic
def store(typing_context, array, index, value):
    """Write a register at ``array[index:]``."""

    def generate(context, builder, signature, arguments):
        array, index, register = arguments
        pointer = _pointer(context, builder, signature.args[0], array, index, value.width)
        builder.store(register, pointer).align = 8
        return context.get_dummy_value()

    return types.none(array, types.intp, value), generate


@intrinsic
def splat(typing_context, zeros, value):
    """One number ``len(zeros)`` times."""
    width = zeros.count

    def generate(context, builder, signature, arguments):
        return _splat(builder, arguments[1], width)

    return _Register(width)(zeros, types.float64), generate


def _define(python_operator, instruction):
    """Give registers an operator; one operand may be a number."""

    @intrinsic
    def operation(typing_context, first, second):
        kind = first if isinstance(first, _Register) else second

        def generate(context, builder, signature, arguments):
            pairs = zip(signature.args, arguments, strict=True)
            first, second = (
                value if isinstance(given, _Register) else _splat(builder, value, kind.width) for given, value in pairs
            )
            return getattr(builder, instruction)(first, second, flags=("contract",))

        return kind(first, second), generate

    @overload(python_operator)
    def _of_registers(first, second):
        registers = [kind for kind in (first, second) if isinstance(kind, _Register)]
        if registers and {first, second} <= {registers[0], types.float64}:
            return lambda first, second: operation(first, second)
        return None


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")

"""What the class Tensor does with numbers, computed by NumPy with PyTorch's type promotion and names."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from calque import _calque, errors
from calque._calque import Tensor
from calque._text import text_of
from calque._translation import translate_all

_BOOL, _INT64, _FLOAT32 = _calque.dtype.bool_, _calque.dtype.int64, _calque.dtype.float32
_LOW = (_calque.dtype.float16, _calque.dtype.bfloat16)


def _tensor(array: Any, dtype: _calque.dtype | None = None) -> Tensor:
    return _calque.as_tensor(np.asarray(array), dtype)


def _array(tensor: Tensor) -> Any:
    """The tensor for NumPy; half precision is computed in float32, as PyTorch does on a CPU."""
    return tensor.float().numpy() if tensor.dtype in _LOW else tensor.numpy()


def _number_dtype(number: Any, other: _calque.dtype) -> _calque.dtype:
    """A Python number only raises the kind (bool < int < float) of the dtype, never its width."""
    if isinstance(number, bool) or other.is_floating_point:
        return other
    if isinstance(number, int):
        return _INT64 if other is _BOOL else other
    return _FLOAT32


def _operands(a: Any, b: Any) -> tuple[Any, Any, _calque.dtype]:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        # A tensor without dimensions raises the kind only, like a number.
        if (a.ndim == 0) != (b.ndim == 0) and a.dtype.is_floating_point == b.dtype.is_floating_point:
            dtype = b.dtype if a.ndim == 0 else a.dtype
        else:
            dtype = _calque.promote_types(a.dtype, b.dtype)
        return _array(a.to(dtype)), _array(b.to(dtype)), dtype
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        return _operands(_calque.as_tensor(a), b)
    tensor, number = (a, b) if isinstance(a, Tensor) else (b, a)
    if not isinstance(number, (bool, int, float)):
        number = _calque.as_tensor(number)
        return _operands(tensor, number) if tensor is a else _operands(number, tensor)
    dtype = _number_dtype(number, tensor.dtype)
    array = _array(tensor.to(dtype))
    scalar = array.dtype.type(number)
    return (array, scalar, dtype) if tensor is a else (scalar, array, dtype)


def _binary(function: Callable[..., Any], a: Any, b: Any, *, out: _calque.dtype | None = None) -> Tensor:
    x, y, dtype = _operands(a, b)
    _calque.broadcast_shapes(np.shape(x), np.shape(y))
    with np.errstate(all="ignore"):
        return _tensor(function(x, y), out or dtype)


def divide(a: Any, b: Any) -> Tensor:
    """True division; whole numbers give float32."""
    x, y, dtype = _operands(a, b)
    if not dtype.is_floating_point:
        x, y, dtype = np.asarray(x, np.float32), np.asarray(y, np.float32), _FLOAT32
    with np.errstate(all="ignore"):
        return _tensor(np.true_divide(x, y), dtype)


def _unary(function: Callable[..., Any], tensor: Tensor) -> Tensor:
    """Whole numbers give float32."""
    dtype = tensor.dtype if tensor.dtype.is_floating_point else _FLOAT32
    with np.errstate(all="ignore"):
        return _tensor(function(_array(tensor.to(dtype))), dtype)


def _axis(dim: int | Sequence[int] | None) -> Any:
    return tuple(dim) if isinstance(dim, (list, tuple)) else dim


def sum(tensor: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    """Sum of all elements, or along `dim`; whole numbers give int64."""
    dtype = tensor.dtype if tensor.dtype.is_floating_point else _INT64
    return _tensor(_array(tensor.to(dtype)).sum(axis=_axis(dim), keepdims=keepdim), dtype)


def mean(tensor: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    """Mean of all elements, or along `dim`. RuntimeError for whole numbers."""
    if not tensor.dtype.is_floating_point:
        raise errors.RuntimeError("mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype.")
    return _tensor(_array(tensor).mean(axis=_axis(dim), keepdims=keepdim), tensor.dtype)


def _extreme(name: str, tensor: Tensor, dim: int | None, keepdim: bool) -> Any:
    array = _array(tensor)
    if dim is None:
        if array.size == 0:
            raise errors.RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        return _tensor(getattr(array, name)(), tensor.dtype)
    indices = np.expand_dims(getattr(array, "arg" + name)(axis=dim), dim)
    values = np.take_along_axis(array, indices, axis=dim)
    if not keepdim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return _tensor(values, tensor.dtype), _tensor(indices)


def max(tensor: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The largest element; with `dim` the values and their indices."""
    return _extreme("max", tensor, dim, keepdim)


def min(tensor: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest element; with `dim` the values and their indices."""
    return _extreme("min", tensor, dim, keepdim)


def argmax(tensor: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index of the largest element, along `dim` or of all, flat."""
    return _tensor(_array(tensor).argmax(axis=dim, keepdims=keepdim), _INT64)


def argmin(tensor: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index of the smallest element, along `dim` or of all, flat."""
    return _tensor(_array(tensor).argmin(axis=dim, keepdims=keepdim), _INT64)


def argsort(tensor: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    """Indices that sort along `dim`; equal elements keep their order."""
    array = _array(tensor)
    if not descending:
        return _tensor(np.argsort(array, axis=dim, kind="stable"), _INT64)
    flipped = np.argsort(np.flip(array, dim), axis=dim, kind="stable")
    return _tensor(array.shape[dim] - 1 - np.flip(flipped, dim), _INT64)


def topk(tensor: Tensor, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest (smallest) elements in order, and their indices."""
    if not 0 <= k <= (tensor.size(dim) if tensor.ndim else 1):
        raise errors.RuntimeError("selected index k out of range")
    order = argsort(tensor, dim, descending=largest).numpy()
    indices = np.take(order, range(k), axis=dim)
    return _tensor(np.take_along_axis(_array(tensor), indices, axis=dim), tensor.dtype), _tensor(indices)


def softmax(tensor: Tensor, dim: int) -> Tensor:
    """Exponentials along `dim`, divided by their sum."""
    def compute(array: Any) -> Any:
        exponentials = np.exp(array - array.max(axis=dim, keepdims=True))
        return exponentials / exponentials.sum(axis=dim, keepdims=True)

    return _unary(compute, tensor)


def norm(tensor: Tensor, p: float = 2, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The p-norm of all elements, or along `dim`."""
    if not tensor.dtype.is_floating_point:
        raise errors.RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {tensor.dtype}"
        )
    array = _array(tensor)
    if dim is None:
        array = array.reshape(-1)
    return _tensor(np.linalg.norm(array, ord=p, axis=0 if dim is None else dim, keepdims=keepdim), tensor.dtype)


def normalize(tensor: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Divides by the norm along `dim`, which is at least `eps`."""
    return divide(tensor, clamp(norm(tensor, p, dim, keepdim=True), min=eps))


def clamp(tensor: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """At least `min` and at most `max`, each of which may be left out."""
    if min is None and max is None:
        raise errors.ValueError("torch.clamp: At least one of 'min' or 'max' must not be None")
    dtype = tensor.dtype
    for bound in (min, max):
        dtype = dtype if bound is None else _number_dtype(bound, dtype)
    array = _array(tensor.to(dtype))
    if min is not None:
        array = np.maximum(array, array.dtype.type(min))
    if max is not None:
        array = np.minimum(array, array.dtype.type(max))
    return _tensor(array, dtype)


def _truth(name: str, tensor: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    return _tensor(getattr(_array(tensor), name)(axis=dim, keepdims=keepdim), _BOOL)


def matmul(tensor: Tensor, other: Tensor) -> Tensor:
    """Matrix product; leading dimensions are broadcast."""
    x, y, dtype = _operands(tensor, other)
    if not tensor.ndim or not other.ndim:
        raise errors.RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {tensor.ndim}D and {other.ndim}D"
        )
    if tensor.ndim and other.ndim and x.shape[-1] != y.shape[-2 if other.ndim > 1 else 0]:
        raise errors.RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({tensor.shape} and {other.shape})")
    return _tensor(np.matmul(x, y), dtype)


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Joins tensors along `dim`; the dtype is the promotion of theirs."""
    tensors = [_calque.as_tensor(tensor) for tensor in tensors]
    if not tensors:
        raise errors.RuntimeError("torch.cat(): expected a non-empty list of Tensors")
    dtype = functools.reduce(_calque.promote_types, (tensor.dtype for tensor in tensors))
    return _tensor(np.concatenate([_array(tensor.to(dtype)) for tensor in tensors], axis=dim), dtype)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Joins tensors of one shape along a new dimension."""
    tensors = [_calque.as_tensor(tensor) for tensor in tensors]
    for position, tensor in enumerate(tensors):
        if tensor.shape != tensors[0].shape:
            raise errors.RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(tensor.shape)} at entry {position}"
            )
    return cat([tensor.unsqueeze(dim) for tensor in tensors], dim)


def arange(
    start: float, end: float | None = None, step: float = 1, *, dtype: _calque.dtype | None = None, device: Any = None
) -> Tensor:
    """Numbers from `start` (0) to `end`, without it, in steps."""
    del device
    first, last = (0, start) if end is None else (start, end)
    if step == 0:
        raise errors.RuntimeError("step must be nonzero")
    if (last - first) * step < 0:
        raise errors.RuntimeError("upper bound and lower bound inconsistent with step sign")
    whole = isinstance(first, int) and isinstance(last, int) and isinstance(step, int)
    return _tensor(np.arange(first, last, step), dtype or (_INT64 if whole else _FLOAT32))


def where(condition: Tensor, input: Any, other: Any) -> Tensor:
    """`input` where `condition` is true, `other` elsewhere."""
    x, y, dtype = _operands(input, other)
    return _tensor(np.where(condition.numpy(), x, y), dtype)


def getitem(tensor: Tensor, index: Any) -> Tensor:
    """`tensor[index]` where the index is an array, a list or a tensor: a copy."""
    return _tensor(np.ascontiguousarray(_array(tensor)[_index(index)]), tensor.dtype)


def setitem(tensor: Tensor, index: Any, value: Any) -> None:
    """`tensor[index] = value` for such an index."""
    array = _array(tensor)
    array[_index(index)] = _array(value) if isinstance(value, Tensor) else value
    if tensor.dtype in _LOW:
        tensor.copy_(_tensor(array, tensor.dtype))


def _index(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(_index(part) for part in index)
    return index.numpy() if isinstance(index, Tensor) else index


def unbind(tensor: Tensor) -> Iterator[Tensor]:
    """The slices along the first dimension, one after the other."""
    if tensor.ndim == 0:
        raise errors.TypeError("iteration over a 0-d tensor")
    return iter([tensor.select(0, i) for i in range(tensor.size(0))])


def format_tensor(tensor: Tensor, spec: str) -> str:
    """Text of a tensor in an f-string: a number's format for one without dimensions."""
    return format(tensor.item(), spec) if tensor.ndim == 0 else format(text_of(tensor), spec)


def abs(tensor: Tensor) -> Tensor:
    """Absolute values."""
    return _tensor(np.abs(_array(tensor)), tensor.dtype)


def negative(tensor: Tensor) -> Tensor:
    """The negative of each element."""
    return _tensor(np.negative(_array(tensor)), tensor.dtype)


def invert(tensor: Tensor) -> Tensor:
    """The complement of each bit, or truth value."""
    return _tensor(np.invert(_array(tensor)), tensor.dtype)


def all(tensor: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Whether all elements are true, along `dim` or of all."""
    return _truth("all", tensor, dim, keepdim)


def any(tensor: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Whether some element is true, along `dim` or of all."""
    return _truth("any", tensor, dim, keepdim)


def isnan(tensor: Tensor) -> Tensor:
    """Where elements are NaN."""
    return _tensor(np.isnan(_array(tensor)), _BOOL)


def rsubtract(tensor: Tensor, other: Any) -> Tensor:
    """`other` minus each element."""
    return subtract(other, tensor)


def rdivide(tensor: Tensor, other: Any) -> Tensor:
    """`other` divided by each element."""
    return divide(other, tensor)


def _comparison(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def compare(a: Any, b: Any) -> Any:
        if not isinstance(b, (Tensor, bool, int, float, list, tuple)) and not hasattr(b, "__array__"):
            return NotImplemented
        return _binary(function, a, b, out=_BOOL)

    return compare


def _sigmoid(array: Any) -> Any:
    return 1 / (1 + np.exp(-array))


def rpower(tensor: Tensor, base: Any) -> Tensor:
    """`base` to the power of each element."""
    return _binary(np.power, base, tensor)


def _whole_division(function: Callable[..., Any]) -> Callable[[Any, Any], Tensor]:
    def divided(a: Any, b: Any) -> Tensor:
        _, divisor, dtype = _operands(a, b)
        if not dtype.is_floating_point and not np.all(divisor):
            raise errors.RuntimeError("ZeroDivisionError")
        return _binary(function, a, b)

    return divided


def _in_place(function: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Tensor]:
    def change(tensor: Tensor, other: Any) -> Tensor:
        result = function(tensor, other)
        if result.dtype.is_floating_point and not tensor.dtype.is_floating_point:
            raise errors.RuntimeError(f"result type {result.dtype} can't be cast to the desired output type {tensor.dtype}")
        if result.shape != tensor.shape:
            raise errors.RuntimeError(
                f"output with shape {list(tensor.shape)} doesn't match the broadcast shape {list(result.shape)}"
            )
        return tensor.copy_(result)

    return change


mm = matmul
add = radd = functools.partial(_binary, np.add)
subtract = functools.partial(_binary, np.subtract)
multiply = rmultiply = functools.partial(_binary, np.multiply)
power = functools.partial(_binary, np.power)
floor_divide, remainder = _whole_division(np.floor_divide), _whole_division(np.remainder)
bitwise_and, bitwise_or = functools.partial(_binary, np.bitwise_and), functools.partial(_binary, np.bitwise_or)
bitwise_xor = functools.partial(_binary, np.bitwise_xor)
add_, subtract_ = _in_place(add), _in_place(subtract)
multiply_, divide_ = _in_place(multiply), _in_place(divide)
eq, ne = _comparison(np.equal), _comparison(np.not_equal)
lt, le = _comparison(np.less), _comparison(np.less_equal)
gt, ge = _comparison(np.greater), _comparison(np.greater_equal)
exp, log = functools.partial(_unary, np.exp), functools.partial(_unary, np.log)
sqrt, tanh = functools.partial(_unary, np.sqrt), functools.partial(_unary, np.tanh)
sigmoid = functools.partial(_unary, _sigmoid)

translate_all(globals())


def __getattr__(name: str) -> Any:
    # The class Tensor looks here for all that is written in Python.
    return getattr(importlib.import_module("calque._operators_more"), name)

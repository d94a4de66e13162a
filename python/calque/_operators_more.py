"""Further functions of the class Tensor and of the module: what scripts around a model use, computed by NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calque import _calque, errors
from calque._calque import Tensor
from calque._operators import _BOOL, _INT64, _array, _number_dtype, _tensor, _unary, argsort
from calque._translation import translate_all


def _whole(function: Any, tensor: Tensor) -> Tensor:
    """Rounding: whole numbers stay as they are."""
    return _unary(function, tensor) if tensor.dtype.is_floating_point else tensor.clone()


def round(tensor: Tensor) -> Tensor:
    """To the nearest whole number, halves to even."""
    return _whole(np.round, tensor)


def floor(tensor: Tensor) -> Tensor:
    """The largest whole number that is not larger."""
    return _whole(np.floor, tensor)


def ceil(tensor: Tensor) -> Tensor:
    """The smallest whole number that is not smaller."""
    return _whole(np.ceil, tensor)


def relu(tensor: Tensor) -> Tensor:
    """Zero in place of what is negative."""
    array = _array(tensor)
    return _tensor(np.maximum(array, array.dtype.type(0)), tensor.dtype)


def isinf(tensor: Tensor) -> Tensor:
    """Where elements are infinite."""
    return _tensor(np.isinf(_array(tensor)), _BOOL)


def isfinite(tensor: Tensor) -> Tensor:
    """Where elements are neither infinite nor NaN."""
    return _tensor(np.isfinite(_array(tensor)), _BOOL)


def nonzero(tensor: Tensor) -> Tensor:
    """The indices of elements that are not zero: (count, dimensions) int64."""
    return _tensor(np.argwhere(_array(tensor)), _INT64)


def var(tensor: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Variance with Bessel's correction."""
    return _tensor(_array(tensor).var(axis=dim, ddof=1, keepdims=keepdim), tensor.dtype)


def std(tensor: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Standard deviation with Bessel's correction."""
    return _tensor(_array(tensor).std(axis=dim, ddof=1, keepdims=keepdim), tensor.dtype)


def cumsum(tensor: Tensor, dim: int) -> Tensor:
    """Sums of all elements up to each along `dim`."""
    dtype = tensor.dtype if tensor.dtype.is_floating_point else _INT64
    return _tensor(_array(tensor.to(dtype)).cumsum(axis=dim), dtype)


def log_softmax(tensor: Tensor, dim: int) -> Tensor:
    """The logarithm of softmax, without its rounding to zero."""

    def compute(array: Any) -> Any:
        shifted = array - array.max(axis=dim, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True))

    return _unary(compute, tensor)


def masked_fill(tensor: Tensor, mask: Tensor, value: float) -> Tensor:
    """`value` where `mask` is true."""
    if mask.dtype is not _BOOL:
        raise errors.RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}")
    array = _array(tensor)
    return _tensor(np.where(mask.numpy(), array.dtype.type(value), array), tensor.dtype)


def gather(tensor: Tensor, dim: int, index: Tensor) -> Tensor:
    """Elements by indices along `dim`; the result has the shape of `index`."""
    array, where = _array(tensor), index.numpy()
    cut = tuple(slice(None) if i == dim % array.ndim else slice(size) for i, size in enumerate(where.shape))
    return _tensor(np.take_along_axis(array[cut], where, axis=dim), tensor.dtype)


def index_select(tensor: Tensor, dim: int, index: Tensor) -> Tensor:
    """Slices by indices along `dim`."""
    return _tensor(np.take(_array(tensor), index.numpy(), axis=dim), tensor.dtype)


def repeat(tensor: Tensor, *sizes: int | Sequence[int]) -> Tensor:
    """Copies beside each other along each dimension."""
    counts = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)) else sizes
    if len(counts) < tensor.ndim:
        raise errors.RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        )
    return _tensor(np.tile(_array(tensor), counts), tensor.dtype)


def split(tensor: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of parts of that size (the last may be smaller), or of the sizes of a list."""
    length = tensor.size(dim)
    if isinstance(split_size, int):
        if split_size <= 0:
            raise errors.RuntimeError(f"split expects split_size be non-negative, but got split_size={split_size}")
        sizes = [min(split_size, length - start) for start in range(0, length, split_size)] or [0]
    else:
        sizes = list(split_size)
        if sum(sizes) != length:
            raise errors.RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {length} "
                f"(input tensor's size at dimension {dim}), but got split_sizes={sizes}"
            )
    ends = np.cumsum(sizes).tolist()
    before = (slice(None),) * (dim % tensor.ndim)
    return tuple(tensor[(*before, slice(end - size, end))] for size, end in zip(sizes, ends, strict=True))


def chunk(tensor: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most `chunks` parts of equal size; the last may be smaller."""
    if chunks <= 0:
        raise errors.RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return split(tensor, max(1, -(-tensor.size(dim) // chunks)), dim)


def unbind_all(tensor: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the slices along `dim`."""
    return tuple(tensor.select(dim, i) for i in range(tensor.size(dim)))


def sort(tensor: Tensor, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
    """The elements in order along `dim`, and their indices."""
    indices = argsort(tensor, dim, descending)
    return _tensor(np.take_along_axis(_array(tensor), indices.numpy(), axis=dim), tensor.dtype), indices


def type_as(tensor: Tensor, other: Tensor) -> Tensor:
    """In the dtype of another tensor."""
    return tensor.to(other.dtype)


def full(size: Sequence[int], fill_value: Any, *, dtype: _calque.dtype | None = None, device: Any = None) -> Tensor:
    """A tensor of that shape with one value; whole numbers give int64, others float32, booleans bool."""
    del device
    tensor = _calque.empty(size, dtype=dtype or _calque.tensor(fill_value).dtype)
    return tensor.fill_(fill_value)


def _like(tensor: Tensor, value: float, dtype: _calque.dtype | None) -> Tensor:
    return _calque.empty(tensor.shape, dtype=dtype or tensor.dtype).fill_(value)


def zeros_like(input: Tensor, *, dtype: _calque.dtype | None = None, device: Any = None) -> Tensor:
    """Zeros of the shape (and dtype) of another tensor."""
    del device
    return _like(input, 0, dtype)


def ones_like(input: Tensor, *, dtype: _calque.dtype | None = None, device: Any = None) -> Tensor:
    """Ones of the shape (and dtype) of another tensor."""
    del device
    return _like(input, 1, dtype)


def full_like(input: Tensor, fill_value: Any, *, dtype: _calque.dtype | None = None, device: Any = None) -> Tensor:
    """One value in the shape (and dtype) of another tensor."""
    del device
    return _like(input, fill_value, dtype)


def empty_like(input: Tensor, *, dtype: _calque.dtype | None = None, device: Any = None) -> Tensor:
    """Uninitialised memory for the shape (and dtype) of another tensor."""
    del device
    return _calque.empty(input.shape, dtype=dtype or input.dtype)


def maximum(input: Tensor, other: Any) -> Tensor:
    """The larger of each pair of elements."""
    return _pairwise(np.maximum, input, other)


def minimum(input: Tensor, other: Any) -> Tensor:
    """The smaller of each pair of elements."""
    return _pairwise(np.minimum, input, other)


def _pairwise(function: Any, a: Tensor, b: Tensor) -> Tensor:
    dtype = _calque.promote_types(a.dtype, b.dtype) if isinstance(b, Tensor) else _number_dtype(b, a.dtype)
    other = _array(b.to(dtype)) if isinstance(b, Tensor) else b
    return _tensor(function(_array(a.to(dtype)), other), dtype)


equal, allclose = _calque.equal, _calque.allclose
translate_all(globals())
unsqueeze, squeeze, reshape = Tensor.unsqueeze, Tensor.squeeze, Tensor.reshape
transpose, flatten, numel = Tensor.transpose, Tensor.flatten, Tensor.numel

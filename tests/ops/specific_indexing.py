"""Arguments of indexing and masks."""

from __future__ import annotations

import math

import torch

from .samples import FLOATS
from .specific import indices, mask_for, sample

# --- indexing


def index_list(s, shape):
    """A list of index tensors and None for a tensor of that shape."""
    out: list = []
    joint = s.sizes(0, 2, 3)
    d = 0
    while d < len(shape):
        draw = s.rng.random()
        if draw < 0.35:
            out.append(None)
        elif draw < 0.85:
            dtype = s.choice([torch.int64, torch.int64, torch.int32])
            if shape[d] == 0:
                joint_own = [0]
            else:
                joint_own = [1 if s.coin(0.2) else n for n in joint]
            out.append(indices(s, joint_own, max(shape[d], 1), wrap=True, dtype=dtype, wrong=0.03))
        else:
            k = s.integer(1, min(2, len(shape) - d))
            mask = s.tensor(shape[d : d + k] if s.coin(0.97) else [9], torch.bool)
            out.append(mask)
            d += k - 1
        d += 1
        if s.coin(0.2):
            break
    if not any(x is not None for x in out) and shape:
        out = [indices(s, joint, max(shape[0], 1), wrap=True)]
    return out


@sample("aten::index.Tensor")
def _(s):
    shape = s.sizes(1)
    return [s.tensor(shape), index_list(s, shape)]


@sample("aten::index_put", "aten::index_put_", "aten::_index_put_impl_")
def _(s):
    shape = s.sizes(1, 3)
    self = s.tensor(shape, plain=s.name.endswith("_") and s.coin())
    index = index_list(s, shape)
    try:
        result = list(torch.ops.aten.index(self, index).shape)
    except Exception:
        result = [2]
    # Writes in parallel to one place have no order: accumulate, or one value for all.
    accumulate = s.coin(0.4)
    values = s.tensor(s.broadcastable(result), s.dtype) if accumulate else s.tensor([1], s.dtype)
    if s.special:
        s.special = False
        values = s.tensor([1], s.dtype)
    return [self, index, values, accumulate] + ([False] if "impl" in s.name else [])


@sample("aten::index.Tensor_hacked_twin")
def _(s):
    shape = s.sizes(1)
    return [s.tensor(shape), [indices(s, [2], max(shape[0], 1), wrap=True)]]


@sample("aten::index_put.hacked_twin", "aten::index_put_.hacked_twin", "aten::_index_put_impl_.hacked_twin")
def _(s):
    shape = s.sizes(1)
    tail = [False] if "impl" in s.name else []
    return [s.tensor(shape, plain=True), [indices(s, [2], max(shape[0], 1), wrap=True)], s.tensor([1], s.dtype), False, *tail]


def gather_index(s, shape, d, unique: bool = False):
    own = [s.integer(0, n) if i != d else s.integer(0, 4) for i, n in enumerate(shape)]
    size = shape[d] if shape else 1
    if size == 0:
        own = [0 for _ in own]
    if s.coin(0.04) and own:
        own[0] += 3
    return indices(s, own, max(size, 1), wrong=0.03)


@sample("aten::gather")
def _(s):
    shape = s.sizes()
    d = s.dim(len(shape))
    real_d = d % len(shape) if shape and -len(shape) <= d < len(shape) else 0
    return [s.tensor(shape), d, gather_index(s, shape, real_d), False]


@sample("aten::take_along_dim")
def _(s):
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    own = [1 if s.coin(0.3) else n for n in shape]
    own[d] = s.integer(0, 3) if shape[d] else 0
    return [s.tensor(shape), indices(s, own, max(shape[d], 1)), d if s.coin(0.9) else None]


@sample("aten::scatter.value", "aten::scatter_.value")
def _(s):
    shape = s.sizes()
    d = s.integer(0, max(len(shape) - 1, 0))
    return [s.tensor(shape, plain="_" in s.name), d, gather_index(s, shape, d), s.number()]


@sample("aten::scatter.src", "aten::scatter_.src")
def _(s):
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    # One index each, as the order of writes is open.
    own = [s.integer(0, n) for n in shape]
    own[d] = min(own[d], shape[d])
    index = torch.arange(own[d]).reshape([-1 if i == d else 1 for i in range(len(shape))]).expand(own).contiguous()
    if index.numel() and s.coin(0.04):
        index = index + shape[d]
    src = s.tensor([n + s.integer(0, 1) for n in own], s.dtype if s.coin(0.95) else None or s.other_dtype())
    return [s.tensor(shape, plain="_" in s.name), d, index, src]


@sample("aten::scatter_add", "aten::scatter_add_", "aten::scatter.reduce", "aten::scatter_.reduce")
def _(s):
    s.special = False
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    index = gather_index(s, shape, d)
    src = s.tensor([n + s.integer(0, 1) for n in index.shape])
    tail = [s.choice(["add", "multiply"])] if "reduce" in s.full else []
    return [s.tensor(shape, plain="_" in s.name), d, index, src, *tail]


@sample("aten::scatter.value_reduce", "aten::scatter_.value_reduce")
def _(s):
    s.special = False
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    return [s.tensor(shape, plain="_" in s.name), d, gather_index(s, shape, d), s.choice([2, 3]), s.choice(["add", "multiply"])]


@sample("aten::scatter_reduce.two", "aten::scatter_reduce_.two")
def _(s):
    s.special = False
    if s.dtype == torch.bool:
        s.dtype = torch.int64
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    index = gather_index(s, shape, d)
    src = s.tensor([n + s.integer(0, 1) for n in index.shape])
    return [s.tensor(shape, plain="_" in s.name), d, index, src, s.choice(["sum", "prod", "mean", "amax", "amin"]), s.coin()]


@sample("aten::index_select")
def _(s):
    shape = s.sizes()
    d = s.integer(0, max(len(shape) - 1, 0))
    size = shape[d] if shape else 1
    return [s.tensor(shape), d, indices(s, [s.integer(0, 4) if size else 0], max(size, 1), dtype=s.choice([torch.int64, torch.int32]))]


@sample("aten::index_add", "aten::index_add_", "aten::index_copy", "aten::index_copy_")
def _(s):
    s.special = False
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    count = min(s.integer(0, 3), shape[d])
    index = torch.randperm(shape[d], generator=s.generator)[:count]
    if count and s.coin(0.05):
        index[0] = shape[d]
    own = [count if i == d else n for i, n in enumerate(shape)]
    if s.coin(0.04):
        own[-1] += 1
    tail = [s.choice([1, 2])] if "add" in s.name else []
    return [s.tensor(shape, plain=s.name.endswith("_")), d, index, s.tensor(own), *tail]


@sample("aten::index_fill.int_Scalar", "aten::index_fill_.int_Scalar", "aten::index_fill.int_Tensor", "aten::index_fill_.int_Tensor")
def _(s):
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    value = s.integer(0, 3)
    index = indices(s, [s.integer(0, 3) if shape[d] else 0], max(shape[d], 1), wrap=True)
    return [s.tensor(shape, plain=s.name.endswith("_")), d, index, torch.tensor(value) if "Tensor" in s.overload else value]


@sample("aten::take")
def _(s):
    x = s.tensor()
    return [x, indices(s, s.sizes(0, 2) if x.numel() else [0], max(x.numel(), 1), wrap=True)]


# --- masks


@sample("aten::masked_fill.Scalar", "aten::masked_fill_.Scalar", "aten::masked_fill.Tensor", "aten::masked_fill_.Tensor")
def _(s):
    shape = s.sizes()
    value = s.choice([1, 0, 2.5, -1.0]) if s.dtype in FLOATS else s.integer(0, 3)
    return [s.tensor(shape), mask_for(s, shape), torch.tensor(value) if "Tensor" in s.overload else value]


@sample("aten::masked_select")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), mask_for(s, shape)]


@sample("aten::masked_scatter", "aten::masked_scatter_")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape, plain=s.name.endswith("_")), mask_for(s, shape), s.tensor([math.prod(shape) + 9])]


@sample("aten::where.self", "aten::where.ScalarOther", "aten::where.ScalarSelf", "aten::where.Scalar")
def _(s):
    shape = s.sizes()
    side = lambda scalar: s.number() if scalar else s.tensor(s.broadcastable(shape), s.other_dtype())
    both = s.overload == "Scalar"
    return [mask_for(s, shape), side(both or s.overload == "ScalarSelf"), side(both or s.overload == "ScalarOther")]

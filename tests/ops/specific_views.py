"""Arguments of views, rearranging and joining."""

from __future__ import annotations

import math

import torch

from .samples import ALL
from .specific import indices, sample, small

# --- views


def split_size(s, n: int, parts: int) -> list[int]:
    cuts = sorted(s.integer(0, n) for _ in range(parts - 1))
    return [b - a for a, b in zip([0, *cuts], [*cuts, n])]


def reshaped(s, shape: list[int]) -> list[int]:
    """Another shape of as many elements; sometimes with -1, sometimes wrong."""
    count = math.prod(shape)
    out = []
    while count > 1 and len(out) < 3:
        divisor = s.choice([d for d in range(1, count + 1) if count % d == 0])
        out.append(divisor)
        count //= divisor
    out.append(count)
    if s.coin(0.3):
        out[s.integer(0, len(out) - 1)] = -1
    if s.coin(0.07):
        out[0] += 1
    return out


@sample("aten::view", "aten::reshape", "aten::_unsafe_view")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), reshaped(s, shape)]


@sample("aten::view_as", "aten::reshape_as")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), s.tensor([abs(d) for d in reshaped(s, shape)])]


@sample("aten::expand", "aten::broadcast_to")
def _(s):
    shape = s.sizes()
    narrow = [1 if s.coin(0.4) else d for d in shape]
    if s.coin(0.3):
        narrow = narrow[s.integer(0, len(narrow)) :]
    target = [-1 if s.coin(0.2) else d for d in shape]
    if s.coin(0.05):
        target = target[1:]
    return [s.tensor(narrow), target] + ([False] if s.name == "aten::expand" else [])


@sample("aten::expand_as")
def _(s):
    shape = s.sizes()
    return [s.tensor(s.broadcastable(shape)), s.tensor(shape)]


@sample("aten::permute")
def _(s):
    shape = s.sizes()
    dims = list(range(len(shape)))
    s.rng.shuffle(dims)
    dims = [d - len(shape) if s.coin(0.3) else d for d in dims]
    if dims and s.coin(0.07):
        dims[0] = dims[-1]
    return [s.tensor(shape), dims]


@sample("aten::unflatten.int")
def _(s):
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    return [s.tensor(shape), d, reshaped(s, [shape[d]])]


@sample("aten::movedim.intlist", "aten::moveaxis.intlist")
def _(s):
    shape = s.sizes(1)
    n = s.integer(0, len(shape))
    return [s.tensor(shape), s.dims(len(shape), n), s.dims(len(shape), n)]


@sample("aten::slice.Tensor")
def _(s):
    bound = lambda: s.maybe(s.choice([0, 1, 2, -1, -2, 5, -9, 2**63 - 1, -(2**62)]), 0.8)
    shape = s.sizes(0 if s.coin(0.05) else 1)
    return [s.tensor(shape), s.dim(len(shape)), bound(), bound(), s.choice([1, 1, 1, 2, 3, 0, -1, 100])]


@sample("aten::select.int")
def _(s):
    shape = s.sizes(0 if s.coin(0.05) else 1)
    return [s.tensor(shape), s.dim(len(shape)), s.integer(-3, 3)]


@sample("aten::narrow", "aten::narrow.Tensor")
def _(s):
    shape = s.sizes(1)
    start = s.integer(-2, 2)
    return [s.tensor(shape), s.dim(len(shape)), torch.tensor(start) if s.overload else start, s.integer(-1, 3)]


@sample("aten::split.Tensor")
def _(s):
    shape = s.sizes(0 if s.coin(0.05) else 1)
    return [s.tensor(shape), s.integer(-1, 4), s.dim(len(shape))]


@sample("aten::chunk", "aten::tensor_split.sections")
def _(s):
    shape = s.sizes(0 if s.coin(0.05) else 1)
    return [s.tensor(shape), s.integer(0, 5), s.dim(len(shape))]


@sample("aten::split.sizes", "aten::split_with_sizes", "aten::split")
def _(s):
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    sizes = split_size(s, shape[d] + (1 if s.coin(0.1) else 0), s.integer(1, 3))
    return [s.tensor(shape), sizes, d]


@sample("aten::tensor_split.indices")
def _(s):
    shape = s.sizes(1)
    return [s.tensor(shape), [s.integer(-2, 5) for _ in range(s.integer(0, 3))], s.dim(len(shape))]


@sample("aten::unfold")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), s.dim(len(shape)), s.integer(-1, 4), s.integer(0, 3)]


@sample("aten::diagonal")
def _(s):
    shape = s.sizes(2)
    return [s.tensor(shape), s.integer(-4, 4), s.dim(len(shape)), s.dim(len(shape))]


@sample("aten::diag_embed")
def _(s):
    shape = s.sizes(1, 3)
    return [s.tensor(shape), s.integer(-2, 2), s.dim(len(shape) + 1), s.dim(len(shape) + 1)]


@sample("aten::diag")
def _(s):
    return [s.tensor(s.sizes(1, 3 if s.coin(0.1) else 2)), s.integer(-3, 3)]


@sample("aten::diagflat")
def _(s):
    return [s.tensor(s.sizes(0, 2)), s.integer(-2, 2)]


@sample("aten::as_strided")
def _(s):
    base = s.tensor([s.integer(1, 12)], plain=True)
    return [base, small(s), [s.integer(0, 4) if s.coin(0.97) else -1 for _ in range(2)], s.maybe(s.integer(0, 3))]


@sample("aten::t", "aten::t_")
def _(s):
    return [s.tensor(s.sizes(0, 3 if s.coin(0.1) else 2))]


@sample("aten::mT", "aten::mT.a")
def _(s):
    return [s.tensor(s.sizes(1 if s.coin(0.1) else 2))]


# --- rearranging


@sample("aten::roll")
def _(s):
    shape = s.sizes()
    n = s.integer(0, 2)
    return [s.tensor(shape), [s.integer(-7, 7) for _ in range(max(n, 1))], s.dims(len(shape), n)]


@sample("aten::repeat", "aten::tile")
def _(s):
    shape = s.sizes(0, 3)
    return [s.tensor(shape), [s.integer(0, 3) for _ in range(len(shape) + s.integer(-1 if s.coin(0.2) else 0, 1))]]


@sample("aten::repeat_interleave.self_Tensor")
def _(s):
    shape = s.sizes(1, 3)
    d = s.integer(0, len(shape) - 1)
    count = shape[d] if s.coin(0.8) else 1
    return [s.tensor(shape), indices(s, [count], 4, wrong=0), d, None]


@sample("aten::repeat_interleave.self_int")
def _(s):
    shape = s.sizes(0, 3)
    return [s.tensor(shape), s.integer(-1, 3), s.maybe(s.dim(len(shape))), None]


@sample("aten::repeat_interleave.Tensor")
def _(s):
    return [indices(s, [s.integer(0, 4)], 4, dtype=s.choice([torch.int64, torch.int32]), wrong=0), None]


@sample("aten::rot90")
def _(s):
    shape = s.sizes(2)
    return [s.tensor(shape), s.integer(-3, 5), s.dims(len(shape), 2)]


# --- joining


@sample("aten::cat", "aten::concat", "aten::concatenate")
def _(s):
    shape = s.sizes(1)
    d = s.integer(0, len(shape) - 1)
    parts = []
    for _ in range(s.integer(1, 4)):
        own = [s.integer(0, 3) if i == d else n for i, n in enumerate(shape)]
        if s.coin(0.04):
            own[-1] += 1
        parts.append(s.tensor(own, s.dtype if s.coin(0.8) else s.choice(ALL)))
    if s.coin(0.1):
        parts.insert(s.integer(0, len(parts)), s.tensor([0]))
    return [parts, d - len(shape) if s.coin(0.3) else d]


@sample("aten::stack")
def _(s):
    shape = s.sizes()
    parts = [s.tensor(shape if s.coin(0.96) else [9], s.dtype if s.coin(0.8) else s.choice(ALL)) for _ in range(s.integer(1, 4))]
    return [parts, s.dim(len(shape) + 1)]


@sample("aten::vstack", "aten::hstack", "aten::dstack", "aten::column_stack", "aten::row_stack")
def _(s):
    shape = s.sizes(0, 3)
    return [[s.tensor(shape) for _ in range(s.integer(1, 3))]]


@sample("aten::broadcast_tensors")
def _(s):
    shape = s.sizes()
    return [[s.tensor(s.broadcastable(shape)) for _ in range(s.integer(1, 3))]]


@sample("aten::meshgrid", "aten::meshgrid.indexing", "aten::cartesian_prod")
def _(s):
    tail = [s.choice(["ij", "xy"])] if s.overload else []
    lowest = 1 if s.name == "aten::cartesian_prod" else 0
    return [[s.tensor(s.sizes(lowest, 1), plain=True) for _ in range(s.integer(1, 3))], *tail]

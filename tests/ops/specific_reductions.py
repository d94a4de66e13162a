"""Arguments of reductions, sorting, searching, padding, convolution and pooling."""

from __future__ import annotations

import torch

from .samples import ALL, FLOATS, INTS, Sampler
from .specific import floating, indices, real, sample

INF = float("inf")


def dims_or_none(s: Sampler, rank: int):
    return s.choice([None, [], s.dims(rank), s.dims(rank)])


@sample("aten::sum.dim_IntList", "aten::nansum")
def _(s):
    s.special = s.special and s.full == "aten::nansum"
    shape = s.sizes()
    return [s.tensor(shape), dims_or_none(s, len(shape)), s.coin(), s.maybe(s.choice(ALL), 0.3)]


@sample("aten::sum", "aten::prod")
def _(s):
    s.special = False
    return [s.tensor(s.sizes(0, 2)), s.maybe(s.choice([torch.float32, torch.float64, torch.int64, torch.int32]), 0.3)]


@sample("aten::prod.dim_int")
def _(s):
    s.special = False
    shape = s.sizes(0, 3)
    return [s.tensor(shape), s.dim(len(shape)), s.coin(), s.maybe(s.choice([torch.float64, torch.int64]), 0.3)]


@sample("aten::mean")
def _(s):
    floating(s)
    return [s.tensor(), s.maybe(s.choice(FLOATS), 0.3)]


@sample("aten::mean.dim")
def _(s):
    floating(s)
    shape = s.sizes()
    return [s.tensor(shape), dims_or_none(s, len(shape)), s.coin(), s.maybe(s.choice(FLOATS), 0.3)]


@sample("aten::amax", "aten::amin")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), s.dims(len(shape)), s.coin()]


@sample("aten::any.dims", "aten::all.dims")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), dims_or_none(s, len(shape)), s.coin()]


@sample("aten::logsumexp")
def _(s):
    if s.dtype == torch.bool:
        s.dtype = torch.float32
    shape = s.sizes(1)
    return [s.tensor(shape), s.dims(len(shape), s.integer(1, len(shape))), s.coin()]


@sample("aten::var.dim", "aten::std.dim", "aten::var_mean.dim", "aten::std_mean.dim")
def _(s):
    floating(s)
    s.special = False
    shape = s.sizes()
    return [s.tensor(shape), dims_or_none(s, len(shape)), s.coin(), s.coin()]


@sample("aten::var.correction", "aten::std.correction", "aten::var_mean.correction", "aten::std_mean.correction")
def _(s):
    floating(s)
    s.special = False
    shape = s.sizes()
    return [s.tensor(shape), dims_or_none(s, len(shape)), s.choice([None, 0, 1, 2, 0.5]), s.coin()]


@sample("aten::var", "aten::std", "aten::var_mean", "aten::std_mean")
def _(s):
    floating(s)
    s.special = False
    return [s.tensor(), s.coin()]


@sample("aten::trace")
def _(s):
    return [s.tensor(s.sizes(2, 3 if s.coin(0.1) else 2))]


@sample("aten::cumsum", "aten::cumprod", "aten::cumsum_", "aten::cumprod_")
def _(s):
    s.special = False
    shape = s.sizes(0, 3)
    dtype = None if s.name.endswith("_") else s.maybe(s.choice([torch.float32, torch.float64, torch.int64]), 0.3)
    return [s.tensor(shape, plain=s.name.endswith("_")), s.dim(len(shape)), dtype]


@sample("aten::logcumsumexp")
def _(s):
    floating(s)
    shape = s.sizes(0, 3)
    return [s.tensor(shape), s.dim(len(shape))]


@sample("aten::diff")
def _(s):
    shape = s.sizes(1, 3)
    d = s.integer(0, len(shape) - 1)
    edge = [1 if i == d else n for i, n in enumerate(shape)]
    return [s.tensor(shape), s.integer(0, 3), d, s.maybe(s.tensor(edge), 0.3), s.maybe(s.tensor(edge), 0.3)]


# --- order: ties have no order in PyTorch's topk and kthvalue


def distinct(s: Sampler, shape, dtypes=(torch.float32, torch.float64, torch.int64, torch.int32)) -> torch.Tensor:
    s.dtype = s.choice(dtypes)
    count = 1
    for n in shape:
        count *= n
    return torch.randperm(count, generator=s.generator).to(s.dtype).reshape(shape)


@sample("aten::topk")
def _(s):
    shape = s.sizes(0, 3)
    d = s.dim(len(shape))
    size = shape[d] if shape and -len(shape) <= d < len(shape) else 1
    return [distinct(s, shape), s.integer(0, size + (1 if s.coin(0.1) else 0)), d, s.coin(), True]


@sample("aten::kthvalue")
def _(s):
    shape = s.sizes(0, 3)
    d = s.dim(len(shape))
    size = shape[d] if shape and -len(shape) <= d < len(shape) else 1
    return [distinct(s, shape), s.integer(1, max(size, 1) + (1 if s.coin(0.1) else 0)), d, s.coin()]


@sample("aten::median.dim", "aten::nanmedian.dim")
def _(s):
    shape = s.sizes(0, 3)
    return [distinct(s, shape), s.dim(len(shape)), s.coin()]


@sample("aten::median", "aten::nanmedian")
def _(s):
    s.dtype = s.choice([torch.float32, torch.float64, torch.int64])
    return [s.tensor([max(n, 1) for n in s.sizes()])]


@sample("aten::mode")
def _(s):
    s.special = False
    shape = s.sizes(0, 3)
    return [s.tensor(shape), s.dim(len(shape)), s.coin()]


@sample("aten::sort", "aten::argsort")
def _(s):
    shape = s.sizes(0, 3)
    x = distinct(s, shape) if s.coin(0.3) else s.tensor(shape)
    return [x, s.dim(len(shape)), s.coin()]


@sample("aten::sort.stable", "aten::argsort.stable")
def _(s):
    shape = s.sizes(0, 3)
    return [s.tensor(shape), True, s.dim(len(shape)), s.coin()]


@sample("aten::searchsorted.Tensor", "aten::searchsorted.Scalar")
def _(s):
    s.special = False
    s.dtype = s.choice([torch.float32, torch.float64, torch.int64, torch.int32])
    rows = s.sizes(0, 1)
    sequence = torch.sort(s.tensor([*rows, s.integer(1, 6)], plain=True), -1).values
    if s.overload == "Scalar":
        sequence = sequence.flatten()[: s.integer(1, 6)].sort().values
    values = s.integer(-3, 3) if s.overload == "Scalar" else s.tensor([*rows, s.integer(1, 4)])
    return [sequence, values, s.coin(), False, s.choice([None, "left", "right"]), None]


@sample("aten::bucketize.Tensor", "aten::bucketize.Scalar")
def _(s):
    s.special = False
    s.dtype = s.choice([torch.float32, torch.float64, torch.int64, torch.int32])
    boundaries = torch.sort(s.tensor([s.integer(0, 6)], plain=True)).values
    return [s.integer(-3, 3) if s.overload == "Scalar" else s.tensor(), boundaries, s.coin(), s.coin()]


@sample("aten::bincount")
def _(s):
    n = s.integer(0, 6)
    s.dtype = s.choice([torch.float32, torch.float64, torch.int64])
    s.special = False
    return [indices(s, [n], 5, dtype=s.choice(INTS), wrong=0), s.maybe(s.tensor([n])), s.integer(0, 8)]


@sample("aten::_unique2")
def _(s):
    s.special = False
    return [s.tensor(s.sizes(0, 3)), True, True, True]


@sample("aten::unique_dim")
def _(s):
    s.special = False
    shape = [max(n, 1) for n in s.sizes(1, 3)]
    x = s.tensor(shape, s.choice([torch.int64, torch.bool, torch.float32]))
    return [torch.cat([x, x.narrow(0, 0, 1)]) if s.coin() else x, s.integer(0, len(shape) - 1), True, True, True]


@sample("aten::unique_consecutive")
def _(s):
    s.special = False
    shape = [max(n, 1) for n in s.sizes(1, 3)]
    return [s.tensor(shape, s.choice([torch.int64, torch.bool])), True, True, s.maybe(s.integer(0, len(shape) - 1), 0.3)]


# --- sums of products


@sample("aten::einsum")
def _(s):
    real(s)
    sizes = {letter: s.integer(1, 4) for letter in "abcdefg"}
    equation = s.choice(
        ["ab,bc->ac", "ab,bc", "abc,acd->abd", "abcd,aecd->abce", "abcd,ced->abce", "a,b->ab", "ab->ba", "ab->", "aab->ab",
         "ii", "ab,ab->", "ab,ab->ab", "...ab,...bc->...ac", "a...->...a", "ab,cb,c->a", "abc,cd,de->abe", "ab, b -> a",
         "abcd,befc->aefd", "a,a", "ab,ab,ab->b", "...,...->...", "abcd,acd->abc", "ba,ca->"]
    )  # fmt: skip
    sizes["i"] = 3
    batch = s.sizes(0, 2, 3)
    tensors = []
    for term in equation.replace(" ", "").split("->")[0].split(","):
        shape = [*batch] if "..." in term else []
        front = [sizes[c] for c in term.split("...")[0]] if "..." in term else [sizes[c] for c in term]
        back = [sizes[c] for c in term.split("...")[1]] if "..." in term else []
        shape = [*front, *shape, *back]
        if shape and s.coin(0.03):
            shape[0] += 3
        tensors.append(s.tensor(shape))
    return [equation, tensors, None]


@sample("aten::tensordot")
def _(s):
    real(s)
    shared = [s.integer(1, 4) for _ in range(s.integer(1, 2))]
    a, b = [*s.sizes(0, 2, 3), *shared], [*shared, *s.sizes(0, 2, 3)]
    n = len(shared)
    return [s.tensor(a), s.tensor(b), list(range(len(a) - n, len(a))), list(range(n))]


# --- padding, convolution, pooling


@sample("aten::pad")
def _(s):
    shape = s.sizes(1, 4)
    mode = s.choice(["constant", "constant", "reflect", "replicate", "circular"])
    n = s.integer(1, len(shape)) if mode == "constant" else max(len(shape) - s.choice([1, 2]), 1)
    if mode != "constant":
        floating(s)
        s.special = False
    low = -1 if mode == "constant" else 0
    pad = [s.integer(low, 2) for _ in range(2 * n - (1 if s.coin(0.03) else 0))]
    return [s.tensor(shape), pad, mode, s.maybe(2.0, 0.3) if mode == "constant" else None]


@sample("aten::constant_pad_nd")
def _(s):
    shape = s.sizes(1, 4)
    return [s.tensor(shape), [s.integer(-1, 2) for _ in range(2 * s.integer(0, len(shape)))], s.integer(0, 2)]


@sample("aten::reflection_pad1d", "aten::replication_pad1d", "aten::reflection_pad2d", "aten::replication_pad2d")
def _(s):
    floating(s)
    n = int(s.name[-2])
    shape = [s.integer(2, 5) for _ in range(n + s.integer(1, 2))]
    return [s.tensor(shape), [s.integer(0, 2) for _ in range(2 * n)]]


def conv_shapes(s: Sampler, n: int, transposed: bool = False):
    s.dtype = s.choice([torch.float32, torch.float32, torch.float64])
    s.special = False
    groups = s.choice([1, 1, 2])
    c_in, c_out = groups * s.integer(1, 3), groups * s.integer(1, 3)
    kernel = [s.integer(1, 3) for _ in range(n)]
    image = [s.integer(2, 7) for _ in range(n)]
    weight = [c_in, c_out // groups, *kernel] if transposed else [c_out, c_in // groups, *kernel]
    if s.coin(0.05):
        weight[1] += 1
    batch = [s.integer(1, 3)] if s.coin(0.8) else []
    return s.tensor([*batch, c_in, *image]), s.tensor(weight), s.maybe(s.tensor([c_out], plain=True)), groups


@sample("aten::conv1d", "aten::conv2d", "aten::conv3d")
def _(s):
    n = int(s.name[-2])
    x, w, b, groups = conv_shapes(s, n)
    return [x, w, b, [s.integer(1, 2) for _ in range(n)], [s.integer(0, 2) for _ in range(n)], [s.integer(1, 2) for _ in range(n)], groups]


@sample("aten::conv1d.padding", "aten::conv2d.padding", "aten::conv3d.padding")
def _(s):
    n = int(s.name[-2])
    x, w, b, groups = conv_shapes(s, n)
    return [x, w, b, [1] * n, s.choice(["same", "valid"]), [s.integer(1, 2) for _ in range(n)], groups]


@sample("aten::conv_transpose1d", "aten::conv_transpose2d.input")
def _(s):
    n = int(s.name[-2])
    x, w, b, groups = conv_shapes(s, n, transposed=True)
    stride = [s.integer(1, 3) for _ in range(n)]
    return [x, w, b, stride, [s.integer(0, 1) for _ in range(n)], [s.integer(0, t - 1) for t in stride], groups, [s.integer(1, 2) for _ in range(n)]]


@sample("aten::convolution", "aten::_convolution", "aten::_convolution.deprecated")
def _(s):
    n = s.integer(1, 2)
    x, w, b, groups = conv_shapes(s, n)
    if x.dim() == n + 1:
        x = x.unsqueeze(0)
    tail = {"aten::convolution": [], "aten::_convolution": [False, False, True, True], "aten::_convolution.deprecated": [False, False, True]}
    return [x, w, b, [s.integer(1, 2)] * n, [s.integer(0, 1)] * n, [1] * n, False, [0] * n, groups, *tail[s.full]]


@sample("aten::max_pool1d", "aten::max_pool2d", "aten::max_pool1d_with_indices", "aten::max_pool2d_with_indices")
def _(s):
    n = 1 if "1d" in s.name else 2
    s.dtype = s.choice([torch.float32, torch.float64])
    s.special = False
    shape = [s.integer(1, 3) for _ in range(s.integer(1, 2))] + [s.integer(2, 7) for _ in range(n)]
    kernel = [s.integer(1, 3) for _ in range(n)]
    return [s.tensor(shape), kernel, s.choice([[], [s.integer(1, 3)] * n]), [s.integer(0, k // 2) for k in kernel], [s.integer(1, 2)] * n, s.coin()]


@sample("aten::avg_pool1d", "aten::avg_pool2d")
def _(s):
    n = int(s.name[-2])
    s.dtype = s.choice([torch.float32, torch.float64])
    s.special = False
    shape = [s.integer(1, 3) for _ in range(s.integer(1, 2))] + [s.integer(2, 7) for _ in range(n)]
    kernel = [s.integer(1, 3) for _ in range(n)]
    tail = [s.maybe(s.integer(1, 4), 0.3)] if n == 2 else []
    return [s.tensor(shape), kernel, s.choice([[], [s.integer(1, 3)] * n]), [s.integer(0, k // 2) for k in kernel], s.coin(), s.coin(), *tail]


@sample("aten::adaptive_avg_pool1d", "aten::adaptive_avg_pool2d")
def _(s):
    n = int(s.name[-2])
    s.dtype = s.choice([torch.float32, torch.float64])
    s.special = False
    shape = [s.integer(1, 3) for _ in range(s.integer(1, 2))] + [s.integer(2, 7) for _ in range(n)]
    return [s.tensor(shape), [s.integer(1, 4) for _ in range(n)]]

"""Arguments of operators whose shapes or values must fit together. Each function takes a Sampler."""

from __future__ import annotations

import math

import torch

from .samples import ALL, FLOATS, INTS, Sampler
from .wire import Typed

SPECIFIC: dict = {}


def sample(*names: str):
    def register(function):
        for name in names:
            SPECIFIC[name] = function
        return function

    return register


def options(s: Sampler, dtypes=ALL, chance: float = 0.4) -> list:
    """dtype, layout, device, pin_memory"""
    return [s.maybe(s.choice(dtypes), chance), None, None, None]


def small(s: Sampler, low: int = 0, high: int = 3) -> list[int]:
    return [s.integer(0, 4) if s.coin(0.95) else -1 for _ in range(s.integer(low, high))]


# --- creation


@sample("aten::zeros", "aten::ones")
def _(s):
    return [small(s), *options(s)]


@sample("aten::empty.memory_format")
def _(s):
    return [small(s), *options(s), None]


@sample("aten::full")
def _(s):
    return [small(s), s.number(), *options(s)]


@sample("aten::scalar_tensor")
def _(s):
    return [s.number(), *options(s)]


@sample("aten::new_zeros", "aten::new_ones", "aten::new_empty")
def _(s):
    return [s.tensor(), small(s), *options(s)]


@sample("aten::new_full")
def _(s):
    return [s.tensor(), small(s), s.number(), *options(s)]


@sample("aten::zeros_like", "aten::ones_like", "aten::empty_like")
def _(s):
    return [s.tensor(), *options(s), s.maybe(s.choice([torch.contiguous_format, torch.preserve_format]))]


@sample("aten::full_like")
def _(s):
    return [s.tensor(), s.number(), *options(s), None]


@sample("aten::arange")
def _(s):
    return [s.choice([5, 0, 2.5, -1, 7.0]), *options(s)]


@sample("aten::arange.start")
def _(s):
    return [s.choice([1, 0, 0.5, -3]), s.choice([5, 0, 2.5, -3]), *options(s)]


@sample("aten::arange.start_step")
def _(s):
    return [s.choice([1, 0, 0.5, -3, 9]), s.choice([5, 0, 2.5, -3]), s.choice([1, 2, 0.5, -1, -0.25, 0, 3]), *options(s)]


@sample("aten::linspace", "aten::linspace.Tensor_Tensor", "aten::linspace.Tensor_Scalar", "aten::linspace.Scalar_Tensor")
def _(s):
    return linspace_like(s, [])


@sample("aten::logspace", "aten::logspace.Tensor_Tensor", "aten::logspace.Tensor_Scalar", "aten::logspace.Scalar_Tensor")
def _(s):
    return linspace_like(s, [s.choice([2.0, 10.0])])


def linspace_like(s, extra):
    ends = [s.choice([0, 1, -2.5, 3]), s.choice([4, 1, -1, 2.5])]
    for i, kind in enumerate(s.overload.split("_")):
        if kind == "Tensor":
            ends[i] = torch.tensor(float(ends[i]))
    return [*ends, s.integer(0, 6), *extra, *options(s, [torch.float32, torch.float64, torch.int64, torch.int32])]


@sample("aten::eye")
def _(s):
    return [s.integer(-1, 4), *options(s)]


@sample("aten::eye.m")
def _(s):
    return [s.integer(0, 4), s.integer(-1, 4), *options(s)]


@sample("aten::tril_indices", "aten::triu_indices")
def _(s):
    return [s.integer(0, 4), s.integer(0, 4), s.integer(-3, 3), s.choice([torch.int64, torch.int32]), None, None, None]


@sample("aten::tril", "aten::triu", "aten::tril_", "aten::triu_")
def _(s):
    return [s.tensor(s.sizes(1 if s.coin(0.1) else 2, 4)), s.choice([0, 1, -1, 3, -5])]


@sample("aten::hann_window")
def _(s):
    return [s.integer(-1, 9), *options(s, FLOATS)]


@sample("aten::hann_window.periodic")
def _(s):
    return [s.integer(0, 9), s.coin(), *options(s, FLOATS)]


@sample("aten::empty_strided")
def _(s):
    return [[2, 3], s.choice([[3, 1], [1, 2], [4, 1], [0, 1]]), *options(s)]


@sample("aten::tensor", "aten::as_tensor.list")
def _(s):
    kind = s.choice(["int", "float", "bool"])
    make = {"int": lambda: s.integer(-5, 5), "float": lambda: s.integer(-5, 5) / 2, "bool": s.coin}[kind]
    rows, columns = s.integer(1, 3), s.integer(1, 3)
    value = [make() for _ in range(columns)]
    if s.coin():
        value = Typed([Typed([make() for _ in range(columns)], kind) for _ in range(rows)], f"{kind}[]")
    tail = [False] if s.name == "aten::tensor" else []
    return [value, s.maybe(s.choice(ALL)), None, *tail]


@sample("aten::as_tensor")
def _(s):
    return [s.tensor(), s.maybe(s.choice(ALL)), None]


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


def indices(s, shape, size: int, wrap: bool = False, dtype=torch.int64, wrong: float = 0.04) -> torch.Tensor:
    count = math.prod(shape)
    low = -size if wrap else 0
    flat = [s.integer(low, max(size - 1, low)) for _ in range(count)]
    if count and s.coin(wrong):
        flat[s.integer(0, count - 1)] = s.choice([size, -size - 1, 2**31])
    return torch.tensor(flat, dtype=torch.int64).reshape(shape).to(dtype)


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


# --- products


def real(s, dtypes=(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32)):
    if s.dtype not in dtypes and s.coin(0.9):
        s.dtype = s.choice([torch.float32, torch.float64, *dtypes])
    s.special = False


def mm_shapes(s):
    m, k, n = (s.choice([1, 2, 3, 5, 0, 17]) for _ in range(3))
    return m, k, (k if s.coin(0.95) else k + 1), n


@sample("aten::mm", "aten::linalg_matmul_")
def _(s):
    real(s)
    m, k, k2, n = mm_shapes(s)
    return [s.tensor([m, k]), s.tensor([k2, n])]


@sample("aten::bmm")
def _(s):
    real(s)
    m, k, k2, n = mm_shapes(s)
    b = s.integer(0, 3)
    return [s.tensor([b, m, k]), s.tensor([b, k2, n])]


@sample("aten::matmul", "aten::linalg_matmul")
def _(s):
    real(s)
    m, k, k2, n = mm_shapes(s)
    batch = s.sizes(0, 2, 3)
    left = s.choice([[k], [m, k], [*batch, m, k]])
    right = s.choice([[k2], [k2, n], [*s.broadcastable(batch), k2, n]])
    return [s.tensor(left), s.tensor(right)]


@sample("aten::linear")
def _(s):
    real(s)
    m, k, k2, n = mm_shapes(s)
    bias = s.choice([None, s.tensor([n]), s.tensor([n], plain=True)])
    return [s.tensor([*s.sizes(0, 2), k]), s.tensor([n, k2]), bias]


@sample("aten::addmm", "aten::addmm_", "aten::baddbmm", "aten::baddbmm_", "aten::addbmm", "aten::addbmm_")
def _(s):
    real(s)
    if "addbmm" in s.name and s.dtype in FLOATS:
        s.dtype = torch.float32  # PyTorch rounds after each batch
    m, k, k2, n = mm_shapes(s)
    batch = [] if s.name.startswith("aten::addmm") else [s.integer(1, 3)]
    out = [m, n] if "baddbmm" not in s.name else [*batch, m, n]
    self = s.tensor(out, plain=True) if s.name.endswith("_") else s.tensor([1 if s.coin(0.2) else d for d in out])
    whole = s.dtype in INTS
    return [self, s.tensor([*batch, m, k]), s.tensor([*batch, k2, n]), s.choice([1, 0, 2] if whole else [1, 0, 0.5]), s.choice([1, 2, -1])]


@sample("aten::addmv", "aten::addmv_", "aten::addr", "aten::addr_")
def _(s):
    real(s)
    m, k = s.integer(1, 4), s.integer(1, 4)
    outer = "addr" in s.name
    self = s.tensor([m, k] if outer else [m], plain=True)
    return [self, s.tensor([m] if outer else [m, k]), s.tensor([k]), s.choice([1, 0, 2]), s.choice([1, 2, -1])]


@sample("aten::mv")
def _(s):
    real(s)
    m, k, k2, _ = mm_shapes(s)
    return [s.tensor([m, k]), s.tensor([k2])]


@sample("aten::dot", "aten::vdot")
def _(s):
    real(s)
    n = s.integer(0, 5)
    return [s.tensor([n]), s.tensor([n if s.coin(0.9) else n + 1])]


@sample("aten::outer", "aten::ger")
def _(s):
    return [s.tensor([s.integer(0, 4)]), s.tensor([s.integer(0, 4)])]


@sample("aten::inner")
def _(s):
    real(s)
    k = s.integer(1, 4)
    return [s.tensor([*s.sizes(0, 2), k]), s.tensor([*s.sizes(0, 1), k])]


# --- layers


def floating(s, dtypes=FLOATS):
    if s.dtype not in dtypes and s.coin(0.95):
        s.dtype = s.choice([torch.float32, *dtypes])


@sample("aten::layer_norm")
def _(s):
    floating(s)
    s.special = False
    tail = s.sizes(1, 2, 40)
    tail = [max(n, 2) for n in tail]
    shape = [*s.sizes(0, 2), *tail]
    param = torch.float32 if s.coin(0.3) else s.dtype
    make = lambda: s.maybe(s.tensor(tail if s.coin(0.97) else [9], param), 0.7)
    return [s.tensor(shape), tail if s.coin(0.97) else [8], make(), make(), s.choice([1e-5, 1e-12, 0.1]), True]


@sample("aten::native_layer_norm")
def _(s):
    s.dtype = s.choice([torch.float32, torch.float64])
    s.special = False
    tail = [s.integer(2, 9)]
    return [s.tensor([*s.sizes(0, 2), *tail]), tail, s.maybe(s.tensor(tail)), s.maybe(s.tensor(tail)), 1e-5]


@sample("aten::rms_norm")
def _(s):
    floating(s, [torch.float32, torch.float64])
    s.special = False
    tail = [s.integer(2, 9)]
    return [s.tensor([*s.sizes(0, 2), *tail]), tail, s.maybe(s.tensor(tail)), s.maybe(1e-5)]


@sample("aten::batch_norm")
def _(s):
    s.dtype = s.choice([torch.float32, torch.float64])
    s.special = False
    n = s.integer(1, 4)
    vector = lambda: s.tensor([n], plain=True)
    return [s.tensor([s.integer(1, 3), n, *s.sizes(0, 2)], plain=True), s.maybe(vector()), s.maybe(vector()), vector(), vector().abs() + 0.5, False, 0.1, 1e-5, True]


@sample("aten::group_norm")
def _(s):
    s.dtype = s.choice([torch.float32, torch.float64])
    s.special = False
    groups, each = s.integer(1, 3), s.integer(1, 3)
    n = groups * each
    shape = [s.integer(1, 3), n, s.integer(2, 5)]
    return [s.tensor(shape), groups, s.maybe(s.tensor([n], plain=True)), s.maybe(s.tensor([n], plain=True)), 1e-5, True]


@sample("aten::embedding")
def _(s):
    rows = s.integer(1, 6)
    ids = indices(s, s.sizes(0, 3), rows, dtype=s.choice([torch.int64, torch.int64, torch.int32, torch.int16]))
    return [s.tensor([rows, s.integer(0, 5)]), ids, s.choice([-1, 0]), False, False]


@sample("aten::one_hot")
def _(s):
    return [indices(s, s.sizes(0, 2), 4, wrong=0), s.choice([-1, 4, 5, 2, 0])]


@sample("aten::scaled_dot_product_attention")
def _(s):
    floating(s)
    s.special = False
    batch = s.choice([[], [2], [2, 3], [1, 2]])
    queries, keys, width, out = s.integer(1, 5), s.integer(1, 6), s.integer(1, 8), s.integer(1, 6)
    mask_shape = s.choice([[queries, keys], [*batch, queries, keys], [1, keys], [*[1] * len(batch), 1, keys]])
    mask = s.choice([None, s.tensor(mask_shape, torch.bool), s.tensor(mask_shape, s.dtype)])
    if mask is not None and mask.dtype == s.dtype and s.coin(0.4):
        mask = torch.where(mask > 0, 0.0, -math.inf).to(mask.dtype)
    causal = mask is None and s.coin(0.4)
    if s.coin(0.5):
        out = width
    return [s.tensor([*batch, queries, width]), s.tensor([*batch, keys, width]), s.tensor([*batch, keys, out]), mask, 0.0, causal, s.maybe(0.3, 0.3), False]


@sample("aten::softmax.int", "aten::log_softmax.int", "aten::special_softmax", "aten::special_log_softmax")
def _(s):
    floating(s)
    shape = s.sizes()
    return [s.tensor(shape), s.dim(len(shape)), s.maybe(s.choice(FLOATS), 0.3)]


@sample("aten::_softmax", "aten::_log_softmax")
def _(s):
    floating(s)
    shape = s.sizes()
    return [s.tensor(shape), s.dim(len(shape)), False]


@sample("aten::gelu", "aten::gelu_")
def _(s):
    floating(s)
    s.special = False
    return [s.tensor(), s.choice(["none", "tanh", "tanh", "nope"])]


@sample("aten::dropout", "aten::dropout_", "aten::alpha_dropout", "aten::feature_dropout")
def _(s):
    floating(s)
    return [s.tensor(), s.choice([0.1, 0.5, 0.0, 1.5]), False]


@sample("aten::elu", "aten::elu_")
def _(s):
    floating(s)
    return [s.tensor(), s.choice([1, 0.5]), s.choice([1, 2.0]), s.choice([1, 0.5])]


@sample("aten::celu")
def _(s):
    floating(s)
    return [s.tensor(), s.choice([1.0, 0.5, 2])]


@sample("aten::leaky_relu", "aten::leaky_relu_", "aten::softshrink", "aten::hardshrink")
def _(s):
    floating(s)
    return [s.tensor(), s.choice([0.01, 0.2, 0.5])]


@sample("aten::softplus")
def _(s):
    floating(s)
    return [s.tensor(), s.choice([1, 2.0]), s.choice([20, 1.0])]


@sample("aten::hardtanh", "aten::hardtanh_")
def _(s):
    return [s.tensor(), -1, s.choice([1, 2])]


@sample("aten::glu")
def _(s):
    floating(s)
    shape = s.sizes(1, 3)
    d = s.integer(0, len(shape) - 1)
    shape[d] *= 2
    return [s.tensor(shape), d]


@sample("aten::prelu")
def _(s):
    floating(s)
    shape = s.sizes(1, 3)
    channels = shape[1] if len(shape) > 1 else 1
    return [s.tensor(shape), s.tensor([channels if s.coin() else 1], plain=True)]


@sample("aten::logit")
def _(s):
    floating(s)
    return [s.tensor(), s.choice([None, 1e-6, 0.1])]


@sample("aten::round.decimals", "aten::round_.decimals")
def _(s):
    s.dtype = s.choice([torch.float32, torch.float64])
    s.special = False
    return [s.tensor(), s.integer(-1, 3)]


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


def mask_for(s, shape):
    return s.tensor(s.broadcastable(shape), torch.bool)


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


# --- conversions


@sample("aten::to.device")
def _(s):
    return [s.tensor(), torch.device("cpu"), s.choice(ALL), False, s.coin(0.2), s.maybe(s.choice([torch.contiguous_format, torch.preserve_format]))]


@sample("aten::to.dtype")
def _(s):
    return [s.tensor(), s.choice(ALL), False, s.coin(0.2), s.maybe(s.choice([torch.contiguous_format, torch.preserve_format]))]


@sample("aten::to.other")
def _(s):
    return [s.tensor(), s.tensor(dtype=s.choice(ALL)), False, s.coin(0.2), None]


@sample("aten::to.dtype_layout", "aten::_to_copy")
def _(s):
    copy = [s.coin(0.2)] if "dtype_layout" in s.overload else []
    return [s.tensor(), *options(s), False, *copy, None]


@sample("aten::to.prim_Device")
def _(s):
    return [s.tensor(), torch.device("cpu"), s.maybe(s.choice([0, 6, 4, 11])), False, s.coin(0.2)]


@sample("aten::to.prim_dtype")
def _(s):
    return [s.tensor(), s.choice([0, 6, 4, 11]), False, s.coin(0.2)]


@sample("aten::contiguous")
def _(s):
    shape = s.sizes(4, 4) if s.coin(0.3) else s.sizes()
    return [s.tensor(shape), torch.channels_last if len(shape) == 4 and s.coin(0.4) else torch.contiguous_format]


@sample("aten::clone")
def _(s):
    shape = s.sizes(4, 4) if s.coin(0.3) else s.sizes()
    formats = [None, torch.contiguous_format, torch.preserve_format] + ([torch.channels_last] if len(shape) == 4 else [])
    return [s.tensor(shape), s.choice(formats)]


@sample("aten::is_contiguous.memory_format")
def _(s):
    return [s.tensor(), s.choice([torch.contiguous_format, torch.channels_last])]


@sample("aten::copy_")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape), s.other_dtype()), False]


@sample("aten::copy_.Tensor")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape), s.other_dtype())]


@sample("aten::copy")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape), s.other_dtype()), False]


@sample("aten::item", "aten::Int.Tensor", "aten::Float.Tensor", "aten::Bool.Tensor", "aten::is_nonzero", "aten::IntImplicit",
        "aten::FloatImplicit", "aten::ScalarImplicit")  # fmt: skip
def _(s):
    s.special = False
    return [s.tensor(s.choice([[], [], [], [1], [2]]))]


@sample("aten::view.dtype")
def _(s):
    s.dtype = s.choice([torch.int32, torch.float32])
    return [s.tensor(), s.choice([torch.int32, torch.float32])]


@sample("aten::fill_.Tensor", "aten::fill.Tensor")
def _(s):
    return [s.tensor(), s.tensor([] if s.coin(0.95) else [2], plain=True)]


# --- element-wise with special domains


@sample("aten::pow.Tensor_Tensor", "aten::pow_.Tensor")
def _(s):
    s.special = False
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape), s.other_dtype())]


@sample("aten::bitwise_left_shift.Tensor", "aten::bitwise_right_shift.Tensor", "aten::__lshift__.Tensor", "aten::__rshift__.Tensor",
        "aten::bitwise_left_shift_.Tensor", "aten::bitwise_right_shift_.Tensor")  # fmt: skip
def _(s):
    s.dtype = s.choice(INTS)
    shape = s.sizes()
    return [s.tensor(shape), indices(s, shape, 6, dtype=s.dtype, wrong=0)]


@sample("aten::bitwise_left_shift.Tensor_Scalar", "aten::bitwise_right_shift.Tensor_Scalar", "aten::__lshift__.Scalar", "aten::__rshift__.Scalar",
        "aten::bitwise_left_shift_.Tensor_Scalar", "aten::bitwise_right_shift_.Tensor_Scalar")  # fmt: skip
def _(s):
    s.dtype = s.choice(INTS)
    return [s.tensor(), s.integer(0, 5)]


@sample("aten::bitwise_left_shift.Scalar_Tensor", "aten::bitwise_right_shift.Scalar_Tensor")
def _(s):
    s.dtype = s.choice(INTS)
    return [s.integer(0, 5), indices(s, s.sizes(), 6, dtype=s.dtype, wrong=0)]


@sample("aten::div.Tensor_mode", "aten::div_.Tensor_mode", "aten::divide.Tensor_mode")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape), s.other_dtype()), s.choice([None, "trunc", "floor", "up"])]


@sample("aten::div.Scalar_mode", "aten::div_.Scalar_mode", "aten::divide.Scalar_mode")
def _(s):
    return [s.tensor(), s.number() or 1, s.choice([None, "trunc", "floor"])]


@sample("aten::addcdiv", "aten::addcdiv_", "aten::addcmul", "aten::addcmul_")
def _(s):
    s.special = False
    shape = s.sizes()
    value = s.integer(1, 3) if s.dtype in INTS else s.choice([1, 0.5, 2])
    return [s.tensor(shape), s.tensor(s.broadcastable(shape)), s.tensor(s.broadcastable(shape)), value]


@sample("aten::lerp.Scalar", "aten::lerp_.Scalar")
def _(s):
    floating(s)
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape)), s.choice([0.25, 0.75, 2.0, 1])]


@sample("aten::lerp.Tensor", "aten::lerp_.Tensor")
def _(s):
    floating(s)
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape)), s.tensor(s.broadcastable(shape))]


@sample("aten::isclose", "aten::allclose")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape)), s.choice([1e-5, 0.5]), s.choice([1e-8, 0.5]), s.coin()]


@sample("aten::equal")
def _(s):
    a = s.tensor()
    return [a, s.choice([a, a.clone(), s.tensor()])]


@sample("aten::isin.Tensor_Tensor")
def _(s):
    return [s.tensor(), s.tensor(s.sizes(0, 2), plain=True), False, s.coin()]


@sample("aten::isin.Tensor_Scalar")
def _(s):
    return [s.tensor(), s.number(), False, s.coin()]


@sample("aten::isin.Scalar_Tensor")
def _(s):
    return [s.number(), s.tensor(plain=True), False, s.coin()]


@sample("aten::lgamma", "aten::lgamma_", "aten::digamma", "aten::digamma_", "aten::tan", "aten::tan_", "aten::exp", "aten::exp_",
        "aten::exp2", "aten::exp2_", "aten::expm1", "aten::expm1_", "aten::sinh", "aten::sinh_", "aten::cosh", "aten::cosh_",
        "aten::erfinv", "aten::erfinv_", "aten::sin", "aten::sin_", "aten::cos", "aten::cos_")  # fmt: skip
def _(s):
    s.special = False
    return [s.tensor()]


@sample("aten::promote_types", "aten::can_cast")
def _(s):
    return [s.choice(ALL), s.choice(ALL)]


@sample("aten::to.prim_other")
def _(s):
    return [s.tensor(), False, False]


@sample("aten::bitwise_and.Scalar", "aten::bitwise_or.Scalar", "aten::bitwise_xor.Scalar", "aten::__and__.Scalar", "aten::__or__.Scalar",
        "aten::__xor__.Scalar", "aten::bitwise_and_.Scalar", "aten::bitwise_or_.Scalar", "aten::bitwise_xor_.Scalar",
        "aten::__iand__.Scalar", "aten::__ior__.Scalar", "aten::__ixor__.Scalar")  # fmt: skip
def _(s):
    s.dtype = s.choice([torch.bool, *INTS, torch.float32])
    return [s.tensor(), s.choice([1, 3, 0, True, 2.5])]


@sample("aten::gcd")
def _(s):
    s.special = False
    s.dtype = s.choice(INTS)
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape))]

"""Arguments of products and layers."""

from __future__ import annotations

import math

import torch

from .samples import FLOATS, INTS
from .specific import floating, indices, real, sample

# --- products


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

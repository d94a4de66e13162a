"""Arguments of norms, decompositions, distances, losses and random operators."""

from __future__ import annotations

import torch

from .specific import floating, indices, sample
from .specific_reductions import dims_or_none

INF = float("inf")


def wide(s):
    s.dtype = s.choice([torch.float32, torch.float64])
    s.special = False


@sample("aten::linalg_vector_norm")
def _(s):
    floating(s)
    s.special = False
    shape = s.sizes()
    return [s.tensor(shape), s.choice([2, 1, 0, 3.5, INF, -INF, -1]), dims_or_none(s, len(shape)), s.coin(), s.maybe(torch.float64, 0.2)]


@sample("aten::norm.Scalar")
def _(s):
    floating(s)
    s.special = False
    return [s.tensor(), s.choice([2, 1, 0, 3, INF, -INF])]


@sample("aten::norm.ScalarOpt_dim")
def _(s):
    floating(s)
    s.special = False
    shape = s.sizes()
    return [s.tensor(shape), s.choice([2, 1, None, INF]), s.dims(len(shape)), s.coin()]


@sample("aten::norm.ScalarOpt_dim_dtype")
def _(s):
    wide(s)
    shape = s.sizes()
    return [s.tensor(shape), s.choice([2, 1, None]), s.dims(len(shape)), s.coin(), torch.float64]


@sample("aten::norm.ScalarOpt_dtype")
def _(s):
    wide(s)
    return [s.tensor(), s.choice([2, 1, None]), torch.float64]


@sample("aten::frobenius_norm.dim")
def _(s):
    wide(s)
    shape = s.sizes()
    return [s.tensor(shape), s.dims(len(shape), s.integer(0, 2)), s.coin()]


def matrix(s, low: int = 2) -> list[int]:
    return [*s.sizes(0, 1, 2), s.integer(1, 4), s.integer(1, 4)]


@sample("aten::linalg_norm")
def _(s):
    wide(s)
    shape = s.choice([matrix(s), [s.integer(1, 5)], s.sizes(0, 3)])
    order = s.choice([None, 1, 2, INF, -1, -2, 3])
    return [s.tensor(shape), order, s.choice([None, [-1], [-2, -1]]), s.coin(), None]


@sample("aten::linalg_norm.ord_str")
def _(s):
    wide(s)
    return [s.tensor(matrix(s)), s.choice(["fro", "nuc"]), s.choice([None, [-2, -1]]), s.coin(), None]


@sample("aten::linalg_matrix_norm")
def _(s):
    wide(s)
    return [s.tensor(matrix(s)), s.choice([1, -1, 2, -2, INF, -INF, 3]), s.choice([[-2, -1], [-1, -2]]), s.coin(), None]


@sample("aten::linalg_matrix_norm.str_ord")
def _(s):
    wide(s)
    return [s.tensor(matrix(s)), s.choice(["fro", "nuc", "bad"]), [-2, -1], s.coin(), None]


@sample("aten::nuclear_norm", "aten::nuclear_norm.dim")
def _(s):
    wide(s)
    return [s.tensor([s.integer(1, 4), s.integer(1, 4)]), *([[-2, -1]] if s.overload else []), s.coin()]


def square(s, batch: bool = True):
    n = s.integer(1, 4)
    lead = s.sizes(0, 1, 3) if batch else []
    x = s.tensor([*lead, n, n], plain=True)
    return x + 3 * torch.eye(n, dtype=x.dtype), lead, n


@sample("aten::linalg_solve")
def _(s):
    wide(s)
    a, lead, n = square(s)
    left = s.coin(0.7)
    k = s.integer(1, 3)
    b = s.choice([[n], [*lead, n], [*lead, n, k] if left else [*lead, k, n], [n, k] if left else [k, n]])
    return [a, s.tensor(b), left]


@sample("aten::linalg_inv", "aten::inverse", "aten::linalg_det", "aten::det", "aten::linalg_slogdet", "aten::slogdet", "aten::logdet")
def _(s):
    wide(s)
    return [square(s)[0]]


@sample("aten::linalg_matrix_power", "aten::matrix_power")
def _(s):
    wide(s)
    return [square(s)[0], s.integer(0, 3)]


@sample("aten::linalg_cholesky", "aten::cholesky")
def _(s):
    wide(s)
    a, _, n = square(s)
    return [a @ a.mT + torch.eye(n, dtype=a.dtype) if s.coin(0.9) else a, s.coin()]


@sample("aten::linalg_qr")
def _(s):
    wide(s)
    return [s.tensor(matrix(s)), s.choice(["reduced", "complete", "r"])]


@sample("aten::qr")
def _(s):
    wide(s)
    return [s.tensor(matrix(s)), s.coin()]


@sample("aten::linalg_svdvals")
def _(s):
    wide(s)
    return [s.tensor(matrix(s)), None]


@sample("aten::cdist")
def _(s):
    wide(s)
    k = s.integer(1, 4)
    batch = s.sizes(0, 1, 2)
    return [s.tensor([*batch, s.integer(0, 4), k]), s.tensor([*batch, s.integer(0, 4), k]), s.choice([2.0, 1.0, 0.0, INF, 3.0]), 2]


@sample("aten::cosine_similarity")
def _(s):
    wide(s)
    shape = [max(n, 1) for n in s.sizes(1, 3)]
    return [s.tensor(shape), s.tensor([1 if s.coin(0.1) else n for n in shape]), s.integer(0, len(shape) - 1), 1e-8]


@sample("aten::pairwise_distance")
def _(s):
    wide(s)
    shape = s.sizes(1, 2)
    return [s.tensor(shape), s.tensor(shape), s.choice([2.0, 1.0]), 1e-6, s.coin()]


@sample("aten::dist")
def _(s):
    wide(s)
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape)), s.choice([2, 1, 0, INF, 3])]


@sample("aten::nll_loss", "aten::nll_loss_nd", "aten::cross_entropy_loss")
def _(s):
    wide(s)
    classes = s.integer(1, 5)
    batch, rest = s.integer(1, 4), ([] if s.name == "aten::nll_loss" else s.sizes(0, 1))
    target = indices(s, [batch, *rest], classes, wrong=0.05)
    if target.numel() and s.coin(0.3):
        target.view(-1)[0] = -100
    tail = [0.0] if "entropy" in s.name else []
    return [s.tensor([batch, classes, *rest]), target, s.maybe(s.tensor([classes], plain=True).abs() + 0.1), s.integer(0, 2), -100, *tail]


@sample("aten::mse_loss", "aten::l1_loss")
def _(s):
    wide(s)
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(shape), s.integer(0, 2)]


@sample("aten::binary_cross_entropy_with_logits")
def _(s):
    wide(s)
    shape = s.sizes(1)
    return [s.tensor(shape), s.tensor(shape).sigmoid(), s.maybe(s.tensor(shape)), s.maybe(s.tensor(shape[-1:]).abs()), s.integer(0, 2)]

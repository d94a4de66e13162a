"""Arguments of creation."""

from __future__ import annotations

import torch

from .samples import ALL, FLOATS
from .specific import options, sample, small
from .wire import Typed

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

"""Arguments of conversions and element-wise operators with domains of their own."""

from __future__ import annotations

import torch

from .samples import ALL, INTS
from .specific import floating, indices, options, sample

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


@sample("aten::div.out")
def _(s):
    # A result of another shape would be resized, which is not supported.
    floating(s)
    a = s.tensor()
    return [a, torch.ones_like(a) * 3, torch.zeros(a.shape, dtype=torch.float64)]


@sample("aten::div.Tensor_mode", "aten::div_.Tensor_mode", "aten::divide.Tensor_mode", "aten::divide_.Tensor_mode")
def _(s):
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape), s.other_dtype()), s.choice([None, "trunc", "floor", "up"])]


@sample("aten::div.Scalar_mode", "aten::div_.Scalar_mode", "aten::divide.Scalar_mode", "aten::divide_.Scalar_mode")
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


@sample("aten::float_power.Tensor_Scalar", "aten::float_power.Tensor_Tensor", "aten::float_power.Scalar")
def _(s):
    s.special = False
    number = s.choice([2, 0.5, -1.0])
    if s.overload == "Tensor_Tensor":
        shape = s.sizes()
        return [s.tensor(shape), s.tensor(s.broadcastable(shape))]
    return [s.tensor(), number] if s.overload == "Tensor_Scalar" else [number, s.tensor()]


@sample("aten::kron")
def _(s):
    return [s.tensor(s.sizes(0, 2)), s.tensor(s.sizes(0, 2))]


@sample("aten::heaviside")
def _(s):
    s.special = False
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(s.broadcastable(shape))]

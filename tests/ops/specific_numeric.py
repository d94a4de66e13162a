"""Arguments of decompositions, statistics, rearranging operators and random draws."""

from __future__ import annotations

import torch

from .samples import FLOATS, INTS
from .specific import floating, options, sample
from .specific_layers import wide


def regular(s, n: int, batch=()):
    """A matrix far from singular."""
    a = s.tensor([*batch, n, n], plain=True)
    return a + 6 * torch.eye(n, dtype=a.dtype)


def square(s):
    wide(s)
    return s.integer(1, 4), s.choice([(), (2,)])


@sample("aten::linalg_eigvalsh")
def _(s):
    n, batch = square(s)
    return [s.tensor([*batch, n, n]), s.choice(["L", "U"])]


@sample("aten::linalg_inv_ex", "aten::matrix_exp", "aten::linalg_matrix_exp")
def _(s):
    n, batch = square(s)
    return [regular(s, n, batch) * (0.1 if "exp" in s.name else 1), *([False] if s.name.endswith("_ex") else [])]


@sample("aten::linalg_cholesky_ex", "aten::linalg_solve_ex")
def _(s):
    n, batch = square(s)
    a = regular(s, n, batch)
    if "solve" in s.name:
        return [a, s.tensor([*batch, n, 2]), True, False]
    return [a @ a.mT, s.coin(), False]


@sample("aten::linalg_solve_triangular", "aten::triangular_solve")
def _(s):
    n, batch = square(s)
    a, b = regular(s, n, batch), s.tensor([*batch, n if s.coin(0.95) else n + 1, 2])
    upper, unit = s.coin(), s.coin(0.3)
    if s.name == "aten::triangular_solve":
        return [b, a, upper, s.coin(), unit]
    left = s.coin()
    return [a, b if left else b.mT, upper, left, unit]


@sample("aten::cholesky_solve", "aten::cholesky_inverse")
def _(s):
    n, batch = square(s)
    a = torch.linalg.cholesky(regular(s, n) @ regular(s, n).mT * 0 + torch.eye(n, dtype=s.dtype) * 2)
    upper = s.coin()
    if s.name == "aten::cholesky_inverse":
        return [a, upper]
    return [s.tensor([n, 2]), a, upper]


@sample("aten::linalg_lu", "aten::linalg_lu_factor")
def _(s):
    n, batch = square(s)
    return [regular(s, n, batch), True]


@sample("aten::_lu_with_info")
def _(s):
    n, batch = square(s)
    return [regular(s, n, batch), True, True]


@sample("aten::lu_unpack", "aten::lu_solve", "aten::linalg_lu_solve")
def _(s):
    n, batch = square(s)
    lu, pivots = torch.linalg.lu_factor(regular(s, n, batch).flip(-1))
    b = s.tensor([*batch, n, 2])
    if s.name == "aten::lu_unpack":
        return [lu, pivots, s.coin(0.8), s.coin(0.8)]
    return [b, lu, pivots] if s.name == "aten::lu_solve" else [lu, pivots, b, True, False]


def tall(s):
    wide(s)
    m, n = s.integer(2, 4), s.integer(1, 3)
    return s.tensor([m, n], plain=True) + 5 * torch.eye(m, n, dtype=s.dtype)


@sample("aten::linalg_pinv", "aten::linalg_pinv.rcond_tensor", "aten::pinverse", "aten::linalg_matrix_rank", "aten::linalg_matrix_rank.tol_tensor")
def _(s):
    x = tall(s)
    limit = s.choice([1e-6, 1e-3])
    if s.overload in ("rcond_tensor", "tol_tensor"):
        limit = torch.tensor(limit, dtype=x.dtype)
    return [x, limit, *([] if s.name == "aten::pinverse" else [False])]


@sample("aten::linalg_pinv.atol_rtol_float", "aten::linalg_matrix_rank.atol_rtol_float", "aten::linalg_pinv.atol_rtol_tensor", "aten::linalg_matrix_rank.atol_rtol_tensor")
def _(s):
    x = tall(s)
    pick = lambda: s.choice([None, 1e-6, 1e-3])
    atol, rtol = pick(), pick()
    if s.overload.endswith("tensor"):
        atol, rtol = (None if v is None else torch.tensor(v, dtype=x.dtype) for v in (atol, rtol))
    return [x, atol, rtol, False]


@sample("aten::linalg_cond", "aten::linalg_cond.p_str")
def _(s):
    n, batch = square(s)
    return [regular(s, n, batch), s.choice(["fro", "nuc"]) if s.overload else s.choice([None, 2, -2, 1])]


@sample("aten::linalg_lstsq")
def _(s):
    x = tall(s)
    return [x, s.tensor([x.shape[0], 2]), None, s.choice([None, "gelsd", "gelss", "gels"])]


@sample("aten::linalg_multi_dot", "aten::chain_matmul")
def _(s):
    wide(s)
    sizes = [s.integer(1, 4) for _ in range(s.integer(3, 5))]
    return [[s.tensor([a, b]) for a, b in zip(sizes, sizes[1:])]]


@sample("aten::linalg_cross", "aten::cross")
def _(s):
    s.special = False
    shape = s.sizes(1, 3)
    d = s.integer(0, len(shape) - 1)
    shape[d] = 3 if s.coin(0.95) else 2
    return [s.tensor(shape), s.tensor(shape), d if s.name == "aten::linalg_cross" or s.coin() else None]


@sample("aten::linalg_vecdot")
def _(s):
    wide(s)
    shape = s.sizes(1, 3)
    return [s.tensor(shape), s.tensor(shape), s.integer(-1, len(shape) - 1)]


# --- statistics


@sample("aten::quantile", "aten::quantile.scalar", "aten::nanquantile", "aten::nanquantile.scalar")
def _(s):
    wide(s)
    s.special = "nan" in s.name and s.coin()
    shape = [s.integer(1, 4) for _ in range(s.integer(1, 3))]
    x = s.tensor(shape)
    x = torch.where(x.isinf(), 1.0, x).to(x.dtype)
    q = s.choice([0.0, 0.25, 0.5, 1.0, 1.5]) if s.overload else torch.tensor(s.choice([0.3, [0.1, 0.9], [0.5], [2.0]]), dtype=x.dtype)
    return [x, q, s.maybe(s.integer(-1, len(shape) - 1)), s.coin(), s.choice(["linear", "lower", "higher", "nearest", "midpoint"])]


@sample("aten::nanmean")
def _(s):
    floating(s, [torch.float32, torch.float64])
    shape = s.sizes()
    return [s.tensor(shape), s.maybe(s.dims(len(shape))), s.coin(), None]


@sample("aten::special_logsumexp")
def _(s):
    wide(s)
    shape = s.sizes(1, 3)
    return [s.tensor(shape), s.dims(len(shape), s.integer(1, len(shape))), s.coin()]


@sample("aten::histc")
def _(s):
    wide(s)
    low, high = s.choice([(0, 0), (-2, 2), (-1.0, 3.5), (2, 1)])
    return [s.tensor([max(n, 1) for n in s.sizes(1, 2)]), s.choice([1, 4, 10]), low, high]


@sample("aten::cov", "aten::corrcoef")
def _(s):
    wide(s)
    x = s.tensor([s.integer(1, 3), s.integer(2, 5)] if s.coin(0.8) else [4])
    return [x, s.integer(0, 1), None, None] if s.name == "aten::cov" else [x]


@sample("aten::trapezoid.x", "aten::trapz.x", "aten::cumulative_trapezoid.x")
def _(s):
    wide(s)
    shape = [s.integer(1, 4) for _ in range(s.integer(1, 3))]
    d = s.integer(0, len(shape) - 1)
    return [s.tensor(shape), s.tensor([shape[d] if s.coin(0.95) else shape[d] + 1]) if s.coin() else s.tensor(shape), d]


@sample("aten::trapezoid.dx", "aten::trapz.dx", "aten::cumulative_trapezoid.dx")
def _(s):
    wide(s)
    shape = [s.integer(1, 4) for _ in range(s.integer(1, 3))]
    return [s.tensor(shape), s.choice([1.0, 0.5]), s.integer(-1, len(shape) - 1)]


@sample("aten::renorm")
def _(s):
    wide(s)
    shape = [s.integer(1, 4) for _ in range(s.integer(2, 3))]
    return [s.tensor(shape), s.choice([1, 2, 0.5]), s.integer(-1, len(shape) - 1), s.choice([0.5, 1, 3])]


@sample("aten::pdist")
def _(s):
    wide(s)
    return [s.tensor([s.integer(1, 5), s.integer(1, 4)]), s.choice([2.0, 1.0, 3.0])]


@sample("aten::vander", "aten::linalg_vander")
def _(s):
    s.special = False
    if s.dtype not in (torch.float32, torch.float64, torch.int64, torch.int32):
        s.dtype = torch.float32
    x = s.tensor([s.integer(1, 4)])
    return [x, s.choice([None, 2, 4]), s.coin()] if s.name == "aten::vander" else [x, s.choice([None, 2, 4])]


# --- windows and special functions

WINDOWS = {"": 0, "periodic": 1, "periodic_alpha": 2, "periodic_alpha_beta": 3, "beta": 2}


@sample(*(f"aten::{name}_window{form}" for name in ("bartlett", "blackman", "hamming", "kaiser") for form in ("", ".periodic")),
        "aten::hamming_window.periodic_alpha", "aten::hamming_window.periodic_alpha_beta", "aten::kaiser_window.beta")  # fmt: skip
def _(s):
    given = [s.coin(), s.choice([0.5, 0.6, 4.0]), 0.4][: WINDOWS[s.overload]]
    return [s.choice([0, 1, 2, 5, 8, -1]), *given, *options(s, [torch.float32, torch.float64, torch.int64])]


@sample("aten::mvlgamma", "aten::special_multigammaln")
def _(s):
    wide(s)
    p = s.integer(1, 3)
    return [s.tensor().abs() + p, p]


@sample("aten::special_round")
def _(s):
    wide(s)
    return [s.tensor(), s.integer(-1, 3)]


@sample("aten::special_i0", "aten::i0", "aten::special_ndtr", "aten::sinc", "aten::special_sinc", "aten::special_entr")
def _(s):
    floating(s, [torch.float32, torch.float64])
    s.special = False
    return [s.tensor()]


@sample("aten::ldexp.Tensor", "aten::ldexp_")
def _(s):
    wide(s)
    shape = s.sizes()
    x = s.tensor(shape, plain=True)
    return [x, torch.randint(-3, 4, shape, generator=s.generator)]


@sample("aten::lcm", "aten::lcm_", "aten::gcd_")
def _(s):
    s.dtype, s.special = s.choice(INTS), False
    shape = s.sizes()
    return [s.tensor(shape, plain=True), s.tensor(shape)]


@sample("aten::float_power_.Scalar", "aten::float_power_.Tensor")
def _(s):
    s.dtype, s.special = torch.float64, False
    shape = s.sizes()
    return [s.tensor(shape, plain=True).abs() + 0.5, s.choice([2, 0.5]) if s.overload == "Scalar" else s.tensor(shape)]


@sample("aten::hypot_", "aten::atan2_", "aten::heaviside_", "aten::copysign_.Tensor", "aten::xlogy_.Tensor")
def _(s):
    wide(s)
    shape = s.sizes()
    return [s.tensor(shape, plain=True), s.tensor(shape)]


@sample("aten::nan_to_num_")
def _(s):
    return [s.tensor(plain=True), *(s.choice([None, 0.0, 1.5]) if s.dtype in FLOATS else None for _ in range(3))]


# --- rearranging


@sample("aten::block_diag")
def _(s):
    return [[s.tensor(s.sizes(0, 2)) for _ in range(s.integer(1, 3))]]


@sample("aten::combinations")
def _(s):
    return [s.tensor([s.integer(0, 5)]), s.integer(0, 3), s.coin()]


@sample("aten::hsplit.int", "aten::vsplit.int", "aten::dsplit.int", "aten::hsplit.array", "aten::vsplit.array", "aten::dsplit.array")
def _(s):
    shape = [s.choice([2, 4, 6]) for _ in range(s.integer(3 if "dsplit" in s.name else 2, 3))]
    return [s.tensor(shape), s.choice([1, 2, 2, 3]) if s.overload == "int" else sorted(s.integer(0, 6) for _ in range(s.integer(0, 2)))]


@sample("aten::atleast_3d.Sequence")
def _(s):
    return [[s.tensor(s.sizes(0, 4)) for _ in range(s.integer(1, 3))]]


@sample("aten::fill_diagonal_")
def _(s):
    n = s.integer(1, 4)
    return [s.tensor([n, n, n] if s.coin(0.3) else [s.integer(1, 7), s.integer(1, 4)], plain=True), s.choice([0, 1]), s.coin()]


@sample("aten::select_scatter", "aten::slice_scatter", "aten::diagonal_scatter")
def _(s):
    shape = [s.integer(2, 4), s.integer(2, 4)]
    x, d = s.tensor(shape, plain=True), s.integer(0, 1)
    if s.name == "aten::select_scatter":
        return [x, s.tensor([shape[1 - d]]), d, s.integer(-2, 1)]
    if s.name == "aten::slice_scatter":
        end = s.integer(1, shape[d])
        return [x, s.tensor([end if i == d else n for i, n in enumerate(shape)]), d, 0, end, 1]
    return [x, s.tensor([min(shape) if s.coin(0.9) else 1]), 0, 0, 1]


@sample("aten::put_", "aten::put")
def _(s):
    shape = [max(n, 1) for n in s.sizes(1, 2)]
    count = s.integer(0, 3)
    size = torch.Size(shape).numel()
    at = torch.randperm(size, generator=s.generator)[:count] - (size if s.coin(0.3) else 0)
    return [s.tensor(shape, plain=True), at, s.tensor([len(at)]), s.coin() and s.dtype != torch.bool]


@sample("aten::sum_to_size")
def _(s):
    shape = s.sizes(1, 3)
    wanted = [1 if s.coin(0.4) else n for n in shape]
    return [s.tensor(shape, s.choice([torch.float32, torch.int64])), wanted[s.integer(0, 1) :]]


@sample("aten::narrow_copy")
def _(s):
    shape = [s.integer(1, 4), s.integer(1, 4)]
    d = s.integer(0, 1)
    start = s.integer(0, shape[d])
    return [s.tensor(shape), d, start, s.integer(0, shape[d] - start)]


@sample("aten::expand_copy")
def _(s):
    shape = s.sizes(0, 2)
    return [s.tensor([1 if s.coin(0.4) else n for n in shape]), [s.integer(1, 2), *shape], False]


@sample("aten::unfold_copy")
def _(s):
    n = s.integer(1, 5)
    return [s.tensor([2, n]), 1, s.integer(1, n), s.integer(1, 2)]


@sample("aten::nonzero_static")
def _(s):
    return [s.tensor(), s.integer(0, 5), s.choice([-1, 7])]


@sample("aten::unsafe_chunk", "aten::unsafe_split.Tensor")
def _(s):
    return [s.tensor([s.integer(1, 5), 2]), s.integer(1, 3), 0]


@sample("aten::unsafe_split_with_sizes")
def _(s):
    a, b = s.integer(0, 3), s.integer(0, 3)
    return [s.tensor([a + b, 2]), [a, b], 0]


@sample("aten::fake_quantize_per_tensor_affine", "aten::fake_quantize_per_tensor_affine.tensor_qparams")
def _(s):
    s.dtype, s.special = torch.float32, False
    scale, zero = s.choice([0.1, 0.05]), s.integer(-3, 3)
    parts = [torch.tensor(scale), torch.tensor(zero, dtype=torch.int32), 0 - 128, 127]
    return [s.tensor(), *(parts if s.overload else [scale, zero, -128, 127])]


@sample("aten::fake_quantize_per_channel_affine")
def _(s):
    s.dtype, s.special = torch.float32, False
    n = s.integer(1, 4)
    return [s.tensor([n, 3]), torch.rand(n, generator=s.generator) * 0.1 + 0.05, torch.randint(-3, 3, [n], generator=s.generator).int(), 0, -128, 127]


@sample("aten::tensordot.out")
def _(s):
    wide(s)
    a, b, k = s.integer(1, 3), s.integer(1, 3), s.integer(1, 3)
    return [s.tensor([a, k]), s.tensor([k, b]), [1], [0], s.tensor([a, b], plain=True)]


@sample("aten::norm.out", "aten::norm.dtype_out", "aten::frobenius_norm.out", "aten::nuclear_norm.out", "aten::nuclear_norm.dim_out")
def _(s):
    wide(s)
    shape = [s.integer(1, 3), s.integer(1, 3)]
    whole = s.name == "aten::nuclear_norm"
    out = s.tensor([] if whole else [shape[0]], plain=True)
    dtype = [s.dtype] if s.overload == "dtype_out" else []
    power = [s.choice([2, 1])] if s.name == "aten::norm" else []
    dims = {"out": [] if whole else [[1]], "dim_out": [[0, 1]], "dtype_out": [[1]]}[s.overload]
    return [s.tensor(shape), *power, *dims, False, *dtype, out]


@sample("aten::view_as_complex")
def _(s):
    wide(s)
    return [s.tensor([*s.sizes(0, 2), 2 if s.coin(0.95) else 3], plain=True)]


@sample("aten::view_as_real", "aten::imag")
def _(s):
    wide(s)
    return [torch.view_as_complex(s.tensor([*s.sizes(0, 3), 2], plain=True))]


@sample("aten::real", "aten::abs", "aten::angle")
def _(s):
    if s.coin(0.7):
        return [s.tensor()]
    wide(s)
    return [torch.view_as_complex(s.tensor([*s.sizes(0, 3), 2], plain=True))]


@sample("aten::complex", "aten::polar")
def _(s):
    wide(s)
    shape = s.sizes()
    return [s.tensor(shape), s.tensor(shape)]


@sample("aten::fft_fft", "aten::fft_ifft", "aten::fft_rfft", "aten::fft_irfft")
def _(s):
    wide(s)
    shape = [s.integer(2, 12) for _ in range(s.integer(1, 3))]
    x = torch.view_as_complex(s.tensor([*shape, 2], plain=True)) if s.name != "aten::fft_rfft" and s.coin() else s.tensor(shape)
    return [x, s.maybe(s.integer(0, 14)), s.integer(-1, len(shape) - 1), s.choice([None, "ortho", "forward", "backward", "other"])]


def stretches(s):
    wide(s)
    size = s.choice([4, 6, 8, 9])
    width = s.choice([size, size - 1])
    window = s.choice([None, torch.hann_window(width, dtype=s.dtype), torch.rand(width, generator=s.generator).to(s.dtype) + 0.5])
    return size, s.integer(1, size // 2), width, window


@sample("aten::stft", "aten::stft.center")
def _(s):
    size, hop, width, window = stretches(s)
    x = s.tensor([*([2] if s.coin() else []), s.integer(10, 30)])
    center = [s.coin(), s.choice(["reflect", "constant"])] if s.overload == "center" else []
    return [x, size, s.choice([None, hop]), width, window, *center, s.coin(), s.choice([None, True, False]), s.choice([True, False, None]), None]


@sample("aten::istft")
def _(s):
    size, hop, width, _ = stretches(s)
    window = torch.hann_window(width, dtype=s.dtype) + 0.1
    one_sided = s.coin()
    x = torch.view_as_complex(s.tensor([*([2] if s.coin() else []), size // 2 + 1 if one_sided else size, s.integer(2, 6), 2], plain=True))
    return [x, size, hop, width, window, s.coin(), s.coin(), one_sided, s.choice([None, 7, 40]), False]


@sample("aten::to_dense")
def _(s):
    return [s.tensor(), None, None]

// Eigenvalues of symmetric matrices, and what follows from singular values and triangular systems.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/composite.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

void expect_square(const Tensor& a, std::string_view op) {
  if (a.dim() < 2) throw RuntimeError(cat(op, ": The input tensor A must have at least 2 dimensions."));
  if (a.size(-1) != a.size(-2)) {
    throw RuntimeError(cat(op, ": A must be batches of square matrices, but they are ", a.size(-2), " by ",
                           a.size(-1), " matrices"));
  }
}

void expect_floating(const Tensor& a, std::string_view op) {
  if (a.dtype() == kFloat || a.dtype() == kDouble) return;
  throw RuntimeError(cat(op, ": ",
                         a.is_floating_point() ? "Low precision dtypes not supported. Got "
                                               : "Expected a floating point or complex tensor as input. Got ",
                         dtype_cpp_name(a.dtype())));
}

Tensor double_copy(const Tensor& t) {
  const Tensor out = empty(t.sizes(), kDouble);
  out.copy_(t);
  return out;
}

/// An n x n matrix of doubles in a batch.
struct Square {
  double* p;
  int64_t n;
  double& at(int64_t i, int64_t j) const { return p[i * n + j]; }
};

/// Zeroes a(p, q) by a rotation of rows and columns p and q, and rotates the columns of v.
void rotate(const Square& a, const Square& v, int64_t p, int64_t q) {
  const double theta = (a.at(q, q) - a.at(p, p)) / (2 * a.at(p, q));
  const double t = std::copysign(1.0, theta) / (std::fabs(theta) + std::hypot(1.0, theta));
  const double cosine = 1 / std::hypot(1.0, t);
  const double sine = t * cosine;
  for (int64_t k = 0; k < a.n; ++k) {
    const double x = a.at(k, p);
    const double y = a.at(k, q);
    a.at(k, p) = cosine * x - sine * y;
    a.at(k, q) = sine * x + cosine * y;
  }
  for (int64_t k = 0; k < a.n; ++k) {
    const double x = a.at(p, k);
    const double y = a.at(q, k);
    a.at(p, k) = cosine * x - sine * y;
    a.at(q, k) = sine * x + cosine * y;
  }
  for (int64_t k = 0; k < a.n; ++k) {
    const double x = v.at(k, p);
    const double y = v.at(k, q);
    v.at(k, p) = cosine * x - sine * y;
    v.at(k, q) = sine * x + cosine * y;
  }
}

/// Jacobi's method: the diagonal of `a` becomes the eigenvalues, the columns of `v` their vectors.
void diagonalise(const Square& a, const Square& v) {
  double norm = 0;
  for (int64_t i = 0; i < a.n * a.n; ++i) norm = std::hypot(norm, a.p[i]);
  for (int64_t i = 0; i < a.n; ++i) {
    for (int64_t j = 0; j < a.n; ++j) v.at(i, j) = i == j ? 1 : 0;
  }
  for (int sweep = 0; sweep < 60; ++sweep) {
    bool rotated = false;
    for (int64_t p = 0; p < a.n; ++p) {
      for (int64_t q = p + 1; q < a.n; ++q) {
        if (!(std::fabs(a.at(p, q)) > norm * 1e-17)) continue;
        rotate(a, v, p, q);
        rotated = true;
      }
    }
    if (!rotated) return;
  }
}

struct Eigen {
  Tensor values;   ///< rising, doubles [..., n]
  Tensor vectors;  ///< in columns, doubles [..., n, n]
};

/// Of the lower or upper triangle, mirrored.
Eigen symmetric_eigen(const Tensor& given, const std::string& uplo, std::string_view op) {
  expect_square(given, op);
  expect_floating(given, op);
  if (uplo != "L" && uplo != "U" && uplo != "l" && uplo != "u") {
    throw RuntimeError(cat("Expected UPLO argument to be 'L' or 'U', but got ", uplo));
  }
  const bool lower = uplo == "L" || uplo == "l";
  const Tensor work = double_copy(given);
  const int64_t n = given.size(-1);
  Dims sizes(given.sizes().begin(), given.sizes().end() - 1);
  const Eigen e{.values = empty(sizes, kDouble), .vectors = empty(given.sizes(), kDouble)};
  const Tensor v = empty({n, n}, kDouble);
  const int64_t count = n == 0 ? 0 : given.numel() / (n * n);
  for (int64_t b = 0; b < count; ++b) {
    const Square a{.p = elements<double>(work) + b * n * n, .n = n};
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < i; ++j) (lower ? a.at(j, i) : a.at(i, j)) = lower ? a.at(i, j) : a.at(j, i);
    }
    const Square vectors{.p = elements<double>(v), .n = n};
    diagonalise(a, vectors);
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&](int64_t i, int64_t j) { return a.at(i, i) < a.at(j, j); });
    for (int64_t j = 0; j < n; ++j) {
      elements<double>(e.values)[b * n + j] = a.at(order[j], order[j]);
      for (int64_t i = 0; i < n; ++i)
        elements<double>(e.vectors)[(b * n + i) * n + j] = vectors.at(i, order[j]);
    }
  }
  return e;
}

void linalg_eigh(OpCall& c) {
  const Eigen e = symmetric_eigen(c.tensor(0), c[1].toStringRef(), "linalg.eigh");
  c.ret(e.values.to(c.tensor(0).dtype()), 0);
  c.ret(e.vectors.to(c.tensor(0).dtype()), 1);
}
void linalg_eigvalsh(OpCall& c) {
  c.ret(symmetric_eigen(c.tensor(0), c[1].toStringRef(), "linalg.eigh").values.to(c.tensor(0).dtype()));
}

// --- from singular values

/// What counts as zero: max(atol, rtol * largest), one for each matrix.
struct Cutoffs {
  IValue atol, rtol;  ///< None, a number or a tensor
};

double default_rtol(const Tensor& a) {
  const double eps =
      a.dtype() == kDouble ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  return eps * static_cast<double>(std::max(a.size(-1), a.size(-2)));
}

Tensor number_or_tensor(const IValue& value, ScalarType dtype) {
  if (value.isTensor()) return value.toTensor().to(dtype);
  return full({}, value.toScalar(), dtype);
}

/// [..., 1]
Tensor cutoff(const Tensor& a, const Tensor& s, const Cutoffs& given) {
  const bool positive_atol =
      !given.atol.isNone() && (given.atol.isTensor() || given.atol.toScalar().to_double() > 0);
  const double fallback = positive_atol && !given.atol.isTensor() ? 0 : default_rtol(a);
  const Tensor rtol =
      given.rtol.isNone() ? full({}, Scalar(fallback), a.dtype()) : number_or_tensor(given.rtol, a.dtype());
  const Tensor atol = given.atol.isNone() ? zeros({}, a.dtype()) : number_or_tensor(given.atol, a.dtype());
  const Tensor largest = invoke("aten::amax", {s, Dims{-1}, true});
  return maximum(atol.dim() == 0 ? atol : atol.unsqueeze(-1),
                 mul(rtol.dim() == 0 ? rtol : rtol.unsqueeze(-1), largest));
}

/// A = U diag(s) Vh; of a symmetric matrix by its eigenvalues, s with their signs.
struct SvdParts {
  Tensor u, s, vh;
};
SvdParts parts_of(const Tensor& a, bool hermitian) {
  if (hermitian) {
    const Eigen e = symmetric_eigen(a, "L", "linalg.eigh");
    const Tensor v = e.vectors.to(a.dtype());
    return {.u = v, .s = e.values.to(a.dtype()), .vh = v.transpose(-2, -1)};
  }
  const std::vector<IValue> r = invoke_all("aten::linalg_svd", {a, false});
  return {.u = r[0].toTensor(), .s = r[1].toTensor(), .vh = r[2].toTensor()};
}

Tensor pseudo_inverse(const Tensor& a, const Cutoffs& given, bool hermitian) {
  if (a.dim() < 2) throw RuntimeError("linalg.pinv: The input tensor A must have at least 2 dimensions.");
  expect_floating(a, "linalg.pinv");
  if (a.numel() == 0) {
    Dims sizes = to_dims(a.sizes());
    std::swap(sizes[sizes.size() - 1], sizes[sizes.size() - 2]);
    return zeros(sizes, a.dtype());
  }
  const SvdParts p = parts_of(a, hermitian);
  const Tensor size = invoke("aten::abs", {p.s});
  const Tensor keep = invoke("aten::gt.Tensor", {size, cutoff(a, size, given)});
  const Tensor inverse =
      invoke("aten::where.self", {keep, invoke("aten::reciprocal", {p.s}), zeros({}, a.dtype())});
  return invoke("aten::matmul", {mul(p.vh.transpose(-2, -1), inverse.unsqueeze(-2)), p.u.transpose(-2, -1)});
}

void pinv_rcond(OpCall& c) {
  const bool hermitian = c.size() > 2 && c.boolean(2);
  c.ret(pseudo_inverse(c.tensor(0), {.atol = 0.0, .rtol = c[1]}, hermitian));
}
void pinv_tolerances(OpCall& c) {
  c.ret(pseudo_inverse(c.tensor(0), {.atol = c[1], .rtol = c[2]}, c.boolean(3)));
}

Tensor rank_of(const Tensor& a, const Cutoffs& given, bool hermitian) {
  if (a.dim() < 2)
    throw RuntimeError("linalg.matrix_rank: The input tensor A must have at least 2 dimensions.");
  expect_floating(a, "linalg.matrix_rank");
  if (a.numel() == 0) return zeros(Dims(a.sizes().begin(), a.sizes().end() - 2), kLong);
  const Tensor s =
      invoke("aten::abs", {hermitian ? symmetric_eigen(a, "L", "linalg.eigh").values.to(a.dtype())
                                     : invoke("aten::linalg_svdvals", {a})});
  const Tensor keep = invoke("aten::gt.Tensor", {s, cutoff(a, s, given)});
  return invoke("aten::sum.dim_IntList", {keep, Dims{-1}});
}
void matrix_rank_tol(OpCall& c) { c.ret(rank_of(c.tensor(0), {.atol = c[1], .rtol = 0.0}, c.boolean(2))); }
void matrix_rank_tolerances(OpCall& c) {
  c.ret(rank_of(c.tensor(0), {.atol = c[1], .rtol = c[2]}, c.boolean(3)));
}

/// The ratio of the norms of a matrix and its inverse.
void cond(OpCall& c) {
  const Tensor a = c.tensor(0);
  if (a.dim() < 2) throw RuntimeError("linalg.cond: The input tensor A must have at least 2 dimensions.");
  const bool spectral = c[1].isNone() || (c[1].isScalar() && std::fabs(c[1].toScalar().to_double()) == 2);
  if (spectral) {
    const Tensor s = invoke("aten::linalg_svdvals", {a});
    const bool smallest = !c[1].isNone() && c[1].toScalar().to_double() < 0;
    const Tensor first = s.select(-1, 0);
    const Tensor last = s.select(-1, -1);
    return c.ret(smallest ? div(last, first) : div(first, last));
  }
  expect_square(a, "linalg.cond");
  const std::string_view norm =
      c[1].isString() ? "aten::linalg_matrix_norm.str_ord" : "aten::linalg_matrix_norm";
  const Tensor inverse = invoke("aten::linalg_inv", {a});
  c.ret(mul(invoke(norm, {a, c[1]}), invoke(norm, {inverse, c[1]})));
}

/// Least squares by the pseudo-inverse: solution, residuals, rank, singular values.
void lstsq(OpCall& c) {
  const Tensor a = c.tensor(0);
  const Tensor b = c.tensor(1);
  if (a.dim() < 2) throw RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.");
  if (b.dim() < 1) throw RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.");
  if (a.dtype() != b.dtype()) {
    throw RuntimeError(
        cat("torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's dtype ",
            dtype_cpp_name(a.dtype()), " and other's dtype ", dtype_cpp_name(b.dtype())));
  }
  const bool vector = b.dim() + 1 == a.dim();
  const Tensor right = vector ? b.unsqueeze(-1) : b;
  if (right.size(-2) != a.size(-2))
    throw RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)");
  const std::string driver = c[3].isNone() ? "gelsy" : c[3].toStringRef();
  const IValue rtol = c[2].isNone() ? IValue(default_rtol(a)) : c[2];
  const Tensor x = invoke("aten::matmul", {pseudo_inverse(a, {.atol = 0.0, .rtol = rtol}, false), right});
  const Tensor s = invoke("aten::linalg_svdvals", {a});
  const Tensor rank =
      invoke("aten::sum.dim_IntList",
             {invoke("aten::gt.Tensor", {s, cutoff(a, s, {.atol = 0.0, .rtol = rtol})}), Dims{-1}});
  const bool overdetermined = a.size(-2) > a.size(-1);
  const int64_t least = rank.numel() == 0 ? 0 : invoke("aten::min", {rank}).item().to_int();
  Tensor residuals = empty({0}, a.dtype());
  if (driver != "gelsy" && overdetermined && least == a.size(-1)) {
    const Tensor rest = sub(invoke("aten::matmul", {a, x}), right);
    residuals = invoke("aten::sum.dim_IntList", {mul(rest, rest), Dims{-2}});
    if (vector) residuals = residuals.squeeze(-1);
  }
  const bool has_singular_values = driver == "gelsd" || driver == "gelss";
  c.ret(vector ? x.squeeze(-1) : x, 0);
  c.ret(residuals, 1);
  c.ret(driver == "gels" ? empty({0}, kLong) : rank, 2);
  c.ret(has_singular_values ? s : empty({0}, a.dtype()), 3);
}

// --- products and exponentials

void multi_dot(OpCall& c) {
  const std::vector<Tensor> list = c[0].toTensorVector();
  if (list.size() < 2)
    throw RuntimeError(cat("multi_dot(): expected at least 2 tensors but got ", list.size()));
  for (size_t i = 0; i < list.size(); ++i) {
    const bool end = i == 0 || i + 1 == list.size();
    if (list[i].dim() == 2 || (end && list[i].dim() == 1)) continue;
    throw RuntimeError(cat("multi_dot(): tensor ", i, " must be ", end ? "1D or 2D" : "2D", " but got ",
                           list[i].dim(), "D"));
  }
  Tensor out = list[0];
  for (size_t i = 1; i < list.size(); ++i) out = invoke("aten::matmul", {out, list[i]});
  c.ret(out);
}

/// Scaling, a Taylor series, and squaring (Moler and Van Loan, 2003), in double.
void matrix_exp(OpCall& c) {
  const Tensor a = c.tensor(0);
  expect_square(a, "linalg.matrix_exp");
  expect_floating(a, "linalg.matrix_exp");
  if (a.numel() == 0) return c.ret(a.clone());
  const Tensor x = double_copy(a);
  const double norm =
      invoke("aten::max", {invoke("aten::abs", {x})}).item().to_double() * static_cast<double>(a.size(-1));
  const int squarings = std::isfinite(norm) && norm > 0.5
                            ? std::min(static_cast<int>(std::ceil(std::log2(norm))) + 1, 1100)
                            : 0;
  const Tensor scaled = mul(x, number_tensor(Scalar(std::ldexp(1.0, -squarings))));
  Tensor unit = zeros({a.size(-1), a.size(-1)}, kDouble);
  make_view(unit, {a.size(-1)}, {a.size(-1) + 1}, 0).fill_(Scalar(1));
  Tensor term = unit.expand(a.sizes());
  Tensor total = term;
  for (int k = 1; k < 24; ++k) {
    term = mul(invoke("aten::matmul", {term, scaled}), number_tensor(Scalar(1.0 / k)));
    total = add(total, term);
  }
  for (int i = 0; i < squarings; ++i) total = invoke("aten::matmul", {total, total});
  c.ret(total.to(a.dtype()));
}

void cross_along(OpCall& c, int64_t given) {
  const Tensor x = c.tensor(0);
  const Tensor y = c.tensor(1);
  if (x.dim() != y.dim()) {
    throw RuntimeError(cat("linalg.cross: inputs must have the same number of dimensions."));
  }
  const int64_t d = wrap_dim(given, x.dim());
  if (x.dim() == 0 || x.sizes()[d] != 3 || y.sizes()[d] != 3) {
    throw RuntimeError(cat("linalg.cross: inputs dimension ", given, " must have length 3. Got ",
                           x.dim() == 0 ? 0 : x.sizes()[d], " and ", y.dim() == 0 ? 0 : y.sizes()[d]));
  }
  const Dims sizes = broadcast_shapes(x.sizes(), y.sizes());
  const Tensor a = x.expand(sizes);
  const Tensor b = y.expand(sizes);
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < 3; ++i) {
    const int64_t j = (i + 1) % 3;
    const int64_t k = (i + 2) % 3;
    parts.push_back(sub(mul(a.select(d, j), b.select(d, k)), mul(a.select(d, k), b.select(d, j))));
  }
  c.ret(invoke("aten::stack", {parts, d}));
}
void linalg_cross(OpCall& c) { cross_along(c, c.integer(2)); }
/// Without a dimension, the first of size 3.
void cross(OpCall& c) {
  if (!c[2].isNone()) return cross_along(c, c.integer(2));
  const IntArrayRef sizes = c.tensor(0).sizes();
  const auto at = std::ranges::find(sizes, 3);
  if (at == sizes.end()) throw RuntimeError("no dimension of size 3 in input");
  cross_along(c, at - sizes.begin());
}

void vecdot(OpCall& c) {
  c.ret(invoke("aten::sum.dim_IntList", {mul(c.tensor(0), c.tensor(1)), Dims{c.integer(2)}}));
}

constexpr OpRow kEigenOps[] = {
    {"aten::linalg_eigh(Tensor self, str UPLO=\"L\") -> (Tensor eigenvalues, Tensor eigenvectors)",
     linalg_eigh},
    {"aten::linalg_eigvalsh(Tensor self, str UPLO=\"L\") -> Tensor", linalg_eigvalsh},
    {"aten::linalg_pinv(Tensor self, float rcond, bool hermitian=False) -> Tensor", pinv_rcond},
    {"aten::linalg_pinv.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool "
     "hermitian=False) -> Tensor",
     pinv_tolerances},
    {"aten::linalg_pinv.atol_rtol_tensor(Tensor self, *, Tensor? atol=None, Tensor? rtol=None, bool "
     "hermitian=False) -> Tensor",
     pinv_tolerances},
    {"aten::linalg_pinv.rcond_tensor(Tensor self, Tensor rcond, bool hermitian=False) -> Tensor", pinv_rcond},
    {"aten::pinverse(Tensor self, float rcond=1.0000000000000001e-15) -> Tensor", pinv_rcond},
    {"aten::linalg_matrix_rank(Tensor self, float tol, bool hermitian=False) -> Tensor", matrix_rank_tol},
    {"aten::linalg_matrix_rank.tol_tensor(Tensor input, Tensor tol, bool hermitian=False) -> Tensor",
     matrix_rank_tol},
    {"aten::linalg_matrix_rank.atol_rtol_tensor(Tensor input, *, Tensor? atol=None, Tensor? rtol=None, bool "
     "hermitian=False) -> Tensor",
     matrix_rank_tolerances},
    {"aten::linalg_matrix_rank.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool "
     "hermitian=False) -> Tensor",
     matrix_rank_tolerances},
    {"aten::linalg_cond(Tensor self, Scalar? p=None) -> Tensor", cond},
    {"aten::linalg_cond.p_str(Tensor self, str p) -> Tensor", cond},
    {"aten::linalg_lstsq(Tensor self, Tensor b, float? rcond=None, *, str? driver=None) -> (Tensor solution, "
     "Tensor residuals, Tensor rank, Tensor singular_values)",
     lstsq},
    {"aten::linalg_multi_dot(Tensor[] tensors) -> Tensor", multi_dot},
    {"aten::matrix_exp(Tensor self) -> Tensor", matrix_exp},
    {"aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor", linalg_cross},
    {"aten::cross(Tensor self, Tensor other, int? dim=None) -> Tensor", cross},
    {"aten::linalg_vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor", vecdot},
};

}  // namespace

OpTable eigen_ops() { return kEigenOps; }

}  // namespace calque::ops

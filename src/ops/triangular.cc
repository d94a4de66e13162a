// Triangular systems, and LU factors as results.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

void expect_float_or_double(const Tensor& a, std::string_view op) {
  if (a.dtype() == kFloat || a.dtype() == kDouble) return;
  throw RuntimeError(
      cat(op, ": Expected a floating point or complex tensor as input. Got ", dtype_cpp_name(a.dtype())));
}

Dims batch_of(const Tensor& t) { return {t.sizes().begin(), t.sizes().end() - 2}; }

Tensor doubles_with_batch(const Tensor& t, const Dims& batch) {
  Dims sizes = batch;
  sizes.insert(sizes.end(), {t.size(-2), t.size(-1)});
  const Tensor out = empty(sizes, kDouble);
  out.copy_(t.expand(sizes));
  return out;
}

struct Triangle {
  bool upper, unit;
};

/// A x = b for triangular n x n matrices, b of n x k; both with the same batch. Doubles, in place.
void solve_in_place(const Tensor& a, const Tensor& b, const Triangle& t) {
  const int64_t n = a.size(-1);
  const int64_t k = b.size(-1);
  const int64_t count = n * k == 0 ? 0 : b.numel() / (n * k);
  for (int64_t m = 0; m < count; ++m) {
    const double* p = elements<double>(a) + m * n * n;
    double* x = elements<double>(b) + m * n * k;
    for (int64_t step = 0; step < n; ++step) {
      const int64_t i = t.upper ? n - 1 - step : step;
      for (int64_t j = t.upper ? i + 1 : 0; j < (t.upper ? n : i); ++j) {
        for (int64_t q = 0; q < k; ++q) x[i * k + q] -= p[i * n + j] * x[j * k + q];
      }
      for (int64_t q = 0; q < k && !t.unit; ++q) x[i * k + q] /= p[i * n + i];
    }
  }
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, const Triangle& t, std::string_view op) {
  if (a.dim() < 2 || b.dim() < 2)
    throw RuntimeError(cat(op, ": The input tensors must have at least 2 dimensions."));
  if (a.dtype() != b.dtype()) {
    throw RuntimeError(cat(op, ": Expected A and B to have the same dtype, but found A of type ",
                           dtype_cpp_name(a.dtype()), " and B of type ", dtype_cpp_name(b.dtype()),
                           " instead"));
  }
  expect_float_or_double(a, op);
  if (a.size(-1) != a.size(-2)) {
    throw RuntimeError(cat(op, ": A must be batches of square matrices, but they are ", a.size(-2), " by ",
                           a.size(-1), " matrices"));
  }
  if (a.size(-1) != b.size(-2)) {
    throw RuntimeError(cat(op, ": Incompatible shapes of A and B for the equation AX = B (", a.size(-2), "x",
                           a.size(-1), " and ", b.size(-2), "x", b.size(-1), ")"));
  }
  const Dims batch = broadcast_shapes(batch_of(a), batch_of(b));
  const Tensor x = doubles_with_batch(b, batch);
  solve_in_place(doubles_with_batch(a, batch), x, t);
  return x.to(a.dtype());
}

/// Arguments A, B, upper, left, unitriangular.
void linalg_solve_triangular(OpCall& c) {
  const Tensor a = c.tensor(0);
  const Tensor b = c.tensor(1);
  const Triangle t{.upper = c.boolean(2), .unit = c.boolean(4)};
  constexpr std::string_view kOp = "linalg.solve_triangular";
  if (c.boolean(3)) return c.ret(solve_triangular(a, b, t, kOp));
  if (a.dim() < 2 || b.dim() < 2)
    throw RuntimeError(cat(kOp, ": The input tensors must have at least 2 dimensions."));
  const Triangle other{.upper = !t.upper, .unit = t.unit};
  c.ret(solve_triangular(a.transpose(-2, -1), b.transpose(-2, -1), other, kOp).transpose(-2, -1));
}

/// Arguments B, A, upper, transpose, unitriangular.
void triangular_solve(OpCall& c) {
  const Tensor a = c.tensor(1);
  if (a.dim() < 2)
    throw RuntimeError(cat("torch.triangular_solve: Expected A to have at least 2 dimensions, but it has ",
                           a.dim(), " dimensions instead"));
  const bool transpose = c.boolean(3);
  const Triangle t{.upper = c.boolean(2) != transpose, .unit = c.boolean(4)};
  const Tensor x = solve_triangular(transpose ? a.transpose(-2, -1) : a, c.tensor(0), t, "triangular_solve");
  c.ret(x, 0);
  c.ret(a.clone(), 1);
}

/// L or U of a Cholesky factor: L L^T x = b.
Tensor solve_cholesky(const Tensor& b, const Tensor& factor, bool upper, std::string_view op) {
  if (factor.dim() < 2) throw RuntimeError(cat(op, ": The input tensor must have at least 2 dimensions."));
  const Tensor l = upper ? factor.transpose(-2, -1) : factor;
  const Tensor y = solve_triangular(l, b, {.upper = false, .unit = false}, op);
  return solve_triangular(l.transpose(-2, -1), y, {.upper = true, .unit = false}, op);
}
void cholesky_solve(OpCall& c) {
  if (c.tensor(0).dim() < 2)
    throw RuntimeError(
        cat("b should have at least 2 dimensions, but has ", c.tensor(0).dim(), " dimensions instead"));
  c.ret(solve_cholesky(c.tensor(0), c.tensor(1), c.boolean(2), "cholesky_solve"));
}
void cholesky_inverse(OpCall& c) {
  const Tensor a = c.tensor(0);
  if (a.dim() < 2)
    throw RuntimeError("cholesky_inverse: The input tensor A must have at least 2 dimensions.");
  const Tensor unit = invoke("aten::eye", {a.size(-1), a.dtype() == kDouble ? 7 : 6});
  c.ret(solve_cholesky(unit, a, c.boolean(1), "cholesky_inverse"));
}

// --- LU

struct LuFactors {
  Tensor lu;      ///< both factors in one matrix
  Tensor pivots;  ///< int32, from 1: row i was swapped with row pivots[i]
  Tensor info;    ///< int32: 0, or the number of the first pivot that is 0
};

LuFactors lu_factors(const Tensor& a, bool pivot, std::string_view op) {
  if (a.dim() < 2) throw RuntimeError(cat(op, ": The input tensor A must have at least 2 dimensions."));
  expect_float_or_double(a, op);
  if (!pivot) throw RuntimeError(cat(op, ": LU without pivoting is not implemented on the CPU"));
  const int64_t m = a.size(-2);
  const int64_t n = a.size(-1);
  const int64_t k = std::min(m, n);
  const Tensor work = doubles_with_batch(a, batch_of(a));
  Dims sizes = batch_of(a);
  const LuFactors f{.lu = work,
                    .pivots = empty(
                        [&] {
                          Dims s = sizes;
                          s.push_back(k);
                          return s;
                        }(),
                        kInt),
                    .info = zeros(sizes, kInt)};
  const int64_t count = m * n == 0 ? 0 : a.numel() / (m * n);
  for (int64_t b = 0; b < count; ++b) {
    double* p = elements<double>(work) + b * m * n;
    for (int64_t c = 0; c < k; ++c) {
      int64_t best = c;
      for (int64_t i = c + 1; i < m; ++i) {
        if (std::fabs(p[i * n + c]) > std::fabs(p[best * n + c])) best = i;
      }
      elements<int32_t>(f.pivots)[b * k + c] = static_cast<int32_t>(best + 1);
      if (best != c) std::swap_ranges(p + c * n, p + (c + 1) * n, p + best * n);
      if (p[c * n + c] == 0) {
        if (elements<int32_t>(f.info)[b] == 0) elements<int32_t>(f.info)[b] = static_cast<int32_t>(c + 1);
        continue;
      }
      for (int64_t i = c + 1; i < m; ++i) {
        const double factor = p[i * n + c] /= p[c * n + c];
        for (int64_t j = c + 1; j < n; ++j) p[i * n + j] -= factor * p[c * n + j];
      }
    }
  }
  return f;
}

/// The order of rows that `swaps` (from 1) give: row i of P A is row order[i] of A.
std::vector<int64_t> order_of(const int32_t* swaps, int64_t k, int64_t m) {
  std::vector<int64_t> order(static_cast<size_t>(m));
  for (int64_t i = 0; i < m; ++i) order[i] = i;
  for (int64_t i = 0; i < k; ++i) {
    if (swaps[i] < 1 || swaps[i] > m)
      throw RuntimeError(
          "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive. Did you properly pass the "
          "result of lu_factor?");
    std::swap(order[i], order[swaps[i] - 1]);
  }
  return order;
}

/// A = P L U with P as a matrix.
struct Unpacked {
  Tensor p, l, u;
};
Unpacked unpacked(const Tensor& lu, const Tensor& pivots) {
  if (lu.dim() < 2 || pivots.dim() != lu.dim() - 1 || pivots.size(-1) != std::min(lu.size(-1), lu.size(-2))) {
    throw RuntimeError(
        cat("torch.lu_unpack: pivots of size ", pivots.sizes(), " do not fit LU_data of size ", lu.sizes()));
  }
  if (pivots.dtype() != kInt)
    throw RuntimeError(
        "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.");
  const int64_t m = lu.size(-2);
  const int64_t n = lu.size(-1);
  const int64_t k = std::min(m, n);
  const Tensor swaps = pivots.contiguous();
  Dims sizes = batch_of(lu);
  sizes.insert(sizes.end(), {m, m});
  const Unpacked r{.p = zeros(sizes, lu.dtype()),
                   .l = invoke("aten::tril", {lu.slice(-1, 0, k), -1}),
                   .u = invoke("aten::triu", {lu.slice(-2, 0, k)})};
  invoke("aten::fill_.Scalar", {invoke("aten::diagonal", {r.l, 0, -2, -1}), 1.0});
  const int64_t count = m == 0 ? 0 : r.p.numel() / (m * m);
  dispatch_floating(lu.dtype(), "lu_unpack", [&]<class T>(TypeTag<T>) {
    for (int64_t b = 0; b < count; ++b) {
      const std::vector<int64_t> order = order_of(elements<int32_t>(swaps) + b * k, k, m);
      for (int64_t i = 0; i < m; ++i)
        elements<T>(r.p)[(b * m + order[i]) * m + i] = Element<T>::store(OpType<T>(1));
    }
  });
  return r;
}

void linalg_lu_factor(OpCall& c) {
  const LuFactors f = lu_factors(c.tensor(0), c.boolean(1), "torch.linalg.lu_factor");
  const Tensor info = f.info.contiguous();
  for (int64_t i = 0; i < info.numel(); ++i) {
    const int32_t at = elements<int32_t>(info)[i];
    if (at == 0) continue;
    throw RuntimeError(cat(
        "torch.linalg.lu_factor: ", c.tensor(0).dim() > 2 ? cat("(Batch element ", i, "): ") : std::string(),
        "U[", at, ",", at,
        "] is zero and using it on lu_solve would result in a division by zero. If you still want to perform "
        "the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"));
  }
  c.ret(f.lu.to(c.tensor(0).dtype()), 0);
  c.ret(f.pivots, 1);
}
void lu_with_info(OpCall& c) {
  const LuFactors f = lu_factors(c.tensor(0), c.boolean(1), "torch.linalg.lu_factor");
  c.ret(f.lu.to(c.tensor(0).dtype()), 0);
  c.ret(f.pivots, 1);
  c.ret(f.info, 2);
}
void linalg_lu(OpCall& c) {
  const LuFactors f = lu_factors(c.tensor(0), c.boolean(1), "linalg.lu");
  const Unpacked r = unpacked(f.lu.to(c.tensor(0).dtype()), f.pivots);
  c.ret(r.p, 0);
  c.ret(r.l, 1);
  c.ret(r.u, 2);
}
void lu_unpack(OpCall& c) {
  const Unpacked r = unpacked(c.tensor(0), c.tensor(1));
  const Tensor none = empty({0}, c.tensor(0).dtype());
  c.ret(c.boolean(3) ? r.p : none, 0);
  c.ret(c.boolean(2) ? r.l : none, 1);
  c.ret(c.boolean(2) ? r.u : none, 2);
}

Tensor solve_with_lu(const Tensor& lu, const Tensor& pivots, const Tensor& b, std::string_view op) {
  if (lu.dim() < 2 || lu.size(-1) != lu.size(-2))
    throw RuntimeError(cat(op, ": LU must be batches of square matrices"));
  const Unpacked r = unpacked(lu, pivots);
  const Tensor permuted = invoke("aten::matmul", {r.p.transpose(-2, -1), b});
  const Tensor y = solve_triangular(r.l, permuted, {.upper = false, .unit = true}, op);
  return solve_triangular(r.u, y, {.upper = true, .unit = false}, op);
}
void linalg_lu_solve(OpCall& c) {
  if (!c.boolean(3) || c.boolean(4))
    throw NotImplementedError("linalg_lu_solve with left=False or adjoint=True is not supported");
  c.ret(solve_with_lu(c.tensor(0), c.tensor(1), c.tensor(2), "linalg.lu_solve"));
}
void lu_solve(OpCall& c) { c.ret(solve_with_lu(c.tensor(1), c.tensor(2), c.tensor(0), "linalg.lu_solve")); }

// --- results with a number that says whether it went well; failures raise here

void inv_ex(OpCall& c) {
  c.ret(invoke("aten::linalg_inv", {c[0]}), 0);
  c.ret(zeros(batch_of(c.tensor(0)), kInt), 1);
}
void solve_ex(OpCall& c) {
  c.ret(invoke("aten::linalg_solve", {c[0], c[1], c[2]}), 0);
  c.ret(zeros(batch_of(c.tensor(0)), kInt), 1);
}
void cholesky_ex(OpCall& c) {
  c.ret(invoke("aten::linalg_cholesky", {c[0], c[1]}), 0);
  c.ret(zeros(batch_of(c.tensor(0)), kInt), 1);
}

constexpr OpRow kTriangularOps[] = {
    {"aten::linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, bool "
     "unitriangular=False) -> Tensor",
     linalg_solve_triangular},
    {"aten::triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool "
     "unitriangular=False) -> (Tensor solution, Tensor cloned_coefficient)",
     triangular_solve},
    {"aten::cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor", cholesky_solve},
    {"aten::cholesky_inverse(Tensor self, bool upper=False) -> Tensor", cholesky_inverse},
    {"aten::linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", linalg_lu},
    {"aten::linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)", linalg_lu_factor},
    {"aten::_lu_with_info(Tensor self, bool pivot=True, bool check_errors=True) -> (Tensor LU, Tensor "
     "pivots, Tensor info)",
     lu_with_info},
    {"aten::lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> "
     "(Tensor P, Tensor L, Tensor U)",
     lu_unpack},
    {"aten::linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> "
     "Tensor",
     linalg_lu_solve},
    {"aten::lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots) -> Tensor", lu_solve},
    {"aten::linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)", inv_ex},
    {"aten::linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor "
     "result, Tensor info)",
     solve_ex},
    {"aten::linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> (Tensor L, "
     "Tensor info)",
     cholesky_ex},
};

}  // namespace

OpTable triangular_ops() { return kTriangularOps; }

}  // namespace calque::ops

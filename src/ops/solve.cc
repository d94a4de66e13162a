// Linear systems, inverses and determinants by LU with partial pivoting, in double.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/loops.h"
#include "ops/matmul.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"

namespace calque::ops {

namespace {

void check_square(const Tensor& a, std::string_view op) {
  if (a.dim() < 2) throw RuntimeError(cat(op, ": The input tensor A must have at least 2 dimensions."));
  if (a.size(-1) != a.size(-2)) {
    throw RuntimeError(cat(op, ": A must be batches of square matrices, but they are ", a.size(-2), " by ",
                           a.size(-1), " matrices"));
  }
  if (a.dtype() == kFloat || a.dtype() == kDouble) return;
  throw RuntimeError(cat(op, ": ",
                         a.is_floating_point() ? "Low precision dtypes not supported. Got "
                                               : "Expected a floating point or complex tensor as input. Got ",
                         dtype_cpp_name(a.dtype())));
}

/// LU factors of an n x n matrix in place, with the order of its rows.
struct Lu {
  std::vector<double> a;
  std::vector<int64_t> rows;
  double sign = 1;
  bool singular = false;
};

Lu factor(const double* p, int64_t n) {
  Lu f;
  f.a.assign(p, p + n * n);
  for (int64_t i = 0; i < n; ++i) f.rows.push_back(i);
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i) {
      if (std::fabs(f.a[i * n + k]) > std::fabs(f.a[pivot * n + k])) pivot = i;
    }
    if (f.a[pivot * n + k] == 0) {
      f.singular = true;
      continue;
    }
    if (pivot != k) {
      std::swap_ranges(f.a.begin() + k * n, f.a.begin() + (k + 1) * n, f.a.begin() + pivot * n);
      std::swap(f.rows[k], f.rows[pivot]);
      f.sign = -f.sign;
    }
    for (int64_t i = k + 1; i < n; ++i) {
      const double factor = f.a[i * n + k] /= f.a[k * n + k];
      for (int64_t j = k + 1; j < n; ++j) f.a[i * n + j] -= factor * f.a[k * n + j];
    }
  }
  return f;
}

/// x = A^-1 b for one column with the given stride.
void solve_column(const Lu& f, int64_t n, const double* b, double* x, int64_t stride) {
  for (int64_t i = 0; i < n; ++i) {
    double value = b[f.rows[i] * stride];
    for (int64_t j = 0; j < i; ++j) value -= f.a[i * n + j] * x[j * stride];
    x[i * stride] = value;
  }
  for (int64_t i = n; i-- > 0;) {
    double value = x[i * stride];
    for (int64_t j = i + 1; j < n; ++j) value -= f.a[i * n + j] * x[j * stride];
    x[i * stride] = value / f.a[i * n + i];
  }
}

Tensor as_double(const Tensor& t) {
  Tensor out = empty(t.sizes(), kDouble);
  out.copy_(t);
  return out;
}

[[noreturn]] void throw_singular(std::string_view op, int64_t batch, bool batched) {
  throw RuntimeError(cat(op, ": ", batched ? cat("(Batch element ", batch, "): ") : std::string(),
                         "The solver failed because the input matrix is singular."));
}

/// b is [..., n, k] with the batch of a.
Tensor solve(const Tensor& a, const Tensor& b, std::string_view op) {
  const int64_t n = a.size(-1);
  const int64_t k = b.size(-1);
  const Tensor left = as_double(a);
  const Tensor right = as_double(b);
  const Tensor out = empty(b.sizes(), kDouble);
  const int64_t count = n * k == 0 ? 0 : b.numel() / (n * k);
  for (int64_t i = 0; i < count; ++i) {
    const Lu f = factor(elements<double>(left) + i * n * n, n);
    if (f.singular) throw_singular(op, i, a.dim() > 2);
    for (int64_t j = 0; j < k; ++j) {
      solve_column(f, n, elements<double>(right) + i * n * k + j, elements<double>(out) + i * n * k + j, k);
    }
  }
  return out.to(a.dtype());
}

void linalg_solve(OpCall& c) {
  Tensor a = c.tensor(0);
  Tensor b = c.tensor(1);
  check_square(a, "linalg.solve");
  if (a.dtype() != b.dtype()) {
    throw RuntimeError(cat("linalg.solve: Expected A and B to have the same dtype, but found A of type ",
                           dtype_cpp_name(a.dtype()), " and B of type ", dtype_cpp_name(b.dtype()),
                           " instead"));
  }
  const Dims batch(a.sizes().begin(), a.sizes().end() - 1);
  const bool vector = b.dim() == 1 || (b.dim() + 1 == a.dim() && std::ranges::equal(b.sizes(), batch));
  if (vector) b = b.unsqueeze(-1);
  const bool left = c.boolean(2);
  if (vector && !left) {
    throw RuntimeError(
        "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False");
  }
  if (!left) {
    a = a.transpose(-2, -1);
    b = b.transpose(-2, -1);
  }
  if (b.dim() < 2 || b.size(-2) != a.size(-1)) {
    throw RuntimeError(cat("linalg.solve: Incompatible shapes of A and B for the equation AX = B (",
                           a.size(-2), "x", a.size(-1), " and ", b.dim() < 2 ? 0 : b.size(-2), "x",
                           b.size(-1), ")"));
  }
  const Dims joint = broadcast_shapes(Dims(a.sizes().begin(), a.sizes().end() - 2),
                                      Dims(b.sizes().begin(), b.sizes().end() - 2));
  const auto widened = [&joint](const Tensor& t) {
    Dims sizes = joint;
    sizes.insert(sizes.end(), {t.size(-2), t.size(-1)});
    return t.expand(sizes);
  };
  Tensor x = solve(widened(a), widened(b), "torch.linalg.solve");
  if (!left) x = x.transpose(-2, -1);
  c.ret(vector ? x.squeeze(-1) : x);
}

void inverse(OpCall& c) {
  const Tensor a = c.tensor(0);
  check_square(a, "linalg.inv");
  const int64_t n = a.size(-1);
  const Tensor unit = zeros({n, n}, a.dtype());
  if (n > 0) make_view(unit, {n}, {n + 1}, 0).fill_(Scalar(1));
  const Tensor left = as_double(a);
  const int64_t count = n == 0 ? 0 : a.numel() / (n * n);
  for (int64_t i = 0; i < count; ++i) {
    if (!factor(elements<double>(left) + i * n * n, n).singular) continue;
    throw RuntimeError(
        cat("linalg.inv: ", a.dim() > 2 ? cat("(Batch element ", i, "): ") : std::string(),
            "The diagonal element is zero, the inversion could not be completed because the input matrix "
            "is singular."));
  }
  c.ret(solve(a, unit.expand(a.sizes()), "linalg.inv"));
}

struct Determinant {
  Tensor sign, log_magnitude, value;
};

Determinant determinant(const Tensor& a, std::string_view op) {
  check_square(a, op);
  const int64_t n = a.size(-1);
  const Dims sizes(a.sizes().begin(), a.sizes().end() - 2);
  const Tensor left = as_double(a);
  Determinant d{.sign = full(sizes, Scalar(1.0), kDouble),
                .log_magnitude = zeros(sizes, kDouble),
                .value = full(sizes, Scalar(1.0), kDouble)};
  for (int64_t i = 0; n > 0 && i < d.value.numel(); ++i) {
    const Lu f = factor(elements<double>(left) + i * n * n, n);
    double sign = f.sign;
    double log = 0;
    double value = f.sign;
    for (int64_t k = 0; k < n; ++k) {
      const double pivot = f.a[k * n + k];
      sign *= pivot == 0 ? 0 : std::copysign(1.0, pivot);
      log += std::log(std::fabs(pivot));
      value *= pivot;
    }
    elements<double>(d.sign)[i] = sign;
    elements<double>(d.log_magnitude)[i] = log;
    elements<double>(d.value)[i] = value;
  }
  return {.sign = d.sign.to(a.dtype()),
          .log_magnitude = d.log_magnitude.to(a.dtype()),
          .value = d.value.to(a.dtype())};
}

void det(OpCall& c) { c.ret(determinant(c.tensor(0), "linalg.det").value); }
void slogdet(OpCall& c) {
  const Determinant d = determinant(c.tensor(0), "linalg.slogdet");
  c.ret(d.sign, 0);
  c.ret(d.log_magnitude, 1);
}
void logdet(OpCall& c) {
  const Determinant d = determinant(c.tensor(0), "logdet");
  const Tensor out = empty(d.sign.sizes(), d.sign.dtype());
  dispatch_floating(out.dtype(), "logdet", [&]<class T>(TypeTag<T>) {
    map_binary<T, T>(out, d.sign, d.log_magnitude, []<class Op>(Op sign, Op log) {
      return sign < 0 ? std::numeric_limits<Op>::quiet_NaN() : log;
    });
  });
  c.ret(out);
}

void matrix_power(OpCall& c) {
  Tensor base = c.tensor(0);
  int64_t n = c.integer(1);
  check_square(base, "linalg.matrix_power");
  if (n < 0) {
    if (n == std::numeric_limits<int64_t>::min())
      throw RuntimeError("linalg.matrix_power: exponent out of range");
    base = invoke("aten::linalg_inv", {base});
    n = -n;
  }
  const int64_t size = base.size(-1);
  Tensor unit = zeros({size, size}, base.dtype());
  if (size > 0) make_view(unit, {size}, {size + 1}, 0).fill_(Scalar(1));
  Tensor result = unit.expand(base.sizes()).clone();
  for (; n > 0; n /= 2) {
    if (n % 2 != 0) result = matmul(result, base);
    if (n > 1) base = matmul(base, base);
  }
  c.ret(result.contiguous());
}

constexpr OpRow kSolveOps[] = {
    {"aten::linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", linalg_solve},
    {"aten::linalg_inv(Tensor A) -> Tensor", inverse},
    {"aten::inverse(Tensor self) -> Tensor", inverse},
    {"aten::linalg_det(Tensor A) -> Tensor", det},
    {"aten::det(Tensor self) -> Tensor", det},
    {"aten::linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", slogdet},
    {"aten::slogdet(Tensor self) -> (Tensor sign, Tensor logabsdet)", slogdet},
    {"aten::logdet(Tensor self) -> Tensor", logdet},
    {"aten::linalg_matrix_power(Tensor self, int n) -> Tensor", matrix_power},
    {"aten::matrix_power(Tensor self, int n) -> Tensor", matrix_power},
};

}  // namespace

OpTable solve_ops() { return kSolveOps; }

}  // namespace calque::ops

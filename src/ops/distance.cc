// Distances and similarities of vectors.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/loops.h"
#include "ops/reduction.h"
#include "ops/tables.h"
#include "tensor/dtype.h"

namespace calque::ops {

namespace {

/// The p-norm of the difference of two rows of n doubles.
double row_distance(const double* a, const double* b, int64_t n, double p) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double d = std::fabs(a[i] - b[i]);
    if (std::isinf(p)) {
      total = d > total || d != d ? d : total;
    } else if (p == 0) {
      total += d != 0 ? 1 : 0;
    } else if (p == 1) {
      total += d;
    } else if (p == 2) {
      total += d * d;
    } else {
      total += std::pow(d, p);
    }
  }
  if (std::isinf(p) || p == 0 || p == 1) return total;
  return p == 2 ? std::sqrt(total) : std::pow(total, 1 / p);
}

Tensor doubles(const Tensor& t) {
  Tensor out = empty(t.sizes(), kDouble);
  out.copy_(t);
  return out;
}

void cdist(OpCall& c) {
  const Tensor a = c.tensor(0);
  const Tensor b = c.tensor(1);
  const double p = c.number(2);
  if (a.dim() < 2 || b.dim() < 2)
    throw RuntimeError(cat("cdist only supports at least 2D tensors, X1 got: ", a.dim(), "D"));
  if (!a.is_floating_point())
    throw RuntimeError(cat("cdist only supports floating-point dtypes, X1 got: ", dtype_cpp_name(a.dtype())));
  if (!b.is_floating_point())
    throw RuntimeError(cat("cdist only supports floating-point dtypes, X2 got: ", dtype_cpp_name(b.dtype())));
  if (a.size(-1) != b.size(-1)) {
    throw RuntimeError(
        cat("X1 and X2 must have the same number of columns. X1: ", a.size(-1), " X2: ", b.size(-1)));
  }
  if (!(p >= 0)) throw RuntimeError("cdist only supports non-negative p values");
  const Dims batch = broadcast_shapes(Dims(a.sizes().begin(), a.sizes().end() - 2),
                                      Dims(b.sizes().begin(), b.sizes().end() - 2));
  const auto widened = [&](const Tensor& t) {
    Dims sizes = batch;
    sizes.insert(sizes.end(), {t.size(-2), t.size(-1)});
    return doubles(t.expand(sizes));
  };
  const Tensor x = widened(a);
  const Tensor y = widened(b);
  Dims sizes = batch;
  sizes.insert(sizes.end(), {a.size(-2), b.size(-2)});
  const Tensor out = empty(sizes, kDouble);
  const int64_t n = a.size(-1);
  for (int64_t i = 0; i < out.numel(); ++i) {
    const int64_t each = a.size(-2) * b.size(-2);
    const int64_t row = i / each * a.size(-2) + i % each / b.size(-2);
    const int64_t column = i / each * b.size(-2) + i % b.size(-2);
    elements<double>(out)[i] =
        row_distance(elements<double>(x) + row * n, elements<double>(y) + column * n, n, p);
  }
  c.ret(out.to(promote_types(a.dtype(), b.dtype())));
}

void cosine_similarity(OpCall& c) {
  const Tensor a = c.tensor(0);
  const Tensor b = c.tensor(1);
  const double eps = c.number(3);
  const ScalarType dtype = promote_types(a.dtype(), b.dtype());
  if (!is_floating_point(dtype)) {
    throw RuntimeError(
        cat("expected common dtype to be floating point, yet common dtype is ", dtype_cpp_name(dtype)));
  }
  const Dims sizes = broadcast_shapes(a.sizes(), b.sizes());
  const ReductionDims dims = one_dim(c.integer(2), static_cast<int64_t>(sizes.size()), false);
  const ReductionInput x = reduction_input(doubles(a.expand(sizes)), dims.mask);
  const ReductionInput y = reduction_input(doubles(b.expand(sizes)), dims.mask);
  const Tensor out = empty(reduced_sizes(sizes, dims.mask, false), kDouble);
  for (int64_t row = 0; row < x.rows; ++row) {
    const double* p = elements<double>(x.data) + row * x.n;
    const double* q = elements<double>(y.data) + row * x.n;
    double dot = 0;
    double pp = 0;
    double qq = 0;
    for (int64_t i = 0; i < x.n; ++i) {
      dot += p[i] * q[i];
      pp += p[i] * p[i];
      qq += q[i] * q[i];
    }
    elements<double>(out)[row] = dot / (std::fmax(std::sqrt(pp), eps) * std::fmax(std::sqrt(qq), eps));
  }
  c.ret(out.to(dtype));
}

void pairwise_distance(OpCall& c) {
  const Tensor difference = add(sub(c.tensor(0), c.tensor(1)), number_tensor(Scalar(c.number(3))));
  const Tensor x = doubles(difference);
  const bool keepdim = c.boolean(4);
  const ReductionDims dims = one_dim(-1, x.dim(), keepdim);
  const ReductionInput in = reduction_input(x, dims.mask);
  const Tensor out = empty(dims.result_sizes(x), kDouble);
  const std::vector<double> origin(static_cast<size_t>(in.n), 0);
  for (int64_t row = 0; row < in.rows; ++row) {
    elements<double>(out)[row] =
        row_distance(elements<double>(in.data) + row * in.n, origin.data(), in.n, c.number(2));
  }
  c.ret(out.to(difference.dtype()));
}

void dist(OpCall& c) {
  const Tensor difference = sub(c.tensor(0), c.tensor(1));
  if (!difference.is_floating_point()) throw_not_implemented("dist", difference.dtype());
  const Tensor x = doubles(difference);
  const std::vector<double> origin(static_cast<size_t>(x.numel()), 0);
  c.ret(full({}, Scalar(row_distance(elements<double>(x), origin.data(), x.numel(), c.number(2))), kDouble)
            .to(difference.dtype()));
}

constexpr OpRow kDistanceOps[] = {
    {"aten::cdist(Tensor x1, Tensor x2, float p=2., int? compute_mode=None) -> Tensor", cdist},
    {"aten::cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor",
     cosine_similarity},
    {"aten::pairwise_distance(Tensor x1, Tensor x2, float p=2., float eps=9.9999999999999995e-07, bool "
     "keepdim=False) -> Tensor",
     pairwise_distance},
    {"aten::dist(Tensor self, Tensor other, Scalar p=2) -> Tensor", dist},
};

}  // namespace

OpTable distance_ops() { return kDistanceOps; }

}  // namespace calque::ops

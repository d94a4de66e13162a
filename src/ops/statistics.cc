// Quantiles, histograms, covariance, and integrals of samples.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/composite.h"
#include "ops/limits.h"
#include "ops/reduction.h"
#include "ops/rows.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

// --- quantiles

enum class Between { Linear, Lower, Higher, Midpoint, Nearest };

Between between_of(const std::string& name, std::string_view op) {
  constexpr std::string_view kNames[] = {"linear", "lower", "higher", "midpoint", "nearest"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<Between>(i);
  }
  throw RuntimeError(
      cat(op, "() interpolation must be one of linear, lower, higher, midpoint or nearest, but got ", name));
}

struct QuantileArguments {
  Tensor x, q;
  std::optional<int64_t> dim;
  bool keepdim, skip_nan;
  Between between;
  std::string_view op;
};

/// At rank `place` of sorted values, NaN at the end.
double quantile_of(const std::vector<double>& sorted, double q, const QuantileArguments& a) {
  auto count = static_cast<int64_t>(sorted.size());
  while (count > 0 && std::isnan(sorted[static_cast<size_t>(count - 1)])) --count;
  if (count == 0 || (!a.skip_nan && count < static_cast<int64_t>(sorted.size()))) return std::nan("");
  // The rank is a number of the dtype.
  const bool narrow = a.x.dtype() == kFloat;
  const double place =
      narrow ? static_cast<float>(q) * static_cast<float>(count - 1) : q * static_cast<double>(count - 1);
  const double below = std::floor(place);
  const double low = sorted[static_cast<size_t>(below)];
  const double high = sorted[static_cast<size_t>(std::ceil(place))];
  switch (a.between) {
    case Between::Lower:
      return low;
    case Between::Higher:
      return high;
    case Between::Midpoint:
      return place == below ? low : low + (high - low) * 0.5;
    case Between::Nearest:
      return sorted[static_cast<size_t>(std::nearbyint(place))];
    default:
      return place == below ? low : low + (high - low) * (place - below);
  }
}

void check_quantile(const QuantileArguments& a) {
  if (a.x.numel() == 0) throw RuntimeError(cat(a.op, "() input tensor must be non-empty"));
  if (a.q.dim() > 1) throw RuntimeError(cat(a.op, "() q must be a scalar or 1D tensor"));
  if (a.x.dtype() != kFloat && a.x.dtype() != kDouble) {
    throw RuntimeError(cat(a.op, "() input tensor must be either float or double dtype"));
  }
  if (a.q.dtype() != a.x.dtype())
    throw RuntimeError(cat(a.op, "() q tensor must be same dtype as the input tensor"));
}

/// [q…, x without dim…]
void quantile(OpCall& c, const QuantileArguments& a) {
  check_quantile(a);
  const Tensor whole = a.dim ? a.x : a.x.reshape(Dims{a.x.numel()});
  const int64_t d = a.dim ? wrap_dim(*a.dim, a.x.dim()) : 0;
  const Tensor x = (whole.dim() == 0 ? whole.unsqueeze(0) : whole).to(kDouble).contiguous();
  const Tensor q = a.q.to(kDouble).reshape(Dims{a.q.numel()}).contiguous();
  const int64_t rows = x.numel() / x.sizes()[d];
  const Tensor out = empty({q.numel(), rows}, kDouble);
  for (int64_t i = 0; i < q.numel(); ++i) {
    const double v = elements<double>(q)[i];
    if (!(v >= 0 && v <= 1)) throw RuntimeError(cat(a.op, "() q values must be in the range [0, 1]"));
  }
  for_each_row(x.sizes(), d, [&](const Row& row) {
    std::vector<double> values;
    for (int64_t i = 0; i < row.size; ++i) values.push_back(elements<double>(x)[row.offset + i * row.stride]);
    std::ranges::sort(values, [](double v, double w) { return v < w || (std::isnan(w) && !std::isnan(v)); });
    for (int64_t i = 0; i < q.numel(); ++i) {
      elements<double>(out)[i * rows + row.index] = quantile_of(values, elements<double>(q)[i], a);
    }
  });
  Dims sizes = a.q.dim() == 0 ? Dims{} : Dims{q.numel()};
  for (int64_t i = 0; i < a.x.dim(); ++i) {
    const bool reduced = !a.dim || i == d;
    if (!reduced) sizes.push_back(a.x.sizes()[i]);
    if (reduced && a.keepdim) sizes.push_back(1);
  }
  c.ret(out.view(sizes).to(a.x.dtype()));
}

template <bool SkipNan>
void quantile_op(OpCall& c) {
  const std::string_view op = SkipNan ? "nanquantile" : "quantile";
  const Tensor q = c[1].isTensor() ? c.tensor(1) : full({}, Scalar(c.number(1)), c.tensor(0).dtype());
  if (!c[1].isTensor() && !(c.number(1) >= 0 && c.number(1) <= 1)) {
    throw RuntimeError(cat(op, "() q must be in the range [0, 1] but got ", c.number(1)));
  }
  quantile(c, {.x = c.tensor(0),
               .q = q,
               .dim = c.optional_int(2),
               .keepdim = c.boolean(3),
               .skip_nan = SkipNan,
               .between = between_of(c[4].toStringRef(), op),
               .op = op});
}

void nanmean(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (!x.is_floating_point()) {
    throw RuntimeError(cat("nanmean(): expected input to have floating point or complex dtype but got ",
                           dtype_cpp_name(x.dtype())));
  }
  const Tensor present = invoke("aten::logical_not", {invoke("aten::isnan", {x})});
  const Tensor count = invoke("aten::sum.dim_IntList", {present, c[1], c.boolean(2)});
  c.ret(div(invoke("aten::nansum", {x, c[1], c.boolean(2), c[3]}), count));
}

// --- histograms

/// Counts in `bins` of equal width over [low, high]; the extremes when both are equal.
void histc(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t bins = c.integer(1);
  if (!x.is_floating_point()) throw_not_implemented("histogram_cpu", x.dtype());
  if (bins <= 0) throw RuntimeError("bins must be > 0");
  const Tensor values = x.to(kDouble).contiguous();
  const double* p = values.numel() == 0 ? nullptr : elements<double>(values);
  double low = c.number(2);
  double high = c.number(3);
  if (low == high && values.numel() > 0) {
    low = *std::min_element(p, p + values.numel());
    high = *std::max_element(p, p + values.numel());
  }
  if (low == high) {
    low -= 1;
    high += 1;
  }
  if (!std::isfinite(low) || !std::isfinite(high))
    throw RuntimeError(cat("range of [", low, ", ", high, "] is not finite"));
  if (low > high) throw RuntimeError("max must be larger than min");
  const Tensor out = zeros({bins}, kDouble);
  for (int64_t i = 0; i < values.numel(); ++i) {
    if (!(p[i] >= low && p[i] <= high)) continue;
    const auto at = static_cast<int64_t>((p[i] - low) / (high - low) * static_cast<double>(bins));
    elements<double>(out)[std::min(at, bins - 1)] += 1;
  }
  c.ret(out.to(x.dtype()));
}

// --- covariance of rows

Tensor covariance(const Tensor& given, int64_t correction) {
  if (given.dim() > 2)
    throw RuntimeError(cat("cov(): expected input to have two or fewer dimensions but got an input with ",
                           given.dim(), " dimensions"));
  if (given.dtype() == kBool) throw RuntimeError("cov(): bool dtype is not supported for input");
  const Tensor x = given.dim() < 2 ? given.reshape(Dims{1, given.numel()}) : given;
  const int64_t n = x.sizes()[1];
  const Tensor floating = x.to(float_type_of(x.dtype()));
  const Tensor centred = sub(floating, invoke("aten::mean.dim", {floating, Dims{1}, true}));
  const Tensor product = invoke("aten::matmul", {centred, centred.transpose(0, 1)});
  const auto divisor = static_cast<double>(std::max<int64_t>(n - correction, 0));
  const Tensor out = div(product, number_tensor(Scalar(divisor)));
  return out.numel() == 1 ? out.reshape(Dims{}) : out;
}

void cov(OpCall& c) {
  if (!c[2].isNone() || !c[3].isNone())
    throw NotImplementedError("cov with fweights or aweights is not supported");
  c.ret(covariance(c.tensor(0), c.integer(1)));
}

void corrcoef(OpCall& c) {
  if (c.tensor(0).dim() > 2) {
    throw RuntimeError(
        cat("corrcoef(): expected input to have two or fewer dimensions but got an input with ",
            c.tensor(0).dim(), " dimensions"));
  }
  const Tensor out = covariance(c.tensor(0), 1);
  if (out.dim() == 0) return c.ret(div(out, out));
  const Tensor deviation = invoke("aten::sqrt", {invoke("aten::diagonal", {out})});
  const Tensor scaled = div(div(out, deviation.unsqueeze(1)), deviation.unsqueeze(0));
  c.ret(invoke("aten::clamp", {scaled, -1.0, 1.0}));
}

// --- the trapezoidal rule

/// Means of neighbours along `dim`, times the steps between them.
Tensor trapezoids(const Tensor& y, const Tensor& steps, int64_t dim) {
  const int64_t n = y.sizes()[dim];
  const Tensor pairs = add(y.slice(dim, 1, n), y.slice(dim, 0, std::max<int64_t>(n - 1, 0)));
  return div(mul(pairs, steps), number_tensor(Scalar(2.0)));
}

/// Steps between the places of x, along `dim` of a tensor of y's rank.
Tensor steps_of(const Tensor& y, const Tensor& x, int64_t dim) {
  if (x.dim() == 0) throw IndexError("trapezoid: expected x to have at least one dimension");
  Tensor places = x;
  if (x.dim() == 1) {
    if (x.sizes()[0] != y.sizes()[dim])
      throw RuntimeError("trapezoid: There must be one `x` value for each sample point");
    Dims shape(y.sizes().size(), 1);
    shape[dim] = x.sizes()[0];
    places = x.reshape(shape);
  }
  for (int64_t i = places.dim(); i < y.dim(); ++i) places = places.unsqueeze(0);
  const int64_t d = dim + places.dim() - y.dim();
  const int64_t n = places.sizes()[d];
  return sub(places.slice(d, 1, n), places.slice(d, 0, std::max<int64_t>(n - 1, 0)));
}

/// Arguments y, x or dx, dim.
template <bool Cumulative>
void trapezoid(OpCall& c) {
  const Tensor y = c.tensor(0);
  if (y.dim() == 0) throw IndexError("Dimension specified as -1 but tensor has no dimensions");
  const int64_t dim = wrap_dim(c.integer(2), y.dim());
  if (y.dtype() == kBool || (c[1].isTensor() && c.tensor(1).dtype() == kBool)) {
    throw RuntimeError("trapezoid: received a bool input for `x` or `y`, but bool is not supported");
  }
  if (y.sizes()[dim] == 0) {
    Dims sizes = to_dims(y.sizes());
    sizes.erase(sizes.begin() + dim);
    return c.ret(Cumulative ? y : zeros(sizes, y.dtype()));
  }
  const Tensor steps = c[1].isTensor() ? steps_of(y, c.tensor(1), dim) : number_tensor(Scalar(c.scalar(1)));
  const Tensor parts = trapezoids(y, steps, dim);
  c.ret(Cumulative ? invoke("aten::cumsum", {parts, dim})
                   : invoke("aten::sum.dim_IntList", {parts, Dims{dim}}));
}

// --- norms and distances of parts

/// Parts along `dim` whose p-norm is above the limit are scaled to it.
void renorm(OpCall& c) {
  const Tensor x = c.tensor(0);
  const double p = c.number(1);
  const double limit = c.number(3);
  if (!x.is_floating_point()) throw_not_implemented("renorm", x.dtype());
  if (!(p > 0)) throw RuntimeError("non-positive-norm not supported");
  if (!(limit >= 0)) throw RuntimeError(cat("renorm: expected maxnorm to be >= 0 but got ", limit));
  if (x.dim() < 2)
    throw RuntimeError(cat("renorm: input needs at least 2 dimensions, got ", x.dim(), " dimensions"));
  const int64_t dim = wrap_dim(c.integer(2), x.dim());
  Dims others;
  for (int64_t i = 0; i < x.dim(); ++i) {
    if (i != dim) others.push_back(i);
  }
  const Tensor norm = invoke("aten::linalg_vector_norm", {x, p, others, true}).to(kDouble).contiguous();
  const Tensor factor = empty(norm.sizes(), kDouble);
  for (int64_t i = 0; i < norm.numel(); ++i) {
    const double v = elements<double>(norm)[i];
    elements<double>(factor)[i] = v > limit ? limit / (v + 1e-7) : 1;
  }
  c.ret(mul(x, factor.to(x.dtype())).contiguous());
}

/// Distances of all pairs of rows, the upper triangle of cdist.
void pdist(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (x.dim() != 2) throw RuntimeError(cat("pdist only supports 2D tensors, got: ", x.dim(), "D"));
  if (!x.is_floating_point()) throw RuntimeError("pdist only supports floating-point dtypes");
  const Tensor all = invoke("aten::cdist", {x, x, c.number(1)});
  const int64_t n = x.sizes()[0];
  const Tensor at = invoke("aten::triu_indices", {n, n, 1});
  c.ret(invoke("aten::index.Tensor", {all, std::vector<Tensor>{at.select(0, 0), at.select(0, 1)}}));
}

/// Powers x^(n-1) … x^0 of a vector, or rising.
Tensor powers(const Tensor& x, std::optional<int64_t> count, bool increasing) {
  const int64_t n = count.value_or(x.size(-1));
  if (n < 0) throw RuntimeError("N must be non-negative.");
  check_growth(n, 64);
  std::vector<Tensor> columns;
  for (int64_t i = 0; i < n; ++i)
    columns.push_back(invoke("aten::pow.Tensor_Scalar", {x, increasing ? i : n - 1 - i}));
  if (columns.empty()) {
    Dims sizes = to_dims(x.sizes());
    sizes.push_back(0);
    return empty(sizes, x.dtype());
  }
  return invoke("aten::stack", {columns, -1});
}
void vander(OpCall& c) {
  if (c.tensor(0).dim() != 1) throw RuntimeError("x must be a one-dimensional tensor.");
  c.ret(powers(c.tensor(0).is_floating_point() ? c.tensor(0) : c.tensor(0).to(kLong), c.optional_int(1),
               c.boolean(2)));
}
void linalg_vander(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (x.dim() == 0) throw RuntimeError("linalg.vander: Expected x to have at least one dimension");
  if (c.optional_int(1).value_or(x.size(-1)) <= 1) throw RuntimeError("N must be greater than 1.");
  c.ret(powers(x.is_floating_point() ? x : x.to(kLong), c.optional_int(1), true));
}

constexpr OpRow kStatisticsOps[] = {
    {"aten::quantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str "
     "interpolation=\"linear\") -> Tensor",
     quantile_op<false>},
    {"aten::quantile.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str "
     "interpolation=\"linear\") -> Tensor",
     quantile_op<false>},
    {"aten::nanquantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str "
     "interpolation=\"linear\") -> Tensor",
     quantile_op<true>},
    {"aten::nanquantile.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str "
     "interpolation=\"linear\") -> Tensor",
     quantile_op<true>},
    {"aten::nanmean(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     nanmean},
    {"aten::histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor", histc},
    {"aten::cov(Tensor self, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> Tensor",
     cov},
    {"aten::corrcoef(Tensor self) -> Tensor", corrcoef},
    {"aten::trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", trapezoid<false>},
    {"aten::trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor", trapezoid<false>},
    {"aten::trapz.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", trapezoid<false>},
    {"aten::trapz.dx(Tensor y, *, float dx=1., int dim=-1) -> Tensor", trapezoid<false>},
    {"aten::cumulative_trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", trapezoid<true>},
    {"aten::cumulative_trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor", trapezoid<true>},
    {"aten::renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor", renorm},
    {"aten::pdist(Tensor self, float p=2.) -> Tensor", pdist},
    {"aten::vander(Tensor x, int? N=None, bool increasing=False) -> Tensor", vander},
    {"aten::linalg_vander(Tensor x, *, SymInt? N=None) -> Tensor", linalg_vander},
};

}  // namespace

OpTable statistics_ops() { return kStatisticsOps; }

}  // namespace calque::ops

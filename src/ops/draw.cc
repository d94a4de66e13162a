// Draws from distributions: by probabilities of classes, and in place.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/generator.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// Fills `self` in order with f(generator), computed in double; T is told to f.
template <class F>
void draw_in_place(OpCall& c, std::string_view op, F f) {
  const Tensor self = c.tensor(0);
  check_no_internal_overlap(self);
  const Tensor values = empty(self.sizes(), self.dtype());
  {
    LockedGenerator g;
    dispatch_all(self.dtype(), op, [&]<class T>(TypeTag<T> tag) {
      for (int64_t i = 0; i < values.numel(); ++i) elements<T>(values)[i] = f(*g, tag);
    });
  }
  self.copy_(values);
  c.ret(c[0]);
}

template <class T>
double uniform_for(Generator& g) {
  if constexpr (std::is_same_v<T, double>) return g.uniform_double();
  return static_cast<double>(g.uniform_float());
}

template <class T>
T stored(double v) {
  return convert_element<T>(v);
}

void expect_floating_self(const OpCall& c, std::string_view op) {
  if (!c.tensor(0).is_floating_point()) throw_not_implemented(op, c.tensor(0).dtype());
}

void exponential_(OpCall& c) {
  expect_floating_self(c, "exponential_");
  const double lambda = c.number(1);
  if (!(lambda > 0)) throw RuntimeError(cat("exponential_ expects lambda > 0.0, but found lambda=", lambda));
  draw_in_place(c, "exponential_", [=]<class T>(Generator& g, TypeTag<T>) {
    return stored<T>(-std::log1p(-uniform_for<T>(g)) / lambda);
  });
}

void geometric_(OpCall& c) {
  const double p = c.number(1);
  if (!(p > 0 && p < 1)) throw RuntimeError(cat("geometric_ expects p to be in (0, 1), but got p=", p));
  draw_in_place(c, "geometric_", [=]<class T>(Generator& g, TypeTag<T>) {
    return stored<T>(std::ceil(std::log(g.uniform_double()) / std::log1p(-p)));
  });
}

void log_normal_(OpCall& c) {
  expect_floating_self(c, "log_normal_");
  const double mean = c.number(1);
  const double deviation = c.number(2);
  if (!(deviation > 0)) throw RuntimeError(cat("log_normal_ expects std > 0.0, but found std=", deviation));
  draw_in_place(c, "log_normal_", [=]<class T>(Generator& g, TypeTag<T>) {
    return stored<T>(std::exp(g.normal() * deviation + mean));
  });
}

void cauchy_(OpCall& c) {
  expect_floating_self(c, "cauchy_");
  const double median = c.number(1);
  const double sigma = c.number(2);
  if (!(sigma > 0)) throw RuntimeError(cat("cauchy_ expects sigma > 0.0, but found sigma=", sigma));
  draw_in_place(c, "cauchy_", [=]<class T>(Generator& g, TypeTag<T>) {
    return stored<T>(median + sigma * std::tan(std::numbers::pi * (g.uniform_double() - 0.5)));
  });
}

/// Integers that the dtype can hold, from 0 on.
void random_(OpCall& c) {
  draw_in_place(c, "random_", []<class T>(Generator& g, TypeTag<T>) {
    if constexpr (std::is_same_v<T, double>) {
      return static_cast<double>(g.next64() % ((uint64_t{1} << 53) + 1));
    } else if constexpr (std::is_same_v<T, int64_t>) {
      return static_cast<int64_t>(g.next64() % (uint64_t{1} << 63));
    } else if constexpr (std::is_same_v<T, BoolByte>) {
      return BoolByte{static_cast<uint8_t>(g.next32() & 1)};
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(g.next32() % (uint32_t{std::numeric_limits<T>::max()} + 1));
    } else {
      const uint32_t bits = std::is_same_v<T, float> ? 24 : std::is_same_v<T, Half> ? 11 : 8;
      return Element<T>::store(static_cast<float>(g.next32() % ((uint32_t{1} << bits) + 1)));
    }
  });
}

// --- classes by their weights

void check_weights(const Tensor& p, int64_t count, bool replacement) {
  if (p.dim() < 1 || p.dim() > 2) throw RuntimeError("prob_dist must be 1 or 2 dim");
  if (!p.is_floating_point())
    throw RuntimeError(
        cat("multinomial only supports floating-point dtypes for input, got: ", dtype_cpp_name(p.dtype())));
  if (count <= 0) throw RuntimeError("cannot sample n_sample <= 0 samples");
  if (!replacement && count > p.size(-1))
    throw RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  const Tensor d = p.to(kDouble).contiguous();
  for (int64_t i = 0; i < d.numel(); ++i) {
    const double v = elements<double>(d)[i];
    if (!(v >= 0 && std::isfinite(v)))
      throw RuntimeError("probability tensor contains either `inf`, `nan` or element < 0");
  }
}

/// Draws with replacement by the sums of weights; the dtype is that of the weights, as PyTorch adds them.
template <class T>
void draw_classes(const T* weights, int64_t classes, int64_t count, int64_t* out, Generator& g) {
  using Op = OpType<T>;
  std::vector<Op> sums(static_cast<size_t>(classes));
  Op total = 0;
  for (int64_t i = 0; i < classes; ++i) {
    total += Element<T>::load(weights[i]);
    sums[i] = total;
  }
  if (!(total > 0)) throw RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)");
  for (Op& v : sums) v /= total;
  sums.back() = 1;
  for (int64_t k = 0; k < count; ++k) {
    const double u = g.uniform_double();
    const auto at = std::ranges::lower_bound(sums, u, {}, [](Op v) { return static_cast<double>(v); });
    out[k] = std::min<int64_t>(at - sums.begin(), classes - 1);
  }
}

/// Without replacement: the largest of weight / exponential noise (a race of clocks).
void multinomial(OpCall& c) {
  const Tensor p = c.tensor(0);
  const int64_t count = c.integer(1);
  const bool replacement = c.boolean(2);
  check_weights(p, count, replacement);
  const int64_t classes = p.size(-1);
  const int64_t rows = p.dim() == 1 ? 1 : p.sizes()[0];
  Dims sizes = p.dim() == 1 ? Dims{count} : Dims{rows, count};
  if (replacement && count > 1) {
    const Tensor in = p.contiguous();
    const Tensor out = empty(sizes, kLong);
    LockedGenerator g;
    dispatch_floating(p.dtype(), "multinomial", [&]<class T>(TypeTag<T>) {
      for (int64_t i = 0; i < rows; ++i) {
        draw_classes<T>(elements<T>(in) + i * classes, classes, count, elements<int64_t>(out) + i * count,
                        *g);
      }
    });
    return c.ret(out);
  }
  const Tensor total = invoke("aten::sum.dim_IntList", {p, Dims{-1}}).contiguous().to(kDouble);
  for (int64_t i = 0; i < total.numel(); ++i) {
    if (!(elements<double>(total)[i] > 0))
      throw RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)");
  }
  const Tensor noise = invoke("aten::exponential_", {empty(p.sizes(), p.dtype()), 1.0});
  const Tensor race = invoke("aten::div.Tensor", {p, noise});
  c.ret(invoke_all("aten::topk", {race, count, -1})[1]);
}

constexpr OpRow kDrawOps[] = {
    {"aten::exponential_(Tensor(a!) self, float lambd=1., *, Generator? generator=None) -> Tensor(a!)",
     exponential_},
    {"aten::geometric_(Tensor(a!) self, float p, *, Generator? generator=None) -> Tensor(a!)", geometric_},
    {"aten::log_normal_(Tensor(a!) self, float mean=1., float std=2., *, Generator? generator=None) -> "
     "Tensor(a!)",
     log_normal_},
    {"aten::cauchy_(Tensor(a!) self, float median=0., float sigma=1., *, Generator? generator=None) -> "
     "Tensor(a!)",
     cauchy_},
    {"aten::random_(Tensor(a!) self, *, Generator? generator=None) -> Tensor(a!)", random_},
    {"aten::multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, Generator? "
     "generator=None) -> Tensor",
     multinomial},
};

}  // namespace

OpTable draw_ops() { return kDrawOps; }

}  // namespace calque::ops

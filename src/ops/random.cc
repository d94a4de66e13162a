// Random tensors: the numbers that PyTorch's CPU generator gives for the same seed.
#include <cmath>
#include <limits>
#include <numbers>

#include "base/text.h"
#include "ops/generator.h"
#include "ops/options.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// f() for each element of a contiguous tensor, in order.
template <class T, class F>
void fill_with(const Tensor& out, F f) {
  T* p = elements<T>(out);
  for (int64_t i = 0; i < out.numel(); ++i) p[i] = Element<T>::store(static_cast<OpType<T>>(f()));
}

void fill_uniform(const Tensor& out, double from, double to) {
  LockedGenerator g;
  dispatch_floating(out.dtype(), "uniform", [&]<class T>(TypeTag<T>) {
    fill_with<T>(out, [&] {
      if constexpr (std::is_same_v<T, double>) {
        return g->uniform_double() * (to - from) + from;
      } else {
        return g->uniform_float() * static_cast<float>(to - from) + static_cast<float>(from);
      }
    });
  });
}

/// Sixteen uniform numbers become sixteen normal ones (Box and Muller, 1958): pairs are eight apart.
template <class Op>
void normal_block(Op* block, Op mean, Op deviation) {
  for (int j = 0; j < 8; ++j) {
    const Op u1 = 1 - block[j];
    const Op u2 = block[j + 8];
    const Op radius = std::sqrt(-2 * std::log(u1));
    const Op theta = static_cast<Op>(2 * std::numbers::pi) * u2;
    block[j] = radius * std::cos(theta) * deviation + mean;
    block[j + 8] = radius * std::sin(theta) * deviation + mean;
  }
}

/// From 16 elements on: blocks, of which the last overlaps the one before it.
template <class Op>
void fill_normal_blocks(Generator& g, std::vector<Op>& data, Op mean, Op deviation) {
  const auto uniform = [&g] {
    if constexpr (std::is_same_v<Op, double>) {
      return g.uniform_double();
    } else {
      return g.uniform_float();
    }
  };
  for (Op& v : data) v = uniform();
  for (size_t i = 0; i + 16 <= data.size(); i += 16) normal_block(data.data() + i, mean, deviation);
  if (data.size() % 16 == 0) return;
  Op* last = data.data() + data.size() - 16;
  for (int i = 0; i < 16; ++i) last[i] = uniform();
  normal_block(last, mean, deviation);
}

void fill_normal(const Tensor& out, double mean, double deviation) {
  if (!(deviation >= 0)) throw RuntimeError(cat("normal expects std >= 0.0, but found std ", deviation));
  LockedGenerator g;
  dispatch_floating(out.dtype(), "normal_kernel_cpu", [&]<class T>(TypeTag<T>) {
    using Op = OpType<T>;
    if (out.numel() < 16) return fill_with<T>(out, [&] { return g->normal() * deviation + mean; });
    std::vector<Op> data(static_cast<size_t>(out.numel()));
    fill_normal_blocks<Op>(*g, data, static_cast<Op>(mean), static_cast<Op>(deviation));
    for (int64_t i = 0; i < out.numel(); ++i) elements<T>(out)[i] = Element<T>::store(data[i]);
  });
}

/// Integers in [from, from + range).
void fill_integers(const Tensor& out, int64_t from, uint64_t range) {
  LockedGenerator g;
  dispatch_all(out.dtype(), "random_from_to", [&]<class T>(TypeTag<T>) {
    T* p = elements<T>(out);
    for (int64_t i = 0; i < out.numel(); ++i) {
      const uint64_t draw = range >= (uint64_t{1} << 28) ? g->next64() : g->next32();
      p[i] = convert_element<T>(static_cast<int64_t>(draw % range + static_cast<uint64_t>(from)));
    }
  });
}

void check_range(int64_t low, int64_t high) {
  if (low >= high) {
    throw RuntimeError(
        cat("random_ expects 'from' to be less than 'to', but got from=", low, " >= to=", high));
  }
}

void rand(OpCall& c) {
  const Tensor out = empty(c.ints(0), dtype_option(c, 1, kFloat));
  fill_uniform(out, 0, 1);
  c.ret(out);
}
void randn(OpCall& c) {
  const Tensor out = empty(c.ints(0), dtype_option(c, 1, kFloat));
  fill_normal(out, 0, 1);
  c.ret(out);
}

/// Like self: values are drawn in memory order.
Tensor like(const OpCall& c, size_t i) {
  return empty_like(c.tensor(0), dtype_option(c, i, c.tensor(0).dtype()));
}
Tensor in_memory_order(const Tensor& t) { return make_view(t, {t.numel()}, {1}, t.storage_offset()); }

void rand_like(OpCall& c) {
  const Tensor out = like(c, 1);
  fill_uniform(in_memory_order(out), 0, 1);
  c.ret(out);
}
void randn_like(OpCall& c) {
  const Tensor out = like(c, 1);
  fill_normal(in_memory_order(out), 0, 1);
  c.ret(out);
}

Tensor randint(int64_t low, int64_t high, const Dims& sizes, ScalarType dtype) {
  check_range(low, high);
  const Tensor out = empty(sizes, dtype);
  fill_integers(out, low, static_cast<uint64_t>(high) - static_cast<uint64_t>(low));
  return out;
}
void randint_high(OpCall& c) { c.ret(randint(0, c.integer(0), c.ints(1), dtype_option(c, 2, kLong))); }
void randint_low(OpCall& c) {
  c.ret(randint(c.integer(0), c.integer(1), c.ints(2), dtype_option(c, 3, kLong)));
}
void randint_like_high(OpCall& c) {
  check_range(0, c.integer(1));
  const Tensor out = like(c, 2);
  fill_integers(in_memory_order(out), 0, static_cast<uint64_t>(c.integer(1)));
  c.ret(out);
}
void randint_like_low(OpCall& c) {
  check_range(c.integer(1), c.integer(2));
  const Tensor out = like(c, 3);
  fill_integers(in_memory_order(out), c.integer(1),
                static_cast<uint64_t>(c.integer(2)) - static_cast<uint64_t>(c.integer(1)));
  c.ret(out);
}

void randperm(OpCall& c) {
  const int64_t n = c.integer(0);
  if (n < 0) throw RuntimeError(cat("n must be non-negative, got", n));
  const ScalarType dtype = dtype_option(c, 1, kLong);
  const Tensor out = empty({n}, kLong);
  auto* p = elements<int64_t>(out);
  for (int64_t i = 0; i < n; ++i) p[i] = i;
  LockedGenerator g;
  for (int64_t i = 0; i < n - 1; ++i)
    std::swap(p[i], p[i + static_cast<int64_t>(g->next32() % static_cast<uint64_t>(n - i))]);
  c.ret(out.to(dtype));
}

/// In place, by way of a contiguous tensor of the same size.
template <class F>
void fill_in_place(OpCall& c, F fill) {
  const Tensor self = c.tensor(0);
  check_no_internal_overlap(self);
  const Tensor values = empty(self.sizes(), self.dtype());
  fill(values);
  self.copy_(values);
  c.ret(c[0]);
}

void uniform_(OpCall& c) {
  const double from = c.number(1);
  const double to = c.number(2);
  if (!(from <= to)) {
    throw RuntimeError(
        cat("uniform_ expects to return a [from, to) range, but found from=", from, " > to=", to));
  }
  fill_in_place(c, [&](const Tensor& t) { fill_uniform(t, from, to); });
}
void normal_(OpCall& c) {
  fill_in_place(c, [&](const Tensor& t) { fill_normal(t, c.number(1), c.number(2)); });
}
void normal_sized(OpCall& c) {
  const Tensor out = empty(c.ints(2), dtype_option(c, 4, kFloat));
  fill_normal(out, c.number(0), c.number(1));
  c.ret(out);
}
void random_from_(OpCall& c) {
  const int64_t to = c[2].isNone() ? std::numeric_limits<int64_t>::max() : c.integer(2);
  check_range(c.integer(1), to);
  fill_in_place(c, [&](const Tensor& t) {
    fill_integers(t, c.integer(1), static_cast<uint64_t>(to) - static_cast<uint64_t>(c.integer(1)));
  });
}
void random_to_(OpCall& c) {
  check_range(0, c.integer(1));
  fill_in_place(c, [&](const Tensor& t) { fill_integers(t, 0, static_cast<uint64_t>(c.integer(1))); });
}

// --- Bernoulli

void fill_bernoulli(const Tensor& out, const Tensor& probabilities) {
  const Tensor p = probabilities.expand(out.sizes()).to(kDouble).contiguous();
  const bool wide = probabilities.dtype() == kDouble;
  LockedGenerator g;
  dispatch_all(out.dtype(), "bernoulli", [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < out.numel(); ++i) {
      const double limit = elements<double>(p)[i];
      if (!(limit >= 0 && limit <= 1))
        throw RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.");
      const double draw = wide ? g->uniform_double() : static_cast<double>(g->uniform_float());
      elements<T>(out)[i] = convert_element<T>(draw < limit);
    }
  });
}
void bernoulli(OpCall& c) {
  const Tensor p = c.tensor(0);
  if (!p.is_floating_point()) throw_not_implemented("bernoulli_tensor_cpu_p_", p.dtype());
  const Tensor out = empty(p.sizes(), p.dtype());
  fill_bernoulli(out, p);
  c.ret(out);
}
void bernoulli_p(OpCall& c) {
  const Tensor out = empty(c.tensor(0).sizes(), c.tensor(0).dtype());
  fill_bernoulli(out, full({}, Scalar(c.number(1)), kDouble));
  c.ret(out);
}
void bernoulli_float_(OpCall& c) {
  fill_in_place(c, [&](const Tensor& t) { fill_bernoulli(t, full({}, Scalar(c.number(1)), kDouble)); });
}
void bernoulli_tensor_(OpCall& c) {
  fill_in_place(c, [&](const Tensor& t) { fill_bernoulli(t, c.tensor(1)); });
}

void manual_seed(OpCall& c) { LockedGenerator()->manual_seed(static_cast<uint64_t>(c.integer(0))); }

constexpr OpRow kRandomOps[] = {
    {"aten::manual_seed(int seed) -> ()", manual_seed},
    {"aten::rand(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None) -> Tensor",
     rand},
    {"aten::rand_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
     "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     rand_like},
    {"aten::randn(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None) -> Tensor",
     randn},
    {"aten::randn_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
     "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     randn_like},
    {"aten::randint(SymInt high, SymInt[] size, *, ScalarType? dtype=4, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     randint_high},
    {"aten::randint.low(SymInt low, SymInt high, SymInt[] size, *, ScalarType? dtype=4, Layout? layout=None, "
     "Device? device=None, bool? pin_memory=None) -> Tensor",
     randint_low},
    {"aten::randint_like(Tensor self, SymInt high, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     randint_like_high},
    {"aten::randint_like.low_dtype(Tensor self, SymInt low, SymInt high, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     randint_like_low},
    {"aten::randperm(SymInt n, *, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None) -> Tensor",
     randperm},
    {"aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? generator=None) -> "
     "Tensor(a!)",
     uniform_},
    {"aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? generator=None) -> "
     "Tensor(a!)",
     normal_},
    {"aten::normal.float_float(float mean, float std, SymInt[] size, *, Generator? generator=None, "
     "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     normal_sized},
    {"aten::random_.from(Tensor(a!) self, int from, int? to, *, Generator? generator=None) -> Tensor(a!)",
     random_from_},
    {"aten::random_.to(Tensor(a!) self, int to, *, Generator? generator=None) -> Tensor(a!)", random_to_},
    {"aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor", bernoulli},
    {"aten::bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor", bernoulli_p},
    {"aten::bernoulli_.Tensor(Tensor(a!) self, Tensor p, *, Generator? generator=None) -> Tensor(a!)",
     bernoulli_tensor_},
    {"aten::bernoulli_.float(Tensor(a!) self, float p=0.5, *, Generator? generator=None) -> Tensor(a!)",
     bernoulli_float_},
};

}  // namespace

OpTable random_ops() { return kRandomOps; }

}  // namespace calque::ops

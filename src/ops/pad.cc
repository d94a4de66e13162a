// Padding.
#include <algorithm>

#include "base/text.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

enum class PadMode { kReflect, kReplicate, kCircular };

/// before, after for each padded dimension, the last first.
void check_pairs(const Dims& pad, const Tensor& x) {
  if (pad.size() % 2 != 0) throw RuntimeError("Padding length must be divisible by 2");
  if (pad.size() / 2 > x.sizes().size()) {
    throw RuntimeError(
        cat("Padding length should be less than or equal to two times the input dimension but got padding "
            "length ",
            pad.size(), " and input of dimension ", x.dim()));
  }
}

Tensor constant_pad(const Tensor& x, const Dims& pad, const Scalar& value) {
  check_pairs(pad, x);
  Tensor inner = x;
  Dims sizes = to_dims(x.sizes());
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const auto d = static_cast<size_t>(x.dim()) - 1 - i;
    int64_t total = 0;
    if (__builtin_add_overflow(pad[2 * i], pad[2 * i + 1], &total) ||
        __builtin_add_overflow(sizes[d], total, &sizes[d])) {
      throw RuntimeError("numel: integer multiplication overflow");
    }
    if (sizes[d] < 0) {
      throw RuntimeError(cat(
          "The input size ", x.sizes()[d], ", plus negative padding ", pad[2 * i], " and ", pad[2 * i + 1],
          " resulted in a negative output size, which is invalid. Check dimension ", d, " of your input."));
    }
    // Negative padding crops.
    const int64_t size = inner.sizes()[d];
    const int64_t first = std::min(std::max<int64_t>(-pad[2 * i], 0), size);
    const int64_t last = size - std::min(std::max<int64_t>(-pad[2 * i + 1], 0), size);
    inner = inner.slice(static_cast<int64_t>(d), first, std::max(last, first));
  }
  Tensor out = full(sizes, value, x.dtype());
  Tensor window = out;
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const auto d = static_cast<int64_t>(x.sizes().size() - 1 - i);
    const int64_t first = std::max<int64_t>(pad[2 * i], 0);
    window = window.slice(d, first, first + inner.sizes()[d]);
  }
  window.copy_(inner);
  return out;
}

/// Where position i of the padded dimension comes from.
int64_t source_of(PadMode mode, int64_t i, int64_t size) {
  switch (mode) {
    case PadMode::kReplicate:
      return std::clamp<int64_t>(i, 0, size - 1);
    case PadMode::kCircular:
      return (i % size + size) % size;
    case PadMode::kReflect:
      break;
  }
  return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
}

void check_width(PadMode mode, const Dims& pad, size_t i, const Tensor& x, int64_t d) {
  const int64_t size = x.sizes()[d];
  const int64_t before = pad[2 * i];
  const int64_t after = pad[2 * i + 1];
  if (mode == PadMode::kReflect && (before >= size || after >= size)) {
    throw RuntimeError(
        cat("Argument #4: Padding size should be less than the corresponding input dimension, but got: "
            "padding (",
            before, ", ", after, ") at dimension ", d, " of input ", x.sizes()));
  }
  if (mode == PadMode::kCircular && (before > size || after > size)) {
    throw RuntimeError("Padding value causes wrapping around more than once.");
  }
  constexpr int64_t kHuge = int64_t{1} << 40;
  if (size == 0 || before > kHuge || after > kHuge || before < -kHuge || after < -kHuge ||
      size + before + after < 0 || (size + before + after == 0 && mode != PadMode::kCircular)) {
    throw RuntimeError(cat("a dimension of size ", size, " cannot be padded by ", before, " and ", after,
                           " in this mode (dimension ", d, " of input ", x.sizes(), ")"));
  }
}

Tensor pad_dimension(const Tensor& x, int64_t d, int64_t before, int64_t after, PadMode mode) {
  const Tensor in = x.contiguous();
  const int64_t size = x.sizes()[d];
  Dims sizes = to_dims(x.sizes());
  sizes[d] = size + before + after;
  const Tensor out = empty(sizes, x.dtype());
  const int64_t outer = product(x.sizes().first(static_cast<size_t>(d)));
  const int64_t inner = product(x.sizes().subspan(d + 1));
  dispatch_width(x.dtype(), [&]<class T>(TypeTag<T>) {
    T* r = elements<T>(out);
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < sizes[d]; ++i) {
        r = std::copy_n(elements<T>(in) + (o * size + source_of(mode, i - before, size)) * inner, inner, r);
      }
    }
  });
  return out;
}

Tensor pad_mode(const Tensor& x, const Dims& pad, PadMode mode) {
  check_pairs(pad, x);
  const auto dims = static_cast<int64_t>(pad.size() / 2);
  if (x.dim() != dims + 1 && x.dim() != dims + 2) {
    throw NotImplementedError(
        cat("Padding size ", pad.size(), " is not supported for ", x.dim(), "D input tensor."));
  }
  Tensor out = x;
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const auto d = x.dim() - 1 - static_cast<int64_t>(i);
    check_width(mode, pad, i, x, d);
    out = pad_dimension(out, d, pad[2 * i], pad[2 * i + 1], mode);
  }
  return out.is_same(x) ? x.clone() : out;
}

void pad(OpCall& c) {
  const std::string& mode = c[2].toStringRef();
  if (mode == "constant") {
    return c.ret(constant_pad(c.tensor(0), c.ints(1), c[3].isNone() ? Scalar(0) : c.scalar(3)));
  }
  if (!c[3].isNone() && c.number(3) != 0) {
    throw RuntimeError(cat("Padding mode \"", mode, "\" doesn't take in value argument"));
  }
  if (mode == "reflect") return c.ret(pad_mode(c.tensor(0), c.ints(1), PadMode::kReflect));
  if (mode == "replicate") return c.ret(pad_mode(c.tensor(0), c.ints(1), PadMode::kReplicate));
  if (mode == "circular") return c.ret(pad_mode(c.tensor(0), c.ints(1), PadMode::kCircular));
  throw NotImplementedError(cat("Unrecognised padding mode ", mode));
}

void constant_pad_nd(OpCall& c) { c.ret(constant_pad(c.tensor(0), c.ints(1), c.scalar(2))); }
void reflection_pad(OpCall& c) { c.ret(pad_mode(c.tensor(0), c.ints(1), PadMode::kReflect)); }
void replication_pad(OpCall& c) { c.ret(pad_mode(c.tensor(0), c.ints(1), PadMode::kReplicate)); }

constexpr OpRow kPadOps[] = {
    {"aten::pad(Tensor self, SymInt[] pad, str mode=\"constant\", float? value=None) -> Tensor", pad},
    {"aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor", constant_pad_nd},
    {"aten::reflection_pad1d(Tensor self, SymInt[2] padding) -> Tensor", reflection_pad},
    {"aten::reflection_pad2d(Tensor self, SymInt[4] padding) -> Tensor", reflection_pad},
    {"aten::reflection_pad3d(Tensor self, SymInt[6] padding) -> Tensor", reflection_pad},
    {"aten::replication_pad1d(Tensor self, SymInt[2] padding) -> Tensor", replication_pad},
    {"aten::replication_pad2d(Tensor self, SymInt[4] padding) -> Tensor", replication_pad},
    {"aten::replication_pad3d(Tensor self, SymInt[6] padding) -> Tensor", replication_pad},
};

}  // namespace

OpTable pad_ops() { return kPadOps; }

}  // namespace calque::ops

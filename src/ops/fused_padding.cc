// Padded batches as the rows of their real tokens, and back.
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "calque/error.h"
#include "kernels/padding/padding.h"
#include "ops/batch_invariance.h"
#include "ops/fused.h"
#include "ops/support.h"

namespace calque::ops {

namespace {

/// What is added to the scores of a padded key is at most this: its weight underflows to 0.
constexpr double kExcluded = -1e4;

bool skip_by_environment() {
  static const bool skip = [] {
    const char* value = std::getenv("CALQUE_PADDING");
    return value != nullptr && std::string_view(value) == "zero";
  }();
  return skip;
}

thread_local bool t_skip = skip_by_environment();

Tensor nothing() { return empty({0}, kLong); }

/// Which keys of a [batch, 1, 1, keys] mask take part; nullopt when some are only weakened.
class KeyMask {
 public:
  KeyMask(const Tensor& mask, std::optional<double> fill, bool is_sdpa)
      : mask_(mask), is_bool_(mask.dtype() == kBool), true_takes_part_(is_sdpa), fill_(fill) {}

  bool is_readable() const {
    if (is_bool_) return true_takes_part_ || (fill_ && *fill_ <= kExcluded);
    return mask_.dtype() == kFloat && !fill_;
  }

  /// 1, 0, or nullopt for something in between.
  std::optional<bool> takes_part(int64_t batch, int64_t key) const {
    const int64_t at = batch * mask_.strides()[0] + key * mask_.strides()[3];
    if (is_bool_) return (static_cast<const uint8_t*>(mask_.raw_data())[at] != 0) == true_takes_part_;
    const float value = static_cast<const float*>(mask_.raw_data())[at];
    if (value == 0) return true;
    return value <= kExcluded ? std::optional(false) : std::nullopt;
  }

 private:
  Tensor mask_;
  bool is_bool_, true_takes_part_;
  std::optional<double> fill_;
};

bool is_key_mask(const Tensor& input, const Tensor& mask) {
  if (input.dtype() != kFloat || input.dim() != 3 || !input.is_contiguous() || mask.dim() != 4) return false;
  const auto same_for_all = [&](size_t d) { return mask.sizes()[d] == 1 || mask.strides()[d] == 0; };
  return mask.size(0) == input.size(0) && mask.size(3) == input.size(1) && same_for_all(1) &&
         same_for_all(2) && (mask.sizes()[2] == 1 || mask.size(2) == input.size(1)) && input.numel() > 0;
}

std::optional<double> fill_of(const IValue& value) {
  if (value.isNone()) return std::nullopt;
  return (value.isTensor() ? value.toTensor().item() : value.toScalar()).to_double();
}

}  // namespace

ScopedPadding::ScopedPadding(bool skip) : previous_(t_skip) { t_skip = skip || previous_; }
ScopedPadding::~ScopedPadding() { t_skip = previous_; }

/// Rows of the real tokens, and where each sequence begins among them. No rows: nothing is left out; then one
/// offset says that the mask is without effect, and none that it has to be applied.
void token_packing(OpCall& call) {
  const Tensor input = call.tensor(0), mask = call.tensor(1);
  call.ret(nothing(), 0);
  call.ret(nothing(), 1);
  if (!is_key_mask(input, mask)) return;
  const KeyMask keys(mask, fill_of(call[2]), call.boolean(3));
  if (!keys.is_readable()) return;
  const int64_t batch = input.size(0), length = input.size(1);
  const Tensor rows = empty({batch * length}, kLong), offsets = empty({batch + 1}, kLong);
  int64_t count = 0;
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t first = count;
    offsets.data_ptr<int64_t>()[b] = first;
    for (int64_t j = 0; j < length; ++j) {
      const std::optional<bool> takes_part = keys.takes_part(b, j);
      if (!takes_part) return;
      if (*takes_part) rows.data_ptr<int64_t>()[count++] = b * length + j;
    }
    // A sequence without a real token is a mean over all of it, which only the mask's arithmetic gives.
    if (count == first) return;
  }
  offsets.data_ptr<int64_t>()[batch] = count;
  // Where masks are applied, they are to every batch: attention may have to take another way for that.
  if (!t_skip && batch_invariant()) return;
  if (count == batch * length) return call.ret(zeros({1}, kLong), 1);
  if (!t_skip) return;
  call.ret(rows.slice(0, 0, count), 0);
  call.ret(offsets, 1);
}

void pack_tokens(OpCall& call) {
  const Tensor input = call.tensor(0), rows = call.tensor(1);
  if (rows.numel() == 0) return call.ret(input);
  const int64_t width = input.size(2);
  const Tensor packed = empty({1, rows.numel(), width}, kFloat);
  kernels::pack_rows({.row_bytes = width * input.itemsize(),
                      .index = rows.data_ptr<int64_t>(),
                      .count = rows.numel(),
                      .padded_rows = input.size(0) * input.size(1)},
                     input.raw_data(), packed.raw_data());
  call.ret(packed);
}

void unpack_tokens(OpCall& call) {
  const Tensor rows = call.tensor(1), like = call.tensor(2);
  if (rows.numel() == 0) return call.ret(call.tensor(0));
  const Tensor packed = call.tensor(0).contiguous();
  const int64_t width = packed.numel() / rows.numel();
  Dims sizes = to_dims(packed.sizes());
  sizes[0] = like.size(0);
  sizes[1] = like.size(1);
  const Tensor padded = empty(sizes, packed.dtype());
  kernels::unpack_rows({.row_bytes = width * packed.itemsize(),
                        .index = rows.data_ptr<int64_t>(),
                        .count = rows.numel(),
                        .padded_rows = like.size(0) * like.size(1)},
                       packed.raw_data(), padded.raw_data());
  call.ret(padded);
}

}  // namespace calque::ops

// One vector for each sequence from those of its tokens, and vectors of length one.
#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <optional>
#include <vector>

#include "kernels/pooling/pooling.h"
#include "ops/arithmetic.h"
#include "ops/composite.h"
#include "ops/fused.h"
#include "ops/support.h"

namespace calque::ops {

namespace {

/// The kernel sums, but for what the weights of a sequence are: that is looked at for each one, so that none
/// depends on the others.
bool fits_kernel(const Tensor& hidden, const Tensor& mask) {
  return hidden.dtype() == kFloat && hidden.dim() == 3 && hidden.size(2) > 0 && mask.dtype() == kLong &&
         mask.dim() == 2 && mask.size(0) == hidden.size(0) && mask.size(1) == hidden.size(1);
}

/// Tokens count or not, and some do. Other weights, and none, need the arithmetic.
bool selects_tokens(const int64_t* row, int64_t length) {
  return std::all_of(row, row + length, [](int64_t x) { return x == 0 || x == 1; }) &&
         std::count(row, row + length, 1) > 0;
}

/// No element of the tokens that do not count is NaN or infinite, which times 0 is NaN and not 0.
bool others_are_finite(const float* hidden, const int64_t* row, int64_t length, int64_t cols) {
  constexpr uint32_t kExponent = 0x7F800000;
  for (int64_t t = 0; t < length; ++t) {
    if (row[t] != 0) continue;
    uint32_t found = 0;
    for (int64_t i = 0; i < cols; ++i)
      found |=
          static_cast<uint32_t>((std::bit_cast<uint32_t>(hidden[t * cols + i]) & kExponent) == kExponent);
    if (found != 0) return false;
  }
  return true;
}

/// How the weights of tokens are made of the mask, and what their sum is at least.
struct MeanForm {
  ScalarType dtype;
  bool is_expanded;
  std::optional<IValue> least;  // an int keeps the dtype of integers
};

Tensor pooled(const Tensor& hidden, const std::vector<int64_t>& offsets, const int64_t* mask) {
  const auto sequences = static_cast<int64_t>(offsets.size()) - 1;
  const int64_t cols = hidden.size(2);
  const Tensor out = empty({sequences, cols}, kFloat);
  kernels::mean_pool({.sequences = sequences,
                      .cols = cols,
                      .offsets = offsets.data(),
                      .x = hidden.data_ptr<float>(),
                      .x_row = cols,
                      .mask = mask,
                      .out = out.data_ptr<float>(),
                      .out_row = cols});
  return out;
}

Tensor mean_by_steps(const Tensor& hidden, const Tensor& mask, const MeanForm& form) {
  Tensor weights = mask.unsqueeze(-1).to(form.dtype);
  if (form.is_expanded) weights = weights.expand(hidden.sizes());
  const IValue tokens = std::vector<int64_t>{1};
  Tensor count = invoke("aten::sum.dim_IntList", {weights, tokens, false});
  if (form.least) count = invoke("aten::clamp", {count, *form.least});
  return div(invoke("aten::sum.dim_IntList", {mul(hidden, weights), tokens, false}), count);
}

Tensor mean_by_kernel(const Tensor& hidden, const Tensor& mask, const MeanForm& form) {
  std::vector<int64_t> offsets;
  for (int64_t b = 0; b <= hidden.size(0); ++b) offsets.push_back(b * hidden.size(1));
  const Tensor selected = mask.contiguous();
  const auto* const rows = selected.data_ptr<int64_t>();
  const Tensor dense = hidden.contiguous();
  const Tensor out = pooled(dense, offsets, rows);
  const int64_t length = hidden.size(1), cols = hidden.size(2);
  for (int64_t b = 0; b < hidden.size(0); ++b) {
    const int64_t* const row = rows + b * length;
    if (selects_tokens(row, length) &&
        others_are_finite(dense.data_ptr<float>() + b * length * cols, row, length, cols))
      continue;
    out.slice(0, b, b + 1).copy_(mean_by_steps(hidden.slice(0, b, b + 1), mask.slice(0, b, b + 1), form));
  }
  return out;
}

/// The mask is 1 at these places of the batch and 0 at all others.
bool selects_rows(const Tensor& mask, const Tensor& rows) {
  const Tensor flat = mask.to(kDouble).contiguous();
  const auto* const weight = flat.data_ptr<double>();
  const auto* row = rows.data_ptr<int64_t>();
  const auto* const end = row + rows.numel();
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const bool is_packed = row != end && *row == i;
    if (weight[i] != (is_packed ? 1.0 : 0.0)) return false;
    if (is_packed) ++row;
  }
  return row == end;
}

/// The tokens at their places in a batch of the sizes of `like`, zeros elsewhere.
Tensor padded(const Tensor& hidden, const Tensor& rows, const Tensor& like) {
  const std::array<IValue, 3> arguments = {hidden, rows, like};
  std::array<IValue, 1> result;
  OpCall call(arguments, result);
  unpack_tokens(call);
  return result[0].toTensor();
}

}  // namespace

/// The mean of the tokens that the mask selects: sum(hidden * mask, 1) / clamp(sum(mask, 1), least). With
/// more than one offset, `hidden` holds the tokens of all sequences one after the other, those at `rows` of
/// the padded batch.
void mean_pool(OpCall& call) {
  Tensor hidden = call.tensor(0);
  const Tensor mask = call.tensor(1);
  const std::optional<Tensor> offsets = call.optional_tensor(5);
  if (offsets && offsets->numel() > 1) {
    const Tensor rows = call.tensor(6);
    if (selects_rows(mask, rows)) {
      const auto* const first = offsets->data_ptr<int64_t>();
      return call.ret(pooled(hidden.contiguous(), {first, first + offsets->numel()}, nullptr));
    }
    hidden = padded(hidden, rows, call.tensor(7));
  }
  const MeanForm form{.dtype = static_cast<ScalarType>(call.integer(2)),
                      .is_expanded = call.boolean(3),
                      .least = call[4].isNone() ? std::nullopt : std::optional<IValue>(call[4])};
  const double least = form.least ? form.least->toScalar().to_double() : 1;
  const bool fast = fits_kernel(hidden, mask) && form.dtype == kFloat && least > 0 && least <= 1;
  call.ret(fast ? mean_by_kernel(hidden, mask, form) : mean_by_steps(hidden, mask, form));
}

/// x / max(|x|, least) along a dimension, as torch.nn.functional.normalize; `least` 0 for x / |x|.
void normalize(OpCall& call) {
  const Tensor x = call.tensor(0);
  const int64_t dim = call.integer(1);
  const double least = call[2].toScalar().to_double();
  if (x.dtype() == kFloat && x.dim() == 2 && (dim == 1 || dim == -1) && x.numel() > 0) {
    const Tensor in = x.contiguous();
    std::vector<int64_t> offsets(static_cast<size_t>(x.size(0)) + 1);
    std::iota(offsets.begin(), offsets.end(), 0);
    const Tensor out = empty(x.sizes(), kFloat);
    kernels::first_pool({.sequences = x.size(0),
                         .cols = x.size(1),
                         .offsets = offsets.data(),
                         .x = in.data_ptr<float>(),
                         .x_row = x.size(1),
                         .out = out.data_ptr<float>(),
                         .out_row = x.size(1),
                         .normalise = true,
                         .eps = static_cast<float>(least)});
    return call.ret(out);
  }
  const IValue dims = std::vector<int64_t>{dim};
  Tensor norm = invoke("aten::linalg_vector_norm", {x, 2.0, dims, true});
  if (least > 0) norm = invoke("aten::clamp_min", {norm, least});
  call.ret(div(x, norm));
}

}  // namespace calque::ops

// Operators that passes put in the place of several: one file each, its reference the operators it stands
// for. Programs cannot name them, and saved archives do not hold them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ops/operator.h"

namespace calque::ops {

/// `calque::linear` and so on; a CHECK for unknown names.
const Operator& fused_operator(std::string_view name);

/// Does what is done once for constant arguments of a fused operator: packs weights. `arguments` are those of
/// a call, with None in the place of what is not known before a run. Does nothing for operators without such
/// work.
void prepare_fused(const Operator& op, std::span<const IValue> arguments);

/// What `calque::linear` does to the product before it adds the residual.
enum class LinearActivation : int64_t { kNone, kRelu, kTanh, kGelu, kGeluTanh, kSilu, kQuickGelu };

/// The activation by itself, of a tensor of any dtype.
Tensor activated(const Tensor& x, LinearActivation activation);

/// The other forms that the weight and the bias of `calque::linear` come in, for programs that write
/// `matmul(x, factor) + added`: a factor that `calque::matmul_weight` found to be no matrix, and what `add`
/// adds, whatever its shape. nullopt for values that a linear takes.
std::optional<Tensor> matmul_factor(const IValue& weight);
std::optional<Tensor> added_tensor(const IValue& bias);

/// How products are computed; the rest stays float32. The numbers of jit::Precision.
enum class Arithmetic : int64_t { kFloat32, kBFloat16, kInt8, kInt8Weights, kInt4Weights };

/// While one lives with `skip`, this thread leaves padded positions out instead of computing them.
class ScopedPadding {
 public:
  explicit ScopedPadding(bool skip);
  ~ScopedPadding();
  ScopedPadding(const ScopedPadding&) = delete;
  ScopedPadding& operator=(const ScopedPadding&) = delete;

 private:
  bool previous_;
};

/// `calque::attention` and friends, for one row of the table in fused.cc each.
void fused_linear(OpCall& call);
void fused_linears(OpCall& call);
void matmul_weight(OpCall& call);
void fused_activation(OpCall& call);
void fused_attention(OpCall& call);
void embedding_sum(OpCall& call);
void embedding_size(OpCall& call);
void mean_pool(OpCall& call);
void normalize(OpCall& call);
void shared_cat(OpCall& call);
void token_packing(OpCall& call);
void pack_tokens(OpCall& call);
void unpack_tokens(OpCall& call);
void fused_linear_norm(OpCall& call);
void fused_feed_forward(OpCall& call);
void prepare_linear(std::span<const IValue> arguments);
void prepare_linears(std::span<const IValue> arguments);
void prepare_linear_norm(std::span<const IValue> arguments);
void prepare_feed_forward(std::span<const IValue> arguments);

}  // namespace calque::ops

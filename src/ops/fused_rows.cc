// Layers that treat rows one by one, a block of rows through all of them before the next: what passes between
// them stays in the second-level cache.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/threads.h"
#include "ops/fused.h"
#include "ops/norm.h"
#include "ops/support.h"
#include "tensor/block_cache.h"

namespace calque::ops {

namespace {

/// The arguments of `calque::linear` but its input and residual.
struct LinearStep {
  IValue weight;
  IValue bias;
  IValue activation;
  IValue precision;
};

struct NormStep {
  Dims shape;
  std::optional<Tensor> weight;
  std::optional<Tensor> bias;
  double eps = 0;
};

/// Linears one after another, the last of which adds the residual; then the normalisation.
struct RowSteps {
  std::vector<LinearStep> linears;
  std::optional<NormStep> norm;
};

constexpr size_t kLinearArguments = 4;

/// Of a call: input, four for each linear, residual, then shape (None for no normalisation), weight, bias,
/// eps.
RowSteps steps_of(const OpCall& call, size_t linears) {
  RowSteps steps;
  for (size_t i = 0; i < linears; ++i) {
    const size_t at = 1 + kLinearArguments * i;
    steps.linears.push_back(
        {.weight = call[at], .bias = call[at + 1], .activation = call[at + 2], .precision = call[at + 3]});
  }
  const size_t at = 2 + kLinearArguments * linears;
  if (!call[at].isNone()) {
    steps.norm = NormStep{.shape = call.ints(at),
                          .weight = call.optional_tensor(at + 1),
                          .bias = call.optional_tensor(at + 2),
                          .eps = call.number(at + 3)};
  }
  return steps;
}

Tensor apply(const LinearStep& step, const Tensor& input, const std::optional<Tensor>& residual) {
  static const Operator& op = fused_operator("calque::linear");
  std::array<IValue, 6> arguments = {
      input,         step.weight, step.bias, step.activation, residual ? IValue(*residual) : IValue(),
      step.precision};
  IValue result;
  op.call(arguments, std::span(&result, 1));
  return result.toTensor();
}

Tensor apply_linears(const RowSteps& steps, const Tensor& input, const std::optional<Tensor>& residual) {
  Tensor x = input;
  for (const LinearStep& step : steps.linears) {
    const bool is_last = &step == &steps.linears.back();
    x = apply(step, x, is_last ? residual : std::nullopt);
  }
  return x;
}

/// Half of a common second-level cache; the other half is for weights. Products of bytes take less time, in
/// which fewer rows balance better.
constexpr int64_t kBlockBytes = 400 << 10;
constexpr int64_t kByteBlockBytes = 200 << 10;
/// With fewer rows a float32 weight is used too rarely for what reading it again costs.
constexpr int64_t kMinFloatRows = 64;
constexpr int64_t kMinBlockRows = 32;
constexpr int64_t kMaxBlockRows = 128;

std::optional<Tensor> bias_of(const LinearStep& step) {
  if (step.bias.isTensor()) return step.bias.toTensor();
  return added_tensor(step.bias);
}

/// The widest that a row becomes, as far as that can be seen.
int64_t widest_row(const RowSteps& steps, int64_t columns) {
  for (const LinearStep& step : steps.linears) {
    if (const std::optional<Tensor> bias = bias_of(step)) columns = std::max(columns, bias->numel());
  }
  return columns;
}

bool is_all(const RowSteps& steps, Arithmetic arithmetic) {
  return std::all_of(steps.linears.begin(), steps.linears.end(), [arithmetic](const LinearStep& step) {
    return static_cast<Arithmetic>(step.precision.toInt()) == arithmetic;
  });
}

/// How many rows of an input a block has; 0 when one block for all is best. A block for each thread is
/// enough: what passes between the layers then never leaves the thread's own cache.
int64_t block_rows(const RowSteps& steps, int64_t rows, int64_t columns) {
  if (ThreadPool::in_parallel()) return 0;
  const int64_t threads = get_num_threads();
  const int64_t row_bytes = widest_row(steps, columns) * static_cast<int64_t>(sizeof(float));
  const bool is_float32 = is_all(steps, Arithmetic::kFloat32);
  const int64_t fit = (is_all(steps, Arithmetic::kInt8) ? kByteBlockBytes : kBlockBytes) / row_bytes;
  const int64_t least = is_float32 ? kMinFloatRows : kMinBlockRows;
  if (rows < least * threads || (is_float32 && fit < least)) return 0;
  const int64_t most = std::clamp(fit, least, kMaxBlockRows);
  const int64_t blocks = (rows + most - 1) / most;
  const int64_t even = (blocks + threads - 1) / threads * threads;
  constexpr int64_t kTileRows = 8;
  return ((rows + even - 1) / even + kTileRows - 1) / kTileRows * kTileRows;
}

bool is_dense_float(const Tensor& tensor) {
  return tensor.dtype() == kFloat && tensor.dim() >= 2 && tensor.numel() > 0 && tensor.is_contiguous();
}

/// Columns of a linear's result when its weight and bias fit an input with `depth` columns.
std::optional<int64_t> columns_of(const LinearStep& step, int64_t depth) {
  std::optional<int64_t> columns;
  if (matmul_factor(step.weight)) return std::nullopt;
  if (step.weight.isTensor()) {
    const Tensor weight = step.weight.toTensor();
    if (weight.dim() != 2 || weight.size(1) != depth) return std::nullopt;
    columns = weight.size(0);
  }
  const std::optional<Tensor> bias = bias_of(step);
  if (!bias) return columns;
  if (bias->dim() != 1) return std::nullopt;
  const int64_t count = bias->numel();
  return !columns || *columns == count ? std::optional(count) : std::nullopt;
}

/// Columns of the result; nullopt when something does not fit, or only the operators themselves can tell.
std::optional<int64_t> result_columns(const RowSteps& steps, const Tensor& input,
                                      const std::optional<Tensor>& residual) {
  std::optional<int64_t> columns = input.size(-1);
  for (const LinearStep& step : steps.linears) {
    columns = columns_of(step, *columns);
    if (!columns) return std::nullopt;
  }
  if (steps.norm && steps.norm->shape != Dims{*columns}) return std::nullopt;
  if (!residual) return columns;
  Dims sizes = to_dims(input.sizes());
  sizes.back() = *columns;
  const bool fits = is_dense_float(*residual) && std::ranges::equal(residual->sizes(), sizes);
  return fits ? columns : std::nullopt;
}

Tensor as_rows(const Tensor& tensor) {
  return tensor.view(Dims{tensor.numel() / tensor.size(-1), tensor.size(-1)});
}

/// Normalises `x` into rows of the result.
void finish(const RowSteps& steps, const Tensor& rows, const Tensor& x) {
  check(std::ranges::equal(x.sizes(), rows.sizes()),
        "fused rows: a block's rows are not those of the result");
  if (!steps.norm) return rows.copy_(x);
  layer_norm_into(rows, x, steps.norm->shape, steps.norm->weight, steps.norm->bias, steps.norm->eps);
}

/// nullopt when this has to be computed at once.
std::optional<Tensor> by_blocks(const RowSteps& steps, const Tensor& input,
                                const std::optional<Tensor>& residual) {
  if (!is_dense_float(input)) return std::nullopt;
  const std::optional<int64_t> columns = result_columns(steps, input, residual);
  if (!columns) return std::nullopt;
  const int64_t rows = input.numel() / input.size(-1);
  const int64_t block = block_rows(steps, rows, std::max(*columns, input.size(-1)));
  if (block == 0) return std::nullopt;
  Dims sizes = to_dims(input.sizes());
  sizes.back() = *columns;
  Tensor out = empty(sizes, kFloat);
  const Tensor x = as_rows(input), y = as_rows(out);
  const std::optional<Tensor> added = residual ? std::optional(as_rows(*residual)) : std::nullopt;
  parallel_for(0, rows, block, [&](int64_t lo, int64_t hi) {
    const ScopedBlockCache scope;
    finish(steps, y.slice(0, lo, hi),
           apply_linears(steps, x.slice(0, lo, hi),
                         added ? std::optional(added->slice(0, lo, hi)) : std::nullopt));
  });
  return out;
}

void run_rows(OpCall& call, size_t linears) {
  const Tensor input = call.tensor(0);
  const RowSteps steps = steps_of(call, linears);
  const std::optional<Tensor> residual = call.optional_tensor(1 + kLinearArguments * linears);
  if (std::optional<Tensor> out = by_blocks(steps, input, residual)) return call.ret(std::move(*out));
  Tensor x = apply_linears(steps, input, residual);
  if (!steps.norm) return call.ret(std::move(x));
  call.ret(layer_norm(x, steps.norm->shape, steps.norm->weight, steps.norm->bias, steps.norm->eps));
}

void prepare_rows(std::span<const IValue> arguments, size_t linears) {
  for (size_t i = 0; i < linears; ++i) {
    const size_t at = 1 + kLinearArguments * i;
    const std::array<IValue, 6> linear = {IValue(),          arguments[at], arguments[at + 1],
                                          arguments[at + 2], IValue(),      arguments[at + 3]};
    prepare_linear(linear);
  }
}

}  // namespace

void fused_linear_norm(OpCall& call) { run_rows(call, 1); }
void fused_feed_forward(OpCall& call) { run_rows(call, 2); }
void prepare_linear_norm(std::span<const IValue> arguments) { prepare_rows(arguments, 1); }
void prepare_feed_forward(std::span<const IValue> arguments) { prepare_rows(arguments, 2); }

}  // namespace calque::ops

// What one call costs, by running it on made-up inputs.
#include <algorithm>
#include <chrono>
#include <map>
#include <string_view>

#include "base/text.h"
#include "calque/error.h"
#include "jit/check_parts.h"
#include "jit/executable.h"
#include "ops/operator.h"
#include "runtime/executor.h"

namespace calque::jit {

namespace {

class Counter final : public runtime::Observer {
 public:
  void called(const Node& node, std::span<const IValue> arguments, std::span<const IValue> results,
              int64_t bytes_in_use) override {
    ++calls;
    peak = std::max(peak, bytes_in_use);
    products += multiply_adds(node.op->name(), arguments, results);
  }
  int64_t calls = 0, peak = 0, products = 0;
};

/// Token ids that any vocabulary has, ones for masks, zeros for the rest; 0.5 when it has to be floats.
Tensor made_up_tensor(const std::string& name, const std::vector<int64_t>& shape, ScalarType dtype) {
  if (dtype != kInt64) return full(shape, 0.5, dtype);
  const bool ones = name.find("mask") != std::string::npos || name.find("ids") == std::string::npos;
  const Tensor tensor = full(shape, ones ? 1 : 0, kInt64);
  if (name.find("input_ids") != std::string::npos) {
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.data_ptr<int64_t>()[i] = 1 + i % 10;
  }
  return tensor;
}

IValue made_up(const Argument& argument, const std::vector<int64_t>& shape, ScalarType dtype) {
  const Type& type =
      argument.type->kind() == TypeKind::Optional ? *argument.type->contained()[0] : *argument.type;
  switch (type.kind()) {
    case TypeKind::Tensor:
      return made_up_tensor(argument.name, shape, dtype);
    case TypeKind::Int:
      return 1;
    case TypeKind::Float:
      return 1.0;
    case TypeKind::Bool:
      return false;
    default:
      throw ValueError(cat("argument '", argument.name, "' is of type ", argument.type->annotation(),
                           ": no value can be made up for it. Run it on inputs of yours with `calque run`"));
  }
}

void run_on(const Method& method, ScalarType dtype, const RunOptions& options, ShapeCost& cost) {
  const std::vector<Argument>& arguments = method.function().schema.arguments;
  std::vector<IValue> values = {IValue(method.owner()._ivalue())};
  cost.made.clear();
  for (size_t i = 1; i < arguments.size(); ++i) {
    const Argument& argument = arguments[i];
    values.push_back(argument.default_value ? *argument.default_value : made_up(argument, cost.shape, dtype));
    if (!argument.default_value && values.back().isTensor())
      cost.made.push_back(cat(argument.name, ": ", dtype_name(dtype), cat(std::span(cost.shape))));
  }
  RunOptions limits = options;
  if (limits.max_memory == 0) limits.max_memory = INT64_MAX;
  Counter counter;
  const auto start = std::chrono::steady_clock::now();
  run_function(method.function(), std::move(values), limits, &counter);
  cost.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  cost.operator_calls = counter.calls;
  cost.activation_bytes = counter.peak;
  cost.multiply_adds = counter.products;
  cost.ran = true;
}

/// Product of the sizes of all letters of `ij,jk->ik`; 0 when it is of another form.
int64_t einsum_products(const std::string& equation, const std::vector<Tensor>& operands) {
  std::map<char, int64_t> sizes;
  size_t operand = 0;
  int64_t dim = 0;
  for (const char c : equation.substr(0, equation.find("->"))) {
    if (c == ' ') continue;
    if (c == ',') {
      ++operand;
      dim = 0;
      continue;
    }
    if (operand >= operands.size() || dim >= operands[operand].dim() || c == '.') return 0;
    sizes[c] = std::max(sizes[c], operands[operand].size(dim++));
  }
  int64_t products = 1;
  for (const auto& [letter, size] : sizes) products *= size;
  return products;
}

int64_t attention_products(const Tensor& query, const Tensor& key, const Tensor& value) {
  if (query.dim() < 2 || key.dim() < 2 || query.size(-1) == 0) return 0;
  return query.numel() / query.size(-1) * key.size(-2) * (query.size(-1) + value.size(-1));
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

int64_t multiply_adds(std::string_view name, std::span<const IValue> arguments,
                      std::span<const IValue> results) {
  const auto is_tensor = [&](size_t i) {
    return i < arguments.size() && arguments[i].tensor_impl() != nullptr;
  };
  if (results.empty() || results[0].tensor_impl() == nullptr) return 0;
  const Tensor result = results[0].toTensor();
  // Every element of the result is a sum over the last dim of the left factor.
  const auto sums_of = [&](size_t left) {
    if (!is_tensor(left)) return int64_t{0};
    const Tensor factor = arguments[left].toTensor();
    return factor.dim() == 0 ? int64_t{0} : result.numel() * factor.size(-1);
  };
  if (is_one_of(name, {"aten::mm", "aten::bmm", "aten::matmul", "aten::linalg_matmul", "aten::linear",
                       "aten::mv", "aten::dot", "aten::vdot", "aten::inner", "quantized::linear_dynamic"})) {
    return sums_of(0);
  }
  if (is_one_of(name, {"aten::addmm", "aten::addmm_", "aten::baddbmm", "aten::baddbmm_", "aten::addmv"}))
    return sums_of(1);
  if (is_one_of(name, {"aten::conv1d", "aten::conv2d", "aten::conv3d", "aten::_convolution",
                       "aten::convolution"}) &&
      is_tensor(1)) {
    const Tensor weight = arguments[1].toTensor();
    const bool transposed = arguments.size() > 6 && arguments[6].isBool() && arguments[6].toBool();
    const int64_t rows = weight.dim() == 0 ? 0 : weight.size(0);
    if (rows == 0) return 0;
    return (transposed ? arguments[0].toTensor().numel() : result.numel()) * (weight.numel() / rows);
  }
  if (name == "aten::scaled_dot_product_attention" && is_tensor(0) && is_tensor(1) && is_tensor(2)) {
    return attention_products(arguments[0].toTensor(), arguments[1].toTensor(), arguments[2].toTensor());
  }
  if (name == "aten::einsum" && arguments[0].isString() && arguments[1].isTensorList())
    return einsum_products(arguments[0].toStringRef(), arguments[1].toTensorVector());
  return 0;
}

ShapeCost measure_cost(const Method& method, const std::vector<int64_t>& shape, const RunOptions& options) {
  ShapeCost cost{.shape = shape, .error = {}, .made = {}};
  try {
    run_on(method, kInt64, options, cost);
    return cost;
  } catch (const Error& error) {
    cost.error = error.what();
  }
  try {
    run_on(method, kFloat32, options, cost);
    cost.error.clear();
  } catch (const Error& error) {
    cost.made.clear();
    if (cost.error != error.what()) cost.error += cat("\nwith float32 inputs: ", error.what());
  }
  return cost;
}

}  // namespace calque::jit

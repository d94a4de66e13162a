// Inputs of a fixed seed, for a conversion without calibration.
#include <random>
#include <string_view>

#include "base/text.h"
#include "calque/error.h"
#include "jit/quantize_parts.h"
#include "ops/operator.h"
#include "passes/match.h"

namespace calque::jit {

namespace {

constexpr int kSamples = 8;
constexpr int64_t kBatch = 2, kLength = 32;

/// How the program reads an argument.
struct Reading {
  int64_t ids = 0;       ///< rows of the least embedding that it indexes; 0 when none
  int64_t channels = 0;  ///< of the linear that it enters; 0 when none
};

int64_t size_of(const Value* constant, size_t dim) {
  const IValue* value = passes::constant_of(constant);
  const TensorImpl* tensor = value == nullptr ? nullptr : value->tensor_impl();
  return tensor != nullptr && tensor->sizes.size() == 2 ? tensor->sizes[dim] : 0;
}

Reading reading_of(const Value* value) {
  Reading reading;
  for (const Value::Use& use : value->uses) {
    if (passes::calls(*use.user, "aten::embedding") && use.offset == 1) {
      const int64_t rows = size_of(use.user->input(0), 0);
      if (rows > 0 && (reading.ids == 0 || rows < reading.ids)) reading.ids = rows;
    }
    if (passes::calls(*use.user, "aten::linear") && use.offset == 0)
      reading.channels = size_of(use.user->input(1), 1);
  }
  return reading;
}

IValue seeded(const Argument& argument, const Reading& reading, std::mt19937& random) {
  if (argument.default_value) return *argument.default_value;
  if (reading.channels > 0) {
    const Tensor tensor = empty({kLength, reading.channels}, kFloat);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.data_ptr<float>()[i] = normal(random);
    return tensor;
  }
  const bool is_mask = argument.name.find("mask") != std::string::npos;
  if (argument.type->kind() != TypeKind::Tensor || (!is_mask && reading.ids == 0)) {
    throw ValueError(cat("quantize: no value can be made up for the argument ", quoted(argument.name),
                         " of type ", argument.type->annotation(), ": give calibration inputs"));
  }
  const Tensor tensor = full(Dims{kBatch, kLength}, 1, kInt64);
  if (is_mask) return tensor;
  std::uniform_int_distribution<int64_t> ids(0, reading.ids - 1);
  for (int64_t i = 0; i < tensor.numel(); ++i) tensor.data_ptr<int64_t>()[i] = ids(random);
  return tensor;
}

}  // namespace

Samples seeded_samples(const Module& module) {
  const Function& forward = module.get_method("forward").function();
  std::mt19937 random(0);  // NOLINT(bugprone-random-generator-seed): the same samples each time
  Samples samples(kSamples);
  for (CalibrationCall& sample : samples) {
    for (size_t i = 1; i < forward.schema.arguments.size(); ++i)
      sample.inputs.push_back(
          seeded(forward.schema.arguments[i], reading_of(forward.graph->inputs()[i]), random));
  }
  return samples;
}

}  // namespace calque::jit

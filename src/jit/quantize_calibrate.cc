// What layers are multiplied by, and what comes out, on samples.
#include <algorithm>
#include <cmath>

#include "jit/executable.h"
#include "jit/quantize_parts.h"
#include "ops/operator.h"
#include "runtime/executor.h"

namespace calque::jit {

namespace {

constexpr int64_t kMostRows = 512;  // of one layer
constexpr int64_t kFewestRows = 4;  // of one call

class InputRecorder final : public runtime::Observer {
 public:
  InputRecorder(InputsByWeight& inputs, int64_t samples)
      : inputs_(inputs), rows_per_call_(std::max(kFewestRows, kMostRows / samples)) {}

  void called(const Node& node, std::span<const IValue> arguments, std::span<const IValue>,
              int64_t) override {
    if (node.op->name() != "aten::linear") return;
    const TensorImpl* weight = arguments[1].tensor_impl();
    if (weight == nullptr || weight->sizes.size() != 2 || weight->dtype != kFloat) return;
    const Tensor x = arguments[0].toTensor().contiguous();
    if (x.dtype() == kFloat && x.dim() > 0 && x.size(-1) > 0) record(x, inputs_[weight]);
  }

 private:
  void record(const Tensor& x, LayerInputs& into) const {
    const int64_t k = x.size(-1), rows = x.numel() / k;
    into.greatest.resize(static_cast<size_t>(k));
    const float* const data = x.data_ptr<float>();
    for (int64_t i = 0; i < rows * k; ++i) {
      float& greatest = into.greatest[static_cast<size_t>(i % k)];
      greatest = std::max(greatest, std::abs(data[i]));
    }
    const int64_t wanted = std::min({rows, rows_per_call_, kMostRows - into.sampled});
    for (int64_t i = 0; i < wanted; ++i) {
      const float* const row = data + i * rows / wanted * k;
      into.rows.insert(into.rows.end(), row, row + k);
    }
    into.sampled += std::max(wanted, int64_t{0});
  }

  InputsByWeight& inputs_;
  int64_t rows_per_call_;
};

void collect(const IValue& value, Outputs& into) {
  if (value.isTensor()) {
    into.push_back(value.toTensor());
  } else if (value.isTuple()) {
    for (const IValue& item : value.tuple_impl()->items) collect(item, into);
  } else if (value.isList()) {
    for (const IValue& item : value.list_impl()->items) collect(item, into);
  } else if (value.isGenericDict()) {
    for (const auto& [key, item] : value.dict_impl()->entries) collect(item, into);
  }
}

Outputs run(const Module& module, const CalibrationCall& sample, runtime::Observer* observer) {
  const Method forward = module.get_method("forward");
  std::vector<IValue> arguments = {IValue(module._ivalue())};
  arguments.insert(arguments.end(), sample.inputs.begin(), sample.inputs.end());
  Outputs outputs;
  collect(run_function(forward.function(),
                       bind_arguments(forward.function().schema, std::move(arguments), sample.kwargs), {},
                       observer),
          outputs);
  return outputs;
}

}  // namespace

Calibration calibrate(const Module& module, const Samples& samples) {
  Calibration found;
  InputRecorder recorder(found.inputs, static_cast<int64_t>(samples.size()));
  for (const CalibrationCall& sample : samples) found.outputs.push_back(run(module, sample, &recorder));
  return found;
}

std::vector<Outputs> run_samples(const Module& module, const Samples& samples) {
  std::vector<Outputs> outputs;
  for (const CalibrationCall& sample : samples) outputs.push_back(run(module, sample, nullptr));
  return outputs;
}

}  // namespace calque::jit

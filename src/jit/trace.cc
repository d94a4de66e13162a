#include "jit/trace.h"

#include "base/text.h"
#include "calque/error.h"
#include "jit/trace_recorder.h"
#include "models/model.h"
#include "nn/functional.h"

namespace calque::jit {
namespace {

/// Holds an input of a static trace to the shape of its example. A constant of the example's shape is
/// expanded to the true shape, which fails for another length, and the input is expanded to the example's
/// shape, which fails for another batch size. Everything depends on the result, so the check stays in the
/// graph.
Tensor guarded(TraceRecorder& recorder, const Tensor& input) {
  if (input.dim() == 0) return input;
  Dims sizes(input.sizes().begin(), input.sizes().end());
  std::vector<nn::Int> true_sizes;
  true_sizes.reserve(sizes.size() + 1);
  for (int64_t d = 0; d < input.dim(); ++d) true_sizes.push_back(nn::true_size(input, d));
  const bool is_batch_of_ids = input.dim() == 2;
  if (is_batch_of_ids) {
    sizes.insert(sizes.begin() + 1, 1);
    true_sizes.insert(true_sizes.begin() + 1, 1);
  }
  const Tensor example = ones(sizes, input.dtype());
  recorder.add_constant(example);
  Tensor mask = nn::expand(example, true_sizes);
  if (is_batch_of_ids) mask = nn::select(mask, 1, 0);
  const Tensor kept = nn::mul(input, mask);
  return nn::expand(kept, std::vector<nn::Int>(input.sizes().begin(), input.sizes().end()));
}

void require_tensors(const std::vector<Tensor>& inputs) {
  if (inputs.empty()) throw ValueError("trace() needs at least one example input");
  for (const Tensor& input : inputs) {
    if (!input.defined()) throw ValueError("an example input of trace() is an undefined tensor");
  }
}

/// Positions in input_names() of the inputs that are given.
TraceTarget model_target(const transformers::PreTrainedModel& model, const std::vector<size_t>& positions,
                         bool as_dict) {
  const models::Model& root = model.impl();
  TraceTarget target{root, {}, {}};
  for (const size_t position : positions) target.input_names.push_back(root.input_names()[position]);
  target.forward = [&root, positions, as_dict](const std::vector<Tensor>& tensors) {
    models::ModelInputs inputs(root.input_names().size());
    for (size_t i = 0; i < positions.size(); ++i) inputs[positions[i]] = tensors[i];
    const models::ModelOutputs outputs = root.forward(inputs);
    return as_dict ? models::to_dict(outputs) : models::to_tuple(outputs);
  };
  return target;
}

}  // namespace

Module trace_target(const TraceTarget& target, const std::vector<Tensor>& example_inputs,
                    const TraceOptions& options) {
  require_tensors(example_inputs);
  TraceRecorder recorder(target.root, {options.static_shapes, options.on_warning});
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < example_inputs.size(); ++i) {
    // A view has an identity of its own, even when one tensor is given twice.
    inputs.push_back(example_inputs[i].view(example_inputs[i].sizes()));
    recorder.add_input(target.input_names[i], inputs.back());
  }
  Module traced;
  {
    const nn::RecordingScope recording(&recorder);
    if (options.static_shapes) {
      for (Tensor& input : inputs) input = guarded(recorder, input);
    }
    traced = recorder.finish(target.forward(inputs));
  }
  if (options.check_trace) check_trace(traced, target, example_inputs, options);
  return traced;
}

Module trace(const transformers::PreTrainedModel& model,
             const std::vector<std::pair<std::string, Tensor>>& example_kwarg_inputs,
             const TraceOptions& options) {
  const models::ModelInputs bound = models::bind_inputs(model.impl(), {}, example_kwarg_inputs);
  std::vector<size_t> positions;
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < bound.size(); ++i) {
    if (!bound[i].has_value()) continue;
    positions.push_back(i);
    inputs.push_back(*bound[i]);
  }
  const bool as_dict = !options.strict && model.impl().use_return_dict();
  return trace_target(model_target(model, positions, as_dict), inputs, options);
}

Module trace(const transformers::PreTrainedModel& model, const std::vector<Tensor>& example_inputs,
             const TraceOptions& options) {
  const std::vector<std::string>& names = model.impl().input_names();
  models::bind_inputs(model.impl(), example_inputs, {});
  std::vector<std::pair<std::string, Tensor>> named;
  for (size_t i = 0; i < example_inputs.size(); ++i) {
    if (example_inputs[i].defined()) named.emplace_back(names[i], example_inputs[i]);
  }
  return trace(model, named, options);
}

}  // namespace calque::jit

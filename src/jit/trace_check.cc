// check_trace: the traced module against the model, on the example inputs and on inputs of other shapes.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "calque/error.h"
#include "jit/trace.h"
#include "nn/recorder.h"

namespace calque::jit {
namespace {

/// `tensor` with `size` entries along `dim`, repeated from the start when there are not enough.
Tensor resized(const Tensor& tensor, int64_t dim, int64_t size) {
  const int64_t old = tensor.size(dim);
  if (old == size || old == 0) return tensor;
  Dims sizes(tensor.sizes().begin(), tensor.sizes().end());
  sizes[static_cast<size_t>(dim)] = size;
  const Tensor result = empty(sizes, tensor.dtype());
  for (int64_t i = 0; i < size; ++i) result.select(dim, i).copy_(tensor.select(dim, i % old));
  return result;
}

/// Inputs for another batch size and length. The first input says which sizes those are; every dimension of
/// that size follows.
std::vector<Tensor> reshaped(const std::vector<Tensor>& inputs, int64_t batch, int64_t length) {
  const int64_t old_batch = inputs[0].size(0);
  const int64_t old_length = inputs[0].size(1);
  std::vector<Tensor> result;
  for (const Tensor& input : inputs) {
    Tensor changed = input;
    for (int64_t d = 0; d < input.dim(); ++d) {
      const int64_t size = input.size(d);
      if (d == 0 && size == old_batch) {
        changed = resized(changed, d, batch);
      } else if (d > 0 && size == old_length) {
        changed = resized(changed, d, length);
      }
    }
    result.push_back(std::move(changed));
  }
  return result;
}

std::vector<IValue> as_arguments(const std::vector<Tensor>& tensors) {
  return {tensors.begin(), tensors.end()};
}

void flatten(const IValue& value, std::vector<Tensor>& into) {
  if (value.isTensor()) {
    into.push_back(value.toTensor());
  } else if (value.isTuple()) {
    for (const IValue& element : value.toTuple()->elements()) flatten(element, into);
  } else if (value.isGenericDict()) {
    for (const auto& [key, element] : value.toGenericDict()->entries) flatten(element, into);
  }
}

double tolerance_of(ScalarType dtype, double wanted) {
  if (dtype == kHalf) return std::max(wanted, 1e-2);
  if (dtype == kBFloat16) return std::max(wanted, 1e-1);
  return wanted;
}

struct Difference {
  int64_t mismatched = 0, total = 0;
  double greatest = 0;
};

Difference difference(const Tensor& traced, const Tensor& expected, double tolerance) {
  const Tensor a = traced.to(kDouble).contiguous();
  const Tensor b = expected.to(kDouble).contiguous();
  Difference result;
  result.total = a.numel();
  for (int64_t i = 0; i < result.total; ++i) {
    const double x = a.data_ptr<double>()[i];
    const double y = b.data_ptr<double>()[i];
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double gap = std::abs(x - y);
    if (!(gap <= tolerance + tolerance * std::abs(y))) ++result.mismatched;
    if (!(gap <= result.greatest)) result.greatest = gap;
  }
  return result;
}

[[noreturn]] void fail(const std::vector<Tensor>& inputs, const std::string& detail) {
  std::string shapes;
  for (const Tensor& input : inputs) shapes += cat(shapes.empty() ? "" : ", ", input.sizes());
  throw RuntimeError(cat("Tracing failed sanity checks!\nERROR: with inputs of shape ", shapes, ": ", detail,
                         "\nTo disable trace checking, pass check_trace=false to trace()"));
}

void compare(const Tensor& traced, const Tensor& expected, size_t index, const std::vector<Tensor>& inputs,
             double wanted) {
  const std::string output = cat("Output nr ", index + 1,
                                 ". of the traced function does not match the corresponding output of the "
                                 "model. Detailed error:\n");
  if (!std::ranges::equal(traced.sizes(), expected.sizes())) {
    fail(inputs, cat(output, "shape ", traced.sizes(), " instead of ", expected.sizes()));
  }
  const double tolerance = tolerance_of(expected.dtype(), wanted);
  const Difference found = difference(traced, expected, tolerance);
  if (found.mismatched == 0) return;
  fail(inputs, cat(output, "Tensor-likes are not close!\n\nMismatched elements: ", found.mismatched, " / ",
                   found.total, "\nGreatest absolute difference: ", found.greatest, " (up to ", tolerance,
                   " allowed)"));
}

std::vector<Tensor> expected_outputs(const TraceTarget& target, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> outputs;
  flatten(target.forward(inputs), outputs);
  return outputs;
}

void check_on(const Module& traced, const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected,
              double tolerance) {
  std::vector<Tensor> found;
  try {
    flatten(traced.forward(as_arguments(inputs)), found);
  } catch (const Error& error) {
    fail(inputs, cat("the traced function failed where the model runs: ", error.what()));
  }
  if (found.size() != expected.size()) {
    fail(inputs, cat(found.size(), " outputs instead of ", expected.size()));
  }
  for (size_t i = 0; i < found.size(); ++i) compare(found[i], expected[i], i, inputs, tolerance);
}

/// Nothing when the model itself refuses these inputs, for example a length beyond its position embeddings.
std::optional<std::vector<Tensor>> outputs_if_accepted(const TraceTarget& target,
                                                       const std::vector<Tensor>& inputs) {
  try {
    return expected_outputs(target, inputs);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

void check_trace(const Module& traced, const TraceTarget& target, const std::vector<Tensor>& example_inputs,
                 const TraceOptions& options) {
  const nn::RecordingScope suspended(nullptr);
  const double tolerance = options.check_tolerance;
  check_on(traced, example_inputs, expected_outputs(target, example_inputs), tolerance);
  for (const std::vector<Tensor>& inputs : options.check_inputs) {
    check_on(traced, inputs, expected_outputs(target, inputs), tolerance);
  }
  const Tensor& first = example_inputs[0];
  if (options.static_shapes || first.dim() < 2 || first.numel() == 0) return;
  const int64_t batch = first.size(0);
  const int64_t length = first.size(1);
  const std::pair<int64_t, int64_t> shapes[] = {
      {batch + 1, length}, {batch, std::max<int64_t>(1, length / 2)}, {batch + 1, length + 1}};
  for (const auto& [other_batch, other_length] : shapes) {
    const std::vector<Tensor> inputs = reshaped(example_inputs, other_batch, other_length);
    const auto expected = outputs_if_accepted(target, inputs);
    if (expected.has_value()) check_on(traced, inputs, *expected, tolerance);
  }
}

}  // namespace calque::jit

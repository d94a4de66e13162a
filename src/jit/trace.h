// Tracing of any module tree: records one eager call, checks it, gives a TorchScript module.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "calque/trace.h"
#include "nn/module.h"

namespace calque::jit {

/// What is traced: `forward` runs `root` on tensors in the order of `input_names`, and gives a tensor, or
/// tuples and string-keyed dicts of such.
struct TraceTarget {
  const nn::Module& root;
  std::vector<std::string> input_names;
  std::function<IValue(const std::vector<Tensor>&)> forward;
};

Module trace_target(const TraceTarget& target, const std::vector<Tensor>& example_inputs,
                    const TraceOptions& options);

/// Compares `traced` with the target: on the inputs themselves, on options.check_inputs and, unless the trace
/// is static, on other batch sizes and lengths. RuntimeError when they differ.
void check_trace(const Module& traced, const TraceTarget& target, const std::vector<Tensor>& example_inputs,
                 const TraceOptions& options);

}  // namespace calque::jit

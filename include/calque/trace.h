// Tracing: a model and example inputs -> a TorchScript module, as torch.jit.trace.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "calque/jit.h"
#include "calque/tensor.h"
#include "calque/transformers.h"

namespace calque::jit {

struct TraceOptions {
  /// Run the result again, on the example inputs and on other batch sizes and lengths, and compare it with
  /// the model. RuntimeError "Tracing failed sanity checks!" when they differ.
  bool check_trace = true;
  /// Further inputs to compare on, each like the example inputs.
  std::vector<std::vector<Tensor>> check_inputs{};
  /// Largest difference, absolute plus relative, that the comparison accepts. At least 1e-2 is used for
  /// float16 and 1e-1 for bfloat16 outputs.
  double check_tolerance = 1e-5;
  /// true: the outputs are a tuple. false, for a model whose configuration has `torchscript` off: they are a
  /// Dict[str, Tensor] under Transformers' names.
  bool strict = true;
  /// Make a trace that runs at the shape of the example inputs only. At another length it fails first with
  /// "The expanded size of the tensor (3) must match the existing size (7) at non-singleton dimension 2".
  /// The default holds for every batch size and length.
  bool static_shapes = false;
  /// Called with PyTorch's TracerWarning texts, for example when control flow depended on a value.
  std::function<void(const std::string&)> on_warning{};
};

/// Runs `model` on the example inputs and records the operators that ran, with one class per submodule. The
/// inputs are by position in the order of input_names() and become the arguments of `forward`; an undefined
/// tensor leaves that input out. No device and no dtype is part of the trace beyond what the weights say.
/// The weights are shared with the model. Errors of the model pass through.
Module trace(const transformers::PreTrainedModel& model, const std::vector<Tensor>& example_inputs,
             const TraceOptions& options = {});

/// The same with inputs by name (torch.jit.trace's `example_kwarg_inputs`). The arguments of `forward` stand
/// in the order of input_names().
Module trace(const transformers::PreTrainedModel& model,
             const std::vector<std::pair<std::string, Tensor>>& example_kwarg_inputs,
             const TraceOptions& options = {});

}  // namespace calque::jit

// Model: a module that takes named tensors and gives named outputs, as Transformers' PreTrainedModel.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "calque/ivalue.h"
#include "nn/module.h"

namespace calque::models {

/// One per name of Model::input_names(), in that order.
using ModelInputs = std::vector<std::optional<Tensor>>;

struct ModelOutput {
  std::string name;
  std::variant<Tensor, std::vector<Tensor>> value;
};
using ModelOutputs = std::vector<ModelOutput>;

void collect(const ModelOutputs& outputs, std::vector<Tensor>& into);

/// A tuple with a tensor, or a tuple of tensors, per output.
IValue to_tuple(const ModelOutputs& outputs);
/// Dict[str, Tensor]. ValueError when an output is a tuple of tensors.
IValue to_dict(const ModelOutputs& outputs);

class Model : public nn::Module {
 public:
  using Module::Module;

  virtual ModelOutputs forward(const ModelInputs& inputs) const = 0;
  virtual const std::vector<std::string>& input_names() const = 0;
  /// How many of input_names(), from the first, a tokenizer gives.
  virtual size_t main_input_count() const = 0;
  virtual std::vector<std::string> output_names() const = 0;
  virtual std::string_view model_type() const = 0;
  /// Name of the plain model inside one with a head: `bert`. Checkpoints differ by this prefix.
  virtual std::string_view base_model_prefix() const = 0;
  /// The module under base_model_prefix(), when this model has a head.
  virtual bool has_base_model() const = 0;
  /// Standard deviation of weights that are newly initialised.
  virtual double initializer_range() const = 0;
  /// Whether outputs go by name where the choice is open: `return_dict` without `torchscript`.
  virtual bool use_return_dict() const = 0;
  /// Former buffers that old checkpoints may hold and that say nothing: dotted names.
  virtual std::vector<std::string> ignored_keys() const { return {}; }
};

/// Puts `inputs` and `named_inputs` in order. TypeError for unknown and repeated names, ValueError when the
/// first input is missing.
ModelInputs bind_inputs(const Model& model, const std::vector<Tensor>& inputs,
                        const std::vector<std::pair<std::string, Tensor>>& named_inputs);

}  // namespace calque::models

// Activation functions under the names that config.json uses (`hidden_act`).
#pragma once

#include <string>
#include <string_view>

#include "nn/module.h"

namespace calque::nn {

using ActivationFunction = Tensor (*)(const Tensor& input);

struct ActivationRow {
  std::string_view name;          ///< as in config.json
  std::string_view python_class;  ///< the class that Transformers or torch use for it
  ActivationFunction function;
};

class Activation final : public Module {
 public:
  explicit Activation(const ActivationRow& row)
      : Module(std::string(row.python_class)), function_(row.function) {}
  Tensor forward(const Tensor& input) const { return function_(input); }

 private:
  ActivationFunction function_;
};

/// The row of a `hidden_act`. NotImplementedError, with the names that exist, when there is none.
const ActivationRow& activation(std::string_view name);

}  // namespace calque::nn

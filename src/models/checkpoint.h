// Weight files of a checkpoint directory: model.safetensors, or shards under model.safetensors.index.json.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "calque/tensor.h"
#include "calque/transformers.h"
#include "models/model.h"

namespace calque::models {

struct CheckpointTensor {
  std::string file;   ///< for messages
  std::string dtype;  ///< the format's name
  Dims shape;
  /// The value, in place in the file. NotImplementedError for dtypes that a weight cannot have.
  std::function<Tensor()> value;
};

/// All tensors by name.
using Checkpoint = std::map<std::string, CheckpointTensor, std::less<>>;

/// LoadError when the weights are missing or malformed, or an index points outside of the directory;
/// NotImplementedError, with the way to convert, when there is only pytorch_model.bin.
Checkpoint open_checkpoint(const std::string& directory, bool use_mmap);

struct LoadWeightsOptions {
  std::string source;  ///< the directory, for messages
  std::optional<ScalarType> dtype;
  bool ignore_mismatched_sizes = false;
  bool class_is_architecture =
      false;  ///< config.json names this class: unexpected weights are worth a warning
  uint64_t seed = 0;
  std::function<void(const std::string&)> on_warning;
};

/// Gives the model's parameters their values from the checkpoint by Transformers' rules for names (with and
/// without the base model's prefix, gamma and beta), and initialises those that are missing.
transformers::LoadingInfo load_weights(const Model& model, const Checkpoint& checkpoint,
                                       const LoadWeightsOptions& options);

}  // namespace calque::models

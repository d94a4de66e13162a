// From the names of a checkpoint to the parameters of a model, by the rules of Transformers' from_pretrained.
#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/text.h"
#include "calque/error.h"
#include "models/checkpoint.h"
#include "nn/init.h"

namespace calque::models {
namespace {

using transformers::LoadingInfo;
using transformers::MismatchedKey;

/// Early checkpoints, converted from TensorFlow, call a layer norm's weight gamma and its bias beta.
std::string modern_name(const std::string& key) {
  for (const auto& [old_end, new_end] :
       {std::pair{"LayerNorm.gamma", "LayerNorm.weight"}, std::pair{"LayerNorm.beta", "LayerNorm.bias"}}) {
    if (key.ends_with(old_end)) return key.substr(0, key.size() - std::string_view(old_end).size()) + new_end;
  }
  return key;
}

class WeightLoader {
 public:
  WeightLoader(const Model& model, const Checkpoint& checkpoint, const LoadWeightsOptions& options);
  LoadingInfo load();

 private:
  void match_names();
  void add_match(const std::string& key, std::string name);
  void find_missing();
  void find_unexpected();
  void check_shapes();
  void assign();
  void bound_missing();
  void warn() const;

  const Model& model_;
  const Checkpoint& checkpoint_;
  const LoadWeightsOptions& options_;
  const std::string prefix_;
  std::vector<std::pair<std::string, nn::ParameterPtr>> parameters_;
  std::set<std::string> expected_;
  bool base_from_task_ = false, task_from_base_ = false;
  std::map<std::string, std::string> matched_;  ///< name in the model -> key in the checkpoint
  std::set<const nn::Parameter*> found_;        ///< parameters with a match under one of their names
  std::set<std::string> unexpected_;
  LoadingInfo info_;
};

WeightLoader::WeightLoader(const Model& model, const Checkpoint& checkpoint,
                           const LoadWeightsOptions& options)
    : model_(model),
      checkpoint_(checkpoint),
      options_(options),
      prefix_(cat(model.base_model_prefix(), ".")),
      parameters_(model.named_parameters()) {
  for (const auto& [name, parameter] : parameters_) expected_.insert(name);
  const bool has_prefix = std::ranges::any_of(
      checkpoint, [&](const auto& entry) { return entry.first.starts_with(model.base_model_prefix()); });
  base_from_task_ = has_prefix && !model.has_base_model();
  task_from_base_ = !has_prefix && model.has_base_model();
}

void WeightLoader::add_match(const std::string& key, std::string name) {
  if (!expected_.contains(name)) {
    unexpected_.insert(task_from_base_ ? name.substr(prefix_.size()) : name);
    return;
  }
  const bool is_modern = modern_name(key) == key;
  const auto [known, added] = matched_.emplace(std::move(name), key);
  if (!added && is_modern) known->second = key;
}

void WeightLoader::match_names() {
  for (const auto& [key, tensor] : checkpoint_) {
    std::string name = modern_name(key);
    if (task_from_base_) {
      const bool head_only = expected_.contains(name) && !expected_.contains(prefix_ + name);
      if (head_only) {
        throw ValueError(
            "The state dictionary of the model you are trying to load is corrupted. Are you sure it was "
            "properly saved?");
      }
      name.insert(0, prefix_);
    } else if (base_from_task_) {
      if (!name.starts_with(prefix_)) {
        unexpected_.insert(key);
        continue;
      }
      name.erase(0, prefix_.size());
    }
    add_match(key, std::move(name));
  }
}

/// A tied weight is missing only when the checkpoint has it under none of its names.
void WeightLoader::find_missing() {
  for (const auto& [name, parameter] : parameters_) {
    if (matched_.contains(name)) found_.insert(parameter.get());
  }
  for (const auto& [name, parameter] : parameters_) {
    if (!found_.contains(parameter.get())) info_.missing_keys.push_back(name);
  }
  std::ranges::sort(info_.missing_keys);
}

void WeightLoader::find_unexpected() {
  for (const std::string& name : model_.ignored_keys()) {
    unexpected_.erase(task_from_base_ ? name.substr(prefix_.size()) : name);
  }
  info_.unexpected_keys.assign(unexpected_.begin(), unexpected_.end());
}

std::string size_text(IntArrayRef shape) { return cat("torch.Size(", shape, ")"); }

void WeightLoader::check_shapes() {
  std::string errors;
  for (const auto& [name, parameter] : parameters_) {
    const auto match = matched_.find(name);
    if (match == matched_.end()) continue;
    const CheckpointTensor& tensor = checkpoint_.find(match->second)->second;
    if (tensor.shape == parameter->shape) continue;
    if (options_.ignore_mismatched_sizes) {
      info_.mismatched_keys.push_back(MismatchedKey{name, tensor.shape, parameter->shape});
      matched_.erase(match);
      continue;
    }
    errors += cat("\n\tsize mismatch for ", name, ": copying a param with shape ", size_text(tensor.shape),
                  " from checkpoint, the shape in current model is ", size_text(parameter->shape), ".");
  }
  if (!errors.empty()) {
    throw RuntimeError(cat("Error(s) in loading state_dict for ", model_.class_name(), ":", errors,
                           "\n\tYou may consider adding `ignore_mismatched_sizes=True` in the model "
                           "`from_pretrained` method."));
  }
  std::ranges::sort(info_.mismatched_keys, {}, &MismatchedKey::name);
}

/// One dtype for all: the wanted one, else that of the weights, or the smallest that holds all of theirs.
void WeightLoader::assign() {
  std::vector<std::pair<nn::Parameter*, Tensor>> values;
  std::optional<ScalarType> common;
  bool mixed = false;
  for (const auto& [name, parameter] : parameters_) {
    const auto match = matched_.find(name);
    if (match == matched_.end() || parameter->value.defined()) continue;
    values.emplace_back(parameter.get(), checkpoint_.find(match->second)->second.value());
    const ScalarType found = values.back().second.dtype();
    mixed = mixed || (common.has_value() && *common != found);
    common = common.has_value() ? promote_types(*common, found) : found;
  }
  const std::optional<ScalarType> dtype = options_.dtype.has_value() ? options_.dtype : common;
  if (mixed && !options_.dtype.has_value() && options_.on_warning) {
    options_.on_warning(cat(options_.source, ": the weights have several dtypes; all are converted to ",
                            dtype_name(*common), "; choose another with `dtype`"));
  }
  for (auto& [parameter, value] : values) {
    if (parameter->value.defined()) continue;
    parameter->value = value.to(*dtype);
    parameter->value.impl()->requires_grad = true;
  }
  nn::initialize(model_,
                 {.std = model_.initializer_range(), .dtype = dtype.value_or(kFloat), .seed = options_.seed});
}

/// A small file must not make the loader fill the machine's memory with random weights.
void WeightLoader::bound_missing() {
  constexpr int64_t kMostElements = int64_t{1} << 28;
  int64_t elements = 0;
  std::set<const nn::Parameter*> seen = found_;
  for (const auto& [name, parameter] : parameters_) {
    if (!seen.insert(parameter.get()).second) continue;
    const auto product = checked_numel(parameter->shape);
    const auto sum = product.has_value() ? checked_add(elements, *product) : std::nullopt;
    elements = sum.value_or(kMostElements + 1);
    if (elements <= kMostElements) continue;
    throw LoadError(cat(options_.source, ": the checkpoint lacks more than ", kMostElements,
                        " values that the configuration asks for, among them ", name, " with shape ",
                        size_text(parameter->shape), "; is this the right config.json?"));
  }
}

std::string python_list(const std::vector<std::string>& names) {
  std::string text = "[";
  for (const std::string& name : names) text += cat(text.size() > 1 ? ", '" : "'", name, "'");
  return text + "]";
}

void WeightLoader::warn() const {
  if (!options_.on_warning) return;
  const std::string_view model = model_.class_name();
  const std::string newly =
      cat("Some weights of ", model, " were not initialized from the model checkpoint at ", options_.source,
          " and are newly initialized");
  constexpr std::string_view kTrain =
      "\nYou should probably TRAIN this model on a down-stream task to be able to use it for predictions and "
      "inference.";
  if (!info_.unexpected_keys.empty() && options_.class_is_architecture) {
    options_.on_warning(cat(
        "Some weights of the model checkpoint at ", options_.source, " were not used when initializing ",
        model, ": ", python_list(info_.unexpected_keys), "\n- This IS expected if you are initializing ",
        model,
        " from the checkpoint of a model trained on another task or with another architecture (e.g. "
        "initializing a BertForSequenceClassification model from a BertForPreTraining model).\n- This IS NOT "
        "expected if you are initializing ",
        model,
        " from the checkpoint of a model that you expect to be exactly identical (initializing a "
        "BertForSequenceClassification model from a BertForSequenceClassification model)."));
  }
  if (!info_.missing_keys.empty()) {
    options_.on_warning(cat(newly, ": ", python_list(info_.missing_keys), kTrain));
  }
  if (info_.mismatched_keys.empty()) return;
  std::string lines;
  for (const MismatchedKey& key : info_.mismatched_keys) {
    lines += cat("\n- ", key.name, ": found shape ", size_text(key.checkpoint_shape),
                 " in the checkpoint and ", size_text(key.model_shape), " in the model instantiated");
  }
  options_.on_warning(cat(newly, " because the shapes did not match:", lines, kTrain));
}

LoadingInfo WeightLoader::load() {
  match_names();
  find_missing();
  find_unexpected();
  check_shapes();
  bound_missing();
  assign();
  warn();
  return info_;
}

}  // namespace

LoadingInfo load_weights(const Model& model, const Checkpoint& checkpoint,
                         const LoadWeightsOptions& options) {
  return WeightLoader(model, checkpoint, options).load();
}

}  // namespace calque::models

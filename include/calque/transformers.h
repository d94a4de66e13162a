// Models of Hugging Face Transformers: configuration, checkpoints, eager forward. Names, defaults and results
// are those of Transformers 4.57.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calque/error.h"
#include "calque/ivalue.h"
#include "calque/tensor.h"
#include "calque/tokenizers.h"

namespace calque::models {
class Model;
}

namespace calque::transformers {

using calque::BertTokenizer;
using calque::Tokenizer;

/// Configuration of BERT (`config.json`). An aggregate: name the fields that differ from the defaults, in
/// this order, as in `BertConfig{.hidden_size = 384, .num_hidden_layers = 6}`.
struct BertConfig {
  /// Name of vocab_size in the first releases; used when it is given, by the constructor only.
  std::optional<int64_t> vocab_size_or_config_json_file{};
  int64_t vocab_size = 30522;
  int64_t hidden_size = 768;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  std::string hidden_act = "gelu";
  double hidden_dropout_prob = 0.1;
  double attention_probs_dropout_prob = 0.1;
  int64_t max_position_embeddings = 512;
  int64_t type_vocab_size = 2;
  double initializer_range = 0.02;
  double layer_norm_eps = 1e-12;
  std::optional<int64_t> pad_token_id = 0;
  std::string position_embedding_type = "absolute";  ///< or relative_key, relative_key_query
  std::optional<double> classifier_dropout{};
  int64_t num_labels = 2;
  /// Flag of the TorchScript guide. Outputs are tuples, with the flag and without.
  bool torchscript = false;
  bool output_hidden_states = false;
  bool output_attentions = false;
  bool tie_word_embeddings = true;
  /// "eager" (matrix products and softmax; archives load in PyTorch 1.13 and newer) or "sdpa"
  /// (scaled_dot_product_attention; PyTorch 2.0 and newer).
  std::string attn_implementation = "eager";
  std::vector<std::string> architectures{};

  /// Reads `directory`/config.json. LoadError on a missing or malformed file, ValueError on nonsense values.
  static BertConfig from_pretrained(const std::string& directory);
  /// The content of a config.json.
  static BertConfig from_json(std::string_view json, const std::string& name = "config.json");
  /// ValueError on values that contradict each other or are out of range, NotImplementedError by name on what
  /// is not supported. Models call it.
  void validate() const;
};

/// A weight of a checkpoint whose shape is not the model's.
struct MismatchedKey {
  std::string name;
  std::vector<int64_t> checkpoint_shape, model_shape;
};

/// What from_pretrained found (Transformers' `output_loading_info`). Lists are sorted.
struct LoadingInfo {
  std::vector<std::string> missing_keys;     ///< in the model, not in the checkpoint: newly initialised
  std::vector<std::string> unexpected_keys;  ///< in the checkpoint, not in the model: ignored
  std::vector<MismatchedKey> mismatched_keys;
};

struct FromPretrainedOptions {
  /// The values of config.json are used for what is not set here.
  std::optional<bool> torchscript{};
  std::optional<bool> output_hidden_states{};
  std::optional<bool> output_attentions{};
  std::optional<int64_t> num_labels{};
  std::optional<std::string> attn_implementation{};
  /// Convert the weights. Not set: they stay as the checkpoint has them (the dtype of its first
  /// floating-point weight, for all).
  std::optional<ScalarType> dtype{};
  /// Initialise weights of another shape anew, with a warning, instead of an error.
  bool ignore_mismatched_sizes = false;
  /// Class to build, for example "BertForMaskedLM". Empty: what the called class says.
  std::string architecture{};
  /// Use the weights where they lie in the file. With false they are read into memory.
  bool use_mmap = true;
  /// Of the weights that are newly initialised.
  uint64_t seed = 0;
  /// Called with Transformers' warnings, for example "Some weights of … were not initialized …".
  std::function<void(const std::string&)> on_warning{};
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Base of the models. Copies share the weights. Calls are safe from many threads; train() and eval() are
/// not.
class PreTrainedModel {
 public:
  /// Reads config.json and the weights of `directory`, and builds `options.architecture`, else the first
  /// entry of `architectures` in config.json, else the plain model of its `model_type`. In evaluation mode.
  /// LoadError, ValueError, NotImplementedError say what is wrong and where; RuntimeError "size mismatch …".
  static PreTrainedModel from_pretrained(const std::string& directory,
                                         const FromPretrainedOptions& options = {});

  /// A model with random weights from the content of a config.json, in training mode, as a class made from
  /// its configuration. `options.architecture` and its defaults are those of from_pretrained.
  static PreTrainedModel from_config(std::string_view config_json, const FromPretrainedOptions& options = {});

  /// Runs the model. Inputs by position in the order of input_names(), then by name; an undefined tensor
  /// means "not given". input_ids: (batch, length) integers. Returns a tuple: for BertModel last_hidden_state
  /// (batch, length, hidden) and pooler_output (batch, hidden); hidden_states and attentions follow as tuples
  /// when the configuration asks for them. Errors as Transformers and PyTorch word them.
  IValue operator()(const std::vector<Tensor>& inputs, const NamedTensors& named_inputs = {}) const;

  void eval() { train(false); }
  void train(bool on = true);
  bool is_training() const;

  /// Python class name: `BertModel`.
  std::string class_name() const;
  /// What config.json calls the architecture: `bert`.
  std::string model_type() const;
  /// Inputs that forward takes, in the order of Transformers' signature.
  const std::vector<std::string>& input_names() const;
  /// Those of them that a tokenizer gives; what an export takes by default.
  std::vector<std::string> main_input_names() const;
  /// Names of the outputs in order, as in Transformers' output classes: `last_hidden_state`, ….
  std::vector<std::string> output_names() const;

  /// Weights under Transformers' names, shared with the model; tied ones under every name.
  NamedTensors state_dict() const;
  const LoadingInfo& loading_info() const { return *loading_info_; }

  models::Model& impl() const { return *impl_; }

 protected:
  PreTrainedModel(std::shared_ptr<models::Model> impl, LoadingInfo info);
  /// As from_pretrained, but `fallback` is built when options.architecture is empty.
  static PreTrainedModel load(const std::string& directory, const FromPretrainedOptions& options,
                              std::string_view fallback);
  static PreTrainedModel build(const BertConfig& config, std::string_view architecture, uint64_t seed);

 private:
  std::shared_ptr<models::Model> impl_;
  std::shared_ptr<const LoadingInfo> loading_info_;
};

// Each class: random weights from a configuration (in training mode, as in Transformers: call eval()), or
// from_pretrained. `seed` selects the weights; they have Transformers' distribution.

/// Outputs: last_hidden_state, pooler_output.
class BertModel : public PreTrainedModel {
 public:
  explicit BertModel(const BertConfig& config, uint64_t seed = 0);
  static BertModel from_pretrained(const std::string& directory, const FromPretrainedOptions& options = {});

 private:
  explicit BertModel(PreTrainedModel model) : PreTrainedModel(std::move(model)) {}
};

/// Output: logits (batch, num_labels).
class BertForSequenceClassification : public PreTrainedModel {
 public:
  explicit BertForSequenceClassification(const BertConfig& config, uint64_t seed = 0);
  static BertForSequenceClassification from_pretrained(const std::string& directory,
                                                       const FromPretrainedOptions& options = {});

 private:
  explicit BertForSequenceClassification(PreTrainedModel model) : PreTrainedModel(std::move(model)) {}
};

/// Output: logits (batch, length, num_labels).
class BertForTokenClassification : public PreTrainedModel {
 public:
  explicit BertForTokenClassification(const BertConfig& config, uint64_t seed = 0);
  static BertForTokenClassification from_pretrained(const std::string& directory,
                                                    const FromPretrainedOptions& options = {});

 private:
  explicit BertForTokenClassification(PreTrainedModel model) : PreTrainedModel(std::move(model)) {}
};

/// Outputs: start_logits, end_logits (batch, length).
class BertForQuestionAnswering : public PreTrainedModel {
 public:
  explicit BertForQuestionAnswering(const BertConfig& config, uint64_t seed = 0);
  static BertForQuestionAnswering from_pretrained(const std::string& directory,
                                                  const FromPretrainedOptions& options = {});

 private:
  explicit BertForQuestionAnswering(PreTrainedModel model) : PreTrainedModel(std::move(model)) {}
};

/// Output: logits (batch, length, vocab_size).
class BertForMaskedLM : public PreTrainedModel {
 public:
  explicit BertForMaskedLM(const BertConfig& config, uint64_t seed = 0);
  static BertForMaskedLM from_pretrained(const std::string& directory,
                                         const FromPretrainedOptions& options = {});

 private:
  explicit BertForMaskedLM(PreTrainedModel model) : PreTrainedModel(std::move(model)) {}
};

/// Output: logits (batch, 2).
class BertForNextSentencePrediction : public PreTrainedModel {
 public:
  explicit BertForNextSentencePrediction(const BertConfig& config, uint64_t seed = 0);
  static BertForNextSentencePrediction from_pretrained(const std::string& directory,
                                                       const FromPretrainedOptions& options = {});

 private:
  explicit BertForNextSentencePrediction(PreTrainedModel model) : PreTrainedModel(std::move(model)) {}
};

/// Outputs: prediction_logits (batch, length, vocab_size), seq_relationship_logits (batch, 2).
class BertForPreTraining : public PreTrainedModel {
 public:
  explicit BertForPreTraining(const BertConfig& config, uint64_t seed = 0);
  static BertForPreTraining from_pretrained(const std::string& directory,
                                            const FromPretrainedOptions& options = {});

 private:
  explicit BertForPreTraining(PreTrainedModel model) : PreTrainedModel(std::move(model)) {}
};

/// A class of model that exists: `BertForMaskedLM`, and its model_type in config.json: `bert`.
struct Architecture {
  std::string class_name, model_type;
};

/// All of them; the first of each model_type is its plain model, without head.
std::vector<Architecture> architectures();

/// The plain model of the `model_type` in config.json, without head.
class AutoModel {
 public:
  static PreTrainedModel from_pretrained(const std::string& directory,
                                         const FromPretrainedOptions& options = {});
};

}  // namespace calque::transformers

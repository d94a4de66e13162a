// BERT (Devlin et al., https://arxiv.org/abs/1810.04805): modules with the names, structure and arithmetic of
// Transformers' modeling_bert.py.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calque/transformers.h"
#include "models/model.h"
#include "nn/activation.h"
#include "nn/layers.h"

namespace calque::models {

using transformers::BertConfig;

/// Name of a class of modeling_bert.py with its module, as traces have it.
std::string qualified_bert(std::string_view class_name);

class BertEmbeddings final : public nn::Module {
 public:
  explicit BertEmbeddings(const BertConfig& config);
  Tensor forward(const Tensor& input_ids, const std::optional<Tensor>& token_type_ids,
                 const std::optional<Tensor>& position_ids) const;
  const nn::ParameterPtr& word_weight() const { return word_embeddings_->weight(); }

 private:
  Tensor default_position_ids(const Tensor& input_ids) const;

  int64_t max_position_embeddings_;
  bool absolute_;
  nn::Embedding *word_embeddings_, *position_embeddings_, *token_type_embeddings_;
  nn::LayerNorm* layer_norm_;
  nn::Dropout* dropout_;
};

/// The result, and the attention probabilities when the configuration asks for them.
using AttentionOutput = std::pair<Tensor, std::optional<Tensor>>;

class BertSelfAttention final : public nn::Module {
 public:
  explicit BertSelfAttention(const BertConfig& config);
  AttentionOutput forward(const Tensor& hidden_states, const std::optional<Tensor>& attention_mask) const;

 private:
  Tensor heads(const nn::Linear& projection, const Tensor& hidden_states, const nn::Int& batch_size) const;
  Tensor relative_scores(const Tensor& query_layer, const Tensor& key_layer) const;
  AttentionOutput eager(const Tensor& query_layer, const Tensor& key_layer, const Tensor& value_layer,
                        const std::optional<Tensor>& attention_mask) const;

  int64_t num_heads_, head_size_, max_position_embeddings_;
  bool sdpa_, output_attentions_;
  std::string position_embedding_type_;
  nn::Linear *query_, *key_, *value_;
  nn::Dropout* dropout_;
  nn::Embedding* distance_embedding_ = nullptr;
};

/// BertSelfOutput and BertOutput: dense, dropout, residual, layer norm.
class BertResidualOutput final : public nn::Module {
 public:
  BertResidualOutput(const char* class_name, int64_t in_features, const BertConfig& config);
  Tensor forward(const Tensor& hidden_states, const Tensor& input_tensor) const;

 private:
  nn::Linear* dense_;
  nn::LayerNorm* layer_norm_;
  nn::Dropout* dropout_;
};

class BertAttention final : public nn::Module {
 public:
  explicit BertAttention(const BertConfig& config);
  AttentionOutput forward(const Tensor& hidden_states, const std::optional<Tensor>& attention_mask) const;

 private:
  BertSelfAttention* self_;
  BertResidualOutput* output_;
};

class BertIntermediate final : public nn::Module {
 public:
  explicit BertIntermediate(const BertConfig& config);
  Tensor forward(const Tensor& hidden_states) const;

 private:
  nn::Linear* dense_;
  nn::Activation* activation_;
};

class BertLayer final : public nn::Module {
 public:
  explicit BertLayer(const BertConfig& config);
  AttentionOutput forward(const Tensor& hidden_states, const std::optional<Tensor>& attention_mask) const;

 private:
  BertAttention* attention_;
  BertIntermediate* intermediate_;
  BertResidualOutput* output_;
};

struct BertEncoderOutput {
  Tensor last_hidden_state;
  std::vector<Tensor> hidden_states;  ///< embeddings, then each layer; empty unless asked for
  std::vector<Tensor> attentions;     ///< one per layer; empty unless asked for
};
void collect(const BertEncoderOutput& output, std::vector<Tensor>& into);

class BertEncoder final : public nn::Module {
 public:
  explicit BertEncoder(const BertConfig& config);
  BertEncoderOutput forward(const Tensor& hidden_states, const std::optional<Tensor>& attention_mask) const;

 private:
  bool output_hidden_states_, output_attentions_;
  std::vector<BertLayer*> layers_;
};

class BertPooler final : public nn::Module {
 public:
  explicit BertPooler(const BertConfig& config);
  Tensor forward(const Tensor& hidden_states) const;

 private:
  nn::Linear* dense_;
  nn::Activation* activation_;
};

struct BertInputs {
  Tensor input_ids;
  std::optional<Tensor> attention_mask, token_type_ids, position_ids;
};

struct BertModelOutput {
  BertEncoderOutput encoder;
  std::optional<Tensor> pooler_output;
};
void collect(const BertModelOutput& output, std::vector<Tensor>& into);

/// What all BERT models share: configuration and inputs.
class BertPreTrainedModel : public Model {
 public:
  BertPreTrainedModel(const char* class_name, const BertConfig& config);

  const std::vector<std::string>& input_names() const override;
  size_t main_input_count() const override { return 3; }
  std::string_view model_type() const override { return "bert"; }
  std::string_view base_model_prefix() const override { return "bert"; }
  double initializer_range() const override { return config_.initializer_range; }
  bool use_return_dict() const override { return !config_.torchscript; }
  std::vector<std::string> ignored_keys() const override;
  const BertConfig& config() const { return config_; }

 protected:
  static BertInputs to_bert_inputs(const ModelInputs& inputs);
  /// Adds hidden_states and attentions where the configuration asks for them.
  static void append_extras(const BertEncoderOutput& encoder, ModelOutputs& outputs);
  /// `names`, then those of the extras.
  std::vector<std::string> with_extras(std::vector<std::string> names) const;

 private:
  BertConfig config_;
};

class BertModel final : public BertPreTrainedModel {
 public:
  explicit BertModel(const BertConfig& config, bool add_pooling_layer = true);
  ModelOutputs forward(const ModelInputs& inputs) const override;
  BertModelOutput forward(const BertInputs& inputs) const;
  std::vector<std::string> output_names() const override;
  bool has_base_model() const override { return false; }
  const nn::ParameterPtr& word_weight() const { return embeddings_->word_weight(); }

 private:
  BertEmbeddings* embeddings_;
  BertEncoder* encoder_;
  BertPooler* pooler_ = nullptr;
};

}  // namespace calque::models

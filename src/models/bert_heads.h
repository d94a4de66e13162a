// BERT with task heads, as in Transformers' modeling_bert.py.
#pragma once

#include <string>
#include <vector>

#include "models/bert.h"

namespace calque::models {

/// What the heads share: the plain model under `bert`.
class BertWithHead : public BertPreTrainedModel {
 public:
  BertWithHead(const char* class_name, const BertConfig& config, bool add_pooling_layer);
  bool has_base_model() const override { return true; }

 protected:
  BertModel* bert_;
};

/// BertForSequenceClassification (on the pooled output) and BertForTokenClassification (on every token):
/// dropout, then a linear layer.
class BertClassifier final : public BertWithHead {
 public:
  enum class Level { kSequence, kToken };
  BertClassifier(Level level, const BertConfig& config);
  ModelOutputs forward(const ModelInputs& inputs) const override;
  std::vector<std::string> output_names() const override { return with_extras({"logits"}); }

 private:
  Level level_;
  nn::Dropout* dropout_;
  nn::Linear* classifier_;
};

class BertForQuestionAnswering final : public BertWithHead {
 public:
  explicit BertForQuestionAnswering(const BertConfig& config);
  ModelOutputs forward(const ModelInputs& inputs) const override;
  std::vector<std::string> output_names() const override {
    return with_extras({"start_logits", "end_logits"});
  }

 private:
  nn::Linear* qa_outputs_;
};

class BertPredictionHeadTransform final : public nn::Module {
 public:
  explicit BertPredictionHeadTransform(const BertConfig& config);
  Tensor forward(const Tensor& hidden_states) const;

 private:
  nn::Linear* dense_;
  nn::Activation* activation_;
  nn::LayerNorm* layer_norm_;
};

/// The decoder's bias is this module's parameter `bias`; its weight is the word embeddings' when these are
/// tied.
class BertLMPredictionHead final : public nn::Module {
 public:
  BertLMPredictionHead(const BertConfig& config, const nn::ParameterPtr& word_weight);
  Tensor forward(const Tensor& hidden_states) const;

 private:
  BertPredictionHeadTransform* transform_;
  nn::Linear* decoder_;
};

class BertOnlyMLMHead final : public nn::Module {
 public:
  BertOnlyMLMHead(const BertConfig& config, const nn::ParameterPtr& word_weight);
  Tensor forward(const Tensor& sequence_output) const;

 private:
  BertLMPredictionHead* predictions_;
};

class BertForMaskedLM final : public BertWithHead {
 public:
  explicit BertForMaskedLM(const BertConfig& config);
  ModelOutputs forward(const ModelInputs& inputs) const override;
  std::vector<std::string> output_names() const override { return with_extras({"logits"}); }

 private:
  BertOnlyMLMHead* cls_;
};

class BertOnlyNSPHead final : public nn::Module {
 public:
  explicit BertOnlyNSPHead(const BertConfig& config);
  Tensor forward(const Tensor& pooled_output) const;

 private:
  nn::Linear* seq_relationship_;
};

class BertForNextSentencePrediction final : public BertWithHead {
 public:
  explicit BertForNextSentencePrediction(const BertConfig& config);
  ModelOutputs forward(const ModelInputs& inputs) const override;
  std::vector<std::string> output_names() const override { return with_extras({"logits"}); }

 private:
  BertOnlyNSPHead* cls_;
};

class BertPreTrainingHeads final : public nn::Module {
 public:
  BertPreTrainingHeads(const BertConfig& config, const nn::ParameterPtr& word_weight);
  std::pair<Tensor, Tensor> forward(const Tensor& sequence_output, const Tensor& pooled_output) const;

 private:
  BertLMPredictionHead* predictions_;
  nn::Linear* seq_relationship_;
};

class BertForPreTraining final : public BertWithHead {
 public:
  explicit BertForPreTraining(const BertConfig& config);
  ModelOutputs forward(const ModelInputs& inputs) const override;
  std::vector<std::string> output_names() const override {
    return with_extras({"prediction_logits", "seq_relationship_logits"});
  }

 private:
  BertPreTrainingHeads* cls_;
};

}  // namespace calque::models

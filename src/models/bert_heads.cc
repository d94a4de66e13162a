#include "models/bert_heads.h"

#include "base/text.h"
#include "nn/functional.h"

namespace calque::models {

BertWithHead::BertWithHead(const char* class_name, const BertConfig& config, bool add_pooling_layer)
    : BertPreTrainedModel(class_name, config),
      bert_(register_module<BertModel>("bert", config, add_pooling_layer)) {}

BertClassifier::BertClassifier(Level level, const BertConfig& config)
    : BertWithHead(level == Level::kSequence ? "BertForSequenceClassification" : "BertForTokenClassification",
                   config, level == Level::kSequence),
      level_(level),
      dropout_(register_module<nn::Dropout>("dropout",
                                            config.classifier_dropout.value_or(config.hidden_dropout_prob))),
      classifier_(register_module<nn::Linear>("classifier", config.hidden_size, config.num_labels)) {}

ModelOutputs BertClassifier::forward(const ModelInputs& inputs) const {
  const BertModelOutput outputs = nn::call(*bert_, to_bert_inputs(inputs));
  const Tensor& features =
      level_ == Level::kSequence ? *outputs.pooler_output : outputs.encoder.last_hidden_state;
  ModelOutputs result{{"logits", nn::call(*classifier_, nn::call(*dropout_, features))}};
  append_extras(outputs.encoder, result);
  return result;
}

BertForQuestionAnswering::BertForQuestionAnswering(const BertConfig& config)
    : BertWithHead("BertForQuestionAnswering", config, false),
      qa_outputs_(register_module<nn::Linear>("qa_outputs", config.hidden_size, config.num_labels)) {
  if (config.num_labels != 2) {
    throw ValueError(
        cat("BertForQuestionAnswering needs num_labels=2 (start and end), found ", config.num_labels));
  }
}

ModelOutputs BertForQuestionAnswering::forward(const ModelInputs& inputs) const {
  const BertModelOutput outputs = nn::call(*bert_, to_bert_inputs(inputs));
  const Tensor logits = nn::call(*qa_outputs_, outputs.encoder.last_hidden_state);
  const std::vector<Tensor> parts = nn::split(logits, 1, -1);
  const Tensor start_logits = nn::named("start_logits", parts[0]);
  const Tensor end_logits = nn::named("end_logits", parts[1]);
  ModelOutputs result{{"start_logits", nn::contiguous(nn::squeeze(start_logits, -1))},
                      {"end_logits", nn::contiguous(nn::squeeze(end_logits, -1))}};
  append_extras(outputs.encoder, result);
  return result;
}

BertPredictionHeadTransform::BertPredictionHeadTransform(const BertConfig& config)
    : Module(qualified_bert("BertPredictionHeadTransform")),
      dense_(register_module<nn::Linear>("dense", config.hidden_size, config.hidden_size)),
      activation_(register_module<nn::Activation>("transform_act_fn", nn::activation(config.hidden_act))),
      layer_norm_(register_module<nn::LayerNorm>("LayerNorm", config.hidden_size, config.layer_norm_eps)) {}

Tensor BertPredictionHeadTransform::forward(const Tensor& hidden_states) const {
  return nn::call(*layer_norm_, nn::call(*activation_, nn::call(*dense_, hidden_states)));
}

BertLMPredictionHead::BertLMPredictionHead(const BertConfig& config, const nn::ParameterPtr& word_weight)
    : Module(qualified_bert("BertLMPredictionHead")),
      transform_(register_module<BertPredictionHeadTransform>("transform", config)) {
  const nn::ParameterPtr bias = register_parameter("bias", {config.vocab_size}, {nn::Init::Kind::kZeros});
  nn::ParameterPtr weight = word_weight;
  if (!config.tie_word_embeddings) {
    weight = std::make_shared<nn::Parameter>(
        nn::Parameter{{config.vocab_size, config.hidden_size}, {nn::Init::Kind::kNormal}, Tensor()});
  }
  decoder_ = register_module<nn::Linear>("decoder", std::move(weight), bias);
}

Tensor BertLMPredictionHead::forward(const Tensor& hidden_states) const {
  return nn::call(*decoder_, nn::call(*transform_, hidden_states));
}

BertOnlyMLMHead::BertOnlyMLMHead(const BertConfig& config, const nn::ParameterPtr& word_weight)
    : Module(qualified_bert("BertOnlyMLMHead")),
      predictions_(register_module<BertLMPredictionHead>("predictions", config, word_weight)) {}

Tensor BertOnlyMLMHead::forward(const Tensor& sequence_output) const {
  return nn::call(*predictions_, sequence_output);
}

BertForMaskedLM::BertForMaskedLM(const BertConfig& config)
    : BertWithHead("BertForMaskedLM", config, false),
      cls_(register_module<BertOnlyMLMHead>("cls", config, bert_->word_weight())) {}

ModelOutputs BertForMaskedLM::forward(const ModelInputs& inputs) const {
  const BertModelOutput outputs = nn::call(*bert_, to_bert_inputs(inputs));
  ModelOutputs result{{"logits", nn::call(*cls_, outputs.encoder.last_hidden_state)}};
  append_extras(outputs.encoder, result);
  return result;
}

BertOnlyNSPHead::BertOnlyNSPHead(const BertConfig& config)
    : Module(qualified_bert("BertOnlyNSPHead")),
      seq_relationship_(register_module<nn::Linear>("seq_relationship", config.hidden_size, 2)) {}

Tensor BertOnlyNSPHead::forward(const Tensor& pooled_output) const {
  return nn::call(*seq_relationship_, pooled_output);
}

BertForNextSentencePrediction::BertForNextSentencePrediction(const BertConfig& config)
    : BertWithHead("BertForNextSentencePrediction", config, true),
      cls_(register_module<BertOnlyNSPHead>("cls", config)) {}

ModelOutputs BertForNextSentencePrediction::forward(const ModelInputs& inputs) const {
  const BertModelOutput outputs = nn::call(*bert_, to_bert_inputs(inputs));
  ModelOutputs result{{"logits", nn::call(*cls_, *outputs.pooler_output)}};
  append_extras(outputs.encoder, result);
  return result;
}

BertPreTrainingHeads::BertPreTrainingHeads(const BertConfig& config, const nn::ParameterPtr& word_weight)
    : Module(qualified_bert("BertPreTrainingHeads")),
      predictions_(register_module<BertLMPredictionHead>("predictions", config, word_weight)),
      seq_relationship_(register_module<nn::Linear>("seq_relationship", config.hidden_size, 2)) {}

std::pair<Tensor, Tensor> BertPreTrainingHeads::forward(const Tensor& sequence_output,
                                                        const Tensor& pooled_output) const {
  Tensor prediction_scores = nn::call(*predictions_, sequence_output);
  Tensor seq_relationship_score = nn::call(*seq_relationship_, pooled_output);
  return {std::move(prediction_scores), std::move(seq_relationship_score)};
}

BertForPreTraining::BertForPreTraining(const BertConfig& config)
    : BertWithHead("BertForPreTraining", config, true),
      cls_(register_module<BertPreTrainingHeads>("cls", config, bert_->word_weight())) {}

ModelOutputs BertForPreTraining::forward(const ModelInputs& inputs) const {
  const BertModelOutput outputs = nn::call(*bert_, to_bert_inputs(inputs));
  const auto [prediction_logits, seq_relationship_logits] =
      nn::call(*cls_, outputs.encoder.last_hidden_state, *outputs.pooler_output);
  ModelOutputs result{{"prediction_logits", prediction_logits},
                      {"seq_relationship_logits", seq_relationship_logits}};
  append_extras(outputs.encoder, result);
  return result;
}

}  // namespace calque::models

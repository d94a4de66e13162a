#include "models/bert.h"

#include <cmath>

#include "base/text.h"
#include "models/attention_mask.h"
#include "nn/functional.h"

namespace calque::models {

std::string qualified_bert(std::string_view class_name) {
  return cat("transformers.models.bert.modeling_bert.", class_name);
}

BertEmbeddings::BertEmbeddings(const BertConfig& config)
    : Module(qualified_bert("BertEmbeddings")),
      max_position_embeddings_(config.max_position_embeddings),
      absolute_(config.position_embedding_type == "absolute"),
      word_embeddings_(register_module<nn::Embedding>("word_embeddings", config.vocab_size,
                                                      config.hidden_size, config.pad_token_id.value_or(-1))),
      position_embeddings_(register_module<nn::Embedding>(
          "position_embeddings", config.max_position_embeddings, config.hidden_size)),
      token_type_embeddings_(register_module<nn::Embedding>("token_type_embeddings", config.type_vocab_size,
                                                            config.hidden_size)),
      layer_norm_(register_module<nn::LayerNorm>("LayerNorm", config.hidden_size, config.layer_norm_eps)),
      dropout_(register_module<nn::Dropout>("dropout", config.hidden_dropout_prob)) {}

Tensor BertEmbeddings::forward(const Tensor& input_ids, const std::optional<Tensor>& token_type_ids,
                               const std::optional<Tensor>& position_ids) const {
  const Tensor inputs_embeds = nn::call(*word_embeddings_, input_ids);
  const Tensor types = token_type_ids.has_value() ? *token_type_ids : nn::zeros_like(input_ids);
  Tensor embeddings =
      nn::named("embeddings", nn::add(inputs_embeds, nn::call(*token_type_embeddings_, types)));
  if (absolute_) {
    const Tensor positions = position_ids.has_value() ? *position_ids : default_position_ids(input_ids);
    embeddings = nn::named("embeddings", nn::add(embeddings, nn::call(*position_embeddings_, positions)));
  }
  return nn::call(*dropout_, nn::call(*layer_norm_, embeddings));
}

/// 0 … length-1, cut from all positions that the model has: so a text that is too long is reported as
/// Transformers reports it, when the position embeddings are added.
Tensor BertEmbeddings::default_position_ids(const Tensor& input_ids) const {
  const nn::Int seq_length = nn::named("seq_length", nn::size(input_ids, 1));
  const Tensor all = nn::arange(max_position_embeddings_, nn::device(input_ids));
  return nn::named("position_ids", nn::unsqueeze(nn::slice(all, 0, 0, seq_length), 0));
}

BertSelfAttention::BertSelfAttention(const BertConfig& config)
    : Module(qualified_bert(config.attn_implementation == "sdpa" ? "BertSdpaSelfAttention"
                                                                 : "BertSelfAttention")),
      num_heads_(config.num_attention_heads),
      head_size_(config.hidden_size / config.num_attention_heads),
      max_position_embeddings_(config.max_position_embeddings),
      sdpa_(uses_sdpa(config)),
      output_attentions_(config.output_attentions),
      position_embedding_type_(config.position_embedding_type),
      query_(register_module<nn::Linear>("query", config.hidden_size, config.hidden_size)),
      key_(register_module<nn::Linear>("key", config.hidden_size, config.hidden_size)),
      value_(register_module<nn::Linear>("value", config.hidden_size, config.hidden_size)),
      dropout_(register_module<nn::Dropout>("dropout", config.attention_probs_dropout_prob)) {
  if (position_embedding_type_ != "absolute") {
    distance_embedding_ =
        register_module<nn::Embedding>("distance_embedding", 2 * max_position_embeddings_ - 1, head_size_);
  }
}

/// (batch, length, hidden) -> (batch, heads, length, head_size).
Tensor BertSelfAttention::heads(const nn::Linear& projection, const Tensor& hidden_states,
                                const nn::Int& batch_size) const {
  const Tensor projected = nn::call(projection, hidden_states);
  return nn::transpose(nn::view(projected, {batch_size, -1, num_heads_, head_size_}), 1, 2);
}

AttentionOutput BertSelfAttention::forward(const Tensor& hidden_states,
                                           const std::optional<Tensor>& attention_mask) const {
  const nn::Int batch_size = nn::named("batch_size", nn::size(hidden_states, 0));
  const Tensor query_layer = nn::named("query_layer", heads(*query_, hidden_states, batch_size));
  const Tensor key_layer = nn::named("key_layer", heads(*key_, hidden_states, batch_size));
  const Tensor value_layer = nn::named("value_layer", heads(*value_, hidden_states, batch_size));
  AttentionOutput attended =
      sdpa_ ? AttentionOutput(
                  nn::named("attn_output", nn::scaled_dot_product_attention(query_layer, key_layer,
                                                                            value_layer, attention_mask)),
                  std::nullopt)
            : eager(query_layer, key_layer, value_layer, attention_mask);
  const Tensor context_layer =
      nn::named("context_layer", nn::contiguous(nn::permute(attended.first, {0, 2, 1, 3})));
  attended.first = nn::view(context_layer, {batch_size, -1, num_heads_ * head_size_});
  return attended;
}

AttentionOutput BertSelfAttention::eager(const Tensor& query_layer, const Tensor& key_layer,
                                         const Tensor& value_layer,
                                         const std::optional<Tensor>& attention_mask) const {
  Tensor attention_scores =
      nn::named("attention_scores", nn::matmul(query_layer, nn::transpose(key_layer, -1, -2)));
  if (distance_embedding_ != nullptr) {
    attention_scores =
        nn::named("attention_scores", nn::add(attention_scores, relative_scores(query_layer, key_layer)));
  }
  attention_scores =
      nn::named("attention_scores", nn::div(attention_scores, std::sqrt(static_cast<double>(head_size_))));
  if (attention_mask.has_value()) {
    attention_scores = nn::named("attention_scores", nn::add(attention_scores, *attention_mask));
  }
  const Tensor attention_probs =
      nn::call(*dropout_, nn::named("attention_probs", nn::softmax(attention_scores, -1)));
  const Tensor context_layer = nn::named("context_layer", nn::matmul(attention_probs, value_layer));
  return {context_layer, output_attentions_ ? std::optional(attention_probs) : std::nullopt};
}

/// Relative position embeddings (Shaw et al., https://arxiv.org/abs/1803.02155; Huang et al.,
/// https://arxiv.org/abs/2009.13658 for relative_key_query): (batch, heads, length, length).
Tensor BertSelfAttention::relative_scores(const Tensor& query_layer, const Tensor& key_layer) const {
  const nn::Computed device = nn::device(query_layer);
  const Tensor position_ids_l = nn::unsqueeze(nn::arange(nn::size(query_layer, 2), device), 1);
  const Tensor position_ids_r = nn::unsqueeze(nn::arange(nn::size(key_layer, 2), device), 0);
  const Tensor distance = nn::named("distance", nn::sub(position_ids_l, position_ids_r));
  const Tensor positional_embedding =
      nn::named("positional_embedding",
                nn::call(*distance_embedding_, nn::add(distance, max_position_embeddings_ - 1)));
  Tensor query_scores = nn::einsum("bhld,lrd->bhlr", {query_layer, positional_embedding});
  if (position_embedding_type_ == "relative_key") return query_scores;
  const Tensor key_scores = nn::einsum("bhrd,lrd->bhlr", {key_layer, positional_embedding});
  return nn::add(query_scores, key_scores);
}

BertResidualOutput::BertResidualOutput(const char* class_name, int64_t in_features, const BertConfig& config)
    : Module(qualified_bert(class_name)),
      dense_(register_module<nn::Linear>("dense", in_features, config.hidden_size)),
      layer_norm_(register_module<nn::LayerNorm>("LayerNorm", config.hidden_size, config.layer_norm_eps)),
      dropout_(register_module<nn::Dropout>("dropout", config.hidden_dropout_prob)) {}

Tensor BertResidualOutput::forward(const Tensor& hidden_states, const Tensor& input_tensor) const {
  const Tensor projected = nn::call(*dropout_, nn::call(*dense_, hidden_states));
  return nn::call(*layer_norm_, nn::add(projected, input_tensor));
}

BertAttention::BertAttention(const BertConfig& config)
    : Module(qualified_bert("BertAttention")),
      self_(register_module<BertSelfAttention>("self", config)),
      output_(register_module<BertResidualOutput>("output", "BertSelfOutput", config.hidden_size, config)) {}

AttentionOutput BertAttention::forward(const Tensor& hidden_states,
                                       const std::optional<Tensor>& attention_mask) const {
  AttentionOutput outputs = nn::call(*self_, hidden_states, attention_mask);
  outputs.first = nn::call(*output_, outputs.first, hidden_states);
  return outputs;
}

BertIntermediate::BertIntermediate(const BertConfig& config)
    : Module(qualified_bert("BertIntermediate")),
      dense_(register_module<nn::Linear>("dense", config.hidden_size, config.intermediate_size)),
      activation_(register_module<nn::Activation>("intermediate_act_fn", nn::activation(config.hidden_act))) {
}

Tensor BertIntermediate::forward(const Tensor& hidden_states) const {
  return nn::call(*activation_, nn::call(*dense_, hidden_states));
}

BertLayer::BertLayer(const BertConfig& config)
    : Module(qualified_bert("BertLayer")),
      attention_(register_module<BertAttention>("attention", config)),
      intermediate_(register_module<BertIntermediate>("intermediate", config)),
      output_(register_module<BertResidualOutput>("output", "BertOutput", config.intermediate_size, config)) {
}

AttentionOutput BertLayer::forward(const Tensor& hidden_states,
                                   const std::optional<Tensor>& attention_mask) const {
  AttentionOutput outputs = nn::call(*attention_, hidden_states, attention_mask);
  const Tensor attention_output = outputs.first;
  outputs.first = nn::call(*output_, nn::call(*intermediate_, attention_output), attention_output);
  return outputs;
}

void collect(const BertEncoderOutput& output, std::vector<Tensor>& into) {
  into.push_back(output.last_hidden_state);
  nn::collect(output.hidden_states, into);
  nn::collect(output.attentions, into);
}

BertEncoder::BertEncoder(const BertConfig& config)
    : Module(qualified_bert("BertEncoder")),
      output_hidden_states_(config.output_hidden_states),
      output_attentions_(config.output_attentions) {
  auto* layer = register_module<nn::ModuleList>("layer");
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) layers_.push_back(layer->append<BertLayer>(config));
}

BertEncoderOutput BertEncoder::forward(const Tensor& hidden_states,
                                       const std::optional<Tensor>& attention_mask) const {
  BertEncoderOutput result{hidden_states, {}, {}};
  for (const BertLayer* layer : layers_) {
    if (output_hidden_states_) result.hidden_states.push_back(result.last_hidden_state);
    const AttentionOutput outputs = nn::call(*layer, result.last_hidden_state, attention_mask);
    result.last_hidden_state = outputs.first;
    if (output_attentions_) result.attentions.push_back(*outputs.second);
  }
  if (output_hidden_states_) result.hidden_states.push_back(result.last_hidden_state);
  return result;
}

BertPooler::BertPooler(const BertConfig& config)
    : Module(qualified_bert("BertPooler")),
      dense_(register_module<nn::Linear>("dense", config.hidden_size, config.hidden_size)),
      activation_(register_module<nn::Activation>("activation", nn::activation("tanh"))) {}

Tensor BertPooler::forward(const Tensor& hidden_states) const {
  const Tensor first_token_tensor = nn::named("first_token_tensor", nn::select(hidden_states, 1, 0));
  return nn::call(*activation_, nn::call(*dense_, first_token_tensor));
}

void collect(const BertModelOutput& output, std::vector<Tensor>& into) {
  collect(output.encoder, into);
  nn::collect(output.pooler_output, into);
}

BertPreTrainedModel::BertPreTrainedModel(const char* class_name, const BertConfig& config)
    : Model(qualified_bert(class_name)), config_(config) {
  config.validate();
}

const std::vector<std::string>& BertPreTrainedModel::input_names() const {
  static const std::vector<std::string> names{"input_ids", "attention_mask", "token_type_ids",
                                              "position_ids"};
  return names;
}

std::vector<std::string> BertPreTrainedModel::ignored_keys() const {
  const std::string prefix = has_base_model() ? "bert." : "";
  return {prefix + "embeddings.position_ids", prefix + "embeddings.token_type_ids"};
}

BertInputs BertPreTrainedModel::to_bert_inputs(const ModelInputs& inputs) {
  return {*inputs[0], inputs[1], inputs[2], inputs[3]};
}

void BertPreTrainedModel::append_extras(const BertEncoderOutput& encoder, ModelOutputs& outputs) {
  if (!encoder.hidden_states.empty()) outputs.push_back({"hidden_states", encoder.hidden_states});
  if (!encoder.attentions.empty()) outputs.push_back({"attentions", encoder.attentions});
}

std::vector<std::string> BertPreTrainedModel::with_extras(std::vector<std::string> names) const {
  if (config_.output_hidden_states) names.emplace_back("hidden_states");
  if (config_.output_attentions) names.emplace_back("attentions");
  return names;
}

BertModel::BertModel(const BertConfig& config, bool add_pooling_layer)
    : BertPreTrainedModel("BertModel", config),
      embeddings_(register_module<BertEmbeddings>("embeddings", config)),
      encoder_(register_module<BertEncoder>("encoder", config)) {
  if (add_pooling_layer) pooler_ = register_module<BertPooler>("pooler", config);
}

BertModelOutput BertModel::forward(const BertInputs& inputs) const {
  if (inputs.input_ids.dim() != 2) {
    throw ValueError(
        cat("input_ids must have 2 dimensions (batch, length), found shape ", inputs.input_ids.sizes()));
  }
  const Tensor embedding_output =
      nn::call(*embeddings_, inputs.input_ids, inputs.token_type_ids, inputs.position_ids);
  std::optional<Tensor> attention_mask;
  if (inputs.attention_mask.has_value()) {
    attention_mask = uses_sdpa(config()) ? sdpa_attention_mask(*inputs.attention_mask, embedding_output)
                                         : extended_attention_mask(*inputs.attention_mask, embedding_output);
  }
  BertModelOutput result{nn::call(*encoder_, embedding_output, attention_mask), std::nullopt};
  if (pooler_ != nullptr) result.pooler_output = nn::call(*pooler_, result.encoder.last_hidden_state);
  return result;
}

ModelOutputs BertModel::forward(const ModelInputs& inputs) const {
  const BertModelOutput result = forward(to_bert_inputs(inputs));
  ModelOutputs outputs{{"last_hidden_state", result.encoder.last_hidden_state}};
  if (result.pooler_output.has_value()) outputs.push_back({"pooler_output", *result.pooler_output});
  append_extras(result.encoder, outputs);
  return outputs;
}

std::vector<std::string> BertModel::output_names() const {
  return with_extras(pooler_ != nullptr ? std::vector<std::string>{"last_hidden_state", "pooler_output"}
                                        : std::vector<std::string>{"last_hidden_state"});
}

}  // namespace calque::models

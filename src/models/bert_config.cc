#include "models/bert_config.h"

#include <cmath>

#include "base/text.h"
#include "calque/error.h"

namespace calque::models {
namespace {

using transformers::BertConfig;

std::optional<double> optional_double(const JsonRef& json, std::string_view key) {
  return json.has(key) ? std::optional(json.get_double(key)) : std::nullopt;
}

/// Absent: the default, 0. null: no padding token.
std::optional<int64_t> pad_token_id(const JsonRef& json) {
  const Json* member = json.json().find("pad_token_id");
  if (member == nullptr) return 0;
  if (member->is_null()) return std::nullopt;
  return json.get_int("pad_token_id");
}

int64_t num_labels(const JsonRef& json) {
  if (const auto labels = json.find("id2label")) return static_cast<int64_t>(labels->as_object().size());
  return json.get_int_or("num_labels", 2);
}

std::vector<std::string> architectures(const JsonRef& json) {
  std::vector<std::string> names;
  const auto list = json.find("architectures");
  if (!list.has_value()) return names;
  for (size_t i = 0; i < list->size(); ++i) names.push_back(list->at(i).as_string());
  return names;
}

void refuse_unsupported(const JsonRef& json) {
  for (const char* key : {"is_decoder", "add_cross_attention"}) {
    if (!json.get_bool_or(key, false)) continue;
    throw NotImplementedError(
        cat(json.label(), ": \"", key, "\" is true; BERT is supported as an encoder only"));
  }
  const auto pruned = json.find("pruned_heads");
  if (pruned.has_value() && pruned->is(Json::Kind::kObject) && !pruned->as_object().empty()) {
    throw NotImplementedError(
        cat(json.label(), ": \"pruned_heads\" is not supported; save the model unpruned"));
  }
}

/// Bounds far above every model that exists; they keep later products of sizes small.
void require_range(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  throw ValueError(cat("BertConfig: ", name, " is ", value, "; expected ", low, " … ", high));
}

void require_probability(const char* name, double value) {
  if (value >= 0 && value <= 1) return;
  throw ValueError(
      cat("BertConfig: dropout probability has to be between 0 and 1, but ", name, " is ", value));
}

}  // namespace

BertConfig bert_config(const JsonRef& json) {
  const BertConfig defaults;
  BertConfig config;
  const int64_t older_name = json.get_int_or("vocab_size_or_config_json_file", defaults.vocab_size);
  config.vocab_size = json.get_int_or("vocab_size", older_name);
  config.hidden_size = json.get_int_or("hidden_size", defaults.hidden_size);
  config.num_hidden_layers = json.get_int_or("num_hidden_layers", defaults.num_hidden_layers);
  config.num_attention_heads = json.get_int_or("num_attention_heads", defaults.num_attention_heads);
  config.intermediate_size = json.get_int_or("intermediate_size", defaults.intermediate_size);
  config.hidden_act = json.get_string_or("hidden_act", defaults.hidden_act);
  config.hidden_dropout_prob = json.get_double_or("hidden_dropout_prob", defaults.hidden_dropout_prob);
  config.attention_probs_dropout_prob =
      json.get_double_or("attention_probs_dropout_prob", defaults.attention_probs_dropout_prob);
  config.max_position_embeddings =
      json.get_int_or("max_position_embeddings", defaults.max_position_embeddings);
  config.type_vocab_size = json.get_int_or("type_vocab_size", defaults.type_vocab_size);
  config.initializer_range = json.get_double_or("initializer_range", defaults.initializer_range);
  config.layer_norm_eps = json.get_double_or("layer_norm_eps", defaults.layer_norm_eps);
  config.pad_token_id = pad_token_id(json);
  config.position_embedding_type =
      json.get_string_or("position_embedding_type", defaults.position_embedding_type);
  config.classifier_dropout = optional_double(json, "classifier_dropout");
  config.num_labels = num_labels(json);
  config.torchscript = json.get_bool_or("torchscript", false);
  config.output_hidden_states = json.get_bool_or("output_hidden_states", false);
  config.output_attentions = json.get_bool_or("output_attentions", false);
  config.tie_word_embeddings = json.get_bool_or("tie_word_embeddings", true);
  config.architectures = architectures(json);
  refuse_unsupported(json);
  return config;
}

}  // namespace calque::models

namespace calque::transformers {

BertConfig BertConfig::from_pretrained(const std::string& directory) {
  return models::bert_config(read_json(directory + "/config.json"));
}

BertConfig BertConfig::from_json(std::string_view json, const std::string& name) {
  return models::bert_config(parse_json(json, name));
}

void BertConfig::validate() const {
  using models::require_range;
  constexpr int64_t kMostRows = int64_t{1} << 26;
  constexpr int64_t kWidest = int64_t{1} << 20;
  require_range("vocab_size", vocab_size, 1, kMostRows);
  require_range("hidden_size", hidden_size, 1, kWidest);
  require_range("num_hidden_layers", num_hidden_layers, 0, 1024);
  require_range("num_attention_heads", num_attention_heads, 1, kWidest);
  require_range("intermediate_size", intermediate_size, 1, kWidest);
  require_range("max_position_embeddings", max_position_embeddings, 1, kMostRows);
  require_range("type_vocab_size", type_vocab_size, 1, kMostRows);
  require_range("num_labels", num_labels, 1, kWidest);
  if (pad_token_id.has_value()) require_range("pad_token_id", *pad_token_id, 0, vocab_size - 1);
  models::require_probability("hidden_dropout_prob", hidden_dropout_prob);
  models::require_probability("attention_probs_dropout_prob", attention_probs_dropout_prob);
  models::require_probability("classifier_dropout", classifier_dropout.value_or(0));
  if (!(initializer_range >= 0 && std::isfinite(initializer_range))) {
    throw ValueError(cat("BertConfig: initializer_range is ", initializer_range, "; expected 0 or more"));
  }
  if (!(layer_norm_eps >= 0 && std::isfinite(layer_norm_eps))) {
    throw ValueError(cat("BertConfig: layer_norm_eps is ", layer_norm_eps, "; expected 0 or more"));
  }
  if (hidden_size % num_attention_heads != 0) {
    throw ValueError(cat("The hidden size (", hidden_size,
                         ") is not a multiple of the number of attention heads (", num_attention_heads, ")"));
  }
  if (position_embedding_type != "absolute" && position_embedding_type != "relative_key" &&
      position_embedding_type != "relative_key_query") {
    throw NotImplementedError(
        cat("position_embedding_type ", quoted(position_embedding_type),
            " is not supported; supported are absolute, relative_key, relative_key_query"));
  }
  if (attn_implementation != "eager" && attn_implementation != "sdpa") {
    throw NotImplementedError(cat("attn_implementation ", quoted(attn_implementation),
                                  " is not supported; supported are eager, sdpa"));
  }
}

}  // namespace calque::transformers

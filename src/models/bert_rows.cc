#include <string>

#include "base/check.h"
#include "models/bert.h"
#include "models/bert_config.h"
#include "models/bert_heads.h"
#include "models/registry.h"

namespace calque::models {
namespace {

using transformers::FromPretrainedOptions;
using Maker = std::unique_ptr<Model> (*)(const BertConfig& config);

template <class M>
std::unique_ptr<Model> make(const BertConfig& config) {
  return std::make_unique<M>(config);
}

template <BertClassifier::Level level>
std::unique_ptr<Model> make_classifier(const BertConfig& config) {
  return std::make_unique<BertClassifier>(level, config);
}

template <Maker maker>
std::unique_ptr<Model> build(const JsonRef& json, const FromPretrainedOptions& options) {
  BertConfig config = bert_config(json);
  config.torchscript = options.torchscript.value_or(config.torchscript);
  config.output_hidden_states = options.output_hidden_states.value_or(config.output_hidden_states);
  config.output_attentions = options.output_attentions.value_or(config.output_attentions);
  config.num_labels = options.num_labels.value_or(config.num_labels);
  config.attn_implementation = options.attn_implementation.value_or(config.attn_implementation);
  return maker(config);
}

struct BertRow {
  const char* class_name;
  Maker make;
  decltype(ModelRow::build) build;
};

template <Maker maker>
constexpr BertRow row(const char* class_name) {
  return {class_name, maker, build<maker>};
}

constexpr BertRow kBert[] = {
    row<make<BertModel>>("BertModel"),
    row<make_classifier<BertClassifier::Level::kSequence>>("BertForSequenceClassification"),
    row<make_classifier<BertClassifier::Level::kToken>>("BertForTokenClassification"),
    row<make<BertForQuestionAnswering>>("BertForQuestionAnswering"),
    row<make<BertForMaskedLM>>("BertForMaskedLM"),
    row<make<BertForNextSentencePrediction>>("BertForNextSentencePrediction"),
    row<make<BertForPreTraining>>("BertForPreTraining"),
};

}  // namespace

std::span<const ModelRow> bert_rows() {
  static const std::vector<ModelRow> rows = [] {
    std::vector<ModelRow> made;
    for (const BertRow& bert : kBert) made.push_back({bert.class_name, "bert", bert.build});
    return made;
  }();
  return rows;
}

std::unique_ptr<Model> make_bert(std::string_view class_name, const BertConfig& config) {
  BertConfig complete = config;
  complete.vocab_size = config.vocab_size_or_config_json_file.value_or(config.vocab_size);
  for (const BertRow& bert : kBert) {
    if (bert.class_name == class_name) return bert.make(complete);
  }
  check(false, "the classes of the public header are rows");
  return nullptr;
}

}  // namespace calque::models

// The architectures that exist: one row per class. A new architecture is one file with its rows and one line
// in registry.cc.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calque/transformers.h"
#include "formats/json.h"
#include "models/model.h"

namespace calque::models {

struct ModelRow {
  std::string_view class_name;  ///< Python's: `BertForMaskedLM`
  std::string_view model_type;  ///< of config.json: `bert`
  /// Builds the model, without weights, from a config.json and what the caller overrides.
  std::unique_ptr<Model> (*build)(const JsonRef& config, const transformers::FromPretrainedOptions& options);
};

/// NotImplementedError, with the names that exist, when there is none.
const ModelRow& find_model(std::string_view class_name);
/// The plain model of a model_type. NotImplementedError as above.
const ModelRow& plain_model(std::string_view model_type);

/// Every row, the plain model of each model_type first.
std::vector<ModelRow> all_models();

/// Rows of an architecture, the plain model first.
std::span<const ModelRow> bert_rows();

/// A BERT class by name, from its configuration.
std::unique_ptr<Model> make_bert(std::string_view class_name, const transformers::BertConfig& config);

}  // namespace calque::models

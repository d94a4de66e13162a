#include "models/registry.h"

#include "base/text.h"
#include "calque/error.h"

namespace calque::models {
namespace {

using Rows = std::span<const ModelRow> (*)();
constexpr Rows kArchitectures[] = {bert_rows};

}  // namespace

const ModelRow& find_model(std::string_view class_name) {
  std::vector<std::string> names;
  for (const Rows rows : kArchitectures) {
    for (const ModelRow& row : rows()) {
      if (row.class_name == class_name) return row;
      names.emplace_back(row.class_name);
    }
  }
  throw NotImplementedError(
      cat("architecture ", quoted(class_name), " is not supported; supported are ", join(names, ", ")));
}

const ModelRow& plain_model(std::string_view model_type) {
  std::vector<std::string> types;
  for (const Rows rows : kArchitectures) {
    const ModelRow& plain = rows().front();
    if (plain.model_type == model_type) return plain;
    types.emplace_back(plain.model_type);
  }
  throw NotImplementedError(
      cat("model_type ", quoted(model_type), " is not supported; supported are ", join(types, ", ")));
}

std::vector<ModelRow> all_models() {
  std::vector<ModelRow> all;
  for (const Rows rows : kArchitectures) all.insert(all.end(), rows().begin(), rows().end());
  return all;
}

}  // namespace calque::models

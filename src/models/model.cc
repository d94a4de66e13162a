#include "models/model.h"

#include <algorithm>

#include "base/text.h"
#include "calque/error.h"
#include "ir/type.h"

namespace calque::models {

void collect(const ModelOutputs& outputs, std::vector<Tensor>& into) {
  for (const ModelOutput& output : outputs) {
    std::visit([&into](const auto& value) { nn::collect(value, into); }, output.value);
  }
}

IValue to_tuple(const ModelOutputs& outputs) {
  std::vector<IValue> elements;
  for (const ModelOutput& output : outputs) {
    if (const auto* tensor = std::get_if<Tensor>(&output.value)) {
      elements.emplace_back(*tensor);
      continue;
    }
    const auto& tensors = std::get<std::vector<Tensor>>(output.value);
    elements.push_back(IValue::tuple(std::vector<IValue>(tensors.begin(), tensors.end())));
  }
  return IValue::tuple(std::move(elements));
}

IValue to_dict(const ModelOutputs& outputs) {
  auto dict = make_ref<DictImpl>();
  dict->key_type = string_type();
  dict->value_type = tensor_type();
  for (const ModelOutput& output : outputs) {
    const auto* tensor = std::get_if<Tensor>(&output.value);
    if (tensor == nullptr) {
      throw ValueError(
          cat("output ", output.name,
              " is a tuple of tensors, which a Dict[str, Tensor] cannot hold; ask for tuple outputs"));
    }
    dict->insert_or_assign(output.name, *tensor);
  }
  return dict;
}

ModelInputs bind_inputs(const Model& model, const std::vector<Tensor>& inputs,
                        const std::vector<std::pair<std::string, Tensor>>& named_inputs) {
  const std::vector<std::string>& names = model.input_names();
  if (inputs.size() > names.size()) {
    throw TypeError(cat(model.class_name(), ".forward() takes at most ", names.size(), " inputs (",
                        join(names, ", "), ") but ", inputs.size(), " were given"));
  }
  ModelInputs bound(names.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined()) bound[i] = inputs[i];
  }
  for (const auto& [name, value] : named_inputs) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      throw TypeError(cat(model.class_name(), ".forward() got an unexpected keyword argument ",
                          calque::quoted(name), "; it takes ", join(names, ", ")));
    }
    std::optional<Tensor>& slot = bound[static_cast<size_t>(found - names.begin())];
    if (slot.has_value()) {
      throw TypeError(
          cat(model.class_name(), ".forward() got multiple values for argument ", calque::quoted(name)));
    }
    if (value.defined()) slot = value;
  }
  if (!bound[0].has_value()) throw ValueError(cat("You have to specify ", names[0]));
  return bound;
}

}  // namespace calque::models

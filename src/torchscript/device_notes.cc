#include "torchscript/device_notes.h"

#include <set>

#include "base/text.h"
#include "calque/error.h"

namespace calque::torchscript {

std::optional<Device> named_device(const Node& node) {
  if (node.is("prim::Constant") && node.value.isDevice()) return node.value.toDevice();
  if (!node.is("aten::device") || node.inputs.empty()) return std::nullopt;
  const Node* text = node.input()->node;
  if (!text->is("prim::Constant") || !text->value.isString()) return std::nullopt;
  try {
    return Device::parse(text->value.toStringRef());
  } catch (const ValueError&) {
    return std::nullopt;
  }
}

namespace {

void collect(const Block& block, std::set<std::string>& names) {
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    const std::optional<Device> device = named_device(*node);
    if (device.has_value() && device->kind != Device::Kind::CPU) names.insert(device->str());
    for (const auto& inner : node->blocks) collect(*inner, names);
  }
}

}  // namespace

void note_devices(const CompilationUnit& unit, const std::function<void(const std::string&)>& on_note) {
  std::set<std::string> names;
  for (const auto& function : unit.functions()) {
    if (function->graph != nullptr) collect(function->graph->block(), names);
  }
  for (const std::string& name : names) {
    on_note(cat("the program places tensors on ", name, "; that is ignored, and everything runs on the CPU"));
  }
}

}  // namespace calque::torchscript

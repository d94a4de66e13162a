#include "torchscript/environment.h"

#include <algorithm>

namespace calque::torchscript {

Sugared Frame::find_here(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? nullptr : it->second;
}

Sugared Frame::find(std::string_view name) const {
  for (const Frame* frame = this; frame != nullptr; frame = frame->parent_) {
    if (Sugared found = frame->find_here(name)) return found;
  }
  return nullptr;
}

void Frame::set(std::string_view name, Sugared value) {
  const auto [it, inserted] = values_.insert_or_assign(std::string(name), std::move(value));
  if (inserted) order_.push_back(it->first);
  if (!errors_.empty()) errors_.erase(it->first);
}

void Frame::erase(std::string_view name) {
  const auto it = values_.find(name);
  if (it == values_.end()) return;
  std::erase(order_, it->first);
  values_.erase(it);
}

void Frame::set_error(std::string_view name, std::string reason) {
  errors_.insert_or_assign(std::string(name), std::move(reason));
}

std::string Frame::find_error(std::string_view name) const {
  for (const Frame* frame = this; frame != nullptr; frame = frame->parent_) {
    const auto it = frame->errors_.find(name);
    if (it != frame->errors_.end()) return it->second;
  }
  return {};
}

std::string merged_hint(const std::string& variable) {
  const bool number = variable.starts_with('_') && std::all_of(variable.begin() + 1, variable.end(),
                                                               [](char c) { return c >= '0' && c <= '9'; });
  return number ? std::string() : variable;
}

}  // namespace calque::torchscript

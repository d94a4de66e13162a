// Which names are in scope while a function is compiled.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "torchscript/sugared_value.h"

namespace calque::torchscript {

/// The names that one block of the graph assigns, over those of the blocks around it.
class Frame {
 public:
  explicit Frame(Frame* parent) : parent_(parent) {}
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  Frame* parent() const { return parent_; }
  /// In this block alone; nullptr when it does not assign the name.
  Sugared find_here(std::string_view name) const;
  /// Here or around; nullptr when nothing assigns it.
  Sugared find(std::string_view name) const;
  void set(std::string_view name, Sugared value);
  void erase(std::string_view name);
  /// Names that this block assigns, in the order of their first assignment.
  const std::vector<std::string>& assigned() const { return order_; }

  /// Why a name is not usable although some branch assigns it.
  void set_error(std::string_view name, std::string reason);
  /// Empty when there is no such reason.
  std::string find_error(std::string_view name) const;

 private:
  Frame* const parent_;
  std::map<std::string, Sugared, std::less<>> values_;
  std::map<std::string, std::string, std::less<>> errors_;
  std::vector<std::string> order_;
};

/// What a value is called after the variable it merges: nothing for PyTorch's numbering (`_3`), which
/// printers make anew. Names of the compiler's own variables begin with % and stay.
std::string merged_hint(const std::string& variable);

}  // namespace calque::torchscript

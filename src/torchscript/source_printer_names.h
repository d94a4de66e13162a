// Names in printed source: classes and functions of an archive, local variables of a function.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace calque::torchscript {

/// What an archive has to define: classes, NamedTuples, enums, interfaces and functions. Each gets one
/// qualified name, unique in the archive, and is listed the first time it is asked for.
class Definitions {
 public:
  struct Item {
    const Type* type = nullptr;          ///< a named type, or
    const Function* function = nullptr;  ///< a free function
    std::string name;                    ///< qualified, as it is written
  };

  /// The annotation of any type, with the names of this archive.
  std::string annotation(const Type& type);
  /// The name of a class, NamedTuple, enum or interface.
  const std::string& name(const Type& named);
  const std::string& name(const Function& function);
  /// In the order of first mention; grows while its items are printed.
  const std::deque<Item>& items() const { return items_; }

 private:
  const std::string& add(const std::string& wanted, Item item);
  std::string list(std::string_view head, const std::vector<TypePtr>& parts);

  std::deque<Item> items_;  // names are handed out by reference
  std::unordered_map<const void*, size_t> index_;
  std::map<std::string, size_t, std::less<>> by_name_;
};

/// True for the types that have a definition of their own.
bool is_named_type(const Type& type);

/// `__torch__.a.b` and `Name` of `__torch__.a.b.Name`.
std::pair<std::string_view, std::string_view> split_qualified(std::string_view name);

/// Hands out local names. One object serves all functions of a source file, so that temporaries are numbered
/// through the file; clear() starts the next function.
class LocalNames {
 public:
  void clear() { used_.clear(); }
  /// `wanted` itself when it is free and allowed, else with a number at its end. An empty hint gives `_0`,
  /// `_1`, …
  std::string unique(std::string_view wanted);
  /// For an argument, whose name callers may use: only names that cannot be read are changed.
  std::string argument(std::string_view wanted);

 private:
  std::unordered_map<std::string, size_t> next_;
  std::unordered_set<std::string> used_;
};

}  // namespace calque::torchscript

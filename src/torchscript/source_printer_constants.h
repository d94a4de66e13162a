// Constants in printed source: literals, and the table that becomes constants.pkl.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "calque/ivalue.h"
#include "torchscript/source_printer_names.h"

namespace calque::torchscript {

/// Values that source names as `CONSTANTS.c0`, `CONSTANTS.c1`, …: tensors (equal ones are kept once),
/// objects, text beyond ASCII, and numbers that have no literal.
class ConstantTable {
 public:
  /// The index of `value`, which is added when no equal one is there.
  size_t index_of(const IValue& value);
  const std::vector<IValue>& values() const { return values_; }

 private:
  std::vector<IValue> values_;
  std::unordered_multimap<size_t, size_t> by_hash_;
};

/// Source text of a constant of the given static type. NotImplementedError for values that source cannot hold
/// (futures, generators).
std::string constant_text(const IValue& value, const Type& type, Definitions& definitions,
                          ConstantTable& table);

/// `annotate(<type>, <members>)` when the type of a list or dictionary cannot be told from its members.
bool needs_annotation(const Type& container, bool empty);

}  // namespace calque::torchscript

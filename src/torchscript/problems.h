// What keeps a program from being compiled, gathered for a report.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace calque::torchscript {

/// Where a function calls something.
struct CallPlace {
  std::string function;  ///< qualified name: `__torch__.a.B.forward`
  std::string source;    ///< record and line: `code/__torch__/a.py line 7`
};

/// An operator that is not implemented.
struct MissingOperator {
  std::string name;               ///< `ns::name`
  std::vector<CallPlace> places;  ///< without repetition, the first kMostPlaces
  size_t count = 0;

  static constexpr size_t kMostPlaces = 64;
};

struct Problems {
  std::vector<MissingOperator> missing;
  std::vector<std::string> mismatches;  ///< calls that fit no overload, one message each

  bool empty() const { return missing.empty() && mismatches.empty(); }
  /// One text that names them all, as load gives it.
  std::string message() const;
};

}  // namespace calque::torchscript

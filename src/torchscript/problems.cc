#include "torchscript/problems.h"

#include <algorithm>

#include "base/text.h"

namespace calque::torchscript {

namespace {

std::string text_of(const MissingOperator& missing) {
  constexpr size_t kShown = 3;
  std::string text = cat("\n  ", missing.name, " in ");
  for (size_t i = 0; i < std::min(kShown, missing.places.size()); ++i)
    text += cat(i == 0 ? "" : ", ", missing.places[i].function, " (", missing.places[i].source, ")");
  if (missing.count > kShown) text += cat(" and ", missing.count - kShown, " more");
  return text;
}

}  // namespace

std::string Problems::message() const {
  std::string text;
  if (!missing.empty()) {
    text = cat("Unknown builtin op", missing.size() == 1 ? "" : "s", ": this program needs ",
               missing.size() == 1 ? "an operator that is" : "operators that are", " not implemented here:");
    for (const MissingOperator& operation : missing) text += text_of(operation);
    if (!mismatches.empty()) text += "\n";
  }
  constexpr size_t kShown = 5;
  for (size_t i = 0; i < std::min(kShown, mismatches.size()); ++i)
    text += cat(i == 0 ? "" : "\n", mismatches[i]);
  if (mismatches.size() > kShown) text += cat("\n(and ", mismatches.size() - kShown, " more)");
  return text;
}

}  // namespace calque::torchscript

#include <array>

#include "base/text.h"
#include "calque/error.h"
#include "calque/jit.h"

namespace calque::jit {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"float32", "bf16", "int8", "int8-weights",
                                                    "int4-weights"};

}  // namespace

Precision precision_from_name(std::string_view name) {
  std::string all;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Precision>(i);
    all += cat(i == 0 ? "" : ", ", kNames[i]);
  }
  throw ValueError(cat("found precision ", quoted(name), "; expected one of ", all));
}

std::string_view precision_name(Precision precision) { return kNames.at(static_cast<size_t>(precision)); }

}  // namespace calque::jit

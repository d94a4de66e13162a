#include "ops/value_text.h"

#include <cmath>
#include <cstdio>
#include <sstream>

#include "ir/value_walk.h"

namespace calque::ops {

namespace {

std::string double_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.17g", value);
  std::string text = buffer;
  if (text == "-0") text = "0";
  if (text.find_first_of(".e") == std::string::npos) text += ".";
  return text;
}

std::string joined(const std::vector<IValue>& items) {
  const ValueWalk walk;
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ", ";
    out += value_text(items[i]);
  }
  return out;
}

}  // namespace

std::string value_text(const IValue& value) {
  if (value.isString()) return value.toStringRef();
  if (value.isDouble()) return double_text(value.toDouble());
  if (value.isList()) return "[" + joined(value.list_impl()->items) + "]";
  if (value.isTuple()) {
    const auto& items = value.tuple_impl()->items;
    return "(" + joined(items) + (items.size() == 1 ? ",)" : ")");
  }
  std::ostringstream out;
  out << value;
  return out.str();
}

}  // namespace calque::ops

#include "signature.h"

#include <cstddef>
#include <utility>

namespace calque::app {

namespace {

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

/// Index of the bracket that closes the one at `open`.
size_t closing(std::string_view text, size_t open) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = open; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && text[i - 1] != '\\') quoted = !quoted;
    if (quoted) continue;
    if (c == '(' || c == '[') ++depth;
    if ((c == ')' || c == ']') && --depth == 0) return i;
  }
  return text.size();
}

Parameter read_parameter(const std::string& text) {
  Parameter parameter;
  const std::vector<std::string> halves = split_outside_brackets(text, '=');
  parameter.has_default = halves.size() > 1;
  const std::string& declared = halves.front();
  const size_t space = declared.rfind(' ');
  if (space == std::string::npos) return {declared, {}, parameter.has_default, false};
  parameter.type = trimmed(std::string_view(declared).substr(0, space));
  parameter.name = declared.substr(space + 1);
  return parameter;
}

}  // namespace

std::vector<std::string> split_outside_brackets(std::string_view text, char separator) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(' || text[i] == '[') i = closing(text, i);
    if (i < text.size() && text[i] == separator) {
      parts.push_back(trimmed(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  parts.push_back(trimmed(text.substr(start)));
  return parts;
}

Signature read_signature(std::string_view schema) {
  Signature signature;
  const size_t open = schema.find('(');
  if (open == std::string_view::npos) return signature;
  const size_t close = closing(schema, open);
  const std::string_view list = schema.substr(open + 1, close - open - 1);
  bool keyword_only = false;
  bool module = true;  // the first argument of a method, whatever it is called
  for (const std::string& part : split_outside_brackets(list, ',')) {
    if (part == "*") keyword_only = true;
    if (part.empty() || part == "*") continue;
    if (std::exchange(module, false)) continue;
    Parameter parameter = read_parameter(part);
    parameter.keyword_only = keyword_only;
    signature.parameters.push_back(std::move(parameter));
  }
  const size_t arrow = schema.find("-> ", close);
  if (arrow != std::string_view::npos) signature.result = trimmed(schema.substr(arrow + 3));
  return signature;
}

}  // namespace calque::app

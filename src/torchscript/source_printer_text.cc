#include "torchscript/source_printer_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace calque::torchscript {

namespace {

// Words of TorchScript's lexer: they cannot be names anywhere.
constexpr std::array<std::string_view, 28> kKeywords = {
    "Ellipsis", "False", "None", "NoneType", "True",  "and",    "as",     "assert", "break",  "class",
    "continue", "def",   "del",  "elif",     "else",  "for",    "global", "if",     "import", "in",
    "is",       "not",   "or",   "pass",     "raise", "return", "while",  "with"};

// Python's other keywords, and names that printed code calls or reads.
constexpr std::array<std::string_view, 33> kReserved = {
    "CONSTANTS", "_",      "__torch__",  "annotate", "async", "aten", "await",          "bool",
    "complex",   "except", "finally",    "float",    "fork",  "from", "getattr",        "inf",
    "infj",      "int",    "isinstance", "lambda",   "nan",   "nanj", "nonlocal",       "ops",
    "print",     "range",  "sorted",     "str",      "torch", "try",  "unchecked_cast", "uninitialized",
    "yield"};

static_assert(std::is_sorted(kKeywords.begin(), kKeywords.end()));
static_assert(std::is_sorted(kReserved.begin(), kReserved.end()));

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool contains(std::span<const std::string_view> sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 48> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::general, 17);
  std::string text(buffer.data(), end.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += '.';
  return text;
}

std::optional<std::string> complex_text(const std::complex<double>& value) {
  const auto exact = [](double part) { return std::isfinite(part) && !(part == 0 && std::signbit(part)); };
  if (!exact(value.real()) || !exact(value.imag())) return std::nullopt;
  const std::string imaginary = float_text(value.imag());
  return float_text(value.real()) + (imaginary[0] == '-' ? "" : "+") + imaginary + "j";
}

std::string string_text(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || c == '"' || c == '\'') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += '\\';
      out += static_cast<char>('0' + (byte >> 6));
      out += static_cast<char>('0' + ((byte >> 3) & 7));
      out += static_cast<char>('0' + (byte & 7));
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_identifier(std::string_view name) {
  if (name.empty() || is_digit(name[0]) || contains(kKeywords, name)) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

std::string to_identifier(std::string_view hint) {
  std::string out;
  if (hint.empty() || is_digit(hint[0])) out += '_';
  for (const char c : hint) out += is_letter(c) || is_digit(c) ? c : '_';
  return out;
}

bool is_reserved(std::string_view name) { return contains(kKeywords, name) || contains(kReserved, name); }

}  // namespace calque::torchscript

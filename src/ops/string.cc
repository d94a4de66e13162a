// Strings. They are bytes, as in TorchScript's own runtime; letters are ASCII's.
#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "ops/limits.h"
#include "ops/strings.h"
#include "ops/tables.h"
#include "ops/value_text.h"

namespace calque::ops {

namespace {

bool is_upper(char ch) { return ch >= 'A' && ch <= 'Z'; }
bool is_lower(char ch) { return ch >= 'a' && ch <= 'z'; }
bool is_alpha(char ch) { return is_upper(ch) || is_lower(ch); }
bool is_digit(char ch) { return ch >= '0' && ch <= '9'; }
bool is_alnum(char ch) { return is_alpha(ch) || is_digit(ch); }
bool is_print(char ch) { return ch >= ' ' && ch <= '~'; }
char upper(char ch) { return is_lower(ch) ? static_cast<char>(ch - 32) : ch; }
char lower(char ch) { return is_upper(ch) ? static_cast<char>(ch + 32) : ch; }
char swap_case(char ch) { return is_upper(ch) ? lower(ch) : upper(ch); }

// --- tests

using Test = bool (*)(char);
/// All characters pass, and there is one.
template <Test F>
void all_are(OpCall& c) {
  c.ret(!text(c).empty() && std::ranges::all_of(text(c), F));
}
void is_printable(OpCall& c) { c.ret(std::ranges::all_of(text(c), is_print)); }
/// Some letter, and none of the other case.
void is_lower_op(OpCall& c) {
  c.ret(std::ranges::any_of(text(c), is_lower) && std::ranges::none_of(text(c), is_upper));
}
void is_upper_op(OpCall& c) {
  c.ret(std::ranges::any_of(text(c), is_upper) && std::ranges::none_of(text(c), is_lower));
}
void is_title(OpCall& c) {
  bool found = false;
  bool in_word = false;
  for (const char ch : text(c)) {
    if (is_alpha(ch) && is_upper(ch) == in_word) return c.ret(false);
    found = found || is_alpha(ch);
    in_word = is_alpha(ch);
  }
  c.ret(found);
}
void is_identifier(OpCall& c) {
  const std::string& s = text(c);
  const bool starts = !s.empty() && !is_digit(s[0]);
  c.ret(starts && std::ranges::all_of(s, [](char ch) { return is_alnum(ch) || ch == '_'; }));
}

// --- mapping

using Map = char (*)(char);
template <Map F>
void mapped(OpCall& c) {
  std::string out = text(c);
  std::ranges::transform(out, out.begin(), F);
  c.ret(std::move(out));
}
void capitalize(OpCall& c) {
  std::string out = text(c);
  std::ranges::transform(out, out.begin(), lower);
  if (!out.empty()) out[0] = upper(out[0]);
  c.ret(std::move(out));
}
void title(OpCall& c) {
  std::string out = text(c);
  bool in_word = false;
  for (char& ch : out) {
    ch = in_word ? lower(ch) : upper(ch);
    in_word = is_alpha(ch);
  }
  c.ret(std::move(out));
}

// --- blanks

std::string stripped(const OpCall& c, bool left, bool right) {
  const std::string& s = text(c);
  const size_t first = left ? s.find_first_not_of(text(c, 1)) : 0;
  if (first == std::string::npos) return {};
  const size_t last = right ? s.find_last_not_of(text(c, 1)) : s.size() - 1;
  if (last == std::string::npos || s.empty()) return {};
  return s.substr(first, last - first + 1);
}
void strip(OpCall& c) { c.ret(stripped(c, true, true)); }
void lstrip(OpCall& c) { c.ret(stripped(c, true, false)); }
void rstrip(OpCall& c) { c.ret(stripped(c, false, true)); }

char fill_of(const OpCall& c) {
  if (text(c, 2).size() != 1) {
    throw RuntimeError("TypeError: The fill character must be exactly one character long");
  }
  return text(c, 2)[0];
}
size_t missing(const OpCall& c) {
  check_growth(c.integer(1), 1);
  return static_cast<size_t>(std::max<int64_t>(c.integer(1) - static_cast<int64_t>(text(c).size()), 0));
}
void ljust(OpCall& c) { c.ret(text(c) + std::string(missing(c), fill_of(c))); }
void rjust(OpCall& c) { c.ret(std::string(missing(c), fill_of(c)) + text(c)); }
void center(OpCall& c) {
  const char fill = fill_of(c);
  const size_t n = missing(c);
  // Python's rule for the odd character.
  const size_t left = n / 2 + (n & static_cast<size_t>(c.integer(1)) & 1);
  c.ret(std::string(left, fill) + text(c) + std::string(n - left, fill));
}
void zfill(OpCall& c) { c.ret(std::string(missing(c), '0') + text(c)); }
void expand_tabs(OpCall& c) {
  const auto tab = static_cast<size_t>(std::max<int64_t>(c.integer(1), 0));
  std::string out;
  for (const char ch : text(c)) {
    if (ch != '\t') {
      out += ch;
      continue;
    }
    if (tab == 0) continue;
    const size_t blanks = tab - out.size() % tab;
    check_growth(static_cast<int64_t>(std::min<size_t>(blanks, INT64_MAX)), 1);
    out.append(blanks, ' ');
  }
  c.ret(std::move(out));
}

// --- elements

void len(OpCall& c) { c.ret(static_cast<int64_t>(text(c).size())); }
void get_item(OpCall& c) {
  const auto size = static_cast<int64_t>(text(c).size());
  const int64_t at = c.integer(1) < 0 ? c.integer(1) + size : c.integer(1);
  if (at < 0 || at >= size) throw IndexError("string index out of range");
  c.ret(std::string(1, text(c)[static_cast<size_t>(at)]));
}
void slice(OpCall& c) {
  const std::string& s = text(c);
  const auto size = static_cast<int64_t>(s.size());
  const int64_t step = c.integer(3);
  if (step == 0) throw RuntimeError("slice step cannot be zero");
  const bool forward = step > 0;
  const int64_t low = forward ? 0 : -1;
  const int64_t high = forward ? size : size - 1;
  const auto bound = [&](size_t i, int64_t absent) {
    if (c[i].isNone()) return absent;
    const int64_t value = c.integer(i);
    return std::clamp(value < 0 ? value + size : value, low, high);
  };
  const int64_t end = bound(2, forward ? size : -1);
  std::string out;
  for (int64_t i = bound(1, forward ? 0 : size - 1); forward ? i < end : i > end;) {
    out += s[static_cast<size_t>(i)];
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  c.ret(std::move(out));
}
void ord(OpCall& c) {
  if (text(c).size() != 1) {
    throw RuntimeError(cat("String for ord() must be 1 character, found ", text(c).size()));
  }
  c.ret(static_cast<int64_t>(static_cast<uint8_t>(text(c)[0])));
}
void chr(OpCall& c) { c.ret(std::string(1, static_cast<char>(c.integer(0)))); }
void add_strings(OpCall& c) {
  check_growth(static_cast<int64_t>(text(c).size() + text(c, 1).size()), 1);
  c.ret(text(c) + text(c, 1));
}
void str(OpCall& c) { c.ret(value_text(c[0])); }

// --- formatting

void format(OpCall& c) {
  const std::string& s = text(c);
  std::string out;
  size_t next = 1;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '{' || i + 1 >= s.size() || s[i + 1] != '}') {
      out += s[i];
      continue;
    }
    if (next >= c.size()) throw RuntimeError(cat("Too few arguments for format string: ", s));
    out += value_text(c[next++]);
    ++i;
  }
  c.ret(std::move(out));
}

std::string formatted(const IValue& value, char specifier) {
  if (specifier == 's') return value_text(value);
  if (specifier == 'c' && value.isString()) return value.toStringRef();
  const bool number = value.isInt() || value.isDouble() || value.isBool();
  if (!number) {
    throw RuntimeError(cat("%", specifier, " requires a number for formatting, but got ", value.type_name()));
  }
  const Scalar n = value.toScalar();
  switch (specifier) {
    case 'd':
    case 'i':
      return cat(n.to_int());
    case 'c':
      return {1, static_cast<char>(n.to_int())};
    default: {
      char buffer[400];
      const char pattern[] = {'%', specifier, '\0'};
      const int length = std::snprintf(buffer, sizeof buffer, pattern, n.to_double());
      return {buffer, static_cast<size_t>(length)};
    }
  }
}

/// Arguments: the format, then one value, or a tuple of values.
void percent_format(OpCall& c) {
  const std::string& s = text(c);
  std::vector<IValue> values;
  for (size_t i = 1; i < c.size(); ++i) values.push_back(c[i]);
  if (values.size() == 1 && values[0].isTuple()) values = values[0].toTuple()->elements();
  std::string out;
  size_t next = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '%') {
      out += s[i];
      continue;
    }
    if (++i == s.size()) throw RuntimeError("Incomplete format specifier");
    if (s[i] == '%') {
      out += '%';
      continue;
    }
    if (std::string_view("sdiceEfF").find(s[i]) == std::string_view::npos) {
      throw RuntimeError(cat("The specifier %", s[i], " is not supported in TorchScript format strings"));
    }
    if (next >= values.size()) throw RuntimeError("Too few arguments for format string");
    out += formatted(values[next++], s[i]);
  }
  if (next < values.size()) throw RuntimeError("Too many arguments for format string");
  c.ret(std::move(out));
}

constexpr OpRow kStringOps[] = {
    {"aten::len.str(str s) -> int", len},
    {"aten::__getitem__.str(str s, int index) -> str", get_item},
    {"prim::StringIndex(str string, int index) -> str", get_item},
    {"aten::slice.str(str string, int? start=None, int? end=None, int step=1) -> str", slice},
    {"aten::ord(str string) -> int", ord},
    {"aten::chr(int i) -> str", chr},
    {"aten::add.str(str a, str b) -> str", add_strings},
    {"aten::str(t elem) -> str", str},
    {"aten::format(str self, ...) -> str", format},
    {"aten::percentFormat(str self, ...) -> str", percent_format},
    {"aten::upper(str self) -> str", mapped<upper>},
    {"aten::lower(str self) -> str", mapped<lower>},
    {"aten::swapcase(str self) -> str", mapped<swap_case>},
    {"aten::capitalize(str self) -> str", capitalize},
    {"aten::title(str self) -> str", title},
    {"aten::isspace(str self) -> bool", all_are<is_space>},
    {"aten::isalpha(str self) -> bool", all_are<is_alpha>},
    {"aten::isdigit(str self) -> bool", all_are<is_digit>},
    {"aten::isdecimal(str self) -> bool", all_are<is_digit>},
    {"aten::isnumeric(str self) -> bool", all_are<is_digit>},
    {"aten::isalnum(str self) -> bool", all_are<is_alnum>},
    {"aten::isprintable(str self) -> bool", is_printable},
    {"aten::islower(str self) -> bool", is_lower_op},
    {"aten::isupper(str self) -> bool", is_upper_op},
    {"aten::istitle(str self) -> bool", is_title},
    {"aten::isidentifier(str self) -> bool", is_identifier},
    {"aten::strip(str self, str chars=\" \\n\\t\\f\\v\") -> str", strip},
    {"aten::lstrip(str self, str chars=\" \\n\\t\\f\\v\") -> str", lstrip},
    {"aten::rstrip(str self, str chars=\" \\n\\t\\f\\v\") -> str", rstrip},
    {"aten::ljust(str self, int width, str fillchar=\" \") -> str", ljust},
    {"aten::rjust(str self, int width, str fillchar=\" \") -> str", rjust},
    {"aten::center(str self, int width, str fillchar=\" \") -> str", center},
    {"aten::zfill(str self, int width) -> str", zfill},
    {"aten::expandtabs(str self, int tabsize=8) -> str", expand_tabs},
};

}  // namespace

OpTable string_ops() { return kStringOps; }

}  // namespace calque::ops

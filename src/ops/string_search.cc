// Searching, splitting and joining strings.
#include <algorithm>

#include "base/text.h"
#include "ops/limits.h"
#include "ops/strings.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

// --- searching in text[start:end], where end -1 is the end

struct Window {
  int64_t start;
  int64_t end;
};
Window window(const OpCall& c) {
  const auto size = static_cast<int64_t>(text(c).size());
  int64_t start = c.integer(2);
  int64_t end = c.integer(3);
  if (start < 0) start = std::max<int64_t>(0, start + size);
  // PyTorch counts a negative end from one past the end.
  if (end < 0) end = std::max<int64_t>(0, end + size + 1);
  return {.start = start, .end = std::min(end, size)};
}
int64_t find_in(const OpCall& c, bool from_right) {
  const Window w = window(c);
  if (w.start > w.end) return -1;
  const std::string_view part = std::string_view(text(c)).substr(w.start, w.end - w.start);
  const size_t at = from_right ? part.rfind(text(c, 1)) : part.find(text(c, 1));
  return at == std::string_view::npos ? -1 : static_cast<int64_t>(at) + w.start;
}
void find(OpCall& c) { c.ret(find_in(c, false)); }
void rfind(OpCall& c) { c.ret(find_in(c, true)); }
void index(OpCall& c) {
  if (find_in(c, false) < 0) throw RuntimeError("ValueError: substring not found");
  find(c);
}
void rindex(OpCall& c) {
  if (find_in(c, true) < 0) throw RuntimeError("ValueError: substring not found");
  rfind(c);
}
/// A match counts when it begins inside the window.
void count(OpCall& c) {
  const Window w = window(c);
  const std::string& s = text(c);
  const std::string& needle = text(c, 1);
  if (w.start > w.end) return c.ret(int64_t{0});
  if (needle.empty()) return c.ret(w.end - w.start + 1);
  int64_t found = 0;
  for (size_t at = s.find(needle, w.start); at != std::string::npos && static_cast<int64_t>(at) < w.end;
       at = s.find(needle, at + needle.size())) {
    ++found;
  }
  c.ret(found);
}
std::string_view windowed(const OpCall& c) {
  const Window w = window(c);
  if (w.start > static_cast<int64_t>(text(c).size())) {
    throw RuntimeError(cat("basic_string::substr: __pos (which is ", w.start, ") > this->size() (which is ",
                           text(c).size(), ")"));
  }
  return std::string_view(text(c)).substr(w.start, std::max<int64_t>(w.end - w.start, 0));
}
void starts_with(OpCall& c) { c.ret(windowed(c).starts_with(text(c, 1))); }
void ends_with(OpCall& c) { c.ret(windowed(c).ends_with(text(c, 1))); }
// --- splitting and joining

void split(OpCall& c) {
  const std::string& s = text(c);
  std::vector<std::string> out;
  if (c[1].isNone()) {
    // PyTorch does not heed the limit here.
    for (size_t at = 0; at < s.size();) {
      const size_t end =
          std::find_if(s.begin() + static_cast<std::ptrdiff_t>(at), s.end(), is_space) - s.begin();
      if (end > at) out.push_back(s.substr(at, end - at));
      at = end + 1;
    }
    return c.ret(out);
  }
  const std::string& separator = text(c, 1);
  if (separator.empty()) throw RuntimeError("ValueError: empty separator");
  int64_t left = c.integer(2);
  size_t at = 0;
  for (size_t end = s.find(separator); end != std::string::npos && left != 0;
       end = s.find(separator, at), --left) {
    out.push_back(s.substr(at, end - at));
    at = end + separator.size();
  }
  out.push_back(s.substr(at));
  c.ret(out);
}

void rsplit(OpCall& c) {
  std::string_view s = text(c);
  const std::string& separator = text(c, 1);
  if (separator.empty()) throw RuntimeError("ValueError: empty separator");
  int64_t left = c.integer(2);
  std::vector<std::string> out;
  for (size_t at = s.rfind(separator); at != std::string_view::npos && left != 0;
       at = s.rfind(separator), --left) {
    out.emplace_back(s.substr(at + separator.size()));
    s = s.substr(0, at);
  }
  out.emplace_back(s);
  std::ranges::reverse(out);
  c.ret(out);
}

/// Each terminator ends a line; kept ones are elements of their own, as in PyTorch.
void split_lines(OpCall& c) {
  constexpr std::string_view kEnds = "\n\r\x0b\x0c\x1c\x1d\x1e";
  const std::string& s = text(c);
  std::vector<std::string> out;
  size_t at = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    if (kEnds.find(s[i]) == std::string_view::npos) continue;
    out.push_back(s.substr(at, i - at));
    if (c.boolean(1)) out.emplace_back(1, s[i]);
    at = i + 1;
  }
  if (at < s.size()) out.push_back(s.substr(at));
  c.ret(out);
}

void join(OpCall& c) {
  const Ref<ListImpl> parts = c[1].toListRef();
  int64_t total = 0;
  for (const IValue& part : parts->items)
    total += static_cast<int64_t>(part.toStringRef().size() + text(c).size());
  check_growth(total, 1);
  std::string out;
  for (size_t i = 0; i < parts->items.size(); ++i) {
    if (i > 0) out += text(c);
    out += parts->items[i].toStringRef();
  }
  c.ret(std::move(out));
}

template <bool FromRight>
void partition(OpCall& c) {
  const std::string& s = text(c);
  const std::string& separator = text(c, 1);
  const size_t at = FromRight ? s.rfind(separator) : s.find(separator);
  const bool found = at != std::string::npos;
  c.ret(found ? s.substr(0, at) : FromRight ? std::string() : s, 0);
  c.ret(found ? separator : std::string(), 1);
  c.ret(found ? s.substr(at + separator.size()) : FromRight ? s : std::string(), 2);
}

void replace(OpCall& c) {
  const std::string& s = text(c);
  const std::string& old = text(c, 1);
  const std::string& fresh = text(c, 2);
  int64_t left = c.integer(3);
  std::string out;
  size_t at = 0;
  while (left != 0) {
    const size_t found = s.find(old, at);
    if (found == std::string::npos || (old.empty() && found >= s.size())) break;
    check_growth(static_cast<int64_t>(out.size() + s.size() + fresh.size()), 1);
    out.append(s, at, found - at);
    out += fresh;
    at = found + old.size();
    if (old.empty()) out += s[at++];
    --left;
  }
  if (old.empty() && left != 0) out += fresh;
  c.ret(out.append(s, at));
}

constexpr OpRow kStringSearchOps[] = {
    {"aten::find(str self, str substr, int start=0, int end=-1) -> int", find},
    {"aten::rfind(str self, str substr, int start=0, int end=-1) -> int", rfind},
    {"aten::index.str(str self, str substr, int start=0, int end=-1) -> int", index},
    {"aten::rindex(str self, str substr, int start=0, int end=-1) -> int", rindex},
    {"aten::count(str self, str substr, int start=0, int end=-1) -> int", count},
    {"aten::startswith(str self, str substr, int start=0, int end=-1) -> bool", starts_with},
    {"aten::endswith(str self, str substr, int start=0, int end=-1) -> bool", ends_with},
    {"aten::split.str(str self, str? separator=None, int max=-1) -> str[]", split},
    {"aten::rsplit(str self, str separator=\" \", int max=-1) -> str[]", rsplit},
    {"aten::splitlines(str self, bool keepends=False) -> str[]", split_lines},
    {"aten::join(str self, str[] values) -> str", join},
    {"aten::partition(str self, str separator) -> (str, str, str)", partition<false>},
    {"aten::rpartition(str self, str separator) -> (str, str, str)", partition<true>},
    {"aten::replace(str self, str old, str new, int max=-1) -> str", replace},
};

}  // namespace

OpTable string_search_ops() { return kStringSearchOps; }

}  // namespace calque::ops
